"""The right to work on a feed."""

import asyncio

import pytest

from activity_stream.collect.lease import LEASE_SECONDS, Lease
from activity_stream.errors import LeaseLost
from activity_stream.logs import Log
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
