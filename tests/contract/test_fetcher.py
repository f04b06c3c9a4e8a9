"""The Fetcher port: one suite for the shipped fake and for HTTP; and what HTTP alone has to bear."""

import asyncio
import gzip
import socket
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Protocol

import pytest

from activity_stream.adapters.http import HttpFetcher, Timeouts, headers_of
from activity_stream.errors import PageTooLarge, SourceBusy, SourceError, SourceRefused, SourceUnavailable
from activity_stream.ports import Fetcher, Request, Response
from activity_stream.retry import TRIES_IN_A_ROW
from activity_stream.testing.moved_clock import MovedClock
from activity_stream.testing.scripted_feed import Failure, ScriptedSource


def no_wait(seconds: float) -> None:
    """For requests that are not to wait."""
    pytest.fail(f"waits for {seconds} s")


class Source(Protocol):
    """What the suite needs of a source: what to answer next, and what it saw."""

    @property
    def most_at_once(self) -> int:
        """How many requests were under way together."""
        ...

    @property
    def fetcher(self) -> Fetcher:
        """What asks it."""
        ...

    @property
    def url(self) -> str:
        """Its first page's address."""
        ...

    def then(self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"{}") -> None:
        """What comes next; 0: no answer. When nothing is left, 200."""
        ...

    def asked(self) -> int:
        """How many requests it saw."""
        ...


class Fake:
    """The shipped fake."""

    def __init__(self, clock: MovedClock) -> None:
        self.fetcher = ScriptedSource(clock)
        self.url = self.fetcher.seed

    @property
    def most_at_once(self) -> int:
        """How many requests were under way together."""
        return self.fetcher.most_at_once

    def then(self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"{}") -> None:
        """One answer."""
        self.fetcher.fail(Failure(status=status or 200, headers=headers or {}, lost=not status, body=body))

    def asked(self) -> int:
        """How many requests it saw."""
        return self.fetcher.requests


class Raw:
    """A server that answers with whatever bytes it is told to, and keeps what it was sent."""

    def __init__(self, clock: MovedClock, timeouts: Timeouts) -> None:
        self.answers: deque[bytes] = deque()
        self.received: list[bytes] = []
        self.told: list[tuple[str, int, int]] = []
        self.most_at_once = 0
        self.connections = 0
        self.url = ""
        self.keep_open = False
        self.fetcher = HttpFetcher(clock, max_page_bytes=100_000, timeouts=timeouts, on_answer=self._tell)
        self._under_way = 0

    def _tell(self, host: str, status: int, seconds: float, size: int) -> None:
        assert seconds >= 0
        self.told.append((host, status, size))

    def then(self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"{}") -> None:
        """One answer, of the right length; 0: the connection is closed instead."""
        if not status:
            # Twice: on a lost connection aiohttp asks once more by itself.
            self.answers += [b"", b""]
            return
        lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.answers.append("\r\n".join([*lines, "", ""]).encode() + body)

    def asked(self) -> int:
        """How many requests it saw."""
        return len(self.received)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            while not reader.at_eof():
                await self._answer(reader, writer)
                if not self.keep_open:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
        self.received.append(head + await reader.readexactly(int(length.partition(b":")[2])))
        await asyncio.sleep(0.01)
        self._under_way -= 1
        ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
        writer.write(self.answers.popleft() if self.answers else ok)
        await writer.drain()

    def header(self, name: str) -> list[str]:
        """The values of a header in the requests that had it."""
        lines = [line for head in self.received for line in head.decode().split("\r\n")]
        return [line.partition(": ")[2] for line in lines if line.lower().startswith(f"{name.lower()}:")]


@pytest.fixture
def clock() -> MovedClock:
    """The time of everything in a test."""
    return MovedClock()


@pytest.fixture
async def raw(clock: MovedClock) -> AsyncIterator[Raw]:
    """The server, on a free port."""
    source = Raw(clock, Timeouts(connect=2, read=0.3, total=2))
    server = await asyncio.start_server(source.serve, "127.0.0.1", 0)
    source.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/feed?after=0"
    yield source
    await source.fetcher.close()
    server.close()
    await server.wait_closed()


@pytest.fixture(params=["fake", "http"])
def source(request: pytest.FixtureRequest, clock: MovedClock) -> Source:
    """Each kind of fetcher, with its source."""
    if request.param == "fake":
        return Fake(clock)
    served: Raw = request.getfixturevalue("raw")
    return served


