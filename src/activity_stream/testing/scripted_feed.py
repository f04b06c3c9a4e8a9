"""A source in memory, whose items and failures a test decides: what a collector collects, without a network."""

import random
from collections import deque
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, urlsplit

import msgspec

from activity_stream.errors import SourceBusy, SourceRefused, SourceUnavailable
from activity_stream.ports import Clock, Request, Response
from activity_stream.retry import TRIES_IN_A_ROW, retry_after


class Failure(msgspec.Struct, frozen=True):
    """What happens to one answer, first come first served.

    `delay` seconds pass before it; then comes `status` if it is not 200, with `headers`; or no answer at all if `lost`;
    or the page with only the first `keep` bytes; or `body` in place of the page.
    """

    delay: float = 0.0
    status: int = 200
    headers: Mapping[str, str] = {}
    lost: bool = False
    keep: int | None = None
    body: bytes | None = None


class _Row(msgspec.Struct, frozen=True):
    """An item: its activity's JSON, and its place in the order of changes."""

    source: bytes
    changed: int


class ScriptedSource:
    """A Fetcher that is its own source: items ordered by their last change, pages by a cursor in `next`.

    `put` adds an item or makes a newer version of it, which moves it to the end, as real sources do. As long as a page
    has items it has `next`, so the last page is empty. `most_at_once` is the largest number of requests that were ever
    under way together; `requests` counts them.
    """

    def __init__(
        self, clock: Clock, *, name: str = "scripted", page_size: int = 10, host: str = "http://source.example"
    ) -> None:
        self._clock = clock
        self._name = name
        self._page_size = page_size
        self.seed = f"{host}/{name}?after=0"
        self.requests = 0
        self.most_at_once = 0
        self.failures: deque[Failure] = deque()
        self.asked: list[str] = []
        self._under_way = 0
        self._changes = 0
        self._rows: dict[str, _Row] = {}
        self._versions: dict[str, int] = {}

    def put(self, key: str) -> int:
        """Add the item, or change it: its version, from 1, one more than it ever had."""
        version = self._versions[key] = self._versions.get(key, 0) + 1
        self.put_raw(key, self.activity(key, version))
        return version

    def put_raw(self, key: str, source: bytes) -> None:
        """Add or change an item that is whatever JSON, or none."""
        self._rows.pop(key, None)
        self._rows[key] = _Row(source, self._next_change())

    def drop(self, key: str) -> None:
        """Delete the item; no error where there is none."""
        self._rows.pop(key, None)

    def touch(self, key: str) -> None:
        """List the item again at the end, the same as it was."""
        self.put_raw(key, self._rows[key].source)

    def shuffle(self, chance: random.Random) -> None:
        """Put all items into another order; cursors that were given out go on from where they were in the old one."""
        keys = list(self._rows)
        places = sorted(row.changed for row in self._rows.values())
        chance.shuffle(keys)
        self._rows = {key: _Row(self._rows[key].source, changed) for key, changed in zip(keys, places, strict=True)}

    def fail(self, *failures: Failure) -> None:
        """What is to happen to the next answers, one each."""
        self.failures.extend(failures)

    def keys(self) -> list[str]:
        """The items there are, in the source's order."""
        return list(self._rows)

    def activity_id(self, key: str) -> str:
        """The id of the item's activity."""
        return f"{self.object_id(key)}:Update"

    def object_id(self, key: str) -> str:
        """The id of the item's object."""
        return f"dit:{self._name}:{key}"

    def activity(self, key: str, version: int) -> bytes:
        """The JSON of an item in a version, which `object.dit:version` tells, and its second type whether it is odd."""
        kinds = ["dit:Scripted", "dit:Odd" if version % 2 else "dit:Even"]
        return msgspec.json.encode(
            {
                "id": self.activity_id(key),
                "type": "Update",
                "published": "2026-01-01T00:00:00Z",
                "object": {"id": self.object_id(key), "type": kinds, "name": key, "dit:version": version},
            }
        )

    def stored(self) -> dict[str, bytes]:
        """What a reader must find once all is collected: the JSON of each activity by its item's key."""
        return {key: row.source for key, row in self._rows.items()}

    async def fetch(self, request: Request, on_wait: Callable[[float], None]) -> Response:
        """One page, or what `fail` ordered instead."""
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            for tries_left in range(TRIES_IN_A_ROW, -1, -1):
                failure = await self._next_failure(request.url)
                wait = self._wait(failure)
                if wait is None:
                    return self._answer(request.url, failure)
                if tries_left:
                    on_wait(wait)
                    await self._clock.sleep(wait)
        finally:
            self._under_way -= 1
        raise SourceBusy(f"{self.seed} is still busy after {TRIES_IN_A_ROW} tries more")

    async def close(self) -> None:
        """Nothing to end."""

    async def _next_failure(self, url: str) -> Failure:
        self.requests += 1
        self.asked.append(url)
        failure = self.failures.popleft() if self.failures else Failure()
        await self._clock.sleep(failure.delay)
        return failure

    def _wait(self, failure: Failure) -> float | None:
        if failure.status not in (429, 503):
            return None
        return retry_after(failure.headers.get("retry-after"), self._clock.now())

    def _answer(self, url: str, failure: Failure) -> Response:
        if failure.lost:
            raise SourceUnavailable(f"{self.seed} did not answer")
        if failure.status >= 500:
            raise SourceUnavailable(f"{self.seed} answered {failure.status}")
        if failure.status == 429:
            raise SourceBusy(f"{self.seed} answered 429 without Retry-After")
        if not 200 <= failure.status < 300:
            raise SourceRefused(f"{self.seed} answered {failure.status}")
        body = self.page(url) if failure.body is None else failure.body
        return Response(url, failure.status, failure.headers, body[: failure.keep])

    def page(self, url: str) -> bytes:
        """The page at an address: the items changed after its cursor."""
        after = int(parse_qs(urlsplit(url).query)["after"][0])
        rows = sorted((row for row in self._rows.values() if row.changed > after), key=lambda row: row.changed)
        listed = rows[: self._page_size]
        following = f',"next":"?after={listed[-1].changed}"' if listed else ""
        items = b",".join(row.source for row in listed)
        return b'{"type":"Collection","orderedItems":[' + items + b"]" + following.encode() + b"}"

    def _next_change(self) -> int:
        self._changes += 1
        return self._changes
