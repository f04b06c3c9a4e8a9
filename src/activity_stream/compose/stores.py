"""The index and the shared state that the settings name: the one place that knows which engines there are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from activity_stream.adapters.clock import SystemClock
from activity_stream.adapters.index_embedded.index import EmbeddedIndex
from activity_stream.adapters.index_opensearch.client import Client, Login
from activity_stream.adapters.index_opensearch.index import OpenSearchIndex
from activity_stream.adapters.index_opensearch.signing import AwsLogin
from activity_stream.adapters.state_redis import RedisState
from activity_stream.adapters.state_sqlite import SqliteState
from activity_stream.fields import searchable_fields
from activity_stream.ports import Clock, Index, State
from activity_stream.settings import ServerIndex, Settings, shapes


def make_state(settings: Settings, clock: Clock) -> State:
    """The shared state, not open yet."""
    state = settings.storage.state
    if isinstance(state, shapes.SqliteState):
        return SqliteState(state.file, clock)
    return RedisState(state.url.reveal())


def make_index(settings: Settings, clock: Clock) -> Index:
    """The index, not open yet."""
    index, fields = settings.storage.index, searchable_fields(settings.fields)
    if isinstance(index, shapes.EmbeddedIndex):
        return EmbeddedIndex(index.directory, fields, clock)
    client = _client(index, clock)
    return OpenSearchIndex(client, fields, clock, replicas=index.replicas, shared_below=index.shared_below)


def _client(index: ServerIndex, clock: Clock) -> Client:
    login = Login(index.username, index.password.reveal()) if index.username or index.password else None
    keys = index.aws
    aws = AwsLogin(keys.access_key_id, keys.secret_access_key.reveal(), keys.region) if keys else None
    return Client(index.url, clock, login=login, ca_file=index.ca_file, aws=aws)


@asynccontextmanager
async def opened_state(settings: Settings) -> AsyncIterator[State]:
    """The shared state, open; a server that does not answer is open too. Raises StateUnavailable for a file that cannot
    be used."""
    state = make_state(settings, SystemClock())
    try:
        await state.open()
        yield state
    finally:
        await state.close()


@asynccontextmanager
async def stores(settings: Settings, *, write: bool) -> AsyncIterator[tuple[Index, State]]:
    """The index and the shared state, open; to write, it waits until no other process does where only one can."""
    async with opened_state(settings) as state:
        index = make_index(settings, SystemClock())
        try:
            await index.open(write=write)
            yield index, state
        finally:
            await index.close()
