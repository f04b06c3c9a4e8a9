"""`evaluator_queries` and its neighbours: what each query finds, and with what score."""

from math import log
from typing import Any

import pytest

from activity_stream.search.lengths import stored_length
from tests.unit.testing.indexed import Indexed


@pytest.fixture
async def held() -> Indexed:
    """Documents of every type of field."""
    indexed = Indexed()
    await indexed.hold(
        [
            {
                "word": "Create",
                "text": "The quick brown fox",
                "n": 5,
                "x": 1.5,
                "flag": True,
                "at": "2020-10-08T11:59Z",
            },
            {"word": ["update", "x"], "text": ["brown", "quick fox"], "n": [6, 7], "flag": False, "at": "1865-01-01"},
            {"word": 6, "text": "don't", "n": "8.9", "x": "2", "at": 1577880000000},
            {"word": {}, "text": "", "n": "many", "flag": "", "at": "", "where": {"lat": 1, "lon": 2}},
            {
                "object": {
                    "name": "Fox",
                    "dit:relatedProgrammes": [{"id": "p"}],
                    "attributedTo": [{"id": "a"}, {"id": "b"}],
                }
            },
        ]
    )
    return indexed


FINDS: list[tuple[dict[str, Any], str]] = [
    ({"match_all": {}}, "0 1 2 3 4"),
    ({"match_none": {}}, ""),
    ({"term": {"word": "Create"}}, "0"),
    ({"term": {"word": "create"}}, ""),
    ({"term": {"word": {"value": "CREATE", "case_insensitive": True}}}, "0"),
    ({"term": {"word": 6}}, "2"),
    ({"term": {"word": "6"}}, "2"),
    ({"term": {"text": "quick"}}, "0 1"),
    ({"term": {"text": "Quick"}}, ""),
    ({"term": {"object.attributedTo.id": "b"}}, "4"),
    ({"term": {"object.dit:relatedProgrammes.id": "p"}}, ""),
    ({"term": {"nowhere": "x"}}, ""),
    ({"term": {"n": 7}}, "1"),
    ({"term": {"n": "8"}}, "2"),
    ({"term": {"n": 5.5}}, ""),
    ({"term": {"x": 2}}, "2"),
    ({"term": {"flag": "false"}}, "1 3"),
    ({"term": {"at": "2020-10-08"}}, "0"),
    ({"term": {"at": "2020-10-08T11"}}, "0"),
    ({"term": {"at": "2020-10-08T12"}}, ""),
    ({"terms": {"word": ["x", "Create", 6]}}, "0 1 2"),
    ({"terms": {"word": []}}, ""),
    ({"terms": {"at": ["1865-01-01", "2020-10-08"]}}, "0 1"),
    ({"match": {"text": "QUICK dont"}}, "0 1"),
    ({"match": {"text": {"query": "brown dont", "operator": "and"}}}, ""),
    ({"match": {"text": {"query": "the brown fox", "minimum_should_match": "2<100%"}}}, "0"),
    ({"match": {"text": {"query": "the brown fox", "minimum_should_match": 2}}}, "0 1"),
    ({"match": {"text": {"query": "quick", "minimum_should_match": 3}}}, "0 1"),
    ({"match": {"text": {"query": "quick fox", "operator": "and", "minimum_should_match": 1}}}, ""),
    ({"match": {"text": "..."}}, ""),
    ({"match": {"text": {"query": "...", "zero_terms_query": "all"}}}, "0 1 2 3 4"),
    ({"match": {"word": "update x"}}, ""),
    ({"match": {"word": "update"}}, "1"),
    ({"match": {"n": {"query": "many", "lenient": True}}}, ""),
    ({"match": {"nowhere": {"query": "", "zero_terms_query": "all"}}}, ""),
    ({"match_phrase": {"text": "quick brown"}}, "0"),
    ({"match_phrase": {"text": "brown quick"}}, ""),
    ({"match_phrase": {"text": "quick fox"}}, "1"),
    ({"match_phrase": {"text": "fox"}}, "0 1"),
    ({"match_phrase": {"word": "Create"}}, "0"),
    ({"multi_match": {"query": "fox", "fields": ["text", "object.name"]}}, "0 1 4"),
    ({"multi_match": {"query": "quick brown", "fields": ["text", "object.name"], "type": "phrase"}}, "0"),
    ({"range": {"at": {"gte": "2020-01-01", "lt": "2020-10-08"}}}, "2"),
    ({"range": {"at": {"lte": "2020-10-08"}}}, "0 1 2"),
    ({"range": {"at": {"gt": "2020-10-08"}}}, ""),
    ({"range": {"at": {"gte": "08/10/2020", "format": "dd/MM/yyyy"}}}, "0"),
    ({"range": {"at": {"lt": "1865-01-01T01:00", "time_zone": "+01:00"}}}, ""),
    ({"range": {"n": {"gt": 5, "lte": 7.5}}}, "1"),
    ({"range": {"n": {}}}, "0 1 2"),
    ({"range": {"x": {"gte": "1.5", "lt": 2}}}, "0"),
    ({"range": {"word": {"gte": "D", "lt": "v"}}}, "1"),
    ({"range": {"word": {"lt": "D"}}}, "0 2"),
    ({"range": {"flag": {"gt": False}}}, "0"),
    ({"exists": {"field": "word"}}, "0 1 2"),
    ({"exists": {"field": "text"}}, "0 1 2 3"),
    ({"exists": {"field": "at"}}, "0 1 2"),
    ({"exists": {"field": "where"}}, "3"),
    ({"exists": {"field": "object"}}, "4"),
    ({"exists": {"field": "object.dit:relatedProgrammes"}}, ""),
    ({"exists": {"field": "obj"}}, ""),
    ({"prefix": {"word": "u"}}, "1"),
    ({"prefix": {"word": {"value": "CR", "case_insensitive": True}}}, "0"),
    ({"prefix": {"text": "qui"}}, "0 1"),
    ({"wildcard": {"word": "*a?e"}}, "0 1"),
    ({"wildcard": {"word": "*"}}, "0 1 2"),
    ({"wildcard": {"word": "u\\*"}}, ""),
    ({"wildcard": {"word": {"value": "*ATE", "case_insensitive": True}}}, "0 1"),
    ({"ids": {"values": ["4", "0", "nine"]}}, "0 4"),
    ({"bool": {}}, "0 1 2 3 4"),
    ({"bool": {"must_not": {"term": {"word": "x"}}}}, "0 2 3 4"),
    ({"bool": {"should": [{"term": {"n": 5}}, {"term": {"n": 7}}]}}, "0 1"),
    ({"bool": {"should": [{"term": {"n": 5}}], "filter": [{"exists": {"field": "n"}}]}}, "0 1 2"),
    ({"bool": {"should": [], "minimum_should_match": 1, "filter": {"match_all": {}}}}, ""),
    ({"bool": {"should": [], "minimum_should_match": 1}}, "0 1 2 3 4"),
    ({"bool": {"should": [{"term": {"n": 5}}], "minimum_should_match": 0}}, "0"),
    ({"bool": {"should": [{"term": {"n": 5}}, {"term": {"x": 1.5}}], "minimum_should_match": "100%"}}, "0"),
    ({"bool": {"should": [{"term": {"n": 5}}], "must_not": [{"match_all": {}}]}}, ""),
    ({"constant_score": {"filter": {"term": {"n": 5}}}}, "0"),
    ({"dis_max": {"queries": [{"term": {"n": 5}}, {"term": {"n": 6}}]}}, "0 1"),
]


