"""What runs until it is asked to stop.

run        = collector + API, in one process, on one index
outgoing   = collector alone                 index opened for writing; where only one can, it waits for its turn
incoming   = API alone                       index opened for reading
demo       = run, with its log in a file and its progress for the command line to show
"""

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import TextIO

import msgspec

from activity_stream import logs
from activity_stream.adapters.clock import SystemClock
from activity_stream.api.verification import make_verification_app
from activity_stream.collect import records
from activity_stream.compose.listening import bound, site, url_of
from activity_stream.compose.parts import collect, make_collector, served, start_logging, stopping
from activity_stream.compose.stores import Stores, stores
from activity_stream.ports import Index, State
from activity_stream.settings import Settings

GOODBYE = "Reached end of main. Exiting now."


class DemoParts(msgspec.Struct, frozen=True):
    """What the demo shows of the parts at work."""

    url: str
    published: Callable[[], Awaitable[bool]]
    collected: Callable[[], Awaitable[int]]


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Collect and serve the API until `stop`."""
    start_logging(settings, sys.stdout)
    async with stores(settings, write=True) as found:
        await _together(settings, found, stop)


async def outgoing(settings: Settings, stop: asyncio.Event) -> None:
    """Collect until `stop`."""
    start_logging(settings, sys.stdout)
    log = logs.Log("outgoing")
    log.info(f"Collecting {len(settings.feeds)} feeds")
    async with stopping(_open_and_collect(settings), stop):
        await stop.wait()


async def _open_and_collect(settings: Settings) -> None:
    async with stores(settings, write=True) as found:
        await collect(settings, found, make_collector(), asyncio.Event())


async def incoming(settings: Settings, stop: asyncio.Event, listening: socket.socket | None = None) -> None:
    """Serve the API until `stop`, on a socket that is listening already where one is given."""
    start_logging(settings, sys.stdout)
    async with (
        stores(settings, write=False) as found,
        served(settings, found, None, listening),
    ):
        await stop.wait()


async def demo(
    settings: Settings, stop: asyncio.Event, log_file: TextIO, show: Callable[[DemoParts], Awaitable[None]]
) -> None:
    """As `run`, with the log in a file; `show` runs beside it."""
    start_logging(settings, log_file)
    try:
        async with stores(settings, write=True) as found:
            await _together(settings, found, stop, show)
    finally:
        logs.configure("text", sys.stdout)  # the file is the caller's, and closed next


async def _together(
    settings: Settings,
    found: Stores,
    stop: asyncio.Event,
    show: Callable[[DemoParts], Awaitable[None]] | None = None,
) -> None:
    collector = make_collector()
    async with (
        served(settings, found, collector) as url,
        stopping(collect(settings, found, collector, stop), stop),
    ):
        if show is not None:
            await show(DemoParts(url, lambda: _published(found.index), lambda: _collected(found.state)))
        await stop.wait()


async def _published(index: Index) -> bool:
    return bool(await index.published())


async def _collected(state: State) -> int:
    return sum(status.crawl.stored for status in await records.feed_statuses(state) if status.crawl)


async def verification_feed(host: str, port: int, stop: asyncio.Event) -> None:
    """Serve the sample source until `stop`."""
    logs.configure("text", sys.stdout)
    with bound(host, port) as listening:
        async with site(make_verification_app(SystemClock()), listening):
            logs.Log("verification-feed").info(f"Listening on {url_of(listening)}")
            await stop.wait()


def say_goodbye() -> None:
    """The last line of the log."""
    logs.Log("main").info(GOODBYE)
