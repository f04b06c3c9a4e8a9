"""What Elasticsearch's and OpenSearch's clients ask besides searching: each route, and what a grant hides of it."""

import gzip
import json
from typing import Any
from urllib.parse import quote

import pytest

from activity_stream import hawk
from activity_stream.model import Activity
from tests.flow.api.served import SECRET, Served, serving

SEARCH = "/v3/activities/_search"
HIDDEN, SEEN = "act:1", "act:2"


def ids(answer: Any) -> list[str]:
    """The ids of the hits."""
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def kind(answer: Any) -> str:
    """The type of an error."""
    return str(answer["error"]["root_cause"][0]["type"])


@pytest.mark.parametrize(
    ("url", "body", "expected"),
    [
        ("size=2", None, ["act:0", "act:1"]),
        ("q=number3&df=object.name", None, ["act:3"]),
        ("q=object.name:(number3%20number4)%20AND%20secret", None, ["act:3"]),
        ("q=word%20number3&default_operator=AND", {"query": {"match_none": {}}}, ["act:3"]),
        ("size=2&from=1", {"size": 7}, ["act:1", "act:2"]),
        ("sort=published:desc&size=1", None, ["act:19"]),
        ("sort=id", {"sort": {"published": "desc"}, "size": 1}, ["act:19"]),
        ("size=1&sort=published,id:desc", b"", ["act:0"]),
        (
            "source=" + quote('{"query":{"term":{"id":"act:7"}}}') + "&source_content_type=application/json",
            None,
            ["act:7"],
        ),
        ("preference=_local&ignore_unavailable=true&request_cache=false&size=1", None, ["act:0"]),
    ],
)
async def test_parameters_of_the_url_are_parts_of_the_search(url: str, body: Any, expected: list[str]) -> None:
    """As in the body, before which they count; what only tells an engine how to go about it changes nothing."""
    async with serving() as api:
        await api.fill()
        status, answer = await api.ask(f"{SEARCH}?{url}", body)
        assert (status, ids(answer)) == (200, expected)


async def test_parameters_can_suggest_words() -> None:
    """Those of a field, under its name; for a text of their own or for the line that is looked for."""
    async with serving() as api:
        await api.fill()
        for url in ("suggest_text=wrod", "q=wrod", "suggest_text=wrod&suggest_mode=popular&suggest_size=1"):
            _, answer = await api.ask(f"{SEARCH}?suggest_field=object.name&{url}&typed_keys")
            ((word,),) = [answer["suggest"]["term#object.name"]]
            assert [each["text"] for each in word["options"]] == ["word"]
            assert ids(answer) == []


async def test_a_body_can_come_in_the_url() -> None:
    """As `source`, which some clients send with a GET, on every route that takes a body."""
    async with serving() as api:
        await api.fill()
        for path, source, left in (
            ("/v3/activities/_count", '{"query":{"term":{"id":"act:7"}}}', {"count": 1}),
            ("/v3/activities/_mget", '{"ids":["act:7"]}', {"docs": [{"found": True}]}),
            ("/v3/_msearch", '{"index":"objects"}\n{"size":0}\n', {"responses": [{"status": 200}]}),
            ("/v3/_field_caps", '{"fields":["published"]}', {"fields": {"published": {"date": {"type": "date"}}}}),
        ):
            wanted = "filter_path=count,docs.found,**.status,fields.**.type"
            url = f"{path}?source={quote(source)}&source_content_type=application/json&{wanted}"
            assert await api.ask(url) == (200, left)


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("_source=false", None),
        ("_source=id", {"id": "act:0"}),
        (
            "_source_includes=object.*&_source_excludes=object.content,object.name",
            {"object": {"id": "thing:0", "type": "public"}},
        ),
        ("_source=true", ...),
    ],
)
async def test_parameters_say_what_of_a_document_comes_back(url: str, source: Any) -> None:
    """`_source` is false, true or names; includes and excludes may have stars."""
    async with serving() as api:
        await api.fill()
        _, answer = await api.ask(f"{SEARCH}?size=1&{url}")
        _, document = await api.ask(f"/v3/activities/_doc/act:0?{url}")
        for found in (answer["hits"]["hits"][0], document):
            assert source is ... or found.get("_source") == source
            assert ("_source" in found) is (source is not None)


