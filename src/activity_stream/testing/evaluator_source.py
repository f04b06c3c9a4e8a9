"""What of `_source` comes back."""

from collections.abc import Sequence
from typing import Any

from activity_stream.fields import FieldType
from activity_stream.search import refusals
from activity_stream.search.hits import SourceFilter
from activity_stream.testing.evaluator_documents import Corpus


def filtered(decoded: Any, wanted: SourceFilter) -> Any:
    """A document's JSON with what the filter leaves of it."""
    return _object(decoded, "", wanted, inside=not wanted.includes)


def _object(decoded: dict[str, Any], path: str, wanted: SourceFilter, *, inside: bool) -> dict[str, Any]:
    found = {}
    for key, value in decoded.items():
        here = f"{path}.{key}" if path else key
        if _fits_any(here, wanted.excludes):
            continue
        within = inside or _fits_any(here, wanted.includes)
        kept = _value(value, here, wanted, inside=within)
        if kept is not _NOTHING:
            found[key] = kept
    return found


_NOTHING = object()


def _value(value: Any, path: str, wanted: SourceFilter, *, inside: bool) -> Any:
    """A value below a path; `inside` if it is included whatever it holds."""
    if isinstance(value, dict):
        kept = _object(value, path, wanted, inside=inside)
        return kept if kept or inside else _NOTHING
    if isinstance(value, list):
        each = [_value(item, path, wanted, inside=inside) for item in value]
        items = [item for item in each if item is not _NOTHING]
        return items if items or inside else _NOTHING
    return value if inside else _NOTHING


def _fits_any(path: str, patterns: tuple[str, ...]) -> bool:
    return any(_fits(path, pattern) for pattern in patterns)


def _fits(path: str, pattern: str) -> bool:
    """Whether the whole path fits: `*` stands for any characters, dots too."""
    first, *rest = pattern.split("*")
    if not rest:
        return path == pattern
    if not path.startswith(first):
        return False
    place = len(first)
    for piece in rest[:-1]:
        found = path.find(piece, place)
        if found < 0:
            return False
        place = found + len(piece)
    return len(path) - place >= len(rest[-1]) and path.endswith(rest[-1])


def check_stored(source: SourceFilter, shown: Sequence[Any], corpus: Corpus) -> None:
    """SearchRefused where a hit is shown, and what is asked for of it is an object, or a part of what is not read."""
    if shown and not source.with_id and source.includes + source.excludes:
        raise refusals.illegal("unable to fetch fields from _source field: _source is disabled by [stored_fields]")
    objects = {".".join(field.path[:end]) for field in corpus.fields for end in range(1, len(field.path))}
    objects |= {field.name for field in corpus.fields if field.type is FieldType.NESTED}
    if shown and objects.intersection(source.leaves):
        raise refusals.illegal(f"field [{objects.intersection(source.leaves).pop()}] isn't a leaf field")
