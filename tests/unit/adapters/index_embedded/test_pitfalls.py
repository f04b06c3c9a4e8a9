"""The pitfalls of tantivy, by their numbers in the study of it: each is named where a test shows that it does not bite.

2, 8 and 11 are in test_pitfalls_of_searching.py, 10 and 12 in test_rebuild.py and test_schema.py.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import tantivy

from activity_stream.adapters.index_embedded.border import EngineFailed, border
from activity_stream.adapters.index_embedded.index import EmbeddedIndex
from activity_stream.adapters.index_embedded.schema import GENERATION, SOURCE, EmbeddedSchema
from activity_stream.adapters.index_embedded.snapshot import Reader, Snapshot
from activity_stream.errors import IndexUnavailable
from activity_stream.fields import AddedField, FieldType, searchable_fields
from activity_stream.model import Activity, Alias, Counts, Generation
from activity_stream.testing.moved_clock import MovedClock

FIELDS = searchable_fields([AddedField(Alias.ACTIVITIES, "weight", FieldType.DOUBLE)])
SCHEMA = EmbeddedSchema(FIELDS)
PLAIN = EmbeddedSchema(searchable_fields())
DEADLINE = 20.0


def activity(name: str, **keys: Any) -> Activity:
    """An activity of this name."""
    return Activity(name, msgspec.json.encode({"id": name, **keys}))


def sources(snapshot: Snapshot, alias: Alias = Alias.ACTIVITIES) -> list[dict[str, Any]]:
    """Everything that is visible of an alias."""
    hits = snapshot.searcher.search(snapshot.visible(alias), limit=10_000).hits
    return [msgspec.json.decode(snapshot.searcher.doc(address).get_first(SOURCE) or b"") for _, address in hits]


def found(root: Path, field: str, value: str | int) -> int:
    """How many visible activities have a value, or a token, in a field."""
    snapshot = Reader(root, SCHEMA).snapshot()
    term = tantivy.Query.term_query(SCHEMA.tantivy, SCHEMA.columns(Alias.ACTIVITIES)[field].value, value)
    both = [(tantivy.Occur.Must, term), (tantivy.Occur.Must, snapshot.visible(Alias.ACTIVITIES))]
    return snapshot.count(tantivy.Query.boolean_query(both))


async def published(index: EmbeddedIndex, *activities: Activity) -> Generation:
    """A published generation of the feed "one" that holds these."""
    generation = await index.begin("one")
    await index.write([generation], activities, visible=False)
    await index.publish(generation)
    return generation


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[EmbeddedIndex]:
    """An index, open for writing."""
    made = EmbeddedIndex(tmp_path, FIELDS, MovedClock(), heap_bytes=15 << 20)
    await made.open(write=True)
    yield made
    await made.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that publishes generations of 120 activities and objects, one after the other."""
    with started(tmp_path) as process:
        yield process
        process.kill()


