"""Aggregations: from a part of a body to nodes of the tree."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from activity_stream.search import refusals
from activity_stream.search.aggs import (
    AdjacencyMatrixAgg,
    Agg,
    BucketAgg,
    CompositeAgg,
    FilterAgg,
    FiltersAgg,
    GlobalAgg,
    MetricAgg,
    NestedAgg,
    PercentilesAgg,
    every_aggregation,
)
from activity_stream.search.bucket_orders import check_order
from activity_stream.search.parse_buckets import BUCKETS, date_format
from activity_stream.search.parse_combined import COMBINED
from activity_stream.search.parse_geo import GEO_BUCKETS, geo_bounds
from activity_stream.search.parse_hits import top_hits
from activity_stream.search.parse_pipelines import PIPELINES, check_pipelines, pipeline
from activity_stream.search.parse_queries import query
from activity_stream.search.part import Part, Readers
from activity_stream.search.query import Node

KNOWN = frozenset(
    {
        "bucket_script", "bucket_selector",
        "children", "diversified_sampler",
        "geo_centroid", "ip_range", "matrix_stats", "median_absolute_deviation",
        "moving_avg", "moving_fn", "parent",
        "sampler",
        "scripted_metric", "significant_text",
        "variable_width_histogram", "weighted_avg",
    }
)  # fmt: skip
"""Aggregations that OpenSearch has, and that are not taken here yet."""
_OF_A_FIELD = ("min", "max", "avg", "sum", "stats", "extended_stats", "value_count", "cardinality")
_MOST_ADJACENT = 100
"""OpenSearch's `index.max_adjacency_matrix_filters`."""
_PERCENTILES = {"percentiles": "percents", "percentile_ranks": "values"}
"""Which option says what to tell."""


def aggregations(part: Part, depth: int = 1) -> Mapping[str, Agg]:
    """The aggregations of `{name: {type: …, "aggs": …}}`. Raises SearchRefused."""
    part.budget.level(part.path, depth)
    found = {name: _aggregation(name, inner, depth) for name, inner in part.entries()}
    if depth == 1:
        check_pipelines(found, None, part)
    return found


def _aggregation(name: str, part: Part, depth: int) -> Agg:
    part.budget.aggregation(part.path)
    if any(character in name for character in "[]>") or not name:
        raise part.refused(f"Invalid aggregation name [{name[:100]}]: it may not be empty nor contain '[', ']' or '>'")
    entries = dict(part.entries())
    meta = _meta(entries.pop("meta", None))
    under = [entries.pop(key) for key in ("aggs", "aggregations") if key in entries]
    if len(under) > 1:
        raise part.refused(f"Found two sub aggregation definitions under [{name}]")
    if len(entries) != 1:
        raise _wrong_number(name, part, list(entries))
    kind, inner = entries.popitem()
    if kind in _LEAVES:
        _without_aggregations(name, kind, under)
        return msgspec.structs.replace(_LEAVES[kind](name, kind, inner), meta=meta)
    if kind not in _BUCKETS:
        more = f": {refusals.NOT_YET}" if kind in KNOWN else ""
        raise refusals.parsing(f"Unknown aggregation type [{kind[:100]}] at {part.path}{more}")
    aggs = aggregations(under[0], depth + 1) if under else {}
    made = _BUCKETS[kind](inner)
    _check_place(made, kind, aggs, part, depth)
    check_pipelines(aggs, made, inner)
    for path, _ in getattr(made, "order", ()):
        _check_order(path, aggs, inner)
    return _with(made, meta, aggs)


def _check_place(made: BucketAgg, kind: str, aggs: Mapping[str, Agg], part: Part, depth: int) -> None:
    """SearchRefused where it cannot be so deep, or where it cannot have one of those below it."""
    if isinstance(made, GlobalAgg) and depth > 1:
        raise refusals.illegal(f"A [global] aggregation can only be one of the outermost, and is at {part.path}")
    if isinstance(made, AdjacencyMatrixAgg) and any(
        isinstance(each, AdjacencyMatrixAgg) for _, each in every_aggregation(aggs)
    ):
        raise refusals.illegal(
            f"An [adjacency_matrix] within another one, which OpenSearch fails on, is at {part.path}"
        )
    if not isinstance(made, FilterAgg | NestedAgg) and any(isinstance(each, CompositeAgg) for each in aggs.values()):
        raise refusals.illegal(
            f"[composite] aggregation cannot be used with a parent aggregation of type: [{kind}] at {part.path}"
        )


def _wrong_number(name: str, part: Part, kinds: list[str]) -> Exception:
    if not kinds:
        return part.refused(f"Missing definition for aggregation [{name}]")
    return part.refused(
        f"Found two aggregation type definitions in [{name}]: [{kinds[0][:100]}] and [{kinds[1][:100]}]"
    )


def _with(made: BucketAgg, meta: Mapping[str, Any] | None, aggs: Mapping[str, Agg]) -> BucketAgg:
    fields = {name: getattr(made, name) for name in made.__struct_fields__}
    return type(made)(**{**fields, "meta": meta, "aggs": aggs})


