"""`parse`: from the bytes of a search body to its tree, or to a refusal that names the construct and its place."""

import contextlib
import json
import random
import time
from typing import Any

import pytest

from activity_stream.errors import SearchRefused
from activity_stream.model import SearchLimits
from activity_stream.search.body import SearchBody
from activity_stream.search.hits import SortKey, SourceFilter
from activity_stream.search.parse import parse_body, parse_query
from activity_stream.search.query import (
    Bool,
    ConstantScore,
    DisMax,
    Exists,
    Ids,
    Match,
    MatchAll,
    MatchNone,
    MatchPhrase,
    MultiMatch,
    Node,
    Prefix,
    Range,
    Term,
    Terms,
    Wildcard,
)


def refusal(body: bytes | dict[str, Any], limits: SearchLimits | None = None) -> tuple[str, str]:
    """The type and reason of the refusal of a body, whose shape is checked on the way."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(SearchRefused) as caught:
        parse_body(raw, limits or SearchLimits())
    assert caught.value.status == 400
    answer = json.loads(caught.value.body)
    assert answer["status"] == 400
    error = answer["error"]
    assert error["root_cause"] == [{"type": error["type"], "reason": error["reason"]}]
    return error["type"], error["reason"]


QUERIES: list[tuple[dict[str, Any], Node]] = [
    ({"match_all": {}}, MatchAll()),
    ({"match_all": {"boost": 2}}, MatchAll(boost=2.0)),
    ({"match_none": {}}, MatchNone()),
    ({"term": {"type": "Create"}}, Term(field="type", value="Create")),
    (
        {"term": {"type": {"value": "Create", "boost": "1.5", "case_insensitive": "true"}}},
        Term(field="type", value="Create", boost=1.5, case_insensitive=True),
    ),
    ({"terms": {"type": []}}, Terms(field="type", values=())),
    ({"terms": {"type": ["a", 1], "boost": 3}}, Terms(field="type", values=("a", 1), boost=3.0)),
    ({"match": {"name": "a b"}}, Match(field="name", query="a b")),
    (
        {"match": {"name": {"query": "a", "operator": "AND", "minimum_should_match": "2<75%", "boost": 10}}},
        Match(field="name", query="a", operator="and", minimum_should_match="2<75%", boost=10.0),
    ),
    (
        {"match": {"name": {"query": "", "zero_terms_query": "all", "lenient": True, "minimum_should_match": 1}}},
        Match(field="name", query="", zero_terms="all", lenient=True, minimum_should_match="1"),
    ),
    ({"match_phrase": {"name": {"query": "a b", "slop": 0}}}, MatchPhrase(field="name", query="a b")),
    (
        {"multi_match": {"query": "x", "fields": ["name^2", "content"]}},
        MultiMatch(query="x", fields=(("name", 2.0), ("content", 1.0))),
    ),
    (
        {"multi_match": {"query": "x", "fields": "name", "type": "most_fields"}},
        MultiMatch(query="x", fields=(("name", 1.0),), type="most_fields", tie_breaker=1.0),
    ),
    ({"range": {"published": {"gte": "now/d", "lt": None}}}, Range(field="published", gte="now/d")),
    (
        {"range": {"n": {"from": 1, "to": 2, "include_upper": False, "format": "epoch_millis", "time_zone": "Z"}}},
        Range(field="n", gte=1, lt=2, format="epoch_millis", time_zone="Z"),
    ),
    ({"range": {"n": {"gt": 1, "gte": 2, "lte": 3, "lt": 4}}}, Range(field="n", gte=2, lt=4)),
    ({"exists": {"field": "object"}}, Exists(field="object")),
    ({"prefix": {"id": "dit:"}}, Prefix(field="id", value="dit:")),
    ({"prefix": {"id": {"value": "dit:", "rewrite": "constant_score"}}}, Prefix(field="id", value="dit:")),
    ({"wildcard": {"id": "d*"}}, Wildcard(field="id", value="d*")),
    (
        {"wildcard": {"id": {"wildcard": "d*", "case_insensitive": True}}},
        Wildcard(field="id", value="d*", case_insensitive=True),
    ),
    ({"ids": {"values": ["a", 1]}}, Ids(values=("a", "1"))),
    ({"ids": {"values": "a"}}, Ids(values=("a",))),
    ({"bool": {}}, Bool()),
    (
        {"bool": {"must": {"match_all": {}}, "filter": [{"match_none": {}}], "should": None, "must_not": []}},
        Bool(must=(MatchAll(),), filter=(MatchNone(),)),
    ),
    ({"bool": {"minimum_should_match": -1, "boost": 0}}, Bool(minimum_should_match="-1", boost=0.0)),
    ({"constant_score": {"filter": {"match_all": {}}, "boost": 2}}, ConstantScore(filter=MatchAll(), boost=2.0)),
    ({"dis_max": {"queries": [{"match_all": {}}], "tie_breaker": 0.5}}, DisMax(queries=(MatchAll(),), tie_breaker=0.5)),
]


@pytest.mark.parametrize(("query", "node"), QUERIES, ids=[str(number) for number in range(len(QUERIES))])
def test_each_query_in_each_of_its_forms_is_read(query: dict[str, Any], node: Node) -> None:
    """Shorthand and long form give the same tree, alone and in a body."""
    assert parse_query(query) == node
    assert parse_body(json.dumps({"query": query}).encode()) == SearchBody(query=node)


def test_nothing_asks_for_everything() -> None:
    """An empty body, blanks, and an empty object are the same search."""
    assert parse_body(b"") == parse_body(b" \n") == parse_body(b"{}") == SearchBody(query=MatchAll(), size=10)


def test_paging_and_hit_options_are_read() -> None:
    """Numbers may come as strings; options that change nothing may be there."""
    body = {
        "from": "20",
        "size": 5.0,
        "track_total_hits": True,
        "track_scores": "true",
        "timeout": "10s",
        "explain": False,
        "profile": False,
        "version": False,
        "terminate_after": 0,
    }
    expected = SearchBody(from_=20, size=5, track_total_hits=True, track_scores=True)
    assert parse_body(json.dumps(body).encode()) == expected
    assert parse_body(b'{"track_total_hits": -1}').track_total_hits is False
    assert parse_body(b'{"track_total_hits": 100}').track_total_hits == 100


@pytest.mark.parametrize(
    ("sort", "keys"),
    [
        ("published", (SortKey(field="published"),)),
        ({"published": "desc"}, (SortKey(field="published", descending=True),)),
        ([{"published": "asc"}, "id"], (SortKey(field="published"), SortKey(field="id"))),
        ({"a": "asc", "b": "DESC"}, (SortKey(field="a"), SortKey(field="b", descending=True))),
        (
            {"a": {"order": "desc", "missing": "_first", "unmapped_type": "string"}},
            (SortKey(field="a", descending=True, missing="_first", unmapped_type="string"),),
        ),
        ({"a": {}}, (SortKey(field="a"),)),
        (["_score", "_doc"], (SortKey(field="_score", descending=True), SortKey(field="_doc"))),
        ({"_score": {"order": "asc"}}, (SortKey(field="_score"),)),
        ("_score", ()),
        ([], ()),
    ],
)
def test_sorts_are_read_in_all_forms(sort: object, keys: tuple[SortKey, ...]) -> None:
    """A field, a field with its order or options, several; best score first is what happens without a sort."""
    assert parse_body(json.dumps({"sort": sort}).encode()).sort == keys


def test_search_after_goes_with_the_sort() -> None:
    """One value for each key, null for what is missing."""
    body = parse_body(b'{"sort": ["published", "id"], "search_after": [1577880000000, null]}')
    assert body.search_after == (1577880000000, None)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (False, SourceFilter(enabled=False)),
        ("id", SourceFilter(includes=("id",))),
        (["id", "object.*"], SourceFilter(includes=("id", "object.*"))),
        ({"include": "a", "excludes": ["b"]}, SourceFilter(includes=("a",), excludes=("b",))),
    ],
)
def test_source_filters_are_read(source: object, expected: SourceFilter) -> None:
    """A switch, a pattern, patterns, or what to include and exclude."""
    assert parse_body(json.dumps({"_source": source}).encode()).source == expected


REFUSED: list[tuple[Any, str, str]] = [
    (b"nope", "x_content_parse_exception", "Failed to parse the body as JSON"),
    (b"\xff\xfe", "x_content_parse_exception", "Failed to parse the body as JSON"),
    (b'{"size": NaN}', "x_content_parse_exception", "Failed to parse"),
    (b'{"size": 1, "size": 2}', "x_content_parse_exception", "Duplicate field 'size'"),
    (b'{"query": {"match": {"a": "\\ud800"}}}', "x_content_parse_exception", "Failed to parse"),
    (b"[]", "parsing_exception", "Expected [START_OBJECT] but found [START_ARRAY]"),
    (b"3", "parsing_exception", "Expected [START_OBJECT] but found [VALUE_NUMBER]"),
    ({"page": "2"}, "parsing_exception", "Unknown key for a VALUE_STRING in [page]."),
    ({"slice": {}}, "parsing_exception", "[slice]: OpenSearch has it, the embedded index does not"),
    ({"size": 10**12}, "illegal_argument_exception", "Numeric value (1000000000000) out of range of int"),
    ({"size": True}, "parsing_exception", "Expected [VALUE_NUMBER] but found [VALUE_BOOLEAN] at size"),
    ({"size": None}, "parsing_exception", "Unknown key for a VALUE_NULL in [size]."),
    ({"size": -1}, "illegal_argument_exception", "[size] parameter cannot be negative, found [-1]"),
    ({"size": "ten"}, "number_format_exception", 'For input string: "ten" at size'),
    ({"size": 1.5}, "parsing_exception", "at size"),
    ({"from": -1}, "illegal_argument_exception", "[from] parameter cannot be negative"),
    ({"from": 9_999, "size": 2}, "illegal_argument_exception", "Result window is too large, from + size must be less"),
    ({"track_total_hits": -2}, "illegal_argument_exception", "[track_total_hits] parameter must be positive"),
    ({"timeout": "soon"}, "illegal_argument_exception", "failed to parse setting [timeout]"),
    ({"profile": True}, "parsing_exception", "[profile] can only be False"),
    (
        {"explain": True, "rescore": {"query": {"rescore_query": {"match_all": {}}}}},
        "illegal_argument_exception",
        "Cannot use [explain] option in conjunction with [rescore]",
    ),
    ({"terminate_after": 5}, "parsing_exception", "[terminate_after]"),
    ({"sort": None}, "parsing_exception", "in [sort]"),
    ({"sort": {"a": {"mode": "mean"}}}, "illegal_argument_exception", "min, max, sum, avg, median"),
    ({"sort": {"a": {"format": "yyyy"}}}, "parsing_exception", "[sort] does not support [format]"),
    ({"sort": {"a": {"numeric_type": "text"}}}, "illegal_argument_exception", "long, double, date, date_nanos"),
    (
        {"sort": {"a.b": {"nested": {"filter": {"match_all": {}}}}}},
        "parsing_exception",
        "[nested] of a sort needs [path]",
    ),
    (
        {"sort": {"a.b": {"nested": {"path": "a", "filter": {"function_score": {}}}}}},
        "parsing_exception",
        "[filter] of a nested sort with [function_score]",
    ),
    ({"sort": {"a": "up"}}, "illegal_argument_exception", "[up] at sort.a is not one of: asc, desc"),
    ({"sort": {"_script": {}}}, "parsing_exception", "[sort] by [_script] needs a [script]"),
    ({"sort": {"_script": {"type": "string", "script": "1"}}}, "parsing_exception", "type [string]: OpenSearch has it"),
    ({"sort": ["a"] * 33}, "illegal_argument_exception", "at most 32"),
    ({"search_after": [1]}, "illegal_argument_exception", "Sort must contain at least one field."),
    (
        {"sort": "a", "search_after": [1, 2]},
        "illegal_argument_exception",
        "search_after has 2 value(s) but sort has 1.",
    ),
    ({"sort": "a", "search_after": [1], "from": 1}, "illegal_argument_exception", "`from` parameter must be set to 0"),
    ({"sort": "a", "search_after": []}, "illegal_argument_exception", "at least one value"),
    ({"sort": "a", "search_after": 3}, "parsing_exception", "Expected [START_ARRAY]"),
    ({"_source": 3}, "parsing_exception", "at _source"),
    ({"query": {}}, "illegal_argument_exception", "query malformed, empty clause found at query"),
    ({"query": None}, "parsing_exception", "VALUE_NULL in [query]"),
    ({"query": []}, "parsing_exception", "but found [START_ARRAY] at query"),
    (
        {"query": {"term": {"a": 1}, "match_all": {}}},
        "parsing_exception",
        "expected [END_OBJECT] but found [match_all]",
    ),
]
IN_QUERY: list[tuple[dict[str, Any], str, str]] = [
    ({"intervals": {"a": {}}}, "parsing_exception", "unknown query [intervals] at {}: OpenSearch has it"),
    ({"nonsense": {}}, "parsing_exception", "unknown query [nonsense] at {}"),
    ({"term": {"a": 1, "b": 2}}, "parsing_exception", "expected one key but found 2"),
    ({"term": {"a": {"boost": 2}}}, "parsing_exception", "[term] needs [value] at {}.term.a"),
    ({"term": {"a": [1]}}, "parsing_exception", "but found [START_ARRAY] at {}.term.a"),
    ({"term": {"_id": "x"}}, "parsing_exception", "[_id]: OpenSearch has it"),
    ({"terms": {"a": "b"}}, "parsing_exception", "[terms] query does not support [a]"),
    ({"terms": {"a": {"index": "i"}}}, "parsing_exception", "[terms] lookup of field [a]"),
    ({"terms": {"a": [], "b": []}}, "parsing_exception", "does not support multiple fields"),
    ({"terms": {"a": [None]}}, "parsing_exception", "[VALUE_NULL] at {}.terms.a[0]"),
    ({"match": {"a": {"query": "x", "fuzziness": "some"}}}, "illegal_argument_exception", "[some]: it is AUTO, "),
    ({"match": {"a": {"query": "x", "fuzzy_rewrite": "scoring_boolean"}}}, "parsing_exception", "[fuzzy_rewrite]"),
    ({"function_score": {"random_score": {}}}, "parsing_exception", "[random_score]: OpenSearch has it"),
    ({"function_score": {"functions": [{}]}}, "parsing_exception", "missing a function"),
    ({"nested": {"path": "a", "query": {"nested": {}}}}, "parsing_exception", "[nested] requires 'path' field"),
    ({"nested": {"path": "a", "query": {}, "inner_hits": {"x": 1}}}, "illegal_argument_exception", "empty clause"),
    ({"geo_distance": {"distance": "1km"}}, "parsing_exception", "needs the name of one field"),
    ({"geo_distance": {"distance": "1km", "a": "x,y"}}, "parse_exception", "at {}.geo_distance.a"),
    ({"match": {"a": {"query": "x", "boost": -1}}}, "illegal_argument_exception", "negative [boost]"),
    ({"match": {"a": {"query": "x", "boost": "NaN"}}}, "number_format_exception", '"NaN"'),
    ({"match": {"a": {"query": "x", "operator": "xor"}}}, "illegal_argument_exception", "or, and"),
    ({"match": {"a": {"query": "x", "minimum_should_match": "x"}}}, "illegal_argument_exception", "75%"),
    ({"match_phrase_prefix": {"a": {"query": "x", "slop": -2}}}, "illegal_argument_exception", "[slop] must be at"),
    ({"match_phrase": {"a": {"query": "x", "slop": -2}}}, "illegal_argument_exception", "[slop] must be at least 0"),
    ({"multi_match": {"query": "x", "fields": ["*"]}}, "parsing_exception", "needs the names of fields"),
    ({"multi_match": {"query": "x"}}, "parsing_exception", "needs [query] and [fields]"),
    (
        {"multi_match": {"query": "x", "fields": ["a"], "type": "cross_fields", "fuzziness": 1}},
        "parsing_exception",
        "Fuzziness not allowed for type [cross_fields]",
    ),
    ({"multi_match": {"query": "x", "fields": ["a"], "analyzer": "english"}}, "parsing_exception", "[analyzer]"),
    ({"range": {"a": {"gte": {}}}}, "parsing_exception", "at {}.range.a.gte"),
    ({"range": {"a": {"relation": "within"}}}, "parsing_exception", "[range] does not support [relation]"),
    ({"exists": {}}, "parsing_exception", "[exists] must be provided with a [field]"),
    ({"ids": {}}, "parsing_exception", "[ids] requires"),
    ({"wildcard": {"a": "*" * 1001}}, "illegal_argument_exception", "The pattern has 1001 characters"),
    ({"bool": {"must": "x"}}, "parsing_exception", "at {}.bool.must"),
    ({"bool": {"must": [{}]}}, "illegal_argument_exception", "query malformed, empty clause found at {}.bool.must[0]"),
    ({"bool": {"would": []}}, "parsing_exception", "[bool] does not support [would]"),
    ({"bool": {"adjust_pure_negative": False}}, "parsing_exception", "[adjust_pure_negative]"),
    ({"constant_score": {}}, "parsing_exception", "[constant_score] requires a [filter]"),
    ({"dis_max": {"queries": []}}, "parsing_exception", "[dis_max] requires [queries]"),
]


@pytest.mark.parametrize(("body", "kind", "reason"), REFUSED, ids=[str(number) for number in range(len(REFUSED))])
def test_what_is_not_supported_is_refused_by_name(body: Any, kind: str, reason: str) -> None:
    """Each has OpenSearch's type and a reason that names what is wrong."""
    found = refusal(body)
    assert found[0] == kind
    assert reason in found[1]


