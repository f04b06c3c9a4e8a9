"""`filter_path`: the parts of an answer that a client wants, by patterns of their paths.

Source: OpenSearch documentation, "Common REST parameters"; what it leaves open, OpenSearch 3.8 was asked about: names
are split at dots, `*` stands for any characters of a name, `**` for any names between, `-` at the beginning keeps a
part out. A list is walked as if its elements stood in its place. What is left without anything in it, where a pattern
went into it, is left out too; of a whole answer `{}` is left. What is kept stays as it was written, byte for byte.
"""

import re
from collections.abc import Sequence

import msgspec
from msgspec import Raw

from activity_stream.search import refusals

MOST_NAMES = 200
"""Names and stars in all patterns together: each is looked at for each name of an answer."""

_ANY_NAMES = "**"
_SEPARATOR = re.compile(r"(?<!\\)\.")
_ESCAPED = re.compile(r"\\.")


class _Step:
    """One name of a pattern, and what comes behind it; None: the pattern ends here."""

    def __init__(self, name: str, following: "_Step | None") -> None:
        self._name = name
        self._first, *self._others = name.split("*")
        self.following = following
        self.is_any = name == _ANY_NAMES

    def matches(self, name: str) -> bool:
        """Whether a name is of its pattern."""
        if not self._others:
            return name == self._name
        if not name.startswith(self._first):
            return False
        *between, last = self._others
        at = len(self._first)
        for each in between:
            found = name.find(each, at)
            if found < 0:
                return False
            at = found + len(each)
        return name.endswith(last) and len(name) - len(last) >= at


class _Place:
    """What of the patterns goes on below a place of an answer; and the places below it, as far as they are known."""

    def __init__(self, steps: tuple[_Step, ...] = ()) -> None:
        self.steps = steps
        self.below: dict[str, _Place] = {}


_WHOLE = _Place()
"""Where a pattern has ended: all that is below is meant."""


def filtered(body: bytes, patterns: str) -> bytes:
    """What comma separated patterns leave of an answer, which is a JSON object. Raises SearchRefused for a `-` that
    nothing comes after, for too many patterns, and where an answer is too deep to be looked through."""
    given = [each for each in map(str.strip, patterns.split(",")) if each]
    excluded = [each[1:] for each in given if each[0] == "-"]
    try:
        for parts, inclusive in (([each for each in given if each[0] != "-"], True), (excluded, False)):
            if parts:
                body = _Filter(inclusive=inclusive).narrowed(body, _Place(_steps(parts))) or b"{}"
    except RecursionError:
        raise refusals.illegal("a document is nested too deep for [filter_path] to look through it") from None
    return body


def _steps(patterns: Sequence[str]) -> tuple[_Step, ...]:
    """The first step of each pattern."""
    paths = [_names(each.strip()) for each in dict.fromkeys(patterns) if each.strip()]
    if not paths:
        raise refusals.illegal("filters cannot be null or empty")
    if (number := sum(map(len, paths))) > MOST_NAMES:
        raise refusals.illegal(
            f"[filter_path] has {number} names in its patterns, at most {MOST_NAMES} are allowed: ask for fewer parts, "
            "or for what they are in as a whole"
        )
    return tuple(step for step in map(_first, paths) if step is not None)


def _first(names: Sequence[str]) -> _Step | None:
    step = None
    for name in reversed(names):
        step = _Step(name, step)
    return step


def _names(pattern: str) -> Sequence[str]:
    r"""The names of a path. A backslash keeps a dot within a name; with any other character it stands for a dot too,
    as OpenSearch reads it."""
    names = _SEPARATOR.split(pattern)
    while names and not names[-1]:
        names.pop()
    return [_ESCAPED.sub(".", name) for name in names]


class _Filter:
    """Takes parts out of JSON: those that the patterns mean where `inclusive`, else all others."""

    def __init__(self, *, inclusive: bool) -> None:
        self._inclusive = inclusive
        self._places: dict[tuple[_Step, ...], _Place] = {}

    def narrowed(self, data: bytes, place: _Place) -> bytes | None:
        """What is left of a value; None for nothing."""
        match data.lstrip()[:1]:
            case b"{":
                members = msgspec.json.decode(data, type=dict[str, Raw])
                parts = [(name, self._member(name, inner, place)) for name, inner in members.items()]
                kept = [msgspec.json.encode(name) + b":" + inner for name, inner in parts if inner is not None]
                return b"{%b}" % b",".join(kept) if kept else None
            case b"[":
                elements = [self.narrowed(bytes(each), place) for each in msgspec.json.decode(data, type=list[Raw])]
                inners = [each for each in elements if each is not None]
                return b"[%b]" % b",".join(inners) if inners else None
        return None if self._inclusive else data

    def _member(self, name: str, inner: Raw, place: _Place) -> bytes | None:
        below = place.below.get(name)
        if below is None:
            below = place.below[name] = self._below(name, place)
        if below.steps:
            return self.narrowed(bytes(inner), below)
        return bytes(inner) if (below is _WHOLE) is self._inclusive else None

    def _below(self, name: str, place: _Place) -> _Place:
        """Where the patterns are below a name."""
        left: dict[_Step, None] = {}
        for step in place.steps:
            if not step.is_any and not step.matches(name):
                continue
            if step.following is None:
                return _WHOLE
            if step.is_any:
                left[step] = None
            left[step.following] = None
        steps = tuple(left)
        return self._places.setdefault(steps, _Place(steps))
