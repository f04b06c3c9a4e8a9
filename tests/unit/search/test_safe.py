"""A search narrowed: nothing outside the scope, and nothing else changed."""

import json
from typing import Any

import pytest

from activity_stream.errors import SearchRefused
from activity_stream.search.safe import narrowed

SCOPE = b'{"bool":{"filter":[{"terms":{"object.type":["public"]}}]}}'


def made(body: str) -> Any:
    """The narrowed body, decoded."""
    return json.loads(narrowed(body.encode(), SCOPE))


@pytest.mark.parametrize("body", ["", "  \n", "{}", '{"size": 3}'])
def test_a_body_without_a_query_asks_for_all_of_the_scope(body: str) -> None:
    """No query is a query for everything, narrowed."""
    assert made(body)["query"] == {"bool": {"must": [{"match_all": {}}], "filter": [json.loads(SCOPE)]}}


@pytest.mark.parametrize(
    "query",
    [
        '{"bool":{"should":[{"term":{"id":"a"}},{"term":{"id":"b"}}]}}',
        '{"bool":{"must_not":{"term":{"id":"a"}}}}',
        '{"match":{"name":{"query":"a b","minimum_should_match":"2<75%"}}}',
        '{"bool":{}}',
    ],
)
def test_a_query_of_any_shape_becomes_one_clause(query: str) -> None:
    """Theirs stands alone beside the scope, so that a should-only query still has to be found itself."""
    assert made(f'{{"query":{query}}}')["query"] == {
        "bool": {"must": [json.loads(query)], "filter": [json.loads(SCOPE)]}
    }


@pytest.mark.parametrize(
    ("sort", "by_id"),
    [
        ('"_doc"', "id"),
        ('["published","_doc"]', ["published", "id"]),
        ('[{"_doc":"desc"}]', [{"id": "desc"}]),
        ('{"_doc":{"order":"asc"}}', {"id": {"order": "asc"}}),
    ],
)
def test_the_numbers_of_documents_do_not_show(sort: str, by_id: Any) -> None:
    """Sorted by `_doc` is sorted by `id`: the numbers would count the documents of others too."""
    assert made(f'{{"sort":{sort}}}')["sort"] == by_id


def test_a_script_is_the_query_that_it_means() -> None:
    """An engine that ran it would fail at documents without a date, those of others too."""
    date = "(doc['a'].size() > 0 ? doc['a'].value : doc['b'].value)"
    script = {"source": f"{date}.isAfter(ZonedDateTime.parse(params.t))", "params": {"t": "2020-01-01T00:00:00Z"}}
    body = {
        "query": {"bool": {"must_not": [{"script": {"script": script, "boost": 2}}]}},
        "aggs": {"script": {"filters": {"filters": {"script": {"script": {"script": script}}}}}},
    }
    found = made(json.dumps(body))
    first, instead = (
        {
            "bool": {
                "filter": [{"exists": {"field": each}}],
                "must_not": [{"range": {each: {"lte": "2020-01-01T00:00:00Z"}}}],
            }
        }
        for each in ("a", "b")
    )
    second = {"bool": {"filter": [instead], "must_not": [{"exists": {"field": "a"}}]}}
    meant = {"constant_score": {"filter": {"bool": {"should": [first, second]}}, "boost": 2}}
    assert found["query"]["bool"]["must"] == [{"bool": {"must_not": [meant]}}]
    (filters,) = found["aggs"]["script"]["filters"]["filters"].values()
    assert filters == {"constant_score": {**meant["constant_score"], "boost": 1.0}}


def test_all_else_stays_byte_for_byte() -> None:
    """Numbers that a decoder would round, their spelling and the order of keys come out as they went in."""
    body = (
        b'{"size":"5","search_after":[12345678901234567890123,1.10],"query":{"range":{"n":{"gte":1.0E+2,"lt":0.10}}},'
        b'"sort":["published",{"id":"desc"}],"_source":["id","\\u00e9"]}'
    )
    theirs = b'{"range":{"n":{"gte":1.0E+2,"lt":0.10}}}'
    assert narrowed(body, SCOPE) == body.replace(theirs, b'{"bool":{"must":[%b],"filter":[%b]}}' % (theirs, SCOPE))


def test_a_key_by_another_spelling_is_the_same_key() -> None:
    """An escaped `query` is wrapped too, and does not stand beside a wrapped one."""
    body = narrowed(rb'{"qu\u0065ry":{"term":{"id":"a"}}}', SCOPE)
    assert body.count(b'term"') == 1
    assert list(json.loads(body)) == ["query"]


@pytest.mark.parametrize(
    "body",
    [
        '{"query":{"match_all":{}},"query":{"match_none":{}}}',
        r'{"query":{"match_all":{}},"qu\u0065ry":{"match_none":{}}}',
        '{"query":{"bool":{"must":{"match_all":{}},"must":{"match_none":{}}}}}',
        '{"query":null}',
        '{"query":{}}',
        '{"query":{"match_all":{}}} {"size":1}',
        '{"query":{"match_all":{}}}}, "size": {"x":1}',
        '{"suggest":{"s":{"text":"a","term":{"field":"name"}}}}',
        '{"aggs":{"a":{"global":{}}}}',
        '{"query":{"script":{"script":"true"}}}',
        '{"query":{"terms":{"id":{"index":"objects","id":"a","path":"type"}}}}',
        '{"sort":{"_script":{"type":"number","script":"1"}}}',
    ],
)
def test_what_is_not_on_the_list_is_refused(body: str) -> None:
    """A construct that the tree does not have, or that two readers could read in two ways, is a 400."""
    with pytest.raises(SearchRefused) as refusal:
        narrowed(body.encode(), SCOPE)
    assert refusal.value.status == 400


