"""`values`: what a field makes of a document's value, and of a query's."""

import pytest

from activity_stream.fields import FieldType
from activity_stream.search.query import Scalar
from activity_stream.search.values import coerce, long_bound, query_boolean, query_double, query_long


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (FieldType.KEYWORD, "Ab ", "Ab "),
        (FieldType.KEYWORD, 6, "6"),
        (FieldType.KEYWORD, 6.5, "6.5"),
        (FieldType.KEYWORD, True, "true"),
        (FieldType.KEYWORD, {}, None),
        (FieldType.KEYWORD, "x" * 32_766, "x" * 32_766),
        (FieldType.KEYWORD, "x" * 32_767, None),
        (FieldType.KEYWORD, "\u00e9" * 16_384, None),
        (FieldType.TEXT, False, "false"),
        (FieldType.TEXT, "x" * 40_000, "x" * 40_000),
        (FieldType.DATE, "1970-01-01T00:00:01Z", 1000),
        (FieldType.DATE, "", None),
        (FieldType.DATE, {}, None),
        (FieldType.BOOLEAN, "true", True),
        (FieldType.BOOLEAN, "", False),
        (FieldType.BOOLEAN, 1, None),
        (FieldType.LONG, "6", 6),
        (FieldType.LONG, 6.9, 6),
        (FieldType.LONG, "9223372036854775807", 2**63 - 1),
        (FieldType.LONG, 2**63, None),
        (FieldType.LONG, "six", None),
        (FieldType.LONG, True, None),
        (FieldType.DOUBLE, "1e3", 1000.0),
        (FieldType.DOUBLE, "NaN", None),
        (FieldType.DOUBLE, "1e999", None),
        (FieldType.GEO_POINT, "1,2", None),
    ],
)
def test_a_document_value_is_what_the_field_holds_or_nothing(
    kind: FieldType, value: object, expected: Scalar | None
) -> None:
    """A value that the field cannot hold is not searchable; it is never an error."""
    found = coerce(kind, value)
    assert (found, type(found)) == (expected, type(expected))


def test_a_query_value_that_the_field_cannot_hold_is_an_error() -> None:
    """It raises ValueError in OpenSearch's words."""
    with pytest.raises(ValueError, match=r"Can't parse boolean value \[yes\]"):
        query_boolean("yes")
    with pytest.raises(ValueError, match='For input string: "six"'):
        query_long("six")
    with pytest.raises(ValueError, match='For input string: "true"'):
        query_double(True)


def test_whole_numbers_stay_whole() -> None:
    """No digit of a 64 bit number is lost, and a fraction equals no whole number."""
    assert query_long("9007199254740993") == 9007199254740993
    assert query_long(6.0) == 6
    assert query_long(6.5) is None


@pytest.mark.parametrize(
    ("value", "lower", "included", "expected"),
    [
        (5, True, True, 5),
        (5, True, False, 6),
        (5, False, False, 4),
        (5.5, True, True, 6),
        (5.5, True, False, 6),
        (5.5, False, True, 5),
        ("-5.5", False, False, -6),
    ],
)
def test_bounds_of_whole_numbers(value: Scalar, lower: bool, included: bool, expected: int) -> None:
    """A bound is the outermost whole number that is within."""
    assert long_bound(value, lower=lower, included=included) == expected
