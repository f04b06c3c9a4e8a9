"""`fields` and `docvalue_fields`: what single fields of a hit hold.

Of `fields` each value is as it stands in the document, in its order, in the form of its field; where one of them is not
of the field's type, none is shown, as OpenSearch does. `docvalue_fields` are the values that are searched for, sorted.
"""

from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from activity_stream.fields import Field, FieldMap, FieldType
from activity_stream.search import refusals
from activity_stream.search.body import SearchBody
from activity_stream.search.dates import format_date
from activity_stream.search.geo import places, point
from activity_stream.search.values import coerce

_Read = Callable[[Any], list[Any]]
_IGNORED = (FieldType.DATE, FieldType.LONG, FieldType.DOUBLE, FieldType.GEO_POINT)
"""Types whose values may be of another one: then they are ignored, and the document is not."""


class FieldValues:
    """Reads what a body asks for of decoded documents. Raises SearchRefused for a field that has no such values."""

    def __init__(self, body: SearchBody, fields: FieldMap) -> None:
        self._reads: list[tuple[str, _Read]] = []
        for shown in body.docvalue_fields:
            if (field := fields.get(shown.name)) is not None:
                self._reads.append((field.name, _searched(field, shown.format)))
        for shown in body.fields:
            for field in _matching(shown.name, fields):
                self._reads.append((field.name, _stored(field, shown.format)))

    def of(self, document: Any) -> dict[str, list[Any]]:
        """The values by the name of the field; without those of which there is none."""
        found: dict[str, list[Any]] = {}
        for name, read in self._reads:
            values = read(document)
            if values:
                found[name] = found.get(name, []) + values
        return found


def _matching(name: str, fields: FieldMap) -> Sequence[Field]:
    found = [each for each in fields.values() if fnmatchcase(each.name, name)] if "*" in name else [fields.get(name)]
    return [each for each in found if each is not None and each.type is not FieldType.NESTED]


def _searched(field: Field, fmt: str | None) -> _Read:
    if field.type is FieldType.TEXT:
        raise refusals.needs_fielddata(field.name)
    fmt = _format(field, fmt)
    if field.nested is not None or field.type is FieldType.NESTED:
        return _nothing
    if field.type is FieldType.GEO_POINT:
        return lambda document: [
            f"{lat!r}, {lon!r}" for lat, lon in sorted(p for each in whole(document, field.path) for p in places(each))
        ]
    return partial(_sorted_values, field, fmt)


def _stored(field: Field, fmt: str | None) -> _Read:
    fmt = _format(field, fmt)
    if field.type is FieldType.GEO_POINT:
        return partial(_points, field)
    return partial(_values_in_order, field, fmt)


def _format(field: Field, fmt: str | None) -> str | None:
    if fmt is None or fmt == "use_field_mapping":
        return None
    if field.type is not FieldType.DATE:
        raise refusals.illegal(f"Field [{field.name}] of type [{field.type}] doesn't support formats.")
    return fmt


def _sorted_values(field: Field, fmt: str | None, document: Any) -> list[Any]:
    found: list[Any] = [each for raw in raw_values(document, field) if (each := coerce(field.type, raw)) is not None]
    if field.type is FieldType.KEYWORD:
        found = sorted(set(found), key=lambda each: str(each).encode("utf-8", "surrogatepass"))
    return [_shown(field, each, fmt) for each in (found if field.type is FieldType.KEYWORD else sorted(found))]


def _values_in_order(field: Field, fmt: str | None, document: Any) -> list[Any]:
    found = [coerce(field.type, raw) for raw in raw_values(document, field)]
    if field.type in _IGNORED and None in found:
        return []
    return [_shown(field, each, fmt) for each in found if each is not None]


def _points(field: Field, document: Any) -> list[Any]:
    found = []
    for value in whole(document, field.path):
        if value is None:
            continue
        if not places(value) and value != []:
            return []
        several = isinstance(value, list) and not (value and isinstance(value[0], int | float))
        found += [point(each, of_document=True) for each in (value if several else [value]) if each is not None]
    return [{"coordinates": [lon, lat], "type": "Point"} for lat, lon in found]


def _shown(field: Field, value: Any, fmt: str | None) -> Any:
    return format_date(int(value), fmt) if field.type is FieldType.DATE else value


def _nothing(_: Any) -> list[Any]:
    return []


def raw_values(document: Any, field: Field) -> Iterator[Any]:
    """The values of a field, as they stand in a decoded document: of a derived one, those that it takes from the first
    of its paths where there are any of its type."""
    if not field.first_of:
        yield from leaves(document, field.path)
    for path in field.first_of:
        found = [each for each in leaves(document, path) if coerce(field.type, each) is not None]
        if found:
            yield from found
            return


def leaves(value: Any, path: Sequence[str]) -> Iterator[Any]:
    """The values that the keys of a path lead to, through arrays; null is no value, nor is an object."""
    if isinstance(value, list):
        for each in value:
            yield from leaves(each, path)
    elif not path:
        if value is not None and not isinstance(value, dict):
            yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from leaves(value[path[0]], path[1:])


def whole(value: Any, path: Sequence[str]) -> Iterator[Any]:
    """The values that the keys of a path lead to; where there is an array at its end, it is one of them."""
    if not path:
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from whole(each, path)
    elif isinstance(value, dict) and path[0] in value:
        yield from whole(value[path[0]], path[1:])
