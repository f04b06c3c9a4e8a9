"""Places, nested objects, and scores by functions, by hand; every index has to pass."""

import json
import math
from typing import Any

import pytest

from activity_stream.errors import SearchRefused
from activity_stream.model import Activity, Alias
from activity_stream.ports import Index

PLACE, PROGRAMMES = "object.geocoordinates", "object.dit:relatedProgrammes"
ROWS: list[dict[str, Any]] = [
    {"id": "1", "published": "2020-01-01T00:00:00Z", "object": {
        "id": "o1", "geocoordinates": {"lat": 51.507351, "lon": -0.127758}, "dit:public": True,
        "startTime": ["2020-01-11", "2020-01-11"],
        "dit:relatedProgrammes": [{"id": "p1", "name": "Great wine"}, {"id": "p2", "name": "Great cheese"}]}},
    {"id": "2", "published": "2020-01-11T00:00:00Z", "object": {
        "id": "o2", "geocoordinates": "53.800755,-1.549077", "dit:public": False,
        "dit:relatedProgrammes": {"id": "p1", "name": "Cheese"}}},
    {"id": "3", "published": "2020-03-01T00:00:00Z", "object": {
        "id": "o3", "geocoordinates": [{"lat": 0, "lon": 179.9}, [-0.1, 51.5]],
        "dit:relatedProgrammes": [{"id": ["p3", "p2"]}, {}]}},
    {"id": "4", "object": {"id": "o4", "geocoordinates": "nowhere"}},
]  # fmt: skip
LONDON = {"lat": "51.507351", "lon": "-0.127758"}


@pytest.fixture
async def searched(index: Index) -> Index:
    """An index that has published the rows, after others with the same ids."""
    for rows in ([{**row, "object": {**ROWS[0]["object"], "id": row["object"]["id"]}} for row in ROWS], ROWS):
        generation = await index.begin("feed")
        await index.write([generation], [_activity(row) for row in rows], visible=True)
        await index.publish(generation)
    return index


def _nested(**query: Any) -> dict[str, Any]:
    return {"nested": {"path": PROGRAMMES, "query": query}}


def _id(value: str) -> dict[str, Any]:
    return {"term": {f"{PROGRAMMES}.id": value}}


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        (_nested(**_id("p1")), "12"),
        (_nested(terms={f"{PROGRAMMES}.id": ["p3", "p9"]}), "3"),
        (_nested(bool={"must": [_id("p1"), {"match": {f"{PROGRAMMES}.name": "cheese"}}]}), "2"),
        (_nested(bool={"must": [_id("p2"), _id("p3")]}), "3"),
        (_nested(bool={"must_not": [_id("p1")]}), "13"),
        (_nested(match_all={}), "123"),
        (_nested(exists={"field": f"{PROGRAMMES}.name"}), "12"),
        (_nested(match={f"{PROGRAMMES}.name": {"query": "chease", "fuzziness": 1}}), "12"),
        (_nested(fuzzy={f"{PROGRAMMES}.id": {"value": "q3", "prefix_length": 0, "fuzziness": 1}}), "3"),
        (_nested(match_phrase_prefix={f"{PROGRAMMES}.name": "great w"}), "1"),
        (_nested(match_phrase={f"{PROGRAMMES}.name": {"query": "wine great", "slop": 2}}), "1"),
        (_nested(match_phrase={f"{PROGRAMMES}.name": {"query": "wine great", "slop": 1}}), ""),
        (_nested(match_phrase={f"{PROGRAMMES}.name": {"query": "great great", "slop": 9}}), ""),
        (_nested(match_phrase={f"{PROGRAMMES}.name": {"query": "cheese", "slop": 9}}), "12"),
        (_nested(match_phrase_prefix={f"{PROGRAMMES}.name": {"query": "wine gr", "slop": 2}}), "1"),
        (_nested(match_phrase_prefix={f"{PROGRAMMES}.name": {"query": "wine gr", "slop": 1}}), ""),
        (_nested(term={"id": "1"}), ""),
        (_id("p1"), ""),
        ({"exists": {"field": PROGRAMMES}}, ""),
        ({"bool": {"must_not": [_nested(match_all={})]}}, "4"),
        ({"nested": {"path": "no.such", "query": {"match_all": {}}, "ignore_unmapped": True}}, ""),
        ({"geo_distance": {"distance": "2km", PLACE: LONDON}}, "1"),
        ({"geo_distance": {"distance": "2 mi", PLACE: "51.507351,-0.127758"}}, "13"),
        ({"geo_distance": {"distance": 300_000, PLACE: [-0.127758, 51.507351]}}, "123"),
        ({"geo_distance": {"distance": "20km", PLACE: {"lat": 0, "lon": -179.99}}}, "3"),
        ({"geo_distance": {"distance": "2km", "no.such": LONDON, "ignore_unmapped": True}}, ""),
        ({"geo_bounding_box": {PLACE: {"top_left": {"lat": 54, "lon": -2}, "bottom_right": "53,0"}}}, "2"),
        ({"geo_bounding_box": {PLACE: {"top_right": "1,-179", "bottom_left": "-1,179"}}}, "3"),
        ({"geo_bounding_box": {PLACE: {"top": 52, "left": -1, "bottom": 51, "right": 1}}}, "13"),
        ({"exists": {"field": PLACE}}, "123"),
    ],
)
async def test_a_query_finds_its_documents_and_no_others(searched: Index, query: dict[str, Any], ids: str) -> None:
    """Conditions on nested objects hold for one and the same object; places are found wherever the earth ends."""
    answer = await _ask(searched, {"query": query, "sort": ["id"]})
    assert "".join(hit["_id"] for hit in answer["hits"]["hits"]) == ids


