"""What makes buckets of the values of a field: terms and ranges."""

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any

import msgspec
from tantivy import Query

from activity_stream.adapters.index_embedded.counting import Counter
from activity_stream.adapters.index_embedded.metrics import as_string, held
from activity_stream.adapters.index_embedded.predicates import Predicates, Value, both, either, nothing
from activity_stream.adapters.index_embedded.schema import Column
from activity_stream.fields import FieldType
from activity_stream.model import SearchLimits
from activity_stream.search import refusals
from activity_stream.search.aggs import RangeAgg, TermsAgg
from activity_stream.search.date_math import bound_ms
from activity_stream.search.dates import format_date
from activity_stream.search.query import Scalar
from activity_stream.search.zones import offset_at, zone

MAX_BUCKETS = SearchLimits().buckets


class Bucket(msgspec.Struct):
    """A bucket: what the answer shows of it, how many documents it has, and how to find them."""

    key: Any
    shown: dict[str, Any]
    count: int
    query: Callable[[], Query]


class Maker:
    """Makes buckets in a snapshot. `visible` finds all documents of the alias; `now_ms` is the `now` of date math."""

    def __init__(self, predicates: Predicates, counter: Counter, visible: Query, now_ms: int, *, scoped: bool) -> None:
        self._predicates = predicates
        self._counter = counter
        self._visible = visible
        self._now_ms = now_ms
        self._scoped = scoped

    def terms(self, query: Query, agg: TermsAgg, column: Column | None) -> list[Bucket]:
        """A bucket for each value, in no order."""
        if agg.min_doc_count == 0 and self._scoped:
            raise refusals.illegal(
                "[min_doc_count] 0 would show values of documents that the caller may not see: it must be at least 1"
            )
        kind = FieldType.KEYWORD if column is None else column.field.type
        counts = {} if column is None else self._counter.by_value(query, column)
        if agg.min_doc_count == 0 and column is not None:
            counts = dict.fromkeys(self._counter.by_value(self._visible, column), 0) | counts
        missing = None if agg.missing is None else self._held(agg.missing, kind, agg.field)
        if missing is not None:
            lacking = self._counter.documents(self._lacking(query, column))
            if lacking or missing in counts or agg.min_doc_count == 0:
                counts[missing] = counts.get(missing, 0) + lacking
        wanted = self._wanted(agg, kind)
        return [
            Bucket(key, _shown(key, kind), count, self._of_value(query, column, key, missing))
            for key, count in counts.items()
            if count >= agg.min_doc_count and wanted(key)
        ]

    def ranges(self, query: Query, agg: RangeAgg, column: Column | None) -> list[Bucket]:
        """A bucket for each range, by where it begins and ends."""
        of_none = FieldType.DATE if agg.dates else FieldType.DOUBLE
        kind = of_none if column is None else column.field.type
        if kind not in (FieldType.LONG, FieldType.DOUBLE, FieldType.DATE):
            raise refusals.wrong_kind("aggregation [range]", agg.field, str(kind))
        missing = self._bound(agg.missing, kind, agg)
        found = []
        for each in agg.ranges:
            low, high = (self._bound(bound, kind, agg) for bound in (each.start, each.end))
            bounded = nothing() if column is None else self._predicates.between(column, low, high, under_high=True)
            if missing is not None and (low is None or missing >= low) and (high is None or missing < high):  # type: ignore[operator]
                bounded = either([bounded, self._lacking(self._visible, column)])
            narrowed = both(query, bounded)
            shown = _range_shown(each.key, low, high, kind, agg)
            place = (-float("inf") if low is None else float(low), float("inf") if high is None else float(high))
            found.append(Bucket(place, shown, self._counter.documents(narrowed), _Given(narrowed)))
        return sorted(found, key=lambda bucket: bucket.key)

    def _of_value(self, query: Query, column: Column | None, key: Value, missing: Value | None) -> "Narrowed":
        parts = [] if column is None else [self._predicates.between(column, key, key)]
        if key == missing:
            parts.append(self._lacking(self._visible, column))
        return Narrowed(query, parts)

    def _lacking(self, query: Query, column: Column | None) -> Query:
        return query if column is None else both(query, self._predicates.lacks(column))

    def _wanted(self, agg: TermsAgg, kind: FieldType) -> Callable[[Value], bool]:
        include = None if agg.include is None else self._all_held(agg.include, kind, agg.field)
        exclude = frozenset() if agg.exclude is None else self._all_held(agg.exclude, kind, agg.field)
        return lambda key: (include is None or key in include) and key not in exclude

    def _all_held(self, values: Sequence[Scalar] | str, kind: FieldType, field: str) -> frozenset[Value]:
        listed = (values,) if isinstance(values, str) else values
        return frozenset(self._held(each, kind, field) for each in listed)

    def _bound(self, value: Scalar | None, kind: FieldType, agg: RangeAgg) -> Value | None:
        if value is None or kind is not FieldType.DATE:
            return None if value is None else self._held(value, FieldType.DOUBLE, agg.field)
        fmt = agg.format if isinstance(value, str) else None
        try:
            return bound_ms(value, self._now_ms, round_up=False, fmt=fmt, time_zone=agg.time_zone)
        except ValueError as problem:
            raise refusals.wrong_value(agg.field, str(problem)) from None

    def _held(self, value: Scalar, kind: FieldType, field: str) -> Value:
        return held(value, kind, field, self._now_ms)


class _Given:
    """A query that is there already."""

    def __init__(self, query: Query) -> None:
        self._query = query

    def __call__(self) -> Query:
        return self._query


class Narrowed:
    """What a query finds of the parts; made only when it is needed."""

    def __init__(self, query: Query, parts: Sequence[Query]) -> None:
        self._query = query
        self._parts = parts

    def __call__(self) -> Query:
        """The query."""
        return both(self._query, either(self._parts))


def _shown(key: Value, kind: FieldType) -> dict[str, Any]:
    text = None if isinstance(key, str) else as_string(key, kind)
    if kind is FieldType.BOOLEAN:
        text = "true" if key else "false"
    return {"key": key} if text is None else {"key": key, "key_as_string": text}


def _range_shown(
    key: str | None, low: Value | None, high: Value | None, kind: FieldType, agg: RangeAgg
) -> dict[str, Any]:
    texts = ["*" if each is None else _bound_text(float(each), kind, agg) for each in (low, high)]
    shown: dict[str, Any] = {"key": "-".join(texts) if key is None else key}
    for name, bound, text in zip(("from", "to"), (low, high), texts, strict=True):
        if bound is not None:
            shown[name] = float(bound)
            if kind is FieldType.DATE:
                shown[f"{name}_as_string"] = text
    return shown


def _bound_text(value: float, kind: FieldType, agg: RangeAgg) -> str:
    """A number as Java writes it; a date in the format and zone that are asked for."""
    if kind is FieldType.DATE:
        place = UTC if agg.time_zone is None else zone(agg.time_zone)
        return format_date(int(value), agg.format, offset_at(place, int(value)))
    return java_number(value)


def java_number(value: float) -> str:
    """A number as Java writes it, which OpenSearch's keys are made of."""
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    exponent = int(f"{value:e}".partition("e")[2])
    digits = repr(value)
    mantissa = digits.partition("e")[0] if "e" in digits else repr(value / 10**exponent)
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{exponent}"
