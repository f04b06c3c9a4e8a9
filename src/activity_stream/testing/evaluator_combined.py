"""Buckets of several fields together, and of rare and significant values, over documents."""

from collections.abc import Callable, Mapping, Sequence
from functools import cmp_to_key
from itertools import product
from typing import Any

import msgspec

from activity_stream.fields import Field, FieldType
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
from activity_stream.search.date_math import bound_ms
from activity_stream.search.dates import format_date
from activity_stream.search.query import Scalar
from activity_stream.search.significance import Shares, significance
from activity_stream.search.values import json_text, query_double
from activity_stream.search.zones import offset_at, zone
from activity_stream.testing.evaluator_documents import Document
from activity_stream.testing.evaluator_intervals import starts_of
from activity_stream.testing.evaluator_values import order_key

Documents = Sequence[Document]
Key = tuple[Any, ...]
Values = Callable[[Document], Sequence[Scalar]]


class Row(msgspec.Struct):
    """A bucket: its documents, and what the answer has besides their number."""

    key: Key
    documents: list[Document]
    shown: dict[str, Any]


def composite(agg: CompositeAgg, fields: Sequence[Field | None], documents: Documents, now_ms: int) -> list[Row]:
    """The first buckets behind `after`, in the order of their keys."""
    found: dict[Key, list[Document]] = {}
    for document in documents:
        lists = [_keys(source, field, document) for source, field in zip(agg.sources, fields, strict=True)]
        for key in product(*lists):
            found.setdefault(key, []).append(document)

    def compared(one: Key, other: Key) -> int:
        places = map(_compared, agg.sources, one, other)
        return next((place for place in places if place), 0)

    keys = sorted(found, key=cmp_to_key(compared))
    if agg.after is not None:
        after = tuple(
            _read(value, source, field, now_ms)
            for value, source, field in zip(agg.after, agg.sources, fields, strict=True)
        )
        keys = [key for key in keys if compared(key, after) > 0]
    return [Row(key, found[key], {"key": _named(agg, fields, key)}) for key in keys[: agg.size]]


def multi_terms(
    agg: MultiTermsAgg,
    values_of: Sequence[Callable[[Document], Sequence[Scalar]]],
    fields: Sequence[Field | None],
    documents: Documents,
) -> list[Row]:
    """All buckets, in no order."""
    found: dict[Key, list[Document]] = {}
    for document in documents:
        for key in product(*(dict.fromkeys(values(document)) for values in values_of)):
            found.setdefault(key, []).append(document)
    rows = []
    for key, members in found.items():
        shown = [
            format_date(int(value)) if field is not None and field.type is FieldType.DATE else value
            for value, field in zip(key, fields, strict=True)
        ]
        if len(members) >= agg.min_doc_count:
            text = "|".join(json_text(each) for each in shown)
            order = tuple(order_key(value) for value in key)
            rows.append(Row(order, members, {"key": shown, "key_as_string": text}))
    return rows


def rare(agg: RareTermsAgg, field: Field | None, counts: Mapping[Scalar, list[Document]]) -> list[Scalar]:
    """The rare ones of some values with their documents, in their order."""
    if field is not None and field.type is FieldType.DOUBLE:
        raise refusals.illegal("RareTerms aggregation does not support floating point fields.")
    few = [value for value, members in counts.items() if len(members) <= agg.most]
    return sorted(few, key=lambda value: (len(counts[value]), order_key(value)))


def significant(
    agg: SignificantTermsAgg,
    field: Field,
    counts: Mapping[Scalar, list[Document]],
    usual: Mapping[Scalar, int],
    sizes: tuple[int, int],
) -> list[tuple[Scalar, float]]:
    """The most significant of some values with their documents, and how significant each is."""
    if field.type is FieldType.DOUBLE:
        raise refusals.refused("unsupported_operation_exception", "No support for examining floating point numerics")
    scored = []
    for value, members in counts.items():
        score = significance(agg, Shares(len(members), sizes[0], usual.get(value, 0), sizes[1], agg.superset))
        if score > 0 and len(members) >= agg.of.min_doc_count:
            scored.append((value, score))
    scored.sort(key=lambda row: (-row[1], order_key(row[0])))
    return scored[: agg.of.size]


def _keys(source: CompositeSource, field: Field | None, document: Document) -> Sequence[Any]:
    values = () if field is None else document.values(field)
    of = source.of
    keys: Sequence[Any] = values if isinstance(of, TermsAgg) else [starts_of(of, value) for value in values]
    if not keys and source.missing:
        return (None,)
    return tuple(dict.fromkeys(keys))


def _compared(source: CompositeSource, one: Any, other: Any) -> int:
    if one is None or other is None:
        first = not source.descending if source.missing_first is None else source.missing_first
        return 0 if one is other else -1 if (one is None) == first else 1
    left: Any = order_key(one)
    right: Any = order_key(other)
    place = int(left > right) - int(left < right)
    return -place if source.descending else place


def _read(value: Scalar | None, source: CompositeSource, field: Field | None, now_ms: int) -> Any:
    of = source.of
    if value is None:
        return None
    if isinstance(of, DateHistogramAgg):
        fmt = of.format if isinstance(value, str) else None
        return bound_ms(value, now_ms, round_up=False, fmt=fmt, time_zone=of.time_zone)
    if field is not None and field.type is FieldType.DATE and isinstance(of, TermsAgg):
        return bound_ms(value, now_ms, round_up=False)
    if isinstance(of, TermsAgg) and (field is None or field.type in (FieldType.KEYWORD, FieldType.BOOLEAN)):
        return value
    return query_double(value)


def _named(agg: CompositeAgg, fields: Sequence[Field | None], key: Key) -> dict[str, Any]:
    return {source.name: _shown(source, value) for source, field, value in zip(agg.sources, fields, key, strict=True)}


def _shown(source: CompositeSource, value: Any) -> Any:
    of = source.of
    if value is None or isinstance(of, TermsAgg):
        return value
    if not isinstance(of, DateHistogramAgg):
        return float(value)
    if of.format is None:
        return int(value)
    place = offset_at(zone(of.time_zone or "Z"), int(value))
    return format_date(int(value), of.format, place)
