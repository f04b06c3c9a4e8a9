"""The same random histories on the embedded index."""

import os
from pathlib import Path

import pytest

from activity_stream.adapters.index_embedded.index import EmbeddedIndex
from activity_stream.fields import searchable_fields
from tests.oracle.history import History
from tests.oracle.shaky import DrivenClock
from tests.oracle.test_oracle import seeds

STEPS = 12
HISTORIES = 40
BLOCK = 5


async def play(seed: int, directory: Path) -> None:
    """One history; a broken promise says which seed it was."""
    clock = DrivenClock()
    index = EmbeddedIndex(directory, searchable_fields(), clock)
    await index.open(write=True)
    try:
        await History(seed, index, clock, leisure=4.0).run(STEPS)
    except AssertionError as error:
        error.add_note(f"play it again with ORACLE_SEED={seed}")
        raise
    finally:
        await index.close()


@pytest.mark.parametrize("first", range(5001, 5001 + HISTORIES, BLOCK))
async def test_promises_hold_on_the_embedded_index(first: int, tmp_path: Path) -> None:
    """Whatever happens, a reader of the embedded index never sees a promise broken."""
    for seed in seeds(first, BLOCK):
        await play(seed, tmp_path / str(seed))


@pytest.mark.soak
@pytest.mark.timeout(3000)
async def test_promises_hold_in_very_many_histories_on_the_embedded_index(tmp_path: Path) -> None:
    """The same, for five hundred histories more."""
    if "SOAK" not in os.environ:
        pytest.skip("only by make soak")
    for seed in seeds(200_000, 500):
        await play(seed, tmp_path / str(seed))
