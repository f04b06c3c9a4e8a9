"""Servers that are not there when the program starts."""

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.flow.processes import client, settings, started
from tests.flow.source import Source, served

HEALED_SECONDS = 30.0


def nobody() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


async def told(url: str) -> tuple[int, str]:
    """The answer to an open route."""
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


@pytest.mark.parametrize("command", ["run", "incoming"])
async def test_it_starts_without_them(tmp_path: Path, command: str) -> None:
    """It says that it is down, refuses to answer searches, and ends when it is asked to."""
    source = Source()
    source.put(1)
    more = {
        "INDEX_URL": f"http://us:index-secret@127.0.0.1:{nobody()}",
        "STATE_URL": f"redis://:state-secret@127.0.0.1:{nobody()}",
    }
    async with served(source), started(command, environ=settings(tmp_path, source.url, **more)) as process:
        url = await process.listening()
        assert await told(f"{url}/livez") == (200, "ok\n")
        assert (await told(f"{url}/readyz"))[0] == 503
        assert await told(f"{url}/checks/p1") == (200, "__DOWN__\n")
        assert (await told(f"{url}/checks/p2"))[1].startswith("__DOWN__")
        assert (await told(f"{url}/metrics"))[0] == 200
        async with client(url) as api:
            assert (await api.ask("/v2/activities"))[0] == 500
        assert await process.stop() == 0
    assert process.lines[-1].endswith("Reached end of main. Exiting now."), process.output()
    assert "does not answer" in process.output()
    assert "-secret" not in process.output()


async def test_it_heals_when_they_come(tmp_path: Path) -> None:
    """An index that is away at the start is used as soon as it answers, without a restart."""
    port = nobody()
    async with started("incoming", environ=settings(tmp_path, INDEX_URL=f"http://127.0.0.1:{port}")) as process:
        url = await process.listening()
        assert (await told(f"{url}/checks/p2"))[1].startswith("__DOWN__")
        async with client(url) as api:
            assert (await api.ask("/v3/"))[0] == 500
            app = web.Application()
            app.router.add_get("/", _root)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            try:
                await web.TCPSite(runner, "127.0.0.1", port).start()
                async with asyncio.timeout(HEALED_SECONDS):
                    while not (await told(f"{url}/checks/p2"))[1].startswith("__UP__"):
                        await asyncio.sleep(0.1)
                assert (await api.ask("/v3/"))[0] == 200
            finally:
                await runner.cleanup()


async def _root(_request: web.Request) -> web.Response:
    return web.json_response({"version": {"number": "2.19.1", "distribution": "opensearch"}})
