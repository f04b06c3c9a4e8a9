"""`evaluator_aggregations` and its neighbours: buckets and figures."""

from typing import Any

import pytest

from tests.unit.testing.indexed import Indexed

JANUARY = 1577836800000
DAY = 86_400_000


@pytest.fixture
async def held() -> Indexed:
    """Five documents."""
    indexed = Indexed()
    await indexed.hold(
        [
            {"word": ["a", "b", "a"], "n": 1, "at": "2020-01-01", "flag": True, "text": "x"},
            {"word": "b", "n": [2, 2], "at": "2020-01-01T23:59:59.999Z", "x": 0.5},
            {"word": "c", "n": 10, "at": "2020-01-04", "x": 1.5, "flag": False},
            {"word": "d", "at": "1969-12-31T23:00"},
            {"n": "none"},
        ]
    )
    return indexed


def counts(answer: Any) -> dict[Any, int]:
    """The keys of buckets with their counts."""
    return {bucket["key"]: bucket["doc_count"] for bucket in answer["buckets"]}


async def test_terms_are_counted_by_documents(held: Indexed) -> None:
    """The most frequent first, then by key; the rest is summed up."""
    answer = await held.aggregate({"terms": {"field": "word", "size": 2}})
    assert answer == {
        "doc_count_error_upper_bound": 0,
        "sum_other_doc_count": 2,
        "buckets": [{"key": "b", "doc_count": 2}, {"key": "a", "doc_count": 1}],
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"field": "word", "order": {"_key": "desc"}}, {"d": 1, "c": 1, "b": 2, "a": 1}),
        ({"field": "word", "order": {"_count": "asc"}}, {"a": 1, "c": 1, "d": 1, "b": 2}),
        ({"field": "word", "min_doc_count": 2}, {"b": 2}),
        ({"field": "word", "include": ["a", "b"], "exclude": ["b"]}, {"a": 1}),
        ({"field": "word", "missing": "z", "include": ["z"]}, {"z": 1}),
        ({"field": "n"}, {1: 1, 2: 1, 10: 1}),
        ({"field": "x"}, {0.5: 1, 1.5: 1}),
        ({"field": "nowhere"}, {}),
        ({"field": "object.dit:relatedProgrammes.id"}, {}),
    ],
)
async def test_terms_have_options(held: Indexed, options: dict[str, Any], expected: dict[Any, int]) -> None:
    """Order, least count, values to take or leave, and one for documents without."""
    answer = counts(await held.aggregate({"terms": options}))
    assert list(answer.items()) == list(expected.items())


async def test_terms_show_empty_buckets_when_asked(held: Indexed) -> None:
    """With `min_doc_count` 0 every value of the index is a bucket."""
    answer = await held.aggregate({"terms": {"field": "word", "min_doc_count": 0}}, {"term": {"word": "c"}})
    assert counts(answer) == {"c": 1, "a": 0, "b": 0, "d": 0}


async def test_dates_and_booleans_have_their_text_besides(held: Indexed) -> None:
    """The key is a number, `key_as_string` what it means."""
    assert (await held.aggregate({"terms": {"field": "flag"}}))["buckets"] == [
        {"key": 0, "key_as_string": "false", "doc_count": 1},
        {"key": 1, "key_as_string": "true", "doc_count": 1},
    ]
    first = (await held.aggregate({"terms": {"field": "at", "order": {"_key": "asc"}}}))["buckets"][0]
    assert first == {"key": -3_600_000, "key_as_string": "1969-12-31T23:00:00.000Z", "doc_count": 1}


