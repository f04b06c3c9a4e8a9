"""From an item's JSON to what goes into the index's columns.

    source --msgspec--> dictionaries --gather--> values of each field --entries--> columns
                                     --unmapped--> terms of all other values

An activity and its object are read in one pass: the object's JSON is part of the activity's, and what has been made of
a value (tokens, a moment) serves both documents.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from activity_stream.adapters.index_embedded.entries import WRITERS, Entries, Many, Targets, flat, new_entries
from activity_stream.adapters.index_embedded.schema import UNMAPPED, Column, EmbeddedSchema
from activity_stream.fields import FieldType
from activity_stream.model import Activity, Alias
from activity_stream.search.decoded import decoded_item
from activity_stream.search.field_values import raw_values

_ACTIVITY, _OBJECT = 0, 1
_OBJECT_KEY = ("object",)


class Undecodable(Exception):
    """An item's JSON cannot be read; the message says why."""


Rows = Sequence[tuple[tuple[str, ...], int, Column]]
"""Searchable fields: the keys that lead to each, the position of its document, its column."""


class _Leaf:
    """The place of one or more searchable fields in a document: for each type, the columns the values go into.
    `nested` are the fields within nested ones."""

    def __init__(self, columns: Sequence[tuple[int, Column]], nested: Rows) -> None:
        types = sorted({column.field.type for _, column in columns})
        self.writers: Sequence[tuple[Any, Targets]] = [
            (
                _Objects(nested).write if kind is FieldType.NESTED else WRITERS[kind],
                tuple(target for target in columns if target[1].field.type is kind),
            )
            for kind in types
        ]


class _Objects:
    """Enters the objects of nested fields, each as a document of its own."""

    def __init__(self, nested: Rows) -> None:
        self._rows = nested
        self._nodes: dict[str, _Node] = {}

    def write(self, value: Any, targets: Targets, documents: Sequence[Entries]) -> None:
        """Enter the objects among the values."""
        for position, column in targets:
            node = self._node(position, column)
            for each in flat(value):
                if type(each) is dict:
                    documents[position].nested.append((column.present, node.entries(each)))

    def _node(self, position: int, column: Column) -> "_Node":
        if column.present not in self._nodes:
            rows = [
                (each.field.path[len(column.field.path) :], 0, each)
                for _, at, each in self._rows
                if at == position and each.field.nested == column.field.name
            ]
            self._nodes[column.present] = _Node(rows, ())
        return self._nodes[column.present]


class _Node:
    """One level of the mapped keys: for each key, in the order of the struct's fields, what is there."""

    def __init__(self, columns: Rows, nested: Rows) -> None:
        self.by_key: dict[str, tuple[_Leaf | None, _Node | None]] = {}
        for key in dict.fromkeys(path[0] for path, _, _ in columns):
            here = [(position, column) for path, position, column in columns if path == (key,)]
            below = [(path[1:], position, column) for path, position, column in columns if path[:1] == (key,) != path]
            self.by_key[key] = (_Leaf(here, nested) if here else None, _Node(below, nested) if below else None)

    def entries(self, decoded: dict[str, Any]) -> Entries:
        """The columns of an object by itself."""
        made = new_entries()
        found: dict[_Leaf, Any] = {}
        _gather(self, decoded, found)
        _write(found, (made,))
        return made


class _Derived:
    """A field that has its values from others, `path` being where it would have its own."""

    def __init__(self, path: tuple[str, ...], position: int, column: Column) -> None:
        before = path[: len(path) - len(column.field.path)]
        paths = tuple((*before, *each) for each in column.field.first_of)
        self._field = msgspec.structs.replace(column.field, first_of=paths)
        self._targets: Targets = ((position, column),)

    def write(self, decoded: dict[str, Any], documents: Sequence[Entries]) -> None:
        """Enter the values, if there are any."""
        if values := list(raw_values(decoded, self._field)):
            WRITERS[self._field.type](values, self._targets, documents)


