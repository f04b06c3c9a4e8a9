"""One random history: sources that change, collectors that fail, crash and are replaced, a reader who looks each time.

Everything random comes from one seed, time included: the same seed is the same history (on the memory index).
"""

import asyncio
import random

import msgspec

from activity_stream.collect.changes import Keeping
from activity_stream.collect.plan import FeedPlan
from activity_stream.collect.records import FeedStatus, decide, feed_statuses
from activity_stream.collect.supervise import Supervisor
from activity_stream.feeds.base import FeedSource
from activity_stream.feeds.registry import make_feed_type
from activity_stream.fields import searchable_fields
from activity_stream.logs import Log
from activity_stream.metrics import Metrics
from activity_stream.model import Alias
from activity_stream.ports import Index
from activity_stream.search.following import Following
from activity_stream.search.marks import MarkedFields
from activity_stream.search.search import Searches
from activity_stream.testing.memory_changes import MemoryChangeLog, MemoryLedger
from activity_stream.testing.memory_state import MemoryState
from activity_stream.testing.scripted_feed import Failure, ScriptedSource
from tests.follower import Follower, seen
from tests.oracle.shaky import DrivenClock, Fate, Gate, ShakyIndex, ShakyLog, ShakySource, ShakyState
from tests.oracle.truth import Truth
from tests.unit.collect.world import FOLLOWERS

MARKS = MarkedFields(FOLLOWERS.values(), searchable_fields())
RETENTION = 1e6
EVERYTHING = b'{"size": 10000, "query": {"match_all": {}}}'


class QuietMetrics(Metrics):
    """Writing the metrics out every few seconds would be a good part of a history's time."""

    def exposition(self) -> bytes:
        """Nothing."""
        return b""


METRICS = QuietMetrics()
"""One for all histories: making one takes longer than a history's step."""


class Feed:
    """A source, how it can fail, and what is true of it."""

    def __init__(self, name: str, clock: DrivenClock, chance: random.Random, *, large: bool) -> None:
        self.name = name
        self.source = ScriptedSource(clock, name=name, page_size=25 if large else chance.randint(1, 6))
        self.truth = Truth(name)
        self.gate = Gate()
        self.lost: set[str] = set()
        self._chance = chance
        self._numbers = 0
        self.add(chance.randint(100, 130) if large else chance.randint(0, 15))
        self.full_interval = chance.choice((3.0, 8.0, 500.0, 500.0))
        self.page_interval = chance.choice((0.0, 0.1, 0.5))
        self.updates_interval = chance.choice((0.3, 1.0, 2.0))
        self.ratio = 0.5 if large else chance.choice((0.0, 0.5))

    def add(self, number: int) -> None:
        """So many items more; one in fifteen cannot be stored."""
        for _ in range(number):
            self._numbers += 1
            if self._chance.random() < 0.035:
                key = f"bad{self._numbers}"
                self.source.put(key)
                self.lost.add(key)
            elif self._chance.random() < 0.035:
                key = f"broken{self._numbers}"
                self.source.put_raw(key, b'{"type":"Update"}')
                self.lost.add(key)
            else:
                self.put(f"i{self._numbers}")

    def put(self, key: str) -> None:
        """Add the item or change it."""
        self.truth.put(key, self.source.put(key))

    def change(self) -> None:
        """One random change of the source."""
        keys = list(self.truth.versions)
        kind = self._chance.choice(("add", "change", "change", "drop", "again", "touch", "shuffle"))
        if kind == "add" or not keys:
            self.add(self._chance.randint(1, 6))
        elif kind == "change":
            for key in self._chance.sample(keys, min(len(keys), 3)):
                self.put(key)
        elif kind == "drop":
            for key in self._chance.sample(keys, min(len(keys), self._chance.choice((1, 2, len(keys))))):
                self.source.drop(key)
                self.truth.drop(key)
        elif kind == "again":
            key = self._chance.choice(keys)
            self.source.drop(key)
            self.truth.drop(key)
            self.put(key)
        elif kind == "touch":
            self.source.touch(self._chance.choice(keys))
        elif self._chance.random() < 0.3:
            self.source.shuffle(self._chance)
            self.truth.shuffle()

    def fail(self) -> None:
        """The source's next answers are not what they should be."""
        kinds = (
            Failure(status=500),
            Failure(status=404),
            Failure(status=429, headers={"retry-after": "2"}),
            Failure(lost=True),
            Failure(keep=30),
            Failure(body=b'{"secret": 1}'),
            Failure(delay=3.0),
        )
        self.source.fail(*self._chance.choices(kinds, k=self._chance.randint(1, 3)))

    def plan(self, fate: Fate) -> FeedPlan:
        """The feed as a collector gets it."""
        return FeedPlan(
            unique_id=self.name,
            feed_type=make_feed_type(FeedSource(self.name, "activity_stream", self.source.seed, auth="none")),
            fetcher=ShakySource(self.source, fate, self.gate),
            full_ingest_interval=self.full_interval,
            full_ingest_page_interval=self.page_interval,
            updates_page_interval=self.updates_interval,
            exception_intervals=(1.0, 4.0),
            publish_min_ratio=self.ratio,
            stall_timeout=30.0,
        )


