"""Aggregations of several fields, of rare and significant values, of nested objects, and how values are spread: each
index answers alike."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from activity_stream.errors import SearchRefused
from activity_stream.fields import AddedField, FieldType
from activity_stream.model import Alias
from activity_stream.ports import Index
from tests.contract.rows import publish

PROGRAMMES = "object.dit:relatedProgrammes"
ROWS: list[dict[str, Any]] = [
    {"id": "1", "type": ["a", "b"], "n": 1, "x": 1.5, "published": "2020-01-01T00:00:00Z", "open": True,
     "object": {"dit:relatedProgrammes": [{"id": "p", "name": "red wine"}, {"id": "q"}]}},
    {"id": "2", "type": "a", "n": 2, "x": 2.5, "published": "2020-02-01T00:00:00Z", "open": False,
     "object": {"dit:relatedProgrammes": [{"id": "p", "name": "wine"}]}},
    {"id": "3", "type": "c", "n": 7, "published": "2020-02-15T12:00:00Z", "open": False},
    {"id": "4", "n": [5, 5, 9], "x": -1},
    {"id": "5", "type": "c", "published": "2019-12-31T00:00:00Z"},
]  # fmt: skip


@pytest.fixture
def added() -> Sequence[AddedField]:
    """Numbers and a boolean."""
    kinds = {"n": FieldType.LONG, "x": FieldType.DOUBLE, "open": FieldType.BOOLEAN}
    return [AddedField(Alias.ACTIVITIES, name, kind) for name, kind in kinds.items()]


@pytest.fixture
async def searched(index: Index) -> Index:
    """An index that has published the rows, in two feeds."""
    for feed, rows in (("one", ROWS[:3]), ("two", ROWS[3:])):
        await publish(index, feed, rows)
    return index


def of(kind: str, name: str, field: str, **more: Any) -> dict[str, Any]:
    """A source of a composite."""
    return {name: {kind: {"field": field, **more}}}


@pytest.mark.parametrize(
    ("agg", "keys", "counts"),
    [
        ({"sources": [of("terms", "t", "type")]}, [["a"], ["b"], ["c"]], [2, 1, 2]),
        (
            {"sources": [of("terms", "t", "type", missing_bucket=True, order="desc")]},
            [["c"], ["b"], ["a"], [None]],
            [2, 1, 2, 1],
        ),
        (
            {"sources": [of("terms", "t", "type", missing_bucket=True, missing_order="last")], "after": {"t": "b"}},
            [["c"], [None]],
            [2, 1],
        ),
        (
            {"sources": [of("terms", "t", "type"), of("terms", "n", "n", order="desc")], "size": 3},
            [["a", 2], ["a", 1], ["b", 1]],
            [1, 1, 1],
        ),
        (
            {
                "sources": [of("terms", "t", "type"), of("terms", "n", "n", order="desc")],
                "size": 3,
                "after": {"t": "a", "n": 2},
            },
            [["a", 1], ["b", 1], ["c", 7]],
            [1, 1, 1],
        ),
        (
            {"sources": [of("date_histogram", "w", "published", calendar_interval="month", order="desc")]},
            [[1580515200000], [1577836800000], [1575158400000]],
            [2, 1, 1],
        ),
        (
            {
                "sources": [
                    of("date_histogram", "w", "published", calendar_interval="month", format="yyyy-MM"),
                    of("terms", "o", "open", missing_bucket=True),
                ],
                "after": {"w": "2020-01", "o": False},
            },
            [["2020-01", True], ["2020-02", False]],
            [1, 2],
        ),
        (
            {"sources": [of("histogram", "n", "n", interval=4), of("terms", "x", "x", missing_bucket=True)]},
            [[0.0, 1.5], [0.0, 2.5], [4.0, None], [4.0, -1.0], [8.0, -1.0]],
            [1, 1, 1, None, 1],
        ),
        ({"sources": [of("terms", "z", "nothing")]}, [], []),
    ],
)
async def test_a_composite_has_a_bucket_for_each_combination(
    searched: Index, agg: Any, keys: list[list[Any]], counts: list[int | None]
) -> None:
    """In the order of its sources, from behind `after` on. What has two values in one interval some engines count
    twice."""
    found = (await ask(searched, {"composite": agg}))["a"]
    assert [list(each["key"].values()) for each in found["buckets"]] == keys
    for each, count in zip(found["buckets"], counts, strict=True):
        assert count is None or each["doc_count"] == count
    assert ("after_key" in found) == bool(keys)


async def test_a_composite_is_walked_through_page_by_page(searched: Index) -> None:
    """Each page goes on behind the last key of the one before, with the aggregations under its buckets."""
    sources = [of("terms", "t", "type"), of("terms", "p", "published", missing_bucket=True)]
    agg: dict[str, Any] = {"composite": {"sources": sources, "size": 2}, "aggs": {"most": {"max": {"field": "n"}}}}
    keys, most = [], []
    while (found := (await ask(searched, agg))["a"])["buckets"]:
        keys += [tuple(each["key"].values()) for each in found["buckets"]]
        most += [each["most"]["value"] for each in found["buckets"]]
        agg["composite"]["after"] = found["after_key"]
    assert [key[0] for key in keys] == ["a", "a", "b", "c", "c"]
    assert most == [1, 2, 1, None, 7]


@pytest.mark.parametrize(
    ("agg", "keys", "others"),
    [
        ({"terms": [{"field": "type"}, {"field": "n"}]}, [["a", 1], ["a", 2], ["b", 1], ["c", 7]], 0),
        ({"terms": [{"field": "type"}, {"field": "n"}], "size": 1}, [["a", 1]], 3),
        (
            {"terms": [{"field": "open"}, {"field": "published"}, {"field": "x"}], "order": {"_key": "desc"}},
            [[True, "2020-01-01T00:00:00.000Z", 1.5], [False, "2020-02-01T00:00:00.000Z", 2.5]],
            0,
        ),
        (
            {"terms": [{"field": "type", "missing": "none"}, {"field": "x"}], "min_doc_count": 1},
            [["a", 1.5], ["a", 2.5], ["b", 1.5], ["none", -1.0]],
            0,
        ),
        ({"terms": [{"field": "type"}, {"field": "nothing"}]}, [], 0),
    ],
)
async def test_multi_terms_has_buckets_of_several_values(
    searched: Index, agg: Any, keys: list[list[Any]], others: int
) -> None:
    """The most frequent first, then by key; dates as text."""
    found = (await ask(searched, {"multi_terms": agg}))["a"]
    assert [each["key"] for each in found["buckets"]] == keys
    assert found["sum_other_doc_count"] == others
    if keys:
        text = "|".join(str(each).lower() if isinstance(each, bool) else str(each) for each in keys[0])
        assert found["buckets"][0]["key_as_string"] == text


async def test_rare_terms_are_those_of_few_documents(searched: Index) -> None:
    """The rarest first; with aggregations under them."""
    agg = {"rare_terms": {"field": "type", "max_doc_count": 1}, "aggs": {"most": {"max": {"field": "n"}}}}
    assert (await ask(searched, agg))["a"]["buckets"] == [{"key": "b", "doc_count": 1, "most": {"value": 1.0}}]
    agg = {"rare_terms": {"field": "type", "max_doc_count": 2, "exclude": ["a"], "missing": "none"}}
    found = (await ask(searched, agg))["a"]["buckets"]
    assert [(each["key"], each["doc_count"]) for each in found] == [("b", 1), ("none", 1), ("c", 2)]


@pytest.fixture
async def uneven(index: Index) -> Index:
    """An index of 130 documents, of which 40 are n, and 50 have a, 20 of these among the former."""
    rows: list[Any] = [
        {"id": f"{n}", "type": "m" if n % 4 else "n", "object": {"type": "abc"[n % 3]}} for n in range(120)
    ]
    rows += [{"id": f"x{n}", "type": "n", "object": {"type": "a"}} for n in range(10)]
    await publish(index, "feed", rows)
    return index


@pytest.mark.parametrize(
    ("heuristic", "scores"),
    [
        ({"chi_square": {}}, {"a": 3.25}),
        ({"chi_square": {"include_negatives": True}}, {"a": 3.25, "b": 0.9027778, "c": 0.9027778}),
        ({"chi_square": {"background_is_superset": False}}, {"a": 1.6813187}),
        ({"gnd": {}}, {"a": 0.4595977, "b": 0.3084590, "c": 0.3084590}),
        ({"gnd": {"background_is_superset": False}}, {"a": 0.4207089, "b": 0.3287950, "c": 0.3287950}),
        ({"mutual_information": {}}, {"a": 0.01780103}),
        ({"mutual_information": {"include_negatives": True}}, {"a": 0.01780103, "b": 0.005124332, "c": 0.005124332}),
    ],
)
async def test_significance_is_measured_as_it_is_asked_for(uneven: Index, heuristic: Any, scores: Any) -> None:
    """How far from chance the counts are, or how near to each other; of rarer values too, if they are wanted."""
    agg = {"significant_terms": {"field": "object.type", **heuristic}}
    found = (await ask(uneven, agg, query={"term": {"type": "n"}}))["a"]["buckets"]
    assert {each["key"]: each["score"] for each in found} == pytest.approx(scores, rel=1e-5)


async def test_significant_terms_are_more_frequent_here_than_elsewhere(uneven: Index) -> None:
    """By OpenSearch's figures, against all there is or what is asked for."""
    index = uneven
    here = {"query": {"term": {"type": "n"}}}
    found = (await ask(index, {"significant_terms": {"field": "object.type"}}, **here))["a"]
    assert (found["doc_count"], found["bg_count"]) == (40, 130)
    share, usual = 20 / 40, 50 / 130
    assert found["buckets"] == [
        {"key": "a", "doc_count": 20, "bg_count": 50, "score": pytest.approx((share - usual) * share / usual)}
    ]
    agg: dict[str, Any] = {"field": "object.type", "percentage": {}, "size": 2}
    found = (await ask(index, {"significant_terms": agg}, **here))["a"]
    assert [(each["key"], each["score"]) for each in found["buckets"]] == [("a", 0.4), ("b", 0.25)]
    agg = {"field": "object.type", "background_filter": {"terms": {"object.type": ["b", "c"]}}}
    found = (await ask(index, {"significant_terms": agg}, **here))["a"]
    assert (found["bg_count"], found["buckets"][0]["key"], found["buckets"][0]["bg_count"]) == (80, "a", 0)


