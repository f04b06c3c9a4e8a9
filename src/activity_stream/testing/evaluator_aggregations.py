"""Aggregations over the documents that a query found."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from operator import itemgetter
from typing import Any

import msgspec

from activity_stream.fields import Field, FieldType
from activity_stream.search import refusals
from activity_stream.search.aggs import (
    AdjacencyMatrixAgg,
    Agg,
    AutoDateHistogramAgg,
    CompositeAgg,
    DateHistogramAgg,
    FilterAgg,
    FiltersAgg,
    GeoBoundsAgg,
    GeoGridAgg,
    GlobalAgg,
    HistogramAgg,
    MetricAgg,
    MissingAgg,
    MultiTermsAgg,
    NestedAgg,
    PercentilesAgg,
    RangeAgg,
    RangeBucket,
    RareTermsAgg,
    ReverseNestedAgg,
    RingsAgg,
    SignificantTermsAgg,
    TermsAgg,
    TopHitsAgg,
    of_fields,
)
from activity_stream.search.auto_intervals import UNITS, chosen, of_unit, without_any
from activity_stream.search.bucket_orders import deciding, figure
from activity_stream.search.date_math import bound_ms
from activity_stream.search.dates import format_date
from activity_stream.search.hits import Page
from activity_stream.search.pipelines import computed, with_pipelines, with_siblings
from activity_stream.search.query import Scalar
from activity_stream.search.values import coerce, query_double
from activity_stream.search.zones import offset_at, zone
from activity_stream.testing import evaluator_combined as combined
from activity_stream.testing import evaluator_places as places
from activity_stream.testing.evaluator_documents import Corpus, Document
from activity_stream.testing.evaluator_intervals import Clock, starts_between, starts_of
from activity_stream.testing.evaluator_metrics import NUMBERS, metric, percentile_figures
from activity_stream.testing.evaluator_queries import Queries
from activity_stream.testing.evaluator_values import order_key

MAX_BUCKETS = 65_535

Documents = Sequence[Document]
Values = Callable[[Document], Sequence[Scalar]]


class Bucket(msgspec.Struct):
    """Documents under a key; `shown` is what the answer has besides its count and its aggregations."""

    key: Any
    documents: list[Document]
    shown: dict[str, Any]
    name: str = ""


class Aggregations:
    """Works aggregations out; `now_ms` is what `now` means, `page_of` shows hits of a bucket. Over the objects of a
    nested field, `outer` is the one over documents."""

    def __init__(
        self,
        corpus: Corpus,
        now_ms: int,
        page_of: Callable[[Documents, Page], dict[str, Any]] | None = None,
        outer: "Aggregations | None" = None,
    ) -> None:
        self._outer = outer
        self._page_of = page_of
        self._corpus = corpus
        self._now_ms = now_ms
        self._buckets = 0

    def all(self, aggs: Mapping[str, Agg], documents: Documents) -> dict[str, Any]:
        """The answer of each aggregation, by name. Raises SearchRefused."""
        made = {name: self._one(agg, documents) for name, agg in computed(aggs).items()}
        return with_siblings(aggs, made)

    def _one(self, agg: Agg, documents: Documents) -> dict[str, Any]:  # noqa: PLR0911 - one for each kind
        answer: dict[str, Any] = {} if agg.meta is None else {"meta": dict(agg.meta)}
        match agg:
            case TopHitsAgg() if self._page_of is not None:
                return answer | self._page_of(documents, agg.page)
            case CompositeAgg() | MultiTermsAgg() | RareTermsAgg() | SignificantTermsAgg():
                return answer | self._combined(agg, documents)
            case PercentilesAgg():
                return answer | percentile_figures(agg, self._corpus.field(agg.field), documents)
            case MetricAgg():
                return answer | metric(agg, self._corpus.field(agg.field), documents)
            case FiltersAgg() | AdjacencyMatrixAgg():
                return answer | self._filters(agg, documents)
            case TermsAgg():
                return answer | self._terms(agg, documents)
            case DateHistogramAgg() | HistogramAgg() | AutoDateHistogramAgg():
                return answer | self._histogram(agg, documents)
            case RangeAgg() | RingsAgg() | GeoGridAgg() | GeoBoundsAgg():
                return answer | self._ranges(agg, documents)
            case MissingAgg() | GlobalAgg() | FilterAgg() | NestedAgg() | ReverseNestedAgg():
                return answer | self._one_bucket(agg, documents)
            case _:
                raise AssertionError(agg)

    def _one_bucket(
        self, agg: MissingAgg | GlobalAgg | FilterAgg | NestedAgg | ReverseNestedAgg, documents: Documents
    ) -> dict[str, Any]:
        if isinstance(agg, NestedAgg | ReverseNestedAgg):
            return self._across(agg, documents)
        found = list(self._corpus.documents)
        if isinstance(agg, FilterAgg):
            score = Queries(self._corpus, self._now_ms).score(agg.filter)
            found = [each for each in documents if score(each) is not None]
        if isinstance(agg, MissingAgg):
            field = self._corpus.field(agg.field)
            _refuse_text(field)
            found = [each for each in documents if agg.instead is None and not (field and each.has(field))]
        return {"doc_count": len(found)} | self.all(agg.aggs, found)

    def _combined(
        self, agg: CompositeAgg | MultiTermsAgg | RareTermsAgg | SignificantTermsAgg, documents: Documents
    ) -> dict[str, Any]:
        fields = []
        for each in of_fields(agg):
            assert isinstance(each, TermsAgg | HistogramAgg | DateHistogramAgg), each  # noqa: S101 - of what they are made
            field = self._corpus.field(each.field)
            _refuse_text(field)
            if field is not None and field.type is FieldType.GEO_POINT:
                raise refusals.wrong_kind("aggregations", field.name, field.type)
            fields.append(field)
        match agg:
            case CompositeAgg():
                rows = combined.composite(agg, fields, documents, self._now_ms)
                buckets = [Bucket("", row.documents, row.shown) for row in rows]
                after = {"after_key": rows[-1].shown["key"]} if rows else {}
                return after | {"buckets": self._shown(buckets, agg.aggs, keyed=False)}
            case MultiTermsAgg():
                values = [self._values(f, t.missing) for f, t in zip(fields, agg.terms, strict=True)]
                rows = combined.multi_terms(agg, values, fields, documents)
                buckets = [Bucket(row.key, row.documents, row.shown) for row in rows]
                return self._first(agg, buckets)
        found = self._by_value(agg.of, fields[0], documents)
        if isinstance(agg, RareTermsAgg):
            buckets = [
                Bucket(value, found[value], _shown_key(fields[0], value))
                for value in combined.rare(agg, fields[0], found)
            ]
            return {"buckets": self._shown(buckets, agg.aggs, keyed=False)}
        return self._significant(agg, fields[0], found, documents)

    def _significant(
        self,
        agg: SignificantTermsAgg,
        field: Field | None,
        found: Mapping[Scalar, list[Document]],
        documents: Documents,
    ) -> dict[str, Any]:
        everything: Documents = self._corpus.documents
        if agg.background is not None:
            score = Queries(self._corpus, self._now_ms).score(agg.background)
            everything = [each for each in everything if score(each) is not None]
        if field is None:
            return {"buckets": []}
        plain = msgspec.structs.replace(agg.of, include=None, exclude=None)
        usual = {value: len(members) for value, members in self._by_value(plain, field, everything).items()}
        buckets = []
        of_all = self._size(agg, everything)
        for value, score_of in combined.significant(agg, field, found, usual, (len(documents), of_all)):
            shown = _shown_key(field, value) | {"score": score_of, "bg_count": usual.get(value, 0)}
            buckets.append(Bucket(value, found[value], shown))
        shown_all = self._shown(buckets, agg.aggs, keyed=False)
        return {"doc_count": len(documents), "bg_count": of_all, "buckets": shown_all}

    def _size(self, agg: SignificantTermsAgg, everything: Documents) -> int:
        """Of all there is, in which nested objects count as documents; or of what is asked for instead."""
        if agg.background is not None:
            return len(everything)
        documents = self._outer or self
        return documents.number()

    def number(self) -> int:
        """Of the documents, and the objects in their nested fields."""
        nested = [each for each in self._corpus.fields if each.type is FieldType.NESTED]
        objects = sum(len(each.objects(field)) for each in self._corpus.documents for field in nested)
        return len(self._corpus.documents) + objects

    def _by_value(self, agg: TermsAgg, field: Field | None, documents: Documents) -> dict[Scalar, list[Document]]:
        values = self._values(field, agg.missing)
        found: dict[Scalar, list[Document]] = {}
        for document in documents:
            for value in dict.fromkeys(values(document)):
                if _is_included(agg, field, value):
                    found.setdefault(value, []).append(document)
        return found

    def _across(self, agg: NestedAgg | ReverseNestedAgg, documents: Documents) -> dict[str, Any]:
        """The objects of documents, or the documents of objects."""
        if isinstance(agg, ReverseNestedAgg):
            if self._outer is None:
                raise refusals.illegal("Reverse nested aggregation can not be used outside a [nested] aggregation")
            found = list({id(each.outer): each.outer for each in documents if each.outer is not None}.values())
            return {"doc_count": len(found)} | self._outer.all(agg.aggs, found)
        field = self._corpus.mapped(agg.path)
        inner = self
        objects: list[Document] = []
        if self._outer is not None and documents and documents[0].nested == agg.path:
            objects = list(documents)
        elif field is not None and field.type is FieldType.NESTED:
            inner = Aggregations(self._corpus.objects(field), self._now_ms, self._page_of, outer=self)
            objects = [each for document in documents for each in document.objects(field)]
        return {"doc_count": len(objects)} | inner.all(agg.aggs, objects)

    def _filters(self, agg: FiltersAgg | AdjacencyMatrixAgg, documents: Documents) -> dict[str, Any]:
        queries = Queries(self._corpus, self._now_ms)
        scores = {name: queries.score(node) for name, node in agg.filters.items()}
        if isinstance(agg, AdjacencyMatrixAgg):
            rows = [
                (key, [each for each in documents if all(scores[name](each) is not None for name in names)])
                for key, names in agg.together()
            ]
            found = [Bucket(key, members, {"key": key}) for key, members in rows if members]
            return {"buckets": self._shown(found, agg.aggs, keyed=False)}
        buckets = [
            Bucket(name, [each for each in documents if score(each) is not None], {}, name)
            for name, score in scores.items()
        ]
        if agg.other_bucket_key is not None:
            rest = [each for each in documents if all(score(each) is None for score in scores.values())]
            buckets.append(Bucket(agg.other_bucket_key, rest, {}, agg.other_bucket_key))
        return {"buckets": self._shown(buckets, agg.aggs, keyed=agg.keyed)}

    def _terms(self, agg: TermsAgg, documents: Documents) -> dict[str, Any]:
        field = self._corpus.field(agg.field)
        _refuse_text(field)
        if field is not None and field.type is FieldType.GEO_POINT:
            raise refusals.wrong_kind("aggregation [terms]", field.name, field.type)
        values = self._values(field, agg.missing)
        found: dict[Scalar, list[Document]] = {}
        for document in self._corpus.documents if agg.min_doc_count == 0 else ():
            found |= {value: [] for value in values(document)}
        if agg.min_doc_count == 0 and agg.missing is not None:
            taken = coerce(FieldType.KEYWORD if field is None else field.type, agg.missing)
            found |= {} if taken is None else {taken: []}
        for document in documents:
            for value in dict.fromkeys(values(document)):
                found.setdefault(value, []).append(document)
        buckets = [
            Bucket(key, members, _shown_key(field, key))
            for key, members in found.items()
            if len(members) >= agg.min_doc_count and _is_included(agg, field, key)
        ]
        return self._first(agg, buckets)

    def _first(self, agg: TermsAgg | MultiTermsAgg, buckets: list[Bucket]) -> dict[str, Any]:
        buckets = self._ordered(buckets, agg.order, agg.aggs)
        shown, rest = buckets[: agg.size], buckets[agg.size :]
        return {
            "doc_count_error_upper_bound": 0,
            "sum_other_doc_count": sum(len(each.documents) for each in rest),
            "buckets": self._shown(shown, agg.aggs, keyed=False),
        }

    def _histogram(
        self, agg: DateHistogramAgg | HistogramAgg | AutoDateHistogramAgg, documents: Documents
    ) -> dict[str, Any]:
        if isinstance(agg, AutoDateHistogramAgg):
            return self._auto(agg, documents)
        field = self._corpus.field(agg.field)
        of_dates = isinstance(agg, DateHistogramAgg)
        if field is not None and field.type not in ((FieldType.DATE,) if of_dates else NUMBERS):
            _refuse_text(field)
            name = "date_histogram" if of_dates else "histogram"
            raise refusals.wrong_kind(f"aggregation [{name}]", field.name, field.type)
        instead = agg.missing
        if isinstance(agg, DateHistogramAgg) and isinstance(instead, str):
            instead = self._moment(agg, instead)
        values = self._values(field, instead, FieldType.DATE if of_dates else FieldType.DOUBLE)
        found: dict[float, list[Document]] = {}
        for document in documents:
            for start in dict.fromkeys(starts_of(agg, value) for value in values(document)):
                found.setdefault(start, []).append(document)
        if agg.min_doc_count == 0:
            for start in starts_between(agg, [*found, *self._extended(agg)], MAX_BUCKETS):
                found.setdefault(start, [])
        buckets = []
        for key, members in sorted(found.items()):
            if len(members) >= agg.min_doc_count:
                shown = _interval(agg, field, key)
                buckets.append(Bucket(key, members, shown, str(shown.get("key_as_string", key))))
        return {"buckets": self._shown(self._ordered(buckets, agg.order, agg.aggs), agg.aggs, keyed=agg.keyed)}

    def _auto(self, agg: AutoDateHistogramAgg, documents: Documents) -> dict[str, Any]:
        field = self._corpus.field(agg.field)
        if field is not None and field.type is not FieldType.DATE:
            _refuse_text(field)
            raise refusals.wrong_kind("aggregation [date_histogram]", field.name, field.type)
        usual = of_unit(agg, UNITS[-1])
        instead = self._moment(usual, agg.missing) if isinstance(agg.missing, str) else agg.missing
        values = self._values(field, instead, FieldType.DATE)
        moments = [int(value) for document in documents for value in values(document)]
        if not moments:
            return {"buckets": [], "interval": without_any(agg)}
        found = chosen(agg, min(moments), max(moments), Clock(moments))
        buckets = []
        for start, end in zip(found.starts, found.starts[1:], strict=False):
            members = [each for each in documents if any(start <= int(value) < end for value in values(each))]
            buckets.append(Bucket(start, members, _interval(usual, field, start)))
        return {"buckets": self._shown(buckets, agg.aggs, keyed=False), "interval": found.name}

    def _extended(self, agg: DateHistogramAgg | HistogramAgg) -> list[float]:
        if agg.extended_bounds is None:
            return []
        if isinstance(agg, HistogramAgg):
            return [starts_of(agg, each) for each in agg.extended_bounds]
        try:
            first, last = (self._moment(agg, each) for each in agg.extended_bounds)
        except ValueError as problem:
            raise refusals.wrong_value(agg.field, str(problem)) from None
        if first > last:
            raise refusals.illegal(
                f"[extended_bounds.min][{first}] cannot be greater than [extended_bounds.max][{last}]"
            )
        return [starts_of(agg, first), starts_of(agg, last)]

    def _moment(self, agg: DateHistogramAgg, bound: Scalar) -> int:
        fmt = agg.format if isinstance(bound, str) else None
        return bound_ms(bound, self._now_ms, round_up=False, fmt=fmt, time_zone=agg.time_zone)

    def _ranges(self, agg: RangeAgg | RingsAgg | GeoGridAgg | GeoBoundsAgg, documents: Documents) -> dict[str, Any]:
        if not isinstance(agg, RangeAgg):
            return self._places(agg, documents)
        field = self._corpus.field(agg.field)
        if field is not None and field.type not in (FieldType.LONG, FieldType.DOUBLE, FieldType.DATE):
            _refuse_text(field)
            raise refusals.wrong_kind("aggregation [range]", field.name, field.type)
        kind = field.type if field is not None else FieldType.DATE if agg.dates else FieldType.DOUBLE
        values = self._values(field, self._bound(agg, kind, agg.missing), kind)
        bounds = [(self._bound(agg, kind, each.start), self._bound(agg, kind, each.end), each) for each in agg.ranges]
        bounds.sort(key=lambda row: (_or(row[0], float("-inf")), _or(row[1], float("inf"))))
        buckets = []
        for start, end, asked in bounds:
            low, high = _or(start, float("-inf")), _or(end, float("inf"))
            members = [each for each in documents if any(low <= float(value) < high for value in values(each))]
            buckets.append(_range_bucket(agg, kind, asked, (start, end), members))
        return {"buckets": self._shown(buckets, agg.aggs, keyed=agg.keyed)}

    def _places(self, agg: RingsAgg | GeoGridAgg | GeoBoundsAgg, documents: Documents) -> dict[str, Any]:
        field = self._corpus.mapped(agg.field)
        if isinstance(agg, GeoBoundsAgg):
            return places.bounds_of(agg, field, documents)
        rows = places.rings(agg, field, documents) if isinstance(agg, RingsAgg) else places.grid(agg, field, documents)
        keyed = isinstance(agg, RingsAgg) and agg.keyed
        buckets = [Bucket("", members, shown, str(shown.pop("key") if keyed else "")) for shown, members in rows]
        return {"buckets": self._shown(buckets, agg.aggs, keyed=keyed)}

    def _bound(self, agg: RangeAgg, kind: FieldType, value: Scalar | None) -> float | None:
        if value is None:
            return None
        try:
            if kind is FieldType.DATE and isinstance(value, str):
                moment = bound_ms(value, self._now_ms, round_up=False, fmt=agg.format, time_zone=agg.time_zone)
                return float(moment)
            return query_double(value)
        except ValueError as problem:
            raise refusals.illegal(str(problem)) from None

    def _values(self, field: Field | None, missing: Scalar | None, unmapped: FieldType | None = None) -> Values:
        """What to read from a document; `missing` stands for no value, of a field not mapped as one of `unmapped`."""
        if missing is None:
            return (lambda _: ()) if field is None else (lambda document: document.values(field))
        kind = unmapped if field is None else field.type
        taken = missing if kind is None else coerce(kind, missing)
        if taken is None:
            name = "" if field is None else f" of field [{field.name}]"
            raise refusals.illegal(f"[missing] value [{missing}] is not a value{name} of type [{kind}]")
        return lambda document: (() if field is None else document.values(field)) or (taken,)

    def _ordered(
        self, buckets: list[Bucket], order: Sequence[tuple[str, bool]], aggs: Mapping[str, Agg]
    ) -> list[Bucket]:
        """By the last key first: Python's sort keeps what is equal as it was."""
        buckets = sorted(buckets, key=lambda each: order_key(each.key))
        for what, descending in reversed(order):
            figures = [(self._figure(each, what, aggs), each) for each in buckets]
            known = sorted((row for row in figures if row[0] is not None), key=itemgetter(0), reverse=descending)
            buckets = [each for _, each in known] + [each for figure, each in figures if figure is None]
        return buckets

    def _figure(self, bucket: Bucket, what: str, aggs: Mapping[str, Agg]) -> Any:
        if what == "_count":
            return len(bucket.documents)
        if what == "_key":
            return order_key(bucket.key)
        before = self._buckets
        found = self.all(deciding([(what, False)], aggs), bucket.documents)
        self._buckets = before
        return figure(what, aggs, found)

    def _shown(self, buckets: Sequence[Bucket], aggs: Mapping[str, Agg], *, keyed: bool) -> Any:
        self._buckets += len(buckets)
        if self._buckets > MAX_BUCKETS:
            raise refusals.too_many_buckets(MAX_BUCKETS)
        rows = [each.shown | {"doc_count": len(each.documents)} | self.all(aggs, each.documents) for each in buckets]
        names = {id(row): each.name for each, row in zip(buckets, rows, strict=True)}
        rows = with_pipelines(aggs, rows)
        return {names[id(row)]: row for row in rows} if keyed else rows


