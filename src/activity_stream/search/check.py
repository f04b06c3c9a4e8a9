"""A search's values, checked against the fields that they are for before an index is asked.

An engine finds such a mistake in each part of an index by itself, and not in those that it leaves out beforehand
because nothing in them can match. So whether a body with a mistake is refused would tell of the values of documents
that its caller may not see.
"""

from collections.abc import Callable, Mapping
from typing import Any

from activity_stream.fields import Field, FieldMap, FieldType
from activity_stream.search import aggs as a
from activity_stream.search import body as b
from activity_stream.search import hits as h
from activity_stream.search import query as q
from activity_stream.search import refusals
from activity_stream.search.begun import spelled_out
from activity_stream.search.field_values import FieldValues
from activity_stream.search.modes import check_mode, check_numeric_type
from activity_stream.search.resolve import (
    collapsed,
    function_asked,
    nested_queried,
    nested_sorted,
    number_asked,
    place_queried,
    place_sorted,
)
from activity_stream.search.spans import bounds, span
from activity_stream.search.values import sort_number

_WORDS = (FieldType.KEYWORD, FieldType.TEXT)
_NUMBERS = (FieldType.DATE, FieldType.BOOLEAN, FieldType.LONG, FieldType.DOUBLE)
_EXACT = (FieldType.KEYWORD, *_NUMBERS)


def check(body: b.SearchBody, fields: FieldMap, now_ms: int) -> None:
    """Raises SearchRefused for a value that its field cannot hold, and for a field that cannot be used so. `now_ms` is
    the `now` of date math."""
    checking = _Checking(fields, now_ms)
    for key in (*body.sort, *(key for page in body.pages() for key in page.sort)):
        checking.sort(key)
    FieldValues(body, fields)
    if body.collapse is not None:
        collapsed(fields.get(body.collapse.field), body.collapse)
    for node in body.queries():
        checking.query(node)
    for _, agg in a.every_aggregation(body.aggs):
        checking.aggregation(agg)


