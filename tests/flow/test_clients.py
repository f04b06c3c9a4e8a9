"""The code of those who ask: clients of OpenSearch's and Elasticsearch's, HTTP libraries with our signers, our own."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import elasticsearch7
import elasticsearch8
import httpx
import opensearchpy
import pytest
import pytest_asyncio
import requests
from elastic_transport import NodeConfig, RequestsHttpNode
from elasticsearch7 import helpers as helpers7
from elasticsearch8 import helpers as helpers8
from opensearchpy import helpers

from activity_stream.client import for_aiohttp, for_httpx, for_requests
from activity_stream.client.stream import Refused, Stream
from tests.flow.conftest import emptied, running_redis
from tests.flow.processes import KEY, SECRET, Process, client, settings, started
from tests.flow.source import Source, served
from tests.services import npm
from tests.services.engines import names_to_test
from tests.services.server import Servers

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER = 120
TYPE = "dit:test:Thing"
KNOWN = {"query": {"term": {"type": TYPE}}}


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=["embedded+sqlite", *(f"{name}+redis" for name in names_to_test())]
)
async def url(
    request: pytest.FixtureRequest, engine_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """The address of an API, a process of its own, that has collected NUMBER things."""
    source = Source()
    source.put(*range(NUMBER))
    async with AsyncExitStack() as stack:
        stores = {}
        if request.param != "embedded+sqlite":
            engine = emptied(engine_servers.url(request.param.removesuffix("+redis")))
            stores = {"INDEX_URL": engine, "STATE_URL": (await stack.enter_async_context(running_redis())).url}
        await stack.enter_async_context(served(source))
        environ = settings(tmp_path_factory.mktemp("data"), source.url, **stores)
        process = await stack.enter_async_context(started("run", environ=environ))
        await _collected(process)
        yield process.url


async def _collected(process: Process) -> None:
    async with client(await process.listening()) as api, asyncio.timeout(40):
        while len(await api.versions()) < NUMBER:
            await asyncio.sleep(0.1)


def _opensearch(url: str) -> Any:
    return opensearchpy.OpenSearch(
        f"{url}/v3/",
        connection_class=opensearchpy.RequestsHttpConnection,
        http_auth=for_requests.HawkAuth(KEY, SECRET),
        http_compress=True,
    )


def _elasticsearch7(url: str) -> Any:
    return elasticsearch7.Elasticsearch(
        [f"{url}/v3/"],
        connection_class=elasticsearch7.RequestsHttpConnection,
        http_auth=for_requests.HawkAuth(KEY, SECRET),
    )


def _elasticsearch8(url: str) -> Any:
    host, _, port = url.removeprefix("http://").partition(":")
    auth = {"requests.session.auth": for_requests.HawkAuth(KEY, SECRET)}
    node = NodeConfig("http", host, int(port), path_prefix="/v3", _extras=auth)
    return elasticsearch8.Elasticsearch([node], node_class=RequestsHttpNode)


def ids(answer: Any) -> list[str]:
    """The ids of the hits."""
    return [hit["_id"] for hit in answer["hits"]["hits"]]


@pytest.mark.filterwarnings("ignore:The 'body' parameter:DeprecationWarning")
@pytest.mark.parametrize("make", [_opensearch, _elasticsearch7, _elasticsearch8])
async def test_clients_of_search_engines_work_as_they_are(url: str, make: Callable[[str], Any]) -> None:
    """What such a client offers for reading: from the ping to scrolls, points in time and several searches at once."""

    def use() -> None:
        es = make(url)
        assert es.ping()
        assert es.info()["version"]["number"]
        found = es.search(index="objects", body={**KNOWN, "size": 7, "sort": ["id"]})
        assert found["hits"]["total"]["value"] == NUMBER
        assert len(ids(es.search(index="objects", size=3))) == 3
        assert es.count(index="objects", body=KNOWN)["count"] == NUMBER
        name = ids(found)[0]
        assert es.get(index="objects", id=name)["_source"]["id"] == name
        assert es.exists(index="objects", id=name)
        assert not es.exists(index="objects", id="nothing")
        assert es.get_source(index="objects", id=name)["id"] == name
        assert es.explain(index="objects", id=name, body={"query": KNOWN["query"]})["matched"]
        docs = es.mget(index="objects", body={"ids": [name, "nothing"]})["docs"]
        assert [each["found"] for each in docs] == [True, False]
        lines = [{"index": "objects"}, KNOWN, {"index": "activities"}, {"size": 1}]
        answers = es.msearch(body=lines)["responses"]
        assert [each["status"] for each in answers] == [200, 200]
        assert "type" in es.indices.get_mapping(index="objects")["objects"]["mappings"]["properties"]
        assert es.indices.exists(index="objects")
        assert not es.indices.exists(index="secrets")
        assert es.indices.get(index="objects").keys() == {"objects"}
        (named,) = es.indices.get_field_mapping(index="objects", fields="type")["objects"]["mappings"].values()
        assert named["mapping"] == {"type": {"type": "keyword"}}
        few = es.search(index="objects", size=2, filter_path="hits.hits._id", stored_fields="_none_")
        assert few == {}
        kinds = {"aggs": {"kinds": {"terms": {"field": "type"}}}}
        assert "sterms#kinds" in es.search(index="objects", body=kinds, typed_keys=True)["aggregations"]
        assert "keyword" in es.field_caps(index="objects", fields="type")["fields"]["type"]
        _scroll(es)
        _point_in_time(es)

    await asyncio.to_thread(use)


def _scroll(es: Any) -> None:
    page = es.search(index="objects", body={**KNOWN, "size": 50}, scroll="1m")
    found = []
    while ids(page):
        found += ids(page)
        page = es.scroll(scroll_id=page["_scroll_id"], scroll="1m")
    assert (len(found), len(set(found))) == (NUMBER, NUMBER)
    es.clear_scroll(scroll_id=page["_scroll_id"])


def _point_in_time(es: Any) -> None:
    if isinstance(es, opensearchpy.OpenSearch):
        point = es.create_pit(index="objects", params={"keep_alive": "1m"})["pit_id"]
    else:
        point = es.open_point_in_time(index="objects", keep_alive="1m")["id"]
    found: list[str] = []
    body: dict[str, Any] = {**KNOWN, "size": 50, "sort": ["type"], "pit": {"id": point, "keep_alive": "1m"}}
    while hits := es.search(body=body)["hits"]["hits"]:
        found += [hit["_id"] for hit in hits]
        body["search_after"] = hits[-1]["sort"]
    assert (len(found), len(set(found))) == (NUMBER, NUMBER)
    if isinstance(es, opensearchpy.OpenSearch):
        es.delete_pit(body={"pit_id": [point]})
    else:
        es.close_point_in_time(body={"id": point})


@pytest.mark.filterwarnings("ignore:The 'body' parameter:DeprecationWarning")
async def test_the_helpers_of_clients_walk_everything(url: str) -> None:
    """`helpers.scan` of all of them, and the search objects of opensearch-dsl, meet each document once."""

    def use() -> None:
        for module, es in (
            (helpers, _opensearch(url)),
            (helpers7, _elasticsearch7(url)),
            (helpers8, _elasticsearch8(url)),
        ):
            found = [hit["_id"] for hit in module.scan(es, index="objects", query=KNOWN, size=50)]
            assert (len(found), len(set(found))) == (NUMBER, NUMBER)
        search = opensearchpy.Search(using=_opensearch(url), index="objects").query("term", type=TYPE)
        assert search.count() == NUMBER
        assert {hit.meta.id for hit in search.params(size=50).scan()} == set(found)
        assert [hit.id for hit in search.sort("-id")[:2].execute()] == sorted(found)[:-3:-1]

    await asyncio.to_thread(use)


async def test_http_libraries_with_our_signers_are_let_in(url: str) -> None:
    """With httpx, requests and aiohttp, however a body is given; and with none."""
    path = f"{url}/v3/objects/_search?size=2"
    body: Any = {"size": 1, "query": {"match": {"name": "thing é"}}}

    def use() -> list[tuple[int, int]]:
        answers: list[Any] = []
        with httpx.Client(auth=for_httpx.HawkAuth(KEY, SECRET)) as session:
            answers += [
                session.get(path),
                session.post(path, json=body),
                session.post(path, content=iter([b"{", b"}"])),
            ]
        with requests.Session() as session:
            session.auth = for_requests.HawkAuth(KEY, SECRET)
            answers += [session.get(path), session.post(path, json=body), session.post(path, data=json.dumps(body))]
        return [(each.status_code, len(each.json()["hits"]["hits"])) for each in answers]

    assert await asyncio.to_thread(use) == [(200, 2)] * 6
    async with aiohttp.ClientSession(middlewares=[for_aiohttp.HawkAuth(KEY, SECRET)]) as session:
        for given in ({}, {"json": body}, {"data": json.dumps(body)}, {"data": b"{}"}):
            async with session.post(path, **given) as response:
                assert response.status == 200
                assert len(ids(await response.json())) == 2


async def test_a_wrong_secret_is_not_let_in(url: str) -> None:
    """A signer signs with its secret, and shows it nowhere."""

    def use() -> None:
        auth = for_httpx.HawkAuth(KEY, "another-secret")
        assert httpx.get(f"{url}/v3/", auth=auth).status_code == 401
        assert KEY in repr(auth)
        assert "another" not in repr(auth)
        with pytest.raises(TypeError, match="whole body"):
            requests.post(url, data=iter([b"{}"]), auth=for_requests.HawkAuth(KEY, SECRET), timeout=10)

    await asyncio.to_thread(use)


async def test_our_own_client_searches_counts_and_scans(url: str) -> None:
    """Without any library of a search engine; an error says what the API said."""

    def use() -> None:
        with Stream(f"{url}/", KEY, SECRET) as stream:
            assert stream.count("objects") == stream.count("objects", KNOWN["query"]) == NUMBER
            assert len(ids(stream.search("activities", {"size": 3}))) == 3
            found = list(stream.scan("objects", KNOWN["query"], size=50, _source=["id"]))
            assert sorted(hit["_id"] for hit in found) == sorted({hit["_source"]["id"] for hit in found})
            assert len(found) == NUMBER
            with pytest.raises(Refused, match=r"400: unknown query \[wonder\]") as refusal:
                stream.search("objects", {"query": {"wonder": {}}})
            assert refusal.value.status == 400
        with Stream(url, KEY, "another-secret") as stream, pytest.raises(Refused, match="401: Incorrect"):
            stream.count("objects")

    await asyncio.to_thread(use)


@pytest.mark.npm
async def test_the_javascript_client_works(url: str) -> None:
    """OpenSearch's client for Node.js, with a connection that signs by the npm package hawk."""
    npm.require_package("@opensearch-project/opensearch")
    command = ["node", str(npm.INTEROP / "opensearch.mjs"), f"{url}/v3", KEY, SECRET]
    done = await asyncio.to_thread(
        subprocess.run, command, check=False, timeout=60, capture_output=True, text=True, cwd=npm.NPM
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "ping": True,
        "picked": NUMBER,
        "count": NUMBER,
        "scrolled": NUMBER,
        "found": [True, False],
    }
