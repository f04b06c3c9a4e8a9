"""What one key may ask: so much a second, so much at once; and that no key keeps another from being answered."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from activity_stream.api import limits
from activity_stream.api.limits import Limits
from activity_stream.model import Alias, SearchAnswer
from tests.flow.api.served import Served, serving

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


@pytest.mark.parametrize("path", ["/livez", "/checks/p1", "/metrics"])
async def test_what_is_open_to_all_has_no_limit(path: str) -> None:
    """An orchestrator that looks often is never told to wait."""
    async with serving(Limits(per_second=1)) as api:
        assert [(await api.send(path))[0] for _ in range(5)] == [200] * 5