async def done(clock: MovedClock, asking: Awaitable[Response]) -> Response:
    """The answer, with the clock moved on whenever all that is left is to wait for it."""
    task = asyncio.ensure_future(asking)
    for _ in range(400):
        finished, _ = await asyncio.wait([task], timeout=0.02)
        if finished:
            return task.result()
        if clock.sleeping():
            await clock.advance(100_000)
    raise TimeoutError("no answer came, and nobody waits for the clock")


async def test_an_answer(source: Source) -> None:
    """A 2xx answer comes back as it is, header names in lower case, with the address that was asked."""
    source.then(200, {"X-Odd": "a"}, b'{"orderedItems":[]}')
    response = await source.fetcher.fetch(Request(source.url), no_wait)
    assert (response.status, response.url, response.body) == (200, source.url, b'{"orderedItems":[]}')
    assert {name.lower(): value for name, value in response.headers.items()}["x-odd"] == "a"


async def test_it_waits_as_long_as_the_source_says(source: Source, clock: MovedClock) -> None:
    """After 429 or 503 with Retry-After the same address is asked again, not before the time is over."""
    source.then(429, {"retry-after": "7"})
    source.then(503, {"retry-after": "3600"})
    waits: list[float] = []
    started = clock.now()
    response = await done(clock, source.fetcher.fetch(Request(source.url), waits.append))
    assert response.status == 200
    assert waits == [7.0, 3600.0]
    assert clock.now() - started >= 3607
    assert source.asked() == 3


async def test_a_source_that_is_busy_for_good(source: Source, clock: MovedClock) -> None:
    """After ten tries more the fetcher gives up, having waited before each of them and not after the last."""
    for _ in range(TRIES_IN_A_ROW + 5):
        source.then(429, {"retry-after": "1"})
    waits: list[float] = []
    with pytest.raises(SourceBusy):
        await done(clock, source.fetcher.fetch(Request(source.url), waits.append))
    assert waits == [1.0] * TRIES_IN_A_ROW
    assert source.asked() == TRIES_IN_A_ROW + 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (0, SourceUnavailable),
        (301, SourceRefused),
        (302, SourceRefused),
        (304, SourceRefused),
        (400, SourceRefused),
        (401, SourceRefused),
        (403, SourceRefused),
        (404, SourceRefused),
        (418, SourceRefused),
        (429, SourceBusy),
        (500, SourceUnavailable),
        (502, SourceUnavailable),
        (503, SourceUnavailable),
        (504, SourceUnavailable),
    ],
)
async def test_statuses(source: Source, status: int, error: type[SourceError]) -> None:
    """Each status that is no success is its error, without another try; the next request works again."""
    source.then(status, body=b"")
    with pytest.raises(error):
        await source.fetcher.fetch(Request(source.url), no_wait)
    assert source.asked() == (1 if status else source.asked())
    assert (await source.fetcher.fetch(Request(source.url), no_wait)).status == 200


# What HTTP alone has to bear.


async def test_one_request_at_a_time(raw: Raw) -> None:
    """However many ask together, the source sees one request at a time, over one connection."""
    raw.keep_open = True
    await asyncio.gather(*(raw.fetcher.fetch(Request(raw.url), no_wait) for _ in range(5)))
    assert (raw.asked(), raw.most_at_once, raw.connections) == (5, 1, 1)


async def test_while_a_source_asks_for_patience_nobody_asks_it(raw: Raw, clock: MovedClock) -> None:
    """A wait holds for every request to the source, not only for the one that was told to wait."""
    raw.then(429, {"Retry-After": "100"})
    asking = [asyncio.ensure_future(raw.fetcher.fetch(Request(raw.url), lambda _: None)) for _ in range(2)]
    finished, _ = await asyncio.wait(asking, timeout=0.1)
    assert (len(finished), raw.asked()) == (0, 1)
    for task in asking:
        assert (await done(clock, task)).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/feed?cursor=2019-06-17+16%3A02%3A28.796549%2B00%3a00&cursor=856b95f1",
        "/a/../b//c/%2e%2E/?x=%7e~&&=&x=1;y",
        "/?q=%C3%BC+a%20b'()*!",
        "/%",
    ],
)
async def test_the_address_goes_out_byte_for_byte(raw: Raw, path: str) -> None:
    """Path and query are sent exactly as they came."""
    await raw.fetcher.fetch(Request(raw.url.removesuffix("/feed?after=0") + path), no_wait)
    assert raw.received[0].startswith(f"GET {path} HTTP/1.1\r\n".encode())


