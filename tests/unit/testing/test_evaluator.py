"""`evaluator`: the answer's shape, sorting, paging, `_source` and scope."""

import pytest

from tests.unit.testing.indexed import Indexed

LAST = 9223372036854775807


@pytest.fixture
async def held() -> Indexed:
    """Four documents."""
    indexed = Indexed()
    await indexed.hold(
        [
            {"word": ["b", "d"], "n": 3, "at": "2020-01-02", "text": "red blue"},
            {"word": "c", "n": [1, 9], "at": "2020-01-01", "text": "red"},
            {"word": "\U00010000", "n": "2", "text": "green"},
            {"word": "\uffff", "at": "", "extra": {"a": [{"b": 1, "c": 2}], "d": {}}},
        ]
    )
    return indexed


async def test_an_answer_has_the_shape_that_clients_read(held: Indexed) -> None:
    """Totals, shards without failures, hits with index, id, score and source as stored."""
    answer = await held.answer({"query": {"term": {"word": "c"}}})
    assert answer["timed_out"] is False
    assert isinstance(answer["took"], int)
    assert answer["_shards"] == {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
    assert set(answer) == {"took", "timed_out", "_shards", "hits"}
    hits = answer["hits"]
    assert hits["total"] == {"value": 1, "relation": "eq"}
    assert hits["max_score"] == hits["hits"][0]["_score"] > 0
    assert set(hits["hits"][0]) == {"_index", "_id", "_score", "_source"}
    assert hits["hits"][0]["_source"] == {"id": "1", "word": "c", "n": [1, 9], "at": "2020-01-01", "text": "red"}


async def test_totals_are_tracked_as_asked(held: Indexed) -> None:
    """Exactly, up to a number, or not at all."""
    for tracked, total in (
        (True, {"value": 4, "relation": "eq"}),
        (4, {"value": 4, "relation": "eq"}),
        (3, {"value": 3, "relation": "gte"}),
        (False, None),
    ):
        assert (await held.answer({"track_total_hits": tracked, "size": 0}))["hits"].get("total") == total


async def test_scores_come_back_unless_a_sort_makes_them_needless(held: Indexed) -> None:
    """With a sort they are null, but for `track_scores` and a sort by `_score`."""
    for extra, scored in (({}, False), ({"track_scores": True}, True), ({"sort": ["_score", "n"]}, True)):
        hits = (await held.answer({"sort": "n", **extra}))["hits"]
        assert (hits["max_score"] is not None, hits["hits"][0]["_score"] is not None) == (scored, scored)
    assert (await held.answer({"size": 0}))["hits"]["max_score"] is None
    assert (await held.answer({"query": {"match_none": {}}}))["hits"]["max_score"] is None


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ({"word": "asc"}, [("0", "b"), ("1", "c"), ("3", "\uffff"), ("2", "\U00010000")]),
        ({"word": "desc"}, [("2", "\U00010000"), ("3", "\uffff"), ("0", "d"), ("1", "c")]),
        ({"n": "asc"}, [("1", 1), ("2", 2), ("0", 3), ("3", LAST)]),
        ({"n": "desc"}, [("1", 9), ("0", 3), ("2", 2), ("3", -LAST - 1)]),
        ({"n": {"missing": "_first"}}, [("3", -LAST - 1), ("1", 1), ("2", 2), ("0", 3)]),
        ({"n": {"missing": "2"}}, [("1", 1), ("2", 2), ("3", 2), ("0", 3)]),
        ({"at": "asc"}, [("1", 1577836800000), ("0", 1577923200000), ("2", LAST), ("3", LAST)]),
        ({"no": {"unmapped_type": "string"}}, [("0", None), ("1", None), ("2", None), ("3", None)]),
        ({"no": {"unmapped_type": "date"}}, [("0", LAST), ("1", LAST), ("2", LAST), ("3", LAST)]),
        ("_doc", [("0", 1), ("1", 2), ("2", 3), ("3", 4)]),
    ],
)
async def test_hits_are_sorted_as_opensearch_does(held: Indexed, sort: object, expected: list[object]) -> None:
    """Least value ascending, greatest descending, text by UTF-8, missing last, equal ones in the order of writing."""
    hits = (await held.answer({"sort": sort}))["hits"]["hits"]
    assert [(hit["_id"], hit["sort"][0]) for hit in hits] == expected


