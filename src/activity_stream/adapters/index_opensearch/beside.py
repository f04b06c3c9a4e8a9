r"""What is stored beside a document in a cluster, for what it cannot be found by itself.

    {"id": "a", "dit:colour": "red"}
    ──►  {"id": "a", "dit:colour": "red", "__unmapped": "0cQaBb 4yQ1-d8k", "__first_of.Sw2aY-0q": [1577836800000]}

`__unmapped` has terms of the fields that are not mapped: digests of what `search/unmapped` makes, so that no text of a
document stands twice in the index. Those of `__first_of` are values of derived fields, whose names are aliases of them.
Answers are shown without either, and all else in them stays byte for byte.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec

from activity_stream.fields import Field, FieldMap
from activity_stream.search.decoded import decoded_item
from activity_stream.search.field_values import raw_values
from activity_stream.search.unmapped import Unmapped
from activity_stream.search.values import coerce

UNMAPPED = "__unmapped"
_FIRST_OF = "__first_of"
_UNMAPPED_MAPPING = {"type": "text", "analyzer": "whitespace", "norms": False, "index_options": "docs"}
_MARKS = (UNMAPPED.encode(), _FIRST_OF.encode())

_TEXT = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_MEMBER = rb'"__(?:unmapped|first_of\.[\w-]+)":(?:%b|\[(?:%b|[^"\[\]{}])*\])' % (_TEXT, _TEXT)
_IN_ANSWERS = re.compile(rb",%b|%b,?" % (_MEMBER, _MEMBER))
"""As a member of an object, behind others, before them, or alone."""
_AS_STORED = re.compile(rb',"__unmapped":"[^"\\]*"')
"""As most of them are: five times as fast to find."""


class Beside:
    """What is stored beside documents with these searchable fields."""

    def __init__(self, fields: FieldMap) -> None:
        self.unmapped = Unmapped(fields)
        self._derived = [each for each in fields.values() if each.first_of]

    def members(self, source: bytes) -> dict[str, Any]:
        """The members to be added to a document, given as JSON; of what cannot be read, none."""
        try:
            document = decoded_item(source)
        except (ValueError, RecursionError):
            return {}
        terms = " ".join(sorted(digest(each) for each in self.unmapped.terms(document)))
        made: dict[str, Any] = {UNMAPPED: terms} if terms else {}
        for field in self._derived:
            if values := [coerce(field.type, each) for each in raw_values(document, field)]:
                made[_name(field)] = values
        return made

    def mapping(self) -> Mapping[str, Any]:
        """The fields, beside the searchable ones, that an index has for it."""
        parameters = {_name(each): {"type": str(each.type)} for each in self._derived}
        return {UNMAPPED: _UNMAPPED_MAPPING, **parameters}


def alias_of(field: Field) -> Mapping[str, Any]:
    """What a mapping says of a derived field."""
    return {"type": "alias", "path": _name(field)}


def with_members(source: bytes, members: Mapping[str, Any]) -> bytes:
    """A document (JSON of an object that has members) with more of them behind its own."""
    return b"%b,%b" % (source.rstrip()[:-1], msgspec.json.encode(members)[1:]) if members else source


def is_ambiguous(source: bytes) -> bool:
    """Whether a document could be taken for one that something is stored beside."""
    return any(mark in source for mark in _MARKS)


def shown(answer: bytes) -> bytes:
    """The answer without what is stored beside documents."""
    if not is_ambiguous(answer):
        return answer
    answer = _AS_STORED.sub(b"", answer)
    return _IN_ANSWERS.sub(b"", answer) if is_ambiguous(answer) else answer


@lru_cache(maxsize=20_000)
def digest(term: str) -> str:
    """Eight characters, of 48 bits: among a thousand million terms another one has the same with a chance of one in
    280,000."""
    return urlsafe_b64encode(blake2b(term.encode("utf-8", "replace"), digest_size=6).digest()).decode()


def _name(field: Field) -> str:
    return f"{_FIRST_OF}.{digest(field.name)}"
