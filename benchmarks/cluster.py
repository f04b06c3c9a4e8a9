"""Benchmark of the collector on OpenSearch: a full ingest against the same documents as a bare bulk load."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from benchmarks.answering import FIRST_PAGE, answering
from benchmarks.engine import Direct, load_average, load_now, opensearch
from benchmarks.figures import Figure, cpu_seconds, megabytes
from benchmarks.made import Made, made
from tests.flow.processes import Process, settings, started

COUNT = 100_000
ROUNDS = 3
LIMIT_SECONDS = 300.0
WATCH_SECONDS = 0.005
MEGABYTE = 1_000_000
NO_PAUSES = {
    f"FEEDS__1__{name}": "0" for name in ("FULL_INGEST_INTERVAL", "FULL_INGEST_PAGE_INTERVAL", "UPDATES_PAGE_INTERVAL")
}
GIVEN_BY_THE_ENGINE = ("index.creation_date", "index.uuid", "index.provided_name", "index.version.created")


class Ingest(msgspec.Struct, frozen=True):
    """One full ingest: from the first request at the source until it was published.

    `cpu` is the collector's, `engine` that of the engine, in seconds; `peak` the collector's largest memory in MB.
    """

    seconds: float
    cpu: float
    engine: float
    peak: float


class Load(msgspec.Struct, frozen=True):
    """One bulk load: until all is refreshed. `engine` is the CPU of the engine, in seconds."""

    seconds: float
    engine: float


class Way(msgspec.Struct, frozen=True):
    """A way to load in bulk: a request holds so many documents or so many bytes, over so many connections."""

    documents: int
    bytes: int
    connections: int

    def __str__(self) -> str:
        size = f"{self.bytes // MEGABYTE} MB" if self.bytes < sys.maxsize else f"{self.documents} documents"
        return f"{size}, {self.connections} connection{'s' if self.connections > 1 else ''}"


class Bulk(msgspec.Struct, frozen=True):
    """One bulk request."""

    alias: str
    body: bytes


Pair = dict[str, dict[str, Any]]
"""What the indices of activities and of objects are created with, by alias."""

SIZES = [
    *((number, sys.maxsize) for number in (500, 1000, 2000, 5000)),
    *((sys.maxsize, n * MEGABYTE) for n in (1, 2, 5)),
]
WAYS = [Way(documents, size, connections) for documents, size in SIZES for connections in (1, 2)]


async def cluster_ingest() -> list[Figure]:
    """100,000 activities and as many objects: collected, and loaded in bulk, in turn."""
    before = load_now()
    documents = list(made(COUNT))
    ingests: list[Ingest] = []
    loads: list[Load] = []
    async with opensearch() as engine, answering("pages", str(COUNT)) as source:
        await collected(engine, source)
        pair = await as_collected(engine)
        best = await best_way(engine, pair, documents)
        requests = list(bulks(documents, best))
        for _ in range(ROUNDS):
            ingests.append(await collected(engine, source))
            loads.append(await loaded(engine, pair, requests, best.connections))
            told(f"ingest {ingests[-1].seconds:.1f} s, bulk load {loads[-1].seconds:.1f} s, load {load_now()[0]:.1f}")
    return [*compared(ingests, loads, best), load_average(before)]


async def best_way(engine: Direct, pair: Pair, documents: Sequence[Made]) -> Way:
    """The way that takes the least time."""
    tried: dict[Way, float] = {}
    for way in WAYS:
        tried[way] = (await loaded(engine, pair, list(bulks(documents, way)), way.connections)).seconds
        told(f"bulk load, {way}: {tried[way]:.1f} s")
    return min(tried, key=lambda way: tried[way])


def compared(ingests: Sequence[Ingest], loads: Sequence[Load], best: Way) -> list[Figure]:
    """Medians, and what one of the two is to the other; CPU depends less than time on what else the machine does."""
    seconds, bare = median(each.seconds for each in ingests), median(each.seconds for each in loads)
    ratios = [ingest.seconds / load.seconds for ingest, load in zip(ingests, loads, strict=True)]
    return [
        Figure("full ingest of 100,000 activities, first request to published", seconds, "s"),
        Figure(f"the same documents as a bare bulk load ({best})", bare, "s"),
        Figure("… the first as a multiple of the second", seconds / bare, "", "≤ 1.2"),
        Figure("… in the best round", min(ratios), ""),
        Figure("… in the worst round", max(ratios), ""),
        Figure("CPU of the engine, full ingest", median(each.engine for each in ingests), "s"),
        Figure("CPU of the engine, bare bulk load", median(each.engine for each in loads), "s"),
        Figure("CPU of the collector for an activity", median(each.cpu for each in ingests) / COUNT * 1e6, "µs"),
        Figure("largest memory of the collector", max(each.peak for each in ingests), "MB"),
    ]


def told(line: str) -> None:
    """Say how far it is."""
    sys.stderr.write(line + "\n")


async def collected(engine: Direct, source: Process) -> Ingest:
    """One full ingest into an empty engine by a new collector with a new state."""
    await emptied(engine)
    with tempfile.TemporaryDirectory() as directory:
        environ = settings(Path(directory), f"{source.url}/0", INDEX_URL=engine.url, **NO_PAUSES)
        seen = len(source.lines)
        async with started("outgoing", environ=environ) as process:
            line = await watched(process, lambda: source.lines[seen:], FIRST_PAGE)
            cpu, theirs = cpu_seconds(process.child.pid), cpu_seconds(engine.pid)
            await watched(process, lambda: process.lines, f"Published {COUNT} activities")
            seconds = time.monotonic() - float(line.split()[-1])
            cpu, theirs = cpu_seconds(process.child.pid) - cpu, cpu_seconds(engine.pid) - theirs
            peak = megabytes(process.child.pid, "VmHWM")
            await process.stop()
    return Ingest(seconds, cpu, theirs, peak)


async def watched(process: Process, lines: Callable[[], Sequence[str]], text: str) -> str:
    """The first line with this text, as soon as it is there. Raises TimeoutError, RuntimeError if the process ends."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while True:
            if found := next((line for line in lines() if text in line), None):
                return found
            if process.child.returncode is not None:
                raise RuntimeError(process.output())
            await asyncio.sleep(WATCH_SECONDS)


