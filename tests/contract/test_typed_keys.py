"""Names that begin with their type: the same on every index, and those that OpenSearch gives itself."""

import json
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from activity_stream.adapters.clock import SystemClock
from activity_stream.adapters.index_opensearch.client import Client
from activity_stream.adapters.index_opensearch.index import OpenSearchIndex
from activity_stream.errors import SearchRefused
from activity_stream.fields import AddedField, FieldType, searchable_fields
from activity_stream.model import Activity, Alias, SearchAnswer
from activity_stream.ports import Index
from activity_stream.search.typed import typed
from tests.contract.comparing import fill
from tests.contract.random_bodies import DOUBLE, LONG, aggregation, body, documents
from tests.services.server import Servers, empty

ADDED = (AddedField(Alias.ACTIVITIES, LONG, FieldType.LONG), AddedField(Alias.ACTIVITIES, DOUBLE, FieldType.DOUBLE))
FIELDS = searchable_fields(ADDED)
BODIES = int(os.environ.get("ENGINE_BODIES", "2000")) // 20
FLAG, PROGRAMMES = "object.dit:public", "object.dit:relatedProgrammes"
ROW = {
    "id": "a", "type": "Create", "published": "2020-01-01",
    "object": {"long": 1, "double": 1.5, "dit:public": True, "name": "wine", "dit:relatedProgrammes": [{"id": "p"}]},
}  # fmt: skip


@pytest.fixture
def added() -> tuple[AddedField, ...]:
    """Numbers."""
    return ADDED


@pytest.fixture
async def searched(index: Index) -> Index:
    """An index that has published one document."""
    generation = await index.begin("one")
    await index.write([generation], [Activity("a", json.dumps(ROW).encode())], visible=True)
    await index.publish(generation)
    return index


def _terms(kind: str, field: str, **more: Any) -> dict[str, Any]:
    return {kind: {"field": field, **more}}


HISTOGRAM = {"date_histogram": {"field": "published", "fixed_interval": "1d"}}
PER_DAY = {**HISTOGRAM, "aggs": {"n": {"sum": {"field": LONG}}}}


@pytest.mark.parametrize(
    ("agg", "name"),
    [
        (_terms("terms", "type"), "sterms#x"),
        (_terms("terms", LONG), "lterms#x"),
        (_terms("terms", FLAG), "lterms#x"),
        (_terms("terms", "published"), "lterms#x"),
        (_terms("terms", DOUBLE), "dterms#x"),
        (_terms("terms", LONG, missing=1.5), "dterms#x"),
        (_terms("terms", LONG, missing=2), "lterms#x"),
        (_terms("terms", "not.mapped"), "sterms#x"),
        (_terms("rare_terms", "type"), "srareterms#x"),
        (_terms("rare_terms", LONG), "lrareterms#x"),
        (_terms("rare_terms", "not.mapped"), "sterms#x"),
        (_terms("rare_terms", "not.mapped", missing="z"), "srareterms#x"),
        (_terms("significant_terms", "type"), "sigsterms#x"),
        (_terms("significant_terms", "published"), "siglterms#x"),
        (_terms("significant_terms", "not.mapped"), "sigsterms#x"),
        ({"multi_terms": {"terms": [{"field": "type"}, {"field": LONG}]}}, "multi_terms#x"),
        ({"composite": {"sources": [{"t": {"terms": {"field": "type"}}}]}}, "composite#x"),
        ({"histogram": {"field": LONG, "interval": 1}}, "histogram#x"),
        (HISTOGRAM, "date_histogram#x"),
        ({"range": {"field": "published", "ranges": [{"from": 1}]}}, "range#x"),
        ({"date_range": {"field": "published", "ranges": [{"from": "now"}]}}, "date_range#x"),
        ({"missing": {"field": "type"}}, "missing#x"),
        ({"global": {}}, "global#x"),
        ({"filter": {"match_all": {}}}, "filter#x"),
        ({"filters": {"filters": [{"match_all": {}}]}}, "filters#x"),
        ({"nested": {"path": PROGRAMMES}}, "nested#x"),
        ({"top_hits": {"size": 1}}, "top_hits#x"),
        *(({kind: {"field": LONG}}, f"{kind}#x") for kind in ("min", "max", "avg", "sum", "stats", "extended_stats")),
        *(({kind: {"field": "type"}}, f"{kind}#x") for kind in ("value_count", "cardinality")),
        ({"percentiles": {"field": LONG}}, "tdigest_percentiles#x"),
        ({"percentile_ranks": {"field": LONG, "values": [1]}}, "tdigest_percentile_ranks#x"),
        ({"avg_bucket": {"buckets_path": "h>n"}}, "simple_value#x"),
        ({"sum_bucket": {"buckets_path": "h>n"}}, "simple_value#x"),
        ({"max_bucket": {"buckets_path": "h>n"}}, "bucket_metric_value#x"),
        ({"min_bucket": {"buckets_path": "h>n"}}, "bucket_metric_value#x"),
        ({"stats_bucket": {"buckets_path": "h>n"}}, "stats_bucket#x"),
    ],
)
async def test_every_aggregation_is_named_with_its_type(searched: Index, agg: dict[str, Any], name: str) -> None:
    """By what the field's values are; what is not mapped is a text."""
    found = await _typed(searched, {"size": 0, "aggs": {"x": agg, "h": PER_DAY}})
    assert found["aggregations"].keys() == {name, "date_histogram#h"}


