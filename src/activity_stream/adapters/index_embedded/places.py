"""Where documents are: those between two parallels from columns, which of them are in an area is worked out here."""

import math
from collections.abc import Callable

import msgspec
from tantivy import Query

from activity_stream.adapters.index_embedded.predicates import Predicates, both, unscored
from activity_stream.adapters.index_embedded.reader import ValueReader
from activity_stream.adapters.index_embedded.schema import SEQUENCE, Column
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.search.geo import EARTH_RADIUS, is_within, metres
from activity_stream.search.query import GeoBox, GeoDistance, Point


class Area(msgspec.Struct, frozen=True):
    """A part of the earth: the parallels that it lies between, and whether a place is in it."""

    south: float
    north: float
    holds: Callable[[Point], bool]


def near(node: GeoDistance) -> Area:
    """The area around a point."""
    parallels = math.degrees(node.metres / EARTH_RADIUS)
    south, north = node.point[0] - parallels, node.point[0] + parallels
    return Area(south, north, lambda place: metres(node.point, place) <= node.metres)


def inside(node: GeoBox) -> Area:
    """The area of a box."""
    return Area(node.box.south, node.box.north, lambda place: is_within(node.box, place))


def sequences_in(
    area: Area, column: Column, snapshot: Snapshot, reader: ValueReader, predicates: Predicates, visible: Query
) -> list[int]:
    """The places in the order of writing of the visible documents with a place in an area."""
    latitudes, _, _ = column.place or ("", "", "")
    query = both(predicates.degrees(latitudes, area.south, area.north), unscored(visible))
    addresses = [address for _, address in snapshot.every(query)]
    places = reader.places(column, addresses)
    found = [address for address, each in zip(addresses, places, strict=True) if any(map(area.holds, each))]
    return [int(each or 0) for each in snapshot.searcher.fast_field_values(SEQUENCE, found)]
