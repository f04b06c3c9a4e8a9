"""Pipeline aggregations: from a part of a body to nodes of the tree."""

from collections.abc import Mapping

from activity_stream.search import refusals
from activity_stream.search.aggs import (
    Agg,
    BucketAgg,
    DateHistogramAgg,
    FilterAgg,
    GlobalAgg,
    HistogramAgg,
    MissingAgg,
    NestedAgg,
    PipelineAgg,
    RangeAgg,
    ReverseNestedAgg,
    TermsAgg,
)
from activity_stream.search.part import Part, Readers, at_least
from activity_stream.search.pipelines import OF_HISTOGRAMS, SIBLINGS, SORT

PIPELINES = frozenset({*SIBLINGS, *OF_HISTOGRAMS, SORT})
"""The names of all that are taken."""

_MANY_BUCKETS = (TermsAgg, HistogramAgg, DateHistogramAgg, RangeAgg)
_ONE_BUCKET = (FilterAgg, GlobalAgg, MissingAgg, NestedAgg, ReverseNestedAgg)


def pipeline(kind: str, part: Part) -> PipelineAgg:
    """One of them by its name. Raises SearchRefused."""
    if kind == SORT:
        return _bucket_sort(part)
    values = part.options(kind, {"buckets_path": _path, "gap_policy": _zeros, **_OPTIONS.get(kind, {})})
    if "buckets_path" not in values:
        raise part.refused(f"[{kind}] needs [buckets_path]")
    zeros = values.get("gap_policy", False) or kind == "cumulative_sum"
    more = {{"percents": "at"}.get(name, name): value for name, value in values.items() if name not in _USUAL}
    return PipelineAgg(kind=kind, path=values["buckets_path"], zeros=zeros, **more)


def check_pipelines(aggs: Mapping[str, Agg], parent: BucketAgg | None, part: Part) -> None:
    """Raises SearchRefused for a pipeline that is not where it can be, or whose path leads nowhere."""
    for name, agg in aggs.items():
        if not isinstance(agg, PipelineAgg):
            continue
        if agg.kind in OF_HISTOGRAMS and not isinstance(parent, HistogramAgg | DateHistogramAgg):
            raise refusals.illegal(f"{agg.kind} aggregation [{name}] must have a histogram as parent at {part.path}")
        if agg.kind in OF_HISTOGRAMS and isinstance(parent, HistogramAgg | DateHistogramAgg) and parent.min_doc_count:
            raise refusals.illegal(
                f"parent histogram of {agg.kind} aggregation [{name}] must have min_doc_count of 0 at {part.path}"
            )
        if agg.kind == SORT and not isinstance(parent, _MANY_BUCKETS):
            raise refusals.illegal(
                f"{agg.kind} aggregation [{name}] must have terms, a histogram or ranges as parent at {part.path}"
            )
        if agg.kind in SIBLINGS:
            first = aggs.get(agg.path[0])
            if not isinstance(first, BucketAgg) or isinstance(first, _ONE_BUCKET) or len(agg.path) == 1:
                raise _nowhere(agg.path, part)
            _must_lead(first.aggs, agg.path[1:], part)
        if any(path == ("_key",) for path, _ in agg.sort) and isinstance(parent, RangeAgg):
            raise refusals.illegal(f"{agg.kind} aggregation [{name}] cannot sort ranges by [_key] at {part.path}")
        for path in [agg.path] if agg.kind in OF_HISTOGRAMS else [path for path, _ in agg.sort]:
            _must_lead(aggs, path, part)


def _must_lead(aggs: Mapping[str, Agg], path: tuple[str, ...], part: Part) -> None:
    if path[0] not in ("_count", "_key") and path[0] not in aggs:
        raise _nowhere(path, part)


def _nowhere(path: tuple[str, ...], part: Part) -> Exception:
    return refusals.illegal(f"No aggregation found for path [{'>'.join(path)[:100]}] at {part.path}")


def _path(part: Part) -> tuple[str, ...]:
    """The steps of `agg>metric.property`."""
    steps = tuple(step for each in part.text().split(">") for step in each.strip().split("."))
    if not all(steps):
        raise refusals.illegal(f"[{part.key}] is no path: [{part.value[:100]}] at {part.path}")
    return steps


def _percents(part: Part) -> tuple[float, ...]:
    found = tuple(each.number() for each in part.elements())
    if not found or any(not 0 <= each <= 100 for each in found):
        raise refusals.illegal(f"[percents] have to be from 0 to 100, and at least one, at {part.path}")
    return found


_USUAL = ("buckets_path", "gap_policy")
_OPTIONS: Mapping[str, Readers] = {
    "extended_stats_bucket": {"sigma": Part.boost},
    "percentiles_bucket": {"percents": _percents, "keyed": Part.boolean},
    "serial_diff": {"lag": at_least(1)},
}
"""What some of them can say besides."""


def _zeros(part: Part) -> bool:
    return part.choice("skip", "insert_zeros") == "insert_zeros"


def _bucket_sort(part: Part) -> PipelineAgg:
    readers: Readers = {"sort": _sort, "from": at_least(0), "size": at_least(1), "gap_policy": _zeros}
    values = part.options(SORT, readers)
    return PipelineAgg(
        kind=SORT,
        sort=values.get("sort", ()),
        from_=values.get("from", 0),
        size=values.get("size"),
        zeros=values.get("gap_policy", False),
    )


def _sort(part: Part) -> tuple[tuple[tuple[str, ...], bool], ...]:
    keys = []
    for each in part.some():
        if isinstance(each.value, str):
            keys.append((_path(each), False))
            continue
        for name, how in each.entries():
            said = how.options(SORT, {"order": Part.text}) if isinstance(how.value, dict) else {"order": how.text()}
            direction = Part(said.get("order", "asc"), how.path, how.budget, "order").choice("asc", "desc")
            keys.append((_path(Part(name, how.path, how.budget, "sort")), direction == "desc"))
    return tuple(keys)
