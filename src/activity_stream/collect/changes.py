"""The record of changes, kept in step with what readers see of a feed.

    an updates page    what is there? --> intent --> written --> recorded, the intent is over
    publishing         published (the state still says: the one before) --> how do they differ? --> recorded
                       --> the state says so

The intent, and the generation that the record has come to, are in the shared state: whatever ends the collector in
between, the next one makes up for it (`settle`). Where it cannot, because what the ledger knew of the generation before
went with the process, the record is cut, and who follows it begins anew. A change may be recorded twice, or although
nothing came of it: it says that something is to be looked at again, and what is seen then is what counts.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from activity_stream.collect.lease import Lease
from activity_stream.collect.records import read_record
from activity_stream.model import Activity, Alias, Change, Generation, Known, WriteReport
from activity_stream.naming import id_problem
from activity_stream.ports import ChangeLog, Clock, Index, Ledger, State

PURGE_SECONDS = 3600.0
MARGIN_SECONDS = 86_400.0
"""What is older than the retention is kept so much longer: a cursor is good for as long as its time says, whatever the
clocks of those who wrote what comes behind it."""

_ASKED_FOR = 1_000

MarksOf = Callable[[Alias, bytes], tuple[str, ...]]


class ChangesRecord(msgspec.Struct, frozen=True):
    """What the state says of a feed's record of changes, under `changes:{feed}`.

    `published`: the id of the generation that it has come to; `marked`: the fields whose values its marks are, by
    alias; `intent`: what is being written to that generation.
    """

    published: str | None
    marked: Mapping[str, tuple[str, ...]]
    intent: tuple[Change, ...] = ()


class Keeping(msgspec.Struct, frozen=True):
    """What records of changes are kept with. `retention` in seconds; `marked` and `marks_of` are of `search/marks`."""

    log: ChangeLog
    ledger: Ledger
    retention: float
    marked: Mapping[str, tuple[str, ...]]
    marks_of: MarksOf


class FeedChanges:
    """One feed's, for as long as one worker has the feed. All methods that record something raise LeaseLost."""

    def __init__(self, feed: str, keeping: Keeping, index: Index, state: State, clock: Clock, lease: Lease) -> None:
        self._feed = feed
        self._log = keeping.log
        self._ledger = keeping.ledger
        self._keeping = keeping
        self._index = index
        self._state = state
        self._clock = clock
        self._lease = lease
        self._record: ChangesRecord | None = None
        self._mine: set[str] = set()
        self._purged: float | None = None

    async def begun(self, generation: Generation) -> None:
        """A generation is empty, and all that it will hold is going to be noted."""
        await self._begin(generation.id)
        await self._ledger.complete(generation.id)

    async def wrote(
        self, generations: Sequence[Generation], activities: Sequence[Activity], report: WriteReport
    ) -> None:
        """Note what was written to generations, as far as these are noted."""
        targets = [each.id for each in generations if each.id in self._mine]
        if not targets:
            return
        known = [self._known(alias, name, source) for alias, name, source in _documents(activities)]
        refused = [(each.alias, each.id) for each in report.refused]
        for target in targets:
            await self._ledger.put(target, known)
            if refused:
                await self._ledger.take(target, refused)

    async def learn(self, published: Generation | None, on_some: Callable[[], None] | None = None) -> None:
        """Read what readers see, unless it is known already; it may be written to meanwhile. `on_some` is told each
        time that some of it is known."""
        if published is None or (published.id in self._mine and await self._ledger.is_complete(published.id)):
            return
        await self._begin(published.id)
        for alias in Alias:
            async for found in self._index.documents(published, alias):
                known = [self._known(alias, each.id, each.source) for each in found]
                await self._ledger.put(published.id, known, older=True)
                if on_some is not None:
                    on_some()
        await self._ledger.complete(published.id)

    async def unsure(self, generations: Sequence[Generation]) -> None:
        """It is not known what these hold now."""
        for each in generations:
            if each.id in self._mine:
                self._mine.discard(each.id)
                await self._ledger.forget(each.id)

    async def intend(self, published: Generation, activities: Sequence[Activity]) -> tuple[Change, ...]:
        """What writing these will change of what readers see; it is going to be recorded, whatever comes between. What
        was left to be recorded before comes first."""
        if self._record is None or self._record.intent or self._record.published != published.id:
            await self.settle(published)
        coming = {(alias, name): source for alias, name, source in _documents(activities)}
        changes: list[Change] = []
        for alias in Alias:
            names = [name for at, name in coming if at is alias]
            for start in range(0, len(names), _ASKED_FOR):
                some = names[start : start + _ASKED_FOR]
                there = await self._there(published, alias, some)
                changes += [
                    Change(
                        alias,
                        name,
                        None if name not in there else self._keeping.marks_of(alias, there[name]),
                        self._keeping.marks_of(alias, coming[alias, name]),
                    )
                    for name in some
                    if name not in there or _digest(there[name]) != _digest(coming[alias, name])
                ]
        found = tuple(changes)
        if found:
            await self._store(ChangesRecord(published.id, self._keeping.marked, found))
        return found

    async def came(self, changes: tuple[Change, ...]) -> None:
        """What was intended is written."""
        if changes and self._record is not None:
            await self._append(changes)
            await self._store(msgspec.structs.replace(self._record, intent=()))

    async def settle(self, published: Generation | None) -> None:
        """Bring the record to what readers see now, whatever happened before."""
        record = self._record or await read_record(self._state, f"changes:{self._feed}", ChangesRecord)
        now = None if published is None else published.id
        if record is not None and record.intent:
            await self._append(record.intent)
        if record is None and now is None:
            record = ChangesRecord(None, self._keeping.marked)
        if record is None or record.marked != self._keeping.marked:
            await self._log.cut(self._clock.now())
        elif record.published != now:
            await self._compare(record.published, published)
        await self._store(ChangesRecord(now, self._keeping.marked))
        await self._purge()

    async def keep_only(self, *generations: Generation | None) -> None:
        """Let go of what is known of any other generation."""
        for name in self._mine - {each.id for each in generations if each is not None}:
            self._mine.discard(name)
            await self._ledger.forget(name)

    async def _compare(self, before: str | None, published: Generation | None) -> None:
        if before is not None and not (before in self._mine and await self._ledger.is_complete(before)):
            await self._log.cut(self._clock.now())
            return
        await self.learn(published)
        # What is gone has the next number, however long the rest takes: numbers tell a reader nothing of what it is.
        number = await self._log.number(self._feed, self._clock.now())
        async for changes in self._ledger.changes(before, None if published is None else published.id):
            self._lease.check()
            is_there = changes[0].after is not None
            await self._log.append(self._feed, number if is_there else number + 1, changes)
        if before is not None:
            self._mine.discard(before)
            await self._ledger.forget(before)

    async def _append(self, changes: Sequence[Change]) -> None:
        number = await self._log.number(self._feed, self._clock.now())
        self._lease.check()
        await self._log.append(self._feed, number, sorted(changes, key=lambda each: (each.alias, each.id)))

    async def _begin(self, name: str) -> None:
        self._mine.add(name)
        await self._ledger.begin(name)

    async def _there(self, published: Generation, alias: Alias, names: Sequence[str]) -> dict[str, bytes]:
        """What readers see of this feed under these ids. Raises IndexUnavailable."""
        body = {"size": 10 * _ASKED_FOR, "track_total_hits": False, "query": {"ids": {"values": list(names)}}}
        answer = await self._index.search(alias, msgspec.json.encode(body))
        hits = msgspec.json.decode(answer.body, type=_Answer).hits.hits
        return {hit.id: bytes(hit.source) for hit in hits if hit.index.endswith(published.id)}

    def _known(self, alias: Alias, name: str, source: bytes) -> Known:
        return Known(alias, name, _digest(source), self._keeping.marks_of(alias, source))

    async def _store(self, record: ChangesRecord) -> None:
        if record != self._record:
            self._lease.check()
            await self._state.set(f"changes:{self._feed}", msgspec.json.encode(record))
            self._record = record

    async def _purge(self) -> None:
        now = self._clock.monotonic()
        if self._purged is None or now - self._purged >= PURGE_SECONDS:
            kept = self._keeping.retention + MARGIN_SECONDS
            await self._log.purge(int((self._clock.now() - kept) * 1_000_000))
            self._purged = now


