"""How long the intervals of an `auto_date_histogram` are, so that there are about as many of them as are wanted.

Source: OpenSearch's `AutoDateHistogramAggregator` and `InternalAutoDateHistogram`: the shortest unit that does with so
many buckets, times one of the numbers that go with it.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from activity_stream.search.aggs import AutoDateHistogramAgg, DateHistogramAgg

_DAY = 86_400_000


class Unit(msgspec.Struct, frozen=True):
    """A unit of time: its length, about, in milliseconds, and how many of it can be one interval."""

    name: str
    letter: str
    length: int
    numbers: Sequence[int]

    @property
    def most(self) -> int:
        """The greatest number of it that can be one interval."""
        return self.numbers[-1]


UNITS = (
    Unit("second", "s", 1_000, (1, 5, 10, 30)),
    Unit("minute", "m", 60_000, (1, 5, 10, 30)),
    Unit("hour", "h", 3_600_000, (1, 3, 12)),
    Unit("day", "d", _DAY, (1, 7)),
    Unit("month", "M", 2_629_746_000, (1, 3)),
    Unit("year", "y", 31_556_952_000, (1, 5, 10, 20, 50, 100)),
)
"""From the shortest to the longest."""
MOST_WANTED = 65_535 // 30
"""How many buckets may be asked for."""


class Clock(Protocol):
    """Where the intervals of a histogram begin."""

    def start_of(self, of: DateHistogramAgg, ms: int) -> int:
        """The first moment of the interval that a moment is in."""

    def after(self, of: DateHistogramAgg, start: int) -> int:
        """The first moment of the next interval."""

    def occupied(self, of: DateHistogramAgg) -> int:
        """How many intervals have documents."""


class Chosen(msgspec.Struct, frozen=True):
    """What has been chosen: how an interval is called, and the first moments of all, and where the last one ends."""

    name: str
    starts: Sequence[int]


def of_unit(agg: AutoDateHistogramAgg, unit: Unit) -> DateHistogramAgg:
    """The histogram with one unit as its interval."""
    second = unit.name == "second"
    return DateHistogramAgg(
        field=agg.field,
        fixed_interval=unit.length if second else None,
        calendar_interval=None if second else unit.name,
        format=agg.format,
        time_zone=agg.time_zone,
    )


def without_any(agg: AutoDateHistogramAgg) -> str:
    """What an interval is called where there is nothing."""
    return f"1{_units(agg)[0].letter}"


def chosen(agg: AutoDateHistogramAgg, low: int, high: int, clock: Clock) -> Chosen:
    """The intervals from the first moment of all to the last one."""
    units = _units(agg)
    place = _collected(agg, low, high, clock)
    of = of_unit(agg, units[place])
    place = _fitting(agg, place, clock.start_of(of, low), clock.start_of(of, high), clock)
    unit, of = units[place], of_unit(agg, units[place])
    starts = [clock.start_of(of, low)]
    while starts[-1] <= high:
        starts.append(clock.after(of, starts[-1]))
    number = len(starts) - 1
    together = 1
    if number > agg.buckets:
        together = next((each for each in unit.numbers if -(-number // each) <= agg.buckets), 1)
    return Chosen(f"{together}{unit.letter}", [*starts[:-1:together], starts[-1]])


def _units(agg: AutoDateHistogramAgg) -> Sequence[Unit]:
    return UNITS[next(at for at, unit in enumerate(UNITS) if unit.name == agg.minimum) :]


def _collected(agg: AutoDateHistogramAgg, low: int, high: int, clock: Clock) -> int:
    """The shortest unit of which there are not too many with documents."""
    units = _units(agg)
    for place, unit in enumerate(units[:-1]):
        of = of_unit(agg, unit)
        width = clock.start_of(of, high) - clock.start_of(of, low)
        if width <= agg.buckets * unit.length * unit.most and clock.occupied(of) <= agg.buckets * unit.most:
            return place
    return len(units) - 1


def _fitting(agg: AutoDateHistogramAgg, place: int, low: int, high: int, clock: Clock) -> int:
    """The shortest unit of which there are not too many, with documents and without."""
    units = _units(agg)
    while place < len(units) - 1:
        of = of_unit(agg, units[place])
        number, start = 0, low
        while start < high:
            number += 1
            start = clock.after(of, start)
        if number <= agg.buckets * units[place].most:
            # The one that the last moment is in is not among them.
            return place if number < agg.buckets * units[place].most else place + 1
        place += 1
    return place
