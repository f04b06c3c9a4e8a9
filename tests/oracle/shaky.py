"""A world that fails on demand, and a clock that knows when nothing moves any more."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from activity_stream.errors import IndexUnavailable, SourceUnavailable, StateUnavailable
from activity_stream.model import (
    Activity,
    Alias,
    Change,
    Counts,
    Generation,
    Recorded,
    Refused,
    SearchAnswer,
    StoredDocument,
    WriteReport,
)
from activity_stream.ports import ChangeLog, Index, Request, Response, State
from activity_stream.testing.moved_clock import MovedClock
from activity_stream.testing.scripted_feed import ScriptedSource
from tests.oracle.truth import Truth

T = TypeVar("T")


class DrivenClock(MovedClock):
    """Settles exactly: until no task can go on without the clock, threads (`busy`) included."""

    busy = 0

    async def settle(self) -> None:
        """Let the other tasks run as far as they come."""
        ready: Any = asyncio.get_running_loop()
        await asyncio.sleep(0)
        while ready._ready or self.busy:
            await asyncio.sleep(0 if ready._ready else 0.0003)


class Fate:
    """What goes wrong in one life of a collector; `dead`: it crashed. `slowness` is a factor for all that takes time.

    `meddle` changes a source in the middle of whatever is under way; `look` is a reader who looks right then.
    """

    def __init__(
        self,
        chance: random.Random,
        clock: DrivenClock,
        slowness: float,
        meddle: Callable[[], None],
        look: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        self._slowness = slowness
        self._meddle = meddle
        self.look = look
        self.chance = chance
        self.clock = clock
        self.dead = False
        self.index_failures = 0.0
        self.state_failures = 0.0

    async def pause(self) -> None:
        """A random short time, often none; for a dead one for ever."""
        if self.chance.random() < 0.04:
            self._meddle()
        if self.chance.random() < 0.3:
            await self.clock.sleep(self._slowness * self.chance.choice((0.01, 0.1, 0.4)))
        await self.still_alive()

    async def still_alive(self) -> None:
        """Return, unless it crashed."""
        if self.dead:
            await asyncio.get_running_loop().create_future()

    def strikes(self, likelihood: float) -> bool:
        """Whether something goes wrong now."""
        return self.chance.random() < likelihood


class ShakySource:
    """A Fetcher with a way between it and its source: an answer is old when it arrives."""

    def __init__(self, source: ScriptedSource, fate: Fate, gate: "Gate") -> None:
        self._source = source
        self._fate = fate
        self._gate = gate

    async def fetch(self, request: Request, on_wait: Callable[[float], None]) -> Response:
        """The source's answer."""
        self._gate.enter()
        try:
            await self._fate.pause()
            if self._gate.broken == "hang":
                await self._fate.clock.sleep(1e9)
            if self._gate.broken == "fail":
                raise SourceUnavailable("broken for good")
            response = await self._source.fetch(request, on_wait)
            await self._fate.pause()
            return response
        finally:
            self._gate.leave()

    async def close(self) -> None:
        """Nothing to end."""


class Gate:
    """Counts the requests to one source over all collectors; `broken`: `fail` or `hang` for good."""

    def __init__(self) -> None:
        self.broken = ""
        self.under_way = 0
        self.most = 0

    def enter(self) -> None:
        """A request goes out."""
        self.under_way += 1
        self.most = max(self.most, self.under_way)

    def leave(self) -> None:
        """It is over."""
        self.under_way -= 1


