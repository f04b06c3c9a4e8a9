"""Any query: from a part of a body to a node of the tree."""

from collections.abc import Callable, Mapping

from activity_stream.search import refusals
from activity_stream.search.parse_functions import function_score
from activity_stream.search.parse_geo import GEO_QUERIES
from activity_stream.search.parse_hits import objects
from activity_stream.search.parse_leaves import LEAVES, minimum
from activity_stream.search.parse_like import more_like_this
from activity_stream.search.parse_query_strings import query_string, simple_query_string
from activity_stream.search.part import Part, Reader, Readers, only_if
from activity_stream.search.query import Bool, Boosting, ConstantScore, DisMax, FunctionScore, Nested, Node, every_query
from activity_stream.search.scripts import filter_script

KNOWN = frozenset(
    {
        "combined_fields", "common", "distance_feature",
        "geo_polygon", "geo_shape", "has_child", "has_parent", "hybrid", "intervals", "knn",
        "neural", "parent_id", "percolate",
        "rank_feature", "script_score", "span_containing",
        "span_first", "span_multi", "span_near", "span_not", "span_or", "span_term", "span_within", "template",
        "type", "wrapper", "xy_shape",
    }
)  # fmt: skip
"""Queries that OpenSearch has, and that are not taken here yet."""


def query(part: Part, depth: int = 1) -> Node:
    """The node of `{name: …}`; `depth` is 1 for the outermost query. Raises SearchRefused."""
    part.budget.level(part.path, depth)
    part.budget.clause(part.path)
    if isinstance(part.value, dict) and len(part.value) > 1:
        second = list(part.value)[1]
        raise part.refused(
            f"[{next(iter(part.value))}] malformed query, expected [END_OBJECT] but found [{second[:100]}]"
        )
    name, inner = part.only("query")
    if name in GEO_QUERIES:
        return GEO_QUERIES[name](inner)  # type: ignore[no-any-return]
    if name in _LINES:
        return _LINES[name](inner)
    if name in LEAVES:
        node: Node = LEAVES[name](inner)
        return node
    if name in _COMPOUND:
        return _COMPOUND[name](inner, depth + 1)
    more = f": {refusals.NOT_YET}" if name in KNOWN else ""
    raise refusals.parsing(f"unknown query [{name[:100]}] at {part.path}{more}")


def _queries(depth: int) -> Reader:
    """A reader of one query, or of a list of them."""

    def read(part: Part) -> tuple[Node, ...]:
        return tuple(query(each, depth) for each in part.some())

    return read


def _bool(part: Part, depth: int) -> Node:
    clauses = _queries(depth)
    readers: Readers = {
        **dict.fromkeys(("must", "filter", "should", "must_not"), clauses),
        "minimum_should_match": minimum,
        "boost": Part.boost,
    }
    return Bool(**part.options("bool", readers, {"adjust_pure_negative": only_if(True)}))


def _constant_score(part: Part, depth: int) -> Node:
    values = part.options("constant_score", {"filter": _one_query(depth), "boost": Part.boost})
    if "filter" not in values:
        raise part.refused("[constant_score] requires a [filter] element")
    return ConstantScore(**values)


def _one_query(depth: int) -> Reader:
    def read(part: Part) -> Node:
        return query(part, depth)

    return read


def _dis_max(part: Part, depth: int) -> Node:
    readers: Readers = {"queries": _queries(depth), "tie_breaker": Part.number, "boost": Part.boost}
    values = part.options("dis_max", readers)
    if not values.get("queries"):
        raise part.refused("[dis_max] requires [queries] with at least one clause")
    return DisMax(**values)


def _boosting(part: Part, depth: int) -> Node:
    one = _one_query(depth)
    readers: Readers = {"positive": one, "negative": one, "negative_boost": Part.number, "boost": Part.boost}
    values = part.options("boosting", readers)
    for name in ("positive", "negative"):
        if name not in values:
            raise part.refused(f"[boosting] query requires '{name}' query to be set")
    if values.get("negative_boost", -1) < 0:
        raise part.refused("[boosting] query requires 'negative_boost' to be set to be a positive value")
    return Boosting(**values)


def _script(part: Part, _: int) -> Node:
    values = part.options("script", {"script": filter_script, "boost": Part.boost})
    if "script" not in values:
        raise part.refused("[script] must be provided with a [script]")
    return ConstantScore(filter=values["script"], boost=values.get("boost", 1.0))


def _function_score(part: Part, depth: int) -> Node:
    return function_score(part, _one_query(depth))


def _nested(part: Part, depth: int) -> Node:
    readers: Readers = {
        "path": Part.text,
        "query": _one_query(depth),
        "score_mode": lambda each: each.choice("avg", "max", "min", "sum", "none"),
        "ignore_unmapped": Part.boolean,
        "boost": Part.boost,
        "inner_hits": _inner_hits,
    }
    values = part.options("nested", readers, {"_name": Part.text})
    for name in ("path", "query"):
        if name not in values:
            raise part.refused(f"[nested] requires '{name}' field")
    for each in every_query(values["query"]):
        if isinstance(each, Nested | FunctionScore):
            name = "nested" if isinstance(each, Nested) else "function_score"
            raise part.refused(f"[{name}] within [nested]: {refusals.NOT_YET};")
    if values.get("inner_hits") is not None:
        name, page = values["inner_hits"]
        values["inner_hits"] = (values["path"] if name is None else name, page)
    return Nested(**values)


def _inner_hits(part: Part) -> object:
    return None if part.value is None else objects(part, query)


_COMPOUND: Mapping[str, Callable[[Part, int], Node]] = {
    "bool": _bool,
    "boosting": _boosting,
    "constant_score": _constant_score,
    "dis_max": _dis_max,
    "function_score": _function_score,
    "nested": _nested,
    "script": _script,
}

_LINES: Mapping[str, Callable[[Part], Node]] = {
    "more_like_this": more_like_this,
    "query_string": query_string,
    "simple_query_string": simple_query_string,
}

QUERIES = frozenset({*_LINES, *LEAVES, *GEO_QUERIES, *_COMPOUND})
"""The names of all queries that are taken."""
