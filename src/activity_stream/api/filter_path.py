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

_Path = tuple[str, ...]
_Paths = tuple[_Path, ...]

_ANY_NAMES = "**"
_WHOLE: _Paths = ((),)
"""What is left of patterns of which one ends here: all that is below is meant."""
_SEPARATOR = re.compile(r"(?<!\\)\.")
_ESCAPED = re.compile(r"\\.")


def filtered(body: bytes, patterns: str) -> bytes:
    """What comma separated patterns leave of an answer, which is a JSON object. Raises SearchRefused for a `-` that
    nothing comes after."""
    given = [each for each in map(str.strip, patterns.split(",")) if each]
    excluded = [each[1:] for each in given if each[0] == "-"]
    for parts, inclusive in (([each for each in given if each[0] != "-"], True), (excluded, False)):
        if parts:
            body = _Filter(inclusive=inclusive).narrowed(body, _paths(parts)) or b"{}"
    return body


def _paths(patterns: Sequence[str]) -> _Paths:
    found = [_path(each.strip()) for each in patterns if each.strip()]
    if not found:
        raise refusals.illegal("filters cannot be null or empty")
    return tuple(path for path in dict.fromkeys(found) if path)


def _path(pattern: str) -> _Path:
    r"""The names of a path. A backslash keeps a dot within a name; with any other character it stands for a dot too,
    as OpenSearch reads it."""
    names = _SEPARATOR.split(pattern)
    while names and not names[-1]:
        names.pop()
    return tuple(_ESCAPED.sub(".", name) for name in names)


class _Filter:
    """Takes parts out of JSON: those of the paths where `inclusive`, else all others."""

    def __init__(self, *, inclusive: bool) -> None:
        self._inclusive = inclusive
        self._known: dict[tuple[_Paths, str], _Paths] = {}

    def narrowed(self, data: bytes, paths: _Paths) -> bytes | None:
        """What is left of a value; None for nothing."""
        match data.lstrip()[:1]:
            case b"{":
                members = msgspec.json.decode(data, type=dict[str, Raw])
                parts = [(name, self._member(name, inner, paths)) for name, inner in members.items()]
                kept = [msgspec.json.encode(name) + b":" + inner for name, inner in parts if inner is not None]
                return b"{%b}" % b",".join(kept) if kept else None
            case b"[":
                elements = [self.narrowed(bytes(each), paths) for each in msgspec.json.decode(data, type=list[Raw])]
                inners = [each for each in elements if each is not None]
                return b"[%b]" % b",".join(inners) if inners else None
        return None if self._inclusive else data

    def _member(self, name: str, inner: Raw, paths: _Paths) -> bytes | None:
        left = self._known.get((paths, name))
        if left is None:
            left = self._known[paths, name] = _below(name, paths)
        if left and left != _WHOLE:
            return self.narrowed(bytes(inner), left)
        return bytes(inner) if bool(left) is self._inclusive else None


def _below(name: str, paths: _Paths) -> _Paths:
    """What of the paths is left below a name: nothing where none goes there."""
    found: dict[_Path, None] = {}
    for path in paths:
        if not _matches(path[0], name):
            continue
        if len(path) == 1:
            return _WHOLE
        if path[0] == _ANY_NAMES:
            found[path] = None
        found[path[1:]] = None
    return tuple(found)


def _matches(pattern: str, name: str) -> bool:
    first, *others = pattern.split("*")
    if not others:
        return pattern == name
    *between, last = others
    if not name.startswith(first):
        return False
    at = len(first)
    for each in between:
        found = name.find(each, at)
        if found < 0:
            return False
        at = found + len(each)
    return name.endswith(last) and len(name) - len(last) >= at
