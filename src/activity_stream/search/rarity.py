"""Scores that come from the documents of a scope alone, for an index whose own come from all documents.

    query ─counting─► how many documents of the scope have each word ─weighed─► a query whose words have constant scores

A word's score is its rarity within the scope (the idf of BM25, as Lucene computes it, of a word that stands once in a
text of average length), so that neither documents outside of the scope nor their lengths show in it. All other queries
find what they find with a constant score, exact values among them as in OpenSearch 3: a kind of query that is new here
cannot tell anything before somebody has thought of how it should score.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from activity_stream.fields import FieldMap, FieldType
from activity_stream.search.analysis import tokens
from activity_stream.search.body import SearchBody
from activity_stream.search.fuzzy import edits_of
from activity_stream.search.minimum import required_words
from activity_stream.search.parse import parse_query
from activity_stream.search.query import (
    DisMax,
    Fuzziness,
    Fuzzy,
    Match,
    MatchBoolPrefix,
    MatchPhrase,
    MatchPhrasePrefix,
    MultiMatch,
    Node,
    Term,
)
from activity_stream.search.values import json_text

Query = dict[str, Any]
Asked = Sequence[tuple[str, Query]]
Weigh = Callable[[Asked], list[float]]
"""The scores of what queries of one word or phrase find, each with its field's name first; of several, which are all of
one word, as one."""

K1, B = 1.2, 0.75
"""How soon a word that comes more often adds less, and how much the length of a text matters (BM25)."""
RESEMBLING = 0.5
"""What of a word's score those have that it may be meant for."""

_NOTHING: Query = {"match_none": {}}
_WITHIN: Mapping[str, Sequence[str]] = {
    "bool": ("must", "should"),
    "dis_max": ("queries",),
    "function_score": ("query",),
}
"""The queries that pass the scores of others on, and under which of their keys."""


def shows_scores(body: SearchBody) -> bool:
    """Whether anything in the answer to a search depends on scores."""
    shown = body.scored or (body.explain and body.size > 0)
    return shown or body.min_score is not None or any(page.scored for page in body.pages())


def rarity(having: int, documents: int) -> float:
    """The score of a word that so many of the documents with a value in the field have, in a text of mean length."""
    return idf(having, documents) / 2.2


def idf(having: int, documents: int) -> float:
    """The weight of a word that so many of the documents with a value in the field have (Lucene's BM25Similarity)."""
    documents = max(having, documents)
    return math.log(1 + (documents - having + 0.5) / (having + 0.5))


def blended(having: Sequence[int], documents: Sequence[int], most: int) -> list[int]:
    """How many documents count as having a word in each of several fields, where it is to be about as rare in all of
    them as in the one in which most (`having`) have it; never more than have the field (`documents`), nor than `most`.

    Source: OpenSearch's BlendedTermQuery, which keeps the order that fields have by it.
    """
    found = [0] * len(having)
    counted, before = min(most, max(having, default=0)), None
    for place in sorted(range(len(having)), key=lambda each: -having[each]):
        if having[place]:
            counted += before is not None and having[place] < before
            found[place] = min(most, documents[place], counted)
            before = having[place]
    return found


def fewest_words(having: Sequence[int], documents: Sequence[int], means: Sequence[float]) -> int:
    """How many words the shortest of several fields has in all documents together, of those that have a word: as many
    documents can count as having it at most (OpenSearch's BlendedTermQuery)."""
    rows = zip(having, documents, means, strict=True)
    return min((round(number * mean) for those, number, mean in rows if those), default=0)


