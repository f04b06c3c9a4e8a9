r"""Documents that do not fit the mapping, made to fit without losing anything.

OpenSearch refuses a whole document for one value: a text where the mapping has an object, an object where it has a
word, a word of more than 32,766 bytes, a key that is empty. Sources do send such things ("object" may be a URL by
right). Such a document is stored as the part of it that fits, by which it is found, and beside it, as a text, the
document as it came:

    {"id": "a", "object": "https://…"}  ──►  {"id": "a", "__as_it_came": "{\"id\": \"a\", \"object\": …}"}

Each object of a nested field has its own text beside it, because the `inner_hits` of a search show it by itself.
`restored` puts the originals back in their place in answers.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from activity_stream.adapters.index_opensearch import beside
from activity_stream.fields import FieldMap, FieldType

AS_IT_CAME = "__as_it_came"
MAX_TERM_BYTES = 32_766
"""Lucene's limit of a term; a longer word cannot be searched for, here or in the embedded index."""

_MARK = b'"' + AS_IT_CAME.encode() + b'"'
_BOOLEANS = (b"true", b"false", b'"true"', b'"false"', b'""')


class Branch(msgspec.Struct):
    """Where the mapping has an object: what it has below, by key."""

    below: dict[str, "Branch | FieldType"]
    nested: bool = False


class Fitting:
    """Makes documents fit the mapping of these fields."""

    def __init__(self, fields: FieldMap) -> None:
        self._root = Branch({})
        self._beside = beside.Beside(fields)
        self.unmapped = self._beside.unmapped
        for field in sorted(fields.values(), key=lambda each: len(each.path)):
            if not field.first_of:
                _plant(self._root, field.path, field.type)

    def stored(self, source: bytes) -> bytes:
        """The document as it came, with what is stored beside it. One that could be taken for such a document is made
        to fit at once."""
        if beside.is_ambiguous(source):
            try:
                return self.fitted(source)
            except (ValueError, TypeError, RecursionError):
                return source
        return beside.with_members(source, self._beside.members(source))

    def fitted(self, source: bytes) -> bytes:
        """The document's part that fits, with the original. Raises ValueError for what is no object of JSON."""
        return self._with_original(_object(source, self._root), source)

    def bare(self, document_id: str, source: bytes) -> bytes:
        """The least that can be found of a document: its id and what is stored beside it, with the original. Raises
        ValueError for what is no object of JSON: it could not be shown."""
        if not _is_object(source):
            raise ValueError("it is no JSON object")
        return self._with_original({"id": document_id}, source)

    def _with_original(self, fitting: Mapping[str, Any], source: bytes) -> bytes:
        return msgspec.json.encode({**fitting, **self._beside.members(source), AS_IT_CAME: source.decode()})


def restored(answer: bytes) -> bytes:
    """The answer with every document as it came. All else stays byte for byte."""
    answer = beside.shown(answer)
    if _MARK not in answer:
        return answer
    try:
        return _restored(answer)
    except (ValueError, RecursionError):
        return answer  # a document that another program stored: it is shown as it is stored


def _plant(root: Branch, path: tuple[str, ...], kind: FieldType) -> None:
    """Put a field in its place. A multi-field has the place of its field, which comes first."""
    at = root
    for key in path[:-1]:
        below = at.below.setdefault(key, Branch({}))
        if not isinstance(below, Branch):
            return
        at = below
    at.below.setdefault(path[-1], Branch({}, nested=True) if kind is FieldType.NESTED else kind)


def _object(value: bytes, branch: Branch) -> dict[str, Any]:
    """The members of an object that fit. What they hold stays as it is written: numbers have many forms."""
    members = msgspec.json.decode(value, type=dict[str, Raw])
    found = {}
    for key, expected in branch.below.items():
        kept = _kept(bytes(members[key]), expected) if key in members else None
        if kept is not None:
            found[key] = kept
    return found


def _kept(value: bytes, expected: Branch | FieldType) -> Any:
    """What of a value can be stored where a field of this type, or an object of these fields, is expected, or None."""
    opening = value[:1]
    if opening == b"[":
        items = [bytes(each) for each in msgspec.json.decode(value, type=list[Raw])]
        if expected is FieldType.GEO_POINT and items and items[0][:1] not in b'[{"':
            return None if any(each[:1] in b"[{" for each in items) else Raw(value)  # longitude and latitude
        return [kept for each in items if (kept := _kept(each, expected)) is not None] or None
    if not isinstance(expected, Branch):
        return Raw(value) if _fits(value, expected) else None
    found = _object(value, expected) if opening == b"{" else {}
    if found and expected.nested:
        found[AS_IT_CAME] = value.decode()
    return found or None


def _fits(value: bytes, expected: FieldType) -> bool:
    """Whether it can stand for one value of this type; what only has the wrong form is left to `ignore_malformed`."""
    if expected is FieldType.GEO_POINT:
        return True
    if value == b"null" or value[:1] == b"{":
        return False
    if expected is FieldType.BOOLEAN:
        return value in _BOOLEANS
    return expected is not FieldType.KEYWORD or len(value) <= MAX_TERM_BYTES or _length(value) <= MAX_TERM_BYTES


def _length(value: bytes) -> int:
    r"""The bytes of a word: without quotes, and each `\u…` as the character that it stands for."""
    return len(msgspec.json.decode(value, type=str).encode()) if value[:1] == b'"' else len(value)


def _restored(value: bytes) -> bytes:
    if _MARK not in value:
        return value
    opening = value.lstrip()[:1]
    if opening == b"{":
        members = msgspec.json.decode(value, type=dict[str, Raw])
        return msgspec.json.encode(
            {
                key: Raw(_original(bytes(raw)) if key == "_source" else _restored(bytes(raw)))
                for key, raw in members.items()
            }
        )
    if opening == b"[":
        items = msgspec.json.decode(value, type=list[Raw])
        return msgspec.json.encode([Raw(_restored(bytes(raw))) for raw in items])
    return value


def _original(stored: bytes) -> bytes:
    """The original of a stored document, or the document itself where it has none.

    A source may send a document with such a key by itself: only what is an object of JSON can take its place, so that
    nothing it holds breaks the answer that it stands in, or shows anything but what it sent.
    """
    if _MARK not in stored or stored[:1] != b"{":
        return stored
    text = msgspec.json.decode(stored, type=dict[str, Raw]).get(AS_IT_CAME)
    if text is None:
        return stored
    try:
        original = msgspec.json.decode(text, type=str).encode()
    except ValueError:
        return stored
    return original if _is_object(original) else stored


def _is_object(source: bytes) -> bool:
    try:
        msgspec.json.decode(source, type=dict[str, Raw])
    except (ValueError, RecursionError):
        return False
    return True
