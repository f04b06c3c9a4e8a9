"""The rules of collecting (contract, section 3), each with a story that would break it."""

import asyncio
from collections.abc import Callable

import pytest

from activity_stream.errors import IndexUnavailable, StateUnavailable
from activity_stream.model import Alias
from activity_stream.ports import Request, Response
from activity_stream.testing.scripted_feed import Failure
from tests.unit.collect.world import World


async def test_both_aliases_show_what_the_source_has(world: World) -> None:
    """After the first full ingest a reader finds every activity and every object, each in its newest version."""
    source = world.source("feed", "a", "b", "c")
    source.put("a")
    world.start(world.plan(source))
    await world.clock.advance(10)
    assert await world.visible() == {"a": 2, "b": 1, "c": 1}
    assert await world.visible(alias=Alias.OBJECTS) == {"a": 2, "b": 1, "c": 1}


async def test_rule_1_what_is_no_longer_listed_is_gone_after_the_next_full_ingest(world: World) -> None:
    """A dropped item is still there before the next publish, and in neither alias after it."""
    source = world.source("feed", "a", "b", "c")
    world.start(world.plan(source))
    await world.clock.advance(10)
    source.drop("b")
    await world.clock.advance(50)
    assert "b" in await world.visible()
    await world.clock.advance(50)
    assert await world.visible() == {"a": 1, "c": 1}
    assert await world.visible(alias=Alias.OBJECTS) == {"a": 1, "c": 1}


async def test_updates_are_seen_between_full_ingests_and_do_not_vanish(world: World) -> None:
    """What a poll showed is shown after the next publish too, though its full ingest went by before."""
    source = world.source("feed", "a", "b", "c", "d")
    world.start(world.plan(source, full_ingest_page_interval=10.0))
    await world.clock.advance(60)
    source.put("e")
    await world.clock.advance(3)
    assert (await world.visible())["e"] == 1
    await world.clock.advance(300)
    assert (await world.visible())["e"] == 1


async def test_rule_2_one_request_at_a_time_to_a_source(world: World) -> None:
    """Both cycles together never have two requests under way, however slow the source is."""
    source = world.source("feed", *"abcdefghij")
    source.fail(*[Failure(delay=3.0)] * 300)
    world.start(world.plan(source, full_ingest_interval=10.0, updates_page_interval=0.5))
    await world.clock.advance(300)
    assert source.requests > 50
    assert source.most_at_once == 1


@pytest.mark.parametrize(
    "failure",
    [
        Failure(status=500),
        Failure(status=403),
        Failure(status=302),
        Failure(lost=True),
        Failure(keep=20),
        Failure(body=b"<html>sorry</html>"),
        Failure(body=b'{"secret": 1}'),
    ],
)
async def test_rule_3_a_failing_feed_keeps_its_data_and_no_other_notices(world: World, failure: Failure) -> None:
    """Whatever a source answers, readers keep what they had, and the other feed goes on as ever."""
    bad, good = world.source("bad", "a"), world.source("good", "a")
    world.start(world.plan(bad, full_ingest_interval=5.0), world.plan(good, full_ingest_interval=5.0))
    await world.clock.advance(10)
    bad.fail(*[failure] * 1000)
    bad.put("b")
    good.put("b")
    await world.clock.advance(30)
    assert await world.visible("bad") == {"a": 1}
    assert await world.visible("good") == {"a": 1, "b": 1}
    assert (await world.status("bad")).error
    bad.failures.clear()
    await world.clock.advance(150)
    assert await world.visible("bad") == {"a": 1, "b": 1}


async def test_rule_3_failures_wait_as_the_intervals_say(world: World) -> None:
    """After the first, second, … failure in a row it waits that long; the last interval repeats; success resets."""
    source = world.source("feed", "a")
    moments: list[float] = []

    class Watched:
        async def fetch(self, request: Request, on_wait: Callable[[float], None]) -> Response:
            """The answer of the source."""
            moments.append(world.clock.monotonic())
            return await source.fetch(request, on_wait)

        async def close(self) -> None:
            """Nothing to end."""

    source.fail(*[Failure(status=500)] * 4)
    plan = world.plan(source, fetcher=Watched(), exception_intervals=(1.0, 2.0, 7.0), disable_updates=True)
    world.start(plan)
    await world.clock.advance(60)
    assert moments[:5] == [0.0, 1.0, 3.0, 10.0, 17.0]
    assert (await world.status()).full_failures == 0


async def test_rule_3_a_refused_write_fails_the_cycle_and_nothing_is_published(world: World) -> None:
    """A full ingest one of whose pages could not be written is not published; the next one is."""
    source = world.source("feed", "a", "b", "c", "d", "e")
    world.index.fail_next("write", IndexUnavailable("disk full"))
    world.start(world.plan(source, exception_intervals=(5.0,)))
    await world.clock.advance(4)
    assert await world.visible() == {}
    await world.clock.advance(4)
    assert len(await world.visible()) == 5


