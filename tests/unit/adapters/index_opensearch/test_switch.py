"""What arrives late changes nothing."""

import asyncio

import msgspec
import pytest

from activity_stream.adapters.clock import SystemClock
from activity_stream.adapters.index_opensearch.client import JSON, Client, Reply
from activity_stream.adapters.index_opensearch.index import OpenSearchIndex
from activity_stream.errors import LeaseLost
from activity_stream.fields import searchable_fields
from activity_stream.model import Activity
from tests.services.jvm import ask


class Slow(Client):
    """Holds its changes of aliases back until it is told to let them go."""

    def __init__(self, url: str) -> None:
        super().__init__(url, SystemClock())
        self.waits_now = asyncio.Event()
        self.let_go = asyncio.Event()

    async def once(self, method: str, path: str, body: bytes = b"", kind: str = JSON) -> Reply:
        """One try, when its time has come."""
        if path == "/_aliases":
            self.waits_now.set()
            await self.let_go.wait()
        return await super().once(method, path, body, kind)


def made(client: Client) -> OpenSearchIndex:
    """An index that asks by this client."""
    return OpenSearchIndex(client, searchable_fields(), SystemClock())


async def test_a_take_over_that_arrives_late_takes_nothing_from_a_newer_one(empty_engine: str) -> None:
    """single: a collector that was stopped in the middle of taking a feed over gets no right to write to it."""
    if ask(empty_engine)["version"]["number"].startswith(("7.", "1.")):
        pytest.skip("this engine looks before it changes an alias, and cannot do both in one step")
    first, slow = made(Client(empty_engine, SystemClock())), Slow(empty_engine)
    late = made(slow)
    generation = await first.begin("a", lease=4)
    await first.publish(generation, lease=4)
    taking = asyncio.create_task(late.fence("a", 5))
    await asyncio.wait_for(slow.waits_now.wait(), 10)
    await first.fence("a", 6)
    slow.let_go.set()
    with pytest.raises(LeaseLost):
        await asyncio.wait_for(taking, 10)
    activity = Activity("a:1", msgspec.json.encode({"id": "a:1"}))
    with pytest.raises(LeaseLost):
        await late.write([generation], [activity], visible=True, lease=5)
    await first.write([generation], [activity], visible=True, lease=6)
    assert (await first.count(generation)).activities == 1
    await first.close()
    await late.close()
