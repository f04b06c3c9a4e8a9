"""`date_math`: the bounds of ranges of dates."""

import pytest

from activity_stream.search.date_math import bound_ms
from activity_stream.search.dates import date_ms, format_date

NOW = date_ms("2024-02-29T13:14:15.016Z")


@pytest.mark.parametrize(
    ("value", "down", "up"),
    [
        ("2020", "2020-01-01T00:00:00.000Z", "2020-01-01T23:59:59.999Z"),
        ("2020-03", "2020-03-01T00:00:00.000Z", "2020-03-01T23:59:59.999Z"),
        ("2020-10-08", "2020-10-08T00:00:00.000Z", "2020-10-08T23:59:59.999Z"),
        ("2020-01-01T11:59", "2020-01-01T11:59:00.000Z", "2020-01-01T11:59:59.999Z"),
        ("2020-01-01T11:59:50", "2020-01-01T11:59:50.000Z", "2020-01-01T11:59:50.999Z"),
        ("2020-01-01T11:59:50.1", "2020-01-01T11:59:50.100Z", "2020-01-01T11:59:50.100Z"),
        ("1577880000000", "2020-01-01T12:00:00.000Z", "2020-01-01T12:00:00.000Z"),
        ("now", "2024-02-29T13:14:15.016Z", "2024-02-29T13:14:15.016Z"),
        ("now/d", "2024-02-29T00:00:00.000Z", "2024-02-29T23:59:59.999Z"),
        ("now-1d/d", "2024-02-28T00:00:00.000Z", "2024-02-28T23:59:59.999Z"),
        ("now/w", "2024-02-26T00:00:00.000Z", "2024-03-03T23:59:59.999Z"),
        ("now/M", "2024-02-01T00:00:00.000Z", "2024-02-29T23:59:59.999Z"),
        ("now/y", "2024-01-01T00:00:00.000Z", "2024-12-31T23:59:59.999Z"),
        ("now/h", "2024-02-29T13:00:00.000Z", "2024-02-29T13:59:59.999Z"),
        ("now/m", "2024-02-29T13:14:00.000Z", "2024-02-29T13:14:59.999Z"),
        ("now/s", "2024-02-29T13:14:15.000Z", "2024-02-29T13:14:15.999Z"),
        ("now+1y", "2025-02-28T13:14:15.016Z", "2025-02-28T13:14:15.016Z"),
        ("now-1M+2h-30m", "2024-01-29T14:44:15.016Z", "2024-01-29T14:44:15.016Z"),
        ("2020-01-31||+1M", "2020-02-29T00:00:00.000Z", "2020-02-29T00:00:00.000Z"),
        ("2020-01-01||+1M/d", "2020-02-01T00:00:00.000Z", "2020-02-01T23:59:59.999Z"),
        ("2020-01-01||/1M", "2020-01-01T00:00:00.000Z", "2020-01-31T23:59:59.999Z"),
    ],
)
def test_bounds_are_rounded_to_the_end_they_are_for(value: str, down: str, up: str) -> None:
    """`gte` and `lt` take the first moment of what is named, `gt` and `lte` the last."""
    assert format_date(bound_ms(value, NOW, round_up=False)) == down
    assert format_date(bound_ms(value, NOW, round_up=True)) == up


@pytest.mark.parametrize(
    ("value", "zone", "expected"),
    [
        ("2020-07-01", "+01:00", "2020-06-30T23:00:00.000Z"),
        ("2020-07-01", "-0530", "2020-07-01T05:30:00.000Z"),
        ("2020-07-01", "Europe/London", "2020-06-30T23:00:00.000Z"),
        ("2020-07-01T00:00:00Z", "Europe/London", "2020-07-01T00:00:00.000Z"),
        ("now/d", "Asia/Tokyo", "2024-02-28T15:00:00.000Z"),
        ("2020-03-28T12:00||+1d", "Europe/London", "2020-03-29T11:00:00.000Z"),
        ("2020-03-28T12:00||+24h", "Europe/London", "2020-03-29T12:00:00.000Z"),
        ("2020-07-01", "Z", "2020-07-01T00:00:00.000Z"),
    ],
)
def test_a_time_zone_is_for_values_without_one_and_for_rounding(value: str, zone: str, expected: str) -> None:
    """Days keep the wall clock over a change to summer time, hours pass as they do."""
    assert format_date(bound_ms(value, NOW, round_up=False, time_zone=zone)) == expected


@pytest.mark.parametrize(
    ("value", "fmt", "zone"),
    [
        ("now+", None, None),
        ("now/2d", None, None),
        ("now*2", None, None),
        ("now+1x", None, None),
        ("now-99999y", None, None),
        ("now+999999999d", None, None),
        ("now-9999999999999d", None, None),
        ("tomorrow", None, None),
        ("2020-01-01||", "MMM", None),
        (True, None, None),
        ("2020", None, "Mars/Base"),
        ("2020", None, "../etc/passwd"),
        ("2020", None, "+99:00"),
    ],
)
def test_what_cannot_be_read_raises_value_error(value: str | bool, fmt: str | None, zone: str | None) -> None:
    """Broken math, formats and zones are the caller's to correct, whatever the libraries below raise."""
    with pytest.raises(ValueError, match=r".+"):
        bound_ms(value, NOW, round_up=False, fmt=fmt, time_zone=zone)
