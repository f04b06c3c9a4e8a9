"""A piece of text on several fields: what the query languages of one line make of a word, a phrase or a pattern.

Source: OpenSearch's `QueryStringQueryParser`, `SimpleQueryStringQueryParser` and `QueryParserHelper`.
"""

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from activity_stream.fields import Field, FieldMap, FieldType
from activity_stream.search import refusals
from activity_stream.search.analysis import tokens
from activity_stream.search.minimum import minimum_should_match

Query = dict[str, Any]
Count = Callable[[int], None]
Chosen = Sequence[tuple[Field, float]]
"""Fields with their boosts."""

STRINGS = (FieldType.TEXT, FieldType.KEYWORD)
PHRASES = ("phrase", "phrase_prefix")
ASKED = (*STRINGS, FieldType.DATE, FieldType.LONG, FieldType.DOUBLE, FieldType.BOOLEAN)


class OnFields:
    """Makes queries on fields. `construct` is whose they are.

    `names`: the fields that are meant where the text names none, names or patterns with their boosts; none for all.
    `count` is told of each clause. `tie` is the tie breaker of patterns, None for the default.
    """

    def __init__(
        self,
        construct: str,
        names: Sequence[tuple[str, float]],
        fields: FieldMap,
        count: "Count",
        *,
        lenient: bool | None,
        tie: float | None = None,
    ) -> None:
        self._construct = construct
        self._fields = fields
        self.count = count
        self._tie: Query = {} if tie is None else {"tie_breaker": tie}
        self.everywhere = all(name == "*" for name, _ in names)
        self.lenient = self.everywhere if lenient is None else lenient
        self.default = self._matching(names or (("*", 1.0),))

    def chosen(self, field: str | None) -> Chosen:
        """The fields of a name or pattern, None for those that are meant without a name; as far as there are any."""
        return self.default if field is None else self._matching(((field, 1.0),))

    def text(self, chosen: Chosen, text: str, operator: str, kind: str, **more: Any) -> Query | None:
        """Words; None where there are none in it."""
        if not chosen:
            return {"match_none": {}}
        if _is_without_words(chosen, text):
            return None
        self.count(len(chosen))
        options = {"query": text, "operator": operator, "lenient": self.lenient}
        if len(chosen) == 1:
            return boosted({"match": {chosen[0][0].name: options}}, chosen[0][1])
        return {"multi_match": {**options, "fields": _named(chosen), "type": kind, **more}}

    def phrase(self, chosen: Chosen, text: str, slop: int, kind: str, **more: Any) -> Query | None:
        """Words next to each other; None where there are none in it. `kind` is one of PHRASES."""
        if kind == "phrase_prefix" and self.lenient:
            chosen = [(each, boost) for each, boost in chosen if each.type is FieldType.TEXT]
        if not chosen:
            return {"match_none": {}}
        if _is_without_words(chosen, text):
            return None
        self.count(len(chosen))
        options = {"query": text, "type": kind, "slop": slop, "lenient": self.lenient}
        return {"multi_match": {**options, "fields": _named(chosen), **more}}

    def present(self, name: str) -> Query:
        """Any value of a field, or under an object. What is not mapped is not known here: nothing."""
        known = "*" in name or name in self._fields or any(each.startswith(f"{name}.") for each in self._fields)
        return {"exists": {"field": name}} if known else {"match_none": {}}

    def begun(self, chosen: Chosen, word: str) -> Query:
        """Words that begin so."""
        return self.each(chosen, lambda each: {"prefix": {each.name: {"value": cased(each, word)}}})

    def fuzzy(self, chosen: Chosen, word: str, edits: str, how: Mapping[str, Any]) -> Query:
        """A word with mistakes."""
        return self.each(
            chosen, lambda each: {"fuzzy": {each.name: {"value": cased(each, word), "fuzziness": edits, **how}}}
        )

    def each(self, chosen: Chosen, query: Callable[[Field], Query], kinds: Sequence[FieldType] = STRINGS) -> Query:
        """A query on each of the fields that are of these kinds; others find nothing, or are refused."""
        self.count(len(chosen))
        found = [boosted(query(each), boost) for each, boost in chosen if each.type in kinds]
        if len(found) < len(chosen) and not self.lenient:
            other = next(each for each, _ in chosen if each.type not in kinds)
            raise refusals.wrong_kind(f"[{self._construct}] with a pattern", other.name, str(other.type))
        return self.best(found)

    def best(self, queries: Sequence[Query]) -> Query:
        """What any of the queries finds, of which the best counts."""
        if len(queries) < 2:
            return queries[0] if queries else {"match_none": {}}
        return {"dis_max": {"queries": list(queries), **self._tie}}

    def _matching(self, names: Sequence[tuple[str, float]]) -> Chosen:
        found: dict[str, tuple[Field, float]] = {}
        for name, boost in names:
            for field in self._fields.values():
                is_meant = fnmatchcase(field.name, name) if "*" in name else field.name == name
                if is_meant and field.type in ASKED and field.nested is None:
                    found[field.name] = (field, boost * found[field.name][1] if field.name in found else boost)
        return list(found.values())


def uncounted(_: int) -> None:
    """No limit of clauses."""


def boosted(query: Query, boost: float) -> Query:
    """The query with its scores multiplied."""
    return query if boost == 1.0 else {"dis_max": {"queries": [query], "boost": boost}}


def cased(field: Field, text: str) -> str:
    """A pattern as the analysis of a field has its words."""
    return text.lower() if field.type is FieldType.TEXT else text


def with_minimum(query: Query, minimum: str | None) -> Query:
    """The query with so many of its own optional clauses needed; what is no list of clauses stays as it is."""
    if minimum is None:
        return query
    match query:
        case {"bool": clauses}:
            number = len(clauses.get("should", ()))
            if minimum_should_match(minimum, number) > number:
                return {"match_none": {}}
            return {"bool": {**clauses, "minimum_should_match": minimum}}
        case {"match": on_field}:
            return {"match": {name: {**how, "minimum_should_match": minimum} for name, how in on_field.items()}}
    return query


def _is_without_words(chosen: Chosen, text: str) -> bool:
    return all(field.type is FieldType.TEXT for field, _ in chosen) and not tokens(text)


def _named(chosen: Chosen) -> list[str]:
    return [field.name if boost == 1.0 else f"{field.name}^{boost!r}" for field, boost in chosen]
