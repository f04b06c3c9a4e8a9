"""`minimum`: every form of `minimum_should_match`."""

import pytest

from activity_stream.search.minimum import minimum_should_match, required_words


@pytest.mark.parametrize(
    ("text", "clauses", "expected"),
    [
        ("2", 5, 2),
        ("7", 5, 7),
        ("+1", 5, 1),
        ("-1", 5, 4),
        ("-9", 5, 0),
        ("75%", 4, 3),
        ("75%", 5, 3),
        ("-25%", 4, 3),
        ("-25%", 5, 4),
        ("100%", 3, 3),
        ("-200%", 3, 0),
        ("0", 3, 0),
        ("2<75%", 1, 1),
        ("2<75%", 2, 2),
        ("2<75%", 4, 3),
        ("2<-25% 9<-3", 2, 2),
        ("2<-25% 9<-3", 9, 7),
        ("2<-25% 9<-3", 12, 9),
        (" 3 < 50% ", 10, 5),
        ("75%", 0, 0),
    ],
)
def test_it_counts_as_documented(text: str, clauses: int, expected: int) -> None:
    """Numbers, percentages and conditions, rounded towards zero, never below 0."""
    assert minimum_should_match(text, clauses) == expected


@pytest.mark.parametrize("text", ["", "a", "1.5", "%", "50%%", "<2", "2<", "2<3<4", "2<a", "1 2", "9" * 30])
def test_other_forms_are_refused(text: str) -> None:
    """What is no number, percentage or condition raises ValueError, which says what is allowed."""
    with pytest.raises(ValueError, match="must be like 2, -1, 75%"):
        minimum_should_match(text, 3)


@pytest.mark.parametrize(
    ("operator", "minimum", "words", "expected"),
    [
        ("or", None, 3, 1),
        ("or", "2", 3, 2),
        ("or", "0", 3, 1),
        ("or", "4", 3, 4),
        ("or", "4", 1, 1),
        ("and", None, 3, 3),
        ("and", "75%", 3, 3),
        ("and", "-1", 3, 3),
        ("and", "1", 3, 4),
        ("and", "1", 1, 1),
    ],
)
def test_words_that_are_all_needed_leave_none_that_a_minimum_could_count(
    operator: str, minimum: str | None, words: int, expected: int
) -> None:
    """A number of optional words, of which there are none, is never reached; of one word there is nothing to choose."""
    assert required_words(operator, minimum, words) == expected
