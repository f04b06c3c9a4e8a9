"""What buckets are ordered by besides their counts and keys: figures of aggregations below them.

    f>g>m.max    through single buckets (filter, missing, nested, reverse_nested) to the count of one, or to a figure

Source: OpenSearch's `AggregationPath`, and `InternalOrder.Aggregation`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from activity_stream.search.aggs import (
    Agg,
    BucketAgg,
    FilterAgg,
    MetricAgg,
    MissingAgg,
    NestedAgg,
    PercentilesAgg,
    ReverseNestedAgg,
)

Order = Sequence[tuple[str, bool]]
"""Pairs of a path and whether the greatest comes first."""

OF_BUCKETS = ("_count", "_key")
_ALONE = (FilterAgg, MissingAgg, NestedAgg, ReverseNestedAgg)
_STATS = ("count", "min", "max", "avg", "sum")
_BOUNDS = {f"std_{side}{of}": f"{side}{of}" for side in ("upper", "lower") for of in ("", "_population", "_sampling")}
_SEVERAL: Mapping[str, frozenset[str]] = {
    "stats": frozenset(_STATS),
    "extended_stats": frozenset(
        {
            *_STATS, "sum_of_squares", "variance", "variance_population", "variance_sampling",
            "std_deviation", "std_deviation_population", "std_deviation_sampling", *_BOUNDS,
        }
    ),
}  # fmt: skip
"""The figures of the metrics that have several."""
_OF_NOTHING = {"min": math.inf, "max": -math.inf, "sum_of_squares": 0.0}
"""What figures of no values count as; others come last."""


def check_order(path: str, aggs: Mapping[str, Agg]) -> None:
    """Raises ValueError, with the reason, unless the path leads through these aggregations to one figure."""
    if path in OF_BUCKETS:
        return
    *outer, last = names = _names(path)
    for name in outer:
        step = aggs.get(name)
        if not isinstance(step, _ALONE):
            raise ValueError(f"[{name[:100]}] is no aggregation of a single bucket")  # noqa: TRY004 - of the path
        aggs = step.aggs
    if not _is_figure(aggs.get(last), _key(path)):
        raise ValueError(f"[{names[-1][:100]}] is no aggregation with such a figure")


def deciding(order: Order, aggs: Mapping[str, Agg]) -> dict[str, Agg]:
    """The aggregations that an order goes by, without what else is below them."""
    return _deciding([_names(path) for path, _ in order if path not in OF_BUCKETS], aggs)


def figure(path: str, aggs: Mapping[str, Agg], found: Mapping[str, Any]) -> float | None:
    """What a bucket is ordered by, from the results of the aggregations below it. None: it comes last."""
    *outer, last = _names(path)
    for name in outer:
        step = aggs[name]
        aggs, found = step.aggs if isinstance(step, BucketAgg) else {}, found[name]
    agg, shown, key = aggs[last], found[last], _key(path)
    if isinstance(agg, PercentilesAgg):
        return _percentile(shown["values"], float(key))
    if not isinstance(agg, MetricAgg):
        return float(shown["doc_count"])
    name = (key or "value") if agg.kind not in _SEVERAL else key
    value = shown["std_deviation_bounds"][_BOUNDS[name]] if name in _BOUNDS else shown[name]
    if value is None:
        return _OF_NOTHING.get(agg.kind if name == "value" else name)
    return None if value == "NaN" else float(value)


def _deciding(paths: Sequence[Sequence[str]], aggs: Mapping[str, Agg]) -> dict[str, Agg]:
    found: dict[str, Agg] = {}
    for first in dict.fromkeys(path[0] for path in paths):
        agg = aggs[first]
        if isinstance(agg, BucketAgg):
            below = _deciding([path[1:] for path in paths if path[0] == first and len(path) > 1], agg.aggs)
            if any(below.get(name) is not each for name, each in agg.aggs.items()):
                agg = msgspec.structs.replace(agg, aggs=below)
        found[first] = agg
    return found


def _percentile(values: Any, at: float) -> float | None:
    rows: Iterable[tuple[Any, Any]] = (
        values.items() if isinstance(values, dict) else ((each["key"], each["value"]) for each in values)
    )
    return next((value for key, value in rows if not str(key).endswith("_as_string") and float(key) == at), None)


def _is_figure(agg: Agg | None, key: str) -> bool:
    if isinstance(agg, _ALONE):
        return key in ("", "doc_count")
    if isinstance(agg, PercentilesAgg):
        try:
            return float(key) in agg.at
        except ValueError:
            return False
    return isinstance(agg, MetricAgg) and key in _SEVERAL.get(agg.kind, ("", "value"))


def _names(path: str) -> list[str]:
    """The names of the aggregations on the way. Raises ValueError where there are none."""
    found = [step for each in path.split(">") if (step := each.strip())]
    if not found:
        raise ValueError("it is empty")
    return [*found[:-1], _split(found[-1])[0]]


def _key(path: str) -> str:
    """Which figure of the last of them is meant; empty where the path does not say."""
    return _split(path.rstrip("> ").rpartition(">")[2].strip())[1]


def _split(step: str) -> tuple[str, str]:
    if step.endswith("]") and "[" in step:
        name, _, key = step[:-1].rpartition("[")
        return name, key
    name, dot, key = step.rpartition(".")
    return (name, key) if dot else (step, "")
