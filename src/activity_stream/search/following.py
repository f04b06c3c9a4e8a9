"""What a caller who follows is told: everything once, and from then on what changed.

    no place yet         everything that the caller may see, by id ...................... walk
    behind the walk      of what changed since the walk began: what is there is shown as it is now; what is not, or not
                         for this caller any more, is gone                                changes

A place says all there is to know about where a reader is, so that nothing is kept for it. It holds nothing that comes
of documents that its caller may not see.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any

import msgspec

from activity_stream.errors import Gone, IndexUnavailable, Unready
from activity_stream.grants import filter_of
from activity_stream.model import Alias, Caller, GrantKind, Recorded
from activity_stream.ports import ChangeLog, Clock
from activity_stream.search.marks import MarkedFields
from activity_stream.search.search import Searches

ANEW = "begin anew, without since, and take what does not come again for removed"
Marked = Callable[[], Awaitable[Sequence[Mapping[str, Sequence[str]]]]]
"""The fields, by alias, whose values the record has of each feed's documents, for each feed."""


SETTLED_SECONDS = 3600
Number = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class Place(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """Where a reader is.

    `at`: when it was there (seconds since 1970). `scope`: of whose grants. `cut`: the last cut of its
    record. `seen`: the place of the last change of each feed that it has seen; `base`: the number from which it has
    to see those of other feeds. `walk`: the id behind which everything has still to be shown; None: all of it was.
    """

    at: Number
    scope: str
    cut: Number
    base: Number
    seen: Mapping[str, tuple[Number, str]]
    walk: str | None = None

    def caught_up(self, at: int) -> "Place":
        """The same place, of a reader who has seen all there was `at` that time, said in fewer words: what happened an
        hour ago is recorded, whatever the clocks of those who record it."""
        base = max(self.base, (at - SETTLED_SECONDS) * 1_000_000)
        seen = {feed: place for feed, place in self.seen.items() if place[0] > base}
        return msgspec.structs.replace(self, at=at, base=base, seen=seen)


class Told(msgspec.Struct, frozen=True):
    """One page: `items` are JSON; `place` is where the reader is behind it."""

    items: Sequence[msgspec.Raw]
    place: Place


class _Hit(msgspec.Struct, frozen=True):
    id: str = msgspec.field(name="_id")
    source: msgspec.Raw = msgspec.field(name="_source")
    sort: tuple[str, ...] = ()


class _Hits(msgspec.Struct, frozen=True):
    hits: list[_Hit]


class _Answer(msgspec.Struct, frozen=True):
    hits: _Hits


class Following:
    """Tells callers what changed. `retention` in seconds."""

    def __init__(
        self, searches: Searches, log: ChangeLog, fields: MarkedFields, marked: Marked, retention: float, clock: Clock
    ) -> None:
        self._searches = searches
        self._log = log
        self._fields = fields
        self._marked = marked
        self._retention = retention
        self._clock = clock

    async def begin(self, caller: Caller, alias: Alias) -> Place:
        """The place of a reader who knows nothing yet. Raises IndexUnavailable, Unready."""
        marks = await self._marks(caller, alias)
        at = int(self._clock.now())
        cut = await self._log.last_cut()
        seen = await self._log.heads(alias, marks=marks)
        return Place(at=at, scope=_scope(caller, alias), cut=cut, base=0, seen=seen, walk="").caught_up(at)

    async def since(self, caller: Caller, alias: Alias, moment: datetime) -> Place:
        """The place of a reader who knows everything up to a moment. Raises Gone, IndexUnavailable."""
        at = moment.timestamp()
        if at < self._clock.now() - self._retention:
            raise Gone(f"what changed is kept for {self._retention:g} seconds (CHANGES_RETENTION): {ANEW}")
        number, cut = int(at * 1_000_000), await self._log.last_cut()
        if cut > number:
            raise Gone(f"some of what changed since then could not be recorded, or the record is younger: {ANEW}")
        return Place(at=int(at), scope=_scope(caller, alias), cut=cut, base=number, seen={})

    async def page(self, caller: Caller, alias: Alias, place: Place, size: int) -> Told:
        """The next page of at most `size` items behind a place; an empty one where there is nothing (yet).

        Raises Gone where the record does not reach back to the place, IndexUnavailable, Unready.
        """
        at = int(self._clock.now())
        await self._check(caller, alias, place, at)
        if place.walk is not None:
            hits = await self._walk(caller, alias, place.walk, size)
            place = msgspec.structs.replace(place, walk=hits[-1].sort[0] if len(hits) == size else None)
            if hits:
                return Told([hit.source for hit in hits], place)
        marks = await self._marks(caller, alias)
        changes = await self._log.read(alias, place.base, place.seen, size, marks=marks)
        seen = {**place.seen, **{each.feed: each.place for each in changes}}
        latest = {each.id: each for each in changes}
        there = await self._there(caller, alias, list(latest)) if latest else {}
        items = [there.get(name) or _removal(each) for name, each in latest.items()]
        place = msgspec.structs.replace(place, at=at, seen=seen)
        return Told(items, place if len(changes) == size else place.caught_up(at))

    async def _check(self, caller: Caller, alias: Alias, place: Place, now: int) -> None:
        if place.scope != _scope(caller, alias):
            raise Gone(f"this since is of another alias, or of a key with other grants than this one has now: {ANEW}")
        if place.at < now - self._retention:
            raise Gone(f"what changed is kept for {self._retention:g} seconds (CHANGES_RETENTION): {ANEW}")
        if await self._log.last_cut() != place.cut:
            raise Gone(f"some of what changed could not be recorded, or this since is of another record: {ANEW}")

    async def _marks(self, caller: Caller, alias: Alias) -> list[list[str]] | None:
        """The marks that what the caller may see has. Raises Unready where the record lacks some of them."""
        marks = self._fields.asked(caller, alias)
        if marks is not None:
            needed = {g.field for g in caller.grants.get(alias, ()) if g.kind is GrantKind.TERMS}
            if not all(needed <= set(each.get(alias, ())) for each in await self._marked()):
                raise Unready(
                    "what changed is recorded for other grants than this key has: the collector has to be started with "
                    "the same INCOMING_ACCESS_KEY_PAIRS as the API"
                )
        return marks

    async def _walk(self, caller: Caller, alias: Alias, behind: str, size: int) -> list[_Hit]:
        body: dict[str, Any] = {"size": size, "sort": [{"id": "asc"}], "track_total_hits": False}
        if behind:
            body["search_after"] = [behind]
        return await self._ask(caller, alias, body)

    async def _there(self, caller: Caller, alias: Alias, names: list[str]) -> dict[str, msgspec.Raw]:
        """What the caller sees under these ids, of whatever feed."""
        body = {
            "size": len(names),
            "query": {"ids": {"values": names}},
            "collapse": {"field": "id"},
            "track_total_hits": False,
        }
        return {hit.id: hit.source for hit in await self._ask(caller, alias, body)}

    async def _ask(self, caller: Caller, alias: Alias, body: Mapping[str, Any]) -> list[_Hit]:
        answer = await self._searches.whole(caller, alias, msgspec.json.encode(body))
        if answer.status != 200:
            raise IndexUnavailable(f"the index refused to show documents by id: {answer.body[:500]!r}")
        return msgspec.json.decode(answer.body, type=_Answer).hits.hits


def _scope(caller: Caller, alias: Alias) -> str:
    """What a place is good for: an alias, and grants on it."""
    return sha256(msgspec.json.encode([alias, filter_of(caller, alias)])).hexdigest()[:16]


def _removal(change: Recorded) -> msgspec.Raw:
    """That something is gone (ActivityStreams 2.0 Vocabulary, `Delete` and `Tombstone`)."""
    moment = datetime.fromtimestamp(change.number / 1_000_000, UTC).isoformat(timespec="milliseconds")
    gone = {
        "type": "Delete",
        "published": moment.replace("+00:00", "Z"),
        "object": {"type": "Tombstone", "id": change.id},
    }
    return msgspec.Raw(msgspec.json.encode(gone))
