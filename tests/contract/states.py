"""What the suites of the port `State` run on: the shipped fake, SQLite, and every Redis there is."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Protocol

from activity_stream.adapters.state_redis import RedisState
from activity_stream.adapters.state_sqlite import SqliteState
from activity_stream.ports import State
from activity_stream.testing.memory_state import MemoryState
from activity_stream.testing.moved_clock import MovedClock
from tests.services.available import require
from tests.services.redis_server import RedisServer, servers

REDISES = sorted(servers()) or ["redis"]
"""The names of the servers; one name even where there is none, for the reason to be told."""

_AGED = 40
"""Prefixes whose memory began long enough ago: more than the suite has tests."""


class Kind(Protocol):
    """A kind of state: makes users of one state, and lets its time pass. A test's `second` may be shorter than one."""

    second: float

    def share(self, folder: Path) -> Callable[[], State]:
        """Makes users of one new state, whose memory began long ago."""
        ...

    async def forgetful(self) -> Callable[[], State]:
        """Makes users of a state that has just lost its data, as far as it can tell."""
        ...

    async def elapse(self, seconds: float) -> None:
        """Let so many of the test's seconds pass."""
        ...

    def now(self) -> float:
        """Its seconds since 1970."""
        ...


class Fake:
    """The fake: all users share one object."""

    second = 1.0

    def __init__(self) -> None:
        self._clock = MovedClock()

    def share(self, _: Path) -> Callable[[], State]:
        """See Kind."""
        state = MemoryState(self._clock)
        return lambda: state

    async def forgetful(self) -> Callable[[], State]:
        """See Kind."""
        state = MemoryState(self._clock)
        await state.acquire("feed:a", "one", 10)
        state.forget()
        return lambda: state

    async def elapse(self, seconds: float) -> None:
        """See Kind."""
        await self._clock.advance(seconds)

    def now(self) -> float:
        """See Kind."""
        return self._clock.now()


class Sqlite:
    """SQLite: each user has a connection of its own."""

    second = 1.0

    def __init__(self) -> None:
        self._clock = MovedClock()

    def share(self, folder: Path) -> Callable[[], State]:
        """See Kind."""
        return lambda: SqliteState(folder / "made" / "state.db", self._clock, busy_seconds=0.3)

    async def forgetful(self) -> Callable[[], State]:
        """See Kind; a file forgets nothing."""
        raise NotImplementedError

    async def elapse(self, seconds: float) -> None:
        """See Kind."""
        await self._clock.advance(seconds)

    def now(self) -> float:
        """See Kind."""
        return self._clock.now()


class Redis:
    """A real server, and so real time. Each state has a prefix of its own."""

    second = 0.1

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._used = count()
        self._forgetful = count(_AGED)

    async def age(self) -> None:
        """Begin the memories of the prefixes, and wait until a lease's length has passed."""
        for state in [self._state(number) for number in range(_AGED)]:
            await state.ping()
            await state.close()
        await self.elapse(11)

    def share(self, _: Path) -> Callable[[], State]:
        """See Kind."""
        number = next(self._used)
        assert number < _AGED
        return lambda: self._state(number)

    async def forgetful(self) -> Callable[[], State]:
        """See Kind."""
        number = next(self._forgetful)
        state = self._state(number)
        await state.ping()
        await state.close()
        return lambda: self._state(number)

    async def elapse(self, seconds: float) -> None:
        """See Kind."""
        await asyncio.sleep(seconds * self.second + 0.01)  # the two clocks need not tick together

    def now(self) -> float:
        """See Kind."""
        return time.time()

    def _state(self, number: int) -> RedisState:
        return RedisState(self._server.url, prefix=f"test-{number}:")


@contextmanager
def running(name: str) -> Iterator[RedisServer]:
    """A server of that name, for as long as the context; skips or fails the test where there is none."""
    if name not in servers():
        require("there is no Redis server here: make services fetches one")
    server = RedisServer(servers()[name])
    with ThreadPoolExecutor(1) as thread:  # outside any test's event loop
        try:
            thread.submit(asyncio.run, server.start()).result(60)
            yield server
        finally:
            thread.submit(asyncio.run, server.stop()).result(60)


@contextmanager
def kind_named(name: str) -> Iterator[Kind]:
    """The kind of state of that name, for as long as the context."""
    if name == "fake":
        yield Fake()
    elif name == "sqlite":
        yield Sqlite()
    else:
        with running(name) as server, ThreadPoolExecutor(1) as thread:
            kind = Redis(server)
            thread.submit(asyncio.run, kind.age()).result(60)
            yield kind
