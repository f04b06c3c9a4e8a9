"""The only page loop there is.

    walk = Walk(feed_type, address, allowed_hosts)
    while walk.address is not None:
        response = ask(walk.request())          who asks, when, and what for besides is the caller's
        page = walk.accept(response)            moves on to the page's `next`; None: that was the last one

It is cut into steps so that the two cycles of a feed can take turns at one source, one request at a time.
"""

from collections.abc import Sequence

from activity_stream.errors import ForeignHost, NotAFeed, PageLoop
from activity_stream.feeds.base import FeedType, Origin, origin
from activity_stream.model import Page
from activity_stream.ports import Request, Response


class Walk:
    """One way along a feed's pages, from an address to the page without `next`.

    `address` is the page to ask for next, None after the last one; `page_address` the page that was accepted last.
    `allowed_hosts` (`host` or `host:port`) may be led to besides the seed's own scheme, host and port.

    Whether pages go round is found with two addresses of memory, however long the feed (Brent's algorithm): at the
    latest after three times the pages of the way in and the round.
    """

    def __init__(self, feed_type: FeedType, first_address: str, allowed_hosts: Sequence[str] = ()) -> None:
        self._feed_type = feed_type
        self._home = origin(feed_type.seed())
        self._allowed = frozenset(host.lower() for host in allowed_hosts)
        self.address: str | None = first_address
        self.page_address: str | None = None
        self._marked = first_address
        self._steps = 0
        self._stride = 1

    def request(self) -> Request:
        """What to ask for now.

        Raises ForeignHost where the first address, kept from an earlier configuration perhaps, is not the seed's
        host's; ValueError after the last page.
        """
        if self.address is None:
            raise ValueError("the walk is over: there is no next page")
        self._check_host(self.address)
        return self._feed_type.request(self.address)

    def accept(self, response: Response) -> Page:
        """The page that the answer is; `address` moves on.

        Raises NotAFeed, PageLoop, ForeignHost; then `address` stays, and so the same page can be asked for again.
        """
        if self.address is None:
            raise ValueError("the walk is over: no answer was due")
        page = self._feed_type.read(self.address, response)
        if page.next is not None:
            self._check_host(page.next)
            self._check_round(self.address, page.next)
        self.page_address, self.address = self.address, page.next
        return page

    def _check_host(self, address: str) -> None:
        try:
            aim = origin(address)
        except NotAFeed as error:
            raise ForeignHost(f"the next page cannot be asked for: {error}") from error
        if aim != self._home and not self._is_allowed(aim):
            raise ForeignHost(
                f"the next page is at {aim}, the seed at {self._home}; to follow it there, name its host in the feed's "
                f"ALLOWED_HOSTS (https is never left for http, and credentials go to the seed's host alone)"
            )

    def _is_allowed(self, aim: Origin) -> bool:
        """Whether ALLOWED_HOSTS names it; a host without a port means the scheme's own."""
        if self._home.scheme == "https" and aim.scheme != "https":
            return False
        standard = Origin(aim.scheme, aim.host, 443 if aim.scheme == "https" else 80)
        return f"{aim.host}:{aim.port}" in self._allowed or (aim == standard and aim.host in self._allowed)

    def _check_round(self, address: str, following: str) -> None:
        if following in (address, self._marked):
            raise PageLoop(
                "a page came round again: its `next` leads back to a page that was read before; the source has to "
                "leave `next` out on its last page"
            )
        self._steps += 1
        if self._steps == self._stride:
            self._marked, self._steps, self._stride = following, 0, self._stride * 2
