"""A sort by the first of several dates that a document has: conditions of each, in turn.

documents with a value of the first field      by its least value
those without, but with one of the second      by its least value
those with none                                last
"""

from collections.abc import Iterator, Sequence

from tantivy import Query

from activity_stream.adapters.index_embedded.predicates import Predicates, Value, both, either, without
from activity_stream.adapters.index_embedded.schema import Column


def strata(columns: Sequence[Column], predicates: Predicates) -> Iterator[tuple[Column, Query]]:
    """Each column with the documents that it decides for."""
    for number, column in enumerate(columns):
        earlier = predicates.has(*(each.present for each in columns[:number])) if number else Query.empty_query()
        yield column, without(predicates.has(column.present), earlier)


def lacking(columns: Sequence[Column], predicates: Predicates) -> Query:
    """The documents without any of the dates."""
    return without(Query.all_query(), predicates.has(*(each.present for each in columns)))


def equal(columns: Sequence[Column], value: Value | None, predicates: Predicates) -> Query:
    """The documents whose first date this is."""
    if value is None:
        return lacking(columns, predicates)
    parts = []
    for column, those in strata(columns, predicates):
        earlier = predicates.between(column, None, value, under_high=True)
        parts.append(both(those, without(predicates.between(column, value, value), earlier)))
    return either(parts)


def beyond(columns: Sequence[Column], value: Value | None, predicates: Predicates, *, descending: bool) -> Query:
    """The documents whose first date comes after this one."""
    if value is None:
        return Query.empty_query()
    parts = [lacking(columns, predicates)]
    for column, those in strata(columns, predicates):
        if descending:
            parts.append(both(those, predicates.between(column, None, value, under_high=True)))
        else:
            parts.append(without(those, predicates.between(column, None, value)))
    return either(parts)
