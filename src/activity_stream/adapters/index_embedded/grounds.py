"""Buckets of places: rings around one, and cells of a grid; and what part of the earth places are in."""

from collections.abc import Iterator
from typing import Any

import tantivy
from tantivy import Query

from activity_stream.adapters.index_embedded.buckets import Bucket
from activity_stream.adapters.index_embedded.counting import Counter
from activity_stream.adapters.index_embedded.predicates import Predicates, both, nothing, unscored
from activity_stream.adapters.index_embedded.reader import ValueReader
from activity_stream.adapters.index_embedded.schema import Column
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.search.aggs import GeoGridAgg, RingsAgg
from activity_stream.search.geo import metres, plane_metres
from activity_stream.search.grids import Cell, bounds, cell_name, cells
from activity_stream.search.query import Point
from activity_stream.search.rings import ring_bounds, ring_shown


class Grounds:
    """Makes them in a snapshot. `numbers`: the column that numbers what has places, documents or objects."""

    def __init__(
        self, snapshot: Snapshot, predicates: Predicates, counter: Counter, reader: ValueReader, numbers: str
    ) -> None:
        self._snapshot = snapshot
        self._predicates = predicates
        self._counter = counter
        self._reader = reader
        self._numbers = numbers

    def rings(self, query: Query, agg: RingsAgg, column: Column | None) -> list[Bucket]:
        """A bucket for each range of distances, by where it begins and ends."""
        measure = plane_metres if agg.plane else metres
        bounded = [(ring_bounds(each), each, set[int]()) for each in agg.ranges]
        for number, places in self._places(query, column):
            far = [measure(agg.origin, place) / agg.unit for place in places]
            for (low, high), _, members in bounded:
                if any(low <= each < high for each in far):
                    members.add(number)
        bounded.sort(key=lambda row: row[0])
        return [self._bucket(query, key, ring_shown(each), members) for key, each, members in bounded]

    def grid(self, query: Query, agg: GeoGridAgg, column: Column | None) -> list[Bucket]:
        """A bucket for each cell that there are places in; the first of them."""
        members: dict[Cell, set[int]] = {}
        for number, places in self._places(query, column):
            for cell in cells(agg, places):
                members.setdefault(cell, set()).add(number)
        rows = sorted(members.items(), key=lambda row: (len(row[1]), row[0]), reverse=True)[: agg.size]
        return [self._bucket(query, cell, {"key": cell_name(agg, cell)}, those) for cell, those in rows]

    def bounds(self, query: Query, column: Column | None, *, wrap: bool) -> dict[str, Any]:
        """The part of the earth that the places are in."""
        return bounds((place for _, places in self._places(query, column) for place in places), wrap=wrap)

    def _places(self, query: Query, column: Column | None) -> Iterator[tuple[int, tuple[Point, ...]]]:
        if column is None:
            return
        having = both(query, unscored(self._predicates.has(column.present)))
        addresses: list[tantivy.DocAddress] = [address for _, address in self._snapshot.every(having)]
        numbers = self._snapshot.searcher.fast_field_values(self._numbers, addresses)
        for number, places in zip(numbers, self._reader.places(column, addresses), strict=True):
            yield int(number or 0), tuple(places)

    def _bucket(self, query: Query, key: Any, shown: dict[str, Any], members: set[int]) -> Bucket:
        def narrowed() -> Query:
            return both(query, unscored(self._predicates.any_of(self._numbers, members))) if members else nothing()

        return Bucket(key, shown, len(members), narrowed)
