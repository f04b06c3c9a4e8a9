"""SIGKILL at any moment: the collector dies again and again, and a reader never sees anything wrong."""

import asyncio
import os
import random
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.flow.processes import client, settings, started
from tests.flow.reader import Reader, watched
from tests.flow.source import Source, served

KILLS = 10
SOAK_KILLS = 150
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


async def life(environ: Mapping[str, str], source: Source, rng: random.Random, extra: set[int]) -> None:
    """A collector that is killed at a random moment, of its work as a rule, of its start or its wait now and then."""
    async with started("outgoing", environ=environ) as collector:
        if rng.random() < 0.8:
            await collector.line("Full ingest", 20)
        await asyncio.sleep(rng.random() * 0.6)
        mutate(source, rng, extra)
        await asyncio.sleep(rng.random() * 0.4)
        await collector.stop(signal.SIGKILL)


async def kills(directory: Path, stores: Mapping[str, str], count: int) -> None:
    """Kill the collector `count` times at random moments while a reader watches."""
    seed = int(os.environ.get("SIGKILL_SEED", random.SystemRandom().randrange(10**6)))
    print(f"SIGKILL_SEED={seed}")
    rng, extra = random.Random(seed), set[int]()
    source = Source()
    source.put(*BASE)
    environ = settings(directory, source.url, FEEDS__1__FULL_INGEST_INTERVAL="0.1", **stores)
    async with served(source), started("incoming", environ=environ) as api_process:
        async with client(await api_process.listening()) as api:
            reader = Reader(api, source, BASE)
            async with started("outgoing", environ=environ):
                await reader.converges(30)
            async with watched(reader) as watching:
                for _ in range(count):
                    await life(environ, source, rng, extra)
                    if watching.done():
                        break
                async with started("outgoing", environ=environ):
                    await reader.converges(30)
            assert reader.looks > count
            assert source.most_at_once == 1


@pytest.mark.timeout(240)
async def test_ten_kills_leave_nothing_wrong(tmp_path: Path, stores: Mapping[str, str]) -> None:
    """However the collector dies, readers see whole generations only, nothing goes back, and it heals."""
    await kills(tmp_path, stores, KILLS)


@pytest.mark.soak
@pytest.mark.skipif("SOAK" not in os.environ, reason="takes minutes: make soak")
async def test_very_many_kills_leave_nothing_wrong(tmp_path: Path, stores: Mapping[str, str]) -> None:
    """The same, at length."""
    await kills(tmp_path, stores, SOAK_KILLS)
