"""The parts that settings ask for: the collector, the API, the log."""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from typing import TextIO

import msgspec

from activity_stream import hawk, logs
from activity_stream.adapters.clock import SystemClock
from activity_stream.adapters.http import HttpFetcher
from activity_stream.adapters.sentry import report_errors
from activity_stream.api.app import make_app
from activity_stream.api.guard import Key
from activity_stream.api.limits import Limits
from activity_stream.api.parts import Parts
from activity_stream.collect.changes import Keeping, marked_fields
from activity_stream.collect.health import collector_metrics, health
from activity_stream.collect.plan import FeedPlan
from activity_stream.collect.supervise import Supervisor
from activity_stream.compose.listening import SHUTDOWN_SECONDS, bound, site, url_of
from activity_stream.compose.stores import Stores, make_ledger
from activity_stream.errors import ActivityStreamError
from activity_stream.feeds.base import FeedSource
from activity_stream.feeds.registry import make_feed_type
from activity_stream.fields import searchable_fields
from activity_stream.metrics import Metrics, merge
from activity_stream.model import Alias
from activity_stream.ports import ChangeLog, Clock, State
from activity_stream.search.marks import MarkedFields
from activity_stream.settings import FeedSettings, Settings


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


class Collector(msgspec.Struct, frozen=True):
    """A process's collecting: its name among all that share the state, and what it measures."""

    owner: str
    metrics: Metrics


def make_collector() -> Collector:
    """One that never was before."""
    return Collector(f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}", Metrics())


async def collect(settings: Settings, stores: Stores, collector: Collector, stop: asyncio.Event) -> None:
    """Collect until `stop`, or until cancelled."""
    clock = SystemClock()
    owner, metrics = collector.owner, collector.metrics
    max_bytes = settings.collect.max_page_bytes
    fetchers = [HttpFetcher(clock, max_page_bytes=max_bytes, on_answer=_observer(metrics)) for _ in settings.feeds]
    plans = [_plan(settings, feed, fetcher, clock) for feed, fetcher in zip(settings.feeds, fetchers, strict=True)]
    try:
        async with _keeping(settings, stores.changes) as keeping:
            log = logs.Log("outgoing")
            supervisor = Supervisor(plans, stores.index, stores.state, clock, log, metrics, owner, keeping)
            await supervisor.run(stop)
    finally:
        for fetcher in fetchers:
            await fetcher.close()


@asynccontextmanager
async def _keeping(settings: Settings, log: ChangeLog | None) -> AsyncIterator[Keeping | None]:
    """What changes are recorded with; None where they are not."""
    if log is None:
        yield None
        return
    fields = MarkedFields((each.caller for each in settings.callers.values()), searchable_fields(settings.fields))
    ledger = make_ledger(settings)
    try:
        marked = {str(alias): fields.names(alias) for alias in Alias}
        yield Keeping(log, ledger, settings.changes_retention, marked, fields.of)
    finally:
        await ledger.close()


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
async def stopping(work: Awaitable[None], stop: asyncio.Event) -> AsyncIterator[None]:
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
async def served(
    settings: Settings,
    stores: Stores,
    collector: Collector | None,
    listening: socket.socket | None = None,
) -> AsyncIterator[str]:
    """The API, at the address that comes out."""
    clock, log, state = SystemClock(), logs.Log("incoming"), stores.state
    feeds = {feed.unique_id: feed.rhythm.down_grace_period for feed in settings.feeds}
    parts = Parts(
        index=stores.index,
        fields=searchable_fields(settings.fields),
        state=state,
        clock=clock,
        log=log,
        health=lambda: health(state, clock, feeds),
        exposition=lambda: exposition(state, collector),
        started_at=clock.now(),
        keys=_keys(settings),
        whitelist=settings.api.whitelist,
        max_body_bytes=settings.api.max_body_bytes,
        cursor_expiry=settings.api.cursor_expiry,
        changes=stores.changes,
        changes_retention=settings.changes_retention,
        marked=lambda: marked_fields(state),
    )
    with listening or bound(settings.api.host, settings.api.port) as own:
        async with site(make_app(parts), own):
            if listening is None:
                log.info(f"Listening on {url_of(own)}")
            yield url_of(own)


def _keys(settings: Settings) -> Mapping[str, Key]:
    return {
        name: Key(each.secret.reveal(), each.caller, Limits(each.per_second, each.at_once))
        for name, each in settings.callers.items()
    }


async def exposition(state: State, collector: Collector | None) -> bytes:
    """The metrics of all collectors: this process's own, where it collects, as they are now, the others' as they left
    them in the state. While the state does not answer, its own alone."""
    own, besides = (collector.metrics, collector.owner) if collector else (Metrics(), None)
    others: Sequence[bytes] = []
    with suppress(ActivityStreamError):
        others = await collector_metrics(state, besides=besides)
    return merge(own.exposition(), others)
