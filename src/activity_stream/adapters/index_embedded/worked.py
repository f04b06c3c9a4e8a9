"""Scores that tantivy does not have, worked out here: those of functions, and of nested objects.

    query ──► each part that tantivy can score: its hits ──► functions, sums, best of them: here ──► score of each hit

What a query finds is tantivy's to say all the same; this is about scores alone. Documents go by their places in the
index, as (segment, number).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import tantivy
from tantivy import Query

from activity_stream.adapters.index_embedded.predicates import both, unscored
from activity_stream.adapters.index_embedded.reader import ValueReader
from activity_stream.adapters.index_embedded.schema import OUTER, SEQUENCE, Column
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.fields import FieldType
from activity_stream.search import query as q
from activity_stream.search.functions import combiner, decay_factor, value_factor
from activity_stream.search.limits import MOST_READ

Place = tuple[int, int]
Values = Sequence[float | q.Point]
Scores = dict[Place, float]


class Queries(Protocol):
    """What makes tantivy's queries."""

    def query(self, node: q.Node) -> Query:
        """The query of a tree."""

    def readable(self, name: str) -> Column | None:
        """The columns of a field whose values can be read."""

    def objects(self, node: q.Nested) -> Query:
        """The objects that a nested query finds, scored."""


def place_of(address: tantivy.DocAddress) -> Place:
    """An address as a key."""
    return address.segment_ord, address.doc


def needs_working_out(node: q.Node, *, nested: bool) -> bool:
    """Whether tantivy has no score for what a query finds. `nested`: whether scores of nested objects count."""
    match node:
        case q.FunctionScore():
            return True
        case q.Nested():
            return nested
        case q.Bool():
            return any(needs_working_out(each, nested=nested) for each in (*node.must, *node.should))
        case q.DisMax():
            return any(needs_working_out(each, nested=nested) for each in node.queries)
        case q.Boosting():
            return needs_working_out(node.positive, nested=nested)
    return False


