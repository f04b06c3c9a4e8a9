"""Buckets of several fields together, and of values that are rare or significant."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec
from tantivy import Query

from activity_stream.adapters.index_embedded.buckets import MAX_BUCKETS, Bucket, Maker, java_number
from activity_stream.adapters.index_embedded.counting import Counter
from activity_stream.adapters.index_embedded.histograms import Histograms
from activity_stream.adapters.index_embedded.metrics import held
from activity_stream.adapters.index_embedded.predicates import Predicates, Value, both
from activity_stream.adapters.index_embedded.schema import Column
from activity_stream.fields import FieldType
from activity_stream.search import refusals
from activity_stream.search.aggs import (
    CompositeAgg,
    CompositeSource,
    DateHistogramAgg,
    MultiTermsAgg,
    RareTermsAgg,
    SignificantTermsAgg,
    TermsAgg,
)
from activity_stream.search.query import Scalar
from activity_stream.search.significance import Shares, significance

_WITHOUT_FRACTIONS = (FieldType.KEYWORD, FieldType.DATE, FieldType.LONG, FieldType.BOOLEAN)


class Combined:
    """Makes buckets in a snapshot; `now_ms` is the `now` of date math."""

    def __init__(
        self, predicates: Predicates, counter: Counter, maker: Maker, histograms: Histograms, now_ms: int
    ) -> None:
        self._predicates = predicates
        self._counter = counter
        self._maker = maker
        self._histograms = histograms
        self._now_ms = now_ms

    def composite(self, query: Query, agg: CompositeAgg, columns: Sequence[Column | None]) -> list[Bucket]:
        """A bucket for each combination of values, in their order, as many as are asked for."""
        sources = list(zip(agg.sources, columns, strict=True))
        after = None
        if agg.after is not None:
            after = [self._behind(value, *source) for value, source in zip(agg.after, sources, strict=True)]
        return list(islice(self._combinations(query, sources, after, {}), agg.size))

    def multi_terms(self, query: Query, agg: MultiTermsAgg, columns: Sequence[Column | None]) -> list[Bucket]:
        """A bucket for each combination of values, in no order."""
        rows = list(islice(self._rows(query, list(zip(agg.terms, columns, strict=True))), MAX_BUCKETS + 1))
        if len(rows) > MAX_BUCKETS:
            raise refusals.too_many_buckets(MAX_BUCKETS)
        return [
            Bucket(
                tuple(bucket.key for bucket in row),
                _shown_together([_shown(bucket, column) for bucket, column in zip(row, columns, strict=True)]),
                row[-1].count,
                row[-1].query,
            )
            for row in rows
            if row[-1].count >= agg.min_doc_count
        ]

    def rare_terms(self, query: Query, agg: RareTermsAgg, column: Column | None) -> list[Bucket]:
        """A bucket for each value that few documents have, in no order."""
        if column is not None and column.field.type not in _WITHOUT_FRACTIONS:
            raise refusals.illegal("RareTerms aggregation does not support floating point fields.")
        return [bucket for bucket in self._maker.terms(query, agg.of, column) if bucket.count <= agg.most]

    def significant_terms(
        self, query: Query, agg: SignificantTermsAgg, column: Column | None, background: Query, others: int
    ) -> tuple[list[Bucket], int, int]:
        """The buckets of the most significant values; how many documents are found, and how many there are: those of
        the background and `others`, which have no such value."""
        if column is not None and column.field.type not in _WITHOUT_FRACTIONS:
            raise refusals.refused(
                "unsupported_operation_exception", "No support for examining floating point numerics"
            )
        of_found, of_all = self._counter.documents(query), self._counter.documents(background) + others
        usual = {} if column is None else self._counter.by_value(background, column)
        scored = []
        for bucket in self._maker.terms(query, msgspec.structs.replace(agg.of, min_doc_count=1), column):
            there = usual.get(bucket.key, 0)
            score = significance(agg, Shares(bucket.count, of_found, there, of_all, agg.superset))
            if score > 0 and bucket.count >= agg.of.min_doc_count:
                scored.append((-score, bucket.key, bucket, there))
        found = []
        for negative, _, bucket, there in sorted(scored, key=lambda row: row[:2])[: agg.of.size]:
            bucket.shown = {**bucket.shown, "score": -negative, "bg_count": there}
            found.append(bucket)
        return found, of_found, of_all

    def _rows(self, query: Query, terms: Sequence[tuple[TermsAgg, Column | None]]) -> Iterator[list[Bucket]]:
        (first, column), *rest = terms
        for bucket in self._maker.terms(query, first, column):
            for others in self._rows(bucket.query(), rest) if rest else ([],):
                yield [bucket, *others]

    def _combinations(
        self,
        query: Query,
        sources: Sequence[tuple[CompositeSource, Column | None]],
        after: Sequence[Value | None] | None,
        before: dict[str, Any],
    ) -> Iterator[Bucket]:
        (source, column), *rest = sources
        for bucket in self._ordered(query, source, column):
            place = 1 if after is None else _compared(source, bucket.key, after[0])
            if place < 0 or (place == 0 and not rest):
                continue
            key = {**before, source.name: _shown_in_key(bucket, source, column)}
            if rest:
                behind = after[1:] if after is not None and place == 0 else None
                yield from self._combinations(bucket.query(), rest, behind, key)
            else:
                yield Bucket(None, {"key": key}, bucket.count, bucket.query)

    def _ordered(self, query: Query, source: CompositeSource, column: Column | None) -> list[Bucket]:
        """The buckets of a source in its order, and that of documents without a value, if it has one."""
        of = source.of
        made = (
            self._maker.terms(query, of, column)
            if isinstance(of, TermsAgg)
            else self._histograms.buckets(query, of, column)
        )
        made = sorted(made, key=lambda bucket: bucket.key, reverse=source.descending)
        if not source.missing:
            return made
        lacking = query if column is None else both(query, self._predicates.lacks(column))
        number = self._counter.documents(lacking)
        null = [Bucket(None, {}, number, lambda: lacking)] if number else []
        return [*null, *made] if _null_first(source) else [*made, *null]

    def _behind(self, value: Scalar | None, source: CompositeSource, column: Column | None) -> Value | None:
        if value is None:
            return None
        if isinstance(source.of, TermsAgg):
            kind = FieldType.KEYWORD if column is None else column.field.type
            return held(value, kind, source.of.field, self._now_ms)
        return self._histograms.value(value, source.of)


def _null_first(source: CompositeSource) -> bool:
    return not source.descending if source.missing_first is None else source.missing_first


def _compared(source: CompositeSource, key: Any, after: Any) -> int:
    """Whether a key comes before (-1) or behind (1) another one, or is the same (0)."""
    if key is None or after is None:
        if key is after:
            return 0
        return -1 if (key is None) == _null_first(source) else 1
    place = int(key > after) - int(key < after)
    return -place if source.descending else place


def _shown_in_key(bucket: Bucket, source: CompositeSource, column: Column | None) -> Any:
    if bucket.key is None:
        return None
    if isinstance(source.of, DateHistogramAgg):
        return bucket.shown["key"] if source.of.format is None else bucket.shown["key_as_string"]
    if isinstance(source.of, TermsAgg) and column is not None and column.field.type is FieldType.BOOLEAN:
        return bool(bucket.key)
    return bucket.shown["key"]


def _shown(bucket: Bucket, column: Column | None) -> Any:
    """A value among others in a key: dates as texts, booleans as such."""
    kind = FieldType.KEYWORD if column is None else column.field.type
    if kind is FieldType.BOOLEAN:
        return bool(bucket.key)
    return bucket.shown["key_as_string"] if kind is FieldType.DATE else bucket.shown["key"]


def _shown_together(values: Sequence[Any]) -> dict[str, Any]:
    texts = []
    for each in values:
        if isinstance(each, bool):
            texts.append("true" if each else "false")
        else:
            texts.append(java_number(each) if isinstance(each, float) else str(each))
    return {"key": list(values), "key_as_string": "|".join(texts)}
