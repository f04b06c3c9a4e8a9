"""Figures from the values of a field."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from activity_stream.fields import Field, FieldType
from activity_stream.search import percentiles, refusals
from activity_stream.search.aggs import MetricAgg, PercentilesAgg
from activity_stream.search.dates import format_date
from activity_stream.search.deviation import extended, with_texts
from activity_stream.search.query import Scalar
from activity_stream.search.values import coerce, json_text
from activity_stream.testing.evaluator_documents import Document

NUMBERS = (FieldType.DATE, FieldType.BOOLEAN, FieldType.LONG, FieldType.DOUBLE)


def metric(agg: MetricAgg, field: Field | None, documents: Sequence[Document]) -> dict[str, Any]:
    """The answer of a metric aggregation. Raises SearchRefused for a field that has no such figure."""
    values = _values(agg, field, documents)
    if agg.kind == "value_count":
        return {"value": len(values)}
    if agg.kind == "cardinality":
        return {"value": len(set(values))}
    numbers = [float(value) for value in values]
    figures = _figures(numbers)
    if agg.kind == "extended_stats":
        squares = sum(each * each for each in numbers)
        least, greatest = figures["min"], figures["max"]
        shown_all = extended(len(numbers), least, greatest, float(sum(numbers)), squares, agg.sigma)
        return with_texts(shown_all, FieldType.KEYWORD if field is None else field.type, agg.format)
    show = _SHOWN.get(FieldType.KEYWORD if field is None else field.type)
    if agg.kind != "stats":
        figure = figures[agg.kind]
        shown: dict[str, Any] = {"value": figure}
        if show is not None and figure is not None:
            shown["value_as_string"] = json_text(show(figure, agg))
        return shown
    if show is None or not values:
        return figures
    return figures | {f"{name}_as_string": show(figures[name], agg) for name in ("min", "max", "avg", "sum")}


def percentile_figures(agg: PercentilesAgg, field: Field | None, documents: Sequence[Document]) -> dict[str, Any]:
    """Percentiles, or their ranks."""
    name = "percentile_ranks" if agg.ranks else "percentiles"
    values = _values(MetricAgg(kind=name, field=agg.field, missing=agg.missing), field, documents)
    found = percentiles.figures(agg, Counter(float(each) for each in values))
    show = None if field is None else _SHOWN.get(field.type)
    written = MetricAgg(kind=name, field=agg.field, format=agg.format)
    texts = [None if show is None or value is None else json_text(show(value, written)) for _, value in found]
    return {"values": percentiles.shown(agg, found, texts)}


def _values(agg: MetricAgg, field: Field | None, documents: Sequence[Document]) -> list[Scalar]:
    if field is None:
        return [] if agg.missing is None else [agg.missing] * len(documents)
    if field.type is FieldType.TEXT:
        raise refusals.needs_fielddata(field.name)
    counted = agg.kind in ("value_count", "cardinality")
    if field.type not in NUMBERS and not (counted and field.type is FieldType.KEYWORD):
        raise refusals.wrong_kind(f"aggregation [{agg.kind}]", field.name, field.type)
    instead: tuple[Scalar, ...] = ()
    if agg.missing is not None:
        taken = coerce(field.type, agg.missing)
        if taken is None:
            raise refusals.illegal(f"[missing] value [{agg.missing}] is not a value of field [{field.name}]")
        instead = (taken,)
    return [value for each in documents for value in _stored(field, each) or instead]


def _stored(field: Field, document: Document) -> Sequence[Scalar]:
    """Of keywords each is stored once, of numbers all are."""
    values = document.values(field)
    return tuple(dict.fromkeys(values)) if field.type is FieldType.KEYWORD else values


def _figures(numbers: Sequence[float]) -> dict[str, float | None]:
    total = sum(numbers)
    return {
        "count": len(numbers),
        "min": min(numbers, default=None),
        "max": max(numbers, default=None),
        "avg": total / len(numbers) if numbers else None,
        "sum": float(total),
    }


def _date(figure: float | None, agg: MetricAgg) -> str:
    return format_date(int(figure or 0), agg.format)


def _boolean(figure: float | None, agg: MetricAgg) -> bool:  # noqa: ARG001 - as the others
    return bool(figure)


_SHOWN: Mapping[FieldType, Callable[[float | None, MetricAgg], str | bool]] = {
    FieldType.DATE: _date,
    FieldType.BOOLEAN: _boolean,
}
