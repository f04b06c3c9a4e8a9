"""The things Activity Stream talks about: frozen, typed, no I/O.

Sources: ActivityStreams 2.0 (W3C Recommendation, 2017) for *activity*, *object* and *collection page*.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Alias(StrEnum):
    """What a reader searches: every feed's activities, or every feed's objects."""

    ACTIVITIES = "activities"
    OBJECTS = "objects"


class IngestType(StrEnum):
    """The two cycles of a feed, by the names that metrics and logs have always used."""

    FULL = "full"
    UPDATES = "updates"


class Activity(msgspec.Struct, frozen=True):
    """One item of a page, ready to be stored.

    `source` is the item's JSON exactly as the source sent it; `object_source` the JSON of its `object`, where that is
    an object with a string `id` (then `object_id` is that id), otherwise both are None.
    """

    id: str
    source: bytes
    object_id: str | None = None
    object_source: bytes | None = None


class Skipped(msgspec.Struct, frozen=True):
    """An item that is not stored, and why: `position` counts from 0 in its page, `id` is there where it had one."""

    position: int
    reason: str
    id: str | None = None


class Page(msgspec.Struct, frozen=True):
    """One answer of a source: what it holds, what of it cannot be stored, and the address of the next page.

    `next` is an absolute address, byte for byte as the source gave it, or None on the last page.
    """

    activities: tuple[Activity, ...]
    skipped: tuple[Skipped, ...] = ()
    next: str | None = None


class Generation(msgspec.Struct, frozen=True):
    """One complete build of one feed.

    `id` is unique over all feeds and all time: `date_{YYYY-MM-DD}__timestamp_{unix}__batch_id_{8 random}__`.
    """

    feed: str
    id: str

    def index_name(self, alias: Alias) -> str:
        """The name of the generation's index of an alias, as clients see it in `_index` (contract, section 4)."""
        return f"{alias}__feed_id_{self.feed}__{self.id}"


class Counts(msgspec.Struct, frozen=True):
    """How many documents a generation holds in each alias."""

    activities: int
    objects: int


class Refused(msgspec.Struct, frozen=True):
    """An item that the index refused for good, and why."""

    alias: Alias
    id: str
    reason: str


class WriteReport(msgspec.Struct, frozen=True):
    """What became of a write: `stored` activities are in; each document that is not is in `refused`."""

    stored: int
    refused: tuple[Refused, ...] = ()


class StoredDocument(msgspec.Struct, frozen=True):
    """One document of a generation: what its index stores under its id."""

    id: str
    source: bytes


class Change(msgspec.Struct, frozen=True):
    """That a document that readers see was added, changed or removed.

    `before` and `after` are its marks: what grants can ask about it (`search/marks`), before the change and after it;
    None where it was not there. What else it held is not kept.
    """

    alias: Alias
    id: str
    before: tuple[str, ...] | None
    after: tuple[str, ...] | None


class Recorded(msgspec.Struct, frozen=True):
    """A change in the record of changes: whose feed it is in, and its place there.

    What changed at once has one number, and is in the order of ids; what changed later a larger one. A number is
    microseconds since 1970, when it was recorded.
    """

    feed: str
    number: int
    id: str

    @property
    def place(self) -> tuple[int, str]:
        """Where it is in its feed."""
        return self.number, self.id


class Known(msgspec.Struct, frozen=True):
    """What a ledger knows of a document: a digest of what it holds, of 64 bits with a sign, and its marks."""

    alias: Alias
    id: str
    digest: int
    marks: tuple[str, ...] = ()


class GrantKind(StrEnum):
    """The three forms of a grant (contract, section 6)."""

    MATCH_ALL = "__MATCH_ALL__"
    MATCH_NONE = "__MATCH_NONE__"
    TERMS = "__TERMS__"


class Grant(msgspec.Struct, frozen=True):
    """What a caller may see of an alias: everything, nothing, or what has one of `values` in `field`."""

    kind: GrantKind
    field: str = ""
    values: tuple[str, ...] = ()


class SearchLimits(msgspec.Struct, frozen=True):
    """Bounds of one search body; going over any of them is a 400 that names it.

    `depth`: queries within queries, and aggregations within aggregations. `clauses`: queries of any kind, and words of
    a text that is matched. `terms`: values of one `terms` query or `ids`. `window`: `from` + `size`. `aggregations`:
    all of them together. `buckets`: of one aggregation's `size` and of a whole answer. `pattern`: characters of a
    wildcard or prefix. `nesting`: levels of JSON. `body`: bytes of a request's body, unpacked; that one is a 413.
    """

    depth: int = 30
    clauses: int = 1024
    terms: int = 65_536
    window: int = 10_000
    aggregations: int = 100
    buckets: int = 65_535
    pattern: int = 1_000
    nesting: int = 200
    sort_keys: int = 32
    body: int = 2**31 - 1


class Caller(msgspec.Struct, frozen=True):
    """Who asks.

    `methods` is the seed's form of permission: these HTTP methods, and then everything is seen. None: any method, and
    `grants` says what is seen of each alias; all grants of an alias must hold; an alias without one is empty.
    `search_seconds` is how long one search may take, `limits` what it may ask for.
    """

    key_id: str
    methods: frozenset[str] | None = None
    grants: Mapping[Alias, tuple[Grant, ...]] = {}
    search_seconds: float = 30.0
    limits: SearchLimits = SearchLimits()


class SearchAnswer(msgspec.Struct, frozen=True):
    """An index's answer to a search: an HTTP status and a JSON body in Elasticsearch's shape.

    `timed_out`: it was given up after the time that its caller has; there is nothing in it.
    """

    status: int
    body: bytes
    timed_out: bool = False
