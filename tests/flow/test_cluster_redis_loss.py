"""A Redis that starts again without its data while feeds are collected and readers ask."""

from collections.abc import Mapping
from pathlib import Path

import aiohttp
from mohawk import Sender

from tests.flow.processes import Client, client, settings, started
from tests.flow.reader import Reader, watched
from tests.flow.source import Source, served
from tests.services.redis_server import RedisServer

BASE = range(150)
CYCLE_SECONDS = 20.0
"""A lease's length, a full ingest, and what a busy machine adds."""


class Signed:
    """One signed request that can be sent again and again, byte for byte the same."""

    def __init__(self, api: Client) -> None:
        self._url = f"{api.url}/v2/activities"
        sender = Sender(api.credentials, self._url, "GET", content=b"", content_type="")
        self._headers = {
            "Authorization": sender.request_header,
            "Content-Type": "",
            "X-Forwarded-Proto": "http",
        }

    async def send(self) -> int:
        """The status of its answer."""
        async with aiohttp.ClientSession() as session, session.get(self._url, headers=self._headers) as response:
            return response.status


async def test_a_redis_that_forgot_everything_costs_one_cycle(
    tmp_path: Path, on_cluster: Mapping[str, str], redis_server: RedisServer
) -> None:
    """Within a full cycle all is as before; what was signed before is never good again; a source is asked by one."""
    source = Source()
    source.put(*BASE)
    source.delay = 0.03
    environ = settings(tmp_path, source.url, **on_cluster)
    async with served(source), started("incoming", environ=environ) as api_process:
        async with (
            client(await api_process.listening()) as api,
            started("outgoing", environ=environ) as one,
            started("outgoing", environ=environ) as two,
        ):
            api.no_answers |= {401}  # what was signed just before the restart might be signed a second time
            reader = Reader(api, source, BASE, patient=True)
            await reader.converges(30)
            used, unused = Signed(api), Signed(api)
            assert await used.send() == 200
            async with watched(reader) as watching:
                for _ in range(2):
                    source.put(2000, *list(BASE)[:20])
                    await redis_server.restart(lose_everything=True)
                    assert await used.send() in (401, 500)
                    assert await unused.send() in (401, 500)
                    source.drop(2000)
                    await reader.converges(CYCLE_SECONDS)
                    assert await used.send() == 401
                    assert not watching.done()
            assert await Signed(api).send() == 200
            assert source.most_at_once == 1
            for collector in (one, two):
                assert await collector.stop() == 0
