"""Scores of single words and phrases.

tantivy's BM25 has the formula and the parameters of Lucene's but keeps the constant factor (k1 + 1), which Lucene has
dropped: it is divided out.
"""

from tantivy import Query

from activity_stream.adapters.index_embedded.predicates import Predicates, both, either, nothing, unscored
from activity_stream.adapters.index_embedded.reader import ValueReader
from activity_stream.adapters.index_embedded.resembling import Resembling
from activity_stream.adapters.index_embedded.schema import SEQUENCE, Column
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.fields import FieldType
from activity_stream.search import refusals
from activity_stream.search.limits import MOST_SLOPPY
from activity_stream.search.phrases import is_near
from activity_stream.search.query import Fuzziness
from activity_stream.search.rarity import RESEMBLING, rarity

FACTOR = 2.2
"""k1 + 1."""


class Scorer:
    """Makes the scored conditions, of documents that are `visible`. With `scope`, every statistic comes from the
    documents that it finds. `every`: no beginning of a word has a limit of the words that it can be."""

    def __init__(
        self, snapshot: Snapshot, visible: Query, scope: Query | None, reader: ValueReader, *, every: bool = False
    ) -> None:
        self._every = every
        self._reader = reader
        self._snapshot = snapshot
        self._visible = unscored(visible)
        self._scope = scope
        self._predicates = Predicates(snapshot)

    @property
    def constant(self) -> bool:
        """Whether a word has the same score in every document."""
        return self._scope is not None

    def within(self, objects: Query) -> "Scorer":
        """The same over the objects of a nested field. With a scope those of others are among them: no limit may tell
        of their words, and scores are not shown."""
        scope = None if self._scope is None else objects
        return Scorer(self._snapshot, objects, scope, self._reader, every=scope is not None)

    def word(self, column: Column, word: str) -> Query:
        """Documents with the word, by how often and how rare."""
        query = Query.term_query(self._snapshot.schema.tantivy, column.value, word, "freq")
        if self._scope is not None:
            return Query.const_score_query(query, self._scoped(column, query))
        return Query.boost_query(query, 1 / FACTOR)

    def fuzzy(self, column: Column, word: str, edits: int, how: Fuzziness) -> Query:
        """Documents with the word, or one that so many mistakes make of it.

        As in Lucene's BlendedTermQuery, all of these words are as rare as the most frequent of them, and count the
        less the more mistakes they need. With a scope they count half, and there is no limit of them: which ones are
        the nearest is a matter of all documents.
        """
        resembling = Resembling(self._snapshot, self._reader, self._predicates, self._scope or self._visible)
        if self._scope is not None:
            exact = self._predicates.term(column.value, word)
            others = resembling.documents(column, word, edits, how)
            parts = [
                Query.const_score_query(exact, self._scoped(column, exact)),
                Query.const_score_query(others, self._scoped(column, others) * RESEMBLING),
            ]
            return Query.disjunction_max_query(parts, 0.0)
        words = resembling.words(column, word, edits, how, how.max_expansions)
        if column.field.type is FieldType.KEYWORD:
            return self._values(column, words)
        weights = [self._weight(column, each) for each, _ in words]
        blended = [worth * min(weights) / weight for (_, worth), weight in zip(words, weights, strict=True)]
        return either([Query.boost_query(self.word(column, w), b) for (w, _), b in zip(words, blended, strict=True)])

    def _values(self, column: Column, values: list[tuple[str, float]]) -> Query:
        """Documents with one of these values of a keyword, which all are as rare as the most frequent of them."""
        having = [both(self._predicates.term(column.value, value), self._visible) for value, _ in values]
        documents = self._snapshot.count(both(self._predicates.has(column.present), self._visible))
        weight = min((rarity(self._snapshot.count(each), documents) for each in having), default=0.0)
        parts = zip(having, (worth for _, worth in values), strict=True)
        return either([Query.const_score_query(each, weight * worth) for each, worth in parts])

    def phrase(self, column: Column, words: list[str], slop: int = 0) -> Query:
        """Documents with the words next to each other, or moved by so many places."""
        if slop and (len(words) != 2 or words[0] == words[1]):
            return self._near(column, words, slop)
        query = self._predicates.phrase(column.value, words, slop)
        if self._scope is not None:
            return Query.const_score_query(query, self._scoped(column, query))
        return Query.boost_query(query, 1 / FACTOR)

    def _near(self, column: Column, words: list[str], slop: int) -> Query:
        """Documents with several words that have moved: each that has them all is looked at. They are worth as much as
        a text of average length that has the words once, at least."""
        having = [self._predicates.term(column.value, word) for word in dict.fromkeys(words)]
        seen = both(*having, self._scope or self._visible)
        candidates = self._snapshot.count(seen)
        if candidates > MOST_SLOPPY:
            raise refusals.illegal(
                f"[slop] with several words looks at each document that has all of them, at most {MOST_SLOPPY:,}; "
                f"{candidates:,} have the words of [{column.field.name}]: leave [slop] out, or add words"
            )
        found = [a for _, a in self._snapshot.every(seen) if is_near(self._reader.positions(column, a), words, slop)]
        sequences = self._snapshot.searcher.fast_field_values(SEQUENCE, found)
        near = self._predicates.any_of(SEQUENCE, [each for each in sequences if each is not None])
        if self._scope is not None:
            return Query.const_score_query(near, self._scoped(column, near))
        worth = sum(self._weight(column, word) for word in words)
        return Query.disjunction_max_query([Query.const_score_query(near, worth), self.phrase(column, words)], 0.0)

    def begun(self, column: Column, words: list[str], most: int) -> Query:
        """Documents with the words next to each other, where the last one is how a word begins: of the words that begin
        so, and that are in documents to be seen, the first `most` count.

        As in Lucene's MultiPhraseQuery, a document's weight is that of all these words, whichever of them it has.
        """
        *before, last = words
        found = self._snapshot.searcher.terms_with_prefix(column.value, last, self._visible)
        ends = sorted(word for word, count in found if count)[: None if self._every else most]
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