@pytest.mark.parametrize(
    "sort",
    [
        ["n", "word"],
        [{"at": "desc"}, {"n": "desc"}],
        [{"at": {"missing": "_first"}}, "id"],
        ["x", "_doc"],
        ["flag", "id"],
    ],
)
async def test_walking_by_search_after_meets_every_hit_once(held: Indexed, sort: list[object]) -> None:
    """Each page goes on after the sort values of the last hit, those of missing values included."""
    walked: list[str] = []
    body: dict[str, object] = {"size": 1, "sort": sort}
    while hits := (await held.answer(body))["hits"]["hits"]:
        walked.append(hits[0]["_id"])
        body["search_after"] = hits[0]["sort"]
        assert len(walked) <= 4
    whole = (await held.answer({"sort": sort}))["hits"]["hits"]
    assert walked == [hit["_id"] for hit in whole]


async def test_search_after_takes_dates_as_text_too(held: Indexed) -> None:
    """Milliseconds as a number or a string, or a date; the total stays that of the query."""
    for value in (1577836800000, "1577836800000", "2020-01-01"):
        hits = (await held.answer({"sort": "at", "search_after": [value]}))["hits"]
        assert (hits["hits"][0]["_id"], hits["total"]["value"]) == ("0", 4)


async def test_sorts_that_cannot_be_are_refused(held: Indexed) -> None:
    """On text, on what is not mapped, on points, after a value of another type."""
    assert await held.reason({"sort": "no"}) == "No mapping found for [no] in order to sort on"
    assert "Text fields are not optimised" in await held.reason({"sort": "text"})
    assert "[where]" in await held.reason({"sort": "where"})
    assert "[at]" in await held.reason({"sort": "at", "search_after": ["soon"]})


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("word", {"word": "\uffff"}),
        (["extra.a.b"], {"extra": {"a": [{"b": 1}]}}),
        ("extra", {"extra": {"a": [{"b": 1, "c": 2}], "d": {}}}),
        ({"includes": ["e*"], "excludes": ["*.b", "extra.d"]}, {"extra": {"a": [{"c": 2}]}}),
        ({"excludes": ["extra", "word"]}, {"id": "3", "at": ""}),
        ("none", {}),
    ],
)
async def test_source_is_filtered(held: Indexed, source: object, expected: object) -> None:
    """By the names of fields and objects, with `*` for any characters."""
    answer = await held.answer({"query": {"ids": {"values": ["3"]}}, "_source": source})
    assert answer["hits"]["hits"][0]["_source"] == expected


async def test_source_can_be_left_out(held: Indexed) -> None:
    """Then a hit has none."""
    assert "_source" not in (await held.answer({"_source": False}))["hits"]["hits"][0]


async def test_pages_are_cut_from_the_whole(held: Indexed) -> None:
    """`from` and `size` count from the first hit; the total and the best score do not change."""
    whole = (await held.answer({"query": {"match": {"text": "red"}}}))["hits"]
    page = (await held.answer({"query": {"match": {"text": "red"}}, "from": 1, "size": 1}))["hits"]
    assert page["hits"] == whole["hits"][1:]
    assert (page["total"], page["max_score"]) == (whole["total"], whole["max_score"])


async def test_nothing_depends_on_what_is_outside_the_scope(held: Indexed) -> None:
    """Hits, scores, totals and buckets are those of an index that holds only what the scope finds."""
    alone = Indexed()
    await alone.hold([{"id": "0", "word": ["b", "d"], "n": 3, "at": "2020-01-02", "text": "red blue"}])
    body = {
        "query": {"match": {"text": "red green"}},
        "aggs": {"words": {"terms": {"field": "word", "min_doc_count": 0}}, "n": {"stats": {"field": "n"}}},
    }
    narrowed, expected = await held.answer(body, scope={"terms": {"word": ["b"]}}), await alone.answer(body)
    for answer in (narrowed, expected):
        for hit in answer["hits"]["hits"]:
            del hit["_index"]
    assert narrowed == expected
    assert narrowed != await held.answer(body)
