"""Settings become running parts: the one place that joins.

run        = collector + API, in one process, on one index
outgoing   = collector alone                 index opened for writing; waits for another writer to end
incoming   = API alone                       index opened for reading
demo       = run, with its log in a file and its progress for the command line to show
"""

import asyncio
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from typing import TextIO

import msgspec
from aiohttp import web

from activity_stream import hawk, logs
from activity_stream.adapters.ask import NoReply, Reply, ask
from activity_stream.adapters.clock import SystemClock
from activity_stream.adapters.http import HttpFetcher
from activity_stream.adapters.index_embedded.index import EmbeddedIndex
from activity_stream.adapters.sentry import report_errors
from activity_stream.adapters.state_sqlite import SqliteState
from activity_stream.api.app import make_app
from activity_stream.api.guard import Key
from activity_stream.api.parts import Parts
from activity_stream.api.verification import make_verification_app
from activity_stream.collect import records
from activity_stream.collect.health import collector_metrics, health
from activity_stream.collect.plan import FeedPlan
from activity_stream.collect.supervise import Supervisor
from activity_stream.errors import ActivityStreamError
from activity_stream.feeds.base import FeedSource
from activity_stream.feeds.registry import make_feed_type
from activity_stream.fields import searchable_fields
from activity_stream.metrics import Metrics, merge
from activity_stream.ports import Clock, Index, State
from activity_stream.settings import FeedSettings, Settings

__all__ = ["CannotServe", "NoReply", "Reply"]

GOODBYE = "Reached end of main. Exiting now."
SHUTDOWN_SECONDS = 2.0
WORKER_PAUSE_SECONDS = 1.0


class CannotServe(Exception):
    """The program cannot start; the message says why and what to change."""


class DemoParts(msgspec.Struct, frozen=True):
    """What the demo shows of the parts at work."""

    url: str
    published: Callable[[], Awaitable[bool]]
    collected: Callable[[], Awaitable[int]]


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Collect and serve the API until `stop`."""
    start_logging(settings, sys.stdout)
    async with _stores(settings, write=True) as (index, state):
        await _together(settings, index, state, stop)


async def outgoing(settings: Settings, stop: asyncio.Event) -> None:
    """Collect until `stop`."""
    start_logging(settings, sys.stdout)
    log = logs.Log("outgoing")
    log.info(f"Collecting {len(settings.feeds)} feeds")
    async with _stopping(_open_and_collect(settings), stop):
        await stop.wait()


async def _open_and_collect(settings: Settings) -> None:
    async with _stores(settings, write=True) as (index, state):
        await _collect(settings, index, state, Metrics(), asyncio.Event())


async def incoming(settings: Settings, stop: asyncio.Event, listening: socket.socket | None = None) -> None:
    """Serve the API until `stop`, on a socket that is listening already where one is given."""
    start_logging(settings, sys.stdout)
    async with (
        _stores(settings, write=False) as (index, state),
        _served(settings, index, state, None, listening),
    ):
        await stop.wait()


async def incoming_workers(settings: Settings, workers: int, stop: asyncio.Event) -> None:
    """Serve the API from several processes that share one listening socket, until `stop`; one that dies is replaced."""
    start_logging(settings, sys.stdout)
    with bound(settings.api.host, settings.api.port) as listening:
        listening.listen(128)
        logs.Log("incoming").info(f"Listening on {_url(listening)}")
        tasks = [asyncio.create_task(_worker(listening.fileno())) for _ in range(workers)]
        await stop.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _worker(listening: int) -> None:
    """One process of the API, again and again, until cancelled."""
    log = logs.Log("incoming", "workers")
    while True:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "activity_stream", "incoming", *_config_arguments()),
            env={**os.environ, LISTEN_FD: str(listening)},
            pass_fds=[listening],
            start_new_session=True,
        )
        try:
            status = await child.wait()
        finally:
            if child.returncode is None:
                child.terminate()
                with suppress(TimeoutError):
                    await asyncio.wait_for(child.wait(), SHUTDOWN_SECONDS * 3)
                if child.returncode is None:
                    child.kill()
        log.error(f"A worker ended with status {status}; another one takes its place")
        await asyncio.sleep(WORKER_PAUSE_SECONDS)


LISTEN_FD = "ACTIVITY_STREAM_LISTEN_FD"
"""Tells a worker which of its open files is the listening socket; only `incoming_workers` sets it."""


def _config_arguments() -> list[str]:
    """The --config that this process was given, for its workers."""
    words = sys.argv[1:]
    for at, word in enumerate(words):
        if word == "--config":
            return words[at : at + 2]
        if word.startswith("--config="):
            return [word]
    return []


async def demo(
    settings: Settings, stop: asyncio.Event, log_file: TextIO, show: Callable[[DemoParts], Awaitable[None]]
) -> None:
    """As `run`, with the log in a file; `show` runs beside it."""
    start_logging(settings, log_file)
    async with _stores(settings, write=True) as (index, state):
        await _together(settings, index, state, stop, show)


async def _together(
    settings: Settings,
    index: Index,
    state: State,
    stop: asyncio.Event,
    show: Callable[[DemoParts], Awaitable[None]] | None = None,
) -> None:
    metrics = Metrics()
    async with (
        _served(settings, index, state, metrics) as url,
        _stopping(_collect(settings, index, state, metrics, stop), stop),
    ):
        if show is not None:
            await show(DemoParts(url, lambda: _published(index), lambda: _collected(state)))
        await stop.wait()


async def _published(index: Index) -> bool:
    return bool(await index.published())


async def _collected(state: State) -> int:
    return sum(status.crawl.stored for status in await records.feed_statuses(state) if status.crawl)


async def verification_feed(host: str, port: int, stop: asyncio.Event) -> None:
    """Serve the sample source until `stop`."""
    logs.configure("text", sys.stdout)
    with bound(host, port) as listening:
        async with _site(make_verification_app(SystemClock()), listening):
            logs.Log("verification-feed").info(f"Listening on {_url(listening)}")
            await stop.wait()


async def feed_statuses(settings: Settings) -> list[records.FeedStatus]:
    """How each feed is doing, as the collector wrote it into the shared state."""
    async with _state(settings) as state:
        return await records.feed_statuses(state)


async def decide(settings: Settings, feed: str, decision: str) -> None:
    """Hand the collector the operator's decision on what is held of a feed."""
    async with _state(settings) as state:
        await records.decide(state, feed, decision)


