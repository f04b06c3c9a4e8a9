"""From the values of one field of a document to what goes into its columns.

A value that cannot be what its field is leaves the document as it is: that value is not searchable, the rest is
(docs/decisions/0004). Everything that tantivy would choke on is stopped here: one value of a wrong type, added, would
make it lose all that is added after it.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from types import MappingProxyType
from typing import Any

import msgspec
import tantivy

from activity_stream.adapters.index_embedded.schema import Column
from activity_stream.fields import FieldType
from activity_stream.search.analysis import tokens
from activity_stream.search.geo import places
from activity_stream.search.lengths import stored_length
from activity_stream.search.values import MAX_KEYWORD_BYTES, coerce

WORTH_SEPARATOR = "\x00"
"""Between a token, which never has it, and what its score depends on."""
POSITION_GAP = 100
"""Between the values of an array of text, so that no phrase is found across two of them."""

_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LENGTHS_OF_UTC = (20, 24, 27)


class Many(list[Any]):
    """The values of a field that occurs more than once, in an array of objects."""


class Entries(msgspec.Struct):
    """What one document has in the index's columns: values by internal name, and arrays of text, which need gaps.
    `nested` are the objects of its nested fields, with the terms of these."""

    fields: dict[str, Any]
    present: list[str]
    texts: list[tuple[str, tantivy.PreTokenizedString]]
    nested: list[tuple[str, "Entries"]]


Targets = Sequence[tuple[int, Column]]
"""Where values go: the position of a document, and its column."""


def new_entries() -> Entries:
    """Those of a document without any field."""
    return Entries({}, [], [], [])


def write_keywords(value: Any, targets: Targets, documents: Sequence[Entries]) -> None:
    """Enter exact values: strings; numbers and booleans as their JSON text."""
    hexes: Any
    if _is_plain(value):
        hexes = highest = value.encode().hex()
    else:
        value = sorted(set(_texts(FieldType.KEYWORD, value)))
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
    values = [tokens(text) for text in ([value] if _is_plain(value) else _texts(FieldType.TEXT, value))]
    if not values:
        return
    joined = " ".join(values[0]) if len(values) == 1 else _with_gaps(values)
    counts = Counter(chain.from_iterable(values))
    length = counts.total()
    stored = stored_length(length)
    worth = " ".join([worth_term(token, stored, number) for token, number in counts.items()])
    for position, column in targets:
        entries = documents[position]
        if isinstance(joined, str):
            entries.fields[column.value] = joined
        else:
            entries.texts.append((column.value, joined))
        if length:
            entries.fields[column.worth] = worth
            entries.fields[column.length] = length
        entries.present.append(column.present)


def worth_term(token: str, length: int, frequency: int) -> str:
    """The term that says that a token is in a text of this stored length so often; see `worth_of`."""
    return f"{token}{WORTH_SEPARATOR}{length:x}.{frequency:x}"


def worth_of(term: str) -> tuple[int, int]:
    """The stored length of the text and how often the token is in it."""
    length, _, frequency = term.rpartition(WORTH_SEPARATOR)[2].partition(".")
    return int(length, 16), int(frequency, 16)


def write_places(value: Any, targets: Targets, documents: Sequence[Entries]) -> None:
    """Enter places on the earth."""
    found = [place for each in (value if type(value) is Many else (value,)) for place in places(each)]
    if not found:
        return
    for position, column in targets:
        latitude, longitude, several = column.place or ("", "", "")
        entries = documents[position]
        entries.fields[latitude] = [lat for lat, _ in found]
        entries.fields[longitude] = [lon for _, lon in found]
        if len(found) > 1:
            entries.fields[several] = len(found)
        entries.present.append(column.present)


def write_dates(value: Any, targets: Targets, documents: Sequence[Entries]) -> None:
    """Enter moments, as milliseconds since 1970."""
    moment = _utc(value) if type(value) is str and len(value) in _LENGTHS_OF_UTC else None
    numbers = _coerced(FieldType.DATE, value) if moment is None else moment
    _enter_numbers(numbers, targets, documents)


def write_longs(value: Any, targets: Targets, documents: Sequence[Entries]) -> None:
    """Enter whole numbers of 64 bits."""
    _enter_numbers(_coerced(FieldType.LONG, value), targets, documents)


def write_doubles(value: Any, targets: Targets, documents: Sequence[Entries]) -> None:
    """Enter finite numbers: one that is not would spoil every sum."""
    _enter_numbers(_coerced(FieldType.DOUBLE, value), targets, documents)


def write_booleans(value: Any, targets: Targets, documents: Sequence[Entries]) -> None:
    """Enter booleans, as 0 and 1."""
    _enter_numbers([int(each) for each in _coerced(FieldType.BOOLEAN, value)], targets, documents)


def _enter_numbers(numbers: int | list[Any], targets: Targets, documents: Sequence[Entries]) -> None:
    if numbers == []:
        return
    highest = numbers[-1] if isinstance(numbers, list) else numbers
    for position, column in targets:
        entries = documents[position]
        entries.fields[column.value] = numbers
        if column.high is not None:
            entries.fields[column.high] = highest
        entries.present.append(column.present)


def _coerced(kind: FieldType, value: Any) -> list[Any]:
    """The values as the field holds them, sorted; without those that it cannot hold."""
    found = [coerce(kind, each) for each in flat(value)]
    return sorted(each for each in found if each is not None)


def flat(value: Any) -> list[Any]:
    """The values of a field: arrays in arrays are one array, and null is no value."""
    if not isinstance(value, list):
        return [value]
    values = []
    waiting: list[Any] = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += reversed(each)
        elif each is not None:
            values.append(each)
    return values


def _with_gaps(values: list[list[str]]) -> tantivy.PreTokenizedString:
    """The tokens of several values, POSITION_GAP apart."""
    found = []
    position = 0
    for each in values:
        for token in each:
            found.append(tantivy.Token(token, position, 0))
            position += 1
        position += POSITION_GAP
    return tantivy.PreTokenizedString(" ".join(each.text for each in found), found)


def _utc(text: str) -> int | None:
    """Milliseconds of `2020-01-01T00:00:00Z`, with 3 or 6 digits of a second or none; None for any other form.

    Most dates are of this form, and `date_ms`, which knows them all, takes much longer.
    """
    if text[-1] != "Z" or text[10] != "T" or (len(text) > 20 and text[19] != "."):
        return None
    if not text[4] == text[7] == "-" or not text[13] == text[16] == ":":
        return None
    try:
        since = datetime.fromisoformat(text) - _UNIX_EPOCH
    except ValueError:
        return None
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def _is_plain(value: Any) -> bool:
    """Whether a value is one that needs no second look: a string of ASCII, not too long for a keyword."""
    return type(value) is str and value.isascii() and len(value) <= MAX_KEYWORD_BYTES


def _texts(kind: FieldType, value: Any) -> list[str]:
    """The values as text, in order."""
    found = []
    for each in flat(value):
        text = each if _is_plain(each) else coerce(kind, each)
        if text is not None:
            found.append(str(text))
    return found


WRITERS: Mapping[FieldType, Callable[[Any, Targets, Sequence[Entries]], None]] = MappingProxyType(
    {
        FieldType.KEYWORD: write_keywords,
        FieldType.TEXT: write_texts,
        FieldType.DATE: write_dates,
        FieldType.BOOLEAN: write_booleans,
        FieldType.LONG: write_longs,
        FieldType.DOUBLE: write_doubles,
        FieldType.GEO_POINT: write_places,
    }
)
"""How the values of each type of field are entered."""
