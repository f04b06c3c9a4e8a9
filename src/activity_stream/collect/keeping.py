"""What the collector knows of a feed: in memory first, in the shared state a moment later.

A cycle never waits for the state. What a crash loses is harmless: an older cursor only asks for pages again, a
generation whose holding was not noted is dropped and held anew.
"""

import re

import msgspec

from activity_stream.collect.pipeline import Fetched
from activity_stream.collect.records import CrawlCounts, Cursor, FeedStatus, Held, Trouble, read_record
from activity_stream.errors import ActivityStreamError
from activity_stream.model import Alias, Counts, IngestType, WriteReport
from activity_stream.ports import Clock, State

_FOR_EVER = 10 * 365 * 86_400.0
_SECRET = re.compile(r"([?&][^=&]*(?:token|key|secret|passw|auth|sig)[^=&]*=)[^&]*", re.IGNORECASE)


class FeedRecords:
    """One feed's cursor and status.

    `held_stored`: an operator can know that something is held.
    `moves` counts how often a full cycle moved the cursor: a poll that began before does not move it back.
    """

    def __init__(self, state: State, clock: Clock, feed: str) -> None:
        self._state = state
        self._clock = clock
        self._feed = feed
        self._stored: dict[str, bytes | None] = {}
        self.held_stored = False
        self.cursor: Cursor | None = None
        self.moves = 0
        self.status = FeedStatus(feed)

    async def load(self) -> None:
        """Take over what is in the state, another worker's too. Raises StateUnavailable."""
        await self._state.add(f"since:{self._feed}", repr(self._clock.now()).encode(), _FOR_EVER)
        self.cursor = await read_record(self._state, f"cursor:{self._feed}", Cursor)
        status = await read_record(self._state, f"status:{self._feed}", FeedStatus) or FeedStatus(self._feed)
        status.crawl = None
        status.full_failures = status.updates_failures = 0
        self.status = status
        self._stored.clear()
        self.held_stored = status.held is not None

    async def flush(self) -> None:
        """Store what changed. Raises StateUnavailable."""
        if self.status.held is not None and not self.held_stored:
            # An old word of the operator's is not about what is held from now on.
            await self._state.delete(f"decision:{self._feed}")
        await self._store(f"cursor:{self._feed}", self.cursor)
        await self._store(f"status:{self._feed}", self.status)
        self.held_stored = self.status.held is not None

    async def _store(self, key: str, record: msgspec.Struct | None) -> None:
        if record is None:
            return
        value = msgspec.json.encode(record)
        if self._stored.get(key) != value:
            await self._state.set(key, value)
            self._stored[key] = value

    def crawl_began(self) -> None:
        """A full cycle begins."""
        self.status.crawl = CrawlCounts(self._clock.now())

    def crawl_ended(self, last_address: str, held: Held | None, published: Counts) -> None:
        """A full cycle is complete: what it crawled is published, or `held`; `published` is what readers see now."""
        now = self._clock.now()
        self.status.last_crawl, self.status.crawl = self.status.crawl, None
        self.status.completed_at = now
        self.status.full_failures = 0
        self.moves += 1
        if held is None or self.cursor is None:
            self.cursor = Cursor(last_address)
            self.published(published)
        else:
            # Readers keep the old generation, and the crawl may have met what they have not seen yet: the polls have
            # to come by it once more before they go on where the crawl ended.
            self.cursor = Cursor(self.cursor.address, then=last_address)
            self.status.held = held

    def published(self, counts: Counts) -> None:
        """Readers see another generation now; nothing is held any more."""
        self.status.published_at = self._clock.now()
        self.status.activities, self.status.objects = counts.activities, counts.objects
        self.status.held = None

    def polled(self, moves: int, last_address: str) -> None:
        """A poll for updates is complete; `moves` is what it was when the poll began."""
        self.status.updated_at = self._clock.now()
        self.status.updates_failures = 0
        if moves == self.moves and self.cursor is not None:
            self.cursor = Cursor(self.cursor.then or last_address)

    def source_failed(self, moves: int) -> None:
        """A poll for updates failed for the source's sake: an address that the source has forgotten is given up."""
        if moves == self.moves and self.cursor is not None and self.cursor.then is not None:
            self.cursor = Cursor(self.cursor.then)

    def failed(self, ingest_type: IngestType, error: ActivityStreamError | str) -> int:
        """A cycle failed: how often now, in a row."""
        self.status.error = f"{ingest_type}: {error}"[:1000]
        self.status.error_at = self._clock.now()
        if ingest_type is IngestType.FULL:
            self.status.crawl = None
            self.status.full_failures += 1
            return self.status.full_failures
        self.status.updates_failures += 1
        return self.status.updates_failures

    def wrote(self, ingest_type: IngestType, fetched: Fetched, report: WriteReport) -> list[Trouble]:
        """A page was written; what of it is not stored, and why."""
        now, page = self._clock.now(), shown(fetched.address)
        skipped = [Trouble(now, page, each.id or f"item {each.position}", each.reason) for each in fetched.page.skipped]
        refused = {(each.alias, each.id): each.reason for each in report.refused}
        troubles = [Trouble(now, page, f"{alias}: {name}", reason) for (alias, name), reason in refused.items()]
        for trouble in skipped:
            self.status.skipped.add(trouble)
        for trouble in troubles:
            self.status.refused.add(trouble)
        if ingest_type is IngestType.FULL and self.status.crawl is not None:
            lost = {name for alias, name in refused if alias is Alias.ACTIVITIES}
            _count(self.status.crawl, fetched, lost)
        return skipped + troubles


def shown(address: str) -> str:
    """An address as logs and status may show it: values of parameters that are named like secrets are masked."""
    return _SECRET.sub(r"\1***", address)


def _count(crawl: CrawlCounts, fetched: Fetched, lost: set[str]) -> None:
    refused = sum(activity.id in lost for activity in fetched.page.activities) if lost else 0
    crawl.pages += 1
    crawl.served += len(fetched.page.activities) + len(fetched.page.skipped)
    crawl.skipped += len(fetched.page.skipped)
    crawl.refused += refused
    crawl.stored += len(fetched.page.activities) - refused
