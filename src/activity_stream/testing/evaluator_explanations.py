"""What `search/explanations` wants to know of some documents in memory, or of objects in them."""

from collections.abc import Sequence
from itertools import product

from activity_stream.fields import Field, FieldType
from activity_stream.search import query as q
from activity_stream.search.explanations import Occurrence, Slots
from activity_stream.search.fuzzy import edits_of, nearest
from activity_stream.search.lengths import stored_length
from activity_stream.testing.evaluator_documents import Corpus, Document
from activity_stream.testing.evaluator_functions import Function
from activity_stream.testing.evaluator_queries import Queries


class Explaining:
    """Some documents of a corpus; `nested`: objects of that field."""

    def __init__(self, corpus: Corpus, documents: Sequence[Document], now_ms: int, nested: str | None = None) -> None:
        self._corpus = corpus
        self._documents = documents
        self._now_ms = now_ms
        self._nested = nested

    def field(self, name: str) -> Field | None:
        """The field of a name, if it can be searched here."""
        field = self._corpus.field(name)
        return field if field is not None and field.nested == self._nested else None

    def scores(self, node: q.Node, boost: float) -> Sequence[float | None]:
        """Each document is asked."""
        score = Queries(self._corpus, self._now_ms).score(node, boost)
        return [score(each) for each in self._documents]

    def factors(self, function: q.ScoreFunction) -> Sequence[float]:
        """What each is worth by a function."""
        bare = q.ScoreFunction(of=function.of)
        made = Function(bare, self._corpus, self._now_ms, Queries(self._corpus, self._now_ms).score)
        return [made.factor(each) or 0.0 for each in self._documents]

    def having(self, field: Field, word: str) -> int:
        """How many documents have a word, or a value."""
        return self._corpus.statistics(field).with_term[_value(field, word)]

    def statistics(self, field: Field) -> tuple[int, float]:
        """How many documents have words in a text, or values, and how many on average."""
        found = self._corpus.statistics(field)
        return found.documents, found.mean_length if found.documents else 1.0

    def occurrences(self, field: Field, slots: Slots, slop: int) -> Sequence[Occurrence | None]:
        """How often a word or a phrase is in each of them."""
        if field.type is not FieldType.TEXT:
            value = _value(field, slots[0][0])
            return [Occurrence(1.0, 1) if value in each.values(field) else None for each in self._documents]
        found = []
        for each in self._documents:
            often = _often(each.positions(field), slots, slop)
            found.append(Occurrence(often, stored_length(each.terms(field).total())) if often else None)
        return found

    def meant(self, field: Field, node: q.Fuzzy) -> Sequence[tuple[str, float]]:
        """The words that one with mistakes can be meant for."""
        known = [str(term) for term in self._corpus.statistics(field).with_term]
        edits = edits_of(node.fuzzy, node.value)
        return nearest(node.value, edits, node.fuzzy, known, node.fuzzy.max_expansions)

    def begun(self, field: Field, beginning: str, most: int) -> Sequence[str]:
        """The words that begin so."""
        known = sorted(str(term) for term in self._corpus.statistics(field).with_term)
        return [word for word in known if word.startswith(beginning)][:most]

    def objects(self, node: q.Nested) -> tuple["Explaining", Sequence[Sequence[int]]]:
        """The objects that a nested query finds in these documents."""
        field = self._corpus.mapped(node.path)
        if field is None or field.type is not FieldType.NESTED:
            return self, [()] * len(self._documents)
        corpus = self._corpus.objects(field)
        finds = Queries(corpus, self._now_ms).score(node.query)
        objects: list[Document] = []
        those = []
        for document in self._documents:
            found = [each for each in document.objects(field) if finds(each) is not None]
            those.append(range(len(objects), len(objects) + len(found)))
            objects += found
        return Explaining(corpus, objects, self._now_ms, field.name), those


def _value(field: Field, word: str) -> q.Scalar:
    return word == "true" if field.type is FieldType.BOOLEAN else word


def _often(places: dict[str, list[int]], slots: Slots, slop: int) -> float:
    """How often words stand in the places of a phrase, each time the less the farther they have moved."""
    standing = [sorted({place for word in slot for place in places.get(word, ())}) for slot in slots]
    found = 0.0
    for chosen in product(*standing):
        moved = [place - offset for offset, place in enumerate(chosen)]
        if len(set(chosen)) == len(chosen) and max(moved) - min(moved) <= slop:
            found += 1 / (1 + max(moved) - min(moved))
    return found
