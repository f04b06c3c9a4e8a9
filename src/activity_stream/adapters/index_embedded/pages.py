"""Hits within an answer besides its own: of buckets, and of groups that a search collapses its hits to."""

from collections.abc import Sequence
from typing import Any

from tantivy import Occur, Query

from activity_stream.adapters.index_embedded import orders
from activity_stream.adapters.index_embedded.answer import Group, shown_page
from activity_stream.adapters.index_embedded.inner_hits import InnerHits, shown_object
from activity_stream.adapters.index_embedded.predicates import Value, both, unscored, without
from activity_stream.adapters.index_embedded.reader import ValueReader
from activity_stream.adapters.index_embedded.schema import OBJECT, OUTER, SEQUENCE, Column, object_position
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.adapters.index_embedded.sorting import Hit, Sorter
from activity_stream.adapters.index_embedded.translate import Translator
from activity_stream.adapters.index_embedded.worked import Scores, place_of
from activity_stream.model import Alias
from activity_stream.search import refusals
from activity_stream.search.hits import Collapse, Page, of_objects
from activity_stream.search.resolve import collapsed, stored_asked

_BY_SCORE = orders.Order(orders.SCORE, descending=True)


class Pages:
    """Makes them for one search, whose hits have the scores that `scored` gives them, and show what `objects` finds
    in them."""

    def __init__(
        self,
        snapshot: Snapshot,
        alias: Alias,
        sorter: Sorter,
        translator: Translator,
        scored: Query,
        objects: InnerHits,
    ) -> None:
        self._objects = objects
        self._snapshot = snapshot
        self._alias = alias
        self._sorter = sorter
        self._translator = translator
        self._predicates = translator.predicates
        self._scored = scored

    def page_of(self, query: Query, page: Page) -> dict[str, Any]:
        """A page of what a query finds, which need not be found by the search."""
        query = Query.boolean_query([(Occur.Must, unscored(query)), (Occur.Should, self._scored)])
        total = self._snapshot.count(query)
        best = self._sorter.best(query) if page.scored else None
        keys = self._orders(page)
        hits = self._sorter.first(query, keys or (_BY_SCORE,), page.from_ + page.size)[page.from_ :]
        if hits:
            stored_asked(self._snapshot.schema.fields(self._alias), page.source)
        scores = self._sorter.scores(query, hits) if page.scored else [None] * len(hits)
        objects = self._objects.of([hit.address for hit in hits])
        return shown_page(self._snapshot, page, hits, scores, total, best, objects)

    def within(self, column: Column, translator: Translator) -> "ObjectPages":
        """Pages of the objects in a nested field, which have the scores of the documents that they are in."""
        return ObjectPages(self._snapshot, self._alias, self._sorter, self._scored, column, translator)

    def collapsed(
        self,
        query: Query,
        collapse: Collapse,
        keys: Sequence[orders.Order],
        wanted: range,
        after: Sequence[Value | None] | None,
    ) -> tuple[list[Hit], list[Group]]:
        """The first hit of each of the `wanted` groups, in the order of the keys; none of them: by score. Raises
        SearchRefused for a field that has several values in a document."""
        count = wanted.stop
        column = self._snapshot.schema.column(self._alias, collapse.field)
        collapsed(None if column is None else column.field, collapse)
        for _, page in collapse.inner_hits:
            self._orders(page)
        firsts: dict[Value | None, Hit] = {}
        others = query
        while len(firsts) < count:
            hits = self._sorter.first(others, keys or (_BY_SCORE,), 2 * count, after)
            values = self._values(hits, column) if column is not None and column.value else [None] * len(hits)
            for hit, value in zip(hits, values, strict=True):
                firsts.setdefault(value, hit)
            if len(hits) < 2 * count:
                break
            others = without(query, *self._members(column, list(firsts)))
        found = list(firsts.items())[wanted.start : count]
        groups = [Group(collapse.field, value, self._inner(query, collapse, column, value)) for value, _ in found]
        return [hit for _, hit in found], groups

    def _orders(self, page: Page) -> list[orders.Order]:
        return orders.orders(page.sort, self._snapshot, self._alias, self._translator)

    def _inner(self, query: Query, collapse: Collapse, column: Column | None, value: Value | None) -> dict[str, Any]:
        if not collapse.inner_hits:
            return {}
        group = query
        if column is not None and column.value:
            predicates = self._predicates
            same = predicates.lacks(column) if value is None else predicates.term(column.value, value)
            group = both(query, unscored(same))
        return {name: self.page_of(group, page) for name, page in collapse.inner_hits}

    def _members(self, column: Column | None, values: Sequence[Value | None]) -> list[Query]:
        """The documents of the groups of these values."""
        if column is None or not column.value:
            return [Query.all_query()]
        some = self._predicates.any_of(column.value, [value for value in values if value is not None])
        return [some, self._predicates.lacks(column)] if None in values else [some]

    def _values(self, hits: Sequence[Hit], column: Column) -> list[Value | None]:
        """The value that each hit has. Raises SearchRefused where one has several."""
        least, greatest = (
            self._sorter.values(hits, orders.Order(orders.FIELD, column=column, greatest=greatest))
            for greatest in (False, True)
        )
        if least != greatest:
            raise refusals.illegal(
                f"failed to collapse, the collapse field must be single valued, and [{column.field.name}] is not"
            )
        return least


