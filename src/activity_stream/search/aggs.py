"""Aggregations of the typed tree (OpenSearch documentation, "Aggregations")."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from activity_stream.search.hits import Page
from activity_stream.search.query import Box, Node, Point, Scalar


class Agg(msgspec.Struct, frozen=True, kw_only=True):
    """Any aggregation. `meta` comes back as it is."""

    meta: Mapping[str, Any] | None = None


class BucketAgg(Agg, frozen=True, kw_only=True):
    """One that makes buckets, each with the `aggs` of its own."""

    aggs: Mapping[str, Agg] = {}


class TermsAgg(BucketAgg, frozen=True, kw_only=True):
    """A bucket for each value of a field. `order`: (what, descending) pairs, what being `_count`, `_key`, or a path to
    a figure of an aggregation below (`bucket_orders`); ties go by key, ascending."""

    field: str
    size: int = 10
    min_doc_count: int = 1
    order: tuple[tuple[str, bool], ...] = (("_count", True),)
    include: tuple[Scalar, ...] | str | None = None
    exclude: tuple[Scalar, ...] | str | None = None
    missing: Scalar | None = None


class MissingAgg(BucketAgg, frozen=True, kw_only=True):
    """One bucket: documents without a value of a field; with `instead`, which stands for one, none."""

    field: str
    instead: Scalar | None = None


class GlobalAgg(BucketAgg, frozen=True, kw_only=True):
    """One bucket: all documents, whatever the query finds. Within no other aggregation."""


class HistogramAgg(BucketAgg, frozen=True, kw_only=True):
    """A bucket for each interval of numbers, which one of them begins at `offset`. `order`: as `TermsAgg`'s."""

    field: str
    interval: float
    offset: float = 0.0
    min_doc_count: int = 0
    keyed: bool = False
    order: tuple[tuple[str, bool], ...] = (("_key", False),)
    missing: Scalar | None = None
    extended_bounds: tuple[float, float] | None = None


class DateHistogramAgg(BucketAgg, frozen=True, kw_only=True):
    """A bucket for each interval: `fixed_interval` in milliseconds, or `calendar_interval`: minute, hour, day, week,
    month, quarter or year; by the clocks of `time_zone` (None: UTC). `offset` in milliseconds. `order`: as
    `TermsAgg`'s."""

    field: str
    fixed_interval: int | None = None
    calendar_interval: str | None = None
    offset: int = 0
    min_doc_count: int = 0
    format: str | None = None
    time_zone: str | None = None
    keyed: bool = False
    order: tuple[tuple[str, bool], ...] = (("_key", False),)
    missing: Scalar | None = None
    extended_bounds: tuple[Scalar, Scalar] | None = None


class AutoDateHistogramAgg(BucketAgg, frozen=True, kw_only=True):
    """About as many buckets as are wanted, each of one interval, which is at least the unit `minimum`."""

    field: str
    buckets: int = 10
    minimum: str = "second"
    format: str | None = None
    time_zone: str | None = None
    missing: Scalar | None = None


class RangeBucket(msgspec.Struct, frozen=True, kw_only=True):
    """One bucket of a range aggregation: from (included) to (excluded)."""

    start: Scalar | None = None
    end: Scalar | None = None
    key: str | None = None


class RangeAgg(BucketAgg, frozen=True, kw_only=True):
    """A bucket for each given range of a number, or of a date: of a field that is not mapped it is one with `dates`.
    `format` and `time_zone`: how dates are read, and shown."""

    field: str
    ranges: tuple[RangeBucket, ...]
    dates: bool = False
    format: str | None = None
    time_zone: str | None = None
    keyed: bool = False
    missing: Scalar | None = None


class RingsAgg(BucketAgg, frozen=True, kw_only=True):
    """A bucket for each given range of distances from a place (`geo_distance`), in units of so many metres."""

    field: str
    origin: Point
    ranges: tuple[RangeBucket, ...]
    unit: float = 1.0
    plane: bool = False
    keyed: bool = False


class GeoGridAgg(BucketAgg, frozen=True, kw_only=True):
    """A bucket for each cell of a grid, of geohashes or of tiles of a map, that there are places in; within `bounds`
    alone, where there are any. The most frequent come first."""

    field: str
    tiles: bool
    precision: int
    size: int = 10_000
    bounds: Box | None = None


class CompositeSource(msgspec.Struct, frozen=True, kw_only=True):
    """One of the values that a bucket of `CompositeAgg` is of: those that `of` has buckets for. `missing`: a document
    without one has the bucket null, which comes first (`missing_first`; None: where the least value comes)."""

    name: str
    of: TermsAgg | HistogramAgg | DateHistogramAgg
    descending: bool = False
    missing: bool = False
    missing_first: bool | None = None


class CompositeAgg(BucketAgg, frozen=True, kw_only=True):
    """A bucket for each combination of values that a document has, in their order; the first `size` behind `after`."""

    sources: tuple[CompositeSource, ...]
    size: int = 10
    after: tuple[Scalar | None, ...] | None = None


class MultiTermsAgg(BucketAgg, frozen=True, kw_only=True):
    """A bucket for each combination of values of several fields that a document has. `order`: as `TermsAgg`'s."""

    terms: tuple[TermsAgg, ...]
    size: int = 10
    min_doc_count: int = 1
    order: tuple[tuple[str, bool], ...] = (("_count", True),)


