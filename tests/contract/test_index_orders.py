"""Buckets come in the order of counts and figures of what is below them: each index answers alike."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from activity_stream.fields import AddedField, FieldType
from activity_stream.model import Alias
from activity_stream.ports import Index
from tests.contract.rows import publish

PROGRAMMES = "object.dit:relatedProgrammes"
ROWS: list[dict[str, Any]] = [
    {"id": "1", "type": "a", "n": [1, 1, 1], "object": {"dit:relatedProgrammes": [{"id": "p"}, {"id": "q"}]}},
    {"id": "2", "type": "a", "n": 9},
    {"id": "3", "type": "b", "n": [4, 20], "object": {"dit:relatedProgrammes": [{"id": "p"}]}},
    {"id": "4", "type": "c", "n": 5, "published": "2020-01-01T00:00:00Z"},
    {"id": "5", "type": "d"},
]
LARGE = {
    "filter": {"range": {"n": {"gte": 4}}},
    "aggs": {"least": {"min": {"field": "n"}}, "s": {"stats": {"field": "n"}}},
}
OBJECTS = {
    "nested": {"path": PROGRAMMES},
    "aggs": {"back": {"reverse_nested": {}, "aggs": {"most": {"max": {"field": "n"}}}}},
}
UNDER: dict[str, Any] = {
    "large": LARGE,
    "objects": OBJECTS,
    "undated": {"missing": {"field": "published"}},
    "spread": {"extended_stats": {"field": "n"}},
    "middle": {"percentiles": {"field": "n", "percents": [50, 99.9]}},
    "ranks": {"percentile_ranks": {"field": "n", "values": [4]}},
}


@pytest.fixture
def added() -> Sequence[AddedField]:
    """A number."""
    return [AddedField(Alias.ACTIVITIES, "n", FieldType.LONG)]


@pytest.fixture
async def searched(index: Index) -> Index:
    """An index that has published the rows."""
    await publish(index, "feed", ROWS)
    return index


@pytest.mark.parametrize(
    ("path", "ascending", "descending"),
    [
        ("large", "dabc", "abcd"),
        ("large.doc_count", "dabc", "abcd"),
        ("large>least", "bcad", "dacb"),
        ("large > s.max", "dcab", "bacd"),
        ("large>s.avg", "cabd", "bacd"),
        ("objects", "cdba", "abcd"),
        ("objects>back", "cdab", "abcd"),
        ("objects>back>most.value", "cdab", "bacd"),
        ("undated", "cbda", "abdc"),
        ("spread.std_upper", "cabd", "bacd"),
        ("spread.sum_of_squares", "dcab", "bacd"),
        ("middle.50", "acbd", "bcad"),
        ("middle[99.9]", "cabd", "bacd"),
        ("ranks.4", "cbad", "abcd"),
    ],
)
async def test_buckets_are_ordered_by_what_is_far_below(
    searched: Index, path: str, ascending: str, descending: str
) -> None:
    """Equal ones by their keys; without a figure they come last, but for the least and the greatest of nothing."""
    for direction, expected in (("asc", ascending), ("desc", descending)):
        agg = {"terms": {"field": "type", "order": {path: direction}}, "aggs": UNDER}
        assert "".join(each["key"] for each in await buckets(searched, agg)) == expected, direction


async def test_histograms_are_ordered_so_too_and_show_all_that_is_below(searched: Index) -> None:
    """Not only what the order goes by."""
    agg = {"histogram": {"field": "n", "interval": 5, "order": {"large>least": "desc"}}, "aggs": UNDER}
    found = await buckets(searched, agg)
    assert [each["key"] for each in found] == [10.0, 15.0, 5.0, 0.0, 20.0]
    assert [each["large"]["least"]["value"] for each in found] == [None, None, 5.0, 4.0, 4.0]
    assert all(each["large"].keys() == {"doc_count", "least", "s"} for each in found)


async def buckets(index: Index, agg: Any) -> list[Any]:
    """The buckets of an aggregation."""
    body = {"size": 0, "aggs": {"a": agg}}
    answer = await index.search(Alias.ACTIVITIES, msgspec.json.encode(body))
    return list(msgspec.json.decode(answer.body)["aggregations"]["a"]["buckets"])
