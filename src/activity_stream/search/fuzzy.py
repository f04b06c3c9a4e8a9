"""Words with mistakes: how many a word may have, and how many two words are apart.

Source: OpenSearch's `Fuzziness`, Lucene's FuzzyQuery and FuzzyTermsEnum. A mistake is a character too many, missing or
wrong, or (unless that counts as two) two neighbours that changed places; no character takes part in two of them.
"""

import math
import re
from collections.abc import Iterable

from activity_stream.search.query import Fuzziness

MOST_EDITS = 2

_AUTO = re.compile(r"auto(?::(\d{1,4}),(\d{1,4}))?", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,4}(\.\d{0,4})?", re.ASCII)
_ALLOWED = "it is AUTO, AUTO:3,6, or a number of mistakes: 0, 1, 2"


def fuzziness(text: str) -> Fuzziness:
    """What a `fuzziness` says. Raises ValueError."""
    automatic = _AUTO.fullmatch(text)
    if automatic is not None:
        low, high = int(automatic[1] or 3), int(automatic[2] or 6)
        if low > high:
            raise ValueError(f"Invalid fuzziness value: [{text[:50]}]: the lower length comes first")
        return Fuzziness(low=low, high=high)
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"Invalid fuzziness value: [{text[:50]}]: {_ALLOWED}")
    return Fuzziness(edits=min(MOST_EDITS, int(float(text))))


def edits_of(how: Fuzziness | None, word: str) -> int:
    """How many mistakes a word may have; an empty one none."""
    if how is None or not word:
        return 0
    if how.edits is not None:
        return how.edits
    return (len(word) >= how.low) + (len(word) >= how.high)


def nearest(word: str, edits: int, how: Fuzziness, known: Iterable[str], most: int | None) -> list[tuple[str, float]]:
    """Of the `known` words those that the word is meant for, each with how much it is worth: 1 for the word itself,
    the less the more mistakes. The best come first, and only `most`."""
    found = []
    for each in known:
        if each[: how.prefix_length] != word[: how.prefix_length]:
            continue
        distance = apart(word, each, edits, transpositions=how.transpositions)
        if distance is not None:
            shorter = min(len(word), len(each))
            found.append((1.0 if distance == 0 else 1 - distance / shorter if shorter else -math.inf, each))
    found.sort(key=lambda pair: (-pair[0], pair[1].encode()))
    return [(each, max(0.0, worth)) for worth, each in found[:most]]


def apart(one: str, other: str, most: int, *, transpositions: bool = True) -> int | None:
    """How many mistakes two words are apart, None if more than `most` (optimal string alignment)."""
    if abs(len(one) - len(other)) > most:
        return None
    before: list[int] = []
    row = list(range(len(other) + 1))
    for number, character in enumerate(one, 1):
        earlier, before, row = before, row, [number]
        for at, theirs in enumerate(other, 1):
            cost = min(before[at] + 1, row[at - 1] + 1, before[at - 1] + (character != theirs))
            if transpositions and number > 1 and at > 1 and character == other[at - 2] and one[number - 2] == theirs:
                cost = min(cost, earlier[at - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return None
    return row[-1] if row[-1] <= most else None
