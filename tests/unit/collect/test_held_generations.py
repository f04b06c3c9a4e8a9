"""The guard before publishing, at work."""

import pytest

from activity_stream.collect.health import health
from activity_stream.collect.records import decide
from activity_stream.errors import IndexUnavailable
from activity_stream.testing.scripted_feed import Failure, ScriptedSource
from tests.unit.collect.world import World

INTERVAL = 100.0


def names(count: int) -> list[str]:
    """So many keys."""
    return [f"i{number}" for number in range(count)]


async def collected(world: World, count: int = 120, **settings: object) -> ScriptedSource:
    """A source of so many items, collected once."""
    source = world.source("feed", *names(count), page_size=50)
    world.start(world.plan(source, full_ingest_interval=INTERVAL, **settings))
    await world.clock.advance(INTERVAL / 2)
    assert len(await world.visible()) == count
    return source


async def lose(world: World, source: ScriptedSource, left: int) -> None:
    """The source loses all but so many items, and one full ingest goes by."""
    for key in source.keys()[left:]:
        source.drop(key)
    await world.clock.advance(INTERVAL)


async def test_a_short_crawl_is_held_and_readers_keep_the_old_one(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Readers, log, status and metrics: each shows that the feed lost too much and that nothing was published."""
    source = await collected(world)
    await lose(world, source, 10)
    status = await world.status()
    assert len(await world.visible()) == 120
    assert status.held is not None
    assert (status.held.activities, status.held.published) == (10, 120)
    assert "feeds approve feed" in status.held.reason
    assert "Held, not published" in caplog.text
    assert 'ingest_held_generations{feed_unique_id="feed"} 1.0' in world.metrics.exposition().decode()


async def test_updates_go_on_while_a_generation_is_held(world: World) -> None:
    """A change is seen within seconds in what readers keep, and is in the held generation when that is published."""
    source = await collected(world)
    await lose(world, source, 10)
    source.put("new")
    await world.clock.advance(3)
    assert len(await world.visible()) == 121
    await decide(world.state, "feed", "approve")
    await world.clock.advance(5)
    assert await world.visible() == {**{f"i{number}": 1 for number in range(10)}, "new": 1}


async def test_what_changed_between_the_last_poll_and_the_end_of_the_crawl_is_not_missed(world: World) -> None:
    """Readers of the old generation get a change that the held crawl has met before any poll did."""
    source = world.source("feed", *names(120), page_size=50)
    world.start(world.plan(source, full_ingest_interval=INTERVAL, updates_page_interval=60.0))
    await world.clock.advance(70)
    for key in source.keys()[10:]:
        source.drop(key)
    source.put("new")
    await world.clock.advance(45)
    assert (await world.status()).held is not None
    await world.clock.advance(65)
    assert (await world.visible())["new"] == 1
    source.put("newer")
    await world.clock.advance(61)
    assert (await world.visible())["newer"] == 1


async def test_two_more_crawls_that_agree_publish_the_newest(world: World) -> None:
    """The third short crawl in a row is believed."""
    source = await collected(world)
    await lose(world, source, 20)
    await lose(world, source, 19)
    assert len(await world.visible()) == 120
    assert len(await world.index.unpublished()) == 1
    await lose(world, source, 18)
    assert len(await world.visible()) == 18
    assert (await world.status()).held is None
    assert await world.index.unpublished() == []


async def test_crawls_that_do_not_agree_are_held_on(world: World) -> None:
    """A source that loses more each time is never believed; the newest is what is held."""
    source = await collected(world)
    for left in (50, 40, 30, 20, 10):
        await lose(world, source, left)
        status = await world.status()
        assert status.held is not None
        assert (status.held.activities, status.held.agreed) == (left, 0)
    assert len(await world.visible()) == 120
    assert len(await world.index.unpublished()) == 1


async def test_a_source_that_recovers_is_published_and_the_held_one_dropped(world: World) -> None:
    """A crawl that is not short ends the matter."""
    source = await collected(world)
    await lose(world, source, 10)
    for key in names(115):
        source.put(key)
    await world.clock.advance(INTERVAL)
    assert (await world.status()).held is None
    assert len(await world.visible()) == 115
    assert await world.index.unpublished() == []


async def test_reject_drops_it_and_the_next_crawl_is_judged_afresh(world: World) -> None:
    """After the operator's no there is nothing held, until the next short crawl, which has no agreement."""
    source = await collected(world)
    await lose(world, source, 10)
    await world.clock.advance(INTERVAL)
    await decide(world.state, "feed", "reject")
    await world.clock.advance(3)
    status = await world.status()
    assert (status.held, status.decision) == (None, "rejected and dropped")
    assert await world.index.unpublished() == []
    await world.clock.advance(INTERVAL)
    status = await world.status()
    assert status.held is not None
    assert status.held.agreed == 0
    assert len(await world.visible()) == 120


async def test_a_decision_is_used_up(world: World) -> None:
    """What was approved once does not approve what is held later."""
    source = await collected(world)
    await lose(world, source, 10)
    await decide(world.state, "feed", "approve")
    await world.clock.advance(5)
    assert len(await world.visible()) == 10
    assert await world.state.get("decision:feed") is None


async def test_a_decision_on_nothing_is_not_kept_for_later(world: World) -> None:
    """An approval that came while nothing was held does not publish the next short crawl."""
    source = await collected(world)
    await decide(world.state, "feed", "approve")
    await lose(world, source, 10)
    await world.clock.advance(5)
    assert len(await world.visible()) == 120


async def test_approval_waits_for_a_poll_where_an_update_may_be_missing(world: World) -> None:
    """As long as polls fail after a failed write, what is held may lack what readers saw, and is not published."""
    source = await collected(world)
    await lose(world, source, 10)
    source.put("new")
    world.index.fail_next("write", IndexUnavailable("in the middle"))
    await world.clock.advance(1)
    source.fail(*[Failure(status=500)] * 3)
    await decide(world.state, "feed", "approve")
    await world.clock.advance(4)
    assert (await world.status()).decision == "approved: published after the next complete poll for updates"
    assert len(await world.visible()) == 120
    await world.clock.advance(20)
    assert len(await world.visible()) == 11


async def test_what_is_held_survives_a_restart(world: World) -> None:
    """Another collector goes on holding it, and publishes it when the operator says so."""
    source = world.source("feed", *names(120), page_size=50)
    plan = world.plan(source, full_ingest_interval=INTERVAL)
    running = world.start(plan)
    await world.clock.advance(50)
    await lose(world, source, 10)
    await world.kill(running)
    kept = (await world.status()).held
    world.start(world.plan(source, full_ingest_page_interval=1000.0), owner="two")
    await world.clock.advance(20)
    assert kept is not None
    assert (await world.status()).held == kept
    await decide(world.state, "feed", "approve")
    await world.clock.advance(10)
    assert len(await world.visible()) == 10


async def test_zero_turns_the_guard_off(world: World) -> None:
    """With PUBLISH_MIN_RATIO 0 whatever was crawled is published."""
    source = await collected(world, publish_min_ratio=0.0)
    await lose(world, source, 0)
    assert await world.visible() == {}


async def test_the_feed_stays_green_until_its_grace_ends(world: World) -> None:
    """Crawls that are only ever held keep the feed GREEN for the grace since the last publish, then it is RED."""
    source = await collected(world)
    for left in (50, 40, 30):
        await lose(world, source, left)
    assert await health(world.state, world.clock, {"feed": 1000.0}) == [("feed", True)]
    assert await health(world.state, world.clock, {"feed": 300.0}) == [("feed", False)]