async def test_buckets_hold_aggregations_and_are_ordered_by_them(held: Indexed) -> None:
    """By a figure of each bucket's documents; those without come last."""
    for direction, expected in (("desc", ["c", "b", "a", "d"]), ("asc", ["a", "b", "c", "d"])):
        agg = {
            "terms": {"field": "word", "order": {"m": direction}},
            "aggs": {"m": {"avg": {"field": "n"}}},
            "meta": {"colour": "red"},
        }
        answer = await held.aggregate(agg)
        assert [bucket["key"] for bucket in answer["buckets"]] == expected
        assert answer["meta"] == {"colour": "red"}
    assert answer["buckets"][0] == {"key": "a", "doc_count": 1, "m": {"value": 1.0}}


async def test_a_date_histogram_fills_its_gaps(held: Indexed) -> None:
    """Every interval from the first to the last is there, unless a least count is asked for."""
    recent = {"range": {"at": {"gte": "2020"}}}
    for interval in ({"calendar_interval": "day"}, {"fixed_interval": "24h"}):
        answer = await held.aggregate({"date_histogram": {"field": "at", **interval}}, recent)
        assert counts(answer) == {JANUARY: 2, JANUARY + DAY: 0, JANUARY + 2 * DAY: 0, JANUARY + 3 * DAY: 1}
        assert answer["buckets"][0]["key_as_string"] == "2020-01-01T00:00:00.000Z"
    few = await held.aggregate(
        {"date_histogram": {"field": "at", "calendar_interval": "1d", "min_doc_count": 1}}, recent
    )
    assert counts(few) == {JANUARY: 2, JANUARY + 3 * DAY: 1}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"calendar_interval": "year"}, ["1969-01-01", "2020-01-01"]),
        ({"calendar_interval": "quarter"}, ["1969-10-01", "2020-01-01"]),
        ({"calendar_interval": "1M"}, ["1969-12-01", "2020-01-01"]),
        ({"calendar_interval": "week"}, ["1969-12-29", "2019-12-30"]),
        ({"calendar_interval": "day"}, ["1969-12-31", "2020-01-01", "2020-01-04"]),
        ({"fixed_interval": "30d"}, ["1969-12-02", "2019-12-10"]),
        ({"calendar_interval": "month", "offset": "+1d"}, ["1969-12-02", "2019-12-02", "2020-01-02"]),
    ],
)
async def test_intervals_begin_where_the_calendar_says(held: Indexed, options: Any, expected: list[str]) -> None:
    """In UTC, before 1970 too, moved by the offset."""
    histogram = {"field": "at", "min_doc_count": 1, "format": "yyyy-MM-dd", **options}
    answer = await held.aggregate({"date_histogram": histogram})
    assert [bucket["key_as_string"] for bucket in answer["buckets"]] == expected


async def test_extended_bounds_and_keys(held: Indexed) -> None:
    """Bounds add empty intervals even if nothing is found; keyed buckets go by their text."""
    histogram = {
        "field": "at",
        "calendar_interval": "day",
        "keyed": True,
        "format": "yyyy-MM-dd",
        "extended_bounds": {"min": "2020-01-01", "max": "2020-01-02"},
    }
    answer = await held.aggregate({"date_histogram": histogram}, {"match_none": {}})
    assert answer["buckets"] == {
        "2020-01-01": {"key_as_string": "2020-01-01", "key": JANUARY, "doc_count": 0},
        "2020-01-02": {"key_as_string": "2020-01-02", "key": JANUARY + DAY, "doc_count": 0},
    }


async def test_ranges_include_their_start_and_not_their_end(held: Indexed) -> None:
    """A bucket each, in order of their bounds, named after them."""
    ranges = [{"from": 2, "to": 10}, {"to": 2}, {"from": "2", "key": "many"}]
    answer = await held.aggregate({"range": {"field": "n", "ranges": ranges}})
    assert answer["buckets"] == [
        {"key": "*-2.0", "to": 2.0, "doc_count": 1},
        {"key": "2.0-10.0", "from": 2.0, "to": 10.0, "doc_count": 1},
        {"key": "many", "from": 2.0, "doc_count": 2},
    ]
    keyed = await held.aggregate({"range": {"field": "n", "ranges": ranges[:1], "keyed": True}})
    assert list(keyed["buckets"]) == ["2.0-10.0"]