class _Plan:
    """How to read one kind of document."""

    def __init__(self, columns: Rows) -> None:
        outer = [row for row in columns if row[2].field.nested is None and not row[2].field.first_of]
        self._derived = [_Derived(*row) for row in columns if row[2].field.first_of]
        self._root = _Node(outer, [row for row in columns if row[2].field.nested is not None])

    def read(self, source: bytes, documents: Sequence[Entries]) -> dict[str, Any]:
        """Enter what the JSON holds into the documents; it, decoded. Raises Undecodable."""
        found: dict[_Leaf, Any] = {}
        decoded = _decoded(source)
        _gather(self._root, decoded, found)
        _write(found, documents)
        for each in self._derived:
            each.write(decoded, documents)
        return decoded


class Decoder:
    """Reads activities and objects for an index of this schema."""

    def __init__(self, schema: EmbeddedSchema) -> None:
        activities = [(c.field.path, _ACTIVITY, c) for c in schema.columns(Alias.ACTIVITIES).values()]
        objects = [(c.field.path, _ACTIVITY, c) for c in schema.columns(Alias.OBJECTS).values()]
        below = [((*_OBJECT_KEY, *path), _OBJECT, c) for path, _, c in objects]
        self._plans: Mapping[Alias, _Plan] = {Alias.ACTIVITIES: _Plan(activities), Alias.OBJECTS: _Plan(objects)}
        self._both = _Plan([*activities, *below])
        self._unmapped = {alias: schema.unmapped(alias) for alias in Alias}

    def document(self, alias: Alias, source: bytes) -> Entries:
        """The columns of one document. Raises Undecodable."""
        entries = new_entries()
        decoded = self._plans[alias].read(source, (entries,))
        self._enter_unmapped(alias, decoded, entries)
        return entries

    def activity(self, activity: Activity) -> tuple[Entries, Entries | None]:
        """The columns of an activity and, where it has one, of its object. Raises Undecodable."""
        inner = activity.object_source
        if inner is None:
            return self.document(Alias.ACTIVITIES, activity.source), None
        if inner not in activity.source:
            return self.document(Alias.ACTIVITIES, activity.source), self.document(Alias.OBJECTS, inner)
        both = new_entries(), new_entries()
        decoded = self._both.read(activity.source, both)
        self._enter_unmapped(Alias.ACTIVITIES, decoded, both[_ACTIVITY])
        self._enter_unmapped(Alias.OBJECTS, decoded.get(*_OBJECT_KEY), both[_OBJECT])
        return both

    def _enter_unmapped(self, alias: Alias, decoded: Any, entries: Entries) -> None:
        entries.fields[UNMAPPED] = self._unmapped[alias].terms(decoded)


def _write(found: dict[_Leaf, Any], documents: Sequence[Entries]) -> None:
    for leaf, value in found.items():
        for write, targets in leaf.writers:
            write(value, targets, documents)


def _gather(node: _Node, decoded: dict[str, Any], found: dict[_Leaf, Any]) -> None:
    """Collect the values of each leaf."""
    for key, (leaf, child) in node.by_key.items():
        value = decoded.get(key)
        if value is None:
            continue
        if child is not None:
            _descend(child, leaf, value, found)
        elif leaf is not None:
            _put(found, leaf, value)


def _descend(node: _Node, leaf: _Leaf | None, value: Any, found: dict[_Leaf, Any]) -> None:
    """Collect from what should be an object, and may be an array of objects, or no object at all."""
    if type(value) is dict:
        _gather(node, value, found)
    elif type(value) is list:
        for each in value:
            _descend(node, leaf, each, found)
    elif leaf is not None and value is not None:
        _put(found, leaf, value)


def _put(found: dict[_Leaf, Any], leaf: _Leaf, value: Any) -> None:
    before = found.get(leaf)
    if before is None:
        found[leaf] = value
    elif type(before) is Many:
        before.append(value)
    else:
        found[leaf] = Many((before, value))


def _decoded(source: bytes) -> dict[str, Any]:
    """The JSON of an item. Raises Undecodable."""
    try:
        decoded = decoded_item(source)
    except RecursionError:
        raise Undecodable("it is nested too deeply to be read") from None
    except ValueError as error:
        raise Undecodable(f"it is not JSON: {error}") from None
    if not isinstance(decoded, dict):
        raise Undecodable(f"it is a JSON {type(decoded).__name__}, where an object is needed")
    return decoded
