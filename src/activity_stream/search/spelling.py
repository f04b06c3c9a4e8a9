"""The words of one index that another one may be meant for.

Source: Lucene's `DirectSpellChecker` and `FuzzyTermsEnum`, which reckon in numbers of 32 bits.
"""

import math
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from activity_stream.search.fuzzy import apart
from activity_stream.search.hits import Spelling

Known = Callable[[str], Mapping[str, int]]
"""The words of an index that begin so, with how many documents have each."""


Row = tuple[str, int]
_BETWEEN_LOOKS = 10_000


class Totals(msgspec.Struct, frozen=True):
    """How many words all texts of an index have together, and how many different ones."""

    every: int = 0
    different: int = 0


def _go_on() -> None:
    """Nobody stops it."""


class Vocabulary(msgspec.Struct, frozen=True):
    """The words that a field has in one index, which has so many `documents`; how `often` a word is in all of them;
    and their totals. `look` is called now and then, and raises where nobody waits any longer."""

    documents: int
    known: Known
    often: Callable[[str], int]
    totals: Callable[[], Totals]
    look: Callable[[], None] = _go_on


class Similar(msgspec.Struct, frozen=True):
    """A word, how alike it is, and how many documents have it."""

    word: str
    likeness: float
    documents: int


def similar(how: Spelling, word: str, index: Vocabulary, more_than: float | None = None) -> list[Similar]:
    """What a word may be meant for, the best first; `more_than`: it is in more documents than so many, in place of
    `min_doc_freq`."""
    if len(word) < how.min_word_length:
        return []
    known = index.known(word[: how.prefix_length])
    having = known.get(word, 0)
    if (having and how.mode == "missing") or having > _share(how.max_term_freq, index.documents, math.ceil):
        return []
    asked = how.min_doc_freq if more_than is None else more_than
    least = _share(asked, index.documents, lambda share: int(share) - 1) if asked > 0 else 0
    if how.mode == "popular":
        least = max(least, having)
    others = _looking(known.items(), index.look)
    found = _near(how, word, (other for other, number in others if number > least and other != word))
    rows = [Similar(other, likeness, known[other]) for other, likeness in found]
    if how.by_frequency:
        rows.sort(key=lambda row: (-row.documents, -row.likeness, row.word.encode()))
    else:
        rows.sort(key=lambda row: (-row.likeness, -row.documents, row.word.encode()))
    return rows[: how.size]


def _looking(rows: Iterable[Row], look: Callable[[], None]) -> Iterator[Row]:
    for number, row in enumerate(rows):
        if number % _BETWEEN_LOOKS == 0:
            look()
        yield row


def _near(how: Spelling, word: str, others: Iterable[str]) -> list[tuple[str, float]]:
    """The words that are alike enough; where there are many, those with one mistake, and only the most alike. With two
    mistakes allowed, and words with one not enough, the first character is always the same."""
    once: list[tuple[str, float]] = []
    twice: list[tuple[str, float]] = []
    for other in others:
        edits = apart(word, other, how.max_edits) if other else None
        if edits is None:
            continue
        likeness = to_float(1 - to_float(edits / min(len(word), len(other))))
        if likeness >= to_float(how.accuracy):
            (once if edits == 1 else twice).append((other, likeness))
    most = how.size * how.max_inspections
    once = _most_alike(once, most)
    if len(once) == most or not twice:
        return once
    both = _most_alike([row for row in once + twice if row[0][0] == word[0]], most)
    return list(dict.fromkeys([*once, *both]))


def _most_alike(rows: list[tuple[str, float]], most: int) -> list[tuple[str, float]]:
    return sorted(rows, key=lambda row: (-row[1], row[0].encode()))[:most]


def _share(asked: float, documents: int, whole: Callable[[float], int]) -> float:
    """A number of documents, that is given as such or, below 1, as a share of all."""
    return asked if asked >= 1 else whole(to_float(to_float(asked) * documents))


def to_float(number: float) -> float:
    """The nearest number of 32 bits."""
    try:
        return float(struct.unpack("f", struct.pack("f", number))[0])
    except OverflowError:
        return math.copysign(math.inf, number)
