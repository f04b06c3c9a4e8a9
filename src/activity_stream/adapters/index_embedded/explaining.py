"""What `search/explanations` wants to know of some documents of the embedded index, or of objects in them."""

from collections.abc import Sequence

import tantivy
from tantivy import Query

from activity_stream.adapters.index_embedded.entries import worth_of
from activity_stream.adapters.index_embedded.predicates import Predicates, both, either, unscored
from activity_stream.adapters.index_embedded.reader import ValueReader
from activity_stream.adapters.index_embedded.resembling import Resembling
from activity_stream.adapters.index_embedded.schema import OUTER, SEQUENCE, Column
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.adapters.index_embedded.translate import Translator
from activity_stream.adapters.index_embedded.worked import Worked, needs_working_out, place_of
from activity_stream.fields import Field, FieldType
from activity_stream.search import query as q
from activity_stream.search.explanations import Occurrence, Slots
from activity_stream.search.fuzzy import edits_of
from activity_stream.search.lengths import stored_length
from activity_stream.search.phrases import times


class Explaining:
    """Documents, or objects in a nested field, at these addresses. `translator` and `scorer` make queries over all of
    their kind; `within`: a query that finds these among them, and few others."""

    def __init__(
        self,
        snapshot: Snapshot,
        reader: ValueReader,
        translator: Translator,
        now_ms: int,
        addresses: list[tantivy.DocAddress],
        within: Query,
    ) -> None:
        self._snapshot = snapshot
        self._reader = reader
        self._translator = translator
        self._scorer = translator.scorer
        self._predicates = Predicates(snapshot)
        self._now_ms = now_ms
        self._addresses = addresses
        self._within = both(unscored(within), unscored(translator.visible))

    def field(self, name: str) -> Field | None:
        """The field of a name, if it can be searched here."""
        column = self._translator.column(name)
        return None if column is None else column.field

    def scores(self, node: q.Node, boost: float) -> Sequence[float | None]:
        """By tantivy, or worked out."""
        if needs_working_out(node, nested=True):
            found = self._worked().scores(node, boost)
        else:
            query = Query.boost_query(self._translator.query(node), boost)
            hits = self._snapshot.every(both(query, self._within))
            found = {place_of(address): float(score) for score, address in hits}
        return [found.get(place_of(address)) for address in self._addresses]

    def factors(self, function: q.ScoreFunction) -> Sequence[float]:
        """What each is worth by a function."""
        return self._worked().factors(function, self._addresses)

    def having(self, field: Field, word: str) -> int:
        """How many documents have a word, or a value."""
        return self._scorer.having(self._column(field), word)

    def statistics(self, field: Field) -> tuple[int, float]:
        """How many documents have words in a text, or values, and how many on average."""
        return self._scorer.statistics(self._column(field))

    def occurrences(self, field: Field, slots: Slots, slop: int) -> Sequence[Occurrence | None]:
        """Of a word by its column, of a phrase by where its words stand."""
        column = self._column(field)
        if len(slots) == 1 and len(slots[0]) == 1:
            return self._of_word(column, slots[0][0])
        lengths = self._snapshot.searcher.fast_field_values(column.length, self._addresses)
        places = [self._reader.positions(column, address) for address in self._addresses]
        words = [slot[0] for slot in slots if len(slot) == 1]
        ends = slots[-1] if len(slots[-1]) != 1 else ()
        often = [times(each, words, ends, slop) for each in places]
        return [
            Occurrence(number, stored_length(int(length or 1))) if number else None
            for number, length in zip(often, lengths, strict=True)
        ]

    def meant(self, field: Field, node: q.Fuzzy) -> Sequence[tuple[str, float]]:
        """The words that one with mistakes can be meant for."""
        words = Resembling(self._snapshot, self._reader, self._predicates, self._translator.visible)
        edits = edits_of(node.fuzzy, node.value)
        return words.words(self._column(field), node.value, edits, node.fuzzy, node.fuzzy.max_expansions)

    def begun(self, field: Field, beginning: str, most: int) -> Sequence[str]:
        """The words that begin so."""
        return self._scorer.begun_words(self._column(field), beginning, most)

    def objects(self, node: q.Nested) -> tuple["Explaining", Sequence[Sequence[int]]]:
        """The objects that a nested query finds in these documents."""
        column = self._translator.nested_column(node.path)
        sequences = self._snapshot.searcher.fast_field_values(SEQUENCE, self._addresses)
        if column is None:
            return self, [()] * len(self._addresses)
        theirs = self._predicates.any_of(OUTER, [each for each in sequences if each is not None])
        inner = self._translator.inside(column)
        hits = self._snapshot.every(both(unscored(inner.query(node.query)), theirs, inner.visible))
        addresses = [address for _, address in hits]
        of: dict[int, list[int]] = {}
        for number, outer in enumerate(self._snapshot.searcher.fast_field_values(OUTER, addresses)):
            of.setdefault(int(outer or 0), []).append(number)
        made = Explaining(self._snapshot, self._reader, inner, self._now_ms, addresses, theirs)
        return made, [of.get(int(each or 0), []) for each in sequences]

    def _of_word(self, column: Column, word: str) -> Sequence[Occurrence | None]:
        if column.field.type is not FieldType.TEXT:
            hits = self._snapshot.every(both(self._scorer.value(column, word), self._within))
            having = {place_of(address) for _, address in hits}
            return [Occurrence(1.0, 1) if place_of(address) in having else None for address in self._addresses]
        schema = self._snapshot.schema.tantivy
        terms = [term for term, _ in self._scorer.worths(column, word)]
        numbered = [
            Query.const_score_query(Query.term_query(schema, column.worth, term, "basic"), float(number))
            for number, term in enumerate(terms)
        ]
        hits = self._snapshot.every(both(either(numbered), self._within)) if numbered else ()
        found = {place_of(address): worth_of(terms[round(score)]) for score, address in hits}
        those = (found.get(place_of(address)) for address in self._addresses)
        return [None if each is None else Occurrence(each[1], each[0]) for each in those]

    def _worked(self) -> Worked:
        return Worked(self._snapshot, self._reader, self._translator, self._within, self._now_ms, nested=True)

    def _column(self, field: Field) -> Column:
        column = self._translator.column(field.name)
        if column is None:
            raise LookupError(f"the field {field.name} cannot be searched")
        return column
