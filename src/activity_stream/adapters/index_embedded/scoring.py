"""Scores of single words and phrases.

tantivy's BM25 has the formula and the parameters of Lucene's but keeps the constant factor (k1 + 1), which Lucene has
dropped: it is divided out.
"""

from tantivy import Query

from activity_stream.adapters.index_embedded.predicates import Predicates, both, unscored
from activity_stream.adapters.index_embedded.schema import Column
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.search.rarity import rarity

FACTOR = 2.2
"""k1 + 1."""


class Scorer:
    """Makes the scored conditions, of documents that are `visible`. With `scope`, every statistic comes from the
    documents that it finds."""

    def __init__(self, snapshot: Snapshot, visible: Query, scope: Query | None) -> None:
        self._snapshot = snapshot
        self._visible = unscored(visible)
        self._scope = scope
        self._predicates = Predicates(snapshot)

    @property
    def constant(self) -> bool:
        """Whether a word has the same score in every document."""
        return self._scope is not None

    def word(self, column: Column, word: str) -> Query:
        """Documents with the word, by how often and how rare."""
        query = Query.term_query(self._snapshot.schema.tantivy, column.value, word, "freq")
        if self._scope is not None:
            return Query.const_score_query(query, self._scoped(column, query))
        return Query.boost_query(query, 1 / FACTOR)

    def phrase(self, column: Column, words: list[str]) -> Query:
        """Documents with the words next to each other."""
        query = self._predicates.phrase(column.value, words)
        if self._scope is not None:
            return Query.const_score_query(query, self._scoped(column, query))
        return Query.boost_query(query, 1 / FACTOR)

    def flag(self, column: Column, value: int) -> Query:
        """Documents with a boolean, by how rare it is; as in OpenSearch, which gives other exact values no rarity."""
        query = self._predicates.term(column.value, value)
        if self._scope is not None:
            return Query.const_score_query(query, 1.0)
        having = self._snapshot.count(query)
        return Query.const_score_query(
            query, rarity(having, self._snapshot.count(self._predicates.has(column.present)))
        )

    def _scoped(self, column: Column, query: Query) -> float:
        scope = unscored(self._scope or Query.all_query())
        having = self._snapshot.count(both(query, scope))
        documents = self._snapshot.count(both(self._predicates.has(column.present), scope))
        return rarity(having, documents)