async def as_collected(engine: Direct) -> Pair:
    """Mapping and settings of the collector's own indices."""
    pair = {}
    for alias in ("activities", "objects"):
        (found,) = (await engine.ask("GET", f"/{alias}?flat_settings=true")).values()
        chosen = {name: value for name, value in found["settings"].items() if name not in GIVEN_BY_THE_ENGINE}
        pair[alias] = {"settings": chosen, "mappings": found["mappings"]}
    return pair


def bulks(documents: Sequence[Made], way: Way) -> Iterator[Bulk]:
    """The bulk requests, one of activities and one of objects in turn."""
    activities = cut([(each.id, each.source) for each in documents], way)
    objects = cut([(each.object_id, each.object_source) for each in documents], way)
    both = zip_longest((Bulk("activities", body) for body in activities), (Bulk("objects", body) for body in objects))
    return (each for each in chain.from_iterable(both) if each is not None)


def cut(documents: Sequence[tuple[str, bytes]], way: Way) -> Iterator[bytes]:
    """The bodies of the requests that hold these ids and sources."""
    parts: list[bytes] = []
    size = 0
    for name, source in documents:
        part = b'{"index":{"_id":"%b"}}\n%b\n' % (name.encode(), source)
        if parts and (len(parts) == way.documents or size + len(part) > way.bytes):
            yield b"".join(parts)
            parts, size = [], 0
        parts.append(part)
        size += len(part)
    yield b"".join(parts)


async def loaded(engine: Direct, pair: Pair, requests: Sequence[Bulk], connections: int) -> Load:
    """The requests, one after the other on each connection, and the refresh at the end."""
    await emptied(engine)
    for alias, body in pair.items():
        await engine.ask("PUT", f"/{alias}", body)
    left = iter(requests)
    begun, theirs = time.monotonic(), cpu_seconds(engine.pid)
    await asyncio.gather(*(_connection(engine, left) for _ in range(connections)))
    await engine.send("POST", f"/{','.join(pair)}/_refresh")
    done = Load(time.monotonic() - begun, cpu_seconds(engine.pid) - theirs)
    counted = await engine.ask("GET", f"/{','.join(pair)}/_count")
    if counted["count"] != 2 * COUNT:
        raise RuntimeError(f"{counted['count']} documents were loaded instead of {2 * COUNT}")
    return done


async def _connection(engine: Direct, left: Iterator[Bulk]) -> None:
    for each in left:
        await engine.send("POST", f"/{each.alias}/_bulk?filter_path=errors", each.body)


async def emptied(engine: Direct) -> None:
    """Remove every index."""
    await engine.send("DELETE", "/*")
