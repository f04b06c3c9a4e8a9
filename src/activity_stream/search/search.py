"""The caller's query, narrowed by the caller's grants, and asked."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import msgspec

from activity_stream.errors import SearchRefused
from activity_stream.grants import filter_of, is_unrestricted, sees_everything
from activity_stream.model import Alias, Caller, SearchAnswer, SearchLimits
from activity_stream.ports import Index
from activity_stream.search.bodies import read_object
from activity_stream.search.durations import milliseconds
from activity_stream.search.parse import parse_body
from activity_stream.search.refusals import refused
from activity_stream.search.safe import narrowed

_NOTHING = (
    b'{"took":%d,"timed_out":true,"_shards":{"total":1,"successful":1,"skipped":0,"failed":0},'
    b'"hits":{"total":{"value":0,"relation":"gte"},"max_score":null,"hits":[]}}'
)

_USUAL = SearchLimits()

Running = Callable[[Caller, Alias, bytes], Awaitable[SearchAnswer]]
"""Asks for a caller, as `Searches.run` does."""


class Searches:
    """Asks an index for callers. The API and the command line both go through here."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._scopes: dict[tuple[str, Alias], tuple[Caller, bytes]] = {}

    async def run(self, caller: Caller, alias: Alias, body: bytes) -> SearchAnswer:
        """The index's answer to a search body (empty: everything), over what the caller may see.

        What the index refuses is an answer too, with the index's status; and so is that it took too long: it finds
        nothing, and says `timed_out`. Raises BadRequest where the body is not a JSON
        object, IndexUnavailable.
        """
        given = read_object(body)
        seconds = _seconds(given.get("timeout"), caller.search_seconds)
        try:
            async with asyncio.timeout(seconds):
                return await self._run(caller, alias, body if given else b"")
        except SearchRefused as refusal:
            return SearchAnswer(refusal.status, refusal.body)
        except TimeoutError:
            return SearchAnswer(200, _NOTHING % int(seconds * 1000), timed_out=True)

    async def whole(self, caller: Caller, alias: Alias, body: bytes) -> SearchAnswer:
        """As `run`, for who cannot tell nothing from no answer: a search that took too long is an answer with 503."""
        answer = await self.run(caller, alias, body)
        if not answer.timed_out:
            return answer
        refusal = refused(
            "timeout_exception",
            f"it took longer than a search of this key may, {caller.search_seconds:g} s (SEARCH_SECONDS), or than its "
            "[timeout] says; ask for less at once",
            status=503,
        )
        return SearchAnswer(refusal.status, refusal.body, timed_out=True)

    async def root(self) -> bytes:
        """The index's root document."""
        return await self._index.root()

    async def _run(self, caller: Caller, alias: Alias, body: bytes) -> SearchAnswer:
        if msgspec.structs.replace(caller.limits, body=_USUAL.body) != _USUAL:
            parse_body(body, caller.limits)  # nothing goes through that cannot be measured
        if not is_unrestricted(caller, alias):
            scope = self._scope(caller, alias)
            return await self._index.search(alias, narrowed(body, scope), scope=scope)
        if not sees_everything(caller):
            # Seeing all of this alias is no leave to look into the other one (a terms lookup names its index): only
            # constructs that are known go through.
            parse_body(body)
        return await self._index.search(alias, body)

    def _scope(self, caller: Caller, alias: Alias) -> bytes:
        """The caller's grants as the JSON of a query; made once for each caller, as lists of values can be long."""
        known = self._scopes.get((caller.key_id, alias))
        if known is not None and known[0] is caller:
            return known[1]
        scope = msgspec.json.encode(filter_of(caller, alias))
        self._scopes[caller.key_id, alias] = caller, scope
        return scope


def _seconds(timeout: Any, most: float) -> float:
    """How long a search may take: what it says itself, if that is less than its caller may take."""
    with suppress(ValueError):
        own = milliseconds(timeout) / 1000
        return min(most, own) if own > 0 else most
    return most
