"""Which stored values a query's value stands for, by the type of the field."""

import operator
from collections.abc import Callable, Mapping
from functools import partial
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from activity_stream.fields import Field, FieldType
from activity_stream.search import refusals
from activity_stream.search.date_math import bound_ms
from activity_stream.search.query import Range, Scalar
from activity_stream.search.values import json_text, query_boolean, query_double, query_long

Test = Callable[[Scalar], bool]
Key = bytes | float

STRINGS = (FieldType.KEYWORD, FieldType.TEXT)
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def equal_to(field: Field, value: Scalar, now_ms: int, *, case_insensitive: bool = False) -> Test:
    """Whether a stored value is the query's. Raises SearchRefused if the field cannot hold such a value."""
    if field.type in STRINGS:
        text = json_text(value)
        if case_insensitive and not text:
            return _never
        return partial(_same_ascii, folded(text)) if case_insensitive else partial(_same, text)
    if case_insensitive:
        raise refusals.illegal(
            f"[{field.name}] field which is of type [{field.type}], does not support case insensitive term queries"
        )
    if field.type is FieldType.GEO_POINT:
        raise refusals.wrong_kind("exact searching", field.name, field.type)
    try:
        if field.type is FieldType.DATE:
            first, last = (bound_ms(value, now_ms, round_up=up) for up in (False, True))
            return partial(_between, first, last)
        readers = {FieldType.BOOLEAN: query_boolean, FieldType.LONG: query_long, FieldType.DOUBLE: query_double}
        return partial(_same, readers[field.type](value))
    except ValueError as problem:
        raise refusals.wrong_value(field.name, str(problem)) from None


def within(field: Field, node: Range, now_ms: int) -> Test:
    """Whether a stored value is within a range. Raises SearchRefused if the field cannot hold the bounds."""
    if field.type is FieldType.GEO_POINT:
        raise refusals.wrong_kind("range queries", field.name, field.type)
    if field.type not in (FieldType.DATE, *STRINGS) and (node.format is not None or node.time_zone is not None):
        raise refusals.illegal(
            f"Field [{field.name}] of type [{field.type}] does not support [format] or [time_zone] in a range"
        )
    tests: list[Callable[[Key], bool]] = []
    try:
        for name, compare in _COMPARISONS.items():
            bound = getattr(node, name)
            if bound is not None:
                tests.append(partial(_beyond, compare, _comparable(field, node, name, bound, now_ms)))
    except ValueError as problem:
        raise refusals.wrong_value(field.name, str(problem)) from None
    return partial(_all, tests)


def order_key(value: Scalar) -> Key:
    """What values of one type are ordered by: text by its UTF-8."""
    return value.encode() if isinstance(value, str) else value


def folded(text: str) -> str:
    """A text without the case of its ASCII letters: Lucene leaves others alone."""
    return text.translate(_ASCII_LOWER)


def _comparable(field: Field, node: Range, name: str, bound: Scalar, now_ms: int) -> Key:
    match field.type:
        case FieldType.DATE:
            return bound_ms(bound, now_ms, round_up=name in ("gt", "lte"), fmt=node.format, time_zone=node.time_zone)
        case FieldType.BOOLEAN:
            return query_boolean(bound)
        case FieldType.LONG:
            whole = query_long(bound)
            return query_double(bound) if whole is None else whole
        case FieldType.DOUBLE:
            return query_double(bound)
        case _:
            return json_text(bound).encode()


def _all(tests: list[Callable[[Key], bool]], value: Scalar) -> bool:
    key = order_key(value)
    return all(test(key) for test in tests)


def _beyond(compare: Callable[[Any, Any], bool], bound: Key, key: Key) -> bool:
    return compare(key, bound)


def _same(wanted: Scalar | None, value: Scalar) -> bool:
    return value == wanted


def _never(_: Scalar) -> bool:
    """OpenSearch finds no empty value whose spelling does not matter."""
    return False


def _same_ascii(wanted: str, value: Scalar) -> bool:
    return folded(str(value)) == wanted


def _between(first: int, last: int, value: Scalar) -> bool:
    return first <= float(value) <= last
