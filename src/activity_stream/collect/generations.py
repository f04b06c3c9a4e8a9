"""A feed's generations, and what the entries of its pipeline do to them.

    published   what readers see                          updates pages go here,
    build       what the full cycle is building           here (what was visible must not vanish at the next publish),
    held        what the guard does not let be published  and here

Each method that writes is an entry of the pipeline, so no two of them run at once; each asks the lease first, and
gives its number along, so that what arrives after the lease's end changes nothing.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

from activity_stream.collect.changes import FeedChanges
from activity_stream.collect.keeping import FeedRecords
from activity_stream.collect.lease import Lease
from activity_stream.collect.pipeline import Fetched
from activity_stream.collect.publishing import Verdict, judge
from activity_stream.collect.records import Held
from activity_stream.errors import ActivityStreamError, GenerationLost, IndexUnavailable
from activity_stream.model import Activity, Alias, Counts, Generation, Refused, WriteReport
from activity_stream.ports import Clock, Index

_REMEMBERED_PAGES = 8

_ASKED_FOR = 100
"""Of so many refused documents it is asked whether readers see them."""


class Build:
    """A generation that is being built; `failure` is why it must not be published any more."""

    def __init__(self, generation: Generation) -> None:
        self.generation = generation
        self.failure: ActivityStreamError | None = None
        self.refused: dict[Alias, list[Refused]] = {alias: [] for alias in Alias}

    def wrote(self, report: WriteReport) -> None:
        """Take note of what the index refused, as far as it is asked about."""
        for each in report.refused:
            if len(self.refused[each.alias]) < _ASKED_FOR:
                self.refused[each.alias].append(each)

    def check(self) -> None:
        """Raise `failure`, if there is one."""
        if self.failure is not None:
            raise self.failure


class Generations:
    """One feed's; `ratio` is its PUBLISH_MIN_RATIO.

    `owing`: an updates page may be missing from what is held, which therefore must not be published before the next
    complete poll. `uncertain`: the index may no longer have what is remembered of it. `_late`: a publish whose answer
    was lost may come to pass even now.
    """

    def __init__(
        self,
        feed: str,
        index: Index,
        records: FeedRecords,
        lease: Lease,
        clock: Clock,
        ratio: float,
        *,
        updates: bool,
        changes: FeedChanges | None = None,
    ) -> None:
        self._feed = feed
        self._index = index
        self._records = records
        self._lease = lease
        self._clock = clock
        self._ratio = ratio
        self._updates = updates
        self._changes = changes
        self._written: dict[str, _Written] = {}
        self.published: Generation | None = None
        self.build: Build | None = None
        self.owing = updates
        self.uncertain = True
        self._late = False

    @property
    def held(self) -> Generation | None:
        """What the guard holds back, if anything."""
        record = self._records.status.held
        return None if record is None else Generation(self._feed, record.generation)

    async def refresh(self) -> None:
        """Look at what the index has, and forget what it no longer has; first of all, be the one who may change it."""
        if self._late:
            # A build that is taken for a leftover, and dropped, must not become what readers see in between.
            await self._lease.anew()
        await self._index.fence(self._feed, self._right())
        self._late = False
        self.published = (await self._index.published()).get(self._feed)
        others = [each.id for each in await self._index.unpublished() if each.feed == self._feed]
        held = self._records.status.held
        instead_of = None if self.published is None else self.published.id
        if held is not None and (held.generation not in others or held.instead_of != instead_of):
            self._records.status.held = None
        if self.build is not None and self.build.generation.id not in others:
            self.build.failure = GenerationLost("the generation that was being built is no longer in the index")
        self._written.clear()
        if self._changes is not None:
            await self._changes.settle(self.published)
        self.uncertain = False

    async def learn(self, on_some: Callable[[], None]) -> None:
        """Know what readers see, so that a full ingest can be told from it; `on_some` is told of each step."""
        await self._be_certain()
        if self._changes is not None:
            await self._changes.learn(self.published, on_some)

    async def begin(self) -> Build:
        """A new build; leftovers of crashes and of failed builds are dropped."""
        self.build = None
        await self.refresh()
        held = self.held
        leftovers = [each for each in await self._index.unpublished() if each.feed == self._feed and each != held]
        if leftovers:
            await self._index.drop(leftovers, lease=self._right())
        self.build = Build(await self._index.begin(self._feed, lease=self._right()))
        if self._changes is not None:
            await self._changes.keep_only(self.published, held)
            await self._changes.begun(self.build.generation)
        return self.build

    def give_up(self) -> None:
        """The build is not to be gone on with; what it holds is dropped when the next one begins."""
        if self.build is not None and self.build.failure is None:
            self.build.failure = GenerationLost("its full ingest was given up")
        self.build = None

    async def write_full(self, build: Build, pages: Sequence[Fetched]) -> list[WriteReport]:
        """Write pages of a full cycle into its build; what became of each."""
        build.check()
        for fetched in pages:
            self._forget_digests(fetched)
        activities = [activity for fetched in pages for activity in fetched.page.activities]
        right = self._right()
        try:
            report = await self._index.write([build.generation], activities, visible=False, lease=right)
            if self._changes is not None:
                await self._changes.wrote([build.generation], activities, report)
        except ActivityStreamError as error:
            build.failure = error
            raise
        build.wrote(report)
        return [_share(report, fetched) for fetched in pages]

    async def write_update(self, fetched: Fetched) -> WriteReport | None:
        """Write a page of a poll into all generations; None where it was there already, byte for byte."""
        aims = self._aims()
        known = self._written.get(fetched.address)
        if known is not None and known.is_same(fetched, aims):
            return None
        if not fetched.page.activities:
            return WriteReport(0)
        right = self._right()
        try:
            report = await self._write_visibly(aims, fetched.page.activities, right)
        except ActivityStreamError as error:
            self._updates_missed(error)
            if self._changes is not None:
                await self._changes.unsure(aims)
            raise
        self._forget_digests(fetched)
        self._remember(fetched, aims)
        return report

    async def _write_visibly(
        self, aims: Sequence[Generation], activities: Sequence[Activity], right: int
    ) -> WriteReport:
        """Write into what readers see, and what else there is, and record what it changes for readers."""
        if self._changes is None:
            return await self._index.write(aims, activities, visible=True, lease=right)
        coming = await self._changes.intend(aims[0], activities)
        report = await self._index.write(aims, activities, visible=True, lease=right)
        await self._changes.wrote(aims, activities, report)
        await self._changes.came(coming)
        return report

    async def finish(self, build: Build, last_address: str) -> tuple[Verdict, Counts]:
        """Publish the complete build, or hold it; and what it holds.

        Raises IndexUnavailable where the index stored nothing of it, and refused all there was.
        """
        build.check()
        counts = await self._index.count(build.generation)
        await self._check_stored(build, counts)
        before = Counts(0, 0) if self.published is None else await self._index.count(self.published)
        held = self._records.status.held
        verdict = judge(before.activities, counts.activities, self._ratio, held)
        if verdict.hold and self.published is not None:
            record = self._record(build.generation, self.published, counts, before, verdict)
            self._records.crawl_ended(last_address, record, before)
        else:
            await self._publish(build.generation)
            self._records.crawl_ended(last_address, None, counts)
        self.build = None
        await self._drop_older(held)
        return verdict, counts

    async def _check_stored(self, build: Build, counts: Counts) -> None:
        """Raise IndexUnavailable where the index refused all there was, some of it what readers see: they are not shown
        emptiness for that. Items that were never stored are at fault themselves, and keep nothing from being published.
        """
        for alias, stored in ((Alias.ACTIVITIES, counts.activities), (Alias.OBJECTS, counts.objects)):
            refused = build.refused[alias]
            if refused and not stored and await self._is_seen(alias, [each.id for each in refused]):
                raise IndexUnavailable(
                    f"the index refused all {alias} of the full ingest, one because of {refused[-1].reason} (of "
                    f"{refused[-1].id}), and has some of them from before. Nothing was published: change the index, or "
                    "the searchable fields that it was made with, so that it stores them"
                )

    async def _is_seen(self, alias: Alias, ids: Sequence[str]) -> bool:
        """Whether readers see one of these in this feed."""
        if self.published is None:
            return False
        body = {"size": 1000, "_source": False, "query": {"ids": {"values": list(ids)}}}
        answer = await self._index.search(alias, msgspec.json.encode(body))
        hits = msgspec.json.decode(answer.body, type=_Answer).hits.hits if answer.status == 200 else []
        return any(hit.index.endswith(self.published.id) for hit in hits)

    async def approve(self) -> None:
        """Publish what is held."""
        await self._be_certain()
        held = self.held
        if held is not None:
            counts = await self._index.count(held)
            await self._publish(held)
            self._records.published(counts)

    async def reject(self) -> None:
        """Drop what is held."""
        await self._be_certain()
        held = self.held
        if held is not None:
            right = self._right()
            self._records.status.held = None
            await self._index.drop([held], lease=right)

    async def _be_certain(self) -> None:
        if self.uncertain:
            await self.refresh()

    def _right(self) -> int:
        """The number of the lease, which this worker has. Raises LeaseLost unless it has it for sure."""
        self._lease.check()
        return self._lease.number or 0

    async def _publish(self, generation: Generation) -> None:
        if self._changes is not None:
            await self._changes.learn(self.published)
        right = self._right()
        try:
            await self._index.publish(generation, lease=right)
        except ActivityStreamError:
            # It may have come to pass all the same, or may do so later.
            self.uncertain = self._late = True
            raise
        self.published = generation
        if self._changes is not None:
            await self._record_changes(self._changes)

    async def _record_changes(self, changes: FeedChanges) -> None:
        """Record what publishing changed. It has come to pass: where that fails it is made up for before the next
        updates page, or the next build."""
        try:
            await changes.settle(self.published)
        except ActivityStreamError:
            self.uncertain = True

    async def _drop_older(self, record: Held | None) -> None:
        """Drop what was held before; where that fails it is a leftover that the next build drops."""
        if record is not None:
            with suppress(ActivityStreamError):
                await self._index.drop([Generation(self._feed, record.generation)], lease=self._right())

    def _record(
        self, generation: Generation, published: Generation, counts: Counts, before: Counts, verdict: Verdict
    ) -> Held:
        older = self._records.status.held
        now = self._clock.now()
        return Held(
            generation=generation.id,
            instead_of=published.id,
            activities=counts.activities,
            published=before.activities,
            reference=verdict.reference,
            agreed=verdict.agreed,
            since=now if older is None else older.since,
            at=now,
            reason=f"{verdict.reason} {self._feed}",
        )

    def _aims(self) -> list[Generation]:
        """Where an updates page goes."""
        if self.published is None:
            self.uncertain = True
            raise GenerationLost("there is no published generation that updates could be written to")
        building = self.build if self.build is not None and self.build.failure is None else None
        found = [self.published, building.generation if building else None, self.held]
        return [generation for generation in found if generation is not None]

    def _updates_missed(self, error: ActivityStreamError) -> None:
        """Readers may see a page already that is missing elsewhere: what misses it must not be published."""
        self._written.clear()
        self.owing = self._updates
        self.uncertain = True
        if self.build is not None:
            self.build.failure = error

    def _remember(self, fetched: Fetched, aims: list[Generation]) -> None:
        self._written.pop(fetched.address, None)
        if len(self._written) >= _REMEMBERED_PAGES:
            self._written.pop(next(iter(self._written)))
        self._written[fetched.address] = _Written(fetched, aims)

    def _forget_digests(self, fetched: Fetched) -> None:
        """A full page that has an item of a remembered page may hold another version of it."""
        if self._written:
            names = _names(fetched)
            self._written = {at: each for at, each in self._written.items() if each.names.isdisjoint(names)}


class _Hit(msgspec.Struct, frozen=True):
    index: str = msgspec.field(name="_index", default="")


class _Hits(msgspec.Struct, frozen=True):
    hits: list[_Hit] = []


class _Answer(msgspec.Struct, frozen=True):
    hits: _Hits = _Hits()


def _share(report: WriteReport, fetched: Fetched) -> WriteReport:
    """What a report on several pages says of one of them."""
    activities = fetched.page.activities
    if not report.refused:
        return WriteReport(len(activities))
    names = {(Alias.ACTIVITIES, each.id) for each in activities} | {
        (Alias.OBJECTS, each.object_id) for each in activities
    }
    refused = tuple(each for each in report.refused if (each.alias, each.id) in names)
    lost = {each.id for each in refused if each.alias is Alias.ACTIVITIES}
    return WriteReport(sum(each.id not in lost for each in activities), refused)


class _Written:
    """What an updates page was when it was last written, and where it was written to."""

    def __init__(self, fetched: Fetched, aims: list[Generation]) -> None:
        self.names = _names(fetched)
        self._digest = fetched.digest
        self._aims = aims

    def is_same(self, fetched: Fetched, aims: list[Generation]) -> bool:
        """Whether writing the page there would change nothing."""
        return fetched.digest == self._digest and aims == self._aims


def _names(fetched: Fetched) -> set[str]:
    names = {activity.id for activity in fetched.page.activities}
    names.update(activity.object_id for activity in fetched.page.activities if activity.object_id is not None)
    return names
