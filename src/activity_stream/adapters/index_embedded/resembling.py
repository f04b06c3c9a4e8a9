"""Which words of an index a word with mistakes can be meant for.

tantivy finds the documents that have such words, and does not say which they are. They are read from these documents;
where there are many, and for nested objects, which have no source of their own, from the list of all their words.
"""

from tantivy import Query

from activity_stream.adapters.index_embedded.predicates import Predicates, both, unscored
from activity_stream.adapters.index_embedded.reader import ValueReader
from activity_stream.adapters.index_embedded.schema import Column
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.search.fuzzy import nearest
from activity_stream.search.query import Fuzziness

_MOST_READ = 100
"""Documents; to read so many takes as long as to go through the list of some ten thousand words."""


class Resembling:
    """Looks for words in the `visible` documents of a snapshot."""

    def __init__(self, snapshot: Snapshot, reader: ValueReader, predicates: Predicates, visible: Query) -> None:
        self._snapshot = snapshot
        self._reader = reader
        self._predicates = predicates
        self._visible = unscored(visible)

    def documents(self, column: Column, word: str, edits: int, how: Fuzziness) -> Query:
        """The documents with a word that so many mistakes make of this one."""
        if not edits:
            return self._predicates.term(column.value, word)
        if how.prefix_length:
            words = [each for each, _ in self.words(column, word, edits, how, None)]
            return self._predicates.any_of(column.value, words)
        return self._query(column, word, edits, how)

    def words(self, column: Column, word: str, edits: int, how: Fuzziness, most: int | None) -> list[tuple[str, float]]:
        """The words that it can be meant for, each with what it is worth; the best come first."""
        if not edits:
            return [(word, 1.0)]
        seen = both(self._query(column, word, edits, how), self._visible)
        count = self._snapshot.count(seen)
        if count <= _MOST_READ and not column.field.nested:
            known = set().union(*(self._reader.terms(column, address) for _, address in self._snapshot.every(seen)))
        else:
            begun = self._snapshot.searcher.terms_with_prefix(column.value, word[: how.prefix_length], seen)
            known = {term for term, count in begun if count}
        return nearest(word, edits, how, known, most)

    def _query(self, column: Column, word: str, edits: int, how: Fuzziness) -> Query:
        return Query.fuzzy_term_query(
            self._snapshot.schema.tantivy, column.value, word, edits, how.transpositions, False
        )
