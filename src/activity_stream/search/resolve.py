"""The fields that queries about places, nested objects and functions need: there, and of a type that can be asked."""

from activity_stream.fields import Field, FieldMap, FieldType
from activity_stream.search import refusals
from activity_stream.search.functions import decay_factor
from activity_stream.search.hits import GEO_DISTANCE, Collapse, NestedSort, SortKey, SourceFilter
from activity_stream.search.query import Decay, FieldValue, GeoBox, GeoDistance, Nested, TermsSet

_NUMBERS = (FieldType.DATE, FieldType.BOOLEAN, FieldType.LONG, FieldType.DOUBLE)


def place_queried(field: Field | None, node: GeoDistance | GeoBox) -> None:
    """Raises SearchRefused where `field`, of the name that the query says, has no places."""
    if field is None:
        if not node.ignore_unmapped:
            raise refusals.refused(refusals.SHARD, f"failed to find geo field [{node.field}]")
    elif field.type is not FieldType.GEO_POINT:
        raise refusals.refused(refusals.SHARD, f"field [{node.field}] is of type [{field.type}], not geo_point")


def place_sorted(field: Field | None, key: SortKey) -> None:
    """Raises SearchRefused where `field`, of the name that a sort by distance says, has no places."""
    name = key.distance.field if key.distance else ""
    if field is None:
        if key.unmapped_type is None:
            raise refusals.illegal(f"failed to find mapper for [{name}] for geo distance based sort")
    elif field.type is not FieldType.GEO_POINT:
        raise refusals.wrong_kind(f"[{GEO_DISTANCE}]", name, str(field.type))


def collapsed(field: Field | None, collapse: Collapse) -> None:
    """Raises SearchRefused where `field`, of the name that is collapsed by, is no keyword or number."""
    if field is None:
        raise refusals.illegal(f"no mapping found for `{collapse.field}` in order to collapse on")
    if field.type not in (FieldType.KEYWORD, FieldType.LONG, FieldType.DOUBLE):
        raise refusals.illegal(
            f"unknown type for collapse field `{collapse.field}`, only keywords and numbers are accepted"
        )


def stored_asked(fields: FieldMap, source: SourceFilter) -> None:
    """Raises SearchRefused where a hit cannot be shown so: one of the stored fields that are asked for is an object,
    which has no value; or parts of a source are, and no source."""
    if not source.enabled and not source.with_id and (source.includes or source.excludes):
        raise refusals.illegal("unable to fetch fields from _source field: _source is disabled by [stored_fields]")
    for name in source.leaves:
        field = fields.get(name)
        if (field is not None and field.type is FieldType.NESTED) or any(
            ".".join(each.path[:depth]) == name for each in fields.values() for depth in range(1, len(each.path))
        ):
            raise refusals.illegal(f"field [{name[:100]}] isn't a leaf field")


def number_asked(field: Field | None, node: TermsSet) -> None:
    """Raises SearchRefused where `field`, of the name that says how many values are needed, is no number."""
    if field is None:
        raise refusals.refused(refusals.SHARD, f"failed to find minimum_should_match field [{node.number}]")
    if field.type not in _NUMBERS:
        raise refusals.refused(
            refusals.SHARD, f"[minimum_should_match_field] [{field.name}] is of type [{field.type}], and no number"
        )


def likened(field: Field | None, name: str) -> None:
    """Raises SearchRefused where `field`, of a name that `more_like_this` says, has no words."""
    if field is not None and field.type is FieldType.KEYWORD:
        raise refusals.illegal(f"[more_like_this] of exact values, as [{name}] has: {refusals.NOT_YET}")
    if field is not None and field.type is not FieldType.TEXT:
        raise refusals.refused(
            refusals.SHARD, f"failed to create query: more_like_this only supports text/keyword fields: [{name}]"
        )


def nested_queried(field: Field | None, node: Nested) -> None:
    """Raises SearchRefused where `field`, of the path that the query says, holds no nested objects."""
    if field is None:
        if not node.ignore_unmapped:
            raise refusals.illegal(f"[nested] failed to find nested object under path [{node.path}]")
    elif field.type is not FieldType.NESTED:
        raise refusals.illegal(f"[nested] nested object under path [{node.path}] is not of nested type")


def nested_sorted(field: Field | None, nested: NestedSort) -> None:
    """Raises SearchRefused where `field`, of the path that a sort says, holds no nested objects."""
    if field is None or field.type is not FieldType.NESTED:
        raise refusals.refused(refusals.SHARD, f"[nested] failed to find nested object under path [{nested.path}]")


def function_asked(field: Field | None, function: Decay | FieldValue, now_ms: int) -> None:
    """Raises SearchRefused where `field`, of the name that the function says, cannot be what it needs."""
    if isinstance(function, Decay):
        if field is None:
            raise refusals.parsing(f"unknown field [{function.field}]")
        decay_factor(function, field, now_ms)
    elif field is None:
        if function.missing is None:
            raise refusals.refused(
                "exception",
                f"Unable to find a field mapper for field [{function.field}]. No 'missing' value defined.",
            )
    elif field.type is FieldType.TEXT:
        raise refusals.needs_fielddata(field.name)
    elif field.type not in _NUMBERS:
        raise refusals.wrong_kind("[field_value_factor]", field.name, str(field.type))
