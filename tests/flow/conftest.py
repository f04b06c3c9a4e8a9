"""The stores that real processes run on: files, or a real engine and a real Redis of the test's own."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import pytest

from tests.services.available import require
from tests.services.engines import names_to_test
from tests.services.jvm import EngineFailedError
from tests.services.redis_server import RedisServer, servers
from tests.services.server import Servers, empty

EMPTYINGS = 4


@asynccontextmanager
async def running_redis() -> AsyncIterator[RedisServer]:
    """A Redis without data."""
    found = servers()
    if not found:
        require("there is no Redis server here: make services fetches one")
    server = RedisServer(found[min(found)])
    try:
        await server.start()
        yield server
    finally:
        await server.stop()


@pytest.fixture
async def redis_server() -> AsyncIterator[RedisServer]:
    """A Redis of the test's own."""
    async with running_redis() as server:
        yield server


def emptied(url: str) -> str:
    """The engine's address, once nothing is left in it; what a killed collector had sent may still come to pass."""
    for _ in range(EMPTYINGS - 1):
        with suppress(EngineFailedError):
            empty(url)
            return url
        time.sleep(0.5)
    empty(url)
    return url


@pytest.fixture
def on_cluster(engine: str, redis_server: RedisServer) -> Mapping[str, str]:
    """The settings of a real engine and a real Redis, both empty."""
    return {"INDEX_URL": emptied(engine), "STATE_URL": redis_server.url}


@pytest.fixture(params=["embedded+sqlite", *(f"{name}+redis" for name in names_to_test())])
async def stores(request: pytest.FixtureRequest, engine_servers: Servers) -> AsyncIterator[Mapping[str, str]]:
    """The settings of the stores: none for the files in DATA_DIR, or those of a real engine and a real Redis."""
    engine, _, state = request.param.partition("+")
    if state == "sqlite":
        yield {}
        return
    url = emptied(engine_servers.url(engine))
    async with running_redis() as server:
        yield {"INDEX_URL": url, "STATE_URL": server.url}
