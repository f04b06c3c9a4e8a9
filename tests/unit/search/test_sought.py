"""Which words a query looks for, at any length of text and of pattern."""

import random
import re

import pytest

from activity_stream.fields import Field, FieldType
from activity_stream.search.parse import parse_query
from activity_stream.search.patterns import wildcard
from activity_stream.search.sought import sought

TEXT, KEYWORD = Field("t", FieldType.TEXT, ("t",)), Field("k", FieldType.KEYWORD, ("k",))
FIELDS = {"t": TEXT, "k": KEYWORD}


def places(query: object, words: list[str], field: Field = TEXT) -> list[int]:
    """Which of the words the query looks for."""
    return sought(parse_query(query), field, FIELDS, of_any=False).places(words)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"match": {"t": "c a"}}, [0, 2, 4]),
        ({"match": {"k": "c a"}}, []),
        ({"match_phrase": {"t": "b c"}}, [1, 2]),
        ({"match_phrase": {"t": {"query": "a c", "slop": 1}}}, [0, 2, 4]),
        ({"match_phrase": {"t": {"query": "a d", "slop": 9}}}, []),
        ({"match_phrase_prefix": {"t": {"query": "c a", "slop": 2}}}, [0, 2, 4]),
        ({"match_phrase_prefix": {"t": {"query": "c d", "slop": 9}}}, []),
        ({"bool": {"must_not": {"match": {"t": "a"}}, "filter": {"term": {"t": "b"}}}}, [1]),
        ({"boosting": {"positive": {"term": {"t": "b"}}, "negative": {"term": {"t": "a"}}, "negative_boost": 0}}, [1]),
        ({"nested": {"path": "n", "query": {"prefix": {"t": "a"}}}}, [0, 4]),
        ({"regexp": {"t": "[ab]"}}, [0, 1, 4]),
        ({"regexp": {"t": {"value": "A|.*C", "case_insensitive": True}}}, [0, 2, 4]),
        ({"regexp": {"t": "(a{99}){99}"}}, []),
        ({"range": {"t": {"gte": "b", "lt": "e"}}}, [1, 2]),
        ({"range": {"t": {}}}, []),
    ],
)
def test_words_that_decide_are_told(query: object, expected: list[int]) -> None:
    """Wherever they are in a query, but not where they exclude; an expression that is too large tells of none."""
    assert places(query, ["a", "b", "c", "e", "a"]) == expected


def test_wildcards_are_as_regular_expressions_have_them() -> None:
    """Random ones, on random words, with and without case."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    for _ in range(3_000):
        pattern = "".join(rng.choice("aAb*?\\") for _ in range(rng.randrange(7)))
        word = "".join(rng.choice("aAb*?\\") for _ in range(rng.randrange(7)))
        ignore_case = rng.random() < 0.5
        query = {"wildcard": {"k": {"value": pattern, "case_insensitive": ignore_case}}}
        expected = pattern and re.fullmatch(wildcard(pattern, ignore_case=ignore_case), word, re.DOTALL)
        assert places(query, [word], KEYWORD) == ([0] if expected else []), (pattern, word)


def test_no_pattern_and_no_phrase_takes_for_ever() -> None:
    """What would take a regular expression longer than anybody waits, and a phrase over a very long text."""
    assert places({"wildcard": {"k": "a*" * 250 + "c"}}, ["a" * 5_000 + "b"], KEYWORD) == []
    words = ["wine"] * 100_000 + ["list"]
    assert places({"match_phrase": {"t": {"query": "wine list", "slop": 10**9}}}, words) == list(range(100_001))
