"""What a query means for one document: its score, or None where it does not find it.

Written for obviousness: this is what real indexes are compared with. A query is made ready once, which finds its
errors even where there are no documents; then each document is asked.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from activity_stream.fields import Field, FieldType
from activity_stream.model import Generation
from activity_stream.search import refusals
from activity_stream.search.begun import spelled_out
from activity_stream.search.geo import is_within, metres
from activity_stream.search.minimum import minimum_should_match
from activity_stream.search.query import (
    Bool,
    Boosting,
    ConstantScore,
    DisMax,
    Exists,
    FunctionScore,
    Fuzzy,
    GeoBox,
    GeoDistance,
    Ids,
    Match,
    MatchAll,
    MatchBoolPrefix,
    MatchNone,
    MatchPhrase,
    MatchPhrasePrefix,
    MoreLikeThis,
    MultiMatch,
    Nested,
    Node,
    Prefix,
    Range,
    Regexp,
    Scalar,
    Term,
    Terms,
    TermsSet,
    Wildcard,
)
from activity_stream.search.regexps import translated
from activity_stream.search.resolve import likened, nested_queried, number_asked, place_queried
from activity_stream.search.unmapped import MAX_CHARACTERS
from activity_stream.search.values import json_text
from activity_stream.testing.evaluator_documents import Corpus, Document
from activity_stream.testing.evaluator_functions import Function, by_functions
from activity_stream.testing.evaluator_likeness import like
from activity_stream.testing.evaluator_scores import term_score
from activity_stream.testing.evaluator_texts import TextQueries
from activity_stream.testing.evaluator_values import STRINGS, Test, equal_to, folded, within

Score = Callable[[Document], float | None]

_SCORED = (FieldType.TEXT, FieldType.BOOLEAN)
"""Types whose exact values have a rarity, as in OpenSearch 3."""


class Queries:
    """Makes queries ready for the documents of a corpus; `now_ms` is what `now` means."""

    def __init__(self, corpus: Corpus, now_ms: int) -> None:
        self._corpus = corpus
        self._now_ms = now_ms
        self._texts = TextQueries(corpus, now_ms)

    def score(self, node: Node, outer: float = 1.0) -> Score:
        """How to score a document; `outer` is a boost from outside. Raises SearchRefused for a value that its field
        cannot hold."""
        boost = outer * node.boost
        return self._of_others(node, boost) or partial(
            _boosted, self._of_unmapped(node) or self._of_itself(node), boost
        )

    def _of_others(self, node: Node, boost: float) -> Score | None:
        """A score made of those of other queries; None for any other query."""
        match node:
            case Bool():
                return self._bool(node, boost)
            case Boosting():
                positive = partial(_boosted, self.score(node.positive), boost)
                return partial(_lessened, positive, self.score(node.negative), node.negative_boost)
            case DisMax():
                return partial(_best, [self.score(each, boost) for each in node.queries], node.tie_breaker)
            case FunctionScore():
                functions = [Function(each, self._corpus, self._now_ms, self.score) for each in node.functions]
                return partial(by_functions, node, functions, self.score(node.query, boost))
            case Nested():
                return self._nested(node, boost)
        return None

    def _nested(self, node: Nested, boost: float) -> Score:
        field = self._corpus.mapped(node.path)
        nested_queried(field, node)
        if field is None:
            return _none
        inner = Queries(self._corpus.objects(field), self._now_ms).score(node.query, boost)
        return partial(_of_objects, field, inner, node.score_mode)

    def _of_unmapped(self, node: Node) -> Score | None:
        """A score by a field that is not mapped, for the kinds of query that it has one for."""
        if not self._corpus.lacks(getattr(node, "field", "_")):
            return None
        match node:
            case Term(case_insensitive=False):
                return partial(_has_other, node.field, [node.value])
            case Terms():
                return partial(_has_other, node.field, node.values)
            case Match(fuzzy=None) | MatchPhrase():
                return partial(_has_other, node.field, [node.query])
            case Exists():
                return partial(_has_other, node.field, None)
        return None

    def _of_itself(self, node: Node) -> Score:  # noqa: PLR0911 - one for each kind of query
        match node:
            case MatchAll():
                return _all
            case MatchNone():
                return _none
            case ConstantScore():
                return partial(_constant, self.score(node.filter))
            case GeoDistance() | GeoBox():
                return self._place(node)
            case MatchBoolPrefix():
                field = self._corpus.field(node.field)
                return self.score(spelled_out(node, field.type if field is not None else None))
            case Match() | MatchPhrase() | MatchPhrasePrefix() | MultiMatch() | Fuzzy():
                return self._texts.score(node)
            case TermsSet() | MoreLikeThis():
                return self._terms_set(node) if isinstance(node, TermsSet) else self._like(node)
            case Ids():
                return partial(_with_id, frozenset(node.values))
            case Exists():
                return self._exists(node)
            case _:
                return self._on_field(node)

    def _like(self, node: MoreLikeThis) -> Score:
        fields = {}
        for name in node.fields:
            likened(self._corpus.mapped(name), name)
            if (field := self._corpus.field(name)) is not None:
                fields[name] = field
        scores = {each: like(node, fields, self._corpus, each, self.score) for each in self._corpus.generations()}
        return partial(_like_in, scores, frozenset(() if node.include else node.ids))

    def _terms_set(self, node: TermsSet) -> Score:
        number = self._corpus.mapped(node.number)
        number_asked(number, node)
        field = self._corpus.field(node.field)
        if field is None or number is None:
            return _none
        scores = [self.score(Term(field=node.field, value=value)) for value in node.values]
        return partial(_so_many, number, scores)

    def _on_field(self, node: Node) -> Score:
        """Queries of one field; one that is not mapped holds nothing."""
        assert isinstance(node, Term | Terms | Range | Prefix | Wildcard | Regexp), node  # noqa: S101 - the other kinds are done
        field = self._corpus.field(node.field)
        if field is None:
            return _none
        match node:
            case Term():
                return self._term(field, node)
            case Terms():
                tests = [equal_to(field, value, self._now_ms) for value in node.values]
                return self._flags(field, partial(_any_test, tests))
            case Range(gt=None, gte=None, lt=None, lte=None):
                return partial(_has_any, [field])
            case Range():
                return self._flags(field, within(field, node, self._now_ms))
            case _:
                return partial(_any_value, field, _pattern_test(field, node))

    def _flags(self, field: Field, test: Test) -> Score:
        """Values by a test, which of booleans may find one alone: that has a rarity then."""
        if field.type is FieldType.BOOLEAN and test(True) != test(False):
            return partial(_scored, self._corpus, field, test)
        return partial(_any_value, field, test)

    def _place(self, node: GeoDistance | GeoBox) -> Score:
        field = self._corpus.mapped(node.field)
        place_queried(field, node)
        return _none if field is None else partial(_is_there, field, node)

    def _term(self, field: Field, node: Term) -> Score:
        test = equal_to(field, node.value, self._now_ms, case_insensitive=node.case_insensitive)
        if node.case_insensitive or field.type not in _SCORED:
            return partial(_any_value, field, test)
        return partial(_scored, self._corpus, field, test)

    def _exists(self, node: Exists) -> Score:
        below = node.field + "."
        fields = [each for each in self._corpus.fields if each.name == node.field or each.name.startswith(below)]
        return partial(_has_any, fields)

    def _bool(self, node: Bool, boost: float) -> Score:
        must, filters, should, must_not = (
            [self.score(each, boost) for each in clauses]
            for clauses in (node.must, node.filter, node.should, node.must_not)
        )
        if not (must or filters or should or must_not):
            return partial(_boosted, _all, boost)
        least = 0 if must or filters or not should else 1
        if node.minimum_should_match is not None and (must or filters or should):
            least = max(least, minimum_should_match(node.minimum_should_match, len(should)))
        return partial(_bool_score, must, filters, should, must_not, least)


def _boosted(score: Score, boost: float, document: Document) -> float | None:
    found = score(document)
    return None if found is None else found * boost


def _all(document: Document) -> float | None:  # noqa: ARG001 - a Score
    return 1.0


def _none(document: Document) -> float | None:  # noqa: ARG001 - a Score
    return None


def _constant(score: Score, document: Document) -> float | None:
    return None if score(document) is None else 1.0


def _lessened(positive: Score, negative: Score, factor: float, document: Document) -> float | None:
    found = positive(document)
    return found if found is None or negative(document) is None else found * factor


def _best(scores: Sequence[Score], tie_breaker: float, document: Document) -> float | None:
    found = [value for score in scores if (value := score(document)) is not None]
    return max(found) + tie_breaker * (sum(found) - max(found)) if found else None


def _bool_score(
    must: Sequence[Score],
    filters: Sequence[Score],
    should: Sequence[Score],
    must_not: Sequence[Score],
    least: int,
    document: Document,
) -> float | None:
    required = [score(document) for score in must]
    optional = [value for score in should if (value := score(document)) is not None]
    if None in required or len(optional) < least:
        return None
    if any(score(document) is None for score in filters) or any(score(document) is not None for score in must_not):
        return None
    return sum(value for value in required if value is not None) + sum(optional)


def _of_objects(field: Field, score: Score, mode: str, document: Document) -> float | None:
    found = [value for each in document.objects(field) if (value := score(each)) is not None]
    if not found:
        return None
    kinds = {"max": max(found), "min": min(found), "sum": sum(found), "none": 0.0}
    return kinds.get(mode, sum(found) / len(found))


def _is_there(field: Field, node: GeoDistance | GeoBox, document: Document) -> float | None:
    for place in document.places(field):
        if is_within(node.box, place) if isinstance(node, GeoBox) else metres(node.point, place) <= node.metres:
            return 1.0
    return None


def _with_id(ids: frozenset[str], document: Document) -> float | None:
    return 1.0 if document.id in ids else None


def _has_any(fields: Sequence[Field], document: Document) -> float | None:
    return 1.0 if any(document.has(field) for field in fields) else None


def _has_other(name: str, values: Sequence[Scalar] | None, document: Document) -> float | None:
    """By a field that is not mapped: with one of these values, where None are all that there are."""
    texts = None if values is None else {json_text(each) for each in values}
    for path, value in document.others(name):
        if texts is None or (path == name and len(json_text(value)) <= MAX_CHARACTERS and json_text(value) in texts):
            return 1.0
    return None


def _like_in(scores: Mapping[Generation, Score], liked: frozenset[str], document: Document) -> float | None:
    return None if document.id in liked else scores[document.generation](document)


def _so_many(number: Field, scores: Sequence[Score], document: Document) -> float | None:
    said = document.values(number)
    found = [value for score in scores if (value := score(document)) is not None]
    if not said or not found or len(found) < int(min(float(each) for each in said)):
        return None
    return sum(found)


def _any_value(field: Field, test: Test, document: Document) -> float | None:
    return 1.0 if any(test(each) for each in document.terms(field)) else None


def _any_test(tests: Sequence[Test], value: str | float) -> bool:
    return any(test(value) for test in tests)


def _scored(corpus: Corpus, field: Field, test: Test, document: Document) -> float | None:
    term = next((each for each in document.terms(field) if test(each)), None)
    return None if term is None else term_score(corpus, field, term, document)


def _pattern_test(field: Field, node: Prefix | Wildcard | Regexp) -> Test:
    if field.type not in STRINGS:
        kind = type(node).__name__.lower()
        raise refusals.illegal(
            f"Can only use {kind} queries on keyword and text fields - not on [{field.name}] which is of type "
            f"[{field.type}]"
        )
    if isinstance(node, Regexp):
        return partial(_described, re.compile(translated(node.value, ignore_case=node.case_insensitive), re.DOTALL))
    value = folded(node.value) if node.case_insensitive else node.value
    fold = folded if node.case_insensitive else str
    if isinstance(node, Prefix):
        return partial(_starts, fold, value)
    if not value:
        return _never
    return partial(_fits, fold, _pieces(value))


def _described(expression: re.Pattern[str], value: str | float) -> bool:
    return expression.fullmatch(str(value)) is not None


def _never(_: str | float) -> bool:
    """OpenSearch finds no empty value by a pattern."""
    return False


def _starts(fold: Callable[[str], str], prefix: str, value: str | float) -> bool:
    return fold(str(value)).startswith(prefix)


def _fits(fold: Callable[[str], str], pieces: Sequence[tuple[str, str]], value: str | float) -> bool:
    """Whether the whole value fits: all places of the pattern that can be reached, one character after another."""
    reached = _open(pieces, {0})
    for character in fold(str(value)):
        stepped = set()
        for place in reached:
            kind, expected = pieces[place] if place < len(pieces) else ("end", "")
            if kind == "any":
                stepped.add(place)
            elif kind == "one" or (kind == "this" and expected == character):
                stepped.add(place + 1)
        reached = _open(pieces, stepped)
    return len(pieces) in reached


def _open(pieces: Sequence[tuple[str, str]], places: set[int]) -> set[int]:
    """The places, and those after any `*` that they stand before."""
    found = set(places)
    for place in range(len(pieces)):
        if place in found and pieces[place][0] == "any":
            found.add(place + 1)
    return found


def _pieces(pattern: str) -> Sequence[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    characters = iter(pattern)
    for character in characters:
        if character == "*":
            found.append(("any", ""))
        elif character == "?":
            found.append(("one", ""))
        else:
            found.append(("this", next(characters, character) if character == "\\" else character))
    return found
