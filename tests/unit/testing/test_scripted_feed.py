"""The source in memory, read as a collector reads it."""

import random

import pytest

from activity_stream.errors import NotAFeed, SourceUnavailable
from activity_stream.feeds.types.activity_stream import ActivityStream
from activity_stream.feeds.walk import Walk
from activity_stream.model import Activity
from activity_stream.testing.moved_clock import MovedClock
from activity_stream.testing.scripted_feed import Failure, ScriptedSource


def source_of(*keys: str) -> ScriptedSource:
    """A source that has the items, three on a page."""
    source = ScriptedSource(MovedClock(), page_size=3)
    for key in keys:
        source.put(key)
    return source


async def crawl(source: ScriptedSource) -> list[Activity]:
    """Everything there is, from the seed to the page without `next`."""
    walk = Walk(ActivityStream(source.seed), source.seed)
    found: list[Activity] = []
    while walk.address is not None:
        found += walk.accept(await source.fetch(walk.request(), print)).activities
    return found


async def test_a_crawl_finds_every_item_once_in_its_order() -> None:
    """Pages follow each other to an empty last one, and together hold each item, as `stored` says."""
    source = source_of(*"abcdefg")
    found = await crawl(source)
    assert [each.id for each in found] == [source.activity_id(key) for key in "abcdefg"]
    assert [each.source for each in found] == list(source.stored().values())
    assert (source.requests, source.most_at_once) == (4, 1)


async def test_a_changed_item_moves_to_the_end_in_a_newer_version() -> None:
    """Changing and listing again move an item to the end; dropping takes it away; its version goes on from there."""
    source = source_of(*"abcd")
    assert source.put("b") == 2
    source.touch("a")
    source.drop("c")
    assert source.keys() == ["d", "b", "a"]
    assert [each.source for each in await crawl(source)] == [
        source.activity("d", 1),
        source.activity("b", 2),
        source.activity("a", 1),
    ]
    assert source.put("c") == 2


async def test_items_in_another_order_are_the_same_items() -> None:
    """Shuffled, a crawl finds the same items in the new order."""
    source = source_of(*"abcdefg")
    before = source.stored()
    source.shuffle(random.Random(3))
    assert source.stored() == before
    order = source.keys()
    assert order != list(before)
    assert [each.id for each in await crawl(source)] == [source.activity_id(key) for key in order]


async def test_the_last_page_shows_what_came_later() -> None:
    """Polling the empty last page again brings the changes since."""
    source = source_of("a")
    walk = Walk(ActivityStream(source.seed), source.seed)
    while walk.address is not None:
        walk.accept(await source.fetch(walk.request(), print))
    source.put("b")
    assert walk.page_address is not None
    poll = Walk(ActivityStream(source.seed), walk.page_address)
    page = poll.accept(await source.fetch(poll.request(), print))
    assert [each.id for each in page.activities] == [source.activity_id("b")]


async def test_failures_come_one_by_one() -> None:
    """Each failure is one answer's; then the source is well again."""
    source = source_of("a")
    source.fail(Failure(status=500), Failure(keep=20), Failure(lost=True))
    for error in (SourceUnavailable, NotAFeed, SourceUnavailable):
        with pytest.raises(error):
            await crawl(source)
    assert len(await crawl(source)) == 1


async def test_an_item_that_is_no_activity_is_skipped() -> None:
    """Whatever JSON can stand among the items."""
    source = source_of("a")
    source.put_raw("odd", b'{"id":7}')
    walk = Walk(ActivityStream(source.seed), source.seed)
    page = walk.accept(await source.fetch(walk.request(), print))
    assert [each.position for each in page.skipped] == [1]
