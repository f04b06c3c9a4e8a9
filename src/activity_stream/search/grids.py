"""Cells of the earth that places are counted by, and the part of it that places are in.

Sources: geohashes (G. Niemeyer, 2008), tiles of web maps (OpenStreetMap wiki, "Slippy map tilenames"), and OpenSearch's
`InternalGeoBounds`.
"""

import math
from collections.abc import Iterable
from typing import Any

from activity_stream.search.aggs import GeoGridAgg
from activity_stream.search.geo import GEOHASH_DIGITS, is_within, quantized
from activity_stream.search.query import Point

_LONGEST = 12
_BITS = 5 * _LONGEST

Cell = tuple[int, ...]
"""What tells a cell from others of its grid, and in which order they are."""


def cells(agg: GeoGridAgg, places: Iterable[Point]) -> set[Cell]:
    """The cells that places are in; those outside of the grid's bounds are in none."""
    inside = [each for each in places if agg.bounds is None or is_within(agg.bounds, each)]
    return {(_tile if agg.tiles else _geohash)(each, agg.precision) for each in inside}


def cell_name(agg: GeoGridAgg, cell: Cell) -> str:
    """What a cell is called in an answer."""
    if agg.tiles:
        return "/".join(str(each) for each in (agg.precision, *cell))
    (bits,) = cell
    digits = (bits >> (5 * each) & 31 for each in reversed(range(agg.precision)))
    return "".join(GEOHASH_DIGITS[each] for each in digits)


def bounds(places: Iterable[Point], *, wrap: bool) -> dict[str, Any]:
    """The least part of the earth that all places are in, as the answer has it; with `wrap` across the date line, if it
    is narrower so. Nothing without places."""
    found = list(places)
    if not found:
        return {}
    east = [lon for _, lon in found if lon >= 0]
    west = [lon for _, lon in found if lon < 0]
    left, right = min(west or east), max(east or west)
    if east and west and wrap and max(east) - min(west) > 360 - min(east) + max(west):
        left, right = min(east), max(west)
    latitudes = [lat for lat, _ in found]
    corners = {"top_left": (max(latitudes), left), "bottom_right": (min(latitudes), right)}
    return {"bounds": {name: {"lat": lat, "lon": lon} for name, (lat, lon) in corners.items()}}


def _geohash(place: Point, precision: int) -> Cell:
    """Its bits: one of the longitude, one of the latitude, and so on. OpenSearch orders them as numbers of 64 bits that
    may be negative, which the longest ones fill."""
    lat, lon = quantized(place)
    bits = 0
    for at in range(5 * precision):
        half, is_lat = divmod(at, 2)
        bits = bits << 1 | ((lat if is_lat else lon) >> (31 - half) & 1)
    return (bits - (1 << _BITS) if precision == _LONGEST and bits >> (_BITS - 1) else bits,)


def _tile(place: Point, zoom: int) -> Cell:
    lat, lon = place
    number = 1 << zoom
    sine = math.sin(math.radians(lat))
    x = math.floor((lon + 180) / 360 * number)
    y = math.floor((0.5 - math.log((1 + sine) / (1 - sine)) / (4 * math.pi)) * number) if abs(sine) < 1 else -1
    if sine == -1:
        y = number
    return min(max(x, 0), number - 1), min(max(y, 0), number - 1)
