"""An index that answers 200 and stores nothing, or not all: it is noticed, and readers keep what they have."""

import asyncio

from activity_stream.collect.records import FeedStatus
from tests.flow.watched import Feed, World, until


async def failed(world: World, feed: Feed, words: str) -> None:
    """Return when the feed's status says that its full ingests fail, in these words. Raises AssertionError."""
    published = feed.line.switches
    for _ in range(200):
        status = await world.status(feed)
        if status.full_failures > 1 and words in status.error:
            assert feed.line.switches <= published + 1, "something was published"
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"the status says {status.error!r}")


async def complete(world: World, feed: Feed) -> FeedStatus:
    """The feed's status once it tells of a complete crawl: it is stored each second."""
    async with asyncio.timeout(10):
        while (status := await world.status(feed)).last_crawl is None:
            await asyncio.sleep(0.1)
    return status


async def a_generation_is_begun(feed: Feed) -> None:
    """Return before its first page is written: what is refused for good from then on, or no longer, is all of it."""
    feed.line.created.clear()
    await asyncio.wait_for(feed.line.created.wait(), 20)


async def test_an_index_that_answers_200_and_is_too_busy_for_every_item_is_noticed(empty_engine: str) -> None:
    """The full ingest fails and the status says why; readers keep what they have, and the index's recovery heals it."""
    world, feed = World(empty_engine), Feed("busy")
    async with world.watched(), world.collecting(feed):
        await until(lambda: feed.visible == feed.source.versions(), "all is visible")
        before = dict(feed.visible)
        feed.line.refuses = lambda _: 429
        feed.change()
        await failed(world, feed, "the index did not take")
        assert feed.visible == before
        feed.line.refuses = lambda _: 0
        await until(lambda: feed.visible == feed.source.versions(), "the change is visible")
    assert not feed.amiss


async def test_an_index_that_refuses_every_item_for_good_publishes_no_emptiness(empty_engine: str) -> None:
    """A small feed, which the guard before publishing lets lose anything, keeps what readers have."""
    world, feed = World(empty_engine), Feed("refused")
    async with world.watched(), world.collecting(feed):
        await until(lambda: feed.visible == feed.source.versions(), "all is visible")
        before = dict(feed.visible)
        await a_generation_is_begun(feed)
        feed.line.refuses = lambda _: 400
        feed.change()
        await failed(world, feed, "refused all activities of the full ingest")
        assert feed.visible == before
        # An ingest under way has lost what was refused: it must not be the one that is brought to its end.
        feed.line.refuses = lambda _: 429
        await failed(world, feed, "the index did not take")
        await a_generation_is_begun(feed)
        feed.line.refuses = lambda _: 0
        await until(lambda: feed.visible == feed.source.versions(), "the change is visible")
    assert not feed.amiss


async def test_of_a_bulk_answer_with_both_the_busy_are_stored_and_the_refused_are_named(empty_engine: str) -> None:
    """One item is refused in every form, others are busy at first: all but the one are visible, the status has it."""
    world, feed = World(empty_engine), Feed("mixed")
    refused, busy = feed.source.key(0), {feed.source.key(number): 2 for number in (1, 2, 5)}

    def refuses(head: bytes) -> int:
        if f'"{refused}:Update"'.encode() in head:
            return 400
        for key, left in busy.items():
            if f'"{key}:Update"'.encode() in head and left:
                busy[key] = left - 1
                return 429
        return 0

    feed.line.refuses = refuses
    async with world.watched(), world.collecting(feed):
        others = {key: version for key, version in feed.source.versions().items() if key != refused}
        await until(lambda: feed.visible == others, "the others are visible")
        assert not any(busy.values())
        await until(lambda: feed.line.switches > 1, "it is published again")
        status = await complete(world, feed)
        crawl = status.last_crawl
        assert crawl is not None
        assert (crawl.served, crawl.stored, crawl.refused) == (10, 9, 1)
        assert {trouble.item for trouble in status.refused.recent} == {f"activities: {refused}:Update"}
        assert "told to refuse it" in status.refused.recent[0].reason
        feed.line.refuses = lambda _: 0
        await until(lambda: feed.visible == feed.source.versions(), "the one is visible, too")
