"""What the work needs of the world: seven ports, few methods each.

`tests/contract` has one suite per port. It runs on the shipped fakes (`activity_stream.testing`) and on every real
adapter, so that whatever passes it can stand in for whatever else does.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from activity_stream.model import (
    Activity,
    Alias,
    Change,
    Counts,
    Generation,
    Known,
    Recorded,
    SearchAnswer,
    StoredDocument,
    WriteReport,
)


class Clock(Protocol):
    """Time, so that tests can move it by hand."""

    def now(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed; 0 gives way to other tasks once."""
        ...


class Signer(Protocol):
    """Makes the headers that authenticate one attempt at one request; called anew for each attempt."""

    def __call__(self, method: str, url: str, content_type: str, body: bytes) -> Mapping[str, str]:
        """Headers to add; `url` is absolute and is signed as it is, byte for byte."""
        ...


class Request(msgspec.Struct, frozen=True):
    """What to ask a source. `url` goes out byte for byte; `content_type` None sends no such header."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = {}
    content_type: str | None = None
    body: bytes = b""
    signer: Signer | None = None


class Response(msgspec.Struct, frozen=True):
    """A source's 2xx answer. Header names are lower case."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class Fetcher(Protocol):
    """Asks one source, politely."""

    async def fetch(self, request: Request, on_wait: Callable[[float], None]) -> Response:
        """The source's 2xx answer.

        At most one request is under way at a time. 429 and 503 with `Retry-After` are waited out and asked again, at
        most ten times in a row; `on_wait` is told the seconds before each such wait. Redirects are not followed.

        Raises SourceUnavailable, SourceBusy, SourceRefused, PageTooLarge.
        """
        ...

    async def close(self) -> None:
        """End its connections."""
        ...


class Index(Protocol):
    """Where activities are stored and searched.

    Feeds have *generations*. A feed has at most one published generation, which is what searches see; others are being
    built, are held, or are leftovers. All methods raise IndexUnavailable when the index cannot do its work now.
    """

    async def open(self, *, write: bool) -> None:
        """Be ready to search and, with `write`, to store; waits for another writer to end if only one can be."""
        ...

    async def close(self) -> None:
        """Let go of everything. Published generations stay as they are."""
        ...

    async def ping(self) -> None:
        """Return if the index answers."""
        ...

    async def published(self) -> Mapping[str, Generation]:
        """The published generation of each feed that has one, by feed."""
        ...

    async def unpublished(self) -> Sequence[Generation]:
        """Every other generation the index holds anything of."""
        ...

    async def fence(self, feed: str, lease: int) -> None:
        """Let nobody change the feed's generations any more by right of a lease with a smaller number.

        Every `begin`, `write`, `publish` and `drop` with a smaller number raises LeaseLost from then on and changes
        nothing, even if it was sent before and arrives late; and so does a `fence`. The number 0 stands for no lease.
        """
        ...

    async def begin(self, feed: str, *, lease: int = 0) -> Generation:
        """A new, empty, unpublished generation of the feed. Raises LeaseLost."""
        ...

    async def write(
        self, generations: Sequence[Generation], activities: Sequence[Activity], *, visible: bool, lease: int = 0
    ) -> WriteReport:
        """Store the activities, and their objects, in each of the generations, which are one feed's.

        Later ones replace earlier ones of the same id. With `visible`, searches on published generations see it when
        this returns.

        Raises GenerationLost if one of the generations is not there, LeaseLost.
        """
        ...

    async def publish(self, generation: Generation, *, lease: int = 0) -> None:
        """Make it what searches see of its feed, in one atomic step for both aliases, and drop the one before.

        All that was written to it is visible when this returns. Raises GenerationLost if it is not there, LeaseLost.
        """
        ...

    async def drop(self, generations: Sequence[Generation], *, lease: int = 0) -> None:
        """Remove the generations and all they hold, published ones too; those that are not there are no error.

        Raises LeaseLost.
        """
        ...

    async def count(self, generation: Generation) -> Counts:
        """How much the generation holds, what was just written included."""
        ...

    def documents(self, generation: Generation, alias: Alias) -> AsyncIterator[Sequence[StoredDocument]]:
        """All that a generation holds in an alias, as it was written, some thousand at a time.

        What is written meanwhile may be met or not, in one version or in two; all else is met once.
        """
        ...

    async def newest(self, feed: str) -> float | None:
        """`published` of the feed's newest visible activity, in seconds since 1970, None where there is none."""
        ...

    async def search(self, alias: Alias, body: bytes, *, scope: bytes | None = None) -> SearchAnswer:
        """Run an Elasticsearch search body (JSON; empty: everything) over the published generations.

        `scope` is the query (JSON) to which the body has been narrowed for its caller: where it is given, nothing in
        the answer, scores included, may depend on documents that it does not find.

        Raises SearchRefused for a body it cannot run, with the answer to pass on. When it is cancelled the index soon
        stops working on it.
        """
        ...

    async def root(self) -> bytes:
        """The root document, JSON, that Elasticsearch clients ask for the version."""
        ...


