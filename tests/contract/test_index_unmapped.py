"""Fields that nobody mapped can be filtered by, on every index alike; and nothing of how shows."""

import json
from typing import Any

import msgspec
import pytest

from activity_stream.model import Activity, Alias
from activity_stream.ports import Index

LONG = "x" * 256
ROWS: list[dict[str, Any]] = [
    {"id": "1", "dit:colour": "red", "dit:size": {"cm": 3, "exact": 3.5}, "flag": True, "long": LONG},
    {"id": "2", "dit:colour": ["red", ["blue", None]], "dit:size": [{"cm": 4}, {"cm": 5}], "flag": False},
    {"id": "3", "dit:colour": "RED", "a.b": "dotted", "long": LONG + "x", "empty": "", "quoted": 'a"\\b\n'},
    {"id": "4", "object": {"id": "o4", "dit:kind": "big wine", "dit:relatedProgrammes": [{"id": "p", "x": "y"}]}},
    {"id": "5", "object": {"id": "o5", "dit:kind": None}, "dit:size": {}, "dit:colour": []},
    {"id": "6", "object": "https://o6.test", "other": "by its text"},
    {"id": "7", "__unmapped": "~taken", "object": {"__unmapped": ["x"], "id": "o7"}},
]  # fmt: skip


@pytest.fixture
async def searched(index: Index) -> Index:
    """An index that has published the rows."""
    generation = await index.begin("feed")
    report = await index.write([generation], [_activity(row) for row in ROWS], visible=True)
    assert (report.stored, report.refused) == (len(ROWS), ())
    await index.publish(generation)
    return index


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"term": {"dit:colour": "red"}}, "12"),
        ({"term": {"dit:colour": {"value": "blue", "boost": 2, "case_insensitive": False}}}, "2"),
        ({"term": {"dit:colour": "green"}}, ""),
        ({"terms": {"dit:colour": ["blue", "RED"]}}, "23"),
        ({"terms": {"dit:colour": [], "boost": 2}}, ""),
        ({"term": {"dit:size.cm": 3}}, "1"),
        ({"term": {"dit:size.cm": "5"}}, "2"),
        ({"term": {"dit:size.exact": 3.5}}, "1"),
        ({"term": {"flag": True}}, "1"),
        ({"term": {"flag": "false"}}, "2"),
        ({"term": {"empty": ""}}, "3"),
        ({"term": {"quoted": 'a"\\b\n'}}, "3"),
        ({"term": {"a.b": "dotted"}}, "3"),
        ({"term": {"long": LONG}}, "1"),
        ({"term": {"long": LONG + "x"}}, ""),
        ({"exists": {"field": "long"}}, "13"),
        ({"exists": {"field": "dit:colour"}}, "123"),
        ({"exists": {"field": "dit:size"}}, "12"),
        ({"exists": {"field": "object.dit:kind"}}, "4"),
        ({"bool": {"must_not": {"exists": {"field": "flag"}}}}, "34567"),
        ({"match": {"object.dit:kind": "big wine"}}, "4"),
        ({"match": {"object.dit:kind": {"query": "wine", "operator": "and"}}}, ""),
        ({"match_phrase": {"object.dit:kind": {"query": "big wine", "slop": 1}}}, "4"),
        ({"term": {"object.id": "o4"}}, "4"),
        ({"term": {"object.dit:relatedProgrammes.x": "y"}}, "4"),
        ({"term": {"other": "by its text"}}, "6"),
        ({"term": {"__unmapped": "~taken"}}, ""),
        ({"constant_score": {"filter": {"term": {"dit:colour": "red"}}}}, "12"),
        ({"dis_max": {"queries": [{"term": {"flag": True}}, {"term": {"empty": ""}}]}}, "13"),
        (
            {"boosting": {"positive": {"term": {"flag": True}}, "negative": {"term": {"a": 1}}, "negative_boost": 1}},
            "1",
        ),
        ({"function_score": {"query": {"exists": {"field": "flag"}}, "weight": 2}}, "12"),
    ],
)
async def test_a_field_that_is_not_mapped_is_filtered_by(searched: Index, query: Any, ids: str) -> None:
    """As a keyword is: by whole values, and by whether there is one, wherever in a query, with score 1."""
    answer = await ask(searched, {"query": query})
    assert "".join(sorted(hit["_id"] for hit in answer["hits"]["hits"])) == ids
    narrowed = await ask(searched, {"query": {"bool": {"filter": [query]}}, "size": 0})
    assert narrowed["hits"]["total"]["value"] == len(ids)
    behind = await ask(searched, {"post_filter": query, "aggs": {"a": {"filter": query}}})
    assert (behind["hits"]["total"]["value"], behind["aggregations"]["a"]["doc_count"]) == (len(ids), len(ids))


