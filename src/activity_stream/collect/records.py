"""What the collector keeps in the shared state, as JSON under `kind:feed`.

| key | value |
| --- | --- |
| `changes:{feed}` | `ChangesRecord` (changes): how far the record of changes has come, and what is being written |
| `cursor:{feed}` | `Cursor`: where to go on polling for updates, so that a restart goes on at once |
| `decision:{feed}` | `approve` or `reject`: the operator's word on it, until the collector has acted on it |
| `status:{feed}` | `FeedStatus`: what an operator is shown, and what the guard holds back |
| `since:{feed}` | seconds since 1970: when the feed was first met, from which its first grace counts |

The lease of a feed is `feed:{feed}`; a collector's metrics are `metrics:{owner}`.
"""

from typing import TypeVar

import msgspec

from activity_stream.errors import BadRequest
from activity_stream.ports import State

FEED_KINDS = ("cursor", "decision", "status", "since", "changes")
"""What is forgotten with a feed."""

RECENT_TROUBLES = 20
"""How many reasons are kept to be read later; older ones are in the log."""

DECISIONS = ("approve", "reject")

Record = TypeVar("Record", bound=msgspec.Struct)


class Cursor(msgspec.Struct, frozen=True):
    """Where polling goes on. `then` is where it goes on after one more poll of `address`, where that is set."""

    address: str
    then: str | None = None


class Held(msgspec.Struct, frozen=True):
    """A complete generation that is not published because it lost too much.

    `activities` is what it held when its crawl ended, `published` what readers' generation `instead_of` (an id) held
    then. `agreed` later crawls were within a tenth of `reference`, the first of them. `since` and `at`, seconds since
    1970, are when the feed was first held back and when this generation was complete.
    """

    generation: str
    instead_of: str
    activities: int
    published: int
    reference: int
    agreed: int
    since: float
    at: float
    reason: str


class Trouble(msgspec.Struct, frozen=True):
    """An item that is not stored: on which page, which item, why, and when (seconds since 1970)."""

    at: float
    page: str
    item: str
    reason: str


class Troubles(msgspec.Struct):
    """How many there were since the feed was first met, and the most recent ones."""

    total: int = 0
    recent: tuple[Trouble, ...] = ()

    def add(self, trouble: Trouble) -> None:
        """Count one more; of the reasons only the latest are kept."""
        self.total += 1
        self.recent = (*self.recent, trouble)[-RECENT_TROUBLES:]


class CrawlCounts(msgspec.Struct):
    """What a full cycle met so far: `served` items are `stored`, `skipped` or `refused`, each exactly one of them.

    `started_at` is in seconds since 1970.
    """

    started_at: float
    pages: int = 0
    served: int = 0
    stored: int = 0
    skipped: int = 0
    refused: int = 0


class FeedStatus(msgspec.Struct):
    """How a feed is doing. Times are in seconds since 1970; None: never.

    `activities` and `objects` are what readers were shown at the last publish. `crawl` is the full cycle under way,
    `last_crawl` the last complete one. `failures` are those in a row of each cycle.
    """

    feed: str
    completed_at: float | None = None
    published_at: float | None = None
    updated_at: float | None = None
    activities: int = 0
    objects: int = 0
    error: str = ""
    error_at: float | None = None
    full_failures: int = 0
    updates_failures: int = 0
    stalled: int = 0
    held: Held | None = None
    decision: str = ""
    skipped: Troubles = msgspec.field(default_factory=Troubles)
    refused: Troubles = msgspec.field(default_factory=Troubles)
    crawl: CrawlCounts | None = None
    last_crawl: CrawlCounts | None = None


async def read_record(state: State, key: str, kind: type[Record]) -> Record | None:
    """The record under a key; None where there is none, or one of another version's shape, which is forgotten."""
    value = await state.get(key)
    if value is None:
        return None
    try:
        return msgspec.json.decode(value, type=kind)
    except msgspec.DecodeError:
        await state.delete(key)
        return None


async def decide(state: State, feed: str, decision: str) -> None:
    """Hand the collector the operator's word on what is held of a feed; it acts on it within a second or two.

    Raises BadRequest for a word that is neither `approve` nor `reject`, StateUnavailable.
    """
    if decision not in DECISIONS:
        raise BadRequest(f"the decision is {decision!r}; it can be approve or reject")
    await state.set(f"decision:{feed}", decision.encode())


async def feed_statuses(state: State) -> list[FeedStatus]:
    """How each feed that a collector works on is doing, by name. Raises StateUnavailable."""
    found = await state.scan("status:")
    statuses = []
    for _, value in sorted(found.items()):
        try:
            statuses.append(msgspec.json.decode(value, type=FeedStatus))
        except msgspec.DecodeError:
            continue
    return statuses
