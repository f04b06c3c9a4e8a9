"""Aggregations that make buckets from the values of a field."""

from collections.abc import Callable, Mapping
from typing import Any

from activity_stream.search import refusals
from activity_stream.search.aggs import (
    AutoDateHistogramAgg,
    BucketAgg,
    DateHistogramAgg,
    GlobalAgg,
    HistogramAgg,
    MissingAgg,
    RangeAgg,
    RangeBucket,
    TermsAgg,
)
from activity_stream.search.auto_intervals import MOST_WANTED, UNITS
from activity_stream.search.dates import check_format
from activity_stream.search.durations import milliseconds
from activity_stream.search.part import Part, Readers, at_least, only_if
from activity_stream.search.query import Scalar
from activity_stream.search.zones import zone

_UTC = ("UTC", "Z", "+00:00", "Etc/UTC")
_CALENDAR = {
    "1m": "minute", "1h": "hour", "1d": "day", "1w": "week", "1M": "month", "1q": "quarter", "1y": "year",
}  # fmt: skip


def bucket_order(part: Part) -> tuple[tuple[str, bool], ...]:
    """What buckets are ordered by."""
    pairs = []
    for each in part.some():
        for what, direction in each.entries():
            if what in ("_term", "_time"):
                raise each.refused(f"[order] by [{what}]: use [_key]")
            pairs.append((what, direction.choice("asc", "desc") == "desc"))
    if not pairs:
        raise part.refused("[order] needs at least one key")
    return tuple(pairs)


def bucket_size(part: Part) -> int:
    """How many buckets there may be."""
    number = part.integer()
    limit = part.budget.limits.buckets
    if number < 1:
        raise refusals.illegal(f"[size] must be greater than 0. Found [{number}] at {part.path}")
    if number > limit:
        raise refusals.illegal(f"[size] must be at most {limit}. Found [{number}] at {part.path}")
    return number


def value_list(part: Part) -> tuple[Scalar, ...]:
    """Values to be taken in, or left out."""
    if not isinstance(part.value, list):
        raise part.refused(f"[{part.key}] can only be a list of values: {refusals.NOT_YET} (patterns and partitions);")
    return tuple(each.scalar() for each in part.elements())


def date_format(part: Part) -> str:
    """A format of dates that can be written."""
    try:
        check_format(part.text())
    except ValueError as problem:
        raise refusals.illegal(f"{problem} at {part.path}") from None
    return part.text()


def of_field(values: dict[str, Any], part: Part) -> dict[str, Any]:
    """The options, among which there has to be the field."""
    if "field" not in values:
        raise part.refused("Required one of fields [field, script], but none were specified")
    return values


_TERMS: Readers = {
    "field": Part.field,
    "size": bucket_size,
    "min_doc_count": at_least(0),
    "order": bucket_order,
    "include": value_list,
    "exclude": value_list,
    "missing": Part.scalar,
}
# How shards share the work, which does not show in an exact answer.
_TERMS_IGNORED: Readers = {
    "shard_size": Part.integer,
    "shard_min_doc_count": only_if(0),
    "collect_mode": Part.text,
    "execution_hint": Part.text,
    "show_term_doc_count_error": only_if(False),
}


def _terms(part: Part) -> BucketAgg:
    return TermsAgg(**of_field(part.options("terms", _TERMS, _TERMS_IGNORED), part))


def _milliseconds(part: Part) -> int:
    """An interval, or an offset, with its sign."""
    try:
        return milliseconds(part.text())
    except ValueError as problem:
        raise refusals.illegal(
            f"failed to parse [{part.key}] with value [{part.value[:100]}] at {part.path}: {problem}"
        ) from None


def _fixed(part: Part) -> int:
    length = _milliseconds(part)
    if length < 1:
        raise refusals.illegal(f"Zero or negative time interval not supported at {part.path}")
    return length


def _calendar(part: Part) -> str:
    unit = _CALENDAR.get(part.text(), part.text())
    if unit not in _CALENDAR.values():
        raise refusals.illegal(
            f"The supplied interval [{part.text()[:100]}] at {part.path} could not be parsed as a calendar interval: "
            f"it is one of {', '.join(_CALENDAR.values())}, {', '.join(_CALENDAR)}"
        )
    return unit


def _time_zone(part: Part) -> str | None:
    if part.text() in _UTC:
        return None
    try:
        zone(part.text())
    except ValueError as problem:
        raise refusals.illegal(f"{problem} at {part.path}") from None
    return part.text()


def _bounds(part: Part) -> tuple[Scalar, Scalar]:
    values = part.options("extended_bounds", {"min": Part.scalar, "max": Part.scalar})
    if len(values) != 2:
        raise part.refused("[extended_bounds] needs [min] and [max]")
    return values["min"], values["max"]


DATE_INTERVALS: Readers = {
    "fixed_interval": _fixed,
    "calendar_interval": _calendar,
    "offset": _milliseconds,
    "time_zone": _time_zone,
}
"""Which intervals of time there are."""

