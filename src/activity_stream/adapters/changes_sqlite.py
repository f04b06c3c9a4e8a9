"""The record of changes in one SQLite file, beside an embedded index: one process writes, any number read.

change   feed and number, in this order, so that whoever has seen a feed to its end reads nothing
feed     its last number, of changes that have been purged too
cut      a row with the number of the last one
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from activity_stream.adapters.rows import put_rows
from activity_stream.errors import IndexUnavailable
from activity_stream.model import Alias, Change, Recorded

T = TypeVar("T")

BUSY_SECONDS = 5.0

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS change (
        feed TEXT, number INTEGER, alias TEXT, id TEXT, before TEXT, after TEXT, PRIMARY KEY (feed, number, id, alias)
    ) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS feed (name TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS cut (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID",
)
_SETTING = "INSERT OR REPLACE INTO {table} VALUES (?, ?)"


class SqliteChangeLog:
    """The record in the file `path`, made where it is not there by whoever opens it to write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, "changes")
        self._writes = False

    async def open(self, *, write: bool) -> None:
        """Make the file, to write."""
        self._writes = write
        if write:
            await self._do(_make)
            await self._do(_begin)

    async def close(self) -> None:
        """Wait for what is being done."""
        await asyncio.to_thread(self._thread.shutdown)

    async def number(self, feed: str, now: float) -> int:
        """Larger than the last one."""
        return max(int(now * 1_000_000), 1 + await self._do(lambda connection: _last(connection, feed)))

    async def append(self, feed: str, number: int, changes: Sequence[Change]) -> None:
        """One transaction."""
        await self._do(lambda connection: _append(connection, feed, number, changes))

    async def cut(self, now: float) -> None:
        """One transaction."""
        await self._do(lambda connection: _cut(connection, now))

    async def last_cut(self) -> int:
        """The number of the last cut."""
        return await self._do(_last_cut)

    async def read(
        self,
        alias: Alias,
        base: int,
        seen: Mapping[str, tuple[int, str]],
        limit: int,
        *,
        marks: Sequence[Sequence[str]] | None = None,
    ) -> Sequence[Recorded]:
        """Of each feed the first ones, of these the first ones."""
        return await self._do(lambda connection: _read(connection, alias, base, seen, limit, marks))

    async def heads(
        self, alias: Alias, *, marks: Sequence[Sequence[str]] | None = None
    ) -> Mapping[str, tuple[int, str]]:
        """The last change of each feed, looked for from its end."""
        return await self._do(lambda connection: _heads(connection, alias, marks))

    async def purge(self, before: int) -> None:
        """Feed by feed."""
        await self._do(lambda connection: _purge(connection, before))

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The work's result, in one transaction. The file is opened anew each time: another process may replace it."""
        if not self._writes and not self._path.exists():
            return work(_nothing())
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("BEGIN IMMEDIATE" if self._writes else "BEGIN")
                result = work(connection)
                connection.execute("COMMIT")
                return result
        except (sqlite3.Error, OSError) as error:
            raise IndexUnavailable(
                f"the record of changes in {self._path} cannot be used: {error}; check that the file and its directory "
                "can be written and that the disk is not full; a damaged file can be moved away: readers of "
                "changes then begin anew"
            ) from error


def _nothing() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    _make(connection)
    return connection


def _make(connection: sqlite3.Connection) -> None:
    for statement in _SCHEMA:
        connection.execute(statement)


def _last(connection: sqlite3.Connection, feed: str) -> int:
    found = connection.execute("SELECT last FROM feed WHERE name = ?", (feed,)).fetchone()
    return int(found[0]) if found else -1


def _begin(connection: sqlite3.Connection) -> None:
    """A new record begins with a cut."""
    if not _last_cut(connection):
        _cut(connection, time.time())


def _append(connection: sqlite3.Connection, feed: str, number: int, changes: Sequence[Change]) -> None:
    rows = [(feed, number, each.alias, each.id, _text(each.before), _text(each.after)) for each in changes]
    put_rows(connection, "INSERT OR REPLACE INTO change", rows)
    connection.execute(_SETTING.format(table="feed"), (feed, max(number, _last(connection, feed))))


def _text(marks: Sequence[str] | None) -> str | None:
    """The marks between line breaks, of which none has any: each can be looked for with those around it."""
    return None if marks is None else "".join(f"\n{mark}\n" for mark in marks)


def _cut(connection: sqlite3.Connection, now: float) -> None:
    number = max(int(now * 1_000_000), _last_cut(connection) + 1)
    connection.execute(_SETTING.format(table="cut"), ("last", number))


def _last_cut(connection: sqlite3.Connection) -> int:
    found = connection.execute("SELECT number FROM cut").fetchone()
    return int(found[0]) if found else 0


def _read(
    connection: sqlite3.Connection,
    alias: Alias,
    base: int,
    seen: Mapping[str, tuple[int, str]],
    limit: int,
    marks: Sequence[Sequence[str]] | None,
) -> list[Recorded]:
    condition, values = _condition(marks)
    query = (
        f"SELECT feed, number, id FROM change WHERE feed = ? AND (number, id) > (?, ?) AND alias = ?{condition} "  # noqa: S608
        "ORDER BY number, id LIMIT ?"
    )
    found: list[Recorded] = []
    for feed in _feeds(connection):
        number, name = seen.get(feed, (base + 1, ""))  # no id is empty
        rows = connection.execute(query, (feed, number, name, alias, *values, limit))
        found += [Recorded(*row) for row in rows]
    return sorted(found, key=lambda each: (each.number, each.feed, each.id))[:limit]


def _heads(
    connection: sqlite3.Connection, alias: Alias, marks: Sequence[Sequence[str]] | None
) -> dict[str, tuple[int, str]]:
    condition, values = _condition(marks)
    query = (
        f"SELECT number, id FROM change WHERE feed = ? AND alias = ?{condition} "  # noqa: S608
        "ORDER BY number DESC, id DESC LIMIT 1"
    )
    found = {}
    for feed in _feeds(connection):
        row = connection.execute(query, (feed, alias, *values)).fetchone()
        if row is not None:
            found[feed] = (int(row[0]), str(row[1]))
    return found


def _feeds(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM feed")]


def _condition(marks: Sequence[Sequence[str]] | None) -> tuple[str, list[str]]:
    """What of a `WHERE` asks for the marks, and its values."""
    if marks is None:
        return "", []
    sides = []
    for side in ("before", "after"):
        parts = [f"{side} IS NOT NULL"]
        parts += ["(" + " OR ".join([f"instr({side}, ?)"] * len(each) or ["0"]) + ")" for each in marks]
        sides.append(" AND ".join(parts))
    values = [f"\n{mark}\n" for each in marks for mark in each]
    return f" AND ({' OR '.join(sides)})", [*values, *values]


def _purge(connection: sqlite3.Connection, before: int) -> None:
    for feed in _feeds(connection):
        connection.execute("DELETE FROM change WHERE feed = ? AND number < ?", (feed, before))
