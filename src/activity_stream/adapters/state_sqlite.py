"""The shared state in one SQLite file that several processes may use at once.

    calls ──► waiting ──► one transaction in the one thread ──► their results
                 ▲               │
                 └── meanwhile ──┘      what is asked while a transaction runs goes into the next one together

So the event loop never waits for the disk, and many calls at once cost one hop to the thread and one commit.
WAL and synchronous=NORMAL: a crash of the process loses nothing, one of the machine at most the last moments.

A file keeps its data when a process starts again, and all who share it go down with its machine: `since` and `held`,
with which callers guard against a memory that was lost, change nothing here.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from activity_stream.errors import StateUnavailable
from activity_stream.ports import Clock

_Result = TypeVar("_Result")
_Work = Callable[[sqlite3.Connection, float], Any]

PURGE_SECONDS = 1.0
"""How often what has expired is removed, in passing."""

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS entry (key TEXT PRIMARY KEY, value BLOB NOT NULL, expires REAL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS entry_expires ON entry (expires) WHERE expires IS NOT NULL",
    "CREATE TABLE IF NOT EXISTS lease (name TEXT PRIMARY KEY, owner TEXT, expires REAL, number INTEGER NOT NULL)",
)
_ADD = (
    "INSERT INTO entry VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE SET value = ?2, expires = ?3 "
    "WHERE entry.expires <= ?4"
)


class _Call(msgspec.Struct, frozen=True):
    """Something to do in the thread, and who waits for it."""

    work: _Work
    done: asyncio.Future[Any]


class SqliteState:
    """A State in the file `path`, made with its directory where it is not there.

    `busy_seconds` is the longest wait for another process's transaction. A file that is deleted, locked, broken or not
    writable makes calls raise StateUnavailable; the next call opens it anew.
    """

    def __init__(self, path: Path, clock: Clock, *, busy_seconds: float = 2.0) -> None:
        self._clock = clock
        self._file = _File(path, busy_seconds)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="state")
        self._waiting: list[_Call] = []
        self._running: asyncio.Future[list[Any]] | None = None
        self._closed = False

    async def open(self) -> None:
        """Be ready."""
        await self.ping()

    async def close(self) -> None:
        """Finish what was asked for and let go of the file."""
        if self._closed:
            return
        self._closed = True
        while self._running is not None:
            await asyncio.wait([self._running])
        await asyncio.get_running_loop().run_in_executor(self._thread, self._file.close)
        self._thread.shutdown()

    async def ping(self) -> None:
        """Return if the file can be read and written."""
        await self._do(lambda connection, _: connection.execute("SELECT 1 FROM entry LIMIT 1").fetchone())

    async def get(self, key: str) -> bytes | None:
        """The value, None where there is none or it has expired."""
        return await self._do(lambda connection, now: _get(connection, now, key))

    async def set(self, key: str, value: bytes, expires_in: float | None = None) -> None:
        """Store the value in place of any other."""
        await self._do(lambda connection, now: _set(connection, key, value, _until(now, expires_in)))

    async def add(self, key: str, value: bytes, expires_in: float, *, since: float | None = None) -> bool:  # noqa: ARG002
        """Store the value if there is none."""
        return await self._do(
            lambda connection, now: connection.execute(_ADD, (key, value, now + expires_in, now)).rowcount == 1
        )

    async def delete(self, key: str) -> None:
        """Forget the value."""
        await self._do(lambda connection, _: _delete(connection, key))

    async def scan(self, prefix: str) -> Mapping[str, bytes]:
        """Every unexpired value whose key begins with `prefix`, in the order of keys."""
        return await self._do(lambda connection, now: _scan(connection, now, prefix))

    async def acquire(
        self,
        lease: str,
        owner: str,
        seconds: float,
        *,
        held: int | None = None,  # noqa: ARG002
    ) -> int | None:
        """The lease's number for its owner, None if another has it."""
        return await self._do(lambda connection, now: _acquire(connection, now, lease, owner, seconds))

    async def release(self, lease: str, owner: str) -> None:
        """Give the lease back; its number is kept, so that the next one is larger."""
        await self._do(lambda connection, _: _release(connection, lease, owner))

    async def _do(self, work: Callable[[sqlite3.Connection, float], _Result]) -> _Result:
        """The work's result, of a transaction that has been committed."""
        if self._closed:
            raise StateUnavailable("the state was closed")
        loop = asyncio.get_running_loop()
        call = _Call(work, loop.create_future())
        self._waiting.append(call)
        if self._running is None:
            self._send(loop)
        result: _Result = await call.done
        return result

    def _send(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand what waits to the thread, and come back when it is done."""
        calls, self._waiting = self._waiting, []
        now = self._clock.now()
        self._running = loop.run_in_executor(self._thread, self._file.run, [call.work for call in calls], now)
        self._running.add_done_callback(lambda ran: self._finish(loop, calls, ran))

    def _finish(self, loop: asyncio.AbstractEventLoop, calls: list[_Call], ran: asyncio.Future[Any]) -> None:
        """Tell the callers, those that still wait, and send what was asked for meanwhile."""
        self._running = None
        if self._waiting:
            self._send(loop)
        error = ran.exception()
        for position, call in enumerate(calls):
            if call.done.done():
                continue
            if error is None:
                call.done.set_result(ran.result()[position])
            else:
                call.done.set_exception(StateUnavailable(str(error)))


class _File:
    """The file, for the thread alone: opened when it is needed, and anew when something is wrong with it."""

    def __init__(self, path: Path, busy_seconds: float) -> None:
        self._path = path
        self._log = path.with_name(path.name + "-wal")
        self._busy_seconds = busy_seconds
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._purged = 0.0

    def run(self, works: list[_Work], now: float) -> list[Any]:
        """The results of all, in order, in one committed transaction; StateUnavailable if any of them fails."""
        try:
            connection = self._ready()
            connection.execute("BEGIN IMMEDIATE")
            if abs(now - self._purged) >= PURGE_SECONDS:
                connection.execute("DELETE FROM entry WHERE expires <= ?", (now,))
                self._purged = now
            results = [work(connection, now) for work in works]
            connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise StateUnavailable(
                f"the state in {self._path} does not answer: {error}; check that the file and its directory can be "
                f"written and that the disk is not full; a damaged file can be moved away, and is made anew"
            ) from error
        return results

    def close(self) -> None:
        """Let go of the file; a transaction that was not committed is undone."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _ready(self) -> sqlite3.Connection:
        """The connection, if the file is still the one it was opened on: others may have deleted or replaced it."""
        if self._connection is not None and self._seen() != self._identity:
            self.close()
        if self._connection is None:
            self._connection = self._connect()
            self._identity = self._seen()
        return self._connection

    def _seen(self) -> tuple[int, int] | None:
        try:
            return self._path.stat().st_ino, self._log.stat().st_ino
        except FileNotFoundError:
            return None

    def _connect(self) -> sqlite3.Connection:
        """A new connection, tried for a while: where several make the file at once, SQLite does not always wait."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + self._busy_seconds
        while True:
            connection = sqlite3.connect(self._path, timeout=self._busy_seconds, isolation_level=None)
            try:
                _prepare(connection)
            except sqlite3.Error as error:
                connection.close()
                if not isinstance(error, sqlite3.OperationalError) or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA:
        connection.execute(statement)
    connection.execute("COMMIT")


def _until(now: float, expires_in: float | None) -> float | None:
    return None if expires_in is None else now + expires_in


def _get(connection: sqlite3.Connection, now: float, key: str) -> bytes | None:
    found = connection.execute(
        "SELECT value FROM entry WHERE key = ? AND (expires IS NULL OR expires > ?)", (key, now)
    ).fetchone()
    return found[0] if found else None


def _set(connection: sqlite3.Connection, key: str, value: bytes, until: float | None) -> None:
    connection.execute("INSERT OR REPLACE INTO entry VALUES (?, ?, ?)", (key, value, until))


def _delete(connection: sqlite3.Connection, key: str) -> None:
    connection.execute("DELETE FROM entry WHERE key = ?", (key,))


def _scan(connection: sqlite3.Connection, now: float, prefix: str) -> dict[str, bytes]:
    rows = connection.execute(
        "SELECT key, value FROM entry WHERE substr(key, 1, ?) = ? AND key >= ? AND (expires IS NULL OR expires > ?) "
        "ORDER BY key",
        (len(prefix), prefix, prefix, now),
    )
    return dict(rows.fetchall())


def _acquire(connection: sqlite3.Connection, now: float, lease: str, owner: str, seconds: float) -> int | None:
    found = connection.execute("SELECT owner, expires, number FROM lease WHERE name = ?", (lease,)).fetchone()
    holder, expires, number = found or (None, 0.0, 0)
    held = holder is not None and expires > now
    if held and holder != owner:
        return None
    if not held:
        # Time as the least number: it grows even over a file that was deleted.
        number = max(number + 1, int(now))
    connection.execute("INSERT OR REPLACE INTO lease VALUES (?, ?, ?, ?)", (lease, owner, now + seconds, number))
    return int(number)


def _release(connection: sqlite3.Connection, lease: str, owner: str) -> None:
    connection.execute("UPDATE lease SET owner = NULL, expires = 0 WHERE name = ? AND owner = ?", (lease, owner))
