"""Aggregations of several fields together, of rare and of significant values, and of nested objects: from a part of a
body to nodes of the tree."""

from collections.abc import Callable, Mapping

from activity_stream.search import refusals
from activity_stream.search.aggs import (
    BucketAgg,
    CompositeAgg,
    CompositeSource,
    DateHistogramAgg,
    HistogramAgg,
    MultiTermsAgg,
    NestedAgg,
    RareTermsAgg,
    ReverseNestedAgg,
    SignificantTermsAgg,
    TermsAgg,
)
from activity_stream.search.parse_buckets import (
    DATE_INTERVALS,
    bucket_order,
    bucket_size,
    date_format,
    date_histogram,
    histogram_interval,
    of_field,
    value_list,
)
from activity_stream.search.parse_queries import query
from activity_stream.search.part import Part, Readers, at_least, only_if
from activity_stream.search.query import Scalar
from activity_stream.search.significance import HEURISTICS, OF_TABLES, WITH_NEGATIVES

MOST_RARE = 100
"""Documents that may have a rare value, as in OpenSearch."""

_IN_SHARDS: Readers = {
    "shard_size": Part.integer,
    "shard_min_doc_count": only_if(0),
    "execution_hint": Part.text,
    "collect_mode": Part.text,
    "show_term_doc_count_error": only_if(False),
}
_OF_A_SOURCE: Readers = {
    "field": Part.field,
    "order": lambda part: part.choice("asc", "desc") == "desc",
    "missing_bucket": Part.boolean,
    "missing_order": lambda part: {"first": True, "last": False}.get(part.choice("first", "last", "default")),
}


def _composite(part: Part) -> BucketAgg:
    readers: Readers = {"sources": _sources, "size": bucket_size, "after": _after}
    values = part.options("composite", readers)
    sources: tuple[CompositeSource, ...] = values.get("sources", ())
    if not sources:
        raise part.refused("[composite] needs at least one of [sources]")
    if len({each.name for each in sources}) < len(sources):
        raise part.refused("[composite] has two sources of one name")
    after = values.pop("after", None)
    if after is not None:
        after = tuple(_behind(after, source, part) for source in sources)
    return CompositeAgg(**values, after=after)


def _sources(part: Part) -> tuple[CompositeSource, ...]:
    return tuple(_source(*each.only("composite")) for each in part.some())


def _source(name: str, part: Part) -> CompositeSource:
    kind, inner = part.only("composite")
    own = {"terms": _terms_source, "histogram": _histogram_source, "date_histogram": _dates_source}.get(kind)
    if own is None:
        raise part.refused(
            f"[composite] has sources of the types terms, histogram and date_histogram, not [{kind[:100]}],"
        )
    return own(name, inner)


def _terms_source(name: str, part: Part) -> CompositeSource:
    values = of_field(part.options("terms", _OF_A_SOURCE, {"value_type": Part.text}), part)
    return _made(name, TermsAgg(field=values.pop("field")), values)


def _histogram_source(name: str, part: Part) -> CompositeSource:
    values = of_field(part.options("histogram", {**_OF_A_SOURCE, "interval": histogram_interval}), part)
    if "interval" not in values:
        raise part.refused("[histogram] needs [interval]")
    return _made(
        name, HistogramAgg(field=values.pop("field"), interval=values.pop("interval"), min_doc_count=1), values
    )


def _dates_source(name: str, part: Part) -> CompositeSource:
    values = of_field(part.options("date_histogram", {**_OF_A_SOURCE, **DATE_INTERVALS, "format": date_format}), part)
    own = {key: values.pop(key) for key in ("field", "format", *DATE_INTERVALS) if key in values}
    return _made(name, date_histogram(part, {**own, "min_doc_count": 1}), values)


def _made(name: str, of: TermsAgg | HistogramAgg | DateHistogramAgg, values: Mapping[str, bool]) -> CompositeSource:
    missing_first = values.get("missing_order")
    return CompositeSource(
        name=name,
        of=of,
        descending=values.get("order", False),
        missing=values.get("missing_bucket", False),
        missing_first=missing_first,
    )