async def test_what_a_get_sends(raw: Raw) -> None:
    """A GET has no Content-Type, not even an empty one, no cookie, no X-Forwarded-For, and says who asks."""
    raw.then(200, {"Set-Cookie": "session=1; Path=/"})
    url = raw.url.replace("127.0.0.1", "localhost")
    for _ in range(2):
        await raw.fetcher.fetch(Request(url), no_wait)
    for name in ("Content-Type", "Cookie", "X-Forwarded-For", "Authorization"):
        assert raw.header(name) == []
    assert raw.header("Host") == [url.split("/")[2]] * 2
    assert raw.header("User-Agent")[0].startswith("activity-stream/")


@pytest.mark.parametrize("host", ["source.example:443", "source.example", "SOURCE.example:8443", "[::1]:443"])
def test_the_host_header_is_as_in_the_address(host: str) -> None:
    """`Host` has a port where the address has one, even the scheme's own: some sources cannot do without."""
    assert headers_of(Request(f"https://{host}/feed")) == {"Host": host}


async def test_what_a_post_sends(raw: Raw) -> None:
    """A POST sends its body and exactly the content type it was given."""
    raw.keep_open = True
    await raw.fetcher.fetch(Request(raw.url, "POST", content_type="text/odd", body=b"a=1"), no_wait)
    await raw.fetcher.fetch(Request(raw.url, "POST", body=b"a=2"), no_wait)
    assert [request.rpartition(b"\r\n\r\n")[2] for request in raw.received] == [b"a=1", b"a=2"]
    assert raw.header("Content-Type") == ["text/odd"]


class Nonces:
    """A signer whose every signature is another."""

    def __init__(self) -> None:
        self.signed: list[tuple[str, str, str, bytes]] = []

    def __call__(self, method: str, url: str, content_type: str, body: bytes) -> dict[str, str]:
        """A header with a number that was not used before."""
        self.signed.append((method, url, content_type, body))
        return {"Authorization": f'Hawk nonce="secret{len(self.signed)}"'}


async def test_each_try_is_signed_anew(raw: Raw, clock: MovedClock) -> None:
    """The first try and those after a wait have a signature each, over the raw address and an empty type."""
    raw.then(429, {"Retry-After": "1"})
    signer = Nonces()
    await done(clock, raw.fetcher.fetch(Request(raw.url, signer=signer), lambda _: None))
    assert raw.header("Authorization") == ['Hawk nonce="secret1"', 'Hawk nonce="secret2"']
    assert signer.signed == [("GET", raw.url, "", b"")] * 2


async def test_a_try_after_a_lost_connection_is_signed_anew(raw: Raw) -> None:
    """Where the connection is lost and the request is sent again, no nonce is used twice."""
    raw.answers.append(b"")
    await raw.fetcher.fetch(Request(raw.url, signer=Nonces()), no_wait)
    assert raw.header("Authorization") == ['Hawk nonce="secret1"', 'Hawk nonce="secret2"']


async def test_a_redirect_is_not_followed(raw: Raw) -> None:
    """A redirect is an error that names where it leads, without the path, and what to change."""
    raw.then(302, {"Location": "https://other.example/login?token=t0ken"})
    with pytest.raises(SourceRefused, match=r"points to https://other\.example; .*SEED") as refused:
        await raw.fetcher.fetch(Request(raw.url), no_wait)
    assert "t0ken" not in str(refused.value)
    assert raw.asked() == 1


async def test_a_refusal_says_what_came(raw: Raw) -> None:
    """A 4xx's message has the status and the beginning of its body on one line, and no secret even if echoed."""
    body = b'{"message":\n "Invalid\x1b[31m header Hawk nonce="secret1"", "for": "?key=s3cret"}' + b"x" * 50_000
    raw.then(401, body=body)
    with pytest.raises(SourceRefused) as refused:
        await raw.fetcher.fetch(Request(raw.url + "&key=s3cret", signer=Nonces()), no_wait)
    message = str(refused.value)
    assert "answered 401" in message
    assert "Invalid [31m header" in message
    assert "SECRET_ACCESS_KEY" in message
    assert "secret1" not in message
    assert "after=0&key" not in message
    assert message.isprintable()
    assert len(message) < 500


async def test_answers_are_observed(raw: Raw, clock: MovedClock) -> None:
    """Each answer is told with host, status and size, those that are errors too."""
    raw.then(429, {"Retry-After": "1"}, b"busy")
    raw.then(500, body=b"")
    with pytest.raises(SourceUnavailable):
        await done(clock, raw.fetcher.fetch(Request(raw.url), lambda _: None))
    await raw.fetcher.fetch(Request(raw.url), no_wait)
    assert raw.told == [("127.0.0.1", 429, 4), ("127.0.0.1", 500, 0), ("127.0.0.1", 200, 2)]