@pytest.mark.parametrize(
    ("url", "hit", "document"),
    [
        ("stored_fields=_none_", set(), {"_id"}),
        ("stored_fields=", {"_id"}, {"_id"}),
        ("stored_fields=id,name", {"_id"}, {"_id"}),
        ("stored_fields=id,_source", {"_id", "_source"}, {"_id", "_source"}),
        ("stored_fields=id&_source=true", {"_id", "_source"}, {"_id", "_source"}),
        ("stored_fields=_source&_source=false", {"_id", "_source"}, {"_id"}),
    ],
)
async def test_stored_fields_say_whether_a_document_comes_back(url: str, hit: set[str], document: set[str]) -> None:
    """As parameters of searches, of documents, and of several of them, of which each can say it for itself."""
    async with serving() as api:
        await api.fill()
        for key in ("all", "public"):
            _, answer = await api.ask(f"{SEARCH}?size=1&{url}", key=key)
            assert answer["hits"]["hits"][0].keys() & {"_id", "_source"} == hit
            _, answer = await api.ask(f"/v3/activities/_doc/{SEEN}?{url}", key=key)
            assert answer.keys() & {"_id", "_source"} == document
            rows = [{"_id": SEEN}, {"_id": SEEN, "stored_fields": ["_source"]}, {"_id": SEEN, "stored_fields": "id"}]
            _, answer = await api.ask(f"/v3/activities/_mget?{url}", {"docs": rows}, "POST", key)
            assert ["_source" in each for each in answer["docs"]] == ["_source" in document, True, False]
        assert (await api.ask("/v3/activities/_mget", {"docs": [{"_id": "x", "stored_fields": 1}]}, "POST"))[0] == 400


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("suggest_text=word", "[suggest_text], [suggest_mode] and [suggest_size] need [suggest_field]"),
        ("suggest_field=object.name&suggest_size=x", "Failed to parse int parameter [suggest_size] with value [x]"),
        ("sice=3", "contains unrecognized parameter: [sice]"),
        ("slices=2&x=y", "contains unrecognized parameters: [slices], [x]"),
        ("size=three", "Failed to parse int parameter [size] with value [three]"),
        ("size=-1", "[size] parameter cannot be negative"),
        ("track_total_hits=maybe", "Failed to parse value [maybe]"),
        ("scroll=long", "failed to parse setting [scroll] with value [long]"),
        ("scroll=2d", "has to be more than nothing, and at most (1d)"),
        ("scroll=1m&size=0", "[size] cannot be [0] in a scroll context"),
        ("scroll=1m&from=2", "cannot be used in a scroll context"),
    ],
)
async def test_parameters_that_are_wrong_are_refused(url: str, reason: str) -> None:
    """In OpenSearch's words, with a 400, and not left out."""
    async with serving() as api:
        status, answer = await api.ask(f"{SEARCH}?{url}")
        assert status == 400
        assert reason in answer["error"]["reason"]


async def test_the_total_can_be_a_number_and_the_answer_pretty() -> None:
    """`rest_total_hits_as_int` counts all hits; `pretty` writes a key on each line."""
    async with serving() as api:
        await api.fill()
        path = f"{SEARCH}?rest_total_hits_as_int=true&pretty&size=0"
        status, _, answer = await api.send(path, b"", "GET", api.headers(path, b""))
        assert (status, json.loads(answer)["hits"]["total"]) == (200, 20)
        assert answer.count(b"\n") > 10


async def test_a_documents_score_is_explained_by_its_id() -> None:
    """Whether a query finds it, and why so high; a document that is not there is a 404, a key that sees a part may not
    ask."""
    async with serving() as api:
        await api.fill()
        path, query = "/v3/activities/_explain/", {"query": {"match": {"object.name": "number3"}}}
        status, found = await api.ask(f"{path}act:3", query)
        assert (status, found["_id"], found["matched"]) == (200, "act:3", True)
        _, searched = await api.ask(SEARCH, query)
        assert found["explanation"]["value"] == pytest.approx(searched["hits"]["max_score"])
        assert "object.name:number3" in json.dumps(found["explanation"])
        assert found["_index"] == searched["hits"]["hits"][0]["_index"]
        assert (await api.ask(f"{path}act:3?q=object.name:number3", None))[1] == found
        status, missed = await api.ask(f"{path}act:4", query)
        assert (status, missed["matched"], missed["explanation"]["value"]) == (200, False, 0)
        assert "_source" not in missed
        status, nothing = await api.ask(f"{path}nobody", query)
        assert (status, nothing["matched"], "explanation" in nothing) == (404, False, False)
        for wrong in (None, {**query, "size": 1}):
            status, refused = await api.ask(f"{path}act:3", wrong)
            assert (status, kind(refused)) == (400, "parsing_exception")
        status, refused = await api.ask(f"{path}act:3", query, key="public")
        assert (status, kind(refused)) == (400, "illegal_argument_exception")


