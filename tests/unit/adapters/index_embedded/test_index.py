"""The embedded index as a port: opening, waiting for another writer, reading beside one, closing."""

import asyncio
import time
from pathlib import Path

import msgspec
import pytest

from activity_stream.adapters.index_embedded import aggregate
from activity_stream.adapters.index_embedded.index import EmbeddedIndex
from activity_stream.errors import IndexUnavailable, SearchRefused
from activity_stream.fields import AddedField, FieldType, searchable_fields
from activity_stream.model import Activity, Alias, Counts
from activity_stream.testing.moved_clock import MovedClock

DEADLINE = 10.0


def embedded(root: Path, *added: AddedField) -> EmbeddedIndex:
    """An index in a directory, with today's fields and these."""
    return EmbeddedIndex(root, searchable_fields(added), MovedClock(), heap_bytes=15 << 20)


async def fill(index: EmbeddedIndex, *names: str) -> None:
    """Publish a generation of the feed "one" that has these activities."""
    generation = await index.begin("one")
    await index.write(
        [generation], [Activity(n, msgspec.json.encode({"id": n, "x": "y"})) for n in names], visible=False
    )
    await index.publish(generation)


async def total(index: EmbeddedIndex) -> int:
    """How many activities searches see."""
    answer = msgspec.json.decode((await index.search(Alias.ACTIVITIES, b"{}")).body)
    return int(answer["hits"]["total"]["value"])


async def test_a_reader_works_before_there_is_an_index_and_beside_a_writer(tmp_path: Path) -> None:
    """A process that only reads answers with nothing, then with every commit of the writer as soon as it is made."""
    reader, writer = embedded(tmp_path / "data"), embedded(tmp_path / "data")
    await reader.open(write=False)
    assert (await total(reader), await reader.published()) == (0, {})
    await reader.ping()
    await writer.open(write=True)
    for names in (["a"], ["a", "b"], []):
        await fill(writer, *names)
        assert await total(reader) == len(names)
    building = await writer.begin("two")
    await writer.write([building], [Activity("a", b'{"id":"a"}')], visible=False)
    assert await writer.count(building) == Counts(1, 0)
    assert list(await reader.unpublished()) == [building]
    await writer.close()
    await reader.close()


async def test_a_reader_cannot_write(tmp_path: Path) -> None:
    """Writing without having opened for it is IndexUnavailable, with what to do."""
    reader = embedded(tmp_path)
    await reader.open(write=False)
    with pytest.raises(IndexUnavailable, match="write=True"):
        await reader.begin("one")
    await reader.close()


async def test_a_second_writer_waits_for_the_first(tmp_path: Path) -> None:
    """single: a second writer opens when the first has closed, and not before; waiting can be cancelled."""
    first, second = embedded(tmp_path), embedded(tmp_path)
    await first.open(write=True)
    waiting = asyncio.create_task(second.open(write=True))
    _, pending = await asyncio.wait([waiting], timeout=0.3)
    assert pending
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    again = asyncio.create_task(second.open(write=True))
    await fill(first, "a")
    await first.close()
    await asyncio.wait_for(again, DEADLINE)
    await fill(second, "b", "c")
    assert await total(second) == 2
    await second.close()


async def test_a_reader_of_a_changed_mapping_waits_for_its_rebuild(tmp_path: Path) -> None:
    """A feed that was visible is never silently empty: until the index is rebuilt, a reader says so."""
    writer = embedded(tmp_path)
    await writer.open(write=True)
    await fill(writer, "a")
    await writer.close()
    added = AddedField(Alias.ACTIVITIES, "x", FieldType.KEYWORD)
    reader, writer = embedded(tmp_path, added), embedded(tmp_path, added)
    await reader.open(write=False)
    with pytest.raises(IndexUnavailable, match="mapping"):
        await total(reader)
    await writer.open(write=True)
    assert await total(reader) == 1
    await writer.close()
    await reader.close()


async def test_the_event_loop_stays_free_while_much_is_written(tmp_path: Path) -> None:
    """Other tasks get their turn while thousands of documents are decoded, added and committed."""
    index = embedded(tmp_path)
    await index.open(write=True)
    generation = await index.begin("one")
    page = [
        Activity(f"{n}", msgspec.json.encode({"id": f"{n}", "object": {"content": "word " * 50}})) for n in range(3000)
    ]
    work = asyncio.create_task(index.write([generation], page, visible=False))
    longest = 0.0
    while not work.done():
        before = time.monotonic()
        await asyncio.sleep(0)
        longest = max(longest, time.monotonic() - before)
    await index.publish(generation)
    assert longest < 0.2
    assert await total(index) == 3000
    await index.close()


async def test_what_was_written_but_not_published_is_kept_by_closing(tmp_path: Path) -> None:
    """A held generation outlives the process: another one can publish it, and it is whole."""
    first = embedded(tmp_path)
    await first.open(write=True)
    held = await first.begin("one")
    await first.write([held], [Activity("a", b'{"id":"a"}')], visible=False)
    await first.close()
    second = embedded(tmp_path)
    await second.open(write=True)
    assert list(await second.unpublished()) == [held]
    await second.publish(held)
    assert await total(second) == 1
    await second.close()


async def test_a_directory_that_cannot_be_made_is_index_unavailable(tmp_path: Path) -> None:
    """A file where the directory should be is told, not crashed on."""
    (tmp_path / "data").write_text("no directory")
    index = embedded(tmp_path / "data")
    with pytest.raises(IndexUnavailable, match="data"):
        await index.open(write=True)
    await index.close()


async def test_the_buckets_of_nested_objects_count_among_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However they are spread over the buckets that the objects are in: an answer has only so many."""
    monkeypatch.setattr(aggregate, "MAX_BUCKETS", 11)
    index = embedded(tmp_path)
    await index.open(write=True)
    path = "object.dit:relatedProgrammes"
    inner = {"dit:relatedProgrammes": [{"id": "p"}, {"id": "q"}]}
    rows = [msgspec.json.encode({"id": f"{n}", "type": f"{n}", "object": inner}) for n in range(3)]
    generation = await index.begin("one")
    await index.write([generation], [Activity(f"{n}", row) for n, row in enumerate(rows)], visible=False)
    await index.publish(generation)
    ids = {"terms": {"field": f"{path}.id"}}
    for size, fits in ((2, True), (3, False)):  # each of the types is one bucket, with one of objects, with two of ids
        types = {
            "terms": {"field": "type", "size": size},
            "aggs": {"n": {"nested": {"path": path}, "aggs": {"i": ids}}},
        }
        search = index.search(Alias.ACTIVITIES, msgspec.json.encode({"size": 0, "aggs": {"t": types}}))
        if fits:
            assert (await search).status == 200
        else:
            with pytest.raises(SearchRefused, match="400"):
                await search
    await index.close()
