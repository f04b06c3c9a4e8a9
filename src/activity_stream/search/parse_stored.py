"""`stored_fields`: what of a document is shown besides `_source`, for which it stands in.

No field is stored by itself here, so that none of the names has a value: what is left of them is whether a hit shows
its `_id` and its `_source`.
"""

import msgspec

from activity_stream.search import refusals
from activity_stream.search.hits import SourceFilter
from activity_stream.search.part import Part

_NOTHING = ("_none_",)
_SOURCE = "_source"


def stored_fields(part: Part) -> tuple[str, ...]:
    """The names, of which `_none_` is alone. Raises SearchRefused."""
    if not isinstance(part.value, str | list):
        raise part.refused(f"Expected [VALUE_STRING] or [START_ARRAY] in [{part.key}] but found [{part.token}]")
    names = tuple(str(each.scalar()) for each in part.some())
    if len(names) > 1 and _NOTHING[0] in names:
        raise refusals.illegal("cannot combine _none_ with other fields")
    return names


def of_hits(stored: tuple[str, ...] | None, source: SourceFilter | None, *, fields: bool) -> SourceFilter:
    """What the hits of a search show, by its `stored_fields` and its `_source`; `fields`: whether it has those too.

    Raises SearchRefused where they are made from what is not to be read.
    """
    if stored == _NOTHING and source is not None and source.enabled:
        raise refusals.illegal("[stored_fields] cannot be disabled if [_source] is requested")
    if stored == _NOTHING and fields:
        raise refusals.illegal("[stored_fields] cannot be disabled when using the [fields] option")
    return _shown(stored, source)


def of_top_hits(stored: tuple[str, ...] | None, source: SourceFilter | None) -> SourceFilter:
    """The same of the hits of a bucket, where it is the hits that have no parts of a source that is not read."""
    if stored == _NOTHING:
        return msgspec.structs.replace(source or SourceFilter(), enabled=False, with_id=False)
    return _shown(stored, source)


def of_inner_hits(stored: tuple[str, ...] | None, source: SourceFilter | None) -> SourceFilter:
    """The same of the hits of a group, where `_none_`, and no names, change nothing."""
    return _shown(None if stored in ((), _NOTHING) else stored, source)


def of_inner_objects(stored: tuple[str, ...] | None, source: SourceFilter | None) -> SourceFilter:
    """The same of the objects in nested fields, of which without names no source is shown, unless it is asked for."""
    if stored in ((), _NOTHING):
        return source or SourceFilter(enabled=False)
    return _shown(stored, source)


def _shown(stored: tuple[str, ...] | None, source: SourceFilter | None) -> SourceFilter:
    if stored is None:
        return source or SourceFilter()
    if stored == _NOTHING:
        return SourceFilter(enabled=False, with_id=False)
    found = SourceFilter(enabled=False) if source is None else source
    enabled = found.enabled or _SOURCE in stored
    return msgspec.structs.replace(found, enabled=enabled, leaves=tuple(dict.fromkeys(stored)))
