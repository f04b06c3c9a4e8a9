"""A clock that a test moves by hand."""

import asyncio
import heapq
from collections.abc import Callable

_TURNS = 25
"""How often the other tasks get their turn between two wake-ups: a chain of so many awaits is done in between."""


class MovedClock:
    """A Clock that stands still until it is moved; whoever sleeps is woken in the order of their times.

    `now` is where it starts, in seconds since 1970; `monotonic` starts at 0.
    """

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._start = now
        self._passed = 0.0
        self._count = 0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z."""
        return self._start + self._passed

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._passed

    async def sleep(self, seconds: float) -> None:
        """Return when the clock was moved by `seconds`; 0 gives way to other tasks once."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waker = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._passed + seconds, self._count, waker))
        await waker

    def sleeping(self) -> int:
        """How many tasks wait for the clock."""
        return sum(not waker.done() for _, _, waker in self._sleepers)

    async def settle(self) -> None:
        """Let the other tasks run, as far as they come without the clock."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        """Move on by `seconds`, waking sleepers one by one, each at its own time, those that go to sleep again too."""
        aim = self._passed + seconds
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= aim:
            await self._wake_next()
        self._passed = aim
        await self.settle()

    async def run_until(self, reached: Callable[[], bool], limit: float = 86_400.0) -> None:
        """Move on from wake-up to wake-up until `reached()`.

        Raises TimeoutError after `limit` seconds of this clock, or where nobody sleeps any more.
        """
        end = self._passed + limit
        await self.settle()
        while not reached():
            if not self._sleepers or self._sleepers[0][0] > end:
                raise TimeoutError(f"not reached within {limit} s of the moved clock; {self.sleeping()} tasks sleep")
            await self._wake_next()

    async def _wake_next(self) -> None:
        moment, _, waker = heapq.heappop(self._sleepers)
        if waker.done():
            return
        self._passed = max(self._passed, moment)
        waker.set_result(None)
        await self.settle()
