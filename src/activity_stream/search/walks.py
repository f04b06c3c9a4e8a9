"""A walk through all that a search finds, page after page: an order without ties, and where it goes on."""

from typing import Any

import msgspec

_NO_ORDER = ("_doc", {"_doc": "asc"}, {"_doc": "desc"}, {"_doc": {"order": "asc"}}, {"_doc": {"order": "desc"}})
_ONCE = frozenset({"from", "aggs", "aggregations", "suggest"})
"""What is answered with the first page alone."""


def totally_ordered(body: dict[str, Any]) -> dict[str, Any]:
    """The body with a sort that leaves no ties: the client's, else by score where the query scores; then `id`.

    `_doc`, the sort of old scrolls for "in no order", is where a document lies in the index: a publish changes that.
    """
    sort = body.get("sort")
    keys = sort if isinstance(sort, list) else [sort] if sort else _natural_order(body.get("query"))
    return {**body, "sort": [*(key for key in keys if key not in _NO_ORDER), {"id": "asc"}]}


def following(body: dict[str, Any], after: msgspec.Raw | None) -> dict[str, Any]:
    """The body of the next page, after the last hit's sort values; of the first page, where there are none."""
    if after is None:
        return body
    return {**{name: value for name, value in body.items() if name not in _ONCE}, "search_after": after}


def _natural_order(query: object) -> list[Any]:
    scores = isinstance(query, dict) and not query.keys() <= {"match_all", "constant_score", "ids", "exists", "range"}
    return [{"_score": "desc"}] if scores else []
