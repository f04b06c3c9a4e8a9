"""Query trees become tantivy queries without any of tantivy's pitfalls."""

import json
from typing import Any

import pytest
import tantivy

from activity_stream.adapters.index_embedded.execute import search
from activity_stream.adapters.index_embedded.schema import EmbeddedSchema
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.errors import SearchRefused
from activity_stream.fields import searchable_fields
from activity_stream.model import Alias


@pytest.fixture(scope="module")
def empty() -> Snapshot:
    """An index without documents."""
    schema = EmbeddedSchema(searchable_fields())
    return Snapshot(schema, tantivy.Index(schema.tantivy))


@pytest.mark.parametrize(
    "query",
    [
        {"match_phrase": {"object.name": "one"}},
        {"match_phrase": {"object.name": ""}},
        {"bool": {"should": []}},
        {"bool": {"must_not": [{"match_all": {}}]}},
        {"dis_max": {"queries": [{"match_all": {}}], "tie_breaker": 0}},
        {"terms": {"published": []}},
        {"terms": {"type": []}},
        {"range": {"published": {}}},
        {"range": {"type": {"gt": ""}}},
        {"range": {"type": {"gte": "", "lt": ""}}},
        {"range": {"type": {"gte": "b", "lte": "a"}}},
        {"prefix": {"type": ".*[](){}|^$\\"}},
        {"wildcard": {"type": "a\nb\\"}},
        {"ids": {"values": []}},
    ],
)
def test_odd_queries_are_answered_even_by_an_empty_index(empty: Snapshot, query: dict[str, Any]) -> None:
    """None of them panics, and none is a syntax error."""
    answer = _ask(empty, {"query": query})
    assert answer["hits"] == {"total": {"value": 0, "relation": "eq"}, "max_score": None, "hits": []}


def test_every_aggregation_of_nothing_has_its_empty_shape(empty: Snapshot) -> None:
    """Figures are null, sums and counts zero, buckets none."""
    kinds = ("min", "max", "avg", "sum", "value_count", "cardinality")
    aggs: dict[str, Any] = {kind: {kind: {"field": "published"}} for kind in kinds}
    aggs["terms"] = {"terms": {"field": "type"}}
    aggs["dates"] = {"date_histogram": {"field": "published", "calendar_interval": "year"}}
    found = _ask(empty, {"size": 0, "aggs": aggs})["aggregations"]
    assert [found[kind]["value"] for kind in kinds] == [None, None, None, 0.0, 0, 0]
    assert found["terms"] == {"doc_count_error_upper_bound": 0, "sum_other_doc_count": 0, "buckets": []}
    assert found["dates"] == {"buckets": []}


def test_a_pattern_that_is_too_complex_is_refused(empty: Snapshot) -> None:
    """Tantivy's automata have a limit, which must not come out as a failure of the index."""
    with pytest.raises(SearchRefused) as refused:
        _ask(empty, {"query": {"wildcard": {"type": "*a" + "?" * 900}}})
    assert refused.value.status == 400


def test_values_that_only_a_caller_with_more_rights_may_see_are_refused(empty: Snapshot) -> None:
    """`min_doc_count` 0 shows values of documents that the query does not find."""
    body = json.dumps({"aggs": {"a": {"terms": {"field": "type", "min_doc_count": 0}}}}).encode()
    with pytest.raises(SearchRefused) as refused:
        search(empty, Alias.ACTIVITIES, body, 0, b'{"match_all": {}}')
    assert b"min_doc_count" in refused.value.body


def _ask(snapshot: Snapshot, body: dict[str, Any]) -> Any:
    return json.loads(search(snapshot, Alias.ACTIVITIES, json.dumps(body).encode(), 0, None))
