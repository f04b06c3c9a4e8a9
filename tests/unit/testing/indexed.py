"""A memory index that holds given documents as activities of one feed."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from activity_stream.errors import SearchRefused
from activity_stream.fields import AddedField, FieldType, searchable_fields
from activity_stream.model import Activity, Alias
from activity_stream.testing.memory_index import MemoryIndex
from activity_stream.testing.moved_clock import MovedClock

NOW = 1_600_000_000.0
ADDED = (
    AddedField(Alias.ACTIVITIES, "n", FieldType.LONG),
    AddedField(Alias.ACTIVITIES, "x", FieldType.DOUBLE),
    AddedField(Alias.ACTIVITIES, "flag", FieldType.BOOLEAN),
    AddedField(Alias.ACTIVITIES, "text", FieldType.TEXT),
    AddedField(Alias.ACTIVITIES, "word", FieldType.KEYWORD),
    AddedField(Alias.ACTIVITIES, "at", FieldType.DATE),
    AddedField(Alias.ACTIVITIES, "where", FieldType.GEO_POINT),
)


def activity(document: dict[str, Any]) -> Activity:
    """The activity of a document, with its object."""
    inner = document.get("object")
    has_object = isinstance(inner, dict) and isinstance(inner.get("id"), str)
    return Activity(
        document["id"],
        json.dumps(document).encode(),
        inner["id"] if has_object and inner else None,
        json.dumps(inner).encode() if has_object else None,
    )


class Indexed:
    """The index, and short ways to ask it. Documents without an id are `0`, `1`, … in order."""

    def __init__(self) -> None:
        self.index = MemoryIndex(searchable_fields(ADDED), MovedClock(NOW))

    async def hold(self, documents: Sequence[dict[str, Any]], feed: str = "feed") -> None:
        """Publish a generation of the feed with these documents."""
        generation = await self.index.begin(feed)
        rows = [activity({"id": str(position)} | each) for position, each in enumerate(documents)]
        report = await self.index.write([generation], rows, visible=False)
        assert not report.refused
        await self.index.publish(generation)

    async def answer(
        self,
        body: dict[str, Any] | None = None,
        *,
        alias: Alias = Alias.ACTIVITIES,
        scope: dict[str, Any] | None = None,
    ) -> Any:
        """The answer to a body."""
        raw = b"" if body is None else json.dumps(body).encode()
        narrowed = None if scope is None else json.dumps(scope).encode()
        found = await self.index.search(alias, raw, scope=narrowed)
        assert found.status == 200
        return json.loads(found.body)

    async def ids(self, query: dict[str, Any], **rest: Any) -> str:
        """The ids a query finds, in the order of writing, joined by blanks."""
        answer = await self.answer({"query": query, "sort": "_doc", "size": 1000, **rest})
        return " ".join(hit["_id"] for hit in answer["hits"]["hits"])

    async def score(self, query: dict[str, Any]) -> list[float]:
        """The scores of what a query finds, best first."""
        return [hit["_score"] for hit in (await self.answer({"query": query}))["hits"]["hits"]]

    async def aggregate(self, agg: dict[str, Any], query: dict[str, Any] | None = None) -> Any:
        """The answer of one aggregation."""
        body = {"size": 0, "query": query or {"match_all": {}}, "aggs": {"it": agg}}
        return (await self.answer(body))["aggregations"]["it"]

    async def reason(self, body: dict[str, Any]) -> str:
        """Why a body is refused."""
        with pytest.raises(SearchRefused) as caught:
            await self.answer(body)
        assert caught.value.status == 400
        return str(json.loads(caught.value.body)["error"]["reason"])
