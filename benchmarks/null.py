"""A null index: takes everything, finds nothing, at no cost. And a process that serves the API on it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence

from aiohttp import web

from activity_stream.adapters.clock import SystemClock
from activity_stream.api.app import make_app
from activity_stream.api.guard import Key
from activity_stream.api.parts import Parts
from activity_stream.fields import searchable_fields
from activity_stream.logs import Log, configure
from activity_stream.model import Activity, Alias, Caller, Counts, Generation, SearchAnswer, StoredDocument, WriteReport
from activity_stream.testing.memory_state import MemoryState

ANSWER = (
    b'{"took":1,"timed_out":false,"_shards":{"total":1,"successful":1,"skipped":0,"failed":0},'
    b'"hits":{"total":{"value":0,"relation":"eq"},"max_score":null,"hits":[]}}'
)


class NullIndex:
    """Satisfies the port `Index` and does nothing; `body_bytes` counts the bulk body it was handed."""

    def __init__(self) -> None:
        self.activities = self.body_bytes = 0
        self.generation: Generation | None = None
        self.is_published = asyncio.Event()

    async def open(self, *, write: bool) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def ping(self) -> None:
        """Always there."""

    async def published(self) -> Mapping[str, Generation]:
        """Nothing."""
        return {}

    async def unpublished(self) -> Sequence[Generation]:
        """Nothing."""
        return ()

    async def fence(self, feed: str, lease: int) -> None:
        """Nobody else writes."""

    async def begin(self, feed: str, *, lease: int = 0) -> Generation:
        """A generation in name alone."""
        return Generation(feed, "g")

    async def write(
        self, generations: Sequence[Generation], activities: Sequence[Activity], *, visible: bool, lease: int = 0
    ) -> WriteReport:
        """Build the bulk body, as an adapter of a cluster would, and forget it."""
        parts = []
        for each in activities:
            parts += [b'{"index":{"_id":"', each.id.encode(), b'"}}\n', each.source, b"\n"]
            if each.object_id is not None and each.object_source is not None:
                parts += [b'{"index":{"_id":"', each.object_id.encode(), b'"}}\n', each.object_source, b"\n"]
        self.body_bytes += len(b"".join(parts))
        self.activities += len(activities)
        return WriteReport(len(activities))

    async def publish(self, generation: Generation, *, lease: int = 0) -> None:
        """Tell whoever waits."""
        self.is_published.set()

    async def drop(self, generations: Sequence[Generation], *, lease: int = 0) -> None:
        """Nothing to drop."""

    async def count(self, generation: Generation) -> Counts:
        """What was written."""
        return Counts(self.activities, self.activities)

    async def documents(self, generation: Generation, alias: Alias) -> AsyncIterator[Sequence[StoredDocument]]:
        """None."""
        nothing: Sequence[StoredDocument] = ()
        yield nothing

    async def newest(self, feed: str) -> float | None:
        """Nothing."""
        return None

    async def search(self, alias: Alias, body: bytes, *, scope: bytes | None = None) -> SearchAnswer:
        """No hits."""
        return SearchAnswer(200, ANSWER)

    async def root(self) -> bytes:
        """An empty document."""
        return b"{}"


async def serve(secret: str) -> None:
    """Serve the API on a null index, its log to standard output as in production, until the process is stopped."""
    configure("text", sys.stdout)
    clock = SystemClock()

    async def feeds() -> list[tuple[str, bool]]:
        return []

    async def exposition() -> bytes:
        return b""

    parts = Parts(
        index=NullIndex(),
        fields=searchable_fields(),
        state=MemoryState(clock),
        clock=clock,
        log=Log("incoming"),
        health=feeds,
        exposition=exposition,
        started_at=clock.now(),
        keys={"test-key": Key(secret, Caller("test-key", methods=frozenset({"GET", "POST"})))},
    )
    runner = web.AppRunner(make_app(parts), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    Log("incoming").info(f"Listening on http://127.0.0.1:{runner.addresses[0][1]}")
    await asyncio.Event().wait()


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(sys.argv[1]))