class RareTermsAgg(BucketAgg, frozen=True, kw_only=True):
    """A bucket for each value of `of` that at most `most` documents have, the rarest first."""

    of: TermsAgg
    most: int = 1


class SignificantTermsAgg(BucketAgg, frozen=True, kw_only=True):
    """A bucket for each value of `of` that is more frequent in what is found than in all there is, or in all that
    `background` finds; by how much, as `heuristic` has it (jlh, percentage, mutual_information, chi_square, gnd), the
    highest first. `negatives`: values that are less frequent, too. Not `superset`: what is found is not in all there
    is."""

    of: TermsAgg
    heuristic: str = "jlh"
    negatives: bool = False
    superset: bool = True
    background: Node | None = None


class NestedAgg(BucketAgg, frozen=True, kw_only=True):
    """One bucket: the objects in a nested field of what is found."""

    path: str


class ReverseNestedAgg(BucketAgg, frozen=True, kw_only=True):
    """One bucket, within `NestedAgg`: the documents that the objects are in."""


class FilterAgg(BucketAgg, frozen=True, kw_only=True):
    """One bucket: what a query finds."""

    filter: Node


class FiltersAgg(BucketAgg, frozen=True, kw_only=True):
    """A bucket for each query, by name; or, without names (`keyed` false), in order under the names "0", "1", …

    `other_bucket_key` None: no bucket for the rest.
    """

    filters: Mapping[str, Node]
    keyed: bool = True
    other_bucket_key: str | None = None


class AdjacencyMatrixAgg(BucketAgg, frozen=True, kw_only=True):
    """A bucket for each query, by name, and for each two of them together, as far as they find anything."""

    filters: Mapping[str, Node]
    separator: str = "&"

    def together(self) -> list[tuple[str, tuple[str, ...]]]:
        """The names of buckets and of the queries of each, in their order."""
        names = sorted(self.filters)
        pairs = [(one, other) for at, one in enumerate(names) for other in names[at + 1 :]]
        rows = [(self.separator.join(each), each) for each in (*((name,) for name in names), *pairs)]
        return sorted(rows, key=lambda row: row[0].encode("utf-16-be", "surrogatepass"))


class MetricAgg(Agg, frozen=True, kw_only=True):
    """A figure from the values of a field. `kind`: min, max, avg, sum, stats, extended_stats (with bounds of `sigma`
    standard deviations), value_count, cardinality."""

    kind: str
    field: str
    missing: Scalar | None = None
    format: str | None = None
    sigma: float = 2.0


class PercentilesAgg(Agg, frozen=True, kw_only=True):
    """For each of `at`, in per cent, the value that so many of a field's values are at most; with `ranks`, for each of
    `at`, a value, how many per cent are."""

    field: str
    at: tuple[float, ...] = (1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0)
    ranks: bool = False
    keyed: bool = True
    missing: Scalar | None = None
    format: str | None = None


class GeoBoundsAgg(Agg, frozen=True, kw_only=True):
    """The part of the earth that all places are in; with `wrap` it may lie across the date line."""

    field: str
    wrap: bool = True


class TopHitsAgg(Agg, frozen=True, kw_only=True):
    """Some of a bucket's hits."""

    page: Page = Page()


class PipelineAgg(Agg, frozen=True, kw_only=True):
    """A figure of other aggregations' results, to which `path` leads. `kind`: avg_bucket, max_bucket, min_bucket,
    stats_bucket, extended_stats_bucket (with bounds of `sigma` standard deviations), percentiles_bucket (`at` so many
    per cent), sum_bucket, cumulative_sum, derivative, serial_diff (from `lag` buckets before), or bucket_sort with its
    `sort` (paths, and whether descending), `from_` and `size`. `zeros`: what is not there counts as 0, and is not left
    out."""

    kind: str
    path: tuple[str, ...] = ()
    zeros: bool = False
    sort: tuple[tuple[tuple[str, ...], bool], ...] = ()
    from_: int = 0
    size: int | None = None
    sigma: float = 2.0
    at: tuple[float, ...] = (1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0)
    keyed: bool = True
    lag: int = 1


def every_aggregation(aggs: Mapping[str, Agg]) -> Iterator[tuple[str, Agg]]:
    """All of them by name, those within others included."""
    for name, agg in aggs.items():
        yield name, agg
        if isinstance(agg, BucketAgg):
            yield from every_aggregation(agg.aggs)


def of_fields(agg: Agg) -> Iterator[Agg]:
    """The aggregations of one field that one is made of; itself, where it is of one field."""
    match agg:
        case CompositeAgg():
            yield from (each.of for each in agg.sources)
        case MultiTermsAgg():
            yield from agg.terms
        case RareTermsAgg() | SignificantTermsAgg():
            yield agg.of
        case _:
            yield agg


def filters_of(aggs: Mapping[str, Agg]) -> Iterator[Node]:
    """The queries that aggregations have, wherever they are: one that is wrong is an error, also where no bucket is."""
    for _, agg in every_aggregation(aggs):
        if isinstance(agg, FilterAgg):
            yield agg.filter
        elif isinstance(agg, FiltersAgg | AdjacencyMatrixAgg):
            yield from agg.filters.values()
        elif isinstance(agg, SignificantTermsAgg) and agg.background is not None:
            yield agg.background
