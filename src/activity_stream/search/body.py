"""A whole search of the typed tree: a query, and what is to be shown of what it finds, in which order."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property

import msgspec

from activity_stream.search.aggs import Agg, TopHitsAgg, every_aggregation, filters_of
from activity_stream.search.hits import (
    Collapse,
    CompletionSuggest,
    Highlight,
    Page,
    PhraseSuggest,
    Rescore,
    ShownField,
    SortKey,
    SourceFilter,
    Suggest,
)
from activity_stream.search.query import FunctionScore, MatchAll, Nested, Node, Scalar, every_query, with_inner_hits


class SearchBody(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A whole search. `post_filter` narrows the hits and their total, and no aggregation; `min_score`, the least score
    that is found at all, these too. `track_total_hits`: True counts all, False none, a number counts up to it.
    `collapse` shows fewer hits, and counts all. `fields` and `docvalue_fields` show values of single fields.
    `highlight` marks what was looked for, `rescore` scores the best anew, `suggest` has words and texts that others may
    be meant for, `explain` shows what each score is made of. `indices_boost`: patterns of names of indices, or of the
    alias, and what the scores of hits in them are multiplied by; of several that an index has, the first.
    """

    query: Node = MatchAll()
    post_filter: Node | None = None
    min_score: float | None = None
    from_: int = 0
    size: int = 10
    sort: tuple[SortKey, ...] = ()
    search_after: tuple[Scalar | None, ...] | None = None
    source: SourceFilter = SourceFilter()
    track_total_hits: bool | int = 10_000
    track_scores: bool = False
    explain: bool = False
    collapse: Collapse | None = None
    fields: tuple[ShownField, ...] = ()
    docvalue_fields: tuple[ShownField, ...] = ()
    highlight: tuple[Highlight, ...] = ()
    rescore: tuple[Rescore, ...] = ()
    suggest: tuple[Suggest | PhraseSuggest | CompletionSuggest, ...] = ()
    aggs: Mapping[str, Agg] = {}
    indices_boost: tuple[tuple[str, float], ...] = ()

    @property
    def scored(self) -> bool:
        """Whether its own hits show scores."""
        return self.size > 0 and (not self.sort or self.track_scores or any(key.field == "_score" for key in self.sort))

    def queries(self) -> Iterator[Node]:
        """Every query that it has, wherever."""
        yield self.query
        if self.post_filter is not None:
            yield self.post_filter
        yield from filters_of(self.aggs)
        keys = (*self.sort, *(key for page in self.pages() for key in page.sort))
        yield from (key.nested.filter for key in keys if key.nested is not None)
        yield from (each.query for each in self.highlight if each.query is not None)
        yield from (each.query for each in self.rescore)

    @cached_property
    def finds_by_scores(self) -> bool:
        """Whether a part of a query finds documents by a score, shown or not."""
        found = (inner for each in self.queries() for inner in every_query(each))
        return any(isinstance(inner, FunctionScore) and inner.min_score is not None for inner in found)

    @cached_property
    def nested_hits(self) -> Sequence[tuple[str, Page, Nested]]:
        """The pages of objects in nested fields that each hit shows, by name, and what found the objects."""
        nodes = (self.query, *(() if self.post_filter is None else (self.post_filter,)))
        found = (each for node in nodes for each in with_inner_hits(node))
        return [(*each.inner_hits, each) for each in found if each.inner_hits is not None]

    def pages(self) -> Iterator[Page]:
        """The pages of hits that the answer has besides its own."""
        if self.collapse is not None:
            yield from (page for _, page in self.collapse.inner_hits)
        yield from (page for _, page, _ in self.nested_hits)
        yield from (agg.page for _, agg in every_aggregation(self.aggs) if isinstance(agg, TopHitsAgg))


def boost_of(index: str, alias: str, boosts: tuple[tuple[str, float], ...]) -> float:
    """What scores of hits in an index are multiplied by: the boost of the first of the patterns (`*` any characters)
    that the name of the index or of its alias has; 1 without any."""
    for pattern, boost in boosts:
        if fnmatchcase(index, pattern) or fnmatchcase(alias, pattern):
            return boost
    return 1.0
