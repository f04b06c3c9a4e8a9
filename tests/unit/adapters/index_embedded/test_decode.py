"""From an item's JSON to the columns of its documents."""

import json
import random
import sys
from typing import Any

import msgspec
import pytest
import tantivy

from activity_stream.adapters.index_embedded.decode import Decoder, Undecodable
from activity_stream.adapters.index_embedded.entries import Entries
from activity_stream.adapters.index_embedded.schema import EmbeddedSchema
from activity_stream.fields import AddedField, FieldType, searchable_fields
from activity_stream.model import Activity, Alias
from activity_stream.search.dates import date_ms

ADDED = [
    AddedField(Alias.ACTIVITIES, "size", FieldType.LONG),
    AddedField(Alias.ACTIVITIES, "weight", FieldType.DOUBLE),
    AddedField(Alias.ACTIVITIES, "open", FieldType.BOOLEAN),
    AddedField(Alias.ACTIVITIES, "actor", FieldType.KEYWORD),
]
SCHEMA = EmbeddedSchema(searchable_fields(ADDED))
DECODER = Decoder(SCHEMA)


def read(source: Any, alias: Alias = Alias.ACTIVITIES) -> dict[str, Any]:
    """The values of an item's fields, by outer name, as the index holds them."""
    raw = source if isinstance(source, bytes) else json.dumps(source).encode()
    return outer(DECODER.document(alias, raw), alias)


def outer(entries: Entries, alias: Alias) -> dict[str, Any]:
    """The values of all fields, by outer name."""
    columns = SCHEMA.columns(alias)
    return {name: entries.fields[c.value] for name, c in columns.items() if c.value and c.value in entries.fields}


def column_values(source: Any, name: str) -> tuple[Any, Any, Any]:
    """What is in the three columns of a field of an activity."""
    fields = DECODER.document(Alias.ACTIVITIES, json.dumps(source).encode()).fields
    column = SCHEMA.columns(Alias.ACTIVITIES)[name]
    return fields.get(column.value), fields.get(column.hex or ""), fields.get(column.high or "")


def present(source: Any) -> set[str]:
    """The outer names of the fields that an activity is said to have."""
    terms = DECODER.document(Alias.ACTIVITIES, json.dumps(source).encode()).present
    return {name for name, column in SCHEMA.columns(Alias.ACTIVITIES).items() if column.present in terms}


def test_keywords_are_sorted_and_each_is_there_once() -> None:
    """The first value is the least, the high column has the greatest, hexadecimal in the order of UTF-8."""
    assert column_values({"type": ["b", "é", "a", "b"]}, "type") == (
        ["a", "b", "é"],
        ["61", "62", "c3a9"],
        "c3a9",
    )
    assert column_values({"type": "x"}, "type") == ("x", "78", "78")


def test_numbers_and_booleans_are_keywords_as_their_json_text() -> None:
    """A number where a keyword is expected can be found by what the source wrote."""
    assert read({"type": [6, True, 1.5, False]})["type"] == ["1.5", "6", "false", "true"]


def test_a_keyword_of_32766_bytes_is_kept_and_a_longer_one_is_not() -> None:
    """The longest that OpenSearch takes; a longer value, even one of 65,530 bytes, leaves the others as they are."""
    longest, longer = "é" * 16_383, "é" * 16_384
    assert read({"type": [longest, longer, "y" * 65_530, "x"]})["type"] == ["x", longest]
    assert "type" not in read({"type": longer})
    assert "type" not in present({"type": longer})


def test_dates_are_milliseconds_least_first() -> None:
    """A date keeps its milliseconds, whatever its year; the high column has the latest."""
    dates = ["2020-01-01T00:00:00.1239Z", "0001-01-01", "9999-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"]
    values, _, high = column_values({"published": dates}, "published")
    assert values == [-62_135_596_800_000, -1, 1_577_836_800_123, 253_402_300_799_999]
    assert high == 253_402_300_799_999


