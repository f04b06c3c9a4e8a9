"""Places on the earth: what is one in a document or in a query, and how far two are from each other.

Forms, normalization and precision are those of OpenSearch's `geo_point` (GeoPointFieldMapper, GeoUtils) with
`ignore_malformed`; distances those of Lucene's SloppyMath, as exactly as doubles have them.
"""

import math
import re
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from activity_stream.fields import FieldType
from activity_stream.search.query import Box, Distance, Point
from activity_stream.search.values import coerce

EARTH_RADIUS = 6_371_008.7714
"""Metres: the mean radius of WGS 84, as in Lucene's GeoUtils."""

_UNITS: Mapping[tuple[str, ...], float] = {
    ("in", "inch"): 0.0254,
    ("yd", "yards"): 0.9144,
    ("ft", "feet"): 0.3048,
    ("km", "kilometers"): 1000.0,
    ("NM", "nmi", "nauticalmiles"): 1852.0,
    ("mm", "millimeters"): 0.001,
    ("cm", "centimeters"): 0.01,
    ("mi", "miles"): 1609.344,
    ("m", "meters"): 1.0,
}
UNITS: Mapping[str, float] = {name: metres for names, metres in _UNITS.items() for name in names}
"""How many metres each unit of length has."""

_LENGTH = re.compile(r"\s*([+-]?[\d.]+(?:[eE][+-]?\d+)?)\s*([A-Za-z]*)\s*", re.ASCII)
_NUMBER = r"([+-]?[\d.]+(?:[eE][+-]?\d+)?)"
_WKT = re.compile(
    rf"\s*point\s*(?:(empty)|\(\s*{_NUMBER}\s+{_NUMBER}(?:\s+{_NUMBER})?\s*\))\s*", re.ASCII | re.IGNORECASE
)
GEOHASH_DIGITS = "0123456789bcdefghjkmnpqrstuvwxyz"
_GEOHASH = {character: number for number, character in enumerate(GEOHASH_DIGITS)}
_LONGEST_GEOHASH = 12
_COORDINATES = (2, 3)

_LAT_STEP = 180 / 2**32
_LON_STEP = 360 / 2**32


def how_far(distance: Distance, places: Sequence[Point]) -> float:
    """How far a document with these places is; infinite without any."""
    if not places:
        return math.inf
    measure = plane_metres if distance.plane else metres
    found = sorted(measure(*each) / distance.unit for each in product(places, distance.points))
    if distance.mode == "avg":
        return sum(found) / len(found)
    if distance.mode == "median":
        middle = len(found) // 2
        return found[middle] if len(found) % 2 else (found[middle - 1] + found[middle]) / 2
    return found[-1] if distance.mode == "max" else found[0]


def is_within(box: Box, place: Point) -> bool:
    """Whether a place is in a box, borders included."""
    lat, lon = place
    across = box.west <= lon <= box.east if box.west <= box.east else lon >= box.west or lon <= box.east
    return box.south <= lat <= box.north and across


def metres(one: Point, other: Point) -> float:
    """The length of the great circle between two places (the haversine formula)."""
    lat, lat2 = math.radians(one[0]), math.radians(other[0])
    half_lat, half_lon = (lat2 - lat) / 2, math.radians(other[1] - one[1]) / 2
    haversine = math.sin(half_lat) ** 2 + math.cos(lat) * math.cos(lat2) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS * math.asin(min(1.0, math.sqrt(haversine)))


def plane_metres(one: Point, other: Point) -> float:
    """The distance on a plane: faster, and wrong over long distances and near the poles."""
    x = math.radians(other[1] - one[1]) * math.cos(math.radians((one[0] + other[0]) / 2))
    return math.hypot(x, math.radians(other[0] - one[0])) * EARTH_RADIUS


def length(value: object) -> float:
    """Metres of a length as `5km` or a number. Raises ValueError."""
    found = _LENGTH.fullmatch(str(value)) if isinstance(value, str | int | float) else None
    if found is None or isinstance(value, bool) or (found[2] or "m") not in UNITS:
        raise ValueError(f"[{value!s:.100}] is no length: it is a number and one of {', '.join(UNITS)}")
    return _number(found[1]) * UNITS[found[2] or "m"]


