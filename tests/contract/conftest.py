"""What the contract suites of the port `Index` run on: the shipped fake, the embedded index, and a real cluster."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activity_stream.adapters.clock import SystemClock
from activity_stream.adapters.index_embedded.index import EmbeddedIndex
from activity_stream.adapters.index_opensearch.client import Client
from activity_stream.adapters.index_opensearch.index import OpenSearchIndex
from activity_stream.fields import searchable_fields
from activity_stream.ports import Index
from activity_stream.testing.memory_index import MemoryIndex
from activity_stream.testing.moved_clock import MovedClock


@pytest.fixture(params=["memory", "embedded", "os"])
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Index]:
    """An empty index, open for writing."""
    clock = MovedClock()
    fields = searchable_fields()
    if request.param == "os":
        import subprocess
        url = os.environ["OS_URL"]
        subprocess.run(["curl", "-s", "-XDELETE", url + "/activities__*,objects__*"], capture_output=True)
        made = OpenSearchIndex(Client(url, SystemClock()), fields, SystemClock())
    else:
        made: Index = MemoryIndex(fields, clock) if request.param == "memory" else EmbeddedIndex(tmp_path, fields, clock)
    await made.open(write=True)
    yield made
    await made.close()
