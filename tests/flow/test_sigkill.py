"""SIGKILL at any moment: the collector dies again and again, and a reader never sees anything wrong."""

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from tests.flow.processes import Client, client, settings, started
from tests.flow.source import Source, served

KILLS = 30
SOAK_KILLS = 300
BASE = range(150)


def mutate(source: Source, rng: random.Random, extra: set[int]) -> None:
    """A few random changes: the base items may change but never go; the extra ones come and go."""
    for _ in range(rng.randrange(1, 5)):
        number = 1000 + rng.randrange(40)
        if number in extra and rng.random() < 0.5:
            source.drop(number)
            extra.discard(number)
        else:
            source.put(number)
            extra.add(number)
    source.put(rng.choice(BASE))


class Reader:
    """Looks again and again, and knows what may never happen."""

    def __init__(self, api: Client, source: Source) -> None:
        self.api = api
        self.source = source
        self.base = {source.key(number) for number in BASE}
        self.seen: dict[str, int] = {}
        self.looks = 0

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
            await self.look()
            await asyncio.sleep(0.02)

    async def converges(self, seconds: float) -> None:
        """*gone*, and all the rest: what is seen becomes exactly what the source has."""
        async with asyncio.timeout(seconds):
            while await self.api.versions() != self.source.versions():
                await asyncio.sleep(0.05)


async def kills(directory: Path, count: int) -> None:
    """Kill the collector `count` times at random moments while a reader watches."""
    seed = int(os.environ.get("SIGKILL_SEED", random.SystemRandom().randrange(10**6)))
    print(f"SIGKILL_SEED={seed}")
    rng, extra = random.Random(seed), set[int]()
    source = Source()
    source.put(*BASE)
    environ = settings(directory, source.url, FEEDS__1__FULL_INGEST_INTERVAL="0.1")
    async with served(source), started("incoming", environ=environ) as api_process:
        async with client(await api_process.listening()) as api:
            reader = Reader(api, source)
            async with started("outgoing", environ=environ):
                await reader.converges(20)
            watching = asyncio.create_task(reader.watch())
            for _ in range(count):
                async with started("outgoing", environ=environ) as collector:
                    await asyncio.sleep(0.3 + rng.random() * 0.9)
                    mutate(source, rng, extra)
                    await asyncio.sleep(rng.random() * 0.4)
                    await collector.stop(signal.SIGKILL)
                if watching.done():
                    break
            async with started("outgoing", environ=environ):
                await asyncio.wait_for(asyncio.wait([watching], timeout=0.1), 1)
                await reader.converges(30)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            if not watching.cancelled():
                watching.result()
            assert reader.looks > count


@pytest.mark.timeout(240)
async def test_thirty_kills_leave_nothing_wrong(tmp_path: Path) -> None:
    """However the collector dies, readers see whole generations only, nothing goes back, and it heals."""
    await kills(tmp_path, KILLS)


@pytest.mark.soak
@pytest.mark.skipif("SOAK" not in os.environ, reason="takes minutes: make soak")
async def test_three_hundred_kills_leave_nothing_wrong(tmp_path: Path) -> None:
    """The same, at length."""
    await kills(tmp_path, SOAK_KILLS)
