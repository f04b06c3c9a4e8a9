"""The answer to a search, in the shape that Elasticsearch clients read.

A document's JSON is put in byte for byte as the source sent it; only where the body filters `_source` is it decoded.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from activity_stream.adapters.index_embedded.filtering import filtered
from activity_stream.adapters.index_embedded.orders import shown
from activity_stream.adapters.index_embedded.schema import GENERATION, KEY, SOURCE, split_key
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.adapters.index_embedded.sorting import Hit
from activity_stream.search.body import SearchBody, SourceFilter


class Found(msgspec.Struct, frozen=True):
    """What a search found: a page of hits with their scores, how many there are, the best score, aggregations."""

    hits: Sequence[Hit]
    scores: Sequence[float | None]
    total: int
    best: float | None
    aggregations: Mapping[str, Any] | None


def encode(snapshot: Snapshot, body: SearchBody, found: Found, *, took_ms: int) -> bytes:
    """The JSON of an answer."""
    hits: dict[str, Any] = {}
    if body.track_total_hits is not False:
        hits["total"] = _total(body.track_total_hits, found.total)
    hits["max_score"] = found.best
    hits["hits"] = [_hit(snapshot, hit, score, body) for hit, score in zip(found.hits, found.scores, strict=True)]
    answer: dict[str, Any] = {
        "took": took_ms,
        "timed_out": False,
        "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": hits,
    }
    if found.aggregations is not None:
        answer["aggregations"] = found.aggregations
    return msgspec.json.encode(answer)


def _total(tracked: bool | int, total: int) -> dict[str, Any]:
    if tracked is True or total <= tracked:
        return {"value": total, "relation": "eq"}
    return {"value": int(tracked), "relation": "gte"}


def _hit(snapshot: Snapshot, hit: Hit, score: float | None, body: SearchBody) -> dict[str, Any]:
    document = snapshot.searcher.doc(hit.address)
    _, document_id = split_key(str(document.get_first(KEY)))
    made: dict[str, Any] = {"_index": document.get_first(GENERATION), "_id": document_id, "_score": score}
    if body.source.enabled:
        made["_source"] = _source(bytes(document.get_first(SOURCE) or b"{}"), body.source)
    if body.sort:
        made["sort"] = [shown(value) for value in hit.values]
    return made


def _source(source: bytes, wanted: SourceFilter) -> msgspec.Raw:
    if not wanted.includes and not wanted.excludes:
        return msgspec.Raw(source)
    return msgspec.Raw(filtered(source, wanted))
