"""The keys that a search is sorted by, as conditions and columns of the index.

Ascending, a document's least value counts, descending its greatest; columns hold values sorted, so that the first is
the least, and the greatest has a column of its own.
"""

from collections.abc import Sequence

import msgspec
from tantivy import Query

from activity_stream.adapters.index_embedded import values
from activity_stream.adapters.index_embedded.predicates import Predicates, Value, both, either, nothing, without
from activity_stream.adapters.index_embedded.schema import Column
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.fields import FieldType
from activity_stream.model import Alias
from activity_stream.search import refusals
from activity_stream.search.query import Scalar, SortKey

FIELD, SCORE, DOC, NONE = "field", "score", "doc", "none"


class Order(msgspec.Struct, frozen=True):
    """One key. `kind` NONE is a field that no document has; `column` is there for FIELD only.

    `missing` is "_first" or "_last" of documents without a value or, with `substitute`, the value they get.
    """

    kind: str
    descending: bool = False
    column: Column | None = None
    first: bool = False
    substitute: Value | None = None

    @property
    def name(self) -> str:
        """The internal name of the column to order by."""
        column = self.of
        return (column.high or column.value) if self.descending else column.value

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
        if self.descending and self.of.high is not None and self.of.field.type is FieldType.KEYWORD:
            return bytes.fromhex(str(found)).decode("utf-8", "surrogatepass")
        return found


IN_ORDER_OF_WRITING = Order(DOC)
"""The key that decides between documents that all others leave equal."""


def orders(keys: Sequence[SortKey], snapshot: Snapshot, alias: Alias, now_ms: int) -> list[Order]:
    """What the keys of a body mean for an alias. Raises SearchRefused for a field that cannot be sorted by."""
    return [_order(key, snapshot, alias, now_ms) for key in keys]


def after(given: Sequence[Scalar | None], keys: Sequence[Order], now_ms: int) -> list[Value | None]:
    """The sort values to go on after, as columns hold them. Raises SearchRefused for one its field cannot hold."""
    return [None if value is None else _after(value, key, now_ms) for value, key in zip(given, keys, strict=True)]


def equal(order: Order, value: Value | None, predicates: Predicates) -> Query:
    """The documents whose sort value this is. Not for the score."""
    if order.kind == NONE:
        return Query.all_query() if value is None else nothing()
    column = order.of
    if value is None:
        return predicates.lacks(column)
    if order.descending:
        found = predicates.between(column, value, value, greatest=True)
    else:
        found = without(
            predicates.between(column, value, value), predicates.between(column, None, value, under_high=True)
        )
    return either([found, predicates.lacks(column)]) if value == order.substitute else found


def beyond(order: Order, value: Value | None, predicates: Predicates) -> Query:
    """The documents whose sort value comes after this one. Not for the score, nor for the order of writing."""
    if order.kind == NONE:
        return nothing()
    column = order.of
    if value is None:
        return predicates.has(column.present) if order.first else nothing()
    found = present_beyond(order, value, predicates)
    if order.substitute is not None:
        lower = order.substitute < value if order.descending else order.substitute > value  # type: ignore[operator]
        return either([found, predicates.lacks(column)]) if lower else found
    return found if order.first else either([found, predicates.lacks(column)])


def present_beyond(order: Order, value: Value, predicates: Predicates) -> Query:
    """The documents with a value, whose sort value comes after this one."""
    column = order.of
    if order.descending:
        return predicates.between(column, None, value, under_high=True, greatest=True)
    return without(predicates.has(column.present), predicates.between(column, None, value))


def present_before(order: Order, value: Value, predicates: Predicates) -> Query:
    """The documents with a value, whose sort value comes before this one."""
    column = order.of
    if order.descending:
        return predicates.between(column, value, None, over_low=True, greatest=True)
    return both(predicates.has(column.present), predicates.between(column, None, value, under_high=True))


def _order(key: SortKey, snapshot: Snapshot, alias: Alias, now_ms: int) -> Order:
    if key.field in ("_score", "_doc"):
        return Order(SCORE if key.field == "_score" else DOC, key.descending)
    column = snapshot.schema.column(alias, key.field)
    if column is None:
        if key.unmapped_type is None:
            raise refusals.unmapped_sort(key.field)
        return Order(NONE, key.descending)
    kind = column.field.type
    if kind is FieldType.TEXT and column.field.nested is None:
        raise refusals.needs_fielddata(key.field)
    if kind in (FieldType.GEO_POINT, FieldType.NESTED):
        raise refusals.wrong_kind("[sort]", key.field, str(kind))
    if not column.value:
        return Order(NONE, key.descending)
    first, substitute = key.missing == "_first", None
    if key.missing not in ("_first", "_last"):
        substitute = _held(key.missing, column, now_ms)
    return Order(FIELD, key.descending, column, first, substitute)


def _after(value: Scalar, key: Order, now_ms: int) -> Value | None:
    if key.kind == NONE:
        return None
    if key.kind == FIELD:
        return _held(value, key.of, now_ms)
    try:
        return float(value) if key.kind == SCORE else int(value)
    except ValueError:
        raise refusals.illegal(f"Failed to parse search_after value [{value!s:.100}] for [_{key.kind}]") from None


def _held(value: Scalar, column: Column, now_ms: int) -> Value:
    """A value of the body as a column holds it. SearchRefused if it cannot."""
    kind = column.field.type
    if kind is FieldType.BOOLEAN and value in (0, 1):
        return int(value)
    try:
        found = values.span(kind, value, now_ms)
    except ValueError as problem:
        raise refusals.wrong_value(column.field.name, str(problem)) from None
    if found is None:
        raise refusals.wrong_value(column.field.name, f"[{value!s:.100}] is not a whole number of 64 bits")
    return found[0]