def _refuse_text(field: Field | None) -> None:
    if field is not None and field.type is FieldType.TEXT:
        raise refusals.needs_fielddata(field.name)


def _shown_key(field: Field | None, key: Scalar) -> dict[str, Any]:
    if field is not None and field.type is FieldType.DATE:
        return {"key": key, "key_as_string": format_date(int(key))}
    if isinstance(key, bool):
        return {"key": int(key), "key_as_string": "true" if key else "false"}
    return {"key": key}


def _is_included(agg: TermsAgg, field: Field | None, key: Scalar) -> bool:
    if isinstance(agg.include, str) or isinstance(agg.exclude, str):
        raise refusals.illegal("[include] and [exclude] can only be lists of values")
    kind = FieldType.KEYWORD if field is None else field.type
    if agg.include is not None and key not in [coerce(kind, each) for each in agg.include]:
        return False
    return key not in [coerce(kind, each) for each in agg.exclude or ()]


def _interval(agg: DateHistogramAgg | HistogramAgg, field: Field | None, start: float) -> dict[str, Any]:
    if isinstance(agg, DateHistogramAgg):
        place = UTC if agg.time_zone is None else zone(agg.time_zone)
        text = format_date(int(start), agg.format, offset_at(place, int(start)))
        return {"key_as_string": text, "key": int(start)}
    if field is not None and field.type in (FieldType.DATE, FieldType.BOOLEAN):
        boolean = "true" if start else "false"
        text = boolean if field.type is FieldType.BOOLEAN else format_date(int(start))
        return {"key_as_string": text, "key": float(start)}
    return {"key": float(start)}


def _range_bucket(
    agg: RangeAgg,
    kind: FieldType,
    asked: RangeBucket,
    bounds: tuple[float | None, float | None],
    members: list[Document],
) -> Bucket:
    shown: dict[str, Any] = {}
    texts = []
    for name, bound in zip(("from", "to"), bounds, strict=True):
        texts.append("*" if bound is None else _bound_text(agg, kind, bound))
        if bound is not None:
            shown[name] = bound
            if kind is FieldType.DATE:
                shown[f"{name}_as_string"] = texts[-1]
    key = asked.key if asked.key is not None else "-".join(texts)
    return Bucket(key, members, shown if agg.keyed else {"key": key} | shown, key)


def _bound_text(agg: RangeAgg, kind: FieldType, bound: float) -> str:
    if kind is not FieldType.DATE:
        return repr(bound)
    place = UTC if agg.time_zone is None else zone(agg.time_zone)
    return format_date(int(bound), agg.format, offset_at(place, int(bound)))


def _or(value: float | None, instead: float) -> float:
    return instead if value is None else value
