"""What is answered: routes, shapes and texts of the contract's section 5, and what grants hide (section 6)."""

import json
import logging
import zlib
from typing import Any

import pytest

from activity_stream import hawk
from activity_stream.errors import IndexUnavailable, StateUnavailable
from tests.flow.api.served import SECRET, Served, serving

SEARCH = "/v3/activities/_search"


def ids(answer: Any) -> list[str]:
    """The ids of the hits."""
    return [hit["_id"] for hit in answer["hits"]["hits"]]


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/v2/activities", "GET"),
        ("/v2/objects", "GET"),
        ("/v1/objects", "GET"),
        ("/v3/activities/_search", "GET"),
        ("/v3/activities/_search", "POST"),
        ("/v3/objects/_search", "GET"),
        ("/v3/objects/_search", "POST"),
    ],
)
async def test_searches_answer_in_elasticsearchs_shape(path: str, method: str) -> None:
    """Each search route answers with hits, totals, shards without failures; an empty body asks for everything."""
    async with serving() as api:
        await api.fill()
        for body in (None, {"size": 10}):
            status, answer = await api.ask(path, body, method)
            assert status == 200
            assert answer["hits"]["total"] == {"value": 20, "relation": "eq"}
            assert len(answer["hits"]["hits"]) == 10
            assert answer["_shards"]["failed"] == 0
            assert "failures" not in answer["_shards"]
            assert "thing" in answer["hits"]["hits"][0]["_source"]["id"] or "objects" not in path


async def test_answers_are_signed() -> None:
    """An authenticated answer carries a Server-Authorization that fits its payload."""
    async with serving() as api:
        headers = api.headers(SEARCH, b"{}")
        status, names, body = await api.send(SEARCH, b"{}", "GET", headers)
        target = hawk.target_of("GET", api.url + SEARCH)
        sent = hawk.parse(headers["Authorization"])
        made = hawk.sign(target, "all", SECRET, int(sent["ts"]), sent["nonce"], "application/json", b"{}")
        header = names["server-authorization"]
        assert status == 200
        assert hawk.answer_is_authentic(header, made, SECRET, names["content-type"], body)
        assert not hawk.answer_is_authentic(header, made, SECRET, names["content-type"], body + b" ")


@pytest.mark.parametrize(
    ("path", "body", "method", "key", "status"),
    [
        (SEARCH, b"nonsense", "POST", "all", 400),
        (SEARCH, b'{"size":-1}', "POST", "all", 400),
        (SEARCH, b"{}", "POST", "gets", 403),
        ("/v1/activities/nonsense", b"", "GET", "all", 404),
    ],
)
async def test_errors_are_signed_once_the_caller_is_known(
    path: str, body: bytes, method: str, key: str, status: int
) -> None:
    """An answer to a known caller carries a Server-Authorization whatever its status."""
    async with serving() as api:
        headers = api.headers(path, body, method, key)
        found, names, answer = await api.send(path, body, method, headers)
        sent = hawk.parse(headers["Authorization"])
        target = hawk.target_of(method, api.url + path)
        made = hawk.sign(target, key, SECRET, int(sent["ts"]), sent["nonce"], "application/json", body)
        assert found == status
        assert hawk.answer_is_authentic(names["server-authorization"], made, SECRET, names["content-type"], answer)


async def walk(api: Served, body: Any, key: str = "all") -> list[str]:
    """The ids on all pages of v1."""
    found: list[str] = []
    status, page = await api.ask("/v1/activities", body, key=key)
    while True:
        assert status == 200
        assert page["@context"] == [
            "https://www.w3.org/ns/activitystreams",
            {"dit": "https://www.trade.gov.uk/ns/activitystreams/v1"},
        ]
        assert page["type"] == "Collection"
        found += [item["id"] for item in page["orderedItems"]]
        if not page["orderedItems"]:
            assert "next" not in page
            return found
        assert page["next"].startswith(f"{api.url}/v1/activities/")
        status, page = await api.ask(page["next"].removeprefix(api.url), key=key)


