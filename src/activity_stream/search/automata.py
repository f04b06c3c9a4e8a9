"""Whether a word is what an expression describes, in as many steps at most as the word is long and the expression has
states, multiplied: all ways through the expression are gone at once, where others try one after another.

Expressions are those of `regexps.translated`. An expression in which ways part again and again takes so many steps with
some words that it is given up; OpenSearch refuses such ones.
"""

import re
from collections.abc import Sequence

import msgspec

MOST_STATES = 1_000
MOST_STEPS = 3_000_000
"""What is gone for all words together; steps that have been gone before, and are remembered, do not count."""
_MOST_LEVELS = 100
_MOST_REMEMBERED = 1_000
_END = 0

_TOKEN = re.compile(
    r"(?P<open>\(\?:)|(?P<close>\))|(?P<or>\|)|(?P<repeat>[*+?]|\{(?P<least>\d+)(?P<range>,(?P<most>\d*))?\})"
    r"|(?P<one>\[(?:\\.|[^\]\\])+\]|\\x[0-9a-f]{2}|.)",
    re.DOTALL,
)
_REPEATED = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class TooLarge(ValueError):
    """The expression has more states, or more levels, than are followed."""


class One(msgspec.Struct, frozen=True):
    """One character, as a pattern for it."""

    pattern: str


class Either(msgspec.Struct):
    """One of several sequences."""

    sequences: "list[list[Part]]"


class Repeated(msgspec.Struct):
    """A part so often; `most` None: however often."""

    part: "Part"
    least: int
    most: int | None


Part = One | Either | Repeated


class State(msgspec.Struct):
    """Where one is in an expression: a character that leads on (None: any of `after`, without one)."""

    one: re.Pattern[str] | None
    after: list[int]


class Automaton:
    """All that an expression describes. Raises TooLarge."""

    def __init__(self, expression: str) -> None:
        self._states = [State(None, [])]
        self._left = MOST_STEPS
        self._followed: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        self._start = self._reached([self._part(_parsed(expression), _END)])

    def describes(self, word: str) -> bool:
        """Whether it describes the whole word; of none any more, once that takes too long."""
        at = self._start
        for character in word:
            at = self._next(at, character)
            if not at:
                return False
        return _END in at

    def _next(self, at: frozenset[int], character: str) -> frozenset[int]:
        """The states behind some, and a character. They are remembered, as most words take the same ways."""
        found = self._followed.get((at, character))
        if found is None:
            self._left -= len(at)
            if self._left < 0:
                return frozenset()
            states = (self._states[each] for each in at)
            found = self._reached(
                [state.after[0] for state in states if state.one is not None and state.one.fullmatch(character)]
            )
            if len(self._followed) >= _MOST_REMEMBERED:
                self._followed.clear()
            self._followed[at, character] = found
        return found

    def _reached(self, waiting: list[int]) -> frozenset[int]:
        """Those that can be reached without a character."""
        found: set[int] = set()
        while waiting:
            each = waiting.pop()
            if each not in found:
                found.add(each)
                waiting += self._states[each].after if self._states[each].one is None else []
        return frozenset(each for each in found if each == _END or self._states[each].one is not None)

    def _state(self, one: re.Pattern[str] | None, after: list[int]) -> int:
        if len(self._states) > MOST_STATES:
            raise TooLarge
        self._states.append(State(one, after))
        return len(self._states) - 1

    def _part(self, part: Part, after: int) -> int:
        """The first state of a part, that leads to another one."""
        match part:
            case One():
                return self._state(re.compile(part.pattern, re.DOTALL), [after])
            case Either():
                return self._state(None, [self._sequence(each, after) for each in part.sequences])
            case Repeated():
                return self._repeated(part, after)

    def _sequence(self, parts: Sequence[Part], after: int) -> int:
        for each in reversed(parts):
            after = self._part(each, after)
        return after

    def _repeated(self, part: Repeated, after: int) -> int:
        first = after
        if part.most is None:
            first = self._state(None, [after])
            self._states[first].after.append(self._part(part.part, first))
        else:
            for _ in range(part.most - part.least):
                first = self._state(None, [after, self._part(part.part, first)])
        for _ in range(part.least):
            first = self._part(part.part, first)
        return first


def _parsed(expression: str) -> Either:
    levels = [Either([[]])]
    for token in _TOKEN.finditer(expression):
        sequence = levels[-1].sequences[-1]
        if token["open"]:
            if len(levels) > _MOST_LEVELS:
                raise TooLarge
            levels.append(Either([[]]))
            sequence.append(levels[-1])
        elif token["close"]:
            levels.pop()
        elif token["or"]:
            levels[-1].sequences.append([])
        elif token["repeat"]:
            sequence.append(Repeated(sequence.pop(), *_times(token)))
        else:
            sequence.append(One(token["one"]))
    return levels[0]


def _times(token: re.Match[str]) -> tuple[int, int | None]:
    if token["least"] is None:
        return _REPEATED[token["repeat"]]
    least = int(token["least"])
    if token["range"] is None:
        return least, least
    return least, int(token["most"]) if token["most"] else None
