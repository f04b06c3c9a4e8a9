"""A whole search over documents in memory: the oracle that real indexes are compared with.

It is written independently of any search library, and for obviousness, not for speed: each document is asked.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from activity_stream.fields import Field, FieldMap, FieldType
from activity_stream.model import Alias
from activity_stream.search import refusals
from activity_stream.search.aggs import filters_of
from activity_stream.search.body import SearchBody, boost_of
from activity_stream.search.explanations import Explainer
from activity_stream.search.field_values import FieldValues
from activity_stream.search.highlights import Highlights
from activity_stream.search.hits import Collapse, Page, Rescore, SourceFilter, of_objects
from activity_stream.search.parse import parse_body, parse_query, read_json
from activity_stream.search.parse_query_strings import without_query_strings
from activity_stream.search.rescoring import rescored
from activity_stream.search.resolve import collapsed
from activity_stream.search.spelling import Totals, Vocabulary
from activity_stream.search.suggestions import suggested
from activity_stream.testing.evaluator_aggregations import Aggregations
from activity_stream.testing.evaluator_documents import Corpus, Document
from activity_stream.testing.evaluator_explanations import Explaining
from activity_stream.testing.evaluator_inner_hits import InnerHits, shown_object
from activity_stream.testing.evaluator_queries import Queries
from activity_stream.testing.evaluator_sorting import Hit, Sorting
from activity_stream.testing.evaluator_source import check_stored, filtered


def evaluate(
    alias: Alias, documents: Sequence[Document], fields: FieldMap, body: bytes, now_ms: int, scope: bytes | None = None
) -> dict[str, Any]:
    """The answer to a search body over these documents, ready to be encoded as JSON.

    With `scope`, a query, only what it finds is there at all. Raises SearchRefused.
    """
    search = parse_body(without_query_strings(body, fields))
    corpus = Corpus(documents, fields)
    if scope is not None:
        allowed = Queries(corpus, now_ms).score(parse_query(read_json(scope)))
        corpus = Corpus([each for each in documents if allowed(each) is not None], fields)
    hits = []
    for boost, those in _by_boost(alias, search, corpus):
        score = Queries(corpus, now_ms).score(search.query, boost)
        hits += [Hit(each, value) for each in those if (value := score(each)) is not None]
    hits.sort(key=lambda hit: hit.document.written)
    if search.min_score is not None:
        hits = [hit for hit in hits if hit.score >= search.min_score]
    every = hits
    found = [hit.document for hit in hits]
    if search.post_filter is not None:
        kept = Queries(corpus, now_ms).score(search.post_filter)
        hits = [hit for hit in hits if kept(hit.document) is not None]
    inner = InnerHits(alias, search, corpus, now_ms)
    answer: dict[str, Any] = {
        "took": 0,
        "timed_out": False,
        "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": _hits(alias, search, hits, corpus, now_ms, inner),
    }
    if search.suggest:
        words = partial(_vocabularies, corpus)
        answer["suggest"] = {each.name: suggested(each, fields, words) for each in search.suggest}
    if search.aggs:
        for node in filters_of(search.aggs):
            Queries(corpus, now_ms).score(node)
        scores = {id(hit.document): hit.score for hit in every}

        def page_of(documents: Sequence[Document], page: Page) -> dict[str, Any]:
            those = [Hit(each, scores.get(id(each.outer or each), 0.0)) for each in documents]
            field = corpus.mapped(documents[0].nested or "") if documents else None
            if field is not None:
                return _page_of_objects(alias, page, those, corpus, now_ms, field)
            return _page(alias, page, those, corpus, now_ms, inner)

        answer["aggregations"] = Aggregations(corpus, now_ms, page_of).all(search.aggs, found)
    return answer


def _by_boost(alias: Alias, search: SearchBody, corpus: Corpus) -> Iterator[tuple[float, list[Document]]]:
    """The documents whose indices have the same boost; of none, none with boost 1, so that a query is read."""
    found: dict[float, list[Document]] = {1.0: []}
    for each in corpus.documents:
        name = each.generation.index_name(alias)
        found.setdefault(boost_of(name, alias, search.indices_boost), []).append(each)
    yield from found.items()


def _hits(
    alias: Alias, search: SearchBody, hits: Sequence[Hit], corpus: Corpus, now_ms: int, inner: InnerHits
) -> dict[str, Any]:
    ordered = Sorting(search.sort, corpus, now_ms).page(hits, search.search_after)
    if search.collapse is not None:
        ordered = _firsts(ordered, search.collapse, corpus, now_ms)
    if search.rescore and search.scored:
        ordered = _rescored(search, ordered, corpus, now_ms)
    page = ordered[search.from_ : search.from_ + search.size]
    best = max((hit.score for hit in (ordered if search.rescore else hits)), default=None) if search.scored else None
    total = _total(len(hits), search.track_total_hits)
    check_stored(search.source, page, corpus)
    shown = [_hit(alias, search.source, hit, scored=search.scored, is_sorted=bool(search.sort)) for hit in page]
    _show_objects(shown, page, inner)
    _add_parts(alias, search, list(zip(shown, page, strict=True)), corpus, now_ms)
    if search.collapse is not None:
        rows = zip(shown, page, strict=True)
        groups = [(row, _group(alias, search.collapse, hit, hits, corpus, now_ms, inner)) for row, hit in rows]
        shown = [row | group | _both("fields", row, group) | _both("inner_hits", row, group) for row, group in groups]
    return ({} if total is None else {"total": total}) | {"max_score": best, "hits": shown}


def _add_parts(
    alias: Alias, search: SearchBody, rows: Sequence[tuple[dict[str, Any], Hit]], corpus: Corpus, now_ms: int
) -> None:
    """Put into each shown hit what it has besides its document: values of fields, marked pieces, what its score is."""
    fields = {field.name: field for field in corpus.fields}
    for each in search.highlight:
        if each.query is not None:
            Queries(corpus, now_ms).score(each.query)
    asked, marking = FieldValues(search, fields), Highlights(search.highlight, search.query, fields)
    for row, hit in rows:
        if values := asked.of(hit.document.decoded):
            row["fields"] = values
        if pieces := marking.of(hit.document.decoded):
            row["highlight"] = pieces
        if search.explain:
            boost = boost_of(row["_index"], alias, search.indices_boost)
            (explanation,) = Explainer(Explaining(corpus, [hit.document], now_ms)).explain(search.query, boost)
            row |= {"_shard": f"[{row['_index']}][0]", "_node": "activity-stream", "_explanation": explanation}


def _show_objects(shown: Sequence[dict[str, Any]], hits: Sequence[Hit], inner: InnerHits) -> None:
    for row, hit in zip(shown, hits, strict=True):
        if pages := inner.of(hit.document):
            row["inner_hits"] = pages


def _vocabularies(corpus: Corpus, field: Field) -> list[Vocabulary]:
    """The words of a field in each index, where an object in a nested field is a document too."""
    nested = [each for each in corpus.fields if each.type is FieldType.NESTED]
    indices = []
    for generation in corpus.generations():
        mine = [each for each in corpus.documents if each.generation == generation]
        objects = [each for document in mine for inner in nested for each in document.objects(inner)]
        terms = [each.terms(field) for each in (*mine, *objects)]
        having = Counter(str(word) for each in terms for word in each)
        often = Counter({str(word): sum(each[word] for each in terms) for word in having})
        totals = Totals(often.total(), len(often))
        indices.append(Vocabulary(len(terms), partial(_begun, having), often.__getitem__, partial(_same, totals)))
    return indices


def _same(totals: Totals) -> Totals:
    return totals


def _begun(having: Mapping[str, int], begun: str) -> dict[str, int]:
    return {word: number for word, number in having.items() if word.startswith(begun)}


def _rescored(search: SearchBody, ordered: Sequence[Hit], corpus: Corpus, now_ms: int) -> list[Hit]:
    """The best hits of each index with the scores of both queries."""
    queries = {id(each): Queries(corpus, now_ms).score(each.query) for each in search.rescore}

    def score_of(how: Rescore, documents: list[Document]) -> list[float | None]:
        return [queries[id(how)](each) for each in documents]

    found = []
    count = max(search.from_ + search.size, *(each.window for each in search.rescore))
    for generation in dict.fromkeys(each.document.generation for each in ordered):
        first = [(hit.document, hit.score) for hit in ordered if hit.document.generation == generation][:count]
        found += [Hit(document, score) for document, score in rescored(first, search.rescore, score_of)]
    return sorted(found, key=lambda hit: -hit.score)


def _both(name: str, one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """What both have under a name, together."""
    return {name: one.get(name, {}) | other.get(name, {})} if name in one or name in other else {}


def _firsts(hits: Sequence[Hit], collapse: Collapse, corpus: Corpus, now_ms: int) -> list[Hit]:
    """The first hit of each group."""
    field = corpus.mapped(collapse.field)
    collapsed(field, collapse)
    for _, page in collapse.inner_hits:
        Sorting(page.sort, corpus, now_ms)
    found: dict[Any, Hit] = {}
    for hit in hits:
        found.setdefault(_only(field, hit.document), hit)
    return list(found.values())


def _group(
    alias: Alias, collapse: Collapse, hit: Hit, hits: Sequence[Hit], corpus: Corpus, now_ms: int, inner: InnerHits
) -> dict[str, Any]:
    """What a hit shows of the group it stands for."""
    field = corpus.mapped(collapse.field)
    value = _only(field, hit.document)
    members = [each for each in hits if _only(field, each.document) == value]
    shown: dict[str, Any] = {} if value is None else {"fields": {collapse.field: [value]}}
    pages = {name: _page(alias, page, members, corpus, now_ms, inner) for name, page in collapse.inner_hits}
    return shown | ({"inner_hits": pages} if pages else {})


def _only(field: Field | None, document: Document) -> Any:
    values = set(document.values(field)) if field is not None else set()
    if len(values) > 1:
        raise refusals.illegal("failed to collapse, the collapse field must be single valued")
    return next(iter(values), None)


def _page(
    alias: Alias, page: Page, hits: Sequence[Hit], corpus: Corpus, now_ms: int, inner: InnerHits
) -> dict[str, Any]:
    mine = [Hit(hit.document, hit.score) for hit in hits]
    shown = Sorting(page.sort, corpus, now_ms).page(mine, None)[page.from_ : page.from_ + page.size]
    best = max((hit.score for hit in hits), default=None) if page.scored else None
    check_stored(page.source, shown, corpus)
    rows = [_hit(alias, page.source, hit, scored=page.scored, is_sorted=bool(page.sort)) for hit in shown]
    _show_objects(rows, shown, inner)
    return {"hits": {"total": {"value": len(hits), "relation": "eq"}, "max_score": best, "hits": rows}}


def _page_of_objects(
    alias: Alias, page: Page, hits: Sequence[Hit], corpus: Corpus, now_ms: int, field: Field
) -> dict[str, Any]:
    shown = Sorting(page.sort, corpus, now_ms).page(hits, None)[page.from_ : page.from_ + page.size]
    best = max((hit.score for hit in hits), default=None) if page.scored else None
    check_stored(of_objects(page.source), shown, corpus)
    rows = [
        shown_object(alias, page.source, hit, field)
        | {"_score": hit.score if page.scored else None}
        | ({"sort": hit.sort} if page.sort else {})
        for hit in shown
    ]
    return {"hits": {"total": {"value": len(hits), "relation": "eq"}, "max_score": best, "hits": rows}}


def _total(count: int, tracked: bool | int) -> dict[str, Any] | None:
    if tracked is False:
        return None
    if tracked is True or count <= tracked:
        return {"value": count, "relation": "eq"}
    return {"value": tracked, "relation": "gte"}


def _hit(alias: Alias, source: SourceFilter, hit: Hit, *, scored: bool, is_sorted: bool) -> dict[str, Any]:
    document = hit.document
    shown: dict[str, Any] = {"_index": document.generation.index_name(alias)}
    if source.with_id:
        shown["_id"] = document.id
    shown["_score"] = hit.score if scored else None
    if source.enabled and not source.includes and not source.excludes:
        shown["_source"] = msgspec.Raw(document.source)
    elif source.enabled:
        shown["_source"] = filtered(document.decoded, source)
    return shown | ({"sort": hit.sort} if is_sorted else {})
