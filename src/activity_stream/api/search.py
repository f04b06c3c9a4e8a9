"""The routes that ask: who asks is known before the handler runs, and its answer is signed."""

import asyncio
from collections.abc import Awaitable, Callable, Collection

from aiohttp import web
from aiohttp.typedefs import Handler

from activity_stream import hawk
from activity_stream.api.encoding import check_encoding, is_packed, unpacked
from activity_stream.api.guard import NEEDED, Guard, Guest
from activity_stream.api.limits import Limiter
from activity_stream.api.problems import LOG
from activity_stream.errors import BadRequest, BodyTooLarge
from activity_stream.model import Alias, Caller
from activity_stream.search.search import Searches

GUARD: web.AppKey[Guard] = web.AppKey("guard", Guard)
LIMITER: web.AppKey[Limiter] = web.AppKey("limiter", Limiter)
SEARCHES: web.AppKey[Searches] = web.AppKey("searches", Searches)
GUEST: web.RequestKey[Guest] = web.RequestKey("guest", Guest)
JSON = "application/json"
BODY_SECONDS = 60.0
_PACKING = 1024
"""Bytes by which a small body can grow by being packed."""
PRODUCT = {"X-Elastic-Product": "Elasticsearch"}
"""Elasticsearch's own clients talk to no server whose answers lack it."""

Asking = Callable[[web.Request, Caller, bytes], Awaitable[web.Response]]
"""A handler for a known caller: the request, who sent it, and its body."""


OF_A_FEED = ("Authorization",)
"""The headers that the reader of a feed sends: no content type, as some sources refuse one, and no proxy's."""


def admitted(handler: Asking, *, needed: Collection[str] = tuple(NEEDED)) -> Handler:
    """The handler, behind the guard, in the order of the contract's section 6; `needed` are the headers that have to be
    there."""

    async def behind_the_guard(request: web.Request) -> web.Response:
        guard = request.app[GUARD]
        guard.check_headers(request, needed=needed)
        check_encoding(request)
        sent, body = await _received(request, guard)
        guest = await guard.authenticate(request, body, None if sent is body else sent)
        _greet(request, guest)
        guard.permit(guest, request.method)
        async with request.app[LIMITER].turn(guest.caller.key_id, guest.limits):
            return await handler(request, guest.caller, body)

    return behind_the_guard


def _greet(request: web.Request, guest: Guest) -> None:
    request[GUEST] = guest
    request[LOG] = request[LOG].with_tags(guest.caller.key_id)


async def _received(request: web.Request, guard: Guard) -> tuple[bytes, bytes]:
    """The body as it came, and unpacked. Raises as `whole_body` and `unpacked` do, BodyTooLarge where it is larger than
    its key may send, and Refused where nobody is to be told so."""
    most, own = request.client_max_size, guard.longest(request)
    if own >= most:
        sent = await whole_body(request, most)
        return sent, unpacked(request, sent, most)
    try:
        sent = await whole_body(request, min(most, own + _PACKING) if is_packed(request) else own)
        return sent, unpacked(request, sent, own)
    except web.HTTPRequestEntityTooLarge:
        _greet(request, await guard.recognize(request))
        raise BodyTooLarge(own) from None


async def whole_body(request: web.BaseRequest, most: int) -> bytes:
    """The body. Raises HTTPRequestEntityTooLarge for one of more bytes than `most`, HTTPRequestTimeout, and BadRequest
    where it breaks off."""
    if (request.content_length or 0) > most:
        raise web.HTTPRequestEntityTooLarge(max_size=most, actual_size=request.content_length or 0)
    if request.content.is_eof():  # it came with the headers, as nearly always, or there is none
        return await _read(request, most)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(request, most)
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (ConnectionResetError, web.RequestPayloadError) as error:
        raise BadRequest(f"The body broke off ({error}); send the whole of it.") from error


async def _read(request: web.BaseRequest, most: int) -> bytes:
    body = bytearray()
    while chunk := await request.content.readany():
        body += chunk
        if len(body) > most:
            raise web.HTTPRequestEntityTooLarge(max_size=most, actual_size=len(body))
    return bytes(body)


@web.middleware
async def signed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Sign the answer to a caller that is known, errors included (`Server-Authorization`)."""
    response = await handler(request)
    guest = request.get(GUEST)
    if guest is not None and isinstance(response, web.Response):
        body = response.body if isinstance(response.body, bytes) else b""
        response.headers["Server-Authorization"] = hawk.server_authorization(
            guest.artifacts, guest.secret, response.headers.get("Content-Type", ""), body
        )
    return response


async def activities(request: web.Request, caller: Caller, body: bytes) -> web.Response:
    """The index's answer to a search of activities."""
    return await _search(request, caller, Alias.ACTIVITIES, body)


async def objects(request: web.Request, caller: Caller, body: bytes) -> web.Response:
    """The index's answer to a search of objects."""
    return await _search(request, caller, Alias.OBJECTS, body)


async def _search(request: web.Request, caller: Caller, alias: Alias, body: bytes) -> web.Response:
    answer = await request.app[SEARCHES].run(caller, alias, body)
    return web.Response(status=answer.status, body=answer.body, content_type=JSON, headers=PRODUCT)
