"""Benchmark of the API: signed searches on a null index and on the embedded one."""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from activity_stream import hawk
from benchmarks.collecting import DAY, until_there
from benchmarks.figures import Figure, percentile
from tests.flow.processes import KEY, SECRET, Process, client, settings, started

PATH = "/v3/activities/_search"
REQUESTS = 6_000
EMBEDDED_REQUESTS = 1_000
BODY = (
    b'{"size":10,"query":{"bool":{"filter":[{"term":{"object.type":"dit:activityStreamVerificationFeed:Verifier"}}]}},'
    b'"sort":[{"published":"desc"}]}'
)


RESTRICTED = "restricted-key"
PAIR = "INCOMING_ACCESS_KEY_PAIRS__2__"
GRANT = f"{PAIR}PERMISSIONS__activities__1__"
RESTRICTION = {
    f"{PAIR}KEY_ID": RESTRICTED,
    f"{PAIR}SECRET_KEY": SECRET,
    f"{GRANT}TERMS_KEY": "object.type",
    f"{GRANT}TERMS_VALUES__1": "dit:activityStreamVerificationFeed:Verifier",
}
"""A key that sees what is of a type: all that there is, so that nothing but the narrowing makes a difference."""


def request(url: str, key: str) -> bytes:
    """One signed request, ready to be sent."""
    kind = "application/json"
    target = hawk.target_of("POST", url + PATH)
    signed = hawk.sign(target, key, SECRET, int(time.time()), os.urandom(8).hex(), kind, BODY)
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nContent-Type: {kind}\r\nX-Forwarded-Proto: http\r\n"
        f"Authorization: {hawk.authorization(signed)}\r\nContent-Length: {len(BODY)}\r\n\r\n"
    )
    return head.encode() + BODY


async def connection(url: str, requests: list[bytes], times: list[float]) -> None:
    """Send the requests one after the other on one connection."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    while requests:
        begun = time.perf_counter()
        writer.write(requests.pop())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        times.append(time.perf_counter() - begun)
    writer.close()


async def load(url: str, connections: int, what: str, number: int, aim: str = "", key: str = KEY) -> list[Figure]:
    """Searches a second and latency with so many connections."""
    requests = [request(url, key) for _ in range(number)]
    times: list[float] = []
    begun = time.perf_counter()
    await asyncio.gather(*(connection(url, requests, times) for _ in range(connections)))
    seconds = time.perf_counter() - begun
    return [
        Figure(f"{what}, {connections} connections", number / seconds, "1/s", aim),
        Figure("… latency, median", percentile(times, 0.5) * 1000, "ms"),
        Figure("… latency, 99th percentile", percentile(times, 0.99) * 1000, "ms"),
    ]


async def searches() -> list[Figure]:
    """Both indexes, 1 and 16 connections; and the embedded one for a key that is restricted."""
    figures: list[Figure] = []
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.null", SECRET), stdout=asyncio.subprocess.PIPE, limit=2**20
    )
    null = Process(child)
    url = await null.listening()
    for connections in (1, 16):
        figures += await load(url, connections, "null index", REQUESTS, "3,000" if connections > 1 else "")
    await null.stop()
    with tempfile.TemporaryDirectory() as directory:
        async with started("verification-feed", "--port", "0", environ={}) as feed:
            seed = await feed.listening() + "/0"
            environ = settings(Path(directory), seed, FEEDS__1__FULL_INGEST_PAGE_INTERVAL="0", **RESTRICTION)
            async with started("run", environ=environ) as process, client(await process.listening()) as api:
                await until_there(api, DAY - 10)
                assert await process.stop() == 0
            async with started("incoming", environ=environ) as process:
                url = await process.listening()
                for connections in (1, 16):
                    what = "embedded index, 86,400 activities"
                    figures += await load(url, connections, what, EMBEDDED_REQUESTS)
                    figures += await load(url, connections, f"{what}, restricted", EMBEDDED_REQUESTS, key=RESTRICTED)
    return figures
