"""Texts that another one may be meant for, however many there are to choose from."""

import random
from collections import Counter
from typing import Any

import msgspec
import pytest

from activity_stream.errors import SearchRefused
from activity_stream.search.hits import PhraseSuggest, Smoothing, Spelling
from activity_stream.search.phrase_suggestions import phrases
from activity_stream.search.spelling import Totals, Vocabulary

WORDS = ("wine", "wina", "wino", "wint", "trade", "trace", "tread")


def vocabulary(counts: Counter[str]) -> Vocabulary:
    """The words of an index in which each document has one."""
    totals = Totals(counts.total(), len(counts))
    return Vocabulary(
        counts.total(),
        lambda begun: {word: number for word, number in counts.items() if word.startswith(begun)},
        counts.__getitem__,
        lambda: totals,
    )


def asked(text: str, **more: Any) -> PhraseSuggest:
    """What a text is meant for, where each word may be two others."""
    generator = Spelling(field="name", size=2, mode="always", max_term_freq=1000)
    return PhraseSuggest(name="a", text=text, field="name", generators=(generator,), confidence=0.0, **more)


@pytest.mark.parametrize("kind", ["stupid_backoff", "laplace"])
@pytest.mark.parametrize("gram", [1, 2, 3])
def test_the_best_texts_are_the_best_of_all(kind: str, gram: int) -> None:
    """Those that come where few are asked for are the first of those that come where all are."""
    rng = random.Random(gram)
    for _ in range(30):
        counts = Counter({word: rng.randint(1, 9) for word in WORDS})
        counts.update({f"{one}{other}": rng.randint(0, 2) for one in WORDS for other in WORDS})
        text = " ".join(rng.choice((*WORDS, "wime", "trdae")) for _ in range(4))
        more = {"gram_size": gram, "separator": "", "max_errors": rng.choice((1.0, 2.0, 4.0))}
        all_and_few = [
            phrases(
                asked(text, size=100, per_index=per_index, smoothing=Smoothing(kind=kind), **more),
                {"name": [vocabulary(+counts)]},
                whole=False,
            )["options"]
            for per_index in (100, 5)
        ]
        assert len(all_and_few[0]) > 5
        assert all_and_few[0][:5] == all_and_few[1]


def test_as_many_texts_as_there_can_be_do_not_matter() -> None:
    """Nine words of three candidates and nine mistakes are found word by word."""
    found = phrases(asked("wime " * 9, max_errors=9.0), {"name": [vocabulary(Counter(WORDS))]}, whole=False)
    assert found["options"][0]["text"] == " ".join(["wine"] * 9)


@pytest.mark.parametrize("waits", [0, 1, 10, 100])
def test_it_ends_where_nobody_waits(waits: int) -> None:
    """While words are compared, and while texts are put together."""
    left = iter(range(waits))

    def look() -> None:
        if next(left, None) is None:
            raise TimeoutError

    words = msgspec.structs.replace(vocabulary(Counter(WORDS)), look=look)
    with pytest.raises(TimeoutError):
        phrases(asked("wime " * 9, max_errors=9.0, gram_size=3), {"name": [words]}, whole=False)


def test_too_many_to_choose_from_are_refused() -> None:
    """It says of what there is too much."""
    many = asked("wime " * 9, gram_size=3, per_index=1000, max_errors=9.0)
    with pytest.raises(SearchRefused) as caught:
        phrases(many, {"name": [vocabulary(Counter(WORDS))]}, whole=False)
    assert b"max_errors" in caught.value.body
