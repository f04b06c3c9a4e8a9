"""The intervals of a date histogram, in UTC."""

from collections.abc import Iterable, Sequence

from activity_stream.search import refusals
from activity_stream.search.aggs import DateHistogramAgg
from activity_stream.search.civil import DAY, HOUR, MINUTE, Civil, civil
from activity_stream.search.query import Scalar

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_LENGTHS = {"minute": MINUTE, "hour": HOUR, "day": DAY, "week": 7 * DAY}
_MONDAY = 4 * DAY
"""1970-01-05."""


def starts_of(agg: DateHistogramAgg, value: Scalar) -> int:
    """The first millisecond of the interval that a moment is in."""
    ms = int(value) - agg.offset
    if agg.calendar_interval in _MONTHS:
        moment = civil(ms)
        months = _MONTHS[agg.calendar_interval]
        return Civil(moment.year, (moment.month - 1) // months * months + 1).to_ms() + agg.offset
    length, origin = _regular(agg)
    return (ms - origin) // length * length + origin + agg.offset


def starts_between(agg: DateHistogramAgg, starts: Sequence[int], most: int) -> Iterable[int]:
    """All intervals from the earliest to the latest of these. Raises SearchRefused if there are more than `most`."""
    if not starts:
        return []
    found = [min(starts)]
    while found[-1] < max(starts):
        if len(found) >= most:
            raise refusals.too_many_buckets(most)
        found.append(_next(agg, found[-1]))
    return found


def _next(agg: DateHistogramAgg, start: int) -> int:
    if agg.calendar_interval not in _MONTHS:
        return start + _regular(agg)[0]
    moment = civil(start - agg.offset)
    years, month = divmod(moment.month - 1 + _MONTHS[agg.calendar_interval], 12)
    return Civil(moment.year + years, month + 1).to_ms() + agg.offset


def _regular(agg: DateHistogramAgg) -> tuple[int, int]:
    """The length of the intervals, and where one of them begins."""
    if agg.calendar_interval is None:
        return agg.fixed_interval or 1, 0
    return _LENGTHS[agg.calendar_interval], _MONDAY if agg.calendar_interval == "week" else 0
