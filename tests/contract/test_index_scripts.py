"""The scripts that clients send: the same hits in the same order on every index."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from activity_stream.errors import SearchRefused
from activity_stream.model import Activity, Alias
from activity_stream.ports import Index

FIRST_DATE = (
    "if (doc['object.startTime'].size() > 0) return doc['object.startTime'].value.toInstant().toEpochMilli(); "
    "return doc['published'].value.toInstant().toEpochMilli();"
)
DATE = (
    "ZonedDateTime d = ((doc['object.startTime'].size() > 0) ? doc['object.startTime'].value : doc['published'].value);"
)
AFTER = f"{DATE} ZonedDateTime after = ZonedDateTime.parse(params['after']); return (d.isAfter(after))"
BEFORE = f"{DATE} ZonedDateTime before = ZonedDateTime.parse(params['before']); return (d.isBefore(before))"
BETWEEN = (
    f"{DATE} ZonedDateTime after = ZonedDateTime.parse(params['after']); "
    "ZonedDateTime before = ZonedDateTime.parse(params['before']); return (d.isAfter(after) && d.isBefore(before))"
)
STARTS: list[tuple[str, Any]] = [
    ("2020-01-01T00:00:00Z", "2021-05-01T00:00:00Z"),
    ("2020-01-02T00:00:00Z", None),
    ("2020-01-03T00:00:00Z", ["2022-01-01T00:00:00Z", "2019-12-31T00:00:00Z"]),
    ("2020-01-04T00:00:00Z", "2020-01-02T00:00:00Z"),
    ("2020-01-05T00:00:00Z", []),
]
"""When activities 0, 1, … were published, and when what they are about starts."""


def _activities() -> Iterator[Activity]:
    for number, (published, start) in enumerate(STARTS):
        inner = {"id": f"o{number}", "startTime": start}
        row = {"id": str(number), "published": published, "object": inner}
        yield Activity(str(number), json.dumps(row).encode(), f"o{number}", json.dumps(inner).encode())


@pytest.fixture
async def searched(index: Index) -> Index:
    """An index that has published the activities."""
    generation = await index.begin("feed")
    await index.write([generation], list(_activities()), visible=False)
    await index.publish(generation)
    return index


async def _found(index: Index, body: Any) -> list[Any]:
    answer = await index.search(Alias.ACTIVITIES, json.dumps(body).encode())
    found: list[Any] = json.loads(answer.body)["hits"]["hits"]
    return found


def _sort(order: str) -> dict[str, Any]:
    return {"_script": {"type": "number", "script": {"lang": "painless", "source": FIRST_DATE}, "order": order}}


@pytest.mark.parametrize(("order", "ids"), [("asc", "21340"), ("desc", "04132")])
async def test_hits_come_by_the_first_date_that_they_have(searched: Index, order: str, ids: str) -> None:
    """By the least start, and where there is none by the publication; hits of one moment by the next key."""
    hits = await _found(searched, {"sort": [_sort(order), {"published": "asc"}]})
    assert "".join(hit["_id"] for hit in hits) == ids
    values = [hit["sort"][0] for hit in hits]
    assert values == sorted(values, reverse=order == "desc")
    assert set(values) == {1577750400000, 1577923200000, 1578182400000, 1619827200000}


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_a_walk_by_the_first_date_goes_on_after_the_last_hit(searched: Index, order: str) -> None:
    """Page by page with `search_after`, every hit comes once and in its place."""
    whole = await _found(searched, {"sort": [_sort(order), {"published": "asc"}]})
    walked: list[Any] = []
    while page := await _found(
        searched,
        {"size": 2, "sort": [_sort(order), {"published": "asc"}]}
        | ({"search_after": walked[-1]["sort"]} if walked else {}),
    ):
        walked += page
        assert len(walked) <= len(whole)
    assert walked == whole


@pytest.mark.parametrize(
    ("source", "params", "ids"),
    [
        (AFTER, {"after": "2020-01-02T00:00:00Z"}, "04"),
        (AFTER, {"after": "2020-01-01T23:59:59.999Z"}, "0134"),
        (BEFORE, {"before": "2020-01-02T00:00:00.001Z"}, "123"),
        (BEFORE, {"before": "2020-01-02T01:00:00+01:00"}, "2"),
        (BETWEEN, {"after": "2020-01-01T00:00:00.000Z", "before": "2020-12-31T23:59:59.999Z"}, "134"),
    ],
)
async def test_a_script_finds_what_is_after_or_before_a_moment(
    searched: Index, source: str, params: dict[str, str], ids: str
) -> None:
    """By the same date as the sort; the moment itself is neither after nor before."""
    script = {"lang": "painless", "source": source, "params": params}
    hits = await _found(searched, {"query": {"script": {"script": script}}, "sort": ["published"]})
    assert "".join(hit["_id"] for hit in hits) == ids


async def test_a_script_scores_as_a_filter_does(searched: Index) -> None:
    """All that it finds has the score of its boost."""
    script = {"source": AFTER, "params": {"after": "2020-01-02T00:00:00Z"}}
    hits = await _found(searched, {"query": {"script": {"script": script, "boost": 3}}})
    assert [hit["_score"] for hit in hits] == [3, 3]


async def test_a_moment_that_is_none_is_refused(searched: Index) -> None:
    """A 400, and not a search of everything."""
    script = {"source": AFTER, "params": {"after": "yesterday"}}
    with pytest.raises(SearchRefused) as refusal:
        await _found(searched, {"query": {"script": {"script": script}}})
    assert refusal.value.status == 400
