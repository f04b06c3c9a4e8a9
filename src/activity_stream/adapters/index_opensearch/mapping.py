"""What an index of a generation is created with: its mapping, from the searchable fields, and its settings.

Only the fields that are searchable are mapped, and one for the terms of all others (`beside`); whatever else a
document holds is stored and returned (`dynamic: false`). Dates, numbers and points of the wrong form leave their
document searchable by its other fields (`ignore_malformed`).
"""

from collections.abc import Mapping
from typing import Any

from activity_stream.adapters.index_opensearch.beside import Beside, alias_of
from activity_stream.adapters.index_opensearch.fitting import MAX_TERM_BYTES
from activity_stream.fields import Field, FieldMap, FieldType
from activity_stream.search.mappings import properties

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
        "mappings": {
            "dynamic": False,
            "properties": {**properties(fields, _parameters), **Beside(fields).mapping()},
        },
    }


def _parameters(field: Field, *, multi: bool) -> Mapping[str, Any]:
    if field.first_of:
        return alias_of(field)
    forgiving = {"ignore_malformed": True} if field.type in _FORGIVING else {}
    limit = {"ignore_above": LONGEST_RAW} if multi and field.type is FieldType.KEYWORD else {}
    return {"type": str(field.type), **forgiving, **limit}
