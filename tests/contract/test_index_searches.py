"""What searches answer, written by hand; every index has to pass."""

import json
from typing import Any

import pytest

from activity_stream.errors import SearchRefused
from activity_stream.model import Activity, Alias, SearchAnswer
from activity_stream.ports import Index
from tests.contract.conftest import SHARED

ROWS: list[dict[str, Any]] = [
    {"id": "1", "type": "Create", "published": "2020-01-01T00:00:00Z",
     "object": {"id": "o1", "type": ["Document", "dit:Event"], "name": "The wine export", "content": "Brie too",
                "dit:public": True}},
    {"id": "2", "type": "Create", "published": "2020-01-31T12:00:00Z",
     "object": {"id": "o2", "type": "Document", "name": "Export of wine and cheese"}},
    {"id": "3", "type": "Update", "published": "2020-03-01T00:00:00Z", "object": {"id": "o3", "type": "Person"}},
    {"id": "4", "type": "update*", "object": {"id": "o4", "name": "cheese", "dit:public": False}},
]  # fmt: skip


FLAG = "object.dit:public"
ENOUGH = {
    "terms_set": {
        "object.type": {"terms": ["Document", "dit:Event", "x"], "minimum_should_match_field": "object.dit:public"}
    }
}
"""Documents that have as many of these types as they say, to which 1 is said by a truth; others say nothing."""

LINES = (
    ("wine", "12"),
    ("wine cheese", "124"),
    ("wine AND cheese", "2"),
    ("+cheese -wine", "4"),
    ("NOT type:Create", "34"),
    ("object.name:(cheese OR export) AND type:Create", "12"),
    ('"wine export"', "1"),
    ('object.name:"export wine"~2', "12"),
    ("chese~1", "24"),
    ("object.name:che*", "24"),
    ("object.name:w?ne", "12"),
    ("object.name:/che{2}se/", "24"),
    ("published:[2020-01-02 TO 2020-02-01}", "2"),
    ("published:>=2020-01-31", "23"),
    ("_exists_:published", "123"),
    ("published:*", "123"),
    ("*:*", "1234"),
    ("id:(1 OR 3)^2", "13"),
    ("type:update\\*", "4"),
    ("nothing.mapped:wine", ""),
    ("", ""),
)
"""What a line of the query language finds."""


SIMPLE_LINES = (
    ("wine cheese", "124"),
    ("wine + cheese", "2"),
    ("cheese + -wine", "4"),
    ("-wine", "34"),
    ('"wine export"', "1"),
    ('"export wine"~2', "12"),
    ("chese~1", "24"),
    ("che*", "24"),
    ("(wine | nothing) + (cheese | port)", "2"),
    ("wine)", "12"),
    ('"wine', "12"),
    ("wine AND", "12"),
    ("()", ""),
    ("", ""),
)
"""What a line of the simple query language finds. `AND` is a word, which one of the names has."""


def across(text: str, **more: Any) -> dict[str, Any]:
    """A query of several fields as one."""
    said = {"query": text, "fields": ["object.name", "object.content"], "type": "cross_fields", **more}
    return {"multi_match": said}


def typed(line: str, kind: str, **more: Any) -> dict[str, Any]:
    """A line of the query language, whose words are looked for in fields in such a way."""
    return {"query_string": {"query": line, "fields": ["object.name", "object.content"], "type": kind, **more}}


