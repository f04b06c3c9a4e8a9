"""Queries that hold no other queries: from a part of a body to a node of the tree."""

from collections.abc import Mapping
from typing import Any

import msgspec

from activity_stream.search import refusals
from activity_stream.search.analysis import tokens
from activity_stream.search.fuzzy import fuzziness
from activity_stream.search.minimum import minimum_should_match
from activity_stream.search.part import Part, Reader, Readers, at_least, only_if
from activity_stream.search.query import (
    DisMax,
    Exists,
    Fuzziness,
    Fuzzy,
    Ids,
    Match,
    MatchAll,
    MatchBoolPrefix,
    MatchNone,
    MatchPhrase,
    MatchPhrasePrefix,
    MultiMatch,
    Node,
    Prefix,
    Range,
    Regexp,
    Scalar,
    Term,
    Terms,
    TermsSet,
    Wildcard,
)
from activity_stream.search.regexps import translated
from activity_stream.search.values import json_text

_BOOST: Readers = {"boost": Part.boost}


def minimum(part: Part) -> str:
    """A `minimum_should_match`, checked."""
    text = part.as_text()
    try:
        minimum_should_match(text, 1)
    except ValueError as problem:
        raise refusals.illegal(f"{problem} at {part.path}") from None
    return text


def _operator(part: Part) -> str:
    return part.choice("or", "and")


def _zero_terms(part: Part) -> str:
    return part.choice("none", "all")


def _pattern(part: Part) -> str:
    text = part.as_text()
    if len(text) > part.budget.limits.pattern:
        limit = part.budget.limits.pattern
        raise refusals.illegal(f"The pattern has {len(text)} characters, at most {limit} are allowed, at {part.path}")
    return text


def _searched(part: Part) -> Scalar:
    """What a text query looks for; each of its words is a clause."""
    value = part.scalar()
    if isinstance(value, str) and len(value) > part.budget.limits.clauses:
        part.budget.clause(part.path, len(tokens(value)))
    return value


def _expansions(part: Part) -> int:
    number = part.integer()
    limit = part.budget.limits.clauses
    if not 0 < number <= limit:
        raise refusals.illegal(f"[max_expansions] must be from 1 to {limit}. Found [{number}] at {part.path}")
    return number


def _fuzziness(part: Part) -> Fuzziness:
    try:
        return fuzziness(part.as_text())
    except ValueError as problem:
        raise refusals.illegal(f"{problem} at {part.path}") from None


def _with_fuzziness(values: dict[str, Any]) -> dict[str, Any]:
    """The options of a query of words with those that say how fuzzy it is as one."""
    how: dict[str, Any] = {name: values.pop(name) for name in ("prefix_length", "max_expansions") if name in values}
    if "fuzzy_transpositions" in values:
        how["transpositions"] = values.pop("fuzzy_transpositions")
    allowed = values.pop("fuzziness", None)
    return values if allowed is None else {**values, "fuzzy": msgspec.structs.replace(allowed, **how)}


_NO_SYNONYMS: Readers = {"auto_generate_synonyms_phrase_query": Part.boolean}
_MATCH: Readers = {
    "query": _searched,
    "operator": _operator,
    "minimum_should_match": minimum,
    "zero_terms_query": _zero_terms,
    "lenient": Part.boolean,
    **_BOOST,
}
FUZZY_OPTIONS: Readers = {
    "fuzziness": _fuzziness,
    "prefix_length": at_least(0),
    "max_expansions": _expansions,
    "fuzzy_transpositions": Part.boolean,
}
_BEGUN = ("phrase_prefix", "bool_prefix")
_WITHOUT_MISTAKES = ("phrase", "cross_fields")
_NUMBER_OF_WORDS = ("operator", "minimum_should_match")
_DEFAULT_REWRITE: Readers = {"fuzzy_rewrite": only_if("top_terms_blended_freqs_50")}
_PHRASE: Readers = {"query": _searched, "zero_terms_query": _zero_terms, "slop": at_least(0), **_BOOST}
_TERM: Readers = {"value": Part.scalar, "case_insensitive": Part.boolean, **_BOOST}
_PATTERN: Readers = {"value": _pattern, "case_insensitive": Part.boolean, **_BOOST}
_OTHER_WILDCARD: Readers = {"wildcard": _pattern, "case_insensitive": Part.boolean, **_BOOST}
_CONSTANT_REWRITE: Readers = {"rewrite": only_if("constant_score")}


