"""Scores of the best hits, made anew.

Source: OpenSearch's `QueryRescorer`: of each index the first hits by the search's own score, as many as the window has,
get a score of both; the others keep their place among them with their own, weighed.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from activity_stream.search.hits import Rescore

T = TypeVar("T")
Scored = tuple[T, float]


def rescored(
    hits: Sequence[Scored[T]], rescores: Sequence[Rescore], score_of: Callable[[Rescore, list[T]], list[float | None]]
) -> list[Scored[T]]:
    """The hits of one index in their new order. They come best first, and equals stay as they are; `score_of` scores
    some by the query of a rescore, None where it does not find them."""
    found = list(hits)
    for each in rescores:
        window, rest = found[: each.window], found[each.window :]
        others = score_of(each, [hit for hit, _ in window])
        made = [(hit, _both(each, own, other)) for (hit, own), other in zip(window, others, strict=True)]
        made.sort(key=lambda row: -row[1])
        found = sorted([*made, *((hit, own * each.own) for hit, own in rest)], key=lambda row: -row[1])
    return found


def _both(how: Rescore, own: float, other: float | None) -> float:
    one = own * how.own
    if other is None:
        return one
    two = other * how.weight
    kinds = {"total": one + two, "multiply": one * two, "avg": (one + two) / 2, "max": max(one, two)}
    return kinds.get(how.mode, min(one, two))