@pytest.mark.parametrize(
    "body",
    [
        None,
        {"size": 7},
        {"size": 3, "sort": [{"published": "desc"}]},
        {"size": 4, "query": {"match": {"object.name": "word"}}},
        {"size": 6, "sort": "object.type"},
    ],
)
async def test_v1_walks_through_everything_once(body: Any) -> None:
    """Whatever the sort, the pages together hold each activity once."""
    async with serving() as api:
        await api.fill(numbers=range(25))
        found = await walk(api, body)
        assert sorted(found) == sorted(f"act:{number}" for number in range(25))


async def test_v1_cursors_stay_valid_over_a_publish_and_expire() -> None:
    """A walk goes on after a publish; another key cannot use its cursor, and after its time it is gone."""
    async with serving(cursor_expiry=100) as api:
        await api.fill()
        _, first = await api.ask("/v1/activities", {"size": 15})
        await api.fill()
        path = first["next"].removeprefix(api.url)
        assert len((await api.ask(path))[1]["orderedItems"]) == 5
        gone = (404, {"details": "Scroll ID not found."})
        assert await api.ask(path, key="public") == gone
        for nonsense in ("nonsense", "A" * 22, "A" * 2000, "%00", "%ff", "..%2f"):
            assert await api.ask(f"/v1/activities/{nonsense}") == gone
        await api.clock.advance(101)
        assert await api.ask(path) == gone


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"nonsense", "line 1"),
        (b'{"size": 1,\n "query" }', "line 2"),
        (b"[]", "a list"),
        (b'"text"', "a string"),
        (b"7", "a number"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 3000, "100 levels"),
        (b'{"query":' + b'{"bool":{"must":' * 3000 + b"{}" + b"}}" * 3000 + b"}", "100 levels"),
    ],
)
@pytest.mark.parametrize("key", ["all", "public"])
async def test_a_body_that_is_no_object_is_a_400_that_names_the_place(body: bytes, place: str, key: str) -> None:
    """Not JSON, not an object, or nested too deep: 400 with details."""
    async with serving() as api:
        status, answer = await api.ask(SEARCH, body, key=key)
        assert status == 400
        assert place in answer["details"]


async def test_a_huge_size_is_a_400_in_the_indexs_words() -> None:
    """`size` 10^12 is refused as the index refuses it."""
    async with serving() as api:
        for key in ("all", "public"):
            status, answer = await api.ask(SEARCH, {"size": 10**12}, key=key)
            assert status == 400
            assert answer["status"] == 400
            assert answer["error"]["root_cause"][0]["reason"]


async def test_a_large_body_is_a_413() -> None:
    """A body over MAX_BODY_BYTES is refused, with the limit."""
    async with serving(max_body_bytes=1000) as api:
        status, answer = await api.ask(SEARCH, b'{"query": "' + b"x" * 2000 + b'"}')
        assert status == 413
        assert "1,000" in answer["details"]


async def test_a_body_packed_in_a_way_that_is_not_known_is_a_415() -> None:
    """Only gzip is unpacked; the answer says so."""
    async with serving() as api:
        headers = api.headers(SEARCH, b"", "POST") | {"Content-Encoding": "deflate"}
        status, _, answer = await api.send(SEARCH, zlib.compress(b" " * 10**7), "POST", headers)
        assert status == 415
        assert "gzip" in json.loads(answer)["details"]


async def test_wrong_methods_and_paths_have_their_texts() -> None:
    """405 and 404 in the API's shape, without authentication too."""
    async with serving() as api:
        for path, method in [
            ("/v1/activities", "POST"),
            ("/v2/objects", "DELETE"),
            (SEARCH, "PUT"),
            ("/checks/p1", "POST"),
        ]:
            status, names, body = await api.send(path, b"", method)
            assert (status, json.loads(body)) == (405, {"details": "405: Method Not Allowed"})
            assert "GET" in names["allow"]
        for path in ("/", "/v4/x", "/v1/activities/a/b", "/v3", "/%00", "/..//etc"):
            status, _, body = await api.send(path)
            assert (status, json.loads(body)) == (404, {"details": "404: Not Found"}), path


async def test_the_root_document_needs_authentication() -> None:
    """`/v3/` is the index's root document, for callers alone."""
    async with serving() as api:
        status, root = await api.ask("/v3/")
        assert status == 200
        assert root["version"]["number"]
        assert (await api.send("/v3/"))[0] == 401


