"""Many rows into a SQLite table by one statement: each that is run by itself has to wait for the interpreter."""

import sqlite3
from collections.abc import Sequence

import msgspec

_NUL = b"\\u0000"


def put_rows(connection: sqlite3.Connection, how: str, rows: Sequence[Sequence[str | int | None]]) -> None:
    """Carry out a statement such as `INSERT INTO table` for rows of JSON values, in their order; all are of one length.

    SQLite ends a text that it takes out of JSON at a NUL: rows that have one go one by one.
    """
    if not rows:
        return
    packed = msgspec.json.encode(rows)
    if _NUL in packed:
        connection.executemany(f"{how} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        return
    columns = ", ".join(f"json_extract(value, '$[{number}]')" for number in range(len(rows[0])))
    connection.execute(f"{how} SELECT {columns} FROM json_each(?) ORDER BY key", (packed,))  # noqa: S608
