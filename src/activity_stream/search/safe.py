"""A search narrowed to what its caller may see, without a change in its meaning."""

from functools import lru_cache
from typing import Any

import msgspec

from activity_stream.search.aggs import (
    Agg,
    AutoDateHistogramAgg,
    GlobalAgg,
    SignificantTermsAgg,
    TermsAgg,
    every_aggregation,
)
from activity_stream.search.body import SearchBody
from activity_stream.search.parse import parse_body
from activity_stream.search.query import FunctionScore, MoreLikeThis, every_query
from activity_stream.search.refusals import illegal
from activity_stream.search.scripts import without_scripts

_ALL = msgspec.Raw(b'{"match_all":{}}')
_LONGEST_REMEMBERED = 16_384


def narrowed(body: bytes, scope: bytes) -> bytes:
    """The search body (JSON; empty: everything) with its query wrapped so that it finds nothing outside `scope`.

    Objects in nested fields show no scores, which in an index come from those of others too: each scores the same.
    `must` and `filter` are two clauses of a query around theirs: one of `should` alone keeps meaning "at least one".
    A sort by `_doc`, whose values number the documents of all callers, is one by `id`, and queries by script are what
    they mean; a function of a score, which can fail on a document's values, is asked within the scope alone. All else
    stays as it came, byte for byte. The body is read into the typed tree first, so that only
    constructs that are known can be in it. Raises SearchRefused for a construct that is not, and for one that could see
    around the filter. Short ones are remembered: the same bodies come again and again.
    """
    return (_remembered if len(body) + len(scope) <= _LONGEST_REMEMBERED else _narrowed)(body, scope)


def _narrowed(body: bytes, scope: bytes) -> bytes:
    tree = parse_body(body)
    refuse_unsafe(tree)
    parts = msgspec.json.decode(body, type=dict[str, msgspec.Raw]) if body.strip() else {}
    if any(key.field == "_doc" for key in tree.sort):
        parts["sort"] = msgspec.Raw(msgspec.json.encode(_by_id(msgspec.json.decode(parts["sort"]))))
    if "highlight" in parts:
        # What is marked is what they look for, and not what they may see.
        said = msgspec.json.decode(parts["highlight"], type=dict[str, msgspec.Raw])
        parts["highlight"] = msgspec.Raw(msgspec.json.encode({"highlight_query": parts.get("query", _ALL), **said}))
    for name in ("query", "post_filter", "aggs", "aggregations", "highlight") if b'"script"' in body else ():
        if name in parts:
            parts[name] = msgspec.Raw(msgspec.json.encode(without_scripts(msgspec.json.decode(parts[name]))))
    if b'"function_score"' in body:
        allowed = msgspec.json.decode(scope)
        for name in ("query", "post_filter", "aggs", "aggregations"):
            if name in parts:
                part = _with_functions_within(msgspec.json.decode(parts[name]), allowed)
                parts[name] = msgspec.Raw(msgspec.json.encode(part))
    for name in ("query", "post_filter") if b'"inner_hits"' in body else ():
        if name in parts:
            parts[name] = msgspec.Raw(msgspec.json.encode(_with_equal_objects(msgspec.json.decode(parts[name]))))
    theirs = parts.get("query", _ALL)
    parts["query"] = msgspec.Raw(b'{"bool":{"must":[%b],"filter":[%b]}}' % (theirs, scope))
    return msgspec.json.encode(parts)


_remembered = lru_cache(maxsize=256)(_narrowed)


def refuse_unsafe(body: SearchBody) -> None:
    """Refuse what shows more than the filtered documents hold: the other values of a field, as empty buckets; what
    finds documents by a score, to which in an index those of others add; what compares with all documents; and what
    depends on how these are spread."""
    for node in (inner for each in body.queries() for inner in every_query(each)):
        if isinstance(node, FunctionScore) and node.min_score is not None:
            raise illegal(
                "[min_score] of [function_score] is not for this key; use the [min_score] of the whole search"
            )
        if isinstance(node, MoreLikeThis):
            raise illegal("[more_like_this] is not for this key: which words tell most depends on all documents")
    if body.suggest:
        raise illegal("[suggest] is not for this key: it shows words of documents that this key may not see")
    if body.explain:
        raise illegal("[explain] is not for this key: it shows how many documents have a word")
    if body.rescore:
        raise illegal("[rescore] is not for this key: which hits are the best of an index depends on all that is in it")
    if any(key.field == "_doc" for page in body.pages() for key in page.sort):
        raise illegal("A sort by [_doc] within [top_hits] or [inner_hits] is not for this key; sort by [id]")
    for name, agg in every_aggregation(body.aggs):
        _refuse_unsafe_aggregation(name[:100], agg)


def _refuse_unsafe_aggregation(name: str, agg: Agg) -> None:
    if isinstance(agg, GlobalAgg):
        raise illegal(f"[global] is not for this key, which may not see all documents: [{name}]")
    if isinstance(agg, SignificantTermsAgg):
        raise illegal(f"[significant_terms] compares with all documents, which this key may not see: [{name}]")
    if isinstance(agg, AutoDateHistogramAgg):
        raise illegal(f"[auto_date_histogram] is not for this key: its interval depends on how all is spread: [{name}]")
    if isinstance(agg, TermsAgg) and agg.min_doc_count == 0:
        raise illegal(
            f"[min_doc_count] of the aggregation [{name}] is 0, which lists values of documents that this key may not "
            "see; use 1 or more"
        )


def _by_id(sort: Any) -> Any:
    """A sort, of any of the forms it can have, with `id` in place of `_doc`."""
    if isinstance(sort, list):
        return [_by_id(each) for each in sort]
    if isinstance(sort, dict):
        return {"id" if name == "_doc" else name: how for name, how in sort.items()}
    return "id" if sort == "_doc" else sort


def _with_functions_within(part: Any, scope: Any) -> Any:
    """A part of a body (JSON, known to be right) whose functions of scores are for nothing outside of the scope."""
    if isinstance(part, list):
        return [_with_functions_within(each, scope) for each in part]
    if not isinstance(part, dict):
        return part
    part = {key: _with_functions_within(value, scope) for key, value in part.items()}
    said = part.get("function_score") if len(part) == 1 else None
    if not isinstance(said, dict):
        return part
    within = {"bool": {"must": [said.get("query", {"match_all": {}})], "filter": [scope]}}
    return {"function_score": {**said, "query": within}}


def _with_equal_objects(part: Any) -> Any:
    """A query (JSON, known to be right) whose nested ones find objects that show, each with the same score."""
    if isinstance(part, list):
        return [_with_equal_objects(each) for each in part]
    if not isinstance(part, dict):
        return part
    part = {key: _with_equal_objects(value) for key, value in part.items()}
    said = part.get("nested") if len(part) == 1 else None
    if not isinstance(said, dict) or said.get("inner_hits") is None or "query" not in said:
        return part
    return {"nested": {**said, "query": {"constant_score": {"filter": said["query"]}}}}
