"""Which words of a text tell most about it: those that others like it have.

Source: OpenSearch's `XMoreLikeThis`, Lucene's `ClassicSimilarity`.
"""

import heapq
import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from activity_stream.search.query import MoreLikeThis


class Telling(NamedTuple):
    """A word of a field, and how much it tells."""

    worth: float
    word: str
    field: str


def telling(
    how: MoreLikeThis, words: Counter[str], fields: Sequence[str], having: Callable[[str, str], int], documents: int
) -> list[Telling]:
    """The words that tell most, the best first, each in the field where most documents have it. `having` says how many
    documents have a word in a field, of so many `documents`."""
    found = []
    for word, often in words.items():
        if often < how.min_term_freq or not _is_long_enough(how, word) or word in how.stop_words:
            continue
        counts = [having(field, word) for field in fields]
        most = max(counts, default=0)
        if not most or most < how.min_doc_freq or most > how.max_doc_freq:
            continue
        worth = often * (math.log((documents + 1) / (most + 1)) + 1)
        found.append(Telling(worth, word, fields[counts.index(most)]))
    return heapq.nsmallest(how.max_query_terms, found, key=lambda each: (-each.worth, each.word))


def weights(how: MoreLikeThis, found: Sequence[Telling]) -> list[float]:
    """What the score of each of them is multiplied by: with `boost_terms`, by that for the one that tells least."""
    least = min((each.worth for each in found), default=1.0)
    return [how.boost_terms * each.worth / least if how.boost_terms else 1.0 for each in found]


def _is_long_enough(how: MoreLikeThis, word: str) -> bool:
    return len(word) >= how.min_word_length and (not how.max_word_length or len(word) <= how.max_word_length)
