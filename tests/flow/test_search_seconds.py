"""A search has so long and no longer: then its answer says so, and what worked on it works for others."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.flow.processes import Client, client, settings, started
from tests.flow.source import Source, served

NUMBER = 2000
SLOW_KEY = {"INCOMING_ACCESS_KEY_PAIRS__1__SEARCH_SECONDS": "0.2"}
SCRIPT = "double x = 0; for (int i = 0; i < 40000; i++) { x += Math.sin(x + i) } return x > 1e9"


def slow(stores: Mapping[str, str]) -> dict[str, Any]:
    """What takes many times as long as the key has: on a cluster a script, embedded buckets within buckets."""
    if stores:
        return {"query": {"bool": {"filter": [{"script": {"script": SCRIPT}}]}}}
    aggs: dict[str, Any] = {}
    for name in "abcdefghijkl":
        aggs = {name: {"terms": {"field": "id", "size": NUMBER}, **({"aggs": aggs} if aggs else {})}}
    return {"size": 0, "aggs": aggs}


async def ask(api: Client, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
    """The status and the JSON of an answer."""
    status, answer = await api.ask(path, msgspec.json.encode(body), "POST")
    return status, msgspec.json.decode(answer)


async def collected(api: Client) -> None:
    """Wait until all is there."""
    async with asyncio.timeout(40):
        while len(await api.versions()) < NUMBER:
            await asyncio.sleep(0.1)


async def test_a_search_that_takes_too_long_is_given_up(stores: Mapping[str, str], tmp_path: Path) -> None:
    """200 with `timed_out` and nothing in it, soon after the key's time; a count and a scroll, which would be taken for
    whole, are a 503. Others are answered afterwards."""
    source = Source(page_size=500)
    source.put(*range(NUMBER))
    environ = settings(tmp_path, source.url, **stores, **SLOW_KEY)
    async with served(source), started("run", environ=environ) as process, client(await process.listening()) as api:
        await collected(api)
        body = slow(stores)
        answers = [ask(api, "/v3/activities/_search", body) for _ in range(3)]
        for status, answer in await asyncio.gather(*answers):
            assert (status, answer["timed_out"]) == (200, True)
            assert answer["hits"] == {"total": {"value": 0, "relation": "gte"}, "max_score": None, "hits": []}
            assert "aggregations" not in answer
        async with asyncio.timeout(15):
            while (await ask(api, "/v3/activities/_search", {"size": 1}))[1]["timed_out"]:
                await asyncio.sleep(0.1)
        if stores:
            status, answer = await ask(api, "/v3/activities/_count", {"query": body["query"]})
            assert status == 503
            assert "SEARCH_SECONDS" in answer["error"]["reason"]
        status, answer = await ask(api, "/v3/activities/_search?scroll=1m", {**body, "size": 10})
        assert status == 503


@pytest.mark.parametrize(("timeout", "is_over"), [("1ms", True), ("10m", False)])
async def test_a_search_can_have_less_time_if_it_says_so(tmp_path: Path, timeout: str, *, is_over: bool) -> None:
    """The body's `timeout`, or the URL's; a longer one than the key has changes nothing."""
    source = Source(page_size=500)
    source.put(*range(NUMBER))
    environ = settings(tmp_path, source.url)
    async with served(source), started("run", environ=environ) as process, client(await process.listening()) as api:
        await collected(api)
        body = slow({}) if is_over else {"size": 1}
        status, answer = await ask(api, "/v3/activities/_search", {**body, "timeout": timeout})
        assert (status, answer["timed_out"]) == (200, is_over)
        status, answer = await ask(api, f"/v3/activities/_search?timeout={timeout}", body)
        assert (status, answer["timed_out"]) == (200, is_over)
