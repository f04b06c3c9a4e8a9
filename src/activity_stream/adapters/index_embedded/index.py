"""The port `Index` on tantivy, for one directory.

    event loop ──> one writer thread ──> Writer ──> tantivy     begin, write, publish, drop
               └─> a thread per core ──> Reader ──> tantivy     everything that only reads

Any number of processes may read; one may write, and others wait for it to end. Nothing here blocks the event loop.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from activity_stream.adapters.index_embedded.border import EngineFailed, border
from activity_stream.adapters.index_embedded.execute import search
from activity_stream.adapters.index_embedded.lock import WriterLock
from activity_stream.adapters.index_embedded.predicates import both
from activity_stream.adapters.index_embedded.rebuild import bring_up_to_date
from activity_stream.adapters.index_embedded.schema import ALIAS, ALIAS_TERMS, GENERATION, EmbeddedSchema
from activity_stream.adapters.index_embedded.snapshot import Reader, directory_of
from activity_stream.adapters.index_embedded.stopping import Stop, stoppable
from activity_stream.adapters.index_embedded.writer import Writer
from activity_stream.errors import IndexUnavailable
from activity_stream.fences import Fences
from activity_stream.fields import FieldMap
from activity_stream.model import Activity, Alias, Counts, Generation, SearchAnswer, StoredDocument, WriteReport
from activity_stream.naming import new_generation
from activity_stream.ports import Clock

P = ParamSpec("P")
Found = tuple[Sequence[StoredDocument], int]
T = TypeVar("T")

HEAP_BYTES = 48 << 20
"""What tantivy's writer may hold in memory before it writes a segment."""

WRITER_THREADS = 1

ROOT = (
    b'{"name":"activity-stream","cluster_name":"activity-stream","cluster_uuid":"activity-stream",'
    b'"version":{"number":"7.10.2","distribution":"opensearch","build_flavor":"default","build_type":"embedded",'
    b'"minimum_wire_compatibility_version":"6.8.0","minimum_index_compatibility_version":"6.0.0"},'
    b'"tagline":"You Know, for Search"}'
)
"""7.10.2 is the version that OpenSearch gives in its compatibility mode. opensearch-py takes any; elasticsearch-py 7
up to 7.13 wants this tagline and this build flavour (later ones want a header that only Elasticsearch sends)."""