@pytest.fixture
async def searched(index: Index) -> Index:
    """An index that has published the rows, and has others that are not published."""
    generation = await index.begin("feed")
    await index.write([generation], [_activity(row) for row in ROWS], visible=True)
    await index.publish(generation)
    hidden = await index.begin("feed")
    await index.write([hidden], [_activity({**ROWS[0], "id": "hidden"})], visible=True)
    return index


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"match_all": {}}, "1234"),
        ({"match_none": {}}, ""),
        ({"term": {"type": "Create"}}, "12"),
        ({"term": {"type": "create"}}, ""),
        ({"term": {"type": {"value": "create", "case_insensitive": True}}}, "12"),
        ({"terms": {"object.type": ["Person", "dit:Event"]}}, "13"),
        ({"term": {"object.dit:public": "true"}}, "1"),
        (ENOUGH, "1"),
        ({"terms_set": {"object.type": {"terms": ["Person"], "minimum_should_match_field": "object.dit:public"}}}, ""),
        ({"term": {"published": "2020-01-31"}}, "2"),
        ({"match": {"object.name": "WINE cheese"}}, "124"),
        ({"match": {"object.name": {"query": "wine cheese", "operator": "and"}}}, "2"),
        ({"match_phrase": {"object.name": "wine export"}}, "1"),
        ({"match_phrase": {"object.name": "wine"}}, "12"),
        ({"match_phrase": {"object.name": {"query": "export wine", "slop": 2}}}, "12"),
        ({"match_phrase": {"object.name": {"query": "export wine", "slop": 1}}}, "2"),
        ({"match_phrase": {"object.name": {"query": "cheese wine export", "slop": 6}}}, "2"),
        ({"match_phrase": {"object.name": {"query": "cheese wine export", "slop": 5}}}, ""),
        ({"match_phrase": {"object.name": {"query": "wine wine", "slop": 9}}}, ""),
        ({"match": {"object.name": {"query": "chese vine", "fuzziness": "AUTO"}}}, "124"),
        ({"match": {"object.name": {"query": "chese vine", "fuzziness": "AUTO", "operator": "and"}}}, "2"),
        ({"match": {"object.name": {"query": "chese vine", "fuzziness": "AUTO", "prefix_length": 1}}}, "24"),
        ({"match": {"object.name": {"query": "wnie", "fuzziness": 1, "fuzzy_transpositions": False}}}, ""),
        ({"match": {"object.type": {"query": "persons", "fuzziness": 2}}}, "3"),
        ({"multi_match": {"query": "chease", "fields": ["object.name", "object.content"], "fuzziness": 1}}, "24"),
        ({"match_bool_prefix": {"object.name": {"query": "wyne chee", "fuzziness": 1}}}, "124"),
        ({"fuzzy": {"type": "Update"}}, "34"),
        ({"fuzzy": {"type": {"value": "Updat", "fuzziness": 1}}}, "3"),
        ({"fuzzy": {"object.name": {"value": "wihe", "fuzziness": 0}}}, ""),
        ({"match_phrase_prefix": {"object.name": "wine exp"}}, "1"),
        ({"match_phrase_prefix": {"object.name": {"query": "EXPORT of w", "max_expansions": 1}}}, "2"),
        ({"match_phrase_prefix": {"object.name": {"query": "export wi", "slop": 2}}}, "12"),
        ({"match_phrase_prefix": {"object.name": {"query": "export wi", "slop": 1}}}, "2"),
        ({"match_phrase_prefix": {"object.name": {"query": "export export ex", "slop": 9}}}, ""),
        ({"match_phrase_prefix": {"object.name": {"query": "export no", "slop": 9}}}, ""),
        ({"match_phrase_prefix": {"object.name": "che"}}, "24"),
        ({"match_phrase_prefix": {"object.name": "exp wine"}}, ""),
        ({"match_bool_prefix": {"object.name": "export chees"}}, "124"),
        ({"match_bool_prefix": {"object.name": {"query": "CHEESE exp", "operator": "and"}}}, "2"),
        ({"match_bool_prefix": {"type": "Cre"}}, "12"),
        ({"match_bool_prefix": {"object.name": "wine chee "}}, "12"),
        ({"match_bool_prefix": {"object.name": "chee."}}, ""),
        ({"match_bool_prefix": {"object.name": {"query": "chese ", "fuzziness": 1}}}, "24"),
        ({"match_bool_prefix": {"object.name": " - "}}, ""),
        ({"match_phrase_prefix": {"object.name": {"query": " - ", "zero_terms_query": "all"}}}, "1234"),
        (
            {
                "boosting": {
                    "positive": {"term": {"type": "Create"}},
                    "negative": {"match_all": {}},
                    "negative_boost": 0,
                }
            },
            "12",
        ),
        (
            {"multi_match": {"query": "wine ex", "fields": ["object.name", "object.content"], "type": "phrase_prefix"}},
            "1",
        ),
        (across("export wi", type="phrase_prefix", slop=2), "12"),
        ({"multi_match": {"query": "cheese ex", "fields": ["object.name^2", "type"], "type": "bool_prefix"}}, "124"),
        ({"multi_match": {"query": "cheese", "fields": ["object.name", "object.content"]}}, "24"),
        (across("wine brie", operator="and"), "1"),
        (across("wine brie", operator="and", fields=["object.name"]), ""),
        (across("wine brie cheese", minimum_should_match=2), "12"),
        (across("wine brie", operator="and", minimum_should_match=1), ""),
        (across("Create", operator="and", fields=["object.name", "type", "object.content"]), "12"),
        (across("wine cheese", operator="and", fields=["object.name", "published"], lenient=True), "2"),
        (across(" - "), ""),
        (across(" - ", zero_terms_query="all"), "1234"),
        (across("wine", fields=["not.mapped"]), ""),
        ({"range": {"published": {"gt": "2020-01-01", "lte": "2020-01-31"}}}, "2"),
        ({"range": {"published": {"gte": "2020-01||+1M/M"}}}, "3"),
        ({"range": {"type": {"gt": "Create"}}}, "34"),
        ({"range": {"published": {"gt": "2021", "lt": "2020"}}}, ""),
        ({"range": {"object.name": {"gte": "d", "lte": "of"}}}, "12"),
        ({"range": {"object.name": {"gt": "cheese", "lt": "export"}}}, ""),
        ({"range": {"object.name": {"gte": "cheese", "lt": "cheesf"}}}, "24"),
        ({"range": {"object.name": {"lt": "chees"}}}, "2"),
        ({"range": {"object.name": {"gt": "the"}}}, "12"),
        ({"range": {"object.name": {"gt": "WINE", "lt": "a"}}}, ""),
        ({"range": {"object.name": {"gt": "export wine and more", "lt": "exporting of much more"}}}, ""),
        ({"range": {"object.name": {"gte": "expor and some more", "lte": "exportation of it all"}}}, "12"),
        ({"range": {"object.name": {"gte": "x" * 1000}}}, ""),
        ({"range": {"object.name": {}}}, "124"),
        ({"query_string": {"query": "object.name:[Of TO Oz]"}}, "2"),
        ({"query_string": {"query": "object.name:>WIN"}}, "12"),
        ({"exists": {"field": "published"}}, "123"),
        ({"exists": {"field": "object"}}, "1234"),
        ({"prefix": {"type": "update*"}}, "4"),
        ({"regexp": {"type": "[Uu]pdate.?"}}, "34"),
        ({"regexp": {"type": {"value": "CRE@", "case_insensitive": True}}}, "12"),
        ({"regexp": {"type": "pdate"}}, ""),
        ({"regexp": {"type": 'update"*"'}}, "4"),
        ({"regexp": {"object.name": "(w.ne|che{2}se)"}}, "124"),
        ({"wildcard": {"type": "?pdate*"}}, "34"),
        ({"wildcard": {"type": "*\\*"}}, "4"),
        ({"ids": {"values": ["2", "9", "hidden"]}}, "2"),
        ({"bool": {}}, "1234"),
        ({"bool": {"must_not": [{"term": {"type": "Create"}}]}}, "34"),
        ({"bool": {"should": [{"term": {"id": "1"}}, {"term": {"id": "2"}}], "minimum_should_match": 3}}, ""),
        ({"constant_score": {"filter": {"term": {"id": "3"}}}}, "3"),
        ({"dis_max": {"queries": [{"term": {"id": "3"}}, {"term": {"id": "1"}}], "tie_breaker": 0}}, "13"),
        ({"term": {"not.mapped": "x"}}, ""),
        ({"term": {"type": 'x" OR *:* ]}'}}, ""),
        *(({"query_string": {"query": line}}, ids) for line, ids in LINES),
        *(({"simple_query_string": {"query": line}}, ids) for line, ids in SIMPLE_LINES),
        ({"simple_query_string": {"query": "wine cheese", "default_operator": "and"}}, "2"),
        ({"simple_query_string": {"query": "wine +cheese", "flags": "NONE", "fields": ["object.name"]}}, "124"),
        ({"simple_query_string": {"query": "chee* export", "fields": ["object.name"], "minimum_should_match": 2}}, "2"),
        ({"query_string": {"query": "wine cheese", "default_operator": "AND", "fields": ["object.name"]}}, "2"),
        ({"query_string": {"query": "Create", "fields": ["object.name", "type^2"]}}, "12"),
        ({"query_string": {"query": "wine cheese export", "fields": ["object.name"], "minimum_should_match": 2}}, "12"),
        (typed("wine brie", "cross_fields", default_operator="and"), "1"),
        (typed("wine brie", "best_fields", default_operator="and"), ""),
        (typed("wine brie cheese", "cross_fields", minimum_should_match=2), "12"),
        (typed("(wine brie cheese)^2", "cross_fields", minimum_should_match=2), "12"),
        (typed("wine brie cheese", "best_fields", minimum_should_match=2), "124"),
        (typed("wine export", "phrase"), "1"),
        (typed("wine exp", "phrase_prefix"), "1"),
        (typed("wine export", "most_fields"), "12"),
    ],
)
async def test_a_query_finds_its_documents_and_no_others(searched: Index, query: dict[str, Any], ids: str) -> None:
    """Each kind of query finds what its meaning says."""
    answer = await _ask(searched, {"query": query, "sort": ["id"]})
    assert "".join(hit["_id"] for hit in answer["hits"]["hits"]) == ids