async def test_objects_are_aggregated_by_themselves(searched: Index) -> None:
    """Those of the documents that are found; and back to these."""
    ids = {"terms": {"field": f"{PROGRAMMES}.id"}}
    wine = {"filter": {"match": {f"{PROGRAMMES}.name": "red"}}, "aggs": {"ids": ids}}
    back = {"reverse_nested": {}, "aggs": {"types": {"terms": {"field": "type"}}}}
    agg = {"nested": {"path": PROGRAMMES}, "aggs": {"ids": ids, "wine": wine, "back": back}}
    found = (await ask(searched, agg))["a"]
    assert found["doc_count"] == 3
    assert buckets(found["ids"]) == {"p": 2, "q": 1}
    assert buckets(found["wine"]["ids"]) == {"p": 1}
    assert (found["back"]["doc_count"], buckets(found["back"]["types"])) == (2, {"a": 2, "b": 1})
    found = (await ask(searched, agg, query={"term": {"id": "2"}}))["a"]
    assert (found["doc_count"], buckets(found["ids"]), found["back"]["doc_count"]) == (1, {"p": 1}, 1)
    assert (await ask(searched, {"nested": {"path": "type"}}))["a"] == {"doc_count": 0}


async def test_percentiles_and_their_ranks(searched: Index) -> None:
    """Values, that a document has twice too; dates as text besides."""
    found = (await ask(searched, {"percentiles": {"field": "n", "percents": [50, 0, 99.5]}}))["a"]["values"]
    assert found == {"0.0": 1.0, "50.0": 5.0, "99.5": 9.0}
    found = (await ask(searched, {"percentiles": {"field": "published", "percents": [50], "format": "yyyy-MM"}}))["a"]
    assert found["values"]["50.0_as_string"] == "2020-02"
    agg = {"percentile_ranks": {"field": "n", "values": [0, 5, 8, 10], "keyed": False}}
    found = (await ask(searched, agg))["a"]["values"]
    assert [each["value"] for each in found] == pytest.approx([0, 50, 250 / 3, 100])
    found = (await ask(searched, {"percentiles": {"field": "nothing", "percents": [50]}}))["a"]["values"]
    assert found == {"50.0": None}


