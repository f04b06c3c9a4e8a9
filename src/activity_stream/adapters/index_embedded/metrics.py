"""Aggregations that are a figure: min, max, avg, sum, stats, value_count, cardinality."""

from collections import Counter as Occurrences
from typing import Any

import msgspec
from tantivy import Query

from activity_stream.adapters.index_embedded.counting import Counter
from activity_stream.adapters.index_embedded.predicates import Predicates, Value, both
from activity_stream.adapters.index_embedded.reader import ValueReader
from activity_stream.adapters.index_embedded.schema import Column
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.fields import FieldType
from activity_stream.search import percentiles, refusals
from activity_stream.search.aggs import MetricAgg, PercentilesAgg
from activity_stream.search.dates import check_format, format_date
from activity_stream.search.deviation import extended, with_texts
from activity_stream.search.limits import MOST_READ
from activity_stream.search.query import Scalar
from activity_stream.search.spans import span
from activity_stream.search.values import json_text, query_double

_OF_ANY_TYPE = ("value_count", "cardinality")


class Stats(msgspec.Struct, frozen=True):
    """The figures of some values; without any, only count and sum mean something."""

    count: int = 0
    min: float = 0.0
    max: float = 0.0
    sum: float = 0.0
    squares: float = 0.0

    def also(self, value: float, times: int) -> "Stats":
        """Those of the same values and `times` another one."""
        if not times:
            return self
        least = value if not self.count else min(self.min, value)
        greatest = value if not self.count else max(self.max, value)
        squares = self.squares + value * value * times
        return Stats(self.count + times, least, greatest, self.sum + value * times, squares)

    def figure(self, kind: str) -> float | None:
        """One of them; None where there is none."""
        if kind == "sum":
            return self.sum
        if not self.count:
            return None
        return self.sum / self.count if kind == "avg" else float(getattr(self, kind))


class Metrics:
    """Works out figures in a snapshot."""

    def __init__(self, snapshot: Snapshot, predicates: Predicates, counter: Counter, now_ms: int) -> None:
        self._snapshot = snapshot
        self._searcher = snapshot.searcher
        self._predicates = predicates
        self._counter = counter
        self._now_ms = now_ms

    def run(self, query: Query, agg: MetricAgg, column: Column | None) -> dict[str, Any]:
        """The figure of a field's values in what a query finds, as the answer has it."""
        kind = FieldType.DOUBLE if column is None else column.field.type
        if kind is FieldType.KEYWORD and agg.kind not in _OF_ANY_TYPE:
            raise refusals.wrong_kind(f"aggregation [{agg.kind}]", agg.field, str(kind))
        _check_format(agg, kind)
        if agg.kind == "cardinality":
            return {"value": self._cardinality(query, agg, column)}
        missing, lacking = None, 0
        if agg.missing is not None:
            missing = held(agg.missing, kind, agg.field, self._now_ms)
            lacking = self._counter.documents(query if column is None else both(query, self._predicates.lacks(column)))
        if agg.kind == "value_count":
            return {"value": self._count(query, column) + lacking}
        stats = self._stats(query, column, "extended_stats" if agg.kind == "extended_stats" else "stats")
        if missing is not None:
            stats = stats.also(float(missing), lacking)
        return _shown(stats, agg, kind)

    def percentiles(
        self, query: Query, agg: PercentilesAgg, column: Column | None, reader: ValueReader | None
    ) -> dict[str, Any]:
        """Percentiles of a field's values, or their ranks. Without a `reader`, a value that a document has twice counts
        once."""
        kind = FieldType.DOUBLE if column is None else column.field.type
        if kind is FieldType.KEYWORD:
            name = "percentile_ranks" if agg.ranks else "percentiles"
            raise refusals.wrong_kind(f"aggregation [{name}]", agg.field, str(kind))
        counts = {} if column is None else self._occurrences(query, column, reader)
        if agg.missing is not None:
            missing = float(held(agg.missing, kind, agg.field, self._now_ms))
            lacking = self._counter.documents(query if column is None else both(query, self._predicates.lacks(column)))
            counts[missing] = counts.get(missing, 0) + lacking
        found = percentiles.figures(agg, counts)
        texts = [None if value is None else as_string(value, kind, agg.format) for _, value in found]
        return {"values": percentiles.shown(agg, found, texts)}

    def _occurrences(self, query: Query, column: Column, reader: ValueReader | None) -> dict[float, int]:
        """How often there is each value: more often than there are documents with it, where one has it twice; that is
        looked for in few documents only."""
        counts = {float(value): n for value, n in self._counter.by_value(query, column).items()}
        if reader is None or sum(counts.values()) == self._count(query, column):
            return counts
        present = both(query, self._predicates.has(column.present))
        if self._counter.documents(present) > MOST_READ:
            return counts
        addresses = [address for _, address in self._snapshot.every(present)]
        return dict(Occurrences(each for values in reader.numbers(column, addresses, repeated=True) for each in values))

    def _count(self, query: Query, column: Column | None) -> int:
        if column is None:
            return 0
        found = self._searcher.aggregate(query, {"of": {"value_count": {"field": column.value}}})["of"]
        return int(found["value"] or 0)

    def _stats(self, query: Query, column: Column | None, kind: str) -> Stats:
        if column is None:
            return Stats()
        found = self._searcher.aggregate(query, {"of": {kind: {"field": column.value}}})["of"]
        if not found["count"]:
            return Stats()
        squares = float(found.get("sum_of_squares") or 0)
        return Stats(int(found["count"]), float(found["min"]), float(found["max"]), float(found["sum"]), squares)

    def _cardinality(self, query: Query, agg: MetricAgg, column: Column | None) -> int:
        distinct = set() if column is None else set(self._counter.by_value(query, column))
        if agg.missing is not None:
            lacking = query if column is None else both(query, self._predicates.lacks(column))
            if self._counter.documents(lacking):
                kind = FieldType.KEYWORD if column is None else column.field.type
                distinct.add(held(agg.missing, kind, agg.field, self._now_ms))
        return len(distinct)


