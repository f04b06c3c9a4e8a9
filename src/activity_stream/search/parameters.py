"""What the URL of a search says: parameters that mean something become parts of its body.

Source: OpenSearch documentation, "Search" and "Count", query parameters. A parameter of the URL counts before the same
thing in the body, but for sorts, which come after the body's. Parameters that only tell an engine how to go about it
are taken, and of no effect; others are refused, as OpenSearch does it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from activity_stream.search import refusals
from activity_stream.search.bodies import read_object

_HARMLESS = frozenset(
    {
        "allow_no_indices", "allow_partial_search_results", "batched_reduce_size", "cancel_after_time_interval",
        "ccs_minimize_roundtrips", "error_trace", "expand_wildcards", "human", "ignore_throttled", "ignore_unavailable",
        "include_named_queries_score", "max_concurrent_searches", "max_concurrent_shard_requests", "phase_took",
        "pre_filter_shard_size", "preference", "realtime", "refresh", "request_cache", "routing", "search_type",
        "source_content_type", "stats", "local", "master_timeout", "cluster_manager_timeout", "include_unmapped",
    }
)  # fmt: skip
SHAPE = frozenset({"pretty", "rest_total_hits_as_int", "typed_keys"})
"""What has to do with how an answer looks."""

_QUERY_STRING = ("df", "default_operator", "analyzer", "analyze_wildcard", "lenient")
_SUGGEST = ("suggest_field", "suggest_text", "suggest_mode", "suggest_size")
_SOURCE = ("_source", "_source_includes", "_source_include", "_source_excludes", "_source_exclude")


def refuse_unknown(given: Mapping[str, str], known: frozenset[str], path: str) -> None:
    """Refuse parameters that are neither among these nor without effect. Raises SearchRefused."""
    unknown = sorted(given.keys() - known - _HARMLESS)
    if unknown:
        names = ", ".join(f"[{name[:100]}]" for name in unknown[:5])
        more = f"; known are {', '.join(sorted(known))}" if known else ""
        raise refusals.illegal(
            f"request [{path[:200]}] contains unrecognized parameter{'s' if len(unknown) > 1 else ''}: {names}{more}"
        )


def with_parameters(body: bytes, given: Mapping[str, str]) -> bytes:
    """The search body, or an empty one, with what the parameters say; as it came where they say nothing.

    Raises SearchRefused for a parameter that has no such value, BadRequest where the body is no JSON object.
    """
    said = {key: read(name, given[name]) for name, (key, read) in _PARTS.items() if name in given}
    if "q" in given:
        said["query"] = {"query_string": {"query": given["q"], **_query_string(given)}}
    if any(name in given for name in _SOURCE):
        said["_source"] = source_filter(given)
    if any(name in given for name in _SUGGEST):
        said["suggest"] = _suggest(given)
    if not said and "sort" not in given:
        return body
    parts = msgspec.json.decode(body, type=dict[str, Raw]) if read_object(body) else {}
    if "sort" in given:
        said["sort"] = [*_sorts(parts.get("sort")), *(_sort(each) for each in _words(given["sort"]))]
    return msgspec.json.encode({**parts, **said})


def source_filter(given: Mapping[str, str]) -> Any:
    """The `_source` of a body that the parameters stand for; True without any. Without one, it is one of the
    `stored_fields`, or not, where those are named."""
    if "stored_fields" in given and not any(name in given for name in _SOURCE):
        return "_source" in _words(given["stored_fields"])
    includes = [name for key in ("_source_includes", "_source_include") for name in _words(given.get(key, ""))]
    excludes = [name for key in ("_source_excludes", "_source_exclude") for name in _words(given.get(key, ""))]
    whole = given.get("_source", "true")
    if whole == "false":
        return False
    if whole not in ("true", ""):
        includes += _words(whole)
    return {"includes": includes, "excludes": excludes} if includes or excludes else True


def boolean(name: str, text: str) -> bool:
    """A parameter that is true or false; one without a value is true. Raises SearchRefused."""
    if text not in ("true", "", "false"):
        raise refusals.illegal(
            f"Failed to parse value [{text[:100]}] as only [true] or [false] are allowed, in the parameter [{name}]"
        )
    return text != "false"


def _number(name: str, text: str) -> int:
    try:
        return int(text, 10)
    except ValueError:
        raise refusals.illegal(f"Failed to parse int parameter [{name}] with value [{text[:100]}]") from None


def _total_hits(name: str, text: str) -> bool | int:
    return _number(name, text) if text.strip("-").isdigit() else boolean(name, text)


def _text(_name: str, text: str) -> str:
    return text


def _list(_name: str, text: str) -> list[str]:
    return _words(text)


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _query_string(given: Mapping[str, str]) -> Mapping[str, Any]:
    said: dict[str, Any] = {name: given[name] for name in _QUERY_STRING if name in given}
    if "df" in said:
        said["default_field"] = said.pop("df")
    for name in ("analyze_wildcard", "lenient"):
        if name in said:
            said[name] = boolean(name, said[name])
    return said


def _suggest(given: Mapping[str, str]) -> Mapping[str, Any]:
    """Suggestions of a field, under its name."""
    if "suggest_field" not in given:
        raise refusals.illegal("[suggest_text], [suggest_mode] and [suggest_size] need [suggest_field]")
    field = given["suggest_field"]
    term: dict[str, Any] = {"field": field}
    if "suggest_mode" in given:
        term["suggest_mode"] = given["suggest_mode"]
    if "suggest_size" in given:
        term["size"] = _number("suggest_size", given["suggest_size"])
    return {field: {"text": given.get("suggest_text", given.get("q", "")), "term": term}}


def _sorts(sort: Raw | None) -> list[Any]:
    """The keys of a body's sort, of any form; numbers in it stay as they were written."""
    if sort is None:
        return []
    return msgspec.json.decode(sort, type=list[Raw]) if bytes(sort).lstrip()[:1] == b"[" else [sort]


def _sort(text: str) -> Any:
    field, colon, order = text.rpartition(":")
    return {field: order} if colon and order in ("asc", "desc") else text


_PARTS: Mapping[str, tuple[str, Callable[[str, str], Any]]] = {
    "size": ("size", _number),
    "from": ("from", _number),
    "from_": ("from", _number),
    "track_total_hits": ("track_total_hits", _total_hits),
    "track_scores": ("track_scores", boolean),
    "timeout": ("timeout", _text),
    "terminate_after": ("terminate_after", _number),
    "explain": ("explain", boolean),
    "version": ("version", boolean),
    "seq_no_primary_term": ("seq_no_primary_term", boolean),
    "stored_fields": ("stored_fields", _list),
    "docvalue_fields": ("docvalue_fields", _list),
    "min_score": ("min_score", lambda _, text: text),
}
"""The parameters that stand for a part of the body: its key, and how it is read."""

OF_A_SEARCH = frozenset({*_PARTS, *_SOURCE, *_QUERY_STRING, *_SUGGEST, "q", "sort"}) | SHAPE
OF_A_COUNT = frozenset({"q", "min_score", *_QUERY_STRING, "pretty"})
OF_A_DOCUMENT = frozenset({*_SOURCE, "stored_fields", "pretty"})
