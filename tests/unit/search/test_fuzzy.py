"""`fuzzy` and `phrases`: words with mistakes, and words that have moved."""

import pytest

from activity_stream.search.fuzzy import edits_of, fuzziness, nearest
from activity_stream.search.phrases import arrangements, frequency, is_near
from activity_stream.search.query import Fuzziness

KNOWN = ["port", "pord", "prot", "sport", "ports", "trop", "po", "", "x"]


@pytest.mark.parametrize(
    ("text", "edits"),
    [
        ("AUTO", [0, 0, 1, 1, 2, 2]),
        ("auto:4,5", [0, 0, 0, 2, 2, 2]),
        ("1", [0, 1, 1, 1, 1, 1]),
        ("9.5", [0, 2, 2, 2, 2, 2]),
    ],
)
def test_a_word_may_have_as_many_mistakes_as_is_said(text: str, edits: list[int]) -> None:
    """By its length, or a number, of which there are two at most; an empty word none."""
    assert [edits_of(fuzziness(text), word) for word in ("", "ab", "abc", "abcde", "abcdef", "a" * 20)] == edits


@pytest.mark.parametrize("text", ["", "AUTO:3", "AUTO:6,3", "-1", "x", "1e9"])
def test_what_says_nothing_raises_value_error(text: str) -> None:
    """It says what is allowed."""
    with pytest.raises(ValueError, match="Invalid fuzziness value"):
        fuzziness(text)


def test_the_nearest_words_come_first() -> None:
    """Each is worth the less the more mistakes it needs for its length; neighbours that changed places are one."""
    assert nearest("port", 1, Fuzziness(), KNOWN, None) == [
        ("port", 1.0), ("pord", 0.75), ("ports", 0.75), ("prot", 0.75), ("sport", 0.75)
    ]  # fmt: skip
    assert nearest("port", 2, Fuzziness(), KNOWN, 2) == [("port", 1.0), ("pord", 0.75)]
    assert ("prot", 0.75) not in nearest("port", 1, Fuzziness(transpositions=False), KNOWN, None)
    assert nearest("port", 2, Fuzziness(prefix_length=3), KNOWN, None) == [
        ("port", 1.0), ("pord", 0.75), ("ports", 0.75)
    ]  # fmt: skip
    assert nearest("p", 2, Fuzziness(), KNOWN, None) == [("po", 0.0), ("x", 0.0), ("", 0.0)]


@pytest.mark.parametrize(
    ("phrase", "slop", "near"),
    [
        ("a b", 0, True),
        ("b a", 0, False),
        ("b a", 1, True),
        ("a c", 0, False),
        ("a c", 1, True),
        ("a a", 0, False),
        ("a a", 2, True),
        ("b b", 9, False),
        ("c a b", 2, False),
        ("c a b", 3, True),
        ("a x", 9, False),
    ],
)
def test_words_are_near_if_none_has_moved_too_far(phrase: str, slop: int, near: bool) -> None:
    """In the text `a b c a`, each in a place of its own."""
    places = {"a": [0, 3], "b": [1], "c": [2]}
    assert is_near(places, phrase.split(), slop) is near


@pytest.mark.parametrize(
    ("text", "phrase", "slop", "expected"),
    [
        ("a b", "a b", 0, 1.0),
        ("a b x a b", "a b", 0, 2.0),
        ("b a", "a b", 0, 0.0),
        ("a x b", "a b", 1, 1 / 2),
        ("b a", "a b", 2, 1 / 3),
        ("a x b a b", "a b", 1, 1 / 2 + 1),
        ("a x x b", "a b", 1, 0.0),
        ("a b c", "a b c", 3, 1.0),
        ("a", "a b", 5, 0.0),
        ("a a", "a a", 0, 1.0),
        ("a", "a a", 9, 0.0),
        ("a x a", "a a", 1, 1 / 2),
        ("a a a", "a a", 1, 1 + 1),
        ("a b a", "a b a", 2, 1.0),
        ("a a b", "a b a", 3, 1 / 3),
    ],
)
def test_a_phrase_counts_the_less_the_farther_its_words_have_moved(
    text: str, phrase: str, slop: int, expected: float
) -> None:
    """Each time that it is there, by one divided by the places moved and one more."""
    places: dict[str, list[int]] = {}
    for place, word in enumerate(text.split()):
        places.setdefault(word, []).append(place)
    assert frequency(places, phrase.split(), slop) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("ends", "slop", "expected"),
    [("b c", 0, 2.0), ("a b", 0, 1.0), ("a", 1, 1 / 2), ("a", 0, 0.0), ("c", 1, 1.0), ("c", 2, 1.0)],
)
def test_what_comes_last_in_a_phrase_may_be_any_of_several_words(ends: str, slop: int, expected: float) -> None:
    """In the text `a b a c`, after an `a`, which it may be too, in a place of its own."""
    places = {"a": [0, 2], "b": [1], "c": [3]}
    last = sorted(place for end in ends.split() for place in places[end])
    assert frequency({**places, "": last}, ["a"], slop, "") == pytest.approx(expected)


def test_the_ways_in_which_moved_words_can_stand_are_few_or_not_told() -> None:
    """Each with how far they have moved, in places of their own; too many are None, before they are made."""
    assert arrangements(2, 0) == [[0, 1]]
    assert sorted(arrangements(2, 2) or ()) == [[0, 1], [0, 2], [0, 3], [1, 0]]
    assert arrangements(1_000, 1_000_000) is None
