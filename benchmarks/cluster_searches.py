"""Benchmarks of the API in front of a cluster: searches a second with a null engine, and what it adds to a real one."""

import os
import random
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from activity_stream import hawk
from benchmarks.answering import answering
from benchmarks.cluster import collected
from benchmarks.engine import Direct, load_average, load_now, opensearch
from benchmarks.figures import Figure, cpu_seconds, percentile
from benchmarks.line import Line
from benchmarks.searches import load
from tests.flow.processes import KEY, SECRET, settings, started
from tests.services.redis_server import RedisServer, servers

REQUESTS = 10_000
CONNECTIONS = 16
ACTIVITIES = 100_000
PAIRS, WARM_UP = 400, 100
BODIES = Path(__file__).parent.parent / "tests" / "data" / "client-queries.jsonl"
ASKED = (
    "dhf-events-name-prefix",
    "dhf-data-hub-activity",
    "lb-forms",
    "gd-search",
    "df-enquiries",
    "dw-sso-sync-first",
)
"""What is asked: of different costs to the engine, with answers of ten, twenty, a hundred and a thousand hits."""


class ClientQuery(msgspec.Struct, frozen=True):
    """A row of the recorded queries of clients."""

    id: str
    endpoint: str
    method: str
    body: msgspec.Raw

    @property
    def alias(self) -> str:
        """What it searches."""
        return "objects" if "objects" in self.endpoint else "activities"


async def cluster_searches() -> list[Figure]:
    """The API on a null engine, with either state; then what it adds to OpenSearch's own latency."""
    before = load_now()
    return [*await with_null_engine(), *await with_opensearch(), load_average(before)]


async def with_null_engine() -> list[Figure]:
    """Signed searches a second of one process."""
    figures = []
    async with answering("hits") as engine:
        with tempfile.TemporaryDirectory() as directory:
            environ = settings(Path(directory), INDEX_URL=engine.url)
            figures += await searches_a_second("SQLite", environ)
            async with redis() as url:
                figures += await searches_a_second("Redis", {**environ, "STATE_URL": url})
    return figures


async def searches_a_second(state: str, environ: Mapping[str, str]) -> list[Figure]:
    """Of `activity-stream incoming`, warmed up."""
    async with started("incoming", environ=environ) as process:
        url = await process.listening()
        await load(url, CONNECTIONS, "", REQUESTS // 5)
        cpu = cpu_seconds(process.child.pid)
        found = await load(url, CONNECTIONS, f"null engine of ten hits, {state}", REQUESTS, "≥ 2,500")
        cpu = cpu_seconds(process.child.pid) - cpu
        await process.stop()
    return [*found, Figure("… CPU of the API for a search", cpu / REQUESTS * 1e6, "µs")]


@asynccontextmanager
async def redis() -> AsyncIterator[str]:
    """A Redis that writes to the disk each second, as they usually do. Raises RuntimeError where there is none."""
    found = servers()
    if not found:
        raise RuntimeError("there is no Redis: make services")
    server = RedisServer(next(iter(found.values())))
    await server.start()
    try:
        line = await Line.opened(server.url)
        await line.command(b"CONFIG SET appendfsync everysec\r\n")
        line.close()
        yield server.url
    finally:
        await server.stop()


async def with_opensearch() -> list[Figure]:
    """The same bodies asked directly and through the API, in turn, one at a time."""
    rows = [msgspec.json.decode(line, type=ClientQuery) for line in BODIES.read_bytes().splitlines()]
    asked = {row.id: row for row in rows if row.id in ASKED}
    figures = []
    async with opensearch() as engine, answering("pages", str(ACTIVITIES)) as source:
        await collected(engine, source)
        with tempfile.TemporaryDirectory() as directory:
            async with started("incoming", environ=settings(Path(directory), INDEX_URL=engine.url)) as process:
                url = await process.listening()
                for name in ASKED:
                    figures += await added(engine, url, asked[name])
                await process.stop()
    return figures


async def added(engine: Direct, url: str, query: ClientQuery) -> list[Figure]:
    """Median latencies of one body: of the engine, and what the API adds."""
    body = bytes(query.body)
    straight = plain("POST", f"{engine.url}/{query.alias}/_search", body)
    ours, theirs = await Line.opened(url), await Line.opened(engine.url)
    through: list[float] = []
    directly: list[float] = []
    for number in range(PAIRS + WARM_UP):
        request = signed(query.method, url + query.endpoint, body)
        for asks_ours in random.sample((True, False), 2):
            line, times = (ours, through) if asks_ours else (theirs, directly)
            begun = time.perf_counter()
            size = await line.ask(request if asks_ours else straight)
            if number >= WARM_UP:
                times.append(time.perf_counter() - begun)
    ours.close()
    theirs.close()
    direct, more = percentile(directly, 0.5), percentile(through, 0.5) - percentile(directly, 0.5)
    return [
        Figure(f"{query.id} ({size / 1000:,.0f} kB), asked directly, median", direct * 1000, "ms"),
        Figure("… added by the API", more * 1000, "ms", "≤ 1.5"),
    ]


def signed(method: str, url: str, body: bytes) -> bytes:
    """A request as a client of the API sends it."""
    kind = "application/json"
    artifacts = hawk.sign(hawk.target_of(method, url), KEY, SECRET, int(time.time()), os.urandom(8).hex(), kind, body)
    return plain(method, url, body, f"X-Forwarded-Proto: http\r\nAuthorization: {hawk.authorization(artifacts)}\r\n")


def plain(method: str, url: str, body: bytes, more: str = "") -> bytes:
    """A request with a body of JSON."""
    parts = urlsplit(url)
    head = f"{method} {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n{more}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
