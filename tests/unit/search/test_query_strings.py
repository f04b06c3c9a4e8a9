"""The query language of one line: which queries a line stands for, and what is said of one that cannot be read.

What it finds is in the contract suite, and in the random bodies that are compared with a real OpenSearch.
"""

from typing import Any

import msgspec
import pytest

from activity_stream.errors import SearchRefused
from activity_stream.fields import searchable_fields
from activity_stream.model import Alias
from activity_stream.search.parse import parse_body
from activity_stream.search.parse_query_strings import without_query_strings
from activity_stream.search.query_strings import Asked, spelled_out
from tests.unit.search.lines import shortened

FIELDS = searchable_fields()[Alias.ACTIVITIES]
NAME = "object.name"


def stood_for(line: str, **options: Any) -> Any:
    """The queries that a line stands for, on one text field; a match is shown as its word."""
    return shortened(spelled_out(Asked(query=line, fields=((NAME, 1.0),), **options), FIELDS), NAME)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a", "a"),
        ("a b", {"bool": {"should": ["a", "b"]}}),
        ("a AND b OR c", {"bool": {"must": ["a", "b"], "should": ["c"]}}),
        ("a OR b AND c", {"bool": {"should": ["a"], "must": ["b", "c"]}}),
        ("a AND NOT b", {"bool": {"must": ["a"], "must_not": ["b"]}}),
        ("+a -b !c", {"bool": {"must": ["a"], "must_not": ["b", "c"]}}),
        ("-a", {"bool": {"must_not": ["a"]}}),
        ("(a || b) && c", {"bool": {"must": [{"bool": {"should": ["a", "b"]}}, "c"]}}),
        ("(a)", "a"),
        ("a^2", {"dis_max": {"queries": ["a"], "boost": 2.0}}),
        (r"a\:b", "a:b"),
        (r"\u0041", "A"),
        ("AND\\ b", "AND b"),
        ("a b* c", {"bool": {"should": ["a", {"prefix": {NAME: {"value": "b"}}}, "c"]}}),
        ("B?C*", {"wildcard": {NAME: {"value": "b?c*"}}}),
        (r"b\*", "b*"),
        ("/A.b/", {"regexp": {NAME: {"value": "a.b"}}}),
        ("ab~1", {"fuzzy": {NAME: {"value": "ab", "fuzziness": "1"}}}),
        ("*", {"exists": {"field": NAME}}),
        ("*:*", {"match_all": {}}),
        ("a:b", {"match_none": {}}),
        ("published:{2020 TO *]", {"range": {"published": {"gt": "2020"}}}),
        ('published:["2020-01-01" TO 2021}', {"range": {"published": {"gte": "2020-01-01", "lt": "2021"}}}),
        ("published:<=2020", {"range": {"published": {"lte": "2020"}}}),
    ],
)
def test_a_line_stands_for_queries(line: str, expected: Any) -> None:
    """As Lucene's classic parser reads it, which makes clauses required one by one."""
    assert stood_for(line) == expected


