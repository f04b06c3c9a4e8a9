"""A whole search of the typed tree: a query, and what is to be shown of what it finds, in which order."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

import msgspec

from activity_stream.search.aggs import Agg
from activity_stream.search.query import Distance, MatchAll, Node, Scalar

SCRIPT = "_script"
"""What a sort by script is called, in place of a field."""
GEO_DISTANCE = "_geo_distance"
"""What a sort by distance is called."""


class SortKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key to sort by: a field, `_score` or `_doc`. `missing`: "_last", "_first", or a value to take instead.

    With `first_of` (and `field` SCRIPT): the least date of the first field, or of the second one where that has none.
    With `distance` (and `field` GEO_DISTANCE): how far a place is; where the field is not mapped and `unmapped_type` is
    None, that is an error.
    """

    field: str
    descending: bool = False
    missing: Scalar = "_last"
    unmapped_type: str | None = None
    first_of: tuple[str, str] | None = None
    distance: Distance | None = None


class SourceFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What of `_source` comes back: nothing if not `enabled`; only `includes` (if any), without `excludes`.

    Patterns may have `*`; the name of an object takes all that is in it.
    """

    enabled: bool = True
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


class SearchBody(msgspec.Struct, frozen=True, kw_only=True):
    """A whole search. `post_filter` narrows the hits and their total, and no aggregation; `min_score`, the least score
    that is found at all, these too. `track_total_hits`: True
    counts all, False none, a number counts up to it. `indices_boost`: patterns of names of indices, or of the alias,
    and what the scores of hits in them are multiplied by; of several that an index has, the first.
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
    aggs: Mapping[str, Agg] = {}
    indices_boost: tuple[tuple[str, float], ...] = ()


def boost_of(index: str, alias: str, boosts: tuple[tuple[str, float], ...]) -> float:
    """What scores of hits in an index are multiplied by: the boost of the first of the patterns (`*` any characters)
    that the name of the index or of its alias has; 1 without any."""
    for pattern, boost in boosts:
        if fnmatchcase(index, pattern) or fnmatchcase(alias, pattern):
            return boost
    return 1.0
