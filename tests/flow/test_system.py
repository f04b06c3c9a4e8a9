"""From a page to a hit: real processes, real HTTP."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.flow.processes import Client, client, settings, started
from tests.flow.source import Source, served


async def until(api: Client, wanted: dict[str, int], seconds: float = 20.0) -> None:
    """Wait until what can be seen is what is wanted."""
    seen: dict[str, int] = {}
    try:
        async with asyncio.timeout(seconds):
            while (seen := await api.versions()) != wanted:
                await asyncio.sleep(0.05)
    except TimeoutError:
        missing, extra = wanted.keys() - seen.keys(), seen.keys() - wanted.keys()
        pytest.fail(f"after {seconds} s: missing {sorted(missing)[:5]}, extra {sorted(extra)[:5]}, of {len(wanted)}")


async def test_what_a_source_adds_changes_and_deletes_is_seen(tmp_path: Path) -> None:
    """Items appear, change and disappear for readers as they do at the source, one request at a time."""
    source = Source()
    source.put(*range(120))
    async with served(source), started("run", environ=settings(tmp_path, source.url)) as process:
        async with client(await process.listening()) as api:
            await until(api, source.versions())
            source.put(3, 500)
            await until(api, source.versions())
            source.drop(4, 5)
            await until(api, source.versions())
        assert source.most_at_once == 1
        assert await process.stop() == 0


async def test_an_update_shows_between_two_full_ingests(tmp_path: Path) -> None:
    """A change is seen by polling for updates, however far away the next full ingest is."""
    source = Source()
    source.put(*range(10))
    environ = settings(tmp_path, source.url, FEEDS__1__FULL_INGEST_INTERVAL="1000")
    async with served(source), started("run", environ=environ) as process, client(await process.listening()) as api:
        await until(api, source.versions())
        source.put(1, 99)
        await until(api, source.versions(), 5.0)


async def test_a_broken_feed_keeps_its_data_and_harms_no_other(tmp_path: Path) -> None:
    """While one source fails its data stay, and the other's changes are seen; when it works again it catches up."""
    broken, sound = Source("a"), Source("b")
    broken.put(*range(60))
    sound.put(*range(60))
    async with served(broken, sound), started("run", environ=settings(tmp_path, broken.url, sound.url)) as process:
        async with client(await process.listening()) as api:
            await until(api, broken.versions() | sound.versions())
            kept = broken.versions()
            broken.fail_with = 500
            broken.drop(0)
            sound.put(7, 8, 900)
            await until(api, kept | sound.versions())
            broken.fail_with = None
            await until(api, broken.versions() | sound.versions())


async def test_a_feed_no_longer_configured_loses_its_data(tmp_path: Path) -> None:
    """After a start without it, nothing of a feed is seen; the others' data are there at once."""
    first, second = Source("a"), Source("b")
    first.put(*range(20))
    second.put(*range(20))
    async with served(first, second):
        async with started("run", environ=settings(tmp_path, first.url, second.url)) as process:
            async with client(await process.listening()) as api:
                await until(api, first.versions() | second.versions())
            assert await process.stop() == 0
        async with started("run", environ=settings(tmp_path, first.url)) as process:
            async with client(await process.listening()) as api:
                await until(api, first.versions())


async def test_a_second_collector_waits_and_takes_over(tmp_path: Path) -> None:
    """Two collectors on the same data: one works; when it is killed the other goes on within seconds."""
    source = Source()
    source.put(*range(30))
    environ = settings(tmp_path, source.url)
    async with served(source), started("incoming", environ=environ) as reader:
        async with client(await reader.listening()) as api, started("outgoing", environ=environ) as first:
            await until(api, source.versions())
            async with started("outgoing", environ=environ) as second:
                await asyncio.sleep(1)
                assert source.most_at_once == 1
                await first.stop(signal.SIGKILL)
                source.put(31)
                await until(api, source.versions(), 15.0)
                assert source.most_at_once == 1
                assert await second.stop() == 0


