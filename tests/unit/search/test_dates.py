"""`dates`, `date_patterns` and `civil`: reading and writing as OpenSearch does."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from activity_stream.search.civil import civil
from activity_stream.search.dates import check_format, date_ms, format_date, read_date

DAY = 86_400_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1970", 0),
        ("1970-02", 31 * DAY),
        ("2020-10-08", 1602115200000),
        ("2020-01-01T11", 1577876400000),
        ("2020-01-01T11:59", 1577879940000),
        ("1969-12-31T23:59:50", -10_000),
        ("2019-06-17T16:02:28.796549Z", 1560787348796),
        ("2019-06-17T16:02:28,7Z", 1560787348700),
        ("2019-06-17T16:02:28.123456789+01:00", 1560783748123),
        ("2019-06-17T16:02:28-0130", 1560792748000),
        ("2020-01-01T", 1577836800000),
        ("1865-03-01", -3308342400000),
        ("0001-01-01", -62135596800000),
        ("9999-12-31T23:59:59.999Z", 253402300799999),
        ("1577880000000", 1577880000000),
        ("-1", -1),
        ("20201008", 20201008),
        ("-1.5", -2),
        (1577880000000, 1577880000000),
        (1577880000000.0, 1577880000000),
        (2020, 1577836800000),
    ],
)
def test_dates_are_read(value: object, expected: int) -> None:
    """ISO 8601 with anything after the year left out, or milliseconds; four digits are a year."""
    assert date_ms(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "yesterday", "2020-13-01", "2020-02-30", "2020-1-1", "2020-01-01 10:00", "2020-01-01T24:00"),
        *("0000-01-01", "2020-01-01Z", "2020-01-01T10:60", "2020-01-01T10:00+25:00", "2020-01-01T10:00:00.1234567890"),
        *("\u0662020", "9" * 25, True, None, {}, []),
    ],
)
def test_what_is_no_date_is_refused(value: object) -> None:
    """Anything else raises ValueError, so that a document's value is passed over and a query's is a 400."""
    with pytest.raises(ValueError, match="failed to parse date field"):
        date_ms(value)


@pytest.mark.parametrize(
    ("fmt", "expected"),
    [
        (None, "2020-02-03T04:05:06.007Z"),
        ("strict_date_optional_time||epoch_millis", "2020-02-03T04:05:06.007Z"),
        ("epoch_millis", "1580702706007"),
        ("epoch_second", "1580702706.007"),
        ("yyyy-MM-dd", "2020-02-03"),
        ("date", "2020-02-03"),
        ("strict_year_month", "2020-02"),
        ("dd/MM/yyyy HH:mm:ss.SSS", "03/02/2020 04:05:06.007"),
        ("d.M.yyyy 'at' H 'o''clock'", "3.2.2020 at 4 o'clock"),
        ("yyyy-MM-dd'T'HH:mm:ssXXX", "2020-02-03T04:05:06Z"),
        ("yyyy MM dd Z", "2020 02 03 +0000"),
    ],
)
def test_dates_are_written(fmt: str | None, expected: str) -> None:
    """In UTC, in the first of the formats."""
    assert format_date(1580702706007, fmt) == expected


@pytest.mark.parametrize(
    ("text", "fmt", "expected"),
    [
        ("03/02/2020", "dd/MM/yyyy", 1580688000000),
        ("1580702706", "epoch_second", 1580702706000),
        ("2020", "epoch_millis", 2020),
        ("2020-02-03 04:05+0100", "yyyy-MM-dd HH:mmXX", 1580699100000),
        ("03/02/2020", "yyyy-MM-dd||dd/MM/yyyy", 1580688000000),
    ],
)
def test_a_query_can_name_its_format(text: str, fmt: str, expected: int) -> None:
    """The first format that fits counts."""
    assert read_date(text, fmt).utc == expected


@pytest.mark.parametrize(
    "fmt", ["", "nonsense", "MMM yyyy", "dd", "yyyy-yyyy", "yyyy[MM]'", "yy-MM-dd", "0.00", "y" * 101]
)
def test_formats_that_are_not_supported_say_what_is(fmt: str) -> None:
    """An unknown format raises ValueError that lists the known ones, for reading and writing alike."""
    with pytest.raises(ValueError, match="allowed are strict_date_optional_time"):
        check_format(fmt)


def test_writing_and_reading_are_inverse() -> None:
    """Any millisecond of the years 1 to 9999 survives being written and read; beyond them writing still works."""
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    for _ in range(500):
        ms = chance.randint(-62135596800000, 253402300799999)
        assert date_ms(format_date(ms)) == ms
        assert format_date(ms)[:19] == (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).strftime(
            "%Y-%m-%dT%H:%M:%S"
        ).zfill(19)
    assert format_date(253402300800000) == "+10000-01-01T00:00:00.000Z"
    assert civil(-62135596800001).year == 0
    assert format_date(2**63 - 1).startswith("+292278994-08-17")