class EmbeddedIndex:
    """An index in `directory`, with the mapping `fields`. `threads` search at once; `heap_bytes` is the writer's."""

    def __init__(
        self,
        directory: Path,
        fields: Mapping[Alias, FieldMap],
        clock: Clock,
        *,
        threads: int | None = None,
        heap_bytes: int = HEAP_BYTES,
    ) -> None:
        self._root = directory
        self._clock = clock
        self._heap_bytes = heap_bytes
        self._schema = EmbeddedSchema(fields)
        self._lock = WriterLock(directory)
        self._reader = Reader(directory, self._schema)
        self._writer: Writer | None = None
        self._fences = Fences()
        self._searching = ThreadPoolExecutor(threads or os.cpu_count() or 1, "index-search")
        self._writing = ThreadPoolExecutor(1, "index-write")

    async def open(self, *, write: bool) -> None:
        """Be ready; with `write`, wait for another writer to end, and rebuild the index of an older mapping."""
        if not write:
            return
        await self._lock.acquire()
        try:
            self._writer = await self._in(self._writing, self._open_writer)
        except BaseException:
            # After what the thread may still be doing, should this task have been cancelled.
            self._writing.submit(self._lock.release)
            raise

    async def close(self) -> None:
        """Commit, and let go of everything; what runs is waited for."""
        if self._writer is not None:
            await self._in(self._writing, self._writer.close)
            self._writer = None
        await asyncio.to_thread(self._end)

    async def ping(self) -> None:
        """Return if the index can be read."""
        await self._in(self._searching, self._reader.snapshot)

    async def published(self) -> Mapping[str, Generation]:
        """The published generation of each feed, by feed."""
        return dict((await self._in(self._searching, self._reader.snapshot)).generations)

    async def unpublished(self) -> Sequence[Generation]:
        """Those begun here or found in the index, without the published ones."""
        if self._writer is not None:
            return await self._in(self._writing, lambda writer: list(writer.unpublished), self._writer)
        return (await self._in(self._searching, self._reader.snapshot)).unpublished()

    async def fence(self, feed: str, lease: int) -> None:
        """Remembered in this process alone: no other can write while it has the index."""
        self._fences.put(feed, lease)

    async def begin(self, feed: str, *, lease: int = 0) -> Generation:
        """A new generation of the feed; it is there, for this process, before anything is written to it."""
        self._fences.check(feed, lease)
        generation = new_generation(feed, self._clock.now())
        await self._in(self._writing, self._writable().begin, generation)
        return generation

    async def write(
        self, generations: Sequence[Generation], activities: Sequence[Activity], *, visible: bool, lease: int = 0
    ) -> WriteReport:
        """Store them: see the port. Writes are done one after the other, in the order of their calls."""
        self._check(generations, lease)
        work = partial(self._writable().write, tuple(generations), tuple(activities), visible=visible)
        return await self._in(self._writing, work)

    async def publish(self, generation: Generation, *, lease: int = 0) -> None:
        """One commit: the new manifest, and the end of the generation before."""
        self._check([generation], lease)
        await self._in(self._writing, self._writable().publish, generation)

    async def drop(self, generations: Sequence[Generation], *, lease: int = 0) -> None:
        """One commit for all of them."""
        self._check(generations, lease)
        await self._in(self._writing, self._writable().drop, tuple(generations))

    async def count(self, generation: Generation) -> Counts:
        """What is written is committed first, so that it can be counted."""
        if self._writer is not None:
            await self._in(self._writing, self._writer.flush)
        return await self._in(self._searching, self._count, generation)

    async def documents(self, generation: Generation, alias: Alias) -> AsyncIterator[Sequence[StoredDocument]]:
        """In the order of writing; what is written but not committed is committed first."""
        if self._writer is not None:
            await self._in(self._writing, self._writer.flush)
        behind = -1
        while True:
            found, behind = await self._in(self._searching, self._some_documents, generation, alias, behind)
            if not found:
                return
            yield found

    async def newest(self, feed: str) -> float | None:
        """`published` of the feed's newest visible activity, in seconds since 1970."""
        return await self._in(self._searching, lambda: self._reader.snapshot().newest(feed))

    async def search(self, alias: Alias, body: bytes, *, scope: bytes | None = None) -> SearchAnswer:
        """The answer to an Elasticsearch search body. Raises SearchRefused."""
        now_ms, stop = int(self._clock.now() * 1000), Stop()
        try:
            return SearchAnswer(200, await self._in(self._searching, self._search, alias, body, now_ms, scope, stop))
        finally:
            stop.asked = True  # whoever was cancelled waits no more

    async def root(self) -> bytes:
        """What Elasticsearch and OpenSearch clients read before they ask."""
        return ROOT

    def _check(self, generations: Sequence[Generation], lease: int) -> None:
        for generation in generations:
            self._fences.check(generation.feed, lease)

    def _open_writer(self) -> Writer:
        bring_up_to_date(self._root, self._schema, heap_bytes=self._heap_bytes, threads=WRITER_THREADS)
        directory = directory_of(self._root, self._schema)
        return Writer(directory, self._schema, heap_bytes=self._heap_bytes, threads=WRITER_THREADS)

    def _count(self, generation: Generation) -> Counts:
        snapshot = self._reader.snapshot()
        found = [
            snapshot.count(
                both(snapshot.term(GENERATION, generation.index_name(alias)), snapshot.term(ALIAS, ALIAS_TERMS[alias]))
            )
            for alias in Alias
        ]
        return Counts(*found)

    def _some_documents(
        self, generation: Generation, alias: Alias, behind: int
    ) -> tuple[Sequence[StoredDocument], int]:
        return self._reader.snapshot().documents(generation, alias, behind)

    def _search(self, alias: Alias, body: bytes, now_ms: int, scope: bytes | None, stop: Stop) -> bytes:
        snapshot = self._reader.snapshot()
        with stoppable(stop):
            return search(snapshot, alias, body, now_ms, scope)

    def _writable(self) -> Writer:
        if self._writer is None:
            raise IndexUnavailable(f"the index in {self._root} is not open for writing: use open(write=True)")
        return self._writer

    def _end(self) -> None:
        self._writing.shutdown()
        self._searching.shutdown()
        self._reader.close()
        self._lock.release()

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of work done in a thread of the pool; what tantivy raises there is IndexUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(pool, partial(_guarded, work, *args, **kwargs))


def _guarded(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        with border():
            return work(*args, **kwargs)
    except EngineFailed as error:
        raise IndexUnavailable(f"the index failed: {error}") from error
