"""The order of fetch is the order of write."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from activity_stream.collect.pipeline import QUEUED_PAGES, Fetched, Pipeline
from activity_stream.collect.progress import Progress
from activity_stream.errors import IndexUnavailable
from activity_stream.feeds.base import FeedSource
from activity_stream.feeds.registry import make_feed_type
from activity_stream.feeds.walk import Walk
from activity_stream.testing.scripted_feed import Failure
from tests.unit.collect.world import World

T = TypeVar("T")


def walk(world: World, *keys: str) -> tuple[Pipeline, Walk]:
    """A pipeline, and a walk along a source of one item a page."""
    source = world.source("feed", *keys, page_size=1)
    feed_type = make_feed_type(FeedSource("feed", "activity_stream", source.seed, auth="none"))
    return Pipeline(source, Progress(world.clock, 100.0), world.clock), Walk(feed_type, source.seed)


async def test_pages_are_written_in_the_order_of_their_fetching(world: World) -> None:
    """However long a write takes, no later page is written before it is done."""
    pipeline, pages = walk(world, "a", "b", "c", "d")
    written: list[str] = []

    async def write(fetched: Fetched) -> None:
        await world.clock.sleep(10.0 - len(written))
        written.append(fetched.address)

    writer = asyncio.create_task(pipeline.run())
    asked = []
    while pages.address is not None:
        asked.append(pages.address)
        last = await world_moves(world, pipeline.page(pages, write))
    await world.clock.run_until(last.done)
    assert written == asked
    writer.cancel()


async def world_moves(world: World, work: Coroutine[Any, Any, T]) -> T:
    """What comes of the work, with time going by."""
    task = asyncio.ensure_future(work)
    await world.clock.run_until(task.done)
    return task.result()


async def test_bounded_fetching_waits_for_writing(world: World) -> None:
    """Without a writer no more pages are fetched than the queue holds."""
    pipeline, pages = walk(world, *"abcdefgh")
    written: list[Fetched] = []

    async def write(fetched: Fetched) -> None:
        written.append(fetched)

    async def all_pages() -> None:
        while pages.address is not None:
            await pipeline.page(pages, write)

    fetching = asyncio.create_task(all_pages())
    await world.clock.advance(10)
    assert not fetching.done()
    assert pages.address is not None
    assert pages.address.endswith(f"after={QUEUED_PAGES + 1}")
    fetching.cancel()


async def test_a_failed_write_is_its_cycles_and_the_writer_goes_on(world: World) -> None:
    """The error is in the future of that page; the next one is written."""
    pipeline, pages = walk(world, "a", "b")

    async def fail(_: Fetched) -> None:
        raise IndexUnavailable("disk full")

    async def write(_: Fetched) -> str:
        return "written"

    writer = asyncio.create_task(pipeline.run())
    failed = await pipeline.page(pages, fail)
    written = await pipeline.page(pages, write)
    assert await written == "written"
    assert isinstance(failed.exception(), IndexUnavailable)
    writer.cancel()


async def test_gone_no_page_gets_between_a_beginning_and_its_first_page(world: World) -> None:
    """A page fetched before a generation's first one is written before that generation begins."""
    source = world.source("feed", "a", page_size=1)
    source.fail(Failure(delay=5.0), Failure(delay=5.0))
    feed_type = make_feed_type(FeedSource("feed", "activity_stream", source.seed, auth="none"))
    pipeline = Pipeline(source, Progress(world.clock, 100.0), world.clock)
    happened: list[str] = []

    async def begin() -> str:
        await world.clock.sleep(3.0)
        happened.append("begin")
        return "generation"

    async def write_full(begun: str, _: Fetched) -> None:
        happened.append(f"full into {begun}")

    async def write_update(_: Fetched) -> None:
        happened.append("update")

    writer = asyncio.create_task(pipeline.run())
    beginning = asyncio.create_task(pipeline.first_page(begin, Walk(feed_type, source.seed), write_full))
    await world.clock.advance(1)
    polling = asyncio.create_task(pipeline.page(Walk(feed_type, source.seed), write_update))
    await world.clock.run_until(lambda: beginning.done() and polling.done())
    await world.clock.advance(1)
    assert happened == ["begin", "full into generation", "update"]
    writer.cancel()
