"""What generations hold, by digest, in a SQLite file of this process's own: a table for each generation.

Nothing of it is needed by another process, or by the next one: the file is unlinked as soon as it is open, and neither
journal nor sync cost anything. Where the disk fails, all is forgotten: who compares has to read the index instead.
"""

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from activity_stream.adapters.rows import put_rows
from activity_stream.errors import IndexUnavailable
from activity_stream.model import Alias, Change, Known

T = TypeVar("T")

CACHE_KIB = 16 * 1024
CHANGES_AT_ONCE = 2_000

_LETTERS = {alias: alias[0] for alias in Alias}
_ALIASES = {letter: alias for alias, letter in _LETTERS.items()}
_NOTHING = "empty"

_TABLE = "CREATE TABLE {} (key TEXT PRIMARY KEY, digest INTEGER, marks TEXT) WITHOUT ROWID"

# In both, the row value comparison goes on behind the key before; `+` would keep SQLite from the key's own order.
_ADDED = (
    "SELECT new.key, old.marks, new.marks FROM {new} AS new LEFT JOIN {old} AS old ON old.key = new.key "
    "WHERE new.key > ? AND (old.key IS NULL OR old.digest <> new.digest) ORDER BY new.key LIMIT ?"
)
_GONE = (
    "SELECT old.key, old.marks FROM {old} AS old LEFT JOIN {new} AS new ON old.key = new.key "
    "WHERE old.key > ? AND new.key IS NULL ORDER BY old.key LIMIT ?"
)


class SqliteLedger:
    """A ledger in a file without a name in `directory`, which is made; None: where the system has such files."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._connection: sqlite3.Connection | None = None
        self._tables: dict[str, str] = {}
        self._complete: set[str] = set()
        self._made = 0

    async def begin(self, generation: str) -> None:
        """A new table."""
        await self._do(lambda connection: self._begin(connection, generation))

    async def put(self, generation: str, items: Sequence[Known], *, older: bool = False) -> None:
        """Upserts."""
        how = f"INSERT OR {'IGNORE' if older else 'REPLACE'} INTO"
        rows = [(_key(each.alias, each.id), each.digest, "\n".join(each.marks)) for each in items]
        await self._do(
            lambda connection: self._on(generation, lambda table: put_rows(connection, f"{how} {table}", rows))
        )

    async def take(self, generation: str, items: Sequence[tuple[Alias, str]]) -> None:
        """Deletes."""
        rows = [(_key(alias, name),) for alias, name in items]
        await self._do(
            lambda connection: self._on(
                generation,
                lambda table: connection.executemany(f"DELETE FROM {table} WHERE key = ?", rows),  # noqa: S608
            )
        )

    async def complete(self, generation: str) -> None:
        """If it was not forgotten meanwhile."""
        if generation in self._tables:
            self._complete.add(generation)

    async def is_complete(self, generation: str) -> bool:
        """Whether all that the generation holds is known."""
        return generation in self._complete

    async def changes(self, before: str | None, after: str | None) -> AsyncIterator[Sequence[Change]]:
        """In the order of aliases and ids: those that are there now, then those that are gone."""
        names = {"old": self._tables.get(before or "", _NOTHING), "new": self._tables.get(after or "", _NOTHING)}
        for query in (_ADDED, _GONE):
            last = ""
            while rows := await self._do(
                lambda connection, query=query, last=last: connection.execute(  # type: ignore[misc]
                    query.format(**names), (last, CHANGES_AT_ONCE)
                ).fetchall()
            ):
                yield [_change(*row) for row in rows]
                last = rows[-1][0]

    async def forget(self, generation: str) -> None:
        """The table is dropped."""
        await self._do(lambda connection: self._forget(connection, generation))

    async def close(self) -> None:
        """The file goes with its last connection."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._reset)
        self._thread.shutdown()

    def _begin(self, connection: sqlite3.Connection, generation: str) -> None:
        self._forget(connection, generation)
        self._made += 1
        table = f"generation_{self._made}"
        connection.execute(_TABLE.format(table))
        self._tables[generation] = table

    def _forget(self, connection: sqlite3.Connection, generation: str) -> None:
        self._complete.discard(generation)
        table = self._tables.pop(generation, None)
        if table is not None:
            connection.execute(f"DROP TABLE {table}")

    def _on(self, generation: str, work: Callable[[str], object]) -> None:
        table = self._tables.get(generation)
        if table is not None:
            work(table)

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = self._opened()
            return work(self._connection)
        except (sqlite3.Error, OSError) as error:
            self._reset()
            raise IndexUnavailable(
                f"what generations hold could not be noted: {error}; check the disk of "
                f"{self._directory or tempfile.gettempdir()}"
            ) from error

    def _opened(self) -> sqlite3.Connection:
        if self._directory is not None:
            self._directory.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix="ledger-", dir=self._directory) as file:
            connection = sqlite3.connect(file.name, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            connection.execute(_TABLE.format(_NOTHING))
        return connection

    def _reset(self) -> None:
        self._tables.clear()
        self._complete.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _key(alias: Alias, name: str) -> str:
    return _LETTERS[alias] + name


def _change(key: str, before: str | None, after: str | None = None) -> Change:
    return Change(_ALIASES[key[0]], key[1:], _marks(before), _marks(after))


def _marks(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(text.split("\n")) if text else ()
