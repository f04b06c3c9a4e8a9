"""Durations as `30m`: a whole number and a unit, as OpenSearch's time values."""

import re

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"([+-]?)(\d{1,12})(ms|s|m|h|d)", re.ASCII)
_LONGEST = 10**15


def milliseconds(value: object) -> int:
    """How long a duration is, with its sign. Raises ValueError for what is none."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[2]) * _UNITS[found[3]] > _LONGEST:
        raise ValueError(f"[{value!s:.100}] must be like 30m, with one of the units {', '.join(_UNITS)}")
    return int(found[2]) * _UNITS[found[3]] * (-1 if found[1] == "-" else 1)
