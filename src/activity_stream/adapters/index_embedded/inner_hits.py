"""The objects in nested fields that queries of a search find of its hits, each as a hit of its own.

A hit has few of them: which ones are found is the index's to say, all else comes from the hit's source.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import tantivy
from tantivy import Query

from activity_stream.adapters.index_embedded import orders
from activity_stream.adapters.index_embedded.entries import Entries
from activity_stream.adapters.index_embedded.filtering import kept_of
from activity_stream.adapters.index_embedded.orders import Order
from activity_stream.adapters.index_embedded.predicates import Value, both, unscored
from activity_stream.adapters.index_embedded.reader import NestedObject, ValueReader
from activity_stream.adapters.index_embedded.schema import (
    GENERATION,
    KEY,
    OBJECT,
    OUTER,
    SEQUENCE,
    Column,
    object_position,
    split_key,
)
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.adapters.index_embedded.sorting import Hit, in_order
from activity_stream.adapters.index_embedded.translate import Translator
from activity_stream.model import Alias
from activity_stream.search.body import SearchBody
from activity_stream.search.geo import how_far
from activity_stream.search.hits import Page, SourceFilter, of_objects
from activity_stream.search.modes import combined
from activity_stream.search.query import ConstantScore, Nested
from activity_stream.search.resolve import stored_asked

_BY_SCORE = orders.Order(orders.SCORE, descending=True)
Found = Mapping[int, Sequence[tuple[float, int, tantivy.DocAddress]]]
"""By the number of a document, the objects of it that are found: score, position, and where each is."""


class _Asked(msgspec.Struct, frozen=True):
    """One of the pages that each hit shows."""

    name: str
    page: Page
    column: Column
    objects: Query
    keys: Sequence[Order]


class InnerHits:
    """Finds them for one search. With `scoped`, all score the same: their scores come from others' objects too. Raises
    SearchRefused for a field that cannot be sorted by."""

    def __init__(
        self, snapshot: Snapshot, alias: Alias, translator: Translator, body: SearchBody, *, scoped: bool
    ) -> None:
        self._snapshot = snapshot
        self._searcher = snapshot.searcher
        self._alias = alias
        self._translator = translator
        self._reader = ValueReader(snapshot, alias)
        self._scoped = scoped
        made = (self._asked(*each) for each in body.nested_hits)
        self._every = [each for each in made if each is not None]

    def of(self, addresses: Sequence[tantivy.DocAddress]) -> list[dict[str, Any]]:
        """The pages of each document, by name; nothing at all where none are asked for."""
        if not self._every or not addresses:
            return []
        sequences = [int(each or 0) for each in self._searcher.fast_field_values(SEQUENCE, list(addresses))]
        found = [(each, self._found(each, sequences)) for each in self._every]
        pairs = list(zip(addresses, sequences, strict=True))
        return [{each.name: self._page(each, at, those.get(n, ())) for each, those in found} for at, n in pairs]

    def _asked(self, name: str, page: Page, node: Nested) -> _Asked | None:
        column = self._snapshot.schema.column(self._alias, node.path)
        if column is None:
            return None
        if self._scoped:
            node = msgspec.structs.replace(node, query=ConstantScore(filter=node.query))
        keys = orders.orders(page.sort, self._snapshot, self._alias, self._translator.inside(column))
        return _Asked(name, page, column, self._translator.objects(node), keys)

    def _found(self, asked: _Asked, sequences: Sequence[int]) -> Found:
        theirs = both(asked.objects, unscored(self._translator.predicates.any_of(OUTER, sequences)))
        hits = self._snapshot.every(theirs)
        addresses = [address for _, address in hits]
        columns = [self._searcher.fast_field_values(name, addresses) for name in (OUTER, OBJECT)]
        found: dict[int, list[tuple[float, int, tantivy.DocAddress]]] = {}
        for (score, address), outer, number in zip(hits, *columns, strict=True):
            position = object_position(int(number or 0))[1]
            found.setdefault(int(outer or 0), []).append((float(score or 0), position, address))
        return found

    def _page(
        self, asked: _Asked, outer: tantivy.DocAddress, found: Sequence[tuple[float, int, tantivy.DocAddress]]
    ) -> dict[str, Any]:
        page = asked.page
        objects = self._reader.objects(asked.column, outer) if found and page.size else {}
        scores = {position: score for score, position, _ in found}
        chain = (*(asked.keys or (_BY_SCORE,)), orders.IN_ORDER_OF_WRITING)
        rows = [
            Hit(address, tuple(_value(key, objects[position].entries, score, position) for key in chain))
            for score, position, address in (found if objects else ())
        ]
        first = in_order(rows, chain, 0)[page.from_ : page.from_ + page.size]
        # Of sorted ones OpenSearch shows no scores, whatever is asked for, but the best.
        best = max(scores.values(), default=None) if page.size and (page.track_scores or not page.sort) else None
        if first:
            stored_asked(self._snapshot.schema.fields(self._alias), page.source)
        shown = []
        for row in first:
            position = int(row.values[-1] or 0)
            hit = shown_object(self._snapshot, outer, asked.column, objects[position], page.source)
            hit["_score"] = None if page.sort else scores[position]
            if page.sort:
                hit["sort"] = [orders.shown(each) for each in row.values[:-1]]
            shown.append(hit)
        return {"hits": {"total": {"value": len(found), "relation": "eq"}, "max_score": best, "hits": shown}}


def shown_object(
    snapshot: Snapshot, outer: tantivy.DocAddress, column: Column, found: NestedObject, source: SourceFilter
) -> dict[str, Any]:
    """An object in a nested field of a document as the answer has it, without its score."""
    document, source = snapshot.searcher.doc(outer), of_objects(source)
    made: dict[str, Any] = {
        "_index": document.get_first(GENERATION),
        "_id": split_key(str(document.get_first(KEY)))[1],
        "_nested": {"field": column.field.name, "offset": found.offset},
    }
    if source.enabled:
        made["_source"] = _source(found.decoded, column.field.path, source)
    return made


def _source(decoded: Any, path: Sequence[str], wanted: SourceFilter) -> Any:
    """What is shown of an object; patterns are of whole paths."""
    if not wanted.includes and not wanted.excludes:
        return decoded
    for key in reversed(path):
        decoded = {key: decoded}
    kept = kept_of(decoded, wanted)
    for key in path:
        kept = kept.get(key, {})
    return kept


def _value(order: Order, entries: Entries, score: float, position: int) -> Value | None:
    """The sort value of an object by a key: what is in the document around it, it does not have."""
    if order.kind == orders.SCORE:
        return score
    if order.kind == orders.DOC:
        return position
    if order.kind == orders.NONE:
        return order.substitute
    if order.kind == orders.DISTANCE:
        latitude, longitude, _ = order.of.place or ("", "", "")
        places = zip(entries.fields.get(latitude, ()), entries.fields.get(longitude, ()), strict=True)
        return how_far(order.distance, tuple(places)) if order.distance is not None else None
    values = entries.fields.get(order.of.value, ())
    values = values if isinstance(values, list | tuple) else (values,)
    mode = order.mode if order.kind == orders.COMBINED else "max" if order.greatest else "min"
    found = combined(mode, values, order.of.field.type)
    return order.substitute if found is None else found
