"""A collector among fakes: scripted sources, a memory index and state, a clock that is moved."""

import asyncio
from typing import Any

import msgspec

from activity_stream.collect.plan import FeedPlan
from activity_stream.collect.records import FeedStatus, feed_statuses
from activity_stream.collect.supervise import Supervisor
from activity_stream.feeds.base import FeedSource
from activity_stream.feeds.registry import make_feed_type
from activity_stream.fields import searchable_fields
from activity_stream.logs import Log
from activity_stream.metrics import Metrics
from activity_stream.model import Alias
from activity_stream.testing.memory_index import MemoryIndex
from activity_stream.testing.memory_state import MemoryState
from activity_stream.testing.moved_clock import MovedClock
from activity_stream.testing.scripted_feed import ScriptedSource


class Running:
    """A collector at work."""

    def __init__(self, task: asyncio.Task[None], stop: asyncio.Event) -> None:
        self.task = task
        self.stop = stop


class World:
    """Everything around the collectors of a test."""

    def __init__(self) -> None:
        self.clock = MovedClock()
        self.index = MemoryIndex(searchable_fields(), self.clock)
        self.state = MemoryState(self.clock)
        self.metrics = Metrics()
        self._running: list[Running] = []

    def source(self, name: str = "feed", *keys: str, page_size: int = 2) -> ScriptedSource:
        """A source with these items."""
        source = ScriptedSource(self.clock, name=name, page_size=page_size)
        for key in keys:
            source.put(key)
        return source

    def plan(self, source: ScriptedSource, **settings: Any) -> FeedPlan:
        """A feed of the source, with a rhythm that is easy to count by."""
        name = source.seed.rpartition("/")[2].partition("?")[0]
        usual = {"full_ingest_interval": 100.0, "full_ingest_page_interval": 0.0, "updates_page_interval": 1.0}
        return FeedPlan(
            unique_id=name,
            feed_type=make_feed_type(FeedSource(name, "activity_stream", source.seed, auth="none")),
            fetcher=settings.pop("fetcher", source),
            **{**usual, **settings},
        )

    def start(self, *plans: FeedPlan, owner: str = "one") -> Running:
        """A collector of these feeds."""
        stop = asyncio.Event()
        supervisor = Supervisor(plans, self.index, self.state, self.clock, Log("outgoing"), self.metrics, owner)
        running = Running(asyncio.create_task(supervisor.run(stop)), stop)
        self._running.append(running)
        return running

    async def kill(self, running: Running) -> None:
        """End a collector as a crash does: nothing is said to the state any more."""
        self.state.fail_next = 1000
        running.task.cancel()
        await self.clock.run_until(running.task.done, limit=10.0)
        self.state.fail_next = 0
        self._running.remove(running)

    async def end(self) -> None:
        """End whatever runs."""
        for running in self._running:
            running.task.cancel()
            await self.clock.run_until(running.task.done, limit=10.0)

    async def visible(self, feed: str = "feed", alias: Alias = Alias.ACTIVITIES) -> dict[str, int]:
        """What a reader sees of a feed: each item's key and version."""
        answer = msgspec.json.decode((await self.index.search(alias, b'{"size": 1000}')).body)
        sources = [hit["_source"] for hit in answer["hits"]["hits"]]
        things = [each["object"] if alias is Alias.ACTIVITIES else each for each in sources]
        named = [(thing["id"].split(":"), thing["dit:version"]) for thing in things]
        return {name[2]: version for name, version in named if name[1] == feed}

    async def status(self, feed: str = "feed") -> FeedStatus:
        """What the operator is shown of a feed."""
        return {status.feed: status for status in await feed_statuses(self.state)}[feed]
