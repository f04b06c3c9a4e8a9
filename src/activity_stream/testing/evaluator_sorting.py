"""The order of hits, and where to go on in it.

A field with several values counts with its least one in ascending order, with its greatest one in descending order.
What has no value comes where `missing` says; of numbers and dates such documents have the sort value that OpenSearch
gives them, the outermost number of 64 bits.
"""

import math
from collections.abc import Sequence
from functools import cmp_to_key
from typing import Any

import msgspec

from activity_stream.fields import Field, FieldType
from activity_stream.search import refusals
from activity_stream.search.date_math import bound_ms
from activity_stream.search.geo import how_far
from activity_stream.search.hits import SCRIPT, NestedSort, SortKey
from activity_stream.search.modes import check_mode, check_numeric_type, combined
from activity_stream.search.query import Scalar
from activity_stream.search.resolve import nested_sorted, place_sorted
from activity_stream.search.values import (
    LONG_MAX,
    LONG_MIN,
    json_text,
    query_boolean,
    query_double,
    query_long,
    sort_number,
)
from activity_stream.testing.evaluator_documents import Corpus, Document
from activity_stream.testing.evaluator_queries import Queries, Score
from activity_stream.testing.evaluator_values import STRINGS, order_key

_STRING_TYPES = ("string", "keyword", "text", "wildcard")
_DOUBLE_TYPES = ("double", "float", "half_float", "scaled_float")


class Hit(msgspec.Struct):
    """A document that a query finds."""

    document: Document
    score: float
    sort: tuple[Any, ...] = ()


class Key:
    """One key of a sort, ready to be asked. Raises SearchRefused for a field that cannot be sorted on."""

    def __init__(self, key: SortKey, corpus: Corpus, now_ms: int) -> None:
        self.descending = key.descending
        self._name = key.field
        self._now_ms = now_ms
        self._first_of = None if key.first_of is None else _dates(key.first_of, corpus)
        self._distance = key.distance
        self._field = None if key.field in ("_score", "_doc", SCRIPT) else self._sortable(key, corpus)
        self.type = self._field.type if self._field else _type_of_unmapped(key)
        if key.distance is not None:
            self.type = FieldType.DOUBLE
        self._first = key.missing == "_first"
        self._mode = key.mode or ("max" if key.descending else "min")
        check_mode(key.mode, self.type)
        check_numeric_type(key.numeric_type, key.field, self.type)
        self._nested = None if key.nested is None else _objects(key.nested, corpus, now_ms)
        self._instead = None if key.missing in ("_first", "_last") else self._in_place(key.missing)

    def _sortable(self, key: SortKey, corpus: Corpus) -> Field | None:
        if key.distance is not None:
            field = corpus.mapped(key.distance.field)
            place_sorted(field, key)
            return field
        field = corpus.field(key.field)
        if field is None and key.unmapped_type is None:
            raise refusals.unmapped_sort(key.field)
        if field is not None and field.type is FieldType.TEXT:
            raise refusals.needs_fielddata(key.field)
        if field is not None and field.type is FieldType.GEO_POINT:
            raise refusals.wrong_kind("sorting without using a specific sorting feature", key.field, field.type)
        return field

    def value(self, hit: Hit) -> Any:
        """The hit's sort value: str or None, int or float."""
        if self._name == "_score":
            return hit.score
        if self._name == "_doc":
            return hit.document.written
        if self._first_of is not None:
            dates = (hit.document.values(field) for field in self._first_of)
            return next((float(min(each)) for each in dates if each), None)
        if self._distance is not None:
            far = how_far(self._distance, hit.document.places(self._field) if self._field else ())
            return far if math.isfinite(far) else "Infinity"
        values: Sequence[Scalar] = hit.document.values(self._field) if self._field else ()
        if self._nested is not None:
            path, found_in = self._nested
            objects = [each for each in hit.document.objects(path) if found_in(each) is not None]
            values = [value for each in objects for value in each.values(self._field)] if self._field else ()
        if not values:
            return self._of_missing() if self._instead is None else self._instead
        if self._mode in ("min", "max"):
            found: Any = (max if self._mode == "max" else min)(values, key=order_key)
        else:
            found = combined(self._mode, values, self.type)
        return int(found) if isinstance(found, bool) else found

    def _in_place(self, missing: Scalar) -> Any:
        if self.type in STRINGS:
            return json_text(missing)
        try:
            return sort_number(missing, self.type)
        except ValueError as problem:
            raise refusals.no_number(str(problem)) from None

    def _of_missing(self) -> Any:
        if self._distance is not None:
            return "Infinity"
        if self.type in STRINGS:
            return None
        greatest = self._first == self.descending
        if self.type is FieldType.DOUBLE:
            return "Infinity" if greatest else "-Infinity"
        if self.type is FieldType.BOOLEAN:
            return 2**31 - 1 if greatest else -(2**31)
        return LONG_MAX if greatest else LONG_MIN

    def read(self, value: Scalar | None) -> Any:
        """A value of `search_after`, or for what is missing, as a sort value. Raises SearchRefused."""
        if value is None:
            return None if self._first_of is not None else self._of_missing()
        try:
            return self._read(value)
        except ValueError as problem:
            raise refusals.illegal(f"Failed to parse search_after value for field [{self._name}]: {problem}") from None

    def _read(self, value: Scalar) -> Any:
        if self._name in ("_score", "_doc", SCRIPT):
            return query_double(value)
        if self.type in STRINGS:
            return json_text(value)
        if self.type is FieldType.DATE and isinstance(value, str):
            return bound_ms(value, self._now_ms, round_up=False)
        if self.type is FieldType.BOOLEAN and isinstance(value, bool | str):
            return int(query_boolean(value))
        if self.type is FieldType.DOUBLE:
            return value if value in ("Infinity", "-Infinity") else query_double(value)
        whole = query_long(value)
        return query_double(value) if whole is None else whole

    def compare(self, one: Any, other: Any) -> int:
        """Less than 0 if `one` comes first, greater if `other` does."""
        if one is None or other is None:
            return ((one is None) - (other is None)) * (-1 if self._first else 1)
        left, right = self._order(one), self._order(other)
        if left == right:
            return 0
        return 1 if (left > right) is not self.descending else -1

    def _order(self, value: Any) -> Any:
        return float(value) if value in ("Infinity", "-Infinity") and self.type not in STRINGS else order_key(value)


