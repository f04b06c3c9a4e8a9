"""From the values of one field of a document to what goes into its columns.

A value that cannot be what its field is leaves the document as it is: that value is not searchable, the rest is
(docs/decisions/0004). Everything that tantivy would choke on is stopped here: one value of a wrong type, added, would
make it lose all that is added after it.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
import tantivy

from activity_stream.adapters.index_embedded.schema import Column
from activity_stream.fields import FieldType
from activity_stream.search.analysis import tokens
from activity_stream.search.dates import date_ms
from activity_stream.search.values import boolean, keyword_text, number

MAX_KEYWORD_BYTES = 32_766
"""Lucene's longest term. tantivy would cut longer ones, and forget some above 65,530 bytes."""

POSITION_GAP = 100
"""Between the values of an array of text, so that no phrase is found across two of them."""

_SURELY_SHORT = MAX_KEYWORD_BYTES // 4
_MIN_LONG, _MAX_LONG = -(2**63), 2**63 - 1

Numeric = Callable[[Any], int | float]


class Many(list[Any]):
    """The values of a field that occurs more than once, in an array of objects."""


class Entries(msgspec.Struct):
    """What one document has in the index's columns: values by internal name, and arrays of text, which need gaps."""

    fields: dict[str, Any]
    present: list[str]
    texts: list[tuple[str, tantivy.PreTokenizedString]]


Targets = Sequence[tuple[int, Column]]
"""Where values go: the position of a document, and its column."""


def new_entries() -> Entries:
    """Those of a document without any field."""
    return Entries({}, [], [])


def write_keywords(value: Any, targets: Targets, documents: Sequence[Entries]) -> None:
    """Enter exact values: strings; numbers and booleans as their JSON text."""
    if type(value) is str and len(value) <= _SURELY_SHORT and (value.isascii() or _is_unicode(value)):
        hexes: Any = value.encode().hex()
        highest = hexes
    else:
        value = sorted({text for each in _flat(value) if (text := _keyword(each)) is not None})
        if not value:
            return
        hexes = [each.encode().hex() for each in value]
        highest = hexes[-1]
    for position, column in targets:
        entries = documents[position]
        entries.fields[column.value] = value
        if column.hex is not None:
            entries.fields[column.hex] = hexes
        if column.high is not None:
            entries.fields[column.high] = highest
        entries.present.append(column.present)


def write_texts(value: Any, targets: Targets, documents: Sequence[Entries]) -> None:
    """Enter text for full-text search: its tokens."""
    if type(value) is str:
        values = [tokens(value)]
    else:
        values = [tokens(text) for each in _flat(value) if (text := keyword_text(each)) is not None]
    if not values:
        return
    joined = " ".join(values[0]) if len(values) == 1 else _with_gaps(values)
    for position, column in targets:
        entries = documents[position]
        if isinstance(joined, str):
            entries.fields[column.value] = joined
        else:
            entries.texts.append((column.value, joined))
        entries.present.append(column.present)


def write_presence(value: Any, targets: Targets, documents: Sequence[Entries]) -> None:
    """Enter only that there is a value."""
    if type(value) is list and not value:
        return
    for position, column in targets:
        documents[position].present.append(column.present)


def write_dates(value: Any, targets: Targets, documents: Sequence[Entries]) -> None:
    """Enter moments, as milliseconds since 1970."""
    _enter_numbers(_numbers(value, date_ms), targets, documents)


def write_longs(value: Any, targets: Targets, documents: Sequence[Entries]) -> None:
    """Enter whole numbers."""
    _enter_numbers(_numbers(value, _long), targets, documents)


def write_doubles(value: Any, targets: Targets, documents: Sequence[Entries]) -> None:
    """Enter numbers."""
    _enter_numbers(_numbers(value, _double), targets, documents)


def write_booleans(value: Any, targets: Targets, documents: Sequence[Entries]) -> None:
    """Enter booleans, as 0 and 1."""
    _enter_numbers(_numbers(value, _boolean), targets, documents)


def _enter_numbers(numbers: list[Any], targets: Targets, documents: Sequence[Entries]) -> None:
    if not numbers:
        return
    for position, column in targets:
        entries = documents[position]
        entries.fields[column.value] = numbers
        if column.high is not None:
            entries.fields[column.high] = numbers[-1]
        entries.present.append(column.present)


def _numbers(value: Any, convert: Convert) -> list[Any]:
    """What `convert` makes of the values, sorted; those that it refuses are left out."""
    numbers = []
    for each in _flat(value) if isinstance(value, list) else (value,):
        try:
            numbers.append(convert(each))
        except (ValueError, OverflowError, TypeError):
            continue
    if len(numbers) > 1:
        numbers.sort()
    return numbers


WRITERS: Mapping[FieldType, Callable[[Any, Targets, Sequence[Entries]], None]] = MappingProxyType(
    {
        FieldType.KEYWORD: write_keywords,
        FieldType.TEXT: write_texts,
        FieldType.DATE: write_dates,
        FieldType.BOOLEAN: write_booleans,
        FieldType.LONG: write_longs,
        FieldType.DOUBLE: write_doubles,
        FieldType.GEO_POINT: write_presence,
    }
)
"""How the values of each type of field are entered."""
