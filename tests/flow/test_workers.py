"""`incoming --workers`: real processes that share a port."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from mohawk import Sender

from tests.flow.processes import KEY, SECRET, Process, settings, started
from tests.flow.source import Source, served

STARTS = re.compile(r"Worker (\d+) starts")
SERVED_SECONDS = 20.0


def told_of(process: Process) -> list[int]:
    """The process ids of all workers that were ever started."""
    return [int(match[1]) for line in process.lines if (match := STARTS.search(line))]


async def workers(process: Process, number: int) -> list[int]:
    """Wait until so many workers have been started in all; their process ids."""
    async with asyncio.timeout(SERVED_SECONDS):
        while len(found := told_of(process)) < number:
            await asyncio.sleep(0.02)
    return found


@asynccontextmanager
async def sharing(*arguments: str, environ: Mapping[str, str]) -> AsyncIterator[Process]:
    """`incoming` with two workers; none is left behind, whatever the test finds out."""
    async with started("incoming", "--workers", "2", *arguments, environ=environ) as process:
        try:
            yield process
        finally:
            if process.child.returncode is None:
                process.child.kill()  # or it would replace them
            for pid in told_of(process):
                if is_alive(pid):
                    os.kill(pid, signal.SIGKILL)


async def both_serve(url: str, first: int, second: int) -> None:
    """Wait until each of two workers answers while the other one is stopped."""
    for stopped in (first, second):
        os.kill(stopped, signal.SIGSTOP)
        try:
            async with asyncio.timeout(SERVED_SECONDS):
                assert await asked(f"{url}/livez") == (200, "ok\n")
        finally:
            os.kill(stopped, signal.SIGCONT)


async def asked(url: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """An answer over a connection of its own, so that any worker may give it."""
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return response.status, await response.text()


async def is_refused(url: str) -> None:
    """Wait until nobody listens there any more."""
    port = int(url.rsplit(":", 1)[1])
    async with asyncio.timeout(SERVED_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                return
            writer.close()
            await asyncio.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether it is a process of the program that has not ended yet."""
    try:
        return b"activity_stream" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False


async def test_a_nonce_is_good_once_over_all_workers(tmp_path: Path) -> None:
    """The same signed request succeeds once, whichever worker it reaches."""
    async with sharing(environ=settings(tmp_path)) as process:
        url = await process.listening() + "/v3/"
        credentials = {"id": KEY, "key": SECRET, "algorithm": "sha256"}
        for _ in range(3):
            sender = Sender(credentials, url, "GET", content="", content_type="")
            headers = {"Authorization": sender.request_header, "Content-Type": "", "X-Forwarded-Proto": "http"}
            answers = await asyncio.gather(*(asked(url, headers) for _ in range(8)))
            assert sorted(status for status, _ in answers) == [200] + 7 * [401]


async def test_every_worker_tells_of_the_collector(tmp_path: Path) -> None:
    """/metrics has what the collector measured, whichever worker answers."""
    source = Source()
    source.put(1)
    environ = settings(tmp_path, source.url)
    async with served(source), started("outgoing", environ=environ):
        async with sharing(environ=environ) as process:
            url = await process.listening()
            async with asyncio.timeout(SERVED_SECONDS):
                while 'feed_unique_id="a"' not in (await asked(f"{url}/metrics"))[1]:
                    await asyncio.sleep(0.1)
            for _ in range(10):
                assert 'feed_unique_id="a"' in (await asked(f"{url}/metrics"))[1]


async def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    """Others serve meanwhile, and at the end none is left."""
    async with sharing(environ=settings(tmp_path)) as process:
        url = await process.listening()
        first = await workers(process, 2)
        assert await asked(f"{url}/livez") == (200, "ok\n")
        os.kill(first[0], signal.SIGKILL)
        found = await workers(process, 3)
        assert await asked(f"{url}/livez") == (200, "ok\n")
        os.kill(first[1], signal.SIGKILL)
        assert await asked(f"{url}/livez") == (200, "ok\n")
        found = await workers(process, 4)
        assert await process.stop() == 0
        assert not [pid for pid in found if is_alive(pid)]
        assert process.lines[-1].endswith("Reached end of main. Exiting now."), process.output()


async def test_workers_that_do_not_end_are_ended(tmp_path: Path) -> None:
    """A worker that hangs keeps nobody from ending in time."""
    async with sharing(environ=settings(tmp_path)) as process:
        url = await process.listening()
        assert await asked(f"{url}/livez") == (200, "ok\n")
        found = await workers(process, 2)
        os.kill(found[0], signal.SIGSTOP)
        assert await asyncio.wait_for(process.stop(), SERVED_SECONDS) == 0
        assert not [pid for pid in found if is_alive(pid)]


async def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    """When it is killed, nobody is left that has the port."""
    async with sharing(environ=settings(tmp_path)) as process:
        url = await process.listening()
        assert await asked(f"{url}/livez") == (200, "ok\n")
        found = await workers(process, 2)
        process.child.kill()
        await is_refused(url)
        async with asyncio.timeout(SERVED_SECONDS):
            while any(is_alive(pid) for pid in found):
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("form", ["--config {}", "--config={}"])
async def test_workers_use_the_same_file(tmp_path: Path, form: str) -> None:
    """What --config says holds for every worker; when it has become wrong, those that serve go on, replacements are
    tried less and less often, and with the last one the whole ends, saying why."""
    file = tmp_path / "config.toml"
    file.write_text(f'data_dir = "{tmp_path}"\nport = 0\nhost = "127.0.0.1"\nmax_body_bytes = 10\n', "utf-8")
    arguments = form.format(file).split(" ")
    async with sharing(*arguments, environ={}) as process:
        url = await process.listening()
        first, second = await workers(process, 2)
        await both_serve(url, first, second)
        file.write_text("port = 'many'\n", "utf-8")
        os.kill(first, signal.SIGKILL)
        await process.line("ended with status 2; another one takes its place in 2 s")
        await process.line("ended with status 2; another one takes its place in 4 s")
        assert await asked(f"{url}/livez") == (200, "ok\n")
        os.kill(second, signal.SIGKILL)
        assert await asyncio.wait_for(process.child.wait(), SERVED_SECONDS) == 1
        await is_refused(url)
        assert "PORT (in config.toml): 'many' came" in process.output()
        assert "The workers cannot use their configuration" in process.output()
