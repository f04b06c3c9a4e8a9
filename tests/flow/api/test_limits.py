"""What one key may ask: so much a second, so much at once; and that no key keeps another from being answered."""

import asyncio
import base64
import gzip
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from activity_stream.api import limits
from activity_stream.api.limits import Limits
from activity_stream.model import Alias, SearchAnswer, SearchLimits
from tests.flow.api.served import CALLERS, Served, serving

SEARCH = "/v3/activities/_search"


class Gate:
    """An index's search that the key `all` waits at until it is opened; `under_way` counts those that wait."""

    def __init__(self, api: Served) -> None:
        self.under_way = self.most = 0
        self.opened = asyncio.Event()
        self._search = api.index.search
        api.index.search = self.search  # type: ignore[method-assign]

    async def search(self, alias: Alias, body: bytes, *, scope: bytes | None = None) -> SearchAnswer:
        """The answer, once the gate is open; at once for who has a scope."""
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if scope is None:
                await self.opened.wait()
            return await self._search(alias, body, scope=scope)
        finally:
            self.under_way -= 1


@asynccontextmanager
async def gated(at_once: int) -> AsyncIterator[tuple[Served, Gate]]:
    """An API whose keys may send so many requests at once, with a gate in front of its index."""
    async with serving(Limits(at_once=at_once)) as api:
        await api.fill()
        gate = Gate(api)
        try:
            yield api, gate
        finally:
            gate.opened.set()


async def refused(api: Served, key: str = "all") -> tuple[int, str, str]:
    """Status, `Retry-After` and details of an answer."""
    status, names, answer = await api.send(SEARCH, b"", "GET", api.headers(SEARCH, b"", key=key))
    return status, names.get("retry-after", ""), json.loads(answer).get("details", "")


async def test_a_key_that_asks_too_fast_is_told_when_to_ask_again() -> None:
    """A second's worth at once, and then as the second goes by; another key is not concerned."""
    async with serving(Limits(per_second=2)) as api:
        assert [(await refused(api))[0] for _ in range(2)] == [200, 200]
        status, seconds, details = await refused(api)
        assert (status, seconds) == (429, "1")
        assert "2 times a second" in details
        assert (await refused(api, "public"))[0] == 200
        await api.clock.advance(0.5)
        assert [(await refused(api))[0] for _ in range(2)] == [200, 429]
        await api.clock.advance(100)
        assert [(await refused(api))[0] for _ in range(3)] == [200, 200, 429]


async def test_a_slow_rate_is_one_request_in_its_time() -> None:
    """Less than one a second: the wait that is asked for is as long as it takes."""
    async with serving(Limits(per_second=0.1)) as api:
        assert (await refused(api))[0] == 200
        assert (await refused(api))[:2] == (429, "10")


async def test_a_key_with_much_under_way_waits_and_others_do_not() -> None:
    """No more than allowed are worked on at once, all are answered in the end, and another key at once."""
    async with gated(at_once=2) as (api, gate):
        asked = [asyncio.create_task(api.ask(SEARCH)) for _ in range(8)]
        async with asyncio.timeout(10):
            while gate.under_way < 2:
                await asyncio.sleep(0.01)
            assert (await api.ask(SEARCH, key="public"))[0] == 200
            assert not any(task.done() for task in asked)
            gate.opened.set()
            assert [status for status, _ in await asyncio.gather(*asked)] == [200] * 8
        assert gate.most <= 3


async def test_what_waits_too_long_or_in_too_long_a_line_is_told_to_come_again(monkeypatch: Any) -> None:
    """A 429, with `Retry-After`, and nothing is held for ever."""
    monkeypatch.setattr(limits, "MOST_WAITING", 1)
    monkeypatch.setattr(limits, "WAIT_SECONDS", 0.5)
    async with gated(at_once=1) as (api, gate):
        first = asyncio.create_task(api.ask(SEARCH))
        async with asyncio.timeout(10):
            while gate.under_way < 1:
                await asyncio.sleep(0.01)
            second = asyncio.create_task(refused(api))
            await asyncio.sleep(0.1)
            assert (await refused(api))[:2] == (429, "1")
            status, seconds, details = await second
            assert (status, seconds) == (429, "1")
            assert "REQUESTS_AT_ONCE" in details
            gate.opened.set()
            assert (await first)[0] == 200


