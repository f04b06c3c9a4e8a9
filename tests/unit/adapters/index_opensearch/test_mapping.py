"""The mapping, as a real engine takes it: what is searchable is found, what is not is only stored."""

from typing import Any

import msgspec
import pytest

from activity_stream.adapters.index_opensearch.beside import UNMAPPED
from activity_stream.adapters.index_opensearch.catalog import in_path, index_name
from activity_stream.adapters.index_opensearch.mapping import index_body
from activity_stream.fields import AddedField, Field, FieldType, searchable_fields
from activity_stream.model import Alias
from tests.unit.adapters.index_opensearch.clusters import asking, found, opened, publish, told

ADDED = (
    AddedField(Alias.ACTIVITIES, "object.dit:code", FieldType.KEYWORD),
    AddedField(Alias.ACTIVITIES, "size", FieldType.LONG),
    AddedField(Alias.ACTIVITIES, "weight", FieldType.DOUBLE),
    AddedField(Alias.ACTIVITIES, "object.content", FieldType.KEYWORD),
    AddedField(Alias.OBJECTS, "dit:code", FieldType.KEYWORD),
)
DOCUMENT = {
    "id": "x", "published": "2020-01-31T12:00:00Z", "size": 7, "weight": 1.5, "free": "text",
    "object": {
        "name": "The Wine List", "content": "The Whole", "dit:public": True, "dit:code": "A b",
        "geocoordinates": {"lat": 51.5, "lon": 0.1}, "free": {"text": ["here"]},
        "dit:relatedProgrammes": [{"id": "p1", "name": "red wine"}, {"id": "p2", "name": "white wine"}],
    },
}  # fmt: skip
PROGRAMMES = "object.dit:relatedProgrammes"
HERE = {"distance": "1km", "object.geocoordinates": {"lat": 51.5, "lon": 0.1}}


def programme(name: str, words: str) -> dict[str, Any]:
    """A query for a programme of this id with these words in its name."""
    musts = [{"term": {f"{PROGRAMMES}.id": name}}, {"match": {f"{PROGRAMMES}.name": words}}]
    return {"nested": {"path": PROGRAMMES, "query": {"bool": {"must": musts}}}}


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ({"term": {"id": "x"}}, True),
        ({"term": {"object.dit:code": "A b"}}, True),
        ({"term": {"object.name.raw": "The Wine List"}}, True),
        ({"term": {"object.name.raw": "wine"}}, False),
        ({"term": {"object.content": "The Whole"}}, True),
        ({"match": {"object.name": "WINE"}}, True),
        ({"term": {"published": "2020-01-31"}}, True),
        ({"term": {"object.dit:public": True}}, True),
        ({"range": {"size": {"gt": 6, "lt": 8}}}, True),
        ({"range": {"weight": {"gt": 1.4, "lt": 1.6}}}, True),
        ({"geo_distance": HERE}, True),
        (programme("p1", "red"), True),
        (programme("p1", "white"), False),
        ({"term": {"free": "text"}}, True),
        ({"term": {"free": "t"}}, False),
        ({"exists": {"field": "object.free.text"}}, True),
        ({"exists": {"field": "object.free.test"}}, False),
    ],
)
async def test_each_kind_of_field_is_found_by_what_it_holds(empty_engine: str, query: Any, *, is_found: bool) -> None:
    """Fields of every type, multi-fields, nested and added ones are searched; all else is found by whole values."""
    source = msgspec.json.encode(DOCUMENT)
    async with opened(empty_engine, ADDED) as index:
        _, report = await publish(index, [source])
        assert report.refused == ()
        assert await found(index, query) == ("0" if is_found else "")
        assert source in (await index.search(Alias.ACTIVITIES, b"")).body


async def test_an_index_has_just_the_searchable_fields(empty_engine: str) -> None:
    """Each row of searchable-fields.toml and of the configuration has its type in the engine, and of all others there
    is one field alone."""
    fields = searchable_fields(ADDED)
    async with opened(empty_engine, ADDED) as index, asking(empty_engine) as client:
        generation, _ = await publish(index, [msgspec.json.encode(DOCUMENT)])
        for alias in Alias:
            name = index_name(generation, alias)
            mapping = (await told(client, f"/{in_path(name)}/_mapping"))[name]["mappings"]
            assert mapping["dynamic"] == "false"
            types = {name: str(each.type) for name, each in fields[alias].items()}
            assert dict(leaves(mapping["properties"])) == {**types, UNMAPPED: "text"}


def leaves(properties: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """The name and type of each field in a mapping."""
    named = []
    for key, each in properties.items():
        if "type" in each and each["type"] != "object":
            named.append((f"{prefix}{key}", each["type"]))
        named += leaves({**each.get("properties", {}), **each.get("fields", {})}, f"{prefix}{key}.")
    return named


@pytest.mark.parametrize(
    ("replicas", "kept"),
    [("0", {"number_of_replicas": "0"}), ("1", {"number_of_replicas": "1"}), ("0-1", {"auto_expand_replicas": "0-1"})],
)
async def test_an_index_has_the_copies_that_were_asked_for(
    empty_engine: str, replicas: str, kept: dict[str, str]
) -> None:
    """A number of copies, or a range; where a copy finds no node, the index is made and searched all the same."""
    async with opened(empty_engine, replicas=replicas) as index, asking(empty_engine) as client:
        generation, report = await publish(index, [b'{"id":"x"}'])
        name = index_name(generation, Alias.ACTIVITIES)
        settings = (await told(client, f"/{in_path(name)}/_settings"))[name]["settings"]["index"]
        assert (report.stored, await found(index, {"match_all": {}})) == (1, "0")
    assert {key: settings[key] for key in kept} == kept
    assert (settings["number_of_shards"], settings["refresh_interval"]) == ("1", "-1")


def test_a_multi_field_comes_with_its_field_in_whatever_order_they_are_named() -> None:
    """The mapping does not depend on the order of the rows."""
    rows = [
        Field("a.b.raw", FieldType.KEYWORD, ("a", "b")),
        Field("a.b", FieldType.TEXT, ("a", "b")),
        Field("a", FieldType.NESTED, ("a",)),
    ]
    bodies = [index_body({each.name: each for each in order}, "0") for order in (rows, rows[::-1])]
    assert bodies[0] == bodies[1]
    below = bodies[0]["mappings"]["properties"]["a"]
    assert (below["type"], below["properties"]["b"]["type"]) == ("nested", "text")
    assert below["properties"]["b"]["fields"]["raw"]["type"] == "keyword"
