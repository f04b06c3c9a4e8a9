"""What a document's value, or a query's, is for a field of a type.

Documents are read as OpenSearch reads them with `ignore_malformed`: what a field cannot hold is not searchable, and
that is all. A query's value that a field cannot hold is an error of the query.
"""

import math
import re
from collections.abc import Callable, Mapping

from activity_stream.fields import FieldType
from activity_stream.search.dates import date_ms
from activity_stream.search.query import Scalar

MAX_KEYWORD_BYTES = 32_766
"""Longer values of a keyword are not searchable (Lucene's limit for a term)."""

LONG_MIN = -(2**63)
LONG_MAX = 2**63 - 1

_NUMBER = re.compile(r"[+-]?(\d{1,400}\.?\d{0,400}|\.\d{1,400})([eE][+-]?\d{1,4})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)


def json_text(value: Scalar) -> str:
    """A value as its JSON text without quotes: what a keyword or text field makes of numbers and booleans."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def _keyword(value: object) -> str | None:
    if not isinstance(value, str | int | float):
        return None
    text = json_text(value)
    # Four bytes are the most that a character takes.
    return text if len(text) * 4 <= MAX_KEYWORD_BYTES or len(text.encode()) <= MAX_KEYWORD_BYTES else None


def _text(value: object) -> str | None:
    return json_text(value) if isinstance(value, str | int | float) else None


def _date(value: object) -> int | None:
    try:
        return date_ms(value)
    except ValueError:
        return None


def _boolean(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False, "": False}.get(value) if isinstance(value, str) else None


def _long(value: object) -> int | None:
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    number = value if isinstance(value, int) and not isinstance(value, bool) else _double(value)
    return int(number) if number is not None and LONG_MIN <= int(number) <= LONG_MAX else None


def _double(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, str) and _NUMBER.fullmatch(value) is None:
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _nothing(value: object) -> None:  # noqa: ARG001 - one of several with the same shape
    return None


_COERCIONS: Mapping[FieldType, Callable[[object], Scalar | None]] = {
    FieldType.KEYWORD: _keyword,
    FieldType.TEXT: _text,
    FieldType.DATE: _date,
    FieldType.BOOLEAN: _boolean,
    FieldType.LONG: _long,
    FieldType.DOUBLE: _double,
    FieldType.GEO_POINT: _nothing,
    FieldType.NESTED: _nothing,
}


def coerce(kind: FieldType, value: object) -> Scalar | None:
    """One decoded JSON value of a document (no list) as the field holds it; None if that is not searchable.

    keyword and text: str; date: int, milliseconds; boolean: bool; long: int of 64 bits; double: finite float; other
    types: None.
    """
    return _COERCIONS[kind](value)


def query_boolean(value: Scalar) -> bool:
    """A query's value for a boolean field. Raises ValueError if it is none."""
    found = _boolean(value)
    if found is None:
        raise ValueError(f"Can't parse boolean value [{json_text(value)[:100]}], expected [true] or [false]")
    return found


def query_double(value: Scalar) -> float:
    """A query's value for a number. Raises ValueError if it is none."""
    found = _double(value)
    if found is None:
        raise ValueError(f'For input string: "{json_text(value)[:100]}"')
    return found


def query_long(value: Scalar) -> int | None:
    """A query's value for a whole number; None if it has a fraction or too many digits, which no document has.

    Raises ValueError if it is no number.
    """
    return _long(value) if query_double(value).is_integer() else None


def long_bound(value: Scalar, *, lower: bool, included: bool) -> int:
    """A query's bound for a whole number, as the least or the greatest number that is within.

    It may lie outside of 64 bits. Raises ValueError if the value is no number.
    """
    number = query_double(value)
    if not number.is_integer():
        return math.ceil(number) if lower else math.floor(number)
    whole = _long(value)
    whole = int(number) if whole is None else whole
    if included:
        return whole
    return whole + 1 if lower else whole - 1


def sort_number(value: Scalar, kind: FieldType) -> int | float:
    """What a sort takes in place of a value that is missing: a number, as such or as a string; for a date too, of which
    it is the milliseconds. Raises ValueError."""
    form = _NUMBER if kind is FieldType.DOUBLE else _WHOLE
    if isinstance(value, bool) or (isinstance(value, str) and form.fullmatch(value) is None):
        raise ValueError(f'For input string: "{json_text(value)[:100]}"')
    number = float(value) if kind is FieldType.DOUBLE else int(value)
    if not LONG_MIN <= number <= LONG_MAX:
        raise ValueError(f'For input string: "{json_text(value)[:100]}"')
    return number
