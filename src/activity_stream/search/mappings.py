"""The searchable fields as Elasticsearch's clients see them: a mapping, and what can be done with a field."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Protocol

from activity_stream.fields import Field, FieldMap, FieldType

Parameters = Mapping[str, Any]


class Describe(Protocol):
    """Says what a mapping says of a field."""

    def __call__(self, field: Field, *, multi: bool) -> Parameters:
        """Its type and parameters."""
        ...


_NO_VALUES = (FieldType.TEXT, FieldType.NESTED)
"""Types without columns that could be aggregated."""


def _type(field: Field, *, multi: bool) -> Parameters:  # noqa: ARG001 - a Describe
    return {"type": str(field.type)}


def properties(fields: FieldMap, describe: Describe = _type) -> dict[str, Any]:
    """The `properties` of a mapping, as a tree. A multi-field comes after the field that it is of, as it has a longer
    name; `describe` says what is said of a field, and is told which are `multi`-fields."""
    root: dict[str, Any] = {"properties": {}}
    for field in sorted(fields.values(), key=lambda each: (len(each.path), each.name)):
        at = root
        for key in field.path[:-1]:
            at = at["properties"].setdefault(key, {"properties": {}})
            at.setdefault("properties", {})
        place = at["properties"].setdefault(field.path[-1], {})
        name = ".".join(field.path)
        if field.name == name:
            place.update(describe(field, multi=False))
        else:
            place.setdefault("fields", {})[field.name.removeprefix(f"{name}.")] = describe(field, multi=True)
    found: dict[str, Any] = root["properties"]
    return found


def mapping_of(fields: FieldMap, patterns: Iterable[str]) -> dict[str, Any]:
    """For each field that one of the patterns (`*` any characters) names, what its mapping says of it alone."""
    wanted, shown = tuple(patterns), {}
    for field in fields.values():
        if any(fnmatchcase(field.name, each) for each in wanted):
            path = ".".join(field.path)
            leaf = field.path[-1] if field.name == path else field.name.removeprefix(f"{path}.")
            shown[field.name] = {"full_name": field.name, "mapping": {leaf: {"type": str(field.type)}}}
    return shown


def capabilities(fields: FieldMap, patterns: Iterable[str]) -> dict[str, Any]:
    """For each field, or object of fields, that one of the patterns (`*` any characters) names: its type, and whether
    it can be searched and aggregated (OpenSearch documentation, "Field capabilities")."""
    kinds = {field.name: _capabilities(field) for field in fields.values()}
    for field in fields.values():
        for depth in range(1, len(field.path)):
            kinds.setdefault(".".join(field.path[:depth]), _kind("object", searchable=False, aggregatable=False))
    wanted = tuple(patterns)
    return {name: kind for name, kind in sorted(kinds.items()) if any(fnmatchcase(name, each) for each in wanted)}


def _capabilities(field: Field) -> dict[str, Any]:
    return _kind(
        str(field.type),
        searchable=field.type is not FieldType.NESTED,
        aggregatable=field.type not in _NO_VALUES,
    )


def _kind(name: str, *, searchable: bool, aggregatable: bool) -> dict[str, Any]:
    return {name: {"type": name, "searchable": searchable, "aggregatable": aggregatable}}
