"""Scores of single words and values.

tantivy's BM25 has the formula and the parameters of Lucene's but keeps the constant factor (k1 + 1), which Lucene has
dropped: it is divided out. Values of keywords have no length, so that their score is the same in every document.
"""

from tantivy import Query

from activity_stream.adapters.index_embedded.predicates import Predicates, both, unscored
from activity_stream.adapters.index_embedded.schema import PRESENT, Column
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.search.rarity import rarity

FACTOR = 2.2
"""k1 + 1."""


class Scorer:
    """Makes the scored conditions. With `scope`, every statistic comes from the documents that it finds."""

    def __init__(self, snapshot: Snapshot, scope: Query | None) -> None:
        self._snapshot = snapshot
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

    def exact(self, column: Column, value: str) -> Query:
        """Documents with the value in a keyword, by how rare it is."""
        query = self._predicates.term(column.value, value)
        if self._scope is not None:
            return Query.const_score_query(query, self._scoped(column, query))
        having = self._snapshot.searcher.doc_freq(column.value, value)
        documents = self._snapshot.searcher.doc_freq(PRESENT, column.present)
        return Query.const_score_query(query, rarity(having, documents))

    def _scoped(self, column: Column, query: Query) -> float:
        scope = unscored(self._scope or Query.all_query())
        having = self._snapshot.count(both(query, scope))
        documents = self._snapshot.count(both(self._predicates.has(column.present), scope))
        return rarity(having, documents)
