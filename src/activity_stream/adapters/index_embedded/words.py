"""Queries of words: wherever they are, next to each other, in several fields; of other fields than text, of values.

What a word or a phrase is worth is `scoring`'s to say.
"""

from collections.abc import Callable
from typing import Protocol

from tantivy import Occur, Query

from activity_stream.adapters.index_embedded.predicates import both, either, nothing
from activity_stream.adapters.index_embedded.schema import Column
from activity_stream.adapters.index_embedded.scoring import Scorer
from activity_stream.errors import SearchRefused
from activity_stream.fields import FieldType
from activity_stream.search import query as q
from activity_stream.search import refusals
from activity_stream.search.analysis import tokens
from activity_stream.search.fuzzy import edits_of
from activity_stream.search.minimum import required_words
from activity_stream.search.values import json_text

_Text = q.Match | q.MultiMatch | q.MatchPhrase


class Values(Protocol):
    """What makes queries of whole values."""

    def column(self, name: str) -> Column | None:
        """The columns of a field that can be searched."""

    def equal(self, column: Column, value: q.Scalar) -> Query:
        """One exact value, or one word."""

    def fuzzy(self, node: q.Fuzzy) -> Query:
        """A value, or one with mistakes."""


class Words:
    """Makes them, of words that `scorer` gives a weight."""

    def __init__(self, values: Values, scorer: Scorer) -> None:
        self._values = values
        self._scorer = scorer

    def anywhere(self, field: str, node: q.Match | q.MultiMatch) -> Query:
        """Words wherever they are in a field."""
        return self._in_field(
            field, node, lambda column, words: _enough([self.word(column, word, node.fuzzy) for word in words], node)
        )

    def together(self, field: str, node: q.MatchPhrase | q.MultiMatch) -> Query:
        """Words next to each other in a field."""
        return self._in_field(field, node, lambda column, words: self._phrase(column, words, node.slop))

    def begun(self, node: q.MatchPhrasePrefix) -> Query:
        """Words next to each other, the last of them only begun."""
        column = self._values.column(node.field)
        if column is None:
            return nothing()
        if column.field.type is not FieldType.TEXT:
            raise refusals.wrong_kind("[match_phrase_prefix]", node.field, str(column.field.type))
        words = tokens(json_text(node.query))
        return self._scorer.begun(column, words, node.max_expansions, node.slop) if words else _without_words(node)

    def in_several(self, node: q.MultiMatch) -> Query:
        """Words in several fields, of which the best counts, or all."""
        if node.type == "cross_fields":
            return self._across(node)
        parts = []
        for name, boost in node.fields:
            made = self.together(name, node) if node.type == "phrase" else self.anywhere(name, node)
            parts.append(made if boost == 1.0 else Query.boost_query(made, boost))
        if node.tie_breaker == 1.0:
            return either(parts)
        return Query.disjunction_max_query(parts, float(node.tie_breaker)) if parts else nothing()

    def word(self, column: Column, word: str, how: q.Fuzziness | None) -> Query:
        """One word of a text, or one with mistakes."""
        edits = edits_of(how, word)
        return self._scorer.fuzzy(column, word, edits, how) if how and edits else self._scorer.word(column, word)

    def _across(self, node: q.MultiMatch) -> Query:
        """Words that are each in any of the fields of text; any other field is asked for the whole value."""
        columns = [(column, boost) for name, boost in node.fields if (column := self._values.column(name)) is not None]
        texts = [each for each in columns if each[0].field.type is FieldType.TEXT]
        others = [
            Query.boost_query(self._whole(column, node), boost)
            for column, boost in columns
            if column.field.type is not FieldType.TEXT
        ]
        parts = [self._words_across(texts, node)] if texts else []
        if others:
            parts.append(Query.disjunction_max_query(others, float(node.tie_breaker)))
        return Query.disjunction_max_query(parts, float(node.tie_breaker)) if parts else nothing()

    def _words_across(self, texts: list[tuple[Column, float]], node: q.MultiMatch) -> Query:
        words = tokens(json_text(node.query))
        if not words:
            return Query.boost_query(_without_words(node), texts[0][1] if len(texts) == 1 else 1.0)
        return _enough([self._scorer.across(texts, word, node.tie_breaker) for word in words], node)

    def _phrase(self, column: Column, words: list[str], slop: int) -> Query:
        return self._scorer.phrase(column, words, slop) if len(words) > 1 else self._scorer.word(column, words[0])

    def _in_field(self, field: str, node: _Text, of_words: Callable[[Column, list[str]], Query]) -> Query:
        """What `of_words` makes of the words of the node's text; where the field has no words, of the whole value."""
        column = self._values.column(field)
        if column is None:
            return nothing()
        if column.field.type is not FieldType.TEXT:
            return self._whole(column, node)
        words = tokens(json_text(node.query))
        return of_words(column, words) if words else _without_words(node)

    def _whole(self, column: Column, node: _Text) -> Query:
        """Text that is matched on a field that is not text: its whole value."""
        try:
            if not isinstance(node, q.MatchPhrase) and node.fuzzy is not None:
                return self._values.fuzzy(
                    q.Fuzzy(field=column.field.name, value=json_text(node.query), fuzzy=node.fuzzy)
                )
            return self._values.equal(column, node.query)
        except SearchRefused:
            if isinstance(node, q.MatchPhrase) or not node.lenient:
                raise
            return nothing()


def _without_words(node: _Text | q.MatchPhrasePrefix) -> Query:
    return Query.const_score_query(Query.all_query(), 1.0) if node.zero_terms == "all" else nothing()


def _enough(clauses: list[Query], node: q.Match | q.MultiMatch) -> Query:
    """As many of them as the node says have to be there."""
    required = required_words(node.operator, node.minimum_should_match, len(clauses))
    if required > len(clauses):
        return nothing()
    return both(*clauses) if required == len(clauses) else Query.boolean_query(_should(clauses), required)


def _should(clauses: list[Query]) -> list[tuple[Occur, Query]]:
    return [(Occur.Should, each) for each in clauses]
