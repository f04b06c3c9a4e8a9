"""What the contract suites of the port `Index` run on: the shipped fake and the embedded index."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activity_stream.adapters.index_embedded.index import EmbeddedIndex
from activity_stream.fields import searchable_fields
from activity_stream.ports import Index
from activity_stream.testing.memory_index import MemoryIndex
from activity_stream.testing.moved_clock import MovedClock


@pytest.fixture(params=["memory", "embedded"])
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Index]:
    """An empty index, open for writing."""
    clock = MovedClock()
    fields = searchable_fields()
    made: Index = MemoryIndex(fields, clock) if request.param == "memory" else EmbeddedIndex(tmp_path, fields, clock)
    await made.open(write=True)
    yield made
    await made.close()
