"""The keys that a search is sorted by, as conditions and columns of the index.

Ascending, a document's least value counts, descending its greatest; columns hold values sorted, so that the first is
the least, and the greatest has a column of its own.
"""

import math
from collections.abc import Sequence

import msgspec
from tantivy import Query

from activity_stream.adapters.index_embedded import first_of
from activity_stream.adapters.index_embedded.predicates import (
    GREATEST,
    LEAST,
    Predicates,
    Value,
    both,
    either,
    nothing,
    unscored,
    without,
)
from activity_stream.adapters.index_embedded.schema import Column
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.adapters.index_embedded.translate import Translator
from activity_stream.fields import FieldType
from activity_stream.model import Alias
from activity_stream.search import refusals
from activity_stream.search.date_math import bound_ms
from activity_stream.search.hits import GEO_DISTANCE, NestedSort, SortKey
from activity_stream.search.modes import OF_NUMBERS, check_mode, check_numeric_type
from activity_stream.search.query import Distance, Scalar
from activity_stream.search.resolve import nested_sorted, place_sorted
from activity_stream.search.values import json_text, query_boolean, query_double, query_long, sort_number

FIELD, SCORE, DOC, NONE, FIRST_OF = "field", "score", "doc", "none", "first of"
DISTANCE, COMBINED = "distance", "combined"
FOR_EACH = (SCORE, DISTANCE, COMBINED)
"""Keys whose values are in no column: each hit is looked at."""

_STRING_TYPES = ("string", "keyword", "text", "wildcard")
_DOUBLE_TYPES = ("double", "float", "half_float", "scaled_float")


class Order(msgspec.Struct, frozen=True):
    """One key. `kind` NONE is a field that no document has; `column` is there for FIELD and DISTANCE only, `columns`
    for FIRST_OF, `distance` for DISTANCE.

    `substitute` is the sort value of documents without one, None only for strings: where those come, `first` says.
    `native`: tantivy puts documents without a value where they belong, at the end. Of several values the `greatest`
    counts, or the least. `of_script`: it shows as a number with a point, as what a script returns. Of kind COMBINED
    it is what `mode` makes of the values, or of those of `objects`, nested ones.
    """

    kind: str
    descending: bool = False
    column: Column | None = None
    first: bool = False
    native: bool = False
    substitute: Value | None = None
    greatest: bool = False
    of_script: bool = False
    mode: str = "min"
    objects: Query | None = None
    columns: tuple[Column, ...] = ()
    distance: Distance | None = None

    @property
    def name(self) -> str:
        """The internal name of the column to order by."""
        column = self.of
        return (column.high or column.value) if self.greatest else column.value

    @property
    def of(self) -> Column:
        """The column of a key that is a field."""
        if self.column is None:
            raise ValueError(f"a key of kind {self.kind} has no column")
        return self.column

    def value(self, found: Value | None) -> Value | None:
        """The sort value of what the column to order by holds."""
        if found is None:
            return self.substitute
        if self.of_script:
            return float(found)
        if self.greatest and self.of.high is not None and self.of.field.type is FieldType.KEYWORD:
            return bytes.fromhex(str(found)).decode("utf-8", "surrogatepass")
        return found

    def precedes(self, one: Value | None, other: Value | None) -> bool:
        """Whether a sort value comes before another."""
        if one is None or other is None:
            return one is not other and (one is None) is self.first
        return bool(one > other if self.descending else one < other)  # type: ignore[operator]


IN_ORDER_OF_WRITING = Order(DOC)
"""The key that decides between documents that all others leave equal."""


def orders(keys: Sequence[SortKey], snapshot: Snapshot, alias: Alias, translator: Translator) -> list[Order]:
    """What the keys of a body mean for an alias. Raises SearchRefused for a field that cannot be sorted by."""
    return [_order(key, snapshot, alias, translator) for key in keys]


def after(
    given: Sequence[Scalar | None], keys: Sequence[SortKey], made: Sequence[Order], now_ms: int
) -> list[Value | None]:
    """The sort values to go on after, as columns hold them. Raises SearchRefused for one its field cannot hold."""
    return [
        _after(value, order, _type_of_unmapped(key) if order.column is None else order.of.field.type, key.field, now_ms)
        for value, key, order in zip(given, keys, made, strict=True)
    ]


