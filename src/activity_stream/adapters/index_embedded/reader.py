"""All values that documents have in a field: those of one from columns, of several from the document's source.

tantivy gives out a column's first value of each document, quickly; what else there is, it does not.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
import tantivy

from activity_stream.adapters.index_embedded.decode import Decoder
from activity_stream.adapters.index_embedded.entries import Entries, flat
from activity_stream.adapters.index_embedded.schema import (
    OBJECT,
    SEQUENCE,
    SOURCE,
    Column,
    EmbeddedSchema,
    object_position,
)
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.fields import FieldType
from activity_stream.model import Alias
from activity_stream.search.decoded import decoded_item
from activity_stream.search.field_values import whole
from activity_stream.search.query import Point


class NestedObject(msgspec.Struct, frozen=True):
    """One object in a nested field: which one of the field's it is, its JSON, decoded, and its columns."""

    offset: int
    decoded: Any
    entries: Entries


class ValueReader:
    """Reads numbers, moments and places of an alias's documents in a snapshot."""

    def __init__(self, snapshot: Snapshot, alias: Alias) -> None:
        self._searcher = snapshot.searcher
        self._schema = snapshot.schema
        self._alias = alias

    def numbers(
        self, column: Column, addresses: list[tantivy.DocAddress], *, repeated: bool = False
    ) -> list[Sequence[float]]:
        """The values of a number, a date (milliseconds) or a boolean of each document; those that it has twice, twice
        only if there are others, or if `repeated`, which is slow."""
        least = self._searcher.fast_field_values(column.value, addresses)
        greatest = self._searcher.fast_field_values(column.high or column.value, addresses)
        found: list[Sequence[float]] = []
        for address, low, high in zip(addresses, least, greatest, strict=True):
            if low is None:
                found.append(())
            else:
                alone = low == high and not repeated
                found.append((low,) if alone else self._sourced(address, column.value))
        return found

    def places(self, column: Column, addresses: list[tantivy.DocAddress]) -> list[Sequence[Point]]:
        """The places of each document."""
        latitude, longitude, several = column.place or ("", "", "")
        columns = [self._searcher.fast_field_values(name, addresses) for name in (latitude, longitude, several)]
        found: list[Sequence[Point]] = []
        for address, lat, lon, number in zip(addresses, *columns, strict=True):
            if number is not None:
                degrees = (self._sourced(address, name) for name in (latitude, longitude))
                found.append(tuple(zip(*degrees, strict=True)))
            else:
                found.append(() if lat is None else ((lat, lon),))
        return found

    def terms(self, column: Column, address: tantivy.DocAddress) -> set[str]:
        """The values of a keyword, or the tokens of a text, that a document has."""
        if column.field.type is FieldType.TEXT:
            return set(self.positions(column, address))
        found = self._entries(address).fields.get(column.value, [])
        return {found} if isinstance(found, str) else set(found)

    def positions(self, column: Column, address: tantivy.DocAddress) -> dict[str, list[int]]:
        """Where each token of a text stands in a document."""
        entries = self._entries(address)
        joined = entries.fields.get(column.value, "")
        tokens = list(enumerate(joined.split(" ") if joined else ()))
        for name, text in entries.texts:
            if name == column.value:
                tokens += [(token.position, token.text) for token in text.tokens]
        found: dict[str, list[int]] = {}
        for place, token in tokens:
            found.setdefault(token, []).append(place)
        return found

    def objects(self, column: Column, address: tantivy.DocAddress) -> dict[int, NestedObject]:
        """The objects in a nested field of a document, by their positions among all its objects."""
        source = bytes(self._searcher.doc(address).get_first(SOURCE) or b"{}")
        values = whole(decoded_item(source), column.field.path)
        found = [each for value in values for each in flat(value) if isinstance(each, dict)]
        entries = [
            (at, each) for at, (term, each) in enumerate(self._entries(address).nested) if term == column.present
        ]
        rows = enumerate(zip(found, entries, strict=True))
        return {at: NestedObject(offset, decoded, made) for offset, (decoded, (at, made)) in rows}

    def document(self, address: tantivy.DocAddress) -> Any:
        """A document's JSON, decoded."""
        source = bytes(self._searcher.doc(address).get_first(SOURCE) or b"{}")
        try:
            return msgspec.json.decode(source)
        except msgspec.MsgspecError:
            return json.loads(source)  # numbers without bounds, and half characters

    def _sourced(self, address: tantivy.DocAddress, name: str) -> list[float]:
        found = self._entries(address).fields[name]
        return [float(each) for each in (found if isinstance(found, list) else (found,))]

    def _entries(self, address: tantivy.DocAddress) -> Entries:
        source = self._searcher.doc(address).get_first(SOURCE)
        if source is None:
            return self._entries_of_object(address)
        return _decoder(self._schema).document(self._alias, bytes(source))

    def _entries_of_object(self, address: tantivy.DocAddress) -> Entries:
        """Those of an object in a nested field, of which all that is stored is in its document."""
        (number,) = self._searcher.fast_field_values(OBJECT, [address])
        outer, position = object_position(int(number or 0))
        query = tantivy.Query.term_query(self._schema.tantivy, SEQUENCE, outer, "basic")
        ((_, found),) = self._searcher.search(query, limit=1).hits
        return self._entries(found).nested[position][1]


@lru_cache(maxsize=4)
def _decoder(schema: EmbeddedSchema) -> Decoder:
    return Decoder(schema)