async def test_an_index_that_is_away_is_a_500() -> None:
    """Index unreachable: 500 with the fixed text, and well again after."""
    async with serving() as api:
        api.index.fail_next("search", IndexUnavailable("gone"))
        assert await api.ask(SEARCH) == (500, {"details": "An unknown error occurred."})
        assert (await api.ask(SEARCH))[0] == 200


async def test_a_fault_of_ours_is_a_500_that_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A bug's traceback goes to the log; the caller gets the fixed text, and the API goes on."""
    async with serving() as api:
        api.index.fail_next("search", ZeroDivisionError("a bug"))
        assert await api.ask(SEARCH) == (500, {"details": "An unknown error occurred."})
        assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]
        assert (await api.ask(SEARCH))[0] == 200


async def test_clients_of_elasticsearch_find_their_product() -> None:
    """Answers of v3 say what Elasticsearch's own clients look for, as JSON."""
    async with serving() as api:
        for path in (SEARCH, "/v3/"):
            status, names, _ = await api.send(path, b"", "GET", api.headers(path, b""))
            assert (status, names["x-elastic-product"]) == (200, "Elasticsearch")
            assert names["content-type"].partition(";")[0] == "application/json"


async def test_a_requests_lines_carry_its_tag_and_then_its_key(caplog: pytest.LogCaptureFixture) -> None:
    """The first line has a tag of 8 characters, the last one the key too; neither has what was signed."""
    caplog.set_level(logging.INFO, "activity_stream")
    async with serving() as api:
        headers = api.headers(SEARCH + "?a=hidden", b"{}") | {"User-Agent": "a client"}
        await api.send(SEARCH + "?a=hidden", b"{}", "GET", headers)
        await api.send(SEARCH, b"{}", "GET", headers)
        first, last, *refused = [record for record in caplog.records if record.name == "activity_stream"]
        action = f"Receiving request (GET {SEARCH} HTTP/1.1) (a client)"
        assert first.getMessage() == last.getMessage() == action
        assert (first.__dict__["status"], last.__dict__["status"]) == ("started", "done")
        assert len(first.__dict__["tags"][0]) == 8
        assert last.__dict__["tags"] == (*first.__dict__["tags"], "all")
        assert refused[0].__dict__["tags"] != first.__dict__["tags"]
        assert "the mac is not the one" in refused[1].getMessage()
        assert not any(secret in caplog.text for secret in (SECRET, "mac=", "hidden"))


async def test_checks_tell_of_state_index_and_feeds() -> None:
    """p1, p2 and the 2019 form, in and after the grace of the start."""
    async with serving() as api:
        assert (await api.send("/checks/p1"))[2] == b"__UP__\n"
        grace = b"__UP__ (IN_STARTUP_GRACE_PERIOD)\n"
        assert (await api.send("/checks/p2"))[2] == grace + b"good:GREEN\nbad:RED\n"
        await api.clock.advance(31)
        assert (await api.send("/checks/p2"))[2] == b"__DOWN__\ngood:GREEN\nbad:RED\n"
        old = b"__DOWN__\nredis:GREEN\nelasticsearch:GREEN\ngood:GREEN\nbad:RED\n"
        assert (await api.send("/check"))[2] == old
        api.state.fail_next = 1
        assert (await api.send("/checks/p1"))[2] == b"__DOWN__\n"


async def test_a_state_that_goes_away_amid_a_check_is_down() -> None:
    """The state answers, and then not when it is asked for the feeds: DOWN, without feeds, and not an error."""

    async def health() -> list[tuple[str, bool]]:
        raise StateUnavailable("gone")

    async with serving(health=health) as api:
        assert (await api.send("/check"))[2].splitlines()[1:] == [b"redis:RED", b"elasticsearch:GREEN"]
        await api.clock.advance(31)
        assert (await api.send("/checks/p2"))[::2] == (200, b"__DOWN__\n")


async def test_orchestrators_and_metrics_need_no_key() -> None:
    """livez, readyz and metrics are open; readyz is 503 while a store is away."""
    async with serving() as api:
        assert (await api.send("/livez"))[0] == 200
        assert (await api.send("/readyz"))[0] == 200
        api.index.fail_next("ping", IndexUnavailable("gone"))
        assert (await api.send("/readyz"))[0] == 503
        status, names, _ = await api.send("/metrics")
        assert (status, names["content-type"].partition(";")[0]) == (200, "text/plain")


