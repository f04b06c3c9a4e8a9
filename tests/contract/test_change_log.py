"""The port `ChangeLog`: the shipped fake, the one beside an embedded index, and those on real clusters."""

import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from activity_stream.adapters.changes_sqlite import SqliteChangeLog
from activity_stream.adapters.clock import SystemClock
from activity_stream.adapters.index_opensearch.changes import OpenSearchChangeLog
from activity_stream.adapters.index_opensearch.client import Client
from activity_stream.errors import IndexUnavailable
from activity_stream.model import Alias, Change
from activity_stream.ports import ChangeLog
from activity_stream.testing.memory_changes import MemoryChangeLog
from tests.services.engines import names_to_test
from tests.services.server import Servers, empty

A, B = Alias.ACTIVITIES, Alias.OBJECTS


@pytest.fixture(params=["memory", "sqlite", *names_to_test()])
async def log(request: pytest.FixtureRequest, tmp_path: Path, engine_servers: Servers) -> AsyncIterator[ChangeLog]:
    """An empty record, open for writing."""
    made: ChangeLog
    if request.param == "memory":
        made = MemoryChangeLog()
    elif request.param == "sqlite":
        made = SqliteChangeLog(tmp_path / "changes.sqlite3")
    else:
        url = engine_servers.url(request.param)
        empty(url)
        made = OpenSearchChangeLog(Client(url, SystemClock()))
    await made.open(write=True)
    yield made
    await made.close()


def change(
    name: str, before: Sequence[str] | None = None, after: Sequence[str] | None = (), alias: Alias = A
) -> Change:
    """A change of the document of this id."""
    return Change(alias, name, None if before is None else tuple(before), None if after is None else tuple(after))


async def put(log: ChangeLog, feed: str, now: float, *changes: Change) -> int:
    """Record changes that came at once; their number."""
    number = await log.number(feed, now)
    await log.append(feed, number, changes)
    return number


async def test_changes_come_in_order_and_go_on_behind_a_place(log: ChangeLog) -> None:
    """By number, and by id where they came at once; a reader who has some of these gets the others."""
    first = await put(log, "f", 10.0, change("b"), change("c"), change("é"), change("\U0001f600"))
    second = await put(log, "f", 11.0, change("a"))
    found = await log.read(A, 0, {}, 2)
    assert [each.place for each in found] == [(first, "b"), (first, "c")]
    found = await log.read(A, 0, {"f": found[-1].place}, 10)
    assert [each.place for each in found] == [(first, "é"), (first, "\U0001f600"), (second, "a")]
    assert await log.read(A, 0, {"f": found[-1].place}, 10) == []


async def test_numbers_grow_when_the_clock_goes_back(log: ChangeLog) -> None:
    """A number is the time in microseconds, or one more than the last; of another feed it has nothing to do with it."""
    assert await put(log, "f", 10.0, change("a")) == 10_000_000
    assert await put(log, "f", 9.0, change("b")) == 10_000_001
    assert await put(log, "g", 9.0, change("b")) == 9_000_000


async def test_of_a_feed_that_was_not_met_all_behind_the_base_comes(log: ChangeLog) -> None:
    """Feeds are merged by number; each has a place of its own."""
    await put(log, "f", 1.0, change("a"))
    await put(log, "f", 3.0, change("b"))
    await put(log, "g", 2.0, change("c"))
    await put(log, "g", 4.0, change("d"))
    assert [each.id for each in await log.read(A, 0, {}, 10)] == ["a", "c", "b", "d"]
    assert [each.id for each in await log.read(A, 1_000_000, {}, 10)] == ["c", "b", "d"]
    assert [each.id for each in await log.read(A, 3_500_000, {"f": (1_000_000, "a")}, 10)] == ["b", "d"]


async def test_aliases_are_apart(log: ChangeLog) -> None:
    """An activity and an object may have the same id and change at once."""
    await put(log, "f", 1.0, change("a"), change("a", alias=B), change("b", alias=B))
    assert [each.id for each in await log.read(A, 0, {}, 10)] == ["a"]
    assert [each.id for each in await log.read(B, 0, {}, 10)] == ["a", "b"]
    assert await log.heads(B) == {"f": (1_000_000, "b")}


