"""Several collectors share the feeds: each story as an operator would tell it."""

from collections.abc import Callable, Mapping

import pytest

from activity_stream.collect.lease import LEASE_SECONDS
from activity_stream.collect.plan import FeedPlan
from activity_stream.collect.sharing import share
from activity_stream.errors import StateUnavailable
from activity_stream.ports import Request, Response
from activity_stream.testing.scripted_feed import ScriptedSource
from tests.unit.collect.world import Running, World

FEEDS = [f"feed{number}" for number in range(10)]
OWNERS = ("one", "two", "three")


class Trio:
    """Three collectors of ten feeds."""

    def __init__(self, world: World) -> None:
        self.sources = [world.source(name, "a", "b", "c") for name in FEEDS]
        self.plans = [world.plan(source) for source in self.sources]
        self.running: dict[str, Running] = {}

    def most_at_once(self) -> int:
        """The largest number of requests under way together at any source."""
        return max(source.most_at_once for source in self.sources)


async def trio(world: World, seconds: float = 20.0) -> Trio:
    """Three collectors that did not begin at the same moment and have come to rest."""
    made = Trio(world)
    for owner in OWNERS:
        made.running[owner] = world.start(*made.plans, owner=owner)
        await world.clock.advance(0.17)
    await world.clock.advance(seconds)
    assert world.workers.now().keys() == set(FEEDS)
    return made


async def test_ten_feeds_are_spread_evenly_over_three_collectors(world: World) -> None:
    """Each feed has one worker, each collector three or four feeds, and no source is asked twice at once."""
    made = await trio(world)
    assert sorted(world.workers.loads().values()) == [3, 3, 4]
    assert made.most_at_once() == 1
    assert all([await world.visible(name) == {"a": 1, "b": 1, "c": 1} for name in FEEDS])


@pytest.mark.parametrize("moment", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9])
async def test_rule_9_a_dead_collectors_feeds_are_taken_over_within_five_seconds(world: World, moment: float) -> None:
    """Whenever it dies, each of its feeds is worked on again in time, by the two that are left, as many each."""
    made = await trio(world, 20.0 + moment)
    before = world.workers.now()
    died = world.clock.monotonic()
    await world.kill(made.running["two"])
    await world.clock.advance(10)
    gaps = world.workers.gaps(died)
    assert {feed for feed, owner in before.items() if owner == "two"} <= gaps.keys()
    assert max(gaps.values()) <= 4.5
    assert world.workers.loads() == {"one": 5, "three": 5}


async def test_a_clean_stop_hands_over_within_a_second(world: World) -> None:
    """The others need not wait for the leases to end."""
    made = await trio(world)
    stopped = world.clock.monotonic()
    await world.stop(made.running["two"])
    await world.clock.advance(5)
    assert max(world.workers.gaps(stopped).values()) < 1.0
    assert world.workers.loads() == {"one": 5, "three": 5}


async def test_a_new_collector_gets_its_share_within_seconds(world: World) -> None:
    """Between full ingests a feed changes hands at once, and nothing that readers see changes."""
    sources = [world.source(name, "a", "b") for name in FEEDS]
    plans = [world.plan(source) for source in sources]
    world.start(*plans, owner="one")
    await world.clock.advance(20)
    world.start(*plans, owner="two")
    since = world.clock.monotonic()
    await world.clock.advance(2)
    assert world.workers.loads() == {"one": 5, "two": 5}
    assert max(world.workers.gaps(since).values()) <= 1.0
    sources[0].put("c")
    sources[9].put("c")
    await world.clock.advance(3)
    assert [await world.visible(name) for name in (FEEDS[0], FEEDS[9])] == [{"a": 1, "b": 1, "c": 1}] * 2
    assert max(source.most_at_once for source in sources) == 1


async def test_a_young_full_ingest_is_given_up_for_evenness(world: World) -> None:
    """What took less than half a minute so far is begun anew by the collector that is to have the feed."""
    plans = [world.plan(world.source(name, *"abcdef"), full_ingest_page_interval=10.0) for name in FEEDS]
    world.start(*plans, owner="one")
    await world.clock.advance(25)
    world.start(*plans, owner="two")
    await world.clock.advance(2)
    assert world.workers.loads() == {"one": 5, "two": 5}