def test_what_is_no_date_is_left_out() -> None:
    """Empty strings, objects and words where a date goes are not searchable; the dates beside them are."""
    assert read({"published": ["", {}, "soon", None, True, "2020-01-01"]})["published"] == [1_577_836_800_000]
    assert read({"id": "a", "published": ""}) == {"id": "a"}


def test_the_short_way_of_reading_dates_agrees_with_the_long_one() -> None:
    """Every text that looks like a date in UTC is read as `date_ms` reads it, or is no date for both."""
    seed = random.randrange(2**32)
    sys.stderr.write(f"seed {seed}\n")
    chance = random.Random(seed)
    for _ in range(2000):
        parts = chance.choices(range(100), k=5)
        text = (
            f"{chance.randrange(10_000):04}-{parts[0] % 14:02}-{parts[1] % 33:02}T{parts[2] % 26:02}:{parts[3] % 62:02}"
        )
        text += f":{parts[4] % 62:02}{chance.choice(['', '.123', '.123456', '.999999', '.1', ',123'])}Z"
        text = text if chance.random() < 0.9 else text.replace(chance.choice(text), chance.choice("-:TZ W5٣"))
        try:
            wanted: Any = date_ms(text)
        except ValueError:
            wanted = None
        found = read({"published": text}).get("published")
        assert (found[0] if isinstance(found, list) else found) == wanted, text


def test_numbers_that_a_column_cannot_hold_are_left_out() -> None:
    """Pitfall 6: no NaN, no infinity, nothing beyond 64 bits gets in; what fits does, as often as it came."""
    assert read(b'{"size": [9223372036854775807, 9223372036854775808, -5, -5, 1e400, "7", "x", true]}')["size"] == [
        -5,
        -5,
        7,
        9223372036854775807,
    ]
    assert read(b'{"weight": [1, 1e400, "NaN", "-1.5"]}')["weight"] == [-1.5, 1.0]
    assert all(isinstance(each, float) for each in read({"weight": [1, 2]})["weight"])


def test_booleans_are_numbers() -> None:
    """True and "true" are 1, as the columns of booleans hold it."""
    assert read({"open": [True, "false", "yes", 1]})["open"] == [0, 1]


def test_text_is_its_tokens() -> None:
    """The tokens of one value are joined by blanks for the tokenizer that splits at blanks."""
    assert read({"object": {"content": "Don't Stop, 3.14!"}})["object.content"] == "don't stop 3.14"


def test_values_of_an_array_of_text_lie_100_positions_apart() -> None:
    """No phrase is found over the border of two values."""
    entries = DECODER.document(Alias.OBJECTS, b'{"content": ["one two", 3, ["four"]]}')
    ((name, text),) = entries.texts
    assert name == SCHEMA.columns(Alias.OBJECTS)["content"].value
    assert [(token.text, token.position) for token in text.tokens] == [
        ("one", 0),
        ("two", 1),
        ("3", 102),
        ("four", 203),
    ]


def test_a_multi_field_has_its_own_column() -> None:
    """`object.name` is searched as text, `object.name.raw` as it is."""
    values = read({"object": {"name": "One Two"}})
    assert (values["object.name"], values["object.name.raw"]) == ("one two", "One Two")


def test_arrays_of_objects_give_all_their_values() -> None:
    """Objects in arrays, and arrays in those, are one list of values; what is no object among them is passed over."""
    source = {"object": {"attributedTo": [{"id": "b"}, "x", [{"id": ["c", "a"]}], None, 5, {"type": "t"}]}}
    values = read(source)
    assert (values["object.attributedTo.id"], values["object.attributedTo.type"]) == (["a", "b", "c"], "t")


def test_a_field_can_be_both_a_value_and_an_object() -> None:
    """Where `actor` and `actor.x` are both fields, strings are values of the one and objects hold the other."""
    values = read({"actor": ["me", {"dit:emailAddress": "a@b"}, 5]})
    assert (values["actor"], values["actor.dit:emailAddress"]) == (["5", "me"], "a@b")


