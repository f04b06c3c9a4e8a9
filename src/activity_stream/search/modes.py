"""What several values of a document are sorted by."""

import math
from collections.abc import Sequence

from activity_stream.fields import FieldType
from activity_stream.search import refusals
from activity_stream.search.query import Scalar

_SORTED_AS = {
    FieldType.DATE: ("date", "long"),
    FieldType.LONG: ("long", "date"),
    FieldType.DOUBLE: ("double",),
}
OF_NUMBERS = ("sum", "avg", "median")
"""The modes that only numbers have."""


def check_mode(mode: str | None, kind: FieldType) -> None:
    """Raises SearchRefused for a mode that values of this type do not have."""
    if mode in OF_NUMBERS and kind in (FieldType.KEYWORD, FieldType.NESTED):
        raise refusals.refused(refusals.SHARD, "we only support AVG, MEDIAN and SUM on number based fields")


def check_numeric_type(numeric_type: str | None, name: str, kind: FieldType) -> None:
    """Raises SearchRefused for a type that values of a field are not sorted as by themselves."""
    if numeric_type is None or numeric_type in _SORTED_AS.get(kind, ()):
        return
    if kind in (FieldType.KEYWORD, FieldType.NESTED):
        said = f"[numeric_type] option cannot be set on a non-numeric field, got {kind}"
        raise refusals.refused(refusals.SHARD, said)
    raise refusals.illegal(f"[numeric_type] [{numeric_type}] of [{name}], which is a {kind}: {refusals.NOT_YET}")


def combined(mode: str, values: Sequence[Scalar], kind: FieldType) -> Scalar | None:
    """One of them, or one figure of numbers, in whole numbers where the field has such; of no values, None.

    Source: OpenSearch's `MultiValueMode`.
    """
    if not values:
        return None
    if mode in ("min", "max"):
        return (min if mode == "min" else max)(values)
    numbers = sorted(float(each) for each in values)
    if mode == "sum":
        figure = math.fsum(numbers)
    elif mode == "avg":
        figure = math.fsum(numbers) / len(numbers)
    else:
        middle = len(numbers) // 2
        figure = numbers[middle] if len(numbers) % 2 else (numbers[middle - 1] + numbers[middle]) / 2
    return figure if kind is FieldType.DOUBLE else math.floor(figure + 0.5)
