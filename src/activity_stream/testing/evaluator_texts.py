"""What queries of text mean for one document: `match`, `match_phrase` and `multi_match`."""

from collections.abc import Callable, Sequence
from functools import partial

from activity_stream.errors import SearchRefused
from activity_stream.fields import Field, FieldType
from activity_stream.search import refusals
from activity_stream.search.analysis import tokens
from activity_stream.search.fuzzy import edits_of, nearest
from activity_stream.search.minimum import minimum_should_match
from activity_stream.search.query import Fuzzy, Match, MatchPhrase, MatchPhrasePrefix, MultiMatch, Scalar
from activity_stream.search.values import json_text
from activity_stream.testing.evaluator_documents import Corpus, Document
from activity_stream.testing.evaluator_scores import across_score, begun_score, blended_score, phrase_score, term_score
from activity_stream.testing.evaluator_values import STRINGS, Test, equal_to

Score = Callable[[Document], float | None]


class TextQueries:
    """Makes them ready for the documents of a corpus; `now_ms` is what `now` means."""

    def __init__(self, corpus: Corpus, now_ms: int) -> None:
        self._corpus = corpus
        self._now_ms = now_ms

    def score(self, node: Match | MatchPhrase | MatchPhrasePrefix | MultiMatch | Fuzzy) -> Score:
        """How to score a document, the node's boost left out. Raises SearchRefused."""
        match node:
            case MultiMatch():
                return self._several(node)
            case MatchPhrasePrefix():
                return self._begun(node)
            case Fuzzy():
                return self._fuzzy(node)
        return self._words(node)

    def _words(self, node: Match | MatchPhrase) -> Score:
        field = self._corpus.field(node.field)
        if field is None:
            return _none
        if field.type is not FieldType.TEXT:
            return self._whole(field, node)
        words = tokens(json_text(node.query))
        if not words:
            return _all if node.zero_terms == "all" else _none
        if isinstance(node, MatchPhrase):
            return partial(phrase_score, self._corpus, field, words, node.slop)
        return self._any_words(field, node, words)

    def _least(self, node: Match | MultiMatch, words: list[str]) -> int:
        """How many of the words have to be there; it may be more than there are."""
        least = len(words) if node.operator == "and" else 1
        # With one word there is nothing to choose from, and a minimum does not count.
        if node.minimum_should_match is not None and len(words) > 1:
            optional = 0 if node.operator == "and" else len(words)
            asked = minimum_should_match(node.minimum_should_match, optional)
            least = max(least, len(words) + 1 if asked > optional else asked)
        return least

    def _any_words(self, field: Field, node: Match, words: list[str]) -> Score:
        least = self._least(node, words)
        if node.fuzzy is None:
            return partial(_words, self._corpus, field, words, least)
        scores = [self._fuzzy(Fuzzy(field=node.field, value=word, fuzzy=node.fuzzy)) for word in words]
        return partial(_enough, scores, least)

    def _fuzzy(self, node: Fuzzy) -> Score:
        """How to score a document by a value with mistakes. Raises SearchRefused."""
        field = self._corpus.field(node.field)
        if field is None:
            return _none
        if field.type not in STRINGS:
            raise refusals.wrong_kind("[fuzzy]", field.name, field.type)
        edits = edits_of(node.fuzzy, node.value)
        known = [str(term) for term in self._corpus.statistics(field).with_term]
        words = nearest(node.value, edits, node.fuzzy, known, node.fuzzy.max_expansions)
        return partial(blended_score, self._corpus, field, words)

    def _begun(self, node: MatchPhrasePrefix) -> Score:
        """How to score a document by words of which the last is only begun. Raises SearchRefused."""
        field = self._corpus.field(node.field)
        if field is None:
            return _none
        if field.type is not FieldType.TEXT:
            raise refusals.wrong_kind("[match_phrase_prefix]", field.name, field.type)
        words = tokens(json_text(node.query))
        if not words:
            return _all if node.zero_terms == "all" else _none
        known = sorted(str(term) for term in self._corpus.statistics(field).with_term)
        ends = [word for word in known if word.startswith(words[-1])][: node.max_expansions]
        if len(words) == 1:
            return partial(_words, self._corpus, field, ends, 1)
        return partial(begun_score, self._corpus, field, words[:-1], ends, node.slop)

    def _whole(self, field: Field, node: Match | MatchPhrase) -> Score:
        """A field that is not text: the whole value is what is looked for."""
        try:
            if isinstance(node, Match) and node.fuzzy is not None:
                return self._fuzzy(Fuzzy(field=field.name, value=json_text(node.query), fuzzy=node.fuzzy))
            test = equal_to(field, node.query, self._now_ms)
        except SearchRefused:
            if isinstance(node, Match) and node.lenient:
                return _none
            raise
        if field.type is FieldType.BOOLEAN:
            return partial(_scored, self._corpus, field, test)
        return partial(_found, field, test)

    def _several(self, node: MultiMatch) -> Score:
        """The best of the fields, plus the others' times the tie breaker; for most_fields that is 1."""
        if node.type == "cross_fields":
            return self._across(node)
        scores = [(self.score(self._on_one_field(node, name)), boost) for name, boost in node.fields]
        return partial(_best, scores, node.tie_breaker)

    def _across(self, node: MultiMatch) -> Score:
        """The best of the fields of text, as one field, and of the best of all others."""
        fields = [(field, boost) for name, boost in node.fields if (field := self._corpus.field(name)) is not None]
        texts = [(field, boost) for field, boost in fields if field.type is FieldType.TEXT]
        others = [
            (self.score(self._on_one_field(node, field.name)), boost)
            for field, boost in fields
            if field.type is not FieldType.TEXT
        ]
        parts: list[tuple[Score, float]] = [(partial(_best, others, node.tie_breaker), 1.0)]
        if texts:
            parts.append((self._words_across(node, texts), 1.0))
        return partial(_best, parts, node.tie_breaker)

    def _words_across(self, node: MultiMatch, texts: Sequence[tuple[Field, float]]) -> Score:
        words = tokens(json_text(node.query))
        if not words and len(texts) == 1:
            return partial(_best, [(self.score(self._on_one_field(node, texts[0][0].name)), texts[0][1])], 0.0)
        if not words:
            return _all if node.zero_terms == "all" else _none
        least = self._least(node, words)
        scores = [partial(across_score, self._corpus, texts, word, node.tie_breaker) for word in words]
        return partial(_enough, scores, least)

    def _on_one_field(self, node: MultiMatch, name: str) -> Match | MatchPhrase:
        field = self._corpus.field(name)
        if node.type == "phrase" and field is not None and field.type is FieldType.TEXT:
            return MatchPhrase(field=name, query=node.query, zero_terms=node.zero_terms, slop=node.slop)
        return Match(
            field=name,
            query=node.query,
            operator=node.operator,
            minimum_should_match=node.minimum_should_match,
            zero_terms=node.zero_terms,
            lenient=node.lenient,
            fuzzy=node.fuzzy,
        )


def _all(document: Document) -> float | None:  # noqa: ARG001 - a Score
    return 1.0


def _none(document: Document) -> float | None:  # noqa: ARG001 - a Score
    return None


def _words(corpus: Corpus, field: Field, words: Sequence[Scalar], least: int, document: Document) -> float | None:
    found = [value for word in words if (value := term_score(corpus, field, word, document)) is not None]
    return sum(found) if len(found) >= least else None


def _enough(scores: Sequence[Score], least: int, document: Document) -> float | None:
    found = [value for score in scores if (value := score(document)) is not None]
    return sum(found) if len(found) >= least else None


def _scored(corpus: Corpus, field: Field, test: Test, document: Document) -> float | None:
    value = next((each for each in document.values(field) if test(each)), None)
    return None if value is None else term_score(corpus, field, value, document)


def _found(field: Field, test: Test, document: Document) -> float | None:
    return 1.0 if any(test(each) for each in document.values(field)) else None


def _best(scores: Sequence[tuple[Score, float]], tie_breaker: float, document: Document) -> float | None:
    found = [value * boost for score, boost in scores if (value := score(document)) is not None]
    return max(found) + tie_breaker * (sum(found) - max(found)) if found else None