@pytest.mark.parametrize(
    "aggs",
    [
        {"a": {"terms": {"field": "type", "min_doc_count": 0}}},
        {"a": {"terms": {"field": "type", "min_doc_count": "0"}}},
        {"f": {"filter": {"match_all": {}}, "aggs": {"a": {"terms": {"field": "type", "min_doc_count": 0}}}}},
        {"f": {"terms": {"field": "id"}, "aggregations": {"a": {"terms": {"field": "type", "min_doc_count": 0}}}}},
    ],
)
def test_empty_buckets_of_values_are_refused_at_any_depth(aggs: Any) -> None:
    """`min_doc_count` 0 would list values of hidden documents; the refusal names the aggregation."""
    with pytest.raises(SearchRefused) as refusal:
        narrowed(json.dumps({"aggs": aggs}).encode(), SCOPE)
    assert refusal.value.status == 400
    assert "[a]" in json.loads(refusal.value.body)["error"]["reason"]


def test_empty_buckets_of_time_are_harmless() -> None:
    """A date histogram's empty buckets lie between found documents, and tell nothing of others."""
    aggs = {"d": {"date_histogram": {"field": "published", "fixed_interval": "1d", "min_doc_count": 0}}}
    assert made(json.dumps({"aggs": aggs}))["aggs"] == aggs


def test_a_function_is_for_documents_of_the_scope_alone() -> None:
    """It can fail on a value: an error must not tell of one that the caller may not see."""
    function = {"function_score": {"query": {"term": {"id": "a"}}, "weight": 2}}
    within = {"bool": {"must": [{"term": {"id": "a"}}], "filter": [json.loads(SCOPE)]}}
    found = made(json.dumps({"query": {"bool": {"must": [function]}}, "post_filter": {"function_score": {}}}))
    narrowed_function = {"function_score": {"query": within, "weight": 2}}
    assert found["query"]["bool"]["must"] == [{"bool": {"must": [narrowed_function]}}]
    everything = {"bool": {"must": [{"match_all": {}}], "filter": [json.loads(SCOPE)]}}
    assert found["post_filter"] == {"function_score": {"query": everything}}


@pytest.mark.parametrize("place", ["query", "post_filter", "aggs"])
def test_what_is_found_by_a_score_that_others_add_to_is_refused(place: str) -> None:
    """A `min_score` within a query would tell how rare its words are in documents that the caller may not see."""
    query: dict[str, Any] = {"bool": {"filter": [{"function_score": {"query": {"match": {"a": "b"}}, "min_score": 1}}]}}
    body = {"aggs": {"x": {"filter": query}}} if place == "aggs" else {place: query}
    with pytest.raises(SearchRefused) as refused:
        made(json.dumps(body))
    assert b"min_score" in refused.value.body


def test_what_is_marked_is_what_they_look_for() -> None:
    """Their query, or all, and never the scope; a query to mark by is their own affair."""
    term, mark = {"term": {"id": "a"}}, {"term": {"id": "b"}}
    fields: dict[str, Any] = {"fields": {"name": {}}}
    assert made(json.dumps({"highlight": fields}))["highlight"]["highlight_query"] == {"match_all": {}}
    assert made(json.dumps({"query": term, "highlight": fields}))["highlight"]["highlight_query"] == term
    own = {"highlight_query": mark, **fields}
    assert made(json.dumps({"query": term, "highlight": own}))["highlight"]["highlight_query"] == mark


@pytest.mark.parametrize(
    "body",
    [
        '{"rescore":{"query":{"rescore_query":{"match_all":{}}}}}',
        '{"explain":true}',
        '{"suggest":{"a":{"text":"x","term":{"field":"name"}}}}',
        '{"suggest":{"a":{"text":"x","phrase":{"field":"name"}}}}',
        '{"suggest":{"a":{"prefix":"x","completion":{"field":"name"}}}}',
        '{"query":{"more_like_this":{"fields":["name"],"like":"x"}}}',
        '{"highlight":{"fields":{"name":{"highlight_query":{"more_like_this":{"fields":["name"],"like":"x"}}}}}}',
        '{"sort":{"a.b":{"nested":{"path":"a","filter":{"more_like_this":{"fields":["a.c"],"like":"x"}}}}}}',
        '{"aggs":{"s":{"significant_terms":{"field":"type"}}}}',
    ],
)
def test_what_depends_on_all_documents_is_refused(body: str) -> None:
    """Wherever it is: which words tell most, which hits are the best of an index, what words there are."""
    with pytest.raises(SearchRefused) as caught:
        narrowed(body.encode(), SCOPE)
    assert caught.value.status == 400
    assert b"this key" in caught.value.body
