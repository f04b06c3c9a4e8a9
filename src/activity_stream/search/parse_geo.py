"""Queries and sorts about places: from a part of a body to what it means."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from activity_stream.search import refusals
from activity_stream.search.geo import UNITS, length, point
from activity_stream.search.hits import GEO_DISTANCE, SortKey
from activity_stream.search.part import Part, Reader, Readers, only_if
from activity_stream.search.query import Box, Distance, GeoBox, GeoDistance, Node, Point

T = TypeVar("T")

_MOST_POINTS = 100
_VALIDATION: Reader = only_if("STRICT", "strict")
_CORNERS = (("top_left", "bottom_right"), ("top_right", "bottom_left"))
_SIDES = ("top", "left", "bottom", "right")


def geo_distance(part: Part) -> Node:
    """`geo_distance`: what is near."""
    readers: Readers = {"distance": _length, "ignore_unmapped": Part.boolean, "boost": Part.boost}
    ignored: Readers = {
        "distance_type": lambda each: each.choice("arc", "plane"),
        "validation_method": _VALIDATION,
        "_name": Part.text,
    }
    field, place, values = _around_a_field(part, "geo_distance", readers, ignored)
    if "distance" not in values:
        raise part.refused("[geo_distance] requires [distance] to be set")
    if values["distance"] <= 0:
        raise refusals.illegal(f"distance must be greater than zero at {part.path}")
    return GeoDistance(field=field, point=_point(place), metres=values.pop("distance"), **values)


def geo_bounding_box(part: Part) -> Node:
    """`geo_bounding_box`: what is between two parallels and two meridians."""
    readers: Readers = {"ignore_unmapped": Part.boolean, "boost": Part.boost}
    ignored: Readers = {"type": Part.text, "validation_method": _VALIDATION, "_name": Part.text}
    field, inner, values = _around_a_field(part, "geo_bounding_box", readers, ignored)
    return GeoBox(field=field, box=_box(inner), **values)


def geo_sort(part: Part, descending: Callable[[Part], bool]) -> SortKey:
    """A sort by distance. `descending` reads an order."""
    readers: Readers = {
        "order": descending,
        "unit": _unit,
        "mode": _mode,
        "sort_mode": _mode,
        "distance_type": lambda each: each.choice("arc", "plane"),
        "ignore_unmapped": Part.boolean,
    }
    field, place, values = _around_a_field(part, GEO_DISTANCE, readers, {"validation_method": _VALIDATION})
    points = _points(place)
    backwards = values.get("order", False)
    mode = values.get("mode", values.get("sort_mode", "max" if backwards else "min"))
    distance = Distance(
        field=field,
        points=points,
        unit=values.get("unit", 1.0),
        mode=mode,
        plane=values.get("distance_type") == "plane",
    )
    unmapped = "double" if values.get("ignore_unmapped") else None
    return SortKey(field=GEO_DISTANCE, descending=backwards, distance=distance, unmapped_type=unmapped)


def _around_a_field(part: Part, construct: str, readers: Readers, ignored: Readers) -> tuple[str, Part, dict[str, Any]]:
    """The field's name, which is the one key that is no option, what is said of it, and the options."""
    options, fields = {}, []
    for key, inner in part.entries():
        if key in readers or key in ignored:
            options[key] = inner.value
        else:
            fields.append((inner.named(key), inner))
    if len(fields) != 1:
        names = ", ".join(name[:50] for name, _ in fields[:5]) or "none"
        raise part.refused(f"[{construct}] needs the name of one field besides its options, and has {names};")
    ((field, inner),) = fields
    return field, inner, Part(options, part.path, part.budget).options(construct, readers, ignored)


def _read(part: Part, read: Callable[[Any], T]) -> T:
    """What a function makes of the value; its ValueError as a refusal."""
    try:
        return read(part.value)
    except ValueError as problem:
        raise refusals.refused("parse_exception", f"{problem} at {part.path}") from None


def _length(part: Part) -> float:
    return _read(part, length)


def _point(part: Part) -> Point:
    return _read(part, point)


def _points(part: Part) -> tuple[Point, ...]:
    """One place, or a list of them; a list that begins with a number is a place."""
    listed = isinstance(part.value, list) and not (part.value and isinstance(part.value[0], int | float))
    found = tuple(_point(each) for each in part.elements()) if listed else (_point(part),)
    if not 0 < len(found) <= _MOST_POINTS:
        raise refusals.illegal(f"[{GEO_DISTANCE}] needs 1 to {_MOST_POINTS} places, found {len(found)} at {part.path}")
    return found


def _unit(part: Part) -> float:
    if part.text() not in UNITS:
        raise refusals.illegal(f"No matching unit: [{part.value[:50]}] at {part.path} is none of {', '.join(UNITS)}")
    return UNITS[part.text()]


def _mode(part: Part) -> str:
    if part.text().lower() == "sum":
        raise refusals.illegal("sort_mode [sum] isn't supported for sorting by geo distance")
    return part.choice("min", "max", "avg", "median")


def _box(part: Part) -> Box:
    given = {name: inner for name, inner in part.entries() if name not in ("type", "validation_method")}
    names = tuple(given)
    if set(names) == set(_SIDES):
        north, west, south, east = (given[name].number() for name in _SIDES)
    elif set(names) == set(_CORNERS[0]):
        (north, west), (south, east) = (_point(given[name]) for name in _CORNERS[0])
    elif set(names) == set(_CORNERS[1]):
        (north, east), (south, west) = (_point(given[name]) for name in _CORNERS[1])
    else:
        allowed = "top_left and bottom_right, top_right and bottom_left, or top, left, bottom and right"
        raise refusals.refused("parse_exception", f"failed to parse bounding box at {part.path}: it has {allowed}")
    if south > north:
        raise refusals.illegal(f"top is below bottom corner: {north} vs. {south} at {part.path}")
    return Box(south=south, west=west, north=north, east=east)


GEO_QUERIES: Mapping[str, Reader] = {"geo_distance": geo_distance, "geo_bounding_box": geo_bounding_box}
"""The readers of these queries by name."""
