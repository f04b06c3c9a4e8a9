"""From the typed query tree to tantivy's queries.

    Node -> Translator -> tantivy.Query       values are coerced as the field's type, text is analysed

What a field cannot hold is refused as OpenSearch refuses it; a field that is not mapped, or that lies in a nested one
and is asked for from outside, matches nothing. User text never meets tantivy's own query language.
"""

import builtins
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

from tantivy import Occur, Query

from activity_stream.adapters.index_embedded.counting import Counter
from activity_stream.adapters.index_embedded.liking import Liking
from activity_stream.adapters.index_embedded.places import Area, inside, near, sequences_in
from activity_stream.adapters.index_embedded.predicates import Predicates, both, either, nothing, unscored, without
from activity_stream.adapters.index_embedded.reader import ValueReader
from activity_stream.adapters.index_embedded.schema import KEY, OUTER, SEQUENCE, UNMAPPED, Column, document_key
from activity_stream.adapters.index_embedded.scoring import Scorer
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.adapters.index_embedded.words import Words
from activity_stream.adapters.index_embedded.worked import Worked
from activity_stream.fields import Field, FieldType
from activity_stream.model import Alias
from activity_stream.search import query as q
from activity_stream.search import refusals
from activity_stream.search.begun import spelled_out
from activity_stream.search.fuzzy import edits_of
from activity_stream.search.minimum import minimum_should_match
from activity_stream.search.patterns import after_all, between, exactly, is_between, prefixed, wildcard
from activity_stream.search.regexps import translated
from activity_stream.search.resolve import function_asked, likened, nested_queried, number_asked, place_queried
from activity_stream.search.spans import Bounds, span
from activity_stream.search.spans import bounds as bounds_of
from activity_stream.search.unmapped import path_term, value_term
from activity_stream.search.values import json_text

_LONGEST_BOUND = 12
_TERM_LEVEL = (FieldType.KEYWORD, FieldType.TEXT)


