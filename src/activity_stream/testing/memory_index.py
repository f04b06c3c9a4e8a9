"""An Index in memory, for tests of whatever needs one; it passes the same suite as the real ones.

It keeps every promise of the port, is never stale, and can be told to fail.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec

from activity_stream.errors import GenerationLost
from activity_stream.fences import Fences
from activity_stream.fields import Field, FieldMap, FieldType
from activity_stream.model import (
    Activity,
    Alias,
    Counts,
    Generation,
    Refused,
    SearchAnswer,
    StoredDocument,
    WriteReport,
)
from activity_stream.naming import id_problem, new_generation, readable
from activity_stream.ports import Clock, Index
from activity_stream.search.decoded import decoded_item
from activity_stream.testing.evaluator import evaluate
from activity_stream.testing.evaluator_documents import Document

_OPERATIONS = {name for name in vars(Index) if not name.startswith("_")}
_PUBLISHED = Field("published", FieldType.DATE, ("published",))


class _Contents:
    """What one generation holds: the documents of each alias by id."""

    def __init__(self) -> None:
        self.documents: Mapping[Alias, dict[str, Document]] = {alias: {} for alias in Alias}


class MemoryIndex:
    """An Index over a brute-force evaluator. `fields`: what can be searched; `clock`: tells generations and `now`."""

    def __init__(self, fields: Mapping[Alias, FieldMap], clock: Clock) -> None:
        self._fields = fields
        self._clock = clock
        self._contents: dict[Generation, _Contents] = {}
        self._published: dict[str, Generation] = {}
        self._fences = Fences()
        self._written = 0
        self._failures: list[tuple[str, Exception]] = []
        self._refusals: dict[str, str] = {}
        self.calls: Counter[str] = Counter()

    def fail_next(self, operation: str, error: Exception, times: int = 1) -> None:
        """Let the next `times` calls of a method (its name, as `"write"`) raise the error and do nothing."""
        if operation not in _OPERATIONS:
            raise ValueError(f"{operation!r} is no method of an Index; those are {', '.join(sorted(_OPERATIONS))}")
        self._failures += [(operation, error)] * times

    def heal(self) -> None:
        """Fail no more."""
        self._failures.clear()

    def refuse(self, id_: str, reason: str) -> None:
        """Refuse, from now on, every document of this id for good."""
        self._refusals[id_] = reason

    async def open(self, *, write: bool) -> None:  # noqa: ARG002 - the port's
        """Nothing needs to be opened."""
        self._enter("open")

    async def close(self) -> None:
        """What is stored stays: it can be opened again."""
        self._enter("close")

    async def ping(self) -> None:
        """It answers, unless told to fail."""
        self._enter("ping")

    async def published(self) -> Mapping[str, Generation]:
        """The published generation of each feed that has one."""
        self._enter("published")
        return dict(self._published)

    async def unpublished(self) -> Sequence[Generation]:
        """Every other generation."""
        self._enter("unpublished")
        return [each for each in self._contents if self._published.get(each.feed) != each]

    async def fence(self, feed: str, lease: int) -> None:
        """Only this lease, and later ones, may change the feed's generations from now on."""
        self._enter("fence")
        self._fences.put(feed, lease)

    async def begin(self, feed: str, *, lease: int = 0) -> Generation:
        """A new, empty generation."""
        self._enter("begin")
        self._fences.check(feed, lease)
        generation = new_generation(feed, self._clock.now())
        self._contents[generation] = _Contents()
        return generation

    async def write(
        self,
        generations: Sequence[Generation],
        activities: Sequence[Activity],
        *,
        visible: bool,  # noqa: ARG002 - all is visible at once
        lease: int = 0,
    ) -> WriteReport:
        """Store activities and their objects in each of the generations."""
        self._enter("write")
        self._check(generations, lease)
        contents = [(each, self._of(each)) for each in generations]
        refused: list[Refused] = []
        stored = 0
        for activity in activities:
            problems = self._store(contents, Alias.ACTIVITIES, activity.id, activity.source)
            stored += not problems
            if activity.object_id is not None and activity.object_source is not None:
                problems += self._store(contents, Alias.OBJECTS, activity.object_id, activity.object_source)
            refused += problems
        return WriteReport(stored, tuple(refused))

    def _store(
        self, contents: Sequence[tuple[Generation, _Contents]], alias: Alias, id_: str, source: bytes
    ) -> list[Refused]:
        """Put one document into each of the generations; what was refused."""
        if problem := id_problem(id_):
            return [Refused(alias, readable(id_), problem)]
        if id_ in self._refusals:
            return [Refused(alias, id_, self._refusals[id_])]
        try:
            decoded = decoded_item(source)
        except (ValueError, RecursionError) as error:
            return [Refused(alias, id_, f"it is not JSON: {error}")]
        if not isinstance(decoded, dict):
            return [Refused(alias, id_, "it is not a JSON object")]
        self._written += 1
        for generation, held in contents:
            held.documents[alias][id_] = Document(generation, id_, bytes(source), decoded, self._written)
        return []

    async def publish(self, generation: Generation, *, lease: int = 0) -> None:
        """Make it what searches see of its feed, and drop the one before."""
        self._enter("publish")
        self._check([generation], lease)
        self._of(generation)
        before = self._published.get(generation.feed)
        self._published[generation.feed] = generation
        if before is not None and before != generation:
            del self._contents[before]

    async def drop(self, generations: Sequence[Generation], *, lease: int = 0) -> None:
        """Remove the generations."""
        self._enter("drop")
        self._check(generations, lease)
        for each in generations:
            self._contents.pop(each, None)
            if self._published.get(each.feed) == each:
                del self._published[each.feed]

    async def count(self, generation: Generation) -> Counts:
        """How much the generation holds; nothing if it is not there."""
        self._enter("count")
        held = self._contents.get(generation, _Contents()).documents
        return Counts(len(held[Alias.ACTIVITIES]), len(held[Alias.OBJECTS]))

    async def documents(self, generation: Generation, alias: Alias) -> AsyncIterator[Sequence[StoredDocument]]:
        """All that it holds now, at once."""
        self._enter("documents")
        held = self._contents.get(generation, _Contents()).documents[alias]
        yield [StoredDocument(each.id, each.source) for each in held.values()]

    async def newest(self, feed: str) -> float | None:
        """`published` of the feed's newest visible activity, in seconds."""
        self._enter("newest")
        generation = self._published.get(feed)
        if generation is None:
            return None
        documents = self._of(generation).documents[Alias.ACTIVITIES].values()
        moments = [float(value) for each in documents for value in each.values(_PUBLISHED)]
        return max(moments) / 1000 if moments else None

    async def search(self, alias: Alias, body: bytes, *, scope: bytes | None = None) -> SearchAnswer:
        """Ask each published document."""
        self._enter("search")
        visible = [
            document
            for generation in self._published.values()
            for document in self._contents[generation].documents[alias].values()
        ]
        answer = evaluate(alias, visible, self._fields[alias], body, int(self._clock.now() * 1000), scope)
        return SearchAnswer(200, msgspec.json.encode(answer))

    async def root(self) -> bytes:
        """A root document as OpenSearch has it."""
        self._enter("root")
        version = {"number": "7.10.2", "distribution": "opensearch", "build_flavor": "default", "build_type": "memory"}
        return msgspec.json.encode(
            {
                "name": "activity-stream",
                "cluster_name": "activity-stream",
                "cluster_uuid": "activity-stream",
                "version": version,
                "tagline": "You Know, for Search",
            }
        )

    def _enter(self, operation: str) -> None:
        self.calls[operation] += 1
        for position, (name, error) in enumerate(self._failures):
            if name == operation:
                del self._failures[position]
                raise error

    def _check(self, generations: Sequence[Generation], lease: int) -> None:
        for each in generations:
            self._fences.check(each.feed, lease)

    def _of(self, generation: Generation) -> _Contents:
        try:
            return self._contents[generation]
        except KeyError:
            raise GenerationLost(f"generation {generation.id} of feed {generation.feed} is not there") from None