@pytest.mark.parametrize(("query", "kind", "reason"), IN_QUERY, ids=[str(number) for number in range(len(IN_QUERY))])
def test_a_refused_query_is_named_with_its_place(query: dict[str, Any], kind: str, reason: str) -> None:
    """The path leads to the query wherever it stands."""
    for body, place in (
        ({"query": query}, "query"),
        ({"query": {"bool": {"must_not": [{"match_all": {}}, query]}}}, "query.bool.must_not[1]"),
        ({"aggs": {"x": {"filter": query}}}, "aggs.x.filter"),
    ):
        found = refusal(body)
        assert found[0] == kind
        assert reason.replace("{}", place, 1) in found[1]
        assert place in found[1]


@pytest.mark.parametrize(
    "body",
    [
        b'{"query":' + b'{"bool":{"must":[' * 3_000 + b'{"match_all":{}}' + b"]}}" * 3_000 + b"}",
        b"[" * 300_000,
        b'{"a":' * 300_000,
        b'{"aggs":{"a":' * 200 + b"{}",
    ],
)
def test_depth_is_refused_before_anything_recurses(body: bytes) -> None:
    """A body nested without end, or broken to look so, is a 400 of its own."""
    assert refusal(body) == (
        "x_content_parse_exception",
        "The body is nested deeper than the allowed maximum of 200 levels of JSON",
    )