@pytest.mark.parametrize(
    ("path", "body", "patterns", "left"),
    [
        (SEARCH, {"size": 1}, "hits.total.value,**._id",
         {"hits": {"total": {"value": 10}, "hits": [{"_id": "act:0"}]}}),
        (f"{SEARCH}?rest_total_hits_as_int", {"size": 0}, "hits.total", {"hits": {"total": 10}}),
        ("/v3/activities/_count", None, "count", {"count": 10}),
        ("/v3/activities/_count", None, "nothing", {}),
        ("/v3/_msearch", b'{"index":"objects"}\n{"size":0}\n{"index":"x"}\n{}\n', "**.status,-**.type",
         {"responses": [{"status": 200}, {"status": 404}]}),
        ("/v3/activities/_mget", {"ids": [HIDDEN, SEEN]}, "docs.found", {"docs": [{"found": False}, {"found": True}]}),
        (f"/v3/activities/_doc/{SEEN}", None, "_source.object.n*", {"_source": {"object": {"name": "word number2"}}}),
        (f"/v3/activities/_doc/{HIDDEN}", None, "found", {"found": False}),
        ("/v3/_mapping", None, "objects.mappings.properties.published", {
            "objects": {"mappings": {"properties": {"published": {"type": "date"}}}}
        }),
        ("/v3/_field_caps?fields=id", None, "**.type", {"fields": {"id": {"keyword": {"type": "keyword"}}}}),
        ("/v3/", None, "version.distribution", {"version": {"distribution": "opensearch"}}),
        ("/v3/activities/_pit?keep_alive=1m", None, "_shards.failed", {"_shards": {"failed": 0}}),
    ],
)  # fmt: skip
async def test_a_client_can_ask_for_parts_of_any_answer(path: str, body: Any, patterns: str, left: Any) -> None:
    """`filter_path` names them, on every route; of a document that is not there as well."""
    async with serving() as api:
        await api.fill()
        method = "POST" if "_pit" in path or body else "GET"
        asked = f"{path}{'&' if '?' in path else '?'}filter_path={patterns}"
        assert (await api.ask(asked, body, method, "public"))[1] == left


async def test_errors_and_sources_come_as_a_whole() -> None:
    """Whatever parts are asked for; but those of searches among several are parts of an answer."""
    async with serving() as api:
        await api.fill()
        wrong = await api.ask(f"{SEARCH}?filter_path=took", {"query": {"wonder": {}}})
        assert wrong == await api.ask(SEARCH, {"query": {"wonder": {}}})
        assert await api.ask(f"{SEARCH}?filter_path=took&x") != (200, {})
        gone = await api.ask("/v3/_search/scroll?filter_path=took", {"scroll_id": "x"})
        assert (gone[0], kind(gone[1])) == (404, "search_context_missing_exception")
        assert (await api.ask(f"/v3/activities/_source/{SEEN}?filter_path=x"))[1]["id"] == SEEN
        status, refused = await api.ask(f"{SEARCH}?filter_path=-")
        assert (status, kind(refused)) == (400, "illegal_argument_exception")


async def test_a_scroll_of_parts_goes_on_and_ends() -> None:
    """Its pages are picked from too, and it can be walked by the ids that are asked for."""
    async with serving() as api:
        await api.fill()
        parts = "filter_path=_scroll_id,**._id"
        _, page = await api.ask(f"{SEARCH}?scroll=1m&size=7&{parts}")
        found: list[str] = []
        while page.keys() > {"_scroll_id"}:
            found += ids(page)
            assert page["hits"] == {"hits": [{"_id": each} for each in ids(page)]}
            _, page = await api.ask(f"/v3/_search/scroll?{parts}", {"scroll_id": page["_scroll_id"]}, "POST")
        assert len(set(found)) == len(found) == 20


