"""The bounds of a range of dates: date math, rounding and time zones.

    now-1d/d                    an anchor, then steps: plus, minus, or round to a unit
    2020-01-01||+1M/d           any date as the anchor

Source: OpenSearch documentation, "Date math"; what is not told is filled in, and rounded, as its JavaDateMathParser
does.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo

from activity_stream.search.civil import Civil
from activity_stream.search.date_patterns import Reading
from activity_stream.search.dates import DEFAULT_FORMAT, check_format, number_text, read_date
from activity_stream.search.query import Scalar
from activity_stream.search.zones import zone

_STEP = re.compile(r"/(\d*)([yMwdhHms])|([+-])(\d*)([yMwdhHms])", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_SPANS = {"w": "weeks", "d": "days", "h": "hours", "H": "hours", "m": "minutes", "s": "seconds"}


def bound_ms(
    value: Scalar, now_ms: int, *, round_up: bool, fmt: str | None = None, time_zone: str | None = None
) -> int:
    """The milliseconds of one bound of a range.

    `round_up` is for `gt` and `lte`: the last moment of what the value names, where `gte` and `lt` take the first.
    Values without an offset, and rounding, are in `time_zone` (an offset or a zone's name; None: UTC). Raises
    ValueError for a value, format or zone that cannot be read.
    """
    text = number_text(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    fmt = fmt or DEFAULT_FORMAT
    check_format(fmt)
    place = UTC if time_zone is None else zone(time_zone)
    try:
        return _bound(text, now_ms, fmt, place, round_up=round_up)
    except OverflowError:
        raise ValueError(f"date [{text[:100]}] is outside of the years 0001 to 9999") from None


def _bound(text: str, now_ms: int, fmt: str, zone: tzinfo, *, round_up: bool) -> int:
    if text.startswith("now"):
        return _steps(text[3:], _at(now_ms, zone), round_up=round_up)
    anchor, bars, math = text.partition("||")
    if not bars:
        return _instant(read_date(text, fmt, round_up=round_up), zone)
    return _steps(math, _at(_instant(read_date(anchor, fmt), zone), zone), round_up=round_up)


def _at(ms: int, zone: tzinfo) -> datetime:
    return (_EPOCH + ms * _MILLISECOND).astimezone(zone)


def _to_ms(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND


def _instant(reading: Reading, zone: tzinfo) -> int:
    if reading.offset is not None or zone is UTC:
        return reading.utc
    wall = (_EPOCH + reading.wall * _MILLISECOND).replace(tzinfo=zone)
    return _to_ms(wall)


def _steps(math: str, moment: datetime, *, round_up: bool) -> int:
    done = 0
    while done < len(math):
        step = _STEP.match(math, done)
        if step is None or len(step[1] or step[4] or "") > 9:
            raise ValueError(f"date math [{math[:100]}] must be steps like +1d, -2M or /d, with one of y M w d h m s")
        if step[2]:
            if step[1] not in ("", "1"):
                raise ValueError(f"rounding `/` can only be used on single unit types [{math[:100]}]")
            moment = _rounded(moment, step[2], round_up=round_up)
        else:
            moment = _moved(moment, int(step[4] or 1) * (-1 if step[3] == "-" else 1), step[5])
        done = step.end()
    return _to_ms(moment)


def _moved(moment: datetime, number: int, unit: str) -> datetime:
    """Hours, minutes and seconds pass as they do; days and longer keep the time of the wall clock."""
    if unit in "yM":
        return _months(moment, number * (12 if unit == "y" else 1))
    span = timedelta(**{_SPANS[unit]: number})
    if unit in "wd":
        return moment + span
    return (moment.astimezone(UTC) + span).astimezone(moment.tzinfo)


def _months(moment: datetime, number: int) -> datetime:
    """The same day of another month, or that month's last one if it has no such day."""
    years, month = divmod(moment.month - 1 + number, 12)
    year = moment.year + years
    if not 1 <= year <= 9999:
        raise OverflowError
    for day in range(moment.day, 27, -1):
        if _is_day(year, month + 1, day):
            return moment.replace(year=year, month=month + 1, day=day)
    return moment.replace(year=year, month=month + 1)


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        Civil(year, month, day).to_ms()
    except ValueError:
        return False
    return True


def _rounded(moment: datetime, unit: str, *, round_up: bool) -> datetime:
    """The start of the unit or, to round up, its last millisecond."""
    start = moment.replace(microsecond=0)
    start = start.replace(second=0) if unit != "s" else start
    start = start.replace(minute=0) if unit not in "sm" else start
    start = start.replace(hour=0) if unit in "dwMy" else start
    if unit == "w":
        start -= timedelta(days=start.weekday())
    start = start.replace(day=1) if unit in "My" else start
    start = start.replace(month=1) if unit == "y" else start
    return _moved(start, 1, unit) - _MILLISECOND if round_up else start
