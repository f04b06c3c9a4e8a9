"""A reader who looks all the time while something happens to the collectors."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from tests.flow.processes import Client, Unanswered
from tests.flow.source import Source


class Reader:
    """Looks again and again, and knows what may never happen. The items `base` may change, and never go; `api` may be
    changed for another one at any time. If `patient`, an answer that says that there is none now is no mistake."""

    def __init__(self, api: Client, source: Source, base: Iterable[int], *, patient: bool = False) -> None:
        self.api = api
        self.source = source
        self.base = {source.key(number) for number in base}
        self.patient = patient
        self.seen: dict[str, int] = {}
        self.looks = 0
        self.unanswered = 0

    async def look(self) -> None:
        """One look: *whole* (every base item, always) and *kept* (no version goes back)."""
        now = await self.api.versions()
        self.looks += 1
        missing = self.base - now.keys()
        assert not missing, f"{len(missing)} items vanished, {sorted(missing)[:3]} among them"
        for key in self.base:
            assert now[key] >= self.seen.get(key, 0), f"{key} went back from {self.seen[key]} to {now[key]}"
        self.seen = {key: now[key] for key in self.base}

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
            except Unanswered:
                self.unanswered += 1
                if not self.patient:
                    raise
            await asyncio.sleep(0.02)

    async def converges(self, seconds: float) -> None:
        """*gone*, and all the rest: what is seen becomes exactly what the source has."""
        async with asyncio.timeout(seconds):
            while not await self._is_right():
                await asyncio.sleep(0.05)

    async def _is_right(self) -> bool:
        try:
            return await self.api.versions() == self.source.versions()
        except Unanswered:
            if not self.patient:
                raise
            return False


@asynccontextmanager
async def watched(reader: Reader) -> AsyncIterator[asyncio.Task[None]]:
    """The reader's watch as a task, which is done early only if something was wrong; that is raised at the end."""
    watching = asyncio.create_task(reader.watch())
    try:
        yield watching
    finally:
        watching.cancel()
        await asyncio.wait([watching])
    if not watching.cancelled():
        watching.result()
