"""The API over real HTTP on a free port, on a memory index and state, with a clock that is moved by hand."""

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from activity_stream import hawk
from activity_stream.api.app import make_app
from activity_stream.api.guard import Key
from activity_stream.api.limits import Limits
from activity_stream.api.parts import Parts
from activity_stream.fields import searchable_fields
from activity_stream.logs import Log
from activity_stream.model import Activity, Alias, Caller, Grant, GrantKind
from activity_stream.testing.memory_index import MemoryIndex
from activity_stream.testing.memory_state import MemoryState
from activity_stream.testing.moved_clock import MovedClock

SECRET = "a-secret-that-is-long-enough"
ALL = {alias: (Grant(GrantKind.MATCH_ALL),) for alias in Alias}
PUBLIC = {
    Alias.ACTIVITIES: (Grant(GrantKind.TERMS, "object.type", ("public",)),),
    Alias.OBJECTS: (Grant(GrantKind.TERMS, "type", ("public",)),),
}
UNLIMITED = Limits()
CALLERS = {
    "all": Caller("all", grants=ALL),
    "public": Caller("public", grants=PUBLIC),
    "none": Caller("none"),
    "gets": Caller("gets", methods=frozenset({"GET"})),
    "posts": Caller("posts", methods=frozenset({"POST"})),
}


def activity(number: int, kind: str) -> Activity:
    """A small activity; every document's name has the word `word`."""
    thing = {"id": f"thing:{number}", "type": kind, "name": f"word number{number}", "content": f"{kind} word"}
    item = {"id": f"act:{number}", "published": f"2026-01-01T00:00:{number:02}Z", "object": thing}
    return Activity(f"act:{number}", json.dumps(item).encode(), f"thing:{number}", json.dumps(thing).encode())


class Served:
    """A running API, and a client for it that can also send what is wrong."""

    def __init__(self, index: MemoryIndex, state: MemoryState, clock: MovedClock) -> None:
        self.index, self.state, self.clock = index, state, clock
        self.url = ""
        self.session = aiohttp.ClientSession()

    async def fill(self, feed: str = "f", numbers: range = range(20)) -> None:
        """Publish a generation: every second activity is `public`, the others `secret`."""
        generation = await self.index.begin(feed)
        rows = [activity(number, "secret" if number % 2 else "public") for number in numbers]
        await self.index.write([generation], rows, visible=False)
        await self.index.publish(generation)

    def headers(
        self, path: str, body: bytes, method: str = "GET", key: str = "all", kind: str = "application/json"
    ) -> dict[str, str]:
        """The headers of a right request."""
        target = hawk.target_of(method, self.url + path)
        signed = hawk.sign(target, key, SECRET, int(self.clock.now()), os.urandom(6).hex(), kind, body)
        return {"Authorization": hawk.authorization(signed), "Content-Type": kind, "X-Forwarded-Proto": "http"}

    async def send(
        self, path: str, body: bytes = b"", method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (lower case) and body of the answer; the path goes out byte for byte."""
        url = URL(self.url + path, encoded=True)
        request = self.session.request(
            method, url, data=body or None, headers=headers, skip_auto_headers=["Content-Type", "User-Agent"]
        )
        async with request as response:
            names = {name.lower(): value for name, value in response.headers.items()}
            return response.status, names, await response.read()

    async def ask(self, path: str, body: Any = None, method: str = "GET", key: str = "all") -> tuple[int, Any]:
        """Status and JSON of the answer to a right request."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        status, _, answer = await self.send(path, content, method, self.headers(path, content, method, key))
        return status, json.loads(answer)


@asynccontextmanager
async def serving(limits: Limits = UNLIMITED, **more: Any) -> AsyncIterator[Served]:
    """The API with the callers above, and a clock, an index and a state of its own, unless others are given."""
    clock = more.pop("clock", None) or MovedClock()
    index = more.pop("index", None) or MemoryIndex(searchable_fields(), clock)
    await index.open(write=True)
    state = more.pop("state", None) or MemoryState(clock)
    await state.open()
    served = Served(index, state, clock)

    async def health() -> list[tuple[str, bool]]:
        return [("good", True), ("bad", False)]

    async def exposition() -> bytes:
        return b"# HELP x y\n"

    parts = Parts(
        index=index,
        fields=searchable_fields(),
        state=state,
        clock=clock,
        log=Log("incoming"),
        health=more.pop("health", health),
        exposition=exposition,
        started_at=clock.now(),
        keys={name: Key(SECRET, caller, limits) for name, caller in more.pop("callers", CALLERS).items()},
        **more,
    )
    runner = web.AppRunner(make_app(parts), access_log=None, auto_decompress=False)
    try:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield served
    finally:
        await served.session.close()
        await runner.cleanup()


WHITELIST = (ip_network("1.2.3.4"), ip_network("10.1.0.0/16"), ip_network("2001:db8::/32"))
