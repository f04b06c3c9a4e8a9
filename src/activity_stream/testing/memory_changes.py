"""A record of changes and a ledger in memory, for tests of whatever needs them; they pass the real ones' suites."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence

from activity_stream.model import Alias, Change, Known, Recorded


class MemoryChangeLog:
    """A record that lives as long as its object, and can be told to fail."""

    def __init__(self) -> None:
        self.recorded: list[tuple[Recorded, Change]] = []
        self._last: dict[str, int] = {}
        self._cut = 0
        self._failures: list[tuple[str, Exception]] = []

    def fail_on(self, operation: str, error: Exception, times: int = 1) -> None:
        """Let the next `times` calls of a method raise the error and do nothing."""
        self._failures += [(operation, error)] * times

    def begin_anew(self) -> None:
        """Be another record, one without cuts."""
        self.recorded, self._last, self._cut = [], {}, 0

    def heal(self) -> None:
        """Fail no more."""
        self._failures.clear()

    async def open(self, *, write: bool) -> None:
        """Begin with a cut, to write."""
        if write and not self._cut:
            self._cut = int(time.time() * 1_000_000)

    async def close(self) -> None:
        """What is recorded stays."""

    async def number(self, feed: str, now: float) -> int:
        """Larger than the last one."""
        self._enter("number")
        return max(int(now * 1_000_000), self._last.get(feed, -1) + 1)

    async def append(self, feed: str, number: int, changes: Sequence[Change]) -> None:
        """Put them behind the others."""
        self._enter("append")
        self._last[feed] = number
        self.recorded += [(Recorded(feed, number, each.id), each) for each in changes]

    async def cut(self, now: float) -> None:
        """Only its number is kept."""
        self._enter("cut")
        self._cut = max(int(now * 1_000_000), self._cut + 1)

    async def last_cut(self) -> int:
        """The number of the last cut."""
        self._enter("last_cut")
        return self._cut

    async def read(
        self,
        alias: Alias,
        base: int,
        seen: Mapping[str, tuple[int, str]],
        limit: int,
        *,
        marks: Sequence[Sequence[str]] | None = None,
    ) -> Sequence[Recorded]:
        """Looks at each."""
        self._enter("read")
        found = [
            place
            for place, change in self.recorded
            if change.alias is alias and place.place > seen.get(place.feed, (base + 1, "")) and _has(change, marks)
        ]
        return sorted(found, key=lambda each: (each.number, each.feed, each.id))[:limit]

    async def heads(
        self, alias: Alias, *, marks: Sequence[Sequence[str]] | None = None
    ) -> Mapping[str, tuple[int, str]]:
        """Looks at each."""
        self._enter("heads")
        found = (place for place, change in self.recorded if change.alias is alias and _has(change, marks))
        return {each.feed: each.place for each in sorted(found, key=lambda each: each.place)}

    async def purge(self, before: int) -> None:
        """Forget what is older."""
        self._enter("purge")
        self.recorded = [each for each in self.recorded if each[0].number >= before]

    def _enter(self, operation: str) -> None:
        for position, (name, error) in enumerate(self._failures):
            if name == operation:
                del self._failures[position]
                raise error


def _has(change: Change, marks: Sequence[Sequence[str]] | None) -> bool:
    return marks is None or any(
        side is not None and all(set(each) & set(side) for each in marks) for side in (change.before, change.after)
    )


class MemoryLedger:
    """A ledger of dictionaries. `generations` says what it knows of."""

    def __init__(self) -> None:
        self._known: dict[str, dict[tuple[Alias, str], Known]] = {}
        self._complete: set[str] = set()

    @property
    def generations(self) -> set[str]:
        """The ids of those that were begun and not forgotten."""
        return set(self._known)

    async def begin(self, generation: str) -> None:
        """Know nothing of it yet."""
        self._complete.discard(generation)
        self._known[generation] = {}

    async def put(self, generation: str, items: Sequence[Known], *, older: bool = False) -> None:
        """Note them."""
        known = self._known.get(generation, {})
        for each in items:
            if not older or (each.alias, each.id) not in known:
                known[each.alias, each.id] = each

    async def take(self, generation: str, items: Sequence[tuple[Alias, str]]) -> None:
        """Forget them."""
        for each in items:
            self._known.get(generation, {}).pop(each, None)

    async def complete(self, generation: str) -> None:
        """If it was not forgotten meanwhile."""
        if generation in self._known:
            self._complete.add(generation)

    async def is_complete(self, generation: str) -> bool:
        """Whether all that the generation holds is known."""
        return generation in self._complete

    async def changes(self, before: str | None, after: str | None) -> AsyncIterator[Sequence[Change]]:
        """All at once."""
        old, new = self._known.get(before or "", {}), self._known.get(after or "", {})
        found = [
            Change(each.alias, each.id, old[key].marks if key in old else None, each.marks)
            for key, each in sorted(new.items())
            if key not in old or old[key].digest != each.digest
        ]
        gone = [Change(each.alias, each.id, each.marks, None) for key, each in sorted(old.items()) if key not in new]
        for part in (found, gone):
            if part:
                yield part

    async def forget(self, generation: str) -> None:
        """Know nothing of it any more."""
        self._complete.discard(generation)
        self._known.pop(generation, None)

    async def close(self) -> None:
        """Forget everything."""
        self._known.clear()
        self._complete.clear()
