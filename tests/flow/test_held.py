"""The guard before publishing, from the outside: a source that loses too much, and the operator's word on it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from tests.flow.processes import client, settings, started
from tests.flow.source import Source, served


async def command(*arguments: str, environ: Mapping[str, str]) -> tuple[int, str]:
    """Run a command to its end; exit status and output."""
    async with started(*arguments, environ=environ) as process:
        status = await asyncio.wait_for(process.child.wait(), 20)
        await process.stop()
        return status, process.output()


async def text(url: str) -> str:
    """What an open route answers."""
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.text()


async def test_a_source_that_loses_too_much_is_held_until_the_operator_approves(tmp_path: Path) -> None:
    """Readers keep what they have, updates go on, list and metrics say why, and `feeds approve` publishes it."""
    source = Source()
    source.put(*range(150))
    everything = source.versions()
    # Slow crawls: two more must not agree by themselves before the operator has had a say.
    environ = settings(tmp_path, source.url, FEEDS__1__FULL_INGEST_INTERVAL="4", COLUMNS="250")
    async with served(source), started("run", environ=environ) as process:
        async with client(await process.listening()) as api:
            async with asyncio.timeout(20):
                while await api.versions() != everything:
                    await asyncio.sleep(0.05)
            source.drop(*range(100))
            await process.line("Held, not published", 30)
            source.put(500)
            async with asyncio.timeout(5):
                while source.key(500) not in (seen := await api.versions()):
                    await asyncio.sleep(0.05)
            assert everything.keys() <= seen.keys()
            async with asyncio.timeout(5):
                while 'ingest_held_generations{feed_unique_id="a"} 1' not in await text(f"{api.url}/metrics"):
                    await asyncio.sleep(0.05)
            assert "a:GREEN" in await text(f"{api.url}/checks/p2")
            status, output = await command("feeds", "list", environ=environ)
            assert status == 0
            assert "PUBLISH_MIN_RATIO" in " ".join(output.split())
            assert (await command("feeds", "approve", "b", environ=environ))[0] == 1
            status, output = await command("feeds", "approve", "a", environ=environ)
            assert status == 0, output
            async with asyncio.timeout(10):
                while await api.versions() != source.versions():
                    await asyncio.sleep(0.05)
        assert await process.stop() == 0
