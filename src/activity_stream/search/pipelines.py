"""Aggregations of other aggregations' results (OpenSearch documentation, "Pipeline aggregations").

    siblings   beside an aggregation with buckets: one figure of all of its buckets
    within     under it: a figure in each bucket, from that one and those before it; or which buckets there are

They are worked out from results as they are shown, so that it is all the same which index they come from.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cmp_to_key
from typing import Any

from activity_stream.search.aggs import Agg, PipelineAgg
from activity_stream.search.deviation import extended

Buckets = list[dict[str, Any]]

SIBLINGS = (
    "avg_bucket", "extended_stats_bucket", "max_bucket", "min_bucket", "percentiles_bucket", "stats_bucket",
    "sum_bucket",
)  # fmt: skip
OF_HISTOGRAMS = ("cumulative_sum", "derivative", "serial_diff")
SORT = "bucket_sort"


def computed(aggs: Mapping[str, Agg]) -> dict[str, Agg]:
    """The aggregations that are worked out from documents."""
    return {name: agg for name, agg in aggs.items() if not isinstance(agg, PipelineAgg)}


def with_siblings(aggs: Mapping[str, Agg], results: dict[str, Any]) -> dict[str, Any]:
    """The results with those of pipelines beside them, in the order in which they are asked for."""
    pipelines = {name: agg for name, agg in aggs.items() if isinstance(agg, PipelineAgg) and agg.kind in SIBLINGS}
    if not pipelines:
        return results
    made = results | {name: _of_all(agg, results) for name, agg in pipelines.items()}
    return {name: made[name] for name in aggs if name in made}


def with_pipelines(aggs: Mapping[str, Agg], buckets: Buckets) -> Buckets:
    """The buckets of an aggregation with the figures that pipelines under it make of them; those that are left."""
    for name, agg in aggs.items():
        if isinstance(agg, PipelineAgg) and agg.kind in OF_HISTOGRAMS:
            _IN_EACH[agg.kind](name, agg, buckets)
    for agg in aggs.values():
        if isinstance(agg, PipelineAgg) and agg.kind == SORT:
            buckets = _sorted(agg, buckets)
    return buckets


def _of_all(agg: PipelineAgg, results: Mapping[str, Any]) -> dict[str, Any]:
    name, *path = agg.path
    buckets = results[name]["buckets"]
    rows = list(buckets.items()) if isinstance(buckets, dict) else [(_key(each), each) for each in buckets]
    figures = [(key, _figure(each, path, agg)) for key, each in rows]
    known = [(str(key), value) for key, value in figures if value is not None]
    values = [value for _, value in known]
    shown: dict[str, Any] = {} if agg.meta is None else {"meta": agg.meta}
    if agg.kind in ("max_bucket", "min_bucket"):
        best = (max if agg.kind == "max_bucket" else min)(values, default=None)
        return shown | {"value": best, "keys": [key for key, value in known if value == best]}
    total = math.fsum(values)
    mean = total / len(values) if values else None
    least, greatest = min(values, default=None), max(values, default=None)
    if agg.kind == "percentiles_bucket":
        return shown | {"values": _percentiles(agg, sorted(values))}
    if agg.kind == "extended_stats_bucket":
        squares = math.fsum(each * each for each in values)
        return shown | extended(len(values), least, greatest, total, squares, agg.sigma)
    if agg.kind == "stats_bucket":
        return shown | {"count": len(values), "min": least, "max": greatest, "avg": mean, "sum": total}
    return shown | {"value": total if agg.kind == "sum_bucket" else mean}


def _percentiles(agg: PipelineAgg, ordered: Sequence[float]) -> Any:
    """Values that are there, and none between them."""
    last = len(ordered) - 1
    found = [ordered[math.floor(at / 100 * last + 0.5)] if ordered else None for at in agg.at]
    if agg.keyed:
        return {repr(at): value for at, value in zip(agg.at, found, strict=True)}
    return [{"key": at, "value": value} for at, value in zip(agg.at, found, strict=True)]


def _key(bucket: Mapping[str, Any]) -> Any:
    return bucket.get("key_as_string", bucket.get("key"))


def _figure(bucket: Mapping[str, Any], path: Sequence[str], agg: PipelineAgg) -> float | None:
    """What a path leads to in a bucket; None where there is nothing, or zero if that is asked for instead."""
    if path == ["_count"]:
        return float(bucket["doc_count"])
    found: Any = bucket
    for step in path:
        found = found.get("doc_count" if step == "_count" else step) if isinstance(found, dict) else None
    if isinstance(found, dict):
        found = found.get("value")
    if found is None or isinstance(found, str) or not bucket["doc_count"]:
        return 0.0 if agg.zeros else None
    return float(found)


def _cumulative_sum(name: str, agg: PipelineAgg, buckets: Buckets) -> None:
    total = 0.0
    for bucket in buckets:
        total += _figure(bucket, list(agg.path), agg) or 0.0
        bucket[name] = _shown(agg, total)


def _derivative(name: str, agg: PipelineAgg, buckets: Buckets) -> None:
    values = [_figure(bucket, list(agg.path), agg) for bucket in buckets]
    for bucket, before, value in zip(buckets[1:], values, values[1:], strict=False):
        bucket[name] = _shown(agg, None if before is None or value is None else value - before)


def _serial_diff(name: str, agg: PipelineAgg, buckets: Buckets) -> None:
    values = [_figure(bucket, list(agg.path), agg) for bucket in buckets]
    for bucket, before, value in zip(buckets[agg.lag :], values, values[agg.lag :], strict=False):
        if before is not None and value is not None:
            bucket[name] = _shown(agg, value - before)


def _shown(agg: PipelineAgg, value: float | None) -> dict[str, Any]:
    return ({} if agg.meta is None else {"meta": agg.meta}) | {"value": value}


def _sorted(agg: PipelineAgg, buckets: Buckets) -> Buckets:
    """The buckets in order, from the first one that is wanted to the last. Without one of the figures they are left
    out; those that are equal stay as they were."""
    rows = []
    for bucket in buckets:
        row = [bucket["key"] if path == ("_key",) else _figure(bucket, list(path), agg) for path, _ in agg.sort]
        if None not in row:
            rows.append((row, bucket))

    def compare(one: tuple[list[Any], Any], other: tuple[list[Any], Any]) -> int:
        for left, right, (_, descending) in zip(one[0], other[0], agg.sort, strict=True):
            if left != right:
                return -1 if (left > right) is descending else 1
        return 0

    kept = [bucket for _, bucket in sorted(rows, key=cmp_to_key(compare))]
    return kept[agg.from_ :][: agg.size]


_IN_EACH: Mapping[str, Callable[[str, PipelineAgg, Buckets], None]] = {
    "cumulative_sum": _cumulative_sum,
    "derivative": _derivative,
    "serial_diff": _serial_diff,
}