class _Checking:
    """Checks parts of a body."""

    def __init__(self, fields: FieldMap, now_ms: int) -> None:
        self._fields = fields
        self._now_ms = now_ms

    def query(self, node: q.Node) -> None:
        """A query, and those within it."""
        check = _QUERIES.get(type(node))
        if check is not None:
            check(self, node)

    def sort(self, key: h.SortKey) -> None:
        """A key to sort by."""
        if key.nested is not None:
            nested_sorted(self._fields.get(key.nested.path), key.nested)
        if key.distance is not None:
            place_sorted(self._fields.get(key.distance.field), key)
            return
        field = self._fields.get(key.field)
        if field is None:
            if key.first_of is None and key.field not in ("_score", "_doc") and key.unmapped_type is None:
                raise refusals.unmapped_sort(key.field)
            return
        if field.type is FieldType.TEXT:
            raise refusals.needs_fielddata(field.name)
        check_mode(key.mode, field.type)
        check_numeric_type(key.numeric_type, key.field, field.type)
        if field.type in _NUMBERS and key.missing not in ("_last", "_first"):
            try:
                sort_number(key.missing, field.type)
            except ValueError as problem:
                raise refusals.no_number(str(problem)) from None

    def aggregation(self, agg: a.Agg) -> None:
        """One aggregation, without those below it."""
        for each in a.of_fields(agg):
            if each is not agg:
                self.aggregation(each)
        if isinstance(agg, a.RareTermsAgg | a.SignificantTermsAgg):
            field = self._fields.get(agg.of.field)
            if field is not None and field.type is FieldType.DOUBLE:
                raise refusals.wrong_kind("this aggregation", field.name, str(field.type))
        field = self._fields.get(getattr(agg, "field", ""))
        if field is None:
            return
        if field.type is FieldType.TEXT:
            raise refusals.needs_fielddata(field.name)
        if field.type not in _allowed(agg):
            raise refusals.wrong_kind("this aggregation", field.name, str(field.type))
        missing = getattr(agg, "missing", None)
        if missing is not None:
            self._value(field, missing)

    def each_of(self, node: q.Node) -> None:
        """The queries within one."""
        for each in q.within(node):
            self.query(each)

    def functions(self, node: q.FunctionScore) -> None:
        """What functions take from documents."""
        for each in node.functions:
            if each.of is not None:
                function_asked(self._fields.get(each.of.field), each.of, self._now_ms)
        self.each_of(node)

    def nested(self, node: q.Nested) -> None:
        """Nested objects."""
        nested_queried(self._fields.get(node.path), node)
        self.each_of(node)

    def place(self, node: q.GeoDistance | q.GeoBox) -> None:
        """Where something is."""
        place_queried(self._fields.get(node.field), node)

    def term(self, node: q.Term) -> None:
        """An exact value."""
        field = self._fields.get(node.field)
        if field is None:
            return
        if node.case_insensitive and field.type not in _WORDS:
            raise refusals.wrong_kind("[term] with [case_insensitive]", field.name, str(field.type))
        self._value(field, node.value)

    def terms(self, node: q.Terms) -> None:
        """Exact values."""
        field = self._fields.get(node.field)
        for value in node.values if field is not None else ():
            self._value(field, value)  # type: ignore[arg-type]

    def terms_set(self, node: q.TermsSet) -> None:
        """Exact values, and how many of them."""
        number_asked(self._fields.get(node.number), node)
        field = self._fields.get(node.field)
        for value in node.values if field is not None else ():
            self._value(field, value)  # type: ignore[arg-type]

    def words(self, node: q.Match | q.MatchPhrase) -> None:
        """Words, or a whole value where the field is not text."""
        self._matched(node.field, node)

    def several(self, node: q.MultiMatch) -> None:
        """Words in several fields."""
        for name, _ in node.fields:
            self._matched(name, node)

    def range(self, node: q.Range) -> None:
        """Bounds."""
        field = self._fields.get(node.field)
        if field is None or field.type not in _EXACT:
            return
        try:
            bounds(field.type, node, self._now_ms)
        except ValueError as problem:
            raise refusals.wrong_value(field.name, str(problem)) from None

    def phrase_prefix(self, node: q.MatchPhrasePrefix) -> None:
        """Words, the last of them only begun."""
        field = self._fields.get(node.field)
        if field is not None and field.type is not FieldType.TEXT:
            raise refusals.wrong_kind("[match_phrase_prefix]", field.name, str(field.type))

    def bool_prefix(self, node: q.MatchBoolPrefix) -> None:
        """Words, or a whole value where the field is not text."""
        field = self._fields.get(node.field)
        self.query(spelled_out(node, field.type if field is not None else None))

    def fuzzy(self, node: q.Fuzzy) -> None:
        """A value with mistakes."""
        field = self._fields.get(node.field)
        if field is not None and field.type not in _WORDS:
            raise refusals.wrong_kind("[fuzzy]", field.name, str(field.type))

    def pattern(self, node: q.Prefix | q.Wildcard | q.Regexp) -> None:
        """How a value looks."""
        field = self._fields.get(node.field)
        if field is not None and field.type not in _WORDS:
            raise refusals.wrong_kind(f"[{type(node).__name__.lower()}]", field.name, str(field.type))

    def _matched(self, name: str, node: q.Match | q.MatchPhrase | q.MultiMatch) -> None:
        field = self._fields.get(name)
        if field is None or getattr(node, "lenient", False):
            return
        if getattr(node, "fuzzy", None) is not None and field.type not in _WORDS:
            raise refusals.wrong_kind("[fuzziness]", field.name, str(field.type))
        self._value(field, node.query)

    def _value(self, field: Field, value: q.Scalar) -> None:
        if field.type not in _EXACT:
            return
        try:
            span(field.type, value, self._now_ms)
        except ValueError as problem:
            raise refusals.wrong_value(field.name, str(problem)) from None


def _allowed(agg: a.Agg) -> tuple[FieldType, ...]:
    """The types of field that an aggregation is for; all, where it counts values."""
    match agg:
        case a.RingsAgg() | a.GeoGridAgg() | a.GeoBoundsAgg():
            return (FieldType.GEO_POINT,)
        case a.DateHistogramAgg() | a.AutoDateHistogramAgg():
            return (FieldType.DATE,)
        case a.MissingAgg():
            return tuple(FieldType)
        case a.RangeAgg():
            return (FieldType.DATE, FieldType.LONG, FieldType.DOUBLE)
        case a.MetricAgg(kind="value_count" | "cardinality") | a.TermsAgg():
            return tuple(FieldType)
    return _NUMBERS


_QUERIES: Mapping[type[q.Node], Callable[[_Checking, Any], None]] = {
    q.Bool: _Checking.each_of,
    q.Boosting: _Checking.each_of,
    q.DisMax: _Checking.each_of,
    q.ConstantScore: _Checking.each_of,
    q.FunctionScore: _Checking.functions,
    q.Nested: _Checking.nested,
    q.GeoDistance: _Checking.place,
    q.GeoBox: _Checking.place,
    q.Term: _Checking.term,
    q.Terms: _Checking.terms,
    q.TermsSet: _Checking.terms_set,
    q.Fuzzy: _Checking.fuzzy,
    q.Match: _Checking.words,
    q.MatchPhrase: _Checking.words,
    q.MatchPhrasePrefix: _Checking.phrase_prefix,
    q.MatchBoolPrefix: _Checking.bool_prefix,
    q.MultiMatch: _Checking.several,
    q.Range: _Checking.range,
    q.Prefix: _Checking.pattern,
    q.Wildcard: _Checking.pattern,
    q.Regexp: _Checking.pattern,
}