def _meta(part: Part | None) -> Mapping[str, Any] | None:
    if part is None:
        return None
    if not isinstance(part.value, dict):
        raise part.refused(f"Expected [START_OBJECT] under [meta], but got a [{part.token}]")
    return part.value


def _without_aggregations(name: str, kind: str, under: list[Part]) -> None:
    if under and under[0].value:
        raise under[0].refused(f"Aggregator [{name}] of type [{kind}] cannot accept sub-aggregations")


def _metric(name: str, kind: str, part: Part) -> Agg:
    readers: Readers = {"field": Part.field, "missing": Part.scalar, "format": date_format}
    ignored: Readers = {"precision_threshold": Part.integer} if kind == "cardinality" else {}
    if kind == "extended_stats":
        readers = {**readers, "sigma": Part.boost}
    values = part.options(kind, readers, ignored)
    if "field" not in values:
        raise part.refused(f"Required one of fields [field], but none were specified for the aggregation [{name}]")
    return MetricAgg(kind=kind, **values)


def _percentiles(name: str, kind: str, part: Part) -> Agg:
    at = _PERCENTILES[kind]
    readers: Readers = {
        "field": Part.field,
        at: _numbers,
        "keyed": Part.boolean,
        "missing": Part.scalar,
        "format": date_format,
    }
    values = part.options(
        kind, readers, {"tdigest": lambda each: each.options("tdigest", {"compression": Part.number})}
    )
    if "field" not in values:
        raise part.refused(f"Required one of fields [field], but none were specified for the aggregation [{name}]")
    asked = values.pop(at, None)
    if asked is None and kind == "percentile_ranks":
        raise part.refused(f"[{kind}] needs [values]")
    if kind == "percentiles" and any(not 0 <= each <= 100 for each in asked or ()):
        raise refusals.illegal(f"[percents] have to be from 0 to 100 at {part.path}")
    more = {} if asked is None else {"at": asked}
    return PercentilesAgg(ranks=kind == "percentile_ranks", **values, **more)


def _tdigest(part: Part) -> None:
    part.options("tdigest", {"compression": Part.number})


def _numbers(part: Part) -> tuple[float, ...]:
    found = tuple(sorted(each.number() for each in part.elements()))
    if not found:
        raise part.refused(f"[{part.key}] must not be empty")
    return found


def _check_order(path: str, aggs: Mapping[str, Agg], part: Part) -> None:
    """SearchRefused unless the path is `_count`, `_key` or leads to one figure."""
    try:
        check_order(path, aggs)
    except ValueError as problem:
        raise refusals.illegal(
            f"Invalid aggregation order path [{path[:100]}] at {part.path}: {problem}. It has to be _count, _key, or "
            "lead through aggregations of a single bucket to another one or to a metric, as filter>name.property does"
        ) from None


def _filter(part: Part) -> BucketAgg:
    return FilterAgg(filter=query(part))


def _filters(part: Part) -> BucketAgg:
    readers: Readers = {"filters": _named, "other_bucket": Part.boolean, "other_bucket_key": Part.text}
    values = part.options("filters", readers)
    if "filters" not in values:
        raise part.refused("[filters] needs [filters]")
    keyed, found = values["filters"]
    other = values.get("other_bucket_key", "_other_" if values.get("other_bucket") else None)
    return FiltersAgg(filters=found, keyed=keyed, other_bucket_key=other)


def _adjacency_matrix(part: Part) -> BucketAgg:
    readers: Readers = {
        "filters": lambda each: {name: query(inner) for name, inner in each.entries()},
        "separator": Part.text,
    }
    values = part.options("adjacency_matrix", readers)
    number = len(values.get("filters", ()))
    if not 0 < number <= _MOST_ADJACENT:
        raise refusals.illegal(f"[filters] have to be from 1 to {_MOST_ADJACENT}, and are {number} at {part.path}")
    return AdjacencyMatrixAgg(**values)


def _named(part: Part) -> tuple[bool, Mapping[str, Node]]:
    if isinstance(part.value, list):
        return False, {str(position): query(each) for position, each in enumerate(part.elements())}
    return True, {name: query(inner) for name, inner in part.entries()}


_BUCKETS: Mapping[str, Callable[[Part], BucketAgg]] = {
    **BUCKETS,
    **COMBINED,
    **GEO_BUCKETS,
    "adjacency_matrix": _adjacency_matrix,
    "filter": _filter,
    "filters": _filters,
}

_LEAVES: Mapping[str, Callable[[str, str, Part], Agg]] = {
    **dict.fromkeys(_OF_A_FIELD, _metric),
    **dict.fromkeys(_PERCENTILES, _percentiles),
    **dict.fromkeys(PIPELINES, lambda _, kind, part: pipeline(kind, part)),
    "geo_bounds": lambda _name, _kind, part: geo_bounds(part),
    "top_hits": lambda _name, _kind, part: top_hits(part, query),
}
"""Those that nothing can be under."""

AGGREGATIONS = frozenset({*_BUCKETS, *_LEAVES})
"""The names of all aggregations that are taken."""