@pytest.mark.parametrize(
    "agg",
    [
        {"composite": {"sources": []}},
        {"composite": {"sources": [of("terms", "t", "type")], "after": {"x": 1}}},
        {"composite": {"sources": [of("terms", "t", "type"), of("terms", "t", "n")]}},
        {"terms": {"field": "type"}, "aggs": {"c": {"composite": {"sources": [of("terms", "t", "type")]}}}},
        {"multi_terms": {"terms": [{"field": "type"}]}},
        {"multi_terms": {"terms": [{"field": "type"}, {"field": "object.name"}]}},
        {"rare_terms": {"field": "x"}},
        {"rare_terms": {"field": "type", "max_doc_count": 101}},
        {"significant_terms": {"field": "type", "min_doc_count": 1, "gnd": {"include_negatives": True}}},
        {"significant_terms": {"field": "type", "gnd": {}, "background_filter": {"match_none": {}}}},
        {"percentiles": {"field": "type"}},
        {"percentiles": {"field": "n", "percents": [101]}},
        {"nested": {}},
        {"reverse_nested": {}},
    ],
)
async def test_what_cannot_be_is_refused(searched: Index, agg: Any) -> None:
    """With a status that blames whoever asked."""
    with pytest.raises(SearchRefused) as caught:
        await ask(searched, agg)
    assert 400 <= caught.value.status < 500


def buckets(agg: Any) -> dict[str, int]:
    """The counts of buckets by key."""
    return {each["key"]: each["doc_count"] for each in agg["buckets"]}


async def ask(index: Index, agg: Any, **more: Any) -> Any:
    """The aggregation's result, under the name `a`."""
    body = {"size": 0, "aggs": {"a": agg}, **more}
    return msgspec.json.decode((await index.search(Alias.ACTIVITIES, msgspec.json.encode(body))).body)["aggregations"]
