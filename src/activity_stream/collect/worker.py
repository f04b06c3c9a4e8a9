"""One feed, for ever: its lease, and under it the two cycles, their waits and their failures.

wait until the feed is this collector's, and for the lease
    --> together, until one of them ends:
          lease kept . records stored . writer . full cycles . updates cycles . operator's word
        lease lost --> wait for it again
        the feed is another collector's now, and no long full ingest is under way --> hand it over, and wait again
        stalled, or an error nobody thought of --> all of it anew
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from activity_stream.collect.changes import FeedChanges, Keeping
from activity_stream.collect.cycles import FullCycle, UpdatesCycle
from activity_stream.collect.generations import Generations
from activity_stream.collect.keeping import FeedRecords
from activity_stream.collect.lease import Lease, LeasedFetcher
from activity_stream.collect.pipeline import Pipeline
from activity_stream.collect.plan import FeedPlan
from activity_stream.collect.progress import Progress
from activity_stream.collect.records import DECISIONS
from activity_stream.collect.sharing import Sharing
from activity_stream.collect.together import until_first
from activity_stream.errors import ActivityStreamError, LeaseLost, Stalled, StateUnavailable
from activity_stream.logs import Log
from activity_stream.metrics import Metrics, Outcome
from activity_stream.model import IngestType
from activity_stream.ports import Clock, Index, State
from activity_stream.retry import failure_wait

_TICK_SECONDS = 1.0
_GOODBYE_SECONDS = 2.0
_RETRY_SECONDS = 0.5

YOUNG_SECONDS = 30.0
"""A full ingest that is younger is given up when the feed is to be handed over; an older one is brought to its end."""

SETTLING_SECONDS = 3.0
"""How long a worker keeps a feed at least: a collector that comes back right after its feeds were taken over would get
them back before their new worker has asked for anything, and the source would be left alone twice as long."""


class FeedWorker:
    """Works on one feed whenever `sharing` gives it to this collector and it has the lease."""

    def __init__(
        self,
        plan: FeedPlan,
        index: Index,
        state: State,
        clock: Clock,
        log: Log,
        metrics: Metrics,
        sharing: Sharing,
        keeping: Keeping | None = None,
    ) -> None:
        self._plan = plan
        self._index = index
        self._state = state
        self._clock = clock
        self._log = log.with_tags(plan.unique_id)
        self._metrics = metrics
        self._records = FeedRecords(state, clock, plan.unique_id)
        self._lease = Lease(state, clock, self._log, plan.unique_id, sharing.owner)
        self._sharing = sharing
        self._keeping = keeping
        self._full_since: float | None = None
        self._loaded = False

    async def run(self) -> None:
        """For ever: wait for the feed and its lease, then work until it is lost or is to be handed over. Cancelled, it
        gives the lease back."""
        try:
            while True:
                await self._lease.acquire(partial(self._sharing.until, self._plan.unique_id, ours=True))
                await self._work_until_it_ends()
        finally:
            await self._say_goodbye()

    async def _work_until_it_ends(self) -> None:
        self._loaded = False
        try:
            await until_first(self._lease.keep(), self._work(), self._to_be_handed_over())
        except LeaseLost as error:
            self._log.warning(f"Stopped working on the feed: {error}")
            # Whatever refuses this worker's right is not to be asked without a pause.
            await self._clock.sleep(_RETRY_SECONDS)
        else:
            await self._say_goodbye()
            self._log.info("Handed the feed over to another collector")
        finally:
            self._metrics.set_held(self._plan.unique_id, 0)

    async def _to_be_handed_over(self) -> None:
        """Return when the feed is another collector's and can be let go of: no full ingest under way is lost but a
        young one. A crawl of days is not thrown away for evenness."""
        await self._clock.sleep(SETTLING_SECONDS)
        while True:
            await self._sharing.until(self._plan.unique_id, ours=False)
            if self._full_since is None or self._clock.monotonic() - self._full_since < YOUNG_SECONDS:
                return
            await self._clock.sleep(_RETRY_SECONDS)

    async def _say_goodbye(self) -> None:
        """Store the records and give the lease back, so that whoever comes next has both at once."""
        await until_first(self._let_go(), self._clock.sleep(_GOODBYE_SECONDS))

    async def _let_go(self) -> None:
        # Without a state the lease ends by itself. Records that are not yet read are not to be written over.
        with suppress(StateUnavailable):
            if self._loaded and self._lease.is_held():
                await self._records.flush()
        with suppress(StateUnavailable):
            await self._lease.release()

    async def _work(self) -> None:
        """Work under the lease, for ever. Raises LeaseLost."""
        await self._load()
        while True:
            try:
                await self._session()
            except Stalled:
                # What was asked of the index and hangs may land at any time: by a larger number it can be kept out.
                with suppress(StateUnavailable):
                    await self._lease.anew()
            except LeaseLost:
                raise
            except Exception as error:  # noqa: BLE001 - the supervisor: whatever it is, it is this feed's trouble only
                self._log.error("Working on the feed failed in a way that nobody thought of", error)
                await self._clock.sleep(self._failed(IngestType.FULL, f"{type(error).__name__}: {error}"))

    async def _load(self) -> None:
        while not self._loaded:
            try:
                await self._records.load()
                if self._keeping is None:
                    # What is written now is not recorded: whoever records again must not go on from there.
                    await self._state.delete(f"changes:{self._plan.unique_id}")
                self._loaded = True
            except StateUnavailable:
                await self._clock.sleep(_TICK_SECONDS)

    async def _session(self) -> None:
        """All that goes on under the lease, with everything but the records new. Raises LeaseLost, Stalled, and
        what nobody thought of."""
        plan, clock, log = self._plan, self._clock, self._log
        progress = Progress(clock, plan.stall_timeout)
        pipeline = Pipeline(LeasedFetcher(plan.fetcher, self._lease), progress, clock)
        keeping = self._keeping
        changes = (
            None
            if keeping is None
            else FeedChanges(plan.unique_id, keeping, self._index, self._state, clock, self._lease)
        )
        generations = Generations(
            plan.unique_id,
            self._index,
            self._records,
            self._lease,
            clock,
            plan.publish_min_ratio,
            updates=not plan.disable_updates,
            changes=changes,
        )
        full = FullCycle(plan, pipeline, generations, self._records, progress, clock, log, self._metrics)
        works = [pipeline.run(), self._full_cycles(full, progress), self._decisions(pipeline, generations)]
        if not plan.disable_updates:
            updates = UpdatesCycle(plan, pipeline, generations, self._records, clock, log, self._metrics)
            works.append(self._updates_cycles(updates))
        try:
            await until_first(*works, self._flushes())
        finally:
            if changes is not None:
                await changes.keep_only()

    async def _full_cycles(self, cycle: FullCycle, progress: Progress) -> None:
        """Full ingests, for ever."""
        if self._records.status.full_failures:
            await self._clock.sleep(failure_wait(self._records.status.full_failures, self._plan.exception_intervals))
        log = self._log.with_tags(IngestType.FULL)
        while True:
            began = self._clock.monotonic()
            try:
                with log.step("Full ingest"):
                    await self._measured(IngestType.FULL, lambda: until_first(cycle.run(), progress.watch()))
            except LeaseLost:
                raise
            except Stalled as error:
                self._records.status.stalled += 1
                self._metrics.count_stalled(self._plan.unique_id, IngestType.FULL)
                self._failed(IngestType.FULL, error)
                raise
            except ActivityStreamError as error:
                await self._clock.sleep(self._failed(IngestType.FULL, error))
            else:
                await self._clock.sleep(self._plan.full_ingest_interval - (self._clock.monotonic() - began))

    async def _updates_cycles(self, cycle: UpdatesCycle) -> None:
        """Polls for updates, for ever."""
        log = self._log.with_tags(IngestType.UPDATES)
        while True:
            began = self._clock.monotonic()
            try:
                ready = await cycle.ready()
                if ready:
                    await self._measured(IngestType.UPDATES, cycle.run)
            except LeaseLost:
                raise
            except ActivityStreamError as error:
                log.warning(f"Polling for updates failed: {type(error).__name__}: {error}")
                await self._clock.sleep(self._failed(IngestType.UPDATES, error))
            else:
                # Until there is something to poll, an interval of 0 must not keep the full ingest from its work.
                interval = self._plan.updates_page_interval
                interval = interval if ready else max(interval, _TICK_SECONDS)
                await self._clock.sleep(interval - (self._clock.monotonic() - began))

    async def _measured(self, ingest_type: IngestType, run: Callable[[], Awaitable[None]]) -> None:
        """Run a cycle once, and measure it."""
        began = self._clock.monotonic()
        outcome = Outcome.CANCELLED
        if ingest_type is IngestType.FULL:
            self._full_since = began
        try:
            with self._metrics.in_progress():
                await run()
            outcome = Outcome.SUCCESS
        except ActivityStreamError:
            outcome = Outcome.FAILURE
            raise
        finally:
            seconds = self._clock.monotonic() - began
            if ingest_type is IngestType.FULL:
                self._full_since = None
            self._metrics.observe_feed(self._plan.unique_id, ingest_type, outcome, seconds)

    def _failed(self, ingest_type: IngestType, error: ActivityStreamError | str) -> float:
        """Take note of a failure: the seconds to wait now."""
        failures = self._records.failed(ingest_type, error)
        return failure_wait(failures, self._plan.exception_intervals)

    async def _flushes(self) -> None:
        """Store the records each second, for ever; without a state they are stored when it is back."""
        while True:
            # This process may have been stopped for a while: what it knew is not to be written over what others know.
            self._lease.check()
            try:
                await self._records.flush()
            except StateUnavailable as error:
                self._log.warning(f"The feed's status could not be stored: {error}")
            self._metrics.set_held(self._plan.unique_id, int(self._records.status.held is not None))
            await self._clock.sleep(_TICK_SECONDS)

    async def _decisions(self, pipeline: Pipeline, generations: Generations) -> None:
        """Look each second for the operator's word on what is held, for ever, and do as it says."""
        word = ""
        while True:
            await self._clock.sleep(_TICK_SECONDS)
            try:
                if generations.held is None or not self._records.held_stored:
                    word = ""
                    continue
                word = word or await self._operators_word()
                if word and await self._act(word, pipeline, generations):
                    word = ""
            except LeaseLost:
                raise
            except ActivityStreamError as error:
                self._log.warning(f"The operator's decision could not be carried out yet: {error}")

    async def _operators_word(self) -> str:
        """The word, taken out of the state, so that it is never taken for one on something held later."""
        key = f"decision:{self._plan.unique_id}"
        self._lease.check()
        value = await self._state.get(key)
        if value is None:
            return ""
        await self._state.delete(key)
        word = value.decode(errors="replace")
        return word if word in DECISIONS else ""

    async def _act(self, word: str, pipeline: Pipeline, generations: Generations) -> bool:
        """Whether it is done: a generation that may miss an update waits for the next poll first."""
        if word == "approve" and generations.owing:
            self._records.status.decision = "approved: published after the next complete poll for updates"
            return False
        await pipeline.step(generations.approve if word == "approve" else generations.reject)
        self._records.status.decision = "approved and published" if word == "approve" else "rejected and dropped"
        self._log.info(f"The operator's decision on what was held: {self._records.status.decision}")
        return True
