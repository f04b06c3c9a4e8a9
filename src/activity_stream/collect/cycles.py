"""The two cycles of a feed, each as one run: a full ingest, and a poll for updates.

    full      begin a generation; seed, next, next, ...: each page into it; publish it, or hold it; the cursor moves
              to the last page
    updates   the cursor's page, next, next, ...: each page into all generations; the cursor moves to the last page

Both go through the feed's pipeline, page by page, so that either can have its turn between two pages of the other.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from activity_stream.collect.generations import Build, Generations
from activity_stream.collect.keeping import FeedRecords, shown
from activity_stream.collect.pipeline import Fetched, Pipeline
from activity_stream.collect.plan import FeedPlan
from activity_stream.collect.progress import Progress
from activity_stream.errors import ActivityStreamError, SourceError
from activity_stream.feeds.walk import Walk
from activity_stream.logs import Log
from activity_stream.metrics import Metrics, Outcome, Stage
from activity_stream.model import IngestType, WriteReport
from activity_stream.ports import Clock


class PageLedger:
    """Tells the status, the metrics and the log what became of each page of one cycle."""

    def __init__(self, ingest_type: IngestType, records: FeedRecords, clock: Clock, log: Log, metrics: Metrics) -> None:
        self._type = ingest_type
        self._records = records
        self._clock = clock
        self._log = log
        self._metrics = metrics
        self._feed = records.status.feed

    def wrote(self, fetched: Fetched, report: WriteReport) -> None:
        """The page was written; each item that is not stored is named."""
        refused = {(each.alias, each.id) for each in report.refused}
        self._metrics.count_activities(self._feed, self._type, len(fetched.page.activities))
        self._metrics.count_skipped(self._feed, self._type, len(fetched.page.skipped))
        self._metrics.count_refused(self._feed, self._type, len(refused))
        for trouble in self._records.wrote(self._type, fetched, report):
            self._log.warning(f"Not stored: {trouble.item} of {trouble.page}: {trouble.reason}")

    @contextmanager
    def pull(self) -> Iterator[None]:
        """Measures the fetching of a page."""
        began = self._clock.monotonic()
        try:
            yield
        except ActivityStreamError:
            self._observe(Stage.PULL, Outcome.FAILURE, began)
            self._observe(Stage.TOTAL, Outcome.FAILURE, began)
            raise

    @contextmanager
    def push(self, fetched: Fetched) -> Iterator[None]:
        """Measures the writing of a page, and its whole way."""
        began = self._clock.monotonic()
        outcome = Outcome.FAILURE
        self._metrics.observe_page(self._feed, self._type, Stage.PULL, Outcome.SUCCESS, fetched.seconds)
        try:
            yield
            outcome = Outcome.SUCCESS
        finally:
            self._observe(Stage.PUSH, outcome, began)
            self._observe(Stage.TOTAL, outcome, fetched.began)

    def refreshed(self, began: float) -> None:
        """What was written since a moment (`Clock.monotonic`) is visible to readers now."""
        self._metrics.observe_refresh(self._feed, self._type, self._clock.monotonic() - began)

    def _observe(self, stage: Stage, outcome: Outcome, began: float) -> None:
        self._metrics.observe_page(self._feed, self._type, stage, outcome, self._clock.monotonic() - began)


class FullCycle:
    """A feed's full ingest."""

    def __init__(
        self,
        plan: FeedPlan,
        pipeline: Pipeline,
        generations: Generations,
        records: FeedRecords,
        progress: Progress,
        clock: Clock,
        log: Log,
        metrics: Metrics,
    ) -> None:
        self._plan = plan
        self._pipeline = pipeline
        self._generations = generations
        self._records = records
        self._progress = progress
        self._clock = clock
        self._log = log.with_tags(IngestType.FULL)
        self._ledger = PageLedger(IngestType.FULL, records, clock, self._log, metrics)

    async def run(self) -> None:
        """One full ingest, from the seed to the last page, published or held at its end.

        Raises SourceError, IndexUnavailable, GenerationLost, LeaseLost; then nothing that readers see has changed.
        """
        plan = self._plan
        walk = Walk(plan.feed_type, plan.feed_type.seed(), plan.allowed_hosts)
        self._records.crawl_began()
        try:
            await self._crawl(walk)
        except ActivityStreamError:
            self._generations.give_up()
            raise

    async def _crawl(self, walk: Walk) -> None:
        began = self._clock.monotonic()
        with self._ledger.pull():
            build = await self._pipeline.first_page(self._generations.begin, walk, self._write)
        # Behind the first page: a worker that has just begun has to make its build before it asks, while its source may
        # still be at work for the worker before.
        await self._generations.learn(self._progress.made)
        write = partial(self._write, build)  # one and the same for all pages: those that wait are written together
        while walk.address is not None:
            self._progress.made()
            await self._pause(self._plan.full_ingest_page_interval - (self._clock.monotonic() - began))
            build.check()
            began = self._clock.monotonic()
            with self._ledger.pull():
                await self._pipeline.page(walk, write)
        await self._generations.learn(self._progress.made)  # again, in case that it was forgotten, not in the last step
        await self._pipeline.step(partial(self._finish, build, walk.page_address or self._plan.feed_type.seed()))

    async def _write(self, build: Build, pages: Sequence[Fetched]) -> None:
        with ExitStack() as measured:
            for fetched in pages:
                measured.enter_context(self._ledger.push(fetched))
            reports = await self._generations.write_full(build, pages)
        for fetched, report in zip(pages, reports, strict=True):
            self._ledger.wrote(fetched, report)
        self._progress.made()

    async def _finish(self, build: Build, last_address: str) -> None:
        self._progress.made()
        began = self._clock.monotonic()
        verdict, counts = await self._generations.finish(build, last_address)
        if verdict.hold:
            self._log.warning(f"Held, not published: {verdict.reason} {self._plan.unique_id}")
            return
        self._ledger.refreshed(began)
        because = f": {verdict.reason}" if verdict.reason else ""
        self._log.info(f"Published {counts.activities} activities and {counts.objects} objects{because}")

    async def _pause(self, seconds: float) -> None:
        """Wait between two pages; that is no lack of progress."""
        if seconds > 0:
            self._progress.waits(seconds)
            await self._clock.sleep(seconds)


