"""Asks sources over HTTP, politely: one connection, one request at a time, and patience when a source asks for it.

    fetch ──► one try ──► 2xx ─────────────────────────► Response
      ▲         │    └──► 429, 503 with Retry-After ──► wait, then the next try (signed anew), ten at most
      └─ lock   └───────► anything else ──────────────► an error that says what came and what to change

Addresses go out byte for byte, redirects are not followed (a signature is for one address), cookies are not kept.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from importlib.metadata import version
from urllib.parse import urlsplit

import aiohttp
import msgspec
from yarl import URL

from activity_stream.errors import PageTooLarge, SourceBusy, SourceRefused, SourceUnavailable
from activity_stream.ports import Clock, Request, Response
from activity_stream.retry import TRIES_IN_A_ROW, retry_after

OnAnswer = Callable[[str, int, float, int], None]
"""Is told of each answer: the host, the status, the seconds it took, the bytes of its body, decompressed."""

USER_AGENT = f"activity-stream/{version('activity-stream')}"
MAX_PAGE_BYTES = 64 * 1024 * 1024
_EXCERPT_BYTES = 16 * 1024
_BLANKS = re.compile(r"\s+")

_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ConnectionTimeoutError, "it could not be connected to in time"),
    (TimeoutError, "it took too long to answer"),
    (aiohttp.ClientConnectorDNSError, "its name cannot be resolved"),
    (aiohttp.ClientConnectorCertificateError, "its certificate cannot be trusted"),
    (aiohttp.ClientSSLError, "TLS with it failed"),
    (aiohttp.ClientConnectorError, "it cannot be connected to"),
    (aiohttp.ClientPayloadError, "its answer broke off or cannot be unpacked"),
    (aiohttp.ClientResponseError, "its answer is not HTTP as it should be"),
    (aiohttp.ServerDisconnectedError, "it closed the connection without an answer"),
    (aiohttp.ClientOSError, "the connection was lost"),
)


class Timeouts(msgspec.Struct, frozen=True):
    """How long one try may take, in seconds: to connect, between two pieces of the answer, in all."""

    connect: float = 15.0
    read: float = 60.0
    total: float = 900.0


class _Answer(msgspec.Struct, frozen=True):
    """What one try brought; `body` is whole for a 2xx status, otherwise its beginning, fit to be shown."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    excerpt: str = ""


class _Signing:
    """Signs a try as it goes out: on a lost connection aiohttp asks again by itself, and then needs a new nonce."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.sent: tuple[str, ...] = ()

    async def __call__(
        self, outgoing: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        asked = self._request
        if asked.signer is not None:
            headers = asked.signer(asked.method, asked.url, asked.content_type or "", asked.body)
            outgoing.headers.update(headers)
            self.sent += tuple(headers.values())
        return await handler(outgoing)


def _ignore(host: str, status: int, seconds: float, size: int) -> None:
    """Nobody wants to be told."""


class HttpFetcher:
    """A Fetcher for one source. An answer larger than `max_page_bytes`, decompressed, is not taken.

    Messages name the scheme, host and path that were asked, never the query, which can hold secrets.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        max_page_bytes: int = MAX_PAGE_BYTES,
        timeouts: Timeouts | None = None,
        on_answer: OnAnswer = _ignore,
    ) -> None:
        self._clock = clock
        self._max_page_bytes = max_page_bytes
        self._timeouts = timeouts or Timeouts()
        self._on_answer = on_answer
        self._lock = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, request: Request, on_wait: Callable[[float], None]) -> Response:
        """The source's 2xx answer; see the port."""
        url = _url(request.url)
        async with self._lock:
            for tries_left in range(TRIES_IN_A_ROW, -1, -1):
                answer = await self._try(request, url)
                wait = self._wait(answer)
                if wait is None:
                    return _accepted(request, answer)
                if tries_left:
                    on_wait(wait)
                    await self._clock.sleep(wait)
        raise SourceBusy(
            f"{_place(request.url)} still answered {answer.status} after it was asked {TRIES_IN_A_ROW} times more, "
            f"each time when its Retry-After said"
        )

    async def close(self) -> None:
        """End the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _try(self, request: Request, url: URL) -> _Answer:
        signing = _Signing(request)
        started = self._clock.monotonic()
        try:
            async with self._opened().request(
                request.method,
                url,
                headers=headers_of(request),
                data=request.body or None,
                skip_auto_headers=("Content-Type",),
                allow_redirects=False,
                middlewares=(signing,),
            ) as response:
                body = await self._body(response, _place(request.url))
                self._on_answer(url.host or "", response.status, self._clock.monotonic() - started, len(body))
                secrets = (*request.headers.values(), *signing.sent)
                excerpt = "" if _is_success(response.status) else _excerpt(body, request, secrets)
                return _Answer(response.status, _lower(response.headers), body, excerpt)
        except (aiohttp.ClientError, OSError) as error:
            raise SourceUnavailable(f"{_place(request.url)} did not answer: {_reason(error)}") from error

    def _opened(self) -> aiohttp.ClientSession:
        """The session; made here because it needs a running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=1),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"},
                timeout=aiohttp.ClientTimeout(
                    total=self._timeouts.total, connect=self._timeouts.connect, sock_read=self._timeouts.read
                ),
            )
        return self._session

    async def _body(self, response: aiohttp.ClientResponse, place: str) -> bytes:
        """The body, piece by piece so that its unpacked size is bounded; of an error only as much as is shown."""
        success = _is_success(response.status)
        limit = self._max_page_bytes if success else _EXCERPT_BYTES
        pieces: list[bytes] = []
        size = 0
        async for piece in response.content.iter_any():
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                response.close()
                if success:
                    raise PageTooLarge(
                        f"{place} answered with more than {limit} bytes; the source needs smaller pages, or "
                        f"MAX_PAGE_BYTES a larger number"
                    )
                break
        return b"".join(pieces)

    def _wait(self, answer: _Answer) -> float | None:
        """The seconds after which to ask again, None where the answer does not ask for that."""
        if answer.status not in (429, 503):
            return None
        return retry_after(answer.headers.get("retry-after"), self._clock.now())


