"""Aggregations: figures and buckets of what a query finds.

A bucket is a query of its own, so that whatever lies under it is worked out the same way, to any depth:

    run(query) ─► each aggregation ─► buckets (key, count, query) ─► run(bucket's query) …

Counts are exact, so that there is no error to tell of.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from tantivy import Query

from activity_stream.adapters.index_embedded.buckets import MAX_BUCKETS, Bucket, Maker
from activity_stream.adapters.index_embedded.combined import Combined
from activity_stream.adapters.index_embedded.counting import Counter
from activity_stream.adapters.index_embedded.grounds import Grounds
from activity_stream.adapters.index_embedded.histograms import Histograms
from activity_stream.adapters.index_embedded.metrics import Metrics
from activity_stream.adapters.index_embedded.predicates import both, nothing, unscored, without
from activity_stream.adapters.index_embedded.reader import ValueReader
from activity_stream.adapters.index_embedded.schema import OBJECT, OUTER, SEQUENCE, Column
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.adapters.index_embedded.translate import Translator
from activity_stream.fields import FieldType
from activity_stream.model import Alias
from activity_stream.search import refusals
from activity_stream.search.aggs import (
    AdjacencyMatrixAgg,
    Agg,
    AutoDateHistogramAgg,
    BucketAgg,
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
    RareTermsAgg,
    ReverseNestedAgg,
    RingsAgg,
    SignificantTermsAgg,
    TermsAgg,
    TopHitsAgg,
)
from activity_stream.search.bucket_orders import OF_BUCKETS, deciding, figure
from activity_stream.search.hits import Page
from activity_stream.search.pipelines import computed, with_pipelines, with_siblings

_Under = dict[int, dict[str, Any]]


class PagesOf(Protocol):
    """What shows hits of a bucket."""

    def page_of(self, query: Query, page: Page) -> dict[str, Any]:
        """A page of what a query finds."""

    def within(self, column: Column, translator: Translator) -> "PagesOf":
        """The same of the objects in a nested field."""


class Aggregator:
    """Works out the aggregations of one search.

    `pages` show hits of queries that have no scores. With `scoped`, nothing may show what the query does not find.
    Over the objects of a nested field, `outer` is the one over documents.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        alias: Alias,
        translator: Translator,
        now_ms: int,
        pages: "PagesOf",
        *,
        scoped: bool,
        outer: "Aggregator | None" = None,
    ) -> None:
        self._outer = outer
        self._pages = pages
        self._snapshot = snapshot
        self._alias = alias
        self._translator = translator
        self._counter = Counter(snapshot, translator.predicates)
        self._now_ms = now_ms
        self._reader = ValueReader(snapshot, alias)
        self._metrics = Metrics(snapshot, translator.predicates, self._counter, now_ms)
        visible = snapshot.visible(alias) if outer is None else translator.visible
        self._visible = visible
        self._scoped = scoped
        self._histograms = Histograms(translator.predicates, self._counter, visible, now_ms)
        self._maker = Maker(translator.predicates, self._counter, visible, now_ms, scoped=scoped)
        self._combined = Combined(translator.predicates, self._counter, self._maker, self._histograms, now_ms)
        numbers = SEQUENCE if outer is None else OBJECT
        self._grounds = Grounds(snapshot, translator.predicates, self._counter, self._reader, numbers)
        self._buckets = 0
        self._empty: dict[tuple[int, ...], tuple[list[Agg], dict[str, Any], int]] = {}

    def run(self, query: Query, aggs: Mapping[str, Agg]) -> dict[str, Any]:
        """The aggregations' results by name. SearchRefused for what cannot be worked out, or has too many buckets."""
        made = {name: self._meta(agg) | self._one(query, agg) for name, agg in computed(aggs).items()}
        return with_siblings(aggs, made)

    def _one(self, query: Query, agg: Agg) -> dict[str, Any]:
        result: dict[str, Any] = _KINDS[type(agg)](self, query, agg)
        return result

    def metric(self, query: Query, agg: MetricAgg) -> dict[str, Any]:
        """One figure, or several of stats."""
        return self._metrics.run(query, agg, self._column(agg.field))

    def top_hits(self, query: Query, agg: TopHitsAgg) -> dict[str, Any]:
        """Some of the hits."""
        return self._pages.page_of(query, agg.page)

    def terms(self, query: Query, agg: TermsAgg) -> dict[str, Any]:
        """The first buckets of values by the order, and how many documents the others have."""
        return self._first(agg, self._maker.terms(query, agg, self._column(agg.field)))

    def _first(self, agg: TermsAgg | MultiTermsAgg, candidates: list[Bucket]) -> dict[str, Any]:
        total = sum(bucket.count for bucket in candidates)
        first, under = self._ordered(candidates, agg, agg.order)
        first = first[: agg.size]
        return {
            "doc_count_error_upper_bound": 0,
            "sum_other_doc_count": total - sum(bucket.count for bucket in first),
            "buckets": with_pipelines(agg.aggs, [self._shown(bucket, agg, under) for bucket in first]),
        }

    def histogram(self, query: Query, agg: HistogramAgg | DateHistogramAgg) -> dict[str, Any]:
        """Buckets of intervals."""
        made, under = self._ordered(self._histograms.buckets(query, agg, self._column(agg.field)), agg, agg.order)
        shown = with_pipelines(agg.aggs, [self._shown(bucket, agg, under) for bucket in made])
        if agg.keyed:
            return {"buckets": {str(each.get("key_as_string", each["key"])): each for each in shown}}
        return {"buckets": shown}

    def auto_histogram(self, query: Query, agg: AutoDateHistogramAgg) -> dict[str, Any]:
        """Buckets of intervals, about as many as are wanted."""
        if self._scoped:
            raise refusals.illegal("[auto_date_histogram] is for those who may see all documents")
        name, made = self._histograms.auto(query, agg, self._column(agg.field))
        shown = with_pipelines(agg.aggs, [self._shown(bucket, agg, {}) for bucket in made])
        return {"buckets": shown, "interval": name}

    def rings(self, query: Query, agg: RingsAgg) -> dict[str, Any]:
        """Buckets of distances."""
        made = self._grounds.rings(query, agg, self._placed(agg.field))
        shown = with_pipelines(agg.aggs, [self._shown(bucket, agg, {}) for bucket in made])
        return {"buckets": {each.pop("key"): each for each in shown}} if agg.keyed else {"buckets": shown}

    def grid(self, query: Query, agg: GeoGridAgg) -> dict[str, Any]:
        """Buckets of cells, the most frequent first."""
        made = self._grounds.grid(query, agg, self._placed(agg.field))
        return {"buckets": with_pipelines(agg.aggs, [self._shown(bucket, agg, {}) for bucket in made])}

    def bounds(self, query: Query, agg: GeoBoundsAgg) -> dict[str, Any]:
        """The part of the earth that the places are in."""
        return self._grounds.bounds(query, self._placed(agg.field), wrap=agg.wrap)

    def percentiles(self, query: Query, agg: PercentilesAgg) -> dict[str, Any]:
        """Figures of how values are spread."""
        column = self._column(agg.field)
        reader = self._reader if self._outer is None else None
        return self._metrics.percentiles(query, agg, column, reader)

    def composite(self, query: Query, agg: CompositeAgg) -> dict[str, Any]:
        """Buckets of combinations of values, in their order."""
        made = self._combined.composite(query, agg, [self._column(each.of.field) for each in agg.sources])
        shown = with_pipelines(agg.aggs, [self._shown(bucket, agg, {}) for bucket in made])
        return {"after_key": made[-1].shown["key"], "buckets": shown} if made else {"buckets": []}

    def multi_terms(self, query: Query, agg: MultiTermsAgg) -> dict[str, Any]:
        """The first buckets of combinations of values by the order."""
        return self._first(
            agg, self._combined.multi_terms(query, agg, [self._column(each.field) for each in agg.terms])
        )

    def rare_terms(self, query: Query, agg: RareTermsAgg) -> dict[str, Any]:
        """Buckets of rare values."""
        made = self._combined.rare_terms(query, agg, self._column(agg.of.field))
        made, under = self._ordered(made, agg, agg.of.order)
        return {"buckets": with_pipelines(agg.aggs, [self._shown(bucket, agg, under) for bucket in made])}

    def significant_terms(self, query: Query, agg: SignificantTermsAgg) -> dict[str, Any]:
        """Buckets of values that are more frequent here than elsewhere."""
        column = self._column(agg.of.field)
        narrowed = None if agg.background is None else unscored(self._translator.query(agg.background))
        if self._scoped:
            raise refusals.illegal("[significant_terms] compares with documents that the caller may not see")
        if self._snapshot.schema.column(self._alias, agg.of.field) is None:
            return {"buckets": []}
        background = self._translator.visible if narrowed is None else both(self._translator.visible, narrowed)
        others = 0 if narrowed is not None else self._others()
        made, of_found, of_all = self._combined.significant_terms(query, agg, column, background, others)
        shown = with_pipelines(agg.aggs, [self._shown(bucket, agg, {}) for bucket in made])
        return {"doc_count": of_found, "bg_count": of_all, "buckets": shown}

    def nested(self, query: Query, agg: NestedAgg) -> dict[str, Any]:
        """One bucket, of the objects in a nested field."""
        column = self._snapshot.schema.column(self._alias, agg.path)
        if column is None or column.field.type is not FieldType.NESTED:
            return self.one_bucket(nothing(), agg)
        if self._translator.within == agg.path:
            return self.one_bucket(query, agg)
        translator = self._translator.inside(column)
        objects = translator.predicates.any_of(OUTER, self._numbers(SEQUENCE, query))
        inner = Aggregator(
            self._snapshot,
            self._alias,
            translator,
            self._now_ms,
            self._pages.within(column, translator),
            scoped=self._scoped,
            outer=self,
        )
        return inner.one_bucket(both(translator.visible, objects), agg)

    def reverse_nested(self, query: Query, agg: ReverseNestedAgg) -> dict[str, Any]:
        """One bucket, of the documents that objects are in."""
        if self._outer is None:
            raise refusals.illegal("Reverse nested aggregation can not be used outside a [nested] aggregation")
        documents = self._translator.predicates.any_of(SEQUENCE, self._numbers(OUTER, query))
        return self._outer.one_bucket(documents, agg)

    def _others(self) -> int:
        """How many documents there are of another kind, objects or those that they are in: to OpenSearch each is a
        document, which the size of all there is counts."""
        columns = self._snapshot.schema.columns(self._alias).values()
        nested = [each for each in columns if each.field.type is FieldType.NESTED]
        every = [self._snapshot.visible(self._alias), *(self._snapshot.objects(self._alias, each) for each in nested)]
        return sum(map(self._counter.documents, every)) - self._counter.documents(self._translator.visible)

    def _numbers(self, name: str, query: Query) -> set[int]:
        """The numbers in a column, by its internal name, of all that a query finds."""
        addresses = [address for _, address in self._snapshot.every(query)]
        found = self._snapshot.searcher.fast_field_values(name, addresses)
        return {each for each in found if each is not None}

    def missing(self, query: Query, agg: MissingAgg) -> dict[str, Any]:
        """One bucket, of what has no value."""
        column = self._snapshot.schema.column(self._alias, agg.field)
        if column is not None and column.field.type is FieldType.TEXT:
            raise refusals.needs_fielddata(agg.field)
        if agg.instead is not None:
            return self.one_bucket(nothing(), agg)
        return self.one_bucket(query if column is None else both(query, self._translator.predicates.lacks(column)), agg)

    def everything(self, _: Query, agg: GlobalAgg) -> dict[str, Any]:
        """One bucket, of all that is visible."""
        if self._scoped:
            raise refusals.illegal("[global] shows documents that the caller may not see")
        return self.one_bucket(self._visible, agg)

    def ranges(self, query: Query, agg: RangeAgg) -> dict[str, Any]:
        """Buckets of ranges."""
        made = self._maker.ranges(query, agg, self._column(agg.field))
        shown = with_pipelines(agg.aggs, [self._shown(bucket, agg, {}) for bucket in made])
        return {"buckets": {each.pop("key"): each for each in shown}} if agg.keyed else {"buckets": shown}

    def filter(self, query: Query, agg: FilterAgg) -> dict[str, Any]:
        """One bucket."""
        return self.one_bucket(both(query, unscored(self._translator.query(agg.filter))), agg)

    def filters(self, query: Query, agg: FiltersAgg) -> dict[str, Any]:
        """Buckets of queries, by name or in order."""
        parts = {name: unscored(self._translator.query(node)) for name, node in agg.filters.items()}
        found = {name: self.one_bucket(both(query, part), agg) for name, part in parts.items()}
        if agg.other_bucket_key is not None:
            found[agg.other_bucket_key] = self.one_bucket(without(query, *parts.values()), agg)
        return {"buckets": found if agg.keyed else list(found.values())}

    def adjacency_matrix(self, query: Query, agg: AdjacencyMatrixAgg) -> dict[str, Any]:
        """Buckets of queries and of each two of them, without empty ones."""
        parts = {name: unscored(self._translator.query(node)) for name, node in agg.filters.items()}
        found = []
        for key, names in agg.together():
            those = both(query, *(parts[name] for name in names))
            if self._counter.documents(those):
                found.append({"key": key, **self.one_bucket(those, agg)})
        return {"buckets": with_pipelines(agg.aggs, found)}

    def one_bucket(self, query: Query, agg: BucketAgg) -> dict[str, Any]:
        """What there is of a bucket that is alone."""
        self.count_bucket()
        return {"doc_count": self._counter.documents(query), **self.run(query, agg.aggs)}

    def _ordered(
        self, buckets: list[Bucket], agg: BucketAgg, order: Sequence[tuple[str, bool]]
    ) -> tuple[list[Bucket], _Under]:
        """The buckets in order; and what is under each of them, as far as the order needed it."""
        some = deciding(order, agg.aggs)
        under: _Under = {}
        if some and len(buckets) > MAX_BUCKETS:
            raise refusals.too_many_buckets(MAX_BUCKETS)
        if some:
            before = self._buckets
            under = {id(bucket): self._below(bucket, some) for bucket in buckets}
            self.count_bucket(before - self._buckets)
        ordered = sorted(buckets, key=lambda bucket: bucket.key)
        for path, descending in reversed(order):
            ranks = {id(bucket): _rank(bucket, path, under.get(id(bucket), {}), agg.aggs) for bucket in ordered}
            known = [bucket for bucket in ordered if ranks[id(bucket)] is not None]
            known.sort(key=lambda bucket: ranks[id(bucket)], reverse=descending)
            ordered = known + [bucket for bucket in ordered if ranks[id(bucket)] is None]
        whole = [name for name, each in some.items() if each is agg.aggs[name]]
        return ordered, {key: {name: found[name] for name in whole} for key, found in under.items()}

    def _shown(self, bucket: Bucket, agg: BucketAgg, under: _Under) -> dict[str, Any]:
        self.count_bucket()
        shown = {**bucket.shown, "doc_count": bucket.count}
        if not agg.aggs:
            return shown
        done = under.get(id(bucket), {})
        left = {name: each for name, each in agg.aggs.items() if name not in done}
        done = done | self._below(bucket, left) if left else done
        return shown | {name: done[name] for name in agg.aggs if name in done}

    def _below(self, bucket: Bucket, aggs: Mapping[str, Agg]) -> dict[str, Any]:
        """What is under a bucket. Under all empty ones it is the same: a histogram can have thousands of them."""
        if bucket.count:
            return self.run(bucket.query(), aggs)
        key = tuple(id(agg) for agg in aggs.values())
        if key not in self._empty:
            before = self._buckets
            self._empty[key] = list(aggs.values()), self.run(nothing(), aggs), self._buckets - before
            return self._empty[key][1]
        _, result, buckets = self._empty[key]
        self.count_bucket(buckets)
        return result

    def count_bucket(self, buckets: int = 1) -> None:
        """Take so many of the buckets that an answer may have, those of nested objects among them. SearchRefused where
        there are no more."""
        if self._outer is not None:
            self._outer.count_bucket(buckets)
        self._buckets += buckets
        if self._buckets > MAX_BUCKETS:
            raise refusals.too_many_buckets(MAX_BUCKETS)

    def _column(self, name: str) -> Column | None:
        column = self._snapshot.schema.column(self._alias, name)
        if column is None or column.field.nested != self._translator.within:
            return None
        if column.field.type is FieldType.TEXT:
            raise refusals.needs_fielddata(name)
        if not column.value:
            raise refusals.wrong_kind("aggregations", name, str(column.field.type))
        return column

    def _placed(self, name: str) -> Column | None:
        """The columns of a field of places."""
        column = self._snapshot.schema.column(self._alias, name)
        if column is not None and column.field.type is FieldType.TEXT:
            raise refusals.needs_fielddata(name)
        if column is not None and column.place is None:
            raise refusals.wrong_kind("aggregations of places", name, str(column.field.type))
        return None if column is None or column.field.nested != self._translator.within else column

    def _meta(self, agg: Agg) -> dict[str, Any]:
        return {} if agg.meta is None else {"meta": agg.meta}


