"""How many documents have which values of a field: exact counts, however many there are."""

from collections.abc import Callable

from tantivy import Query

from activity_stream.adapters.index_embedded.predicates import Predicates, Value, both
from activity_stream.adapters.index_embedded.schema import Column
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.fields import FieldType

NATIVE_BUCKETS = 65_000
"""tantivy's limit."""

_RANGES_AT_ONCE = 1_000


class Counter:
    """Counts in a snapshot."""

    def __init__(self, snapshot: Snapshot, predicates: Predicates) -> None:
        self._snapshot = snapshot
        self._searcher = snapshot.searcher
        self._predicates = predicates

    def documents(self, query: Query) -> int:
        """How many documents a query finds."""
        return self._snapshot.count(query)

    def by_value(self, query: Query, column: Column) -> dict[Value, int]:
        """For each value of the field, how many of the query's documents have it."""
        request = {"of": {"terms": {"field": column.value, "size": NATIVE_BUCKETS, "segment_size": NATIVE_BUCKETS}}}
        found = self._searcher.aggregate(query, request)["of"]
        if not found["sum_other_doc_count"]:
            return {_held(column, bucket["key"]): bucket["doc_count"] for bucket in found["buckets"]}
        if column.field.type is FieldType.KEYWORD:
            return {term: n for term, n in self._searcher.terms_with_prefix(column.value, "", query) if n}
        low, high = self.extremes(query, column)
        middle = (low + high) / 2 if column.field.type is FieldType.DOUBLE else (int(low) + int(high)) // 2
        lower = self.by_value(both(query, self._predicates.between(column, None, middle)), column)
        upper = self.by_value(both(query, self._predicates.between(column, middle, None, over_low=True)), column)
        # A document with values on both sides is counted in both halves, each time with all of its values.
        return {value: n for value, n in lower.items() if float(value) <= middle} | {
            value: n for value, n in upper.items() if float(value) > middle
        }

    def extremes(self, query: Query, column: Column) -> tuple[float, float]:
        """The least and the greatest value of a number. The query's documents must have one."""
        request = {"low": {"min": {"field": column.value}}, "high": {"max": {"field": column.value}}}
        found = self._searcher.aggregate(query, request)
        return found["low"]["value"], found["high"]["value"]

    def by_range(
        self, query: Query, column: Column, start: Callable[[int], float], low: int, high: int
    ) -> dict[int, int]:
        """For each number from `low` to `high`, how many of the query's documents have a value from `start` of it to
        `start` of the next one; where there is none, it is left out."""
        step = -(-(high - low + 1) // _RANGES_AT_ONCE)
        firsts = range(low, high + 1, step)
        ranges = [{"from": float(start(each)), "to": float(start(min(each + step, high + 1)))} for each in firsts]
        asked = [each for each in ranges if each["from"] < each["to"]]
        if not asked:
            return {}
        request = {"of": {"range": {"field": column.value, "ranges": asked}}}
        buckets = self._searcher.aggregate(query, request)["of"]["buckets"]
        counts = {bucket.get("from"): bucket["doc_count"] for bucket in buckets if "to" in bucket and "from" in bucket}
        found: dict[int, int] = {}
        for first, bounds in zip(firsts, ranges, strict=True):
            count = counts.get(bounds["from"], 0) if bounds["from"] < bounds["to"] else 0
            if count and step == 1:
                found[first] = count
            elif count:
                found |= self.by_range(query, column, start, first, min(first + step - 1, high))
        return found


def _held(column: Column, key: Value) -> Value:
    kind = column.field.type
    if kind is FieldType.KEYWORD:
        return str(key)
    return float(key) if kind is FieldType.DOUBLE else int(key)
