"""The intervals of histograms."""

import math
from collections.abc import Iterable, Sequence
from datetime import UTC

from activity_stream.search import refusals
from activity_stream.search.aggs import DateHistogramAgg, HistogramAgg
from activity_stream.search.civil import DAY, HOUR, MINUTE, Civil, civil
from activity_stream.search.query import Scalar
from activity_stream.search.zones import moment_of, offset_at, zone

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_LENGTHS = {"minute": MINUTE, "hour": HOUR, "day": DAY, "week": 7 * DAY}
_MONDAY = 4 * DAY
"""1970-01-05."""

Histogram = HistogramAgg | DateHistogramAgg


def starts_of(agg: Histogram, value: Scalar) -> float:
    """The first value, or millisecond, of the interval that a value is in."""
    if isinstance(agg, HistogramAgg):
        return math.floor((float(value) - agg.offset) / agg.interval) * agg.interval + agg.offset
    place = UTC if agg.time_zone is None else zone(agg.time_zone)
    ms = int(value) - agg.offset
    if agg.calendar_interval in _MONTHS:
        moment = civil(ms + offset_at(place, ms))
        months = _MONTHS[agg.calendar_interval]
        start = Civil(moment.year, (moment.month - 1) // months * months + 1).to_ms()
        return moment_of(place, start) + agg.offset
    length, origin = _regular(agg)
    ahead = offset_at(place, ms)
    start = (ms + ahead - origin) // length * length + origin
    if length <= HOUR:  # where clocks are put back, an hour comes twice
        return start - ahead + agg.offset
    return moment_of(place, start) + agg.offset


def starts_between(agg: Histogram, starts: Sequence[float], most: int) -> Iterable[float]:
    """All intervals from the earliest to the latest of these. Raises SearchRefused if there are more than `most`."""
    if not starts:
        return []
    found = [min(starts)]
    while found[-1] < max(starts):
        if len(found) >= most:
            raise refusals.too_many_buckets(most)
        found.append(_next(agg, found[-1]))
    return found


class Clock:
    """Where intervals begin, and how many of them these moments are in."""

    def __init__(self, moments: Sequence[int]) -> None:
        self._moments = moments

    def start_of(self, of: DateHistogramAgg, ms: int) -> int:
        """The first moment of the interval that a moment is in."""
        return int(starts_of(of, ms))

    def after(self, of: DateHistogramAgg, start: int) -> int:
        """The first moment of the next interval."""
        return int(_next(of, starts_of(of, start)))

    def occupied(self, of: DateHistogramAgg) -> int:
        """How many intervals have any."""
        return len({starts_of(of, each) for each in self._moments})


def _next(agg: Histogram, start: float) -> float:
    if isinstance(agg, HistogramAgg):
        return starts_of(agg, start + agg.interval * 1.5)
    if agg.calendar_interval in _MONTHS:
        return starts_of(agg, int(start) + _MONTHS[agg.calendar_interval] * 31 * DAY + 12 * HOUR)
    return starts_of(agg, int(start) + _regular(agg)[0] * 3 // 2)


def _regular(agg: DateHistogramAgg) -> tuple[int, int]:
    """The length of the intervals, and where one of them begins."""
    if agg.calendar_interval is None:
        return agg.fixed_interval or 1, 0
    return _LENGTHS[agg.calendar_interval], _MONDAY if agg.calendar_interval == "week" else 0
