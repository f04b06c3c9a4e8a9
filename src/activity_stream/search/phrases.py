"""Words of a phrase that have moved: whether a text has them near enough."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush


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


def frequency(places: Mapping[str, Sequence[int]], words: Sequence[str], slop: int) -> float:
    """How often different words stand in a text as in a phrase, moved by at most `slop`: each time counts the less, the
    farther they have moved (Lucene's SloppyPhraseMatcher). `places` as above."""
    waiting = [(places[word][0] - offset, offset, 0, word) for offset, word in enumerate(words) if places.get(word)]
    if len(waiting) < len(words):
        return 0.0
    heapify(waiting)
    last = max(place for place, *_ in waiting)
    found = 0.0
    while True:
        place, offset, number, word = heappop(waiting)
        moved = last - place
        following = waiting[0][0]
        while True:  # the first of the words comes as near to the others as it can
            number += 1
            if number == len(places[word]):
                return found + (1 / (1 + moved) if moved <= slop else 0.0)
            place = places[word][number] - offset
            last = max(last, place)
            if place > following:
                break
            moved = min(moved, last - place)
        heappush(waiting, (place, offset, number, word))
        found += 1 / (1 + moved) if moved <= slop else 0.0


def frequency_of(places: Mapping[str, Sequence[int]], slots: Sequence[Sequence[str]], slop: int) -> float:
    """The same of a phrase that in each place has one of several words."""
    known, words = dict(places), []
    for number, slot in enumerate(slots):
        words.append(slot[0] if len(slot) == 1 else f" {number}")  # no word has a blank in it
        if len(slot) != 1:
            known[words[-1]] = sorted({place for word in slot for place in places.get(word, ())})
    return frequency(known, words, slop)
