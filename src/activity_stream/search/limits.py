"""What a search body may ask for, at most: `SearchLimits` as they are used up, and what no caller can have more of."""

from activity_stream.model import SearchLimits
from activity_stream.search import refusals

MOST_LOOKED_AT = 1_000_000
"""Documents of which one search of the embedded index works something out by itself: some seconds."""
MOST_READ = 10_000
"""Documents whose JSON the embedded index reads for numbers that they have twice; of more, each counts once."""
MOST_SLOPPY = 10_000
"""Documents in which the embedded index looks how far several words of a phrase have moved."""


class Budget:
    """What is left of the limits while a body is being read."""

    def __init__(self, limits: SearchLimits) -> None:
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
