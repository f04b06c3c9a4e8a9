"""Pitfall 10: a schema cannot change, so a changed mapping makes another index, from the one before."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import tantivy

from activity_stream.adapters.index_embedded import rebuild
from activity_stream.adapters.index_embedded.rebuild import bring_up_to_date
from activity_stream.adapters.index_embedded.schema import SOURCE, EmbeddedSchema
from activity_stream.adapters.index_embedded.snapshot import Reader, directory_of
from activity_stream.adapters.index_embedded.writer import Writer
from activity_stream.fields import AddedField, FieldType, searchable_fields
from activity_stream.model import Activity, Alias, Generation
from activity_stream.naming import new_generation

OLD = EmbeddedSchema(searchable_fields())
NEW = EmbeddedSchema(searchable_fields([AddedField(Alias.ACTIVITIES, "colour", FieldType.KEYWORD)]))
HEAP_BYTES = 15 << 20


def fill(root: Path, schema: EmbeddedSchema, names: list[str]) -> Generation:
    """An index with a published generation of these, and with an unpublished one."""
    writer = Writer(directory_of(root, schema), schema, heap_bytes=HEAP_BYTES, threads=1)
    live, left = new_generation("one", 1.0), new_generation("one", 2.0)
    for each in (live, left):
        writer.begin(each)
        inner = b'{"id":"o","name":"thing"}'
        items = [
            Activity(n, b'{"id":"%s","colour":"red","object":%s}' % (n.encode(), inner), "o", inner) for n in names
        ]
        writer.write([each], items, visible=False)
    writer.publish(live)
    writer.close()
    return live


def bring(root: Path, schema: EmbeddedSchema = NEW) -> None:
    """Bring the index up to date with a mapping."""
    bring_up_to_date(root, schema, heap_bytes=HEAP_BYTES, threads=1)


def visible(root: Path, alias: Alias, schema: EmbeddedSchema = NEW) -> list[dict[str, Any]]:
    """What is visible of an alias, in the order of writing."""
    snapshot = Reader(root, schema).snapshot()
    hits = snapshot.searcher.search(
        snapshot.visible(alias), limit=10_000, order_by_field="_seq", order=tantivy.Order.Asc
    ).hits
    return [msgspec.json.decode(snapshot.searcher.doc(address).get_first(SOURCE) or b"") for _, address in hits]


def test_a_changed_mapping_rebuilds_what_was_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that was visible is visible, in its order and generation, the new field is searchable, the old index gone."""
    monkeypatch.setattr(rebuild, "_DOCUMENTS_AT_ONCE", 7)
    names = [f"{n:02}" for n in range(30)]
    live = fill(tmp_path, OLD, names)
    bring(tmp_path)
    assert [each["id"] for each in visible(tmp_path, Alias.ACTIVITIES)] == names
    assert [each["id"] for each in visible(tmp_path, Alias.OBJECTS)] == ["o"]
    snapshot = Reader(tmp_path, NEW).snapshot()
    assert (snapshot.generations, snapshot.unpublished()) == ({"one": live}, [])
    assert snapshot.count(snapshot.term(NEW.columns(Alias.ACTIVITIES)["colour"].value, "red")) == 30
    assert [each.name for each in tmp_path.iterdir()] == [directory_of(tmp_path, NEW).name]


def test_the_writer_goes_on_with_a_rebuilt_index(tmp_path: Path) -> None:
    """After a rebuild, documents are replaced by their ids and the order of writing goes on."""
    live = fill(tmp_path, OLD, ["a", "b"])
    bring(tmp_path)
    writer = Writer(directory_of(tmp_path, NEW), NEW, heap_bytes=HEAP_BYTES, threads=1)
    assert writer.published == {"one": live}
    writer.write([live], [Activity("a", b'{"id":"a","n":2}')], visible=True)
    writer.close()
    assert visible(tmp_path, Alias.ACTIVITIES)[1:] == [{"id": "a", "n": 2}]


def test_nothing_is_done_where_nothing_changed(tmp_path: Path) -> None:
    """The index of the same mapping stays as it is; what was left of an unfinished rebuild is removed."""
    fill(tmp_path, OLD, ["a"])
    before = (directory_of(tmp_path, OLD) / "meta.json").stat()
    (tmp_path / "building-x").mkdir()
    bring(tmp_path, OLD)
    assert (directory_of(tmp_path, OLD) / "meta.json").stat() == before
    assert not (tmp_path / "building-x").exists()


def test_a_rebuild_that_was_interrupted_is_begun_again(tmp_path: Path) -> None:
    """Leftovers of a killed rebuild are of no consequence: the old index is there until the new one is complete."""
    fill(tmp_path, OLD, ["a"])
    (tmp_path / f"building-{NEW.digest}").mkdir()
    (tmp_path / f"building-{NEW.digest}" / "meta.json").write_text("{")
    bring(tmp_path)
    assert [each["id"] for each in visible(tmp_path, Alias.ACTIVITIES)] == ["a"]


def test_an_old_index_that_cannot_be_read_is_replaced_by_an_empty_one(tmp_path: Path) -> None:
    """An index that is broken, or of another make, keeps nobody from starting: feeds fill the new one."""
    broken = directory_of(tmp_path, OLD)
    broken.mkdir()
    (broken / "meta.json").write_text("{")
    bring(tmp_path)
    writer = Writer(directory_of(tmp_path, NEW), NEW, heap_bytes=HEAP_BYTES, threads=1)
    assert (writer.published, visible(tmp_path, Alias.ACTIVITIES), broken.exists()) == ({}, [], False)
    writer.close()


def test_the_last_index_in_use_is_the_one_that_is_rebuilt(tmp_path: Path) -> None:
    """Of several older indexes, all but one left behind by accident, the newest counts."""
    other = EmbeddedSchema(searchable_fields([AddedField(Alias.OBJECTS, "y", FieldType.LONG)]))
    fill(tmp_path, other, ["older"])
    fill(tmp_path, OLD, ["newer"])
    bring(tmp_path)
    assert [each["id"] for each in visible(tmp_path, Alias.ACTIVITIES)] == ["newer"]
    assert len(list(tmp_path.iterdir())) == 1