@pytest.mark.parametrize("value", ["x", 5, 1.5, True, None, [], [[]], [1, None], {}, {"y": {}}, 10**40])
@pytest.mark.parametrize("key", ["object", "actor", "generator", "id", "published", "startTime"])
def test_anything_can_stand_anywhere(key: str, value: Any) -> None:
    """A document is read whatever stands where an object, an id or a date is expected."""
    assert read({"type": "t", key: value})["type"] == "t"


def test_fields_with_a_value_are_present() -> None:
    """`exists` finds what has a value that can be searched, empty strings and points too, and no other."""
    source = {"type": "", "published": "", "object": {"name": "", "geocoordinates": {"lat": 1, "lon": 2}, "url": []}}
    assert present(source) == {"type", "object.name", "object.name.raw", "object.geocoordinates"}
    assert present({"object": {"geocoordinates": None}}) == set()


def test_nested_fields_are_not_searchable_from_outside() -> None:
    """What lies in a nested field is found by nested queries alone, as in OpenSearch."""
    assert present({"object": {"dit:relatedProgrammes": [{"id": "x", "name": "y"}]}}) == set()


def test_an_activity_and_its_object_are_read_in_one_pass_as_in_two() -> None:
    """The two documents of one pass over the activity are those of a pass over each."""
    inner = {
        "id": "o",
        "type": ["T", "S"],
        "content": ["a b", "c"],
        "published": "2020-01-01",
        "attributedTo": [{"id": "x"}],
    }
    source, object_source = msgspec.json.encode({"id": "a", "object": inner}), msgspec.json.encode(inner)
    first, second = DECODER.activity(Activity("a", source, "o", object_source))
    assert second is not None
    assert outer(first, Alias.ACTIVITIES) == read(source)
    assert outer(second, Alias.OBJECTS) == read(object_source, Alias.OBJECTS)
    assert (len(first.texts), len(second.texts)) == (1, 1)


def test_an_activity_without_a_storable_object_has_none() -> None:
    """An object without an id is searched within its activity, and is no object by itself."""
    entries, other = DECODER.activity(Activity("a", b'{"id":"a","object":{"type":"T"}}'))
    assert (outer(entries, Alias.ACTIVITIES)["object.type"], other) == ("T", None)


def test_an_objects_json_that_is_not_in_its_activity_is_read_by_itself() -> None:
    """What is stored as the object is what its columns are made of."""
    _, other = DECODER.activity(
        Activity("a", b'{"id":"a","object":{"id":"o","type":"T"}}', "o", b'{"id":"o","type":"S"}')
    )
    assert other is not None
    assert outer(other, Alias.OBJECTS)["type"] == "S"


def test_half_a_surrogate_pair_is_replaced() -> None:
    """Lone surrogates, which tantivy cannot take, are searched as the replacement character, as in OpenSearch."""
    values = read(b'{"type": "a\\ud800", "object": {"content": ["x \\udc00y", "z"], "id": "b"}}')
    assert values["type"] == ["a\ufffd"]
    document = tantivy.Document(**DECODER.document(Alias.ACTIVITIES, b'{"type": "a\\ud800"}').fields)
    assert document.num_fields == 4


def test_the_last_of_a_doubled_key_counts() -> None:
    """JSON with a key twice is read as most readers read it."""
    assert read(b'{"type": "a", "type": "b"}')["type"] == "b"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b'{"id": NaN}', "NaN"),
        (b'{"id": ', "not JSON"),
        (b"[1]", "list"),
        (b'"x"', "str"),
        (b"\xff", "not JSON"),
        (b'{"type":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deep"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(source: bytes, reason: str) -> None:
    """The refusal says what is wrong with the item's JSON."""
    with pytest.raises(Undecodable, match=reason):
        read(source)


def test_a_long_array_is_read_in_no_time() -> None:
    """100,000 values of one field, one by one in objects, take time in proportion and no depth of calls."""
    source = msgspec.json.encode({"actor": [{"dit:emailAddress": f"{n:06}"} for n in range(100_000)]})
    assert len(read(source)["actor.dit:emailAddress"]) == 100_000
