"""`highlight`: from a part of a body to what is to be marked how."""

from typing import Any

from activity_stream.search import refusals
from activity_stream.search.hits import Highlight
from activity_stream.search.parse_queries import query
from activity_stream.search.part import Part, Readers, at_least, only_if

_MOST_FIELDS = 100


def _tag(part: Part) -> str:
    if not isinstance(part.value, list):
        raise part.refused(f"[{part.key}] has to be a list of tags")
    tags = part.texts()
    if len(tags) != 1:
        raise part.refused(f"[{part.key}] with {len(tags)} tags: one is used, as only the kind fvh has use for more;")
    return tags[0]


_OPTIONS: Readers = {
    "pre_tags": _tag,
    "post_tags": _tag,
    "fragment_size": at_least(0),
    "number_of_fragments": at_least(0),
    "no_match_size": at_least(0),
    "require_field_match": Part.boolean,
    "order": lambda part: part.choice("none", "score") == "score",
    "encoder": lambda part: part.choice("default", "html") == "html",
    "highlight_query": query,
}
_IGNORED: Readers = {
    "type": only_if("unified"),
    "boundary_scanner": only_if("sentence"),
    "boundary_scanner_locale": Part.text,
    "boundary_chars": Part.text,
    "boundary_max_scan": Part.integer,
    "force_source": Part.boolean,
    "phrase_limit": Part.integer,
    "max_analyzer_offset": Part.integer,
}
_NAMES = {"order": "by_score", "encoder": "as_html", "highlight_query": "query", "pre_tags": "pre_tag"} | {
    "post_tags": "post_tag"
}


def highlight(part: Part) -> tuple[Highlight, ...]:
    """What is marked in which fields; those named first win. Raises SearchRefused."""
    readers: Readers = {**_OPTIONS, "fields": _fields, "tags_schema": lambda each: each.choice("styled", "default")}
    values = part.options("highlight", readers, _IGNORED)
    fields = values.pop("fields", ())
    if len(fields) > _MOST_FIELDS:
        raise refusals.illegal(f"[highlight] names {len(fields)} fields, at most {_MOST_FIELDS} are allowed")
    if values.pop("tags_schema", "default") == "styled":
        values = {"pre_tags": '<em class="hlt1">', "post_tags": "</em>", **values}
    for options in (values, *(own for _, own in fields)):
        if ("pre_tags" in options) != ("post_tags" in options):
            raise part.refused("Pre tags are set but post tags are not set, or the other way round,")
    return tuple(Highlight(field=name, **_renamed({**values, **own})) for name, own in fields)


def _fields(part: Part) -> tuple[tuple[str, dict[str, Any]], ...]:
    parts = part.elements() if isinstance(part.value, list) else [part]
    return tuple(
        (name, inner.options("fields", _OPTIONS, _IGNORED)) for each in parts for name, inner in each.entries()
    )


def _renamed(values: dict[str, Any]) -> dict[str, Any]:
    return {_NAMES.get(name, name): value for name, value in values.items()}
