"""The objects in nested fields by which hits are found are shown with each of them: each index answers alike."""

from typing import Any

import msgspec
import pytest

from activity_stream.errors import SearchRefused
from activity_stream.model import Alias
from activity_stream.ports import Index
from tests.contract.rows import publish

PROGRAMMES = "object.dit:relatedProgrammes"
ID, NAME = f"{PROGRAMMES}.id", f"{PROGRAMMES}.name"
ROWS: list[dict[str, Any]] = [
    {"id": "1", "object": {"dit:relatedProgrammes": [
        {"id": "p", "name": "red wine"}, {"id": "q", "name": "beer"}, {"id": "r", "name": "wine", "more": {"n": 1}},
    ]}},
    {"id": "2", "type": "a", "object": {"dit:relatedProgrammes": {"id": "s", "name": "wine"}}},
    {"id": "3", "type": "a"},
]  # fmt: skip


@pytest.fixture
async def searched(index: Index) -> Index:
    """An index that has published the rows."""
    await publish(index, "feed", ROWS)
    return index


def nested(query: Any, **inner_hits: Any) -> dict[str, Any]:
    """A nested query that shows what it finds."""
    return {"nested": {"path": PROGRAMMES, "query": query, "inner_hits": inner_hits}}


async def test_each_hit_shows_the_objects_that_were_found(searched: Index) -> None:
    """Which one of its field's each is, and it alone; the best first, then as they stand in the document."""
    wine = nested({"match": {NAME: "wine"}})
    first, second = await hits(searched, {"query": wine, "sort": ["id"]})
    assert [(each["_nested"], each["_source"]) for each in of(first)] == [
        ({"field": PROGRAMMES, "offset": 2}, {"id": "r", "name": "wine", "more": {"n": 1}}),
        ({"field": PROGRAMMES, "offset": 0}, {"id": "p", "name": "red wine"}),
    ]
    assert {(each["_id"], each["_index"]) for each in of(first)} == {("1", first["_index"])}
    page = first["inner_hits"][PROGRAMMES]["hits"]
    assert page["total"] == {"value": 2, "relation": "eq"}
    assert page["max_score"] == of(first)[0]["_score"] > of(first)[1]["_score"] > 0
    assert [each["_nested"]["offset"] for each in of(second)] == [0]


@pytest.mark.parametrize(
    ("asked", "offsets", "sorts", "sources"),
    [
        ({}, [0, 1, 2], None, [{"id": "p", "name": "red wine"}, {"id": "q", "name": "beer"}, ...]),
        ({"size": 1, "from": 1, "_source": False}, [1], None, [None]),
        ({"sort": [{ID: "desc"}], "_source": [ID]}, [2, 1, 0], [["r"], ["q"], ["p"]], [{"id": each} for each in "rqp"]),
        ({"size": 1, "_source": {"excludes": [NAME]}}, [0], None, [{"id": "p"}]),
        ({"sort": ["type", {ID: "desc"}], "size": 1, "_source": "id"}, [2], [[None, "r"]], [{}]),
        ({"size": 0}, [], None, []),
    ],
)
async def test_a_page_of_them_is_shown_as_it_is_asked_for(
    searched: Index, asked: Any, offsets: list[int], sorts: Any, sources: list[Any]
) -> None:
    """Some of them, in another order, without a part; what the document around them has is no value of theirs."""
    hit, *_ = await hits(searched, {"query": nested({"match_all": {}}, name="all", **asked), "sort": ["id"]})
    page = hit["inner_hits"]["all"]["hits"]
    assert page["total"]["value"] == 3
    assert [each["_nested"]["offset"] for each in page["hits"]] == offsets
    assert [each.get("sort") for each in page["hits"]] == (sorts or [None] * len(offsets))
    for shown, expected in zip(page["hits"], sources, strict=True):
        assert expected is ... or shown.get("_source") == expected
    assert page["max_score"] == (1.0 if page["hits"] and not sorts else None)


