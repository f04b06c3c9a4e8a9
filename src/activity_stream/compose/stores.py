"""The index and the shared state that the settings name: the one place that knows which engines there are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from activity_stream.adapters.changes_sqlite import SqliteChangeLog
from activity_stream.adapters.clock import SystemClock
from activity_stream.adapters.index_embedded.index import EmbeddedIndex
from activity_stream.adapters.index_opensearch.changes import OpenSearchChangeLog
from activity_stream.adapters.index_opensearch.client import Client, Login
from activity_stream.adapters.index_opensearch.index import OpenSearchIndex
from activity_stream.adapters.index_opensearch.signing import AwsLogin
from activity_stream.adapters.ledger_sqlite import SqliteLedger
from activity_stream.adapters.state_redis import RedisState
from activity_stream.adapters.state_sqlite import SqliteState
from activity_stream.compose.listening import CannotServe
from activity_stream.errors import IndexUnavailable, StateUnavailable
from activity_stream.fields import searchable_fields
from activity_stream.ports import ChangeLog, Clock, Index, Ledger, State
from activity_stream.settings import ServerIndex, Settings, shapes


class Stores(msgspec.Struct, frozen=True):
    """Where everything is kept. `changes` is None where no record of changes is."""

    index: Index
    state: State
    changes: ChangeLog | None


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


def make_change_log(settings: Settings, clock: Clock) -> ChangeLog | None:
    """The record of changes, not open yet; None where none is kept."""
    index = settings.storage.index
    if not settings.changes_retention:
        return None
    if isinstance(index, shapes.EmbeddedIndex):
        return SqliteChangeLog(index.directory / "changes.sqlite3")
    return OpenSearchChangeLog(_client(index, clock), replicas=index.replicas)


def make_ledger(settings: Settings) -> Ledger:
    """What a collector knows of generations: beside an embedded index, else where the system keeps such files."""
    index = settings.storage.index
    return SqliteLedger(index.directory if isinstance(index, shapes.EmbeddedIndex) else None)


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
async def stores(settings: Settings, *, write: bool) -> AsyncIterator[Stores]:
    """The stores, open; to write, it waits until no other process does where only one can. Raises CannotServe for files
    that cannot be used."""
    clock = SystemClock()
    state, index, changes = make_state(settings, clock), make_index(settings, clock), make_change_log(settings, clock)
    try:
        try:
            await state.open()
            await index.open(write=write)
            if changes is not None:
                await changes.open(write=write)
        except (StateUnavailable, IndexUnavailable) as error:
            raise CannotServe(f"Activity Stream cannot start: {error}") from error
        yield Stores(index, state, changes)
    finally:
        if changes is not None:
            await changes.close()
        await index.close()
        await state.close()
