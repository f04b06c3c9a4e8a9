"""A search narrowed to what its caller may see, without a change in its meaning."""

from typing import Any

import msgspec

from activity_stream.search.parse import parse_body
from activity_stream.search.query import SearchBody, TermsAgg, every_aggregation
from activity_stream.search.refusals import illegal
from activity_stream.search.scripts import without_scripts

_ALL = msgspec.Raw(b'{"match_all":{}}')


def narrowed(body: bytes, scope: bytes) -> bytes:
    """The search body (JSON; empty: everything) with its query wrapped so that it finds nothing outside `scope`.

    `must` and `filter` are two clauses of a query around theirs: one of `should` alone keeps meaning "at least one".
    A sort by `_doc`, whose values number the documents of all callers, is one by `id`, and queries by script are what
    they mean. All else stays as it came, byte for byte. The body is read into the typed tree first, so that only
    constructs that are known can be in it. Raises SearchRefused for a construct that is not, and for one that could see
    around the filter.
    """
    tree = parse_body(body)
    refuse_unsafe(tree)
    parts = msgspec.json.decode(body, type=dict[str, msgspec.Raw]) if body.strip() else {}
    if any(key.field == "_doc" for key in tree.sort):
        parts["sort"] = msgspec.Raw(msgspec.json.encode(_by_id(msgspec.json.decode(parts["sort"]))))
    for name in ("query", "post_filter", "aggs", "aggregations") if b'"script"' in body else ():
        if name in parts:
            parts[name] = msgspec.Raw(msgspec.json.encode(without_scripts(msgspec.json.decode(parts[name]))))
    theirs = parts.get("query", _ALL)
    parts["query"] = msgspec.Raw(b'{"bool":{"must":[%b],"filter":[%b]}}' % (theirs, scope))
    return msgspec.json.encode(parts)


def refuse_unsafe(body: SearchBody) -> None:
    """Refuse what shows more than the filtered documents hold: the other values of a field, as empty buckets."""
    for name, agg in every_aggregation(body.aggs):
        if isinstance(agg, TermsAgg) and agg.min_doc_count == 0:
            raise illegal(
                f"[min_doc_count] of the aggregation [{name[:100]}] is 0, which lists values of documents that this "
                "key may not see; use 1 or more"
            )


def _by_id(sort: Any) -> Any:
    """A sort, of any of the forms it can have, with `id` in place of `_doc`."""
    if isinstance(sort, list):
        return [_by_id(each) for each in sort]
    if isinstance(sort, dict):
        return {"id" if name == "_doc" else name: how for name, how in sort.items()}
    return "id" if sort == "_doc" else sort