async def test_objects_are_shown_wherever_hits_are(searched: Index) -> None:
    """Of queries that a hit need not be found by as well, then none; in the pages of groups and buckets too."""
    some = {"bool": {"should": [nested({"term": {ID: "q"}}), nested({"term": {ID: "s"}}, name="s")], "must": [ALL]}}
    found = await hits(searched, {"query": some, "sort": ["id"]})
    counts = [{name: each["hits"]["total"]["value"] for name, each in hit["inner_hits"].items()} for hit in found]
    assert counts == [{PROGRAMMES: 1, "s": 0}, {PROGRAMMES: 0, "s": 1}, {PROGRAMMES: 0, "s": 0}]
    body = {"query": ALL, "post_filter": nested(ALL), "collapse": {"field": "type", "inner_hits": {"name": "g"}}}
    body["aggs"] = {"a": {"top_hits": {"sort": ["id"]}}}
    answer = await ask(searched, body | {"sort": ["id"]})
    for hit in answer["hits"]["hits"]:
        assert [of(each) for each in hit["inner_hits"]["g"]["hits"]["hits"]] == [of(hit)] != [[]]
    shown = [len(of(each)) for each in answer["aggregations"]["a"]["hits"]["hits"]]
    assert shown == [3, 1, 0]
    none = {"bool": {"must_not": [nested({"term": {ID: "q"}})]}}
    assert [hit.get("inner_hits") for hit in await hits(searched, {"query": none})] == [None, None]


async def test_objects_are_the_hits_of_buckets_of_objects(searched: Index) -> None:
    """Each with the score of the document that it is in, or in an order of their own; and back to the documents."""
    back = {"reverse_nested": {}, "aggs": {"top": {"top_hits": {"sort": ["id"], "_source": False}}}}
    top = {"top_hits": {"size": 3, "_source": [NAME]}}
    last = {"top_hits": {"size": 2, "sort": [{ID: "desc"}, "type"], "_source": False}}
    aggs = {"nested": {"path": PROGRAMMES}, "aggs": {"top": top, "last": last, "back": back}}
    query = {"bool": {"must": [ALL], "should": [{"term": {"type": {"value": "a", "boost": 3}}}]}}
    found = (await ask(searched, {"size": 0, "query": query, "aggs": {"a": aggs}}))["aggregations"]["a"]
    page = found["top"]["hits"]
    assert (page["total"]["value"], page["max_score"]) == (4, 4.0)
    assert [(each["_id"], each["_nested"]["offset"], each["_score"], each["_source"]) for each in page["hits"]] == [
        ("2", 0, 4.0, {"name": "wine"}), ("1", 0, 1.0, {"name": "red wine"}), ("1", 1, 1.0, {"name": "beer"})
    ]  # fmt: skip
    assert {each["_nested"]["field"] for each in page["hits"]} == {PROGRAMMES}
    assert [(each["_id"], each["sort"], each["_score"]) for each in found["last"]["hits"]["hits"]] == [
        ("2", ["s", None], None), ("1", ["r", None], None)
    ]  # fmt: skip
    assert [each["_id"] for each in found["back"]["top"]["hits"]["hits"]] == ["1", "2"]


@pytest.mark.parametrize(
    "query",
    [
        {"bool": {"should": [nested({"term": {ID: "q"}}), nested({"term": {ID: "s"}})]}},
        nested({"match_all": {}}, size=101),
        nested({"match_all": {}}, sort=["not.mapped"]),
        nested({"match_all": {}}, **{"from": -1}),
        nested({"match_all": {}}, nothing=1),
    ],
)
async def test_what_cannot_be_shown_is_refused(searched: Index, query: Any) -> None:
    """Two pages of one name, a page too large, a field that is not there, what is not known."""
    with pytest.raises(SearchRefused) as refused:
        await ask(searched, {"query": query})
    assert refused.value.status == 400


ALL: dict[str, Any] = {"match_all": {}}


def of(hit: Any, name: str = PROGRAMMES) -> list[Any]:
    """The objects that a hit shows."""
    return list(hit["inner_hits"][name]["hits"]["hits"])


async def hits(index: Index, body: Any) -> list[Any]:
    """The hits of a search."""
    return list((await ask(index, body))["hits"]["hits"])


async def ask(index: Index, body: Any) -> Any:
    """The answer to a search."""
    return msgspec.json.decode((await index.search(Alias.ACTIVITIES, msgspec.json.encode(body))).body)
