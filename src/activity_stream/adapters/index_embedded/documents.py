"""From activities to tantivy documents, each refused here if anything in it could not be stored or found again."""

from collections.abc import Iterator

import msgspec
import tantivy

from activity_stream.adapters.index_embedded.decode import Decoder, Undecodable
from activity_stream.adapters.index_embedded.entries import Entries
from activity_stream.adapters.index_embedded.manifest import Manifest
from activity_stream.adapters.index_embedded.schema import (
    ALIAS,
    ALIAS_TERMS,
    GENERATION,
    KEY,
    MANIFEST_TERM,
    OBJECT,
    OUTER,
    PRESENT,
    SEQUENCE,
    SOURCE,
    EmbeddedSchema,
    object_number,
)
from activity_stream.model import Activity, Alias, Refused
from activity_stream.naming import id_problem, readable

MANIFEST_KEY = "manifest"


class Item(msgspec.Struct, frozen=True):
    """What is stored as one document: `entries` are its columns."""

    alias: Alias
    id: str
    source: bytes
    entries: Entries


class Documents:
    """Makes the documents of an index with this schema."""

    def __init__(self, schema: EmbeddedSchema) -> None:
        self._decoder = Decoder(schema)

    def read(self, activity: Activity) -> Iterator[Item | Refused]:
        """The activity and, where it has one, its object, to be stored; or why one cannot be."""
        try:
            entries, object_entries = self._decoder.activity(activity)
        except Undecodable as error:
            yield Refused(Alias.ACTIVITIES, activity.id, str(error))
            if activity.object_id is not None and activity.object_source is not None:
                yield self.read_one(Alias.OBJECTS, activity.object_id, activity.object_source)
            return
        yield _checked(Alias.ACTIVITIES, activity.id, activity.source, entries)
        if object_entries is not None and activity.object_id is not None and activity.object_source is not None:
            yield _checked(Alias.OBJECTS, activity.object_id, activity.object_source, object_entries)

    def read_one(self, alias: Alias, document_id: str, source: bytes) -> Item | Refused:
        """One document by itself."""
        try:
            return _checked(alias, document_id, source, self._decoder.document(alias, source))
        except Undecodable as error:
            return Refused(alias, document_id, str(error))


def to_tantivy(item: Item, index_name: str, key: str, sequence: int) -> list[tantivy.Document]:
    """The document of an item in a generation, and those of the objects in its nested fields; `sequence` is its place
    in the order of writing."""
    item.entries.fields[SOURCE] = item.source
    document = _document(ALIAS_TERMS[item.alias], item.entries, index_name, key)
    document.add_unsigned(SEQUENCE, sequence)
    made = [document]
    for position, (term, entries) in enumerate(item.entries.nested):
        each = _document(term, entries, index_name, key)
        each.add_unsigned(OUTER, sequence)
        each.add_unsigned(OBJECT, object_number(sequence, position))
        made.append(each)
    return made


def _document(term: str, entries: Entries, index_name: str, key: str) -> tantivy.Document:
    fields = entries.fields
    fields[ALIAS] = term
    fields[GENERATION] = index_name
    fields[KEY] = key
    fields[PRESENT] = entries.present
    document = tantivy.Document(**fields)
    for name, text in entries.texts:
        document.add_pre_tokenized_text(name, text)
    return document


def manifest_document(manifest: Manifest, sequence: int) -> tantivy.Document:
    """The document that says what is published."""
    fields = {ALIAS: MANIFEST_TERM, KEY: MANIFEST_KEY, SOURCE: msgspec.json.encode(manifest)}
    document = tantivy.Document(**fields)
    document.add_unsigned(SEQUENCE, sequence)
    return document


def _checked(alias: Alias, document_id: str, source: bytes, entries: Entries) -> Item | Refused:
    if problem := id_problem(document_id):
        return Refused(alias, readable(document_id), problem)
    return Item(alias, document_id, source, entries)
