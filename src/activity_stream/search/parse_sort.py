"""`sort`, `search_after` and `_source`: from a part of a body to what it means."""

from collections.abc import Callable
from functools import partial

from activity_stream.search import refusals
from activity_stream.search.hits import GEO_DISTANCE, SCRIPT, NestedSort, SortKey, SourceFilter
from activity_stream.search.parse_geo import geo_sort
from activity_stream.search.part import Part, Readers
from activity_stream.search.query import FunctionScore, Nested, Node, Scalar, every_query
from activity_stream.search.scripts import sort_script

Query = Callable[[Part], Node]
"""The reader of queries, which themselves can have sorts in them."""

_NOT_FIELDS = ("_shard_doc",)


def sort(part: Part, query: Query) -> tuple[SortKey, ...]:
    """The keys to sort by. Sorting by score alone, best first, is no sorting: it is what happens anyhow."""
    if part.value is None or isinstance(part.value, bool | int | float):
        raise refusals.parsing(f"Unknown key for a {part.token} in [sort].")
    keys = tuple(key for each in part.some() for key in _keys(each, query))
    limit = part.budget.limits.sort_keys
    if len(keys) > limit:
        raise refusals.illegal(f"[sort] has {len(keys)} keys, at most {limit} are allowed")
    if keys == (SortKey(field="_score", descending=True),):
        return ()
    return keys


def _keys(part: Part, query: Query) -> list[SortKey]:
    if isinstance(part.value, str):
        return [_key(part.value, Part({}, f"{part.path}.{part.value}", part.budget), query)]
    return [_key(field, inner, query) for field, inner in part.entries()]


def _key(field: str, part: Part, query: Query) -> SortKey:
    if field in _NOT_FIELDS:
        raise part.refused(f"[sort] by [{field}]: {refusals.NOT_YET};")
    if field == GEO_DISTANCE:
        return geo_sort(part, _descending)
    if field == SCRIPT:
        return _script(part)
    part.named(field)
    if isinstance(part.value, str):
        return SortKey(field=field, descending=_descending(part))
    readers: Readers = {"order": _descending}
    if field not in ("_score", "_doc"):
        readers = {
            **readers,
            "missing": Part.scalar,
            "unmapped_type": Part.text,
            "mode": _mode,
            "nested": partial(_nested, query=query),
            "numeric_type": lambda each: each.choice("long", "double", "date", "date_nanos"),
        }
    values = part.options("sort", readers)
    values["descending"] = values.pop("order", field == "_score")
    return SortKey(field=field, **values)


def _script(part: Part) -> SortKey:
    readers: Readers = {
        "type": _number_type,
        "script": sort_script,
        "order": _descending,
        "mode": _mode,  # all the same, of one value
    }
    values = part.options("sort", readers)
    if "script" not in values or "type" not in values:
        raise part.refused(f"[sort] by [{SCRIPT}] needs a [script] and its [type], which is number,")
    return SortKey(field=SCRIPT, first_of=values["script"], descending=values.get("order", False))


def _mode(part: Part) -> str:
    return part.choice("min", "max", "sum", "avg", "median")


def _nested(part: Part, query: Query) -> NestedSort:
    values = part.options("nested", {"path": Part.text, "filter": query})
    if "path" not in values:
        raise part.refused("[nested] of a sort needs [path]")
    made = NestedSort(**values)
    if any(isinstance(each, FunctionScore | Nested) for each in every_query(made.filter)):
        raise part.refused(f"[filter] of a nested sort with [function_score] or [nested]: {refusals.NOT_YET};")
    return made


def _number_type(part: Part) -> str:
    if part.text() == "string":
        raise part.refused(f"[sort] by [{SCRIPT}] of the type [string]: {refusals.NOT_YET};")
    return part.choice("number")


def _descending(part: Part) -> bool:
    return part.choice("asc", "desc") == "desc"


def search_after(part: Part) -> tuple[Scalar | None, ...]:
    """The sort values after which to go on."""
    values = tuple(each.maybe_scalar() for each in part.elements())
    if not values:
        raise refusals.illegal("Values must contains at least one value in [search_after].")
    return values


def source(part: Part) -> SourceFilter:
    """What of `_source` comes back."""
    if isinstance(part.value, bool):
        return SourceFilter(enabled=part.value)
    if isinstance(part.value, str | list):
        return SourceFilter(includes=part.texts())
    readers: Readers = dict.fromkeys(("includes", "include", "excludes", "exclude"), Part.texts)
    values = part.options("_source", readers)
    return SourceFilter(
        includes=values.get("includes", ()) + values.get("include", ()),
        excludes=values.get("excludes", ()) + values.get("exclude", ()),
    )
