r"""How documents are found by fields that are not searchable ones: terms of all their other values.

    {"id": "a", "dit:colour": "red", "dit:size": {"cm": 3}}

    dit:colour    dit:colour\tred    dit:size    dit:size.cm    dit:size.cm\t3

Every index has them in one field of its own, so that no document can make a mapping grow. A field that is not mapped is
so found as a keyword is: by `term`, `terms`, `exists`, and by `match` and `match_phrase` for the whole value. Any other
construct takes it for one that no document has. Why: docs/decisions/0018.
"""

from typing import Any

from activity_stream.fields import FieldMap, FieldType
from activity_stream.search.query import Scalar
from activity_stream.search.values import json_text

MAX_CHARACTERS = 256
"""A longer value cannot be found, only that there is one; what stands under a longer path cannot be found at all."""
MAX_TERMS = 1_000
"""Of a document; what it has more of cannot be found."""
MAX_LEVELS = 32

_SEPARATOR = "\t"
_MOST_PLACES = 20_000
"""So many are remembered; then one begins anew, as sources may have names in the place of keys."""


class _Place:
    """A place in documents: the keys that lead to it as one `path`, and what is known of it. `below` are those that
    keys of an object there lead to."""

    __slots__ = ("below", "is_object", "is_place", "is_value", "path", "stem")

    def __init__(self, path: str, *, is_value: bool, is_object: bool, is_place: bool) -> None:
        self.path = path
        self.stem = path + _SEPARATOR
        self.is_value = is_value
        self.is_object = is_object
        self.is_place = is_place
        self.below: dict[str, _Place] = {}


class Unmapped:
    """The other fields of documents with these searchable ones."""

    def __init__(self, fields: FieldMap) -> None:
        self._fields = fields
        self._mapped = frozenset(".".join(each.path) for each in fields.values() if each.type is not FieldType.NESTED)
        self._places = frozenset(".".join(each.path) for each in fields.values() if each.type is FieldType.GEO_POINT)
        self._objects = frozenset(
            ".".join(each.path[:depth]) for each in fields.values() for depth in range(1, len(each.path))
        )
        self._root = _Place("", is_value=False, is_object=False, is_place=False)
        self._known = 0

    def named(self, name: str) -> bool:
        """Whether a query of a field of this name is about them: it is no searchable field, nor an object of some."""
        return name not in self._fields and name not in self._objects and not name.startswith("_") and "*" not in name

    def terms(self, document: Any) -> list[str]:
        """The terms of a document (decoded JSON), each once; of what is no object, none."""
        found: set[str] = set()
        if type(document) is dict:
            self._object(document, self._root, found, MAX_LEVELS)
        return list(found)

    def _object(self, members: dict[str, Any], at: _Place, found: set[str], levels: int) -> None:
        below = at.below
        for key, value in members.items():
            place = below.get(key) or self._place(at, key)
            if type(value) is str:  # as most are: all of an item is read here
                if place.is_value:
                    found.add(place.path)
                    if len(value) <= MAX_CHARACTERS:
                        found.add(place.stem + value)
            elif value is not None:
                self._value(value, place, found, levels)

    def _value(self, value: Any, place: _Place, found: set[str], levels: int) -> None:
        kind = type(value)
        if len(found) >= MAX_TERMS or not levels:
            return
        if kind is dict:
            if not place.is_place:
                size = len(found)
                self._object(value, place, found, levels - 1)
                if place.is_object and len(found) > size:
                    found.add(place.path)
        elif kind is list:
            for each in value:
                self._value(each, place, found, levels - 1)
        elif place.is_value and value is not None:
            found.add(place.path)
            text = value if kind is str else json_text(value)
            if len(text) <= MAX_CHARACTERS:
                found.add(place.stem + text)

    def _place(self, outer: _Place, key: str) -> _Place:
        if self._known >= _MOST_PLACES:
            self._known, self._root.below = 0, {}
        self._known += 1
        path = key if outer is self._root else f"{outer.path}.{key}"
        unmapped = path not in self._mapped and len(path) <= MAX_CHARACTERS
        place = _Place(
            path,
            is_value=unmapped,
            is_object=unmapped and path not in self._objects,
            is_place=path in self._places,
        )
        outer.below[key] = place
        return place


def value_term(path: str, value: Scalar) -> str:
    """The term of documents with this value in a field that is not mapped."""
    return f"{path}{_SEPARATOR}{json_text(value)}"


def path_term(path: str) -> str:
    """The term of documents with any value in, or under, a field that is not mapped."""
    return path
