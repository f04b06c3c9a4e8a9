"""`rescore`: from a part of a body to what the best hits are scored by once more."""

from typing import Any

from activity_stream.search import refusals
from activity_stream.search.hits import Rescore
from activity_stream.search.parse_queries import query
from activity_stream.search.part import Part, Readers, at_least
from activity_stream.search.query import FunctionScore, Nested, every_query

MOST = 10_000
"""OpenSearch's `index.max_rescore_window`."""


def rescore(part: Part) -> tuple[Rescore, ...]:
    """One after the other. Raises SearchRefused."""
    return tuple(_one(each) for each in part.some())


def _one(part: Part) -> Rescore:
    values = part.options("rescore", {"window_size": at_least(1), "query": _query})
    if "query" not in values:
        raise part.refused("[rescore] needs a [query]")
    window = values.get("window_size", 10)
    if window > MOST:
        raise refusals.illegal(f"Rescore window [{window}] is too large, it can be {MOST} at most, at {part.path}")
    return Rescore(window=window, **values["query"])


def _query(part: Part) -> dict[str, Any]:
    readers: Readers = {
        "rescore_query": query,
        "query_weight": Part.number,
        "rescore_query_weight": Part.number,
        "score_mode": lambda each: each.choice("total", "multiply", "avg", "max", "min"),
    }
    values = part.options("query", readers)
    if "rescore_query" not in values:
        raise refusals.illegal(f"rescore_query cannot be null at {part.path}")
    if any(isinstance(each, FunctionScore | Nested) for each in every_query(values["rescore_query"])):
        raise part.refused(f"[rescore_query] with [function_score] or [nested]: {refusals.NOT_YET};")
    names = {"rescore_query": "query", "query_weight": "own", "rescore_query_weight": "weight", "score_mode": "mode"}
    return {names[name]: value for name, value in values.items()}
