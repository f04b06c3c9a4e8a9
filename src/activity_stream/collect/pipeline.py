"""One feed's pipeline: the order of fetch is the order of write.

    full cycle    --.                                        .-- begins a generation
                     >-- its turn: fetch, then put -- queue --+-- writes pages           one writer, one by one
    updates cycle --'    (one at a time)           (short)   '-- publishes

Two loops that wrote on their own would race: the full cycle fetches a page with an item's old version, the updates
cycle fetches and writes the new one, then the full cycle writes the old one over it. The beginning of a generation and
its publishing take their turn as well. A generation begins in one turn with the fetch of its first page: a poll's page
that was fetched before, with an item that the source has dropped since, never gets into it.

While the writer is at work, pages wait; those that wait for the same write are handed to it together, because an index
takes a few megabytes at once in less time than the same in pieces.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any, Generic, NoReturn, TypeVar

import msgspec

from activity_stream.collect.progress import Progress
from activity_stream.errors import ActivityStreamError
from activity_stream.feeds.walk import Walk
from activity_stream.model import Page
from activity_stream.ports import Clock, Fetcher

T = TypeVar("T")
B = TypeVar("B")

QUEUED_PAGES = 2
"""One page is fetched while another is written, however large they are; small ones may wait in greater number."""

QUEUED_BYTES = 3 * 1024 * 1024
"""How much may wait, as it came from the source, and so be written at once: a few megabytes as a bulk request."""


class Fetched(msgspec.Struct, frozen=True):
    """A page as it came: `digest` and `size` of its bytes, the moment (`Clock.monotonic`) and the seconds of its
    fetching."""

    address: str
    page: Page
    digest: bytes
    began: float
    seconds: float
    size: int = 0


Write = Callable[[Sequence[Fetched]], Awaitable[T]]
"""Writes pages, in their order; there is more than one where several waited for the same (an equal) `Write`."""


class Pipeline:
    """What both cycles of a feed fetch and write through. `run` has to run beside them."""

    def __init__(self, fetcher: Fetcher, progress: Progress, clock: Clock) -> None:
        self._fetcher = fetcher
        self._progress = progress
        self._clock = clock
        self._turn = asyncio.Lock()
        self._queue = _Queue()

    async def first_page(
        self, begin: Callable[[], Awaitable[B]], walk: Walk, write: Callable[[B, Sequence[Fetched]], Awaitable[T]]
    ) -> B:
        """Begin something, and fetch and queue the walk's first page, in one turn: what `begin` returns.

        So no page that was fetched before that first one is written between the two. Raises what `begin` and `page` do.
        """
        async with self._turn:
            begun = await (await self._put(_Entry(lambda _: begin())))
            await self._page(walk, partial(write, begun))
            return begun

    async def page(self, walk: Walk, write: Write[T]) -> asyncio.Future[T]:
        """Fetch the walk's next page and queue it for `write`; the future is that write's.

        Raises SourceError and what `Walk` raises. What `write` raises is in the future.
        """
        async with self._turn:
            return await self._page(walk, write)

    async def step(self, action: Callable[[], Awaitable[T]]) -> T:
        """Run an action when all that was fetched before is written, and return what it returns."""
        async with self._turn:
            done = await self._put(_Entry(lambda _: action()))
        return await done

    async def run(self) -> NoReturn:
        """Be the writer, for ever. Raises what is not an ActivityStreamError; that one is its cycle's."""
        while True:
            first, *others = await self._queue.get()
            await first.run(others)

    async def _page(self, walk: Walk, write: Write[T]) -> asyncio.Future[T]:
        address = walk.address or ""
        began = self._clock.monotonic()
        response = await self._fetcher.fetch(walk.request(), self._progress.waits)
        digest = blake2b(response.body, digest_size=16).digest()
        page = walk.accept(response)
        seconds = self._clock.monotonic() - began
        fetched = Fetched(address, page, digest, began, seconds, len(response.body))
        return await self._put(_Entry(write, write, [fetched]))

    async def _put(self, entry: "_Entry[T]") -> asyncio.Future[T]:
        await self._queue.put(entry)
        return entry.done


class _Entry(Generic[T]):
    """Something to be done in its turn: `act` on pages, of `size` bytes. Those of one `kind` can be done as one."""

    def __init__(self, act: Write[T], kind: object = None, pages: Sequence[Fetched] = ()) -> None:
        self._act = act
        self.pages = list(pages)
        self.kind = kind
        self.size = sum(page.size for page in pages)
        self.done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.done.add_done_callback(_look_at)

    def is_like(self, other: "_Entry[Any]") -> bool:
        """Whether this one does to its pages what the other one does to its own."""
        return self.kind is not None and self.kind == other.kind

    async def run(self, others: "Sequence[_Entry[T]]") -> None:
        """Do it, and what the others are for, even if nobody waits for it any more: what was fetched is written."""
        together = (self, *others)
        try:
            result = await self._act([page for entry in together for page in entry.pages])
        except ActivityStreamError as error:
            for entry in together:
                if not entry.done.done():
                    entry.done.set_exception(error)
        else:
            for entry in together:
                if not entry.done.done():
                    entry.done.set_result(result)


class _Queue:
    """What waits for the writer, in its order; bounded by QUEUED_PAGES or QUEUED_BYTES, whichever lets more in."""

    def __init__(self) -> None:
        self._waiting: deque[_Entry[Any]] = deque()
        self._size = 0
        self._changed = asyncio.Condition()

    async def put(self, entry: _Entry[Any]) -> None:
        """Add it as soon as there is room."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._has_room(entry))
            self._waiting.append(entry)
            self._size += entry.size
            self._changed.notify_all()

    async def get(self) -> list[_Entry[Any]]:
        """The first one, and those right behind it that can be done with it."""
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._waiting))
            found = [self._waiting.popleft()]
            while self._waiting and self._waiting[0].is_like(found[0]):
                found.append(self._waiting.popleft())
            self._size -= sum(entry.size for entry in found)
            self._changed.notify_all()
        return found

    def _has_room(self, entry: _Entry[Any]) -> bool:
        return len(self._waiting) < QUEUED_PAGES or self._size + entry.size <= QUEUED_BYTES


def _look_at(done: asyncio.Future[T]) -> None:
    """Take note of an error, so that asyncio does not report it for a cycle that no longer waits for its pages."""
    if not done.cancelled():
        done.exception()