def places(value: Any) -> list[Point]:
    """The places that a field of a document holds, in one of their forms or a list of such; none, if any is wrong."""
    several = isinstance(value, list) and not (value and _is_number(value[0]))
    given = value if several else [value]
    try:
        return [stored(point(each, of_document=True)) for each in given if each is not None]
    except ValueError:
        return []


def point(value: Any, *, of_document: bool = False) -> Point:
    """The place that a value means: an object with `lat` and `lon`, with `geohash`, or GeoJSON's; a text `lat,lon`, WKT
    or a geohash; a list of longitude and latitude. A document's may be outside of the earth's degrees, of which it
    counts the rest. Raises ValueError."""
    lat, lon = _coordinates(value, of_document=of_document)
    if of_document:
        return _normalized(lat, lon)
    if abs(lat) > 90 or abs(lon) > 180:
        raise ValueError(f"[{value!s:.100}] is not on the earth: latitudes go to 90, longitudes to 180 degrees")
    return lat, lon


def stored(place: Point) -> Point:
    """A place as an index holds it, in whole parts of 2^32 of the degrees (Lucene's GeoEncodingUtils)."""
    lat, lon = place
    most = 2**31 - 1
    return min(math.floor(lat / _LAT_STEP), most) * _LAT_STEP, min(math.floor(lon / _LON_STEP), most) * _LON_STEP


def quantized(place: Point) -> tuple[int, int]:
    """Latitude and longitude of a stored place as whole numbers of 32 bits, counted from the south and the west."""
    lat, lon = place
    return math.floor(lat / _LAT_STEP) + 2**31, math.floor(lon / _LON_STEP) + 2**31


def _coordinates(value: Any, *, of_document: bool) -> Point:
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, list) and all(_is_number(each) for each in value) and len(value) >= min(_COORDINATES):
        if not of_document and len(value) > max(_COORDINATES):
            raise ValueError(f"[{value!s:.100}] has {len(value)} coordinates instead of 2 or 3")
        return _number(value[1]), _number(value[0])
    if isinstance(value, dict):
        if value.keys() == {"lat", "lon"}:
            return _number(value["lat"]), _number(value["lon"])
        if value.keys() == {"geohash"} and isinstance(value["geohash"], str):
            return _of_geohash(value["geohash"])
        if value.keys() == {"type", "coordinates"} and str(value["type"]).lower() == "point":
            return _coordinates(value["coordinates"], of_document=False)
    raise ValueError(
        f"[{value!s:.100}] is no place: it is one as {{'lat': 51.5, 'lon': -0.1}}, '51.5,-0.1' or a geohash"
    )


def _of_text(text: str) -> Point:
    if "point" in text.lower():
        found = _WKT.fullmatch(text)
        if found is None:
            raise ValueError(f"[{text[:100]}] is no POINT of WKT")
        return (0.0, 0.0) if found[1] else (_number(found[3]), _number(found[2]))
    if "," in text:
        parts = text.split(",")
        if len(parts) not in _COORDINATES:
            raise ValueError(f"[{text[:100]}] has {len(parts)} coordinates instead of 2 or 3")
        return _number(parts[0].strip()), _number(parts[1].strip())
    return _of_geohash(text)


def _of_geohash(text: str) -> Point:
    """The south-western corner of a cell (G. Niemeyer, 2008)."""
    if not text or any(each not in _GEOHASH for each in text):
        raise ValueError(f"[{text[:100]}] is no geohash")
    bits = "".join(f"{_GEOHASH[each]:05b}" for each in text[:_LONGEST_GEOHASH])
    lon, lat = bits[::2], bits[1::2]
    return int(lat or "0", 2) / 2 ** len(lat) * 180 - 90, int(lon, 2) / 2 ** len(lon) * 360 - 180


def _normalized(lat: float, lon: float) -> Point:
    beyond = abs(lat) > 90
    turned = beyond or abs(lon) > 180
    if beyond:
        lat = _centred(lat)
        if abs(lat) > 90:
            lat = math.copysign(180, lat) - lat
            lon += 180
    return lat, _centred(lon) if turned else lon


def _centred(degrees: float) -> float:
    """The same direction, over -180 and up to 180 degrees."""
    rest = math.fmod(degrees, 360)
    rest = rest + 360 if rest <= 0 else rest
    return rest - 360 if rest > 180 else rest


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any) -> float:
    number = coerce(FieldType.DOUBLE, value)
    if number is None:
        raise ValueError(f"[{value!s:.100}] is no number")
    return float(number)
