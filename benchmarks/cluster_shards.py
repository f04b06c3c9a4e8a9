"""Benchmark of the cluster alone: a search over a pair of indices for each feed, and over one index that feeds share.

    pair        N indices under one alias, as many shards as feeds
    shared      one index; each document is routed by its generation, and one alias shows those that are published:
                a filter of N terms over `_routing`. A third of what the index holds is of generations that are hidden

The searches go to OpenSearch directly. Each is its own shard's work, so that what the fan-out costs is seen. Only the
activities are there: a search never touches both indices of a pair.
"""

import asyncio
import itertools
import time

import msgspec

from activity_stream.adapters.index_opensearch.mapping import index_body
from activity_stream.fields import searchable_fields
from activity_stream.model import Alias
from benchmarks.engine import Direct, load_average, load_now, opensearch
from benchmarks.figures import Figure, cpu_seconds, percentile
from benchmarks.made import made

FEEDS = (1, 10, 40, 137)
WARM_UP_FEEDS = 10
PER_FEED = 300
HIDDEN = PER_FEED // 2
ONE_BY_ONE, WARM_UP = 100, 50
CONNECTIONS, LOAD_SECONDS = 16, 4.0
PAIR, SHARED = "pair", "shared"
SEARCHES = {
    "newest ten": {"size": 10, "sort": [{"published": "desc"}]},
    "ten of a type": {"size": 10, "query": {"term": {"object.type": "dit:exportOpportunities:Enquiry"}}},
    "ten by words": {"size": 10, "query": {"match": {"object.content": "export services"}}},
    "a hundred in order": {"size": 100, "sort": [{"published": "asc"}, {"id": "asc"}]},
    "types counted": {"size": 0, "aggs": {"types": {"terms": {"field": "object.type"}}}},
}


async def cluster_shards() -> list[Figure]:
    """Both ways to lay out so many feeds of 300 activities each, side by side in one engine and searched in turn."""
    before = load_now()
    figures: list[Figure] = []
    async with opensearch() as engine:
        await measured(engine, WARM_UP_FEEDS)
        for feeds in FEEDS:
            figures += await measured(engine, feeds)
    return [*figures, load_average(before)]


async def measured(engine: Direct, feeds: int) -> list[Figure]:
    """Fill an empty engine in both ways and search each, one by one and over many connections."""
    await engine.send("DELETE", "/*")
    await fill_pair(engine, feeds)
    await fill_shared(engine, feeds)
    figures = []
    for name, search in SEARCHES.items():
        medians = await one_by_one(engine, msgspec.json.encode(search))
        figures += [
            Figure(f"{feeds} feeds, {layout}: {name}, median", seconds * 1000, "ms")
            for layout, seconds in medians.items()
        ]
    for layout in (PAIR, SHARED):
        figures += await at_once(engine, layout, f"{feeds} feeds, {layout}")
    return figures


async def fill_pair(engine: Direct, feeds: int) -> None:
    """An index for each feed, under one alias."""
    for feed in range(feeds):
        await engine.ask("PUT", f"/pair-{feed}", {**body_of_index(), "aliases": {PAIR: {}}})
        await engine.send("POST", f"/pair-{feed}/_bulk?filter_path=errors", lines(feed, "", PER_FEED))
    await engine.send("POST", "/pair-*/_refresh")


async def fill_shared(engine: Direct, feeds: int) -> None:
    """One index for all, with a hidden generation of half the size for each that is published."""
    await engine.ask("PUT", "/all", body_of_index())
    published = [f"feed-{feed}-published" for feed in range(feeds)]
    for feed, generation in enumerate(published):
        await engine.send("POST", "/all/_bulk?filter_path=errors", lines(feed, f"feed-{feed}-hidden", HIDDEN))
        await engine.send("POST", "/all/_bulk?filter_path=errors", lines(feed, generation, PER_FEED))
    await engine.send("POST", "/all/_refresh")
    alias = {"index": "all", "alias": SHARED, "filter": {"terms": {"_routing": published}}}
    await engine.ask("POST", "/_aliases", {"actions": [{"add": alias}]})


def body_of_index() -> dict[str, object]:
    """What the collector creates an index of activities with."""
    return index_body(searchable_fields()[Alias.ACTIVITIES], "0")


def lines(feed: int, generation: str, count: int) -> bytes:
    """A bulk body of activities of a feed; with a generation, they are routed by it and have it in their `_id`."""
    parts = []
    for each in made(count, feed * PER_FEED):
        name = f"{generation}:{each.id}" if generation else each.id
        routing = {"routing": generation} if generation else {}
        parts += [msgspec.json.encode({"index": {"_id": name, **routing}}), each.source]
    return b"\n".join([*parts, b""])


async def one_by_one(engine: Direct, body: bytes) -> dict[str, float]:
    """Median seconds of a search by layout, one at a time and both layouts in turn."""
    times: dict[str, list[float]] = {PAIR: [], SHARED: []}
    for _ in range(WARM_UP + ONE_BY_ONE):
        for layout, found in times.items():
            begun = time.perf_counter()
            await engine.send("POST", path(layout), body)
            found.append(time.perf_counter() - begun)
    return {layout: percentile(found[WARM_UP:], 0.5) for layout, found in times.items()}


async def at_once(engine: Direct, layout: str, what: str) -> list[Figure]:
    """All searches in turn over many connections; one that is refused, as too much for the engine, is an error here."""
    following = itertools.cycle(msgspec.json.encode(search) for search in SEARCHES.values())
    begun, cpu = time.perf_counter(), cpu_seconds(engine.pid)

    async def connection() -> int:
        done = 0
        while time.perf_counter() - begun < LOAD_SECONDS:
            await engine.send("POST", path(layout), next(following))
            done += 1
        return done

    done = sum(await asyncio.gather(*(connection() for _ in range(CONNECTIONS))))
    rate, cpu = done / (time.perf_counter() - begun), cpu_seconds(engine.pid) - cpu
    return [
        Figure(f"{what}: all of them in turn, {CONNECTIONS} connections", rate, "1/s"),
        Figure("… CPU of the engine for a search", cpu / done * 1000, "ms"),
    ]


def path(layout: str) -> str:
    """Where a search of this layout goes."""
    return f"/{layout}/_search?request_cache=false"