_DATE_HISTOGRAM: Readers = {
    **DATE_INTERVALS,
    "field": Part.field,
    "min_doc_count": at_least(0),
    "format": date_format,
    "keyed": Part.boolean,
    "order": bucket_order,
    "missing": Part.scalar,
    "extended_bounds": _bounds,
}


def _auto_date_histogram(part: Part) -> BucketAgg:
    readers: Readers = {
        "field": Part.field,
        "buckets": _wanted,
        "minimum_interval": lambda each: each.choice(*(unit.name for unit in UNITS)),
        "format": date_format,
        "time_zone": _time_zone,
        "missing": Part.scalar,
    }
    values = of_field(part.options("auto_date_histogram", readers), part)
    return AutoDateHistogramAgg(
        **{{"minimum_interval": "minimum"}.get(name, name): each for name, each in values.items()}
    )


def _wanted(part: Part) -> int:
    number = part.integer()
    if not 1 <= number <= MOST_WANTED:
        raise refusals.illegal(f"[buckets] must be from 1 to {MOST_WANTED}. Found [{number}] at {part.path}")
    return number


def _date_histogram(part: Part) -> BucketAgg:
    return date_histogram(part, of_field(part.options("date_histogram", _DATE_HISTOGRAM), part))


def date_histogram(part: Part, values: Mapping[str, Any]) -> DateHistogramAgg:
    """The aggregation with these options, one of which has to say how long an interval is."""
    if ("fixed_interval" in values) == ("calendar_interval" in values):
        raise part.refused("[date_histogram] needs one of [fixed_interval] and [calendar_interval]")
    return DateHistogramAgg(**values)


def _bucket(part: Part) -> RangeBucket:
    values = part.options("range", {"from": Part.maybe_scalar, "to": Part.maybe_scalar, "key": Part.text})
    return RangeBucket(start=values.get("from"), end=values.get("to"), key=values.get("key"))


def _ranges(part: Part) -> tuple[RangeBucket, ...]:
    buckets = tuple(_bucket(each) for each in part.elements())
    if not buckets:
        raise part.refused("No [ranges] specified")
    if len(buckets) > part.budget.limits.clauses:
        raise refusals.illegal(f"At most {part.budget.limits.clauses} ranges are allowed at {part.path}")
    return buckets


_RANGE: Readers = {"field": Part.field, "ranges": _ranges, "keyed": Part.boolean, "missing": Part.scalar}


def _range(part: Part) -> BucketAgg:
    return RangeAgg(**_with_ranges(part.options("range", {**_RANGE, "format": date_format}), part))


def _date_range(part: Part) -> BucketAgg:
    readers: Readers = {**_RANGE, "format": date_format, "time_zone": _time_zone}
    return RangeAgg(dates=True, **_with_ranges(part.options("date_range", readers), part))


def _with_ranges(values: dict[str, Any], part: Part) -> dict[str, Any]:
    if "ranges" not in of_field(values, part):
        raise part.refused("No [ranges] specified")
    return values


def histogram_interval(part: Part) -> float:
    """How far the buckets of numbers are from each other."""
    number = part.number()
    if number <= 0:
        raise refusals.illegal(f"[interval] must be >0 for histogram aggregation, found [{number}] at {part.path}")
    return number


def _number_bounds(part: Part) -> tuple[float, float]:
    values = part.options("extended_bounds", {"min": Part.number, "max": Part.number})
    if len(values) != 2 or values["min"] > values["max"]:
        raise part.refused("[extended_bounds] needs [min] and [max], which is not less,")
    return values["min"], values["max"]


def _histogram(part: Part) -> BucketAgg:
    readers: Readers = {
        "field": Part.field,
        "interval": histogram_interval,
        "offset": Part.number,
        "min_doc_count": at_least(0),
        "keyed": Part.boolean,
        "order": bucket_order,
        "missing": Part.scalar,
        "extended_bounds": _number_bounds,
    }
    values = of_field(part.options("histogram", readers), part)
    if "interval" not in values:
        raise refusals.illegal(f"[interval] must be >0 for histogram aggregation, there is none at {part.path}")
    return HistogramAgg(**values)


def _missing(part: Part) -> BucketAgg:
    values = of_field(part.options("missing", {"field": Part.field, "missing": Part.scalar}), part)
    return MissingAgg(field=values["field"], instead=values.get("missing"))


def _global(part: Part) -> BucketAgg:
    part.options("global", {})
    return GlobalAgg()


BUCKETS: Mapping[str, Callable[[Part], BucketAgg]] = {
    "terms": _terms,
    "auto_date_histogram": _auto_date_histogram,
    "date_histogram": _date_histogram,
    "date_range": _date_range,
    "global": _global,
    "histogram": _histogram,
    "missing": _missing,
    "range": _range,
}
"""The readers of these aggregations by name."""
