"""An index on a real engine, as the tests of its parts want it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from activity_stream.adapters.clock import SystemClock
from activity_stream.adapters.index_opensearch.client import Client
from activity_stream.adapters.index_opensearch.index import OpenSearchIndex
from activity_stream.fields import AddedField, searchable_fields
from activity_stream.model import Activity, Alias, Generation, WriteReport
from activity_stream.ports import Index


@asynccontextmanager
async def opened(url: str, added: Sequence[AddedField] = (), replicas: str = "0") -> AsyncIterator[OpenSearchIndex]:
    """An index on the cluster at this address, closed at the end."""
    index = OpenSearchIndex(Client(url, SystemClock()), searchable_fields(added), SystemClock(), replicas=replicas)
    try:
        yield index
    finally:
        await index.close()


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Client]:
    """A client of the cluster at this address, closed at the end."""
    client = Client(url, SystemClock())
    try:
        yield client
    finally:
        await client.close()


async def told(client: Client, path: str) -> Any:
    """What the cluster itself says at this path."""
    reply = await client.call("GET", path)
    assert reply.ok, reply.reason()
    return msgspec.json.decode(reply.body)


async def publish(index: Index, sources: Sequence[bytes], feed: str = "one") -> tuple[Generation, WriteReport]:
    """A published generation of documents `0`, `1`, … with these sources, each with its object if it has one."""
    generation = await index.begin(feed)
    report = await index.write([generation], [activity(n, each) for n, each in enumerate(sources)], visible=True)
    await index.publish(generation)
    return generation, report


def activity(number: int, source: bytes) -> Activity:
    """An activity with this source, and the number for an id."""
    return Activity(str(number), source)


async def found(index: Index, query: Any, alias: Alias = Alias.ACTIVITIES) -> str:
    """The `_id` of each document that a query finds, in order."""
    body = msgspec.json.encode({"query": query, "size": 100, "_source": False})
    answer = msgspec.json.decode((await index.search(alias, body)).body)
    return " ".join(sorted(hit["_id"] for hit in answer["hits"]["hits"]))
