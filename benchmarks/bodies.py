"""Benchmark of the indexes alone: bodies of real clients over a million activities, embedded and OpenSearch, in turns;
each also for a key that sees a part, to which all that there is belongs: what it costs to be restricted.

Both are asked as the API does it: the embedded one in this process, OpenSearch over HTTP on this machine. Bodies
of which either says that they are wrong are left out. OpenSearch may keep answers without hits in its request cache.
"""

import json
import os
import tempfile
import time
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path

from activity_stream.adapters.clock import SystemClock
from activity_stream.adapters.index_embedded.index import EmbeddedIndex
from activity_stream.adapters.index_opensearch.client import Client
from activity_stream.adapters.index_opensearch.index import OpenSearchIndex
from activity_stream.fields import searchable_fields
from activity_stream.model import Activity, Alias, Caller, Grant, GrantKind
from activity_stream.ports import Index
from activity_stream.search.search import Searches
from benchmarks.engine import load_average, load_now, opensearch
from benchmarks.figures import Figure, percentile
from benchmarks.made import TYPES, made

COUNT = int(os.environ.get("BODIES_ACTIVITIES", "1000000"))
AT_ONCE = 1_000
WARM_UP, ROUNDS = 3, 20
QUERIES = Path(__file__).parent.parent / "tests" / "data" / "client-queries.jsonl"
SLOWEST = 8

RESTRICTED = ", restricted"
FREE = Caller("free", grants={alias: (Grant(GrantKind.MATCH_ALL),) for alias in Alias})
_VALUES = tuple(kinds[0] for kinds in TYPES)
PART = Caller(
    "part",
    grants={
        Alias.ACTIVITIES: (Grant(GrantKind.TERMS, "object.type", _VALUES),),
        Alias.OBJECTS: (Grant(GrantKind.TERMS, "type", _VALUES),),
    },
)

Times = dict[str, list[float]]


async def bodies() -> list[Figure]:
    """How long each body takes in each index: over all of them, and those with the greatest difference."""
    before = load_now()
    fields, clock = searchable_fields(), SystemClock()
    with tempfile.TemporaryDirectory() as directory:
        async with opensearch() as engine:
            indexes: dict[str, Index] = {
                "embedded": EmbeddedIndex(Path(directory), fields, clock),
                "OpenSearch": OpenSearchIndex(Client(engine.url, clock), fields, clock),
            }
            for index in indexes.values():
                await index.open(write=True)
            filled = [await _fill(name, index) for name, index in indexes.items()]
            asked = {name: Searches(index) for name, index in indexes.items()}
            times = [(name, found) for name, alias, body in _bodies() if (found := await _times(asked, alias, body))]
            for index in indexes.values():
                await index.close()
    return [*filled, *_over_all(times), *_restricted(times), *_apart(times), load_average(before)]


async def _fill(name: str, index: Index) -> Figure:
    begun = time.perf_counter()
    generation = await index.begin("made")
    source = iter(made(COUNT))
    while some := list(islice(source, AT_ONCE)):
        activities = [Activity(each.id, each.source, each.object_id, each.object_source) for each in some]
        await index.write([generation], activities, visible=False)
    await index.publish(generation)
    return Figure(f"{COUNT:,} activities into {name}", time.perf_counter() - begun, "s")


def _bodies() -> Iterator[tuple[str, Alias, bytes]]:
    for line in QUERIES.read_text("utf-8").splitlines():
        row = json.loads(line)
        if row.get("body") is not None:
            alias = Alias.OBJECTS if "objects" in row["endpoint"] else Alias.ACTIVITIES
            yield row["id"], alias, json.dumps(row["body"]).encode()


async def _times(indexes: dict[str, Searches], alias: Alias, body: bytes) -> Times:
    """Seconds of a body in each index, asked in turns; nothing where one of them refuses it, none for a key that sees
    a part where that may not ask it."""
    found: Times = {f"{name}{kind}": [] for kind in ("", RESTRICTED) for name in indexes}
    callers = [("", FREE), (RESTRICTED, PART)]
    for round_ in range(WARM_UP + ROUNDS):
        callers.reverse()  # the second one finds warm what the first one has used
        for (name, index), (kind, caller) in product(indexes.items(), callers):
            begun = time.perf_counter()
            answer = await index.run(caller, alias, body)
            seconds = time.perf_counter() - begun
            if answer.status != 200 and not kind:
                return {}
            if answer.status == 200 and round_ >= WARM_UP:
                found[f"{name}{kind}"].append(seconds)
    return found


def _over_all(times: list[tuple[str, Times]]) -> list[Figure]:
    figures = []
    for name in ("embedded", "OpenSearch"):
        every = [each for _, found in times for each in found[name]]
        medians = [percentile(found[name], 0.5) for _, found in times]
        figures += [
            Figure(f"{len(times)} bodies, {name}: median of all searches", percentile(every, 0.5) * 1000, "ms"),
            Figure("… 99th percentile", percentile(every, 0.99) * 1000, "ms"),
            Figure("… median of the bodies' medians", percentile(medians, 0.5) * 1000, "ms"),
        ]
    faster = sum(percentile(t["embedded"], 0.5) <= percentile(t["OpenSearch"], 0.5) for _, t in times)
    return [*figures, Figure("bodies that the embedded index answers no slower", faster, f"of {len(times)}")]


def _restricted(times: list[tuple[str, Times]]) -> list[Figure]:
    """What it costs to be restricted: how much longer the same body takes."""
    figures = []
    for name in ("embedded", "OpenSearch"):
        both = [(found[name], found[f"{name}{RESTRICTED}"]) for _, found in times if found[f"{name}{RESTRICTED}"]]
        more = [percentile(part, 0.5) / percentile(free, 0.5) - 1 for free, part in both]
        every = [percentile([each for row in both for each in row[at]], 0.5) for at in (0, 1)]
        figures += [
            Figure(f"{name}, of {len(both)} bodies for a key that sees a part: median", every[1] * 1000, "ms"),
            Figure("… longer than without, all searches", (every[1] / every[0] - 1) * 100, "%"),
            Figure("… longer than without, median of the bodies", percentile(more, 0.5) * 100, "%"),
            Figure("… longer than without, 90th percentile of the bodies", percentile(more, 0.9) * 100, "%"),
        ]
    return figures


def _apart(times: list[tuple[str, Times]]) -> list[Figure]:
    """The bodies in which the embedded index is behind most."""
    medians = [
        (name, percentile(found["embedded"], 0.5) * 1000, percentile(found["OpenSearch"], 0.5) * 1000)
        for name, found in times
    ]
    medians.sort(key=lambda row: row[2] - row[1])
    return [
        figure
        for name, embedded, other in medians[:SLOWEST]
        for figure in (Figure(f"{name}: embedded", embedded, "ms"), Figure("… OpenSearch", other, "ms"))
    ]
