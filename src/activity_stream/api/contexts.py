"""Scrolls and points in time: walks of Elasticsearch's and OpenSearch's clients (docs/decisions/0012).

Neither holds an index as it was: a walk has an order without ties and goes on after the last hit, whatever is published
meanwhile. A scroll's body is kept in the shared state; its place is in the id that the client sends back, so that a
page can be asked for again.
"""

import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from activity_stream.errors import SearchRefused
from activity_stream.model import Alias, Caller, SearchAnswer
from activity_stream.ports import State
from activity_stream.search import refusals
from activity_stream.search.bodies import read_object
from activity_stream.search.search import Running, Searches
from activity_stream.search.walks import following, totally_ordered

LONGEST = 86_400.0
"""Seconds that a scroll or point in time can be kept without being used."""

_DURATION = re.compile(r"(\d{1,9})(ms|s|m|h|d)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_POINT = "pit"


class _Context(msgspec.Struct, frozen=True):
    """What is kept: whose it is, what it looks into, for a scroll its search, and for how many seconds."""

    key_id: str
    alias: Alias
    seconds: float
    body: Raw = Raw(b"null")


class _Hit(msgspec.Struct):
    sort: Raw = Raw(b"")


class _Hits(msgspec.Struct):
    hits: list[_Hit] = []


class _Answer(msgspec.Struct):
    hits: _Hits


class Contexts:
    """The scrolls and points in time of all callers; each sees its own alone."""

    def __init__(self, searches: Searches, state: State) -> None:
        self._searches = searches
        self._state = state

    async def scroll(self, caller: Caller, alias: Alias, body: bytes, keep: str) -> SearchAnswer:
        """The first page of a scroll, with its `_scroll_id`. Raises SearchRefused, and as `Searches.run` does."""
        seconds = _seconds("scroll", keep)
        asked = read_object(body)
        if "search_after" in asked or asked.get("from"):
            raise refusals.illegal("`from` and `search_after` cannot be used in a scroll context.")
        if str(asked.get("size")) == "0":
            raise refusals.illegal("[size] cannot be [0] in a scroll context")
        ordered = Raw(msgspec.json.encode(totally_ordered(_as_written(body))))
        token = secrets.token_urlsafe(16)
        return await self._page(token, _Context(caller.key_id, alias, seconds, ordered), caller, None)

    async def next_page(self, caller: Caller, scroll_id: str, keep: str | None) -> SearchAnswer:
        """The page that an id stands for. Raises SearchRefused where there is no such scroll, or not of this caller."""
        token, _, place = scroll_id.partition(".")
        context = await self._context("scroll", token, caller, scroll_id)
        if keep is not None:
            context = msgspec.structs.replace(context, seconds=_seconds("scroll", keep))
        return await self._page(token, context, caller, _place(place, scroll_id))

    async def forget_scrolls(self, caller: Caller, scroll_ids: Sequence[str]) -> int:
        """How many of these were there, and are no more."""
        return await self._forget("scroll", caller, [each.partition(".")[0] for each in scroll_ids])

    async def point(self, caller: Caller, alias: Alias, keep: str) -> str:
        """The id of a new point in time. Raises SearchRefused."""
        token = secrets.token_urlsafe(16)
        await self._keep(_POINT, token, _Context(caller.key_id, alias, _seconds("keep_alive", keep)))
        return token

    async def forget_points(self, caller: Caller, ids: Sequence[str]) -> int:
        """How many of these were there, and are no more."""
        return await self._forget(_POINT, caller, ids)

    async def search(self, run: Running, caller: Caller, body: bytes) -> SearchAnswer:
        """The answer to a search with a `pit`, which `run` makes. Raises SearchRefused, and as that does."""
        given = read_object(body).get("pit")
        if (
            not isinstance(given, dict)
            or not isinstance(given.get("id"), str)
            or not given.keys() <= {"id", "keep_alive"}
        ):
            raise refusals.illegal(
                "a search without an alias in its path needs a [pit] with its [id]; otherwise ask "
                "/v3/activities/_search or /v3/objects/_search"
            )
        context = await self._context(_POINT, given["id"], caller, given["id"])
        if "keep_alive" in given:
            context = msgspec.structs.replace(context, seconds=_seconds("keep_alive", str(given["keep_alive"])))
        await self._keep(_POINT, given["id"], context)
        asked = {name: value for name, value in _as_written(body).items() if name != "pit"}
        answer = await run(caller, context.alias, msgspec.json.encode(_within_point(asked)))
        return _with("pit_id", given["id"], answer)

    async def _page(self, token: str, context: _Context, caller: Caller, after: Raw | None) -> SearchAnswer:
        body = following(msgspec.json.decode(context.body, type=dict[str, Raw]), after)
        answer = await self._searches.whole(caller, context.alias, msgspec.json.encode(body))
        if answer.status != 200:
            return answer
        await self._keep("scroll", token, context)
        hits = msgspec.json.decode(answer.body, type=_Answer).hits.hits
        place = bytes(hits[-1].sort) if hits else bytes(after or b"")
        return _with("_scroll_id", f"{token}.{urlsafe_b64encode(place).decode().rstrip('=')}", answer)

    async def _context(self, kind: str, token: str, caller: Caller, shown: str) -> _Context:
        kept = await self._state.get(f"{kind}:{token}") if len(token) <= 100 else None
        context = None if kept is None else msgspec.json.decode(kept, type=_Context)
        if context is None or context.key_id != caller.key_id:
            raise _missing(shown)
        return context

    async def _keep(self, kind: str, token: str, context: _Context) -> None:
        await self._state.set(f"{kind}:{token}", msgspec.json.encode(context), context.seconds)

    async def _forget(self, kind: str, caller: Caller, tokens: Sequence[str]) -> int:
        freed = 0
        for token in tokens:
            try:
                await self._context(kind, token, caller, token)
            except SearchRefused:
                continue
            await self._state.delete(f"{kind}:{token}")
            freed += 1
        return freed


def _as_written(body: bytes) -> dict[str, Any]:
    """The body, known to be an object; its values stay as they are written, but for what says an order: the sort, and
    which query it is."""
    found: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Raw]) if body.strip() else {}
    if "sort" in found:
        found["sort"] = msgspec.json.decode(found["sort"])
    if bytes(found.get("query", b"")).lstrip()[:1] == b"{":
        found["query"] = msgspec.json.decode(found["query"], type=dict[str, Raw])
    return found