async def test_a_grant_narrows_hits_counts_and_aggregations() -> None:
    """A restricted caller sees its own documents alone, whatever the query's shape; no grant is empty."""
    async with serving() as api:
        await api.fill()
        bodies: list[Any] = [
            None,
            {},
            {"query": {"match_all": {}}},
            {"query": {"bool": {"should": [{"term": {"object.type": "public"}}, {"term": {"object.type": "secret"}}]}}},
            {"query": {"bool": {"must_not": [{"term": {"object.type": "public"}}]}}},
            {"aggs": {"types": {"terms": {"field": "object.type"}}}},
        ]
        for body in bodies:
            status, answer = await api.ask(SEARCH, body, key="public")
            assert status == 200
            assert "secret" not in json.dumps(answer)
            assert (await api.ask(SEARCH, body, key="none"))[1]["hits"]["total"]["value"] == 0


async def test_a_should_only_query_keeps_its_meaning_under_a_grant() -> None:
    """Only `should`: at least one has to hold, with a grant as without."""
    async with serving() as api:
        await api.fill()
        body = {"query": {"bool": {"should": [{"term": {"id": "act:2"}}, {"term": {"id": "act:4"}}]}}, "sort": "id"}
        assert ids((await api.ask(SEARCH, body, key="public"))[1]) == ["act:2", "act:4"]


async def test_scores_do_not_depend_on_what_a_grant_hides() -> None:
    """With and without documents outside the grant, the same hits have the same scores."""
    found = []
    for numbers in (range(0, 20, 2), range(20)):
        async with serving() as api:
            await api.fill(numbers=numbers)
            body = {"query": {"match": {"object.content": "public secret word"}}}
            _, answer = await api.ask(SEARCH, body, key="public")
            found.append({hit["_id"]: hit["_score"] for hit in answer["hits"]["hits"]})
    assert found[0] == found[1]
    assert len(found[0]) == 10


@pytest.mark.parametrize(
    "body",
    [
        {"aggs": {"all": {"global": {}, "aggs": {"n": {"terms": {"field": "object.type"}}}}}},
        {"aggs": {"types": {"terms": {"field": "object.type", "min_doc_count": 0}}}},
        {"aggs": {"f": {"filter": {"match_all": {}}, "aggs": {"t": {"terms": {"field": "id", "min_doc_count": 0}}}}}},
        {"suggest": {"s": {"text": "secre", "term": {"field": "object.content"}}}},
        {"query": {"terms": {"id": {"index": "activities", "id": "act:1", "path": "object.type"}}}},
        {"query": {"more_like_this": {"fields": ["object.content"], "like": [{"_id": "act:1"}]}}},
        {"query": {"script": {"script": "true"}}},
        {"query": {"percolate": {"field": "q", "document": {}}}},
        {"runtime_mappings": {"x": {"type": "keyword", "script": "emit('1')"}}},
        {"script_fields": {"x": {"script": "1"}}},
        {"rescore": {"query": {"rescore_query": {"match_all": {}}}}},
        {"profile": True},
        {"explain": True},
        {"highlight": {"fields": {"*": {"highlight_query": {"has_child": {}}}}}},
        {"collapse": {"field": "id", "inner_hits": {"name": "x", "sort": ["_doc"]}}},
        {"query": {"match_all": {}}, "query ": {"match_all": {}}},
        {"aggs": {"s": {"significant_terms": {"field": "object.type"}}}},
        {"aggs": {"s": {"top_hits": {"sort": ["_doc"]}}}},
        {"docvalue_fields": ["_seq_no"]},
        {"query": {"function_score": {"min_score": 1}}},
        {"pit": {"id": "x"}},
        {"slice": {"id": 0, "max": 2}},
        {"query": {"has_child": {"type": "x", "query": {"match_all": {}}}}},
    ],
)
async def test_what_could_see_around_a_grant_is_refused(body: Any) -> None:
    """A construct that is not on the list is a 400 that tells nothing, for restricted callers."""
    async with serving() as api:
        await api.fill()
        status, answer = await api.ask(SEARCH, body, key="public")
        assert status == 400
        assert "act:1" not in json.dumps(answer)
        assert '"secret"' not in json.dumps(answer)
