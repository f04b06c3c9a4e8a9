"""GREEN or RED, and what the API's processes are told of the collectors."""

from activity_stream.collect.health import collector_metrics, health, store_collector_metrics
from activity_stream.collect.records import FeedStatus
from activity_stream.testing.memory_state import MemoryState
from activity_stream.testing.moved_clock import MovedClock
from tests.unit.collect.world import World


async def test_a_feed_that_never_completed_is_green_until_its_grace_ends() -> None:
    """Its grace counts from when it was first met."""
    clock = MovedClock()
    state = MemoryState(clock)
    assert await health(state, clock, {"feed": 100.0}) == [("feed", True)]
    await clock.advance(100)
    assert await health(state, clock, {"feed": 100.0}) == [("feed", True)]
    await clock.advance(1)
    assert await health(state, clock, {"feed": 100.0}) == [("feed", False)]


async def test_the_grace_counts_from_the_last_publish(world: World) -> None:
    """Each completed full ingest begins it again."""
    source = world.source("feed", "a")
    world.start(world.plan(source, full_ingest_interval=50.0))
    await world.clock.advance(1000)
    assert await health(world.state, world.clock, {"feed": 60.0, "new": 60.0}) == [("feed", True), ("new", True)]


async def test_a_status_of_another_version_is_forgotten() -> None:
    """What cannot be read does not make the check fail."""
    clock = MovedClock()
    state = MemoryState(clock)
    await state.set("status:feed", b'{"feed": 1}')
    assert await health(state, clock, {"feed": 60.0}) == [("feed", True)]


async def test_metrics_of_collectors_that_are_gone_expire() -> None:
    """A collector's metrics are there for a minute after it last said something."""
    clock = MovedClock()
    state = MemoryState(clock)
    await store_collector_metrics(state, "one", b"a 1\n")
    await store_collector_metrics(state, "two", b"a 2\n")
    assert await collector_metrics(state) == [b"a 1\n", b"a 2\n"]
    await clock.advance(61)
    assert await collector_metrics(state) == []


def test_a_status_is_about_one_feed_and_begins_with_nothing() -> None:
    """Two statuses never share what they count."""
    one, two = FeedStatus("one"), FeedStatus("two")
    one.skipped.total += 1
    assert two.skipped.total == 0