def _on_field(part: Part, construct: str, short: str, readers: Readers, ignored: Readers) -> dict[str, Any]:
    """`{field: value}` or `{field: {short: value, …}}`, as keyword arguments for a node."""
    field, inner = part.only(construct)
    inner.named(field)
    if not isinstance(inner.value, dict):
        return {"field": field, short: readers[short](inner)}
    values = inner.options(construct, readers, ignored)
    if short not in values:
        raise inner.refused(f"[{construct}] needs [{short}]")
    if "zero_terms_query" in values:
        values["zero_terms"] = values.pop("zero_terms_query")
    return {"field": field, **values}


def _match_all(part: Part) -> Node:
    return MatchAll(**part.options("match_all", _BOOST))


def _match_none(part: Part) -> Node:
    return MatchNone(**part.options("match_none", _BOOST))


def _match(part: Part) -> Node:
    ignored: Readers = {**_NO_SYNONYMS, **_DEFAULT_REWRITE}
    return Match(**_with_fuzziness(_on_field(part, "match", "query", {**_MATCH, **FUZZY_OPTIONS}, ignored)))


def _match_phrase(part: Part) -> Node:
    return MatchPhrase(**_on_field(part, "match_phrase", "query", _PHRASE, {}))


def _match_phrase_prefix(part: Part) -> Node:
    readers: Readers = {**_PHRASE, "max_expansions": _expansions}
    return MatchPhrasePrefix(**_on_field(part, "match_phrase_prefix", "query", readers, {}))


def _match_bool_prefix(part: Part) -> Node:
    readers: Readers = {
        "query": _searched,
        "operator": _operator,
        "minimum_should_match": minimum,
        **_BOOST,
        **FUZZY_OPTIONS,
    }
    values = _on_field(part, "match_bool_prefix", "query", readers, _DEFAULT_REWRITE)
    return MatchBoolPrefix(**_with_fuzziness(values))


def _fuzzy(part: Part) -> Node:
    readers: Readers = {
        "value": lambda each: json_text(each.scalar()),
        "fuzziness": _fuzziness,
        "prefix_length": at_least(0),
        "max_expansions": _expansions,
        "transpositions": Part.boolean,
        **_BOOST,
    }
    rewrite: Readers = {"rewrite": only_if("top_terms_blended_freqs_50")}
    values = _on_field(part, "fuzzy", "value", readers, rewrite)
    values.setdefault("fuzziness", Fuzziness())
    if "transpositions" in values:
        values["fuzzy_transpositions"] = values.pop("transpositions")
    return Fuzzy(**_with_fuzziness(values))


def _term(part: Part) -> Node:
    return Term(**_on_field(part, "term", "value", _TERM, {}))


def _prefix(part: Part) -> Node:
    return Prefix(**_on_field(part, "prefix", "value", _PATTERN, _CONSTANT_REWRITE))


def _wildcard(part: Part) -> Node:
    _, inner = part.only("wildcard")
    other_name = isinstance(inner.value, dict) and "wildcard" in inner.value
    short, readers = ("wildcard", _OTHER_WILDCARD) if other_name else ("value", _PATTERN)
    values = _on_field(part, "wildcard", short, readers, _CONSTANT_REWRITE)
    return Wildcard(value=values.pop(short), **values)


def _regexp(part: Part) -> Node:
    ignored: Readers = {
        **_CONSTANT_REWRITE,
        "flags": only_if("ALL"),
        "flags_value": only_if(255, 65535),
        "max_determinized_states": Part.integer,
    }
    node = Regexp(**_on_field(part, "regexp", "value", _PATTERN, ignored))
    try:
        translated(node.value)
    except ValueError as problem:
        raise refusals.illegal(f"{problem} at {part.path}") from None
    return node