def test_words_that_follow_each_other_are_one_text_on_several_fields() -> None:
    """Unless one of them belongs to an operator, or has something of its own."""
    asked = Asked(query="a b c OR d e~", fields=((NAME, 1.0), ("type", 2.0)), operator="and")
    clauses = spelled_out(asked, FIELDS)["bool"]
    assert clauses["must"][0]["multi_match"]["query"] == "a b"
    assert clauses["must"][0]["multi_match"]["fields"] == [NAME, "type^2.0"]
    assert clauses["must"][0]["multi_match"]["operator"] == "and"
    assert [each["multi_match"]["query"] for each in clauses["should"]] == ["c", "d"]
    assert [next(iter(each)) for each in clauses["must"]] == ["multi_match", "dis_max"]


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ('"a', '["a]'),
        ("a)", "[)]"),
        ("(a", "it ends"),
        ("a AND", "it ends"),
        ("AND a", "[and]"),
        ("a:", "it ends"),
        ("a:b:c", "[:]"),
        ("[a TO", "[[a TO]"),
        ("/a", "[/a]"),
        ("a^b", "[^b]"),
        ("(" * 40 + "a" + ")" * 40, "25 brackets"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_with_the_place(line: str, place: str) -> None:
    """And with what to put before a sign that means itself."""
    with pytest.raises(SearchRefused) as caught:
        stood_for(line)
    reason = msgspec.json.decode(caught.value.body)["error"]["reason"]
    assert place in reason
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "must be provided with a [query]"),
        ({"query": "a", "default_operator": "xor"}, "it can be [or] or [and]"),
        ({"query": "a", "fields": ["x"], "default_field": "y"}, "not both"),
        ({"query": "a", "type": "bool_prefix"}, "is not one of"),
        ({"query": "a", "analyzer": "english"}, "OpenSearch has it"),
        ({"query": "a", "odd": 1}, "[query_string]"),
        ({"query": "a", "minimum_should_match": "x"}, "minimum_should_match"),
    ],
)
def test_options_that_are_wrong_are_refused_by_name(options: dict[str, Any], words: str) -> None:
    """Wherever in a body it stands, and whether its fields are known or not."""
    body = msgspec.json.encode({"query": {"bool": {"filter": [{"query_string": options}]}}})
    with pytest.raises(SearchRefused) as caught:
        parse_body(body)
    assert words in caught.value.body.decode()


def test_a_range_of_words_is_of_their_small_letters() -> None:
    """As the words of a text are, but not the values of a keyword."""
    assert stood_for("object.content:[A TO B}") == {"range": {"object.content": {"gte": "a", "lt": "b"}}}
    assert stood_for("object.content:>A") == {"range": {"object.content": {"gt": "a"}}}
    assert stood_for("type:[A TO B}") == {"range": {"type": {"gte": "A", "lt": "B"}}}


def test_a_range_is_asked_of_all_fields_that_can_have_such_values() -> None:
    """Where no field is named; what cannot be a date is not asked of dates."""
    found = msgspec.json.encode(spelled_out(Asked(query="[a TO b]"), FIELDS)).decode()
    assert '"range":{"object.content":{"gte":"a","lte":"b"}}' in found
    assert "published" not in found
    assert spelled_out(Asked(query=">a"), FIELDS) == spelled_out(Asked(query="{a TO *]"), FIELDS)
    assert stood_for(">a", by_default=True) == {"range": {NAME: {"gt": "a"}}}
    assert "range" not in stood_for(">a")
    assert stood_for("object.content:[* TO *]") == {"range": {"object.content": {"gte": ""}}}


def test_only_queries_are_turned_and_nothing_else_of_a_body() -> None:
    """A field, an aggregation or a value may be called so as well; a body without one stays byte for byte."""
    plain = b'{ "query":{"match":{"type":"query"}} }'
    assert without_query_strings(plain, FIELDS) is plain
    on_field = {"match": {"query_string": {"query": "a"}}}
    body = {
        "query": {"bool": {"must": [on_field, {"query_string": {"query": "type:x"}}]}},
        "aggs": {"query_string": {"terms": {"field": "type"}}, "f": {"filter": {"query_string": {"query": "*:*"}}}},
        "sort": ["query_string"],
    }
    turned = msgspec.json.decode(without_query_strings(msgspec.json.encode(body), FIELDS))
    assert turned["query"]["bool"]["must"][0] == on_field
    assert turned["query"]["bool"]["must"][1] == {"match": {"type": {"query": "x", "operator": "or", "lenient": True}}}
    assert turned["aggs"] == {"query_string": {"terms": {"field": "type"}}, "f": {"filter": {"match_all": {}}}}
    assert turned["sort"] == ["query_string"]


@pytest.mark.parametrize("name", ["range", "terms", "match", "prefix", "exists"])
def test_an_aggregation_with_the_name_of_a_query_has_its_lines_turned_too(name: str) -> None:
    """A line that is left as it is finds nothing, and nobody is told."""
    for line in ("query_string", "simple_query_string"):
        body = {"aggs": {name: {"filter": {"bool": {"must": [{line: {"query": "type:x", "fields": ["type"]}}]}}}}}
        assert line.encode() not in without_query_strings(msgspec.json.encode(body), FIELDS)
