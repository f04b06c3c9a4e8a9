"""The oracle: what may be visible of a feed, judged by what its source said and when. It knows nothing of the code."""

from collections.abc import Mapping

import msgspec

Seen = Mapping[str, int]
"""The keys of the items that a reader finds, each with its version."""


class Begun(msgspec.Struct):
    """When a generation was begun, and what was there at that moment."""

    moment: int
    versions: dict[str, int]
    published: int | None = None


class Truth:
    """One feed's history. A *moment* is a number that grows with whatever happens."""

    def __init__(self, feed: str) -> None:
        self.feed = feed
        self.versions: dict[str, int] = {}
        self._moment = 0
        self._born: dict[tuple[str, int], int] = {}
        self._alive_since: dict[str, int] = {}
        self._dropped: dict[str, int] = {}
        self._shuffled: list[int] = []
        self._begun: dict[str, Begun] = {}
        self._seen: dict[str, int] = {}
        self._had_one = False

    def put(self, key: str, version: int) -> None:
        """The source has a new item, or a new version of one."""
        now = self._next()
        if key not in self.versions:
            self._alive_since[key] = now
        self.versions[key] = version
        self._born[key, version] = now

    def drop(self, key: str) -> None:
        """The source no longer has the item."""
        if self.versions.pop(key, None) is not None:
            self._dropped[key] = self._next()

    def shuffle(self) -> None:
        """The source changed its order: a crawl or poll under way may miss items."""
        self._shuffled.append(self._next())

    def begun(self, generation: str) -> None:
        """A generation is begun."""
        self._begun[generation] = Begun(self._next(), dict(self.versions))

    def published(self, generation: str) -> None:
        """The generation is about to be published."""
        self._begun[generation].published = self._next()

    def check(self, generation: str | None, activities: Seen, objects: Seen) -> None:
        """What a reader finds now, where `generation` is what the index has published. Raises AssertionError."""
        assert activities == objects, f"{self.feed}: the aliases differ: {activities} and {objects}"
        if generation is None:
            assert not self._had_one, f"whole: {self.feed} has lost its generation"
            assert not activities, f"whole: {self.feed} shows {dict(activities)} of no generation"
            return
        self._had_one = True
        begun = self._begun[generation]
        self._check_whole(begun, activities)
        self._check_gone(begun, activities)
        self._check_kept(begun, activities)
        self._seen = dict(activities)

    def is_reordered(self, generation: str) -> bool:
        """Whether the source changed its order since the generation was begun."""
        return any(moment > self._begun[generation].moment for moment in self._shuffled)

    def _check_whole(self, begun: Begun, seen: Seen) -> None:
        if self._misses_allowed(begun):
            return
        for key, version in begun.versions.items():
            if self._alive_since.get(key, begun.moment) < begun.moment and key in self.versions:
                assert key in seen, f"whole: {self.feed} lacks {key}, which was there when its crawl began"
                assert seen[key] >= version, f"whole: {self.feed} has {key} {seen[key]}, its crawl began with {version}"

    def _check_gone(self, begun: Begun, seen: Seen) -> None:
        for key, version in seen.items():
            assert (key, version) in self._born, f"{self.feed} shows {key} {version}, which never was"
            if key not in self.versions:
                assert self._dropped[key] > begun.moment, f"gone: {self.feed} still shows {key}"

    def _check_kept(self, begun: Begun, seen: Seen) -> None:
        for key, version in self._seen.items():
            if key in seen:
                assert seen[key] >= version, f"kept: {self.feed}: {key} went back from {version} to {seen[key]}"
            elif not self._misses_allowed(begun):
                dropped = self._dropped.get(key, 0) > self._born[key, version]
                assert dropped, f"kept: {self.feed}: {key} {version} vanished"

    def _misses_allowed(self, begun: Begun) -> bool:
        end = begun.published or self._moment
        return any(begun.moment < moment < end for moment in self._shuffled)

    def _next(self) -> int:
        self._moment += 1
        return self._moment
