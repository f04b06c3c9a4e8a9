"""The same random histories on a real engine: the clock is moved by hand, the engine takes the time that it takes."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest

from activity_stream.adapters.clock import SystemClock
from activity_stream.adapters.index_opensearch.client import Client
from activity_stream.adapters.index_opensearch.index import OpenSearchIndex
from activity_stream.fields import searchable_fields
from activity_stream.model import Activity, Alias, Counts, Generation, SearchAnswer, StoredDocument, WriteReport
from activity_stream.ports import Index
from tests.oracle.history import History
from tests.oracle.shaky import DrivenClock
from tests.oracle.test_oracle import seeds
from tests.services.server import empty

STEPS = 8
HISTORIES = 12
BLOCK = 3
SOAK_HISTORIES = 150


class Turns:
    """Lets one step of the index be under way at a time, and the clock stand still meanwhile.

    A reader's look is several requests, each of which shows its own moment: what may come between them is left out.
    """

    def __init__(self, clock: DrivenClock) -> None:
        self._clock = clock
        self._lock = asyncio.Lock()
        self._whose: asyncio.Task[object] | None = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for it; a task that has it already goes on."""
        task = asyncio.current_task()
        if task is self._whose:
            yield
            return
        self._clock.busy += 1
        try:
            async with self._lock:
                self._whose = task
                try:
                    yield
                finally:
                    self._whose = None
        finally:
            self._clock.busy -= 1


class InTurns:
    """An Index whose steps come one after the other."""

    def __init__(self, inner: Index, turns: Turns) -> None:
        self._inner = inner
        self._turn = turns.turn

    async def open(self, *, write: bool) -> None:
        """As the port says."""
        await self._inner.open(write=write)

    async def close(self) -> None:
        """As the port says."""
        await self._inner.close()

    async def ping(self) -> None:
        """As the port says."""
        async with self._turn():
            await self._inner.ping()

    async def published(self) -> Mapping[str, Generation]:
        """As the port says."""
        async with self._turn():
            return await self._inner.published()

    async def unpublished(self) -> Sequence[Generation]:
        """As the port says."""
        async with self._turn():
            return await self._inner.unpublished()

    async def fence(self, feed: str, lease: int) -> None:
        """As the port says."""
        async with self._turn():
            await self._inner.fence(feed, lease)

    async def begin(self, feed: str, *, lease: int = 0) -> Generation:
        """As the port says."""
        async with self._turn():
            return await self._inner.begin(feed, lease=lease)

    async def write(
        self, generations: Sequence[Generation], activities: Sequence[Activity], *, visible: bool, lease: int = 0
    ) -> WriteReport:
        """As the port says."""
        async with self._turn():
            return await self._inner.write(generations, activities, visible=visible, lease=lease)

    async def publish(self, generation: Generation, *, lease: int = 0) -> None:
        """As the port says."""
        async with self._turn():
            await self._inner.publish(generation, lease=lease)

    async def drop(self, generations: Sequence[Generation], *, lease: int = 0) -> None:
        """As the port says."""
        async with self._turn():
            await self._inner.drop(generations, lease=lease)

    async def count(self, generation: Generation) -> Counts:
        """As the port says."""
        async with self._turn():
            return await self._inner.count(generation)

    async def documents(self, generation: Generation, alias: Alias) -> AsyncIterator[Sequence[StoredDocument]]:
        """As the port says."""
        async with self._turn():
            found = [some async for some in self._inner.documents(generation, alias)]
        for some in found:
            yield some

    async def newest(self, feed: str) -> float | None:
        """As the port says."""
        async with self._turn():
            return await self._inner.newest(feed)

    async def search(self, alias: Alias, body: bytes, *, scope: bytes | None = None) -> SearchAnswer:
        """As the port says."""
        async with self._turn():
            return await self._inner.search(alias, body, scope=scope)

    async def root(self) -> bytes:
        """As the port says."""
        return await self._inner.root()


class ClusterHistory(History):
    """A history in which each collector has its own adapter, as each has in a process of its own."""

    def __init__(self, seed: int, client: Client, clock: DrivenClock) -> None:
        self._client = client
        self._turns = Turns(clock)
        super().__init__(seed, self._adapter(), clock, leisure=8.0)

    def _adapter(self) -> Index:
        # The cluster's busy moments pass by themselves, however the history's clock stands.
        return InTurns(OpenSearchIndex(self._client, searchable_fields(), SystemClock()), self._turns)

    def _start(self) -> None:
        self.index = self._adapter()
        super()._start()

    async def _check(self) -> None:
        async with self._turns.turn():
            await super()._check()


async def play(seed: int, url: str) -> None:
    """One history; a broken promise says which seed it was."""
    await asyncio.to_thread(empty, url)
    client = Client(url, SystemClock())
    try:
        await ClusterHistory(seed, client, DrivenClock()).run(STEPS)
    except AssertionError as error:
        error.add_note(f"play it again with ORACLE_SEED={seed}")
        raise
    finally:
        await client.close()


@pytest.mark.parametrize("first", range(9001, 9001 + HISTORIES, BLOCK))
async def test_promises_hold_on_a_real_engine(first: int, engine: str) -> None:
    """Whatever happens, a reader of OpenSearch or Elasticsearch never sees a promise broken."""
    for seed in seeds(first, BLOCK):
        await play(seed, engine)


@pytest.mark.soak
@pytest.mark.timeout(3000)
async def test_promises_hold_in_many_more_histories_on_a_real_engine(engine: str) -> None:
    """The same, for many histories more."""
    if "SOAK" not in os.environ:
        pytest.skip("only by make soak")
    for seed in seeds(300_000, SOAK_HISTORIES):
        await play(seed, engine)
