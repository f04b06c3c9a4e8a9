"""`stored_fields`: whether a hit shows its id and its document; every index has to pass."""

import json
from typing import Any

import msgspec
import pytest

from activity_stream.errors import SearchRefused
from activity_stream.model import Activity, Alias
from activity_stream.ports import Index

ROW = {"id": "1", "type": "a", "object": {"name": "wine", "type": "b"}}
ID, ALL, TYPE = {"_id": "1"}, {"_id": "1", "_source": ROW}, {"_id": "1", "_source": {"type": "a"}}


@pytest.fixture
async def searched(index: Index) -> Index:
    """An index that has published one document."""
    generation = await index.begin("one")
    await index.write([generation], [Activity("1", json.dumps(ROW).encode())], visible=True)
    await index.publish(generation)
    return index


SHOWN: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, ALL),
    ({"stored_fields": "_none_"}, {}),
    ({"stored_fields": ["_none_"], "_source": False}, {}),
    ({"stored_fields": []}, ID),
    ({"stored_fields": "type"}, ID),
    ({"stored_fields": ["object.*", "no.such", 1, True, ""]}, ID),
    ({"stored_fields": "*"}, ID),
    ({"stored_fields": ["type", "_source"]}, ALL),
    ({"stored_fields": "_source", "_source": False}, ALL),
    ({"stored_fields": "_source", "_source": "type"}, TYPE),
    ({"stored_fields": "id", "_source": "type"}, TYPE),
    ({"stored_fields": [], "_source": True}, ALL),
    ({"stored_fields": [], "_source": {"excludes": ["id", "object"]}}, TYPE),
]


@pytest.mark.parametrize(("asked", "hit"), SHOWN)
async def test_a_hit_shows_what_is_stored_and_asked_for(
    searched: Index, asked: dict[str, Any], hit: dict[str, Any]
) -> None:
    """Nothing by itself; `_source` if it is named, here or there; and the id unless nothing at all is wanted."""
    (shown,) = (await ask(searched, asked))["hits"]["hits"]
    assert _apart(shown) == hit
    assert shown["_index"] == "activities" or shown["_index"].startswith("activities__feed_id_one__")


@pytest.mark.parametrize(("asked", "hit"), SHOWN)
async def test_hits_within_an_answer_show_the_same(searched: Index, asked: dict[str, Any], hit: dict[str, Any]) -> None:
    """Those of buckets; and those of groups, where to want nothing, or no names, changes nothing."""
    bucket = {"f": {"filter": {"match_all": {}}, "aggs": {"top": {"top_hits": {"size": 1, **asked}}}}}
    answer = await ask(searched, {"size": 0, "aggs": bucket})
    (shown,) = answer["aggregations"]["f"]["top"]["hits"]["hits"]
    assert _apart(shown) == hit
    group = {"field": "type", "inner_hits": {"name": "same", **asked}}
    ((outer,),) = [(await ask(searched, {"collapse": group, "stored_fields": []}))["hits"]["hits"]]
    (shown,) = outer["inner_hits"]["same"]["hits"]["hits"]
    if not asked.get("stored_fields") or "_none_" in asked["stored_fields"]:
        hit = ID if asked.get("_source") is False else TYPE if isinstance(asked.get("_source"), dict) else ALL
    assert (_apart(shown), _apart(outer)) == (hit, ID)


async def test_all_else_of_a_hit_stays(searched: Index) -> None:
    """Values of fields, marked pieces, sort values and groups need neither the id nor the document."""
    more = {"docvalue_fields": ["type"], "highlight": {"fields": {"object.name": {}}}, "sort": ["type"]}
    query = {"match": {"object.name": "wine"}}
    (hit,) = (await ask(searched, {"stored_fields": "_none_", "query": query, **more}))["hits"]["hits"]
    assert "_id" not in hit
    assert (hit["fields"], hit["sort"]) == ({"type": ["a"]}, ["a"])
    assert hit["highlight"] == {"object.name": ["<em>wine</em>"]}
    (hit,) = (await ask(searched, {"stored_fields": [], "fields": ["object.t*"]}))["hits"]["hits"]
    assert (hit["_id"], hit["fields"]) == ("1", {"object.type": ["b"]})


OBJECT = "isn't a leaf field"


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"stored_fields": ["_none_", "type"]}, "cannot combine _none_ with other fields"),
        ({"stored_fields": 1}, "Expected [VALUE_STRING] or [START_ARRAY]"),
        ({"stored_fields": {}}, ""),
        ({"stored_fields": None}, "Unknown key for a VALUE_NULL in [stored_fields]"),
        ({"stored_fields": "object"}, OBJECT),
        ({"stored_fields": ["type", "object.dit:relatedProgrammes"], "query": {"ids": {"values": ["1"]}}}, OBJECT),
        ({"size": 0, "aggs": {"t": {"top_hits": {"stored_fields": "object"}}}}, OBJECT),
        ({"size": 0, "aggs": {"t": {"top_hits": {"stored_fields": "_none_", "_source": "id"}}}}, "_source is disabled"),
    ],
)
async def test_what_cannot_be_shown_is_refused(searched: Index, asked: dict[str, Any], reason: str) -> None:
    """Names of objects, and parts of what is not to be read, where there is a hit that would show them."""
    with pytest.raises(SearchRefused) as refusal:
        await ask(searched, asked)
    assert refusal.value.status == 400
    assert reason in refusal.value.body.decode()


async def test_what_no_hit_shows_is_not_refused(searched: Index) -> None:
    """As in OpenSearch, which reads the names as it reads the documents."""
    none: dict[str, Any] = {"query": {"match_none": {}}}
    assert (await ask(searched, {**none, "stored_fields": "object"}))["hits"]["hits"] == []
    tops = {"top_hits": {"stored_fields": "_none_", "_source": "id"}}
    assert (await ask(searched, {**none, "aggs": {"t": tops}}))["aggregations"]["t"]["hits"]["hits"] == []


@pytest.mark.parametrize("asked", [{"_source": True}, {"_source": "id"}, {"_source": []}, {"fields": ["id"]}])
async def test_nothing_and_something_at_once_is_no_search(searched: Index, asked: dict[str, Any]) -> None:
    """An engine calls it its own fault, with a 500; any other index says that it is the caller's."""
    try:
        answer = await searched.search(Alias.ACTIVITIES, json.dumps({"stored_fields": "_none_", **asked}).encode())
        status, body = answer.status, answer.body
    except SearchRefused as refusal:
        status, body = refusal.status, refusal.body
    assert status in (400, 500)
    assert b"[stored_fields] cannot be disabled" in body


async def test_keys_that_see_a_part_can_ask_so(searched: Index) -> None:
    """What they are shown is of what they may see."""
    scope = b'{"term":{"type":"a"}}'
    body = {"query": {"bool": {"must": [{"match_all": {}}], "filter": [json.loads(scope)]}}, "stored_fields": []}
    answer = await searched.search(Alias.ACTIVITIES, json.dumps(body).encode(), scope=scope)
    (hit,) = json.loads(answer.body)["hits"]["hits"]
    assert _apart(hit) == ID


def _apart(hit: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in hit.items() if key in ("_id", "_source")}


async def ask(index: Index, asked: Any) -> Any:
    """The answer."""
    return msgspec.json.decode((await index.search(Alias.ACTIVITIES, json.dumps(asked).encode())).body)
