"""`collapse`, `inner_hits` and `top_hits`: pages of hits within an answer."""

from collections.abc import Callable
from functools import partial
from typing import Any

from activity_stream.search import refusals
from activity_stream.search.aggs import TopHitsAgg
from activity_stream.search.hits import Collapse, Page, ShownField, SourceFilter
from activity_stream.search.parse_buckets import date_format
from activity_stream.search.parse_sort import Query, sort, source
from activity_stream.search.parse_stored import of_inner_hits, of_inner_objects, of_top_hits, stored_fields
from activity_stream.search.part import Part, Readers, at_least

_LARGEST = 100
"""OpenSearch's `index.max_inner_result_window`."""

_SHOWN = ("stored_fields", "_source")
_Showing = Callable[[tuple[str, ...] | None, SourceFilter | None], SourceFilter]


def _readers(query: Query) -> Readers:
    return {
        "from": at_least(0),
        "size": at_least(0),
        "sort": partial(sort, query=query),
        "_source": source,
        "stored_fields": stored_fields,
        "track_scores": Part.boolean,
    }


def _page(values: dict[str, Any], part: Part, shown: _Showing) -> Page:
    renamed = {"from_" if name == "from" else name: value for name, value in values.items() if name not in _SHOWN}
    page = Page(**renamed, source=shown(values.get("stored_fields"), values.get("_source")))
    if page.from_ + page.size > _LARGEST:
        raise refusals.illegal(
            f"Result window of inner hits is too large, from + size must be less than or equal to: [{_LARGEST}] but "
            f"was [{page.from_ + page.size}] at {part.path}"
        )
    return page


def top_hits(part: Part, query: Query) -> TopHitsAgg:
    """The hits of a bucket. Raises SearchRefused."""
    page = _page(part.options("top_hits", _readers(query)), part, of_top_hits)
    if not page.size:
        raise refusals.illegal(f"[size] of [top_hits] must be greater than 0 at {part.path}")
    return TopHitsAgg(page=page)


def objects(part: Part, query: Query) -> tuple[str | None, Page]:
    """The objects that a nested query found of a hit: their name, if they have one, and the page. Raises
    SearchRefused."""
    values = part.options("inner_hits", {"name": Part.text, **_readers(query)}, {"ignore_unmapped": Part.boolean})
    name = values.pop("name", None)
    page = _page(values, part, of_inner_objects)
    if any(key.first_of is not None for key in page.sort):
        raise part.refused(f"[sort] of the [inner_hits] of [nested] by script: {refusals.NOT_YET};")
    return name, page


def collapse(part: Part, query: Query) -> Collapse:
    """Groups of hits, of which each shows one. Raises SearchRefused."""
    readers: Readers = {
        "field": Part.field,
        "inner_hits": lambda each: tuple(_inner_hits(one, query) for one in each.some()),
    }
    values = part.options("collapse", readers, {"max_concurrent_group_searches": Part.integer})
    if "field" not in values:
        raise part.refused("[collapse] needs a [field]")
    field = values["field"]
    pages = tuple((name or field, page) for name, page in values.get("inner_hits", ()))
    if len({name for name, _ in pages}) < len(pages):
        raise refusals.illegal(f"[inner_hits] at {part.path} already contains an entry for a key: each needs a [name]")
    return Collapse(field=field, inner_hits=pages)


def fields(part: Part) -> tuple[ShownField, ...]:
    """`fields`: names, or patterns of them, with formats. Raises SearchRefused."""
    return _limited(part, tuple(_shown(each) for each in part.elements()))


def docvalue_fields(part: Part) -> tuple[ShownField, ...]:
    """`docvalue_fields`: names, with formats. Raises SearchRefused."""
    found = tuple(_shown(each) for each in part.elements())
    for each in found:
        if "*" in each.name:
            raise part.refused(f"[docvalue_fields] needs the names of fields, not [{each.name[:100]}];")
    return _limited(part, found)


def _limited(part: Part, found: tuple[ShownField, ...]) -> tuple[ShownField, ...]:
    if len(found) > _LARGEST:
        raise refusals.illegal(f"[{part.key}] names {len(found)} fields, at most {_LARGEST} are allowed")
    return found


def _shown(part: Part) -> ShownField:
    if isinstance(part.value, str):
        return ShownField(name=_name(part))
    values = part.options("fields", {"field": _name, "format": _format})
    if "field" not in values:
        raise refusals.illegal(f"Required [field] at {part.path}")
    return ShownField(name=values["field"], format=values.get("format"))


def _name(part: Part) -> str:
    if part.text().startswith("_"):
        raise part.refused(f"[{part.value[:100]}] is no field of documents;")
    return part.text()


def _format(part: Part) -> str:
    return part.text() if part.text() == "use_field_mapping" else date_format(part)


def _inner_hits(part: Part, query: Query) -> tuple[str, Page]:
    values = part.options("inner_hits", {"name": Part.text, **_readers(query)}, {"ignore_unmapped": Part.boolean})
    return values.pop("name", ""), _page(values, part, of_inner_hits)
