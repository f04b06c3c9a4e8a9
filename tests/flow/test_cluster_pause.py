"""A collector that is stopped for a while (SIGSTOP), and what it does when it goes on."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.flow.asked import AskedSource
from tests.flow.gate import Gate, Wanted, gates
from tests.flow.processes import BUSY_SECONDS, TAKE_OVER_SECONDS, Process, client, settings, started
from tests.flow.reader import Reader, watched
from tests.flow.source import served
from tests.services.jvm import ask

BASE = range(200)
AFTERWARDS_SECONDS = 1.0
RARE = 4
ENDS = ("Stopped working on the feed", "Handed the feed over")
"""What a collector says that is no longer a feed's worker: the lease is lost; or the feed was to be handed over when it
was stopped, and that is what it goes on with."""


def begins(method: str, path: str, _body: bytes) -> bool:
    """A new index is made."""
    return method == "PUT" and path.startswith("/activities__")


def fences(method: str, path: str, body: bytes) -> bool:
    """The aliases of writers are moved, or what there is is looked at before."""
    return method == "GET" and "_alias" in path and not body


def publishes(method: str, path: str, body: bytes) -> bool:
    """Readers are to see another generation."""
    return method == "POST" and path == "/_aliases" and b'"alias":"activities"' in body


def drops(method: str, _path: str, body: bytes) -> bool:
    """An index is removed."""
    return method == "DELETE" or b'"remove_index"' in body


def writes(number: int) -> Callable[[], Wanted]:
    """A page is written, the one with this number."""

    def made() -> Wanted:
        left = [number]

        def wanted(method: str, path: str, _body: bytes) -> bool:
            left[0] -= method == "POST" and "/_bulk" in path
            return left[0] < 0

        return wanted

    return made


MOMENTS: Mapping[str, Callable[[], Wanted]] = {
    "begin": lambda: begins,
    "the third bulk request": writes(3),
    "publish": lambda: publishes,
}
MORE_MOMENTS: Mapping[str, Callable[[], Wanted]] = {
    "look": lambda: fences,
    "the first bulk request": writes(0),
    "the sixth bulk request": writes(6),
    "drop": lambda: drops,
    **MOMENTS,
}


class Pair:
    """Two collectors, each behind a gate of its own; `stopped` is the one that is."""

    def __init__(self, engine: str, found: list[Gate], processes: list[Process]) -> None:
        self.engine = engine
        self._gates = found
        self._processes = processes
        self._caught = asyncio.Event()
        self._at: Gate | None = None
        for gate in found:
            gate.on_catch = self._stop

    @property
    def stopped(self) -> Process:
        """The collector that was caught."""
        assert self._at is not None
        return self._processes[self._gates.index(self._at)]

    async def stop_one(self, moment: Callable[[], Wanted]) -> float:
        """Stop the collector that works, as it sends such a request, which is kept back; the time then."""
        self._caught.clear()
        for gate in self._gates:
            gate.catch(moment())
        async with asyncio.timeout(20):
            await self._caught.wait()
        return time.monotonic()

    def _stop(self, gate: Gate) -> None:
        self._at = gate
        self.stopped.child.send_signal(signal.SIGSTOP)
        for each in self._gates:
            if each is not gate:
                each.catch(None)
        self._caught.set()

    async def go_on(self, *, late: bool) -> None:
        """Let it go on; what it sent before arrives a moment before that, if `late`."""
        assert self._at is not None
        if late:
            self._at.let_through()
            await asyncio.sleep(0.3)
        self.stopped.child.send_signal(signal.SIGCONT)
        self._at.let_through()

    async def rights(self) -> dict[str, list[int]]:
        """By right of which leases each index can be written to."""
        found: dict[str, Any] = await asyncio.to_thread(ask, f"{self.engine}/*__feed_id_a__*/_alias")
        return {
            name: sorted(
                int(alias.split("__")[0].removeprefix("writer_")) for alias in each["aliases"] if alias[0] == "w"
            )
            for name, each in found.items()
        }

    async def newest_right(self) -> int:
        """The lease that the feed's worker has."""
        return max(number for numbers in (await self.rights()).values() for number in numbers)

    async def oldest_document(self) -> int:
        """The lease by right of which the oldest of the visible documents was written."""
        query = {"size": 10_000, "version": True, "_source": False}
        found: list[int] = []
        for alias in ("activities", "objects"):
            answer = await asyncio.to_thread(ask, f"{self.engine}/{alias}/_search", "POST", query)
            found += [hit["_version"] >> 31 for hit in answer["hits"]["hits"]]
        return min(found)