class Translator:
    """Translates queries over one alias of a snapshot. `now_ms` is the `now` of date math; `visible` what can be found
    at all. `within`: over the objects of a nested field, instead of documents."""

    def __init__(
        self, snapshot: Snapshot, alias: Alias, now_ms: int, scorer: Scorer, visible: Query, within: str | None = None
    ) -> None:
        self._snapshot = snapshot
        self._alias = alias
        self._now_ms = now_ms
        self._scorer = scorer
        self.visible = visible
        self.within = within
        self.predicates = Predicates(snapshot)
        self._words = Words(self, scorer)

    @property
    def scorer(self) -> Scorer:
        """What makes the scored conditions."""
        return self._scorer

    def column(self, name: str) -> Column | None:
        """The columns of a field that can be searched."""
        column = self.readable(name)
        return column if column is not None and column.value else None

    def readable(self, name: str) -> Column | None:
        """The columns of a field whose values can be read."""
        column = self._mapped(name)
        if column is None or column.field.nested != self.within:
            return None
        return column if column.value or column.place else None

    def query(self, node: q.Node) -> Query:
        """The query of a tree. Raises SearchRefused."""
        made: Query = _TRANSLATIONS[type(node)](self, node)
        return made if node.boost == 1.0 else Query.boost_query(made, node.boost)

    def match_all(self, _: q.MatchAll) -> Query:
        """Everything, with score 1."""
        return _constant(Query.all_query())

    def match_none(self, _: q.MatchNone) -> Query:
        """Nothing."""
        return nothing()

    def term(self, node: q.Term) -> Query:
        """One exact value, or one of its spellings."""
        column = self.column(node.field)
        if column is None:
            return nothing() if node.case_insensitive else self._unmapped(node.field, node.value)
        if node.case_insensitive:
            if column.field.type not in _TERM_LEVEL:
                raise refusals.wrong_kind("[term] with [case_insensitive]", node.field, str(column.field.type))
            text = json_text(node.value)
            return _constant(self.predicates.pattern(column.value, exactly(text), "term") if text else nothing())
        return self.equal(column, node.value)

    def fuzzy(self, node: q.Fuzzy) -> Query:
        """A value, or one with mistakes."""
        column = self.column(node.field)
        if column is None:
            return nothing()
        if column.field.type not in _TERM_LEVEL:
            raise refusals.wrong_kind("[fuzzy]", node.field, str(column.field.type))
        if column.field.type is FieldType.TEXT:
            return self._words.word(column, node.value, node.fuzzy)
        return self._scorer.fuzzy(column, node.value, edits_of(node.fuzzy, node.value), node.fuzzy)

    def terms(self, node: q.Terms) -> Query:
        """Any of some values."""
        column = self.column(node.field)
        if column is None:
            return self._unmapped(node.field, *node.values)
        found = [self._value(column, value) for value in node.values]
        if column.field.type is FieldType.BOOLEAN and len(known := {each for each in found if each}) == 1:
            return self._scorer.flag(column, int(known.pop()[0]))
        points = [low for low, high in (each for each in found if each) if low == high]
        spans = [self.predicates.between(column, *each) for each in found if each and each[0] != each[1]]
        return _constant(either([self.predicates.any_of(column.value, points), *spans]))

    def terms_set(self, node: q.TermsSet) -> Query:
        """So many of some values as a document says."""
        number_asked(self._field(node.number), node)
        column, number = self.column(node.field), self.column(node.number)
        if column is None or number is None:
            return nothing()
        clauses = [self.equal(column, value) for value in node.values]
        parts = []
        said = {max(1, int(each)) for each in Counter(self._snapshot, self.predicates).by_value(self.visible, number)}
        for needed in sorted(each for each in said if each <= len(clauses)):
            fewer = self.predicates.between(number, None, needed, under_high=True)
            no_more = self.predicates.between(number, None, needed + 1, under_high=True)
            says_so = no_more if needed == 1 else without(no_more, fewer)
            parts.append(both(unscored(says_so), Query.boolean_query(_should(clauses), needed)))
        return _constant(either(parts)) if self._scorer.constant else either(parts)

    def more_like_this(self, node: q.MoreLikeThis) -> Query:
        """Words that tell most of a text."""
        if self._scorer.constant or self.within is not None:
            raise refusals.illegal("[more_like_this] is for those who may see all documents, and not within [nested]")
        columns = {}
        for name in node.fields:
            likened(self._field(name), name)
            if (column := self.column(name)) is not None:
                columns[name] = column
        return Liking(self._snapshot, self._alias, self.predicates, self._scorer).query(node, columns)

    def match(self, node: q.Match) -> Query:
        """Words in a field."""
        if node.fuzzy is None and self._named_unmapped(node.field):
            return self._unmapped(node.field, node.query)
        return self._words.anywhere(node.field, node)

    def multi_match(self, node: q.MultiMatch) -> Query:
        """Words in several fields."""
        return self._words.in_several(node)

    def match_phrase(self, node: q.MatchPhrase) -> Query:
        """Words next to each other."""
        if self._named_unmapped(node.field):
            return self._unmapped(node.field, node.query)
        return self._words.together(node.field, node)

    def match_phrase_prefix(self, node: q.MatchPhrasePrefix) -> Query:
        """Words next to each other, the last of them only begun."""
        return self._words.begun(node)

    def match_bool_prefix(self, node: q.MatchBoolPrefix) -> Query:
        """Words, the last of them only begun, wherever they are."""
        column = self.column(node.field)
        return self.query(spelled_out(node, column.field.type if column is not None else None))

    def range(self, node: q.Range) -> Query:
        """Values between bounds."""
        column = self.column(node.field)
        if column is None:
            return nothing()
        try:
            bounds = bounds_of(column.field.type, node, self._now_ms)
        except ValueError as problem:
            raise refusals.wrong_value(node.field, str(problem)) from None
        if column.field.type is FieldType.TEXT and (bounds.low is not None or bounds.high is not None):
            return _constant(self._words_between(column, bounds))
        if column.field.type is FieldType.BOOLEAN and bounds.admit(0) != bounds.admit(1):
            return self._scorer.flag(column, int(bounds.admit(1)))  # as OpenSearch, which takes it for that value
        found = self.predicates.between(
            column, bounds.low, bounds.high, over_low=bounds.over_low, under_high=bounds.under_high
        )
        return _constant(found)

    def _words_between(self, column: Column, bounds: Bounds) -> Query:
        """Words between bounds. Those that begin as a long bound does are looked at one by one: a regular expression
        has a limit."""
        low, high = (None if each is None else str(each) for each in (bounds.low, bounds.high))
        over, under = bounds.over_low, bounds.under_high
        found = []
        for bound in (low, high):
            if bound is not None and len(bound) > _LONGEST_BOUND:
                begun = self._snapshot.searcher.terms_with_prefix(column.value, bound[:_LONGEST_BOUND], self.visible)
                found += [word for word, _ in begun if is_between(word, low, high, over_low=over, under_high=under)]
        if low is not None and len(low) > _LONGEST_BOUND:
            low, over = after_all(low[:_LONGEST_BOUND]), False
            if low is None:
                return self.predicates.any_of(column.value, found)
        if high is not None and len(high) > _LONGEST_BOUND:
            high, under = high[:_LONGEST_BOUND], True
        words = between(low, high, over_low=over, under_high=under)
        parts = [] if words is None else [self.predicates.pattern(column.value, words, "range")]
        return either([*parts, self.predicates.any_of(column.value, set(found))])

    def exists(self, node: q.Exists) -> Query:
        """Any value."""
        if self._named_unmapped(node.field):
            return _constant(self.predicates.term(UNMAPPED, path_term(node.field)))
        return _constant(self.predicates.has(*self._snapshot.schema.present_terms(self._alias, node.field)))

    def prefix(self, node: q.Prefix) -> Query:
        """How a value begins."""
        return self._pattern("prefix", node.field, prefixed(node.value, ignore_case=node.case_insensitive))

    def wildcard(self, node: q.Wildcard) -> Query:
        """What a value looks like; no value looks like nothing."""
        made = self._pattern("wildcard", node.field, wildcard(node.value, ignore_case=node.case_insensitive))
        return made if node.value else nothing()

    def regexp(self, node: q.Regexp) -> Query:
        """What a value looks like, by a regular expression; no expression is that of an empty value."""
        return self._pattern("regexp", node.field, translated(node.value, ignore_case=node.case_insensitive))

    def ids(self, node: q.Ids) -> Query:
        """Documents by their ids."""
        names = [each.index_name(self._alias) for each in self._snapshot.generations.values()]
        keys = (document_key(name, each) for name, each in product(names, node.values))
        return _constant(self.predicates.any_of(KEY, keys))

    def bool(self, node: q.Bool) -> Query:
        """Several queries together."""
        if not (node.must or node.filter or node.should or node.must_not):
            return _constant(Query.all_query())
        required = bool_requires(node)
        clauses = [(Occur.Must, self.query(each)) for each in node.must]
        clauses += [(Occur.Must, unscored(self.query(each))) for each in node.filter]
        clauses += [(Occur.Should, self.query(each)) for each in node.should]
        clauses += [(Occur.MustNot, self.query(each)) for each in node.must_not]
        if required > len(node.should):
            return nothing()
        if not (node.must or node.filter or node.should):
            clauses.append((Occur.Must, unscored(Query.all_query())))
        return Query.boolean_query(clauses, required) if required else Query.boolean_query(clauses)

    def constant_score(self, node: q.ConstantScore) -> Query:
        """Another query, all with the same score."""
        return _constant(self.query(node.filter))

    def dis_max(self, node: q.DisMax) -> Query:
        """The best of several queries."""
        parts = [self.query(each) for each in node.queries]
        return Query.disjunction_max_query(parts, float(node.tie_breaker)) if parts else nothing()

    def boosting(self, node: q.Boosting) -> Query:
        """A query, with other scores where another one finds the same."""
        positive, negative = self.query(node.positive), unscored(self.query(node.negative))
        lessened = Query.boost_query(both(positive, negative), node.negative_boost)
        return either([lessened, without(positive, negative)])

    def function_score(self, node: q.FunctionScore) -> Query:
        """Another query, whose scores are worked out elsewhere; they show here by what has enough of it."""
        for each in node.functions:
            if each.of is not None:
                function_asked(self._field(each.of.field), each.of, self._now_ms)
            if each.filter is not None:
                self.query(each.filter)
        plain = self.query(node.query)
        if node.min_score is None:
            return plain
        worked = self.worked()
        return self.predicates.any_of(SEQUENCE, worked.sequences(worked.scores(node)))

    def nested(self, node: q.Nested) -> Query:
        """Documents by the objects in a nested field; their score is worked out elsewhere."""
        objects = self.objects(node)
        hits = self._snapshot.every(objects)
        sequences = self._snapshot.searcher.fast_field_values(OUTER, [address for _, address in hits])
        return _constant(self.predicates.any_of(SEQUENCE, {each for each in sequences if each is not None}))

    def objects(self, node: q.Nested) -> Query:
        """The objects of a nested field that a query finds, scored."""
        column = self.nested_column(node.path)
        nested_queried(None if column is None else column.field, node)
        if column is None:
            return nothing()
        inner = self.inside(column)
        return both(inner.query(node.query), inner.visible)

    def nested_column(self, path: str) -> Column | None:
        """The column of a nested field."""
        return self._mapped(path)

    def inside(self, column: Column) -> "Translator":
        """What translates queries over the objects of a nested field."""
        visible = self._snapshot.objects(self._alias, column)
        scorer = self._scorer.within(visible)
        return Translator(self._snapshot, self._alias, self._now_ms, scorer, visible, column.field.name)

    def geo_distance(self, node: q.GeoDistance) -> Query:
        """Documents with a place near another one."""
        return self._placed(node, near(node))

    def geo_box(self, node: q.GeoBox) -> Query:
        """Documents with a place in a box."""
        return self._placed(node, inside(node))

    def worked(self) -> Worked:
        """What works out scores of queries that are translated here."""
        reader = ValueReader(self._snapshot, self._alias)
        nested = not self._scorer.constant
        return Worked(self._snapshot, reader, self, self.visible, self._now_ms, nested=nested)

    def _placed(self, node: q.GeoDistance | q.GeoBox, area: Area) -> Query:
        place_queried(self._field(node.field), node)
        column = self.readable(node.field)
        if column is None:
            return nothing()
        reader = ValueReader(self._snapshot, self._alias)
        found = sequences_in(area, column, self._snapshot, reader, self.predicates, self.visible)
        return _constant(self.predicates.any_of(SEQUENCE, found))

    def _mapped(self, name: str) -> Column | None:
        return self._snapshot.schema.column(self._alias, name)

    def _field(self, name: str) -> Field | None:
        column = self._mapped(name)
        return None if column is None else column.field

    def _named_unmapped(self, name: str) -> builtins.bool:
        return self.within is None and self._snapshot.schema.unmapped(self._alias).named(name)

    def _unmapped(self, name: str, *values: q.Scalar) -> Query:
        """One of some values in a field that is not mapped, or nothing in one that is, and has no values here."""
        if not self._named_unmapped(name):
            return nothing()
        return _constant(self.predicates.any_of(UNMAPPED, [value_term(name, each) for each in values]))

    def _pattern(self, what: str, field: str, expression: str) -> Query:
        column = self.column(field)
        if column is None:
            return nothing()
        if column.field.type not in _TERM_LEVEL:
            raise refusals.wrong_kind(f"[{what}]", field, str(column.field.type))
        return _constant(self.predicates.pattern(column.value, expression, what))

    def equal(self, column: Column, value: q.Scalar) -> Query:
        """One exact value, or one word."""
        found = self._value(column, value)
        if found is None:
            return nothing()
        if column.field.type is FieldType.TEXT:
            return self._scorer.word(column, str(found[0]))
        if column.field.type is FieldType.BOOLEAN:
            return self._scorer.flag(column, int(found[0]))
        if found[0] == found[1]:
            return _constant(self.predicates.term(column.value, found[0]))
        return _constant(self.predicates.between(column, *found))

    def _value(self, column: Column, value: q.Scalar) -> tuple[Any, Any] | None:
        try:
            return span(column.field.type, value, self._now_ms)
        except ValueError as problem:
            raise refusals.wrong_value(column.field.name, str(problem)) from None