@pytest.mark.parametrize(("query", "ids"), FINDS, ids=[str(number) for number in range(len(FINDS))])
async def test_each_query_finds_what_it_means(held: Indexed, query: dict[str, Any], ids: str) -> None:
    """As OpenSearch, on every type of field; what is not mapped, or not searchable, is not found."""
    assert await held.ids(query) == ids


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"term": {"at": "soon"}}, "field [at]: failed to parse date field [soon]"),
        ({"terms": {"n": ["many"]}}, 'field [n]: For input string: "many"'),
        ({"match": {"flag": "yes"}}, "field [flag]: Can't parse boolean value [yes]"),
        ({"range": {"at": {"gte": "now+"}}}, "field [at]: date math"),
        ({"range": {"at": {"gte": "2020", "format": "MMM"}}}, "field [at]: Invalid format"),
        ({"range": {"n": {"gte": 1, "format": "yyyy"}}}, "Field [n] of type [long] does not support [format]"),
        ({"range": {"where": {"gte": 1}}}, "Field [where] of type [geo_point]"),
        ({"term": {"n": {"value": 1, "case_insensitive": True}}}, "does not support case insensitive"),
        ({"prefix": {"at": "20"}}, "Can only use prefix queries on keyword and text fields"),
        ({"wildcard": {"n": "2*"}}, "Can only use wildcard queries on keyword and text fields"),
    ],
)
async def test_a_value_that_a_field_cannot_hold_is_refused(query: dict[str, Any], reason: str) -> None:
    """Even if there is no document; a query asked for the impossible must not look like one that finds nothing."""
    assert reason in await Indexed().reason({"query": query})


