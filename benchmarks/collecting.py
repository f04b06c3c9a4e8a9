"""Benchmarks of the collector: ingest, collector, latency, memory."""

import asyncio
import tempfile
import time
from pathlib import Path

from aiohttp import web

from activity_stream.adapters.clock import SystemClock
from activity_stream.adapters.http import HttpFetcher
from activity_stream.collect.plan import FeedPlan
from activity_stream.collect.supervise import Supervisor
from activity_stream.feeds.base import FeedSource
from activity_stream.feeds.registry import make_feed_type
from activity_stream.logs import Log
from activity_stream.metrics import Metrics
from activity_stream.testing.memory_state import MemoryState
from benchmarks.figures import Figure, cpu_seconds, megabytes, percentile
from benchmarks.null import NullIndex
from tests.flow.processes import Client, client, settings, started
from tests.flow.source import Source, served

DAY = 86_400
MILLION = 1_000_000
LIMIT_SECONDS = 1_200


async def total(api: Client) -> int:
    """How many activities can be found."""
    answer = await api.search("activities", {"size": 0, "track_total_hits": True})
    return int(answer["hits"]["total"]["value"])


async def until_there(api: Client, wanted: int) -> None:
    """Wait until so many can be found."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while await total(api) < wanted:
            await asyncio.sleep(0.2)


async def ingest() -> list[Figure]:
    """The verification feed's day, until it is searchable through the signed API."""
    with tempfile.TemporaryDirectory() as directory:
        async with started("verification-feed", "--port", "0", environ={}) as feed:
            seed = await feed.listening() + "/0"
            environ = settings(Path(directory), seed, FEEDS__1__FULL_INGEST_PAGE_INTERVAL="0")
            begun = time.monotonic()
            async with started("run", environ=environ) as process, client(await process.listening()) as api:
                await until_there(api, DAY - 10)
                seconds = time.monotonic() - begun
                cpu = cpu_seconds(process.child.pid)
    return [
        Figure("activities a second (start of the process to searchable)", DAY / seconds, "1/s", "12,000"),
        Figure("CPU of the process for an activity", cpu / DAY * 1e6, "µs"),
    ]


async def collector() -> list[Figure]:
    """CPU from the answer to the bulk body."""
    async with started("verification-feed", "--port", "0", environ={}) as feed:
        seed = await feed.listening() + "/0"
        clock, index, stop = SystemClock(), NullIndex(), asyncio.Event()
        fetcher = HttpFetcher(clock)
        kind = make_feed_type(FeedSource("v", "activity_stream", seed, "none"))
        plan = FeedPlan("v", kind, fetcher, full_ingest_page_interval=0.0, disable_updates=True)
        work = Supervisor([plan], index, MemoryState(clock), clock, Log("outgoing"), Metrics(), "bench")
        begun = time.process_time()
        running = asyncio.create_task(work.run(stop))
        await asyncio.wait_for(index.is_published.wait(), LIMIT_SECONDS)
        cpu = time.process_time() - begun
        stop.set()
        await running
        await fetcher.close()
    return [Figure("CPU for an activity, fetch to bulk body", cpu / index.activities * 1e6, "µs", "≤ 10")]


async def latency() -> list[Figure]:
    """Change to searchable, 60 times at different moments of the poll's second."""
    source, found = Source(), []
    source.put(*range(200))
    with tempfile.TemporaryDirectory() as directory:
        more = {"FEEDS__1__UPDATES_PAGE_INTERVAL": "1", "FEEDS__1__FULL_INGEST_INTERVAL": "1000"}
        environ = settings(Path(directory), source.url, **more)
        async with served(source):
            async with started("run", environ=environ) as process, client(await process.listening()) as api:
                await until_there(api, 200)
                for number in range(60):
                    await asyncio.sleep(number * 0.37 % 1)
                    source.put(1000 + number)
                    begun = time.monotonic()
                    await until_there_quickly(api, 201 + number)
                    found.append(time.monotonic() - begun)
    return [
        Figure("change to searchable, median", percentile(found, 0.5), "s"),
        Figure("change to searchable, 99th percentile", percentile(found, 0.99), "s", "≤ 1.3"),
    ]


async def until_there_quickly(api: Client, wanted: int) -> None:
    """As `until_there`, looking every 5 ms."""
    async with asyncio.timeout(30):
        while await total(api) < wanted:
            await asyncio.sleep(0.005)


async def page(request: web.Request) -> web.Response:
    """A page of 100 of a million small activities."""
    start = int(request.match_info["start"])
    items = ",".join(
        f'{{"id":"m:{n}:Create","type":"Create","published":"2026-01-01T00:00:00Z",'
        f'"object":{{"id":"m:{n}","type":["m"],"name":"item {n}","content":"{"some words " * 20}"}}}}'
        for n in range(start, start + 100)
    )
    following = f',"next":"/{start + 100}"' if start + 100 < MILLION else ""
    return web.Response(text=f'{{"type":"Collection","orderedItems":[{items}]{following}}}')


async def memory() -> list[Figure]:
    """The collector's peak over a million activities."""
    app = web.Application()
    app.router.add_get("/{start}", page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    seed = f"http://127.0.0.1:{runner.addresses[0][1]}/0"
    try:
        with tempfile.TemporaryDirectory() as directory:
            more = {"FEEDS__1__FULL_INGEST_PAGE_INTERVAL": "0", "FEEDS__1__FULL_INGEST_INTERVAL": "10000"}
            async with started("run", environ=settings(Path(directory), seed, **more)) as process:
                begun = time.monotonic()
                pid, own = process.child.pid, 0.0
                async with client(await process.listening()) as api, asyncio.timeout(LIMIT_SECONDS):
                    while await total(api) < MILLION:
                        own = max(own, megabytes(pid, "RssAnon"))
                        await asyncio.sleep(0.2)
                seconds = time.monotonic() - begun
                peak = megabytes(pid, "VmHWM")
    finally:
        await runner.cleanup()
    return [
        Figure("largest memory of its own over 1,000,000 activities", own, "MB", "< 250"),
        Figure("… with the index's files that were mapped", peak, "MB"),
        Figure("… collected at", MILLION / seconds, "1/s"),
    ]