async def test_names_of_aggregations_have_types_where_they_are_asked_for() -> None:
    """By `typed_keys`: in one search, several, those of a scroll and of a point in time; for whoever asks."""
    async with serving() as api:
        await api.fill()
        asked: Any = {"size": 1, "aggs": {"kinds": {"terms": {"field": "object.type"}}}}
        for key in ("all", "public"):
            for path in (f"{SEARCH}?typed_keys", f"{SEARCH}?typed_keys=true&scroll=1m"):
                assert (await api.ask(path, asked, "POST", key))[1]["aggregations"].keys() == {"sterms#kinds"}
            lines = f'{{}}\n{json.dumps(asked)}\n{{"index":"objects"}}\n{{"size":"x"}}\n'.encode()
            _, found = await api.ask("/v3/activities/_msearch?typed_keys", lines, "POST", key)
            assert found["responses"][0]["aggregations"].keys() == {"sterms#kinds"}
            assert found["responses"][1]["status"] == 400
            point = (await api.ask("/v3/activities/_pit?keep_alive=1m", method="POST", key=key))[1]["id"]
            path = "/v3/_search?typed_keys&filter_path=aggregations.s*.buckets.key,-**.doc_count"
            _, found = await api.ask(path, {**asked, "pit": {"id": point}}, "POST", key)
            assert found["aggregations"]["sterms#kinds"]["buckets"][0] == {"key": "public"}
        for path in (SEARCH, f"{SEARCH}?typed_keys=false"):
            assert (await api.ask(path, asked, "POST"))[1]["aggregations"].keys() == {"kinds"}
        assert (await api.ask("/v3/activities/_count?typed_keys"))[0] == 400


async def test_a_count_is_of_what_the_caller_may_see() -> None:
    """All of it, however many; and only a query can be counted."""
    async with serving() as api:
        await api.fill()
        query = {"query": {"match": {"object.name": "word"}}}
        assert [(await api.ask("/v3/activities/_count", query, "POST", key))[1]["count"] for key in CALLERS] == [
            20,
            10,
            0,
        ]
        assert (await api.ask("/v3/objects/_count"))[1]["count"] == 20
        for least, expected in (("0.5", 20), ("1.5", 0)):
            assert (await api.ask(f"/v3/objects/_count?min_score={least}"))[1]["count"] == expected
        assert (await api.ask("/v3/objects/_count?min_score=x"))[0] == 400
        assert (await api.ask("/v3/objects/_count", {"min_score": 1}))[0] == 400
        status, answer = await api.ask("/v3/activities/_count", {**query, "size": 1})
        assert (status, kind(answer)) == (400, "parsing_exception")
        status, answer = await api.ask("/v3/activities/_count", {"query": {"wonder": {}}})
        assert (status, kind(answer)) == (400, "parsing_exception")


CALLERS = ("all", "public", "none")


@pytest.mark.parametrize("route", ["_doc", "_source"])
async def test_a_document_that_is_hidden_is_one_that_is_not_there(route: str) -> None:
    """Byte for byte the same answer as for an id that nothing has."""
    async with serving() as api:
        await api.fill()
        status, answer = await api.ask(f"/v3/activities/{route}/{SEEN}", key="public")
        assert (status, (answer.get("_source") or answer)["id"]) == (200, SEEN)
        hidden = await api.ask(f"/v3/activities/{route}/{HIDDEN}", key="public")
        missing = await api.ask(f"/v3/activities/{route}/act:x", key="public")
        assert hidden[0] == missing[0] == 404
        assert json.dumps(hidden[1]).replace(HIDDEN, "act:x") == json.dumps(missing[1])
        path = f"/v3/activities/{route}/{SEEN}"
        assert (await api.send(path, b"", "HEAD", api.headers(path, b"", "HEAD")))[0] == 200