def bool_requires(node: q.Bool) -> int:
    """How many of its optional queries have to match; of what only excludes, none, whatever it says."""
    alone = not (node.must or node.filter) and bool(node.should)
    if node.minimum_should_match is None or not (node.must or node.filter or node.should):
        return int(alone)
    return max(int(alone), minimum_should_match(node.minimum_should_match, len(node.should)))


def _constant(query: Query) -> Query:
    return Query.const_score_query(query, 1.0)


def _should(clauses: list[Query]) -> list[tuple[Occur, Query]]:
    return [(Occur.Should, each) for each in clauses]


_TRANSLATIONS: Mapping[type[q.Node], Callable[[Translator, Any], Query]] = {
    q.MatchAll: Translator.match_all,
    q.MatchNone: Translator.match_none,
    q.Term: Translator.term,
    q.Fuzzy: Translator.fuzzy,
    q.Terms: Translator.terms,
    q.TermsSet: Translator.terms_set,
    q.MoreLikeThis: Translator.more_like_this,
    q.Match: Translator.match,
    q.MultiMatch: Translator.multi_match,
    q.MatchPhrase: Translator.match_phrase,
    q.MatchPhrasePrefix: Translator.match_phrase_prefix,
    q.MatchBoolPrefix: Translator.match_bool_prefix,
    q.Range: Translator.range,
    q.Exists: Translator.exists,
    q.Prefix: Translator.prefix,
    q.Wildcard: Translator.wildcard,
    q.Regexp: Translator.regexp,
    q.Ids: Translator.ids,
    q.Bool: Translator.bool,
    q.Boosting: Translator.boosting,
    q.ConstantScore: Translator.constant_score,
    q.DisMax: Translator.dis_max,
    q.FunctionScore: Translator.function_score,
    q.Nested: Translator.nested,
    q.GeoDistance: Translator.geo_distance,
    q.GeoBox: Translator.geo_box,
}