def headers_of(request: Request) -> dict[str, str]:
    """What every try of a request sends. `Host` has a port if the address has one: some sources need even the usual."""
    headers = {"Host": urlsplit(request.url).netloc, **request.headers}
    if request.content_type is not None:
        headers["Content-Type"] = request.content_type
    return headers


def _accepted(request: Request, answer: _Answer) -> Response:
    """The response for a 2xx; for any other status the error that tells what to change."""
    place, status = _place(request.url), answer.status
    if _is_success(status):
        return Response(request.url, status, answer.headers, answer.body)
    if status == 429:
        raise SourceBusy(f"{place} answered 429 without a Retry-After that can be understood: {answer.excerpt}")
    if status >= 500:
        raise SourceUnavailable(f"{place} answered {status}: {answer.excerpt}")
    if 300 <= status < 400:
        host = _host(answer.headers.get("location", "")) or "nowhere"
        raise SourceRefused(
            f"{place} answered {status} and points to {host}; redirects are not followed: change the feed's SEED (or "
            f"what the source gives as `next`) to the address that answers itself"
        )
    hint = "; check the feed's AUTH, ACCESS_KEY_ID and SECRET_ACCESS_KEY, and the clock" if status in (401, 403) else ""
    raise SourceRefused(f"{place} answered {status}{hint}: {answer.excerpt}")


def _url(address: str) -> URL:
    """The address as aiohttp takes it without encoding anything anew."""
    try:
        url = URL(address, encoded=True)
        usable = url.scheme in ("http", "https") and bool(url.host)
    except ValueError as error:
        raise SourceRefused("the address cannot be asked: it has a host or a port that cannot be") from error
    if not usable:
        raise SourceRefused(f"{_place(address)} cannot be asked: an address begins with http:// or https:// and a host")
    return url


def _place(address: str) -> str:
    """Scheme, host and path, for messages."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _host(location: str) -> str:
    """Where a redirect leads, without path and query; empty where that is not to be told."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return ""
    if not parts.netloc:
        return "another path of the same host" if location else ""
    return f"{parts.scheme or 'the same scheme'}://{parts.netloc.rpartition('@')[2]}"


def _is_success(status: int) -> bool:
    return 200 <= status < 300


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _excerpt(body: bytes, request: Request, secrets: tuple[str, ...]) -> str:
    """The beginning of a body on one line, without what was sent in confidence should it be echoed."""
    text = body.decode("utf-8", "replace")
    words = [word for secret in secrets for word in (secret, secret.partition(" ")[2])]
    for word in sorted({*words, urlsplit(request.url).query}, key=len, reverse=True):
        if len(word) >= 4:
            text = text.replace(word, "…")
    plain = "".join(each if each.isprintable() else " " for each in text)
    return _BLANKS.sub(" ", plain).strip()[:200] or "(no body)"


def _reason(error: Exception) -> str:
    """What went wrong, in words that repeat neither the address nor anything that was sent."""
    words = next((words for kind, words in _REASONS if isinstance(error, kind)), "the connection failed")
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.strerror:
        return f"{words} ({error.os_error.strerror})"
    return words
