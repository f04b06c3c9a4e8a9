"""One feed's pipeline: the order of fetch is the order of write.

    full cycle    --.                                        .-- begins a generation
                     >-- its turn: fetch, then put -- queue --+-- writes a page          one writer, one by one
    updates cycle --'    (one at a time)           (short)   '-- publishes

Two loops that wrote on their own would race: the full cycle fetches a page with an item's old version, the updates
cycle fetches and writes the new one, then the full cycle writes the old one over it. The beginning of a generation and
its publishing take their turn as well. A generation begins in one turn with the fetch of its first page: a poll's page
that was fetched before, with an item that the source has dropped since, never gets into it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from hashlib import blake2b
from typing import Generic, NoReturn, TypeVar

import msgspec

from activity_stream.collect.progress import Progress
from activity_stream.errors import ActivityStreamError
from activity_stream.feeds.walk import Walk
from activity_stream.model import Page
from activity_stream.ports import Clock, Fetcher

T = TypeVar("T")
B = TypeVar("B")

QUEUED_PAGES = 2
"""One page is fetched while another is written; more would only cost memory."""


class Fetched(msgspec.Struct, frozen=True):
    """A page as it came: `digest` of its bytes, the moment (`Clock.monotonic`) and the seconds of its fetching."""

    address: str
    page: Page
    digest: bytes
    began: float
    seconds: float


class Pipeline:
    """What both cycles of a feed fetch and write through. `run` has to run beside them."""

    def __init__(self, fetcher: Fetcher, progress: Progress, clock: Clock) -> None:
        self._fetcher = fetcher
        self._progress = progress
        self._clock = clock
        self._turn = asyncio.Lock()
        self._queue: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue(QUEUED_PAGES)

    async def first_page(
        self, begin: Callable[[], Awaitable[B]], walk: Walk, write: Callable[[B, Fetched], Awaitable[T]]
    ) -> B:
        """Begin something, and fetch and queue the walk's first page, in one turn: what `begin` returns.

        So no page that was fetched before that first one is written between the two. Raises what `begin` and `page` do.
        """
        async with self._turn:
            begun = await (await self._put(begin))
            await self._page(walk, partial(write, begun))
            return begun

    async def page(self, walk: Walk, write: Callable[[Fetched], Awaitable[T]]) -> asyncio.Future[T]:
        """Fetch the walk's next page and queue it for `write`; the future is that write's.

        Raises SourceError and what `Walk` raises. What `write` raises is in the future.
        """
        async with self._turn:
            return await self._page(walk, write)

    async def step(self, action: Callable[[], Awaitable[T]]) -> T:
        """Run an action when all that was fetched before is written, and return what it returns."""
        async with self._turn:
            done = await self._put(action)
        return await done

    async def run(self) -> NoReturn:
        """Be the writer, for ever. Raises what is not an ActivityStreamError; that one is its cycle's."""
        while True:
            run_entry = await self._queue.get()
            await run_entry()

    async def _page(self, walk: Walk, write: Callable[[Fetched], Awaitable[T]]) -> asyncio.Future[T]:
        address = walk.address or ""
        began = self._clock.monotonic()
        response = await self._fetcher.fetch(walk.request(), self._progress.waits)
        digest = blake2b(response.body, digest_size=16).digest()
        page = walk.accept(response)
        fetched = Fetched(address, page, digest, began, self._clock.monotonic() - began)
        return await self._put(partial(write, fetched))

    async def _put(self, action: Callable[[], Awaitable[T]]) -> asyncio.Future[T]:
        entry = _Entry(action)
        await self._queue.put(entry.run)
        return entry.done


class _Entry(Generic[T]):
    """Something to be done in its turn."""

    def __init__(self, action: Callable[[], Awaitable[T]]) -> None:
        self._action = action
        self.done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.done.add_done_callback(_look_at)

    async def run(self) -> None:
        """Do it, even if nobody waits for it any more: what was fetched is written."""
        try:
            result = await self._action()
        except ActivityStreamError as error:
            if not self.done.done():
                self.done.set_exception(error)
        else:
            if not self.done.done():
                self.done.set_result(result)


def _look_at(done: asyncio.Future[T]) -> None:
    """Take note of an error, so that asyncio does not report it for a cycle that no longer waits for its pages."""
    if not done.cancelled():
        done.exception()
