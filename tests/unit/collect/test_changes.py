"""Who follows the changes knows what a search would show, without ever asking for everything again."""

import random
from collections.abc import Sequence

import msgspec
import pytest

from activity_stream.errors import IndexUnavailable
from activity_stream.model import Alias
from activity_stream.search.following import Following
from activity_stream.search.search import Searches
from activity_stream.testing.scripted_feed import ScriptedSource
from tests.follower import Follower, seen
from tests.unit.collect.world import FOLLOWERS, RETENTION, World

VIEWS = [(name, alias) for name in FOLLOWERS for alias in Alias]


def following(world: World) -> Following:
    """What the API would tell."""

    async def marked() -> Sequence[dict[str, Sequence[str]]]:
        found = await world.state.scan("changes:")
        return [msgspec.json.decode(value)["marked"] for value in found.values()]

    return Following(Searches(world.index), world.log, world.marks, marked, RETENTION, world.clock)


def followers(world: World) -> list[Follower]:
    """One for each caller and alias."""
    return [Follower(following(world), FOLLOWERS[name], alias) for name, alias in VIEWS]


async def all_know(world: World, all_followers: Sequence[Follower]) -> None:
    """Every one of them knows what a search shows its caller."""
    for (name, alias), follower in zip(VIEWS, all_followers, strict=True):
        assert await follower.catch_up() == await seen(Searches(world.index), FOLLOWERS[name], alias), (name, alias)


async def started(world: World, *keys: str) -> tuple[ScriptedSource, list[Follower]]:
    """A source that is being collected, and followers who know all of it."""
    source = world.source("feed", *keys)
    world.start(world.plan(source))
    await world.clock.advance(5)
    found = followers(world)
    await all_know(world, found)
    return source, found


async def test_what_an_update_changes_is_told_once_and_alone(world: World) -> None:
    """An item that is new and one that is changed come, and no other; a poll that finds nothing new tells nothing."""
    source, found = await started(world, "a", "b", "c", "d")
    before = len(found[0].told)
    source.put("b")
    source.put("e")
    await world.clock.advance(5)
    await all_know(world, found)
    told = [item["object"]["name"] for item in found[0].told[before:]]
    assert sorted(told) == ["b", "e"]
    await world.clock.advance(30)
    await all_know(world, found)
    assert len(found[0].told) == before + 2


async def test_what_a_full_ingest_no_longer_finds_is_told_as_a_delete(world: World) -> None:
    """A tombstone with the id, for the activity and for its object; nothing else is told of it."""
    source, found = await started(world, "a", "b", "c")
    before = len(found[0].told)
    source.drop("b")
    await world.clock.advance(120)
    await all_know(world, found)
    (gone,) = found[0].told[before:]
    assert gone["type"] == "Delete"
    assert gone["object"] == {"type": "Tombstone", "id": source.activity_id("b")}
    assert source.object_id("b") not in found[1].known


async def test_what_leaves_a_callers_view_is_a_removal_to_that_caller(world: World) -> None:
    """A new version that the caller may not see takes the old one away; nobody else is told so."""
    source, found = await started(world, "a", "b")
    restricted = found[VIEWS.index(("odd", Alias.ACTIVITIES))]
    for _ in range(4):
        source.put("a")
        await world.clock.advance(3)
        await all_know(world, found)
    assert [item["type"] for item in restricted.told[-4:]].count("Delete") == 2
    assert not any(item["type"] == "Delete" for item in found[0].told)


async def test_a_caller_is_told_nothing_of_what_it_never_saw(world: World) -> None:
    """Whatever happens to documents outside of its grants, its pages stay empty."""
    source, found = await started(world, "a", "b", "c", "d")
    hidden = [key for key, row in source.stored().items() if b"dit:Even" in row]
    restricted = found[VIEWS.index(("odd", Alias.OBJECTS))]
    before = list(restricted.told)
    for key in hidden:
        source.drop(key)
    await world.clock.advance(120)
    await all_know(world, found)
    assert restricted.told == before