class Worked:
    """Works out the scores of what queries find among the `visible` documents of an alias. `now_ms`: the origin of
    decays without one. `nested`: whether scores of nested objects count."""

    def __init__(
        self, snapshot: Snapshot, reader: ValueReader, queries: Queries, visible: Query, now_ms: int, *, nested: bool
    ) -> None:
        self._searcher = snapshot.searcher
        self._snapshot = snapshot
        self._reader = reader
        self._queries = queries
        self._visible = unscored(visible)
        self._now_ms = now_ms
        self._nested = nested
        self._addresses: dict[Place, tantivy.DocAddress] = {}

    def sequences(self, places: Iterable[Place]) -> list[int]:
        """The places in the order of writing of documents that scores were worked out for."""
        found = self._searcher.fast_field_values(SEQUENCE, [self._addresses[each] for each in places])
        return [int(each or 0) for each in found]

    def found(self, query: Query) -> set[Place]:
        """The documents that a query finds."""
        return {place for place, _ in self._hits(unscored(query))}

    def scores(self, node: q.Node, outer: float = 1.0) -> Scores:
        """The score of each document that the query finds; `outer` is a boost from outside of it."""
        boost = outer * node.boost
        if not needs_working_out(node, nested=self._nested):
            return {place: score * outer for place, score in self._hits(self._queries.query(node))}
        match node:
            case q.FunctionScore():
                return self._by_functions(node, boost)
            case q.Nested():
                return self._of_objects(node, boost)
            case q.Bool():
                parts = [self.scores(each, boost) for each in (*node.must, *node.should)]
                return {place: sum(part.get(place, 0.0) for part in parts) for place in self._found(node)}
            case q.DisMax():
                return self._best([self.scores(each, boost) for each in node.queries], node.tie_breaker)
            case q.Boosting():
                lessened, found = self._found(node.negative), self.scores(node.positive)
                less = boost * node.negative_boost  # of the score itself: within, some queries do without a boost
                return {place: s * (less if place in lessened else boost) for place, s in found.items()}
        raise TypeError(f"nothing is worked out of {type(node).__name__}")

    def _by_functions(self, node: q.FunctionScore, boost: float) -> Scores:
        base = self.scores(node.query, boost)
        addresses = [self._addresses[place] for place in base]
        factors: list[list[float]] = [[] for _ in base]
        weights: list[list[float]] = [[] for _ in base]
        for each in node.functions:
            those = base.keys() if each.filter is None else self._found(each.filter)
            weight = 1.0 if each.weight is None else each.weight
            at = [number for number, place in enumerate(base) if place in those]
            for number, factor in zip(at, self.factors(each, [addresses[number] for number in at]), strict=True):
                factors[number].append(factor * weight)
                weights[number].append(weight)
        combine = combiner(node)
        scores = base
        if node.functions:
            rows = zip(base.items(), factors, weights, strict=True)
            scores = {place: combine(score, mine, theirs) for (place, score), mine, theirs in rows}
        if node.min_score is None:
            return scores
        return {place: score for place, score in scores.items() if score >= node.min_score}

    def factors(self, function: q.ScoreFunction, addresses: list[tantivy.DocAddress]) -> Sequence[float]:
        """What documents are worth by a function, its filter and weight left out."""
        of = function.of
        if of is None:
            return [1.0] * len(addresses)
        column = self._queries.readable(of.field)
        if isinstance(of, q.FieldValue):
            worth = value_factor(of)
            return [worth(values) for values in self._values(column, addresses)]
        if column is None:
            return [1.0] * len(addresses)
        decay = decay_factor(of, column.field, self._now_ms)
        repeated = of.mode == "sum" and len(addresses) <= MOST_READ
        return [decay(values) for values in self._values(column, addresses, repeated=repeated)]

    def _values(
        self, column: Column | None, addresses: list[tantivy.DocAddress], *, repeated: bool = False
    ) -> Sequence[Values]:
        if column is None:
            return [()] * len(addresses)
        if column.field.type is FieldType.GEO_POINT:
            return self._reader.places(column, addresses)
        return self._reader.numbers(column, addresses, repeated=repeated)

    def _of_objects(self, node: q.Nested, boost: float) -> Scores:
        objects = self._queries.objects(node)
        hits = self._snapshot.every(objects)
        sequences = self._searcher.fast_field_values(OUTER, [address for _, address in hits])
        by_document: dict[int, list[float]] = {}
        for sequence, (score, _) in zip(sequences, hits, strict=True):
            by_document.setdefault(int(sequence or 0), []).append(float(score or 0) * boost)
        found = self._found(node)
        of = dict(zip(self.sequences(found), found, strict=True))
        make = _OF_OBJECTS[node.score_mode]
        return {of[sequence]: make(scores) for sequence, scores in by_document.items() if sequence in of}

    def _best(self, parts: Sequence[Scores], tie_breaker: float) -> Scores:
        several: dict[Place, list[float]] = {}
        for part in parts:
            for place, score in part.items():
                several.setdefault(place, []).append(score)
        return {place: max(each) + tie_breaker * (sum(each) - max(each)) for place, each in several.items()}

    def _found(self, node: q.Node) -> set[Place]:
        return self.found(self._queries.query(node))

    def _hits(self, query: Query) -> list[tuple[Place, float]]:
        seen = both(query, self._visible)
        hits = self._snapshot.every(seen)
        places = [(address.segment_ord, address.doc) for _, address in hits]
        self._addresses.update(zip(places, (address for _, address in hits), strict=True))
        return [(place, score or 0.0) for place, (score, _) in zip(places, hits, strict=True)]


_OF_OBJECTS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "avg": lambda scores: sum(scores) / len(scores),
    "max": max,
    "min": min,
    "sum": sum,
    "none": lambda _: 0.0,
}