def search(url: str, key_id: str, secret: str, body: bytes) -> tuple[Reply, hawk.Artifacts]:
    """Sign a search, send it, and return the answer with what was signed. Raises NoReply."""
    content_type = "application/json"
    now = int(SystemClock().now())
    signed = hawk.sign(hawk.target_of("POST", url), key_id, secret, now, secrets.token_urlsafe(8), content_type, body)
    headers = {
        "Authorization": hawk.authorization(signed),
        "Content-Type": content_type,
        "X-Forwarded-Proto": url.partition(":")[0],
    }
    return ask(url, "POST", headers, body), signed


def is_authentic(reply: Reply, signed: hawk.Artifacts, secret: str) -> bool:
    """Whether the answer comes, unchanged, from an API that knows the key's secret."""
    header = reply.headers.get("server-authorization", "")
    return hawk.answer_is_authentic(header, signed, secret, reply.headers.get("content-type", ""), reply.body)


def start_logging(settings: Settings, stream: TextIO) -> None:
    """Log as the settings say, hide their secrets, say their warnings, report errors where that is wanted."""
    logs.configure(settings.log_format, stream, secrets=settings.secrets())
    log = logs.Log("settings")
    for warning in settings.warnings:
        log.warning(warning)
    if settings.sentry is not None:
        if find_spec("sentry_sdk") is None:
            log.warning("SENTRY_DSN is set, but errors are not reported: pip install 'activity-stream[sentry]'")
        else:
            report_errors(settings.sentry.dsn.reveal(), settings.sentry.environment)


def say_goodbye() -> None:
    """The last line of the log."""
    logs.Log("main").info(GOODBYE)


@asynccontextmanager
async def _state(settings: Settings) -> AsyncIterator[State]:
    state = SqliteState(settings.storage.state.file, SystemClock())
    await state.open()
    try:
        yield state
    finally:
        await state.close()


@asynccontextmanager
async def _stores(settings: Settings, *, write: bool) -> AsyncIterator[tuple[Index, State]]:
    clock = SystemClock()
    index = EmbeddedIndex(settings.storage.index.directory, searchable_fields(settings.fields), clock)
    async with _state(settings) as state:
        await index.open(write=write)
        try:
            yield index, state
        finally:
            await index.close()


