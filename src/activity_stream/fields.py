"""The searchable fields, as data: every index takes its mapping from here.

`searchable-fields.toml` has a row for each field of each alias; a configuration can add rows. Types and their meaning
are OpenSearch's (mapping parameter `type`). Documents may hold anything else besides: it is stored and returned, not
searched (`dynamic: false`).
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
    `object.name` they are `("object", "name")`. `nested` is the name of the nested field it lies in, if any.
    """

    name: str
    type: FieldType
    path: tuple[str, ...]
    nested: str | None = None


class AddedField(msgspec.Struct, frozen=True):
    """A field that the configuration adds (or whose type it changes)."""

    alias: Alias
    name: str
    type: FieldType


FieldMap = Mapping[str, Field]
"""An alias's fields by name."""


def searchable_fields(added: Sequence[AddedField] = ()) -> Mapping[Alias, FieldMap]:
    """Today's searchable fields of both aliases, the configuration's included; for each alias ordered by name."""
    rows = tomllib.loads(files("activity_stream").joinpath("searchable-fields.toml").read_text("utf-8"))
    result: dict[Alias, FieldMap] = {}
    for alias in Alias:
        fields = {field.name: field for name, row in rows[alias].items() for field in _fields(name, row)}
        fields |= {
            each.name: Field(each.name, each.type, tuple(each.name.split("."))) for each in added if each.alias is alias
        }
        result[alias] = dict(sorted(fields.items()))
    return result


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
