"""The fields of the tantivy index, made from the searchable fields.

    searchable field  ->  columns of the index, by internal names (a0, a1, … of activities, o0, … of objects)

    keyword   a0  the values, sorted, each once      a0x  hex of them, same order    a0h  hex of the greatest
    date, long, double, boolean
              a0  the values as numbers, sorted      a0h  the greatest
    text      a0  its tokens, joined by blanks       a0l how many they are
              a0w each token once, with the text's length and how often it is there: all that its score depends on
    geo_point a0  latitudes                          a0y longitudes             a0n how many places, if several
    nested    each object is a document of its own, with the columns of the fields in it, and with the key and the
              generation of the one that it is in

The values of all fields that are not searchable ones are terms of one column, UNMAPPED (`search/unmapped`).

Internal names are free of the colons and dots of the outer ones. Hexadecimal columns are there because tantivy has no
range over text; that of a value orders as its UTF-8 does. The schema of an index cannot change: `digest` goes into the
name of its directory, so that another mapping gets another index.
"""

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec
import tantivy

from activity_stream.fields import Field, FieldMap, FieldType
from activity_stream.model import Alias
from activity_stream.search.unmapped import Unmapped

FORMAT = 5
"""Raised when what is written changes its meaning: an index of another format is rebuilt."""

ALIAS, GENERATION, KEY, PRESENT, SEQUENCE, SOURCE = "_alias", "_gen", "_key", "_fn", "_seq", "_source"
UNMAPPED = "_unmapped"
OUTER = "_outer"
"""Of an object in a nested field, instead of SEQUENCE: that of the document it is in."""
OBJECT = "_object"
"""Of such an object: a number of its own, see `object_number`; in the order of documents, and within each of them."""

ALIAS_TERMS: Mapping[Alias, str] = MappingProxyType({Alias.ACTIVITIES: "a", Alias.OBJECTS: "o"})
MANIFEST_TERM = "m"
KEY_SEPARATOR = "\x00"
WHITESPACE = "whitespace"
"""The tokenizer of text columns: one that tantivy knows in every process without being told."""

NUMBERS = (FieldType.DATE, FieldType.LONG, FieldType.BOOLEAN)
_OBJECT_BITS = 24
WITHOUT_VALUE = (FieldType.GEO_POINT, FieldType.NESTED)


class Column(msgspec.Struct, frozen=True):
    """Where the values of one searchable field are: internal names; None where there is no such column.

    `value` is empty where there is no one column of values (geo_point, nested); `place` are the columns of a
    geo_point: latitudes, longitudes, and the number of places where there are several. `worth` and `length` are of a
    text. `present` is the term that PRESENT holds for documents with a value, and, of a nested field, that ALIAS holds
    for the objects in it.
    """

    field: Field
    present: str
    value: str = ""
    high: str | None = None
    hex: str | None = None
    place: tuple[str, str, str] | None = None
    worth: str = ""
    length: str = ""


class EmbeddedSchema:
    """The schema of both aliases' documents in one index."""

    def __init__(self, fields: Mapping[Alias, FieldMap]) -> None:
        self._fields = {alias: fields[alias] for alias in Alias}
        self._unmapped = {alias: Unmapped(fields[alias]) for alias in Alias}
        self._columns = {alias: _columns(alias, fields[alias]) for alias in Alias}
        self.tantivy = _build([column for columns in self._columns.values() for column in columns.values()])
        rows = [
            (str(alias), c.present, c.field.name, str(c.field.type), c.field.path, c.field.nested, c.field.first_of)
            for alias in Alias
            for c in self._columns[alias].values()
        ]
        self.digest = hashlib.sha256(msgspec.json.encode((FORMAT, rows))).hexdigest()[:16]

    def column(self, alias: Alias, name: str) -> Column | None:
        """The columns of a field by its outer name, None if that is not a searchable field of the alias."""
        return self._columns[alias].get(name)

    def fields(self, alias: Alias) -> FieldMap:
        """The searchable fields of an alias, by name."""
        return self._fields[alias]

    def unmapped(self, alias: Alias) -> Unmapped:
        """The other fields of an alias's documents."""
        return self._unmapped[alias]

    def nested(self, alias: Alias, path: str) -> Sequence[Column]:
        """The columns of the fields that lie in a nested field."""
        return [each for each in self._columns[alias].values() if each.field.nested == path]

    def columns(self, alias: Alias) -> Mapping[str, Column]:
        """The columns of every searchable field of an alias, by outer name, ordered by it."""
        return self._columns[alias]

    def present_terms(self, alias: Alias, name: str) -> tuple[str, ...]:
        """The terms of PRESENT that say that a document has a field, or, for an object's name, any field under it."""
        column = self._columns[alias].get(name)
        found = () if column is None else (column.present,)
        below = (each.present for outer, each in self._columns[alias].items() if outer.startswith(f"{name}."))
        return (*found, *below)


