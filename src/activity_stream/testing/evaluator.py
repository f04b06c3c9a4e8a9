"""A whole search over documents in memory: the oracle that real indexes are compared with.

It is written independently of any search library, and for obviousness, not for speed: each document is asked.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from activity_stream.fields import FieldMap
from activity_stream.model import Alias
from activity_stream.search.aggs import filters_of
from activity_stream.search.body import SearchBody, SourceFilter, boost_of
from activity_stream.search.parse import parse_body, parse_query, read_json
from activity_stream.testing.evaluator_aggregations import Aggregations
from activity_stream.testing.evaluator_documents import Corpus, Document
from activity_stream.testing.evaluator_queries import Queries
from activity_stream.testing.evaluator_sorting import Hit, Sorting
from activity_stream.testing.evaluator_source import filtered


def evaluate(
    alias: Alias, documents: Sequence[Document], fields: FieldMap, body: bytes, now_ms: int, scope: bytes | None = None
) -> dict[str, Any]:
    """The answer to a search body over these documents, ready to be encoded as JSON.

    With `scope`, a query, only what it finds is there at all. Raises SearchRefused.
    """
    search = parse_body(body)
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
    found = [hit.document for hit in hits]
    if search.post_filter is not None:
        kept = Queries(corpus, now_ms).score(search.post_filter)
        hits = [hit for hit in hits if kept(hit.document) is not None]
    answer: dict[str, Any] = {
        "took": 0,
        "timed_out": False,
        "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": _hits(alias, search, hits, Sorting(search.sort, corpus, now_ms)),
    }
    if search.aggs:
        for node in filters_of(search.aggs):
            Queries(corpus, now_ms).score(node)
        answer["aggregations"] = Aggregations(corpus, now_ms).all(search.aggs, found)
    return answer


def _by_boost(alias: Alias, search: SearchBody, corpus: Corpus) -> Iterator[tuple[float, list[Document]]]:
    """The documents whose indices have the same boost; of none, none with boost 1, so that a query is read."""
    found: dict[float, list[Document]] = {1.0: []}
    for each in corpus.documents:
        name = each.generation.index_name(alias)
        found.setdefault(boost_of(name, alias, search.indices_boost), []).append(each)
    yield from found.items()


def _hits(alias: Alias, search: SearchBody, hits: Sequence[Hit], sorting: Sorting) -> dict[str, Any]:
    scored = not search.sort or search.track_scores or any(key.field == "_score" for key in search.sort)
    page = sorting.page(hits, search.search_after)[search.from_ : search.from_ + search.size]
    best = max((hit.score for hit in hits), default=None) if scored and search.size else None
    total = _total(len(hits), search.track_total_hits)
    shown = [_hit(alias, search, hit, scored=scored) for hit in page]
    return ({} if total is None else {"total": total}) | {"max_score": best, "hits": shown}


def _total(count: int, tracked: bool | int) -> dict[str, Any] | None:
    if tracked is False:
        return None
    if tracked is True or count <= tracked:
        return {"value": count, "relation": "eq"}
    return {"value": tracked, "relation": "gte"}


def _hit(alias: Alias, search: SearchBody, hit: Hit, *, scored: bool) -> dict[str, Any]:
    document = hit.document
    shown: dict[str, Any] = {
        "_index": document.generation.index_name(alias),
        "_id": document.id,
        "_score": hit.score if scored else None,
    }
    if search.source == SourceFilter():
        shown["_source"] = msgspec.Raw(document.source)
    elif search.source.enabled:
        shown["_source"] = filtered(document.decoded, search.source)
    return shown | ({"sort": hit.sort} if search.sort else {})
