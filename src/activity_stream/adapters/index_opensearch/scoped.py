"""Searches for callers who see only a part: nothing of the rest shows in scores, in errors, or in what is said of
shards.

A cluster takes the rarity of words from whole shards. So the documents of the scope are counted first, in one request,
and the words then have constant scores. Its errors name the indices, that is the feeds, that they come from.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw

from activity_stream.errors import SearchRefused
from activity_stream.fields import FieldMap
from activity_stream.model import SearchAnswer
from activity_stream.search import refusals
from activity_stream.search.analysis import tokens
from activity_stream.search.check import check
from activity_stream.search.parse import parse_body
from activity_stream.search.parse_query_strings import without_query_strings
from activity_stream.search.rarity import Weighing, shows_scores
from activity_stream.search.values import json_text

Search = Callable[[bytes], Awaitable[SearchAnswer]]

_SHARDS = re.compile(rb'"_shards":\{"total":\d+,"successful":\d+,"skipped":\d+,"failed":0\}')
_ENDED_EARLY = re.compile(rb'"terminated_early":(true|false),')
_ONE_SHARD = b'"_shards":{"total":1,"successful":1,"skipped":0,"failed":0}'
_EVERY = 1_000_000
_ALL_OF_THEM = "constant_score"
"""How an engine takes a query of several words without a limit of how many."""
_EMPTY_META = b'"meta":{}'
_MOST_REMEMBERED = 256
_LONGEST_REMEMBERED = 16_384


class _Ready(msgspec.Struct, frozen=True):
    """A body that has no mistake; `weighing` is what makes its query's scores, None where they do not show."""

    body: bytes
    weighing: Weighing | None


class Scoping:
    """Makes bodies ready for the indices of an alias with these fields. Short ones are remembered, as the same bodies
    come again and again; but for those that depend on the time."""

    def __init__(self, fields: FieldMap) -> None:
        self._fields = fields
        self._remembered = lru_cache(maxsize=_MOST_REMEMBERED)(self._ready)

    async def scoped(self, search: Search, body: bytes, scope: bytes, now_ms: int) -> bytes:
        """The body, narrowed already, with scores from what `scope` finds. `search` is asked where something is to be
        counted; raises what it raises, and SearchRefused for a body that has a mistake."""
        again = len(body) <= _LONGEST_REMEMBERED and b"now" not in body
        ready = self._remembered(body, 0) if again else self._ready(body, now_ms)
        if ready.weighing is None:
            return ready.body
        parts = msgspec.json.decode(ready.body, type=dict[str, Raw])
        counts = await _counts(search, ready.weighing, scope) if ready.weighing.counting() else {}
        return _with_all_expansions(msgspec.json.encode({**parts, "query": ready.weighing.weighed(counts)}))

    def _ready(self, body: bytes, now_ms: int) -> _Ready:
        body = _without_least_of_nothing(without_query_strings(body, self._fields), self._fields)
        tree = parse_body(body)
        check(tree, self._fields, now_ms)
        if not shows_scores(tree):
            return _Ready(_with_all_expansions(body), None)
        query = msgspec.json.decode(body, type=dict[str, Raw])["query"]
        return _Ready(body, Weighing(msgspec.json.decode(query), self._fields))


def _without_least_of_nothing(body: bytes, fields: FieldMap) -> bytes:
    """The body with the average in place of the `min` of a field that is not mapped, which is null as well: for its
    sake OpenSearch 3 leaves out the documents of an index under `terms`, where its query finds all of them."""
    if b'"min"' not in body:
        return body
    parts = msgspec.json.decode(body, type=dict[str, Raw])
    for name in ("aggs", "aggregations"):
        if name in parts:
            parts[name] = Raw(msgspec.json.encode(_averaged(msgspec.json.decode(parts[name]), fields)))
    return msgspec.json.encode(parts)


def _averaged(aggs: Any, fields: FieldMap) -> Any:
    """Aggregations by name, and those below them."""
    if not isinstance(aggs, dict):
        return aggs
    found = {}
    for name, agg in aggs.items():
        made = agg
        match agg:
            case {"min": {"field": str(field)}} if field not in fields:
                made = {("avg" if kind == "min" else kind): said for kind, said in agg.items()}
            case dict():
                made = {
                    key: _averaged(inner, fields) if key in ("aggs", "aggregations") else inner
                    for key, inner in agg.items()
                }
        found[name] = made
    return found


def _with_all_expansions(body: bytes) -> bytes:
    """The body with every word that a begun one, or one with mistakes, can be: the first fifty of an index can be
    others' words."""
    if not any(each in body for each in (b'"match_phrase_prefix"', b'"phrase_prefix"', b'"fuzzy"', b'"fuzziness"')):
        return body
    parts = msgspec.json.decode(body, type=dict[str, Raw])
    for name in ("query", "post_filter", "aggs", "aggregations"):
        if name in parts:
            parts[name] = Raw(msgspec.json.encode(_expanded(msgspec.json.decode(parts[name]))))
    return msgspec.json.encode(parts)


