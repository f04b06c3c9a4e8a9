"""Everything that changes the index. One thread alone may use a writer: two at once make tantivy lose documents.

    write ──> add ──> journal ──> commit, when readers are to see it or the journal is full
               │                    │
               └──── failed? ───────┴─> rollback ──> the disk?   keep the journal, say so, redo it at the next call
                                                 └─> a document? redo the journal by halves until it is found

A document that tantivy cannot take makes it lose all that is added after it, and says so only at the commit: hence the
journal.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import tantivy

from activity_stream.adapters.index_embedded.border import EngineFailed, border, disk_failed
from activity_stream.adapters.index_embedded.documents import (
    MANIFEST_KEY,
    Documents,
    Item,
    manifest_document,
    to_tantivy,
)
from activity_stream.adapters.index_embedded.journal import Journal, Operation, operations
from activity_stream.adapters.index_embedded.manifest import Manifest
from activity_stream.adapters.index_embedded.schema import GENERATION, KEY, EmbeddedSchema, document_key
from activity_stream.adapters.index_embedded.seen import Seen
from activity_stream.adapters.index_embedded.snapshot import Snapshot
from activity_stream.errors import GenerationLost, IndexUnavailable
from activity_stream.model import Activity, Alias, Generation, Refused, WriteReport
from activity_stream.naming import index_names, readable


class Writer:
    """The index in a directory, to be changed. `published` and `unpublished` say what generations it holds.

    All methods raise IndexUnavailable when the disk does not take what is written; then nothing acknowledged is lost,
    and they work again once it does.
    """

    def __init__(self, directory: Path, schema: EmbeddedSchema, *, heap_bytes: int, threads: int) -> None:
        self._directory = directory
        self._heap_bytes = heap_bytes
        self._threads = threads
        self._documents = Documents(schema)
        self._journal = Journal()
        self._late: list[Refused] = []
        self._failed = False
        try:
            with border():
                directory.mkdir(parents=True, exist_ok=True)
                self._index = tantivy.Index(schema.tantivy, str(directory))
                self._writer: tantivy.IndexWriter | None = self._index.writer(heap_bytes, threads)
                self._index.reload()
                snapshot = Snapshot(schema, self._index)
        except EngineFailed as error:
            raise self._unavailable(error) from error
        self._sequence = snapshot.last_sequence()
        self.published = dict(snapshot.generations)
        self.unpublished: dict[Generation, Seen | None] = dict.fromkeys(snapshot.unpublished())

    def begin(self, generation: Generation) -> None:
        """Let a generation be written, of which there is nothing yet."""
        self.unpublished[generation] = Seen()

    def write(self, generations: Sequence[Generation], activities: Sequence[Activity], *, visible: bool) -> WriteReport:
        """Store the activities and their objects in the generations; commit if published ones are to be `visible`.

        Raises GenerationLost.
        """
        self._must_hold(generations)
        self._redo()
        try:
            with border():
                refused = self._add_all(generations, activities)
        except EngineFailed:
            refused = self._recover(operations(generations, activities))
        else:
            self._journal.add(generations, activities)
            if self._journal.full or (visible and any(self._is_published(each) for each in generations)):
                refused += self._commit()
        refused = list(dict.fromkeys([*self._late, *refused]))
        self._late = []
        lost = {each.id for each in refused if each.alias is Alias.ACTIVITIES}
        return WriteReport(sum(readable(each.id) not in lost for each in activities), tuple(refused))

    def flush(self) -> None:
        """Commit what is not committed yet."""
        self._redo()
        self._late += self._commit()

    def publish(self, generation: Generation) -> None:
        """Make it the published one of its feed in one commit, which drops the one before. Raises GenerationLost."""
        self._must_hold([generation])
        self.flush()
        before = self.published.get(generation.feed)
        if before != generation:
            self._change({**self.published, generation.feed: generation}, [] if before is None else [before])

    def drop(self, generations: Sequence[Generation]) -> None:
        """Remove the generations, as far as they are there, in one commit."""
        gone = [each for each in generations if self._holds(each)]
        if gone:
            self.flush()
            self._change({feed: each for feed, each in self.published.items() if each not in gone}, gone)

    def close(self) -> None:
        """Commit, if the disk lets us, and let go of the index."""
        with suppress(IndexUnavailable):
            self.flush()
        self._writer = None

    def _holds(self, generation: Generation) -> bool:
        return generation in self.unpublished or self._is_published(generation)

    def _is_published(self, generation: Generation) -> bool:
        return self.published.get(generation.feed) == generation

    def _must_hold(self, generations: Sequence[Generation]) -> None:
        for each in generations:
            if not self._holds(each):
                raise GenerationLost(f"generation {each.id} of feed {each.feed} is not in the index: build a new one")

    def _add_all(self, generations: Sequence[Generation], activities: Sequence[Activity]) -> list[Refused]:
        targets = [({alias: g.index_name(alias) for alias in Alias}, self.unpublished.get(g)) for g in generations]
        refused = []
        for activity in activities:
            for item in self._documents.read(activity):
                if isinstance(item, Refused):
                    refused.append(item)
                    continue
                for names, seen in targets:
                    self._add(item, names[item.alias], seen)
        return refused

    def _add(self, item: Item, index_name: str, seen: Seen | None) -> None:
        key = document_key(index_name, item.id)
        self._sequence += 1
        documents = to_tantivy(item, index_name, key, self._sequence)
        if seen is None or seen.add(key):
            self._tantivy.delete_documents_by_term(KEY, key)
        for each in documents:
            self._tantivy.add_document(each)

    @property
    def _tantivy(self) -> tantivy.IndexWriter:
        if self._writer is None:
            raise IndexUnavailable(f"the index in {self._directory} is closed")
        return self._writer

    def _commit(self) -> list[Refused]:
        if not self._journal:
            return []
        try:
            with border():
                self._tantivy.commit()
        except EngineFailed:
            return self._recover([])
        self._journal.clear()
        return []

    def _change(self, published: dict[str, Generation], gone: Sequence[Generation]) -> None:
        """Commit a new manifest and the end of the generations that are gone; the journal is empty."""
        self._sequence += 1
        manifest = Manifest({feed: each.id for feed, each in published.items()})
        try:
            with border():
                for name in (name for each in gone for name in index_names(each)):
                    self._tantivy.delete_documents_by_term(GENERATION, name)
                self._tantivy.delete_documents_by_term(KEY, MANIFEST_KEY)
                self._tantivy.add_document(manifest_document(manifest, self._sequence))
                self._tantivy.commit()
        except EngineFailed as error:
            self._failed = True
            raise self._unavailable(error) from error
        self.published = published
        for each in (*gone, *published.values()):
            self.unpublished.pop(each, None)

    def _redo(self) -> None:
        """Bring back what a failed commit lost, before anything else is done."""
        if self._failed:
            self._start_over()
            self._late += self._replay(self._journal.operations())
            self._journal.clear()
            self._failed = False

    def _recover(self, more: Sequence[Operation]) -> list[Refused]:
        """After a failure: store the journal and what comes after it again, but for what cannot be stored."""
        self._failed = True
        self._start_over()
        refused = self._replay([*self._journal.operations(), *more])
        self._journal.clear()
        self._failed = False
        return refused

    def _replay(self, todo: Sequence[Operation]) -> list[Refused]:
        """Store and commit; where that fails, each half by itself, down to the document that is to blame."""
        refused = []
        try:
            with border():
                for each in todo:
                    item = self._documents.read_one(each.alias, each.id, each.source)
                    if isinstance(item, Refused):
                        refused.append(item)
                    else:
                        self._add(item, each.generation.index_name(each.alias), self.unpublished.get(each.generation))
                self._tantivy.commit()
        except EngineFailed as error:
            if disk_failed(error, self._directory):
                raise self._unavailable(error) from error
            self._start_over()
            if len(todo) <= 1:
                return [Refused(each.alias, each.id, f"the index cannot take it: {error}") for each in todo]
            half = len(todo) // 2
            return self._replay(todo[:half]) + self._replay(todo[half:])
        return refused

    def _start_over(self) -> None:
        """Go back to the last commit; with a new tantivy writer, should this one be beyond repair."""
        if self._writer is not None:
            try:
                with border():
                    self._writer.rollback()
            except EngineFailed:
                self._writer = None
            else:
                return
        try:
            with border():
                self._writer = self._index.writer(self._heap_bytes, self._threads)
        except EngineFailed as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: EngineFailed) -> IndexUnavailable:
        return IndexUnavailable(f"the index in {self._directory} cannot be written: {error}")