def test_brackets_in_strings_are_not_depth() -> None:
    """Text may hold any number of brackets, and escaped quotes before them."""
    text = '\\"' + "[{" * 500
    assert parse_query({"term": {"a": text}}) == parse_body(json.dumps({"query": {"term": {"a": text}}}).encode()).query


def test_a_string_without_end_takes_no_time() -> None:
    """Its quotes are not each tried as the start of a string: that would take hours."""
    began = time.perf_counter()
    assert refusal(b'"' + b'\\"' * 300_000)[0] == "x_content_parse_exception"
    assert time.perf_counter() - began < 5


def test_queries_may_be_thirty_deep() -> None:
    """Thirty within each other are read, one more is refused."""
    deep: dict[str, Any] = {"match_all": {}}
    for _ in range(29):
        deep = {"bool": {"must": [deep]}}
    assert isinstance(parse_query(deep), Bool)
    assert "exceeds the maximum of [30]" in refusal({"query": {"constant_score": {"filter": deep}}})[1]


def test_clauses_terms_and_words_are_counted() -> None:
    """The limits hold over the whole body, and exactly."""
    term = {"term": {"a": 1}}
    assert parse_query({"bool": {"should": [term] * 1023}})
    assert refusal({"query": {"bool": {"should": [term] * 1024}}})[0] == "too_many_clauses"
    assert refusal({"query": {"match": {"a": "x " * 1024}}})[0] == "too_many_clauses"
    assert parse_query({"terms": {"a": ["x"] * 65_536}})
    assert "exceeded the allowed maximum of [65536]" in refusal({"query": {"terms": {"a": ["x"] * 65_537}}})[1]
    assert "[2]" in refusal({"from": 2, "size": 1}, SearchLimits(window=2))[1]


