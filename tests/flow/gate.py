"""A gate between a collector and the index: one chosen request is kept back until the test lets it through."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from yarl import URL

Wanted = Callable[[str, str, bytes], bool]
"""Whether a request is the one to be kept back: its method, path and body."""


class Gate:
    """Passes every request on to the index at `target`. `url` is its own address, `on_catch` is called at a catch."""

    def __init__(self, target: str, session: aiohttp.ClientSession) -> None:
        self._target = target
        self._session = session
        self._wanted: Wanted | None = None
        self._open = asyncio.Event()
        self.url = ""
        self.on_catch: Callable[[Gate], None] = lambda _: None

    def catch(self, wanted: Wanted | None) -> None:
        """Keep the next request back that is wanted; None: no longer wait for one."""
        self._wanted = wanted
        self._open.clear()

    def let_through(self) -> None:
        """Let the request go on that was kept back."""
        self._open.set()

    async def answer(self, request: web.Request) -> web.Response:
        """The index's answer."""
        body = await request.read()
        if self._wanted is not None and self._wanted(request.method, request.raw_path, body):
            self._wanted = None
            self.on_catch(self)
            await self._open.wait()
        url = URL(self._target + request.raw_path, encoded=True)
        headers = {name: request.headers[name] for name in ("Content-Type",) if name in request.headers}
        async with self._session.request(request.method, url, data=body or None, headers=headers) as response:
            return web.Response(status=response.status, body=await response.read(), content_type=response.content_type)


@asynccontextmanager
async def gates(target: str, count: int) -> AsyncIterator[list[Gate]]:
    """So many gates to one index."""
    runners: list[web.AppRunner] = []
    async with aiohttp.ClientSession() as session:
        found = [Gate(target, session) for _ in range(count)]
        try:
            for gate in found:
                app = web.Application(client_max_size=2**26)
                app.router.add_route("*", "/{path:.*}", gate.answer)
                runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
                runners.append(runner)
                await runner.setup()
                site = web.TCPSite(runner, "127.0.0.1", 0)
                await site.start()
                gate.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield found
        finally:
            for gate in found:
                gate.let_through()
            for runner in runners:
                await runner.cleanup()
