"""Where texts can be cut."""

from itertools import pairwise

import pytest

from activity_stream.search.sentences import begun, sentences, words


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("One. Two! Three? Four", ["One. ", "Two! ", "Three? ", "Four"]),
        ("At 3.14 p.m. today. Then", ["At 3.14 p.m. today. ", "Then"]),
        ("He said (so.) Then", ["He said (so.) ", "Then"]),
        ('A. "B" c. "d"', ["A. ", '"B" c. "d"']),
        ("No. 5 is it", ["No. 5 is it"]),
        ("日本。日本", ["日本。", "日本"]),
        ("", []),
    ],
)
def test_texts_end_with_sentences(text: str, pieces: list[str]) -> None:
    """At what ends one always, and at a full stop unless what follows goes on with it."""
    places = sentences(text)
    assert [text[start:end] for start, end in pairwise(places)] == pieces


def test_words_are_not_cut() -> None:
    """A word with a sign within is one; what is begun goes on to the end of a word."""
    text = "don't re-use 1,000 foo_bar!"
    places = words(text)
    found = [text[start:end] for start, end in pairwise(places)]
    assert [each for each in found if each.strip()] == ["don't", "re-use", "1,000", "foo_bar", "!"]
    assert begun(text, 7) == "don't re-use"
    assert begun(text, 100) == text


@pytest.mark.parametrize("text", ["." * 1_000_000, ". " * 300_000, '."' * 300_000, "a'" * 300_000, "_" * 500_000])
def test_no_text_takes_for_ever(text: str) -> None:
    """However odd: what it looks at, it looks at once."""
    assert sentences(text)[-1] == words(text)[-1] == len(text)
