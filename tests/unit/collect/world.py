"""Collectors among fakes: scripted sources, a memory index and state, a clock that is moved."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from activity_stream.collect.changes import Keeping
from activity_stream.collect.plan import FeedPlan
from activity_stream.collect.records import FeedStatus, feed_statuses
from activity_stream.collect.supervise import Supervisor
from activity_stream.errors import StateUnavailable
from activity_stream.feeds.base import FeedSource
from activity_stream.feeds.registry import make_feed_type
from activity_stream.fields import searchable_fields
from activity_stream.logs import Log
from activity_stream.metrics import Metrics
from activity_stream.model import Alias, Caller, Grant, GrantKind
from activity_stream.ports import State
from activity_stream.search.marks import MarkedFields
from activity_stream.testing.memory_changes import MemoryChangeLog, MemoryLedger
from activity_stream.testing.memory_index import MemoryIndex
from activity_stream.testing.memory_state import MemoryState
from activity_stream.testing.moved_clock import MovedClock
from activity_stream.testing.scripted_feed import ScriptedSource

RETENTION = 1000.0
FOLLOWERS = {
    "all": Caller("all", grants={alias: (Grant(GrantKind.MATCH_ALL),) for alias in Alias}),
    "odd": Caller(
        "odd",
        grants={
            Alias.ACTIVITIES: (Grant(GrantKind.TERMS, "object.type", ("dit:Odd",)),),
            Alias.OBJECTS: (Grant(GrantKind.TERMS, "type", ("dit:Odd",)),),
        },
    ),
}
"""Who follows: the second one sees what has the type `dit:Odd`."""


class Workers:
    """Who works on each feed, and since when: (moment, feed, owner or None), as the leases say."""

    def __init__(self, clock: MovedClock) -> None:
        self._clock = clock
        self.changes: list[tuple[float, str, str | None]] = []

    def now(self) -> dict[str, str]:
        """The worker of each feed that has one."""
        latest = {feed: owner for _, feed, owner in self.changes}
        return {feed: owner for feed, owner in latest.items() if owner is not None}

    def note(self, feed: str, owner: str | None) -> None:
        """The owner has the feed from now on."""
        if self.now().get(feed) != owner:
            self.changes.append((self._clock.monotonic(), feed, owner))

    def died(self, owner: str) -> None:
        """The owner is no more."""
        for feed, worker in self.now().items():
            if worker == owner:
                self.note(feed, None)

    def loads(self) -> dict[str, int]:
        """How many feeds each owner works on."""
        owners = list(self.now().values())
        return {owner: owners.count(owner) for owner in owners}

    def gaps(self, since: float) -> dict[str, float]:
        """The longest time that each feed was without a worker since a moment, if it was."""
        found: dict[str, float] = {}
        left: dict[str, float] = {}
        for moment, feed, owner in self.changes:
            if owner is None:
                left[feed] = moment
            elif feed in left:
                gap = moment - left.pop(feed)
                if moment >= since:
                    found[feed] = max(found.get(feed, 0.0), gap)
        for feed, moment in left.items():
            found[feed] = max(found.get(feed, 0.0), self._clock.monotonic() - moment)
        return found


class OwnState:
    """The state as one collector meets it; `away`: it does not answer this one."""

    def __init__(self, inner: State, workers: Workers) -> None:
        self._inner = inner
        self._workers = workers
        self.away = False

    async def open(self) -> None:
        """It is open."""

    async def close(self) -> None:
        """It stays open."""

    async def ping(self) -> None:
        """Whether it answers."""
        await self._reached().ping()

    async def get(self, key: str) -> bytes | None:
        """As the port says."""
        return await self._reached().get(key)

    async def set(self, key: str, value: bytes, expires_in: float | None = None) -> None:
        """As the port says."""
        await self._reached().set(key, value, expires_in)

    async def add(self, key: str, value: bytes, expires_in: float, *, since: float | None = None) -> bool:
        """As the port says."""
        return await self._reached().add(key, value, expires_in, since=since)

    async def delete(self, key: str) -> None:
        """As the port says."""
        await self._reached().delete(key)

    async def scan(self, prefix: str) -> Mapping[str, bytes]:
        """As the port says."""
        return await self._reached().scan(prefix)

    async def acquire(self, lease: str, owner: str, seconds: float, *, held: int | None = None) -> int | None:
        """As the port says."""
        number = await self._reached().acquire(lease, owner, seconds, held=held)
        if number is not None:
            self._workers.note(lease.removeprefix("feed:"), owner)
        return number

    async def release(self, lease: str, owner: str) -> None:
        """As the port says."""
        await self._reached().release(lease, owner)
        feed = lease.removeprefix("feed:")
        if self._workers.now().get(feed) == owner:
            self._workers.note(feed, None)

    def _reached(self) -> State:
        if self.away:
            raise StateUnavailable("it cannot be reached")
        return self._inner


class OwnClock:
    """The clock as one collector meets it: while its process is stopped no sleep ends."""

    def __init__(self, inner: MovedClock) -> None:
        self._inner = inner
        self.going = asyncio.Event()
        self.going.set()

    def now(self) -> float:
        """As the port says."""
        return self._inner.now()

    def monotonic(self) -> float:
        """As the port says; it goes on while the process is stopped."""
        return self._inner.monotonic()

    async def sleep(self, seconds: float) -> None:
        """As the port says."""
        await self._inner.sleep(seconds)
        await self.going.wait()


class Running:
    """A collector at work: `stop` asks it to end, `going` cleared stops its process, as SIGSTOP does."""

    def __init__(self, owner: str, state: OwnState, clock: OwnClock, metrics: Metrics) -> None:
        self.owner = owner
        self.state = state
        self.metrics = metrics
        self.going = clock.going
        self.stop = asyncio.Event()
        self.task: asyncio.Task[None]


class World:
    """Everything around the collectors of a test; `metrics` are those of the first one."""

    def __init__(self) -> None:
        self.clock = MovedClock()
        self.index = MemoryIndex(searchable_fields(), self.clock)
        self.state = MemoryState(self.clock)
        self.log = MemoryChangeLog()
        self.ledgers: list[MemoryLedger] = []
        self.marks = MarkedFields(FOLLOWERS.values(), searchable_fields())
        self.workers = Workers(self.clock)
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

    def start(self, *plans: FeedPlan, owner: str = "one", records: bool = True) -> Running:
        """A collector of these feeds, which records changes or not."""
        clock, state = OwnClock(self.clock), OwnState(self.state, self.workers)
        metrics = Metrics() if self._running else self.metrics
        running = Running(owner, state, clock, metrics)
        marked = {str(alias): self.marks.names(alias) for alias in Alias}
        ledger = MemoryLedger()
        self.ledgers.append(ledger)
        keeping = Keeping(self.log, ledger, RETENTION, marked, self.marks.of) if records else None
        supervisor = Supervisor(plans, self.index, state, clock, Log("outgoing"), metrics, owner, keeping)
        running.task = asyncio.create_task(supervisor.run(running.stop))
        self._running.append(running)
        return running

    async def kill(self, running: Running) -> None:
        """End a collector as a crash does: nothing is said to the state any more."""
        running.state.away = True
        running.task.cancel()
        self.workers.died(running.owner)
        await self._until_ended(running)

    async def stop(self, running: Running) -> None:
        """End a collector as a signal does."""
        running.stop.set()
        await self._until_ended(running)
        running.task.result()

    async def end(self) -> None:
        """End whatever runs."""
        for running in list(self._running):
            running.going.set()
            running.task.cancel()
            await self._until_ended(running)

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

    async def _until_ended(self, running: Running) -> None:
        await self.clock.run_until(running.task.done, limit=10.0)
        self._running.remove(running)