async def test_a_word_is_as_rare_in_all_fields_as_in_the_one_that_has_it_most(index: Index) -> None:
    """Across fields, so that a word is not worth more for standing where nobody else has it."""
    texts = [{"name": "port wine"}, {"name": "port"}, {"name": "old port"}, {"content": "port"}, {"content": "a list"}]
    rows = [{"id": str(number), "object": {"id": f"o{number}", **text}} for number, text in enumerate(texts)]
    generation = await index.begin("feed")
    await index.write([generation], [_activity(row) for row in rows], visible=True)
    await index.publish(generation)
    scores = {}
    for kind in ("best_fields", "cross_fields"):
        query = {"multi_match": {"query": "port", "fields": ["object.name", "object.content"], "type": kind}}
        hits = (await _ask(index, {"query": query}))["hits"]["hits"]
        scores[kind] = {hit["_id"]: hit["_score"] for hit in hits}
    best, across_fields = scores["best_fields"], scores["cross_fields"]
    assert {each: across_fields[each] for each in "012"} == {each: pytest.approx(best[each]) for each in "012"}
    assert across_fields["3"] < best["3"] / 2


@pytest.mark.parametrize(
    ("sort", "ids", "values"),
    [
        ([{"published": "desc"}], "3214", [1583020800000, 1580472000000, 1577836800000, -(2**63)]),
        ([{"published": {"order": "asc", "missing": "_first"}}], "4123", None),
        ([{"object.type": "asc"}, {"id": "desc"}], "2134", ["Document", "Document", "Person", None]),
        (
            [{"published": {"order": "desc", "numeric_type": "long"}}],
            "3214",
            [1583020800000, 1580472000000, 1577836800000, -(2**63)],
        ),
        ([{"published": {"numeric_type": "date", "mode": "max"}}], "1234", None),
        ([{"object.type": "desc"}], "1324", ["dit:Event", "Person", "Document", None]),
        ([{"no": {"order": "asc", "unmapped_type": "keyword"}}, {"id": "desc"}], "4321", None),
    ],
)
async def test_a_sort_orders_hits_and_shows_what_by(
    searched: Index, sort: list[Any], ids: str, values: list[Any] | None
) -> None:
    """Ascending the least value counts, descending the greatest; what has none comes where `missing` says."""
    hits = (await _ask(searched, {"sort": sort}))["hits"]["hits"]
    assert "".join(hit["_id"] for hit in hits) == ids
    assert values is None or [hit["sort"][0] for hit in hits] == values


