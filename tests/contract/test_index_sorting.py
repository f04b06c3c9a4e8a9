"""Orders of hits by fields that have several values, or that are in nested objects; every index has to pass."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from activity_stream.errors import SearchRefused
from activity_stream.fields import AddedField, FieldType
from activity_stream.model import Activity, Alias
from activity_stream.ports import Index
from tests.contract.rows import publish

LEAST, GREATEST = -(2**63), 2**63 - 1
PROGRAMMES = "object.dit:relatedProgrammes"
ROWS: list[dict[str, Any]] = [
    {"id": "1", "type": ["a", "d"], "n": [1, 6], "x": [0.5, 1]},
    {"id": "2", "type": "b", "n": 4, "published": ["2020-01-01", "2020-01-02"]},
    {"id": "3", "type": "c", "n": [5, 5, 9],
     "object": {"dit:relatedProgrammes": [{"id": "q"}, {"id": "s", "name": "x"}]}},
    {"id": "4", "object": {"dit:relatedProgrammes": {"id": "r", "name": "x y"}}, "published": "2020-01-01T06:00:00Z"},
]  # fmt: skip


@pytest.fixture
def added() -> Sequence[AddedField]:
    """Numbers."""
    return [AddedField(Alias.ACTIVITIES, "n", FieldType.LONG), AddedField(Alias.ACTIVITIES, "x", FieldType.DOUBLE)]


@pytest.fixture
async def searched(index: Index) -> Index:
    """An index that has published the rows."""
    await publish(index, "feed", ROWS)
    return index


@pytest.mark.parametrize(
    ("key", "ids", "values"),
    [
        ({"n": {"mode": "min", "order": "desc"}}, "3214", [5, 4, 1, LEAST]),
        ({"n": {"mode": "max"}}, "2134", [4, 6, 9, GREATEST]),
        ({"n": {"mode": "sum"}}, "2134", [4, 7, 19, GREATEST]),
        ({"n": {"mode": "avg", "order": "desc"}}, "3124", [6, 4, 4, LEAST]),
        ({"n": {"mode": "median", "missing": "_first"}}, "4123", [LEAST, 4, 4, 5]),
        ({"x": {"mode": "avg", "missing": 0}}, "2341", [0.0, 0.0, 0.0, 0.75]),
        ({"type": {"mode": "max"}}, "2314", ["b", "c", "d", None]),
        ({"type": {"mode": "min", "order": "desc"}}, "3214", ["c", "b", "a", None]),
        ({"published": {"mode": "avg"}}, "4213", [1577858400000, 1577880000000, GREATEST, GREATEST]),
        ({"nothing": {"mode": "sum", "unmapped_type": "long"}}, "1234", [GREATEST] * 4),
        ({f"{PROGRAMMES}.id": {"nested": {"path": PROGRAMMES}}}, "3412", ["q", "r", None, None]),
        ({f"{PROGRAMMES}.id": {"nested": {"path": PROGRAMMES}, "order": "desc"}}, "3412", ["s", "r", None, None]),
        (
            {f"{PROGRAMMES}.id": {"nested": {"path": PROGRAMMES, "filter": {"match": {f"{PROGRAMMES}.name": "x"}}}}},
            "4312",
            ["r", "s", None, None],
        ),
        (
            {f"{PROGRAMMES}.id": {"nested": {"path": PROGRAMMES}, "mode": "max", "missing": "r"}},
            "1243",
            ["r", "r", "r", "s"],
        ),
        ({"type": {"nested": {"path": PROGRAMMES}}}, "1234", [None] * 4),
    ],
)
async def test_of_several_values_one_counts_or_a_figure(
    searched: Index, key: dict[str, Any], ids: str, values: list[Any]
) -> None:
    """Which one `mode` says; whole numbers stay whole. Equals go by id, and from behind a hit it goes on."""
    body: dict[str, Any] = {"sort": [key, {"id": "asc"}]}
    hits = (await ask(searched, body))["hits"]["hits"]
    assert ("".join(hit["_id"] for hit in hits), [hit["sort"][0] for hit in hits]) == (ids, values)
    if values[1] is not None:
        behind = (await ask(searched, {**body, "search_after": hits[1]["sort"]}))["hits"]["hits"]
        assert "".join(hit["_id"] for hit in behind) == ids[2:]


@pytest.mark.parametrize(
    "key",
    [
        {"type": {"mode": "sum"}},
        {"n": {"mode": "mean"}},
        {f"{PROGRAMMES}.id": {"nested": {"path": "type"}}},
        {f"{PROGRAMMES}.id": {"nested": {"path": "nothing"}}},
    ],
)
async def test_what_cannot_be_sorted_so_is_refused(searched: Index, key: Any) -> None:
    """Figures of words, and objects that are none."""
    with pytest.raises(SearchRefused) as caught:
        await ask(searched, {"sort": [key]})
    assert caught.value.status == 400


@pytest.mark.parametrize("extra", [{"track_scores": True}, {"sort": [{"published": "asc"}, {"id": "asc"}]}])
@pytest.mark.parametrize(
    "query", [{"match_all": {}}, {"match_all": {"boost": 1}}, {"bool": {}}, {"bool": {"must": []}}, None]
)
async def test_everything_sorted_includes_what_has_no_value(index: Index, query: Any, extra: dict[str, Any]) -> None:
    """However everything is asked for: all pages together have each document, those without a date last."""
    dates = {f"o{n}": f"2020-01-0{n}" if n < 4 else None for n in range(1, 9)}
    sources = {
        name: json.dumps({"id": name, **({"published": at} if at else {})}).encode() for name, at in dates.items()
    }
    generation = await index.begin("feed")
    rows = [Activity(f"a{name}", json.dumps({"id": f"a{name}"}).encode(), name, each) for name, each in sources.items()]
    await index.write([generation], rows, visible=True)
    await index.publish(generation)
    body = {"sort": [{"published": "asc"}], **extra, **({"query": query} if query else {})}
    found = []
    for start in (0, 5):
        answer = await ask(index, {**body, "from": start, "size": 5}, Alias.OBJECTS)
        assert answer["hits"]["total"]["value"] == len(dates)
        found += answer["hits"]["hits"]
    assert sorted(hit["_id"] for hit in found) == list(dates)
    assert [hit["_id"] for hit in found[:3]] == ["o1", "o2", "o3"]
    assert {hit["_score"] for hit in found} == {1.0 if "track_scores" in body else None}
    behind = await ask(index, {**body, "size": 5, "search_after": found[2]["sort"]}, Alias.OBJECTS)
    assert len(behind["hits"]["hits"]) == 5


async def ask(index: Index, body: Any, alias: Alias = Alias.ACTIVITIES) -> Any:
    """The index's answer, decoded."""
    return msgspec.json.decode((await index.search(alias, msgspec.json.encode(body))).body)
