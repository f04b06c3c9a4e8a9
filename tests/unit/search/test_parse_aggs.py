"""`parse_aggs` and `parse_buckets`: aggregations."""

import json
from typing import Any

import pytest

from activity_stream.errors import SearchRefused
from activity_stream.search.aggs import (
    Agg,
    DateHistogramAgg,
    FilterAgg,
    FiltersAgg,
    MetricAgg,
    RangeAgg,
    RangeBucket,
    TermsAgg,
)
from activity_stream.search.parse import parse_body
from activity_stream.search.query import MatchAll

ALL: dict[str, Any] = {"match_all": {}}


def _ordered(path: str, under: Any) -> Any:
    """A `terms` that is ordered by this path into what is under it."""
    return {"x": {"terms": {"field": "a", "order": {path: "asc"}}, "aggs": {"m": under}}}


@pytest.mark.parametrize(
    ("agg", "expected"),
    [
        ({"max": {"field": "a"}}, MetricAgg(kind="max", field="a")),
        ({"avg": {"field": "a", "missing": 3}}, MetricAgg(kind="avg", field="a", missing=3)),
        ({"cardinality": {"field": "a", "precision_threshold": 100}}, MetricAgg(kind="cardinality", field="a")),
        ({"min": {"field": "a"}, "meta": {"x": [1]}}, MetricAgg(kind="min", field="a", meta={"x": [1]})),
        ({"terms": {"field": "a"}}, TermsAgg(field="a")),
        (
            {"terms": {"field": "a", "size": "5", "order": [{"_key": "desc"}, {"_count": "asc"}], "include": ["x"]}},
            TermsAgg(field="a", size=5, order=(("_key", True), ("_count", False)), include=("x",)),
        ),
        (
            {"terms": {"field": "a", "order": {"m.max": "desc"}}, "aggs": {"m": {"stats": {"field": "b"}}}},
            TermsAgg(field="a", order=(("m.max", True),), aggs={"m": MetricAgg(kind="stats", field="b")}),
        ),
        (
            {"date_histogram": {"field": "a", "calendar_interval": "1M", "time_zone": "UTC", "format": "yyyy-MM"}},
            DateHistogramAgg(field="a", calendar_interval="month", format="yyyy-MM"),
        ),
        (
            {"date_histogram": {"field": "a", "fixed_interval": "12h", "offset": "-1h", "keyed": True}},
            DateHistogramAgg(field="a", fixed_interval=43_200_000, offset=-3_600_000, keyed=True),
        ),
        (
            {"date_histogram": {"field": "a", "calendar_interval": "day", "extended_bounds": {"min": 1, "max": "now"}}},
            DateHistogramAgg(field="a", calendar_interval="day", extended_bounds=(1, "now")),
        ),
        (
            {"range": {"field": "a", "ranges": [{"to": 1}, {"from": 1, "to": None, "key": "k"}]}},
            RangeAgg(field="a", ranges=(RangeBucket(end=1), RangeBucket(start=1, key="k"))),
        ),
        ({"filter": ALL}, FilterAgg(filter=MatchAll())),
        ({"filters": {"filters": {"x": ALL}}}, FiltersAgg(filters={"x": MatchAll()})),
        (
            {"filters": {"filters": [ALL], "other_bucket": True}},
            FiltersAgg(filters={"0": MatchAll()}, keyed=False, other_bucket_key="_other_"),
        ),
    ],
)
def test_each_aggregation_is_read(agg: dict[str, Any], expected: Agg) -> None:
    """Under `aggs` and `aggregations`, and below one another."""
    for key in ("aggs", "aggregations"):
        assert parse_body(json.dumps({key: {"x": agg}}).encode()).aggs == {"x": expected}
    nested = parse_body(json.dumps({"aggs": {"y": {"filter": ALL, "aggregations": {"x": agg}}}}).encode()).aggs["y"]
    assert nested == FilterAgg(filter=MatchAll(), aggs={"x": expected})


