"""The simple query language of one line: which queries a line stands for. Nothing in it is an error.

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
from activity_stream.search.simple_query_strings import SimplyAsked, simply_spelled_out
from tests.unit.search.lines import shortened

FIELDS = searchable_fields()[Alias.ACTIVITIES]
NAME = "object.name"
ANY: Any = {"match_all": {}}


def stood_for(line: str, **options: Any) -> Any:
    """The queries that a line stands for, on one text field; a match is shown as its word."""
    return shortened(simply_spelled_out(SimplyAsked(query=line, fields=((NAME, 1.0),), **options), FIELDS), NAME)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a", "a"),
        ("a b c", {"bool": {"should": ["a", "b", "c"]}}),
        ("a + b | c", {"bool": {"should": [{"bool": {"must": ["a", "b"]}}, "c"]}}),
        ("a | b + c", {"bool": {"must": [{"bool": {"should": ["a", "b"]}}, "c"]}}),
        ("-a", {"bool": {"must_not": ["a"], "should": [ANY]}}),
        ("--a", "a"),
        ("- a", "a"),
        ("a-b", "a-b"),
        ("(a | b) + c", {"bool": {"must": [{"bool": {"should": ["a", "b"]}}, "c"]}}),
        ("(a", "a"),
        ("a)", "a"),
        ("a () b", {"bool": {"should": ["a", "b"]}}),
        ("ab*", {"prefix": {NAME: {"value": "ab"}}}),
        (r"ab\*", "ab*"),
        ("*", ANY),
        (" * ", ANY),
        ("**", {"prefix": {NAME: {"value": "*"}}}),
        ("ab~", {"fuzzy": {NAME: {"value": "ab", "fuzziness": "2"}}}),
        ("ab~1", {"fuzzy": {NAME: {"value": "ab", "fuzziness": "1"}}}),
        ("ab~x", "ab"),
        ("ab*~x", "ab*"),
        ('a + "!" b', {"bool": {"must": ["a", "b"]}}),
        ("a + !! b", {"bool": {"must": ["a", "b"]}}),
        ('a + "" b', {"bool": {"should": ["a", "b"]}}),
        ('a + ""~1 b', {"bool": {"must": ["a", "b"]}}),
        (r"a\ b", "a b"),
        ('"', None),
    ],
)
def test_a_line_stands_for_queries(line: str, expected: Any) -> None:
    """As Lucene's simple parser reads it, from left to right."""
    assert stood_for(line) == ({"match_none": {}} if expected is None else expected)


def test_a_phrase_may_have_moved_words() -> None:
    """The number behind it; what ends the number is passed over, as Lucene does it."""
    query = stood_for('"a b"~2 c')["bool"]["should"]
    assert (query[0]["multi_match"]["type"], query[0]["multi_match"]["slop"], query[1]) == ("phrase", 2, "c")
    assert stood_for('"a b"~3')["multi_match"]["slop"] == 3


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (frozenset(), "a +b -c"),
        (frozenset({"WHITESPACE"}), {"bool": {"should": ["a", "+b", "-c"]}}),
        (frozenset({"WHITESPACE", "AND"}), {"bool": {"should": [{"bool": {"must": ["a", "b"]}}, "-c"]}}),
    ],
)
def test_flags_say_which_operators_mean_something(flags: frozenset[str], expected: Any) -> None:
    """Others are signs like any."""
    assert stood_for("a +b -c", flags=flags) == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"query": "a", "flags": "AND|ODD"}, "Unknown simple_query_string flag [ODD]"),
        ({"query": "a", "default_operator": "xor"}, "it can be [or] or [and]"),
        ({"fields": ["a"]}, "must be provided with a [query]"),
    ],
)
def test_options_that_are_wrong_are_refused_by_name(options: dict[str, Any], words: str) -> None:
    """Whether its fields are known or not."""
    with pytest.raises(SearchRefused) as caught:
        parse_body(msgspec.json.encode({"query": {"simple_query_string": options}}))
    assert words in caught.value.body.decode()


def test_very_many_brackets_do_no_harm() -> None:
    """Those too deep, and those without another half, mean nothing."""
    assert stood_for("(" * 10_000 + "a" + ")" * 10_000) == "a"
    assert stood_for("(" * 200_000 + "a") == "a"


@pytest.mark.parametrize("name", ["query_string", "simple_query_string"])
@pytest.mark.parametrize("line", ["a* " * 2_000, "x:a " * 2_000, "+a " * 2_000])
def test_a_line_has_a_limit_of_clauses(name: str, line: str) -> None:
    """The one of any query: before all of it is spelled out."""
    body = {"query": {name: {"query": line, "fields": [NAME]}}}
    with pytest.raises(SearchRefused) as caught:
        without_query_strings(msgspec.json.encode(body), FIELDS)
    assert b"too_many_clauses" in caught.value.body