async def test_names_have_types_at_every_level_and_nothing_else_has(searched: Index) -> None:
    """In single buckets, lists and named ones; `meta`, keys and what is in documents stay as they are."""
    back = {"reverse_nested": {}, "aggs": {"t": {"top_hits": {"size": 1, "_source": ["type"]}}}}
    aggs = {
        "f": {
            "filters": {"filters": {"f": {"match_all": {}}}},
            "meta": {"f": 1},
            "aggs": {"f": {"nested": {"path": PROGRAMMES}, "aggs": {"p": {**_terms("terms", f"{PROGRAMMES}.id"),
                                                                         "aggregations": {"back": back}}}}},
        },
        "h": {**HISTOGRAM, "aggs": {"c": {"cumulative_sum": {"buckets_path": "_count"}},
                                    "d": {"derivative": {"buckets_path": "_count"}}}},
    }  # fmt: skip
    found = (await _typed(searched, {"size": 1, "aggs": aggs}))["aggregations"]
    assert found["filters#f"]["meta"] == {"f": 1}
    (bucket,) = found["filters#f"]["buckets"]["f"]["nested#f"]["sterms#p"]["buckets"]
    (hit,) = bucket["reverse_nested#back"]["top_hits#t"]["hits"]["hits"]
    assert (bucket["key"], hit["_source"]) == ("p", {"type": "Create"})
    (day,) = found["date_histogram#h"]["buckets"]
    assert day.keys() == {"key", "key_as_string", "doc_count", "simple_value#c"}


async def test_suggestions_are_named_with_their_kind(searched: Index) -> None:
    """Those of one word each are `term#`; an answer without either is as it was."""
    asked = {"suggest": {"text": "wime", "s": {"term": {"field": "object.name"}}}}
    assert [*(await _typed(searched, asked))["suggest"]] == ["term#s"]
    answer = (await searched.search(Alias.ACTIVITIES, b'{"size":1}')).body
    assert typed(answer, b'{"size":1}', FIELDS[Alias.ACTIVITIES]) == answer


class _Typed(OpenSearchIndex):
    """An index whose engine names the types itself."""

    async def _search(self, alias: Alias, body: bytes, options: str) -> SearchAnswer:
        return await super()._search(alias, body, f"{options}&typed_keys=true")


async def test_the_types_are_those_that_opensearch_names(engine_servers: Servers, seed: int) -> None:
    """Of random aggregations, the same answer as with its own parameter."""
    url = engine_servers.url("opensearch-3")
    empty(url)
    clock = SystemClock()
    plain, own = (kind(Client(url, clock), FIELDS, clock) for kind in (OpenSearchIndex, _Typed))
    for each in (plain, own):
        await each.open(write=True)
    rng = random.Random(seed)
    await fill((plain, plain), [[each for each in documents(rng, 60) if b"dit:ukRegion" not in each.source]])
    compared = 0
    for number in range(BODIES):
        asked = {"aggs": {"x": aggregation(rng, 2)}} if number % 2 else body(rng)
        # To some sorts OpenSearch 3 never answers where no hits are asked for.
        asked = {name: said for name, said in asked.items() if name != "sort"} | {"size": 0}
        if '"1ms"' in json.dumps(asked) or not asked.keys() & {"aggs", "suggest"}:
            continue
        try:
            ours, theirs = await _typed(plain, asked), json.loads((await own.search(*_asked(asked))).body)
        except SearchRefused:
            continue
        compared += 1
        for part in ("aggregations", "suggest"):
            assert list(_names(ours.get(part))) == list(_names(theirs.get(part))), f"seed {seed}: {json.dumps(asked)}"
    assert compared > BODIES / 4
    for each in (plain, own):
        await each.close()


def _names(part: Any) -> Iterator[str]:
    """All the names in a part of an answer, in order."""
    if isinstance(part, dict):
        for name, inner in part.items():
            yield name
            yield from _names(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _names(inner)


def _asked(asked: Any) -> tuple[Alias, bytes]:
    return Alias.ACTIVITIES, json.dumps(asked).encode()


async def _typed(index: Index, asked: Any) -> Any:
    alias, data = _asked(asked)
    return json.loads(typed((await index.search(alias, data)).body, data, FIELDS[alias]))