SMALL = {
    "all": CALLERS["all"],
    "small": msgspec.structs.replace(CALLERS["all"], key_id="small", limits=SearchLimits(body=200)),
}
"""Keys of which one may send bodies of 200 bytes."""


def of_length(number: int) -> bytes:
    """A body of so many bytes that cannot be packed to much less."""
    words = base64.b64encode(random.Random(1).randbytes(number))[: number - 40]
    return b'{"query":{"match":{"object.name":"%b"}}}' % words.ljust(number - 38, b"x")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_key_can_be_kept_to_small_bodies(packed: bool, is_chunked: bool) -> None:
    """As they are when they are unpacked: a byte more is a 413 that names the limit, and is signed; others are free."""
    async with serving(callers=SMALL) as api:
        for key, number, expected in (("small", 200, 200), ("small", 201, 413), ("all", 201, 200)):
            body = of_length(number)
            assert len(body) == number
            sent = gzip.compress(body) if packed else body
            headers = api.headers(SEARCH, body, "POST", key) | ({"Content-Encoding": "gzip"} if packed else {})
            data = _in_chunks(sent) if is_chunked else sent
            async with api.session.post(api.url + SEARCH, data=data, headers=headers) as response:
                assert response.status == expected
                assert "Server-Authorization" in response.headers
                if expected == 413:
                    details = "The body is larger than 200 bytes (SEARCH_LIMITS of this key); ask for less at once."
                    assert await response.json() == {"details": details}


async def _in_chunks(body: bytes) -> AsyncIterator[bytes]:
    yield body[:150]
    yield body[150:]


async def test_the_limit_of_a_body_is_of_several_searches_together_and_of_the_urls_source() -> None:
    """However a search comes; and what all may send at most is no more for a key that may send much."""
    async with serving(callers=SMALL, max_body_bytes=500) as api:
        lines = b'{"index":"objects"}\n{"size":0}\n'
        for number, expected in ((6, 200), (7, 413)):
            assert (await api.ask("/v3/_msearch", lines * number, "POST", "small"))[0] == expected
        source = json.dumps({"query": {"match": {"object.name": "word " * 40}}})
        for key, expected in (("small", 413), ("all", 200)):
            assert (await api.ask(f"{SEARCH}?source={quote(source)}", key=key))[0] == expected
        for key, text in (("all", "500 bytes (MAX_BODY_BYTES)"), ("small", "200 bytes (SEARCH_LIMITS")):
            status, answer = await api.ask(SEARCH, of_length(600), "POST", key)
            assert status == 413
            assert text in answer["details"]


async def test_the_limit_of_a_body_shows_to_nobody_who_has_not_signed() -> None:
    """Neither to who does not know the secret nor to who sends again what was signed: the answer is that of any key."""
    async with serving(callers=SMALL) as api:
        body = of_length(300)
        for key in SMALL:
            headers = api.headers(SEARCH, body, "POST", key)
            wrong = {**headers, "Authorization": headers["Authorization"].replace('mac="', 'mac="x')}
            status, names, answer = await api.send(SEARCH, body, "POST", wrong)
            assert (status, json.loads(answer)) == (401, {"details": "Incorrect authentication credentials."})
            assert "server-authorization" not in names
            assert (await api.send(SEARCH, body, "POST", headers))[0] == (413 if key == "small" else 200)
            status, _, again = await api.send(SEARCH, body, "POST", headers)
            assert (status, again) == (401, answer)


@pytest.mark.parametrize("path", ["/livez", "/checks/p1", "/metrics"])
async def test_what_is_open_to_all_has_no_limit(path: str) -> None:
    """An orchestrator that looks often is never told to wait."""
    async with serving(Limits(per_second=1)) as api:
        assert [(await api.send(path))[0] for _ in range(5)] == [200] * 5
