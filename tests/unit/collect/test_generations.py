"""What is written where, and when a build must not be published any more."""

import pytest

from activity_stream.collect.generations import Generations
from activity_stream.collect.keeping import FeedRecords
from activity_stream.collect.lease import Lease
from activity_stream.collect.pipeline import Fetched
from activity_stream.collect.records import Held
from activity_stream.errors import GenerationLost, IndexUnavailable
from activity_stream.logs import Log
from activity_stream.model import Activity, Generation, Page
from tests.unit.collect.world import World


def page(*ids: str, digest: bytes = b"1", address: str = "http://a.example/last") -> Fetched:
    """A page of these activities."""
    activities = tuple(Activity(each, f'{{"id":"{each}"}}'.encode()) for each in ids)
    return Fetched(address, Page(activities), digest, 0.0, 0.0)


async def generations(world: World) -> Generations:
    """A feed's generations, one published and one being built."""
    lease = Lease(world.state, world.clock, Log("outgoing"), "feed", "one")
    await lease.acquire()
    records = FeedRecords(world.state, world.clock, "feed")
    made = Generations("feed", world.index, records, lease, world.clock, 0.5, updates=True)
    await made.finish(await made.begin(), "http://a.example/last")
    await made.begin()
    return made


async def test_an_updates_page_goes_into_what_is_published_and_what_is_built(world: World) -> None:
    """Otherwise it would vanish at the next publish."""
    made = await generations(world)
    await made.write_update(page("a"))
    assert made.published is not None
    assert made.build is not None
    for generation in (made.published, made.build.generation):
        assert (await world.index.count(generation)).activities == 1


async def test_the_same_page_is_not_written_again(world: World) -> None:
    """A last page that is not empty comes at every poll; writing it each time would cost for nothing."""
    made = await generations(world)
    assert await made.write_update(page("a")) is not None
    assert await made.write_update(page("a")) is None
    assert await made.write_update(page("a", digest=b"2")) is not None


async def test_the_same_page_is_written_again_where_another_generation_is_built(world: World) -> None:
    """The new build does not have it yet."""
    made = await generations(world)
    await made.write_update(page("a"))
    await made.begin()
    assert await made.write_update(page("a")) is not None


async def test_the_same_page_is_written_again_after_a_full_page_with_one_of_its_items(world: World) -> None:
    """The full page may have had another version of it."""
    made = await generations(world)
    assert made.build is not None
    await made.write_update(page("a", "b"))
    await made.write_full(made.build, [page("c")])
    assert await made.write_update(page("a", "b")) is None
    await made.write_full(made.build, [page("b")])
    assert await made.write_update(page("a", "b")) is not None


async def test_a_failed_updates_page_spoils_the_build(world: World) -> None:
    """Readers may see the page already: a build that may lack it would make it vanish."""
    made = await generations(world)
    build = made.build
    assert build is not None
    world.index.fail_next("write", IndexUnavailable("in the middle"))
    with pytest.raises(IndexUnavailable):
        await made.write_update(page("a"))
    with pytest.raises(IndexUnavailable):
        await made.finish(build, "http://a.example/last")
    assert made.owing


async def test_a_failed_full_page_spoils_the_build(world: World) -> None:
    """A generation without one of its pages is never published."""
    made = await generations(world)
    build = made.build
    assert build is not None
    world.index.fail_next("write", IndexUnavailable("disk full"))
    with pytest.raises(IndexUnavailable):
        await made.write_full(build, [page("a")])
    with pytest.raises(IndexUnavailable):
        await made.finish(build, "http://a.example/last")


async def test_a_build_that_was_given_up_takes_no_more_pages(world: World) -> None:
    """Pages that are still queued when a full ingest fails go nowhere."""
    made = await generations(world)
    build = made.build
    assert build is not None
    made.give_up()
    with pytest.raises(GenerationLost):
        await made.write_full(build, [page("a")])


async def test_a_publish_that_failed_and_came_to_pass_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the index published all the same is what readers see; it is not taken for a leftover and dropped."""
    made = await generations(world)
    build, publish = made.build, world.index.publish
    assert build is not None

    async def ambiguous(generation: Generation, *, lease: int = 0) -> None:
        await publish(generation, lease=lease)
        raise IndexUnavailable("the answer was lost")

    monkeypatch.setattr(world.index, "publish", ambiguous)
    with pytest.raises(IndexUnavailable):
        await made.finish(build, "http://a.example/last")
    made.give_up()
    await made.begin()
    assert made.published == build.generation
    assert (await world.index.published())["feed"] == build.generation


async def test_what_was_held_in_place_of_another_generation_is_forgotten(world: World) -> None:
    """A crash after a publish, before the state knew of it: the record is about a generation readers no longer see."""
    made = await generations(world)
    stale = await world.index.begin("feed", lease=made._right())
    made._records.status.held = Held(stale.id, "older", 10, 120, 10, 1, 0.0, 0.0, "")
    await made.begin()
    assert made.held is None
    assert stale not in await world.index.unpublished()