def held(value: Scalar, kind: FieldType, field: str, now_ms: int) -> Value:
    """A body's value as a column of this type holds it. SearchRefused if it cannot."""
    try:
        found = span(kind, value, now_ms)
    except ValueError as problem:
        raise refusals.wrong_value(field, str(problem)) from None
    # A fraction is no value of a whole number's field, but counts as one where it stands in for a missing one.
    return query_double(value) if found is None else found[0]


def as_string(value: float, kind: FieldType, fmt: str | None = None) -> str | None:
    """A figure as text; None unless it is a date or a boolean."""
    if kind is FieldType.BOOLEAN:
        return json_text(bool(value))
    return format_date(int(value), fmt) if kind is FieldType.DATE else None


def _check_format(agg: MetricAgg, kind: FieldType) -> None:
    if agg.format is None:
        return
    if kind is not FieldType.DATE:
        raise refusals.illegal(
            f"[format] of the aggregation [{agg.kind}] on [{agg.field}]: only dates have formats here"
        )
    try:
        check_format(agg.format)
    except ValueError as problem:
        raise refusals.illegal(str(problem)) from None


def _shown(stats: Stats, agg: MetricAgg, kind: FieldType) -> dict[str, Any]:
    if agg.kind == "extended_stats":
        figures = extended(stats.count, stats.figure("min"), stats.figure("max"), stats.sum, stats.squares, agg.sigma)
        return with_texts(figures, kind, agg.format)
    if agg.kind != "stats":
        value = stats.figure(agg.kind)
        text = None if value is None else as_string(value, kind, agg.format)
        return {"value": value} if text is None else {"value": value, "value_as_string": text}
    names = ("min", "max", "avg", "sum")
    shown: dict[str, Any] = {"count": stats.count, **{name: stats.figure(name) for name in names}}
    if stats.count:
        texts = {f"{name}_as_string": as_string(shown[name], kind, agg.format) for name in names}
        is_boolean = kind is FieldType.BOOLEAN  # OpenSearch shows these of statistics as they are, and not as text
        shown |= {name: text == "true" if is_boolean else text for name, text in texts.items() if text is not None}
    return shown
