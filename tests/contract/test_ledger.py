"""The port `Ledger`: the shipped fake, and the one in a file."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activity_stream.adapters.ledger_sqlite import SqliteLedger
from activity_stream.errors import IndexUnavailable
from activity_stream.model import Alias, Change, Known
from activity_stream.ports import Ledger
from activity_stream.testing.memory_changes import MemoryLedger

A, B = Alias.ACTIVITIES, Alias.OBJECTS


@pytest.fixture(params=["memory", "sqlite"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    """A ledger that knows nothing."""
    made: Ledger = MemoryLedger() if request.param == "memory" else SqliteLedger(tmp_path / "new")
    yield made
    await made.close()


def known(name: str, version: int = 1, *marks: str, alias: Alias = A) -> Known:
    """A document in a version."""
    return Known(alias, name, version - 2**63, marks)


async def changes(ledger: Ledger, before: str | None, after: str | None) -> list[Change]:
    """All differences."""
    return [change async for some in ledger.changes(before, after) for change in some]


async def test_what_was_added_changed_and_removed_is_told_with_its_marks(ledger: Ledger) -> None:
    """And nothing of what is the same; what is there comes before what is gone, each in the order of ids."""
    await ledger.begin("old")
    await ledger.begin("new")
    await ledger.put("old", [known("same", 1, "x=1"), known("gone", 1, "x=2"), known("other", 1, "x=3", "y=1")])
    await ledger.put("new", [known("same", 1, "x=1"), known("other", 2), known("more", 1, "x=4")])
    assert await changes(ledger, "old", "new") == [
        Change(A, "more", None, ("x=4",)),
        Change(A, "other", ("x=3", "y=1"), ()),
        Change(A, "gone", ("x=2",), None),
    ]


async def test_a_generation_that_is_not_there_is_empty(ledger: Ledger) -> None:
    """Of a first one everything is new, of a last one everything is gone."""
    await ledger.begin("g")
    await ledger.put("g", [known("a"), known("a", alias=B)])
    assert await changes(ledger, None, "g") == [Change(A, "a", None, ()), Change(B, "a", None, ())]
    assert await changes(ledger, "g", None) == [Change(A, "a", (), None), Change(B, "a", (), None)]
    assert await changes(ledger, None, None) == []


async def test_older_documents_take_nothings_place(ledger: Ledger) -> None:
    """What is read of an index does not replace what was written meanwhile; otherwise the last one counts."""
    for name in ("a", "b"):
        await ledger.begin(name)
    await ledger.put("a", [known("x", 2)])
    await ledger.put("a", [known("x", 1), known("y", 1)], older=True)
    await ledger.put("b", [known("x", 9), known("x", 2), known("y", 1)])
    assert await changes(ledger, "a", "b") == []


async def test_taken_documents_are_not_there(ledger: Ledger) -> None:
    """What the index refused after all."""
    await ledger.begin("g")
    await ledger.put("g", [known("a"), known("b")])
    await ledger.take("g", [(A, "a"), (B, "b"), (A, "never")])
    assert await changes(ledger, None, "g") == [Change(A, "b", None, ())]


async def test_a_generation_is_complete_when_that_is_said_and_until_it_is_begun_anew(ledger: Ledger) -> None:
    """What is not begun, or forgotten, is not complete, and nothing is noted of it."""
    await ledger.put("g", [known("a")])
    await ledger.complete("g")
    assert not await ledger.is_complete("g")
    await ledger.begin("g")
    assert not await ledger.is_complete("g")
    await ledger.complete("g")
    assert await ledger.is_complete("g")
    assert await changes(ledger, None, "g") == []
    await ledger.begin("g")
    assert not await ledger.is_complete("g")
    await ledger.complete("g")
    await ledger.forget("g")
    await ledger.forget("g")
    assert not await ledger.is_complete("g")


async def test_any_two_generations_are_told_apart(ledger: Ledger) -> None:
    """At random, of more documents than are told at once."""
    seed = 5
    print(f"seed {seed}")
    chance = random.Random(seed)
    names = [f"{number}é'%" for number in range(6_000)] + ["a\x00b", "a\x00c", "a", "\n", "\u2028"]
    both: list[dict[str, Known]] = []
    for generation in ("old", "new"):
        await ledger.begin(generation)
        documents = {name: known(name, chance.randrange(3), f"x={name}") for name in names if chance.random() < 0.8}
        await ledger.put(generation, list(documents.values()))
        both.append(documents)
    old, new = both
    expected = {
        name: (name in old, name in new)
        for name in names
        if (name in old or name in new) and (name not in old or name not in new or old[name] != new[name])
    }
    found = await changes(ledger, "old", "new")
    assert len(found) == len(expected) > 4_000
    assert {each.id: (each.before is not None, each.after is not None) for each in found} == expected
    there = [each.id for each in found if each.after is not None]
    assert there == sorted(there)


async def test_a_directory_that_cannot_be_written_is_said_by_name(tmp_path: Path) -> None:
    """And whatever was known is forgotten."""
    (tmp_path / "file").write_bytes(b"")
    ledger = SqliteLedger(tmp_path / "file")
    with pytest.raises(IndexUnavailable, match="file"):
        await ledger.begin("g")
    assert not await ledger.is_complete("g")
    await ledger.close()