async def test_filters_make_a_bucket_each(held: Indexed) -> None:
    """Named or in order, and one for the rest."""
    b, c = {"term": {"word": "b"}}, {"term": {"word": "c"}}
    assert (await held.aggregate({"filter": b, "aggs": {"n": {"sum": {"field": "n"}}}})) == {
        "doc_count": 2,
        "n": {"value": 5.0},
    }
    named = await held.aggregate({"filters": {"filters": {"one": b, "two": c}, "other_bucket_key": "rest"}})
    assert {name: bucket["doc_count"] for name, bucket in named["buckets"].items()} == {"one": 2, "two": 1, "rest": 2}
    listed = await held.aggregate({"filters": {"filters": [b, c], "other_bucket": True}})
    assert [bucket["doc_count"] for bucket in listed["buckets"]] == [2, 1, 2]


@pytest.mark.parametrize(
    ("agg", "expected"),
    [
        ({"min": {"field": "n"}}, {"value": 1.0}),
        ({"max": {"field": "n"}}, {"value": 10.0}),
        ({"avg": {"field": "n"}}, {"value": 3.75}),
        ({"sum": {"field": "n"}}, {"value": 15.0}),
        ({"value_count": {"field": "n"}}, {"value": 4}),
        ({"value_count": {"field": "word"}}, {"value": 5}),
        ({"cardinality": {"field": "word"}}, {"value": 4}),
        ({"stats": {"field": "n"}}, {"count": 4, "min": 1.0, "max": 10.0, "avg": 3.75, "sum": 15.0}),
        ({"sum": {"field": "n", "missing": 100}}, {"value": 215.0}),
        ({"max": {"field": "at"}}, {"value": JANUARY + 3.0 * DAY, "value_as_string": "2020-01-04T00:00:00.000Z"}),
        ({"max": {"field": "at", "format": "yyyy"}}, {"value": JANUARY + 3.0 * DAY, "value_as_string": "2020"}),
        ({"max": {"field": "nowhere"}}, {"value": None}),
        ({"avg": {"field": "nowhere"}}, {"value": None}),
        ({"sum": {"field": "nowhere"}}, {"value": 0.0}),
        ({"cardinality": {"field": "nowhere"}}, {"value": 0}),
        ({"stats": {"field": "nowhere"}}, {"count": 0, "min": None, "max": None, "avg": None, "sum": 0.0}),
    ],
)
async def test_figures_are_those_of_all_values(held: Indexed, agg: dict[str, Any], expected: dict[str, Any]) -> None:
    """Of numbers every value counts, of keywords each once; without values they are null, or 0."""
    assert await held.aggregate(agg) == expected


@pytest.mark.parametrize(
    ("agg", "reason"),
    [
        ({"terms": {"field": "text"}}, "Text fields are not optimised"),
        ({"terms": {"field": "where"}}, "Field [where] of type [geo_point]"),
        ({"max": {"field": "word"}}, "Field [word] of type [keyword] is not supported for aggregation [max]"),
        ({"value_count": {"field": "text"}}, "Text fields are not optimised"),
        ({"date_histogram": {"field": "n", "fixed_interval": "1d"}}, "not supported for aggregation [date_histogram]"),
        ({"range": {"field": "word", "ranges": [{"to": 1}]}}, "not supported for aggregation [range]"),
        ({"range": {"field": "n", "ranges": [{"to": "x"}]}}, "For input string"),
        ({"sum": {"field": "n", "missing": "x"}}, "[missing] value [x]"),
        ({"date_histogram": {"field": "at", "fixed_interval": "1m"}}, "too many buckets"),
    ],
)
async def test_what_a_field_cannot_do_is_refused(held: Indexed, agg: dict[str, Any], reason: str) -> None:
    """A 400 that says which field, or that there would be too many buckets."""
    assert reason in await held.reason({"aggs": {"it": agg}})
