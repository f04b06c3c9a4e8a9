"""Milliseconds since 1970-01-01T00:00:00Z and the calendar, for any 64-bit number of them (no leap seconds)."""

from datetime import date

import msgspec

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_UNIX_DAY = date(1970, 1, 1).toordinal()
_ERA_DAYS = 146_097  # the days of 400 years, after which the calendar repeats
_ERA_YEARS = 400


class Civil(msgspec.Struct, frozen=True):
    """A date and a time of day."""

    year: int
    month: int = 1
    day: int = 1
    hour: int = 0
    minute: int = 0
    second: int = 0
    millisecond: int = 0

    def to_ms(self) -> int:
        """Its milliseconds, taken as UTC. Raises ValueError if there is no such date or time (years are 1 to 9999)."""
        if self.hour > 23 or self.minute > 59 or self.second > 59:
            raise ValueError(f"there is no time {self.hour:02}:{self.minute:02}:{self.second:02}")
        days = date(self.year, self.month, self.day).toordinal() - _UNIX_DAY
        return days * DAY + self.hour * HOUR + self.minute * MINUTE + self.second * SECOND + self.millisecond


def civil(ms: int) -> Civil:
    """The date and time of day, in UTC, of these milliseconds; years may be negative or of more than four digits."""
    days, rest = divmod(ms, DAY)
    eras, ordinal = divmod(days + _UNIX_DAY - 1, _ERA_DAYS)
    day = date.fromordinal(ordinal + 1)
    hour, rest = divmod(rest, HOUR)
    minute, rest = divmod(rest, MINUTE)
    second, millisecond = divmod(rest, SECOND)
    return Civil(day.year + eras * _ERA_YEARS, day.month, day.day, hour, minute, second, millisecond)
