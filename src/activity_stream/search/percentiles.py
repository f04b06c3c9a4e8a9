"""Percentiles of exact values, and their ranks.

Both are what a t-digest gives that holds each value by itself (Dunning, "The t-digest", `MergingDigest`), as
OpenSearch's does for a few hundred values; of more it puts neighbours together, and is near it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from activity_stream.search.aggs import PercentilesAgg


def figures(agg: PercentilesAgg, counts: Mapping[float, int]) -> list[tuple[float, float | None]]:
    """For each that is asked, the figure; None where there are no values. `counts`: how often there is each value."""
    ordered = sorted(counts.items())
    total = sum(counts.values())
    if not total:
        return [(each, None) for each in agg.at]
    figure = _rank if agg.ranks else _percentile
    return [(each, figure(each, ordered, total)) for each in agg.at]


def shown(agg: PercentilesAgg, found: Sequence[tuple[float, float | None]], texts: Sequence[str | None]) -> Any:
    """As the answer has them; `texts` are the figures of dates and booleans as text, None of others."""
    if not agg.keyed:
        return [
            {"key": at, "value": value, **({} if text is None else {"value_as_string": text})}
            for (at, value), text in zip(found, texts, strict=True)
        ]
    rows: dict[str, Any] = {}
    for (at, value), text in zip(found, texts, strict=True):
        rows[repr(at)] = value
        if text is not None:
            rows[f"{at!r}_as_string"] = text
    return rows


def _percentile(percent: float, ordered: Sequence[tuple[float, int]], total: int) -> float:
    place = min(math.floor(percent / 100 * total), total - 1)
    for value, count in ordered:
        place -= count
        if place < 0:
            return value
    return ordered[-1][0]


def _rank(value: float, ordered: Sequence[tuple[float, int]], total: int) -> float:
    if value > ordered[-1][0]:
        return 100.0
    below = sum(count for each, count in ordered if each < value)
    equal = sum(count for each, count in ordered if each == value)
    return 100.0 * (below + equal / 2) / total
