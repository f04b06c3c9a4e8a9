"""What was added since the last commit, so that nothing acknowledged is lost when tantivy has to start over."""

from collections.abc import Sequence

import msgspec

from activity_stream.model import Activity, Alias, Generation

MAX_DOCUMENTS = 50_000
MAX_BYTES = 32 << 20


class Operation(msgspec.Struct, frozen=True):
    """One document to store in one generation."""

    generation: Generation
    alias: Alias
    id: str
    source: bytes


class Journal:
    """The writes since the last commit, in order. `full` when it is time for the next commit, which bounds memory."""

    def __init__(self) -> None:
        self._writes: list[tuple[Sequence[Generation], Sequence[Activity]]] = []
        self._documents = 0
        self._bytes = 0

    def __bool__(self) -> bool:
        return bool(self._writes)

    @property
    def full(self) -> bool:
        """Whether a commit is due."""
        return self._documents >= MAX_DOCUMENTS or self._bytes >= MAX_BYTES

    def add(self, generations: Sequence[Generation], activities: Sequence[Activity]) -> None:
        """Remember a write."""
        self._writes.append((generations, activities))
        self._documents += 2 * len(generations) * len(activities)
        self._bytes += sum(len(each.source) + len(each.object_source or b"") for each in activities)

    def clear(self) -> None:
        """Forget everything: it is committed."""
        self.__init__()  # type: ignore[misc]

    def operations(self) -> list[Operation]:
        """All of it, a document at a time."""
        return [each for generations, activities in self._writes for each in operations(generations, activities)]


def operations(generations: Sequence[Generation], activities: Sequence[Activity]) -> list[Operation]:
    """A write, a document at a time."""
    found = []
    for activity in activities:
        for generation in generations:
            found.append(Operation(generation, Alias.ACTIVITIES, activity.id, activity.source))
            if activity.object_id is not None and activity.object_source is not None:
                found.append(Operation(generation, Alias.OBJECTS, activity.object_id, activity.object_source))
    return found
