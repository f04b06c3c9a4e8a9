"""What every kind of feed has: a first address, a request for an address, a reading of the answer. Nothing else.

Which page comes next, whether it may be asked for, and whether pages go round is `walk`'s; waiting and asking again
is the fetcher's. A kind has no loop, no retry and no logging.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import urljoin, urlsplit

import msgspec

from activity_stream.errors import NotAFeed, SettingsError
from activity_stream.model import Page
from activity_stream.ports import Request, Response, Signer

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_NOT_IN_AN_ADDRESS = re.compile(r"[\x00-\x20\x7f\\]")
_HOST_AND_PORT = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class FeedType(Protocol):
    """One kind of feed, made for one source; its settings come in through its constructor."""

    def seed(self) -> str:
        """The address of the first page, absolute."""
        ...

    def request(self, address: str) -> Request:
        """What to ask for the page at an address: the seed, or a `next` that a page gave."""
        ...

    def read(self, address: str, response: Response) -> Page:
        """What the answer says: activities, items that cannot be stored, the next address.

        Raises NotAFeed for an answer that is no page at all; one bad item is never a reason for that.
        """
        ...


class FeedSource(msgspec.Struct, frozen=True):
    """A configured source, as every kind's constructor gets it.

    `hawk` makes a signer of a key id and a secret. `allowed_hosts` are those that `next` may lead to besides the
    seed's.
    """

    unique_id: str
    type: str
    seed: str
    auth: str = "hawk"
    key_id: str = ""
    secret: str = ""
    allowed_hosts: tuple[str, ...] = ()
    hawk: Callable[[str, str], Signer] | None = None

    def __repr__(self) -> str:
        """The name and the kind alone: a source may be printed, its secret may not."""
        return f"FeedSource(unique_id={self.unique_id!r}, type={self.type!r})"


class FixedAuthorization(msgspec.Struct, frozen=True):
    """Authenticates each request with the same `Authorization` header (Basic, Bearer)."""

    value: str

    def __call__(self, method: str, url: str, content_type: str, body: bytes) -> Mapping[str, str]:  # noqa: ARG002
        """The header, whatever is asked."""
        return {"Authorization": self.value}

    def __repr__(self) -> str:
        """The name alone."""
        return "FixedAuthorization()"


class Origin(msgspec.Struct, frozen=True):
    """What an address leads to: scheme and host in lower case, and the port, the scheme's own where none is named."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        """The origin as an operator would write it."""
        port = "" if self.port == _DEFAULT_PORTS.get(self.scheme) else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


def make_signer(source: FeedSource) -> Signer | None:
    """What authenticates the source's requests, None where nothing does: AUTH=none, or neither key id nor secret.

    Raises SettingsError for an AUTH that does not exist.
    """
    if source.auth == "none" or not (source.key_id or source.secret):
        return None
    if source.auth == "hawk" and source.hawk is not None:
        return source.hawk(source.key_id, source.secret)
    if source.auth == "basic":
        pair = f"{source.key_id}:{source.secret}".encode()
        return FixedAuthorization(f"Basic {b64encode(pair).decode('ascii')}")
    if source.auth == "bearer":
        return FixedAuthorization(f"Bearer {source.secret}")
    raise SettingsError(
        (f"feed {source.unique_id}: AUTH is {source.auth!r}; it can be hawk, basic, bearer or none",),
    )


def origin(address: str) -> Origin:
    """The origin of an http(s) address.

    Raises NotAFeed for what is not one: no host, a user name in it, a port that is none, blanks or control
    characters. The message does not repeat the address, which may hold secrets.
    """
    if _NOT_IN_AN_ADDRESS.search(address):
        raise NotAFeed("an address has a blank, a control character or a backslash in it; the source has to encode it")
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise NotAFeed("an address has a host or a port that cannot be; expected http(s)://host[:port]/…") from error
    if "@" in parts.netloc:
        raise NotAFeed("an address has a user name in it; credentials belong in the feed's settings")
    if parts.scheme not in _DEFAULT_PORTS:
        raise NotAFeed(f"an address begins with {parts.scheme[:20]!r}; it has to begin with http:// or https://")
    if not host or not _HOST_AND_PORT.fullmatch(parts.netloc):
        raise NotAFeed("an address has no host that could be asked; expected http(s)://host[:port]/…")
    return Origin(parts.scheme, host, _DEFAULT_PORTS[parts.scheme] if port is None else port)


def resolve(page_address: str, reference: str) -> str:
    """The absolute address that a page's reference means (RFC 3986, section 5).

    An absolute reference comes out byte for byte as it went in, and nothing is ever encoded anew: sources sign and
    compare the raw path. A fragment, which HTTP does not send, is left out. Raises NotAFeed where there is no address.
    """
    try:
        address = reference if _ABSOLUTE.match(reference) else urljoin(page_address, reference)
    except ValueError as error:
        raise NotAFeed("a page names an address that cannot be; expected a URL, or a path on the same host") from error
    return address.partition("#")[0]
