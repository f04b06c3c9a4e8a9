"""The buckets of a date histogram, numbered: which one a moment is in, and when one begins. All in UTC."""

from activity_stream.search.aggs import DateHistogramAgg
from activity_stream.search.civil import civil
from activity_stream.search.dates import date_ms

_DAY = 86_400_000
_FIXED = {"minute": 60_000, "hour": 3_600_000, "day": _DAY, "week": 7 * _DAY}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_FIRST_MONDAY = 4 * _DAY


class Intervals:
    """The intervals of one aggregation."""

    def __init__(self, agg: DateHistogramAgg) -> None:
        calendar = agg.calendar_interval
        self._months = _MONTHS.get(calendar or "")
        self._length = agg.fixed_interval or _FIXED.get(calendar or "", _DAY)
        self._offset = agg.offset + (_FIRST_MONDAY if calendar == "week" else 0)

    def number(self, ms: int) -> int:
        """The number of the interval that a moment is in."""
        if self._months is None:
            return (ms - self._offset) // self._length
        moment = civil(ms - self._offset)
        return (moment.year * 12 + moment.month - 1) // self._months

    def start(self, number: int) -> int:
        """The first moment of an interval, in milliseconds."""
        if self._months is None:
            return number * self._length + self._offset
        year, month = divmod(number * self._months, 12)
        return _first_of(year, month + 1) + self._offset


def _first_of(year: int, month: int) -> int:
    """The first moment of a month."""
    if 1 <= year <= 9999:
        return date_ms(f"{year:04}-{month:02}-01T00:00:00Z")
    # The calendar repeats every 400 years.
    cycles = (year - 2000) // 400
    return date_ms(f"{year - cycles * 400:04}-{month:02}-01T00:00:00Z") + cycles * 146_097 * _DAY
