"""What one search sees: a searcher, and the manifest that was committed with what it finds."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any

import msgspec
import tantivy

from activity_stream.adapters.index_embedded.manifest import Manifest
from activity_stream.adapters.index_embedded.schema import (
    ALIAS,
    ALIAS_TERMS,
    GENERATION,
    KEY,
    MANIFEST_TERM,
    SEQUENCE,
    SOURCE,
    Column,
    EmbeddedSchema,
    split_key,
)
from activity_stream.adapters.index_embedded.stopping import Searcher
from activity_stream.errors import IndexUnavailable
from activity_stream.model import Alias, Generation, StoredDocument
from activity_stream.naming import generation_of, index_names
from activity_stream.search import refusals
from activity_stream.search.limits import MOST_LOOKED_AT
from activity_stream.search.spelling import Totals

DIRECTORY_PREFIX = "index-"
DOCUMENTS_AT_ONCE = 5_000


class Snapshot:
    """One state of the index: nothing that is committed later changes what it finds.

    `generations` are the published ones by feed; `present` the index names that any live document has. `statistics` and
    `worths` are what scores of words were made of, by column, and by column and word, `counts` the same within scopes:
    see `scoring`. `scopes` are the numbers of scopes and the queries that they are, by alias and JSON. `totals`: how
    many words a column has in the index of a generation, by both.
    """

    def __init__(self, schema: EmbeddedSchema, index: tantivy.Index) -> None:
        self.schema = schema
        self.index = index
        self.searcher = Searcher(index.searcher())
        self.generations: Mapping[str, Generation] = MappingProxyType(
            read_manifest(schema.tantivy, self.searcher).generations()
        )
        found = self.searcher.terms_with_prefix(GENERATION, "", tantivy.Query.all_query())
        self.present = frozenset(name for name, _ in found)
        published = {name for each in self.generations.values() for name in index_names(each)}
        self._hidden = sorted(self.present - published)
        self.statistics: dict[str, tuple[int, float]] = {}
        self.worths: dict[tuple[str, str], list[tuple[str, int]]] = {}
        self.counts: dict[tuple[Any, ...], int] = {}
        self.scopes: dict[tuple[Alias, bytes], tuple[int, tantivy.Query]] = {}
        self.totals: dict[tuple[str, str], Totals] = {}
        self._visible = {alias: self._visible_query(alias, ALIAS_TERMS[alias]) for alias in Alias}

    def visible(self, alias: Alias) -> tantivy.Query:
        """A query, of score 0, for all documents of the alias's published generations and for no others."""
        return self._visible[alias]

    def objects(self, alias: Alias, column: Column) -> tantivy.Query:
        """A query, of score 0, for the objects in a nested field of all documents of the published generations."""
        return self._visible_query(alias, column.present)

    def term(self, field: str, value: str) -> tantivy.Query:
        """The documents with exactly this term in a field, by its internal name."""
        return tantivy.Query.term_query(self.schema.tantivy, field, value, "basic")

    def count(self, query: tantivy.Query) -> int:
        """How many documents a query finds."""
        counted = getattr(self.searcher.search(query, limit=1), "count", 0)
        return int(counted or 0)

    def every(self, query: tantivy.Query) -> Any:
        """All hits of a query, best first, each a score and an address. SearchRefused where they are too many to be
        looked at one by one."""
        documents = self.count(query)
        if documents > MOST_LOOKED_AT:
            raise refusals.illegal(
                "Functions of scores, nested objects, places, distances and [min_score] look at each document that is "
                f"found, at most {MOST_LOOKED_AT:,}, and {documents:,} are: narrow the query"
            )
        return self.searcher.search(query, limit=max(1, documents), count=False).hits

    def documents(self, generation: Generation, alias: Alias, behind: int) -> tuple[list[StoredDocument], int]:
        """The next documents of a generation behind a place in the order of writing, and the place of the last one."""
        mine = self.term(GENERATION, generation.index_name(alias))
        later = tantivy.Query.range_query(self.schema.tantivy, SEQUENCE, tantivy.FieldType.Unsigned, behind + 1, None)
        query = tantivy.Query.boolean_query(
            [
                (tantivy.Occur.Must, tantivy.Query.const_score_query(mine, 0.0)),
                (tantivy.Occur.Must, self.term(ALIAS, ALIAS_TERMS[alias])),
                (tantivy.Occur.Must, tantivy.Query.const_score_query(later, 0.0)),
            ]
        )
        hits = self.searcher.search(
            query, limit=DOCUMENTS_AT_ONCE, count=False, order_by_field=SEQUENCE, order=tantivy.Order.Asc
        ).hits
        found = [self.searcher.doc(address) for _, address in hits]
        documents = [
            StoredDocument(split_key(str(each.get_first(KEY)))[1], bytes(each.get_first(SOURCE) or b""))
            for each in found
        ]
        return documents, int(hits[-1][0]) if hits else behind

    def unpublished(self) -> list[Generation]:
        """The generations that are in the index and are not published."""
        found = dict.fromkeys(each[1] for name in self._hidden if (each := generation_of(name)) is not None)
        return list(found)

    def last_sequence(self) -> int:
        """The greatest place in the order of writing, 0 where nothing was written."""
        hits = self.searcher.search(tantivy.Query.all_query(), limit=1, order_by_field=SEQUENCE).hits
        return int(hits[0][0]) if hits else 0

    def newest(self, feed: str) -> float | None:
        """`published` of the feed's newest visible activity in seconds since 1970, None where there is none."""
        column = self.schema.column(Alias.ACTIVITIES, "published")
        generation = self.generations.get(feed)
        if column is None or column.high is None or generation is None:
            return None
        mine = self.term(GENERATION, generation.index_name(Alias.ACTIVITIES))
        hits = self.searcher.search(mine, limit=1, order_by_field=column.high).hits
        return None if not hits or hits[0][0] is None else float(hits[0][0]) / 1000

    def _visible_query(self, alias: Alias, term: str) -> tantivy.Query:
        ours = self.term(ALIAS, term)
        hidden = [name for name in self._hidden if name.startswith(f"{alias}__")]
        if hidden:
            others = tantivy.Query.term_set_query(self.schema.tantivy, GENERATION, hidden)
            ours = tantivy.Query.boolean_query([(tantivy.Occur.Must, ours), (tantivy.Occur.MustNot, others)])
        return tantivy.Query.const_score_query(ours, 0.0)


