"""A query's values as a field of a type holds them: what they span."""

import msgspec

from activity_stream.fields import FieldType
from activity_stream.search.date_math import bound_ms
from activity_stream.search.query import Range, Scalar
from activity_stream.search.values import json_text, long_bound, query_boolean, query_double, query_long

Value = str | int | float


class Bounds(msgspec.Struct, frozen=True):
    """A range of values; None is no bound."""

    low: Value | None = None
    high: Value | None = None
    over_low: bool = False
    under_high: bool = False

    def admit(self, number: float) -> bool:
        """Whether a number is within them; only for bounds that are numbers."""
        low, high = (None if each is None else float(each) for each in (self.low, self.high))
        if low is not None and (number < low or (number == low and self.over_low)):
            return False
        return high is None or number < high or (number == high and not self.under_high)


def span(kind: FieldType, value: Scalar, now_ms: int) -> tuple[Value, Value] | None:
    """The least and the greatest value that are meant: dates without a time are the whole day. None: no document has
    it. Raises ValueError if the field cannot hold it."""
    if kind is FieldType.DATE:
        return bound_ms(value, now_ms, round_up=False), bound_ms(value, now_ms, round_up=True)
    found = one(kind, value)
    return None if found is None else (found, found)


def one(kind: FieldType, value: Scalar) -> Value | None:
    """The value of a type that is not a date."""
    if kind is FieldType.BOOLEAN:
        return int(query_boolean(value))
    if kind is FieldType.LONG:
        return query_long(value)
    if kind is FieldType.DOUBLE:
        return query_double(value)
    return json_text(value)


def bounds(kind: FieldType, node: Range, now_ms: int) -> Bounds:
    """The bounds of a range query. Raises ValueError if the field cannot hold one of them."""
    low, over = (node.gte, False) if node.gt is None else (node.gt, True)
    high, under = (node.lte, False) if node.lt is None else (node.lt, True)
    return Bounds(
        None if low is None else _bound(kind, low, node, now_ms, lower=True, included=not over),
        None if high is None else _bound(kind, high, node, now_ms, lower=False, included=not under),
        over and low is not None and kind is not FieldType.LONG,
        under and high is not None and kind is not FieldType.LONG,
    )


def _bound(kind: FieldType, value: Scalar, node: Range, now_ms: int, *, lower: bool, included: bool) -> Value | None:
    if kind is FieldType.DATE:
        # `gt` and `lte` mean the last moment of what is named.
        round_up = lower is not included
        return bound_ms(value, now_ms, round_up=round_up, fmt=node.format, time_zone=node.time_zone)
    if kind is FieldType.LONG:
        return long_bound(value, lower=lower, included=included)
    return one(kind, value)
