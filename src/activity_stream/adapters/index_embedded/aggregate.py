"""Aggregations: figures and buckets of what a query finds.

A bucket is a query of its own, so that whatever lies under it is worked out the same way, to any depth:

    run(query) ─► each aggregation ─► buckets (key, count, query) ─► run(bucket's query) …

Counts are exact, so that there is no error to tell of.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tantivy import Query

from activity_stream.adapters.index_embedded.buckets import MAX_BUCKETS, Bucket, Maker
from activity_stream.adapters.index_embedded.counting import Counter
from activity_stream.adapters.index_embedded.histograms import Histograms
from activity_stream.adapters.index_embedded.metrics import Metrics
from activity_stream.adapters.index_embedded.predicates import both, nothing, unscored, without
from activity_stream.adapters.index_embedded.schema import Column
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.adapters.index_embedded.translate import Translator
from activity_stream.fields import FieldType
from activity_stream.model import Alias
from activity_stream.search import refusals
from activity_stream.search.aggs import (
    Agg,
    BucketAgg,
    DateHistogramAgg,
    FilterAgg,
    FiltersAgg,
    GlobalAgg,
    HistogramAgg,
    MetricAgg,
    MissingAgg,
    RangeAgg,
    TermsAgg,
    TopHitsAgg,
)
from activity_stream.search.hits import Page
from activity_stream.search.pipelines import computed, with_pipelines, with_siblings

_OF_NOTHING = {"min": math.inf, "max": -math.inf}
"""What figures of no values count as in an order; others come last."""

_Under = dict[int, dict[str, Any]]


class Aggregator:
    """Works out the aggregations of one search.

    `page_of` shows hits of a query that has no scores. With `scoped`, nothing may show what the query does not find.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        alias: Alias,
        translator: Translator,
        now_ms: int,
        page_of: Callable[[Query, Page], dict[str, Any]],
        *,
        scoped: bool,
    ) -> None:
        self._page_of = page_of
        self._snapshot = snapshot
        self._alias = alias
        self._translator = translator
        self._counter = Counter(snapshot, translator.predicates)
        self._metrics = Metrics(snapshot, translator.predicates, self._counter, now_ms)
        visible = snapshot.visible(alias)
        self._visible = visible
        self._scoped = scoped
        self._histograms = Histograms(translator.predicates, self._counter, visible, now_ms)
        self._maker = Maker(translator.predicates, self._counter, visible, now_ms, scoped=scoped)
        self._buckets = 0
        self._empty: dict[tuple[int, ...], tuple[dict[str, Any], int]] = {}

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
        return self._page_of(query, agg.page)

    def terms(self, query: Query, agg: TermsAgg) -> dict[str, Any]:
        """The first buckets of values by the order, and how many documents the others have."""
        candidates = self._maker.terms(query, agg, self._column(agg.field))
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

    def missing(self, query: Query, agg: MissingAgg) -> dict[str, Any]:
        """One bucket, of what has no value."""
        column = self._snapshot.schema.column(self._alias, agg.field)
        if column is not None and column.field.type is FieldType.TEXT:
            raise refusals.needs_fielddata(agg.field)
        if agg.instead is not None:
            return self._filtered(nothing(), agg)
        return self._filtered(query if column is None else both(query, self._translator.predicates.lacks(column)), agg)

    def everything(self, _: Query, agg: GlobalAgg) -> dict[str, Any]:
        """One bucket, of all that is visible."""
        if self._scoped:
            raise refusals.illegal("[global] shows documents that the caller may not see")
        return self._filtered(self._visible, agg)

    def ranges(self, query: Query, agg: RangeAgg) -> dict[str, Any]:
        """Buckets of ranges."""
        made = self._maker.ranges(query, agg, self._column(agg.field))
        shown = with_pipelines(agg.aggs, [self._shown(bucket, agg, {}) for bucket in made])
        return {"buckets": {each.pop("key"): each for each in shown}} if agg.keyed else {"buckets": shown}

    def filter(self, query: Query, agg: FilterAgg) -> dict[str, Any]:
        """One bucket."""
        return self._filtered(both(query, unscored(self._translator.query(agg.filter))), agg)

    def filters(self, query: Query, agg: FiltersAgg) -> dict[str, Any]:
        """Buckets of queries, by name or in order."""
        parts = {name: unscored(self._translator.query(node)) for name, node in agg.filters.items()}
        found = {name: self._filtered(both(query, part), agg) for name, part in parts.items()}
        if agg.other_bucket_key is not None:
            found[agg.other_bucket_key] = self._filtered(without(query, *parts.values()), agg)
        return {"buckets": found if agg.keyed else list(found.values())}

    def _filtered(self, query: Query, agg: BucketAgg) -> dict[str, Any]:
        self._count_bucket()
        return {"doc_count": self._counter.documents(query), **self.run(query, agg.aggs)}

    def _ordered(
        self, buckets: list[Bucket], agg: BucketAgg, order: Sequence[tuple[str, bool]]
    ) -> tuple[list[Bucket], _Under]:
        """The buckets in order; and what is under each of them, as far as the order needed it."""
        deciding = {name for path, _ in order if (name := _target(path, agg.aggs)) is not None}
        under: _Under = {}
        if deciding and len(buckets) > MAX_BUCKETS:
            raise refusals.too_many_buckets(MAX_BUCKETS)
        if deciding:
            some = {name: agg.aggs[name] for name in deciding}
            under = {id(bucket): self._below(bucket, some) for bucket in buckets}
        ordered = sorted(buckets, key=lambda bucket: bucket.key)
        for path, descending in reversed(order):
            ranks = {id(bucket): _rank(bucket, path, under.get(id(bucket), {}), agg.aggs) for bucket in ordered}
            known = [bucket for bucket in ordered if ranks[id(bucket)] is not None]
            known.sort(key=lambda bucket: ranks[id(bucket)], reverse=descending)
            ordered = known + [bucket for bucket in ordered if ranks[id(bucket)] is None]
        return ordered, under

    def _shown(self, bucket: Bucket, agg: BucketAgg, under: _Under) -> dict[str, Any]:
        self._count_bucket()
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
            self._empty[key] = self.run(nothing(), aggs), self._buckets - before
            return self._empty[key][0]
        result, buckets = self._empty[key]
        self._count_bucket(buckets)
        return result

    def _count_bucket(self, buckets: int = 1) -> None:
        self._buckets += buckets
        if self._buckets > MAX_BUCKETS:
            raise refusals.too_many_buckets(MAX_BUCKETS)

    def _column(self, name: str) -> Column | None:
        column = self._snapshot.schema.column(self._alias, name)
        if column is None or column.field.nested is not None:
            return None
        if column.field.type is FieldType.TEXT:
            raise refusals.needs_fielddata(name)
        if not column.value:
            raise refusals.wrong_kind("aggregations", name, str(column.field.type))
        return column

    def _meta(self, agg: Agg) -> dict[str, Any]:
        return {} if agg.meta is None else {"meta": agg.meta}


def _target(path: str, aggs: Mapping[str, Agg]) -> str | None:
    """The aggregation that an order goes by; None for the count and the key."""
    if path in ("_count", "_key"):
        return None
    return path if path in aggs else path.partition(".")[0]


def _rank(bucket: Bucket, path: str, under: Mapping[str, Any], aggs: Mapping[str, Agg]) -> Any:
    name = _target(path, aggs)
    if name is None:
        return bucket.count if path == "_count" else bucket.key
    figure = path[len(name) + 1 :] or "value"
    found = under[name][figure]
    return _OF_NOTHING.get(figure if figure != "value" else getattr(aggs[name], "kind", "")) if found is None else found


_KINDS: Mapping[type[Agg], Callable[[Aggregator, Query, Any], dict[str, Any]]] = {
    MetricAgg: Aggregator.metric,
    TopHitsAgg: Aggregator.top_hits,
    TermsAgg: Aggregator.terms,
    DateHistogramAgg: Aggregator.histogram,
    HistogramAgg: Aggregator.histogram,
    MissingAgg: Aggregator.missing,
    GlobalAgg: Aggregator.everything,
    RangeAgg: Aggregator.ranges,
    FilterAgg: Aggregator.filter,
    FiltersAgg: Aggregator.filters,
}
