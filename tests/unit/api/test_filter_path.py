"""`filter_path`: what is left of an answer, as OpenSearch 3.8 answered to the same patterns."""

import json
import random

import pytest

from activity_stream.api.filter_path import filtered
from activity_stream.errors import SearchRefused

SOURCE = (
    b'{"a":{"b":1,"c":[1,2,{"b":3,"x":{}},[],[{"b":[[]]}]],"e":{},"l":[]},"a.b":7,"s*t":{"q":null},"n":1.0E30,'
    b'"x":{"x":{"x":1}}}'
)
ANSWER = b'{"_id":"1","found":true,"_source":%b}' % SOURCE


@pytest.mark.parametrize(
    ("patterns", "source"),
    [
        ("_source.**", SOURCE),
        ("_source.", SOURCE),
        ("_source..", SOURCE),
        ("_source,-_id", SOURCE),
        ("_source.a.b", b'{"a":{"b":1}}'),
        ("**.b", b'{"a":{"b":1,"c":[{"b":3},[{"b":[[]]}]]}}'),
        ("_source.a.c.b", b'{"a":{"c":[{"b":3},[{"b":[[]]}]]}}'),
        ("_source.a.c.*", b'{"a":{"c":[{"b":3,"x":{}},[{"b":[[]]}]]}}'),
        ("_s*.a.c.x", b'{"a":{"c":[{"x":{}}]}}'),
        ("_source.a.e,_source.a.l", b'{"a":{"e":{},"l":[]}}'),
        (r"_source.a\.b", b'{"a.b":7}'),
        (r"_source.a\*b", b'{"a.b":7}'),
        ("_source.s*t", b'{"s*t":{"q":null}}'),
        ("_source.**.x", b'{"a":{"c":[{"x":{}}]},"x":{"x":{"x":1}}}'),
        ("_source.**.x.x", b'{"x":{"x":{"x":1}}}'),
        ("_source.a,-_source.a.c.b", b'{"a":{"b":1,"c":[1,2,{"x":{}}],"e":{},"l":[]}}'),
        ("_source.a,-**.b", b'{"a":{"c":[1,2]}}'),
        ("_source,-_source.x.x.x,-_source.a", b'{"a.b":7,"s*t":{"q":null},"n":1.0E30}'),
    ],
)
def test_parts_are_picked_and_stay_as_they_were_written(patterns: str, source: bytes) -> None:
    """Names may have stars, lists are walked, exclusions count after inclusions; what empties goes away."""
    assert filtered(ANSWER, patterns) == b'{"_source":%b}' % source


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        ("found", b'{"found":true}'),
        (" found ,, -x", b'{"found":true}'),
        ("found,-found", b"{}"),
        ("nothing", b"{}"),
        ("**.found", b"{}"),
        (".", b"{}"),
        ("-*", b"{}"),
        ("_source..a", b"{}"),
        ("**", ANSWER),
        ("--found", ANSWER),
        ("-.", ANSWER),
        (",", ANSWER),
    ],
)
def test_odd_patterns_leave_what_they_leave_in_opensearch(patterns: str, left: bytes) -> None:
    """An object without anything in it, or all of the answer."""
    assert filtered(ANSWER, patterns) == left


@pytest.mark.parametrize("patterns", ["-", "-,found", "- "])
def test_an_exclusion_of_nothing_is_refused(patterns: str) -> None:
    """As OpenSearch does it."""
    assert _refused(ANSWER, patterns) == "filters cannot be null or empty"


def test_numbers_that_no_float_holds_come_out_as_they_are() -> None:
    """A document has them, and so do its parts."""
    body = b'{"s":{"n":123456789012345678901.50,"m":1E+400,"t":"\\u00e9"}}'
    assert filtered(body, "s.n,s.t") == b'{"s":{"n":123456789012345678901.50,"t":"\\u00e9"}}'
    assert filtered(body, "-s.m") == b'{"s":{"n":123456789012345678901.50,"t":"\\u00e9"}}'


def test_many_patterns_are_soon_done() -> None:
    """Stars among stars take no more steps than there are names and patterns; of these there is a limit."""
    deep = json.dumps({"a" * 200: {"a" * 200: [{"a" * 200: {"b": 1}}] * 50}}).encode()
    for patterns in (".".join(["**"] * 199), "*a" * 500 + "*b", ".".join(["**.*a*a*a*a*"] * 99) + ".b"):
        assert json.loads(filtered(deep, f"{patterns},-x")) in ({}, json.loads(deep))
    assert _refused(deep, "a.b," * 200 + "c.d." * 30) == ""
    for patterns in (".".join(["a"] * 201), "-" + "a." * 201):
        assert "has 201 names in its patterns, at most 200 are allowed" in _refused(deep, patterns)


def test_a_document_can_be_too_deep_to_be_looked_through() -> None:
    """It comes as a whole, or is left out; what looks into it is refused."""
    deep = b'{"a":' * 900 + b"1" + b"}" * 900
    assert filtered(deep, "a") == deep
    assert filtered(deep, "-b") == deep
    assert "too deep" in _refused(deep, "**.x")


def _refused(body: bytes, patterns: str) -> str:
    """Why; nothing where it is not."""
    try:
        filtered(body, patterns)
    except SearchRefused as refusal:
        return str(json.loads(refusal.body)["error"]["reason"])
    return ""


def test_what_is_kept_and_what_is_kept_out_are_the_whole() -> None:
    """A pattern that ends at a scalar takes it once, either with those kept or with those kept out."""
    numbers = random.Random(3)
    for _ in range(200):
        body = json.dumps({f"{numbers.choice('abc')}{n}": {"v": n, "w": n} for n in range(5)}).encode()
        pattern = f"{numbers.choice('abc*')}*.{numbers.choice('vw*')}"
        both = [json.loads(filtered(body, each)) for each in (pattern, f"-{pattern}")]
        found = sorted((name, *pair) for each in both for name, inner in each.items() for pair in inner.items())
        assert found == sorted((name, *pair) for name, inner in json.loads(body).items() for pair in inner.items())
