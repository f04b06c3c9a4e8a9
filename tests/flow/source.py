"""A source that a test drives: real HTTP, items ordered by their last change, a cursor in `next`."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

PREFIX = "dit:test"


class Source:
    """A feed of numbered items, each with a version; changing one moves it to the end, as real sources do."""

    def __init__(self, name: str = "a", page_size: int = 50) -> None:
        self.name = name
        self.page_size = page_size
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/feed/0"
        self.requests = 0
        self.most_at_once = 0
        self.fail_with: int | None = None
        self.delay = 0.0
        self._now = 0
        self._under_way = 0
        self._items: dict[str, tuple[int, int]] = {}

    def put(self, *numbers: int) -> None:
        """Add the items, or change them: one version more."""
        for number in numbers:
            key = self.key(number)
            version = self._items.pop(key, (0, 0))[1]
            self._now += 1
            self._items[key] = (self._now, version + 1)

    def drop(self, *numbers: int) -> None:
        """Delete the items."""
        for number in numbers:
            self._items.pop(self.key(number), None)

    def key(self, number: int) -> str:
        """The id of an item's object."""
        return f"{PREFIX}:{self.name}:{number}"

    def versions(self) -> dict[str, int]:
        """What there is now: object id -> version."""
        return {key: version for key, (_, version) in self._items.items()}

    async def answer(self, request: web.Request) -> web.Response:
        """One page: the items changed after the cursor, and `next` while there are any."""
        self._under_way += 1
        self.requests += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            await asyncio.sleep(self.delay)
            if self.fail_with is not None:
                return web.Response(status=self.fail_with, text="not now")
            after = int(request.match_info["after"])
            changed = [(at, key, version) for key, (at, version) in self._items.items() if at > after]
            page = sorted(changed)[: self.page_size]
            return web.json_response(text=self._page(page))
        finally:
            self._under_way -= 1

    def _page(self, rows: list[tuple[int, str, int]]) -> str:
        page: dict[str, Any] = {"type": "Collection", "orderedItems": [self._item(*row) for row in rows]}
        if rows:
            page["next"] = f"/feed/{rows[-1][0]}"
        return json.dumps(page)

    def _item(self, at: int, key: str, version: int) -> dict[str, Any]:
        published = f"2026-01-01T{at // 3600 % 24:02}:{at // 60 % 60:02}:{at % 60:02}Z"
        thing = {"id": key, "type": [f"{PREFIX}:Thing"], "name": f"thing {key}", "dit:version": version}
        return {"id": f"{key}:Update", "type": "Update", "published": published, "object": thing}


@asynccontextmanager
async def served(*sources: Source) -> AsyncIterator[None]:
    """Serve the sources, each on a port of its own."""
    runners = []
    try:
        for source in sources:
            app = web.Application()
            app.router.add_get("/feed/{after}", source.answer)
            runner = web.AppRunner(app, access_log=None)
            runners.append(runner)
            await runner.setup()
            await web.SockSite(runner, source.socket).start()
        yield
    finally:
        for runner in runners:
            await runner.cleanup()
