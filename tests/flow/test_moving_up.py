"""From the embedded index to a cluster, as docs/how-to/move-to-a-cluster.md has it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from tests.flow.processes import client, settings, started
from tests.flow.reader import Reader, watched
from tests.flow.source import Source, served

BASE = range(150)


async def feeds_list(environ: Mapping[str, str]) -> str:
    """What `activity-stream feeds list` shows the operator."""
    async with started("feeds", "list", environ={**environ, "COLUMNS": "200"}) as process:
        assert await asyncio.wait_for(process.child.wait(), 20) == 0, process.output()
        await process.stop()
        return process.output()


async def all_published(environ: Mapping[str, str], feeds: tuple[str, ...]) -> None:
    """Wait until the operator sees of each feed that it is published there."""
    async with asyncio.timeout(40):
        while True:
            rows = [line.split("│") for line in (await feeds_list(environ)).splitlines() if "│" in line]
            published = {row[1].strip() for row in rows if "never" not in row[3]}
            if set(feeds) <= published:
                return
            await asyncio.sleep(0.3)


async def looked_again(reader: Reader) -> None:
    """Wait until the reader's look that may be under way is over, and another one too."""
    looks = reader.looks + 2
    async with asyncio.timeout(20):
        while reader.looks < looks:
            await asyncio.sleep(0.02)


async def test_a_move_to_a_cluster_has_no_gap(tmp_path: Path, on_cluster: Mapping[str, str]) -> None:
    """A second collector fills the cluster while the first one serves; readers who are sent there see no less."""
    source = Source()
    source.put(*BASE)
    source.delay = 0.02
    here = settings(tmp_path / "here", source.url)
    there = settings(tmp_path / "there", source.url, **on_cluster)
    async with served(source), started("run", environ=here) as first, client(await first.listening()) as old:
        reader = Reader(old, source, BASE)
        await reader.converges(30)
        async with (
            started("outgoing", environ=there),
            started("incoming", environ=there) as second,
            client(await second.listening()) as new,
            watched(reader) as watching,
        ):
            source.put(1, 2, 500)
            await all_published(there, ("a",))
            source.put(3)
            await reader.converges(20)
            await Reader(new, source, BASE).converges(20)
            reader.api = new
            await looked_again(reader)
            assert await first.stop() == 0
            source.put(4, 501)
            source.drop(500)
            await reader.converges(20)
            assert not watching.done()
    assert source.most_at_once <= 2, "each of the two collectors asks with one request at a time"
