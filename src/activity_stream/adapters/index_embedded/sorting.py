"""The first documents by any number of keys.

    by the first key ──► groups of equals ──► complete groups: the other keys' values, sorted here
        (tantivy)                        └──► the group at the border: the same again, by the other keys

tantivy orders by one column. Whatever is equal by all keys comes in the order it was written in.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

import msgspec
import tantivy
from tantivy import Query

from activity_stream.adapters.index_embedded import first_of
from activity_stream.adapters.index_embedded.orders import (
    COMBINED,
    DISTANCE,
    DOC,
    FIELD,
    FIRST_OF,
    FOR_EACH,
    IN_ORDER_OF_WRITING,
    NONE,
    SCORE,
    Order,
    beyond,
    equal,
    present_before,
    present_beyond,
)
from activity_stream.adapters.index_embedded.predicates import Predicates, Value, both, either, unscored
from activity_stream.adapters.index_embedded.reader import ValueReader
from activity_stream.adapters.index_embedded.schema import OUTER, SEQUENCE, Column
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.adapters.index_embedded.worked import Scores, place_of
from activity_stream.fields import FieldType
from activity_stream.search.geo import how_far
from activity_stream.search.limits import MOST_READ
from activity_stream.search.modes import combined


class Hit(msgspec.Struct, frozen=True):
    """A document and its sort values, one for each key."""

    address: tantivy.DocAddress
    values: tuple[Value | None, ...]


class Sorter:
    """Sorts what queries find in a snapshot. Scores can be `rounded` to six digits: the last ones tell in which order
    parts of a score were added, and that is a matter of how many of all documents each part finds. `reader` reads
    places; `worked` are scores that were worked out, for queries of which tantivy has none. `numbers`: the column that
    numbers what is sorted, documents or the objects in nested fields."""

    def __init__(
        self,
        snapshot: Snapshot,
        predicates: Predicates,
        reader: ValueReader,
        *,
        rounded: bool = False,
        worked: Scores | None = None,
        numbers: str = SEQUENCE,
    ) -> None:
        self._numbers = numbers
        self._rounded = rounded
        self._reader = reader
        self._worked = worked
        self._ranked: tuple[Query, list[tuple[float, tantivy.DocAddress]]] | None = None
        self._totals: dict[int, tuple[Query, int]] = {}
        self._snapshot = snapshot
        self._searcher = snapshot.searcher
        self._schema = snapshot.schema.tantivy
        self._predicates = predicates

    def first(
        self, query: Query, keys: Sequence[Order], count: int, after: Sequence[Value | None] | None = None
    ) -> list[Hit]:
        """The first `count` documents by the keys, of those after the sort values `after` if they are given."""
        chain = (*keys, IN_ORDER_OF_WRITING)
        if after is None:
            hits = self._walk(query, chain, count)
        elif any(key.kind in FOR_EACH for key in keys):
            every = self._walk(query, chain, self.total(query))
            hits = [hit for hit in every if _is_after(hit.values, after, keys)][:count]
        else:
            hits = self._walk(_narrowed(query, self._after(keys, after)), chain, count)
        return [Hit(hit.address, hit.values[: len(keys)]) for hit in hits]

    def total(self, query: Query) -> int:
        """How many documents a query finds; of one whose hits were looked for, that is known already."""
        known = self._totals.get(id(query))
        return self._snapshot.count(query) if known is None else known[1]

    def score(self, found: float) -> float:
        """A score as it counts and shows."""
        return float(f"{found:.6g}") if self._rounded else found

    def best(self, query: Query) -> float | None:
        """The best score of what a query finds."""
        found = self._scored(query, 1)
        return self.score(found[0][0]) if found else None

    def values(self, hits: Sequence[Hit], order: Order) -> list[Value | None]:
        """The sort value of each hit by a key that is a field."""
        return self._column_values([hit.address for hit in hits], order, Query.all_query())

    def scores(self, query: Query, hits: Sequence[Hit]) -> list[float]:
        """The score of each hit of a query."""
        found = self._column_values([hit.address for hit in hits], Order(SCORE), query)
        return [self.score(float(score or 0)) for score in found]

    def scores_by(self, query: Query, hits: Sequence[Hit]) -> list[float | None]:
        """The score of each hit by another query, None where that does not find it."""
        return self._scores_of([hit.address for hit in hits], Order(SCORE), query) if hits else []

    def _after(self, keys: Sequence[Order], after: Sequence[Value | None]) -> Query:
        head, value = keys[0], after[0]
        if head.kind == DOC:
            return self._written(head, int(value or 0))
        further = beyond(head, value, self._predicates)
        if len(keys) == 1:
            return further
        same = both(equal(head, value, self._predicates), self._after(keys[1:], after[1:]))
        return either([further, same])

    def _written(self, order: Order, value: int) -> Query:
        low, high = (None, value - 1) if order.descending else (value + 1, None)
        if (high is not None and high < 0) or (low is not None and low >= 2**63):
            return Query.empty_query()
        bounds = (None if low is None else max(low, 0), None if high is None else min(high, 2**63))
        return Query.range_query(self._schema, self._numbers, tantivy.FieldType.Unsigned, *bounds)

    def _walk(self, query: Query, keys: Sequence[Order], count: int) -> list[Hit]:
        if count <= 0:
            return []
        head, rest = keys[0], keys[1:]
        if head.kind == NONE:
            return [Hit(hit.address, (head.substitute, *hit.values)) for hit in self._walk(query, rest, count)]
        if head.kind == FIELD:
            return (self._by_column if head.native else self._by_strata)(query, keys, count)
        return _WALKS[head.kind](self, query, keys, count)

    def _by_strata(self, query: Query, keys: Sequence[Order], count: int) -> list[Hit]:
        head, rest = keys[0], keys[1:]
        found: list[Hit] = []
        for part, tied in self._strata(head):
            left = count - len(found)
            narrowed = _narrowed(query, part)
            if tied:
                found += [Hit(h.address, (head.substitute, *h.values)) for h in self._walk(narrowed, rest, left)]
            elif left > 0:
                found += self._by_column(narrowed, keys, left)
        return found

    def _strata(self, order: Order) -> list[tuple[Query, bool]]:
        """Parts of all documents, in the key's order; those of one marked part are all equal by it."""
        predicates, missing = self._predicates, order.substitute
        if missing is None:
            return [(predicates.lacks(order.of), True), (predicates.has(order.of.present), False)]
        return [
            (present_before(order, missing, predicates), False),
            (equal(order, missing, predicates), True),
            (present_beyond(order, missing, predicates), False),
        ]

    def _by_first_of(self, query: Query, keys: Sequence[Order], count: int) -> list[Hit]:
        head, rest = keys[0], keys[1:]
        found = []
        for column, those in first_of.strata(head.columns, self._predicates):
            found += self._by_column(_narrowed(query, those), (_by_least(head, column), *rest), count)
        if len(found) < count:
            lacking = _narrowed(query, first_of.lacking(head.columns, self._predicates))
            found += [Hit(h.address, (None, *h.values)) for h in self._walk(lacking, rest, count - len(found))]
        written = self._column_values([hit.address for hit in found], IN_ORDER_OF_WRITING, query)
        hits = [Hit(hit.address, (*hit.values[:-1], place)) for hit, place in zip(found, written, strict=True)]
        return in_order(hits, keys, 0)[:count]

    def _by_column(self, query: Query, keys: Sequence[Order], count: int) -> list[Hit]:
        head, rest = keys[0], keys[1:]
        result = self._search(query, count, head.name, descending=head.descending)
        found = [(head.value(value), address) for value, address in result.hits]
        groups = [(value, [each for _, each in group]) for value, group in groupby(found, key=lambda pair: pair[0])]
        border = groups.pop() if (result.count or 0) > len(found) else None
        hits = self._complete(query, groups, rest)
        if border is not None:
            same = _narrowed(query, equal(head, border[0], self._predicates))
            tied = self._walk(same, rest, count - len(hits))
            hits += [Hit(hit.address, (border[0], *hit.values)) for hit in tied]
        return hits

    def _complete(
        self, query: Query, groups: Sequence[tuple[Value | None, list[tantivy.DocAddress]]], rest: Sequence[Order]
    ) -> list[Hit]:
        """The hits of groups that are known wholly; each in the order of the other keys."""
        if len(rest) == 1 and all(len(addresses) == 1 for _, addresses in groups):
            return [Hit(addresses[0], (value, None)) for value, addresses in groups]
        every = [address for _, addresses in groups for address in addresses]
        columns = [self._column_values(every, order, query) for order in rest]
        others = iter(zip(*columns, strict=True))
        hits: list[Hit] = []
        for value, addresses in groups:
            members = [Hit(address, (value, *next(others))) for address in addresses]
            hits += in_order(members, rest, 1) if len(members) > 1 else members
        return hits

    def _by_score(self, query: Query, keys: Sequence[Order], count: int) -> list[Hit]:
        limit = 2 * count if keys[0].descending else max(1, self.total(query))
        found = self._scored(query, limit)
        total = self.total(query)
        # Until the last score found is behind the last one wanted: then all its equals are there.
        while limit < total and found[count - 1][0] == found[-1][0]:
            limit = min(limit * 4, total)
            found = self._scored(query, limit)
        if limit < total or (len(found) > count and keys[0].descending):
            border = found[count - 1][0]
            found = [pair for pair in found if pair[0] >= border]
        addresses = [address for _, address in found]
        columns = [self._column_values(addresses, order, query) for order in keys[1:]]
        rows = zip((score for score, _ in found), *columns, strict=True)
        hits = [Hit(address, tuple(row)) for address, row in zip(addresses, rows, strict=True)]
        return in_order(hits, keys, 0)[:count]

    def _scored(self, query: Query, limit: int) -> list[tuple[float, tantivy.DocAddress]]:
        """The best hits: at least so many, if there are."""
        if self._worked is not None:
            if self._ranked is not None and self._ranked[0] is query:
                return self._ranked[1]
            every = self._snapshot.every(query)
            self._totals[id(query)] = query, len(every)
            scores = [self.score(self._worked.get(place_of(address), 0.0)) for _, address in every]
            pairs = zip(scores, (address for _, address in every), strict=True)
            self._ranked = query, sorted(pairs, key=lambda pair: pair[0], reverse=True)
            return self._ranked[1]
        result: Any = self._searcher.search(query, limit=limit)
        self._totals[id(query)] = query, int(result.count or 0)
        if not self._rounded:
            return list(result.hits)
        return [(self.score(score), address) for score, address in result.hits]

    def _by_combined(self, query: Query, keys: Sequence[Order], count: int) -> list[Hit]:
        """By what is worked out for each document."""
        every = [address for _, address in self._snapshot.every(query)]
        columns = [self._column_values(every, order, query) for order in keys]
        rows = zip(*columns, strict=True)
        return in_order([Hit(address, row) for address, row in zip(every, rows, strict=True)], keys, 0)[:count]

    def _combined(self, addresses: list[tantivy.DocAddress], order: Order, _: Query) -> list[Value | None]:
        kind = order.of.field.type
        if order.objects is not None:
            lists = self._of_objects(addresses, order, order.objects)
        else:
            repeated = order.mode == "sum" and len(addresses) <= MOST_READ
            lists = self._reader.numbers(order.of, addresses, repeated=repeated)
        found = [combined(order.mode, values, kind) for values in lists]
        return [order.substitute if each is None else each for each in found]

    def _of_objects(
        self, addresses: list[tantivy.DocAddress], order: Order, objects: Query
    ) -> Sequence[Sequence[Value]]:
        """The values of the nested objects of each document: of an object that has several, one."""
        sequences = self._searcher.fast_field_values(SEQUENCE, addresses)
        theirs = both(objects, self._predicates.any_of(OUTER, {each for each in sequences if each is not None}))
        total = self._snapshot.count(theirs)
        by = Order(FIELD, column=order.of, greatest=order.mode == "max")
        pairs = self._search(theirs, total, by.name, descending=False).hits if total else ()
        outers = self._searcher.fast_field_values(OUTER, [address for _, address in pairs])
        found: dict[int, list[Value]] = {}
        for (held, _), outer in zip(pairs, outers, strict=True):
            if held is not None and (value := by.value(held)) is not None:
                found.setdefault(int(outer or 0), []).append(value)
        return [found.get(int(each or 0), []) for each in sequences]

    def _by_distance(self, query: Query, keys: Sequence[Order], count: int) -> list[Hit]:
        """What has a place, and what has none, which is all as far: at the end, downwards at the beginning."""
        head, rest = keys[0], keys[1:]
        placed = _narrowed(query, self._predicates.has(head.of.present))
        lacking = _narrowed(query, self._predicates.lacks(head.of))
        found = [] if head.descending else self._placed(placed, keys, count)
        if len(found) < count:
            others = self._walk(lacking, rest, count - len(found))
            found += [Hit(hit.address, (math.inf, *hit.values)) for hit in others]
        if head.descending and len(found) < count:
            found += self._placed(placed, keys, count - len(found))
        return found

    def _placed(self, query: Query, keys: Sequence[Order], count: int) -> list[Hit]:
        head = keys[0]
        every = self._snapshot.every(query)
        addresses = [address for _, address in every]
        found = list(zip(self._distances(addresses, head), addresses, strict=True))
        found.sort(key=lambda pair: pair[0], reverse=head.descending)
        if len(found) > count:
            border = found[count - 1][0]
            found = [pair for pair in found if pair[0] == border or head.precedes(pair[0], border)]
        columns = [self._column_values([address for _, address in found], order, query) for order in keys[1:]]
        rows = zip((distance for distance, _ in found), *columns, strict=True)
        hits = [Hit(address, tuple(row)) for (_, address), row in zip(found, rows, strict=True)]
        return in_order(hits, keys, 0)[:count]

    def _distances(self, addresses: list[tantivy.DocAddress], order: Order, _: Query | None = None) -> list[float]:
        if order.distance is None:
            raise ValueError(f"a key of kind {order.kind} has no distance")
        return [how_far(order.distance, places) for places in self._reader.places(order.of, addresses)]

    def _by_writing(self, query: Query, keys: Sequence[Order], count: int) -> list[Hit]:
        found = self._search(query, count, self._numbers, descending=keys[0].descending).hits
        addresses = [address for _, address in found]
        columns = [self._column_values(addresses, order, query) for order in keys[1:-1]]
        if len(keys) > 1:
            columns.append([sequence for sequence, _ in found])
        rows = zip((sequence for sequence, _ in found), *columns, strict=True)
        return [Hit(address, tuple(row)) for address, row in zip(addresses, rows, strict=True)]

    def _column_values(self, addresses: list[tantivy.DocAddress], order: Order, query: Query) -> list[Value | None]:
        """The sort value of each document by a key."""
        if order.kind == NONE or not addresses:
            return [order.substitute] * len(addresses)
        if order.kind == DOC:
            return list(self._searcher.fast_field_values(self._numbers, addresses))
        if order.kind == FIRST_OF:
            values = (self._column_values(addresses, _by_least(order, column), query) for column in order.columns)
            return [next((each for each in row if each is not None), None) for row in zip(*values, strict=True)]
        if order.kind in FOR_EACH:
            return list(_VALUES[order.kind](self, addresses, order, query))
        if order.of.field.type is not FieldType.KEYWORD:
            return [order.value(each) for each in self._searcher.fast_field_values(order.name, addresses)]
        # tantivy gives out values of text only with the hits of a search that is ordered by them.
        hits = self._search(self._these(addresses), len(addresses), order.name, descending=order.descending).hits
        found = {place_of(address): order.value(value) for value, address in hits}
        return [found[place_of(address)] for address in addresses]

    def _scores_of(self, addresses: list[tantivy.DocAddress], _: Order, query: Query) -> list[float | None]:
        if self._worked is not None:
            return [self.score(self._worked.get(place_of(address), 0.0)) for address in addresses]
        narrowed = _narrowed(query, self._these(addresses))
        hits = self._searcher.search(narrowed, limit=len(addresses), count=False).hits
        scores = {place_of(address): self.score(float(score)) for score, address in hits}
        return [scores.get(place_of(address)) for address in addresses]

    def _these(self, addresses: list[tantivy.DocAddress]) -> Query:
        numbers = self._searcher.fast_field_values(self._numbers, addresses)
        return self._predicates.any_of(self._numbers, [each for each in numbers if each is not None])

    def _search(self, query: Query, limit: int, name: str, *, descending: bool) -> Any:
        order = tantivy.Order.Desc if descending else tantivy.Order.Asc
        result: Any = self._searcher.search(query, limit=limit, order_by_field=name, order=order)
        self._totals[id(query)] = query, int(result.count or 0)
        return result