async def test_the_api_can_have_several_processes(tmp_path: Path) -> None:
    """`incoming --workers 2` answers on one port from two processes, and a signal ends them all."""
    source = Source()
    source.put(*range(30))
    async with served(source), started("outgoing", environ=settings(tmp_path, source.url)):
        environ = settings(tmp_path, source.url)
        async with started("incoming", "--workers", "2", environ=environ) as api_process:
            async with client(await api_process.listening()) as api:
                await until(api, source.versions())
            assert await api_process.stop() == 0
            with pytest.raises(OSError, match="Connect call failed"):
                await asyncio.open_connection("127.0.0.1", int(api_process.url.rsplit(":", 1)[1]))


@pytest.mark.parametrize("command", ["run", "outgoing", "incoming"])
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly(tmp_path: Path, command: str, sent: int) -> None:
    """Whatever is in flight, it ends with status 0 in time, and says so in its last line."""
    source = Source()
    source.put(*range(200))
    source.delay = 0.5
    async with served(source), started(command, environ=settings(tmp_path, source.url)) as process:
        await process.line("Listening on" if command == "incoming" else "outgoing", 20.0)
        await asyncio.sleep(0.7)
        assert await process.stop(sent) == 0
        assert process.lines[-1].endswith("Reached end of main. Exiting now."), process.output()


async def test_wrong_settings_are_all_told_at_once(tmp_path: Path) -> None:
    """A wrong configuration ends with status 2 and names every problem, without a secret."""
    environ = settings(tmp_path, "ftp://nowhere", PORT="many", INCOMING_ACCESS_KEY_PAIRS__1__SECRET_KEY="")
    environ |= {"FEEDS__1__SECRET_ACCESS_KEY": "do-not-show-this", "FEEDS__1__ACCESS_KEY_ID": "x"}
    async with started("run", environ=environ) as process:
        assert await asyncio.wait_for(process.child.wait(), 20) == 2
        await asyncio.sleep(0.1)
    for name in ("PORT", "FEEDS__1__SEED", "INCOMING_ACCESS_KEY_PAIRS__1__SECRET_KEY"):
        assert name in process.output()
    assert "do-not-show-this" not in process.output()


async def test_no_secret_is_ever_logged(tmp_path: Path) -> None:
    """Neither a key's secret nor an Authorization value is in the output of a process at work."""
    source = Source()
    source.put(1)
    more = {"FEEDS__1__ACCESS_KEY_ID": "feed-key", "FEEDS__1__SECRET_ACCESS_KEY": "feed-secret-feed-secret"}
    environ = settings(tmp_path, source.url, **more)
    async with served(source), started("run", environ=environ) as process:
        async with client(await process.listening()) as api:
            await until(api, source.versions())
        assert await process.stop() == 0
    assert "feed-secret" not in process.output()
    assert "test-secret" not in process.output()
    assert "mac=" not in process.output()
    assert len(process.lines) > 5, os.linesep.join(process.lines)


@pytest.mark.parametrize("command", ["run", "outgoing", "incoming"])
@pytest.mark.parametrize("name", ["state.sqlite", "index/changes.sqlite3"])
async def test_a_damaged_file_is_named_and_ends_the_start(tmp_path: Path, command: str, name: str) -> None:
    """In one line that says what to do, and with status 1, rather than with where in the program that was noticed; an
    API alone, which only reads the record of changes, can do without it."""
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"this was a database" * 100)
    async with started(command, environ=settings(tmp_path, "http://127.0.0.1:9/")) as process:
        if command == "incoming" and "changes" in name:
            assert await process.listening()
            return
        assert await asyncio.wait_for(process.child.wait(), 30) == 1
        (line,) = [each for each in process.lines if "cannot start" in each]
        assert str(file) in line
        assert "can be moved away" in line
        assert "Traceback" not in process.output()