async def test_an_old_full_ingest_is_brought_to_its_end_before_its_feed_is_handed_over(world: World) -> None:
    """Evenness does not cost a crawl of days: the feed moves when the crawl is published, and then at once."""
    plans = [world.plan(world.source(name, *"abcdef"), full_ingest_page_interval=20.0) for name in FEEDS]
    world.start(*plans, owner="one")
    await world.clock.advance(31)
    world.start(*plans, owner="two")
    await world.clock.advance(28)
    assert world.workers.loads() == {"one": 10}
    assert await world.visible(FEEDS[0]) == {}
    await world.clock.advance(3)
    assert all([len(await world.visible(name)) == 6 for name in FEEDS])
    assert world.workers.loads() == {"one": 5, "two": 5}


async def test_blue_and_green_leave_no_feed_without_a_worker(world: World) -> None:
    """The new version starts, then the old one stops: every feed that either has is worked on all the time."""
    sources = {name: world.source(name, "a", "b") for name in FEEDS}
    plans = {name: world.plan(source) for name, source in sources.items()}
    blue = [world.start(*(plans[name] for name in FEEDS[:9]), owner=f"blue{number}") for number in (1, 2)]
    await world.clock.advance(20)
    since = world.clock.monotonic()
    for number in (1, 2):
        world.start(*(plans[name] for name in FEEDS[1:]), owner=f"green{number}")
    await world.clock.advance(10)
    assert await world.visible(FEEDS[0]) == {"a": 1, "b": 1}
    for each in blue:
        await world.stop(each)
    await world.clock.advance(2)
    gaps = world.workers.gaps(since)
    assert max(gap for feed, gap in gaps.items() if feed != FEEDS[0]) <= 1.5
    assert sorted(world.workers.loads().values()) == [4, 5]
    assert max(source.most_at_once for source in sources.values()) == 1
    await world.clock.advance(10)
    assert await world.visible(FEEDS[0]) == {}


@pytest.mark.parametrize("seconds", [1.0, 2.4, 2.5, 2.6, 2.7, 2.8, 2.9, 10.0, 100.0])
async def test_an_outage_of_the_state_moves_nothing(world: World, seconds: float) -> None:
    """However long the state is away, each collector goes on with the feeds that it had."""
    made = await trio(world)
    before = world.workers.now()
    changes = len(world.workers.changes)
    for each in made.running.values():
        each.state.away = True
    await world.clock.advance(seconds)
    for each in made.running.values():
        # They find the state again one after the other.
        each.state.away = False
        await world.clock.advance(0.6)
    await world.clock.advance(20)
    assert world.workers.now() == before
    assert {(feed, owner) for _, feed, owner in world.workers.changes[changes:] if owner} <= set(before.items())
    assert made.most_at_once() == 1


async def test_a_state_that_forgot_everything_moves_nothing(world: World) -> None:
    """After a restart of the state without its data the same collectors have the same feeds, within seconds."""
    made = await trio(world)
    before = world.workers.now()
    since = world.clock.monotonic()
    changes = len(world.workers.changes)
    world.state.forget()
    await world.clock.advance(20)
    assert world.workers.now() == before
    assert {(feed, owner) for _, feed, owner in world.workers.changes[changes:] if owner} <= set(before.items())
    assert max(world.workers.gaps(since).values(), default=0.0) <= 5.0
    assert made.most_at_once() == 1


async def test_a_collector_that_lost_the_state_is_replaced_and_gets_its_share_again(world: World) -> None:
    """While one alone cannot reach the state, the others have its feeds; when it is back, it has as many as before."""
    made = await trio(world)
    made.running["one"].state.away = True
    await world.clock.advance(5)
    assert world.workers.loads() == {"two": 5, "three": 5}
    await world.clock.advance(60)
    assert world.workers.loads() == {"two": 5, "three": 5}
    made.running["one"].state.away = False
    await world.clock.advance(10)
    assert sorted(world.workers.loads().values()) == [3, 3, 4]
    assert made.most_at_once() == 1


