"""Ranges of words as regular expressions."""

import re

import pytest

from activity_stream.search.patterns import after_all, between, is_between

WORDS = ("a", "ab", "abc", "abd", "b", "b.", "é", "z", "\ud7ff", "\ue000", "\U0001f600", "\U0001f600x")


@pytest.mark.parametrize("low", [None, "", *WORDS])
@pytest.mark.parametrize("high", [None, "", *WORDS])
@pytest.mark.parametrize(("over_low", "under_high"), [(False, False), (True, False), (False, True), (True, True)])
def test_a_range_describes_what_is_between_its_bounds(
    low: str | None, high: str | None, over_low: bool, under_high: bool
) -> None:
    """By the numbers of characters, the bounds among them or not, and no empty text."""
    made = between(low, high, over_low=over_low, under_high=under_high)
    # Characters by number are written in another way in Python.
    expression = None if made is None else re.sub(r"\\x\{(\w+)\}", lambda it: f"\\U{int(it[1], 16):08x}", made)
    for word in WORDS:
        above = low is None or (word > low if over_low else word >= low)
        below = high is None or (word < high if under_high else word <= high)
        assert is_between(word, low, high, over_low=over_low, under_high=under_high) == (above and below)
        found = expression is not None and re.fullmatch(expression, word) is not None
        assert found == (above and below), (word, expression)


@pytest.mark.parametrize(
    ("begun", "after"),
    [("ab", "ac"), ("a\ud7ff", "a\ue000"), ("a\U0010ffff", "b"), ("\U0010ffff", None), ("", None)],
)
def test_what_comes_after_all_that_begin_so_begins_with_the_next_character(begun: str, after: str | None) -> None:
    """Of the last one that has a next."""
    assert after_all(begun) == after
