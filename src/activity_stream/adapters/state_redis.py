"""The shared state in Redis, for processes on as many machines as it takes.

What is stored how is told in `redis_scripts`, how calls share a connection in `redis_line`.

**What Redis has to be.** Redis 6 or newer, or Valkey; one server, or one with replicas behind one address; not Redis
Cluster. `maxmemory-policy` should be `noeviction`, so that a full memory is said and not made by forgetting. No key has
an expiry, so that the `volatile-` policies are as good; the `allkeys-` ones break *single* and *once*.

**What it forgets.** A server that starts again, or a replica that takes over, may have lost everything or the last
moments (snapshots lose minutes, `appendfsync everysec` a second), and cannot say which. So from then on it is as
careful as one that lost everything: for a lease's length it gives no lease but to who shows that it holds it, and
nothing is added `since` a moment before. Persistence saves the rest: cursors, status, each lease's number.
A Redis that is new counts as one that has lost its data: the very first start waits for a lease's length.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from activity_stream.adapters import redis_scripts as scripts
from activity_stream.adapters.redis_line import RedisLine
from activity_stream.errors import StateUnavailable

_TICK_MS = 50
"""More than the time between two ticks of any system's clock (10 ms at most on Linux, 16 on Windows)."""


class RedisState:
    """A State in the Redis at `url` (`redis://`, or `rediss://` for TLS), under keys that begin with `prefix`.

    A call that has no answer after `timeout` seconds raises StateUnavailable. Connects when it is needed, and again
    after every loss. Raises SettingsError for a `url` that is none.
    """

    def __init__(self, url: str, *, prefix: str = "activity-stream:", timeout: float = 2.0) -> None:
        self._line = RedisLine(url, prefix, timeout)

    async def open(self) -> None:
        """Be ready, or be so later: a Redis that is away is no error here.

        Where Redis's memory begins only now, wait for the next second: a caller's time of signing is in whole seconds,
        and whoever signs after this shall not seem to have signed before. A little longer even: where a program reads
        the time without fractions, most systems give it that of the last tick, some milliseconds old.
        """
        with suppress(StateUnavailable):
            left = await self._line.run(scripts.PING, again=True)
            await asyncio.sleep(max(left + _TICK_MS, 0) / 1000)

    async def close(self) -> None:
        """Finish what was asked for and let go of the connection."""
        await self._line.close()

    async def ping(self) -> None:
        """Return if Redis answers."""
        await self._line.run(scripts.PING, again=True)

    async def get(self, key: str) -> bytes | None:
        """The value, None where there is none or it has expired."""
        value: bytes | None = await self._line.run(scripts.GET, key.encode(), again=True)
        return value

    async def set(self, key: str, value: bytes, expires_in: float | None = None) -> None:
        """Store the value in place of any other."""
        await self._line.run(scripts.SET, key.encode(), value, _milliseconds(expires_in), again=True)

    async def add(self, key: str, value: bytes, expires_in: float, *, since: float | None = None) -> bool:
        """Store the value if there is none; False too where Redis's memory begins after `since`."""
        # Never sent again by itself: where the first try was carried out and only its answer was lost, the second would
        # say False to the one caller who added it; and there is no telling him from another who was later.
        arguments = (key.encode(), value, _milliseconds(expires_in), _milliseconds(since))
        stored: int = await self._line.run(scripts.ADD, *arguments, again=False)
        return stored == 1

    async def delete(self, key: str) -> None:
        """Forget the value."""
        await self._line.run(scripts.DELETE, key.encode(), again=True)

    async def scan(self, prefix: str) -> Mapping[str, bytes]:
        """Every unexpired value whose key begins with `prefix`, in the order of keys; walks the keys of its kind."""
        found: list[bytes] = await self._line.run(scripts.SCAN, prefix.encode(), again=True)
        return {key.decode(): value for key, value in sorted(zip(found[::2], found[1::2], strict=True))}

    async def acquire(self, lease: str, owner: str, seconds: float, *, held: int | None = None) -> int | None:
        """The lease's number for its owner, None if another has it, or may have had it before Redis's memory began."""
        held_number = b"" if held is None else str(held).encode()
        arguments = (lease.encode(), owner.encode(), _milliseconds(seconds), held_number)
        number: int | None = await self._line.run(scripts.ACQUIRE, *arguments, again=True)
        return number

    async def release(self, lease: str, owner: str) -> None:
        """Give the lease back; its number is kept, so that the next one is larger."""
        await self._line.run(scripts.RELEASE, lease.encode(), owner.encode(), again=True)


def _milliseconds(seconds: float | None) -> bytes:
    """Seconds as Redis gets them: whole milliseconds; empty for None."""
    return b"" if seconds is None else str(int(seconds * 1000)).encode()
