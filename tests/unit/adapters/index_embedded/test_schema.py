"""The embedded index's schema: internal names, columns by type, and the digest."""

import re

import tantivy

from activity_stream.adapters.index_embedded.schema import EmbeddedSchema, document_key, split_key
from activity_stream.fields import AddedField, Field, FieldType, searchable_fields
from activity_stream.model import Alias

SCHEMA = EmbeddedSchema(searchable_fields())


def test_internal_names_have_no_colons_nor_dots() -> None:
    """Pitfall 12: outer names are never names of the index, so that none of them has to be escaped."""
    names = [n for a in Alias for c in SCHEMA.columns(a).values() for n in (c.value, c.high, c.hex) if n]
    assert all(re.fullmatch(r"[ao]\d+[hx]?", name) for name in names)
    assert len(set(names)) == len(names)


def test_each_type_has_its_columns() -> None:
    """Keywords have hexadecimal columns, numbers a greatest value, text its tokens, points their presence."""
    name = SCHEMA.column(Alias.ACTIVITIES, "generator.name")
    assert name is not None
    assert (name.high, name.hex) == (f"{name.value}h", f"{name.value}x")
    date = SCHEMA.column(Alias.ACTIVITIES, "published")
    assert date is not None
    assert (date.high, date.hex) == (f"{date.value}h", None)
    text = SCHEMA.column(Alias.OBJECTS, "content")
    assert text is not None
    assert (bool(text.value), text.high, text.hex) == (True, None, None)
    point = SCHEMA.column(Alias.OBJECTS, "geocoordinates")
    assert point is not None
    assert (point.value, bool(point.present)) == ("", True)


def test_an_id_has_one_value_and_so_no_greatest_one() -> None:
    """The hexadecimal column of an id serves both directions of a sort."""
    column = SCHEMA.column(Alias.ACTIVITIES, "id")
    assert column is not None
    assert (column.high, column.hex) == (None, f"{column.value}x")


def test_a_name_that_is_no_field_has_no_column() -> None:
    """Fields of the other alias, and objects' names, are no fields of this one."""
    assert SCHEMA.column(Alias.OBJECTS, "object.type") is None
    assert SCHEMA.column(Alias.ACTIVITIES, "object") is None


def test_an_objects_name_stands_for_the_fields_under_it() -> None:
    """`exists` on an object's name asks for any field under it, and not for those that only begin alike."""
    under = {
        SCHEMA.columns(Alias.ACTIVITIES)[f"actor.dit:{n}"].present for n in ("companiesHouseNumber", "emailAddress")
    }
    assert set(SCHEMA.present_terms(Alias.ACTIVITIES, "actor")) == under
    assert SCHEMA.present_terms(Alias.ACTIVITIES, "act") == ()
    assert len(SCHEMA.present_terms(Alias.ACTIVITIES, "object.name")) == 2


def test_the_digest_is_that_of_the_mapping() -> None:
    """Pitfall 10: the same mapping gives the same digest; another field, another type or another path gives another."""
    fields = searchable_fields()
    added = [
        searchable_fields([AddedField(Alias.OBJECTS, "x", FieldType.KEYWORD)]),
        searchable_fields([AddedField(Alias.OBJECTS, "x", FieldType.DATE)]),
        searchable_fields([AddedField(Alias.ACTIVITIES, "x", FieldType.DATE)]),
        {**fields, Alias.OBJECTS: {**fields[Alias.OBJECTS], "id": Field("id", FieldType.KEYWORD, ("other",))}},
    ]
    digests = {SCHEMA.digest, *(EmbeddedSchema(each).digest for each in added)}
    assert len(digests) == 5
    assert EmbeddedSchema(searchable_fields()).digest == SCHEMA.digest


def test_every_column_is_a_field_of_the_index() -> None:
    """Pitfall 6: tantivy drops what it does not know without a word, so it must know every column."""
    index = tantivy.Index(SCHEMA.tantivy)
    for column in (column for alias in Alias for column in SCHEMA.columns(alias).values()):
        for name in filter(None, (column.value, column.high, column.hex)):
            value = "x" if column.field.type in (FieldType.KEYWORD, FieldType.TEXT) else 1
            assert tantivy.Query.term_query(index.schema, name, value) is not None


def test_keys_tell_index_and_id_apart() -> None:
    """A key gives back the index name and the id, whatever is in the id."""
    assert split_key(document_key("activities__x", "a\x00b:ü")) == ("activities__x", "a\x00b:ü")