def shown(value: Value | None) -> Value | None:
    """A sort value as the answer has it: JSON has no infinite numbers."""
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def equal(order: Order, value: Value | None, predicates: Predicates) -> Query:
    """The documents whose sort value this is. Not for the score."""
    if order.kind == NONE:
        return Query.all_query() if value == order.substitute else nothing()
    if order.kind == FIRST_OF:
        return first_of.equal(order.columns, value, predicates)
    column = order.of
    if value is None:
        return predicates.lacks(column)
    if order.greatest:
        found = predicates.between(column, value, value, greatest=True)
    else:
        lower = predicates.between(column, None, value, under_high=True)
        found = without(predicates.between(column, value, value), lower)
    return either([found, predicates.lacks(column)]) if value == order.substitute else found


def beyond(order: Order, value: Value | None, predicates: Predicates) -> Query:
    """The documents whose sort value comes after this one. Not for the score, nor for the order of writing."""
    if order.kind == NONE:
        return Query.all_query() if order.precedes(value, order.substitute) else nothing()
    if order.kind == FIRST_OF:
        return first_of.beyond(order.columns, value, predicates, descending=order.descending)
    column = order.of
    found = predicates.has(column.present) if value is None else present_beyond(order, value, predicates)
    parts = [found] if value is not None or order.first else []
    if order.precedes(value, order.substitute):
        parts.append(predicates.lacks(column))
    return either(parts)


def present_beyond(order: Order, value: Value, predicates: Predicates) -> Query:
    """The documents with a value, whose sort value comes after this one."""
    column = order.of
    if order.descending:
        return predicates.between(column, None, value, under_high=True, greatest=order.greatest)
    return _over(order, value, predicates)


def present_before(order: Order, value: Value, predicates: Predicates) -> Query:
    """The documents with a value, whose sort value comes before this one."""
    column = order.of
    if order.descending:
        return _over(order, value, predicates)
    under = predicates.between(column, None, value, under_high=True, greatest=order.greatest)
    return both(predicates.has(column.present), under)


def _over(order: Order, value: Value, predicates: Predicates) -> Query:
    """The documents whose value is greater."""
    column = order.of
    if order.greatest:
        return predicates.between(column, value, None, over_low=True, greatest=True)
    return without(predicates.has(column.present), predicates.between(column, None, value))


def _order(key: SortKey, snapshot: Snapshot, alias: Alias, translator: Translator) -> Order:
    if key.field in ("_score", "_doc"):
        return Order(SCORE if key.field == "_score" else DOC, key.descending)
    if key.first_of is not None:
        return Order(FIRST_OF, key.descending, columns=_dates(key.first_of, snapshot, alias))
    if key.distance is not None:
        return _by_distance(key, key.distance, snapshot, alias, translator.within)
    column = snapshot.schema.column(alias, key.field)
    if column is None and key.unmapped_type is None:
        raise refusals.unmapped_sort(key.field)
    kind = _type_of_unmapped(key) if column is None else column.field.type
    if kind is FieldType.TEXT:
        raise refusals.needs_fielddata(key.field)
    if kind is FieldType.GEO_POINT:
        raise refusals.wrong_kind("sorting without using a specific sorting feature", key.field, str(kind))
    check_mode(key.mode, kind)
    check_numeric_type(key.numeric_type, key.field, kind)
    objects = None if key.nested is None else _objects(key.nested, snapshot, alias, translator)
    first, native = key.missing == "_first", key.missing == "_last"
    own = not first and not native
    substitute = _instead(key.missing, kind) if own else _outermost(kind, highest=first is key.descending)
    within = translator.within if key.nested is None else key.nested.path
    # Of objects in a nested field there are none further within.
    unread = translator.within is not None and key.nested is not None
    if column is None or not column.value or column.field.nested != within or unread:
        return Order(NONE, key.descending, None, first, native, substitute)
    mode = key.mode or ("max" if key.descending else "min")
    if objects is not None or mode in OF_NUMBERS:
        return Order(COMBINED, key.descending, column, first, native, substitute, mode=mode, objects=objects)
    return Order(FIELD, key.descending, column, first, native, substitute, greatest=mode == "max")


