"""One search, from its body to its answer.

    body ─parse─► tree ─translate─► query AND visible ─► page of hits ─┐
                                          └────────────► aggregations ─┴─► JSON

Runs in a thread of its own; nothing here waits for anything but the index.
"""

import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import Any

import msgspec
from tantivy import DocAddress, Query

from activity_stream.adapters.index_embedded import orders
from activity_stream.adapters.index_embedded.aggregate import Aggregator
from activity_stream.adapters.index_embedded.answer import Found, Group, encode
from activity_stream.adapters.index_embedded.constant import is_constant
from activity_stream.adapters.index_embedded.explaining import Explaining
from activity_stream.adapters.index_embedded.inner_hits import InnerHits
from activity_stream.adapters.index_embedded.pages import Pages
from activity_stream.adapters.index_embedded.predicates import Value, both, either, unscored
from activity_stream.adapters.index_embedded.reader import ValueReader
from activity_stream.adapters.index_embedded.schema import GENERATION, SEQUENCE
from activity_stream.adapters.index_embedded.scoring import Scorer
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.adapters.index_embedded.sorting import Hit, Sorter
from activity_stream.adapters.index_embedded.translate import Translator
from activity_stream.adapters.index_embedded.vocabularies import Vocabularies
from activity_stream.adapters.index_embedded.worked import Place, Scores, Worked, needs_working_out, place_of
from activity_stream.model import Alias
from activity_stream.search import refusals
from activity_stream.search.aggs import filters_of
from activity_stream.search.body import SearchBody, boost_of
from activity_stream.search.explanations import Explainer, Explanation
from activity_stream.search.field_values import FieldValues
from activity_stream.search.highlights import Highlights
from activity_stream.search.hits import Rescore
from activity_stream.search.parse import parse_body, parse_query
from activity_stream.search.parse_query_strings import without_query_strings
from activity_stream.search.query import Bool, Node
from activity_stream.search.rarity import shows_scores
from activity_stream.search.rescoring import rescored
from activity_stream.search.resolve import stored_asked
from activity_stream.search.suggestions import suggested

_REMEMBERED_BODIES = 256
_LONGEST_REMEMBERED = 16_384
_MOST_SCOPES = 1_000
_NUMBERS = count()
_BY_SCORE = orders.Order(orders.SCORE, descending=True)


def search(snapshot: Snapshot, alias: Alias, body: bytes, now_ms: int, scope: bytes | None) -> bytes:
    """The answer, JSON, to an Elasticsearch search body over the published generations of an alias.

    `now_ms` is the `now` of date math. `scope` is the query (JSON) that the body has been narrowed to for its caller:
    with it, scores come only from what it finds. Raises SearchRefused for a body that cannot be run.
    """
    started = time.perf_counter()
    body = without_query_strings(body, snapshot.schema.fields(alias))
    tree = _parsed(body) if len(body) <= _LONGEST_REMEMBERED else parse_body(body)
    found = _Search(snapshot, alias, now_ms, scope).run(tree)
    return encode(snapshot, tree, found, took_ms=int((time.perf_counter() - started) * 1000))


@lru_cache(maxsize=_REMEMBERED_BODIES)
def _parsed(body: bytes) -> SearchBody:
    return parse_body(body)


@lru_cache(maxsize=_REMEMBERED_BODIES)
def _parsed_scope(scope: bytes) -> Node:
    return parse_query(msgspec.json.decode(scope))


