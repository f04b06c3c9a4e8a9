"""What the contract suites of the port `Index` run on: the shipped fake, the embedded index, and real clusters."""

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
from tests.services.engines import names_to_test
from tests.services.server import Servers, empty


def cluster(url: str) -> OpenSearchIndex:
    """An index on the cluster at this address."""
    return OpenSearchIndex(Client(url, SystemClock()), searchable_fields(), SystemClock())


@pytest.fixture(params=["memory", "embedded", *names_to_test()])
async def index(request: pytest.FixtureRequest, tmp_path: Path, engine_servers: Servers) -> AsyncIterator[Index]:
    """An empty index, open for writing."""
    made: Index
    if request.param == "memory":
        made = MemoryIndex(searchable_fields(), MovedClock())
    elif request.param == "embedded":
        made = EmbeddedIndex(tmp_path, searchable_fields(), MovedClock())
    else:
        url = engine_servers.url(request.param)
        empty(url)
        made = cluster(url)
    await made.open(write=True)
    yield made
    await made.close()