def _expanded(part: Any) -> Any:
    if isinstance(part, list):
        return [_expanded(each) for each in part]
    if not isinstance(part, dict):
        return part
    (name, inner), *more = part.items() or [("", None)]
    if not more and isinstance(inner, dict) and name in _EXPANDED:
        return _EXPANDED[name](name, inner)
    return {key: _expanded(value) for key, value in part.items()}


def _begun(name: str, inner: dict[str, Any]) -> Any:
    ((field, said),) = inner.items()
    if not isinstance(said, dict):
        said = {"query": said}
    words = tokens(json_text(said.get("query", "")))
    if len(words) == 1:  # as a phrase it would become a query with a clause for each word, of which there is a limit
        return {"prefix": {field: {"value": words[0], "boost": said.get("boost", 1.0)}}}
    return {name: {field: {**said, "max_expansions": _EVERY}}}


def _fuzzy(name: str, inner: dict[str, Any]) -> Any:
    ((field, said),) = inner.items()
    return {name: {field: {**(said if isinstance(said, dict) else {"value": said}), "rewrite": _ALL_OF_THEM}}}


def _words(name: str, inner: dict[str, Any]) -> Any:
    ((field, said),) = inner.items()
    if not isinstance(said, dict) or "fuzziness" not in said:
        return {name: inner}
    return {name: {field: {**said, "fuzzy_rewrite": _ALL_OF_THEM}}}


def _in_fields(name: str, inner: dict[str, Any]) -> Any:
    if inner.get("type") == "phrase_prefix":
        fields = inner["fields"] if isinstance(inner["fields"], list) else [inner["fields"]]
        weighted = [(field, float(weight or 1)) for field, _, weight in (each.partition("^") for each in fields)]
        said = {key: inner[key] for key in ("query", "zero_terms_query", "slop") if key in inner}
        parts = [_begun("match_phrase_prefix", {field: {**said, "boost": boost}}) for field, boost in weighted]
        return {
            "dis_max": {"queries": parts, "tie_breaker": inner.get("tie_breaker", 0), "boost": inner.get("boost", 1)}
        }
    return {name: {**inner, "fuzzy_rewrite": _ALL_OF_THEM} if "fuzziness" in inner else inner}


_EXPANDED: Mapping[str, Callable[[str, dict[str, Any]], Any]] = {
    "match_phrase_prefix": _begun,
    "fuzzy": _fuzzy,
    "match": _words,
    "match_bool_prefix": _words,
    "multi_match": _in_fields,
}


def without_traces(answer: bytes) -> bytes:
    """The answer as one shard would give it: how many a cluster has tells how many feeds there are.

    Several shards, or several of their segments at once, also leave an empty `meta` in aggregations that have none.
    """
    head, shards, rest = answer.partition(b'"_shards":')
    answer = _SHARDS.sub(_ONE_SHARD, _ENDED_EARLY.sub(b"", head) + shards + rest, count=1)
    if _EMPTY_META not in answer:
        return answer
    parts = msgspec.json.decode(answer, type=dict[str, Raw])
    if "aggregations" in parts:
        parts["aggregations"] = _without_meta(parts["aggregations"])
    return msgspec.json.encode(parts)


def _without_meta(value: Raw) -> Raw:
    """Aggregations without their empty `meta`; hits among them stay as they are."""
    data = bytes(value)
    if _EMPTY_META not in data:
        return value
    if data[:1] == b"[":
        return Raw(msgspec.json.encode([_without_meta(each) for each in msgspec.json.decode(data, type=list[Raw])]))
    members = msgspec.json.decode(data, type=dict[str, Raw])
    kept = {
        key: each if key == "hits" else _without_meta(each)
        for key, each in members.items()
        if not (key == "meta" and bytes(each) == b"{}")
    }
    return Raw(msgspec.json.encode(kept))


def without_indices(refusal: SearchRefused) -> SearchRefused:
    """The refusal with its cause alone; what each index says of it, and their names, are left out."""
    try:
        error = msgspec.json.decode(refusal.body)["error"]
        causes = error.get("root_cause") or [error]
        kind, reason = min((str(each["type"]), str(each["reason"])) for each in causes)
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return refusals.refused(refusals.ILLEGAL, "The search index refused this search", status=refusal.status)
    return refusals.refused(kind, reason, status=refusal.status)


async def _counts(search: Search, weighing: Weighing, scope: bytes) -> dict[str, int]:
    names = list(weighing.counting())
    filters = {str(number): weighing.counting()[name] for number, name in enumerate(names)}
    asked: dict[str, Any] = {
        "size": 0,
        "track_total_hits": False,
        "query": {"bool": {"filter": [Raw(scope)]}},
        "aggs": {"words": {"filters": {"filters": filters}}},
    }
    answer = await search(msgspec.json.encode(asked))
    buckets = msgspec.json.decode(answer.body)["aggregations"]["words"]["buckets"]
    return {name: int(buckets[str(number)]["doc_count"]) for number, name in enumerate(names)}
