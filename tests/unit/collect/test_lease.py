"""The right to work on a feed."""

import asyncio
from collections.abc import Callable

import pytest

from activity_stream.collect.lease import LEASE_SECONDS, Lease, LeasedFetcher
from activity_stream.errors import LeaseLost
from activity_stream.logs import Log
from activity_stream.ports import Request, Response
from activity_stream.testing.memory_state import MemoryState
from activity_stream.testing.moved_clock import MovedClock


def leases() -> tuple[MovedClock, MemoryState, Lease, Lease]:
    """Two workers' leases on one feed."""
    clock = MovedClock()
    state = MemoryState(clock)
    one, two = (Lease(state, clock, Log("outgoing"), "feed", owner) for owner in ("one", "two"))
    return clock, state, one, two


async def test_single_a_lease_ends_here_before_it_ends_in_the_state() -> None:
    """At the moment when another worker can have it, the first one has known for a while that it is over."""
    clock, _, one, two = leases()
    assert await one.try_once()
    await clock.advance(LEASE_SECONDS - 0.5)
    with pytest.raises(LeaseLost):
        one.check()
    assert not await two.try_once()
    await clock.advance(0.6)
    assert await two.try_once()


async def test_a_kept_lease_stays() -> None:
    """Renewed in time it never ends."""
    clock, _, one, two = leases()
    await one.acquire()
    keeping = asyncio.create_task(one.keep())
    for _ in range(20):
        await clock.advance(1)
        one.check()
        assert not await two.try_once()
    keeping.cancel()


async def test_a_lease_that_another_worker_got_is_lost() -> None:
    """Whoever comes back too late ends, even if the other one has given it back since."""
    clock, state, one, two = leases()
    await one.acquire()
    await state.release("feed:feed", "one")
    assert await two.try_once()
    await two.release()
    keeping = asyncio.create_task(one.keep())
    await clock.advance(LEASE_SECONDS)
    with pytest.raises(LeaseLost):
        await keeping


async def test_a_short_outage_of_the_state_loses_nothing() -> None:
    """One renewal may fail."""
    clock, state, one, _ = leases()
    await one.acquire()
    keeping = asyncio.create_task(one.keep())
    state.fail_next = 1
    await clock.advance(20)
    one.check()
    assert not keeping.done()
    keeping.cancel()


async def test_single_a_kept_lease_is_lost_a_margin_before_another_worker_can_have_it() -> None:
    """Requests that are under way are over before the next worker's begin, even if the state never answers."""
    clock, state, one, _ = leases()
    await one.acquire()
    keeping = asyncio.create_task(one.keep())
    await clock.settle()
    state.fail_next = 1000
    await clock.advance(LEASE_SECONDS - 0.9)
    with pytest.raises(LeaseLost):
        await keeping


async def test_a_lease_that_the_state_forgot_is_had_again_at_once_by_a_new_right() -> None:
    """Its worker begins anew: from here nobody can tell that no other worker had the feed meanwhile."""
    clock, state, one, two = leases()
    await one.acquire()
    first = one.number
    keeping = asyncio.create_task(one.keep())
    await clock.advance(2)
    state.forget()
    await clock.advance(1)
    with pytest.raises(LeaseLost):
        await keeping
    with pytest.raises(LeaseLost):
        one.check()
    assert not await two.try_once()
    assert await one.try_once()
    assert one.number is not None
    assert first is not None
    assert one.number > first


async def test_a_lease_that_ended_here_is_never_had_again_by_the_same_right() -> None:
    """What the worker had sent before it stopped is told apart from what it sends now."""
    clock, _, one, _ = leases()
    assert await one.try_once()
    first = one.number
    await clock.advance(LEASE_SECONDS - 0.5)
    assert await one.try_once()
    assert one.number != first


class Repeating:
    """A source that asks for patience once, and is asked again by its fetcher, signed anew."""

    def __init__(self, clock: MovedClock) -> None:
        self._clock = clock
        self.asked = 0

    async def fetch(self, request: Request, on_wait: Callable[[float], None]) -> Response:
        """The answer to the second attempt."""
        for _ in range(2):
            assert request.signer is not None
            assert request.signer(request.method, request.url, "", b"") == {"authorization": "signed"}
            self.asked += 1
            on_wait(10.0)
            await self._clock.sleep(10.0)
        return Response(request.url, 200, {}, b"")

    async def close(self) -> None:
        """Nothing to end."""


async def test_single_a_source_is_not_asked_again_after_the_lease_ended() -> None:
    """Not even where the source itself had asked for the wait in which it ended."""
    clock, _, one, _ = leases()
    await one.acquire()
    source = Repeating(clock)
    request = Request("http://source.example/", signer=lambda *_: {"authorization": "signed"})
    fetching = asyncio.create_task(LeasedFetcher(source, one).fetch(request, lambda _: None))
    await clock.advance(20)
    with pytest.raises(LeaseLost):
        await fetching
    assert source.asked == 1
    with pytest.raises(LeaseLost):
        await LeasedFetcher(source, one).fetch(request, lambda _: None)
    assert source.asked == 1
