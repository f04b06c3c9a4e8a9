"""OpenSearch 3 for benchmarks, at its full speed; and plain requests to it."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec

from benchmarks.figures import Figure
from tests.services.engines import ENGINES, missing
from tests.services.server import Engine

HEAP = "2g"
TIMEOUT_SECONDS = 120
FULL_HEAP = {"indices.breaker.total.limit": "100%"}
"""Java's serial collector cleans a heap when it is nearly full of garbage; at 95% OpenSearch answers 429 instead."""


class Direct:
    """Asks an engine, which is the process `pid`, and nothing in between."""

    def __init__(self, session: aiohttp.ClientSession, url: str, pid: int) -> None:
        self.url = url
        self.pid = pid
        self._session = session

    async def send(self, method: str, path: str, body: bytes = b"") -> bytes:
        """The answer's body. Raises RuntimeError for one that is no success."""
        headers = {"Content-Type": "application/json"} if body else {}
        async with self._session.request(method, self.url + path, data=body or None, headers=headers) as response:
            answer = await response.read()
            if response.status >= 300:
                raise RuntimeError(f"{method} {path}: {response.status} {answer[:300]!r}")
            return answer

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """The answer's JSON."""
        return msgspec.json.decode(await self.send(method, path, b"" if body is None else msgspec.json.encode(body)))


@asynccontextmanager
async def opensearch() -> AsyncIterator[Direct]:
    """A new OpenSearch 3, empty; ended with the context. Raises RuntimeError where there is none."""
    kind = ENGINES["opensearch-3"]
    if reason := missing(kind):
        raise RuntimeError(reason)
    engine = Engine(kind, heap=HEAP, quick=False)
    url = await asyncio.to_thread(engine.start)
    try:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:
            found = Direct(session, url, engine.jvm.child.pid)
            await found.ask("PUT", "/_cluster/settings", {"transient": FULL_HEAP})
            yield found
    finally:
        await asyncio.to_thread(engine.stop)


def load_average(before: Sequence[float]) -> Figure:
    """How busy the machine was by itself: the load average of the minute before the benchmark began."""
    return Figure("load average of the minute before", before[0], "")


def load_now() -> tuple[float, float, float]:
    """The load averages now."""
    return os.getloadavg()