async def test_an_id_can_have_any_characters() -> None:
    """Slashes, blanks and percents, as clients escape them."""
    async with serving() as api:
        generation = await api.index.begin("odd")
        name = "https://a.example/b c/100%?d=é"
        row = Activity(name, json.dumps({"id": name}).encode(), None, None)
        await api.index.write([generation], [row], visible=False)
        await api.index.publish(generation)
        status, answer = await api.ask(f"/v3/activities/_doc/{quote(name, safe='')}")
        assert (status, answer["_id"], answer["found"]) == (200, name, True)


async def test_several_documents_come_in_the_order_that_they_are_asked_for() -> None:
    """Those that are not there, or hidden, among them; of both aliases."""
    async with serving() as api:
        await api.fill()
        _, answer = await api.ask("/v3/activities/_mget", {"ids": [SEEN, HIDDEN, "x", SEEN]}, "POST", "public")
        assert [each["found"] for each in answer["docs"]] == [True, False, False, True]
        docs = [{"_index": "objects", "_id": "thing:1", "_source": ["type"]}, {"_index": "activities", "_id": HIDDEN}]
        _, answer = await api.ask("/v3/_mget", {"docs": docs})
        assert answer["docs"][0]["_source"] == {"type": "secret"}
        assert answer["docs"][1]["_source"]["id"] == HIDDEN
        wrong_bodies: tuple[Any, ...] = (
            {},
            {"ids": []},
            {"ids": [1]},
            {"docs": [{"_id": "a", "x": 1}]},
            {"docs": ["a"]},
            {"ids": ["a"], "b": 1},
        )
        for wrong in wrong_bodies:
            status, answer = await api.ask("/v3/activities/_mget", wrong)
            assert (status, kind(answer)) == (400, "illegal_argument_exception")
        assert (await api.ask("/v3/activities/_mget", {"ids": ["a"] * 1001}))[0] == 400
        status, answer = await api.ask("/v3/_mget", {"docs": [{"_index": "secrets", "_id": "a"}]})
        assert (status, kind(answer)) == (404, "index_not_found_exception")


async def test_several_searches_are_answered_each_for_itself() -> None:
    """One that is refused has its own status, and the others their hits."""
    async with serving() as api:
        await api.fill()
        rows = [
            {"index": "activities"}, {"size": 1}, {"index": ["objects"]}, {"size": 0},
            {}, {"query": {"wonder": {}}}, {"index": "secrets"}, {}, {}, [],
        ]  # fmt: skip
        lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
        status, answer = await api.ask("/v3/activities/_msearch", lines, "POST", "public")
        assert status == 200
        assert [each["status"] for each in answer["responses"]] == [200, 200, 400, 404, 400]
        assert [each["hits"]["total"]["value"] for each in answer["responses"][:2]] == [10, 10]
        assert (await api.ask("/v3/_msearch", b'{"index":"objects"}\n{}\n', "POST"))[1]["responses"][0]["status"] == 200
        for wrong in (b"", b"{}\n", b"{}\n{}\n" * 101):
            status, answer = await api.ask("/v3/_msearch", wrong, "POST")
            assert (status, kind(answer)) == (400, "illegal_argument_exception")


async def test_the_mapping_and_the_fields_are_those_that_can_be_searched() -> None:
    """The same for everybody, as they come from the configuration and from no document."""
    async with serving() as api:
        await api.fill()
        _, mapping = await api.ask("/v3/_mapping")
        assert mapping.keys() == {"activities", "objects"}
        assert mapping["activities"]["mappings"]["properties"]["published"] == {"type": "date"}
        assert await api.ask("/v3/objects/_mapping", key="none") == (200, {"objects": mapping["objects"]})
        assert await api.ask("/v3/objects", key="none") == (
            200,
            {"objects": {"aliases": {}, **mapping["objects"], "settings": {}}},
        )
        assert (await api.send("/v3/objects", b"", "HEAD", api.headers("/v3/objects", b"", "HEAD")))[0] == 200
        assert (await api.send("/v3/secrets", b"", "HEAD", api.headers("/v3/secrets", b"", "HEAD")))[0] == 404
        _, of_fields = await api.ask("/v3/activities/_mapping/field/published,object.name.*,x")
        assert of_fields["activities"]["mappings"] == {
            "published": {"full_name": "published", "mapping": {"published": {"type": "date"}}},
            "object.name.raw": {"full_name": "object.name.raw", "mapping": {"raw": {"type": "keyword"}}},
        }
        assert (await api.ask("/v3/_mapping/field/nothing"))[1]["objects"] == {"mappings": {}}
        _, found = await api.ask("/v3/activities/_field_caps?fields=publ*,object.name,object")
        assert found["fields"] == {
            "object": {"object": {"type": "object", "searchable": False, "aggregatable": False}},
            "object.name": {"text": {"type": "text", "searchable": True, "aggregatable": False}},
            "published": {"date": {"type": "date", "searchable": True, "aggregatable": True}},
        }
        assert (await api.ask("/v3/_field_caps", {"fields": "id"}, "POST"))[1]["fields"].keys() == {"id"}
        assert (await api.ask("/v3/_field_caps"))[0] == 400


