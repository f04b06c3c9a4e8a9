"""How long to wait."""

import pytest

from activity_stream.retry import LONGEST_WAIT, failure_wait, retry_after

NOW = 784_111_770.0
"""Sun, 06 Nov 1994 08:49:30 GMT, seven seconds before the dates below."""


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("1.5", 1.5),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 7.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 7.0),
        ("Sun Nov  6 08:49:37 1994", 7.0),
        ("Sun, 06 Nov 1994 08:49:37 -0000", 7.0),
        ("Sun, 06 Nov 1994 09:49:37 +0100", 7.0),
        ("Sun, 06 Nov 1994 08:49:00 GMT", 0.0),
    ],
)
def test_retry_after(value: str, seconds: float) -> None:
    """Seconds are taken as they are, the three forms of HTTP dates as what is left until then, the past as now."""
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize("value", ["1000000000", "9" * 500, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_an_absurd_wait_is_cut(value: str) -> None:
    """Nobody waits longer than a day, whatever the header says."""
    assert retry_after(value, NOW) == LONGEST_WAIT == 86_400


@pytest.mark.parametrize("value", [None, "", "soon", "-5", "1e3", "0x10", "٣", "nan", "Sun, 99 Nov 1994 08:49:37 GMT"])
def test_what_means_nothing(value: str | None) -> None:
    """A header that is no time is as none at all."""
    assert retry_after(value, NOW) is None


@pytest.mark.parametrize(("failures", "seconds"), [(1, 1.0), (2, 2.0), (3, 4.0), (4, 4.0), (1000, 4.0)])
def test_failure_wait(failures: int, seconds: float) -> None:
    """The n-th failure in a row waits the n-th interval, and the last interval repeats."""
    assert failure_wait(failures, (1.0, 2.0, 4.0)) == seconds


def test_no_intervals_no_wait() -> None:
    """A feed without intervals is tried again at once."""
    assert failure_wait(1, ()) == 0.0


def test_no_failure_no_wait() -> None:
    """To ask for the wait after no failure is a mistake of the program, and said so."""
    with pytest.raises(ValueError, match="at least one"):
        failure_wait(0, (1.0,))