async def test_collectors_work_where_nobody_can_be_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the state refuses to say who lives, the leases alone decide: every feed has one worker."""
    scan = world.state.scan

    async def refused(prefix: str) -> Mapping[str, bytes]:
        if prefix.startswith("collector"):
            raise StateUnavailable("not allowed")
        return await scan(prefix)

    monkeypatch.setattr(world.state, "scan", refused)
    made = await trio(world)
    assert made.most_at_once() == 1
    died = world.clock.monotonic()
    await world.kill(made.running[world.workers.now()[FEEDS[0]]])
    await world.clock.advance(6)
    assert world.workers.now().keys() == set(FEEDS)
    assert max(world.workers.gaps(died).values()) <= 4.5


class Watched:
    """A source as one collector asks it; `trespasses` are requests of a collector that was not the feed's worker."""

    def __init__(self, world: World, source: ScriptedSource, feed: str, owner: str) -> None:
        self._world = world
        self._source = source
        self._feed = feed
        self._owner = owner
        self.trespasses = 0

    async def fetch(self, request: Request, on_wait: Callable[[float], None]) -> Response:
        """The source's answer."""
        self.trespasses += self._world.workers.now().get(self._feed) != self._owner
        return await self._source.fetch(request, on_wait)

    async def close(self) -> None:
        """Nothing to end."""


async def test_single_a_collector_that_was_stopped_and_goes_on_does_nothing_more(world: World) -> None:
    """After SIGSTOP and SIGCONT it neither asks the source nor writes, nor tells the state what it knew, before it
    has its feeds again."""
    source = world.source("feed", *"abcdef")
    watched = {owner: Watched(world, source, "feed", owner) for owner in ("one", "two")}

    def plan(owner: str) -> FeedPlan:
        return world.plan(source, fetcher=watched[owner], full_ingest_interval=1.0, full_ingest_page_interval=0.3)

    running = {"one": world.start(plan("one"), owner="one")}
    await world.clock.advance(5)
    running["two"] = world.start(plan("two"), owner="two")
    await world.clock.advance(45)
    first = world.workers.now()["feed"]
    second = "two" if first == "one" else "one"
    running[first].going.clear()
    await world.clock.advance(LEASE_SECONDS + 1.0)
    assert world.workers.now()["feed"] == second
    source.drop("a")
    source.put("g")
    await world.clock.advance(10)
    running[first].going.set()
    await world.clock.settle()
    status = await world.status()
    assert status.updated_at is not None
    assert world.clock.now() - status.updated_at < 3.0
    await world.clock.advance(20)
    assert [each.trespasses for each in watched.values()] == [0, 0]
    assert source.most_at_once == 1
    assert await world.visible() == dict.fromkeys("bcdefg", 1)


async def test_metrics_of_a_collector_that_let_go_of_a_feed_say_nothing_of_it(world: World) -> None:
    """Once another collector works on the feed, the first one's gauges are 0; when it has stopped, all of them are
    gone."""
    source = world.source("feed0", *[f"i{number}" for number in range(120)], page_size=50)
    others = [world.plan(world.source(name, "a")) for name in FEEDS[1:]]
    first = world.start(world.plan(source), *others, owner="one")
    await world.clock.advance(50)
    for key in source.keys()[5:]:
        source.drop(key)
    await world.clock.advance(65)
    held = 'ingest_held_generations{feed_unique_id="feed0"}'
    assert f"{held} 1.0" in first.metrics.exposition().decode()
    names = (f"two{number}" for number in range(100))
    owner = next(name for name in names if share(dict.fromkeys(("one", name), FEEDS))["feed0"] == name)
    second = world.start(world.plan(source), *others, owner=owner)
    await world.clock.advance(30)
    assert world.workers.now()["feed0"] == owner
    assert f"{held} 1.0" in second.metrics.exposition().decode()
    assert f"{held} 0.0" in first.metrics.exposition().decode()
    await world.stop(first)
    assert (await world.state.scan("metrics:")).keys() == {f"metrics:{owner}"}


async def test_one_collector_measures_the_index_and_another_one_goes_on(world: World) -> None:
    """The index is not asked by each collector; what the one that measures no longer measures it does not show."""
    shown = 'elasticsearch_feed_activities_total{feed_unique_id="feed0",searchable="searchable"} 3.0'
    made = await trio(world, 31.0)
    measuring = [owner for owner, each in made.running.items() if shown in each.metrics.exposition().decode()]
    assert len(measuring) == 1
    await world.kill(made.running.pop(measuring[0]))
    await world.clock.advance(15)
    measuring = [owner for owner, each in made.running.items() if shown in each.metrics.exposition().decode()]
    assert len(measuring) == 1