@pytest.mark.parametrize(
    ("sort", "ids", "values"),
    [
        ({PLACE: LONDON, "unit": "km"}, "1324", [0, 2.0856, 272.43, "Infinity"]),
        ({PLACE: LONDON, "order": "desc", "unit": "mi"}, "4321", ["Infinity", 8877.996, 169.28, 0]),
        ({PLACE: LONDON, "mode": "avg", "unit": "km"}, "1234", [0, 272.43, 7144.9, "Infinity"]),
        ({PLACE: [LONDON, "53.8,-1.549"], "unit": "m"}, "1234", [0, 84, 2085.6, "Infinity"]),
        ({"no.such": LONDON, "ignore_unmapped": True}, "1234", ["Infinity"] * 4),
    ],
)
async def test_a_sort_by_distance_shows_the_distance(
    searched: Index, sort: dict[str, Any], ids: str, values: list[Any]
) -> None:
    """In the unit that is asked for; of several places the nearest counts, downwards the farthest; none is last."""
    body: dict[str, Any] = {"sort": [{"_geo_distance": sort}, "id"], "size": 1}
    met, distances, after = "", [], None
    for _ in range(4):
        (hit,) = (await _ask(searched, body if after is None else {**body, "search_after": after}))["hits"]["hits"]
        met, after = met + hit["_id"], hit["sort"]
        distances.append(hit["sort"][0])
    assert met == ids
    assert distances == [each if each == "Infinity" else pytest.approx(each, rel=0.01, abs=1) for each in values]


def _functions(*functions: Any, **how: Any) -> dict[str, Any]:
    return {
        "function_score": {"query": {"constant_score": {"filter": {"match_all": {}}}}, "functions": functions, **how}
    }


@pytest.mark.parametrize(
    ("query", "scores"),
    [
        (_functions({"weight": 3, "filter": {"term": {"id": "1"}}}), [3, 1, 1, 1]),
        (_functions({"weight": 3}, {"weight": 4, "filter": {"term": {"id": "2"}}}, score_mode="avg"), [1, 1, 1, 1]),
        (_functions({"weight": 3}, {"weight": 4}, score_mode="sum", boost_mode="sum", max_boost=5), [6, 6, 6, 6]),
        (_functions({"weight": 3}, {"weight": 4}, score_mode="min", boost_mode="replace"), [3, 3, 3, 3]),
        (_functions({"weight": 3}, boost_mode="avg", boost=5), [4, 4, 4, 4]),
        (_functions({"exp": {"published": {"origin": "2020-01-01", "scale": "10d"}}}), [1, 0.5, 2**-6, 1]),
        (_functions({"gauss": {"published": {"origin": "2020-01-01", "scale": "10d"}}}), [1, 0.5, 2**-36, 1]),
        (_functions({"exp": {"object.startTime": {"origin": "2020-01-01", "scale": "10d"}, "multi_value_mode": "sum"}}),
         [0.25, 1, 1, 1]),
        (_functions({"linear": {"published": {"origin": "2020-01-01", "scale": "10d", "offset": "5d"}}}),
         [1, 0.75, 0, 1]),
        (_functions({"exp": {PLACE: {"origin": "51.507351,-0.127758", "scale": "100km", "decay": 0.1}}}),
         [1, 10**-2.72427, 10**-0.020856, 1]),
        (_functions({"field_value_factor": {"field": "object.dit:public", "factor": 2, "modifier": "ln1p",
                                            "missing": 3}}), [math.log(3), 0, math.log(7), math.log(7)]),
        ({"boosting": {"boost": 3, "positive": _functions({"weight": 4}, boost_mode="replace"),
                       "negative": {"term": {"id": "2"}}, "negative_boost": 0.5}}, [12, 6, 12, 12]),
        ({"nested": {"path": PROGRAMMES, "query": {"constant_score": {"filter": {"match_all": {}}}},
                     "score_mode": "sum"}}, [2, 1, 2]),
        ({"nested": {"path": PROGRAMMES, "query": {"match_all": {"boost": 3}}}}, [3, 3, 3]),
    ],
)  # fmt: skip
async def test_functions_make_the_score(searched: Index, query: dict[str, Any], scores: list[float]) -> None:
    """By OpenSearch's formulas; what a function does not apply to stays as it is, a missing value is as near as can
    be."""
    for extra in ({"sort": ["id"], "track_scores": True}, {}):
        hits = (await _ask(searched, {"query": query, **extra}))["hits"]["hits"]
        assert [hit["_score"] for hit in sorted(hits, key=lambda hit: str(hit["_id"]))] == pytest.approx(
            scores, rel=2e-3, abs=1e-6
        )
        if not extra:
            assert [hit["_score"] for hit in hits] == sorted((hit["_score"] for hit in hits), reverse=True)


