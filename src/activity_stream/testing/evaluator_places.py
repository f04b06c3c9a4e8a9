"""Aggregations of places."""

from collections.abc import Sequence
from typing import Any

from activity_stream.fields import Field, FieldType
from activity_stream.search import refusals
from activity_stream.search.aggs import GeoBoundsAgg, GeoGridAgg, RingsAgg
from activity_stream.search.geo import metres, plane_metres
from activity_stream.search.grids import bounds, cell_name, cells
from activity_stream.search.rings import ring_bounds, ring_shown
from activity_stream.testing.evaluator_documents import Document

Row = tuple[dict[str, Any], list[Document]]
"""What is shown of a bucket, and the documents in it."""


def rings(agg: RingsAgg, field: Field | None, documents: Sequence[Document]) -> list[Row]:
    """Each range with the documents that have a place as far as that."""
    _refuse_others(field)
    measure = plane_metres if agg.plane else metres
    found = []
    for ring in sorted(agg.ranges, key=ring_bounds):
        low, high = ring_bounds(ring)
        members = [
            each
            for each in documents
            if field is not None
            and any(low <= measure(agg.origin, place) / agg.unit < high for place in each.places(field))
        ]
        found.append((ring_shown(ring), members))
    return found


def grid(agg: GeoGridAgg, field: Field | None, documents: Sequence[Document]) -> list[Row]:
    """Each cell that there are places in, with their documents."""
    _refuse_others(field)
    members: dict[tuple[int, ...], list[Document]] = {}
    for each in documents if field is not None else ():
        for cell in cells(agg, each.places(field) if field is not None else ()):
            members.setdefault(cell, []).append(each)
    order = sorted(members, key=lambda cell: (-len(members[cell]), [-each for each in cell]))
    return [({"key": cell_name(agg, cell)}, members[cell]) for cell in order[: agg.size]]


def bounds_of(agg: GeoBoundsAgg, field: Field | None, documents: Sequence[Document]) -> dict[str, Any]:
    """The part of the earth that all places are in."""
    _refuse_others(field)
    places = [place for each in documents for place in (each.places(field) if field is not None else ())]
    return bounds(places, wrap=agg.wrap)


def _refuse_others(field: Field | None) -> None:
    if field is not None and field.type is FieldType.TEXT:
        raise refusals.needs_fielddata(field.name)
    if field is not None and field.type is not FieldType.GEO_POINT:
        raise refusals.wrong_kind("aggregations of places", field.name, field.type)
