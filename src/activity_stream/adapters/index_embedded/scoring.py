"""Scores of single words and phrases: Lucene's BM25 (k1 1.2, b 0.75), over the documents that are visible.

    word     a union of constant scores: one for each length of a text and number of times that the word is in one
    phrase   the documents are looked at, if they are few; else tantivy's score, as rare as the phrase is

tantivy takes rarity and mean length from all documents that it has, with a field or without it, hidden ones too, and
keeps a constant factor (k1 + 1), which Lucene has dropped.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence

from tantivy import DocAddress, Query

from activity_stream.adapters.index_embedded.entries import WORTH_SEPARATOR, worth_of
from activity_stream.adapters.index_embedded.predicates import Predicates, both, either, nothing, unscored
from activity_stream.adapters.index_embedded.reader import ValueReader
from activity_stream.adapters.index_embedded.resembling import Resembling
from activity_stream.adapters.index_embedded.schema import OBJECT, SEQUENCE, Column
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.fields import FieldType
from activity_stream.search import refusals
from activity_stream.search.lengths import stored_length
from activity_stream.search.limits import MOST_SLOPPY
from activity_stream.search.phrases import arrangements, frequency, is_near, times, with_ends
from activity_stream.search.query import Fuzziness
from activity_stream.search.rarity import K1, RESEMBLING, B, blended, fewest_words, idf, rarity

FACTOR = K1 + 1
Places = Mapping[str, Sequence[int]]
MOST_PHRASES = 1_000
"""Documents with a phrase in which it is counted how often they have it."""
_MOST_REMEMBERED = 1_000
_MOST_COUNTED = 20_000


class Scorer:
    """Makes the scored conditions, of documents that are `visible`. With `scope`, every statistic comes from the
    documents that it finds; `name` is the number that it is remembered by, None where it is not. `every`: no beginning
    of a word has a limit of the words that it can be."""

    def __init__(
        self,
        snapshot: Snapshot,
        visible: Query,
        scope: Query | None,
        reader: ValueReader,
        *,
        name: int | None = None,
        every: bool = False,
    ) -> None:
        self._name = name
        self._every = every
        self._reader = reader
        self._snapshot = snapshot
        self._visible = unscored(visible)
        self._scope = scope
        self._predicates = Predicates(snapshot)
        self.scored = True
        self._numbers = SEQUENCE

    @property
    def constant(self) -> bool:
        """Whether a word has the same score in every document."""
        return self._scope is not None

    @property
    def _is_among_others(self) -> bool:
        """Whether it is about objects in a nested field, those of documents outside of the scope among them."""
        return self._scope is not None and self._numbers == OBJECT

    def within(self, objects: Query) -> "Scorer":
        """The same over the objects of a nested field. With a scope those of others are among them: no limit may tell
        of their words, and scores are not shown."""
        scope = None if self._scope is None else objects
        made = Scorer(self._snapshot, objects, scope, self._reader, every=scope is not None)
        made.scored = self.scored
        made._numbers = OBJECT
        return made

    def word(self, column: Column, word: str) -> Query:
        """Documents with the word, by how often and how rare."""
        query = Query.term_query(self._snapshot.schema.tantivy, column.value, word, "freq")
        if self._scope is not None:
            return self._in_scope(column, query, word)
        return self._weighed(column, word, self._weight(column, word))

    def across(self, columns: Sequence[tuple[Column, float]], word: str, tie_breaker: float) -> Query:
        """Documents with the word in any of some texts, of which the best counts, by its boost. The word is about as
        rare in all of them as in the one that has it most often."""
        if not self.scored:
            return either([self._predicates.term(column.value, word) for column, _ in columns])
        counts = [self._having(column, word) for column, _ in columns]
        documents = [each for _, each in counts]
        having = blended([each for each, _ in counts], documents, self._most([column for column, _ in columns], counts))
        parts = []
        for (column, boost), number, of in zip(columns, having, documents, strict=True):
            if self._scope is None:
                made = self._weighed(column, word, idf(number, of))
            else:
                made = Query.const_score_query(self._predicates.term(column.value, word), rarity(number, of))
            parts.append(made if boost == 1.0 else Query.boost_query(made, boost))
        return Query.disjunction_max_query(parts, float(tie_breaker))

    def _having(self, column: Column, word: str) -> tuple[int, int]:
        """How many documents count as having a word in a text, and how many as having any there."""
        if self._scope is not None:
            return self._having_in_scope(column, self._predicates.term(column.value, word), word)
        return self.having(column, word), self.statistics(column)[0]

    def _most(self, columns: Sequence[Column], counts: Sequence[tuple[int, int]]) -> int:
        """How many documents can count as having a word at most. With a scope lengths do not count."""
        having, documents = [each for each, _ in counts], [number for _, number in counts]
        if self._scope is not None:
            return max(documents)
        return fewest_words(having, documents, [self.statistics(column)[1] for column in columns])

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
                self._in_scope(column, exact, word),
                Query.boost_query(self._in_scope(column, others, (word, edits, how)), RESEMBLING),
            ]
            return Query.disjunction_max_query(parts, 0.0)
        words = resembling.words(column, word, edits, how, how.max_expansions)
        if column.field.type is FieldType.KEYWORD:
            return self._values(column, words)
        weights = [self._weight(column, each) for each, _ in words] or [0.0]
        return either([self._weighed(column, word, min(weights) * worth) for word, worth in words])

    def _values(self, column: Column, values: list[tuple[str, float]]) -> Query:
        """Documents with one of these values of a keyword, which all are as rare as the most frequent of them."""
        having = [both(self._predicates.term(column.value, value), self._visible) for value, _ in values]
        most = max((self._snapshot.count(each) for each in having), default=0)
        weight = self._worth_of_value(column, most)
        parts = zip(having, (worth for _, worth in values), strict=True)
        return either([Query.const_score_query(each, weight * worth) for each, worth in parts])

    def phrase(self, column: Column, words: list[str], slop: int = 0) -> Query:
        """Documents with the words next to each other, or moved by so many places."""
        if self._is_among_others:
            return self._moved(column, words, slop)
        if slop and (len(words) != 2 or words[0] == words[1]):
            return self._near(column, words, slop)
        query = self._predicates.phrase(column.value, words, slop)
        if self._scope is not None:
            return self._in_scope(column, query, (*words, slop))
        weight = sum(self._weight(column, word) for word in words)
        if not self.scored or weight == 0.0:
            return query
        if self._snapshot.count(both(query, self._visible)) <= MOST_PHRASES:
            return self._counted(column, query, weight, lambda places: frequency(places, words, slop))
        theirs = sum(self._weight_to_tantivy(column, word) for word in words)
        return Query.boost_query(query, weight / theirs / FACTOR)

    def _counted(self, column: Column, query: Query, weight: float, times: Callable[[Places], float]) -> Query:
        """Documents with a phrase of this weight, by how often they have it (`times`, of where their words stand) and
        how long their texts are."""
        hits = self._snapshot.searcher.search(both(query, self._visible), limit=MOST_PHRASES, count=False).hits
        addresses = [address for _, address in hits]
        places = self._snapshot.searcher.fast_field_values(self._numbers, addresses)
        lengths = self._snapshot.searcher.fast_field_values(column.length, addresses)
        alike: dict[float, list[int]] = {}
        for address, place, length in zip(addresses, places, lengths, strict=True):
            number = times(self._reader.positions(column, address))
            score = weight * self._share(column, stored_length(int(length or 1)), number or 1.0)
            alike.setdefault(score, []).append(int(place or 0))
        return either([Query.const_score_query(self._predicates.any_of(self._numbers, x), s) for s, x in alike.items()])

    def _weighed(self, column: Column, word: str, weight: float) -> Query:
        """Documents with the word, of this weight."""
        if not self.scored:
            return self._predicates.term(column.value, word)
        schema, parts = self._snapshot.schema.tantivy, []
        for term, _ in self.worths(column, word):
            score = weight * self._share(column, *worth_of(term))
            parts.append(Query.const_score_query(Query.term_query(schema, column.worth, term, "basic"), score))
        return either(parts)

    def _share(self, column: Column, length: int, frequency: float) -> float:
        """How much of a word's weight a text of this stored length is worth that has it so often."""
        _, mean = self.statistics(column)
        return frequency / (frequency + K1 * (1 - B + B * length / mean))

    def worths(self, column: Column, word: str) -> list[tuple[str, int]]:
        """What the score of a word depends on, in the visible documents that have it: terms, and how many have each."""
        known = self._snapshot.worths
        found = known.get((column.worth, word))
        if found is None:
            begun = self._snapshot.searcher.terms_with_prefix(column.worth, word + WORTH_SEPARATOR, self._visible)
            found = [(term, count) for term, count in begun if count]
            if len(known) < _MOST_REMEMBERED:
                known[column.worth, word] = found
        return found

    def statistics(self, column: Column) -> tuple[int, float]:
        """How many visible documents have words in a text, or values, and how many on average."""
        if column.field.type is not FieldType.TEXT:
            return self._statistics_of_values(column)
        found = self._snapshot.statistics.get(column.length)
        if found is None:
            asked = {"of": {"stats": {"field": column.length}}}
            of = self._snapshot.searcher.aggregate(self._visible, asked)["of"]
            found = self._snapshot.statistics[column.length] = (int(of["count"]), float(of["avg"] or 1.0))
        return found

    def _near(self, column: Column, words: list[str], slop: int, ends: Sequence[str] = ()) -> Query:
        """Documents with several words that have moved, and then any of `ends`, if there are some: each document that
        has them all is looked at. They are worth as much as a text of average length that has the words once, at
        least."""
        having = [self._predicates.term(column.value, word) for word in dict.fromkeys(words)]
        wanted = [*words, ""] if ends else words
        if ends:
            having.append(self._predicates.any_of(column.value, ends))

        def standing(address: DocAddress) -> Places:
            places = self._reader.positions(column, address)
            return with_ends(places, ends) if ends else places

        seen = both(*having, self._scope or self._visible)
        candidates = self._snapshot.count(seen)
        if candidates > MOST_SLOPPY:
            raise refusals.illegal(
                f"[slop] with several words looks at each document that has all of them, at most {MOST_SLOPPY:,}; "
                f"{candidates:,} have the words of [{column.field.name}]: leave [slop] out, or add words"
            )
        found = [a for _, a in self._snapshot.every(seen) if is_near(standing(a), wanted, slop)]
        numbers = self._snapshot.searcher.fast_field_values(self._numbers, found)
        near = self._predicates.any_of(self._numbers, [each for each in numbers if each is not None])
        if self._scope is not None:
            return Query.const_score_query(near, 1.0) if ends else self._in_scope(column, near, (*words, slop))
        weight = sum(self._weight(column, word) for word in (*words, *ends))
        if self.scored and len(found) <= MOST_PHRASES:
            return self._counted(column, near, weight, lambda places: times(places, words, ends, slop))
        near = Query.const_score_query(near, weight / FACTOR)
        return near if ends else Query.disjunction_max_query([near, self.phrase(column, words)], 0.0)

    def _moved(self, column: Column, words: list[str], slop: int) -> Query:
        """The same without a look at what finds them, among which are others' objects: all ways in which the words can
        stand are asked for. Scores are not shown."""
        ways = arrangements(len(words), slop)
        if ways is None:
            raise refusals.illegal(
                f"[slop] within [nested]: {len(words)} words of [{column.field.name}] can stand in too many ways, "
                "use less of it, or fewer words"
            )
        return either([self._predicates.placed(column.value, list(zip(places, words, strict=True))) for places in ways])

    def begun(self, column: Column, words: list[str], most: int, slop: int = 0) -> Query:
        """Documents with the words next to each other, where the last one is how a word begins: of the words that begin
        so, and that are in documents to be seen, the first `most` count.

        As in Lucene's MultiPhraseQuery, a document's weight is that of all these words, whichever of them it has.
        """
        *before, last = words
        ends = self.begun_words(column, last, most)
        if slop and before:
            if self._is_among_others:
                return either([self._moved(column, [*before, end], slop) for end in ends])
            return self._near(column, before, slop, ends) if ends else nothing()
        if self._scope is not None:
            return Query.const_score_query(either([self._next_to(column, [*before, end]) for end in ends]), 1.0)
        if not before:
            return either([self.word(column, end) for end in ends])
        first = sum(self._weight(column, word) for word in before)
        weights = [self._weight(column, end) for end in ends]
        whole = first + sum(weights)
        anywhere = either([self._next_to(column, [*before, end]) for end in ends])
        if self.scored and self._snapshot.count(both(anywhere, self._visible)) <= MOST_PHRASES:
            return self._counted(column, anywhere, whole, lambda places: times(places, before, ends, 0))
        phrases = [self.phrase(column, [*before, end]) for end in ends]
        parts = [Query.boost_query(*each) for each in zip(phrases, (whole / (first + w) for w in weights), strict=True)]
        return Query.disjunction_max_query(parts, 0.0) if parts else nothing()

    def begun_words(self, column: Column, beginning: str, most: int) -> list[str]:
        """The words that begin so, and that are in documents to be seen: the first `most` of them."""
        found = self._snapshot.searcher.terms_with_prefix(column.value, beginning, self._visible)
        return sorted(word for word, count in found if count)[: None if self._every else most]

    def _next_to(self, column: Column, words: list[str]) -> Query:
        if len(words) == 1:
            return self._predicates.term(column.value, words[0])
        return self._predicates.phrase(column.value, words)

    def _weight(self, column: Column, word: str) -> float:
        """How rare a word is among the visible documents that have words there."""
        return idf(*self._having(column, word))

    def having(self, column: Column, word: str) -> int:
        """How many visible documents have a word, or a value as its text."""
        if column.field.type is not FieldType.TEXT:
            return self._snapshot.count(both(self.value(column, word), self._visible))
        return sum(count for _, count in self.worths(column, word))

    def _weight_to_tantivy(self, column: Column, word: str) -> float:
        """How rare a word is to tantivy, of which it makes a phrase's weight."""
        return idf(self._snapshot.searcher.doc_freq(column.value, word), self._snapshot.searcher.num_docs)

    def flag(self, column: Column, value: int) -> Query:
        """Documents with a boolean, by how rare it is; as in OpenSearch, which gives other exact values no rarity."""
        query = self._predicates.term(column.value, value)
        if self._scope is not None:
            return Query.const_score_query(query, 1.0)
        having = self._snapshot.count(both(query, self._visible))
        return Query.const_score_query(query, self._worth_of_value(column, having))

    def value(self, column: Column, text: str) -> Query:
        """Documents with a keyword, or a boolean as its text."""
        value = int(text == "true") if column.field.type is FieldType.BOOLEAN else text
        return self._predicates.term(column.value, value)

    def _worth_of_value(self, column: Column, having: int) -> float:
        """The score of an exact value that so many documents have. It is taken for a text of one word, among texts of
        as many words as documents have values."""
        documents, mean = self._statistics_of_values(column)
        return idf(having, documents) / (1 + K1 * (1 - B + B / mean))

    def _statistics_of_values(self, column: Column) -> tuple[int, float]:
        """How many visible documents have values, and how many on average."""
        found = self._snapshot.statistics.get(column.value)
        if found is None:
            number = self._values_of(column)
            documents = self._snapshot.count(both(self._predicates.has(column.present), self._visible))
            found = self._snapshot.statistics[column.value] = (documents, number / max(1, documents) or 1.0)
        return found

    def _values_of(self, column: Column) -> float:
        """How many values all documents have, each once in a document."""
        if column.field.type is FieldType.BOOLEAN:
            having = (both(self._predicates.term(column.value, value), self._visible) for value in (0, 1))
            return sum(self._snapshot.count(each) for each in having)
        asked = {"of": {"value_count": {"field": column.value}}}
        return float(self._snapshot.searcher.aggregate(self._visible, asked)["of"]["value"] or 0)

    def _in_scope(self, column: Column, query: Query, words: Hashable) -> Query:
        """Documents that a query of some words finds, by how rare they are within the scope."""
        if not self.scored:
            return query
        return Query.const_score_query(query, rarity(*self._having_in_scope(column, query, words)))

    def _having_in_scope(self, column: Column, query: Query, words: Hashable) -> tuple[int, int]:
        """How many documents of the scope a query of some words finds, and how many have the field."""
        scope = unscored(self._scope or Query.all_query())
        having = self._counted_once((column.value, words), both(query, scope))
        return having, self._counted_once((column.value,), both(self._predicates.has(column.present), scope))

    def _counted_once(self, what: tuple[Hashable, ...], query: Query) -> int:
        """How many documents a query finds, remembered by what it is about, and the name of the scope."""
        known, key = self._snapshot.counts, (self._name, *what)
        found = None if self._name is None else known.get(key)
        if found is None:
            found = self._snapshot.count(query)
            if self._name is not None and len(known) < _MOST_COUNTED:
                known[key] = found
        return found