async def marked_fields(state: State) -> list[Mapping[str, tuple[str, ...]]]:
    """The fields, by alias, whose values the record of changes has, for each feed. Raises StateUnavailable."""
    found = await state.scan("changes:")
    return [msgspec.json.decode(value, type=ChangesRecord).marked for value in found.values()]


class _Hit(msgspec.Struct, frozen=True):
    index: str = msgspec.field(name="_index")
    id: str = msgspec.field(name="_id")
    source: msgspec.Raw = msgspec.field(name="_source")


class _Hits(msgspec.Struct, frozen=True):
    hits: list[_Hit]


class _Answer(msgspec.Struct, frozen=True):
    hits: _Hits


def _documents(activities: Sequence[Activity]) -> list[tuple[Alias, str, bytes]]:
    """The documents that activities are stored as, in the order of writing, without those that no index can store."""
    found = []
    for each in activities:
        found.append((Alias.ACTIVITIES, each.id, each.source))
        if each.object_id is not None and each.object_source is not None:
            found.append((Alias.OBJECTS, each.object_id, each.object_source))
    return [each for each in found if not id_problem(each[1])]


def _digest(source: bytes) -> int:
    """Of what an index gives back: a server may have it with blanks for line breaks. Good for this process alone."""
    return hash(source.strip().replace(b"\n", b" "))