def _objects(nested: NestedSort, snapshot: Snapshot, alias: Alias, translator: Translator) -> Query:
    column = snapshot.schema.column(alias, nested.path)
    nested_sorted(None if column is None else column.field, nested)
    if column is None:
        raise ValueError(f"{nested.path} is not mapped")
    inner = translator.inside(column)
    return both(inner.visible, unscored(inner.query(nested.filter)))


def _by_distance(key: SortKey, distance: Distance, snapshot: Snapshot, alias: Alias, within: str | None) -> Order:
    column = snapshot.schema.column(alias, distance.field)
    place_sorted(None if column is None else column.field, key)
    if column is None or column.field.nested != within:
        return Order(NONE, key.descending, substitute=math.inf)
    return Order(DISTANCE, key.descending, column, distance=distance)


def _dates(names: Sequence[str], snapshot: Snapshot, alias: Alias) -> tuple[Column, ...]:
    found = tuple(column for name in names if (column := snapshot.schema.column(alias, name)) is not None)
    for column in found:
        if column.field.type is not FieldType.DATE:
            raise refusals.wrong_kind("a script that reads a date", column.field.name, str(column.field.type))
    if not found:
        raise refusals.no_field_of_script(names[0])
    return found


def _type_of_unmapped(key: SortKey) -> FieldType:
    if key.unmapped_type in _STRING_TYPES:
        return FieldType.KEYWORD
    return FieldType.DOUBLE if key.unmapped_type in _DOUBLE_TYPES else FieldType.LONG


def _outermost(kind: FieldType, *, highest: bool) -> Value | None:
    """What OpenSearch sorts documents without a value by."""
    if kind in (FieldType.KEYWORD, FieldType.NESTED):
        return None
    if kind is FieldType.DOUBLE:
        return math.inf if highest else -math.inf
    if kind is FieldType.BOOLEAN:
        return 2**31 - 1 if highest else -(2**31)
    return GREATEST if highest else LEAST


def _instead(missing: Scalar, kind: FieldType) -> Value:
    """What is sorted by in place of a value that is not there."""
    if kind in (FieldType.KEYWORD, FieldType.NESTED):
        return json_text(missing)
    try:
        return sort_number(missing, kind)
    except ValueError as problem:
        raise refusals.no_number(str(problem)) from None


def _after(value: Scalar | None, key: Order, kind: FieldType, field: str, now_ms: int) -> Value | None:
    if key.kind == DISTANCE or (key.kind == NONE and field == GEO_DISTANCE):
        return math.inf if value is None else _held(value, FieldType.DOUBLE, field, now_ms)
    if key.kind in (FIELD, NONE, COMBINED):
        if value is None:
            return _outermost(kind, highest=key.first is key.descending)
        return _held(value, kind, field, now_ms)
    if key.kind == FIRST_OF and value is None:
        return None
    try:
        if key.kind == FIRST_OF:
            return float(value or 0)
        return float(value or 0) if key.kind == SCORE else int(value or 0)
    except ValueError:
        raise refusals.illegal(f"Failed to parse search_after value [{value!s:.100}] for [{field}]") from None


def _held(value: Scalar, kind: FieldType, field: str, now_ms: int) -> Value:
    """A value of the body as a sort value. SearchRefused if it cannot be one."""
    try:
        return _read(value, kind, now_ms)
    except ValueError as problem:
        raise refusals.illegal(f"Failed to parse search_after value for field [{field}]: {problem}") from None


def _read(value: Scalar, kind: FieldType, now_ms: int) -> Value:
    if kind in (FieldType.KEYWORD, FieldType.NESTED):
        return json_text(value)
    if kind is FieldType.DATE and isinstance(value, str):
        return bound_ms(value, now_ms, round_up=False)
    if kind is FieldType.BOOLEAN and isinstance(value, bool | str):
        return int(query_boolean(value))
    if kind is FieldType.DOUBLE:
        return float(str(value)) if value in ("Infinity", "-Infinity") else query_double(value)
    whole = query_long(value)
    return query_double(value) if whole is None else whole
