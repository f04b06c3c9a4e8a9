"""What the contract suites of the port `Index` run on: the shipped fake, the embedded index, and real clusters."""

import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from activity_stream.adapters.clock import SystemClock
from activity_stream.adapters.index_embedded.index import EmbeddedIndex
from activity_stream.adapters.index_opensearch.client import Client
from activity_stream.adapters.index_opensearch.index import OpenSearchIndex
from activity_stream.fields import AddedField, searchable_fields
from activity_stream.ports import Index
from activity_stream.testing.memory_index import MemoryIndex
from activity_stream.testing.moved_clock import MovedClock
from tests.services.engines import names_to_test
from tests.services.server import Servers, empty

SHARED = "-shared"


class AllShared(OpenSearchIndex):
    """An index in which every generation is in the shared indices, a feed's first one too."""

    async def _is_small(self, _: object) -> bool:
        return True


def cluster(
    url: str, kind: type[OpenSearchIndex] = OpenSearchIndex, added: Sequence[AddedField] = ()
) -> OpenSearchIndex:
    """An index on the cluster at this address."""
    clock = SystemClock()
    return kind(Client(url, clock), searchable_fields(added), clock, shared_below=1 if kind is AllShared else 0)


def shares(name: str) -> bool:
    """Whether feeds can share indices on this engine."""
    return name not in ("elasticsearch-7", "opensearch-1")


@pytest.fixture
def added() -> Sequence[AddedField]:
    """The fields that the configuration adds; a suite may have its own."""
    return ()


@pytest.fixture(
    params=["memory", "embedded", *names_to_test(), *(f"{name}{SHARED}" for name in names_to_test() if shares(name))]
)
async def index(
    request: pytest.FixtureRequest, tmp_path: Path, engine_servers: Servers, added: Sequence[AddedField]
) -> AsyncIterator[Index]:
    """An empty index, open for writing."""
    made: Index
    if request.param == "memory":
        made = MemoryIndex(searchable_fields(added), MovedClock())
    elif request.param == "embedded":
        made = EmbeddedIndex(tmp_path, searchable_fields(added), MovedClock())
    else:
        name = request.param.removesuffix(SHARED)
        url = engine_servers.url(name)
        empty(url)
        made = cluster(url, AllShared if request.param.endswith(SHARED) else OpenSearchIndex, added)
    await made.open(write=True)
    yield made
    await made.close()


@pytest.fixture
def seed() -> int:
    """The same seed each time, so that a change is to blame when it fails; SEARCH_SEED takes another one."""
    chosen = int(os.environ.get("SEARCH_SEED", "1"))
    print(f"SEARCH_SEED={chosen}")
    return chosen