def started(root: Path) -> "subprocess.Popen[str]":
    """That other process."""
    command = [sys.executable, str(Path(__file__).with_name("other_process.py")), str(root), "120"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def published_by(other: "subprocess.Popen[str]") -> int:
    """Wait for the other process's next publish; its number."""
    assert other.stdout is not None
    line = other.stdout.readline()
    assert line, "the other process ended"
    return int(line)


async def test_pitfall_1_values_of_the_wrong_type_do_not_poison_the_writer(
    index: EmbeddedIndex, tmp_path: Path
) -> None:
    """After documents whose every mapped value is wrong, the writer stores what comes next."""
    wrong: list[Any] = ["x", {}, [], [[]], True, 2**70, -1e300, {"id": []}, None]
    bad = [activity(f"bad{n}", published=v, type=v, object=v, actor=v, weight=v) for n, v in enumerate(wrong)]
    generation = await published(index, *bad)
    report = await index.write([generation], [activity("good")], visible=True)
    assert (report.stored, report.refused) == (1, ())
    assert await index.count(generation) == Counts(len(wrong) + 1, 0)
    assert found(tmp_path, "id", "good") == 1


def test_pitfall_3_a_panic_is_an_exception_of_ours(capfd: pytest.CaptureFixture[str]) -> None:
    """A panic, which `except Exception` does not catch, and a ValueError come out as EngineFailed."""
    index = tantivy.Index(SCHEMA.tantivy)
    with pytest.raises(EngineFailed, match="panic"), border():
        index.searcher().search(tantivy.Query.all_query(), limit=0)
    with pytest.raises(EngineFailed, match="nosuch"), border():
        tantivy.Query.term_query(SCHEMA.tantivy, "nosuch", "x")
    assert "Limit" in capfd.readouterr().err


def test_the_border_lets_other_exceptions_through() -> None:
    """What is not tantivy's is not hidden: a KeyError, and the end of the program."""
    for kind in (KeyError, KeyboardInterrupt):
        with pytest.raises(kind), border():
            raise kind


async def test_pitfall_3_a_panic_in_a_search_is_index_unavailable(
    index: EmbeddedIndex, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A search that panics answers with an error of ours, and the next one is served."""
    with monkeypatch.context() as broken:
        broken.setattr(Snapshot, "newest", lambda self, _: self.searcher.search(tantivy.Query.all_query(), limit=0))
        with pytest.raises(IndexUnavailable, match="panic"):
            await index.newest("one")
    assert await index.newest("one") is None
    assert "Limit" in capfd.readouterr().err


async def test_pitfall_4_many_tasks_that_write_at_once_lose_nothing(index: EmbeddedIndex) -> None:
    """Two threads in one tantivy writer lose documents: however many tasks write, one thread does."""
    generations = [await index.begin(f"feed{n}") for n in range(6)]
    writes = [
        index.write([each], [activity(f"{page}-{n}") for n in range(25)], visible=False)
        for page in range(8)
        for each in generations
    ]
    await asyncio.gather(*writes, *(index.publish(each) for each in generations))
    assert [await index.count(each) for each in generations] == [Counts(200, 0)] * 6


async def test_pitfall_5_what_is_replaced_or_dropped_is_deleted(index: EmbeddedIndex, tmp_path: Path) -> None:
    """Deletes go by text terms, which tantivy finds; by a number it would delete nothing and say nothing."""
    first = await published(index, activity("a", n=1), activity("b"))
    await index.write([first], [activity("a", n=2)], visible=True)
    assert Reader(tmp_path, SCHEMA).snapshot().searcher.num_docs == 3
    await published(index, activity("c"))
    snapshot = Reader(tmp_path, SCHEMA).snapshot()
    assert (sources(snapshot), snapshot.count(snapshot.term(GENERATION, first.index_name(Alias.ACTIVITIES)))) == (
        [{"id": "c"}],
        0,
    )


async def test_pitfall_6_no_field_is_dropped_silently_and_no_nan_gets_in(index: EmbeddedIndex, tmp_path: Path) -> None:
    """Every mapped field of a document is found by its value; NaN and infinity are not there to spoil a sum."""
    values: dict[FieldType, Any] = {
        FieldType.DATE: "1970-01-01T00:00:05Z",
        FieldType.BOOLEAN: True,
        FieldType.DOUBLE: 5,
    }
    wanted: dict[FieldType, Any] = {FieldType.DATE: 5000, FieldType.BOOLEAN: 1, FieldType.DOUBLE: 5.0}
    item: dict[str, Any] = {}
    columns = {n: c for n, c in SCHEMA.columns(Alias.ACTIVITIES).items() if c.value and not c.field.nested}
    for column in columns.values():
        inner = item
        for key in column.field.path[:-1]:
            inner = inner.setdefault(key, {})
        inner[column.field.path[-1]] = values.get(column.field.type, "x")
    nan = Activity("nan", b'{"id": "nan", "weight": NaN}')
    generation = await published(index, Activity("x", msgspec.json.encode(item)))
    report = await index.write(
        [generation], [nan, Activity("y", b'{"id": "y", "weight": [1e999, "NaN"]}')], visible=True
    )
    assert [each.id for each in report.refused] == ["nan"]
    assert [n for n, c in columns.items() if found(tmp_path, n, wanted.get(c.field.type, "x")) != 1] == []
    snapshot = Reader(tmp_path, SCHEMA).snapshot()
    total = {"total": {"sum": {"field": SCHEMA.columns(Alias.ACTIVITIES)["weight"].value}}}
    assert snapshot.searcher.aggregate(snapshot.visible(Alias.ACTIVITIES), total)["total"]["value"] == 5.0


async def test_pitfall_7_dates_of_all_years_keep_their_milliseconds(index: EmbeddedIndex) -> None:
    """The years 1 and 9999, and milliseconds before 1970, which tantivy's own dates lose, are there."""
    for text, seconds in (
        ("0001-01-01T00:00:00.001Z", -62_135_596_799.999),
        ("1969-12-31T23:59:59.999Z", -0.001),
        ("2020-01-01T00:00:00.123456Z", 1_577_836_800.123),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799.999),
    ):
        await published(index, activity("a", published=text))
        assert await index.newest("one") == seconds


async def test_pitfall_9_another_process_finds_text_without_registering_anything(
    tmp_path: Path, other: "subprocess.Popen[str]"
) -> None:
    """The tokenizer of text is one that every process knows: what the other process wrote is found as text here."""
    published_by(other)
    snapshot = Reader(tmp_path, PLAIN).snapshot()
    content = PLAIN.columns(Alias.OBJECTS)["content"].value
    phrase = tantivy.Query.phrase_query(PLAIN.tantivy, content, ["number", sources(snapshot)[0]["type"]])
    assert snapshot.count(phrase) >= 120
    assert snapshot.index.parse_query(f"{content}:number") is not None


async def test_whole_another_process_sees_each_generation_whole_while_one_publishes(
    tmp_path: Path, other: "subprocess.Popen[str]"
) -> None:
    """whole: at every moment a reader sees 120 activities and 120 objects of one and the same generation."""
    published_by(other)
    reader = Reader(tmp_path, PLAIN)
    seen: set[str] = set()
    end = asyncio.get_running_loop().time() + DEADLINE
    while len(seen) < 5:
        assert asyncio.get_running_loop().time() < end, "too few publishes were seen"
        snapshot = reader.snapshot()
        numbers = [item["type"] for alias in Alias for item in sources(snapshot, alias)]
        assert (len(numbers), len(set(numbers))) == (240, 1)
        seen.add(numbers[0])


async def test_kill_9_of_a_writer_leaves_a_whole_index_and_a_free_lock(tmp_path: Path) -> None:
    """stops: killed at any moment, the writer leaves what it had published, and another can write at once."""
    seed = random.randrange(2**32)
    sys.stderr.write(f"seed {seed}\n")
    chance = random.Random(seed)
    for _ in range(3):
        with started(tmp_path) as process:
            number = published_by(process)
            await asyncio.sleep(chance.random() * 0.2)
            os.kill(process.pid, signal.SIGKILL)
            assert process.stdout is not None
            number = max([number, *(int(line) for line in process.stdout.read().split())])
        index = EmbeddedIndex(tmp_path, searchable_fields(), MovedClock())
        async with asyncio.timeout(DEADLINE):
            await index.open(write=True)
        numbers = [item["type"] for alias in Alias for item in sources(Reader(tmp_path, PLAIN).snapshot(), alias)]
        assert (len(numbers), len(set(numbers))) == (240, 1)
        assert int(numbers[0]) in (number, number + 1)
        await index.drop(await index.unpublished())
        assert list(await index.unpublished()) == []
        await index.close()


async def test_a_keyword_of_65530_bytes_neither_doubles_nor_merges_documents(
    index: EmbeddedIndex, tmp_path: Path
) -> None:
    """A value beyond tantivy's longest term is stored, not searchable, and does not disturb replacing the document."""
    huge = "x" * 65_531
    generation = await published(index, activity("a", type=huge), activity("b", type=f"{huge}y"))
    for _ in range(2):
        await index.write([generation], [activity("a", type=[huge, "short"])], visible=True)
    assert await index.count(generation) == Counts(2, 0)
    assert found(tmp_path, "type", "short") == 1


async def test_lone_surrogates_are_refused_in_ids_and_replaced_in_values(index: EmbeddedIndex, tmp_path: Path) -> None:
    """Half a surrogate pair, which is no text for tantivy, costs neither its page nor, in a value, its document."""
    generation = await index.begin("one")
    page = [Activity("a\ud800", b'{"id":"a\\ud800"}'), Activity("b", b'{"id":"b","type":"x\\udfff"}'), activity("c")]
    report = await index.write([generation], page, visible=False)
    await index.publish(generation)
    assert report.stored == 2
    assert [each.id for each in report.refused] == ["a\\ud800"]
    assert (found(tmp_path, "id", "b"), found(tmp_path, "type", "x\ufffd"), found(tmp_path, "id", "c")) == (1, 1, 1)
