"""The objects in nested fields that queries of a search find of a hit."""

from collections.abc import Sequence
from typing import Any

from activity_stream.fields import Field
from activity_stream.model import Alias
from activity_stream.search.body import SearchBody
from activity_stream.search.hits import Page, SourceFilter, of_objects
from activity_stream.testing.evaluator_documents import Corpus, Document
from activity_stream.testing.evaluator_queries import Queries, Score
from activity_stream.testing.evaluator_sorting import Hit, Sorting
from activity_stream.testing.evaluator_source import check_stored, filtered


class InnerHits:
    """Finds them for one search."""

    def __init__(self, alias: Alias, search: SearchBody, corpus: Corpus, now_ms: int) -> None:
        self._alias = alias
        self._corpus = corpus
        self._asked: list[tuple[str, Page, Field, Score, Sorting]] = []
        for name, page, node in search.nested_hits:
            field = corpus.mapped(node.path)
            if field is not None:
                objects = corpus.objects(field)
                score = Queries(objects, now_ms).score(node.query)
                self._asked.append((name, page, field, score, Sorting(page.sort, objects, now_ms)))

    def of(self, document: Document) -> dict[str, Any]:
        """The pages that a hit shows, by name."""
        return {each[0]: self._page(document, *each[1:]) for each in self._asked}

    def _page(self, document: Document, page: Page, field: Field, score: Score, sorting: Sorting) -> dict[str, Any]:
        objects = document.objects(field)
        hits = [Hit(each, value) for each in objects if (value := score(each)) is not None]
        ordered = sorting.page(hits, None)
        shown = ordered[page.from_ : page.from_ + page.size]
        check_stored(page.source, shown, self._corpus)
        rows = [
            shown_object(self._alias, page.source, hit, field)
            | {"_score": None if page.sort else hit.score}
            | ({"sort": hit.sort} if page.sort else {})
            for hit in shown
        ]
        shows_best = page.size > 0 and (page.track_scores or not page.sort)
        best = max((hit.score for hit in hits), default=None) if shows_best else None
        return {"hits": {"total": {"value": len(hits), "relation": "eq"}, "max_score": best, "hits": rows}}


def shown_object(alias: Alias, source: SourceFilter, hit: Hit, field: Field) -> dict[str, Any]:
    """An object in a nested field, without its score."""
    source = of_objects(source)
    shown: dict[str, Any] = {
        "_index": hit.document.generation.index_name(alias),
        "_id": hit.document.id,
        "_nested": {"field": field.name, "offset": hit.document.offset},
    }
    if source.enabled:
        shown["_source"] = _at(field.path, _wanted(hit.document.decoded, source))
    return shown


def _wanted(decoded: Any, source: SourceFilter) -> Any:
    return filtered(decoded, source) if source.includes or source.excludes else decoded


def _at(path: Sequence[str], found: Any) -> Any:
    """What the keys of a path lead to, an empty object where that is nothing."""
    for key in path:
        found = found.get(key, {})
    return found