def document_key(index_name: str, document_id: str) -> str:
    """The term under which a document is replaced; it tells index and id apart again, see `split_key`."""
    return f"{index_name}{KEY_SEPARATOR}{document_id}"


def split_key(key: str) -> tuple[str, str]:
    """The index name and the document's id of a key."""
    index_name, _, document_id = key.partition(KEY_SEPARATOR)
    return index_name, document_id


def object_number(outer: int, position: int) -> int:
    """The number of an object in a nested field: that of its document, and which one of all its objects it is."""
    return (outer << _OBJECT_BITS) + position


def object_position(number: int) -> tuple[int, int]:
    """The number of the document that an object is in, and which one of its objects it is."""
    return number >> _OBJECT_BITS, number & ((1 << _OBJECT_BITS) - 1)


def _columns(alias: Alias, fields: FieldMap) -> Mapping[str, Column]:
    names = enumerate(sorted(fields))
    return MappingProxyType({name: _column(fields[name], f"{ALIAS_TERMS[alias]}{n}") for n, name in names})


def _column(field: Field, prefix: str) -> Column:
    if field.type is FieldType.GEO_POINT:
        return Column(field, prefix, place=(prefix, f"{prefix}y", f"{prefix}n"))
    if field.type in WITHOUT_VALUE:
        return Column(field, prefix)
    if field.type is FieldType.TEXT:
        return Column(field, prefix, prefix, worth=f"{prefix}w", length=f"{prefix}l")
    if field.type is not FieldType.KEYWORD:
        return Column(field, prefix, prefix, high=f"{prefix}h")
    high = None if field.name == "id" else f"{prefix}h"
    return Column(field, prefix, prefix, high=high, hex=f"{prefix}x")


def _build(columns: list[Column]) -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field(ALIAS, tokenizer_name="raw", index_option="basic")
    builder.add_text_field(GENERATION, stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field(KEY, stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field(PRESENT, tokenizer_name="raw", index_option="basic")
    builder.add_text_field(UNMAPPED, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field(SEQUENCE, indexed=True, fast=True)
    builder.add_unsigned_field(OUTER, indexed=True, fast=True)
    builder.add_unsigned_field(OBJECT, indexed=True, fast=True)
    builder.add_bytes_field(SOURCE, stored=True)
    for column in columns:
        _add(builder, column)
    return builder.build()


def _add(builder: tantivy.SchemaBuilder, column: Column) -> None:
    if column.place is not None:
        *degrees, several = column.place
        for name in degrees:
            builder.add_float_field(name, indexed=True, fast=True)
        builder.add_integer_field(several, fast=True)
    if not column.value:
        return
    names = [name for name in (column.value, column.high, column.hex) if name]
    if column.field.type is FieldType.TEXT:
        builder.add_text_field(column.value, tokenizer_name=WHITESPACE, index_option="position")
        builder.add_text_field(column.worth, tokenizer_name=WHITESPACE, index_option="basic")
        builder.add_integer_field(column.length, fast=True)
    elif column.field.type is FieldType.KEYWORD:
        for name in names:
            builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    elif column.field.type is FieldType.DOUBLE:
        for name in names:
            builder.add_float_field(name, indexed=True, fast=True)
    else:
        for name in names:
            builder.add_integer_field(name, indexed=True, fast=True)
