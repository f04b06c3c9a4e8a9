"""Why hits have their scores: what each part of a query adds, and the numbers that the weight of a word is made of.

Source: OpenSearch's API "Explain"; words and shapes are those of Lucene's `Explanation`s, without what they say of the
engine itself.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from activity_stream.fields import Field, FieldType
from activity_stream.search import query as q
from activity_stream.search.analysis import tokens
from activity_stream.search.begun import spelled_out
from activity_stream.search.described import described
from activity_stream.search.functions import together
from activity_stream.search.rarity import K1, B, blended, fewest_words, idf
from activity_stream.search.values import json_text

Slots = Sequence[Sequence[str]]
"""A phrase: for each of its places the words that can stand there."""


class Explanation(msgspec.Struct, frozen=True):
    """A score, or a number that it is made of, what it is, and what it is made of itself."""

    value: float
    description: str
    details: tuple["Explanation", ...] = ()


class Occurrence(msgspec.Struct, frozen=True):
    """How often words are in a text, and how long that is, in words, as it is stored."""

    frequency: float
    length: int


class Explained(Protocol):
    """Some documents, or some objects in a nested field of them, and what an index knows of their scores."""

    def field(self, name: str) -> Field | None:
        """The field of a name, if it can be searched."""

    def scores(self, node: q.Node, boost: float) -> Sequence[float | None]:
        """The score of each of them by a query, None where that does not find it; `boost` comes from outside of it."""

    def factors(self, function: q.ScoreFunction) -> Sequence[float]:
        """What each of them is worth by a function, its filter and weight left out."""

    def having(self, field: Field, word: str) -> int:
        """How many documents have a word, or a value, wherever."""

    def statistics(self, field: Field) -> tuple[int, float]:
        """How many documents have words in a text, or values, wherever, and how many on average."""

    def occurrences(self, field: Field, slots: Slots, slop: int) -> Sequence[Occurrence | None]:
        """How often a word or a phrase is in each of them, None where that is not known."""

    def meant(self, field: Field, node: q.Fuzzy) -> Sequence[tuple[str, float]]:
        """The words that one with mistakes can be meant for, and what each is worth."""

    def begun(self, field: Field, beginning: str, most: int) -> Sequence[str]:
        """The words that begin so."""

    def objects(self, node: q.Nested) -> tuple["Explained", Sequence[Sequence[int]]]:
        """The objects that a nested query finds in them, and which of these each of them has."""


Parts = list[Explanation | None]


class Explainer:
    """Explains scores of some documents or objects."""

    def __init__(self, of: Explained) -> None:
        self._of = of

    def explain(self, node: q.Node, outer: float = 1.0) -> Parts:
        """Why each of them has its score by a query, None where it is not found; `outer` is a boost from outside."""
        scores, boost = self._of.scores(node, outer), outer * node.boost
        spelled = self._spelled(node)
        made = self._made(node, boost) if spelled is None else self.explain(spelled, boost)
        if made is None:
            made = [Explanation(0.0, self._alone(node, boost))] * len(scores)
        parts = zip(scores, made, strict=True)
        return [None if score is None else _with_value(each or _NOTHING, score) for score, each in parts]

    def _made(self, node: q.Node, boost: float) -> Sequence[Explanation | None] | None:  # noqa: PLR0911 - one for each kind
        """What the score of each is made of, its value left out; None for a query whose scores are all the same."""
        match node:
            case q.Bool():
                return self._bool(node, boost)
            case q.DisMax():
                others = f"max plus {node.tie_breaker} times others of:" if node.tie_breaker else "max of:"
                return _of(others, [self.explain(each, boost) for each in node.queries])
            case q.Boosting():
                return self._boosting(node, boost)
            case q.FunctionScore():
                return self._by_functions(node, boost)
            case q.Nested():
                return self._nested(node, boost)
            case q.MultiMatch(type="cross_fields"):
                return self._across(node, boost)
            case q.Term() | q.MatchPhrase() | q.MatchPhrasePrefix() | q.Fuzzy():
                return self._of_words(node, boost)
        return None

    def _alone(self, node: q.Node, boost: float) -> str:
        """What a query is of whose score no more is told. Booleans have a rarity, however they are asked for."""
        field = self._of.field(getattr(node, "field", ""))
        varies = isinstance(node, q.MoreLikeThis)
        is_flag = field is not None and field.type is FieldType.BOOLEAN
        return f"{'weight' if varies or is_flag else 'ConstantScore'}({described(node)}){_power(boost)}"

    def _of_words(
        self, node: q.Term | q.MatchPhrase | q.MatchPhrasePrefix | q.Fuzzy, boost: float
    ) -> Sequence[Explanation] | None:
        field = self._of.field(node.field)
        if field is None or field.type not in _HAVE_RARITY.get(type(node), (FieldType.TEXT,)):
            return None
        if isinstance(node, q.Fuzzy):
            return self._fuzzy(field, node, boost)
        if isinstance(node, q.Term):
            return None if node.case_insensitive else self._weight(field, [[json_text(node.value)]], boost)
        words = tokens(json_text(node.query))
        if not words:
            return None
        if isinstance(node, q.MatchPhrase):
            return self._weight(field, [[word] for word in words], boost, node.slop)
        ends = self._of.begun(field, words[-1], node.max_expansions)
        return self._weight(field, [*([word] for word in words[:-1]), ends], boost, node.slop)

    def _spelled(self, node: q.Node) -> q.Node | None:  # noqa: PLR0911 - one for each kind
        """The query whose parts make up a query's score, its boost left out; None for one that has no such parts. How
        many of them it needs does not matter: what it finds is known."""
        match node:
            case q.Bool(must=(single,), filter=(), should=(), must_not=()):
                return single
            case q.Bool(must=(), filter=(), should=(single,), must_not=()):
                return single
            case q.MatchBoolPrefix():
                field = self._of.field(node.field)
                return spelled_out(node, None if field is None else field.type)
            case q.MultiMatch(type="best_fields" | "most_fields" | "phrase"):
                parts = tuple(_on_one_field(node, name, boost) for name, boost in node.fields)
                if node.tie_breaker == 1.0:
                    return q.Bool(should=parts)
                return q.DisMax(queries=parts, tie_breaker=node.tie_breaker) if len(parts) > 1 else parts[0]
            case q.TermsSet():
                return q.Bool(should=tuple(q.Term(field=node.field, value=value) for value in node.values))
            case q.Match() | q.MatchPhrase():
                return self._words(node, self._of.field(node.field))
            case q.MatchPhrasePrefix():
                return self._one_begun(node, self._of.field(node.field))
        return None

    def _words(self, node: q.Match | q.MatchPhrase, field: Field | None) -> q.Node | None:
        if field is None or field.type is FieldType.DATE:
            return None
        how = node.fuzzy if isinstance(node, q.Match) else None
        if field.type is not FieldType.TEXT:
            return _word(node.field, node.query, how)
        words = tokens(json_text(node.query))
        if len(words) == 1:
            return _word(node.field, words[0], how)
        if isinstance(node, q.MatchPhrase) or not words:
            return None
        return q.Bool(should=tuple(_word(node.field, word, how) for word in words))

    def _one_begun(self, node: q.MatchPhrasePrefix, field: Field | None) -> q.Node | None:
        words = tokens(json_text(node.query))
        if field is None or field.type is not FieldType.TEXT or len(words) != 1:
            return None
        ends = self._of.begun(field, words[0], node.max_expansions)
        return q.Bool(should=tuple(q.Term(field=field.name, value=end) for end in ends))

    def _bool(self, node: q.Bool, boost: float) -> Sequence[Explanation]:
        scored = [self.explain(each, boost) for each in (*_once(node.must), *_once(node.should))]
        filters = []
        for each in node.filter:
            text = described(each)
            found = self._of.scores(each, 0.0)
            filters.append([None if score is None else _required(text) for score in found])
        return _of("sum of:", [*scored, *filters], len(self._of.scores(node, 0.0)))

    def _boosting(self, node: q.Boosting, boost: float) -> Sequence[Explanation]:
        positive = self.explain(node.positive)
        own = None if boost == 1.0 else Explanation(boost, "boost")
        lessened = self._of.scores(node.negative, 1.0)
        less = Explanation(node.negative_boost, f"negative_boost, of what matches {described(node.negative)}")
        rows = [(own, each, None if found is None else less) for each, found in zip(positive, lessened, strict=True)]
        return [Explanation(0.0, "product of:", _kept(row)) for row in rows]

    def _by_functions(self, node: q.FunctionScore, boost: float) -> Sequence[Explanation]:
        base = self.explain(node.query, boost)
        if not node.functions:
            return [each or _NOTHING for each in base]
        functions = [self._function(each) for each in node.functions]
        most = Explanation(node.max_boost, "maxBoost")
        found = []
        for number, own in enumerate(base):
            factor = _together(node, [each[number] for each in functions])
            capped = Explanation(min(factor.value, node.max_boost), "min of:", (factor, most))
            found.append(Explanation(0.0, f"function score, {_BOOST_MODES[node.boost_mode]}", _kept([own, capped])))
        return found

    def _function(self, function: q.ScoreFunction) -> Parts:
        factors = self._of.factors(function)
        those = [1.0] * len(factors) if function.filter is None else self._of.scores(function.filter, 1.0)
        found: Parts = []
        for factor, matched in zip(factors, those, strict=True):
            one = Explanation(factor, _FUNCTIONS[type(function.of)](function.of))
            if function.weight is not None:
                weight = Explanation(function.weight, "weight")
                one = Explanation(factor * function.weight, "product of:", (one, weight))
            if function.filter is not None:
                text = f"match filter: {described(function.filter)}"
                one = Explanation(one.value, "function score, product of:", (Explanation(1.0, text), one))
            found.append(None if matched is None else one)
        return found

    def _nested(self, node: q.Nested, boost: float) -> Sequence[Explanation]:
        inner, those = self._of.objects(node)
        parts = Explainer(inner).explain(node.query, boost)
        found = []
        for numbers in those:
            children = _kept(parts[number] for number in numbers)
            best = max(children, key=lambda each: each.value, default=None)
            text = f"Score based on {len(children)} child docs, using score mode {node.score_mode.capitalize()}"
            found.append(Explanation(0.0, text, _kept([best])))
        return found

    def _across(self, node: q.MultiMatch, boost: float) -> Sequence[Explanation]:
        """Of the fields of text each word, in whichever it is; of others the whole value."""
        mapped = [(field, own) for name, own in node.fields if (field := self._of.field(name)) is not None]
        texts = [(field, boost * own) for field, own in mapped if field.type is FieldType.TEXT]
        parts = [self._word_across(texts, word) for word in tokens(json_text(node.query))] if texts else []
        for field, own in mapped:
            if field.type is not FieldType.TEXT:
                parts.append(
                    self.explain(q.Match(field=field.name, query=node.query, lenient=node.lenient), boost * own)
                )
        return _of("sum of:", parts, len(self._of.scores(node, 0.0)))

    def _word_across(self, texts: Sequence[tuple[Field, float]], word: str) -> Parts:
        having = [self._of.having(field, word) for field, _ in texts]
        statistics = [self._of.statistics(field) for field, _ in texts]
        documents, means = [number for number, _ in statistics], [mean for _, mean in statistics]
        counts = blended(having, documents, fewest_words(having, documents, means))
        columns = []
        for (field, boost), number in zip(texts, counts, strict=True):
            made = self._weight(field, [[word]], boost, having=number)
            there = self._of.occurrences(field, [[word]], 0)
            columns.append([None if found is None else each for each, found in zip(made, there, strict=True)])
        rows = [_kept(row) for row in zip(*columns, strict=True)]
        return [Explanation(max(each.value for each in row), "max of:", row) if row else None for row in rows]

    def _fuzzy(self, field: Field, node: q.Fuzzy, boost: float) -> Sequence[Explanation]:
        words = self._of.meant(field, node)
        most = max((self._of.having(field, word) for word, _ in words), default=0)
        parts: list[Parts] = []
        for word, worth in words:
            if not worth:
                continue
            made = self._weight(field, [[word]], boost * worth, having=most)
            there = self._of.occurrences(field, [[word]], 0)
            parts.append([each if found is not None else None for each, found in zip(made, there, strict=True)])
        return _of("sum of:", parts, len(self._of.scores(node, 0.0)), alone=True)

    def _weight(
        self, field: Field, slots: Slots, boost: float, slop: int = 0, having: int | None = None
    ) -> list[Explanation]:
        """What a word or a phrase adds. `having`: how many documents count as having it, None for as many as do."""
        documents, mean = self._of.statistics(field)
        rare = [self._rarity(field, word, documents, having) for slot in slots for word in slot]
        weight = sum(each.value for each in rare)
        whole = rare[0] if len(rare) == 1 else Explanation(weight, "idf, sum of:", tuple(rare))
        factors = (whole,) if boost == 1.0 else (Explanation(boost, "boost"), whole)
        text = f"weight({field.name}:{_phrase(slots, slop)}), result of:"
        found = []
        for each in self._of.occurrences(field, slots, slop):
            if each is None:
                found.append(Explanation(0.0, text, factors))
                continue
            share = _share(each, mean, is_phrase=len(slots) > 1)
            score = Explanation(
                boost * weight * share.value,
                f"score(freq={float(each.frequency)}), computed as boost * idf * tf from:",
                (*factors, share),
            )
            found.append(Explanation(score.value, text, (score,)))
        return found

    def _rarity(self, field: Field, word: str, documents: int, having: int | None) -> Explanation:
        number = self._of.having(field, word) if having is None else having
        return Explanation(
            idf(number, documents),
            "idf, computed as log(1 + (N - n + 0.5) / (n + 0.5)) from:",
            (
                Explanation(number, "n, number of documents containing term"),
                Explanation(documents, "N, total number of documents with field"),
            ),
        )


_HAVE_RARITY: Mapping[type[q.Node], Sequence[FieldType]] = {
    q.Term: (FieldType.TEXT, FieldType.BOOLEAN),
    q.Fuzzy: (FieldType.TEXT, FieldType.KEYWORD),
}
"""The types of field on which a query weighs what it finds by how rare that is, if not text alone."""
_NOTHING = Explanation(0.0, "no matching clause")
_BOOST_MODES = {
    "multiply": "product of:",
    "replace": "replaced by the last of:",
    "sum": "sum of:",
    "avg": "avg of:",
    "max": "max of:",
    "min": "min of:",
}


def _share(found: Occurrence, mean: float, *, is_phrase: bool) -> Explanation:
    """How much of its weight a word adds to a text."""
    share = found.frequency / (found.frequency + K1 * (1 - B + B * found.length / mean))
    often = f"phraseFreq={float(found.frequency)}" if is_phrase else "freq, occurrences of term within document"
    return Explanation(
        share,
        "tf, computed as freq / (freq + k1 * (1 - b + b * dl / avgdl)) from:",
        (
            Explanation(found.frequency, often),
            Explanation(K1, "k1, term saturation parameter"),
            Explanation(B, "b, length normalization parameter"),
            Explanation(found.length, "dl, length of field"),
            Explanation(mean, "avgdl, average length of field"),
        ),
    )


def _once(nodes: Sequence[q.Node]) -> Iterator[q.Node]:
    """The queries, with one in place of several that are the same."""
    alike: dict[str, list[q.Node]] = {}
    for each in nodes:
        alike.setdefault(repr(each), []).append(each)
    for first, *more in alike.values():
        yield msgspec.structs.replace(first, boost=first.boost * (1 + len(more))) if more else first


def _together(node: q.FunctionScore, parts: Sequence[Explanation | None]) -> Explanation:
    """What those of the functions that are for a document make together."""
    theirs = [(part, each) for part, each in zip(parts, node.functions, strict=True) if part is not None]
    if not theirs:
        return Explanation(1.0, "No function matched")
    weights = [1.0 if each.weight is None else each.weight for _, each in theirs]
    value = together(node.score_mode, [part.value for part, _ in theirs], weights)
    return Explanation(value, f"function score, score mode [{node.score_mode}]", _kept(parts))


def _with_value(of: Explanation, value: float) -> Explanation:
    return Explanation(value, of.description, of.details)


def _kept(parts: Iterable[Explanation | None]) -> tuple[Explanation, ...]:
    return tuple(each for each in parts if each is not None)


def _of(text: str, parts: Sequence[Parts], length: int = 0, *, alone: bool = False) -> list[Explanation]:
    """For each document those parts that find it, under one heading; `alone`: without it where there is one."""
    rows = list(zip(*parts, strict=True)) if parts else [()] * length
    found = [_kept(row) for row in rows]
    return [each[0] if alone and len(each) == 1 else Explanation(0.0, text, each) for each in found]


def _required(text: str) -> Explanation:
    """A part that has to match and adds nothing."""
    details = (Explanation(0.0, "# clause"), Explanation(1.0, text))
    return Explanation(0.0, "match on required clause, product of:", details)


def _power(boost: float) -> str:
    return "" if boost == 1.0 else f"^{boost}"


def _phrase(slots: Slots, slop: int) -> str:
    words = [
        slot[0] if len(slot) == 1 else f"({' '.join(slot[:10])}{' …' if len(slot) > 10 else ''})" for slot in slots
    ]
    return words[0] if len(words) == 1 else f'"{" ".join(words)}"' + (f"~{slop}" if slop else "")


def _word(field: str, value: q.Scalar, how: q.Fuzziness | None) -> q.Node:
    if how is None:
        return q.Term(field=field, value=value)
    return q.Fuzzy(field=field, value=json_text(value), fuzzy=how)


def _on_one_field(node: q.MultiMatch, name: str, boost: float) -> q.Node:
    if node.type == "phrase":
        return q.MatchPhrase(field=name, query=node.query, zero_terms=node.zero_terms, slop=node.slop, boost=boost)
    return q.Match(
        field=name,
        query=node.query,
        operator=node.operator,
        minimum_should_match=node.minimum_should_match,
        zero_terms=node.zero_terms,
        lenient=node.lenient,
        fuzzy=node.fuzzy,
        boost=boost,
    )


def _decay(of: q.Decay) -> str:
    said = {"origin": of.origin, "scale": of.scale, "offset": of.offset, "decay": of.decay}
    shown = ", ".join(f"{name} {value}" for name, value in said.items() if value is not None)
    return f"Function for field {of.field}: {of.kind}, {shown}"[:300]


def _field_value(of: q.FieldValue) -> str:
    missing = "" if of.missing is None else f"?:{of.missing}"
    return f"field value function: {of.modifier}(doc['{of.field}'].value{missing} * factor={of.factor})"


_FUNCTIONS: Mapping[type[Any], Callable[[Any], str]] = {
    type(None): lambda _: "constant score 1.0 - no function provided",
    q.Decay: _decay,
    q.FieldValue: _field_value,
}
