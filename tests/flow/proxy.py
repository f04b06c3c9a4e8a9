"""Stands between collectors and a real engine, and lets one request fail, in the way that a test asks for.

Each collector has a `Line` through it, an address of its own. What is asked for on a line has names, the *steps*:

    list all . list feed . version . create A . write A . visible write A to build|published . refresh A . count A
    switch (the change of aliases that publishes) . drop . delete                          A: activities or objects

and a number: "list all 2" is the second one of a full cycle. A cycle ends when the pair before is deleted.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from enum import StrEnum

import aiohttp
import msgspec
from aiohttp import web
from yarl import URL

HELD_SECONDS = 15.0
LATE_SECONDS = 1.6
"""Longer than the collectors of the tests wait for an answer."""

_NOT_OF_THE_CYCLE = ("search", "version", "drop")
"""What is asked once, or to measure, or after a failure."""

_SHRINKS = "/_bulk?"
"""A bulk request that is tried again may have less in it."""

_INDEX = re.compile(r"(?P<alias>activities|objects)__feed_id_[^*,/]+?__(?P<generation>date_[^,/?]+)")


class Fault(StrEnum):
    """What happens to a request."""

    LOST = "dropped before it is carried out"
    UNANSWERED = "carried out, and the answer dropped"
    BUSY = "429"
    BROKEN = "500"
    AWAY = "503"
    TRUNCATED = "carried out, and the answer cut off"
    PARTIAL = "some items 429, some 400"
    SILENT = "no answer, and never carried out"
    LATE = "no answer, and carried out late"
    HELD = "no answer, and carried out when the next generation is begun"
    EMPTY = "a refresh of a shard that is nowhere"


NOT_NOW: dict[str, object] = {"error": "told to fail"}
ANSWERS: dict[Fault | None, tuple[int, dict[str, object]]] = {
    Fault.BUSY: (429, NOT_NOW),
    Fault.BROKEN: (500, NOT_NOW),
    Fault.AWAY: (503, NOT_NOW),
    Fault.EMPTY: (200, {"_shards": {"total": 1, "successful": 0, "failed": 0}}),
}
"""What is answered without a word to the engine."""


class Point(msgspec.Struct, frozen=True):
    """The `number`th request of this name in a full cycle."""

    step: str
    number: int = 1

    def __str__(self) -> str:
        return f"{self.step} {self.number}"


class Line:
    """One collector's way to the engine. `begun` is told of each generation, before it is there.

    `cycles` is what was asked for in each cycle, the one under way included. `refuses` says of a line of a bulk request
    with which status its document is refused (0: it is stored).
    """

    def __init__(self, begun: Callable[[str], None]) -> None:
        self._begun = begun
        self._fault = Fault.LOST
        self._times = 0
        self._aims: set[Point] = set()
        self._struck: dict[str, int] = {}
        self._counts: Counter[str] = Counter()
        self._generation = ""
        self.cycles: list[list[Point]] = [[]]
        self.switches = 0
        self.created = asyncio.Event()
        self.refuses: Callable[[bytes], int] = lambda _: 0
        self._held: list[tuple[asyncio.Event, asyncio.Event]] = []

    def aim(self, points: Collection[Point], fault: Fault, times: int) -> None:
        """Let the requests at these points fail, each so many times if it is tried again."""
        self._aims, self._fault, self._times = set(points), fault, times
        self._struck.clear()

    @property
    def struck(self) -> bool:
        """Whether all of them have failed, as often as they were to."""
        return not self._aims and not any(self._struck.values())

    def came(self, method: str, path: str, body: bytes) -> tuple[str, Fault | None]:
        """The request's name, and what is to happen to it."""
        step = self._name(method, path, body)
        if step == "create activities":
            found = _INDEX.search(path)
            assert found is not None
            self._generation = found["generation"]
            self._begun(self._generation)
        request = f"{method} {path} {'' if _SHRINKS in path else body.hex()}"
        if self._struck.get(request, 0):
            self._struck[request] -= 1
            return step, self._fault
        self._counts[step] += 1
        point = Point(step, self._counts[step])
        if step.partition(" ")[0] not in _NOT_OF_THE_CYCLE:
            self.cycles[-1].append(point)
        if point not in self._aims:
            return step, None
        self._aims.remove(point)
        self._struck[request] = self._times - 1
        return step, self._fault

    async def release(self) -> None:
        """Let what is held be carried out now."""
        held, self._held = self._held, []
        for go, over in held:
            go.set()
            await over.wait()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Wait before it until `release`."""
        go, over = asyncio.Event(), asyncio.Event()
        self._held.append((go, over))
        with suppress(TimeoutError):
            await asyncio.wait_for(go.wait(), HELD_SECONDS)
        try:
            yield
        finally:
            over.set()

    def done(self, step: str) -> None:
        """The engine has carried it out."""
        if step == "create objects":
            self.created.set()
        if step == "switch":
            self.switches += 1
        if step == "delete":
            self._counts.clear()
            self.cycles.append([])

    def _name(self, method: str, path: str, body: bytes) -> str:
        place, _, query = path.partition("?")
        found = _INDEX.search(place)
        alias = found["alias"] if found else ""
        last = place.rpartition("/")[2]
        if last == "_aliases":
            return "drop" if b"remove_index" in body else "switch"
        if last == "_alias":
            return "list all" if "__feed_id_*" in place else "list feed"
        if last == "_bulk" and "refresh=true" in query:
            build = found is not None and found["generation"] == self._generation
            return f"visible write {alias} to {'build' if build else 'published'}"
        kinds = {"_bulk": "write", "_refresh": "refresh", "_count": "count", "_search": "search", "": "version"}
        kind = kinds.get(last, {"PUT": "create", "DELETE": "delete"}.get(method, method))
        return kind if kind in ("version", "delete") else f"{kind} {alias}"


class Proxy:
    """Passes requests on to the engine at `engine`; each line has its own prefix of the path."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._lines: dict[str, Line] = {}
        self._session: aiohttp.ClientSession
        self.url = ""

    def add(self, name: str, line: Line) -> str:
        """The address of a new line."""
        self._lines[name] = line
        return f"{self.url}/{name}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen on a free port."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{line}/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=LATE_SECONDS + 2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as self._session:
                yield
                await runner.cleanup()
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        line = self._lines[request.match_info["line"]]
        path = request.raw_path.removeprefix(f"/{request.match_info['line']}")
        body = await request.read()
        step, fault = line.came(request.method, path, body)
        if fault in ANSWERS:
            return web.json_response(ANSWERS[fault][1], status=ANSWERS[fault][0])
        if fault in (Fault.SILENT, Fault.LATE):
            await asyncio.sleep(LATE_SECONDS)
        if fault in (Fault.LOST, Fault.SILENT):
            return _dropped(request)
        if step in ("drop", "create activities"):
            await line.release()
        if fault is Fault.HELD:
            async with line.held():
                await self._pass_on(request, path, body, line.refuses)
            return _dropped(request)
        refuses = line.refuses if fault is not Fault.PARTIAL else _Thirds()
        status, answer = await self._pass_on(request, path, body, refuses)
        if status < 300:
            line.done(step)
        if fault in (Fault.UNANSWERED, Fault.LATE):
            return _dropped(request)
        if fault is Fault.TRUNCATED:
            return await _cut_off(request, status, answer)
        return web.Response(body=answer, status=status, content_type="application/json")

    async def _pass_on(
        self, request: web.Request, path: str, body: bytes, refuses: Callable[[bytes], int]
    ) -> tuple[int, bytes]:
        if not request.path.endswith("/_bulk"):
            return await self._ask(request, path, body)
        lines = body.splitlines(keepends=True)
        documents = list(zip(lines[::2], lines[1::2], strict=True))
        refusals = [refuses(head) for head, _ in documents]
        left = b"".join(head + source for (head, source), no in zip(documents, refusals, strict=True) if not no)
        status, answer = await self._ask(request, path, left) if left else (200, b'{"items":[]}')
        if status >= 300 or not any(refusals):
            return status, answer
        carried_out = iter(msgspec.json.decode(answer)["items"])
        items = [_refusal(no) if no else next(carried_out) for no in refusals]
        return status, msgspec.json.encode({"errors": True, "items": items})

    async def _ask(self, request: web.Request, path: str, body: bytes) -> tuple[int, bytes]:
        kind = {"Content-Type": request.headers["Content-Type"]} if body else {}
        url = URL(self._engine + path, encoded=True)
        async with self._session.request(request.method, url, data=body or None, headers=kind) as response:
            return response.status, await response.read()


class _Thirds:
    """Of three documents one is refused as busy, one for good, and one is stored."""

    def __init__(self) -> None:
        self._seen = 0

    def __call__(self, _: bytes) -> int:
        self._seen += 1
        return (0, 429, 400)[self._seen % 3]


def _refusal(status: int) -> dict[str, object]:
    kind = "rejected_execution_exception" if status == 429 else "mapper_parsing_exception"
    return {"index": {"status": status, "error": {"type": kind, "reason": "told to refuse it"}}}


def _dropped(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _cut_off(request: web.Request, status: int, answer: bytes) -> web.StreamResponse:
    response = web.StreamResponse(status=status)
    response.content_length = len(answer) + 100
    await response.prepare(request)
    await response.write(answer)
    if request.transport is not None:
        request.transport.close()
    return response
