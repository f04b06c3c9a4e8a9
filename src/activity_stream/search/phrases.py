"""Words of a phrase that have moved: whether a text has them near enough."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import product

_MOST_WAYS = 1_000


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


def frequency(places: Mapping[str, Sequence[int]], words: Sequence[str], slop: int, last: str | None = None) -> float:
    """How often words stand in a text as in a phrase, moved by at most `slop`: each time counts the less, the farther
    they have moved (Lucene's SloppyPhraseMatcher). `places` as above; `last`: the name in it of what comes after the
    words, which may be any of several, those words among them."""
    names = [*words] if last is None else [*words, last]
    if not all(places.get(name) for name in names):
        return 0.0
    if not slop:
        exact = [frozenset(places[name]) for name in names]
        starts = places[names[0]]
        return float(sum(all(start + offset in each for offset, each in enumerate(exact)) for start in starts))
    return _Matching([_Standing(offset, places[name]) for offset, name in enumerate(names)], names, slop, last).total()


def times(places: Mapping[str, Sequence[int]], words: Sequence[str], ends: Sequence[str], slop: int) -> float:
    """The same of words, and then any of `ends`, if there are some."""
    return frequency(with_ends(places, ends), words, slop, "") if ends else frequency(places, words, slop)


def with_ends(places: Mapping[str, Sequence[int]], ends: Sequence[str]) -> Mapping[str, Sequence[int]]:
    """Where words stand, and any of `ends`, as a word without letters."""
    return {**places, "": sorted({place for end in ends for place in places.get(end, ())})}


class _Standing:
    """A word of a phrase, and where it stands just now: its place, counted from where the phrase would begin then."""

    def __init__(self, offset: int, places: Sequence[int]) -> None:
        self.offset = offset
        self._places = places
        self._number = 0
        self.alike: list[_Standing] = []

    @property
    def begins(self) -> int:
        """Where the phrase would begin."""
        return self._places[self._number] - self.offset

    @property
    def place(self) -> int:
        """Where the word is."""
        return self._places[self._number]

    @property
    def rank(self) -> tuple[int, int]:
        """The least is looked at first."""
        return self.begins, self.offset

    def advance(self) -> bool:
        """Go to the next place; False if there is none."""
        if self._number + 1 == len(self._places):
            return False
        self._number += 1
        return True

    def colliding(self) -> "_Standing | None":
        """Another one that stands in the same place, of those that can."""
        return next((each for each in self.alike if each is not self and each.place == self.place), None)


class _Matching:
    """One text, gone through once, as Lucene does it."""

    def __init__(self, standing: list[_Standing], names: list[str], slop: int, last: str | None) -> None:
        self._standing = standing
        self._slop = slop
        self._end = 0
        for each, name in zip(standing, names, strict=True):
            each.alike = [o for o, other in zip(standing, names, strict=True) if other == name or last in (name, other)]

    def total(self) -> float:
        """The sum of all times."""
        if not self._apart():
            return 0.0
        self._end = max(each.begins for each in self._standing)
        found = 0.0
        while True:
            one = min(self._standing, key=lambda each: each.rank)
            following = min(each.begins for each in self._standing if each is not one)
            moved = self._end - one.begins
            while True:  # the first of the words comes as near to the others as it can
                if not (self._advance(one) and self._resolve(one)):
                    return found + (1 / (1 + moved) if moved <= self._slop else 0.0)
                if one.begins > following:
                    break
                moved = min(moved, self._end - one.begins)
            found += 1 / (1 + moved) if moved <= self._slop else 0.0

    def _apart(self) -> bool:
        """Let no two stand in the same place to begin with; False where they cannot."""
        for each in self._standing:
            while (other := each.colliding()) is not None:
                if not min(each, other, key=lambda it: it.rank).advance():
                    return False
        return True

    def _advance(self, one: _Standing) -> bool:
        if not one.advance():
            return False
        self._end = max(self._end, one.begins)
        return True

    def _resolve(self, one: _Standing) -> bool:
        """Go on with the lesser of two that stand in the same place, as long as there are such."""
        while (other := one.colliding()) is not None:
            one = min(one, other, key=lambda it: it.rank)
            if not self._advance(one):
                return False
        return True


def arrangements(words: int, slop: int) -> list[list[int]] | None:
    """In what places, counted from the first, so many words can stand that have moved by at most `slop`; None if there
    are too many ways."""
    if (slop + 1) ** min(words, 20) - slop ** min(words, 20) > _MOST_WAYS:
        return None
    found = []
    for moved in product(range(slop + 1), repeat=words):
        places = [offset + each for offset, each in enumerate(moved)]
        if min(moved) == 0 and len(set(places)) == words:
            found.append([each - min(places) for each in places])
    return found
