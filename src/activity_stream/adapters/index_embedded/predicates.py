"""The conditions on one field that everything else is made of, as tantivy queries of score 0 or 1.

Values are as columns hold them: str for keywords, milliseconds for dates, 0 and 1 for booleans, numbers.
"""

import math
import re
from collections.abc import Iterable, Sequence

import tantivy
from tantivy import Occur, Query

from activity_stream.adapters.index_embedded.schema import PRESENT, Column
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.fields import FieldType
from activity_stream.search import refusals

Value = str | int | float

LEAST, GREATEST = -(2**63), 2**63 - 1
_HEX = re.compile(r"[0-9a-f]+")
_FIRST_HEX = "00"
_MANY = 64
"""Of a set of more values tantivy makes a map of all documents that have one before it looks at the rest of a query."""


def nothing() -> Query:
    """Finds nothing."""
    return Query.empty_query()


def both(*queries: Query) -> Query:
    """What all of them find."""
    return Query.boolean_query([(Occur.Must, query) for query in queries])


def either(queries: Sequence[Query]) -> Query:
    """What any of them finds."""
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Should, query) for query in queries]) if queries else nothing()


def without(query: Query, *others: Query) -> Query:
    """What the first finds and none of the others."""
    return Query.boolean_query([(Occur.Must, query), *((Occur.MustNot, other) for other in others)])


def unscored(query: Query) -> Query:
    """The same documents, with score 0."""
    return Query.const_score_query(query, 0.0)


class Predicates:
    """Makes conditions on the columns of a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._index = snapshot.index
        self._schema: tantivy.Schema = snapshot.schema.tantivy

    def term(self, name: str, value: Value) -> Query:
        """Documents with this value in the column of this internal name."""
        return Query.term_query(self._schema, name, value, "basic")

    def any_of(self, name: str, values: Iterable[Value]) -> Query:
        """Documents with one of the values in the column of this internal name."""
        found = list(values)
        if len(found) > _MANY:
            return Query.term_set_query(self._schema, name, found)
        terms = [self.term(name, each) for each in found]
        return terms[0] if len(terms) == 1 else Query.const_score_query(either(terms), 1.0)

    def has(self, *present: str) -> Query:
        """Documents with a value, by terms of PRESENT."""
        return self.any_of(PRESENT, present)

    def lacks(self, column: Column) -> Query:
        """Documents without a value of the field."""
        return without(Query.all_query(), self.has(column.present))

    def between(
        self, column: Column, low: Value | None = None, high: Value | None = None, *,
        over_low: bool = False, under_high: bool = False, greatest: bool = False,
    ) -> Query:  # fmt: skip
        """Documents with a value from `low` to `high`, which are included unless `over_low` or `under_high`; None is
        no bound. With `greatest`, only each document's greatest value counts."""
        if low is None and high is None:
            return self.has(column.present)
        if column.field.type is FieldType.KEYWORD:
            name = column.high or column.hex if greatest else column.hex
            return self._hex_range(str(name), _text(low), _text(high), over_low=over_low, under_high=under_high)
        name = column.high or column.value if greatest else column.value
        if column.field.type is FieldType.DOUBLE:
            return self._float_range(name, low, high, over_low=over_low, under_high=under_high)
        return self._whole_range(name, low, high, over_low=over_low, under_high=under_high)

    def degrees(self, name: str, low: float, high: float) -> Query:
        """Documents with a number between two in the column of this internal name."""
        return Query.range_query(self._schema, name, tantivy.FieldType.Float, low, high)

    def pattern(self, name: str, expression: str, what: str) -> Query:
        """Documents with a term that a regular expression describes wholly. SearchRefused if it is too large."""
        try:
            return Query.regex_query(self._schema, name, f"(?s:{expression})")
        except ValueError as problem:
            raise refusals.illegal(f"[{what}] pattern is too complex, use a shorter one: {problem}"[:500]) from None

    def phrase(self, name: str, words: Sequence[str], slop: int = 0) -> Query:
        """Documents with the words next to each other, in this order, or moved by so many places. At least two."""
        return Query.phrase_query(self._schema, name, list(words), slop)

    def placed(self, name: str, words: Sequence[tuple[int, str]]) -> Query:
        """Documents with the words in these places, counted from any. At least two."""
        return Query.phrase_query(self._schema, name, list(words))

    def _whole_range(
        self, name: str, low: Value | None, high: Value | None, *, over_low: bool, under_high: bool
    ) -> Query:
        least = LEAST if low is None else _next_whole(low, over=over_low)
        greatest = GREATEST if high is None else -_next_whole(-high, over=under_high)  # type: ignore[operator]
        if least > greatest or least > GREATEST or greatest < LEAST:
            return nothing()
        least, greatest = max(least, LEAST), min(greatest, GREATEST)
        return Query.range_query(self._schema, name, tantivy.FieldType.Integer, least, greatest)

    def _float_range(
        self, name: str, low: Value | None, high: Value | None, *, over_low: bool, under_high: bool
    ) -> Query:
        if low is not None and high is not None and (low > high or (low == high and (over_low or under_high))):  # type: ignore[operator]
            return nothing()
        bounds = (None if low is None else float(low), None if high is None else float(high))
        return Query.range_query(
            self._schema,
            name,
            tantivy.FieldType.Float,
            *bounds,
            not over_low or low is None,
            not under_high or high is None,
        )

    def _hex_range(self, name: str, low: str | None, high: str | None, *, over_low: bool, under_high: bool) -> Query:
        """Ranges of text are there only in tantivy's query language: nothing but hexadecimal digits gets into it."""
        if low is not None and high is not None and (low > high or (low == high and (over_low or under_high))):
            return nothing()
        if high == "":
            return nothing() if under_high else self.term(name, "")
        if low == "":
            # Its language has no empty string either: every other value is at least the first two digits.
            rest = self._hex_range(name, _FIRST_HEX, high, over_low=False, under_high=under_high)
            return rest if over_low else either([self.term(name, ""), rest])
        for bound in (low, high):
            if bound is not None and _HEX.fullmatch(bound) is None:
                raise ValueError(f"not hexadecimal: {bound[:20]}")
        opening, closing = "{" if over_low else "[", "}" if under_high else "]"
        return self._index.parse_query(f"{name}:{opening}{low or '*'} TO {high or '*'}{closing}", [])


def _text(value: Value | None) -> str | None:
    return None if value is None else str(value).encode("utf-8", "surrogatepass").hex()


def _next_whole(low: Value, *, over: bool) -> int:
    """The least whole number that is at least `low`, or `over` it."""
    whole = math.ceil(low)  # type: ignore[arg-type]
    return whole + 1 if over and whole == low else whole
