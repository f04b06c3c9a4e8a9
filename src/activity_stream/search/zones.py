"""Time zones: offsets from UTC, and what a clock on the wall says."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from activity_stream.search.date_patterns import offset_ms

_OFFSET = re.compile(r"[+-]\d\d(:?\d\d)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WALL_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - of a clock on a wall, wherever that is
_MILLISECOND = timedelta(milliseconds=1)


def zone(name: str) -> tzinfo:
    """The zone of a name (`Europe/London`), or of an offset (`+01:00`). Raises ValueError."""
    if _OFFSET.fullmatch(name):
        return timezone(timedelta(milliseconds=offset_ms(name)))
    try:
        return UTC if name == "Z" else ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ValueError(f"Invalid time zone [{name[:100]}]: it must be like +01:00 or Europe/London") from None


def offset_at(place: tzinfo, ms: int) -> int:
    """How many milliseconds clocks in a zone are ahead of UTC at a moment; outside of the years 1 to 9999 none."""
    if place is UTC:
        return 0
    try:
        offset = (_EPOCH + timedelta(milliseconds=ms)).astimezone(place).utcoffset()
    except (OverflowError, ValueError):
        return 0
    return 0 if offset is None else offset // _MILLISECOND


def moment_of(place: tzinfo, wall_ms: int) -> int:
    """The moment at which clocks in a zone say this, in milliseconds: of two the earlier one; where clocks skip it, the
    moment at which they do, or as long after it."""
    if place is UTC:
        return wall_ms
    try:
        offset = (_WALL_EPOCH + timedelta(milliseconds=wall_ms)).replace(tzinfo=place).utcoffset()
    except (OverflowError, ValueError):
        return wall_ms
    return wall_ms - (0 if offset is None else offset // _MILLISECOND)
