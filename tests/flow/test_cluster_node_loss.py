"""A cluster of three nodes loses one in the middle of a full ingest."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.flow.conftest import running_redis
from tests.flow.processes import client, settings, started
from tests.flow.reader import Reader, watched
from tests.flow.source import Source, served
from tests.services.cluster import Cluster
from tests.services.jvm import ask

BASE = range(2500)
NODES = 3


def manager(url: str) -> str:
    """The address of the node that manages the cluster: the one whose loss costs most."""
    found: Mapping[str, Any] = ask(f"{url}/_nodes/_master/http")["nodes"]
    return "http://" + str(next(iter(found.values()))["http"]["publish_address"])


async def until_whole(url: str, nodes: int) -> None:
    """Wait until so many nodes are there and have all copies."""
    path = f"/_cluster/health?wait_for_nodes={nodes}&wait_for_status=green&timeout=25s"
    health = await asyncio.to_thread(ask, url + path, allowed=(408,))
    assert not health["timed_out"], health


class LongSource(Source):
    """A source of many pages, which tells when it was asked for one in the middle."""

    def __init__(self) -> None:
        super().__init__(page_size=100)
        self.delay = 0.1
        self.middle = asyncio.Event()
        self.put(5000, *BASE)

    async def answer(self, request: web.Request) -> web.Response:
        """One page, as `Source` says."""
        if 1000 <= int(request.match_info["after"]) <= 2000:
            self.middle.set()
        return await super().answer(request)

    async def is_in_the_middle(self) -> None:
        """Wait for the next time that a page in the middle is asked for."""
        self.middle.clear()
        await asyncio.wait_for(self.middle.wait(), 30)


@pytest.mark.timeout(180)
async def test_a_node_is_lost_during_a_full_ingest(tmp_path: Path) -> None:
    """Readers see whole generations, nothing goes back, the ingest comes to its end; so too when the node is back."""
    cluster = Cluster(NODES)
    urls = await asyncio.to_thread(cluster.start)
    try:
        async with running_redis() as redis:
            lost = urls.index(await asyncio.to_thread(manager, urls[0]))
            stays = urls[(lost + 1) % NODES]
            await story(tmp_path, cluster, lost, {"INDEX_URL": stays, "STATE_URL": redis.url})
    finally:
        await asyncio.to_thread(cluster.stop)


async def story(directory: Path, cluster: Cluster, lost: int, stores: Mapping[str, str]) -> None:
    """Collect, lose the node, change the source, and have it back, while a reader watches."""
    source = LongSource()
    environ = settings(directory, source.url, FEEDS__1__FULL_INGEST_INTERVAL="1", **stores)
    async with served(source), started("incoming", environ=environ) as api_process:
        async with (
            client(await api_process.listening()) as api,
            started("outgoing", environ=environ) as collector,
        ):
            reader = Reader(api, source, BASE, patient=True)
            await reader.converges(60)
            async with watched(reader) as watching:
                await source.is_in_the_middle()
                await asyncio.to_thread(cluster.lose, lost)
                source.put(*range(50))
                source.drop(5000)
                await reader.converges(60)
                await asyncio.to_thread(cluster.back, lost)
                await until_whole(stores["INDEX_URL"], NODES)
                source.put(5001, *range(50))
                await reader.converges(60)
                assert not watching.done()
            print(f"{reader.looks} looks, {reader.unanswered} without an answer")
            assert reader.looks > reader.unanswered
            assert source.most_at_once == 1
            assert await collector.stop() == 0
