"""Fields that are derived from others, on every index alike."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from activity_stream.fields import AddedField, FieldType
from activity_stream.model import Activity, Alias
from activity_stream.ports import Index

ROWS: list[dict[str, Any]] = [
    {"id": "1", "published": "2020-01-01T00:00:00Z", "object": {"startTime": "2021-06-01T10:00:00Z", "n": 7}},
    {"id": "2", "published": "2020-02-01T00:00:00Z", "object": {"startTime": "some day", "n": "x", "m": [2, 3]}},
    {"id": "3", "published": "2020-03-01T00:00:00Z", "actor": {"name": "Ann Early"}},
    {"id": "4", "object": {"name": "wine", "startTime": ["2019-01-01", "2019-02-01"]}},
    {"id": "5", "when": "2022-01-01T00:00:00Z", "title": "mine"},
]  # fmt: skip


@pytest.fixture
def added() -> Sequence[AddedField]:
    """Some of several types, from fields that are mapped and fields that are not."""
    return (
        AddedField(Alias.ACTIVITIES, "when", FieldType.DATE, ("object.startTime", "published")),
        AddedField(Alias.ACTIVITIES, "title", FieldType.TEXT, ("object.name", "actor.name")),
        AddedField(Alias.ACTIVITIES, "label.exact", FieldType.KEYWORD, ("actor.name", "id")),
        AddedField(Alias.ACTIVITIES, "size", FieldType.LONG, ("object.n", "object.m")),
        AddedField(Alias.OBJECTS, "when", FieldType.DATE, ("startTime",)),
    )


@pytest.fixture
async def searched(index: Index) -> Index:
    """An index that has published the rows."""
    generation = await index.begin("feed")
    activities = [_activity(row) for row in ROWS]
    report = await index.write([generation], activities, visible=True)
    assert (report.stored, report.refused) == (len(ROWS), ())
    await index.publish(generation)
    return index


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"range": {"when": {"gte": "2021-01-01"}}}, "1"),
        ({"range": {"when": {"gte": "2020-01-15", "lt": "2021-01-01"}}}, "23"),
        ({"term": {"when": "2019-02-01"}}, "4"),
        ({"exists": {"field": "when"}}, "1234"),
        ({"match": {"title": "early wine"}}, "34"),
        ({"match_phrase": {"title": "ann early"}}, "3"),
        ({"term": {"label.exact": "Ann Early"}}, "3"),
        ({"prefix": {"label.exact": "2"}}, "2"),
        ({"term": {"size": 7}}, "1"),
        ({"range": {"size": {"gt": 2, "lt": 4}}}, "2"),
        ({"query_string": {"query": "when:2019-01-01"}}, "4"),
    ],
)
async def test_a_derived_field_has_the_first_values_that_there_are(searched: Index, query: Any, ids: str) -> None:
    """Those of its own type at the first of its fields that has any; one of its own name in a document is none."""
    answer = await ask(searched, {"query": query})
    assert "".join(sorted(hit["_id"] for hit in answer["hits"]["hits"])) == ids


async def test_it_is_sorted_and_aggregated_by_as_any_other(searched: Index) -> None:
    """By time, with what has none at the end."""
    body = {"sort": [{"when": "desc"}], "aggs": {"newest": {"max": {"field": "when"}}}}
    answer = await ask(searched, body)
    assert [hit["_id"] for hit in answer["hits"]["hits"]] == ["1", "3", "2", "4", "5"]
    assert answer["hits"]["hits"][0]["sort"] == [1622541600000]
    assert answer["aggregations"]["newest"]["value_as_string"] == "2021-06-01T10:00:00.000Z"
    objects = await ask(searched, {"sort": ["when"], "query": {"exists": {"field": "when"}}}, Alias.OBJECTS)
    assert [hit["_id"] for hit in objects["hits"]["hits"]] == ["o4", "o1"]


async def test_it_can_be_shown_and_does_not_show_in_documents(searched: Index) -> None:
    """As a field of a hit it has a name of its own; documents come back as they came."""
    body = {"sort": ["id"], "fields": ["when", "title", "label.*", "size"], "docvalue_fields": ["when"]}
    hits = (await ask(searched, body))["hits"]["hits"]
    assert [hit["_source"] for hit in hits] == ROWS
    fields = hits[0]["fields"]
    assert fields["when"][0] == "2021-06-01T10:00:00.000Z"
    assert {name: fields[name] for name in fields if name != "when"} == {"label.exact": ["1"], "size": [7]}
    assert set(hits[3]["fields"]) == {"when", "title", "label.exact"}


async def ask(index: Index, body: Any, alias: Alias = Alias.ACTIVITIES) -> Any:
    """The index's answer, decoded."""
    return msgspec.json.decode((await index.search(alias, msgspec.json.encode(body))).body)


def _activity(row: dict[str, Any]) -> Activity:
    if "object" not in row:
        return Activity(row["id"], json.dumps(row).encode())
    inner = {"id": f"o{row['id']}", **row["object"]}
    return Activity(row["id"], json.dumps(row).encode(), inner["id"], json.dumps(inner).encode())
