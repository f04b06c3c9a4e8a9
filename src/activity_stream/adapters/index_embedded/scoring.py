"""Scores of single words and phrases.

tantivy's BM25 has the formula and the parameters of Lucene's but keeps the constant factor (k1 + 1), which Lucene has
dropped: it is divided out.
"""

from tantivy import Query

from activity_stream.adapters.index_embedded.predicates import Predicates, both, either, nothing, unscored
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

    def begun(self, column: Column, words: list[str], most: int) -> Query:
        """Documents with the words next to each other, where the last one is how a word begins: of the words that begin
        so, and that are in documents to be seen, the first `most` count.

        As in Lucene's MultiPhraseQuery, a document's weight is that of all these words, whichever of them it has.
        """
        *before, last = words
        found = self._snapshot.searcher.terms_with_prefix(column.value, last, self._visible)
        ends = sorted(word for word, _ in found)[:most]
        if self._scope is not None:
            return Query.const_score_query(either([self._next_to(column, [*before, end]) for end in ends]), 1.0)
        if not before:
            return either([self.word(column, end) for end in ends])
        first = sum(self._weight(column, word) for word in before)
        weights = [self._weight(column, end) for end in ends]
        whole = first + sum(weights)
        phrases = [self.phrase(column, [*before, end]) for end in ends]
        parts = [Query.boost_query(*each) for each in zip(phrases, (whole / (first + w) for w in weights), strict=True)]
        return Query.disjunction_max_query(parts, 0.0) if parts else nothing()

    def _next_to(self, column: Column, words: list[str]) -> Query:
        if len(words) == 1:
            return self._predicates.term(column.value, words[0])
        return self._predicates.phrase(column.value, words)

    def _weight(self, column: Column, word: str) -> float:
        """How rare a word is to tantivy, of which it makes a phrase's weight."""
        documents = self._snapshot.searcher.num_docs
        return rarity(self._snapshot.searcher.doc_freq(column.value, word), documents)

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