class Weighing:
    """One query (JSON, already read once, so that it is known to be right) over an alias's fields, on its way."""

    def __init__(self, query: Any, fields: FieldMap) -> None:
        self._query = query
        self._fields = fields
        self._counted: dict[str, Query] = {}
        self._walk(query, self._ask)

    def counting(self) -> Mapping[str, Query]:
        """Queries by name; how many documents of the scope each finds is what `weighed` wants to know."""
        return self._counted

    def weighed(self, counts: Mapping[str, int]) -> Any:
        """The query with constant scores in place of those that depend on the index."""
        return self._walk(self._query, partial(self._weight, counts))

    def _ask(self, asked: Asked) -> list[float]:
        for field, query in asked:
            self._counted[_name(query)] = query
            self._counted[_name(_having(field))] = _having(field)
        return [1.0] * len(asked)

    def _weight(self, counts: Mapping[str, int], asked: Asked) -> list[float]:
        documents = [counts[_name(_having(field))] for field, _ in asked]
        having = blended([counts[_name(query)] for _, query in asked], documents, max(documents))
        return [rarity(*each) for each in zip(having, documents, strict=True)]

    def _walk(self, query: Any, weigh: Weigh) -> Any:
        (kind, inner), *_ = query.items()
        if kind in _WITHIN:
            return {kind: {key: self._each(key, value, kind, weigh) for key, value in inner.items()}}
        node = parse_query(query)
        return self._leaf(node, weigh) or _constant(query, node.boost)

    def _each(self, key: str, value: Any, kind: str, weigh: Weigh) -> Any:
        if key not in _WITHIN[kind]:
            return value
        return [self._walk(each, weigh) for each in value] if isinstance(value, list) else self._walk(value, weigh)

    def _leaf(self, node: Node, weigh: Weigh) -> Query | None:
        """The query in place of one that scores by words; None for any other."""
        match node:
            case Term(case_insensitive=False):
                return self._term(node, weigh)
            case Match():
                return self._match(node.field, node, node.boost, weigh)
            case MatchPhrase():
                return self._phrase(node.field, node, node.boost, weigh)
            case MatchBoolPrefix() | Fuzzy():
                return self._bool_prefix(node, weigh) if isinstance(node, MatchBoolPrefix) else self._fuzzy(node, weigh)
            case MultiMatch() | DisMax():
                return self._multi_match(node, weigh) if isinstance(node, MultiMatch) else self._begun(node, weigh)
        return None

    def _begun(self, node: DisMax, weigh: Weigh) -> Query:
        """A `multi_match` of words of which the last is only begun, which is read as a query for each field."""
        parts = []
        for each in node.queries:
            if isinstance(each, MatchBoolPrefix):
                plain = {"match_bool_prefix": {each.field: {"query": each.query}}}
                parts.append(self._bool_prefix(each, weigh) or _constant(plain, each.boost))
            elif isinstance(each, MatchPhrasePrefix):
                said = {"query": each.query, "zero_terms_query": each.zero_terms, "slop": each.slop}
                parts.append(_constant({"match_phrase_prefix": {each.field: said}}, each.boost))
        return {"dis_max": {"queries": parts, "tie_breaker": node.tie_breaker, "boost": node.boost}}

    def _term(self, node: Term, weigh: Weigh) -> Query | None:
        field = self._fields.get(node.field)
        if field is None or field.type is not FieldType.TEXT:
            return None
        return _scored(field.name, {"term": {field.name: node.value}}, node.boost, weigh)

    def _match(self, name: str, node: Match | MultiMatch, boost: float, weigh: Weigh) -> Query | None:
        field = self._fields.get(name)
        if field is not None and field.type is FieldType.KEYWORD and node.fuzzy is not None:
            return self._word(name, json_text(node.query), node.fuzzy, boost, weigh)
        words = [] if field is None or field.type is not FieldType.TEXT else tokens(json_text(node.query))
        if not words:
            return None
        required = required_words(node.operator, node.minimum_should_match, len(words))
        if required > len(words):
            return _NOTHING
        clauses = [self._word(name, word, node.fuzzy, boost, weigh) for word in words]
        return {"bool": {"should": clauses, "minimum_should_match": required}}

    def _bool_prefix(self, node: MatchBoolPrefix, weigh: Weigh) -> Query | None:
        field = self._fields.get(node.field)
        words = [] if field is None or field.type is not FieldType.TEXT else tokens(json_text(node.query))
        if not words:
            return None
        required = required_words(node.operator, node.minimum_should_match, len(words))
        clauses = [self._word(node.field, word, node.fuzzy, node.boost, weigh) for word in words[:-1]]
        clauses.append(_constant({"prefix": {node.field: {"value": words[-1]}}}, node.boost))
        return {"bool": {"should": clauses, "minimum_should_match": required}}

    def _fuzzy(self, node: Fuzzy, weigh: Weigh) -> Query | None:
        field = self._fields.get(node.field)
        if field is None:
            return None
        return self._word(field.name, node.value, node.fuzzy, node.boost, weigh)

    def _word(self, name: str, word: str, fuzzy: Fuzziness | None, boost: float, weigh: Weigh) -> Query:
        """One word, of which those that only resemble it count half."""
        exact = _scored(name, {"term": {name: word}}, boost, weigh)
        edits = edits_of(fuzzy, word)
        if fuzzy is None or not edits:
            return exact
        said = {
            "value": word,
            "fuzziness": edits,
            "prefix_length": fuzzy.prefix_length,
            "transpositions": fuzzy.transpositions,
            "rewrite": "constant_score",
        }
        resembling = _scored(name, {"fuzzy": {name: said}}, boost * RESEMBLING, weigh)
        return {"dis_max": {"queries": [exact, resembling]}}

    def _phrase(self, name: str, node: MatchPhrase | MultiMatch, boost: float, weigh: Weigh) -> Query | None:
        field = self._fields.get(name)
        if field is None or field.type is not FieldType.TEXT or not tokens(json_text(node.query)):
            return None
        said = {"query": json_text(node.query), "slop": node.slop}
        return _scored(name, {"match_phrase": {name: said}}, boost, weigh)

    def _multi_match(self, node: MultiMatch, weigh: Weigh) -> Query:
        if node.type == "cross_fields":
            return self._across(node, weigh)
        parts = []
        for name, boost in node.fields:
            one = self._phrase if node.type == "phrase" else self._match
            parts.append(one(name, node, boost, weigh) or _constant(_plain(name, node), boost))
        if node.tie_breaker == 1.0:
            return {"bool": {"should": parts, "minimum_should_match": 1, "boost": node.boost}}
        return {"dis_max": {"queries": parts, "tie_breaker": node.tie_breaker, "boost": node.boost}}

    def _across(self, node: MultiMatch, weigh: Weigh) -> Query:
        """A `multi_match` for which all fields of text are one."""
        mapped = [(self._fields[name], boost) for name, boost in node.fields if name in self._fields]
        texts = [(field.name, boost) for field, boost in mapped if field.type is FieldType.TEXT]
        others = [(field.name, boost) for field, boost in mapped if field.type is not FieldType.TEXT]
        parts = [self._words_across(texts, node, weigh)] if texts else []
        if others:
            whole = [_constant(_plain(name, node), boost) for name, boost in others]
            parts.append({"dis_max": {"queries": whole, "tie_breaker": node.tie_breaker}})
        return {"dis_max": {"queries": parts or [_NOTHING], "tie_breaker": node.tie_breaker, "boost": node.boost}}

    def _words_across(self, texts: Sequence[tuple[str, float]], node: MultiMatch, weigh: Weigh) -> Query:
        words = tokens(json_text(node.query))
        if not words:
            return (
                _constant({"match_all": {}}, texts[0][1] if len(texts) == 1 else 1.0)
                if node.zero_terms == "all"
                else _NOTHING
            )
        required = required_words(node.operator, node.minimum_should_match, len(words))
        if required > len(words):
            return _NOTHING
        clauses = []
        for word in words:
            asked = [(name, {"term": {name: word}}) for name, _ in texts]
            scores = zip(asked, texts, weigh(asked), strict=True)
            parts = [_constant(query, boost * score) for (_, query), (_, boost), score in scores]
            clauses.append({"dis_max": {"queries": parts, "tie_breaker": node.tie_breaker}})
        return {"bool": {"should": clauses, "minimum_should_match": required}}


def _plain(name: str, node: MultiMatch) -> Query:
    """One field's part of a `multi_match`, where it is not about words."""
    return {"match": {name: {"query": node.query, "zero_terms_query": node.zero_terms, "lenient": node.lenient}}}


def _scored(field: str, query: Query, boost: float, weigh: Weigh) -> Query:
    (score,) = weigh([(field, query)])
    return _constant(query, boost * score)


def _constant(query: Query, score: float) -> Query:
    return {"constant_score": {"filter": query, "boost": score}}


def _having(field: str) -> Query:
    return {"exists": {"field": field}}


def _name(query: Query) -> str:
    return msgspec.json.encode(query).decode()
