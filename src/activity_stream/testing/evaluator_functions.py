"""What a `function_score` query means for one document."""

from collections.abc import Callable, Sequence

from activity_stream.fields import FieldType
from activity_stream.search.functions import combiner, decay_factor, value_factor
from activity_stream.search.query import Decay, FunctionScore, Node, ScoreFunction
from activity_stream.search.resolve import function_asked
from activity_stream.testing.evaluator_documents import Corpus, Document

Score = Callable[[Document], float | None]


class Function:
    """One function, ready for the documents of a corpus. `score` makes queries ready. Raises SearchRefused."""

    def __init__(self, function: ScoreFunction, corpus: Corpus, now_ms: int, score: Callable[[Node], Score]) -> None:
        self.weight = 1.0 if function.weight is None else function.weight
        self._filter = None if function.filter is None else score(function.filter)
        self._field = None if function.of is None else corpus.mapped(function.of.field)
        self._worth = None
        if function.of is not None:
            function_asked(self._field, function.of, now_ms)
            if not isinstance(function.of, Decay):
                self._worth = value_factor(function.of)
            elif self._field is not None:
                self._worth = decay_factor(function.of, self._field, now_ms)

    def factor(self, document: Document) -> float | None:
        """What the document is worth, weighted; None where the function is not for it."""
        if self._filter is not None and self._filter(document) is None:
            return None
        if self._worth is None:
            return self.weight
        field = self._field
        if field is None:
            return self._worth(()) * self.weight
        if field.type is FieldType.GEO_POINT:
            return self._worth(document.places(field)) * self.weight
        return self._worth([float(each) for each in document.values(field)]) * self.weight


def by_functions(node: FunctionScore, functions: Sequence[Function], score: Score, document: Document) -> float | None:
    """The score of a document; None where it is not found, or has too little."""
    base = score(document)
    if base is None:
        return None
    if not functions:
        return None if node.min_score is not None and base < node.min_score else base
    those = [(factor, each.weight) for each in functions if (factor := each.factor(document)) is not None]
    found = combiner(node)(base, [factor for factor, _ in those], [weight for _, weight in those])
    return None if node.min_score is not None and found < node.min_score else found