class ShakyState:
    """A State that does not answer now and then."""

    def __init__(self, inner: State, fate: Fate, owners: dict[str, tuple[str, float]]) -> None:
        self._inner = inner
        self._fate = fate
        self._owners = owners

    async def open(self) -> None:
        """It is open."""

    async def close(self) -> None:
        """It stays open."""

    async def ping(self) -> None:
        """Whether it answers now."""
        await self._maybe()

    async def get(self, key: str) -> bytes | None:
        """As the port says."""
        await self._maybe()
        return await self._inner.get(key)

    async def set(self, key: str, value: bytes, expires_in: float | None = None) -> None:
        """As the port says."""
        await self._maybe()
        await self._inner.set(key, value, expires_in)

    async def add(self, key: str, value: bytes, expires_in: float, *, since: float | None = None) -> bool:
        """As the port says."""
        await self._maybe()
        return await self._inner.add(key, value, expires_in, since=since)

    async def delete(self, key: str) -> None:
        """As the port says."""
        await self._maybe()
        await self._inner.delete(key)

    async def scan(self, prefix: str) -> Mapping[str, bytes]:
        """As the port says."""
        await self._maybe()
        return await self._inner.scan(prefix)

    async def acquire(self, lease: str, owner: str, seconds: float, *, held: int | None = None) -> int | None:
        """As the port says; who has it is remembered, to tell whether a writer may write."""
        await self._maybe()
        number = await self._inner.acquire(lease, owner, seconds, held=held)
        if number is not None:
            self._owners[lease] = (owner, self._fate.clock.monotonic() + seconds)
        return number

    async def release(self, lease: str, owner: str) -> None:
        """As the port says."""
        await self._maybe()
        await self._inner.release(lease, owner)
        if self._owners.get(lease, ("", 0.0))[0] == owner:
            del self._owners[lease]

    async def _maybe(self) -> None:
        await self._fate.still_alive()
        if self._fate.strikes(self._fate.state_failures):
            raise StateUnavailable("told to fail")


class ShakyLog:
    """A record of changes that fails before or after it is written."""

    def __init__(self, inner: ChangeLog, fate: Fate) -> None:
        self._inner = inner
        self._fate = fate

    async def open(self, *, write: bool) -> None:
        """It is open."""

    async def close(self) -> None:
        """It stays open."""

    async def number(self, feed: str, now: float) -> int:
        """As the port says."""
        await self._maybe()
        return await self._inner.number(feed, now)

    async def append(self, feed: str, number: int, changes: Sequence[Change]) -> None:
        """As the port says."""
        await self._maybe()
        await self._inner.append(feed, number, changes)
        await self._maybe()

    async def cut(self, now: float) -> None:
        """As the port says."""
        await self._maybe()
        await self._inner.cut(now)
        await self._maybe()

    async def last_cut(self) -> int:
        """As the port says."""
        return await self._inner.last_cut()

    async def read(
        self,
        alias: Alias,
        base: int,
        seen: Mapping[str, tuple[int, str]],
        limit: int,
        *,
        marks: Sequence[Sequence[str]] | None = None,
    ) -> Sequence[Recorded]:
        """As the port says."""
        return await self._inner.read(alias, base, seen, limit, marks=marks)

    async def heads(
        self, alias: Alias, *, marks: Sequence[Sequence[str]] | None = None
    ) -> Mapping[str, tuple[int, str]]:
        """As the port says."""
        return await self._inner.heads(alias, marks=marks)

    async def purge(self, before: int) -> None:
        """As the port says."""
        await self._inner.purge(before)

    async def _maybe(self) -> None:
        await self._fate.pause()
        if self._fate.strikes(self._fate.index_failures):
            raise IndexUnavailable("the record was told to fail")


