"""The record of changes in one index of the cluster: a document for each change, one for the last cut.

Changes of a feed come from one collector, one request after the other, into one shard; a refresh shows of a shard what
it was given so far, in this order. So whoever finds a change has been able to find all of the feed's before it.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

import msgspec

from activity_stream.adapters.index_opensearch.catalog import must, said
from activity_stream.adapters.index_opensearch.client import LINES, Client, Reply
from activity_stream.errors import IndexUnavailable
from activity_stream.model import Alias, Change, Recorded

NAME = "activity-stream-changes"
AT_ONCE = 5_000

_CUT = "cut"
_MAPPINGS = {
    "dynamic": False,
    "properties": {
        "feed": {"type": "keyword"},
        "number": {"type": "long"},
        "alias": {"type": "keyword"},
        "id": {"type": "keyword"},
        "was": {"type": "boolean"},
        "is": {"type": "boolean"},
        "before": {"type": "keyword", "doc_values": False},
        "after": {"type": "keyword", "doc_values": False},
    },
}
_MOST_FEEDS = 10_000


class OpenSearchChangeLog:
    """The record on a cluster. `replicas` as for indices. The client is the record's to close."""

    def __init__(self, client: Client, *, replicas: str = "0-1") -> None:
        self._client = client
        copies = "auto_expand_replicas" if "-" in replicas else "number_of_replicas"
        settings = {"index": {"number_of_shards": 1, copies: replicas, "refresh_interval": "-1"}}
        self._is_ready = False
        self._body = msgspec.json.encode({"settings": settings, "mappings": _MAPPINGS})

    async def open(self, *, write: bool) -> None:
        """Make the index, to write; a cluster that is not there now may be there later."""
        if write:
            with suppress(IndexUnavailable):
                await self._ready()

    async def close(self) -> None:
        """End the connections."""
        await self._client.close()

    async def number(self, feed: str, now: float) -> int:
        """Larger than the last one that is found, whichever collector wrote it."""
        last = await self._last({"term": {"feed": feed}})
        return max(int(now * 1_000_000), last[feed][0] + 1 if feed in last else 0)

    async def append(self, feed: str, number: int, changes: Sequence[Change]) -> None:
        """Bulk requests, one after the other; one that is sent again changes nothing."""
        await self._ready()
        for start in range(0, len(changes), AT_ONCE):
            lines = []
            for each in changes[start : start + AT_ONCE]:
                name = sha256(msgspec.json.encode([feed, number, each.alias, each.id])).hexdigest()
                lines.append(msgspec.json.encode({"index": {"_id": name}}))
                lines.append(msgspec.json.encode(_document(feed, number, each)))
            path = f"/{NAME}/_bulk?refresh=true"
            _must_have_taken(await self._client.call("POST", path, b"\n".join([*lines, b""]), LINES))

    async def cut(self, now: float) -> None:
        """A document that takes the place of the one before."""
        await self._ready()
        number = max(int(now * 1_000_000), await self.last_cut() + 1)
        must(
            await self._client.call("PUT", f"/{NAME}/_doc/{_CUT}?refresh=true", msgspec.json.encode({"number": number}))
        )

    async def last_cut(self) -> int:
        """Read by its id, which needs no refresh."""
        reply = await self._client.call("GET", f"/{NAME}/_doc/{_CUT}")
        return 0 if reply.status == 404 else int(said(reply)["_source"]["number"])

    async def read(
        self,
        alias: Alias,
        base: int,
        seen: Mapping[str, tuple[int, str]],
        limit: int,
        *,
        marks: Sequence[Sequence[str]] | None = None,
    ) -> Sequence[Recorded]:
        """One search."""
        behind: list[dict[str, Any]] = [{"bool": {"filter": [_behind(*place, feed)]}} for feed, place in seen.items()]
        others = {"range": {"number": {"gt": base}}}
        behind.append({"bool": {"filter": [others], "must_not": [{"terms": {"feed": list(seen)}}]}})
        query = {"bool": {"filter": [_found(alias, marks), {"bool": {"should": behind}}]}}
        body = {"size": limit, "query": query, "sort": ["number", "feed", "id"], "track_total_hits": False}
        answer = await self._search({**body, "_source": ["feed", "number", "id"]})
        return [Recorded(**hit["_source"]) for hit in answer["hits"]["hits"]] if answer else []

    async def heads(
        self, alias: Alias, *, marks: Sequence[Sequence[str]] | None = None
    ) -> Mapping[str, tuple[int, str]]:
        """One search."""
        return await self._last(_found(alias, marks))

    async def purge(self, before: int) -> None:
        """One request of the cluster's own."""
        old = {"query": {"bool": {"filter": [{"exists": {"field": "feed"}}, {"range": {"number": {"lt": before}}}]}}}
        options = "conflicts=proceed&refresh=true&ignore_unavailable=true"
        reply = await self._client.call("POST", f"/{NAME}/_delete_by_query?{options}", msgspec.json.encode(old))
        if reply.status != 404:
            must(reply)

    async def _ready(self) -> None:
        """Make the index, if it is not there, with the cut that a record begins with."""
        if self._is_ready or await self.last_cut():
            self._is_ready = True
            return
        reply = await self._client.call("PUT", f"/{NAME}", self._body)
        if reply.status != 400 or b"resource_already_exists_exception" not in reply.body:
            must(reply)
        first = msgspec.json.encode({"number": int(time.time() * 1_000_000)})
        reply = await self._client.call("PUT", f"/{NAME}/_create/{_CUT}?refresh=true", first)
        if reply.status != 409:  # another collector was there first
            must(reply)

    async def _last(self, query: Mapping[str, Any]) -> dict[str, tuple[int, str]]:
        """The place of each feed's last change of those that a query finds."""
        order = [{"number": "desc"}, {"id": "desc"}]
        last = {"last": {"top_hits": {"size": 1, "sort": order, "_source": ["number", "id"]}}}
        aggs = {"feeds": {"terms": {"field": "feed", "size": _MOST_FEEDS}, "aggs": last}}
        answer = await self._search({"size": 0, "track_total_hits": False, "query": query, "aggs": aggs})
        buckets = answer["aggregations"]["feeds"]["buckets"] if answer else []
        found = {each["key"]: each["last"]["hits"]["hits"][0]["_source"] for each in buckets}
        return {feed: (int(each["number"]), str(each["id"])) for feed, each in found.items()}

    async def _search(self, body: Mapping[str, Any]) -> Any:
        """The answer, nothing where there is no record yet."""
        path = f"/{NAME}/_search?allow_partial_search_results=false"
        reply = await self._client.call("POST", path, msgspec.json.encode(body))
        return None if reply.status == 404 else await asyncio.to_thread(said, reply)


