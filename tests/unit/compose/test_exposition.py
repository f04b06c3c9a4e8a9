"""The metrics that one process answers for all collectors."""

from activity_stream.collect.health import store_collector_metrics
from activity_stream.compose.parts import Collector, exposition
from activity_stream.metrics import Metrics
from activity_stream.testing.memory_state import MemoryState
from activity_stream.testing.moved_clock import MovedClock


def measured(feed: str, number: int) -> Metrics:
    """A collector's metrics after so many activities of a feed."""
    metrics = Metrics()
    metrics.count_activities(feed, "full", number)
    return metrics


def series(feed: str, number: int) -> str:
    """The line by which an exposition tells of them."""
    return f'ingest_activities_nonunique_total{{feed_unique_id="{feed}",ingest_type="full"}} {number:.1f}'


async def test_two_collectors_metrics_show_at_either() -> None:
    """A process that collects tells of the other one's feeds, and counts what it stored itself only once."""
    state = MemoryState(MovedClock())
    collectors = [Collector("one", measured("a", 3)), Collector("two", measured("b", 4))]
    for each in collectors:
        await store_collector_metrics(state, each.owner, each.metrics.exposition())
    collectors[0].metrics.count_activities("a", "full", 2)
    lines = (await exposition(state, collectors[0])).decode().splitlines()
    assert series("a", 5) in lines
    assert series("b", 4) in lines
    lines = (await exposition(state, collectors[1])).decode().splitlines()
    assert series("a", 3) in lines
    assert series("b", 4) in lines


async def test_a_process_that_does_not_collect_tells_of_all_that_do() -> None:
    """The API alone adds up what all collectors left."""
    state = MemoryState(MovedClock())
    for owner in ("one", "two"):
        await store_collector_metrics(state, owner, measured("a", 3).exposition())
    assert series("a", 6) in (await exposition(state, None)).decode().splitlines()


async def test_without_the_state_it_tells_of_itself() -> None:
    """The page is there while the state is away."""
    state = MemoryState(MovedClock())
    state.fail_next = 2
    assert series("a", 3) in (await exposition(state, Collector("one", measured("a", 3)))).decode().splitlines()
    assert b"# TYPE ingest_activities_nonunique_total" in await exposition(state, None)
