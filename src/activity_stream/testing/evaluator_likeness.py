"""`more_like_this` over documents in memory."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from activity_stream.fields import Field, FieldType
from activity_stream.model import Generation
from activity_stream.search.analysis import tokens
from activity_stream.search.likeness import Telling, telling, weights
from activity_stream.search.minimum import minimum_should_match
from activity_stream.search.query import MoreLikeThis, Node, Term
from activity_stream.testing.evaluator_documents import Corpus, Document

Score = Callable[[Document], float | None]


def like(
    node: MoreLikeThis,
    fields: Mapping[str, Field],
    corpus: Corpus,
    generation: Generation,
    score: Callable[[Node], Score],
) -> Score:
    """How like a document of a generation is."""
    mine = [each for each in corpus.documents if each.generation == generation]
    nested = [each for each in corpus.fields if each.type is FieldType.NESTED]
    number = len(mine) + sum(len(each.objects(field)) for each in mine for field in nested)
    skipped = {word for text in node.unlike for word in tokens(text)}

    def having(field: str, word: str) -> int:
        return sum(word in each.positions(fields[field]) for each in mine)

    def told(words: Counter[str], names: Sequence[str]) -> list[Telling]:
        left = Counter({word: often for word, often in words.items() if word not in skipped})
        return telling(node, left, names, having, number)

    liked = [each for each in mine if each.id in node.ids]
    liked += [Document(generation, "", b"", each, 0) for each in node.documents]
    groups = [told(Counter(word for text in node.texts for word in tokens(text)), list(fields)), []]
    for name, field in fields.items():
        words = sum((Counter({w: len(at) for w, at in each.positions(field).items()}) for each in liked), Counter())
        groups[1] += told(words, [name])
    return partial(_any_group, [(_scores(node, found, score), _needed(node, found)) for found in groups if found])


def _scores(node: MoreLikeThis, found: Sequence[Telling], score: Callable[[Node], Score]) -> list[Score]:
    pairs = zip(found, weights(node, found), strict=True)
    return [score(Term(field=each.field, value=each.word, boost=weight)) for each, weight in pairs]


def _needed(node: MoreLikeThis, found: Sequence[Telling]) -> int:
    return max(1, minimum_should_match(node.minimum_should_match, len(found)))


def _any_group(groups: Sequence[tuple[Sequence[Score], int]], document: Document) -> float | None:
    total = None
    for scores, needed in groups:
        values = [value for score in scores if (value := score(document)) is not None]
        if len(values) >= needed:
            total = (total or 0.0) + sum(values)
    return total
