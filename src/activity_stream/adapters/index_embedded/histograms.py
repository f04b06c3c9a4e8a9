"""Buckets of intervals, of dates and of numbers."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from tantivy import Query

from activity_stream.adapters.index_embedded.buckets import MAX_BUCKETS, Bucket, Narrowed
from activity_stream.adapters.index_embedded.counting import Counter
from activity_stream.adapters.index_embedded.intervals import Intervals, Numbering, Steps
from activity_stream.adapters.index_embedded.metrics import as_string, held
from activity_stream.adapters.index_embedded.predicates import Predicates, both, nothing
from activity_stream.adapters.index_embedded.schema import Column
from activity_stream.fields import FieldType
from activity_stream.search import refusals
from activity_stream.search.aggs import AutoDateHistogramAgg, DateHistogramAgg, HistogramAgg
from activity_stream.search.auto_intervals import UNITS, chosen, of_unit, without_any
from activity_stream.search.date_math import bound_ms
from activity_stream.search.dates import format_date
from activity_stream.search.query import Scalar
from activity_stream.search.zones import offset_at

Histogram = HistogramAgg | DateHistogramAgg


class Histograms:
    """Makes them in a snapshot. `visible` finds all documents of the alias; `now_ms` is the `now` of date math."""

    def __init__(self, predicates: Predicates, counter: Counter, visible: Query, now_ms: int) -> None:
        self._predicates = predicates
        self._counter = counter
        self._visible = visible
        self._now_ms = now_ms

    def buckets(self, query: Query, agg: Histogram, column: Column | None) -> list[Bucket]:
        """A bucket for each interval, in order; with the empty ones in between if those are wanted."""
        _check(agg, column)
        intervals: Numbering = Intervals(agg) if isinstance(agg, DateHistogramAgg) else Steps(agg)
        counts = {} if column is None else self._counts(query, agg, intervals, column)
        missing = None
        if agg.missing is not None:
            missing = intervals.number(self.value(agg.missing, agg))
            lacking = self._counter.documents(self._lacking(query, column))
            if lacking:
                counts[missing] = counts.get(missing, 0) + lacking
        if agg.min_doc_count == 0:
            counts = self._filled(counts, agg, intervals)
        return [
            self._bucket(query, agg, intervals, column, number, counts[number], with_missing=number == missing)
            for number in sorted(counts)
            if counts[number] >= agg.min_doc_count
        ]

    def auto(self, query: Query, agg: AutoDateHistogramAgg, column: Column | None) -> tuple[str, list[Bucket]]:
        """What an interval is called that makes about as many buckets as are wanted, and these."""
        as_usual = of_unit(agg, UNITS[-1])
        _check(as_usual, column)
        ends: list[float] = []
        present = nothing() if column is None else both(query, self._predicates.has(column.present))
        if column is not None and self._counter.documents(present):
            ends += self._counter.extremes(present, column)
        missing = None if agg.missing is None else int(self.value(agg.missing, as_usual))
        if missing is not None and self._counter.documents(self._lacking(query, column)):
            ends.append(missing)
        if not ends:
            return without_any(agg), []
        low, high = int(min(ends)), int(max(ends))
        clock = _Clock(lambda of: self._occupied(present, of, column, missing if missing in ends else None))
        found = chosen(agg, low, high, clock)
        made = []
        for start, end in zip(found.starts, found.starts[1:], strict=False):
            parts = [] if column is None else [self._predicates.between(column, start, end, under_high=True)]
            if missing is not None and start <= missing < end:
                parts.append(self._lacking(self._visible, column))
            narrowed = Narrowed(query, parts)
            shown = _shown(start, as_usual, Intervals(as_usual), column)
            made.append(Bucket(start, shown, self._counter.documents(narrowed()), narrowed))
        return found.name, made

    def _occupied(self, present: Query, of: DateHistogramAgg, column: Column | None, missing: int | None) -> int:
        intervals = Intervals(of)
        numbers = set() if column is None else set(self._counts(present, of, intervals, column))
        return len(numbers | (set() if missing is None else {intervals.number(missing)}))

    def _counts(self, query: Query, agg: Histogram, intervals: Numbering, column: Column) -> dict[int, int]:
        present = both(query, self._predicates.has(column.present))
        if not self._counter.documents(present):
            return {}
        low, high = (intervals.number(each) for each in self._counter.extremes(present, column))
        if agg.min_doc_count == 0 and high - low >= MAX_BUCKETS:
            raise refusals.too_many_buckets(MAX_BUCKETS)
        start = intervals.start if column.field.type is FieldType.DOUBLE else _whole(intervals)
        return self._counter.by_range(present, column, start, low, high)

    def _filled(self, counts: dict[int, int], agg: Histogram, intervals: Numbering) -> dict[int, int]:
        """The counts with zeros between the first and the last, and between the bounds that are asked for."""
        ends = list(counts)
        if agg.extended_bounds is not None:
            bounds = [self.value(each, agg) for each in agg.extended_bounds]
            if bounds[0] > bounds[1]:
                raise refusals.illegal("[extended_bounds.min] cannot be greater than [extended_bounds.max]")
            ends += [intervals.number(each) for each in bounds]
        if not ends:
            return counts
        if max(ends) - min(ends) >= MAX_BUCKETS:
            raise refusals.too_many_buckets(MAX_BUCKETS)
        return {number: counts.get(number, 0) for number in range(min(ends), max(ends) + 1)}

    def value(self, given: Scalar, agg: Histogram) -> float:
        """A value of the body, as the field would hold it."""
        if isinstance(agg, HistogramAgg):
            return float(held(given, FieldType.DOUBLE, agg.field, self._now_ms))
        fmt = agg.format if isinstance(given, str) else None
        try:
            return bound_ms(given, self._now_ms, round_up=False, fmt=fmt, time_zone=agg.time_zone)
        except ValueError as problem:
            raise refusals.wrong_value(agg.field, str(problem)) from None

    def _bucket(
        self, query: Query, agg: Histogram, intervals: Numbering, column: Column | None, number: int, count: int, *,
        with_missing: bool,
    ) -> Bucket:  # fmt: skip
        start, end = intervals.start(number), intervals.start(number + 1)
        parts = [] if column is None else [self._predicates.between(column, start, end, under_high=True)]
        if with_missing:
            parts.append(self._lacking(self._visible, column))
        return Bucket(start, _shown(start, agg, intervals, column), count, Narrowed(query, parts))

    def _lacking(self, query: Query, column: Column | None) -> Query:
        return query if column is None else both(query, self._predicates.lacks(column))


class _Clock:
    """Where intervals begin, and how many of them have documents, as `occupied` says."""

    def __init__(self, occupied: Callable[[DateHistogramAgg], int]) -> None:
        self.occupied = occupied

    def start_of(self, of: DateHistogramAgg, ms: int) -> int:
        """The first moment of the interval that a moment is in."""
        intervals = Intervals(of)
        return intervals.start(intervals.number(ms))

    def after(self, of: DateHistogramAgg, start: int) -> int:
        """The first moment of the next interval."""
        intervals = Intervals(of)
        return intervals.start(intervals.number(start) + 1)


def _whole(intervals: Numbering) -> Callable[[int], int]:
    """The least whole number of an interval: columns of such compare with no others."""
    return lambda number: math.ceil(intervals.start(number))


def _check(agg: Histogram, column: Column | None) -> None:
    """Raises SearchRefused for a field of a type that has no such histogram."""
    if column is None:
        return
    kinds: Sequence[FieldType] = (FieldType.DATE,)
    if isinstance(agg, HistogramAgg):
        kinds = (FieldType.DATE, FieldType.LONG, FieldType.DOUBLE, FieldType.BOOLEAN)
    if column.field.type not in kinds:
        name = "histogram" if isinstance(agg, HistogramAgg) else "date_histogram"
        raise refusals.wrong_kind(f"aggregation [{name}]", agg.field, str(column.field.type))


def _shown(start: float, agg: Histogram, intervals: Numbering, column: Column | None) -> dict[str, Any]:
    if isinstance(agg, DateHistogramAgg) and isinstance(intervals, Intervals):
        return {
            "key_as_string": format_date(int(start), agg.format, offset_at(intervals.zone, int(start))),
            "key": start,
        }
    text = None if column is None else as_string(start, column.field.type)
    return {"key": float(start)} if text is None else {"key_as_string": text, "key": float(start)}
