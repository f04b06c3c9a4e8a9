"""Random histories against an oracle: *whole, gone, kept, alone, single, counted*.

`ORACLE_SEED=n` plays the history of one seed again; `SOAK=1` (`make soak`) plays many more.
"""

import os

import pytest

from activity_stream.fields import searchable_fields
from activity_stream.testing.memory_index import MemoryIndex
from tests.oracle.history import History
from tests.oracle.shaky import DrivenClock

STEPS = 22
MEMORY_HISTORIES = 520
BLOCK = 20


def seeds(first: int, count: int) -> list[int]:
    """The seeds to play, or the one that ORACLE_SEED names."""
    named = os.environ.get("ORACLE_SEED")
    return [int(named)] if named else list(range(first, first + count))


async def play(seed: int) -> None:
    """One history on the memory index; a broken promise says which seed it was."""
    clock = DrivenClock()
    index = MemoryIndex(searchable_fields(), clock)
    await index.open(write=True)
    try:
        await History(seed, index, clock).run(STEPS)
    except AssertionError as error:
        error.add_note(f"play it again with ORACLE_SEED={seed}")
        raise
    finally:
        await index.close()


@pytest.mark.parametrize("first", range(1, MEMORY_HISTORIES, BLOCK))
async def test_promises_hold_in_random_histories(first: int) -> None:
    """Whatever sources, index, state and collectors do, a reader of the memory index never sees a promise broken."""
    for seed in seeds(first, BLOCK):
        await play(seed)


@pytest.mark.soak
@pytest.mark.timeout(3000)
async def test_promises_hold_in_very_many_random_histories() -> None:
    """The same, for ten thousand histories more."""
    if "SOAK" not in os.environ:
        pytest.skip("only by make soak")
    for seed in seeds(100_000, 10_000):
        await play(seed)
