"""`analysis`: the tokens are those of Lucene's `standard` analyzer."""

import random
import time
import unicodedata

import pytest

from activity_stream.search.analysis import MAX_TOKEN_LENGTH, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  ...  ", []),
        ("Don't STOP", ["don't", "stop"]),
        ("pi is 3.14, or 1,000;2", ["pi", "is", "3.14", "or", "1,000;2"]),
        ("foo_bar _x_ __", ["foo_bar", "_x_"]),
        ("www.gov.uk/guidance", ["www.gov.uk", "guidance"]),
        ("U.K. e.g.", ["u.k", "e.g"]),
        ("a:b a,b 1:2", ["a:b", "a", "b", "1", "2"]),
        ("3a a3 3.a a.3", ["3a", "a3", "3", "a", "a", "3"]),
        ("max.speed@example.com", ["max.speed", "example.com"]),
        ("data-hub's C++", ["data", "hub's", "c"]),
        ("x''y x'.y", ["x", "y", "x", "y"]),
    ],
)
def test_ascii_text_is_cut_at_what_joins_no_letters_or_digits(text: str, expected: list[str]) -> None:
    """Letters are joined by . : ' between letters, digits by . , ; ' between digits."""
    assert tokens(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cafe\u0301 na\u00efve \u00a35", ["cafe\u0301", "na\u00efve", "5"]),
        ("it\u2019s \u2018tis\u2019", ["it\u2019s", "tis"]),
        ("\u65e5\u672c\u8a9e", ["\u65e5", "\u672c", "\u8a9e"]),
        ("\u3072\u3089", ["\u3072", "\u3089"]),
        ("\u30ab\u30bf\u30ab\u30ca \uff71\uff8a\uff9f", ["\u30ab\u30bf\u30ab\u30ca", "\uff71\uff8a\uff9f"]),
        ("\ud55c\uad6d\uc5b4 text", ["\ud55c\uad6d\uc5b4", "text"]),
        ("\u0939\u093f\u0928\u094d\u0926\u0940", ["\u0939\u093f\u0928\u094d\u0926\u0940"]),
        ("\u00bd \u00b2 \u2460", []),
        ("\u03a3\u0391\u03a3 \u0130I", ["\u03c3\u03b1\u03c3", "ii"]),
        ("a\u00b7b\u200bc", ["a\u00b7b", "c"]),
        ("\U0001f600 ok", ["\U0001f600", "ok"]),
        ("\u0662\u0663", ["\u0662\u0663"]),
        ("one\ntwo\u00e9\tthree", ["one", "two\u00e9", "three"]),
    ],
)
def test_other_scripts_are_cut_as_unicode_says(text: str, expected: list[str]) -> None:
    """Marks stay with their letter, ideographs and Hiragana stand alone, lower-casing is a character at a time."""
    assert tokens(text) == expected


def test_a_token_is_cut_at_255_characters() -> None:
    """Longer words come in pieces, as from Lucene's max_token_length."""
    assert [len(each) for each in tokens("a" * 600)] == [255, 255, 90]
    assert [len(each) for each in tokens("\u00e9" * 256 + " b")] == [255, 1, 1]
    assert tokens("a" * 254 + ".b") == ["a" * 254, "b"]


def test_a_text_that_is_partly_ascii_has_the_tokens_of_its_parts() -> None:
    """The fast way for ASCII and the way for any text agree, whatever stands around."""
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    alphabet = "ab1_.,:;'- \n\u00e9\u2019\u0301\u65e5\u30ab"
    for _ in range(500):
        left, right = ("".join(chance.choices(alphabet, k=12)) for _ in range(2))
        assert tokens(f"{left} {right}") == tokens(left) + tokens(right), (left, right)
        assert tokens(f"{left} \u00a3") == tokens(left), left


def test_no_token_is_longer_or_upper_case_or_empty() -> None:
    """Any text gives usable tokens."""
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    for _ in range(300):
        text = "".join(chr(chance.choice((chance.randrange(0x250), chance.randrange(0xD800)))) for _ in range(40))
        for token in tokens(text):
            assert 0 < len(token) <= MAX_TOKEN_LENGTH
            assert " " not in token
            assert all(unicodedata.category(each) != "Lu" or each.lower() == each for each in token), (text, token)


def test_english_is_cut_at_megabytes_a_second() -> None:
    """A linear scan; the floor is far below what it does: a slow machine passes, a quadratic scan does not."""
    text = "Trade don't stop, e.g. in 2020 (see www.gov.uk). " * 20_000
    began = time.perf_counter()
    tokens(text)
    assert len(text) / (time.perf_counter() - began) > 2_000_000
