"""Painless scripts, recognised by what they mean."""

import json
from typing import Any

import pytest

from activity_stream.errors import SearchRefused
from activity_stream.search.parse import parse_body, parse_query
from activity_stream.search.query import Bool, ConstantScore

MS = ".toInstant().toEpochMilli()"
HAS = "doc['a'].size() > 0"
DATE = f"({HAS}) ? doc['a'].value : doc['b'].value"


def sort(script: Any) -> Any:
    """The fields of a sort by a script, in turn."""
    body = parse_body(json.dumps({"sort": {"_script": {"type": "number", "script": script}}}).encode())
    return body.sort[0].first_of


def found(source: str, **params: str) -> Any:
    """What a script query becomes."""
    return parse_query({"script": {"script": {"source": source, "params": params}}})


@pytest.mark.parametrize(
    "script",
    [
        f"if ({HAS}) return doc['a'].value{MS}; return doc['b'].value{MS};",
        'if(doc["a"].size()!=0){return doc["a"].value.millis;}else{return doc["b"].value.millis;}',
        "return !doc['a'].empty ? doc['a'].value.getMillis() : doc['b'].value.getMillis()",
        f"doc.containsKey('a') ? (doc['a'].value{MS}) : doc['b'].value{MS}",
        "if (doc['a'].size() == 0) { return doc['b'].value.millis; } return doc['a'].value.millis;",
        f"/* the start */ def d = {DATE}; // or else the end\nreturn d.millis;",
        f"def d = {DATE}; def ms = d.toInstant().toEpochMilli(); ms",
        {"lang": "painless", "source": "doc['a'].empty ? doc['b'].value.millis : doc['a'].value.millis", "params": {}},
    ],
)
def test_a_sort_by_the_first_date_is_known_in_any_spelling(script: Any) -> None:
    """The first of two dates that there is, in milliseconds."""
    assert sort(script) == ("a", "b")


@pytest.mark.parametrize(
    "source",
    [
        f"ZonedDateTime d = ({DATE}); ZonedDateTime t = ZonedDateTime.parse(params['t']); return (d.isAfter(t))",
        f"def when = {DATE}; return when.isAfter(ZonedDateTime.parse(params.t))",
        f"({DATE}).isAfter(ZonedDateTime.parse(params.get('t')))",
        f"def d = {DATE}; def t = ZonedDateTime.parse(params['t']); return t.isBefore(d);",
    ],
)
def test_a_comparison_with_a_moment_is_known_in_any_spelling(source: str) -> None:
    """All of them find what is after the moment, by the first date or by the second where there is no first."""
    node = found(source, t="2020-01-01T00:00:00Z")
    assert isinstance(node, ConstantScore)
    assert isinstance(node.filter, Bool)
    assert node == found(f"({DATE}).isAfter(ZonedDateTime.parse(params['t']))", t="2020-01-01T00:00:00Z")


@pytest.mark.parametrize(
    "script",
    [
        "",
        "1",
        "_score",
        "doc['a'].value.millis",
        "doc['a'].size() > 1 ? doc['a'].value.millis : doc['b'].value.millis",
        "doc['a'].size() > 0 ? doc['b'].value.millis : doc['a'].value.millis",
        "doc['a'].size() > 0 ? doc['a'].value.millis : doc['b'].value.millis + 1",
        "while (true) {}",
        f"def unused = 'x'.repeat(1000000); def d = {DATE}; d.millis",
        f"def unused = '/*'; def y = '*/'; def d = {DATE}; d.millis",
        f"doc['/*'].x; while (true) {{}} doc['*/'].size(); def d = {DATE}; d.millis",
        f"def unused = /'/; while (true) {{}} /'/; def d = {DATE}; d.millis",
        f"def e = '\\''; while (true) {{}} def f = '\\''; def d = {DATE}; d.millis",
        f"def d = {DATE}; d = null; d.millis",
        "def a=doc;" * 400,
        "def a='x';" + "".join(f"def {chr(98 + n)}={chr(97 + n)}+{chr(97 + n)};" for n in range(24)) + "z",
        "(((((" * 900,
        {"id": "stored"},
        {"lang": "expression", "source": "1"},
        {"source": 1},
        ["doc"],
        None,
    ],
)
def test_any_other_script_is_refused(script: Any) -> None:
    """With a 400 that says where it is, and soon: whoever writes it has no part of the machine to keep."""
    with pytest.raises(SearchRefused) as refusal:
        sort(script)
    assert refusal.value.status == 400
    assert b"_script" in refusal.value.body


@pytest.mark.parametrize(
    ("source", "params"),
    [
        ("true", {}),
        (f"({DATE}).isAfter(ZonedDateTime.parse(params['t']))", {}),
        (f"({DATE}).isAfter(ZonedDateTime.parse(params['t']))", {"t": "2020-01-01"}),
        (
            f"def d = {DATE}; d.isAfter(ZonedDateTime.parse(params.t)) || d.isBefore(ZonedDateTime.parse(params.t))",
            {"t": "2020-01-01T00:00:00Z"},
        ),
        (
            f"def d = {DATE}; d.isAfter(ZonedDateTime.parse(params.t)) && d.isAfter(ZonedDateTime.parse(params.t))",
            {"t": "2020-01-01T00:00:00Z"},
        ),
    ],
)
def test_a_comparison_that_is_not_known_or_has_no_moment_is_refused(source: str, params: dict[str, str]) -> None:
    """Nothing is searched for as something else."""
    with pytest.raises(SearchRefused):
        found(source, **params)