def weight(part: Part, *, patterns: bool = False) -> tuple[str, float]:
    """A field's name with its boost: `name^2`; with `patterns` the name may be one, as `name.*`."""
    name, caret, boost = part.text().partition("^")
    if not name or ("*" in name and not patterns):
        raise part.refused(f"[multi_match] needs the names of fields, not [{part.value[:100]}]: {refusals.NOT_YET};")
    return part.named(name), Part(boost, part.path, part.budget).boost() if caret else 1.0


def _weighted_fields(part: Part) -> tuple[tuple[str, float], ...]:
    """Fields with their boosts; of a field that is named twice the last one counts."""
    fields = [weight(each) for each in part.some()]
    for _ in fields[1:]:
        part.budget.clause(part.path)
    return tuple(dict(fields).items())


def _multi_match(part: Part) -> Node:
    readers: Readers = {
        **_MATCH,
        "fields": _weighted_fields,
        "type": _multi_match_type,
        "tie_breaker": Part.number,
        "slop": at_least(0),
        **FUZZY_OPTIONS,
    }
    values = part.options("multi_match", readers, {**_NO_SYNONYMS, **_DEFAULT_REWRITE})
    if not values.get("fields") or "query" not in values:
        raise part.refused("[multi_match] needs [query] and [fields]")
    if values.get("type") in _BEGUN:
        return _begun_in_fields(part, values)
    values = _with_fuzziness(values)
    if "zero_terms_query" in values:
        values["zero_terms"] = values.pop("zero_terms_query")
    if values.get("type") in _WITHOUT_MISTAKES and "fuzzy" in values:
        raise part.refused(f"Fuzziness not allowed for type [{values['type']}]")
    if values.get("type") == "most_fields":
        values.setdefault("tie_breaker", 1.0)
    return MultiMatch(**values)


def _begun_in_fields(part: Part, values: dict[str, Any]) -> Node:
    """`phrase_prefix` and `bool_prefix`: the same query on each of the fields, of which the best counts, or all."""
    kind, query = values["type"], values["query"]
    if kind == "phrase_prefix" and "fuzziness" in values:
        raise part.refused("Fuzziness not allowed for type [phrase_prefix]")
    phrase = {
        "query": query,
        "max_expansions": values.get("max_expansions", 50),
        "zero_terms": values.get("zero_terms_query", "none"),
        "slop": values.get("slop", 0),
    }
    how = _with_fuzziness(
        {name: value for name, value in values.items() if name in (*FUZZY_OPTIONS, *_NUMBER_OF_WORDS)}
    )
    made: list[Node] = []
    for name, boost in values["fields"]:
        if kind == "phrase_prefix":
            made.append(MatchPhrasePrefix(field=name, boost=boost, **phrase))
        else:
            made.append(MatchBoolPrefix(field=name, query=query, boost=boost, **how))
    tie_breaker = values.get("tie_breaker", 0.0 if kind == "phrase_prefix" else 1.0)
    return DisMax(queries=tuple(made), tie_breaker=tie_breaker, boost=values.get("boost", 1.0))


def _multi_match_type(part: Part) -> str:
    return part.choice("best_fields", "most_fields", "cross_fields", "phrase", *_BEGUN)


def _terms(part: Part) -> Node:
    entries = dict(part.entries())
    boost = entries.pop("boost").boost() if "boost" in entries else 1.0
    if len(entries) != 1:
        raise part.refused(
            "[terms] query requires one field name, followed by array of terms; it does not support multiple fields"
        )
    field, values = entries.popitem()
    values.named(field)
    if isinstance(values.value, dict):
        raise values.refused(f"[terms] lookup of field [{field}]: {refusals.NOT_YET};")
    if not isinstance(values.value, list):
        raise values.refused(f"[terms] query does not support [{field}]: it needs a list, not {values.token},")
    _check_number(values)
    return Terms(field=field, values=tuple(each.scalar() for each in values.elements()), boost=boost)


