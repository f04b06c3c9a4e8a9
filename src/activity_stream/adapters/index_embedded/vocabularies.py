"""The words of a field in the index of each published generation, for suggestions."""

from collections.abc import Sequence
from functools import partial

from tantivy import Query

from activity_stream.adapters.index_embedded.entries import WORTH_SEPARATOR, worth_of
from activity_stream.adapters.index_embedded.predicates import both
from activity_stream.adapters.index_embedded.schema import GENERATION, Column
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.adapters.index_embedded.stopping import look
from activity_stream.fields import Field
from activity_stream.model import Alias
from activity_stream.search.spelling import Totals, Vocabulary


class Vocabularies:
    """Those of an alias. Each has the words of the documents that are visible, and of the objects in these."""

    def __init__(self, snapshot: Snapshot, alias: Alias) -> None:
        self._snapshot = snapshot
        self._alias = alias

    def of(self, field: Field) -> Sequence[Vocabulary]:
        """One for each index."""
        column = self._snapshot.schema.column(self._alias, field.name)
        if column is None:
            return ()
        names = [each.index_name(self._alias) for each in self._snapshot.generations.values()]
        return [self._vocabulary(column, name) for name in names]

    def _vocabulary(self, column: Column, name: str) -> Vocabulary:
        mine = self._snapshot.term(GENERATION, name)
        return Vocabulary(
            self._snapshot.count(mine),
            partial(self._known, column, mine),
            partial(self._often, column, mine),
            partial(self._totals, column, name, mine),
            look,
        )

    def _known(self, column: Column, mine: Query, begun: str) -> dict[str, int]:
        """The words that begin so, and how many documents have each."""
        found = self._snapshot.searcher.terms_with_prefix(column.value, begun, mine)
        return {word: number for word, number in found if number}

    def _often(self, column: Column, mine: Query, word: str) -> int:
        """How often a word is in all documents."""
        if not column.worth:
            return self._snapshot.count(both(self._snapshot.term(column.value, word), mine))
        if any(each.isspace() for each in word):
            return 0
        found = self._snapshot.searcher.terms_with_prefix(column.worth, word + WORTH_SEPARATOR, mine)
        return sum(number * worth_of(term)[1] for term, number in found)

    def _totals(self, column: Column, name: str, mine: Query) -> Totals:
        """How many words there are: reads all of them, once for each state of the index."""
        found = self._snapshot.totals.get((column.value, name))
        if found is None:
            counts = self._known(column, mine, "").values()
            every = sum(counts)
            if column.worth:
                asked = {"of": {"sum": {"field": column.length}}}
                every = int(self._snapshot.searcher.aggregate(mine, asked)["of"]["value"] or 0)
            found = self._snapshot.totals[column.value, name] = Totals(every, len(counts))
        return found
