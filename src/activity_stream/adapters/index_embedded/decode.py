"""From an item's JSON to what goes into the index's columns.

    source --msgspec--> structs of the mapped keys alone --gather--> values of each field --entries--> columns
                        (made once from the mapping; what it does not name is skipped unread)

An activity and its object are read in one pass: the object's JSON is part of the activity's, and what has been made of
a value (tokens, a moment) serves both documents.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from activity_stream.adapters.index_embedded.entries import WRITERS, Entries, Many, Targets, flat, new_entries
from activity_stream.adapters.index_embedded.schema import Column, EmbeddedSchema
from activity_stream.fields import FieldType
from activity_stream.model import Activity, Alias

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
        keys = list(dict.fromkeys(path[0] for path, _, _ in columns))
        self.slots: list[tuple[_Leaf | None, _Node | None]] = []
        for key in keys:
            here = [(position, column) for path, position, column in columns if path == (key,)]
            below = [(path[1:], position, column) for path, position, column in columns if path[:1] == (key,) != path]
            self.slots.append((_Leaf(here, nested) if here else None, _Node(below, nested) if below else None))
        self.by_key = dict(zip(keys, self.slots, strict=True))
        self.type = msgspec.defstruct(
            "Mapped",
            [(f"k{n}", Any if child is None else child.loose, None) for n, (_, child) in enumerate(self.slots)],
            rename={f"k{n}": key for n, key in enumerate(keys)},
            frozen=True,
            gc=False,
        )
        scalars = str | int | float | bool | None
        self.loose: Any = self.type | list[self.type | list[Any] | scalars] | scalars  # type: ignore[name-defined]

    def entries(self, decoded: dict[str, Any]) -> Entries:
        """The columns of an object by itself."""
        made = new_entries()
        found: dict[_Leaf, Any] = {}
        _gather_dict(self, decoded, found)
        _write(found, (made,))
        return made


class _Plan:
    """How to read one kind of document."""

    def __init__(self, columns: Rows) -> None:
        outer = [row for row in columns if row[2].field.nested is None]
        self._root = _Node(outer, [row for row in columns if row[2].field.nested is not None])
        self._decoder = msgspec.json.Decoder(self._root.type)

    def read(self, source: bytes, documents: Sequence[Entries]) -> None:
        """Enter what the JSON holds into the documents. Raises Undecodable."""
        found: dict[_Leaf, Any] = {}
        try:
            decoded = self._decoder.decode(source)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            _gather_dict(self._root, _plain(source), found)
        else:
            _gather(self._root, decoded, found)
        _write(found, documents)


class Decoder:
    """Reads activities and objects for an index of this schema."""

    def __init__(self, schema: EmbeddedSchema) -> None:
        activities = [(c.field.path, _ACTIVITY, c) for c in schema.columns(Alias.ACTIVITIES).values()]
        objects = [(c.field.path, _ACTIVITY, c) for c in schema.columns(Alias.OBJECTS).values()]
        below = [((*_OBJECT_KEY, *path), _OBJECT, c) for path, _, c in objects]
        self._plans: Mapping[Alias, _Plan] = {Alias.ACTIVITIES: _Plan(activities), Alias.OBJECTS: _Plan(objects)}
        self._both = _Plan([*activities, *below])

    def document(self, alias: Alias, source: bytes) -> Entries:
        """The columns of one document. Raises Undecodable."""
        entries = new_entries()
        self._plans[alias].read(source, (entries,))
        return entries

    def activity(self, activity: Activity) -> tuple[Entries, Entries | None]:
        """The columns of an activity and, where it has one, of its object. Raises Undecodable."""
        inner = activity.object_source
        if inner is None:
            return self.document(Alias.ACTIVITIES, activity.source), None
        if inner not in activity.source:
            return self.document(Alias.ACTIVITIES, activity.source), self.document(Alias.OBJECTS, inner)
        both = new_entries(), new_entries()
        self._both.read(activity.source, both)
        return both


def _write(found: dict[_Leaf, Any], documents: Sequence[Entries]) -> None:
    for leaf, value in found.items():
        for write, targets in leaf.writers:
            write(value, targets, documents)


def _gather(node: _Node, decoded: Any, found: dict[_Leaf, Any]) -> None:
    """Collect the values of each leaf from a decoded struct."""
    for value, (leaf, child) in zip(msgspec.structs.astuple(decoded), node.slots, strict=True):
        if value is None:
            continue
        if child is not None:
            _descend(child, leaf, value, found)
        elif leaf is not None:
            _put(found, leaf, value)


def _gather_dict(node: _Node, decoded: Any, found: dict[_Leaf, Any]) -> None:
    """The same from a plain dictionary."""
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
    if type(value) is node.type:
        _gather(node, value, found)
    elif type(value) is dict:
        _gather_dict(node, value, found)
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


def _plain(source: bytes) -> dict[str, Any]:
    """JSON that the fast way refuses: half a surrogate pair, a number without bounds, a value where a document goes."""
    try:
        decoded = json.loads(source, parse_constant=_no_constant)
    except RecursionError:
        raise Undecodable("it is nested too deeply to be read") from None
    except ValueError as error:
        raise Undecodable(f"it is not JSON: {error}") from None
    if not isinstance(decoded, dict):
        raise Undecodable(f"it is a JSON {type(decoded).__name__}, where an object is needed")
    return decoded


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")