def _rank(bucket: Bucket, path: str, under: Mapping[str, Any], aggs: Mapping[str, Agg]) -> Any:
    if path not in OF_BUCKETS:
        return figure(path, aggs, under)
    return bucket.count if path == "_count" else bucket.key


_KINDS: Mapping[type[Agg], Callable[[Aggregator, Query, Any], dict[str, Any]]] = {
    CompositeAgg: Aggregator.composite,
    MultiTermsAgg: Aggregator.multi_terms,
    RareTermsAgg: Aggregator.rare_terms,
    SignificantTermsAgg: Aggregator.significant_terms,
    NestedAgg: Aggregator.nested,
    ReverseNestedAgg: Aggregator.reverse_nested,
    PercentilesAgg: Aggregator.percentiles,
    MetricAgg: Aggregator.metric,
    TopHitsAgg: Aggregator.top_hits,
    TermsAgg: Aggregator.terms,
    DateHistogramAgg: Aggregator.histogram,
    HistogramAgg: Aggregator.histogram,
    RingsAgg: Aggregator.rings,
    GeoGridAgg: Aggregator.grid,
    GeoBoundsAgg: Aggregator.bounds,
    AutoDateHistogramAgg: Aggregator.auto_histogram,
    MissingAgg: Aggregator.missing,
    GlobalAgg: Aggregator.everything,
    RangeAgg: Aggregator.ranges,
    FilterAgg: Aggregator.filter,
    FiltersAgg: Aggregator.filters,
    AdjacencyMatrixAgg: Aggregator.adjacency_matrix,
}
