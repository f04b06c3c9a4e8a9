"""A search narrowed to what its caller may see, without a change in its meaning."""

from collections.abc import Iterable

import msgspec

from activity_stream.search.parse import parse_body
from activity_stream.search.query import Agg, BucketAgg, SearchBody, TermsAgg
from activity_stream.search.refusals import illegal

_ALL = msgspec.Raw(b'{"match_all":{}}')


def narrowed(body: bytes, scope: bytes) -> bytes:
    """The search body (JSON; empty: everything) with its query wrapped so that it finds nothing outside `scope`.

    `must` and `filter` are two clauses of a query around theirs: one of `should` alone keeps meaning "at least one".
    All else stays as it came, byte for byte. The body is read into the typed tree first, so that only constructs that
    are known can be in it. Raises SearchRefused for a construct that is not, and for one that could see around the
    filter.
    """
    refuse_unsafe(parse_body(body))
    parts = msgspec.json.decode(body, type=dict[str, msgspec.Raw]) if body.strip() else {}
    theirs = parts.get("query", _ALL)
    parts["query"] = msgspec.Raw(b'{"bool":{"must":[%b],"filter":[%b]}}' % (theirs, scope))
    return msgspec.json.encode(parts)


def refuse_unsafe(body: SearchBody) -> None:
    """Refuse what shows more than the filtered documents hold: the other values of a field, as empty buckets."""
    for name, agg in _every(body.aggs.items()):
        if isinstance(agg, TermsAgg) and agg.min_doc_count == 0:
            raise illegal(
                f"[min_doc_count] of the aggregation [{name[:100]}] is 0, which lists values of documents that this "
                "key may not see; use 1 or more"
            )


def _every(aggs: Iterable[tuple[str, Agg]]) -> Iterable[tuple[str, Agg]]:
    for name, agg in aggs:
        yield name, agg
        if isinstance(agg, BucketAgg):
            yield from _every(agg.aggs.items())
