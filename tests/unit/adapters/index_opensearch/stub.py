"""A server that stands in for a cluster where a test has to see what arrives, byte for byte, or say what comes back."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web

from activity_stream.adapters.clock import SystemClock


class Asked(msgspec.Struct, frozen=True):
    """One request as it arrived; the names of headers are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Told(msgspec.Struct, frozen=True):
    """One answer; `breaks` closes the connection in its place, `hangs` never gives it."""

    status: int = 200
    body: bytes = b"{}"
    kind: str = "application/json"
    location: str | None = None
    breaks: bool = False
    hangs: bool = False


class Stub:
    """Gives the answers in turn, the last one for ever, and keeps what it was asked."""

    def __init__(self, answers: Sequence[Told]) -> None:
        self.asked: list[Asked] = []
        self.port = 0
        self._answers = list(answers)
        self._released = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The answer whose turn it is."""
        arrived = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append(Asked(request.method, request.raw_path, arrived, await request.read()))
        told = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if told.breaks:
            assert request.transport is not None
            request.transport.abort()
        if told.hangs:
            await self._released.wait()
        headers = {"Location": told.location} if told.location else {}
        return web.Response(status=told.status, body=told.body, content_type=told.kind, headers=headers)

    def release(self) -> None:
        """Let what hangs come to its end."""
        self._released.set()


class CountedClock(SystemClock):
    """A clock on which waiting takes no time; `slept` has what was waited for."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Return at once."""
        self.slept.append(seconds)


@asynccontextmanager
async def stub(*answers: Told, tls: ssl.SSLContext | None = None) -> AsyncIterator[Stub]:
    """A server on a free port of the loopback, for as long as the context lasts."""
    server = Stub(answers or [Told()])
    application = web.Application(client_max_size=2**26)
    application.router.add_route("*", "/{rest:.*}", server.answer)
    runner = web.AppRunner(application, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        server.release()
        await runner.cleanup()