class _Search:
    """One search while it runs."""

    def __init__(self, snapshot: Snapshot, alias: Alias, now_ms: int, scope: bytes | None) -> None:
        self._snapshot = snapshot
        self._alias = alias
        self._now_ms = now_ms
        self._visible = snapshot.visible(alias)
        conditions = [self._visible]
        self._reader = ValueReader(snapshot, alias)
        self._scorer = Scorer(snapshot, self._visible, None, self._reader)
        self._scope = None if scope is None else _parsed_scope(scope)
        if self._scope is not None and scope is not None:
            number, found = self._found_by(self._scope, scope)
            conditions = [found, self._visible]
            self._visible = unscored(both(*conditions))
            self._scorer = Scorer(snapshot, self._visible, self._visible, self._reader, name=number)
        self._conditions = conditions
        self._scoped = scope is not None
        self._translator = Translator(snapshot, alias, now_ms, self._scorer, self._visible)

    def _found_by(self, scope: Node, name: bytes) -> tuple[int | None, Query]:
        """The number of a scope, and the query that it is; they are made once, unless it depends on the time."""
        known = self._snapshot.scopes
        if (self._alias, name) in known:
            return known[self._alias, name]
        translator = Translator(self._snapshot, self._alias, self._now_ms, self._scorer, self._visible)
        found = unscored(translator.query(scope))
        if b"now" in name or len(known) >= _MOST_SCOPES:
            return None, found
        return known.setdefault((self._alias, name), (next(_NUMBERS), found))

    def run(self, body: SearchBody) -> Found:
        """What the body finds. Raises SearchRefused."""
        self._scorer.scored = shows_scores(body) or body.finds_by_scores
        node = self._theirs(body.query)
        query = both(self._boosted(self._translator.query(node), body), *self._conditions)
        worked = self._translator.worked()
        scores_of = self._worked_out(worked, node, body)
        if scores_of is not None and body.min_score is not None:
            enough = worked.sequences(place for place, score in scores_of.items() if score >= body.min_score)
            query = both(query, unscored(self._translator.predicates.any_of(SEQUENCE, enough)))
        hits_of = query
        if body.post_filter is not None:
            hits_of = both(query, unscored(self._translator.query(body.post_filter)))
        keys = orders.orders(body.sort, self._snapshot, self._alias, self._translator)
        sorter = Sorter(
            self._snapshot, self._translator.predicates, self._reader, rounded=self._scoped, worked=scores_of
        )
        objects = InnerHits(self._snapshot, self._alias, self._translator, body, scoped=self._scoped)
        pages = Pages(self._snapshot, self._alias, sorter, self._translator, query, objects)
        groups: Sequence[Group] = ()
        scores: Sequence[float | None]
        best: float | None = None
        if body.collapse is not None:
            after = self._after(body, keys)
            wanted = range(body.from_, _wanted(body))
            hits, groups = pages.collapsed(hits_of, body.collapse, keys, wanted, after)
            scores = sorter.scores(hits_of, hits) if body.scored else [None] * len(hits)
        elif keys:
            hits, scores = self._sorted(sorter, body, hits_of, keys)
        elif body.rescore and body.scored:
            hits, scores, best = self._rescored(sorter, body, hits_of)
        else:
            hits, scores, best = self._ranked(sorter, body, hits_of)
        if best is None and body.scored:
            best = sorter.best(hits_of)
        if hits:
            stored_asked(self._snapshot.schema.fields(self._alias), body.source)
        aggregations = None
        if body.aggs:
            for node in filters_of(body.aggs):
                self._translator.query(node)
            aggregator = Aggregator(
                self._snapshot, self._alias, self._translator, self._now_ms, pages, scoped=self._scoped
            )
            aggregations = aggregator.run(unscored(query), body.aggs)
        return Found(
            hits,
            scores,
            0 if body.track_total_hits is False else sorter.total(hits_of),
            best,
            aggregations,
            groups,
            self._values(body, hits),
            self._highlights(body, hits),
            self._suggestions(body),
            self._explanations(body, node, hits),
            objects.of([hit.address for hit in hits]),
        )

    def _values(self, body: SearchBody, hits: Sequence[Hit]) -> list[dict[str, Any]]:
        """The values of single fields that each hit shows."""
        if not body.fields and not body.docvalue_fields:
            return []
        asked = FieldValues(body, self._snapshot.schema.fields(self._alias))
        return [asked.of(self._reader.document(hit.address)) for hit in hits]

    def _highlights(self, body: SearchBody, hits: Sequence[Hit]) -> list[dict[str, list[str]]]:
        """The marked pieces of each hit's texts."""
        if not body.highlight:
            return []
        for each in body.highlight:
            if each.query is not None:
                self._translator.query(each.query)
        marking = Highlights(body.highlight, body.query, self._snapshot.schema.fields(self._alias))
        return [marking.of(self._reader.document(hit.address)) for hit in hits]

    def _explanations(self, body: SearchBody, node: Node, hits: Sequence[Hit]) -> Sequence[Explanation | None]:
        """What the score of each hit is made of."""
        if not body.explain or not hits:
            return ()
        if self._scoped:
            raise refusals.illegal("[explain] shows how many documents have a word that the caller may not see")
        searcher = self._snapshot.searcher
        found: dict[Place, Explanation | None] = {}
        for boost, addresses in self._by_boost(body, hits):
            sequences = searcher.fast_field_values(SEQUENCE, addresses)
            these = self._translator.predicates.any_of(SEQUENCE, [each for each in sequences if each is not None])
            of = Explaining(self._snapshot, self._reader, self._translator, self._now_ms, addresses, these)
            found |= zip(map(place_of, addresses), Explainer(of).explain(node, boost), strict=True)
        return [found[place_of(hit.address)] for hit in hits]

    def _by_boost(self, body: SearchBody, hits: Sequence[Hit]) -> Iterator[tuple[float, list[DocAddress]]]:
        """The addresses of hits whose indices have the same boost."""
        found: dict[float, list[DocAddress]] = {}
        for hit in hits:
            index = str(self._snapshot.searcher.doc(hit.address).get_first(GENERATION)) if body.indices_boost else ""
            found.setdefault(boost_of(index, self._alias, body.indices_boost), []).append(hit.address)
        yield from found.items()

    def _suggestions(self, body: SearchBody) -> dict[str, Any] | None:
        """What each index has that a text, or its words, may be meant for, by name."""
        if not body.suggest:
            return None
        if self._scoped:
            raise refusals.illegal("[suggest] shows words of documents that the caller may not see")
        words = Vocabularies(self._snapshot, self._alias)
        fields = self._snapshot.schema.fields(self._alias)
        return {each.name: suggested(each, fields, words.of) for each in body.suggest}

    def _theirs(self, node: Node) -> Node:
        """The query without the scope that it has been narrowed to, as what is visible is within it: to look for it
        twice takes twice as long."""
        match node:
            case Bool(must=(theirs,), filter=(scope,)) if node == Bool(must=(theirs,), filter=(scope,)) and (
                scope == self._scope
            ):
                return theirs
        return node

    def _boosted(self, query: Query, body: SearchBody) -> Query:
        """The query with its scores multiplied for the indices of some generations."""
        if not body.indices_boost:
            return query
        parts = []
        for generation in self._snapshot.generations.values():
            name = generation.index_name(self._alias)
            mine = both(query, unscored(self._snapshot.term(GENERATION, name)))
            parts.append(Query.boost_query(mine, boost_of(name, self._alias, body.indices_boost)))
        return either(parts)

    def _worked_out(self, worked: Worked, node: Node, body: SearchBody) -> Scores | None:
        """The score of all that a query finds, where it matters and tantivy cannot tell it."""
        if not shows_scores(body):
            return None
        if body.min_score is None and not needs_working_out(node, nested=not self._scoped):
            return None
        if not body.indices_boost:
            return worked.scores(node)
        scores: Scores = {}
        for generation in self._snapshot.generations.values():
            name = generation.index_name(self._alias)
            theirs = worked.scores(node, boost_of(name, self._alias, body.indices_boost))
            scores |= {
                place: theirs[place] for place in worked.found(self._snapshot.term(GENERATION, name)) & theirs.keys()
            }
        return scores

    def _sorted(
        self, sorter: Sorter, body: SearchBody, query: Query, keys: Sequence[orders.Order]
    ) -> tuple[list[Hit], Sequence[float | None]]:
        hits = sorter.first(query, keys, _wanted(body), self._after(body, keys))[body.from_ :]
        return hits, sorter.scores(query, hits) if body.scored else [None] * len(hits)

    def _rescored(
        self, sorter: Sorter, body: SearchBody, query: Query
    ) -> tuple[list[Hit], Sequence[float], float | None]:
        """The hits of each index by score, of which the best are scored once more."""
        if self._scoped:
            raise refusals.illegal("[rescore] shows how documents are spread that the caller may not see")
        queries = {id(each): self._translator.query(each.query) for each in body.rescore}
        plain = Sorter(self._snapshot, self._translator.predicates, self._reader)
        count = max(_wanted(body), *(each.window for each in body.rescore))

        def score_of(how: Rescore, hits: list[Hit]) -> list[float | None]:
            return plain.scores_by(queries[id(how)], hits)

        found: list[tuple[Hit, float]] = []
        for generation in self._snapshot.generations.values():
            mine = unscored(self._snapshot.term(GENERATION, generation.index_name(self._alias)))
            first = sorter.first(both(query, mine), (_BY_SCORE,), count)
            rows = [(Hit(hit.address, ()), float(hit.values[0] or 0)) for hit in first]
            found += rescored(rows, body.rescore, score_of)
        found.sort(key=lambda row: -row[1])
        page = found[body.from_ : _wanted(body)]
        return [hit for hit, _ in page], [score for _, score in page], found[0][1] if found else None

    def _after(self, body: SearchBody, keys: Sequence[orders.Order]) -> Sequence[Value | None] | None:
        if body.search_after is None:
            return None
        return orders.after(body.search_after, body.sort, keys, self._now_ms)

    def _ranked(
        self, sorter: Sorter, body: SearchBody, query: Query
    ) -> tuple[list[Hit], Sequence[float | None], float | None]:
        """The hits by score, best first, and the best score; where it is the same for all, there is no need to work it
        out."""
        if not body.indices_boost and is_constant(body.query, self._translator, words=self._scorer.constant):
            every = sorter.first(query, (), _wanted(body))
            best = sorter.scores(query, every[:1])[0] if every and body.scored else None
            hits = every[body.from_ :]
            return hits, [best] * len(hits), best
        ranked = [(float(hit.values[0] or 0), hit.address) for hit in sorter.first(query, (_BY_SCORE,), _wanted(body))]
        page = ranked[body.from_ :]
        return [Hit(address, ()) for _, address in page], [score for score, _ in page], ranked[0][0] if ranked else None


def _wanted(body: SearchBody) -> int:
    return body.from_ + body.size if body.size else 0
