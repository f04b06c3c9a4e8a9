"""The clock that is moved by hand."""

import asyncio

import pytest

from activity_stream.testing.moved_clock import MovedClock


async def test_it_stands_still_until_it_is_moved() -> None:
    """Both times move by exactly what the clock was moved by, and only then."""
    clock = MovedClock(1000.0)
    await clock.settle()
    assert (clock.now(), clock.monotonic()) == (1000.0, 0.0)
    await clock.advance(2.5)
    assert (clock.now(), clock.monotonic()) == (1002.5, 2.5)


async def test_sleepers_wake_in_the_order_of_their_times() -> None:
    """Each wakes at its own moment; of two with the same moment, who slept first wakes first; later ones sleep on."""
    clock = MovedClock(0.0)
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.now()))

    tasks = [asyncio.ensure_future(sleeper(*each)) for each in [("c", 3), ("a", 1), ("b", 2), ("b2", 2), ("d", 9)]]
    await clock.advance(5)
    assert woken == [("a", 1.0), ("b", 2.0), ("b2", 2.0), ("c", 3.0)]
    assert clock.sleeping() == 1
    await clock.advance(4)
    await asyncio.gather(*tasks)


async def test_who_sleeps_again_is_woken_again_within_one_move() -> None:
    """A loop that sleeps a second at a time turns once for each second of one move."""
    clock = MovedClock()
    turns = 0

    async def loop() -> None:
        nonlocal turns
        while True:
            await clock.sleep(1)
            turns += 1

    task = asyncio.ensure_future(loop())
    await clock.advance(60)
    assert turns == 60
    task.cancel()


async def test_run_until() -> None:
    """The clock moves on to the wake-up after which what was waited for is so, and no further."""
    clock = MovedClock(0.0)
    task = asyncio.ensure_future(clock.sleep(30))
    await clock.run_until(task.done)
    assert clock.now() == 30.0


async def test_run_until_ends() -> None:
    """Where nobody sleeps, or only beyond the limit, the wait for what never comes is an error."""
    clock = MovedClock()
    with pytest.raises(TimeoutError):
        await clock.run_until(lambda: False)
    task = asyncio.ensure_future(clock.sleep(30))
    with pytest.raises(TimeoutError, match="1 tasks sleep"):
        await clock.run_until(task.done, limit=29)
    task.cancel()


async def test_a_cancelled_sleeper_moves_nothing() -> None:
    """Who gave up sleeping is not woken, and the clock does not stop there."""
    clock = MovedClock(0.0)
    gone = asyncio.ensure_future(clock.sleep(5))
    await clock.settle()
    gone.cancel()
    await clock.settle()
    assert clock.sleeping() == 0
    there = asyncio.ensure_future(clock.sleep(7))
    await clock.run_until(there.done)
    assert clock.now() == 7.0


async def test_sleeping_for_nothing_gives_way_once() -> None:
    """`sleep(0)` lets another task run and returns without the clock being moved."""
    clock = MovedClock()
    ran: list[int] = []
    asyncio.get_running_loop().call_soon(ran.append, 1)
    await clock.sleep(0)
    assert ran == [1]
