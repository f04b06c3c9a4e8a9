"""`query_string` in a body: its options, and the body with what it stands for instead."""

from typing import Any

import msgspec

from activity_stream.fields import FieldMap
from activity_stream.search import refusals
from activity_stream.search.limits import Budget, Limits
from activity_stream.search.parse_leaves import FUZZY_OPTIONS, LEAVES, minimum, weight
from activity_stream.search.part import Part, Readers, at_least, only_if
from activity_stream.search.query import MatchNone, Node
from activity_stream.search.query_strings import Asked, spelled_out

_NAME = "query_string"
_MARK = f'"{_NAME}"'.encode()


def query_string(part: Part) -> Node:
    """Checks it. What it finds depends on the fields there are, which a parser does not know: nothing, here."""
    spelled_out(_asked(part), {})
    return MatchNone()


def without_query_strings(body: bytes, fields: FieldMap) -> bytes:
    """The search body with each `query_string` as the queries that it stands for. All else stays byte for byte, in a
    body that has none. Raises SearchRefused."""
    if _MARK not in body:
        return body
    try:
        value = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return body  # whoever reads it says what is wrong
    return msgspec.json.encode(_turned(value, "", fields))


def _turned(value: Any, path: str, fields: FieldMap) -> Any:
    if isinstance(value, list):
        return [_turned(each, f"{path}[{position}]", fields) for position, each in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if value.keys() == {_NAME} and isinstance(value[_NAME], dict) and "query" in value[_NAME]:
        return spelled_out(_asked(Part(value[_NAME], f"{path}.{_NAME}", Budget(Limits()))), fields)
    return {
        # In a query of one field, a key may be the name of a field that is called so.
        key: each if key in LEAVES else _turned(each, f"{path}.{key}" if path else key, fields)
        for key, each in value.items()
    }


def _asked(part: Part) -> Asked:
    readers: Readers = {
        "query": lambda each: each.as_text(),
        "fields": lambda each: tuple(weight(name, patterns=True) for name in each.some()),
        "default_field": lambda each: ((each.text(), 1.0),),
        "default_operator": lambda each: each.text().lower(),
        "lenient": Part.boolean,
        "tie_breaker": Part.number,
        "phrase_slop": at_least(0),
        "minimum_should_match": minimum,
        "time_zone": Part.text,
        "boost": Part.boost,
        "fuzziness": lambda each: each.as_text(),
        "fuzzy_prefix_length": at_least(0),
        "fuzzy_max_expansions": FUZZY_OPTIONS["max_expansions"],
        "fuzzy_transpositions": Part.boolean,
    }
    ignored: Readers = {
        "type": only_if("best_fields"),
        "analyzer": only_if("standard"),
        "analyze_wildcard": only_if(False, "false"),
        "allow_leading_wildcard": only_if(True, "true"),
        "auto_generate_synonyms_phrase_query": Part.boolean,
        "enable_position_increments": only_if(True),
        "escape": only_if(False),
        "max_determinized_states": Part.integer,
        "rewrite": only_if("constant_score"),
        "_name": Part.text,
    }
    values = part.options(_NAME, readers, ignored)
    if "query" not in values:
        raise part.refused(f"[{_NAME}] must be provided with a [query]")
    if "fields" in values and "default_field" in values:
        raise part.refused("either [fields] or [default_field] can be given, not both,")
    fields = values.pop("default_field", values.pop("fields", ()))
    operator = values.pop("default_operator", "or")
    if operator not in ("or", "and"):
        raise refusals.illegal(f"[default_operator] is [{operator[:100]}]; it can be [or] or [and], at {part.path}")
    fuzzy = {
        name.replace("fuzzy_t", "t").replace("fuzzy_", ""): values.pop(name)
        for name in ("fuzzy_prefix_length", "fuzzy_max_expansions", "fuzzy_transpositions")
        if name in values
    }
    return Asked(**values, fields=fields, operator=operator, fuzzy=fuzzy)
