"""BM25 as Lucene 10 has it (BM25Similarity, k1 1.2, b 0.75), with the lengths of fields rounded as Lucene stores them.

weight(term) = ln(1 + (N - n + 0.5) / (n + 0.5))          N documents have the field, n of them the term
score        = boost * weight * f / (f + k1 * (1 - b + b * length / mean length))
"""

from collections.abc import Sequence
from itertools import product
from math import log

from activity_stream.fields import Field, FieldType
from activity_stream.search.lengths import stored_length
from activity_stream.search.query import Scalar
from activity_stream.testing.evaluator_documents import Corpus, Document

_K1 = 1.2
_B = 0.75


def term_score(corpus: Corpus, field: Field, term: Scalar, document: Document) -> float | None:
    """The score of a term in a document's field, None if it is not there."""
    frequency = document.terms(field)[term]
    return None if not frequency else _score(corpus, field, [term], frequency, document)


def phrase_score(corpus: Corpus, field: Field, words: list[str], slop: int, document: Document) -> float | None:
    """The score of words that stand next to each other in a document's text, or moved by at most so many places, the
    less the farther; None if they do not."""
    frequency = _times([document.positions(field).get(word, ()) for word in words], slop)
    return None if not frequency else _score(corpus, field, list(words), frequency, document)


def blended_score(corpus: Corpus, field: Field, words: Sequence[tuple[str, float]], document: Document) -> float | None:
    """The score of words of which each has a worth, and all are as rare as the most frequent one (Lucene's
    BlendedTermQuery); None if none of them is there."""
    statistics = corpus.statistics(field)
    most = max((statistics.with_term[word] for word, _ in words), default=0)
    found = [
        worth * _score(corpus, field, [word], document.terms(field)[word], document, having=most)
        for word, worth in words
        if document.terms(field)[word]
    ]
    return sum(found) if found else None


def across_score(
    corpus: Corpus, texts: Sequence[tuple[Field, float]], word: str, tie_breaker: float, document: Document
) -> float | None:
    """The best score of a word in any of some texts, each with a boost; None if it is in none of them. It is as rare in
    all of them as in the one that has it most often, a document less for each number under that (OpenSearch's
    BlendedTermQuery)."""
    known = [(field, boost, corpus.statistics(field)) for field, boost in texts]
    known = [each for each in known if each[2].with_term[word]]
    numbers = sorted({statistics.with_term[word] for _, _, statistics in known}, reverse=True)
    limit = min((round(each.documents * each.mean_length) for _, _, each in known), default=0)
    found = []
    for field, boost, statistics in known:
        if document.terms(field)[word]:
            fewer = numbers.index(statistics.with_term[word])
            having = min(limit, statistics.documents, min(limit, numbers[0]) + fewer)
            found.append(boost * _score(corpus, field, [word], document.terms(field)[word], document, having=having))
    return max(found) + tie_breaker * (sum(found) - max(found)) if found else None


def _times(places: Sequence[Sequence[int]], slop: int) -> float:
    """How often words of which each stands in such places stand as in a phrase, the less the farther they moved."""
    frequency = 0.0
    for chosen in product(*places):
        moved = [place - offset for offset, place in enumerate(chosen)]
        if len(set(chosen)) == len(chosen) and max(moved) - min(moved) <= slop:
            frequency += 1 / (1 + max(moved) - min(moved))
    return frequency


def begun_score(
    corpus: Corpus, field: Field, before: list[str], ends: list[str], slop: int, document: Document
) -> float | None:
    """The score of words that stand next to each other in a document's text, and then any of `ends`, or moved as above;
    None if they do not. Source: Lucene's MultiPhraseQuery, which weighs all terms that it has."""
    positions = document.positions(field)
    last = sorted({place for end in ends for place in positions.get(end, ())})
    frequency = _times([*(positions.get(word, ()) for word in before), last], slop)
    return None if not frequency else _score(corpus, field, [*before, *ends], frequency, document)


def _score(
    corpus: Corpus,
    field: Field,
    terms: list[Scalar] | list[str],
    frequency: float,
    document: Document,
    having: int | None = None,
) -> float:
    """`having`: how many documents count as having a term, None for as many as do."""
    statistics = corpus.statistics(field)
    weight = 0.0
    for term in terms:
        with_term = statistics.with_term[term] if having is None else having
        weight += log(1 + (statistics.documents - with_term + 0.5) / (with_term + 0.5))
    # Lucene stores no length for other types than text, and takes it for 1.
    length = stored_length(document.terms(field).total()) if field.type is FieldType.TEXT else 1
    relative = length / statistics.mean_length
    return weight * frequency / (frequency + _K1 * (1 - _B + _B * relative))