async def test_a_score_by_functions_counts_within_other_queries(searched: Index) -> None:
    """It is added to that of the others, and what has less than enough is not found."""
    by_date = {"exp": {"published": {"origin": "2020-01-01", "scale": "10d"}}}
    score = _functions(by_date, min_score=0.3)
    found = await _ask(searched, {"query": {"bool": {"must": [score, {"terms": {"id": ["1", "2", "3"]}}]}}})
    assert [(hit["_id"], hit["_score"]) for hit in found["hits"]["hits"]] == [("1", 2), ("2", pytest.approx(1.5))]
    assert found["hits"]["max_score"] == 2
    narrowed = {"query": _functions(by_date), "min_score": 0.7, "aggs": {"n": {"value_count": {"field": "id"}}}}
    found = await _ask(searched, narrowed)
    assert [hit["_id"] for hit in found["hits"]["hits"]] == ["1", "4"]
    assert (found["hits"]["total"]["value"], found["aggregations"]["n"]["value"]) == (2, 2)


@pytest.mark.parametrize(
    "body",
    [
        {"query": {"nested": {"path": "object", "query": {"match_all": {}}}}},
        {"query": {"nested": {"path": "no.such", "query": {"match_all": {}}}}},
        {"query": {"geo_distance": {"distance": "2km", "id": LONDON}}},
        {"query": {"geo_distance": {"distance": "2km", "no.such": LONDON}}},
        {"query": {"geo_distance": {"distance": "2 parsec", PLACE: LONDON}}},
        {"query": {"geo_distance": {"distance": "2km", PLACE: {"lat": 91, "lon": 0}}}},
        {"query": {"geo_bounding_box": {PLACE: {"top": 1, "left": 0, "bottom": 2, "right": 1}}}},
        {"sort": [{"_geo_distance": {"no.such": LONDON}}]},
        {"sort": [{"_geo_distance": {PLACE: LONDON, "mode": "sum"}}]},
        {"query": _functions({"exp": {"no.such": {"origin": 1, "scale": 1}}})},
        {"query": _functions({"exp": {PLACE: {"origin": LONDON}}})},
        {"query": _functions({"exp": {"published": {"scale": "10 days"}}})},
        {"query": _functions({"exp": {"published": {"scale": "10d", "decay": 1}}})},
        {"query": _functions({"field_value_factor": {"field": "no.such"}})},
        {"query": _functions({"field_value_factor": {"field": "object.dit:public", "factor": -1, "missing": 1}})},
        {"query": _functions({"filter": {"match_all": {}}})},
    ],
)
async def test_what_cannot_be_answered_is_a_400_with_a_reason(searched: Index, body: dict[str, Any]) -> None:
    """A field that holds no such thing, a place off the earth, a unit nobody knows, a score below zero."""
    with pytest.raises(SearchRefused) as refused:
        await _ask(searched, body)
    assert refused.value.status == 400
    assert json.loads(refused.value.body)["error"]["reason"]


async def _ask(index: Index, body: Any) -> Any:
    return json.loads((await index.search(Alias.ACTIVITIES, json.dumps(body).encode())).body)


def _activity(row: dict[str, Any]) -> Activity:
    inner = row["object"]
    return Activity(row["id"], json.dumps(row).encode(), inner["id"], json.dumps(inner).encode())
