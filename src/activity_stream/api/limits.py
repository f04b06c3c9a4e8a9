"""How much one key may ask: so many requests a second, and so many at once. No key can keep others from being answered.

    rate     a bucket that fills by the second and holds one second's worth; empty: 429, with `Retry-After`
    turns    so many of a key's requests are worked on at once; others wait for their turn, a while: then 429

Each process counts for itself.
"""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from activity_stream.errors import TooManyRequests
from activity_stream.ports import Clock

MOST_WAITING = 100
"""Requests of one key that wait for their turn; they are held in memory meanwhile."""

WAIT_SECONDS = 10.0


class Limits(msgspec.Struct, frozen=True):
    """What one key may ask of one process: requests a second (0: as many as it likes), and at once."""

    per_second: float = 0.0
    at_once: int = 16


class _Key:
    """What is known of one key."""

    def __init__(self, limits: Limits, now: float) -> None:
        self.limits = limits
        self.turns = asyncio.Semaphore(limits.at_once)
        self.waiting = 0
        self._left = self._full
        self._at = now

    @property
    def _full(self) -> float:
        return max(1.0, self.limits.per_second)

    def take(self, now: float) -> float:
        """Take one request out of the bucket: 0, or the seconds until there is one again."""
        if not self.limits.per_second:
            return 0.0
        self._left = min(self._full, self._left + (now - self._at) * self.limits.per_second)
        self._at = now
        if self._left < 1:
            return (1 - self._left) / self.limits.per_second
        self._left -= 1
        return 0.0


class Limiter:
    """Keeps every key to its limits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._keys: dict[str, _Key] = {}

    @asynccontextmanager
    async def turn(self, key_id: str, limits: Limits) -> AsyncIterator[None]:
        """Work on a request of this key within the context. Raises TooManyRequests."""
        key = self._keys.get(key_id)
        if key is None or key.limits != limits:
            key = self._keys[key_id] = _Key(limits, self._clock.monotonic())
        seconds = key.take(self._clock.monotonic())
        if seconds:
            raise TooManyRequests(
                f"This key may ask {limits.per_second:g} times a second (REQUESTS_PER_SECOND); ask more slowly.",
                math.ceil(seconds),
            )
        await self._wait(key)
        try:
            yield
        finally:
            key.turns.release()

    async def _wait(self, key: _Key) -> None:
        busy = f"This key has {key.limits.at_once} requests under way (REQUESTS_AT_ONCE), and others wait; try again."
        if key.waiting >= MOST_WAITING:
            raise TooManyRequests(busy, 1)
        key.waiting += 1
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await key.turns.acquire()
        except TimeoutError:
            raise TooManyRequests(busy, 1) from None
        finally:
            key.waiting -= 1
