"""What of the query language is taken, by name, as a table; `python -m activity_stream.search.constructs FILE` renews
it in a page."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from activity_stream.model import SearchLimits
from activity_stream.search.limits import MOST_LOOKED_AT, MOST_SLOPPY
from activity_stream.search.parse import KEYS, NOT_YET, WITHOUT_EFFECT
from activity_stream.search.parse_aggs import AGGREGATIONS
from activity_stream.search.parse_aggs import KNOWN as KNOWN_AGGREGATIONS
from activity_stream.search.parse_queries import KNOWN as KNOWN_QUERIES
from activity_stream.search.parse_queries import QUERIES
from activity_stream.search.phrase_suggestions import MOST_STEPS, MOST_WORDS
from activity_stream.settings.reference import with_table

BEGIN = "<!-- made by: python -m activity_stream.search.constructs docs/reference/constructs.md -->"

_BY_THE_API = frozenset({"pit", "timeout"})
"""Keys that no index meets."""
_LIMITS = SearchLimits()
_LOOKED_AT = f"{MOST_LOOKED_AT:,} documents"
_CLAUSES = f"{_LIMITS.clauses:,} words"
_BOUNDS: Mapping[str, str] = {
    "size": f"{_LIMITS.window:,} with `from`",
    "from": f"{_LIMITS.window:,} with `size`",
    "sort": f"{_LIMITS.sort_keys} keys",
    "suggest": f"{MOST_WORDS} words; `phrase`: {MOST_STEPS:,} steps",
    "aggs": f"{_LIMITS.aggregations}, {_LIMITS.depth} levels, {_LIMITS.buckets:,} buckets",
    "min_score": _LOOKED_AT,
    "function_score": _LOOKED_AT,
    "nested": f"{_LOOKED_AT}, where scores show",
    "match": _CLAUSES,
    "multi_match": f"{_CLAUSES} and fields",
    "match_phrase": f"{_CLAUSES}; `slop` of several: {MOST_SLOPPY:,} documents that have them",
    "bool": f"{_LIMITS.clauses:,} clauses, {_LIMITS.depth} levels",
    "terms": f"{_LIMITS.terms:,} values",
    "ids": f"{_LIMITS.terms:,} values",
    "prefix": f"{_LIMITS.pattern:,} characters",
    "wildcard": f"{_LIMITS.pattern:,} characters",
}
_RESTRICTED: Mapping[tuple[str, str], str] = {
    ("aggregation", "auto_date_histogram"): "no",
    ("aggregation", "global"): "no",
    ("aggregation", "significant_terms"): "no",
    ("aggregation", "terms"): "`min_doc_count` from 1 on",
    ("aggregation", "top_hits"): "no sort by `_doc`",
    ("body", "collapse"): "no sort by `_doc` of `inner_hits`",
    ("body", "explain"): "no",
    ("body", "rescore"): "no",
    ("body", "suggest"): "no",
    ("body", "sort"): "`id` instead of `_doc`",
    ("query", "more_like_this"): "no",
    ("query", "function_score"): "no `min_score`",
    ("query", "nested"): "`inner_hits` score the same, no sort of them by `_doc`",
}


class Construct(msgspec.Struct, frozen=True):
    """One thing that a search can have. `kind`: body, query or aggregation. `taken`: whether the embedded index takes
    it, and any index from keys that see a part of an alias only; from keys that see all a cluster takes whatever its
    engine has."""

    kind: str
    name: str
    taken: bool

    @property
    def embedded(self) -> str:
        """Whether, and how, the embedded index takes it."""
        if self.kind == "body" and self.name in WITHOUT_EFFECT:
            return "switched off alone"
        return "yes" if self.taken else "no"

    @property
    def restricted(self) -> str:
        """Whether keys that see a part may use it."""
        return _RESTRICTED.get((self.kind, self.name), self.embedded)

    @property
    def bounds(self) -> str:
        """How much of it there may be."""
        return _BOUNDS.get(self.name, "") if self.taken and self.kind != "aggregation" else ""


def constructs() -> Iterator[Construct]:
    """All of them, by kind and name."""
    for kind, taken, known in (
        ("body", KEYS | _BY_THE_API, NOT_YET | WITHOUT_EFFECT),
        ("query", QUERIES, KNOWN_QUERIES),
        ("aggregation", AGGREGATIONS, KNOWN_AGGREGATIONS),
    ):
        for name in sorted({*taken, *known}):
            yield Construct(kind, name, name in taken)


def table() -> str:
    """A row for each; ends with a line break."""
    rows = [
        "| | | embedded | OpenSearch | keys that see a part | at most |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_row(each) for each in constructs()),
    ]
    return "".join(f"{row}\n".replace("  |", " |") for row in rows)


def _row(each: Construct) -> str:
    return f"| {each.kind} | `{each.name}` | {each.embedded} | yes | {each.restricted} | {each.bounds} |"


def renewed(page: str) -> str:
    """The page with the table between its two marks made anew; raises ValueError where it has no such marks."""
    return with_table(page, BEGIN, table())


def main(file: Path) -> None:
    """Renew the table in the file."""
    file.write_text(renewed(file.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
