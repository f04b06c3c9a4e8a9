"""Feeds that are no longer configured lose their data, and no other feeds."""

import pytest

from activity_stream.errors import IndexUnavailable, LeaseLost
from activity_stream.model import Generation
from tests.unit.collect.world import World


async def left_behind(world: World, *names: str) -> list[Generation]:
    """Feeds that were collected by a collector that is no more: their published generations."""
    running = world.start(*(world.plan(world.source(name, "a")) for name in names), owner="before")
    await world.clock.advance(10)
    await world.stop(running)
    published = await world.index.published()
    return [published[name] for name in names]


async def test_a_feed_that_a_living_collector_has_configured_keeps_its_data(world: World) -> None:
    """Even while nobody works on it: its collector may be about to. When that collector is gone too, it is removed."""
    await left_behind(world, "old")
    await world.state.set("collector:other", b'{"feeds":["old"]}', 12.0)
    world.start(world.plan(world.source("new", "a")), owner="one")
    await world.clock.advance(11)
    assert await world.visible("old") == {"a": 1}
    assert await world.state.get("cursor:old") is not None
    await world.clock.advance(10)
    assert await world.visible("old") == {}
    assert await world.state.get("cursor:old") is None


async def test_nothing_of_a_removed_feed_is_written_late(world: World) -> None:
    """What its last worker had sent before, and arrives only now, is refused."""
    (generation,) = await left_behind(world, "old")
    world.start(owner="one")
    await world.clock.advance(10)
    with pytest.raises(LeaseLost):
        await world.index.begin("old", lease=1)
    assert generation not in [*(await world.index.published()).values(), *await world.index.unpublished()]


async def test_a_feed_that_cannot_be_removed_does_not_keep_the_others(world: World) -> None:
    """Somebody with a newer right to one of them works on it: the other one is gone all the same."""
    await left_behind(world, "old1", "old2")
    await world.index.fence("old1", 1000)
    world.start(owner="one")
    await world.clock.advance(30)
    assert await world.visible("old1") == {"a": 1}
    assert await world.visible("old2") == {}


async def test_a_removal_that_failed_is_tried_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """An index that does not answer at the start is asked again."""
    await left_behind(world, "old")
    world.index.fail_next("drop", IndexUnavailable("away"), times=2)
    running = world.start(owner="one")
    await world.clock.advance(3)
    assert await world.visible("old") == {"a": 1}
    await world.clock.advance(20)
    assert await world.visible("old") == {}
    assert not running.task.done()
    assert "nobody thought of" not in caplog.text
