"""Documents as the evaluator sees them: decoded JSON, and what of it each field holds."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from activity_stream.fields import Field, FieldMap, FieldType
from activity_stream.model import Generation
from activity_stream.search.analysis import tokens
from activity_stream.search.field_values import raw_values, whole
from activity_stream.search.geo import places
from activity_stream.search.query import Point, Scalar
from activity_stream.search.values import coerce

POSITION_GAP = 100
"""How far apart the values of an array of text are, in words."""


class Document:
    """One stored item, or one object in the field `nested` of `outer`, the one at `offset` there. `written` is its
    place in the order of writing."""

    def __init__(
        self,
        generation: Generation,
        id_: str,
        source: bytes,
        decoded: Any,
        written: int,
        nested: str | None = None,
        outer: "Document | None" = None,
        offset: int = 0,
    ) -> None:
        self.offset = offset
        self.generation = generation
        self.id = id_
        self.source = source
        self.decoded = decoded
        self.written = written
        self.nested = nested
        self.outer = outer
        self._values: dict[str, tuple[Scalar, ...]] = {}
        self._positions: dict[str, dict[str, list[int]]] = {}

    def values(self, field: Field) -> tuple[Scalar, ...]:
        """What a field holds, in the document's order; without what the field cannot hold."""
        if field.name not in self._values:
            found = (coerce(field.type, each) for each in self._raw(field))
            self._values[field.name] = tuple(each for each in found if each is not None)
        return self._values[field.name]

    def has(self, field: Field) -> bool:
        """Whether there is any value in a field."""
        return bool(self.places(field) if field.type is FieldType.GEO_POINT else self.values(field))

    def places(self, field: Field) -> tuple[Point, ...]:
        """Where on the earth a field says."""
        if field.nested != self.nested:
            return ()
        return tuple(place for each in whole(self.decoded, field.path) for place in places(each))

    def objects(self, field: Field) -> "list[Document]":
        """What a nested field holds, each object as a document."""
        found = [each for each in self._raw(field) if isinstance(each, dict)]
        return [
            Document(self.generation, self.id, b"", _put(field.path, each), self.written, field.name, self, offset)
            for offset, each in enumerate(found)
        ]

    def others(self, name: str) -> Iterator[tuple[str, Scalar]]:
        """What stands at the keys of a name, or under them, with all of its keys: of a field that is not mapped."""
        return iter(()) if self.nested else (each for each in _paths(self.decoded, "") if _is_under(each[0], name))

    def positions(self, field: Field) -> dict[str, list[int]]:
        """Where each token of a text field stands."""
        if field.name not in self._positions:
            found: dict[str, list[int]] = {}
            position = 0
            for text in self.values(field):
                for token in tokens(str(text)):
                    found.setdefault(token, []).append(position)
                    position += 1
                position += POSITION_GAP
            self._positions[field.name] = found
        return self._positions[field.name]

    def terms(self, field: Field) -> Counter[Scalar]:
        """How often each term is in a field: tokens of text; each value of another type once."""
        if field.type is FieldType.TEXT:
            return Counter({token: len(places) for token, places in self.positions(field).items()})
        return Counter(dict.fromkeys(self.values(field), 1))

    def _raw(self, field: Field) -> Iterator[Any]:
        if field.nested != self.nested:
            return iter(())
        return raw_values(self.decoded, field) if field.first_of else _leaves(self.decoded, field.path)


def _put(path: Sequence[str], value: Any) -> Any:
    return {path[0]: _put(path[1:], value)} if path else value


def _leaves(value: Any, path: Sequence[str]) -> Iterator[Any]:
    """The values that the keys of a path lead to, through arrays; null is no value."""
    if isinstance(value, list):
        for each in value:
            yield from _leaves(each, path)
    elif not path:
        if value is not None:
            yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from _leaves(value[path[0]], path[1:])


def _paths(value: Any, path: str) -> Iterator[tuple[str, Scalar]]:
    """All values in a document, with their keys, joined by dots."""
    if isinstance(value, list):
        for each in value:
            yield from _paths(each, path)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _paths(each, f"{path}.{key}" if path else key)
    elif value is not None:
        yield path, value


def _is_under(path: str, name: str) -> bool:
    return path == name or path.startswith(f"{name}.")


class FieldStatistics:
    """What a score depends on: over all documents of a corpus, for one field."""

    def __init__(self, documents: Sequence[Document], field: Field) -> None:
        counts = [terms for each in documents if (terms := each.terms(field))]
        self.documents = len(counts)
        self.with_term = Counter(term for terms in counts for term in terms)
        self._length = sum(sum(terms.values()) for terms in counts)

    @property
    def mean_length(self) -> float:
        """Terms of a document that has any."""
        return self._length / self.documents


class Corpus:
    """The documents that a search can see, in the order of writing, and the fields of their alias."""

    def __init__(self, documents: Sequence[Document], fields: FieldMap) -> None:
        self.documents = sorted(documents, key=lambda each: each.written)
        self._fields = fields
        self._statistics: dict[str, FieldStatistics] = {}

    def field(self, name: str) -> Field | None:
        """The field of a name that can hold values of its own."""
        found = self.mapped(name)
        return None if found is None or found.type is FieldType.NESTED else found

    def mapped(self, name: str) -> Field | None:
        """The field of a name."""
        return self._fields.get(name)

    def generations(self) -> list[Generation]:
        """Those that the documents are of."""
        return list(dict.fromkeys(each.generation for each in self.documents))

    def lacks(self, name: str) -> bool:
        """Whether there is no field of a name, nor any under it, that is mapped."""
        return not any(_is_under(each.name, name) for each in self.fields) and name[:1] != "_" and "*" not in name

    def objects(self, field: Field) -> "Corpus":
        """The objects of a nested field in all documents."""
        return Corpus([each for document in self.documents for each in document.objects(field)], self._fields)

    @cached_property
    def fields(self) -> Sequence[Field]:
        """All fields."""
        return tuple(self._fields.values())

    def statistics(self, field: Field) -> FieldStatistics:
        """Those of one field."""
        if field.name not in self._statistics:
            self._statistics[field.name] = FieldStatistics(self.documents, field)
        return self._statistics[field.name]