def test_any_json_is_read_or_refused_and_nothing_else() -> None:
    """Random bodies, made of the language's own words, never raise anything but a refusal."""
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    words = ["query", "bool", "must", "should", "term", "terms", "match", "range", "a", "sort", "size", "gte", "aggs"]
    words += [
        "boost",
        "filter",
        "filters",
        "field",
        "exists",
        "ids",
        "values",
        "max",
        "_source",
        "fields",
        "multi_match",
    ]
    words += ["date_histogram", "fixed_interval", "order", "ranges", "from", "to", "search_after", "prefix", "dis_max"]
    scalars = [None, True, 0, -1, 1.5, 10**18, "", "a", "1", "asc", "75%", "now/d", "1d", "_score"]

    def grown(depth: int) -> Any:
        roll = chance.random()
        if depth == 0 or roll < 0.2:
            return chance.choice(scalars)
        if roll < 0.4:
            return [grown(depth - 1) for _ in range(chance.randrange(3))]
        return {chance.choice(words): grown(depth - 1) for _ in range(chance.randrange(1, 3))}

    for _ in range(3_000):
        body = json.dumps({chance.choice(["query", "sort", "aggs", "_source", "size"]): grown(6)}).encode()
        with contextlib.suppress(SearchRefused):
            assert isinstance(parse_body(body), SearchBody), body
