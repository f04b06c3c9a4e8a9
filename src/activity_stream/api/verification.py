"""The verification feed: a sample source with one activity for each second of the past 24 hours.

A page at `/{unix time}` begins with that second's activity, or with the oldest there still is. A page that has items
has `next`; the page after the newest is empty, and has items when it is asked for again later.
"""

import time
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from activity_stream.ports import Clock

DAY = 86_400
PAGE_SIZE = 100

Check = Callable[[web.Request], Awaitable[bool]]
"""Whether a caller may read the feed."""

_NAME = "dit:activityStreamVerificationFeed"
_HEAD = (
    '{"@context":["https://www.w3.org/ns/activitystreams",'
    '{"dit":"https://www.trade.gov.uk/ns/activitystreams/v1"}],"type":"Collection","orderedItems":['
)


class VerificationFeed:
    """Serves the pages of the day that `clock` is at; `check` None lets everyone read."""

    def __init__(self, clock: Clock, check: Check | None = None) -> None:
        self._clock = clock
        self._check = check

    async def page(self, request: web.Request) -> web.Response:
        """One page, as JSON; 401 for a caller that `check` does not let through."""
        if self._check is not None and not await self._check(request):
            return web.json_response({"details": "Incorrect authentication credentials."}, status=401)
        now = int(self._clock.now())
        first = max(int(request.match_info["start"]), now - DAY + 1)
        seconds = range(first, min(first + PAGE_SIZE, now + 1))
        items = ",".join([activity(second) for second in seconds])
        following = ""
        if seconds:
            address = f"{request.scheme}://{request.host}/{seconds[-1] + 1}"
            following = f',"next":{msgspec.json.encode(address).decode()}'
        return web.Response(text=f"{_HEAD}{items}]{following}}}", content_type="application/activity+json")


def activity(second: int) -> str:
    """The JSON of the activity of a second, in seconds since 1970."""
    published = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))
    key = f"{_NAME}:Verifier:{second}"
    return (
        f'{{"id":"{key}:Create","type":"Create","published":"{published}",'
        f'"dit:application":"activityStreamVerificationFeed",'
        f'"actor":{{"type":["Organization","{_NAME}Organization"],"{_NAME}OrganizationId":"1"}},'
        f'"object":{{"id":"{key}","type":["Document","{_NAME}:Verifier"],"name":"{second} Test Object Name",'
        f'"published":"{published}","url":"https://activitystream.uktrade.io/activities/{second}"}}}}'
    )


def make_verification_app(clock: Clock, check: Check | None = None) -> web.Application:
    """The application, to be served on any port; the seed of a feed of type `activity_stream` is its `/0`."""
    feed = VerificationFeed(clock, check)
    app = web.Application()
    app.router.add_get("/{start:[0-9]{1,15}}", feed.page)
    return app