async def test_a_compressed_answer(raw: Raw) -> None:
    """A gzip answer is unpacked."""
    raw.then(200, {"Content-Encoding": "gzip"}, gzip.compress(b'{"a":1}'))
    assert (await raw.fetcher.fetch(Request(raw.url), no_wait)).body == b'{"a":1}'


@pytest.mark.parametrize("packed", [False, True])
async def test_an_answer_that_is_too_large(raw: Raw, packed: bool) -> None:
    """More than the limit is refused, however little of it came over the wire, and the next request works again."""
    body = b" " * 50_000_000 if packed else b" " * 100_001
    headers = {"Content-Encoding": "gzip"} if packed else {}
    raw.then(200, headers, gzip.compress(body) if packed else body)
    with pytest.raises(PageTooLarge, match="MAX_PAGE_BYTES"):
        await raw.fetcher.fetch(Request(raw.url), no_wait)
    assert (await raw.fetcher.fetch(Request(raw.url), no_wait)).status == 200


async def test_an_answer_of_exactly_the_limit(raw: Raw) -> None:
    """The limit itself is not too large."""
    raw.then(200, body=b" " * 100_000)
    assert len((await raw.fetcher.fetch(Request(raw.url), no_wait)).body) == 100_000


BROKEN = {
    "shorter than announced": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
    "a chunk too few": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{....\r\n",
    "chunks that are none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "no gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
    "no HTTP": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "an endless header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
    "half a header": b"HTTP/1.1 200 OK\r\nContent-Le",
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_answer(raw: Raw, name: str) -> None:
    """An answer that breaks off or is no HTTP is a source that is unavailable, in words without the query."""
    raw.answers += [BROKEN[name]] * 2
    with pytest.raises(SourceUnavailable, match="did not answer") as unavailable:
        await raw.fetcher.fetch(Request(raw.url), no_wait)
    assert "after=0" not in str(unavailable.value)
    raw.answers.clear()
    assert (await raw.fetcher.fetch(Request(raw.url), no_wait)).status == 200


async def test_silence_ends(clock: MovedClock) -> None:
    """A source that accepts and then says nothing is given up after the time that was set."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    fetcher = HttpFetcher(clock, timeouts=Timeouts(connect=1, read=0.1, total=1))
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    with pytest.raises(SourceUnavailable, match="took too long"):
        await asyncio.wait_for(fetcher.fetch(Request(url), no_wait), 5)
    await fetcher.close()
    server.close()


async def test_nobody_there(clock: MovedClock) -> None:
    """A port where nobody listens, and a name that nobody has, are named in words."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        fetcher = HttpFetcher(clock)
        with pytest.raises(SourceUnavailable, match="cannot be connected to"):
            await fetcher.fetch(Request(f"http://127.0.0.1:{taken.getsockname()[1]}/?key=s3cret"), no_wait)
    with pytest.raises(SourceUnavailable, match="name cannot be resolved"):
        await asyncio.wait_for(fetcher.fetch(Request("http://no-such-host.invalid/"), no_wait), 20)
    await fetcher.close()


async def test_tls_that_fails(clock: MovedClock) -> None:
    """A source that does not speak TLS where https was asked for is unavailable."""

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    fetcher = HttpFetcher(clock)
    with pytest.raises(SourceUnavailable, match="TLS with it failed"):
        await fetcher.fetch(Request(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"), no_wait)
    await fetcher.close()
    server.close()


@pytest.mark.parametrize("address", ["", "/x", "ftp://source.example/", "http://", "http://[1/", "http://a:99999/"])
async def test_an_address_that_cannot_be_asked(raw: Raw, address: str) -> None:
    """What is no http address is refused before anything is sent."""
    with pytest.raises(SourceRefused, match="cannot be asked"):
        await raw.fetcher.fetch(Request(address), no_wait)


async def test_a_cancelled_request_does_not_block_the_next(raw: Raw) -> None:
    """A request that was given up leaves the source free for the next one."""
    first = asyncio.ensure_future(raw.fetcher.fetch(Request(raw.url), no_wait))
    await asyncio.sleep(0.005)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (await asyncio.wait_for(raw.fetcher.fetch(Request(raw.url), no_wait), 2)).status == 200