def _document(feed: str, number: int, change: Change) -> dict[str, Any]:
    return {
        "feed": feed,
        "number": number,
        "alias": change.alias,
        "id": change.id,
        "was": change.before is not None,
        "is": change.after is not None,
        "before": change.before or (),
        "after": change.after or (),
    }


def _behind(number: int, name: str, feed: str) -> dict[str, Any]:
    later = {"range": {"number": {"gt": number}}}
    beside = {"bool": {"filter": [{"term": {"number": number}}, {"range": {"id": {"gt": name}}}]}}
    return {"bool": {"filter": [{"term": {"feed": feed}}, {"bool": {"should": [later, beside]}}]}}


def _found(alias: Alias, marks: Sequence[Sequence[str]] | None) -> dict[str, Any]:
    conditions: list[dict[str, Any]] = [{"term": {"alias": alias}}]
    if marks is not None:
        sides = [
            {"bool": {"filter": [{"term": {there: True}}, *({"terms": {side: list(each)}} for each in marks)]}}
            for side, there in (("before", "was"), ("after", "is"))
        ]
        conditions.append({"bool": {"should": sides}})
    return {"bool": {"filter": conditions}}


def _must_have_taken(reply: Reply) -> None:
    """Raise IndexUnavailable unless all of a bulk request is there."""
    answer = said(reply)
    for item in answer["items"] if answer["errors"] else ():
        done = item["index"]
        if done["status"] >= 300:
            raise IndexUnavailable(f"the index did not take changes for the record: {done.get('error')}"[:500])