async def test_it_scores_as_a_keyword_does(searched: Index) -> None:
    """1, times its boosts."""
    query = {"bool": {"should": [{"term": {"flag": {"value": True, "boost": 3}}}, {"exists": {"field": "dit:colour"}}]}}
    answer = await ask(searched, {"query": query})
    assert next((hit["_id"], hit["_score"]) for hit in answer["hits"]["hits"]) == ("1", 4)
    functions = [{"filter": {"term": {"dit:colour": "blue"}}, "weight": 5}]
    answer = await ask(searched, {"query": {"function_score": {"functions": functions}}})
    assert next((hit["_id"], hit["_score"]) for hit in answer["hits"]["hits"]) == ("2", 5)


@pytest.mark.parametrize(
    "query",
    [
        {"prefix": {"dit:colour": "re"}},
        {"wildcard": {"dit:colour": "*"}},
        {"range": {"dit:size.cm": {"gte": 0}}},
        {"fuzzy": {"dit:colour": "red"}},
        {"match": {"dit:colour": {"query": "red", "fuzziness": 1}}},
        {"term": {"dit:colour": {"value": "red", "case_insensitive": True}}},
        {"multi_match": {"query": "red", "fields": ["dit:colour"]}},
        {"query_string": {"query": "flag:true"}},
        {"nested": {"path": "object.dit:relatedProgrammes", "query": {"term": {"dit:colour": "red"}}}},
        {"nested": {"path": "object.dit:relatedProgrammes", "query": {"exists": {"field": "dit:colour"}}}},
    ],
)
async def test_all_else_takes_it_for_a_field_without_values(searched: Index, query: Any) -> None:
    """What needs an order, or parts of values, finds nothing; aggregations are empty."""
    assert (await ask(searched, {"query": query}))["hits"]["total"]["value"] == 0
    answer = await ask(searched, {"size": 0, "aggs": {"a": {"terms": {"field": "dit:colour"}}}})
    assert answer["aggregations"]["a"]["buckets"] == []


async def test_nothing_of_it_shows(searched: Index) -> None:
    """Documents come back as they came, whole or in part; one that has a key of the same name, too."""
    answer = await ask(searched, {"sort": ["id"], "fields": ["*"]})
    assert [hit["_source"] for hit in answer["hits"]["hits"]] == ROWS
    assert not any("__unmapped" in hit.get("fields", {}) for hit in answer["hits"]["hits"])
    first = {"query": {"term": {"id": "1"}}}
    for source, shown in (
        (["flag"], {"flag": True}),
        ({"excludes": ["dit:*", "long"]}, {"id": "1", "flag": True}),
        (["__unmapped"], {}),
    ):
        answer = await ask(searched, {**first, "_source": source})
        assert answer["hits"]["hits"][0]["_source"] == shown


async def test_a_hidden_field_is_no_way_around_a_scope(searched: Index) -> None:
    """What a scope by such a field leaves out is not there: so grants can be on them."""
    scope = b'{"terms":{"dit:colour":["red"]}}'
    body = b'{"query":{"bool":{"must":[{"exists":{"field":"dit:colour"}}],"filter":[%b]}}}' % scope
    answer = msgspec.json.decode((await searched.search(Alias.ACTIVITIES, body, scope=scope)).body)
    assert sorted(hit["_id"] for hit in answer["hits"]["hits"]) == ["1", "2"]


async def test_objects_have_their_own(searched: Index) -> None:
    """An object's fields are its own ones; those of its activity are not among them."""
    for query, ids in (
        ({"term": {"dit:kind": "big wine"}}, ["o4"]),
        ({"term": {"dit:colour": "red"}}, []),
        ({"exists": {"field": "dit:relatedProgrammes.x"}}, ["o4"]),
    ):
        answer = await ask(searched, {"query": query}, Alias.OBJECTS)
        assert [hit["_id"] for hit in answer["hits"]["hits"]] == ids


async def ask(index: Index, body: Any, alias: Alias = Alias.ACTIVITIES) -> Any:
    """The index's answer, decoded."""
    return msgspec.json.decode((await index.search(alias, msgspec.json.encode(body))).body)


def _activity(row: dict[str, Any]) -> Activity:
    inner = row.get("object")
    if not isinstance(inner, dict):
        return Activity(row["id"], json.dumps(row).encode())
    return Activity(row["id"], json.dumps(row).encode(), inner["id"], json.dumps(inner).encode())
