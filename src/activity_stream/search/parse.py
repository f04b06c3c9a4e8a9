"""From the bytes of a search body to its typed tree.

    bytes -> depth and keys checked -> JSON -> parts with their places -> SearchBody

What the tree cannot say is refused, never passed over: an answer to another question would be worse than none.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from activity_stream.model import SearchLimits
from activity_stream.search import refusals
from activity_stream.search.body import SearchBody
from activity_stream.search.limits import Budget
from activity_stream.search.parse_aggs import aggregations
from activity_stream.search.parse_highlight import highlight
from activity_stream.search.parse_hits import collapse, docvalue_fields, fields
from activity_stream.search.parse_queries import query
from activity_stream.search.parse_rescore import rescore
from activity_stream.search.parse_sort import search_after, sort, source
from activity_stream.search.parse_stored import of_hits, stored_fields
from activity_stream.search.parse_suggest import suggest
from activity_stream.search.part import Part, Reader, only_if
from activity_stream.search.query import MatchNone, Node

__all__ = ["parse_body", "parse_query", "read_json"]

# A string without an end counts as one too: else each quote in it would be tried as the start of one.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_BRACKET = re.compile(rb"[\[{]+|[\]}]+")
_DURATION = re.compile(r"-1|\d{1,12}(nanos|micros|ms|s|m|h|d)?", re.ASCII)

NOT_YET = frozenset(
    {
        "derived", "ext", "knn",
        "pit", "query_and_fetch", "runtime_mappings", "script_fields", "search_pipeline",
        "slice", "stats",
    }
)  # fmt: skip
"""Keys of a body that OpenSearch has, and that are not taken here yet."""


def parse_body(body: bytes, limits: SearchLimits = SearchLimits()) -> SearchBody:  # noqa: B008 - frozen
    """The tree of a search body (JSON; nothing but blanks: everything). Raises SearchRefused with status 400."""
    if not body.strip():
        return SearchBody()
    part = Part(read_json(body, limits), "", Budget(limits))
    if not isinstance(part.value, dict):
        raise refusals.parsing(f"Expected [START_OBJECT] but found [{part.token}]: a search body is an object")
    values: dict[str, Any] = {}
    for key, inner in part.entries():
        if key in _IGNORED:
            _IGNORED[key](inner)
        elif key in _KEYS:
            name, reader = _KEYS[key]
            if name in values:
                raise refusals.parsing("Found both [aggs] and [aggregations]: one of them is allowed")
            values[name] = _read(reader, inner)
        else:
            more = f": {refusals.NOT_YET}" if key in NOT_YET else ""
            raise refusals.parsing(f"Unknown key for a {inner.token} in [{key[:100]}]{more}.")
    if "suggest" in values and not values.keys() & {"query", "aggs"}:
        values["query"] = MatchNone()  # then, as in OpenSearch, nothing else is looked for
    stored, source_filter = values.pop("stored_fields", None), values.get("source")
    values["source"] = of_hits(stored, source_filter, fields="fields" in values)
    return _checked(SearchBody(**values), limits)


def parse_query(obj: object, limits: SearchLimits = SearchLimits()) -> Node:  # noqa: B008 - frozen
    """The tree of a query that is decoded already: `{"term": {…}}`. Raises SearchRefused with status 400."""
    return query(Part(obj, "query", Budget(limits)))


def read_json(body: bytes, limits: SearchLimits = SearchLimits()) -> Any:  # noqa: B008 - frozen
    """The JSON of a body. Raises SearchRefused if it is none, is too deep, or has a key twice in an object."""
    if _nesting(body) > limits.nesting:
        raise refusals.refused(
            refusals.CONTENT, f"The body is nested deeper than the allowed maximum of {limits.nesting} levels of JSON"
        )
    try:
        decoded = msgspec.json.decode(body)
        json.loads(body, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as problem:
        raise refusals.refused(refusals.CONTENT, f"Failed to parse the body as JSON: {problem}"[:500]) from None
    return decoded


def _nesting(body: bytes) -> int:
    """The greatest depth of brackets; found without recursion, for a decoder would recurse."""
    deepest = level = 0
    for brackets in _BRACKET.findall(_STRING.sub(b"", body)):
        level += len(brackets) if brackets[0] in b"[{" else -len(brackets)
        deepest = max(deepest, level)
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> None:
    """Nothing; ValueError for a key that comes twice: which of its values is meant cannot be told."""
    if len(dict(pairs)) < len(pairs):
        (twice, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"Duplicate field '{twice[:100]}'")


_NEVER_NULL = ("from", "size", "query", "post_filter", "aggs", "aggregations", "track_total_hits", "stored_fields")


def _read(reader: Reader, part: Part) -> Any:
    if part.value is None and part.key in _NEVER_NULL:
        raise refusals.parsing(f"Unknown key for a VALUE_NULL in [{part.key}].")
    return reader(part)


def _not_negative(part: Part) -> int:
    number = part.integer()
    if number < 0:
        raise refusals.illegal(f"[{part.key}] parameter cannot be negative, found [{number}]")
    return number


def _total_hits(part: Part) -> bool | int:
    if isinstance(part.value, bool) or part.value in ("true", "false"):
        return part.boolean()
    number = part.integer()
    if number < -1:
        raise refusals.illegal(f"[track_total_hits] parameter must be positive or equals to -1, got {number}")
    return number if number >= 0 else False


def _duration(part: Part) -> None:
    if _DURATION.fullmatch(part.as_text()) is None:
        raise refusals.illegal(f"failed to parse setting [{part.key}] with value [{part.value!s:.100}] as a time value")


def _indices_boost(part: Part) -> tuple[tuple[str, float], ...]:
    """A list of objects of one name and its boost each, or one object of all of them."""
    if isinstance(part.value, list):
        return tuple((name, inner.boost()) for name, inner in (each.only("indices_boost") for each in part.elements()))
    return tuple((name, inner.boost()) for name, inner in part.entries())


_KEYS: Mapping[str, tuple[str, Callable[[Part], Any]]] = {
    "query": ("query", query),
    "post_filter": ("post_filter", query),
    "min_score": ("min_score", Part.number),
    "from": ("from_", _not_negative),
    "size": ("size", _not_negative),
    "sort": ("sort", partial(sort, query=query)),
    "search_after": ("search_after", search_after),
    "_source": ("source", source),
    "stored_fields": ("stored_fields", stored_fields),
    "track_total_hits": ("track_total_hits", _total_hits),
    "track_scores": ("track_scores", Part.boolean),
    "explain": ("explain", Part.boolean),
    "aggs": ("aggs", aggregations),
    "aggregations": ("aggs", aggregations),
    "collapse": ("collapse", partial(collapse, query=query)),
    "fields": ("fields", fields),
    "docvalue_fields": ("docvalue_fields", docvalue_fields),
    "highlight": ("highlight", highlight),
    "rescore": ("rescore", rescore),
    "suggest": ("suggest", suggest),
    "indices_boost": ("indices_boost", _indices_boost),
}
_IGNORED: Mapping[str, Reader] = {
    "timeout": _duration,  # for whoever asks an index: `search.Searches`
    "terminate_after": only_if(0),
    **dict.fromkeys(
        ("profile", "version", "seq_no_primary_term", "include_named_queries_score"), only_if(False, "false")
    ),
}


def _checked(body: SearchBody, limits: SearchLimits) -> SearchBody:
    """The body, if its parts go together."""
    if body.from_ + body.size > limits.window:
        raise refusals.illegal(
            f"Result window is too large, from + size must be less than or equal to: [{limits.window}] but was "
            f"[{body.from_ + body.size}]. Go on with [search_after] to request more."
        )
    _check_together(body)
    if body.search_after is None:
        return body
    if body.collapse is not None and [key.field for key in body.sort] != [body.collapse.field]:
        raise refusals.illegal(
            "collapse field and sort field must be the same when use `collapse` in conjunction with `search_after`"
        )
    if body.from_:
        raise refusals.illegal("`from` parameter must be set to 0 when `search_after` is used.")
    if not body.sort:
        raise refusals.illegal("Sort must contain at least one field.")
    if len(body.search_after) != len(body.sort):
        raise refusals.illegal(f"search_after has {len(body.search_after)} value(s) but sort has {len(body.sort)}.")
    return body


def _check_together(body: SearchBody) -> None:
    """SearchRefused where the body has two parts that exclude each other."""
    names = [name for name, _, _ in body.nested_hits]
    for name in names:
        if names.count(name) > 1:
            raise refusals.illegal(f"[inner_hits] already contains an entry for key [{name[:100]}]")
    if body.rescore and (body.sort or body.collapse is not None):
        name = "sort" if body.sort else "collapse"
        raise refusals.illegal(f"Cannot use [{name}] option in conjunction with [rescore].")
    if body.rescore and body.explain:
        raise refusals.illegal(f"Cannot use [explain] option in conjunction with [rescore]: {refusals.NOT_YET}")


KEYS = frozenset(_KEYS)
"""The keys of a body that are taken."""
WITHOUT_EFFECT = frozenset(_IGNORED) - {"timeout"}
"""Those that are taken with a value that changes nothing alone."""