class UpdatesCycle:
    """A feed's poll for updates."""

    def __init__(
        self,
        plan: FeedPlan,
        pipeline: Pipeline,
        generations: Generations,
        records: FeedRecords,
        clock: Clock,
        log: Log,
        metrics: Metrics,
    ) -> None:
        self._plan = plan
        self._pipeline = pipeline
        self._generations = generations
        self._records = records
        self._clock = clock
        self._log = log.with_tags(IngestType.UPDATES)
        self._ledger = PageLedger(IngestType.UPDATES, records, clock, self._log, metrics)

    async def ready(self) -> bool:
        """Whether there is something to poll: updates need a published generation, and to know where it ended."""
        if self._generations.uncertain:
            await self._pipeline.step(self._generations.refresh)
        return self._generations.published is not None and self._records.cursor is not None

    async def run(self) -> None:
        """One poll, from the cursor to the last page. Raises what a full ingest raises."""
        cursor, moves = self._records.cursor, self._records.moves
        if cursor is None:
            return
        walk = Walk(self._plan.feed_type, cursor.address, self._plan.allowed_hosts)
        try:
            await self._poll(walk)
        except SourceError:
            self._records.source_failed(moves)
            raise
        self._records.polled(moves, walk.page_address or cursor.address)
        self._generations.owing = False

    async def _poll(self, walk: Walk) -> None:
        # The pages of a long poll come as fast as those of a full ingest may; the polls themselves are paced apart.
        interval = min(self._plan.full_ingest_page_interval, self._plan.updates_page_interval)
        while walk.address is not None:
            began = self._clock.monotonic()
            with self._ledger.pull():
                written = await self._pipeline.page(walk, self._write)
            await written
            if walk.address is not None:
                self._log.info(f"Going on to {shown(walk.address)}")
                await self._clock.sleep(interval - (self._clock.monotonic() - began))

    async def _write(self, pages: Sequence[Fetched]) -> None:
        for fetched in pages:
            with self._ledger.push(fetched):
                began = self._clock.monotonic()
                report = await self._generations.write_update(fetched)
            if report is not None:
                self._ledger.refreshed(began)
                self._ledger.wrote(fetched, report)
