"""Who follows a real collector knows what a search shows: through changes, deletions, deaths, and as another stream."""

import asyncio
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from activity_stream.client.stream import Stream, removed_id
from tests.flow.processes import KEY, SECRET, Process, client, settings, started
from tests.flow.source import Source, served

FEW = range(10, 15)
RESTRICTED = {
    "INCOMING_ACCESS_KEY_PAIRS__2__KEY_ID": "few",
    "INCOMING_ACCESS_KEY_PAIRS__2__SECRET_KEY": SECRET,
    "INCOMING_ACCESS_KEY_PAIRS__2__PERMISSIONS__objects__1__TERMS_KEY": "id",
    **{f"INCOMING_ACCESS_KEY_PAIRS__2__PERMISSIONS__objects__1__TERMS_VALUES__{n}": f"dit:test:a:{n}" for n in FEW},
}


class Reader:
    """A program that follows the objects through the client that is shipped; `known` is what it knows, by id."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._since: str | None = None
        self.known: dict[str, int] = {}
        self.told = 0

    async def catch_up(self, url: str) -> Mapping[str, int]:
        """Read what there is now."""
        return await asyncio.to_thread(self._read, url)

    def _read(self, url: str) -> Mapping[str, int]:
        with Stream(url, self._key, SECRET) as stream:
            for some in stream.changes("objects", self._since, size=50):
                self._since = some.since
                self.told += len(some.items)
                for item in some.items:
                    if gone := removed_id(item):
                        self.known.pop(gone, None)
                    else:
                        self.known[item["id"]] = item["dit:version"]
        return self.known


async def until_known(process: Process, reader: Reader, wanted: Callable[[], Mapping[str, int]]) -> None:
    """Wait until the reader knows this."""
    url = await process.listening()
    async with asyncio.timeout(30):
        while await reader.catch_up(url) != wanted():
            await asyncio.sleep(0.1)


async def test_a_follower_learns_of_changes_and_deletions_and_never_begins_anew(
    stores: Mapping[str, str], tmp_path: Path
) -> None:
    """Additions, changes, deletions, and a collector that is killed and started again while things go on; a caller that
    may see few of them is told of these alone."""
    source = Source()
    source.put(*range(120))
    environ = settings(tmp_path, source.url, **stores, **RESTRICTED)
    everything, few = Reader(KEY), Reader("few")

    def visible_to_few() -> Mapping[str, int]:
        mine = {source.key(number) for number in FEW}
        return {key: version for key, version in source.versions().items() if key in mine}

    async with served(source):
        async with started("run", environ=environ) as process:
            await until_known(process, everything, source.versions)
            await until_known(process, few, visible_to_few)
            told = everything.told, few.told
            source.put(3, 11, 200)
            source.drop(4, 12)
            await until_known(process, everything, source.versions)
            await until_known(process, few, visible_to_few)
            assert everything.told - told[0] <= 2 * 5
            assert few.told - told[1] <= 2 * 2
            source.put(13)
            await process.stop(signal.SIGKILL)
        source.put(5, 14)
        source.drop(6, 10)
        told = everything.told, few.told
        async with started("run", environ=environ) as process:
            await until_known(process, everything, source.versions)
            await until_known(process, few, visible_to_few)
        assert everything.told - told[0] < 120
        assert few.told - told[1] < 10


async def test_another_activity_stream_collects_from_it(stores: Mapping[str, str], tmp_path: Path) -> None:
    """Its feed is `/v3/changes` of the first, with a key: updates come by the polls, deletions by the full ingests."""
    source = Source()
    source.put(*range(60))
    first = settings(tmp_path / "first", source.url, **stores)
    async with served(source), started("run", environ=first) as one:
        url = await one.listening()
        keys = {"FEEDS__1__AUTH": "hawk", "FEEDS__1__ACCESS_KEY_ID": KEY, "FEEDS__1__SECRET_ACCESS_KEY": SECRET}
        second = settings(tmp_path / "second", f"{url}/v3/changes?size=25", **keys)
        async with started("run", environ=second) as two, client(await two.listening()) as api:
            await until(api.versions, source.versions)
            source.put(7, 100)
            source.drop(8)
            await until(api.versions, source.versions)


async def until(found: Callable[[], Any], wanted: Callable[[], Mapping[str, int]]) -> None:
    """Wait until what is found is what is wanted."""
    async with asyncio.timeout(40):
        while await found() != wanted():
            await asyncio.sleep(0.1)