def _within_point(body: dict[str, Any]) -> dict[str, Any]:
    """The body with a last key to sort by that leaves no ties, as a search within a point in time has it."""
    if not body.get("sort") and "search_after" not in body:
        return body
    return totally_ordered({name: value for name, value in body.items() if name != "sort"} | {"sort": _keys(body)})


def _keys(body: dict[str, Any]) -> list[Any]:
    sort = body.get("sort") or []
    keys = sort if isinstance(sort, list) else [sort]
    return [key for key in keys if key not in ("_shard_doc", {"_shard_doc": "asc"}, {"_shard_doc": {"order": "asc"}})]


def _place(text: str, shown: str) -> Raw | None:
    if not text:
        return None
    try:
        values = msgspec.json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=list[Raw])
    except ValueError:
        raise _missing(shown) from None
    return Raw(msgspec.json.encode(values))


def _with(key: str, value: str, answer: SearchAnswer) -> SearchAnswer:
    """The answer with an id before everything else."""
    if answer.status != 200:
        return answer
    return SearchAnswer(200, b'{"%b":"%b",%b' % (key.encode(), value.encode(), answer.body.lstrip()[1:]))


def _seconds(name: str, text: str) -> float:
    """A time such as `1m`. Raises SearchRefused."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise refusals.illegal(
            f"failed to parse setting [{name}] with value [{text[:100]}] as a time value: it must be like 1m, with the "
            f"unit {', '.join(_SECONDS)}"
        )
    seconds = int(found[1]) * _SECONDS[found[2]]
    if not 0 < seconds <= LONGEST:
        raise refusals.illegal(f"Keep alive for request ({text}) has to be more than nothing, and at most (1d)")
    return seconds


def _missing(shown: str) -> SearchRefused:
    return refusals.refused(
        "search_context_missing_exception", f"No search context found for id [{shown[:200]}]", status=404
    )
