"""Small feeds share indices: readers cannot tell, and nobody's publishing undoes another's."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from activity_stream.adapters.clock import SystemClock
from activity_stream.adapters.index_opensearch.client import Client
from activity_stream.adapters.index_opensearch.index import OpenSearchIndex
from activity_stream.adapters.index_opensearch.shelves import Shelves, asked, document_id, shown
from activity_stream.errors import IndexUnavailable
from activity_stream.fields import AddedField, FieldType, searchable_fields
from activity_stream.model import Activity, Alias, Counts, Generation
from tests.services.jvm import ask

GENERATION = Generation("a", "date_2020-01-01__timestamp_1577836800__batch_id_abcdefgh__")
SMALL = 5


def items(feed: str, numbers: range) -> list[Activity]:
    """Activities of a feed, each with an object."""
    found = []
    for number in numbers:
        name = f"{feed}:{number}"
        inner = {"id": name, "type": "Thing", "name": f"thing {number}"}
        outer = {"id": f"{name}:Create", "type": "Create", "object": inner}
        found.append(Activity(f"{name}:Create", json.dumps(outer).encode(), name, json.dumps(inner).encode()))
    return found


def made(url: str, *fields: AddedField) -> OpenSearchIndex:
    """An index in which feeds of fewer than five activities share."""
    clock = SystemClock()
    return OpenSearchIndex(Client(url, clock), searchable_fields(fields), clock, shared_below=SMALL)


@pytest.fixture
async def shared(empty_engine: str) -> AsyncIterator[OpenSearchIndex]:
    """Such an index on a real engine that can do it."""
    if ask(empty_engine)["version"]["number"].startswith(("7.", "1.")):
        pytest.skip("this engine cannot change the filter of an alias and check it in one step")
    index = made(empty_engine)
    yield index
    await index.close()


async def published(index: OpenSearchIndex, feed: str, numbers: range) -> Generation:
    """A generation with these items, published."""
    generation = await index.begin(feed)
    await index.write([generation], items(feed, numbers), visible=False)
    await index.publish(generation)
    return generation


async def hits(index: OpenSearchIndex, alias: Alias = Alias.ACTIVITIES, **body: Any) -> list[dict[str, Any]]:
    """What a search finds, by id."""
    asked_for = json.dumps({"size": 1000, "sort": [{"id": "asc"}], **body}).encode()
    found: list[dict[str, Any]] = json.loads((await index.search(alias, asked_for)).body)["hits"]["hits"]
    return found


def indices(url: str) -> set[str]:
    """The names of all indices."""
    return {each["index"] for each in ask(f"{url}/_cat/indices?format=json")}


async def test_a_small_feed_moves_in_and_out_with_its_next_generation(shared: OpenSearchIndex, engine: str) -> None:
    """A feed's first generation is a pair; small, the next one shares; grown, the one after is a pair again."""
    await published(shared, "a", range(3))
    assert len(indices(engine)) == 2
    await published(shared, "a", range(9))
    assert {name.partition("__")[2][:6] for name in indices(engine)} == {"shared"}
    assert [hit["_source"]["id"] for hit in await hits(shared)] == [f"a:{n}:Create" for n in range(9)]
    last = await published(shared, "a", range(1, 9))
    assert {last.index_name(alias) for alias in Alias} < indices(engine)
    assert [hit["_source"]["id"] for hit in await hits(shared, Alias.OBJECTS)] == [f"a:{n}" for n in range(1, 9)]
    assert list(await shared.unpublished()) == []


async def test_hits_look_as_if_each_generation_had_its_own_indices(shared: OpenSearchIndex) -> None:
    """`_id` is the item's id and `_index` the generation's index; what is asked by `_id` is found."""
    await published(shared, "a", range(2))
    generation = await published(shared, "a", range(2))
    (hit,) = await hits(shared, query={"ids": {"values": ["a:1:Create", "b:1:Create"]}})
    assert (hit["_id"], hit["_index"]) == ("a:1:Create", generation.index_name(Alias.ACTIVITIES))
    assert "_routing" not in hit
    (hit,) = await hits(shared, Alias.OBJECTS, query={"term": {"_id": "a:0"}})
    assert (hit["_id"], hit["_index"]) == ("a:0", generation.index_name(Alias.OBJECTS))


async def test_collectors_that_publish_at_once_do_not_undo_each_other(shared: OpenSearchIndex, engine: str) -> None:
    """whole: however many publish together, every feed's new generation is seen, and no old one."""
    other = made(engine)
    feeds = [f"feed{number}" for number in range(8)]
    for feed in feeds:
        await published(shared, feed, range(2))
    for turn in range(2, 4):
        await asyncio.gather(
            *(published((shared, other)[n % 2], feed, range(turn - 1, turn + 1)) for n, feed in enumerate(feeds))
        )
        found = sorted(hit["_source"]["id"] for hit in await hits(shared))
        assert found == sorted(f"{feed}:{n}:Create" for feed in feeds for n in (turn - 1, turn))
    assert set(await shared.published()) == set(feeds)
    await other.close()


