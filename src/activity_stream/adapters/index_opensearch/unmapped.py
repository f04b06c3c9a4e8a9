"""Fields that are not mapped, as a cluster is asked for them: by the terms that each document has beside it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from activity_stream.adapters.index_opensearch.beside import UNMAPPED, digest
from activity_stream.search.unmapped import Unmapped, path_term, value_term

_QUERIES: Mapping[str, tuple[str, ...]] = {
    "bool": ("must", "filter", "should", "must_not"),
    "boosting": ("positive", "negative"),
    "constant_score": ("filter",),
    "dis_max": ("queries",),
    "function_score": ("query", "functions"),
    "script_score": ("query",),
}
"""Where queries are in queries."""

_OF_ALL = frozenset({"boost", "_name"})
_OF_TERM = _OF_ALL | {"value", "case_insensitive"}
_OF_PHRASE = _OF_ALL | {"query", "slop", "zero_terms_query", "analyzer"}
_OF_MATCH = _OF_ALL | {
    "query", "operator", "minimum_should_match", "zero_terms_query", "lenient", "analyzer", "prefix_length",
    "max_expansions", "fuzzy_transpositions", "auto_generate_synonyms_phrase_query",
}  # fmt: skip
"""The options with which they are about a whole value, where a field has no words; with `fuzziness` they are not."""


def asked(body: bytes, unmapped: Unmapped) -> bytes:
    """The search body (JSON) with queries of these terms in place of those of fields that are not mapped. What cannot
    be read stays as it is: the cluster says what is wrong."""
    try:
        parts = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return body
    if not isinstance(parts, dict):
        return body
    made = _Asking(unmapped)
    found = {key: made.part(key, value) for key, value in parts.items()}
    return msgspec.json.encode(found) if made.changed else body


class _Asking:
    """Turns the parts of one body. `changed`: whether there was anything to turn."""

    def __init__(self, unmapped: Unmapped) -> None:
        self._unmapped = unmapped
        self.changed = False

    def part(self, key: str, value: Any) -> Any:
        """A part of a search body."""
        match key:
            case "query" | "post_filter":
                return self._query(value)
            case "aggs" | "aggregations":
                return self._each(value, self._aggregation)
            case "rescore":
                return [self._rescore(each) for each in value] if isinstance(value, list) else self._rescore(value)
        return value

    def _rescore(self, value: Any) -> Any:
        return self._at(value, "query", lambda inner: self._at(inner, "rescore_query", self._query))

    def _aggregation(self, value: Any) -> Any:
        value = self._at(value, "filter", self._query)
        for kind in ("filters", "adjacency_matrix"):
            value = self._at(value, kind, lambda inner: self._at(inner, "filters", self._filters))
        for key in ("aggs", "aggregations"):
            value = self._at(value, key, lambda inner: self._each(inner, self._aggregation))
        return value

    def _filters(self, value: Any) -> Any:
        return [self._query(each) for each in value] if isinstance(value, list) else self._each(value, self._query)

    def _query(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._query(each) for each in value]
        if not isinstance(value, dict):
            return value
        if "function_score" not in value and len(value) == 1:
            ((kind, said),) = value.items()
            if kind in _LEAVES and isinstance(said, dict):
                return self._leaf(value, _LEAVES[kind](said))
        for kind in _QUERIES.keys() & value.keys():
            for key in _QUERIES[kind]:
                turn = self._functions if key == "functions" else self._query
                value = {**value, kind: self._at(value[kind], key, turn)}
        return value

    def _functions(self, value: Any) -> Any:
        return [self._at(each, "filter", self._query) for each in value] if isinstance(value, list) else value

    def _leaf(self, query: Any, said: "_Said | None") -> Any:
        if said is None or not self._unmapped.named(said.field):
            return query
        self.changed = True
        terms = {"terms": {UNMAPPED: [digest(each) for each in said.terms]}}
        return {"constant_score": {"filter": terms, **said.options}}

    def _each(self, value: Any, turn: Callable[[Any], Any]) -> Any:
        return {name: turn(inner) for name, inner in value.items()} if isinstance(value, dict) else value

    def _at(self, value: Any, key: str, turn: Callable[[Any], Any]) -> Any:
        return {**value, key: turn(value[key])} if isinstance(value, dict) and key in value else value


class _Said(msgspec.Struct, frozen=True):
    """A query of one field: the terms of which any is to be there, and what it says besides."""

    field: str
    terms: list[str]
    options: dict[str, Any]


def _exists(said: dict[str, Any]) -> _Said | None:
    field = said.get("field")
    return _Said(field, [path_term(field)], _besides(said)) if isinstance(field, str) else None


def _terms(said: dict[str, Any]) -> _Said | None:
    fields = [name for name in said if name not in _OF_ALL]
    values = said[fields[0]] if len(fields) == 1 else None
    if not isinstance(values, list) or not all(_is_value(each) for each in values):
        return None
    return _Said(fields[0], [value_term(fields[0], each) for each in values], _besides(said))


def _of_value(key: str, options: frozenset[str], said: dict[str, Any]) -> _Said | None:
    if len(said) != 1:
        return None
    ((field, how),) = said.items()
    if not isinstance(how, dict):
        how = {key: how}
    if not how.keys() <= options or not _is_value(how.get(key)) or how.get("case_insensitive", False) is not False:
        return None
    return _Said(field, [value_term(field, how[key])], _besides(how))


def _besides(said: dict[str, Any]) -> dict[str, Any]:
    return {name: said[name] for name in _OF_ALL if name in said}


def _is_value(value: Any) -> bool:
    return isinstance(value, str | int | float)


_LEAVES: Mapping[str, Callable[[dict[str, Any]], _Said | None]] = {
    "exists": _exists,
    "match": partial(_of_value, "query", _OF_MATCH),
    "match_phrase": partial(_of_value, "query", _OF_PHRASE),
    "term": partial(_of_value, "value", _OF_TERM),
    "terms": _terms,
}
