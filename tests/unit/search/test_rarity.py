"""Queries whose words have the score that they deserve within a scope."""

from typing import Any

import pytest

from activity_stream.fields import Field, FieldType
from activity_stream.search.parse import parse_body
from activity_stream.search.rarity import Weighing, blended, rarity, shows_scores

FIELDS = {
    name: Field(name, kind, (name,))
    for name, kind in (
        ("name", FieldType.TEXT),
        ("content", FieldType.TEXT),
        ("type", FieldType.KEYWORD),
        ("public", FieldType.BOOLEAN),
    )
}


def weighed(query: dict[str, Any]) -> Any:
    """The query where every word is in 1 and every field in 10 documents of the scope."""
    weighing = Weighing(query, FIELDS)
    return weighing.weighed({name: 10 if "exists" in counted else 1 for name, counted in weighing.counting().items()})


def constant(query: dict[str, Any], score: float) -> dict[str, Any]:
    """The query, all with the same score."""
    return {"constant_score": {"filter": query, "boost": score}}


ONE_OF_TEN = rarity(1, 10)
OLD = {"term": {"name": "old"}}
PORT = {"term": {"name": "port"}}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"match_all": {}}, constant({"match_all": {}}, 1.0)),
        ({"term": {"name": {"value": "old", "boost": 3}}}, constant(OLD, 3 * ONE_OF_TEN)),
        ({"term": {"type": "Note"}}, constant({"term": {"type": "Note"}}, 1.0)),
        ({"term": {"public": True}}, constant({"term": {"public": True}}, 1.0)),
        (
            {"match": {"name": "Old port"}},
            {"bool": {"should": [constant(OLD, ONE_OF_TEN), constant(PORT, ONE_OF_TEN)], "minimum_should_match": 1}},
        ),
        (
            {"match": {"name": {"query": "old port", "operator": "and"}}},
            {"bool": {"should": [constant(OLD, ONE_OF_TEN), constant(PORT, ONE_OF_TEN)], "minimum_should_match": 2}},
        ),
        ({"match": {"name": {"query": "old port", "minimum_should_match": 3}}}, {"match_none": {}}),
        ({"match": {"type": "Old port"}}, constant({"match": {"type": "Old port"}}, 1.0)),
        (
            {"match_phrase": {"name": "old port"}},
            constant({"match_phrase": {"name": {"query": "old port", "slop": 0}}}, ONE_OF_TEN),
        ),
        (
            {"bool": {"must": OLD, "filter": [PORT], "must_not": [PORT], "boost": 2}},
            {"bool": {"must": constant(OLD, ONE_OF_TEN), "filter": [PORT], "must_not": [PORT], "boost": 2}},
        ),
        (
            {"dis_max": {"queries": [OLD, PORT], "tie_breaker": 0.5}},
            {"dis_max": {"queries": [constant(OLD, ONE_OF_TEN), constant(PORT, ONE_OF_TEN)], "tie_breaker": 0.5}},
        ),
    ],
)
def test_words_have_their_rarity_within_the_scope_as_a_constant_score(
    query: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Nothing is left whose score an index would take from its other documents; what is found stays the same."""
    assert weighed(query) == expected


def test_a_word_across_fields_is_as_rare_as_where_most_have_it() -> None:
    """In all fields of text; others are asked for their whole value."""
    query = {"multi_match": {"query": "Old", "fields": ["name", "content^2", "type"], "type": "cross_fields"}}
    weighing = Weighing(query, FIELDS)
    having = {"name": 7, "content": 1}
    counts = {
        name: 10 if "exists" in counted else having[next(iter(counted["term"]))]
        for name, counted in weighing.counting().items()
    }
    words = [constant(OLD, rarity(7, 10)), constant({"term": {"content": "old"}}, 2 * rarity(8, 10))]
    in_text = {"bool": {"should": [{"dis_max": {"queries": words, "tie_breaker": 0.0}}], "minimum_should_match": 1}}
    plain = {"match": {"type": {"query": "Old", "zero_terms_query": "none", "lenient": False}}}
    whole = {"dis_max": {"queries": [constant(plain, 1.0)], "tie_breaker": 0.0}}
    assert weighing.weighed(counts) == {"dis_max": {"queries": [in_text, whole], "tie_breaker": 0.0, "boost": 1.0}}


@pytest.mark.parametrize(
    ("having", "documents", "most", "expected"),
    [
        ([5], [10], 100, [5]),
        ([5, 2], [10, 10], 100, [5, 6]),
        ([2, 5, 5, 1], [10, 10, 10, 10], 100, [6, 5, 5, 7]),
        ([5, 2], [10, 3], 100, [5, 3]),
        ([5, 0], [10, 3], 100, [5, 0]),
        ([5, 2], [10, 10], 3, [3, 3]),
        ([0, 0], [10, 3], 0, [0, 0]),
    ],
)
def test_fields_keep_their_order_by_how_many_documents_have_a_word(
    having: list[int], documents: list[int], most: int, expected: list[int]
) -> None:
    """One more for each field that fewer have it in, as far as documents have the field."""
    assert blended(having, documents, most) == expected


def test_words_that_do_not_score_are_not_counted() -> None:
    """What only filters asks nothing of the index."""
    filtering = {"bool": {"filter": [OLD], "must_not": [PORT], "must": [{"exists": {"field": "name"}}]}}
    assert not Weighing(filtering, FIELDS).counting()


def test_a_rarer_word_has_a_greater_score_and_never_less_than_nothing() -> None:
    """As Lucene's idf: also where more documents have the word than are said to have the field."""
    assert rarity(1, 100) > rarity(2, 100) > rarity(100, 100) > 0
    assert rarity(5, 0) == rarity(5, 5)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"{}", True),
        (b'{"size":0}', False),
        (b'{"sort":["id"]}', False),
        (b'{"sort":["id"],"track_scores":true}', True),
        (b'{"sort":["id","_score"]}', True),
    ],
)
def test_scores_show_where_hits_come_with_them(body: bytes, shown: bool) -> None:
    """Whoever sees none needs no counting."""
    assert shows_scores(parse_body(body)) is shown