async def test_what_a_crash_left_is_deleted_later(
    shared: OpenSearchIndex, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """gone: documents that could not be deleted after a publish are not seen, are known of, and go with a drop."""
    await published(shared, "a", range(4))
    old = await published(shared, "a", range(4))
    generation = await shared.begin("a")
    await shared.write([generation], items("a", range(2)), visible=False)
    with monkeypatch.context() as crash:

        async def crashed(*_: object) -> None:
            raise IndexUnavailable("it crashed here")

        crash.setattr(Shelves, "purge", crashed)
        await shared.publish(generation)
    assert len(await hits(shared)) == 2
    assert await shared.published() == {"a": generation}
    assert list(await shared.unpublished()) == [old]
    await shared.drop([old])
    assert list(await shared.unpublished()) == []
    assert ask(f"{engine}/_refresh", "POST")["_shards"]["failed"] == 0
    assert ask(f"{engine}/activities__shared__*/_count")["count"] == 2
    await shared.publish(generation)
    assert await shared.count(generation) == Counts(2, 2)


async def test_shared_indices_of_an_older_mapping_go_when_they_are_empty(shared: OpenSearchIndex, engine: str) -> None:
    """A configuration with one field more fills new shared indices, and the old ones do not stay for ever."""
    await published(shared, "a", range(2))
    await published(shared, "a", range(2))
    before = indices(engine)
    newer = made(engine, AddedField(Alias.ACTIVITIES, "dit:new", FieldType.KEYWORD))
    await published(newer, "a", range(3))
    assert len(await hits(newer)) == 3
    await newer.drop(await newer.unpublished())
    leftover = await newer.begin("a")
    await newer.drop([leftover])
    assert not before & indices(engine)
    await newer.close()


async def test_an_engine_that_cannot_do_it_says_so(empty_engine: str) -> None:
    """Where feeds cannot share indices, the error says what to change."""
    if ask(empty_engine)["version"].get("distribution") == "opensearch":
        pytest.skip("OpenSearch can do it")
    index = made(empty_engine)
    with pytest.raises(IndexUnavailable, match="SHARED_INDEX_BELOW"):
        await index.begin("a")
    await index.close()


def test_document_ids_fit() -> None:
    """An item's id has its generation in front; one that leaves no room is put as a digest, always the same."""
    assert document_id(GENERATION, "a:1") == "abcdefgh:a:1"
    for name in ("x" * 503, "x" * 512, "é" * 256):
        assert len(document_id(GENERATION, name).encode()) <= 512
        assert document_id(GENERATION, name) == document_id(GENERATION, name)
    assert document_id(GENERATION, "x" * 511) != document_id(GENERATION, "x" * 512)


@pytest.mark.parametrize(
    ("body", "turned"),
    [
        ({"query": {"ids": {"values": ["a"]}}}, {"query": {"terms": {"id": ["a"]}}}),
        ({"query": {"ids": {"values": "a", "boost": 2}}}, {"query": {"terms": {"id": ["a"], "boost": 2}}}),
        ({"sort": ["_id"]}, {"sort": ["id"]}),
        ({"sort": [{"_id": "asc"}]}, {"sort": [{"id": "asc"}]}),
        ({"query": {"term": {"_id": {"value": "a"}}}}, {"query": {"term": {"id": {"value": "a"}}}}),
        ({"query": {"term": {"name": "ids"}}}, {"query": {"term": {"name": "ids"}}}),
        ({"query": {"term": {"name": "_id"}}}, {"query": {"term": {"name": "_id"}}}),
        ({"aggs": {"a": {"terms": {"field": "_id"}}}}, {"aggs": {"a": {"terms": {"field": "id"}}}}),
    ],
)
def test_what_is_asked_by_id_is_asked_by_the_field(body: dict[str, Any], turned: dict[str, Any]) -> None:
    """`_id` and `ids` mean the item's id, which is the field `id`."""
    assert json.loads(asked(json.dumps(body).encode())) == turned


def test_an_answer_without_shared_hits_is_not_touched() -> None:
    """All the other answers go out byte for byte."""
    answer = b'{ "hits": {"hits": [{"_index":"activities__feed_id_a__", "_id":"abcdefgh:a", "_routing":"r"}]}}'
    assert shown(answer) == answer


def test_a_document_that_looks_like_a_hit_is_not_touched() -> None:
    """What a source sent is shown as it came, whatever its keys."""
    inner = '{"_index":"x","_id":7,"_routing":"y", "text": "activities__shared__ 1.50"}'
    hit = '{"_index":"activities__shared__1","_id":"abcdefgh:a","_routing":"feed_id_a__b__","_source":' + inner + "}"
    found = shown(('{"hits":[' + hit + "]}").encode()).decode()
    start = '{"hits":[{"_index":"activities__feed_id_a__b__","_id":"a","_source":'
    assert found == start + inner + "}]}"