def _after(part: Part) -> Mapping[str, Scalar | None]:
    return {name: each.maybe_scalar() for name, each in part.entries()}


def _behind(after: Mapping[str, Scalar | None], source: CompositeSource, part: Part) -> Scalar | None:
    if source.name not in after:
        raise refusals.illegal(f"Missing value for [after.{source.name[:100]}] at {part.path}")
    value = after[source.name]
    if value is None and not source.missing:
        raise refusals.illegal(
            f"Invalid value for [after.{source.name[:100]}], expected comparable, got [null] at {part.path}"
        )
    return value


def _multi_terms(part: Part) -> BucketAgg:
    readers: Readers = {
        "terms": _several,
        "size": bucket_size,
        "min_doc_count": at_least(0),
        "order": bucket_order,
    }
    values = part.options("multi_terms", readers, _IN_SHARDS)
    if len(values.get("terms", ())) < 2:
        raise part.refused("[multi_terms] needs at least two fields in [terms]")
    return MultiTermsAgg(**values)


def _several(part: Part) -> tuple[TermsAgg, ...]:
    readers: Readers = {"field": Part.field, "missing": Part.scalar}
    return tuple(TermsAgg(**of_field(each.options("terms", readers), each)) for each in part.elements())


_OF_VALUES: Readers = {
    "field": Part.field,
    "include": value_list,
    "exclude": value_list,
    "missing": Part.scalar,
}


def _rare_terms(part: Part) -> BucketAgg:
    readers: Readers = {**_OF_VALUES, "max_doc_count": _rarely}
    values = of_field(part.options("rare_terms", readers, {"precision": Part.number}), part)
    most = values.pop("max_doc_count", 1)
    return RareTermsAgg(of=TermsAgg(**values, order=(("_count", False), ("_key", False))), most=most)


def _rarely(part: Part) -> int:
    number = part.integer()
    if not 1 <= number <= MOST_RARE:
        raise refusals.illegal(f"[max_doc_count] must be from 1 to {MOST_RARE}. Found [{number}] at {part.path}")
    return number


def _significant_terms(part: Part) -> BucketAgg:
    readers: Readers = {
        **_OF_VALUES,
        "size": bucket_size,
        "min_doc_count": at_least(1),
        "background_filter": query,
        **dict.fromkeys(HEURISTICS, _heuristic),
    }
    values = of_field(part.options("significant_terms", readers, _IN_SHARDS), part)
    heuristics = {name: values.pop(name) for name in HEURISTICS if name in values}
    if len(heuristics) > 1:
        raise part.refused("[significant_terms] can only have one heuristic")
    if "missing" in values:
        raise part.refused("[significant_terms] does not support [missing]")
    heuristic = next(iter(heuristics), "jlh")
    return SignificantTermsAgg(
        background=values.pop("background_filter", None),
        heuristic=heuristic,
        **heuristics.get(heuristic, {}),
        of=TermsAgg(**{"min_doc_count": 3, **values}),
    )


def _heuristic(part: Part) -> dict[str, bool]:
    readers: Readers = {"background_is_superset": Part.boolean} if part.key in OF_TABLES else {}
    if part.key in WITH_NEGATIVES:
        readers = {**readers, "include_negatives": Part.boolean}
    values = part.options(part.key, readers)
    names = {"background_is_superset": "superset", "include_negatives": "negatives"}
    return {names[name]: value for name, value in values.items()}


def _nested(part: Part) -> BucketAgg:
    values = part.options("nested", {"path": Part.text})
    if "path" not in values:
        raise part.refused("Missing [path] field for nested aggregation")
    return NestedAgg(path=values["path"])


def _reverse_nested(part: Part) -> BucketAgg:
    part.options("reverse_nested", {}, {"path": only_if(None)})
    return ReverseNestedAgg()


COMBINED: Mapping[str, Callable[[Part], BucketAgg]] = {
    "composite": _composite,
    "multi_terms": _multi_terms,
    "nested": _nested,
    "rare_terms": _rare_terms,
    "reverse_nested": _reverse_nested,
    "significant_terms": _significant_terms,
}
"""The readers of these aggregations by name."""