async def test_a_feed_that_is_new_and_one_that_is_removed_are_told(world: World) -> None:
    """What a feed brings comes when it is first published; when it is no longer configured, all of it goes."""
    _, found = await started(world, "a")
    other = world.start(world.plan(world.source("other", "x", "y", "z")), owner="two")
    await world.clock.advance(5)
    await all_know(world, found)
    assert len(found[0].known) == 4
    await world.stop(other)
    await world.clock.advance(30)
    await world.end()
    world.start(world.plan(world.source("feed", "a")), owner="three")
    await world.clock.advance(30)
    await all_know(world, found)
    assert {item["object"]["id"] for item in found[0].told if item["type"] == "Delete"} == {
        f"dit:other:{key}:Update" for key in "xyz"
    }
    assert [follower.begun for follower in found] == [1] * len(found)


async def test_a_collector_that_starts_again_goes_on_where_the_one_before_was(world: World) -> None:
    """What went while none was at work is told, without anybody's beginning anew."""
    source = world.source("feed", "a", "b", "c")
    first = world.start(world.plan(source))
    await world.clock.advance(5)
    found = followers(world)
    await all_know(world, found)
    await world.kill(first)
    source.drop("a")
    source.put("b")
    world.start(world.plan(source), owner="two")
    await world.clock.advance(20)
    await all_know(world, found)
    assert [follower.begun for follower in found] == [1] * len(found)


async def test_a_change_that_was_written_and_not_recorded_is_made_up_for(world: World) -> None:
    """The record fails right after an updates page was written: once it can be written again, followers are told."""
    source, found = await started(world, "a", "b")
    source.put("a")
    world.log.fail_on("append", IndexUnavailable("the disk is full"), times=3)
    await world.clock.advance(30)
    await all_know(world, found)
    assert [follower.begun for follower in found] == [1] * len(found)


async def test_a_collector_that_dies_between_writing_and_recording_loses_no_change(world: World) -> None:
    """The next one finds in the state what was being written, and records it."""
    source = world.source("feed", "a", "b")
    first = world.start(world.plan(source))
    await world.clock.advance(5)
    found = followers(world)
    await all_know(world, found)
    source.put("a")
    world.log.fail_on("append", IndexUnavailable("away"), times=1000)
    await world.clock.advance(3)
    await world.kill(first)
    world.log.heal()
    world.start(world.plan(source), owner="two")
    await world.clock.advance(20)
    await all_know(world, found)
    assert [follower.begun for follower in found] == [1] * len(found)


async def test_who_follows_begins_anew_where_changes_were_lost(world: World) -> None:
    """A collector dies between publishing and recording what that changed: nobody goes on as if nothing had been."""
    source = world.source("feed", "a", "b", "c")
    first = world.start(world.plan(source))
    await world.clock.advance(5)
    found = followers(world)
    await all_know(world, found)
    source.drop("b")
    world.log.fail_on("append", IndexUnavailable("away"), times=1000)
    await world.clock.advance(120)
    await world.kill(first)
    world.log.heal()
    world.start(world.plan(source), owner="two")
    await world.clock.advance(20)
    await all_know(world, found)
    assert [follower.begun for follower in found] == [2] * len(found)


async def test_nothing_is_told_of_what_the_index_refused(world: World) -> None:
    """An item that was never shown to anybody is not told to be gone either."""
    source = world.source("feed", "a", "b")
    world.index.refuse(source.activity_id("b"), "it is too odd")
    world.start(world.plan(source))
    await world.clock.advance(5)
    found = followers(world)
    await all_know(world, found)
    source.drop("b")
    await world.clock.advance(120)
    await all_know(world, found)
    assert [item["type"] for item in found[0].told] == ["Update"]