async def test_a_hit_has_the_shape_that_clients_read(searched: Index) -> None:
    """Index, id, score and the source byte for byte; the total counted."""
    body = json.dumps({"query": {"term": {"id": "1"}}}).encode()
    answer = (await searched.search(Alias.ACTIVITIES, body)).body
    assert json.dumps(ROWS[0]).encode() in answer
    decoded = json.loads(answer)
    assert decoded["_shards"] == {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
    assert decoded["timed_out"] is False
    assert decoded["hits"]["total"] == {"value": 1, "relation": "eq"}
    (hit,) = decoded["hits"]["hits"]
    assert hit["_index"].startswith("activities__feed_id_feed__date_")
    assert hit["_score"] == decoded["hits"]["max_score"] > 0


async def test_totals_are_counted_as_far_as_asked(searched: Index) -> None:
    """Up to a number, not at all, or wholly."""
    assert (await _ask(searched, {"track_total_hits": 2}))["hits"]["total"] == {"value": 2, "relation": "gte"}
    assert "total" not in (await _ask(searched, {"track_total_hits": False}))["hits"]


async def test_aggregations_count_exactly_and_show_empty_buckets(searched: Index) -> None:
    """Terms by count then key, with what is left out counted; months without documents between others."""
    aggs = {
        "types": {"terms": {"field": "object.type", "size": 1}, "aggs": {"last": {"max": {"field": "published"}}}},
        "months": {"date_histogram": {"field": "published", "calendar_interval": "month", "format": "yyyy-MM"}},
        "none": {"filter": {"match_none": {}}, "aggs": {"stats": {"stats": {"field": "published"}}}},
    }
    found = (await _ask(searched, {"size": 0, "aggs": aggs}))["aggregations"]
    assert found["types"]["sum_other_doc_count"] == 2
    (first,) = found["types"]["buckets"]
    assert (first["key"], first["doc_count"]) == ("Document", 2)
    assert first["last"] == {"value": 1580472000000.0, "value_as_string": "2020-01-31T12:00:00.000Z"}
    assert [(each["key_as_string"], each["doc_count"]) for each in found["months"]["buckets"]] == [
        ("2020-01", 2), ("2020-02", 0), ("2020-03", 1)
    ]  # fmt: skip
    assert found["none"]["doc_count"] == 0
    assert found["none"]["stats"] == {"count": 0, "min": None, "max": None, "avg": None, "sum": 0.0}


async def test_what_has_no_value_and_all_there_is_are_buckets(searched: Index) -> None:
    """`missing` counts what the query finds without a value, `global` everything, whatever the query finds."""
    aggs = {
        "none": {"missing": {"field": "published"}, "aggs": {"types": {"terms": {"field": "type"}}}},
        "all": {"global": {}, "aggs": {"of": {"value_count": {"field": "id"}}}},
    }
    found = (await _ask(searched, {"size": 0, "query": {"terms": {"id": ["3", "4"]}}, "aggs": aggs}))["aggregations"]
    assert found["none"]["doc_count"] == 1
    assert found["none"]["types"]["buckets"] == [{"key": "update*", "doc_count": 1}]
    assert found["all"] == {"doc_count": 4, "of": {"value": 4}}


async def test_histograms_go_by_the_clocks_of_a_zone(searched: Index) -> None:
    """A day in London begins at its midnight, and is shown as it is said there, in summer an hour before UTC's."""
    generation = await searched.begin("other")
    moments = ["2020-06-30T22:30:00Z", "2020-06-30T23:30:00Z", "2020-12-31T23:30:00Z"]
    rows = [{"id": f"t{n}", "published": each, "object": {"id": f"t{n}"}} for n, each in enumerate(moments)]
    await searched.write([generation], [_activity(row) for row in rows], visible=True)
    await searched.publish(generation)
    histogram = {"field": "published", "time_zone": "Europe/London", "min_doc_count": 1}
    ranges = [{"from": "2020-07-01", "to": "2020-07-02"}]
    aggs = {
        "days": {"date_histogram": {**histogram, "calendar_interval": "day"}},
        "ranges": {"date_range": {"field": "published", "time_zone": "Europe/London", "ranges": ranges}},
    }
    body = {"size": 0, "query": {"prefix": {"id": "t"}}, "aggs": aggs}
    found = (await _ask(searched, body))["aggregations"]
    assert [(each["key_as_string"], each["doc_count"]) for each in found["days"]["buckets"]] == [
        ("2020-06-30T00:00:00.000+01:00", 1), ("2020-07-01T00:00:00.000+01:00", 1), ("2020-12-31T00:00:00.000Z", 1)
    ]  # fmt: skip
    (bucket,) = found["ranges"]["buckets"]
    assert (bucket["from_as_string"], bucket["doc_count"]) == ("2020-07-01T00:00:00.000+01:00", 1)


async def test_numbers_have_histograms_and_deviations(searched: Index) -> None:
    """Of a boolean, as numbers; a single value deviates from nothing, and from a sample of itself it cannot be said."""
    field = {"field": "object.dit:public"}
    aggs = {"h": {"histogram": {**field, "interval": 1}}, "s": {"extended_stats": field}}
    found = (await _ask(searched, {"size": 0, "aggs": aggs}))["aggregations"]
    assert [(each["key"], each["doc_count"]) for each in found["h"]["buckets"]] == [(0, 1), (1, 1)]
    assert (found["s"]["variance"], found["s"]["std_deviation_bounds"]["upper"]) == (0.25, 1.5)
    one = (await _ask(searched, {"size": 0, "query": {"term": {"id": "1"}}, "aggs": aggs}))["aggregations"]["s"]
    assert (one["variance"], one["variance_sampling"]) == (0, "NaN")


async def test_a_bucket_shows_its_hits(searched: Index) -> None:
    """By a sort, or best first, each page with how many there are; what is not shown of them is left out."""
    page = {"size": 1, "from": 1, "sort": [{"published": "desc"}], "_source": ["id"]}
    aggs = {"types": {"terms": {"field": "type"}, "aggs": {"last": {"top_hits": page}, "best": {"top_hits": {}}}}}
    body = {"size": 0, "query": {"match": {"object.name": "cheese wine"}}, "aggs": aggs}
    found = (await _ask(searched, body))["aggregations"]["types"]["buckets"]
    (create,) = [bucket for bucket in found if bucket["key"] == "Create"]
    assert create["last"]["hits"]["total"] == {"value": 2, "relation": "eq"}
    assert create["last"]["hits"]["max_score"] is None
    (hit,) = create["last"]["hits"]["hits"]
    assert (hit["_id"], hit["_source"], hit["_score"], hit["sort"]) == ("1", {"id": "1"}, None, [1577836800000])
    best = create["best"]["hits"]
    assert [hit["_id"] for hit in best["hits"]] == ["2", "1"]
    assert best["max_score"] == best["hits"][0]["_score"] > best["hits"][1]["_score"] > 0


async def test_hits_are_collapsed_to_the_first_of_each_group(searched: Index) -> None:
    """The first by the sort stands for its group, with pages of it; the total counts all; what has none is a group."""
    inner = {"name": "group", "size": 2, "sort": ["id"], "_source": False}
    body = {"collapse": {"field": "type", "inner_hits": inner}, "sort": [{"published": "desc"}], "_source": False}
    found = (await _ask(searched, body))["hits"]
    assert [(hit["_id"], hit["fields"]) for hit in found["hits"]] == [
        ("3", {"type": ["Update"]}), ("2", {"type": ["Create"]}), ("4", {"type": ["update*"]})
    ]  # fmt: skip
    assert found["total"]["value"] == 4
    groups = [hit["inner_hits"]["group"]["hits"] for hit in found["hits"]]
    assert [[hit["_id"] for hit in group["hits"]] for group in groups] == [["3"], ["1", "2"], ["4"]]
    assert [group["total"]["value"] for group in groups] == [1, 2, 1]
    second = (await _ask(searched, {**body, "from": 1, "size": 1}))["hits"]["hits"]
    assert [hit["_id"] for hit in second] == ["2"]
    none = (await _ask(searched, {"collapse": {"field": "object.dit:status"}, "sort": ["id"]}))["hits"]["hits"]
    assert [(hit["_id"], hit.get("fields")) for hit in none] == [("1", None)]


async def test_queries_are_counted_together(searched: Index) -> None:
    """Each by itself, and each two of them, in the order of their names; what finds nothing has no bucket."""
    filters: dict[str, Any] = {
        "b": {"term": {"type": "Create"}}, "a": {"terms": {"id": ["1", "2", "3"]}}, "none": {"match_none": {}},
        "c": {"ids": {"values": ["3"]}},
    }  # fmt: skip
    agg: dict[str, Any] = {"adjacency_matrix": {"filters": filters}, "aggs": {"n": {"value_count": {"field": "id"}}}}
    found = (await _ask(searched, {"size": 0, "aggs": {"a": agg}}))["aggregations"]["a"]["buckets"]
    counts = {each["key"]: (each["doc_count"], each["n"]["value"]) for each in found}
    assert list(counts) == ["a", "a&b", "a&c", "b", "c"]
    assert counts["a"] == (3, 3)
    assert counts["c"] == counts["a&c"] == (1, 1)
    agg["adjacency_matrix"]["separator"] = " and "
    found = (await _ask(searched, {"size": 0, "aggs": {"a": agg}}))["aggregations"]["a"]["buckets"]
    assert [each["key"] for each in found] == ["a", "a and b", "a and c", "b", "c"]


async def test_figures_tell_how_buckets_differ(searched: Index) -> None:
    """How far they are spread, which of them are in the middle, and by how much one is more than one before."""
    months: dict[str, Any] = {"date_histogram": {"field": "published", "calendar_interval": "month"}}
    months["aggs"] = {"change": {"serial_diff": {"buckets_path": "_count", "lag": 2}}}
    percents = {"buckets_path": "months>_count", "percents": [50, 100, 12.5]}
    aggs = {
        "months": months,
        "spread": {"extended_stats_bucket": {"buckets_path": "months>_count", "sigma": 3}},
        "middle": {"percentiles_bucket": percents},
        "listed": {"percentiles_bucket": {**percents, "keyed": False}},
    }
    found = (await _ask(searched, {"size": 0, "aggs": aggs}))["aggregations"]
    buckets = found["months"]["buckets"]
    assert [each["doc_count"] for each in buckets] == [2, 0, 1]
    assert [each.get("change") for each in buckets] == [None, None, {"value": -1.0}]
    assert (found["spread"]["sum_of_squares"], found["spread"]["variance"]) == (5, pytest.approx(2 / 3))
    assert found["spread"]["std_deviation_bounds"]["upper"] == pytest.approx(1 + 3 * (2 / 3) ** 0.5)
    assert found["middle"]["values"] == {"12.5": 0, "50.0": 1, "100.0": 2}
    assert [each["value"] for each in found["listed"]["values"]] == [1, 2, 0]


async def test_figures_are_made_of_buckets(searched: Index) -> None:
    """Beside an aggregation one of all its buckets; under it one in each, of it and those before; or fewer buckets."""
    months = {"date_histogram": {"field": "published", "calendar_interval": "month"}}
    under = {
        "n": {"value_count": {"field": "id"}},
        "total": {"cumulative_sum": {"buckets_path": "n"}},
        "change": {"derivative": {"buckets_path": "_count"}},
    }
    types = {"terms": {"field": "type"}, "aggs": {"one": {"bucket_sort": {"sort": [{"_key": "desc"}], "size": 2}}}}
    aggs = {
        "months": {**months, "aggs": under},
        "types": types,
        "most": {"max_bucket": {"buckets_path": "months>n"}},
        "mean": {"avg_bucket": {"buckets_path": "months>_count"}},
        "all": {"stats_bucket": {"buckets_path": "months>_count"}},
    }
    found = (await _ask(searched, {"size": 0, "aggs": aggs}))["aggregations"]
    buckets = found["months"]["buckets"]
    assert [each["total"]["value"] for each in buckets] == [2, 2, 3]
    assert [each.get("change", {}).get("value", "none") for each in buckets] == ["none", -2, 1]
    assert [each["key"] for each in found["types"]["buckets"]] == ["update*", "Update"]
    assert found["most"] == {"value": 2, "keys": ["2020-01-01T00:00:00.000Z"]}
    assert found["mean"] == {"value": 1}
    assert found["all"] == {"count": 3, "min": 0, "max": 2, "avg": 1, "sum": 3}


async def test_single_fields_of_hits_are_shown(searched: Index) -> None:
    """`fields` as the document has them, dates in a format; `docvalue_fields` as they are searched for, sorted."""
    shown = {"fields": ["object.na*", {"field": "published", "format": "yyyy"}, "no.such"], "_source": False}
    asked = {
        "query": {"term": {"id": "1"}},
        **shown,
        "docvalue_fields": ["object.type", "object.dit:public", "no.such"],
    }
    (hit,) = (await _ask(searched, asked))["hits"]["hits"]
    assert "_source" not in hit
    assert hit["fields"] == {
        "object.name": ["The wine export"],
        "object.name.raw": ["The wine export"],
        "published": ["2020"],
        "object.type": ["Document", "dit:Event"],
        "object.dit:public": [True],
    }
    collapsed = {"query": {"term": {"id": "1"}}, "collapse": {"field": "type"}, "docvalue_fields": ["id"]}
    (hit,) = (await _ask(searched, collapsed))["hits"]["hits"]
    assert hit["fields"] == {"id": ["1"], "type": ["Create"]}


async def test_a_post_filter_narrows_hits_and_no_aggregation(searched: Index) -> None:
    """As a page with facets has it: what is counted is what the query finds, what is shown is a part of it."""
    body = {"query": {"exists": {"field": "published"}}, "aggs": {"types": {"terms": {"field": "type"}}}}
    found = await _ask(searched, {**body, "post_filter": {"term": {"type": "Update"}}})
    assert [hit["_id"] for hit in found["hits"]["hits"]] == ["3"]
    assert found["hits"]["total"]["value"] == 1
    counts = {bucket["key"]: bucket["doc_count"] for bucket in found["aggregations"]["types"]["buckets"]}
    assert counts == {"Create": 2, "Update": 1}


async def test_what_is_found_by_a_negative_query_too_scores_less(searched: Index) -> None:
    """Its score is multiplied; nothing is left out."""
    positive, negative = {"terms": {"type": ["Create"]}}, {"term": {"object.type": "dit:Event"}}
    query = {"boosting": {"positive": positive, "negative": negative, "negative_boost": 0.5}}
    hits = (await _ask(searched, {"query": query}))["hits"]["hits"]
    assert [(hit["_id"], hit["_score"]) for hit in hits] == [("2", 1), ("1", 0.5)]


async def test_the_word_itself_comes_before_those_that_it_may_be_meant_for(searched: Index) -> None:
    """The more mistakes, the less the score; all count as being as rare as the most frequent of them."""
    generation = await searched.begin("other")
    words = ["trade", "trades", "tirade", "tread", "grade", "trade"]
    rows = [{"id": f"w{n}", "object": {"id": f"w{n}", "name": word}} for n, word in enumerate(words)]
    await searched.write([generation], [_activity(row) for row in rows], visible=True)
    await searched.publish(generation)
    body = {"query": {"match": {"object.name": {"query": "trade", "fuzziness": "AUTO", "max_expansions": 4}}}}
    hits = (await _ask(searched, body))["hits"]["hits"]
    assert [hit["_id"] for hit in hits[:2]] == ["w0", "w5"]
    assert {hit["_id"] for hit in hits} == {"w0", "w5", "w1", "w2", "w4"}
    assert [hit["_score"] / hits[0]["_score"] for hit in hits] == pytest.approx([1, 1, 0.8, 0.8, 0.8])


async def test_scores_are_multiplied_for_indices_by_name(searched: Index) -> None:
    """Of several patterns that an index has, the first counts; one of another index changes nothing."""
    body = {"query": {"terms": {"type": ["Create"]}}}
    for boosts, expected in (
        ([{"*feed_id_feed__*": 3}, {"*": 2}], 3),
        ([{"*feed_id_other__*": 3}, {"activities": 2}], 2),
        ([{"*feed_id_other__*": 3}], 1),
    ):
        hits = (await _ask(searched, {**body, "indices_boost": boosts}))["hits"]
        assert [hit["_score"] for hit in hits["hits"]] == [expected] * 2
        assert hits["max_score"] == expected


@pytest.mark.parametrize("kind", ["match", "match_phrase"])
async def test_each_scope_has_its_own_scores(searched: Index, kind: str) -> None:
    """Whatever was asked before within another one: one of two documents is rarer than one of one."""
    scores = []
    for name in ("Create", "update*", "Create"):
        scope = {"term": {"type": name}}
        body = {"query": {"bool": {"must": [{kind: {"object.name": "cheese"}}], "filter": [scope]}}}
        (hit,) = (await _ask(searched, body, scope))["hits"]["hits"]
        scores.append(hit["_score"])
    assert scores[0] == scores[2] > scores[1]


async def test_nothing_of_what_a_scope_leaves_out_shows_in_scores(searched: Index) -> None:
    """A word's score is the same as if another feed's documents outside of the scope were not there."""
    scope = {"term": {"type": "Create"}}
    body = {"query": {"bool": {"must": [{"match": {"object.name": "cheese"}}], "filter": [scope]}}}
    before = await _ask(searched, body, scope)
    generation = await searched.begin("other")
    row = {"id": "z", "type": "Update", "object": {"id": "z", "name": "cheese"}}
    await searched.write([generation], [_activity({**row, "id": f"z{n}"}) for n in range(30)], visible=True)
    await searched.publish(generation)
    after = await _ask(searched, body, scope)
    assert [hit["_score"] for hit in after["hits"]["hits"]] == [hit["_score"] for hit in before["hits"]["hits"]]


@pytest.mark.parametrize(
    "body",
    [
        {"query": {"term": {"published": "tomorrow"}}},
        {"query": {"prefix": {"published": "2020"}}},
        {"query": {"regexp": {"published": "2020.*"}}},
        {"query": {"regexp": {"type": "Creat("}}},
        {"sort": ["object.name"]},
        {"query": {"match_phrase_prefix": {"type": "Cre"}}},
        {"query": {"match_bool_prefix": {"published": "tomorrow"}}},
        {"query": {"fuzzy": {"published": {"value": "2020"}}}},
        {"query": {"match": {"published": {"query": "2020", "fuzziness": 1}}}},
        {"query": {"match": {"object.name": {"query": "wine", "fuzziness": "some"}}}},
        {"query": {"match": {"object.name": {"query": "wine", "fuzziness": "AUTO:3"}}}},
        {"query": {"match_phrase": {"object.name": {"query": "wine", "slop": -1}}}},
        {"query": {"multi_match": {"query": "a", "fields": ["object.name"], "type": "phrase", "fuzziness": 1}}},
        {"query": across("wine", fuzziness=1)},
        {"query": across("wine", fields=["object.name", "published"])},
        {"sort": ["not.mapped"]},
        {"sort": [{"type": {"numeric_type": "long"}}]},
        {"sort": [{"published": {"numeric_type": "text"}}]},
        {"sort": [{"published": {"format": "yyyy"}}]},
        {"aggs": {"a": {"terms": {"field": "object.name"}}}},
        {"aggs": {"a": {"missing": {"field": "object.name"}}}},
        {"aggs": {"a": {"histogram": {"field": "published", "interval": 0}}}},
        {"aggs": {"a": {"histogram": {"field": "type", "interval": 1}}}},
        {"aggs": {"a": {"date_histogram": {"field": "published", "calendar_interval": "day", "time_zone": "Nowhere"}}}},
        {"size": 10_001},
        {"docvalue_fields": ["object.name"]},
        {"fields": [{"field": "type", "format": "yyyy"}]},
        {"fields": "type"},
        {"collapse": {"field": "object.name"}},
        {"collapse": {"field": "published"}},
        {"collapse": {"field": "not.mapped"}},
        {"collapse": {"field": "type", "inner_hits": [{"size": 1}, {"size": 2}]}},
        {"aggs": {"a": {"max_bucket": {"buckets_path": "no>such"}}}},
        {"aggs": {"a": {"terms": {"field": "type"}, "aggs": {"b": {"derivative": {"buckets_path": "_count"}}}}}},
        {"aggs": {"a": {"terms": {"field": "type"}, "aggs": {"b": {"serial_diff": {"buckets_path": "_count"}}}}}},
        {"aggs": {"a": {"adjacency_matrix": {"filters": {str(n): {"match_all": {}} for n in range(101)}}}}},
        {"aggs": {"a": {"top_hits": {"size": 101}}}},
        {"aggs": {"a": {"top_hits": {"sort": ["not.mapped"]}}}},
    ],
)
async def test_what_cannot_be_answered_is_a_400_with_a_reason(searched: Index, body: dict[str, Any]) -> None:
    """A wrong value, a field that cannot be used so, too large a page."""
    with pytest.raises(SearchRefused) as refused:
        await _ask(searched, body)
    assert refused.value.status == 400
    assert json.loads(refused.value.body)["error"]["reason"]


async def test_too_many_buckets_are_refused(searched: Index) -> None:
    """Two months of minutes are not answered; OpenSearch 3 calls that a 503, older ones a 400."""
    body = {"aggs": {"a": {"date_histogram": {"field": "published", "fixed_interval": "1m"}}}}
    try:
        answer = await searched.search(Alias.ACTIVITIES, json.dumps(body).encode())
    except SearchRefused as refused:
        answer = SearchAnswer(refused.status, refused.body)
    assert answer.status in (400, 503)
    assert b"buckets" in answer.body


@pytest.mark.parametrize(
    "query",
    [
        {"range": {FLAG: {"gt": False}}},
        {"range": {FLAG: {"gte": "true"}}},
        {"terms": {FLAG: [True, "true"]}},
        {"match": {FLAG: "true"}},
    ],
)
async def test_one_boolean_scores_by_its_rarity_however_it_is_asked_for(searched: Index, query: Any) -> None:
    """A range or a list that one of the two is in is that one; with both of them in it everything scores 1."""
    expected = await _ask(searched, {"query": {"term": {FLAG: True}}})
    found = await _ask(searched, {"query": query})
    assert [(hit["_id"], hit["_score"]) for hit in found["hits"]["hits"]] == [
        ("1", pytest.approx(expected["hits"]["max_score"], rel=1e-6))
    ]
    assert expected["hits"]["max_score"] != 1
    both = await _ask(searched, {"query": {"terms": {FLAG: [True, False]}}})
    assert [hit["_score"] for hit in both["hits"]["hits"]] == [1, 1]


async def _ask(index: Index, body: Any, scope: Any = None) -> Any:
    narrowed = None if scope is None else json.dumps(scope).encode()
    return json.loads((await index.search(Alias.ACTIVITIES, json.dumps(body).encode(), scope=narrowed)).body)


def _activity(row: dict[str, Any]) -> Activity:
    inner = row["object"]
    return Activity(row["id"], json.dumps(row).encode(), inner["id"], json.dumps(inner).encode())


async def scores(index: Index, query: dict[str, Any]) -> dict[str, float]:
    """The score of each hit by its id."""
    answer = await _ask(index, {"query": query})
    return {hit["_id"]: hit["_score"] for hit in answer["hits"]["hits"]}


async def test_documents_are_found_by_a_score_that_nobody_sees(searched: Index) -> None:
    """A function's least score counts within a filter of a sorted search: a word in the shorter text is worth more."""
    words = {"match": {"object.name": "wine"}}
    shown = await scores(searched, words)
    assert shown["1"] > shown["2"]
    at_least = {"function_score": {"query": words, "min_score": (shown["1"] + shown["2"]) / 2}}
    answer = await _ask(searched, {"query": {"bool": {"filter": [at_least]}}, "sort": ["id"]})
    assert [hit["_id"] for hit in answer["hits"]["hits"]] == ["1"]


async def test_what_is_not_published_changes_no_score(searched: Index, request: pytest.FixtureRequest) -> None:
    """A crawl under way, or what it left behind, is no part of how rare a word is or how long texts are; but in indices
    that feeds share on a cluster, which have one rarity for all that lies in them."""
    if SHARED in request.node.name:
        return
    queries: list[dict[str, Any]] = [
        {"match": {"object.name": "wine cheese"}},
        {"match_phrase": {"object.name": "wine export"}},
        {"match": {"object.name": {"query": "chese", "fuzziness": 1}}},
    ]
    before = [await scores(searched, query) for query in queries]
    more = await searched.begin("feed")
    rows = [{**ROWS[0], "id": f"more{n}", "object": {"id": f"more{n}", "name": "wine " * n}} for n in range(1, 30)]
    await searched.write([more], [_activity(row) for row in rows], visible=True)
    assert [await scores(searched, query) for query in queries] == before
