"""Words of a phrase that have moved: whether a text has them near enough."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence


def is_near(places: Mapping[str, Sequence[int]], words: Sequence[str], slop: int) -> bool:
    """Whether the words stand in a text, each in a place of its own, so that none has moved more than `slop` against
    any other from where it stands in the phrase (as Lucene's SloppyPhraseMatcher). `places`: where each word stands, in
    ascending order."""
    starts = {place - offset for offset, word in enumerate(words) for place in places.get(word, ())}
    return any(_all_from(start, places, words, slop) for start in starts)


def _all_from(start: int, places: Mapping[str, Sequence[int]], words: Sequence[str], slop: int) -> bool:
    """Whether each word has a place from `start` to `slop` after it, counted from its place in the phrase."""
    used: set[int] = set()
    for offset, word in enumerate(words):
        mine = places.get(word, ())
        at = bisect_left(mine, start + offset)
        while at < len(mine) and mine[at] in used:
            at += 1
        if at == len(mine) or mine[at] > start + offset + slop:
            return False
        used.add(mine[at])
    return True
