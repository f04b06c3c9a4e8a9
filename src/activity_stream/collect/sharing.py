"""Which collector works on which feed, where there are several.

    each half second:   read collector:*   who lives, and which feeds each has configured   (gone after 3 s of silence)
                        set collector:me
                        share(who lives) --> {feed: collector}   the same on every collector, with no word between them

Who has a feed by this asks for its lease; who has the lease of another one's feed hands it over when it can. The lease
alone decides who works: two collectors that see others alive, for a moment, are slow to agree and never both at work.

An absence counts only if the state can be believed. After an outage it knows of nobody at first: then all that were
there before count as alive until they had the time to say so.
"""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from hashlib import blake2b

import msgspec

from activity_stream.collect.together import until_first
from activity_stream.errors import StateUnavailable
from activity_stream.logs import Log
from activity_stream.ports import Clock, State

_KIND = "collector:"
_RHYTHM_SECONDS = 0.5
_SILENCE_SECONDS = 3.0
"""Less than a lease lasts: when a dead collector's leases end, whoever is to have its feeds is asking for them."""

_BLIND_SECONDS = 2.0
"""After so long without a look, others may be missing because they could not renew, rather than because they died."""

_GOODBYE_SECONDS = 2.0


class Presence(msgspec.Struct, frozen=True):
    """What a collector says of itself: the feeds it has configured."""

    feeds: tuple[str, ...]


def share(collectors: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Each feed's collector, from the feeds that each collector has configured; whatever their order.

    Collectors with the same feeds get as many each, give or take one. When one comes or goes, little else moves:
    each has the feeds for which its name and the feed's hash highest together, as far as its room goes
    (rendezvous hashing with bounded loads).
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for feed in sorted({feed for feeds in collectors.values() for feed in feeds}):
        able = tuple(sorted(owner for owner, feeds in collectors.items() if feed in feeds))
        groups.setdefault(able, []).append(feed)
    shared: dict[str, str] = {}
    loads = dict.fromkeys(collectors, 0)
    # Those that few can take come first: the many that can take the others make up for what is uneven.
    for able, feeds in sorted(groups.items(), key=lambda group: (len(group[0]), group[0])):
        for feed, owner in _spread(feeds, {owner: loads[owner] for owner in able}).items():
            shared[feed] = owner
            loads[owner] += 1
    return shared


def _spread(feeds: Collection[str], loads: Mapping[str, int]) -> dict[str, str]:
    """Share the feeds out to collectors all of which can take each of them, filling up from the loads they have."""
    level, over = _level(len(feeds), loads.values())
    room = {owner: level - load for owner, load in loads.items()}
    spread: dict[str, str] = {}
    pairs = [(_score(feed, owner), feed, owner) for feed in feeds for owner in loads]
    for _, feed, owner in sorted(pairs, reverse=True):
        if feed in spread or room[owner] < 0 or (room[owner] == 0 and over == 0):
            continue
        over -= room[owner] == 0
        room[owner] -= 1
        spread[feed] = owner
    return spread


def _level(feeds: int, loads: Collection[int]) -> tuple[int, int]:
    """The load up to which so many feeds fill up these, and how many feeds are over then: fewer than are at it."""
    level = min(loads)
    while _to_fill(loads, level + 1) <= feeds:
        level += 1
    return level, feeds - _to_fill(loads, level)


def _to_fill(loads: Collection[int], level: int) -> int:
    return sum(max(0, level - load) for load in loads)


def _score(feed: str, owner: str) -> bytes:
    return blake2b(f"{owner}\n{feed}".encode(), digest_size=8).digest()


class Sharing:
    """One collector (`owner`) among the others: says that it lives, sees who else does, and knows who has which feed.

    `run` has to run beside those who ask. `own` are the feeds that this collector has configured.
    """

    def __init__(self, configured: Collection[str], state: State, clock: Clock, log: Log, owner: str) -> None:
        self.own = frozenset(configured)
        self._presence = Presence(tuple(sorted(configured)))
        self._state = state
        self._clock = clock
        self._log = log
        self.owner = owner
        self._collectors: dict[str, Presence] = {}
        self._shared: dict[str, str] = {}
        self._changed = asyncio.Event()
        self._looked: float | None = None
        self._doubt_until = 0.0

    async def run(self) -> None:
        """For ever. Cancelled, it says that this collector is gone: the others need not wait for its silence."""
        try:
            # Those that start together see each other at their first look.
            await self._announce()
            while True:
                await self._look()
                await self._announce()
                await self._clock.sleep(_RHYTHM_SECONDS)
        finally:
            await until_first(self._leave(), self._clock.sleep(_GOODBYE_SECONDS))

    def has(self, feed: str) -> bool:
        """Whether the feed is this collector's."""
        return self._shared.get(feed) == self.owner

    async def until(self, feed: str, *, ours: bool) -> None:
        """Return when the feed is this collector's; or, if not `ours`, when it is another one's, who lives."""
        while feed not in self._shared or self.has(feed) is not ours:
            await self._changed.wait()

    async def known(self) -> None:
        """Return when this collector has looked for the others."""
        while not self._collectors:
            await self._changed.wait()

    def everybodys(self) -> frozenset[str]:
        """All feeds that any living collector has configured, this one too."""
        return frozenset(feed for each in self._collectors.values() for feed in each.feeds)

    def is_first(self) -> bool:
        """True on one of the living collectors: for what one alone should do, and two can do without harm."""
        return min(self._collectors, default="") == self.owner

    async def _look(self) -> None:
        """See who lives; who cannot be seen now stays as it was, and one who never saw anybody is alone."""
        try:
            found = await self._state.scan(_KIND)
        except StateUnavailable:
            self._see(self._collectors)
            return
        now = self._clock.monotonic()
        if self._looked is not None and now - self._looked > _BLIND_SECONDS:
            self._doubt_until = now + _SILENCE_SECONDS
        self._looked = now
        living = dict(self._collectors) if now < self._doubt_until else {}
        for key, value in found.items():
            # What another version says in other words is passed over: the leases decide.
            with suppress(msgspec.DecodeError):
                living[key.removeprefix(_KIND)] = msgspec.json.decode(value, type=Presence)
        self._see(living)

    def _see(self, living: Mapping[str, Presence]) -> None:
        collectors = {**living, self.owner: self._presence}
        if collectors == self._collectors:
            return
        self._collectors = collectors
        self._shared = share({owner: each.feeds for owner, each in collectors.items()})
        feeds = ", ".join(feed for feed in self._presence.feeds if self.has(feed)) or "none"
        self._log.info(f"Collectors that live: {len(collectors)}. Feeds that are this one's: {feeds}")
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _announce(self) -> None:
        # Without a state nobody can be told, and whoever works with it says in the log that it does not answer.
        with suppress(StateUnavailable):
            await self._state.set(_KIND + self.owner, msgspec.json.encode(self._presence), _SILENCE_SECONDS)

    async def _leave(self) -> None:
        # Without a state the others see this one's silence.
        with suppress(StateUnavailable):
            await self._state.delete(_KIND + self.owner)
