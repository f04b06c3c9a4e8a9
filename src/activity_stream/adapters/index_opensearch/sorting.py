"""Searches that find everything and sort it, as a cluster is asked for them.

Where the query is `match_all` alone and the order is by one date, OpenSearch 3 (3.8) reads a page from that field's
points, and does not go on to the documents that have none: they count, and are on no page.
"""

from typing import Any

import msgspec
from msgspec import Raw

_CLAUSES = ("must", "filter", "should", "must_not")


def with_all_hits(body: bytes) -> bytes:
    """The search body (JSON) with a query that finds everything as the clause of a `bool`, for which a cluster looks
    at each document; scores and names stay. What cannot be read stays as it is: the cluster says what is wrong."""
    if b'"sort"' not in body:
        return body
    try:
        parts = msgspec.json.decode(body, type=dict[str, Raw])
        query = msgspec.json.decode(parts["query"])
    except (ValueError, RecursionError, KeyError):
        return body
    if "sort" not in parts or not _finds_everything(query):
        return body
    return msgspec.json.encode({**parts, "query": {"bool": {"must": [parts["query"]]}}})


def _finds_everything(query: Any) -> bool:
    match query:
        case {"match_all": _}:
            return True
        case {"bool": dict(said)}:
            return not any(said.get(clause) for clause in _CLAUSES)
    return False
