"""What changes the index: upserts, the journal, and getting over failures of tantivy and of the disk."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from activity_stream.adapters.index_embedded import journal
from activity_stream.adapters.index_embedded.border import EngineFailed
from activity_stream.adapters.index_embedded.documents import Documents, Item
from activity_stream.adapters.index_embedded.schema import ALIAS_TERMS, SOURCE, EmbeddedSchema
from activity_stream.adapters.index_embedded.snapshot import Reader, directory_of
from activity_stream.adapters.index_embedded.writer import Writer
from activity_stream.errors import GenerationLost, IndexUnavailable
from activity_stream.fields import searchable_fields
from activity_stream.model import Activity, Alias, Generation, Refused
from activity_stream.naming import new_generation

SCHEMA = EmbeddedSchema(searchable_fields())
HEAP_BYTES = 15 << 20


def activity(name: str, **keys: Any) -> Activity:
    """An activity of this name."""
    return Activity(name, msgspec.json.encode({"id": name, **keys}))


def opened(root: Path) -> Writer:
    """A writer in a directory."""
    return Writer(directory_of(root, SCHEMA), SCHEMA, heap_bytes=HEAP_BYTES, threads=1)


def begun(writer: Writer, feed: str = "one") -> Generation:
    """A new generation."""
    generation = new_generation(feed, 1_700_000_000.0)
    writer.begin(generation)
    return generation


def visible(root: Path, alias: Alias = Alias.ACTIVITIES) -> list[str]:
    """The ids of all that is visible of an alias, in order, as often as they are there."""
    snapshot = Reader(root, SCHEMA).snapshot()
    hits = snapshot.searcher.search(snapshot.visible(alias), limit=1000).hits
    return sorted(
        msgspec.json.decode(snapshot.searcher.doc(address).get_first(SOURCE) or b"")["id"] for _, address in hits
    )


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """A writer in the test's directory."""
    made = opened(tmp_path)
    yield made
    made.close()


