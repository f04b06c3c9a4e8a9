"""The typed query tree: what a search body means, once read.

Names and meanings are those of the Elasticsearch query language (OpenSearch documentation, "Query DSL" and
"Aggregations").
The tree says nothing of an alias's fields: values are as the client sent them, and what they mean for a field is for
whoever runs the tree. `parse` makes trees; nothing else should, but tests.
"""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import msgspec

Scalar = str | int | float | bool


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """Any query. `boost` multiplies its score."""

    boost: float = 1.0


class MatchAll(Node, frozen=True, kw_only=True):
    """Everything, with score 1."""


class MatchNone(Node, frozen=True, kw_only=True):
    """Nothing."""


class Term(Node, frozen=True, kw_only=True):
    """Documents with exactly this value in a field (on text: exactly this token)."""

    field: str
    value: Scalar
    case_insensitive: bool = False


class Terms(Node, frozen=True, kw_only=True):
    """Documents with at least one of these values; score 1."""

    field: str
    values: tuple[Scalar, ...]


class Match(Node, frozen=True, kw_only=True):
    """Text, analysed: any of its tokens, or all with `operator` "and".

    On a field that is not text: the whole value. `zero_terms` says what text without tokens finds: "none" or "all".
    """

    field: str
    query: Scalar
    operator: str = "or"
    minimum_should_match: str | None = None
    zero_terms: str = "none"
    lenient: bool = False


class MultiMatch(Node, frozen=True, kw_only=True):
    """`Match` over several fields, each with its boost. `type`: best_fields, most_fields, phrase."""

    fields: tuple[tuple[str, float], ...]
    query: Scalar
    type: str = "best_fields"
    operator: str = "or"
    minimum_should_match: str | None = None
    tie_breaker: float = 0.0
    zero_terms: str = "none"
    lenient: bool = False


class MatchPhrase(Node, frozen=True, kw_only=True):
    """Text, analysed: all its tokens, next to each other in this order."""

    field: str
    query: Scalar
    zero_terms: str = "none"


class MatchPhrasePrefix(Node, frozen=True, kw_only=True):
    """Text, analysed: all its tokens, next to each other in this order, the last one as the beginning of a word.

    Of the words that begin so, the first `max_expansions` in their order count.
    """

    field: str
    query: Scalar
    max_expansions: int = 50
    zero_terms: str = "none"


class MatchBoolPrefix(Node, frozen=True, kw_only=True):
    """Text, analysed: any of its tokens, or all with `operator` "and", the last one as the beginning of a word; that
    one with score 1."""

    field: str
    query: Scalar
    operator: str = "or"
    minimum_should_match: str | None = None


class Range(Node, frozen=True, kw_only=True):
    """Values between bounds; each bound is None where it is open. Dates: date math (`now-1d/d`, `2020-01||+1M`) is not
    yet worked out; `time_zone` is an offset or a zone's name."""

    field: str
    gt: Scalar | None = None
    gte: Scalar | None = None
    lt: Scalar | None = None
    lte: Scalar | None = None
    format: str | None = None
    time_zone: str | None = None


class Exists(Node, frozen=True, kw_only=True):
    """Documents with any value in a field (or, for an object's name, in any mapped field under it)."""

    field: str


class Prefix(Node, frozen=True, kw_only=True):
    """Values (text: tokens) that begin so; score 1."""

    field: str
    value: str
    case_insensitive: bool = False


class Wildcard(Node, frozen=True, kw_only=True):
    r"""Values (text: tokens) of this form: `*` any characters, `?` any one, `\` takes the next literally; score 1."""

    field: str
    value: str
    case_insensitive: bool = False


class Ids(Node, frozen=True, kw_only=True):
    """The documents of these ids; score 1."""

    values: tuple[str, ...]


class Bool(Node, frozen=True, kw_only=True):
    """All of `must` and `filter`, none of `must_not`, and at least `minimum_should_match` of `should`.

    Where that is None it is 1 without `must` and `filter`, and 0 with. An empty one finds everything.
    """

    must: tuple[Node, ...] = ()
    filter: tuple[Node, ...] = ()
    should: tuple[Node, ...] = ()
    must_not: tuple[Node, ...] = ()
    minimum_should_match: str | None = None


class ConstantScore(Node, frozen=True, kw_only=True):
    """What `filter` finds, with score `boost`."""

    filter: Node


class DisMax(Node, frozen=True, kw_only=True):
    """What any of them finds; the best score, plus `tie_breaker` times the others'."""

    queries: tuple[Node, ...]
    tie_breaker: float = 0.0


class Boosting(Node, frozen=True, kw_only=True):
    """What `positive` finds; the score of what `negative` finds too is multiplied by `negative_boost`."""

    positive: Node
    negative: Node
    negative_boost: float


SCRIPT = "_script"
"""What a sort by script is called, in place of a field."""


class SortKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key to sort by: a field, `_score` or `_doc`. `missing`: "_last", "_first", or a value to take instead.

    With `first_of` (and `field` SCRIPT): the least date of the first field, or of the second one where that has none.
    """

    field: str
    descending: bool = False
    missing: Scalar = "_last"
    unmapped_type: str | None = None
    first_of: tuple[str, str] | None = None


class SourceFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What of `_source` comes back: nothing if not `enabled`; only `includes` (if any), without `excludes`.

    Patterns may have `*`; the name of an object takes all that is in it.
    """

    enabled: bool = True
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


class Agg(msgspec.Struct, frozen=True, kw_only=True):
    """Any aggregation. `meta` comes back as it is."""

    meta: Mapping[str, Any] | None = None


class BucketAgg(Agg, frozen=True, kw_only=True):
    """One that makes buckets, each with the `aggs` of its own."""

    aggs: Mapping[str, Agg] = {}


class TermsAgg(BucketAgg, frozen=True, kw_only=True):
    """A bucket for each value of a field. `order`: (what, descending) pairs, what being `_count`, `_key`, the name of a
    metric sub-aggregation, or `name.property` of a stats one; ties go by key, ascending."""

    field: str
    size: int = 10
    min_doc_count: int = 1
    order: tuple[tuple[str, bool], ...] = (("_count", True),)
    include: tuple[Scalar, ...] | str | None = None
    exclude: tuple[Scalar, ...] | str | None = None
    missing: Scalar | None = None


class DateHistogramAgg(BucketAgg, frozen=True, kw_only=True):
    """A bucket for each interval (UTC): `fixed_interval` in milliseconds, or `calendar_interval`: minute, hour, day,
    week, month, quarter or year. `offset` in milliseconds. `order`: as `TermsAgg`'s."""

    field: str
    fixed_interval: int | None = None
    calendar_interval: str | None = None
    offset: int = 0
    min_doc_count: int = 0
    format: str | None = None
    keyed: bool = False
    order: tuple[tuple[str, bool], ...] = (("_key", False),)
    missing: Scalar | None = None
    extended_bounds: tuple[Scalar, Scalar] | None = None


class RangeBucket(msgspec.Struct, frozen=True, kw_only=True):
    """One bucket of a range aggregation: from (included) to (excluded)."""

    start: Scalar | None = None
    end: Scalar | None = None
    key: str | None = None


class RangeAgg(BucketAgg, frozen=True, kw_only=True):
    """A bucket for each given range of a number."""

    field: str
    ranges: tuple[RangeBucket, ...]
    keyed: bool = False
    missing: Scalar | None = None


class FilterAgg(BucketAgg, frozen=True, kw_only=True):
    """One bucket: what a query finds."""

    filter: Node


class FiltersAgg(BucketAgg, frozen=True, kw_only=True):
    """A bucket for each query, by name; or, without names (`keyed` false), in order under the names "0", "1", …

    `other_bucket_key` None: no bucket for the rest.
    """

    filters: Mapping[str, Node]
    keyed: bool = True
    other_bucket_key: str | None = None


class MetricAgg(Agg, frozen=True, kw_only=True):
    """A figure from the values of a field. `kind`: min, max, avg, sum, stats, value_count, cardinality."""

    kind: str
    field: str
    missing: Scalar | None = None
    format: str | None = None


class SearchBody(msgspec.Struct, frozen=True, kw_only=True):
    """A whole search. `post_filter` narrows the hits and their total, and no aggregation. `track_total_hits`: True
    counts all, False none, a number counts up to it. `indices_boost`: patterns of names of indices, or of the alias,
    and what the scores of hits in them are multiplied by; of several that an index has, the first.
    """

    query: Node = MatchAll()
    post_filter: Node | None = None
    from_: int = 0
    size: int = 10
    sort: tuple[SortKey, ...] = ()
    search_after: tuple[Scalar | None, ...] | None = None
    source: SourceFilter = SourceFilter()
    track_total_hits: bool | int = 10_000
    track_scores: bool = False
    aggs: Mapping[str, Agg] = {}
    indices_boost: tuple[tuple[str, float], ...] = ()


def every_aggregation(aggs: Mapping[str, Agg]) -> Iterator[tuple[str, Agg]]:
    """All of them by name, those within others included."""
    for name, agg in aggs.items():
        yield name, agg
        if isinstance(agg, BucketAgg):
            yield from every_aggregation(agg.aggs)


def filters_of(aggs: Mapping[str, Agg]) -> Iterator[Node]:
    """The queries that aggregations have, wherever they are: one that is wrong is an error, also where no bucket is."""
    for _, agg in every_aggregation(aggs):
        if isinstance(agg, FilterAgg):
            yield agg.filter
        elif isinstance(agg, FiltersAgg):
            yield from agg.filters.values()


def boost_of(index: str, alias: str, boosts: tuple[tuple[str, float], ...]) -> float:
    """What scores of hits in an index are multiplied by: the boost of the first of the patterns (`*` any characters)
    that the name of the index or of its alias has; 1 without any."""
    for pattern, boost in boosts:
        if fnmatchcase(index, pattern) or fnmatchcase(alias, pattern):
            return boost
    return 1.0