async def test_what_changed_while_nothing_was_recorded_is_not_passed_over(world: World) -> None:
    """A collector with the record switched off wrote to what is published; who follows begins anew afterwards."""
    source = world.source("feed", "a", "b")
    running = world.start(world.plan(source, full_ingest_interval=10_000.0))
    await world.clock.advance(5)
    found = followers(world)
    await all_know(world, found)
    await world.stop(running)
    world.index.fail_next("publish", IndexUnavailable("not now"), times=1000)
    running = world.start(world.plan(source, full_ingest_interval=10_000.0), owner="two", records=False)
    source.put("c")
    await world.clock.advance(10)
    assert "c" in await world.visible()
    await world.stop(running)
    world.index.heal()
    world.start(world.plan(source, full_ingest_interval=10_000.0), owner="three")
    await world.clock.advance(10)
    await all_know(world, found)
    assert [follower.begun for follower in found] == [2] * len(found)


async def test_a_collector_knows_of_no_more_generations_than_there_are(world: World) -> None:
    """Those that were published, dropped or left with a lease are forgotten."""
    source = world.source("feed", "a", "b")
    running = world.start(world.plan(source, full_ingest_interval=5.0))
    for key in "cdefgh":
        source.put(key)
        world.index.fail_next("publish", IndexUnavailable("by chance"))
        await world.clock.advance(12)
        assert len(world.ledgers[0].generations) <= 2
    await world.stop(running)
    assert world.ledgers[0].generations == set()


async def test_an_item_in_two_feeds_stays_while_one_of_them_has_it(world: World) -> None:
    """A removal is of an id: it is told when no feed has it any more."""
    one, two = world.source("one"), world.source("two")
    for source in (one, two):
        source.put_raw("x", b'{"id": "shared", "type": "Like", "object": {"id": "thing", "type": "dit:Odd"}}')
    world.start(world.plan(one), world.plan(two))
    await world.clock.advance(5)
    found = followers(world)
    await all_know(world, found)
    one.drop("x")
    await world.clock.advance(110)
    await all_know(world, found)
    assert set(found[0].known) == {"shared"}
    two.drop("x")
    await world.clock.advance(110)
    await all_know(world, found)
    assert found[0].known == {}


async def test_what_is_older_than_the_retention_is_forgotten(world: World) -> None:
    """Who was away for longer is told to begin anew, and the record does not grow for ever."""
    source = world.source("feed", "a")
    running = world.start(world.plan(source), owner="0")
    await world.clock.advance(5)
    found = followers(world)
    await all_know(world, found)
    kept = len(world.log.recorded)
    await world.kill(running)
    await world.clock.advance(RETENTION + 90_000)
    world.start(world.plan(source), owner="1")
    await world.clock.advance(200)
    assert len(world.log.recorded) < kept
    source.put("a")
    await world.clock.advance(5)
    await all_know(world, found)
    assert [follower.begun for follower in found] == [2] * len(found)


@pytest.mark.parametrize("seed", range(20))
async def test_after_any_history_followers_know_what_readers_see(world: World, seed: int) -> None:
    """Puts, touches, drops, failures of the record, kills and new collectors, at random, with readers between."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    source = world.source("feed", *(str(number) for number in range(8)), page_size=3)
    running = world.start(world.plan(source, full_ingest_interval=10.0), owner="0")
    await world.clock.advance(5)
    found = followers(world)
    for step in range(25):
        key = str(chance.randrange(12))
        match chance.randrange(8):
            case 0 | 1 | 2:
                source.put(key)
            case 3 | 4 if key in source.keys():  # noqa: SIM118
                source.drop(key)
            case 5:
                world.log.fail_on(
                    chance.choice(["append", "number"]), IndexUnavailable("by chance"), times=chance.randrange(1, 4)
                )
            case 6:
                await world.kill(running)
                running = world.start(world.plan(source, full_ingest_interval=10.0), owner=str(step + 1))
            case 7:
                world.index.fail_next(chance.choice(["write", "publish"]), IndexUnavailable("by chance"))
        await world.clock.advance(chance.choice([0.5, 2.0, 12.0]))
        for follower in chance.sample(found, 2):
            await follower.catch_up()
    world.log.heal()
    await world.clock.advance(60)
    await all_know(world, found)
