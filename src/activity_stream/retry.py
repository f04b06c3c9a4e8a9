"""How long to wait: what a source asks for with `Retry-After`, and what follows a failure. Pure.

Source: RFC 9110, section 10.2.3 (`Retry-After`) and 5.6.7 (HTTP dates).
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

TRIES_IN_A_ROW = 10
"""How often a source that asks for patience is asked again before the cycle gives up (contract, section 3)."""

LONGEST_WAIT = 86_400.0
"""Seconds. A source that asks for more (10^9 was seen in the field) is asked once a day: that hurts nobody, and a
mistake in one header does not silence a feed for good."""

_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def retry_after(value: str | None, now: float) -> float | None:
    """The seconds that a `Retry-After` header asks to wait, from 0 to LONGEST_WAIT.

    `value` is a number of seconds or an HTTP date, `now` seconds since 1970. A date in the past is 0. None where there
    is no header, or one that means nothing (a negative number, a word).
    """
    if value is None:
        return None
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST_WAIT)
    moment = _http_date(text)
    if moment is None:
        return None
    return min(max(moment.timestamp() - now, 0.0), LONGEST_WAIT)


def failure_wait(failures: int, intervals: Sequence[float]) -> float:
    """The seconds to wait after so many failures in a row (from 1): the n-th interval; the last one repeats.

    Without intervals there is no wait. Raises ValueError where nothing has failed.
    """
    if failures < 1:
        raise ValueError(f"{failures} failures: a wait follows at least one")
    if not intervals:
        return 0.0
    return intervals[min(failures, len(intervals)) - 1]


def _http_date(text: str) -> datetime | None:
    """The moment, or None where the text is no HTTP date. One without a zone is UTC, as all HTTP dates are."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