async def walk(api: Served, first: Any, key: str = "all") -> list[str]:
    """The ids of all pages of a scroll."""
    found, page = [], first
    while ids(page):
        found += ids(page)
        status, page = await api.ask(
            "/v3/_search/scroll", {"scroll_id": page["_scroll_id"], "scroll": "1m"}, "POST", key
        )
        assert status == 200
    return found


@pytest.mark.parametrize("sort", [None, "_doc", ["_doc"], [{"published": "desc"}], "_score"])
async def test_a_scroll_shows_everything_once(sort: Any) -> None:
    """Page by page, in the order that is asked for, and only what the caller may see."""
    async with serving() as api:
        await api.fill()
        body = {"size": 3, "query": {"match": {"object.name": "word"}}} | ({"sort": sort} if sort else {})
        for key, count in (("all", 20), ("public", 10)):
            _, first = await api.ask(f"{SEARCH}?scroll=1m", body, "POST", key)
            found = await walk(api, first, key)
            assert (len(found), len(set(found))) == (count, count)
            assert found == sorted(
                found, key=lambda each: int(each[4:]), reverse=sort == [{"published": "desc"}]
            ) or sort != [{"published": "desc"}]


@pytest.mark.parametrize("body", [b'{"query":7}', b'{"query":[]}', b'{"query":{"term":{"n":1.10e1}}}', b"[]", b"{"])
async def test_a_scroll_of_a_body_that_is_wrong_is_refused_as_a_search_of_it_is(body: bytes) -> None:
    """With the same status, and no scroll to go on with."""
    async with serving() as api:
        await api.fill()
        plain = (await api.ask(SEARCH, body, "POST"))[0]
        status, answer = await api.ask(f"{SEARCH}?scroll=1m", body, "POST")
        assert status == plain
        assert ("_scroll_id" in answer) is (status == 200)


async def test_a_scroll_is_its_callers_alone_and_ends() -> None:
    """Another key's, one that was given up, or not used in time, or none: a 404. A page can be asked for again."""
    async with serving() as api:
        await api.fill()
        _, first = await api.ask(f"{SEARCH}?scroll=1m&size=3", key="public")
        again = {"scroll_id": first["_scroll_id"], "scroll": "2m"}
        pages = [await api.ask("/v3/_search/scroll", again, "POST", "public") for _ in range(2)]
        assert ids(pages[0][1]) == ids(pages[1][1]) == ["act:14", "act:16", "act:18"]
        for wrong in ({"scroll_id": "x"}, {"scroll_id": again["scroll_id"] + "!"}, {"scroll_id": "x" * 5000}):
            status, answer = await api.ask("/v3/_search/scroll", wrong, "POST", "public")
            assert (status, kind(answer)) == (404, "search_context_missing_exception")
        assert (await api.ask("/v3/_search/scroll", again, "POST", "all"))[0] == 404
        assert (await api.ask("/v3/_search/scroll", {"scroll_id": [again["scroll_id"]]}, "DELETE", "all"))[0] == 404
        await api.clock.advance(119)
        assert (await api.ask("/v3/_search/scroll", again, "POST", "public"))[0] == 200
        gone = await api.ask("/v3/_search/scroll", {"scroll_id": [again["scroll_id"]]}, "DELETE", "public")
        assert gone == (200, {"succeeded": True, "num_freed": 1})
        assert (await api.ask("/v3/_search/scroll", again, "POST", "public"))[0] == 404
        _, first = await api.ask(f"{SEARCH}?scroll=1m&size=3")
        await api.clock.advance(61)
        assert (await api.ask(f"/v3/_search/scroll/{first['_scroll_id']}"))[0] == 404


