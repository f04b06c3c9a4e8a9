"""`query_string` and `simple_query_string` in a body: their options, and the body with what they stand for instead."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from activity_stream.fields import FieldMap
from activity_stream.model import SearchLimits
from activity_stream.search import refusals
from activity_stream.search.limits import Budget
from activity_stream.search.on_fields import PHRASES, Query
from activity_stream.search.parse_leaves import FUZZY_OPTIONS, LEAVES, minimum, weight
from activity_stream.search.part import Part, Readers, at_least, only_if
from activity_stream.search.query import MatchNone, Node
from activity_stream.search.query_strings import Asked, spelled_out
from activity_stream.search.simple_query_strings import FLAG_BITS, FLAGS, SimplyAsked, simply_spelled_out


def query_string(part: Part) -> Node:
    """Checks it. What it finds depends on the fields there are, which a parser does not know: nothing, here."""
    _spelled_out(part, {})
    return MatchNone()


def simple_query_string(part: Part) -> Node:
    """The same of the simple language."""
    _simply_spelled_out(part, {})
    return MatchNone()


def without_query_strings(body: bytes, fields: FieldMap) -> bytes:
    """The search body with each of these as the queries that it stands for. All else stays byte for byte, in a
    body that has none. Raises SearchRefused."""
    if not any(f'"{name}"'.encode() in body for name in _SPELLED_OUT):
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
    name, said = next(iter(value.items()), ("", None))
    if len(value) == 1 and name in _SPELLED_OUT and isinstance(said, dict) and "query" in said:
        return _SPELLED_OUT[name](Part(said, f"{path}.{name}", Budget(SearchLimits())), fields)
    return {
        key: each if _is_on_field(key, each) else _turned(each, f"{path}.{key}" if path else key, fields)
        for key, each in value.items()
    }


def _is_on_field(key: str, value: Any) -> bool:
    """Whether it is a query of one field, which is called as one of these; an aggregation may have a query's name."""
    return key in LEAVES and isinstance(value, dict) and value.keys() <= _SPELLED_OUT.keys()


_COMMON: Readers = {
    "query": lambda each: each.as_text(),
    "fields": lambda each: tuple(weight(name, patterns=True) for name in each.some()),
    "default_operator": lambda each: each.text().lower(),
    "lenient": Part.boolean,
    "minimum_should_match": minimum,
    "boost": Part.boost,
    "fuzzy_prefix_length": at_least(0),
    "fuzzy_max_expansions": FUZZY_OPTIONS["max_expansions"],
    "fuzzy_transpositions": Part.boolean,
}
_COMMON_IGNORED: Readers = {
    "analyzer": only_if("standard"),
    "analyze_wildcard": only_if(False, "false"),
    "auto_generate_synonyms_phrase_query": Part.boolean,
    "_name": Part.text,
}


def _spelled_out(part: Part, fields: FieldMap) -> Query:
    readers: Readers = {
        **_COMMON,
        "default_field": lambda each: ((each.text(), 1.0),),
        "tie_breaker": Part.number,
        "type": lambda each: each.choice("best_fields", "most_fields", "cross_fields", *PHRASES),
        "phrase_slop": at_least(0),
        "time_zone": Part.text,
        "fuzziness": lambda each: each.as_text(),
    }
    ignored: Readers = {
        **_COMMON_IGNORED,
        "allow_leading_wildcard": only_if(True, "true"),
        "enable_position_increments": only_if(True),
        "escape": only_if(False),
        "max_determinized_states": Part.integer,
        "rewrite": only_if("constant_score"),
    }
    values = _options(part, "query_string", readers, ignored)
    if "fields" in values and "default_field" in values:
        raise part.refused("either [fields] or [default_field] can be given, not both,")
    values["by_default"] = "default_field" in values
    fields_of = values.pop("default_field", values.pop("fields", ()))
    return spelled_out(Asked(**values, fields=fields_of), fields, partial(part.budget.clause, part.path))


def _simply_spelled_out(part: Part, fields: FieldMap) -> Query:
    readers: Readers = {**_COMMON, "flags": _flags}
    asked = SimplyAsked(**_options(part, "simple_query_string", readers, _COMMON_IGNORED))
    return simply_spelled_out(asked, fields, partial(part.budget.clause, part.path))


def _options(part: Part, name: str, readers: Readers, ignored: Readers) -> dict[str, Any]:
    values = part.options(name, readers, ignored)
    if "query" not in values:
        raise part.refused(f"[{name}] must be provided with a [query]")
    values["operator"] = values.pop("default_operator", "or")
    if values["operator"] not in ("or", "and"):
        raise refusals.illegal(
            f"[default_operator] is [{values['operator'][:100]}]; it can be [or] or [and], at {part.path}"
        )
    fuzzy = {
        "prefix_length": values.pop("fuzzy_prefix_length", None),
        "max_expansions": values.pop("fuzzy_max_expansions", None),
        "transpositions": values.pop("fuzzy_transpositions", None),
    }
    return {**values, "fuzzy": {option: value for option, value in fuzzy.items() if value is not None}}


def _flags(part: Part) -> frozenset[str]:
    """Names of operators, between bars; or a number of the bits that stand for them."""
    if isinstance(part.value, int) and not isinstance(part.value, bool):
        return FLAGS if part.value < 0 else frozenset(n for bit, n in enumerate(FLAG_BITS) if part.value >> bit & 1)
    names = frozenset(name.strip().upper() for name in part.text().split("|") if name.strip())
    if unknown := names - FLAGS - {"ALL", "NONE", "NEAR"}:
        raise refusals.illegal(f"Unknown simple_query_string flag [{min(unknown)[:100]}] at {part.path}")
    if "NONE" in names:
        return frozenset()
    return FLAGS if "ALL" in names or not names else frozenset("SLOP" if name == "NEAR" else name for name in names)


_SPELLED_OUT: Mapping[str, Callable[[Part, FieldMap], Query]] = {
    "query_string": _spelled_out,
    "simple_query_string": _simply_spelled_out,
}