@pytest.mark.parametrize(
    ("aggs", "reason"),
    [
        ({"x": {"ip_range": {}}}, "Unknown aggregation type [ip_range] at aggs.x: OpenSearch has it"),
        (
            {"x": {"filter": ALL, "aggs": {"y": {"global": {}}}}},
            "[global] aggregation can only be one of the outermost",
        ),
        ({"x": {"histogram": {"field": "a"}}}, "[interval] must be >0"),
        ({"x": {"nonsense": {}}}, "Unknown aggregation type [nonsense] at aggs.x"),
        ({"x": {}}, "Missing definition for aggregation [x]"),
        ({"x": {"max": {"field": "a"}, "min": {"field": "a"}}}, "Found two aggregation type definitions in [x]"),
        ({"x>y": {"max": {"field": "a"}}}, "Invalid aggregation name [x>y]"),
        ({"x": {"max": {}}}, "Required one of fields [field]"),
        ({"x": {"max": {"field": "_id"}}}, "[_id]"),
        ({"x": {"max": {"script": "1"}}}, "[max] does not support [script]"),
        ({"x": {"max": {"field": "a"}, "aggs": {"y": {"max": {"field": "a"}}}}}, "cannot accept sub-aggregations"),
        ({"x": {"max": {"field": "a"}, "meta": 1}}, "under [meta]"),
        ({"x": {"filter": ALL, "aggs": {}, "aggregations": {}}}, "Found two sub aggregation definitions under [x]"),
        ({"x": {"filter": ALL, "aggs": {"y": {"global": {}}}}}, "at aggs.x.aggs.y"),
        ({"x": {"terms": {"field": "a", "size": 0}}}, "[size] must be greater than 0"),
        ({"x": {"terms": {"field": "a", "size": 65_536}}}, "[size] must be at most 65535"),
        ({"x": {"terms": {"field": "a", "order": {"m": "asc"}}}}, "Invalid aggregation order path [m]"),
        (_ordered("m.x", {"avg": {"field": "b"}}), "Invalid aggregation order path [m.x]"),
        (_ordered("m", {"stats": {"field": "b"}}), "[m] is no aggregation with such a figure"),
        (_ordered("m.33", {"percentiles": {"field": "b"}}), "Invalid aggregation order path [m.33]"),
        (_ordered("m.x", {"percentiles": {"field": "b"}}), "Invalid aggregation order path [m.x]"),
        (_ordered("m", {"terms": {"field": "b"}}), "Invalid aggregation order path [m]"),
        (
            _ordered("m>n", {"terms": {"field": "b"}, "aggs": {"n": {"max": {"field": "c"}}}}),
            "no aggregation of a single",
        ),
        (_ordered("m>x", {"filter": {"match_all": {}}, "aggs": {"n": {"max": {"field": "c"}}}}), "order path [m>x]"),
        (_ordered("m._count", {"filter": {"match_all": {}}}), "Invalid aggregation order path [m._count]"),
        (_ordered(">", {"filter": {"match_all": {}}}), "it is empty"),
        ({"x": {"terms": {"field": "a", "order": {"_term": "asc"}}}}, "use [_key]"),
        ({"x": {"terms": {"field": "a", "include": "a.*"}}}, "[include] can only be a list"),
        ({"x": {"terms": {"field": "a", "shard_min_doc_count": 3}}}, "[shard_min_doc_count]"),
        ({"x": {"date_histogram": {"field": "a", "interval": "1d"}}}, "does not support [interval]"),
        ({"x": {"date_histogram": {"field": "a"}}}, "needs one of [fixed_interval] and [calendar_interval]"),
        ({"x": {"date_histogram": {"field": "a", "fixed_interval": "1M"}}}, "[fixed_interval] with value [1M]"),
        ({"x": {"date_histogram": {"field": "a", "fixed_interval": "0s"}}}, "Zero or negative time interval"),
        ({"x": {"date_histogram": {"field": "a", "calendar_interval": "2d"}}}, "[2d]"),
        (
            {"x": {"date_histogram": {"field": "a", "calendar_interval": "1d", "time_zone": "+1"}}},
            "Invalid time zone [+1]",
        ),
        ({"x": {"date_histogram": {"field": "a", "calendar_interval": "1d", "format": "MMM"}}}, "allowed are"),
        ({"x": {"range": {"field": "a"}}}, "No [ranges] specified"),
        ({"x": {"range": {"field": "a", "ranges": []}}}, "No [ranges] specified"),
        ({"x": {"filters": {}}}, "[filters] needs [filters]"),
        ([], "Expected [START_OBJECT]"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(aggs: Any, reason: str) -> None:
    """A 400 that names the construct and, where it is nested, its place."""
    with pytest.raises(SearchRefused) as caught:
        parse_body(json.dumps({"aggs": aggs}).encode())
    assert reason in json.loads(caught.value.body)["error"]["reason"]


def test_aggregations_are_counted_and_may_be_thirty_deep() -> None:
    """A hundred in all, thirty within each other."""
    metric = {"max": {"field": "a"}}
    assert len(parse_body(json.dumps({"aggs": {f"x{n}": metric for n in range(100)}}).encode()).aggs) == 100
    deep: dict[str, Any] = {"x": metric}
    for _ in range(30):
        deep = {"x": {"filter": ALL, "aggs": deep}}
    for aggs, reason in (({f"x{n}": metric for n in range(101)}, "At most 100"), (deep, "maximum of [30]")):
        with pytest.raises(SearchRefused) as caught:
            parse_body(json.dumps({"aggs": aggs}).encode())
        assert reason in json.loads(caught.value.body)["error"]["reason"]
