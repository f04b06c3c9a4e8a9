"""Two collectors and ten feeds: what the sources see of them, whatever happens to the collectors."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from tests.flow.asked import AskedSource
from tests.flow.processes import BUSY_SECONDS, TAKE_OVER_SECONDS, Process, settings, started
from tests.flow.source import served

FEEDS = 10
TROUBLES = 5
SOAK_TROUBLES = 100
DEPLOYMENT_GAP_SECONDS = 5.0
"""Two on a quiet machine; ten processes start meanwhile."""

CROWDED_SECONDS = 10.0
"""More than the limit by which a source may be left alone where other things run on the same cores; not in the soak."""

START_SECONDS = 30.0


class Slot:
    """A place for one collector; what dies there is replaced at once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._stack = AsyncExitStack()
        self.process: Process

    async def start(self) -> None:
        """Start the first collector, or the next one."""
        self.process = await self._stack.enter_async_context(started("outgoing", environ=self._environ))

    async def kill(self) -> None:
        """Kill the collector and start another one."""
        await self.process.stop(signal.SIGKILL)
        await self.start()

    async def pause(self, seconds: float) -> None:
        """Stop the collector for a while."""
        self.process.child.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self.process.child.send_signal(signal.SIGCONT)

    async def close(self) -> None:
        """End all that ever ran here."""
        await self._stack.aclose()


@asynccontextmanager
async def slots(environ: Mapping[str, str]) -> AsyncIterator[list[Slot]]:
    """Two collectors at work."""
    found = [Slot(environ), Slot(environ)]
    try:
        for slot in found:
            await slot.start()
        yield found
    finally:
        for slot in found:
            await slot.close()


def ten_sources() -> list[AskedSource]:
    """A source for each feed; some are slow."""
    sources = [AskedSource(chr(ord("a") + number), page_size=20) for number in range(FEEDS)]
    for number, source in enumerate(sources):
        source.put(*range(60))
        source.delay = 0.02 if number % 2 else 0.1
    return sources


def ten_feeds(directory: Path, sources: list[AskedSource], stores: Mapping[str, str]) -> dict[str, str]:
    """Quick polls, so that a silent source is one without a worker; and a full ingest every few seconds."""
    environ = settings(directory, *(source.url for source in sources), **stores)
    for number in range(1, FEEDS + 1):
        environ[f"FEEDS__{number}__FULL_INGEST_INTERVAL"] = "6"
        environ[f"FEEDS__{number}__UPDATES_PAGE_INTERVAL"] = "0.2"
    return environ


async def all_polled(sources: list[AskedSource]) -> None:
    """Wait until every feed has a worker: its source has been asked for more than the first full ingest."""
    async with asyncio.timeout(START_SECONDS):
        while any(len(source.asked) < 6 for source in sources):
            await asyncio.sleep(0.05)


@contextmanager
def without_gap(sources: list[AskedSource], seconds: float) -> Iterator[None]:
    """Meanwhile no source is without a request for longer than this, and none has two at once."""
    since = time.monotonic()
    yield
    until = time.monotonic()
    silences = {source.name: round(source.longest_silence(since, until), 2) for source in sources}
    print("the longest silences:", silences)
    assert {source.name: source.most_at_once for source in sources} == dict.fromkeys(silences, 1)
    assert max(silences.values()) <= seconds, silences


async def life(directory: Path, stores: Mapping[str, str], troubles: int, crowded: float = 0.0) -> None:
    """One trouble after another, each when the one before can be over."""
    seed = int(os.environ.get("COLLECTORS_SEED", random.SystemRandom().randrange(10**6)))
    print(f"COLLECTORS_SEED={seed}")
    rng = random.Random(seed)
    sources = ten_sources()
    environ = ten_feeds(directory, sources, stores)
    async with served(*sources), slots(environ) as found:
        await all_polled(sources)
        for _ in range(troubles):
            slot = rng.choice(found)
            kind, seconds = rng.choice(("kill", "pause", "pause")), rng.choice((0.5, 2.0, 3.5, 5.0, 7.0))
            print(f"{kind} collector {found.index(slot)}" + (f" for {seconds} s" if kind == "pause" else ""))
            allowed = TAKE_OVER_SECONDS + BUSY_SECONDS + crowded
            with without_gap(sources, allowed):
                began = time.monotonic()
                await (slot.kill() if kind == "kill" else slot.pause(seconds))
                over = began + TAKE_OVER_SECONDS + BUSY_SECONDS + rng.random()
                await asyncio.sleep(max(over - time.monotonic(), 1.0))
        for slot in found:
            assert await slot.process.stop() == 0


@pytest.mark.timeout(180)
async def test_a_source_is_never_asked_twice_at_once_and_never_left_alone(
    tmp_path: Path, on_cluster: Mapping[str, str]
) -> None:
    """Collectors are killed and stopped at random: the sources see one request at a time, and no long silence."""
    await life(tmp_path, on_cluster, TROUBLES, CROWDED_SECONDS)


@pytest.mark.soak
@pytest.mark.skipif("SOAK" not in os.environ, reason="takes minutes: make soak")
async def test_the_same_for_a_long_time(tmp_path: Path, on_cluster: Mapping[str, str]) -> None:
    """The same, at length."""
    await life(tmp_path, on_cluster, SOAK_TROUBLES)


async def test_a_deployment_leaves_no_gap(tmp_path: Path, on_cluster: Mapping[str, str]) -> None:
    """A new pair starts, the old pair is asked to end and does: the sources notice next to nothing of it."""
    sources = ten_sources()
    environ = ten_feeds(tmp_path, sources, on_cluster)
    async with served(*sources), slots(environ) as old:
        await all_polled(sources)
        with without_gap(sources, DEPLOYMENT_GAP_SECONDS):
            async with slots(environ) as new:
                for slot in new:
                    await slot.process.line("Collectors that live: [34]")
                for slot in old:
                    assert await slot.process.stop() == 0
                    assert slot.process.lines[-1].endswith("Reached end of main. Exiting now.")
                await asyncio.sleep(1.5)