class ShakyIndex:
    """An Index that fails before, after or in the middle of a step, and refuses items whose key begins with `bad`."""

    def __init__(
        self, inner: Index, fate: Fate, truths: dict[str, Truth], owner: str, owners: dict[str, tuple[str, float]]
    ) -> None:
        self._inner = inner
        self._fate = fate
        self._truths = truths
        self._owner = owner
        self._owners = owners
        self.trespasses: list[str] = []

    async def open(self, *, write: bool) -> None:
        """It is open."""

    async def close(self) -> None:
        """It stays open."""

    async def ping(self) -> None:
        """Whether it answers now."""
        await self._step(self._inner.ping)

    async def published(self) -> Mapping[str, Generation]:
        """As the port says."""
        return await self._step(self._inner.published)

    async def unpublished(self) -> Sequence[Generation]:
        """As the port says."""
        return await self._step(self._inner.unpublished)

    async def fence(self, feed: str, lease: int) -> None:
        """As the port says."""
        await self._step(lambda: self._inner.fence(feed, lease))

    async def begin(self, feed: str, *, lease: int = 0) -> Generation:
        """As the port says; the oracle takes note of what the source has now."""
        self._may_write(feed, "begin")

        async def begin() -> Generation:
            generation = await self._inner.begin(feed, lease=lease)
            self._truths[feed].begun(generation.id)
            return generation

        return await self._step(begin)

    async def write(
        self, generations: Sequence[Generation], activities: Sequence[Activity], *, visible: bool, lease: int = 0
    ) -> WriteReport:
        """As the port says; in the middle means into the first generation only, as without transactions."""
        self._may_write(generations[0].feed, "write")
        bad = [each for each in activities if ":bad" in each.id]
        good = [each for each in activities if ":bad" not in each.id]
        refused = tuple(Refused(Alias.ACTIVITIES, each.id, "told to refuse it") for each in bad)
        if self._fate.strikes(self._fate.index_failures * (4 if visible else 0.5)):
            await self._inside(lambda: self._inner.write(generations[:1], good, visible=visible, lease=lease))
            raise IndexUnavailable("told to fail in the middle")
        report = await self._step(lambda: self._inner.write(generations, good, visible=visible, lease=lease))
        return WriteReport(report.stored, refused)

    async def publish(self, generation: Generation, *, lease: int = 0) -> None:
        """As the port says."""
        self._may_write(generation.feed, "publish")
        await self._fate.pause()
        await self._fate.look()
        self._truths[generation.feed].published(generation.id)
        await self._step(lambda: self._inner.publish(generation, lease=lease))
        await self._fate.look()

    async def drop(self, generations: Sequence[Generation], *, lease: int = 0) -> None:
        """As the port says."""
        for generation in generations:
            self._may_write(generation.feed, "drop")
        await self._step(lambda: self._inner.drop(generations, lease=lease))

    async def count(self, generation: Generation) -> Counts:
        """As the port says."""
        return await self._step(lambda: self._inner.count(generation))

    async def documents(self, generation: Generation, alias: Alias) -> AsyncIterator[Sequence[StoredDocument]]:
        """As the port says; the world goes on between two parts, and a part is a few documents."""
        await self._fate.pause()
        parts = aiter(self._inner.documents(generation, alias))
        while (some := await self._inside(lambda: _next(parts))) is not None:
            for start in range(0, len(some), 10):
                if self._fate.strikes(self._fate.index_failures / 4):
                    raise IndexUnavailable("told to fail in the middle")
                await self._fate.pause()
                yield some[start : start + 10]

    async def newest(self, feed: str) -> float | None:
        """As the port says."""
        return await self._step(lambda: self._inner.newest(feed))

    async def search(self, alias: Alias, body: bytes, *, scope: bytes | None = None) -> SearchAnswer:
        """As the port says."""
        return await self._inside(lambda: self._inner.search(alias, body, scope=scope))

    async def root(self) -> bytes:
        """As the port says."""
        return await self._inner.root()

    def _may_write(self, feed: str, what: str) -> None:
        owner, until = self._owners.get(f"feed:{feed}", ("", 0.0))
        if not self._fate.dead and (owner != self._owner or until <= self._fate.clock.monotonic()):
            self.trespasses.append(
                f"single: {self._owner} did {what} on {feed}, of which {owner or 'nobody'} has the lease"
            )

    async def _step(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        await self._fate.pause()
        if self._fate.strikes(self._fate.index_failures):
            raise IndexUnavailable("told to fail before")
        result = await self._inside(call)
        if self._fate.strikes(self._fate.index_failures):
            raise IndexUnavailable("told to fail after")
        await self._fate.pause()
        return result

    async def _inside(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What was asked of the index comes to pass, even if whoever asked is no more."""
        self._fate.clock.busy += 1
        task = asyncio.ensure_future(call())
        task.add_done_callback(self._is_done)
        return await asyncio.shield(task)

    def _is_done(self, _: object) -> None:
        self._fate.clock.busy -= 1


async def _next(parts: AsyncIterator[T]) -> T | None:
    return await anext(parts, None)