async def pause(pair: Pair, moment: Callable[[], Wanted], source: AskedSource, reader: Reader, *, late: bool) -> None:
    """One pause, and what has to be true meanwhile and afterwards."""
    at = await pair.stop_one(moment)
    right = await pair.newest_right()
    extra = 1000 + len(source.asked)
    source.put(extra, *list(BASE)[:10])
    await _until(lambda: source.asked[-1] > at + 0.5, TAKE_OVER_SECONDS + 3 * BUSY_SECONDS, "nobody took over")
    await reader.converges(20)
    source.drop(extra)
    await reader.converges(20)
    newer = await pair.newest_right()
    assert newer > right
    assert await pair.oldest_document() >= newer

    wrote = len(pair.stopped.lines)
    await pair.go_on(late=late)
    end = time.monotonic() + AFTERWARDS_SECONDS
    while time.monotonic() < end:
        assert await pair.oldest_document() >= newer
        assert await pair.newest_right() >= newer
        await asyncio.sleep(0.02)
    await _until(
        lambda: any(end in line for line in pair.stopped.lines[wrote:] for end in ENDS),
        5,
        "it did not notice",
    )
    source.put(extra, 3)
    await reader.converges(20)
    rights = await pair.rights()
    assert all(number >= newer for numbers in rights.values() for number in numbers), rights


async def _until(reached: Callable[[], bool], seconds: float, problem: str) -> None:
    try:
        async with asyncio.timeout(seconds):
            while not reached():
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"{problem} within {seconds:g} s")


async def pauses(directory: Path, stores: Mapping[str, str], moments: Mapping[str, Callable[[], Wanted]]) -> None:
    """Stop whoever works at each of the moments, with what was sent arriving late, or not at all before it goes on."""
    source = AskedSource()
    source.put(*BASE)
    source.delay = 0.03
    environ = settings(directory, source.url, **stores)
    engine = stores["INDEX_URL"]
    async with served(source), gates(engine, 2) as found, started("incoming", environ=environ) as api_process:
        first, second = ({**environ, "INDEX_URL": gate.url} for gate in found)
        async with (
            client(await api_process.listening()) as api,
            started("outgoing", environ=first) as one,
            started("outgoing", environ=second) as two,
        ):
            reader = Reader(api, source, BASE)
            await reader.converges(30)
            pair = Pair(engine, found, [one, two])
            async with watched(reader) as watching:
                for name, moment in moments.items():
                    for late in (True, False)[: 1 + (len(moments) > RARE)]:
                        print(f"stopped at: {name}, {late=}")
                        await pause(pair, moment, source, reader, late=late)
                        assert not watching.done()
            assert source.most_at_once == 1
            assert await one.stop() == 0
            assert await two.stop() == 0


async def test_a_collector_that_was_stopped_writes_nothing_more(tmp_path: Path, on_cluster: Mapping[str, str]) -> None:
    """Another one takes over in time, and what the first one had sent, and does when it goes on, changes nothing; then
    it waits for its turn like any other."""
    await pauses(tmp_path, on_cluster, MOMENTS)


@pytest.mark.soak
@pytest.mark.skipif("SOAK" not in os.environ, reason="takes minutes: make soak")
async def test_a_collector_can_be_stopped_at_any_moment(tmp_path: Path, on_cluster: Mapping[str, str]) -> None:
    """The same, at more moments."""
    await pauses(tmp_path, on_cluster, MORE_MOMENTS)