_MOST_OF_A_SET = 256


def _terms_set(part: Part) -> Node:
    field, inner = part.only("terms_set")
    inner.named(field)
    if isinstance(inner.value, dict) and "minimum_should_match_script" in inner.value:
        raise inner.refused(f"[minimum_should_match_script] of [terms_set]: {refusals.NOT_YET};")
    readers: Readers = {"terms": _set_values, "minimum_should_match_field": Part.field, **_BOOST}
    values = inner.options("terms_set", readers, {"_name": Part.text})
    for name in ("terms", "minimum_should_match_field"):
        if name not in values:
            raise inner.refused(f"[terms_set] needs [{name}]")
    number = values.pop("minimum_should_match_field")
    return TermsSet(field=field, values=values.pop("terms"), number=number, **values)


def _set_values(part: Part) -> tuple[Scalar, ...]:
    found = tuple(each.scalar() for each in part.elements())
    part.budget.clause(part.path, len(found))
    if len(found) > _MOST_OF_A_SET:
        raise refusals.illegal(f"[terms_set] has {len(found)} values, at most {_MOST_OF_A_SET} are allowed")
    return found


def _check_number(part: Part) -> None:
    limit = part.budget.limits.terms
    if len(part.value) > limit:
        raise refusals.illegal(
            f"The number of terms [{len(part.value)}] has exceeded the allowed maximum of [{limit}] at {part.path}"
        )


def _range(part: Part) -> Node:
    field, inner = part.only("range")
    inner.named(field)
    bound: Reader = Part.maybe_scalar
    readers: Readers = {
        **dict.fromkeys(("gt", "gte", "lt", "lte", "from", "to"), bound),
        "include_lower": Part.boolean,
        "include_upper": Part.boolean,
        "format": Part.text,
        "time_zone": Part.text,
        **_BOOST,
    }
    values = inner.options("range", readers)
    lower = values.pop("from", None)
    upper = values.pop("to", None)
    included = values.pop("include_lower", True), values.pop("include_upper", True)
    if lower is not None:
        values["gte" if included[0] else "gt"] = lower
    if upper is not None:
        values["lte" if included[1] else "lt"] = upper
    return Range(field=field, **_last_of_each_end(values))


def _last_of_each_end(values: dict[str, Any]) -> dict[str, Any]:
    """A range has one lower and one upper bound; of two the later one counts."""
    for one, other in (("gt", "gte"), ("lt", "lte")):
        if one in values and other in values:
            keys = list(values)
            del values[one if keys.index(one) < keys.index(other) else other]
    return values


def _exists(part: Part) -> Node:
    values = part.options("exists", {"field": Part.field, **_BOOST})
    if not values.get("field"):
        raise part.refused("[exists] must be provided with a [field]")
    return Exists(**values)


def _ids(part: Part) -> Node:
    values = part.options("ids", {"values": _id_values, **_BOOST})
    if "values" not in values:
        raise part.refused("[ids] requires providing a values array of ids")
    return Ids(**values)


def _id_values(part: Part) -> tuple[str, ...]:
    if isinstance(part.value, list):
        _check_number(part)
    return tuple(each.as_text() for each in part.some())


LEAVES: Mapping[str, Reader] = {
    "match_all": _match_all,
    "match_none": _match_none,
    "match": _match,
    "multi_match": _multi_match,
    "match_phrase": _match_phrase,
    "match_phrase_prefix": _match_phrase_prefix,
    "match_bool_prefix": _match_bool_prefix,
    "fuzzy": _fuzzy,
    "term": _term,
    "terms": _terms,
    "terms_set": _terms_set,
    "range": _range,
    "exists": _exists,
    "prefix": _prefix,
    "regexp": _regexp,
    "wildcard": _wildcard,
    "ids": _ids,
}
"""The readers of these queries by name."""