@contextmanager
def full_disk() -> Iterator[None]:
    """No file can grow beyond a kilobyte, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class Poisonous(Documents):
    """Makes documents that tantivy cannot take, of activities with "poison" in their id."""

    def read_one(self, alias: Alias, document_id: str, source: bytes) -> Item | Refused:
        """The document, with text where a number goes."""
        return self._poisoned(super().read_one(alias, document_id, source))

    def read(self, activity: Activity) -> Iterator[Item | Refused]:
        """The documents, with text where a number goes."""
        yield from map(self._poisoned, super().read(activity))

    def _poisoned(self, item: Item | Refused) -> Item | Refused:
        if isinstance(item, Item) and "poison" in item.id:
            column = SCHEMA.columns(Alias.ACTIVITIES)["published"]
            item.entries.fields[column.value] = "no number"
        return item


def test_a_commit_is_made_when_readers_are_to_see_it_and_not_for_every_page(writer: Writer, tmp_path: Path) -> None:
    """Pages of a build wait for the publish; a visible write into what is published is committed at once."""
    building = begun(writer)
    writer.write([building], [activity("a")], visible=True)
    assert Reader(tmp_path, SCHEMA).snapshot().searcher.num_docs == 0
    writer.publish(building)
    writer.write([building], [activity("b")], visible=False)
    assert visible(tmp_path) == ["a"]
    writer.write([building], [activity("c")], visible=True)
    assert visible(tmp_path) == ["a", "b", "c"]


@pytest.mark.parametrize(("limit", "value"), [("MAX_DOCUMENTS", 10), ("MAX_BYTES", 100)])
def test_the_journal_is_bounded(
    writer: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    """bounded: many documents, or large ones, are committed before the publish, and are not visible by that."""
    monkeypatch.setattr(journal, limit, value)
    building = begun(writer)
    for n in range(10):
        writer.write([building], [activity(f"{n}{k}") for k in range(5)], visible=False)
    snapshot = Reader(tmp_path, SCHEMA).snapshot()
    assert snapshot.searcher.num_docs >= 45
    assert visible(tmp_path) == []


def test_a_restart_finds_what_was_published_and_what_was_not(tmp_path: Path) -> None:
    """Published generations stay as they are; of others what was committed is there, to be dropped or published."""
    first = opened(tmp_path)
    live, left, empty = begun(first), begun(first), begun(first, "two")
    first.write([live, left], [activity("a")], visible=False)
    first.publish(live)
    first.close()
    second = opened(tmp_path)
    assert (second.published, list(second.unpublished)) == ({"one": live}, [left])
    with pytest.raises(GenerationLost):
        second.write([empty], [activity("a")], visible=False)
    second.publish(left)
    assert (visible(tmp_path), second.published, list(second.unpublished)) == (["a"], {"one": left}, [])
    second.close()


def test_the_order_of_writing_goes_on_after_a_restart(tmp_path: Path) -> None:
    """The sequence, by which `_doc` sorts, never goes back."""
    last = 0
    for n in range(3):
        made = opened(tmp_path)
        generation = begun(made, f"feed{n}")
        made.write([generation], [activity("a"), activity("b")], visible=False)
        made.publish(generation)
        made.close()
        now = Reader(tmp_path, SCHEMA).snapshot().last_sequence()
        assert now > last
        last = now


def test_a_document_that_tantivy_cannot_take_is_refused_and_no_other(writer: Writer, tmp_path: Path) -> None:
    """Pitfall 1: what was added before it, with it and after it is stored; it alone is refused, by its name."""
    live = begun(writer)
    writer.publish(live)
    writer._documents = Poisonous(SCHEMA)
    writer.write([live], [activity(f"before {n}") for n in range(6)], visible=False)
    page = [activity("x"), activity("poison 1"), activity("y"), activity("poison 2"), activity("z")]
    report = writer.write([live], page, visible=True)
    assert report.stored == 3
    assert [(each.alias, each.id) for each in report.refused] == [
        (Alias.ACTIVITIES, "poison 1"),
        (Alias.ACTIVITIES, "poison 2"),
    ]
    assert writer.write([live], [activity("after")], visible=True).refused == ()
    assert visible(tmp_path) == sorted([*(f"before {n}" for n in range(6)), "x", "y", "z", "after"])


def test_what_a_late_commit_refuses_is_reported_with_the_next_write(writer: Writer, tmp_path: Path) -> None:
    """counted: a document whose trouble shows only at the publish is named in the next report."""
    building = begun(writer)
    writer._documents = Poisonous(SCHEMA)
    writer.write([building], [activity("a"), activity("poison"), activity("b")], visible=False)
    writer.publish(building)
    assert visible(tmp_path) == ["a", "b"]
    report = writer.write([building], [activity("c")], visible=True)
    assert ([each.id for each in report.refused], report.stored) == (["poison"], 1)


def test_a_full_disk_loses_nothing_that_was_acknowledged(writer: Writer, tmp_path: Path) -> None:
    """While the disk is full, commits raise IndexUnavailable; with room again everything written is published."""
    live = begun(writer)
    writer.write([live], [activity("a")], visible=False)
    writer.publish(live)
    building = begun(writer)
    writer.write([building], [activity(f"{n}", text="x" * 500) for n in range(50)], visible=False)
    with full_disk():
        for _ in range(2):
            with pytest.raises(IndexUnavailable, match="cannot be written"):
                writer.publish(building)
            assert visible(tmp_path) == ["a"]
        with pytest.raises(IndexUnavailable):
            writer.write([live], [activity("b")], visible=True)
    writer.publish(building)
    assert (len(visible(tmp_path)), writer.published) == (50, {"one": building})


def test_a_full_disk_in_the_middle_of_a_build_is_no_documents_fault(writer: Writer, tmp_path: Path) -> None:
    """A segment that tantivy cannot write while documents are added refuses none of them."""
    building = begun(writer)
    page = [activity(f"{n}", url=f"{n}" * 1000, type=[f"{n}-{k}" for k in range(100)]) for n in range(200)]
    pages = ([msgspec.structs.replace(each, id=f"{k}-{each.id}") for each in page] for k in range(100))
    stored: list[int] = []
    with full_disk(), pytest.raises(IndexUnavailable):
        stored.extend(writer.write([building], each, visible=False).stored for each in pages)
    report = writer.write([building], [activity("last")], visible=False)
    assert report.refused == ()
    writer.publish(building)
    snapshot = Reader(tmp_path, SCHEMA).snapshot()
    assert snapshot.count(snapshot.visible(Alias.ACTIVITIES)) == sum(stored) + 1


def test_a_manifest_that_cannot_be_written_publishes_nothing(writer: Writer, tmp_path: Path) -> None:
    """whole: a publish fails as one, readers keep the old generation, and trying again succeeds."""
    live, building = begun(writer), begun(writer)
    writer.write([live], [activity("old")], visible=False)
    writer.publish(live)
    writer.write([building], [activity("new")], visible=False)
    writer.flush()
    with full_disk():
        with pytest.raises(IndexUnavailable):
            writer.publish(building)
        with pytest.raises(IndexUnavailable):
            writer.drop([live])
    assert (visible(tmp_path), writer.published) == (["old"], {"one": live})
    writer.publish(building)
    assert visible(tmp_path) == ["new"]


def test_a_writer_beyond_repair_is_replaced(writer: Writer, tmp_path: Path) -> None:
    """Where even the rollback fails, a new tantivy writer takes over with what was acknowledged."""
    building = begun(writer)
    writer.write([building], [activity("a")], visible=False)
    real = writer._writer

    class Broken:
        def commit(self) -> None:
            raise RuntimeError("broken")

        rollback = commit

    writer._writer = Broken()  # type: ignore[assignment]
    del real
    writer.publish(building)
    assert visible(tmp_path) == ["a"]


def test_a_closed_writer_says_so(tmp_path: Path) -> None:
    """A call after `close` is IndexUnavailable, not a crash."""
    made = opened(tmp_path)
    generation = begun(made)
    made.close()
    with pytest.raises((IndexUnavailable, EngineFailed)):
        made.write([generation], [activity("a")], visible=False)


def test_keys_of_other_aliases_and_feeds_are_other_keys(writer: Writer, tmp_path: Path) -> None:
    """An activity and an object of the same id, in two feeds, are four documents."""
    source = b'{"id":"a","object":{"id":"a"}}'
    for feed in ("one", "two"):
        generation = begun(writer, feed)
        for _ in range(2):
            writer.write([generation], [Activity("a", source, "a", b'{"id":"a"}')], visible=False)
        writer.publish(generation)
    assert (visible(tmp_path), visible(tmp_path, Alias.OBJECTS)) == (["a", "a"], ["a", "a"])
    assert set(ALIAS_TERMS) == set(Alias)