def _narrowed(query: Query, condition: Query) -> Query:
    """The query's hits, and scores, as far as the condition finds them."""
    return both(query, unscored(condition))


def _by_least(order: Order, column: Column) -> Order:
    """The part of a sort by the first of several dates that one of them decides."""
    return Order(FIELD, order.descending, column, native=True, of_script=True)


def in_order(hits: list[Hit], keys: Sequence[Order], start: int) -> list[Hit]:
    """The hits by the keys, whose values begin at `start` of theirs."""
    for position, key in reversed(list(enumerate(keys, start))):
        present = [hit for hit in hits if hit.values[position] is not None]
        absent = [hit for hit in hits if hit.values[position] is None]
        present.sort(key=lambda hit: hit.values[position], reverse=key.descending)  # type: ignore[arg-type, return-value]
        hits = absent + present if key.first else present + absent
    return hits


def _is_after(values: Sequence[Value | None], after: Sequence[Value | None], keys: Sequence[Order]) -> bool:
    """Whether sort values come after others."""
    for value, other, key in zip(values, after, keys, strict=False):
        if value == other:
            continue
        return key.precedes(other, value)
    return False


_WALKS: Mapping[str, Callable[[Sorter, Query, Sequence[Order], int], list[Hit]]] = {
    SCORE: Sorter._by_score,  # noqa: SLF001 - its own
    DOC: Sorter._by_writing,  # noqa: SLF001
    FIRST_OF: Sorter._by_first_of,  # noqa: SLF001
    DISTANCE: Sorter._by_distance,  # noqa: SLF001
    COMBINED: Sorter._by_combined,  # noqa: SLF001
}
_VALUES: Mapping[str, Callable[[Sorter, list[tantivy.DocAddress], Order, Query], Sequence[Value | None]]] = {
    SCORE: Sorter._scores_of,  # noqa: SLF001
    DISTANCE: Sorter._distances,  # noqa: SLF001
    COMBINED: Sorter._combined,  # noqa: SLF001
}
"""How values are worked out that are in no column."""
