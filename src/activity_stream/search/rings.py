"""The buckets of the aggregation `geo_distance`, as the answer has them."""

import math
from typing import Any

from activity_stream.search.aggs import RangeBucket


def ring_bounds(ring: RangeBucket) -> tuple[float, float]:
    """From where to where: from the place itself, and without an end, where nothing is said."""
    low = 0.0 if ring.start is None else float(ring.start)
    return low, math.inf if ring.end is None else float(ring.end)


def ring_shown(ring: RangeBucket) -> dict[str, Any]:
    """Its key and its bounds."""
    low, high = ring_bounds(ring)
    ends = f"{'*' if not low else repr(low)}-{'*' if math.isinf(high) else repr(high)}"
    shown: dict[str, Any] = {"key": ends if ring.key is None else ring.key, "from": low}
    return shown if math.isinf(high) else shown | {"to": high}