def weight(documents: int, with_term: int) -> float:
    """How much a term that so many documents have is worth."""
    return log(1 + (documents - with_term + 0.5) / (with_term + 0.5))


async def test_text_is_scored_by_bm25() -> None:
    """By frequency and length, over the documents that have the field alone."""
    held = Indexed()
    await held.hold([{"text": "red red blue"}, {"text": "red"}, {"text": "green"}, {"word": "red"}])
    mean = 5 / 3
    first = weight(3, 2) * 2 / (2 + 1.2 * (0.25 + 0.75 * 3 / mean))
    second = weight(3, 2) * 1 / (1 + 1.2 * (0.25 + 0.75 * 1 / mean))
    assert await held.score({"match": {"text": "red"}}) == pytest.approx(sorted([first, second], reverse=True))
    assert await held.score({"match": {"text": {"query": "red red", "boost": 3}}}) == pytest.approx(
        sorted([6 * first, 6 * second], reverse=True)
    )
    blue = weight(3, 1) * 1 / (1 + 1.2 * (0.25 + 0.75 * 3 / mean))
    phrase = (weight(3, 1) + weight(3, 2)) * 1 / (1 + 1.2 * (0.25 + 0.75 * 3 / mean))
    assert await held.score({"match_phrase": {"text": "red blue"}}) == pytest.approx([phrase])
    assert await held.score({"match": {"text": {"query": "red blue", "operator": "and"}}}) == pytest.approx(
        [first + blue]
    )


async def test_exact_values_score_their_boost_and_booleans_their_rarity() -> None:
    """As in OpenSearch 3, where keywords have none."""
    held = Indexed()
    await held.hold([{"word": ["a", "a"], "flag": True}, {"word": ["b", "c"]}, {"word": "b"}])
    assert await held.score({"term": {"word": {"value": "a", "boost": 3}}}) == [3]
    assert await held.score({"match": {"word": "b"}}) == [1, 1]
    assert await held.score({"term": {"flag": True}}) == pytest.approx([weight(1, 1) / (1 + 1.2)])


async def test_other_queries_score_their_boost(held: Indexed) -> None:
    """Ranges, sets, patterns and ids give 1 times their boost, filters nothing."""
    for query in (
        {"terms": {"word": ["x"], "boost": 2}},
        {"range": {"n": {"gte": 6, "lte": 7, "boost": 2}}},
        {"prefix": {"word": {"value": "up", "boost": 2}}},
        {"term": {"n": {"value": 6, "boost": 2}}},
        {"ids": {"values": ["1"], "boost": 2}},
        {"constant_score": {"filter": {"term": {"word": "x"}}, "boost": 2}},
        {"bool": {"must": {"terms": {"word": ["x"]}}, "boost": 2, "filter": {"match_all": {}}}},
        {"bool": {"should": [{"terms": {"word": ["x"]}}, {"terms": {"n": [7]}}]}},
        {"dis_max": {"queries": [{"terms": {"word": ["x"]}}] * 3, "tie_breaker": 0.5}},
        {"term": {"word": {"value": "X", "case_insensitive": True, "boost": 2}}},
    ):
        assert await held.score(query) == [2.0], query
    assert await held.score({"bool": {"filter": {"term": {"word": "x"}}}}) == [0.0]
    assert await held.score({"bool": {"must_not": {"exists": {"field": "id"}}}}) == []
    assert await held.score({"bool": {}}) == [1.0] * 5


async def test_multi_match_takes_the_best_field_or_adds_them() -> None:
    """best_fields: the best, plus the tie breaker's part of the others; most_fields: all of them."""
    held = Indexed()
    await held.hold([{"text": "fox", "object": {"id": "o", "name": "fox"}}])
    [one] = await held.score({"match": {"text": "fox"}})
    for extra, times in (({}, 2), ({"tie_breaker": 0.5}, 2.5), ({"type": "most_fields"}, 3)):
        query = {"multi_match": {"query": "fox", "fields": ["text^2", "object.name"], **extra}}
        assert await held.score(query) == pytest.approx([one * times])


@pytest.mark.parametrize(("length", "stored"), [(1, 1), (39, 39), (40, 40), (41, 40), (55, 54), (56, 56), (1000, 984)])
def test_lengths_are_rounded_as_lucene_stores_them(length: int, stored: int) -> None:
    """SmallFloat.intToByte4: exact to 40, then four significant bits above 24."""
    assert stored_length(length) == stored