class ChangeLog(Protocol):
    """The record of changes: what readers saw come, change and go, of each feed in order.

    A feed's changes come from one collector at a time. All methods raise IndexUnavailable when it cannot be read or
    written now. `marks` are alternatives, all of which have to be met: a change is found if, before it or after it, the
    document has at least one mark of each; None finds every change.
    """

    async def open(self, *, write: bool) -> None:
        """Be ready to read and, with `write`, to write."""
        ...

    async def close(self) -> None:
        """Let go of everything; what was recorded stays."""
        ...

    async def number(self, feed: str, now: float) -> int:
        """The number for what comes next of a feed: larger than any before, and the time (`now`, in seconds since 1970)
        if that is."""
        ...

    async def append(self, feed: str, number: int, changes: Sequence[Change]) -> None:
        """Record changes under a number, none of them twice; readers find them when this returns.

        Nothing may come behind a larger number, nor, of one alias and number, behind a larger id (as UTF-8).
        """
        ...

    async def cut(self, now: float) -> None:
        """Say that changes have been lost: who read up to here cannot go on."""
        ...

    async def last_cut(self) -> int:
        """The number of the last cut, which is larger than any before. A record begins with one, so that no two have
        the same; 0 as long as nobody has opened it to write."""
        ...

    async def read(
        self,
        alias: Alias,
        base: int,
        seen: Mapping[str, tuple[int, str]],
        limit: int,
        *,
        marks: Sequence[Sequence[str]] | None = None,
    ) -> Sequence[Recorded]:
        """The first `limit` changes behind a place, by number: of each feed those behind its place in `seen`; of a feed
        that is not in there, those with numbers larger than `base`."""
        ...

    async def heads(
        self, alias: Alias, *, marks: Sequence[Sequence[str]] | None = None
    ) -> Mapping[str, tuple[int, str]]:
        """The place of the last change of each feed."""
        ...

    async def purge(self, before: int) -> None:
        """Forget the changes with smaller numbers, those of feeds that are no more too. Cuts are kept."""
        ...


class Ledger(Protocol):
    """What generations hold, by digest, so that two can be compared: a collector's own, forgotten with its process.

    Generations go by their id. All methods raise IndexUnavailable when the disk does not take it; then all is forgot.
    """

    async def begin(self, generation: str) -> None:
        """Know of a generation from now on; nothing yet, whatever was known of it before."""
        ...

    async def put(self, generation: str, items: Sequence[Known], *, older: bool = False) -> None:
        """Note documents, in place of what was known of them; with `older` only those of which nothing was. Nothing at
        all for a generation that was not begun."""
        ...

    async def take(self, generation: str, items: Sequence[tuple[Alias, str]]) -> None:
        """Forget documents, which are not there after all."""
        ...

    async def complete(self, generation: str) -> None:
        """Say that all that a generation holds is known now."""
        ...

    async def is_complete(self, generation: str) -> bool:
        """Whether all that the generation holds is known."""
        ...

    def changes(self, before: str | None, after: str | None) -> AsyncIterator[Sequence[Change]]:
        """How a generation differs from the one before, some thousand changes at a time: what is there, by alias and
        id, and then what is gone, in parts of its own. None is an empty generation."""
        ...

    async def forget(self, generation: str) -> None:
        """Know nothing of it any more; no error where nothing is known."""
        ...

    async def close(self) -> None:
        """Forget everything."""
        ...


class State(Protocol):
    """What processes share: small values under string keys, and leases. All methods raise StateUnavailable.

    Expiry is in seconds. Keys are `kind:name`; values are opaque bytes.
    """

    async def open(self) -> None:
        """Be ready."""
        ...

    async def close(self) -> None:
        """Let go of everything; what was stored stays."""
        ...

    async def ping(self) -> None:
        """Return if the state answers."""
        ...

    async def get(self, key: str) -> bytes | None:
        """The value, None where there is none or it has expired."""
        ...

    async def set(self, key: str, value: bytes, expires_in: float | None = None) -> None:
        """Store the value in place of any other."""
        ...

    async def add(self, key: str, value: bytes, expires_in: float, *, since: float | None = None) -> bool:
        """Store the value if there is none (one caller alone gets True, over all processes).

        With `since`, seconds since 1970, also False where the state has forgotten what was stored before some later
        moment, as a server does that starts again without its data: then nobody can tell whether it was added already.
        """
        ...

    async def delete(self, key: str) -> None:
        """Forget the value; no error where there is none."""
        ...

    async def scan(self, prefix: str) -> Mapping[str, bytes]:
        """Every unexpired value whose key begins with `prefix`."""
        ...

    async def acquire(self, lease: str, owner: str, seconds: float, *, held: int | None = None) -> int | None:
        """The right to work, for `seconds`: its fencing number, larger than any before; None if another owner has it.

        The owner who has it already gets the same number again, and new `seconds`. A state that has lost its data gives
        no lease for the first `seconds` afterwards, since another owner may still work under one that was forgotten;
        only who says with `held` that it has the lease, by its number, gets it, with a number that is larger.
        """
        ...

    async def release(self, lease: str, owner: str) -> None:
        """Give the right back, if this owner has it."""
        ...
