"""What scores are made of; every index has to pass."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

from activity_stream.errors import SearchRefused
from activity_stream.model import Activity, Alias
from activity_stream.ports import Index

NAME, CONTENT, PROGRAMMES = "object.name", "object.content", "object.dit:relatedProgrammes"
ROWS: list[dict[str, Any]] = [
    {"id": "1", "type": ["a", "b"], "published": "2020-01-01T00:00:00Z",
     "object": {"name": "wine export wine", "content": "trade in wine", "dit:public": True,
                "dit:relatedProgrammes": [{"id": "p1", "name": "great wine"}, {"id": "p2", "name": "cheese"}]}},
    {"id": "2", "type": "a", "published": "2020-01-11T00:00:00Z",
     "object": {"name": "wine export", "content": "trade", "dit:public": False}},
    {"id": "3", "type": "c", "object": {"name": "wines exports of trade", "content": "wine"}},
]  # fmt: skip
WINE = {"match": {NAME: "wine"}}


@pytest.fixture
async def searched(index: Index) -> Index:
    """An index that has published the rows, once: an engine counts what was replaced as well."""
    generation = await index.begin("feed")
    rows = [Activity(row["id"], json.dumps(row).encode()) for row in ROWS]
    await index.write([generation], rows, visible=True)
    await index.publish(generation)
    return index


QUERIES: list[Any] = [
    {"match_all": {"boost": 2}},
    {"term": {"type": {"value": "a", "boost": 3}}},
    {"terms": {"type": ["a", "c"]}},
    {"range": {"published": {"gte": "2020-01-05"}}},
    {"range": {"object.dit:public": {"gte": True}}},
    {"term": {"object.dit:public": True}},
    WINE,
    {"match": {NAME: {"query": "wine export", "operator": "and", "boost": 2}}},
    {"match": {NAME: {"query": "wime", "fuzziness": 1}}},
    {"fuzzy": {"type": {"value": "ax", "fuzziness": 1}}},
    {"match_phrase": {NAME: "wine export"}},
    {"match_phrase": {NAME: {"query": "export wine", "slop": 3}}},
    {"match_phrase_prefix": {NAME: "wine ex"}},
    {"match_phrase_prefix": {NAME: "ex"}},
    {"match_bool_prefix": {NAME: "wine ex"}},
    {"multi_match": {"query": "wine trade", "fields": [NAME, f"{CONTENT}^2"], "tie_breaker": 0.3}},
    {"multi_match": {"query": "wine", "fields": [NAME, CONTENT], "type": "most_fields"}},
    {"bool": {"must": [WINE], "filter": [{"term": {"type": "a"}}], "should": [{"exists": {"field": "published"}}]}},
    {"bool": {"must_not": [{"term": {"type": "a"}}]}},
    {"bool": {"filter": [{"term": {"type": "a"}}]}},
    {"dis_max": {"queries": [WINE, {"match": {CONTENT: "wine"}}], "boost": 2}},
    {"boosting": {"positive": WINE, "negative": {"term": {"type": "b"}}, "negative_boost": 0.5}},
    {"constant_score": {"filter": WINE, "boost": 4}},
    {"nested": {"path": PROGRAMMES, "query": {"match": {f"{PROGRAMMES}.name": "wine cheese"}}, "score_mode": "sum"}},
    {"function_score": {"query": WINE, "score_mode": "sum", "boost_mode": "sum", "max_boost": 5, "functions": [
        {"weight": 2, "filter": {"term": {"type": "b"}}},
        {"weight": 3, "exp": {"published": {"origin": "2020-01-01", "scale": "10d"}}},
        {"field_value_factor": {"field": "object.dit:public", "missing": 3, "modifier": "ln1p"}}]}},
    {"query_string": {"query": "wine AND type:a", "fields": [NAME]}},
    {"term": {"nobody.mapped": "x"}},
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: next(iter(query)))
async def test_an_explanation_has_the_hits_score_and_what_that_is_made_of(searched: Index, query: Any) -> None:
    """With a sort too, where the hit itself has none; sums add up, products multiply, and all of it is numbers and
    texts."""
    scores = {hit["_id"]: hit["_score"] for hit in (await _ask(searched, {"query": query}))["hits"]["hits"]}
    for extra in ({}, {"sort": ["id"]}):
        found = await _ask(searched, {"query": query, "explain": True, **extra})
        for hit in found["hits"]["hits"]:
            explanation = hit["_explanation"]
            assert explanation["value"] == pytest.approx(scores.pop(hit["_id"]) if not extra else explanation["value"])
            assert hit["_shard"].endswith("][0]")
            assert hit["_node"]
            for part in _parts(explanation):
                assert part.keys() == {"value", "description", "details"}
                _check_sum(part)
    assert scores == {}


async def test_a_words_weight_is_told_by_the_numbers_of_its_formula(searched: Index) -> None:
    """How many documents have it, of how many, how often it is in this one, how long that is; each boost."""
    found = await _ask(
        searched, {"query": {"bool": {"must": [{"match": {NAME: "wine"}}], "boost": 2}}, "explain": True}
    )
    numbers = {part["description"].split(",")[0]: part["value"] for part in _parts(_of(found, "1"))}
    assert {name: numbers[name] for name in ("n", "N", "freq", "dl", "avgdl", "boost", "k1", "b")} == pytest.approx(
        {"n": 2, "N": 3, "freq": 2, "dl": 3, "avgdl": 3, "boost": 2, "k1": 1.2, "b": 0.75}
    )
    assert numbers["idf"] == pytest.approx(math.log(1 + 1.5 / 2.5))
    assert numbers["tf"] == pytest.approx(2 / 3.2)


async def test_every_part_of_a_query_that_finds_a_hit_is_named(searched: Index) -> None:
    """Those that find it, and what narrows; what finds other documents is left out."""
    filters = {"filter": [{"term": {"type": "b"}}], "should": [WINE, {"match": {CONTENT: "nothing"}}]}
    texts = [each["description"] for each in _parts(_of(await _explained(searched, {"bool": filters}), "1"))]
    assert any("object.name:wine" in text for text in texts)
    assert any("type:b" in text for text in texts)
    assert not any("nothing" in text for text in texts)


async def test_the_boost_of_an_index_is_a_part_of_it(searched: Index) -> None:
    """As any other boost."""
    plain = _of(await _explained(searched, WINE), "1")
    boosted = _of(await _explained(searched, WINE, indices_boost=[{"activities*": 3}]), "1")
    assert boosted["value"] == pytest.approx(3 * plain["value"], rel=1e-6)
    assert [part["value"] for part in _parts(boosted) if part["description"] == "boost"] == [3]


async def test_without_asking_nothing_is_explained(searched: Index) -> None:
    """Nor where no hits are asked for."""
    for body in ({"query": WINE}, {"query": WINE, "explain": False}):
        assert all("_explanation" not in hit for hit in (await _ask(searched, body))["hits"]["hits"])
    assert (await _ask(searched, {"query": WINE, "explain": True, "size": 0}))["hits"]["hits"] == []


@pytest.mark.parametrize("value", ["yes", 1, None, {}])
async def test_a_wrong_value_is_a_400(searched: Index, value: Any) -> None:
    """That names what it was."""
    with pytest.raises(SearchRefused) as refused:
        await _ask(searched, {"explain": value})
    assert refused.value.status == 400


async def _explained(index: Index, query: Any, **more: Any) -> Any:
    return await _ask(index, {"query": query, "explain": True, **more})


def _of(answer: Any, document: str) -> Any:
    return next(hit["_explanation"] for hit in answer["hits"]["hits"] if hit["_id"] == document)


def _parts(explanation: Any) -> Iterator[Any]:
    yield explanation
    for each in explanation["details"]:
        yield from _parts(each)


def _check_sum(part: Any) -> None:
    values = [each["value"] for each in part["details"]]
    if part["description"] == "sum of:":
        assert part["value"] == pytest.approx(sum(values), rel=1e-4, abs=1e-6)
    if part["description"] == "max of:":
        assert part["value"] == pytest.approx(max(values), rel=1e-4)


async def _ask(index: Index, body: Any) -> Any:
    return json.loads((await index.search(Alias.ACTIVITIES, json.dumps(body).encode())).body)
