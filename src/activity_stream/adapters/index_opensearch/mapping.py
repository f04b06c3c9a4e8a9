"""What an index of a generation is created with: its mapping, from the searchable fields, and its settings.

Only the fields that are searchable are mapped; whatever else a document holds is stored and returned (`dynamic:
false`). Dates, numbers and points of the wrong form leave their document searchable by its other fields
(`ignore_malformed`).
"""

from typing import Any

from activity_stream.adapters.index_opensearch.fitting import MAX_TERM_BYTES
from activity_stream.fields import Field, FieldMap, FieldType

_FORGIVING = frozenset({FieldType.DATE, FieldType.LONG, FieldType.DOUBLE, FieldType.GEO_POINT})
LONGEST_RAW = MAX_TERM_BYTES // 3
"""So many characters always fit into a term. A longer text has no value in its keyword multi-field but keeps its words;
without a limit the document would be refused for it."""


def index_body(fields: FieldMap, replicas: str) -> dict[str, Any]:
    """The body that creates an index; `replicas` is a number of copies, or a range such as `0-1`.

    Nothing is refreshed by itself: readers see what is published, or written visibly, at once, and nothing else.
    """
    copies = "auto_expand_replicas" if "-" in replicas else "number_of_replicas"
    return {
        "settings": {"index": {"number_of_shards": 1, copies: replicas, "refresh_interval": "-1"}},
        "mappings": {"dynamic": False, "properties": _properties(fields)},
    }


def _properties(fields: FieldMap) -> dict[str, Any]:
    """The tree of properties; a multi-field comes after the field that it is of, as it has a longer name."""
    root: dict[str, Any] = {"properties": {}}
    for field in sorted(fields.values(), key=lambda each: (len(each.path), each.name)):
        at = root
        for key in field.path[:-1]:
            at = at["properties"].setdefault(key, {"properties": {}})
            at.setdefault("properties", {})
        name = ".".join(field.path)
        if field.name == name:
            at["properties"][field.path[-1]] = {**at["properties"].get(field.path[-1], {}), **_parameters(field)}
        else:
            main = at["properties"].setdefault(field.path[-1], {})
            main.setdefault("fields", {})[field.name.removeprefix(f"{name}.")] = _parameters(field) | _limit(field)
    found: dict[str, Any] = root["properties"]
    return found


def _parameters(field: Field) -> dict[str, Any]:
    forgiving = {"ignore_malformed": True} if field.type in _FORGIVING else {}
    return {"type": str(field.type), **forgiving}


def _limit(field: Field) -> dict[str, Any]:
    return {"ignore_above": LONGEST_RAW} if field.type is FieldType.KEYWORD else {}
