"""The typed query tree: what a query means, once read; `aggs` has the aggregations, `body` the whole search.

Names and meanings are those of the Elasticsearch query language (OpenSearch documentation, "Query DSL").
The tree says nothing of an alias's fields: values are as the client sent them, and what they mean for a field is for
whoever runs the tree. `parse` makes trees; nothing else should, but tests.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

Scalar = str | int | float | bool
Point = tuple[float, float]
"""Latitude and longitude, in degrees."""


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


class TermsSet(Node, frozen=True, kw_only=True):
    """Documents with so many of these values as a number of their own says, the least in the field `number`, and at
    least one; the scores of those that they have together."""

    field: str
    values: tuple[Scalar, ...]
    number: str


class Fuzziness(msgspec.Struct, frozen=True, kw_only=True):
    """How many mistakes a word may have: `edits`, or, where that is None, one from `low` characters on and two from
    `high` on; none in the first `prefix_length` characters. Of the words of an index that it can be meant for, the
    nearest `max_expansions` count. `transpositions`: neighbours that changed places are one mistake, and not two."""

    edits: int | None = None
    low: int = 3
    high: int = 6
    prefix_length: int = 0
    max_expansions: int = 50
    transpositions: bool = True


class MoreLikeThis(Node, frozen=True, kw_only=True):
    """Documents with enough of the words that tell most of some texts, of stored documents (`ids`) and of others, each
    in the fields of text. Those that are in `unlike` do not count."""

    fields: tuple[str, ...]
    texts: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    documents: tuple[Any, ...] = ()
    unlike: tuple[str, ...] = ()
    max_query_terms: int = 25
    min_term_freq: int = 2
    min_doc_freq: int = 5
    max_doc_freq: int = 2**31 - 1
    min_word_length: int = 0
    max_word_length: int = 0
    stop_words: frozenset[str] = frozenset()
    minimum_should_match: str = "30%"
    boost_terms: float = 0.0
    include: bool = False


class Match(Node, frozen=True, kw_only=True):
    """Text, analysed: any of its tokens, or all with `operator` "and"; with `fuzzy`, with mistakes.

    On a field that is not text: the whole value. `zero_terms` says what text without tokens finds: "none" or "all".
    """

    field: str
    query: Scalar
    operator: str = "or"
    minimum_should_match: str | None = None
    zero_terms: str = "none"
    lenient: bool = False
    fuzzy: Fuzziness | None = None


class Fuzzy(Node, frozen=True, kw_only=True):
    """Documents with this value (text: token), or one that is a few mistakes away from it."""

    field: str
    value: str
    fuzzy: Fuzziness = Fuzziness()


class MultiMatch(Node, frozen=True, kw_only=True):
    """`Match` over several fields, each with its boost. `type`: best_fields, most_fields, phrase; or cross_fields, for
    which all fields of text are one: each word may be in any of them."""

    fields: tuple[tuple[str, float], ...]
    query: Scalar
    type: str = "best_fields"
    operator: str = "or"
    minimum_should_match: str | None = None
    tie_breaker: float = 0.0
    zero_terms: str = "none"
    lenient: bool = False
    fuzzy: Fuzziness | None = None
    slop: int = 0


class MatchPhrase(Node, frozen=True, kw_only=True):
    """Text, analysed: all its tokens, next to each other in this order; with `slop`, moved by so many places at most,
    all of them together."""

    field: str
    query: Scalar
    zero_terms: str = "none"
    slop: int = 0


class MatchPhrasePrefix(Node, frozen=True, kw_only=True):
    """Text, analysed: all its tokens, next to each other in this order, the last one as the beginning of a word.

    Of the words that begin so, the first `max_expansions` in their order count. `slop` as of `MatchPhrase`.
    """

    field: str
    query: Scalar
    max_expansions: int = 50
    zero_terms: str = "none"
    slop: int = 0


class MatchBoolPrefix(Node, frozen=True, kw_only=True):
    """Text, analysed: any of its tokens, or all with `operator` "and", the last one as the beginning of a word; that
    one with score 1, and, with `fuzzy`, the others with mistakes."""

    field: str
    query: Scalar
    operator: str = "or"
    minimum_should_match: str | None = None
    fuzzy: Fuzziness | None = None


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


class Regexp(Node, frozen=True, kw_only=True):
    """Values (text: tokens) that a regular expression of Lucene's describes wholly; score 1."""

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


