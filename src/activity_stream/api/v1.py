"""The first version: ActivityStreams collections, page after page.

A cursor stands for a search and the place in its order where the next page begins. The order is total (the client's
sort, then `id`), so a walk goes on where it was whatever is published meanwhile; `docs/decisions/0007` says more.
"""

import secrets
from typing import Any

import msgspec
from aiohttp import web

from activity_stream.api.addresses import absolute
from activity_stream.api.parts import PARTS
from activity_stream.api.search import JSON, SEARCHES
from activity_stream.errors import NotFound
from activity_stream.model import Alias, Caller
from activity_stream.search.bodies import read_object
from activity_stream.search.walks import following, totally_ordered

CONTEXT = ["https://www.w3.org/ns/activitystreams", {"dit": "https://www.trade.gov.uk/ns/activitystreams/v1"}]
NOT_FOUND = "Scroll ID not found."


class _Cursor(msgspec.Struct, frozen=True):
    """What a cursor stands for, as it is kept in the state: whose it is, and the body of the next search."""

    key_id: str
    body: msgspec.Raw


class _Hit(msgspec.Struct):
    source: msgspec.Raw = msgspec.field(name="_source", default_factory=lambda: msgspec.Raw(b"{}"))
    sort: msgspec.Raw = msgspec.Raw(b"")


class _Hits(msgspec.Struct):
    hits: list[_Hit]


class _Answer(msgspec.Struct):
    hits: _Hits


async def activities(request: web.Request, caller: Caller, body: bytes) -> web.Response:
    """The first page of what a search finds."""
    return await _page(request, caller, totally_ordered(read_object(body)))


async def next_page(request: web.Request, caller: Caller, _body: bytes) -> web.Response:
    """The page that a cursor stands for."""
    kept = await request.app[PARTS].state.get(f"page:{request.match_info['cursor']}")
    cursor = msgspec.json.decode(kept, type=_Cursor) if kept else None
    if cursor is None or cursor.key_id != caller.key_id:
        raise NotFound(NOT_FOUND)
    return await _page(request, caller, msgspec.json.decode(cursor.body))


async def _page(request: web.Request, caller: Caller, body: dict[str, Any]) -> web.Response:
    answer = await request.app[SEARCHES].whole(caller, Alias.ACTIVITIES, msgspec.json.encode(body))
    if answer.status != 200:
        return web.Response(status=answer.status, body=answer.body, content_type=JSON)
    hits = msgspec.json.decode(answer.body, type=_Answer).hits.hits
    page: dict[str, Any] = {
        "@context": CONTEXT,
        "type": "Collection",
        "orderedItems": [hit.source for hit in hits],
    }
    if hits:
        page["next"] = await _next(request, caller, body, hits[-1].sort)
    return web.Response(body=msgspec.json.encode(page), content_type=JSON)


async def _next(request: web.Request, caller: Caller, body: dict[str, Any], after: msgspec.Raw) -> str:
    """Keep where the next page begins, and give its address as the client can reach it."""
    parts, cursor = request.app[PARTS], secrets.token_urlsafe(16)
    kept = _Cursor(caller.key_id, msgspec.Raw(msgspec.json.encode(following(body, after))))
    await parts.state.set(f"page:{cursor}", msgspec.json.encode(kept), parts.cursor_expiry)
    return absolute(request, f"/v1/activities/{cursor}")