@pytest.mark.parametrize(
    ("make", "give_up"),
    [("_search/point_in_time", ("_search/point_in_time", "pit_id")), ("_pit", ("_pit", "id"))],
)
async def test_a_point_in_time_is_walked_by_search_after(make: str, give_up: tuple[str, str]) -> None:
    """In OpenSearch's and in Elasticsearch's form; hits of equal rank are told apart by a last sort value."""
    async with serving() as api:
        await api.fill()
        status, made = await api.ask(f"/v3/activities/{make}?keep_alive=1m", method="POST", key="public")
        assert status == 200
        point = {"id": made["id"], "keep_alive": "1m"}
        found: list[str] = []
        after: Any = {}
        while True:
            body = {"size": 3, "pit": point, "sort": ["object.type", {"_shard_doc": "asc"}], **after}
            _, page = await api.ask("/v3/_search", body, "POST", "public")
            assert page["pit_id"] == made["id"]
            if not ids(page):
                break
            found += ids(page)
            after = {"search_after": page["hits"]["hits"][-1]["sort"]}
        assert (len(found), len(set(found))) == (10, 10)
        assert (await api.ask("/v3/_search", {"pit": point}, "POST", "all"))[0] == 404
        assert (await api.ask("/v3/_search", {"size": 1}, "POST"))[0] == 400
        path, name = give_up
        assert (await api.ask(f"/v3/{path}", {name: made["id"]}, "DELETE", "public"))[0] == 200
        assert (await api.ask("/v3/_search", {"pit": point}, "POST", "public"))[0] == 404
        assert (await api.ask(f"/v3/activities/{make}", method="POST"))[0] == 400


@pytest.mark.parametrize("signed", ["packed", "unpacked"])
async def test_bodies_are_packed_with_gzip_both_ways(signed: str) -> None:
    """Whichever form of the body the client has signed; the answer is signed as it is unpacked."""
    async with serving() as api:
        await api.fill()
        body = json.dumps({"size": 20}).encode()
        sent = gzip.compress(body)
        headers = api.headers(SEARCH, sent if signed == "packed" else body, "POST")
        more = {"Content-Encoding": "gzip", "Accept-Encoding": "br, gzip;q=0.5"}
        status, names, answer = await api.send(SEARCH, sent, "POST", headers | more)
        assert (status, names["content-encoding"], len(ids(json.loads(answer)))) == (200, "gzip", 20)
        asked = hawk.parse(headers["Authorization"])
        made = hawk.sign(
            hawk.target_of("POST", api.url + SEARCH), "all", SECRET, int(asked["ts"]), asked["nonce"],
            "application/json", sent if signed == "packed" else body,
        )  # fmt: skip
        assert hawk.answer_is_authentic(names["server-authorization"], made, SECRET, names["content-type"], answer)
        plain = await api.send(SEARCH, b"", "GET", api.headers(SEARCH, b"") | {"Accept-Encoding": "gzip;q=0"})
        assert "content-encoding" not in plain[1]


async def test_a_packed_body_is_not_unpacked_to_any_size() -> None:
    """What is larger than allowed when unpacked is a 413, what is not packed at all, or broken off, a 400."""
    async with serving(max_body_bytes=10_000) as api:
        bomb = gzip.compress(b" " * 10**8, 9)[:9_000]
        for sent, expected in (
            (bomb, 413),
            (gzip.compress(b" " * 10_001), 413),
            (b"{}", 400),
            (gzip.compress(b"{}")[:-3], 400),
        ):
            headers = api.headers(SEARCH, sent, "POST") | {"Content-Encoding": "gzip"}
            assert (await api.send(SEARCH, sent, "POST", headers))[0] == expected


async def test_the_root_answers_heads_and_both_slashes() -> None:
    """Clients ask it whether the server is there, and what it is."""
    async with serving() as api:
        for path in ("/v3/", "//v3/"):
            assert (await api.send(path, b"", "HEAD", api.headers(path, b"", "HEAD")))[0] == 200
            status, names, _ = await api.send(path, b"", "GET", api.headers(path, b""))
            assert (status, names["x-elastic-product"]) == (200, "Elasticsearch")
