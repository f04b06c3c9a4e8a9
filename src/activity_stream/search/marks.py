"""What the record of changes keeps of a document: the values that grants can ask for, and nothing else.

A source may delete something because nobody is to see it any more. So the record of what was removed holds ids, and of
the fields that some caller's grants are on, their values: enough to tell whose view something left.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from activity_stream.fields import Field, FieldMap
from activity_stream.grants import is_unrestricted
from activity_stream.model import Alias, Caller, Grant, GrantKind
from activity_stream.search.decoded import decoded_item
from activity_stream.search.field_values import raw_values
from activity_stream.search.values import coerce


class MarkedFields:
    """The fields that grants of any of the callers are on."""

    def __init__(self, callers: Iterable[Caller], fields: Mapping[Alias, FieldMap]) -> None:
        granted = [(alias, grant) for caller in callers for alias in Alias for grant in caller.grants.get(alias, ())]
        self._fields: Mapping[Alias, Sequence[Field]] = {
            alias: [
                fields[alias][name]
                for name in sorted({g.field for at, g in granted if at is alias and g.kind is GrantKind.TERMS})
            ]
            for alias in Alias
        }

    def names(self, alias: Alias) -> tuple[str, ...]:
        """Their names, sorted."""
        return tuple(field.name for field in self._fields[alias])

    def of(self, alias: Alias, source: bytes) -> tuple[str, ...]:
        """The marks of a document, given as JSON: each value of each of these fields."""
        fields = self._fields[alias]
        if not fields:
            return ()
        try:
            document = decoded_item(source)
        except (ValueError, RecursionError):
            return ()
        return tuple(dict.fromkeys(mark for field in fields for mark in _marks(field, raw_values(document, field))))

    def asked(self, caller: Caller, alias: Alias) -> list[list[str]] | None:
        """Alternatives of marks, all of which what the caller may see has to meet; None: the caller sees all."""
        if is_unrestricted(caller, alias):
            return None
        known = {field.name: field for field in self._fields[alias]}
        grants = caller.grants.get(alias, ())
        return [_alternatives(grant, known) for grant in grants if grant.kind is not GrantKind.MATCH_ALL] or [[]]


def _alternatives(grant: Grant, fields: Mapping[str, Field]) -> list[str]:
    return _marks(fields[grant.field], grant.values) if grant.kind is GrantKind.TERMS else []


def _marks(field: Field, values: Iterable[Any]) -> list[str]:
    """A mark is the field's name and the JSON of the value, which has no line break in it."""
    found = (coerce(field.type, value) for value in values)
    return [f"{field.name}={msgspec.json.encode(value).decode()}" for value in found if value is not None]
