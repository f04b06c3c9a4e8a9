"""Dates as OpenSearch reads and writes them, in milliseconds since 1970-01-01T00:00:00Z.

Source: OpenSearch documentation, "Date field type"; a field's format is `strict_date_optional_time||epoch_millis`. A
number, or a string of digits, is milliseconds, except that one of four digits is a year: the format that is named first
wins. Anything finer than a millisecond is cut off. Years are 0001 to 9999.
"""

import re

from activity_stream.search.civil import civil
from activity_stream.search.date_patterns import Reading, filled, offset_ms, offset_text, pattern

DEFAULT_FORMAT = "strict_date_optional_time||epoch_millis"

_ISO = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(?:(\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?"
    r"(Z|[+-]\d\d:?\d\d(?::\d\d)?)?)?)?)?)?",
    re.ASCII,
)
_EPOCH = re.compile(r"(-?\d{1,18})(\.\d{1,9})?", re.ASCII)
_PARTS = ("year", "month", "day", "hour", "minute", "second")
_OPTIONAL_TIME = frozenset({"date_optional_time", "strict_date_optional_time", "strict_date_optional_time_nanos"})
_NAMED = {
    "date": "yyyy-MM-dd",
    "date_time": "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "date_time_no_millis": "yyyy-MM-dd'T'HH:mm:ssXXX",
    "date_hour_minute": "yyyy-MM-dd'T'HH:mm",
    "date_hour_minute_second": "yyyy-MM-dd'T'HH:mm:ss",
    "basic_date": "yyyyMMdd",
    "year": "yyyy",
    "year_month": "yyyy-MM",
    "year_month_day": "yyyy-MM-dd",
}


def date_ms(value: object) -> int:
    """The milliseconds of a document's or a query's date. Raises ValueError if it is none."""
    if isinstance(value, str):
        return read_date(value).utc
    if isinstance(value, int | float) and not isinstance(value, bool):
        return read_date(number_text(value)).utc
    raise ValueError(_failed(str(value), DEFAULT_FORMAT))


def number_text(value: float) -> str:
    """A number as a text that dates are read from: without an exponent."""
    return str(int(value)) if isinstance(value, int) or value.is_integer() else f"{value:.6f}"


def read_date(text: str, fmt: str = DEFAULT_FORMAT, *, round_up: bool = False) -> Reading:
    """What a text says in the first of the formats (`one||other`) that fits it.

    With `round_up`, a time that is not told is the last moment it can be. Raises ValueError if no format fits, or one
    of them is not supported.
    """
    for name in fmt.split("||"):
        try:
            reading = _read(text, name.strip(), round_up=round_up)
        except (ValueError, OverflowError):
            check_format(name.strip())
            continue
        if reading is not None:
            return reading
    raise ValueError(_failed(text, fmt))


def format_date(ms: int, fmt: str | None = None, offset: int = 0) -> str:
    """The date, at an offset of so many milliseconds from UTC, in the first of the formats; None:
    `2020-01-01T00:00:00.000Z`. Raises ValueError as `check_format` does."""
    name = (fmt or "strict_date_optional_time").split("||")[0].strip()
    if name in _OPTIONAL_TIME:
        return _iso(ms, offset)
    if name == "epoch_millis":
        return str(ms)
    if name == "epoch_second":
        seconds, rest = divmod(ms, 1000)
        return f"{seconds}.{rest:03}".rstrip("0") if rest else str(seconds)
    return pattern(_java(name)).write(ms, offset)


def check_format(fmt: str) -> None:
    """Return if a format is supported. Raises ValueError, saying what is, if not."""
    for each in fmt.split("||"):
        name = each.strip()
        if name in _OPTIONAL_TIME or name in ("epoch_millis", "epoch_second"):
            continue
        try:
            pattern(_java(name))
        except ValueError as problem:
            names = ", ".join(("strict_date_optional_time", "epoch_millis", "epoch_second", *_NAMED))
            raise ValueError(f"{problem}; allowed are {names}, and patterns of yyyy MM dd HH mm ss SSS XXX") from None


def _read(text: str, name: str, *, round_up: bool) -> Reading | None:
    if name in _OPTIONAL_TIME:
        return _read_iso(text, round_up=round_up)
    if name in ("epoch_millis", "epoch_second"):
        found = _EPOCH.fullmatch(text)
        return None if found is None else Reading(_epoch(found, 1 if name == "epoch_millis" else 1000), 0)
    return pattern(_java(name)).read(text, round_up=round_up)


def _read_iso(text: str, *, round_up: bool) -> Reading | None:
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    *parts, fraction, offset = found.groups()
    told = {name: int(part) for name, part in zip(_PARTS, parts, strict=True) if part is not None}
    return Reading(filled(told, fraction, round_up=round_up), None if offset is None else offset_ms(offset))


def _epoch(found: re.Match[str], unit: int) -> int:
    """Milliseconds, rounded down as a clock is read."""
    billionths = int(found[1] + (found[2] or ".")[1:].ljust(9, "0")) * unit
    return billionths // 10**9


def _iso(ms: int, offset: int) -> str:
    moment = civil(ms + offset)
    year = f"{moment.year:04}" if 0 <= moment.year <= 9999 else f"{moment.year:+05}"
    day = f"{year}-{moment.month:02}-{moment.day:02}"
    return f"{day}T{moment.hour:02}:{moment.minute:02}:{moment.second:02}.{moment.millisecond:03}{offset_text(offset)}"


def _java(name: str) -> str:
    return _NAMED.get(name.removeprefix("strict_"), name)


def _failed(text: str, fmt: str) -> str:
    return f"failed to parse date field [{text[:100]}] with format [{fmt}]"
