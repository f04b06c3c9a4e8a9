"""The pitfalls of tantivy that bite when it is searched, by the numbers of the study of it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from activity_stream.adapters.clock import SystemClock
from activity_stream.adapters.index_embedded import scoring, snapshot
from activity_stream.adapters.index_embedded.index import EmbeddedIndex
from activity_stream.errors import SearchRefused
from activity_stream.fields import searchable_fields
from activity_stream.model import Activity, Alias

COUNT = 500


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[EmbeddedIndex]:
    """An index of 500 activities, an hour apart."""
    found = EmbeddedIndex(tmp_path, searchable_fields(), SystemClock())
    await found.open(write=True)
    generation = await found.begin("f")
    rows = []
    for number in range(COUNT):
        published = f"2026-01-{number // 24 + 1:02}T{number % 24:02}:00:00.250Z"
        item = {"id": f"a{number}", "published": published, "object": {"id": f"o{number}", "content": "one word"}}
        rows.append(Activity(f"a{number}", json.dumps(item).encode()))
    await found.write([generation], rows, visible=False)
    await found.publish(generation)
    yield found
    await found.close()


async def ask(index: EmbeddedIndex, body: dict[str, Any]) -> Any:
    """The decoded answer."""
    return msgspec.json.decode((await index.search(Alias.ACTIVITIES, json.dumps(body).encode())).body)


async def refused(index: EmbeddedIndex, body: bytes) -> str:
    """The reason of a refusal, and that the index works after it."""
    with pytest.raises(SearchRefused) as refusal:
        await index.search(Alias.ACTIVITIES, body)
    assert refusal.value.status == 400
    assert (await ask(index, {"size": 0}))["hits"]["total"]["value"] == COUNT
    return str(msgspec.json.decode(refusal.value.body)["error"]["reason"])


async def test_pitfall_2_neither_a_huge_limit_nor_deep_nesting_ends_the_process(index: EmbeddedIndex) -> None:
    """`size` 10^12, `from` 10^12 and 3,000 nested queries are refused, and the process lives."""
    assert "10000" in await refused(index, b'{"size": 1000000000000}')
    assert await refused(index, b'{"from": 1000000000000}')
    deep = b'{"query":' + b'{"bool":{"must":' * 3000 + b'{"match_all":{}}' + b"}}" * 3000 + b"}"
    assert await refused(index, deep)


async def test_pitfall_3_what_panics_in_tantivy_is_answered(index: EmbeddedIndex) -> None:
    """A phrase of one word, of none, and `size` 0 have right answers."""
    phrase = {"query": {"match_phrase": {"object.content": "word"}}}
    assert (await ask(index, phrase))["hits"]["total"]["value"] == COUNT
    assert (await ask(index, {"query": {"match_phrase": {"object.content": "?!"}}}))["hits"]["total"]["value"] == 0
    assert (await ask(index, {"size": 0}))["hits"]["hits"] == []


async def test_pitfall_8_figures_are_exact_or_refused(index: EmbeddedIndex) -> None:
    """Histograms over dates, milliseconds, percentiles and counts of distinct values are exact; a time zone is never
    ignored."""
    day = {"field": "published", "fixed_interval": "1d"}
    aggs = {
        "days": {"date_histogram": day},
        "last": {"max": {"field": "published"}},
        "distinct": {"cardinality": {"field": "id"}},
        "middle": {"percentiles": {"field": "published", "percents": [50]}},
    }
    found = (await ask(index, {"size": 0, "aggs": aggs}))["aggregations"]
    counts = [bucket["doc_count"] for bucket in found["days"]["buckets"]]
    assert counts == [24] * (COUNT // 24) + [COUNT % 24]
    assert found["last"]["value"] % 1000 == 250
    assert found["distinct"]["value"] == COUNT
    assert found["middle"]["values"]["50.0"] == found["last"]["value"] - (COUNT / 2 - 1) * 3_600_000
    zoned = {"size": 0, "aggs": {"days": {"date_histogram": {**day, "time_zone": "+06:00"}}}}
    first, *_ = (await ask(index, zoned))["aggregations"]["days"]["buckets"]
    assert first["doc_count"] == 18


async def test_pitfall_11_what_could_run_for_ever_is_bounded(index: EmbeddedIndex) -> None:
    """A search cannot be interrupted, so too many clauses, too long patterns and too many buckets are refused."""
    many = {"query": {"bool": {"should": [{"term": {"id": str(number)}} for number in range(2000)]}}}
    assert "1024" in await refused(index, json.dumps(many).encode())
    assert await refused(index, json.dumps({"query": {"wildcard": {"id": "*a" * 2000}}}).encode())
    small = {"aggs": {"ms": {"date_histogram": {"field": "published", "fixed_interval": "1ms"}}}}
    assert "buckets" in await refused(index, json.dumps(small).encode())


@pytest.mark.parametrize(
    "body",
    [
        {"query": {"function_score": {"weight": 2}}},
        {"query": {"match_all": {}}, "min_score": 1},
        {"sort": [{"_geo_distance": {"object.geocoordinates": "51.5,0"}}]},
        {"query": {"geo_distance": {"distance": "1km", "object.geocoordinates": "51.5,0"}}},
        {"query": {"nested": {"path": "object.dit:relatedProgrammes", "query": {"match_all": {}}}}},
    ],
)
async def test_what_looks_at_each_document_looks_at_so_many_and_no_more(
    index: EmbeddedIndex, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more than may be looked at is a 400 that says how many there are; as many as may be are answered."""
    inner = {"id": "x", "geocoordinates": "51.5,0", "dit:relatedProgrammes": [{"id": "p"}]}
    generation = await index.begin("places")
    rows: list[dict[str, Any]] = [
        {"id": f"p{number}", "object": {**inner, "id": f"x{number}"}} for number in range(COUNT)
    ]
    await index.write([generation], [Activity(row["id"], json.dumps(row).encode()) for row in rows], visible=False)
    await index.publish(generation)
    asked = json.dumps({**body, "post_filter": {"match_all": {}}}).encode()
    monkeypatch.setattr(snapshot, "MOST_LOOKED_AT", COUNT - 1)
    with pytest.raises(SearchRefused) as refusal:
        await index.search(Alias.ACTIVITIES, asked)
    assert b"at most 499" in refusal.value.body
    monkeypatch.setattr(snapshot, "MOST_LOOKED_AT", 2 * COUNT)
    assert (await index.search(Alias.ACTIVITIES, asked)).status == 200


async def test_a_phrase_of_several_moved_words_is_looked_for_in_so_many_documents(
    index: EmbeddedIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more document with all of its words is a 400 that says what to change."""
    body = {"query": {"match_phrase": {"object.content": {"query": "word one word", "slop": 3}}}}
    monkeypatch.setattr(scoring, "MOST_SLOPPY", COUNT - 1)
    assert "leave [slop] out" in await refused(index, json.dumps(body).encode())
    monkeypatch.setattr(scoring, "MOST_SLOPPY", COUNT)
    assert (await ask(index, body))["hits"]["total"]["value"] == 0
