"""`_source` filtering: which parts of a document come back."""

import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from activity_stream.search.hits import SourceFilter

_Matches = Callable[[str], object]


def filtered(source: bytes, wanted: SourceFilter) -> bytes:
    """The JSON of the document without what is not wanted; objects in which nothing is left go too, unless they are
    wanted themselves."""
    try:
        document = msgspec.json.decode(source)
    except msgspec.MsgspecError:  # a number beyond all bounds, or half a character
        return _written(kept_of(json.loads(source, parse_float=_Exact), wanted)).encode()
    return msgspec.json.encode(kept_of(document, wanted))


def kept_of(document: dict[str, Any], wanted: SourceFilter) -> Any:
    """The same of a document that is decoded."""
    includes = _matcher(wanted.includes) if wanted.includes else None
    return _object(document, "", includes, _matcher(wanted.excludes), wanted=includes is None)


def _object(value: dict[str, Any], path: str, includes: _Matches | None, excludes: _Matches, *, wanted: bool) -> Any:
    kept = {}
    for key, inner in value.items():
        place = path + key
        if excludes(place):
            continue
        whole = wanted or (includes is not None and bool(includes(place)))
        if isinstance(inner, dict):
            below = _object(inner, f"{place}.", includes, excludes, wanted=whole)
            if below or whole:
                kept[key] = below
        elif isinstance(inner, list):
            items = _list(inner, place, includes, excludes, wanted=whole)
            if items or whole:
                kept[key] = items
        elif whole:
            kept[key] = inner
    return kept


def _list(value: list[Any], place: str, includes: _Matches | None, excludes: _Matches, *, wanted: bool) -> list[Any]:
    kept: list[Any] = []
    for inner in value:
        if isinstance(inner, dict):
            below = _object(inner, f"{place}.", includes, excludes, wanted=wanted)
            if below or wanted:
                kept.append(below)
        elif isinstance(inner, list):
            below = _list(inner, place, includes, excludes, wanted=wanted)
            if below or wanted:
                kept.append(below)
        elif wanted:
            kept.append(inner)
    return kept


@lru_cache(maxsize=256)
def _matcher(patterns: Sequence[str]) -> _Matches:
    """Whether a whole path, keys joined by dots, is one of the patterns."""
    if not patterns:
        return _never
    return re.compile("|".join(_expression(each) for each in patterns), re.DOTALL).fullmatch


def _expression(pattern: str) -> str:
    return ".*".join(re.escape(part) for part in re.split(r"\*+", pattern))


class _Exact(str):
    """A number as it was written."""

    __slots__ = ()


def _written(value: Any) -> str:
    match value:
        case _Exact():
            return value
        case dict():
            return "{" + ",".join(f"{json.dumps(key)}:{_written(inner)}" for key, inner in value.items()) + "}"
        case list():
            return "[" + ",".join(map(_written, value)) + "]"
    return json.dumps(value)


def _never(_: str) -> None:
    return None
