r"""Documents that do not fit the mapping, made to fit without losing anything.

OpenSearch refuses a whole document for one value: a text where the mapping has an object, an object where it has a
word, a word of more than 32,766 bytes, a key that is empty. Sources do send such things ("object" may be a URL by
right). Such a document is stored as the part of it that fits, by which it is found, and beside it, as a text, the
document as it came:

    {"id": "a", "object": "https://…"}  ──►  {"id": "a", "__as_it_came": "{\"id\": \"a\", \"object\": …}"}

`restored` puts the original back in its place in answers.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from activity_stream.fields import FieldMap, FieldType

AS_IT_CAME = "__as_it_came"
MAX_TERM_BYTES = 32_766
"""Lucene's limit of a term; a longer word cannot be searched for, here or in the embedded index."""

_MARK = b'"' + AS_IT_CAME.encode() + b'"'
_BOOLEANS = ("true", "false", "")

Tree = dict[str, "Tree | FieldType"]


class Fitting:
    """Makes documents fit the mapping of these fields."""

    def __init__(self, fields: FieldMap) -> None:
        self._tree: Tree = {}
        nested = sorted(fields.values(), key=lambda each: (len(each.path), each.type is not FieldType.NESTED))
        for field in nested:
            self._plant(field.path, field.type)

    def fitted(self, source: bytes) -> bytes:
        """The document's part that fits, with the original. Raises ValueError for what is no object of JSON."""
        document = msgspec.json.decode(source)
        if not isinstance(document, dict):
            raise TypeError("it is no JSON object")
        return _with_original(_fitting(document, self._tree), source)

    def _plant(self, path: tuple[str, ...], kind: FieldType) -> None:
        at = self._tree
        for key in path[:-1]:
            below = at.setdefault(key, {})
            if not isinstance(below, dict):
                return
            at = below
        at.setdefault(path[-1], {} if kind is FieldType.NESTED else kind)


def bare(document_id: str, source: bytes) -> bytes:
    """The least that can be found of a document: its id, with the original."""
    return _with_original({"id": document_id}, source)


def restored(answer: bytes) -> bytes:
    """The answer with every document that was made to fit as it came. All else stays byte for byte."""
    return _restored(answer) if _MARK in answer else answer


def _with_original(fitting: Mapping[str, Any], source: bytes) -> bytes:
    return msgspec.json.encode({**fitting, AS_IT_CAME: source.decode()})


def _fitting(document: Mapping[str, Any], tree: Tree) -> dict[str, Any]:
    found = {}
    for key, expected in tree.items():
        value = document.get(key)
        kept = _kept(value, expected)
        if kept is not None:
            found[key] = kept
    return found


def _kept(value: Any, expected: Tree | FieldType) -> Any:
    """What of a value can be stored where a field of this type, or an object of these fields, is expected, or None."""
    if isinstance(value, list):
        return [each for each in (_kept(each, expected) for each in value) if each is not None] or None
    if isinstance(expected, dict):
        return (_fitting(value, expected) or None) if isinstance(value, dict) else None
    return value if expected is FieldType.GEO_POINT or _fits(value, expected) else None


def _fits(value: Any, expected: FieldType) -> bool:
    """Whether it can stand for one value of this type; what only has the wrong form is left to `ignore_malformed`."""
    if value is None or isinstance(value, dict):
        return False
    if expected is FieldType.BOOLEAN:
        return isinstance(value, bool) or (isinstance(value, str) and value in _BOOLEANS)
    return expected is not FieldType.KEYWORD or len(str(value).encode(errors="replace")) <= MAX_TERM_BYTES


def _restored(value: bytes) -> bytes:
    if _MARK not in value:
        return value
    opening = value.lstrip()[:1]
    if opening == b"{":
        members = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
        original = members.get(AS_IT_CAME)
        if original is not None and bytes(original)[:1] == b'"':
            return msgspec.json.decode(original, type=str).encode()
        return msgspec.json.encode({key: msgspec.Raw(_restored(bytes(raw))) for key, raw in members.items()})
    if opening == b"[":
        items = msgspec.json.decode(value, type=list[msgspec.Raw])
        return msgspec.json.encode([msgspec.Raw(_restored(bytes(raw))) for raw in items])
    return value
