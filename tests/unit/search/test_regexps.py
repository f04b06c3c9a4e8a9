"""`regexps`: Lucene's expressions in words that other engines know."""

import re

import pytest

from activity_stream.search.regexps import translated


@pytest.mark.parametrize(
    ("expression", "found", "others"),
    [
        ("a.*", ["a", "a\nb"], ["ba"]),
        ("@x@", ["x", "axb"], ["ab"]),
        ('"a*"', ["a*"], ["aa"]),
        (r"a\*", ["a*"], ["aa"]),
        ("[a-c-]+", ["a-b"], ["d"]),
        (r"[^\d]", ["a", "٣"], ["3"]),
        (r"\w{2,3}", ["ab", "a_1"], ["a", "éé"]),
        ("(ab|c)?d", ["abd", "cd", "d"], ["ad"]),
        ("a$|^b", ["a$", "^b"], ["a", "b"]),
        ("", [""], ["a"]),
    ],
)
def test_an_expression_describes_whole_values(expression: str, found: list[str], others: list[str]) -> None:
    """What is special in other engines alone stands for itself, what is special here is said in their words."""
    made = re.compile(translated(expression), re.DOTALL)
    assert [each for each in (*found, *others) if made.fullmatch(each)] == found


def test_the_case_of_ascii_letters_can_be_ignored() -> None:
    """In sets and ranges too; that of no other letter is."""
    made = re.compile(translated("[a-c]É[xy]", ignore_case=True), re.DOTALL)
    assert [each for each in ("BÉX", "cÉy", "béx", "aÉz") if made.fullmatch(each)] == ["BÉX", "cÉy"]


@pytest.mark.parametrize(
    "expression",
    ["[", "[]", "a{", "(", ")", "*a", '"x', "\\", "~a", "a&b", "<1-2>", "#", "a{1000}", "(" * 999 + ")" * 999],
)
def test_what_is_none_raises_value_error(expression: str) -> None:
    """It says what is wrong with it."""
    with pytest.raises(ValueError, match=r"\["):
        translated(expression)
