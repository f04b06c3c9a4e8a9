"""Each wait of a full cycle has an end."""

import asyncio
from collections.abc import Callable

import pytest

from activity_stream.collect.health import health
from activity_stream.collect.progress import Progress
from activity_stream.errors import LeaseLost, Stalled
from activity_stream.model import Generation
from activity_stream.ports import Request, Response
from activity_stream.testing.moved_clock import MovedClock
from activity_stream.testing.scripted_feed import Failure, ScriptedSource
from tests.unit.collect.world import World


async def test_a_full_ingest_that_hangs_is_given_up_and_begun_anew(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A request that never ends is reported after STALL_TIMEOUT, and the next full ingest shows what was dropped."""
    source = world.source("feed", "a", "b")
    world.start(world.plan(source, stall_timeout=300.0, disable_updates=True))
    await world.clock.advance(50)
    source.drop("a")
    source.fail(Failure(delay=1e9))
    await world.clock.advance(340)
    assert await world.visible() == {"a": 1, "b": 1}
    await world.clock.advance(20)
    assert await world.visible() == {"b": 1}
    assert (await world.status()).stalled == 1
    assert any("STALL_TIMEOUT" in record.__dict__.get("told", "") for record in caplog.records)
    stalled = 'ingest_stalled_total{feed_unique_id="feed",ingest_type="full"} 1.0'
    assert stalled in world.metrics.exposition().decode()


class HangingFull:
    """A source whose second page hangs for the full ingest, while polls of the last page go on."""

    def __init__(self, source: ScriptedSource) -> None:
        self.source = source
        self.hang = False

    async def fetch(self, request: Request, on_wait: Callable[[float], None]) -> Response:
        """The page, unless it hangs."""
        if self.hang and request.url == self.source.seed:
            await asyncio.get_running_loop().create_future()
        return await self.source.fetch(request, on_wait)

    async def close(self) -> None:
        """Nothing to end."""


async def test_a_write_that_hangs_is_given_up_as_well(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer is made anew too: an index that never answered one call does not hold the feed for good."""
    source = world.source("feed", "a", "b")
    begin, calls = world.index.begin, [1]

    async def hanging(feed: str, *, lease: int = 0) -> object:
        if calls:
            calls.pop()
            await asyncio.get_running_loop().create_future()
        return await begin(feed, lease=lease)

    monkeypatch.setattr(world.index, "begin", hanging)
    world.start(world.plan(source, stall_timeout=60.0))
    await world.clock.advance(90)
    assert await world.visible() == {"a": 1, "b": 1}


async def test_a_publish_that_hung_changes_nothing_when_it_lands(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """single: what was asked for before a stall and comes to pass long after it is kept out."""
    source = world.source("feed", "a", "b")
    publish = world.index.publish
    hung: list[tuple[Generation, int]] = []

    async def hanging(generation: Generation, *, lease: int = 0) -> None:
        if not hung:
            hung.append((generation, lease))
            await asyncio.get_running_loop().create_future()
        await publish(generation, lease=lease)

    monkeypatch.setattr(world.index, "publish", hanging)
    world.start(world.plan(source, stall_timeout=60.0))
    await world.clock.advance(90)
    shown = await world.index.published()
    [(generation, lease)] = hung
    with pytest.raises(LeaseLost):
        await publish(generation, lease=lease)
    assert await world.index.published() == shown
    assert await world.visible() == {"a": 1, "b": 1}


async def test_long_pauses_between_pages_are_no_stall(world: World) -> None:
    """A page interval longer than STALL_TIMEOUT is politeness."""
    source = world.source("feed", "a", "b", "c")
    world.start(world.plan(source, stall_timeout=5.0, full_ingest_page_interval=60.0))
    await world.clock.advance(130)
    assert len(await world.visible()) == 3
    assert (await world.status()).stalled == 0


async def test_a_feed_stuck_on_one_page_does_not_count_as_healthy(world: World) -> None:
    """However busy it is: what never completes turns RED when its grace ends."""
    source = world.source("feed", "a", "b")
    fetcher = HangingFull(source)
    world.start(world.plan(source, fetcher=fetcher, stall_timeout=50.0))
    await world.clock.advance(60)
    fetcher.hang = True
    await world.clock.advance(1000)
    assert await health(world.state, world.clock, {"feed": 500.0}) == [("feed", False)]
    assert await health(world.state, world.clock, {"feed": 2000.0}) == [("feed", True)]


async def test_progress_that_comes_during_a_polite_wait_does_not_end_it() -> None:
    """A page written while the source asks for patience leaves the whole of that patience."""
    clock = MovedClock()
    progress = Progress(clock, 10.0)
    watch = asyncio.create_task(progress.watch())
    await clock.settle()
    progress.waits(100.0)
    await clock.advance(5)
    progress.made()
    await clock.advance(104)
    assert not watch.done()
    await clock.advance(2)
    with pytest.raises(Stalled, match="no progress for 10 s"):
        watch.result()
