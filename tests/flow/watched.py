"""Collectors behind the proxy, a reader who looks at the engine all the while, and the oracle that judges it all."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec

from activity_stream.adapters.clock import SystemClock
from activity_stream.adapters.http import HttpFetcher
from activity_stream.adapters.index_opensearch.client import Client, Timeouts
from activity_stream.adapters.index_opensearch.index import OpenSearchIndex
from activity_stream.collect.plan import FeedPlan
from activity_stream.collect.records import FeedStatus, feed_statuses
from activity_stream.collect.supervise import Supervisor
from activity_stream.feeds.base import FeedSource
from activity_stream.feeds.registry import make_feed_type
from activity_stream.fields import searchable_fields
from activity_stream.logs import Log
from activity_stream.metrics import Metrics
from activity_stream.model import Alias
from activity_stream.naming import generation_of
from activity_stream.testing.memory_state import MemoryState
from tests.flow.proxy import Line, Proxy
from tests.flow.source import Source, served
from tests.oracle.truth import Truth

WAITS = (0.05, 0.2)
TRIES = len(WAITS) + 1
SHORT = Timeouts(connect=1.2, total=1.2)
"""Shorter than `proxy.LATE_SECONDS`, longer than the engine takes for anything, as a rule."""

RHYTHM: dict[str, Any] = {
    "full_ingest_interval": 0.3,
    "full_ingest_page_interval": 0.1,
    "updates_page_interval": 0.1,
    "exception_intervals": (0.2,),
}
EVERYTHING = b'{"size":10000}'


class Feed:
    """A source, what may be visible of it, and what a reader has seen amiss."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.source = Source(name, page_size=4)
        self.line = Line(self.begun)
        self.amiss = ""
        self.visible: dict[str, int] = {}
        self._truths = {alias: Truth(name) for alias in Alias}
        self._generations: set[str] = set()
        self._newest = 0
        self._oldest = 0
        self.put(*(self._new() for _ in range(10)))

    def put(self, *numbers: int) -> None:
        """The source has these anew, or changed."""
        self.source.put(*numbers)
        for number in numbers:
            key = self.source.key(number)
            for truth in self._truths.values():
                truth.put(key, self.source.versions()[key])

    def change(self) -> None:
        """One item is new, two have changed, and one is dropped."""
        oldest = self._oldest
        self.put(self._new(), oldest + 1, oldest + 2)
        self.source.drop(oldest)
        for truth in self._truths.values():
            truth.drop(self.source.key(oldest))
        self._oldest += 1

    def begun(self, generation: str) -> None:
        """A collector begins a generation."""
        if generation not in self._generations:
            self._generations.add(generation)
            for truth in self._truths.values():
                truth.begun(generation)

    def see(self, alias: Alias, generation: str | None, seen: dict[str, int]) -> None:
        """What a reader finds of the feed now."""
        if alias is Alias.ACTIVITIES:
            self.visible = seen
        try:
            self._truths[alias].check(generation, seen, seen)
        except AssertionError as error:
            self.amiss = self.amiss or f"{alias}: {error}"

    def _new(self) -> int:
        self._newest += 1
        return self._newest - 1


class World:
    """The feeds, each with a collector of its own, which share a state; `timeouts`: how long these wait for answers."""

    def __init__(self, engine: str, timeouts: Timeouts | None = None) -> None:
        self._clock = SystemClock()
        self._timeouts = timeouts or Timeouts()
        self._engine = self._index(engine)
        self.proxy = Proxy(engine)
        self.state = MemoryState(self._clock)
        self.feeds: dict[str, Feed] = {}

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Let the proxy run, and look."""
        reader = asyncio.create_task(self._look_on())
        try:
            async with self.proxy.running():
                yield
        finally:
            reader.cancel()
            with suppress(asyncio.CancelledError):
                await reader
            await self._engine.close()

    @asynccontextmanager
    async def collecting(self, feed: Feed) -> AsyncIterator[None]:
        """Collect the feed."""
        self.feeds[feed.name] = feed
        async with served(feed.source):
            collector = asyncio.create_task(self._collect(feed))
            try:
                yield
            finally:
                # From here on other collectors may remove the feed, which nobody has configured any more.
                del self.feeds[feed.name]
                collector.cancel()
                await asyncio.gather(collector, return_exceptions=True)

    async def stored(self, feed: Feed) -> set[str]:
        """The generations of a feed that the engine holds anything of."""
        found = [*(await self._engine.published()).values(), *await self._engine.unpublished()]
        return {each.id for each in found if each.feed == feed.name}

    async def status(self, feed: Feed) -> FeedStatus:
        """What the operator is shown of a feed."""
        return {status.feed: status for status in await feed_statuses(self.state)}[feed.name]

    async def _collect(self, feed: Feed) -> None:
        index = self._index(self.proxy.add(feed.name, feed.line))
        fetcher = HttpFetcher(self._clock)
        kind = make_feed_type(FeedSource(feed.name, "activity_stream", feed.source.url, auth="none"))
        plan = FeedPlan(feed.name, kind, fetcher, **RHYTHM)
        log = Log("outgoing")
        supervisor = Supervisor([plan], index, self.state, self._clock, log, Metrics(), f"collector-{feed.name}")
        try:
            await supervisor.run(asyncio.Event())
        finally:
            await fetcher.close()
            await index.close()

    async def _look_on(self) -> None:
        while True:
            for alias in Alias:
                answer = msgspec.json.decode((await self._engine.search(alias, EVERYTHING)).body)
                self._judge(alias, answer["hits"]["hits"])
            await asyncio.sleep(0.03)

    def _judge(self, alias: Alias, hits: list[dict[str, Any]]) -> None:
        seen: dict[str, dict[str, int]] = {name: {} for name in self.feeds}
        generations: dict[str, set[str]] = {name: set() for name in self.feeds}
        for hit in hits:
            found = generation_of(hit["_index"])
            assert found is not None
            if found[1].feed not in seen:
                continue
            thing = hit["_source"]["object"] if alias is Alias.ACTIVITIES else hit["_source"]
            seen[found[1].feed][thing["id"]] = thing["dit:version"]
            generations[found[1].feed].add(found[1].id)
        for feed in self.feeds.values():
            several = generations[feed.name]
            if len(several) > 1:
                feed.amiss = feed.amiss or f"{alias}: two generations are visible at once"
            else:
                feed.see(alias, next(iter(several), None), seen[feed.name])

    def _index(self, url: str) -> OpenSearchIndex:
        client = Client(url, self._clock, timeouts=self._timeouts, waits=WAITS)
        return OpenSearchIndex(client, searchable_fields(), self._clock)


async def until(condition: Callable[[], bool], what: str, limit: float = 20.0) -> None:
    """Return when it is so. Raises AssertionError after `limit` seconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + limit
    while not condition():
        assert loop.time() < end, f"it took too long until {what}"
        await asyncio.sleep(0.02)
