"""What a search body may ask for, at most."""

import msgspec

from activity_stream.search import refusals

MOST_LOOKED_AT = 1_000_000
"""Documents of which one search of the embedded index works something out by itself: some seconds."""
MOST_SLOPPY = 10_000
"""Documents in which the embedded index looks how far several words of a phrase have moved."""


class Limits(msgspec.Struct, frozen=True):
    """Bounds of one search body; going over any of them is a 400 that names it.

    `depth`: queries within queries, and aggregations within aggregations. `clauses`: queries of any kind, and words of
    a text that is matched. `terms`: values of one `terms` query or `ids`. `window`: `from` + `size`. `aggregations`:
    all of them together. `buckets`: of one aggregation's `size` and of a whole answer. `pattern`: characters of a
    wildcard or prefix. `nesting`: levels of JSON.
    """

    depth: int = 30
    clauses: int = 1024
    terms: int = 65_536
    window: int = 10_000
    aggregations: int = 100
    buckets: int = 65_535
    pattern: int = 1_000
    nesting: int = 200
    sort_keys: int = 32


class Budget:
    """What is left of the limits while a body is being read."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._clauses = 0
        self._aggregations = 0

    def clause(self, path: str, count: int = 1) -> None:
        """Take so many clauses; SearchRefused when there are none left."""
        self._clauses += count
        if self._clauses > self.limits.clauses:
            raise refusals.refused(
                "too_many_clauses",
                f"too_many_clauses: maxClauseCount is set to {self.limits.clauses}, and the query has more, at {path}",
            )

    def aggregation(self, path: str) -> None:
        """Take one aggregation; SearchRefused when there is none left."""
        self._aggregations += 1
        if self._aggregations > self.limits.aggregations:
            raise refusals.illegal(f"At most {self.limits.aggregations} aggregations are allowed; one more at {path}")

    def level(self, path: str, depth: int) -> None:
        """SearchRefused if this is deeper than queries or aggregations may be nested (1 is the outermost)."""
        if depth > self.limits.depth:
            place = path if len(path) <= 200 else path[:200] + "…"
            raise refusals.illegal(
                f"The nested depth exceeds the maximum of [{self.limits.depth}] queries or aggregations "
                f"within each other, at {place}"
            )