class Decay(msgspec.Struct, frozen=True, kw_only=True):
    """The further a value is from `origin`, beyond `offset`, the less: `decay` at a distance of `scale`.

    `kind`: exp, gauss or linear. What origin and the distances are depends on the field: a number, a moment and a
    duration, a place and a length. Of several values `mode` (min, max, avg, sum) takes a distance. Without a value: 1.
    """

    kind: str
    field: str
    origin: Any = None
    scale: Any = None
    offset: Any = None
    decay: float = 0.5
    mode: str = "min"


class FieldValue(msgspec.Struct, frozen=True, kw_only=True):
    """The least value of a field, times `factor`, then changed by `modifier`; `missing` is taken where there is
    none."""

    field: str
    factor: float = 1.0
    modifier: str = "none"
    missing: float | None = None


class ScoreFunction(msgspec.Struct, frozen=True, kw_only=True):
    """One function of a `FunctionScore`, for what `filter` finds: a factor, 1 without `of`, times `weight`."""

    filter: Node | None = None
    weight: float | None = None
    of: Decay | FieldValue | None = None


class FunctionScore(Node, frozen=True, kw_only=True):
    """What `query` finds, with another score: its own and, by `boost_mode`, that of the functions, which are put
    together by `score_mode` and count up to `max_boost`. Only what has at least `min_score` then is found.

    A boost, its own or one from outside, is one of the query's score alone.
    """

    query: Node = MatchAll()
    functions: tuple[ScoreFunction, ...] = ()
    score_mode: str = "multiply"
    boost_mode: str = "multiply"
    max_boost: float = 3.4028235e38
    min_score: float | None = None


class Nested(Node, frozen=True, kw_only=True):
    """Documents of which an object in the nested field `path` is found by `query`; with the average, greatest (max),
    least (min) or summed score (sum) of those objects by `score_mode`, or 0 (none). `inner_hits`: each hit shows a page
    of those objects, by this name (`hits.Page`, which has queries in it)."""

    path: str
    query: Node
    score_mode: str = "avg"
    ignore_unmapped: bool = False
    inner_hits: tuple[str, Any] | None = None


class Distance(msgspec.Struct, frozen=True, kw_only=True):
    """How far a document is from given points: of a field with several places, the least, greatest, mean or median
    distance (`mode` min, max, avg, median) to any of the points, in a unit of so many metres; `plane` takes the earth
    for flat."""

    field: str
    points: tuple[Point, ...]
    unit: float = 1.0
    mode: str = "min"
    plane: bool = False


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the earth between parallels and meridians; one with `west` over `east` crosses the date line."""

    south: float
    west: float
    north: float
    east: float


class GeoDistance(Node, frozen=True, kw_only=True):
    """Documents with a place at most so many metres from a point; score 1."""

    field: str
    point: Point
    metres: float
    ignore_unmapped: bool = False


class GeoBox(Node, frozen=True, kw_only=True):
    """Documents with a place in a box; score 1."""

    field: str
    box: Box
    ignore_unmapped: bool = False


def within(node: Node) -> Iterator[Node]:
    """The queries directly within one, those that functions of a score are for among them."""
    for name in node.__struct_fields__:
        value = getattr(node, name)
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, Node):
                yield each
            elif isinstance(each, ScoreFunction) and each.filter is not None:
                yield each.filter


def with_inner_hits(node: Node) -> Iterator[Nested]:
    """The queries that a document is found by, it or within it, whose objects are to be shown."""
    inner: tuple[Node, ...] = ()
    match node:
        case Nested() if node.inner_hits is not None:
            yield node
        case Bool():
            inner = (*node.must, *node.filter, *node.should)
        case DisMax():
            inner = node.queries
        case Boosting():
            inner = (node.positive, node.negative)
        case ConstantScore():
            inner = (node.filter,)
        case FunctionScore():
            inner = (node.query,)
    for each in inner:
        yield from with_inner_hits(each)


def every_query(node: Node) -> Iterator[Node]:
    """It, and all that are within it at any depth."""
    yield node
    for each in within(node):
        yield from every_query(each)