def _objects(nested: NestedSort, corpus: Corpus, now_ms: int) -> tuple[Field, Score]:
    field = corpus.mapped(nested.path)
    nested_sorted(field, nested)
    assert field is not None, nested  # noqa: S101 - or it was refused
    return field, Queries(corpus.objects(field), now_ms).score(nested.filter)


def _dates(names: Sequence[str], corpus: Corpus) -> list[Field]:
    found = [field for name in names if (field := corpus.field(name)) is not None]
    for field in found:
        if field.type is not FieldType.DATE:
            raise refusals.wrong_kind("a script that reads a date", field.name, field.type)
    if not found:
        raise refusals.no_field_of_script(names[0])
    return found


def _type_of_unmapped(key: SortKey) -> FieldType:
    if key.unmapped_type in _STRING_TYPES:
        return FieldType.KEYWORD
    if key.unmapped_type in _DOUBLE_TYPES:
        return FieldType.DOUBLE
    return FieldType.DATE if key.unmapped_type == "date" else FieldType.LONG


class Sorting:
    """A whole sort. Without keys: best score first. What is equal stays in the order in which it comes, of writing."""

    def __init__(self, keys: Sequence[SortKey], corpus: Corpus, now_ms: int) -> None:
        self._keys = [Key(key, corpus, now_ms) for key in keys]

    def page(self, hits: Sequence[Hit], after: Sequence[Scalar | None] | None) -> list[Hit]:
        """The hits in order, with their sort values; only those after these values, if there are any."""
        if not self._keys:
            return sorted(hits, key=lambda hit: -hit.score)
        for hit in hits:
            hit.sort = tuple(key.value(hit) for key in self._keys)
        found = sorted(hits, key=cmp_to_key(self._compare_hits))
        if after is None:
            return found
        start = [key.read(value) for key, value in zip(self._keys, after, strict=True)]
        return [hit for hit in found if self._compare(hit.sort, start) > 0]

    def _compare_hits(self, one: Hit, other: Hit) -> int:
        return self._compare(one.sort, other.sort)

    def _compare(self, one: Sequence[Any], other: Sequence[Any]) -> int:
        compared = (key.compare(left, right) for key, left, right in zip(self._keys, one, other, strict=True))
        return next((result for result in compared if result), 0)
