"""Histograms of about as many buckets as are wanted: each index finds the same interval."""

from typing import Any

import msgspec
import pytest

from activity_stream.errors import SearchRefused
from activity_stream.model import Alias
from activity_stream.ports import Index
from tests.contract.rows import publish

DATES = ("2020-01-31T23:30:00Z", "2020-02-01T00:00:00Z", "2020-02-29T12:00:00Z", "2020-12-31T00:00:00Z", None)


@pytest.fixture
async def searched(index: Index) -> Index:
    """An index that has published documents of these dates."""
    rows = [
        {"id": f"{n}", "type": "ab"[n % 2], **({"published": each} if each else {})} for n, each in enumerate(DATES)
    ]
    await publish(index, "feed", rows)
    return index


@pytest.mark.parametrize(
    ("asked", "interval", "keys", "counts"),
    [
        ({"buckets": 1}, "1y", ["2020-01-01T00:00:00.000Z"], [4]),
        (
            {"buckets": 4, "format": "yyyy-MM-dd"},
            "3M",
            ["2020-01-01", "2020-04-01", "2020-07-01", "2020-10-01"],
            [3, 0, 0, 1],
        ),
        (
            {"buckets": 4, "format": "yyyy-MM", "time_zone": "+01:00", "minimum_interval": "month"},
            "3M",
            None,
            [3, 0, 0, 1],
        ),
        ({"buckets": 12}, "1M", None, [1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ({"buckets": 2, "missing": "2024-01-01"}, "5y", ["2020-01-01T00:00:00.000Z"], [5]),
        ({"buckets": 60}, "7d", None, [2, 0, 0, 0, 1, *[0] * 42, 1]),
        ({"field": "startTime"}, "1s", [], []),
        ({"field": "startTime", "minimum_interval": "day"}, "1d", [], []),
    ],
)
async def test_the_interval_is_as_short_as_the_number_of_buckets_lets_it_be(
    searched: Index, asked: Any, interval: str, keys: list[str] | None, counts: list[int]
) -> None:
    """Units of time, or some of them together; empty ones in between are there."""
    found = await ask(searched, {"auto_date_histogram": {"field": "published", **asked}})
    assert found["interval"] == interval
    assert [each["doc_count"] for each in found["buckets"]] == counts
    assert keys is None or [each["key_as_string"] for each in found["buckets"]] == keys


async def test_there_are_aggregations_under_it(searched: Index) -> None:
    """Each of the documents of a bucket."""
    agg = {"auto_date_histogram": {"field": "published", "buckets": 4}, "aggs": {"t": {"terms": {"field": "type"}}}}
    buckets = (await ask(searched, agg))["buckets"]
    assert [{each["key"]: each["doc_count"] for each in bucket["t"]["buckets"]} for bucket in buckets] == [
        {"a": 2, "b": 1}, {}, {}, {"b": 1}
    ]  # fmt: skip


@pytest.mark.parametrize(
    "asked",
    [{"buckets": 0}, {"buckets": 2185}, {"minimum_interval": "week"}, {"field": "object.name"}, {"keyed": True}],
)
async def test_what_cannot_be_is_refused(searched: Index, asked: Any) -> None:
    """No buckets, too many, a unit that is none, a field without dates."""
    with pytest.raises(SearchRefused) as refused:
        await ask(searched, {"auto_date_histogram": {"field": "published", **asked}})
    assert refused.value.status == 400


async def ask(index: Index, agg: Any) -> Any:
    """The result of an aggregation."""
    body = {"size": 0, "aggs": {"a": agg}}
    answer = await index.search(Alias.ACTIVITIES, msgspec.json.encode(body))
    return msgspec.json.decode(answer.body)["aggregations"]["a"]
