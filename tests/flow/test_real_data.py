"""The real activities and page shapes of `tests/data`, from a source over HTTP to hits."""

import asyncio
import json
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.flow.processes import Client, client, settings, started

DATA = Path(__file__).parent.parent / "data"


def activities() -> list[dict[str, Any]]:
    """Every real activity."""
    lines = (DATA / "activities.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)["activity"] for line in lines]


def pages(items: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The items behind every way in which a source says what comes next; the raw path and query is the key."""
    third = len(items) // 3
    empty = "/empty?after=1326542402.0_3"
    repeated = "/p?cursor=2019-06-17+16%3A02%3A28.796549%2B00%3A00&cursor=856b95f1"
    return {
        "/start": {"type": "OrderedCollection", "totalItems": 9, "first": repeated},
        repeated: {
            "type": "OrderedCollectionPage",
            "orderedItems": items[:third],
            "next": empty,
        },
        empty: {"type": "Collection", "orderedItems": [], "next": "relative/json/?c=MjAy=="},
        "/relative/json/?c=MjAy==": {
            "orderedItems": items[third : 2 * third],
            "next": {"type": "Link", "href": "/items"},
        },
        "/items": {"type": "CollectionPage", "items": items[2 * third :], "next": "/last", "previous": "/start"},
        "/last": {"type": "Collection", "orderedItems": items[-1], "next": None},
    }


async def found(api: Client, alias: str) -> dict[str, Any]:
    """Everything that can be seen: id -> source."""
    hits = (await api.search(alias, {"size": 1000}))["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


async def test_every_real_activity_and_page_shape_goes_through(tmp_path: Path) -> None:
    """Each item with an id is found as it was sent, its object too; what is no feed harms no other feed."""
    items = activities()
    served = pages(items)

    async def answer(request: web.Request) -> web.Response:
        if request.raw_path == "/secret":
            return web.json_response({"secret": "content-for-pen-test"})
        assert "Content-Type" not in request.headers
        return web.Response(text=json.dumps(served[request.raw_path]), content_type="text/html")

    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host = f"http://127.0.0.1:{runner.addresses[0][1]}"
    wanted = {item["id"]: item for item in items if isinstance(item.get("id"), str)}
    try:
        environ = settings(tmp_path, host + "/start", host + "/secret")
        async with started("run", environ=environ) as process, client(await process.listening()) as api:
            async with asyncio.timeout(20):
                while not (seen := await found(api, "activities")):
                    await asyncio.sleep(0.05)
            assert seen == wanted
            objects = await found(api, "objects")
            for item in wanted.values():
                thing = item.get("object")
                if isinstance(thing, dict) and isinstance(thing.get("id"), str):
                    assert thing["id"] in objects
            refused = await process.line(r"outgoing,b,.*secret", 10)
            assert refused
    finally:
        await runner.cleanup()
