"""Queries and sorts about places: from a part of a body to what it means."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from activity_stream.search import refusals
from activity_stream.search.aggs import Agg, BucketAgg, GeoBoundsAgg, GeoGridAgg, RangeBucket, RingsAgg
from activity_stream.search.geo import UNITS, length, point
from activity_stream.search.hits import GEO_DISTANCE, SortKey
from activity_stream.search.parse_buckets import bucket_size
from activity_stream.search.part import Part, Reader, Readers, only_if
from activity_stream.search.query import Box, Distance, GeoBox, GeoDistance, Node, Point

T = TypeVar("T")

_MOST_POINTS = 100
_USUAL_CELLS = 10_000
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


def rings(part: Part) -> BucketAgg:
    """The aggregation `geo_distance`: how far away."""
    readers: Readers = {
        "field": Part.field,
        "origin": _point,
        "ranges": _rings,
        "unit": _unit,
        "distance_type": lambda each: each.choice("arc", "plane"),
        "keyed": Part.boolean,
    }
    values = part.options("geo_distance", readers)
    for name in ("field", "origin", "ranges"):
        if not values.get(name):
            raise part.refused(f"[geo_distance] needs [{name}]")
    return RingsAgg(plane=values.pop("distance_type", "arc") == "plane", **values)


def _rings(part: Part) -> tuple[RangeBucket, ...]:
    found = []
    for each in part.elements():
        values = each.options("range", {"from": Part.number, "to": Part.number, "key": Part.text})
        found.append(RangeBucket(start=values.get("from"), end=values.get("to"), key=values.get("key")))
    if len(found) > part.budget.limits.clauses:
        raise refusals.illegal(f"At most {part.budget.limits.clauses} ranges are allowed at {part.path}")
    return tuple(found)


def _grid(part: Part, *, tiles: bool) -> BucketAgg:
    least, most, usual = (0, 29, 7) if tiles else (1, 12, 5)

    def precision(each: Part) -> int:
        number = each.integer()
        if not least <= number <= most:
            raise refusals.illegal(f"[precision] must be from {least} to {most}. Found [{number}] at {each.path}")
        return number

    readers: Readers = {"field": Part.field, "precision": precision, "size": bucket_size, "bounds": _box}
    values = part.options(part.key, readers, {"shard_size": Part.integer})
    if "field" not in values:
        raise part.refused("Required one of fields [field, script], but none were specified")
    if "size" not in values:
        values["size"] = bucket_size(Part(_USUAL_CELLS, part.path, part.budget, "size"))
    return GeoGridAgg(tiles=tiles, **{"precision": usual, **values})


def geo_bounds(part: Part) -> Agg:
    """The aggregation `geo_bounds`."""
    values = part.options("geo_bounds", {"field": Part.field, "wrap_longitude": Part.boolean})
    if "field" not in values:
        raise part.refused("Required one of fields [field, script], but none were specified")
    return GeoBoundsAgg(field=values["field"], wrap=values.get("wrap_longitude", True))


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
GEO_BUCKETS: Mapping[str, Callable[[Part], BucketAgg]] = {
    "geo_distance": rings,
    "geohash_grid": lambda part: _grid(part, tiles=False),
    "geotile_grid": lambda part: _grid(part, tiles=True),
}
"""The readers of these aggregations by name."""