async def test_changes_are_found_by_the_marks_of_either_side(log: ChangeLog) -> None:
    """One mark of each alternative has to be there before, or after; half on each side is not enough."""
    await put(
        log,
        "f",
        1.0,
        change("after", None, ["x=1", "y=1"]),
        change("before", ["x=1", "y=1"], None),
        change("both", ["x=1", "y=1"], ["x=1", "y=1"]),
        change("halves", ["x=1"], ["y=1"]),
        change("never", ["z=1"], ["x=11", "y=11"]),
        change("plain", None, []),
    )

    async def found(*marks: Sequence[str]) -> list[str]:
        return [each.id for each in await log.read(A, 0, {}, 10, marks=marks)]

    assert await found(["x=1"], ["y=1"]) == ["after", "before", "both"]
    assert await found(["x=1", "z=1"]) == ["after", "before", "both", "halves", "never"]
    assert await found(["x=1"], []) == []
    assert await found([]) == []
    assert len(await log.read(A, 0, {}, 10)) == 6
    assert await log.heads(A, marks=[["x=11"]]) == {"f": (1_000_000, "never")}
    assert await log.heads(A, marks=[["nothing"]]) == {}


async def test_odd_names_and_marks_are_kept_as_they_are(log: ChangeLog) -> None:
    """Quotes, percent signs, blanks and the longest ids mean nothing."""
    names = sorted(["%", "'", '"', " ", "a" * 512, "\\", "€" * 170, "a\x00b", "a\x00c", "\u2028"])
    await put(log, "f-_1", 1.0, *(change(name, [f"x={name}"], None) for name in names))
    assert [each.id for each in await log.read(A, 0, {}, 20)] == names
    for name in names:
        assert [each.id for each in await log.read(A, 0, {}, 20, marks=[[f"x={name}"]])] == [name]


async def test_the_same_changes_again_change_nothing(log: ChangeLog) -> None:
    """Who did not hear that they were recorded may say them again."""
    number = await put(log, "f", 1.0, change("a"), change("b"))
    found = await log.read(A, 0, {}, 10)
    await log.append("f", number, [change("a"), change("b")])
    assert {each.place for each in await log.read(A, 0, {}, 10)} == {each.place for each in found}


async def test_cuts_have_growing_numbers(log: ChangeLog) -> None:
    """A record begins with one, of now; a clock that goes back makes none that is smaller; changes are not touched."""
    begun = await log.last_cut()
    assert abs(begun / 1_000_000 - time.time()) < 60
    await put(log, "f", 1.0, change("a"))
    await log.open(write=True)
    assert await log.last_cut() == begun
    later = time.time() + 1000
    await log.cut(later)
    first = await log.last_cut()
    await log.cut(later - 10)
    assert await log.last_cut() > first >= int(later * 1_000_000) > begun
    assert len(await log.read(A, 0, {}, 10)) == 1


async def test_old_changes_are_purged_and_numbers_go_on(log: ChangeLog) -> None:
    """Those of all feeds; cuts stay, and what comes next has larger numbers than what is gone."""
    await put(log, "f", 5.0, change("a"))
    await put(log, "g", 5.0, change("b"))
    await put(log, "g", 7.0, change("c"))
    await log.purge(6_000_000)
    assert [each.id for each in await log.read(A, 0, {}, 10)] == ["c"]
    assert await log.last_cut() > 0
    assert await put(log, "g", 1.0, change("d")) == 7_000_001


async def test_very_many_changes_at_once_are_all_there(log: ChangeLog) -> None:
    """A feed that was replaced as a whole is no more than that."""
    names = [f"{number:06}" for number in range(12_000)]
    await put(log, "f", 1.0, *(change(name, ["x=1"], ["x=2"]) for name in names))
    found: list[str] = []
    seen: dict[str, tuple[int, str]] = {}
    while some := await log.read(A, 0, seen, 1000, marks=[["x=2"]]):
        found += [each.id for each in some]
        seen["f"] = some[-1].place
    assert found == names


async def test_a_reader_in_another_process_sees_what_is_recorded(tmp_path: Path) -> None:
    """The file may not be there yet, and then be there."""
    path = tmp_path / "changes.sqlite3"
    reader, writer = SqliteChangeLog(path), SqliteChangeLog(path)
    await reader.open(write=False)
    assert await reader.read(A, 0, {}, 10) == []
    assert not path.exists()
    await writer.open(write=True)
    await put(writer, "f", 1.0, change("a"))
    assert [each.id for each in await reader.read(A, 0, {}, 10)] == ["a"]
    await reader.close()
    await writer.close()


async def test_a_file_that_cannot_be_used_is_said_by_name(tmp_path: Path) -> None:
    """What is no database is no reason for anything but this error."""
    path = tmp_path / "changes.sqlite3"
    path.write_bytes(b"this is no database, and was never meant to be one" * 100)
    log = SqliteChangeLog(path)
    with pytest.raises(IndexUnavailable, match=r"changes\.sqlite3"):
        await log.open(write=True)
    await log.close()
