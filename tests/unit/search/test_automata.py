"""What an expression describes, however long the word and whatever the expression."""

import random
import re

import pytest

from activity_stream.search import automata
from activity_stream.search.automata import Automaton, TooLarge
from activity_stream.search.regexps import translated


def expression(rng: random.Random, depth: int) -> str:
    """A random expression of Lucene's."""
    match rng.randrange(9 if depth else 4):
        case 0 | 1:
            return rng.choice(("a", "b", "A", "bc"))
        case 2:
            return rng.choice((".", "@", "[ab]", "[^a]", "[a-c]", r"\d", '"a.b"', r"\.", "é"))
        case 3:
            return ""
        case 4 | 5:
            return expression(rng, depth - 1) + expression(rng, depth - 1)
        case 6 | 7:
            times = rng.choice(("*", "+", "?", "{2}", "{1,2}", "{0,}", ""))
            return f"({expression(rng, depth - 1)}){times}"
        case _:
            return f"({expression(rng, depth - 1)}|{expression(rng, depth - 1)})"


def test_words_are_described_as_by_regular_expressions(seed: int) -> None:
    """Random ones, on random words, with and without case."""
    rng = random.Random(seed)
    described = 0
    for _ in range(2_000):
        made = translated(expression(rng, 4), ignore_case=rng.random() < 0.3)
        automaton, pattern = Automaton(made), re.compile(made, re.DOTALL)
        for _ in range(8):
            word = "".join(rng.choice("aabbcAé.1\n") for _ in range(rng.randrange(6)))
            expected = pattern.fullmatch(word) is not None
            assert automaton.describes(word) is expected, (made, word)
            described += expected
    assert described > 1_000


@pytest.fixture
def seed() -> int:
    """Another one each time."""
    chosen = random.SystemRandom().randrange(10**6)
    print(f"seed {chosen}")
    return chosen


@pytest.mark.parametrize("text", ["(a*)*b", "(a|a)*b", "(a|aa)+b", "((a{1,5}){1,5}){1,5}b", "(.*a)*.*b"])
def test_no_expression_takes_for_ever(text: str) -> None:
    """What others would try again and again."""
    assert not Automaton(translated(text)).describes("a" * 30_000 + "c")


@pytest.mark.parametrize("text", ["(a{999}){999}", "a{999}b{999}", f"{'(' * 200}a{')' * 200}"])
def test_what_is_too_large_is_not_followed(text: str) -> None:
    """Of so many states, or levels."""
    with pytest.raises(TooLarge):
        Automaton(translated(text))


def test_an_expression_is_given_up_where_it_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """One in which ways part again and again; others are not."""
    monkeypatch.setattr(automata, "MOST_STEPS", 1_000)
    rng = random.Random(1)
    word = "".join(rng.choice("ab") for _ in range(300)) + "a" * 21
    assert Automaton(translated("(a|b)*")).describes(word)
    assert re.fullmatch(".*a.{20}", word)
    assert not Automaton(translated(".*a.{20}")).describes(word)
