"""A changed mapping: the index of the one before is read, and written anew for this one.

The new index is made aside and gets its name when it is complete, so that readers have the old one or the new one. What
is there of generations that were never published is not taken over.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import tantivy

from activity_stream.adapters.index_embedded.border import EngineFailed, border, disk_failed
from activity_stream.adapters.index_embedded.documents import Documents, Item, manifest_document, to_tantivy
from activity_stream.adapters.index_embedded.manifest import Manifest
from activity_stream.adapters.index_embedded.schema import (
    GENERATION,
    KEY,
    SEQUENCE,
    SOURCE,
    EmbeddedSchema,
    split_key,
)
from activity_stream.adapters.index_embedded.snapshot import DIRECTORY_PREFIX, directory_of, read_manifest
from activity_stream.errors import IndexUnavailable
from activity_stream.naming import generation_of, index_names

_ASIDE = "building-"
_DOCUMENTS_AT_ONCE = 1000


def bring_up_to_date(root: Path, schema: EmbeddedSchema, *, heap_bytes: int, threads: int) -> None:
    """Make the index of this schema from one of another, where there is only that; then remove what is not of use.

    For the process that holds the writer's lock. Raises IndexUnavailable.
    """
    target = directory_of(root, schema)
    others = sorted((each for each in root.glob(f"{DIRECTORY_PREFIX}*") if each != target), key=_age, reverse=True)
    aside = root / f"{_ASIDE}{schema.digest}"
    try:
        for leftover in root.glob(f"{_ASIDE}*"):
            shutil.rmtree(leftover)
        if others and not (target / "meta.json").exists():
            shutil.rmtree(target, ignore_errors=True)
            _rebuild(others[0], aside, schema, heap_bytes, threads)
            aside.rename(target)
        for each in others:
            shutil.rmtree(each)
    except (EngineFailed, OSError) as error:
        raise IndexUnavailable(f"the index in {root} cannot be rebuilt for a changed mapping: {error}") from error


def _age(directory: Path) -> float:
    meta = directory / "meta.json"
    return meta.stat().st_mtime if meta.exists() else 0.0


def _rebuild(old: Path, new: Path, schema: EmbeddedSchema, heap_bytes: int, threads: int) -> None:
    try:
        with border():
            _fill(tantivy.Index.open(str(old)), new, schema, heap_bytes, threads)
    except EngineFailed as error:
        if disk_failed(error, new.parent):
            raise
        # The old index is broken, or of another make: the feeds fill an empty one.
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()


def _fill(old: tantivy.Index, new: Path, schema: EmbeddedSchema, heap_bytes: int, threads: int) -> None:
    new.mkdir()
    writer = tantivy.Index(schema.tantivy, str(new)).writer(heap_bytes, threads)
    documents = Documents(schema)
    searcher = old.searcher()
    manifest = read_manifest(old.schema, searcher)
    sequence = 0
    for document in _published(old.schema, searcher, manifest):
        sequence += 1
        _copy(document, documents, writer, sequence)
    writer.add_document(manifest_document(manifest, sequence + 1))
    writer.commit()
    writer.wait_merging_threads()


def _published(schema: tantivy.Schema, searcher: tantivy.Searcher, manifest: Manifest) -> Iterator[tantivy.Document]:
    """The documents of the published generations, in the order in which they were written."""
    names = [name for each in manifest.generations().values() for name in index_names(each)]
    ours = tantivy.Query.term_set_query(schema, GENERATION, names)
    last = 0
    while names:
        after = tantivy.Query.range_query(schema, SEQUENCE, tantivy.FieldType.Unsigned, last + 1, None)
        both = tantivy.Query.boolean_query([(tantivy.Occur.Must, ours), (tantivy.Occur.Must, after)])
        hits = searcher.search(
            both, limit=_DOCUMENTS_AT_ONCE, count=False, order_by_field=SEQUENCE, order=tantivy.Order.Asc
        ).hits
        for _, address in hits:
            yield searcher.doc(address)
        if not hits:
            return
        last = int(hits[-1][0])


def _copy(document: tantivy.Document, documents: Documents, writer: tantivy.IndexWriter, sequence: int) -> None:
    key = str(document.get_first(KEY))
    index_name, document_id = split_key(key)
    known = generation_of(index_name)
    if known is None:
        return
    item = documents.read_one(known[0], document_id, bytes(document.get_first(SOURCE) or b""))
    if isinstance(item, Item):
        for each in to_tantivy(item, index_name, key, sequence):
            writer.add_document(each)
