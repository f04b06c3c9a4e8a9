"""The searchable fields, as data: every index takes its mapping from here.

`searchable-fields.toml` has a row for each field of each alias; a configuration can add rows. Types and their meaning
are OpenSearch's (mapping parameter `type`). Documents may hold anything else besides: it is stored, returned, and
found by whole values alone (`search/unmapped`).
"""

import tomllib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from importlib.resources import files
from typing import Any

import msgspec

from activity_stream.model import Alias


class FieldType(StrEnum):
    """The types of field that can be searched."""

    KEYWORD = "keyword"
    TEXT = "text"
    DATE = "date"
    BOOLEAN = "boolean"
    LONG = "long"
    DOUBLE = "double"
    GEO_POINT = "geo_point"
    NESTED = "nested"


class Field(msgspec.Struct, frozen=True):
    """One searchable field.

    `name` is what queries say; `path` the keys that lead to it in a document: for the multi-field `object.name.raw` of
    `object.name` they are `("object", "name")`. `nested` is the name of the nested field it lies in, if any. A field
    that is derived has, instead of values of its own, those at the first of some paths, `first_of`, that has any.
    """

    name: str
    type: FieldType
    path: tuple[str, ...]
    nested: str | None = None
    first_of: tuple[tuple[str, ...], ...] = ()


class AddedField(msgspec.Struct, frozen=True):
    """A field that the configuration adds (or whose type it changes). With `first_of`, names of other fields, it is
    derived from them."""

    alias: Alias
    name: str
    type: FieldType
    first_of: tuple[str, ...] = ()


FieldMap = Mapping[str, Field]
"""An alias's fields by name."""


def searchable_fields(added: Sequence[AddedField] = ()) -> Mapping[Alias, FieldMap]:
    """Today's searchable fields of both aliases, the configuration's included; for each alias ordered by name."""
    rows = tomllib.loads(files("activity_stream").joinpath("searchable-fields.toml").read_text("utf-8"))
    result: dict[Alias, FieldMap] = {}
    for alias in Alias:
        fields = {field.name: field for name, row in rows[alias].items() for field in _fields(name, row)}
        fields |= {each.name: _added(each) for each in added if each.alias is alias}
        result[alias] = dict(sorted(fields.items()))
    return result


def _added(field: AddedField) -> Field:
    first_of = tuple(tuple(name.split(".")) for name in field.first_of)
    return Field(field.name, field.type, tuple(field.name.split(".")), first_of=first_of)


def _fields(name: str, row: str | dict[str, Any]) -> list[Field]:
    """The fields that one row describes: itself, its multi-fields and, for a nested one, its properties."""
    path = tuple(name.split("."))
    if isinstance(row, str):
        return [Field(name, FieldType(row), path)]
    found = [Field(name, FieldType(row["type"]), path)]
    found += [Field(f"{name}.{sub}", FieldType(kind), path) for sub, kind in row.get("fields", {}).items()]
    found += [
        Field(f"{name}.{key}", FieldType(kind), (*path, key), nested=name)
        for key, kind in row.get("properties", {}).items()
    ]
    return found
