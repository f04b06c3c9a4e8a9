"""The order of fetch is the order of write."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import pytest

from activity_stream.collect import pipeline as pipeline_module
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

    async def write(fetched: Sequence[Fetched]) -> None:
        await world.clock.sleep(10.0 - len(written))
        written.extend(page.address for page in fetched)

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


async def test_bounded_fetching_waits_for_writing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a writer no more pages are fetched than may wait: two, however large they are."""
    monkeypatch.setattr(pipeline_module, "QUEUED_BYTES", 10)
    pipeline, pages = walk(world, *"abcdefgh")

    async def write(_: Sequence[Fetched]) -> None:
        """Never called."""

    async def all_pages() -> None:
        while pages.address is not None:
            await pipeline.page(pages, write)

    fetching = asyncio.create_task(all_pages())
    await world.clock.advance(10)
    assert not fetching.done()
    assert pages.address is not None
    assert pages.address.endswith(f"after={QUEUED_PAGES + 1}")
    fetching.cancel()


async def test_pages_that_wait_for_the_same_write_are_written_together(world: World) -> None:
    """While a page is written the next ones come in; they go into one write, in their order, and each is told."""
    pipeline, pages = walk(world, "a", "b", "c", "d")
    written: list[list[str]] = []

    async def write(fetched: Sequence[Fetched]) -> int:
        await world.clock.sleep(5.0)
        written.append([page.address for page in fetched])
        return len(fetched)

    writer = asyncio.create_task(pipeline.run())
    asked, futures = [], []
    while pages.address is not None:
        asked.append(pages.address)
        futures.append(await world_moves(world, pipeline.page(pages, write)))
    await world.clock.run_until(lambda: all(future.done() for future in futures))
    assert [address for together in written for address in together] == asked
    assert [len(together) for together in written] == [1, len(asked) - 1]
    assert [future.result() for future in futures] == [1, *([len(asked) - 1] * (len(asked) - 1))]
    writer.cancel()


async def test_pages_of_different_writes_are_not_mixed(world: World) -> None:
    """What waits between two pages is done between them, and another cycle's page is written by itself."""
    pipeline, pages = walk(world, "a", "b", "c", "d")
    happened: list[str] = []

    async def full(fetched: Sequence[Fetched]) -> None:
        await world.clock.sleep(5.0)
        happened.append(f"full {len(fetched)}")

    async def update(fetched: Sequence[Fetched]) -> None:
        happened.append(f"update {len(fetched)}")

    writer = asyncio.create_task(pipeline.run())
    await world_moves(world, pipeline.page(pages, full))
    await world_moves(world, pipeline.page(pages, full))
    await world_moves(world, pipeline.page(pages, update))
    last = await world_moves(world, pipeline.page(pages, full))
    await world.clock.run_until(last.done)
    assert happened == ["full 1", "full 1", "update 1", "full 1"]
    writer.cancel()


async def test_a_failed_write_is_its_cycles_and_the_writer_goes_on(world: World) -> None:
    """The error is in the future of that page; the next one is written."""
    pipeline, pages = walk(world, "a", "b")

    async def fail(_: Sequence[Fetched]) -> None:
        raise IndexUnavailable("disk full")

    async def write(_: Sequence[Fetched]) -> str:
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

    async def write_full(begun: str, _: Sequence[Fetched]) -> None:
        happened.append(f"full into {begun}")

    async def write_update(_: Sequence[Fetched]) -> None:
        happened.append("update")

    writer = asyncio.create_task(pipeline.run())
    beginning = asyncio.create_task(pipeline.first_page(begin, Walk(feed_type, source.seed), write_full))
    await world.clock.advance(1)
    polling = asyncio.create_task(pipeline.page(Walk(feed_type, source.seed), write_update))
    await world.clock.run_until(lambda: beginning.done() and polling.done())
    await world.clock.advance(1)
    assert happened == ["begin", "full into generation", "update"]
    writer.cancel()