class Life:
    """A collector from its start to its end."""

    def __init__(self, history: "History", number: int) -> None:
        self.fate = Fate(history.chance, history.clock, history.slowness, history.meddle, history.glance)
        owner = f"collector-{number}"
        self.index = ShakyIndex(history.index, self.fate, history.truths, owner, history.owners)
        state = ShakyState(history.state, self.fate, history.owners)
        plans = [feed.plan(self.fate) for feed in history.feeds]
        self.stop = asyncio.Event()
        log = ShakyLog(history.log, self.fate)
        marked = {str(alias): MARKS.names(alias) for alias in Alias}
        keeping = Keeping(log, MemoryLedger(), RETENTION, marked, MARKS.of)
        supervisor = Supervisor(plans, self.index, state, history.clock, Log("outgoing"), METRICS, owner, keeping)
        self.task = asyncio.create_task(supervisor.run(self.stop))


class History:
    """The world of one seed. `leisure` is a factor for the time between full ingests and polls: an index that takes
    real time gets less to do."""

    def __init__(self, seed: int, index: Index, clock: DrivenClock, leisure: float = 1.0) -> None:
        self.chance = random.Random(seed)
        self.clock = clock
        self.index = index
        self.state = MemoryState(clock)
        self.log = MemoryChangeLog()
        self.searches = Searches(index)
        following = Following(self.searches, self.log, MARKS, self._marked, RETENTION, clock)
        self._followers = {
            (caller.key_id, alias): Follower(following, caller, alias)
            for caller in FOLLOWERS.values()
            for alias in Alias
        }
        self.owners: dict[str, tuple[str, float]] = {}
        self.slowness = self.chance.choice((1.0, 1.0, 5.0))
        large = self.chance.random() < 0.15
        self.feeds = [Feed("a", clock, self.chance, large=large), Feed("b", clock, self.chance, large=False)]
        for feed in self.feeds:
            feed.full_interval *= leisure
            feed.updates_interval *= leisure
        self.truths = {feed.name: feed.truth for feed in self.feeds}
        self._lives: list[Life] = []
        self._count = 0
        self._broken: list[AssertionError] = []
        self._at_rest = False

    async def run(self, steps: int) -> None:
        """Live through it, then let the world come to rest. Raises AssertionError where a promise is broken."""
        try:
            self._start()
            for _ in range(steps):
                await self._happen()
                await self.clock.advance(self.chance.choice((0.05, 0.2, 0.5, 1.0, 3.0)))
                await self.look()
            await self._come_to_rest()
        finally:
            for life in list(self._lives):
                await self._crash(life)

    def meddle(self) -> None:
        """A source changes while a collector is in the middle of something."""
        if not self._at_rest:
            self.chance.choice(self.feeds).change()

    async def glance(self) -> None:
        """What a reader sees in the middle of something; what is wrong with it is raised at the next `look`."""
        try:
            await self._check()
        except AssertionError as error:
            self._broken.append(error)

    async def look(self) -> None:
        """What a reader sees now has to be right, and so has what was seen at each glance before."""
        if not self._broken:
            await self.glance()
        if self._broken:
            raise self._broken[0]
        if self.chance.random() < 0.2:
            await self.chance.choice(list(self._followers.values())).catch_up()
        for life in self._lives:
            assert not life.index.trespasses, life.index.trespasses[0]
            assert not life.task.done(), f"the collector ended: {life.task}"

    async def _check(self) -> None:
        published = await self.index.published()
        seen = {alias: await self._visible(alias) for alias in Alias}
        for feed in self.feeds:
            generation = published.get(feed.name)
            found = [seen[alias].get(feed.name, {}) for alias in (Alias.ACTIVITIES, Alias.OBJECTS)]
            feed.truth.check(None if generation is None else generation.id, *found)
            assert feed.gate.most <= 1, f"single: {feed.gate.most} requests at once to {feed.name}"

    async def _visible(self, alias: Alias) -> dict[str, dict[str, int]]:
        answer = msgspec.json.decode((await self.index.search(alias, EVERYTHING)).body)
        found: dict[str, dict[str, int]] = {}
        for hit in answer["hits"]["hits"]:
            thing = hit["_source"]["object"] if alias is Alias.ACTIVITIES else hit["_source"]
            _, feed, key = thing["id"].split(":")
            assert key not in found.setdefault(feed, {}), f"whole: {key} of {feed} is there twice"
            found[feed][key] = thing["dit:version"]
        return found

    async def _happen(self) -> None:
        kind = self.chance.random()
        feed = self.chance.choice(self.feeds)
        if kind < 0.58:
            feed.change()
        elif kind < 0.64:
            feed.fail()
        elif kind < 0.77:
            for life in self._lives:
                life.fate.index_failures = self.chance.choice((0.0, 0.05, 0.2))
        elif kind < 0.80:
            for life in self._lives:
                life.fate.state_failures = self.chance.choice((0.0, 0.0, 0.2, 1.0))
        elif kind < 0.86:
            await self._another_life()
        elif kind < 0.89:
            await decide(self.state, feed.name, self.chance.choice(("approve", "reject")))
        elif kind < 0.97:
            self._calm()
            await self._check_fresh(self.feeds)
            self._at_rest = False

    async def _another_life(self) -> None:
        kind = self.chance.choice(("crash", "crash", "stop", "second"))
        if kind == "crash":
            await self._crash(self._lives[-1])
        elif kind == "stop":
            await self._stop(self._lives[-1])
        if not self._lives or (len(self._lives) < 2 and kind == "second"):
            self._start()

    def _start(self) -> None:
        self._count += 1
        self._lives.append(Life(self, self._count))

    async def _stop(self, life: Life) -> None:
        life.stop.set()
        await self.clock.run_until(life.task.done, limit=10.0)
        self._lives.remove(life)
        life.task.result()

    async def _crash(self, life: Life) -> None:
        life.fate.dead = True
        life.task.cancel()
        await self.clock.run_until(life.task.done, limit=10.0)
        self._lives.remove(life)

    async def _come_to_rest(self) -> None:
        """Nothing fails and nothing changes any more: readers see each feed as its source has it."""
        self._calm()
        troubled = self.chance.choice((None, *self.feeds))
        if troubled is not None:
            troubled.gate.broken = self.chance.choice(("fail", "hang"))
        await self._check_fresh([feed for feed in self.feeds if feed is not troubled])
        for feed in self.feeds:
            feed.full_interval = 4.0
        for life in list(self._lives):
            await self._stop(life)
        self._start()
        await self._until_right([feed for feed in self.feeds if feed is not troubled])
        if troubled is not None:
            troubled.gate.broken = ""
        await self._until_right(self.feeds)
        await self._check_counted()
        await self._check_followers()

    async def _marked(self) -> list[dict[str, list[str]]]:
        return [msgspec.json.decode(value)["marked"] for value in (await self.state.scan("changes:")).values()]

    async def _check_followers(self) -> None:
        """Who followed through all this knows what a search shows."""
        for (name, alias), follower in self._followers.items():
            known, shown = await follower.catch_up(), await seen(self.searches, FOLLOWERS[name], alias)
            assert known == shown, f"followed: {name}, {alias}: {known.keys() ^ shown.keys()} or other versions"

    def _calm(self) -> None:
        """Nothing fails and nothing changes from now on."""
        self._at_rest = True
        for life in self._lives:
            life.fate.index_failures = life.fate.state_failures = 0.0
        for feed in self.feeds:
            feed.source.failures.clear()

    async def _check_fresh(self, feeds: list[Feed]) -> None:
        """Updates alone show what is new within seconds, however long the next full ingest takes to come."""
        await self.clock.advance(30.0 if self.slowness == 1.0 else 100.0)
        await self.look()
        published = await self.index.published()
        seen = await self._visible(Alias.ACTIVITIES)
        for feed in feeds:
            generation = published.get(feed.name)
            polled = await self.state.get(f"cursor:{feed.name}") is not None
            if generation is None or not polled or feed.truth.is_reordered(generation.id):
                continue
            shown = seen.get(feed.name, {})
            for key, version in feed.truth.versions.items():
                assert shown.get(key) == version, f"fresh: {feed.name} shows {key} {shown.get(key)}, not {version}"

    async def _until_right(self, feeds: list[Feed]) -> None:
        seen: dict[str, dict[str, int]] = {}
        for _ in range(80):
            await self.clock.advance(5.0)
            await self.look()
            seen = await self._visible(Alias.ACTIVITIES)
            if all(seen.get(feed.name, {}) == feed.truth.versions for feed in feeds):
                return
        wrong = {feed.name: (seen.get(feed.name), feed.truth.versions) for feed in feeds}
        raise AssertionError(f"alone: not right after 400 s: {wrong}")

    async def _check_counted(self) -> None:
        """Each item of a complete crawl is stored, skipped or refused, and the reasons can be read."""
        told = {}
        for _ in range(40):
            await self.clock.advance(5.0)
            statuses = {status.feed: status for status in await feed_statuses(self.state)}
            told = {feed.name: self._counted_wrongly(feed, statuses[feed.name]) for feed in self.feeds}
            if not any(told.values()):
                return
        raise AssertionError(f"counted: {told}")

    def _counted_wrongly(self, feed: Feed, status: FeedStatus) -> str:
        crawl = status.last_crawl
        if crawl is None:
            return "there is no complete crawl"
        found = (crawl.served, crawl.stored, crawl.skipped, crawl.refused)
        skipped = sum(key.startswith("broken") for key in feed.lost)
        refused = len(feed.lost) - skipped
        right = (len(feed.source.keys()), len(feed.truth.versions), skipped, refused)
        if found != right:
            return f"served, stored, skipped, refused are {found}, not {right}"
        told = len(status.skipped.recent) >= min(1, skipped) and len(status.refused.recent) >= min(1, refused)
        return "" if told else "the status does not name what was skipped and refused"