class ObjectPages:
    """Makes pages of the objects in a nested field; `sorter` and `scored` are those of the documents."""

    def __init__(
        self,
        snapshot: Snapshot,
        alias: Alias,
        sorter: Sorter,
        scored: Query,
        column: Column,
        translator: Translator,
    ) -> None:
        self._snapshot = snapshot
        self._searcher = snapshot.searcher
        self._alias = alias
        self._reader = ValueReader(snapshot, alias)
        self._sorter = sorter
        self._scored = scored
        self._column = column
        self._translator = translator
        self._predicates = translator.predicates

    def page_of(self, query: Query, page: Page) -> dict[str, Any]:
        """A page of the objects that a query finds."""
        keys = orders.orders(page.sort, self._snapshot, self._alias, self._translator)
        scores = self._scores(query) if page.scored else {}
        sorter = Sorter(self._snapshot, self._predicates, self._reader, worked=scores, numbers=OBJECT)
        hits = sorter.first(query, keys or (_BY_SCORE,), page.from_ + page.size)[page.from_ :]
        if hits:
            stored_asked(self._snapshot.schema.fields(self._alias), of_objects(page.source))
        shown = self._shown(hits, page)
        for hit, made in zip(hits, shown, strict=True):
            made["_score"] = scores[place_of(hit.address)] if page.scored else None
            if page.sort:
                made["sort"] = [orders.shown(value) for value in hit.values]
        best = max(scores.values(), default=None)
        total = {"value": self._snapshot.count(query), "relation": "eq"}
        return {"hits": {"total": total, "max_score": best, "hits": shown}}

    def within(self, column: Column, translator: Translator) -> "ObjectPages":
        """Pages of the objects in another nested field, none of which is in one of these."""
        return ObjectPages(self._snapshot, self._alias, self._sorter, self._scored, column, translator)

    def _scores(self, query: Query) -> Scores:
        """The score of each object that a query finds: its document's."""
        addresses = [address for _, address in self._snapshot.every(query)]
        outers = self._searcher.fast_field_values(OUTER, addresses)
        documents = Query.boolean_query(
            [(Occur.Must, unscored(self._predicates.any_of(SEQUENCE, set(outers)))), (Occur.Should, self._scored)]
        )
        ranked = self._sorter.first(documents, (_BY_SCORE, orders.IN_ORDER_OF_WRITING), len(set(outers)))
        scores = {number: float(score or 0) for score, number in (hit.values for hit in ranked)}
        return {place_of(address): scores[outer] for address, outer in zip(addresses, outers, strict=True)}

    def _shown(self, hits: Sequence[Hit], page: Page) -> list[dict[str, Any]]:
        numbers = self._searcher.fast_field_values(OBJECT, [hit.address for hit in hits])
        places = [object_position(int(number or 0)) for number in numbers]
        outers = {outer for outer, _ in places}
        documents = self._snapshot.every(self._predicates.any_of(SEQUENCE, outers)) if outers else ()
        addresses = [address for _, address in documents]
        found = dict(zip(self._searcher.fast_field_values(SEQUENCE, addresses), addresses, strict=True))
        objects = {outer: self._reader.objects(self._column, found[outer]) for outer in outers}
        return [
            shown_object(self._snapshot, found[outer], self._column, objects[outer][position], page.source)
            for outer, position in places
        ]