async def _collect(settings: Settings, index: Index, state: State, metrics: Metrics, stop: asyncio.Event) -> None:
    """Collect until `stop`, or until cancelled."""
    clock = SystemClock()
    max_bytes = settings.collect.max_page_bytes
    fetchers = [HttpFetcher(clock, max_page_bytes=max_bytes, on_answer=_observer(metrics)) for _ in settings.feeds]
    plans = [_plan(settings, feed, fetcher, clock) for feed, fetcher in zip(settings.feeds, fetchers, strict=True)]
    owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    try:
        await Supervisor(plans, index, state, clock, logs.Log("outgoing"), metrics, owner).run(stop)
    finally:
        for fetcher in fetchers:
            await fetcher.close()


def _observer(metrics: Metrics) -> Callable[[str, int, float, int], None]:
    """Counts each answer of a source: its host, status, seconds and bytes."""

    def observe(host: str, status: int, seconds: float, size: int) -> None:
        metrics.observe_request(host, str(status), seconds)
        metrics.count_response(host, status, size)

    return observe


def _plan(settings: Settings, feed: FeedSettings, fetcher: HttpFetcher, clock: Clock) -> FeedPlan:
    source = FeedSource(
        unique_id=feed.unique_id,
        type=feed.type,
        seed=feed.seed,
        auth=str(feed.auth),
        key_id=feed.access_key_id,
        secret=feed.secret_access_key.reveal(),
        allowed_hosts=tuple(sorted(feed.allowed_hosts)),
        hawk=lambda key_id, secret: hawk.HawkSigner(key_id, secret, clock.now),
    )
    return FeedPlan(
        unique_id=feed.unique_id,
        feed_type=make_feed_type(source),
        fetcher=fetcher,
        allowed_hosts=source.allowed_hosts,
        full_ingest_interval=feed.rhythm.full_ingest_interval,
        full_ingest_page_interval=feed.rhythm.full_ingest_page_interval,
        updates_page_interval=feed.rhythm.updates_page_interval,
        exception_intervals=feed.rhythm.exception_intervals,
        down_grace_period=feed.rhythm.down_grace_period,
        disable_updates=feed.rhythm.disable_updates,
        publish_min_ratio=feed.publish_min_ratio,
        stall_timeout=settings.collect.stall_timeout,
    )


@asynccontextmanager
async def _stopping(work: Awaitable[None], stop: asyncio.Event) -> AsyncIterator[None]:
    """Run `work` beside the block: its failure stops the block, and the block's end cancels it."""
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda _: stop.set())
    try:
        yield
    finally:
        if stop.is_set() and not task.done():
            await asyncio.wait([task], timeout=SHUTDOWN_SECONDS)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def _served(
    settings: Settings,
    index: Index,
    state: State,
    metrics: Metrics | None,
    listening: socket.socket | None = None,
) -> AsyncIterator[str]:
    """The API, at the address that comes out."""
    clock, log = SystemClock(), logs.Log("incoming")
    feeds = {feed.unique_id: feed.rhythm.down_grace_period for feed in settings.feeds}
    parts = Parts(
        index=index,
        state=state,
        clock=clock,
        log=log,
        health=lambda: health(state, clock, feeds),
        exposition=lambda: _exposition(state, metrics),
        started_at=clock.now(),
        keys=_keys(settings),
        whitelist=settings.api.whitelist,
        max_body_bytes=settings.api.max_body_bytes,
        cursor_expiry=settings.api.cursor_expiry,
    )
    with listening or bound(settings.api.host, settings.api.port) as own:
        async with _site(make_app(parts), own):
            if listening is None:
                log.info(f"Listening on {_url(own)}")
            yield _url(own)


def _keys(settings: Settings) -> Mapping[str, Key]:
    return {name: Key(each.secret.reveal(), each.caller) for name, each in settings.callers.items()}


async def _exposition(state: State, metrics: Metrics | None) -> bytes:
    """The process's own metrics where it collects, otherwise the collectors' as they left them in the state."""
    if metrics is not None:
        return metrics.exposition()
    collected: Sequence[bytes] = []
    with suppress(ActivityStreamError):
        collected = await collector_metrics(state)
    return merge(Metrics().exposition(), collected)


@asynccontextmanager
async def _site(app: web.Application, listening: socket.socket) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        yield
    finally:
        await runner.cleanup()


def bound(host: str, port: int) -> socket.socket:
    """A socket that has the address. Raises CannotServe where it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise CannotServe(
            f"PORT {port} of {host} cannot be had ({error.strerror}); set another PORT or HOST"
        ) from error
    return found


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{name}:{port}"
