"""An index that stores nothing, and one whose answers come too late, take nothing from readers."""

import pytest

from activity_stream.collect.generations import Generations
from activity_stream.collect.keeping import FeedRecords
from activity_stream.collect.lease import Lease
from activity_stream.errors import IndexUnavailable, LeaseLost
from activity_stream.logs import Log
from activity_stream.model import Generation
from tests.unit.collect.world import World


@pytest.mark.parametrize("whats", ["activity_id", "object_id"])
async def test_a_full_ingest_of_which_everything_was_refused_is_not_published(world: World, whats: str) -> None:
    """Readers keep what they have, in both aliases; the status says how many, why, and what to do."""
    keys = [f"a{number}" for number in range(12)]
    source = world.source("feed", *keys)
    world.start(world.plan(source, full_ingest_interval=20.0))
    await world.clock.advance(10)
    for key in keys:
        world.index.refuse(getattr(source, whats)(key), "it is too odd")
        source.touch(key)
    await world.clock.advance(60)
    status = await world.status()
    assert await world.visible() == dict.fromkeys(keys, 1)
    assert status.full_failures > 0
    for words in (
        "refused all",
        "has some of them from before",
        "it is too odd",
        "Nothing was published: change the index",
    ):
        assert words in status.error
    source.put("c")
    await world.clock.advance(100)
    assert (await world.status()).full_failures == 0
    assert "c" in await world.visible()


async def test_bad_items_are_no_reason_to_keep_what_the_source_dropped(world: World) -> None:
    """gone: a feed of which only bad items are left shows nothing any more, and names them."""
    source = world.source("feed", "a", "b")
    world.start(world.plan(source, full_ingest_interval=20.0))
    await world.clock.advance(10)
    for key in ("a", "b"):
        source.drop(key)
    for number in range(8):
        world.index.refuse(source.activity_id(f"odd{number}"), "it is too odd")
        world.index.refuse(source.object_id(f"odd{number}"), "it is too odd")
        source.put(f"odd{number}")
    await world.clock.advance(60)
    assert await world.visible() == {}
    assert (await world.status()).full_failures == 0
    assert (await world.status()).refused.total > 0


async def test_an_empty_source_is_published(world: World) -> None:
    """Nothing was refused there: what a source dropped is gone."""
    source = world.source("feed", "a")
    world.start(world.plan(source, full_ingest_interval=20.0))
    await world.clock.advance(10)
    source.drop("a")
    await world.clock.advance(30)
    assert await world.visible() == {}


async def test_a_publish_that_comes_to_pass_late_takes_nothing_from_readers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its generation is taken for a leftover and dropped: published after that look, it would leave the feed empty."""
    lease = Lease(world.state, world.clock, Log("outgoing"), "feed", "one")
    await lease.acquire()
    records = FeedRecords(world.state, world.clock, "feed")
    made = Generations("feed", world.index, records, lease, world.clock, 0.5, updates=True)
    await made.finish(await made.begin(), "http://a.example/last")
    shown = made.published
    publish, sent = world.index.publish, []

    async def lost(generation: Generation, *, lease: int = 0) -> None:
        sent.append((generation, lease))
        raise IndexUnavailable("no answer")

    monkeypatch.setattr(world.index, "publish", lost)
    with pytest.raises(IndexUnavailable):
        await made.finish(await made.begin(), "http://a.example/last")
    made.give_up()
    await made.refresh()
    [(generation, number)] = sent
    with pytest.raises(LeaseLost):
        await publish(generation, lease=number)
    await made.begin()
    assert (await world.index.published()).get("feed") == shown
