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
from activity_stream.search.body import SearchBody
from activity_stream.search.explanations import Explanation
from activity_stream.search.hits import Page, SourceFilter


class Group(msgspec.Struct, frozen=True):
    """What a hit stands for: the value of the field that is collapsed by, and pages of the group by name."""

    field: str
    value: Any
    pages: Mapping[str, Any]


class Found(msgspec.Struct, frozen=True):
    """What a search found: a page of hits with their scores, how many there are, the best score, aggregations; the
    group of each hit, where they are collapsed, the nested objects that it shows, and values of its fields and marked
    pieces of its texts, where they are asked for; suggestions by name; and what the score of each hit is made of."""

    hits: Sequence[Hit]
    scores: Sequence[float | None]
    total: int
    best: float | None
    aggregations: Mapping[str, Any] | None
    groups: Sequence[Group] = ()
    values: Sequence[Mapping[str, Any]] = ()
    highlights: Sequence[Mapping[str, Any]] = ()
    suggestions: Mapping[str, Any] | None = None
    explanations: Sequence[Explanation | None] = ()
    inner_hits: Sequence[Mapping[str, Any]] = ()


def encode(snapshot: Snapshot, body: SearchBody, found: Found, *, took_ms: int) -> bytes:
    """The JSON of an answer."""
    hits: dict[str, Any] = {}
    if body.track_total_hits is not False:
        hits["total"] = _total(body.track_total_hits, found.total)
    hits["max_score"] = found.best
    hits["hits"] = _shown(snapshot, body, found)
    answer: dict[str, Any] = {
        "took": took_ms,
        "timed_out": False,
        "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": hits,
    }
    if found.aggregations is not None:
        answer["aggregations"] = found.aggregations
    if found.suggestions is not None:
        answer["suggest"] = found.suggestions
    return msgspec.json.encode(answer)


def _shown(snapshot: Snapshot, body: SearchBody, found: Found) -> list[dict[str, Any]]:
    """The hits, with all that each has besides its document."""
    shown = shown_hits(snapshot, found.hits, found.scores, body.source, is_sorted=bool(body.sort))
    _show_objects(shown, found.inner_hits)
    for hit, values in zip(shown, found.values, strict=False):
        if values:
            hit["fields"] = values
    for hit, pieces in zip(shown, found.highlights, strict=False):
        if pieces:
            hit["highlight"] = pieces
    for hit, group in zip(shown, found.groups, strict=False):
        if group.value is not None:
            hit["fields"] = hit.get("fields", {}) | {group.field: [group.value]}
        if group.pages:
            hit["inner_hits"] = hit.get("inner_hits", {}) | group.pages
    for hit, explanation in zip(shown, found.explanations, strict=False):
        hit |= {"_shard": f"[{hit['_index']}][0]", "_node": "activity-stream", "_explanation": explanation}
    return shown


def _total(tracked: bool | int, total: int) -> dict[str, Any]:
    if tracked is True or total <= tracked:
        return {"value": total, "relation": "eq"}
    return {"value": int(tracked), "relation": "gte"}


def _show_objects(shown: Sequence[dict[str, Any]], objects: Sequence[Mapping[str, Any]]) -> None:
    for hit, pages in zip(shown, objects, strict=False):
        hit["inner_hits"] = pages


def shown_page(
    snapshot: Snapshot,
    page: Page,
    hits: Sequence[Hit],
    scores: Sequence[float | None],
    total: int,
    best: float | None,
    objects: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """A page of the hits of a bucket or a group; `objects`: the nested ones that each hit shows."""
    shown = shown_hits(snapshot, hits, scores, page.source, is_sorted=bool(page.sort))
    _show_objects(shown, objects)
    return {"hits": {"total": {"value": total, "relation": "eq"}, "max_score": best, "hits": shown}}


def shown_hits(
    snapshot: Snapshot, hits: Sequence[Hit], scores: Sequence[float | None], source: SourceFilter, *, is_sorted: bool
) -> list[dict[str, Any]]:
    """Hits as the answer has them."""
    pairs = zip(hits, scores, strict=True)
    return [_hit(snapshot, hit, score, source, is_sorted=is_sorted) for hit, score in pairs]


def _hit(snapshot: Snapshot, hit: Hit, score: float | None, source: SourceFilter, *, is_sorted: bool) -> dict[str, Any]:
    document = snapshot.searcher.doc(hit.address)
    _, document_id = split_key(str(document.get_first(KEY)))
    name = {"_id": document_id} if source.with_id else {}
    made: dict[str, Any] = {"_index": document.get_first(GENERATION), **name, "_score": score}
    if source.enabled:
        made["_source"] = _source(bytes(document.get_first(SOURCE) or b"{}"), source)
    if is_sorted:
        made["sort"] = [shown(value) for value in hit.values]
    return made


def _source(source: bytes, wanted: SourceFilter) -> msgspec.Raw:
    if not wanted.includes and not wanted.excludes:
        return msgspec.Raw(source)
    return msgspec.Raw(filtered(source, wanted))
