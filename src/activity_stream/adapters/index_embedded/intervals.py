"""The buckets of histograms, numbered: which one a value is in, and where one begins."""

import math
from datetime import UTC
from typing import Protocol

from activity_stream.search.aggs import DateHistogramAgg, HistogramAgg
from activity_stream.search.civil import civil
from activity_stream.search.dates import date_ms
from activity_stream.search.zones import moment_of, offset_at, zone

_DAY = 86_400_000
_HOUR = 3_600_000
_FIXED = {"minute": 60_000, "hour": _HOUR, "day": _DAY, "week": 7 * _DAY}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_FIRST_MONDAY = 4 * _DAY


class Numbering(Protocol):
    """Intervals by numbers."""

    def number(self, value: float) -> int:
        """The number of the interval that a value is in."""

    def start(self, number: int) -> float:
        """The first value of an interval."""


class Steps:
    """The intervals of numbers."""

    def __init__(self, agg: HistogramAgg) -> None:
        self._length = agg.interval
        self._offset = agg.offset

    def number(self, value: float) -> int:
        """The number of the interval that a value is in."""
        return math.floor((value - self._offset) / self._length)

    def start(self, number: int) -> float:
        """The least value of an interval."""
        return number * self._length + self._offset


class Intervals:
    """The intervals of dates, by the clocks of a zone.

    Those of an hour and less are counted through where clocks are put back; of the offset only what is less than such
    an interval counts then.
    """

    def __init__(self, agg: DateHistogramAgg) -> None:
        calendar = agg.calendar_interval
        self.zone = UTC if agg.time_zone is None else zone(agg.time_zone)
        self._months = _MONTHS.get(calendar or "")
        self._length = agg.fixed_interval or _FIXED.get(calendar or "", _DAY)
        self._short = self._months is None and self._length <= _HOUR
        self._offset = agg.offset
        self._first = _FIRST_MONDAY if calendar == "week" else 0

    def number(self, value: float) -> int:
        """The number of the interval that a moment is in."""
        wall = self._wall(int(value) - self._offset)
        if self._months is None:
            return (wall - self._first) // self._length
        moment = civil(wall)
        return (moment.year * 12 + moment.month - 1) // self._months

    def start(self, number: int) -> int:
        """The first moment of an interval, in milliseconds."""
        if self._months is None:
            return self._moment(number * self._length + self._first) + self._offset
        year, month = divmod(number * self._months, 12)
        return self._moment(_first_of(year, month + 1)) + self._offset

    def _wall(self, ms: int) -> int:
        ahead = offset_at(self.zone, ms)
        return ms + (ahead % self._length if self._short else ahead)

    def _moment(self, wall: int) -> int:
        return wall - offset_at(self.zone, wall) % self._length if self._short else moment_of(self.zone, wall)


def _first_of(year: int, month: int) -> int:
    """The first moment of a month."""
    if 1 <= year <= 9999:
        return date_ms(f"{year:04}-{month:02}-01T00:00:00Z")
    # The calendar repeats every 400 years.
    cycles = (year - 2000) // 400
    return date_ms(f"{year - cycles * 400:04}-{month:02}-01T00:00:00Z") + cycles * 146_097 * _DAY
