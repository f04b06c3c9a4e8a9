"""The best hits scored once more; every index has to pass."""

from typing import Any

import msgspec
import pytest

from activity_stream.errors import SearchRefused
from activity_stream.model import Alias
from activity_stream.ports import Index
from tests.contract.conftest import SHARED
from tests.contract.rows import publish

FEEDS: dict[str, list[dict[str, Any]]] = {
    "one": [{"id": "1", "type": ["a", "b", "c"]}, {"id": "2", "type": ["a", "d"]}, {"id": "3", "type": "a"}],
    "two": [{"id": "4", "type": ["a", "b"]}, {"id": "5", "type": ["a", "d"]}],
}


def worth(kind: str, score: float) -> dict[str, Any]:
    """A query that gives what is of a type a score."""
    return {"constant_score": {"filter": {"term": {"type": kind}}, "boost": score}}


QUERY = {"bool": {"should": [worth("a", 1), worth("b", 4), worth("c", 8)]}}


@pytest.fixture
async def searched(index: Index) -> Index:
    """An index that has published two feeds."""
    for feed, rows in FEEDS.items():
        await publish(index, feed, rows)
    return index


@pytest.mark.parametrize(
    ("rescore", "expected"),
    [
        ([], {"1": 13, "4": 5, "2": 1, "5": 1, "3": 1}),
        ([(10, {})], {"1": 13, "4": 5, "2": 101, "5": 101, "3": 1}),
        ([(1, {})], {"1": 13, "4": 5, "2": 1, "5": 1, "3": 1}),
        ([(2, {"query_weight": 0.5})], {"1": 6.5, "4": 2.5, "2": 100.5, "5": 100.5, "3": 0.5}),
        ([(10, {"rescore_query_weight": 2})], {"1": 13, "4": 5, "2": 201, "5": 201, "3": 1}),
        ([(10, {"score_mode": "multiply"})], {"1": 13, "4": 5, "2": 100, "5": 100, "3": 1}),
        ([(10, {"score_mode": "avg"})], {"1": 13, "4": 5, "2": 50.5, "5": 50.5, "3": 1}),
        ([(10, {"score_mode": "max"})], {"1": 13, "4": 5, "2": 100, "5": 100, "3": 1}),
        ([(10, {"score_mode": "min"})], {"1": 13, "4": 5, "2": 1, "5": 1, "3": 1}),
        ([(10, {}), (10, {"query_weight": 2})], {"1": 26, "4": 10, "2": 302, "5": 302, "3": 2}),
    ],
)  # fmt: skip
async def test_the_best_of_each_index_are_scored_by_another_query_too(
    searched: Index,
    request: pytest.FixtureRequest,
    rescore: list[tuple[int, dict[str, Any]]],
    expected: dict[str, float],
) -> None:
    """Those in the window; all others have their own score, weighed. Then the best come first."""
    if SHARED in request.node.name and any(size == 2 for size, _ in rescore):
        pytest.skip("feeds that share an index have one window together")
    said = [{"window_size": size, "query": {"rescore_query": worth("d", 100), **how}} for size, how in rescore]
    found = (await ask(searched, {"query": QUERY, "rescore": said}))["hits"]
    assert {hit["_id"]: hit["_score"] for hit in found["hits"]} == pytest.approx(expected)
    scores = [hit["_score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert (found["max_score"], found["total"]["value"]) == (scores[0], 5)
    second = (await ask(searched, {"query": QUERY, "rescore": said, "from": 1, "size": 1}))["hits"]
    assert (second["hits"][0]["_score"], second["max_score"]) == (scores[1], scores[0])


@pytest.mark.parametrize(
    "more",
    [
        {"sort": ["id"]},
        {"rescore": {"query": {}}},
        {"rescore": {"window_size": 10_001, "query": {"rescore_query": {"match_all": {}}}}},
    ],
)
async def test_what_cannot_be_is_refused(searched: Index, more: dict[str, Any]) -> None:
    """An order of its own, no query, a window that is too large."""
    with pytest.raises(SearchRefused) as caught:
        await ask(searched, {"query": QUERY, "rescore": {"query": {"rescore_query": worth("d", 1)}}, **more})
    assert caught.value.status == 400


async def ask(index: Index, body: Any) -> Any:
    """The index's answer, decoded."""
    return msgspec.json.decode((await index.search(Alias.ACTIVITIES, msgspec.json.encode(body))).body)