async def test_rule_4_patience_that_a_source_asks_for_is_no_failure(world: World) -> None:
    """A page that is available after a long `Retry-After` is waited for; the full ingest goes on with it."""
    source = world.source("feed", "a", "b", "c")
    source.fail(Failure(), Failure(status=429, headers={"retry-after": "2000"}))
    world.start(world.plan(source, stall_timeout=10.0))
    await world.clock.advance(1999)
    assert await world.visible() == {}
    await world.clock.advance(5)
    assert len(await world.visible()) == 3
    assert (await world.status()).stalled == 0


async def test_rule_5_a_feed_that_is_no_longer_configured_loses_its_data(world: World) -> None:
    """At the next start its documents and its records are gone; the other feed's stay."""
    old, new = world.source("old", "a"), world.source("new", "a")
    running = world.start(world.plan(old), world.plan(new))
    await world.clock.advance(10)
    running.stop.set()
    await world.clock.run_until(running.task.done, limit=10)
    world.start(world.plan(new), owner="two")
    await world.clock.advance(10)
    assert await world.visible("old") == {}
    assert await world.visible("new") == {"a": 1}
    assert [key for key in await world.state.scan("") if key.endswith(":old")] == []


async def test_rule_6_a_bad_item_is_skipped_counted_and_named(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """An item without `id` does not block its page, and the status and the log say which it was and why."""
    source = world.source("feed", "a")
    source.put_raw("x", b'{"type":"Update"}')
    source.put("b")
    world.start(world.plan(source))
    await world.clock.advance(10)
    status = await world.status()
    assert await world.visible() == {"a": 1, "b": 1}
    assert status.last_crawl is not None
    assert (status.last_crawl.served, status.last_crawl.stored, status.last_crawl.skipped) == (3, 2, 1)
    assert "id" in status.skipped.recent[0].reason
    assert status.skipped.recent[0].page == source.seed
    assert status.skipped.recent[0].reason in caplog.text


async def test_rule_7_an_item_refused_for_good_is_counted_and_named(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """What the index refuses is in the status and in the log; the rest of its page is stored."""
    source = world.source("feed", "a", "b")
    world.index.refuse(source.activity_id("a"), "it is too odd")
    world.start(world.plan(source))
    await world.clock.advance(10)
    status = await world.status()
    assert await world.visible() == {"b": 1}
    assert status.last_crawl is not None
    assert (status.last_crawl.served, status.last_crawl.stored, status.last_crawl.refused) == (2, 1, 1)
    assert status.refused.recent[0].reason == "it is too odd"
    assert "it is too odd" in caplog.text


async def test_rule_8_state_and_index_going_away_and_coming_back_heal(world: World) -> None:
    """After an outage of both, changes are seen again without anyone doing anything."""
    source = world.source("feed", "a")
    world.start(world.plan(source, full_ingest_interval=20.0))
    await world.clock.advance(10)
    for operation in ("write", "begin", "publish", "published"):
        world.index.fail_next(operation, IndexUnavailable("away"), times=5)
    world.state.fail_next = 60
    source.put("b")
    await world.clock.advance(200)
    assert world.state.fail_next == 0
    assert await world.visible() == {"a": 1, "b": 1}


async def test_rule_9_a_second_collector_waits_and_takes_over_within_seconds(world: World) -> None:
    """While the first lives the second asks nothing of the source; five seconds after its death it has gone on."""
    source = world.source("feed", "a")
    second = world.source("feed", "a")
    first = world.start(world.plan(source), owner="one")
    await world.clock.advance(3)
    world.start(world.plan(source, fetcher=second), owner="two")
    await world.clock.advance(30)
    assert second.requests == 0
    await world.kill(first)
    second.put("b")
    await world.clock.advance(5)
    assert await world.visible() == {"a": 1, "b": 1}


async def test_single_a_worker_whose_lease_ended_writes_nothing_more(world: World) -> None:
    """When the state is away for longer than the lease lasts, the worker stops before another one can begin."""
    source = world.source("feed", "a", "b", "c", "d", "e", "f")
    world.start(world.plan(source, full_ingest_interval=1.0, full_ingest_page_interval=0.5))
    await world.clock.advance(20)
    world.state.fail_next = 10_000
    await world.clock.advance(3.0)
    calls = world.index.calls["write"] + world.index.calls["publish"] + world.index.calls["begin"]
    await world.clock.advance(30)
    assert world.index.calls["write"] + world.index.calls["publish"] + world.index.calls["begin"] == calls
    world.state.fail_next = 0
    source.put("g")
    await world.clock.advance(30)
    assert "g" in await world.visible()


async def test_stops_within_seconds_and_gives_back_the_lease(world: World) -> None:
    """Asked to stop in the middle of a hanging request, it ends; the next collector begins at once."""
    source = world.source("feed", "a")
    source.fail(Failure(), Failure(), Failure(delay=1e6))
    running = world.start(world.plan(source))
    await world.clock.advance(5)
    running.stop.set()
    await world.clock.run_until(running.task.done, limit=5)
    running.task.result()
    assert await world.visible() == {"a": 1}
    assert await world.state.acquire("feed:feed", "another", 5) is not None


async def test_a_collector_that_could_not_read_a_feeds_status_does_not_overwrite_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped before it knew what the one before it left, it leaves that as it was."""
    source = world.source("feed", "a")
    first = world.start(world.plan(source))
    await world.clock.advance(10)
    await world.stop(first)
    before = await world.status()
    assert before.published_at is not None
    get = world.state.get

    async def refused(key: str) -> bytes | None:
        if key.startswith("status:"):
            raise StateUnavailable("not now")
        return await get(key)

    monkeypatch.setattr(world.state, "get", refused)
    second = world.start(world.plan(source), owner="two")
    await world.clock.advance(5)
    await world.stop(second)
    assert await world.status() == before


async def test_after_a_restart_updates_go_on_at_once(world: World) -> None:
    """A restarted collector polls where the last one stopped, before its first full ingest is anywhere near its end."""
    source = world.source("feed", *"abcdef")
    running = world.start(world.plan(source))
    await world.clock.advance(10)
    await world.kill(running)
    source.put("new")
    world.start(world.plan(source, full_ingest_page_interval=1000.0), owner="two")
    await world.clock.advance(15)
    assert (await world.visible())["new"] == 1


async def test_leftovers_of_a_crash_are_dropped(world: World) -> None:
    """What a killed collector was building is gone when the next one builds; what was published stays."""
    source = world.source("feed", *"abcdef")
    plan = world.plan(source, full_ingest_page_interval=30.0, full_ingest_interval=1.0)
    running = world.start(plan)
    await world.clock.advance(130)
    left = await world.index.unpublished()
    assert len(left) == 1
    await world.kill(running)
    world.start(plan, owner="two")
    await world.clock.advance(20)
    assert left[0] not in await world.index.unpublished()
    assert len(await world.visible()) == 6


async def test_alone_an_error_nobody_thought_of_ends_one_session_of_one_feed(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug that one feed meets is logged and waited out; the feed heals, and the other one never notices."""
    source, other = world.source("feed", "a"), world.source("other", "a")
    mistakes = [ValueError("nobody thought of this")]

    class Mistaken:
        async def fetch(self, request: Request, on_wait: Callable[[float], None]) -> Response:
            """The answer of the source."""
            if mistakes:
                raise mistakes.pop()
            return await source.fetch(request, on_wait)

        async def close(self) -> None:
            """Nothing to end."""

    world.start(world.plan(source, fetcher=Mistaken()), world.plan(other))
    await world.clock.advance(0.5)
    assert await world.visible("other") == {"a": 1}
    await world.clock.advance(3)
    assert await world.visible() == {"a": 1}
    assert "nobody thought of this" in caplog.text
    assert "nobody thought of this" in (await world.status()).error


async def test_no_feeds_is_no_reason_to_end(world: World) -> None:
    """Without a feed the collector waits until it is asked to stop."""
    running = world.start()
    await world.clock.advance(100)
    assert not running.task.done()
    running.stop.set()
    await asyncio.wait_for(running.task, 5)


async def test_metrics_tell_of_cycles_pages_and_contents(world: World) -> None:
    """The collector's metrics have the names dashboards use, and are in the state for the API's processes."""
    source = world.source("feed", "a", "b", "c")
    world.start(world.plan(source))
    await world.clock.advance(30)
    text = (await world.state.scan("metrics:"))["metrics:one"].decode()
    labels = 'feed_unique_id="feed",ingest_type="full"'
    assert f'ingest_feed_duration_seconds_count{{{labels},status="success"}} 1.0' in text
    assert f'ingest_page_duration_seconds_count{{{labels},stage="push",status="success"}} 3.0' in text
    assert f"ingest_activities_nonunique_total{{{labels}}} 3.0" in text
    assert 'elasticsearch_feed_activities_total{feed_unique_id="feed",searchable="searchable"} 3.0' in text
    assert 'elasticsearch_activities_total{searchable="searchable"} 3.0' in text
    assert 'elasticsearch_activities_age_minimum_seconds{feed_unique_id="feed"}' in text