class Reader:
    """Hands out the newest snapshot of the index in a directory, which another process may be writing.

    Safe to use from several threads.
    """

    def __init__(self, root: Path, schema: EmbeddedSchema) -> None:
        self._root = root
        self._schema = schema
        self._lock = Lock()
        self._index: tantivy.Index | None = None
        self._seen: tuple[int, int, int] | None = None
        self._snapshot: Snapshot | None = None

    def snapshot(self) -> Snapshot:
        """The state of the last commit; of an empty index where there is none yet.

        Raises IndexUnavailable while the index of another mapping has still to be rebuilt for this one.
        """
        with self._lock:
            state = self._state()
            if state is None:
                return self._snapshot or self._nothing()
            if self._snapshot is None or state != self._seen:
                self._snapshot = self._fresh()
                # The state was looked at before the commit was read: a later commit is seen as a change.
                self._seen = state
            return self._snapshot

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            self._index = self._snapshot = self._seen = None

    def _state(self) -> tuple[int, int, int] | None:
        """What changes with every commit, without reading it: tantivy replaces this file in one step."""
        try:
            stat = (directory_of(self._root, self._schema) / "meta.json").stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise IndexUnavailable(f"the index in {self._root} cannot be read: {error}") from error
        return stat.st_ino, stat.st_mtime_ns, stat.st_size

    def _fresh(self) -> Snapshot:
        try:
            if self._index is None:
                index = tantivy.Index.open(str(directory_of(self._root, self._schema)))
                index.config_reader("manual")
                self._index = index
            self._index.reload()
            return Snapshot(self._schema, self._index)
        except (ValueError, OSError) as error:
            raise IndexUnavailable(f"the index in {self._root} cannot be read: {error}") from error

    def _nothing(self) -> Snapshot:
        mine = directory_of(self._root, self._schema)  # a writer makes it a moment before its first commit
        if any(each != mine for each in self._root.glob(f"{DIRECTORY_PREFIX}*")):
            raise IndexUnavailable(
                f"the index in {self._root} is of another mapping: the collector rebuilds it when it starts"
            )
        return _empty(self._schema)


def read_manifest(schema: tantivy.Schema, searcher: Searcher | tantivy.Searcher) -> Manifest:
    """What was published when the searcher's state was committed."""
    hits = searcher.search(tantivy.Query.term_query(schema, ALIAS, MANIFEST_TERM, "basic"), limit=1).hits
    if not hits:
        return Manifest()
    return msgspec.json.decode(bytes(searcher.doc(hits[0][1]).get_first(SOURCE) or b"{}"), type=Manifest)


def directory_of(root: Path, schema: EmbeddedSchema) -> Path:
    """Where the index of this schema is."""
    return root / f"{DIRECTORY_PREFIX}{schema.digest}"


@lru_cache(maxsize=4)
def _empty(schema: EmbeddedSchema) -> Snapshot:
    return Snapshot(schema, tantivy.Index(schema.tantivy))
