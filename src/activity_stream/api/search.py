"""The routes that ask: who asks is known before the handler runs, and its answer is signed."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler

from activity_stream import hawk
from activity_stream.api.guard import Guard, Guest
from activity_stream.api.problems import LOG, problem
from activity_stream.model import Alias, Caller
from activity_stream.search.search import Searches

GUARD: web.AppKey[Guard] = web.AppKey("guard", Guard)
SEARCHES: web.AppKey[Searches] = web.AppKey("searches", Searches)
JSON = "application/json"

Asking = Callable[[web.Request, Caller, bytes], Awaitable[web.Response]]
"""A handler for a known caller: the request, who sent it, and its body."""


def admitted(handler: Asking) -> Handler:
    """The handler, behind the guard; its answers carry `Server-Authorization`."""

    async def behind_the_guard(request: web.Request) -> web.Response:
        encoding = request.headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            return problem(415, f"The body has Content-Encoding {encoding[:40]!r}; send it as it is, without one.")
        body = await request.read()
        guest = await request.app[GUARD].admit(request, body, request[LOG])
        request[LOG].info(f"Authenticated ({guest.caller.key_id})")
        response = await handler(request, guest.caller, body)
        _sign(response, guest)
        return response

    return behind_the_guard


def _sign(response: web.Response, guest: Guest) -> None:
    body = response.body if isinstance(response.body, bytes) else b""
    response.headers["Server-Authorization"] = hawk.server_authorization(
        guest.artifacts, guest.secret, response.headers.get("Content-Type", ""), body
    )


async def activities(request: web.Request, caller: Caller, body: bytes) -> web.Response:
    """The index's answer to a search of activities."""
    return await _search(request, caller, Alias.ACTIVITIES, body)


async def objects(request: web.Request, caller: Caller, body: bytes) -> web.Response:
    """The index's answer to a search of objects."""
    return await _search(request, caller, Alias.OBJECTS, body)


async def root(request: web.Request, _caller: Caller, _body: bytes) -> web.Response:
    """The index's own root document."""
    return web.Response(body=await request.app[SEARCHES].root(), content_type=JSON)


async def _search(request: web.Request, caller: Caller, alias: Alias, body: bytes) -> web.Response:
    answer = await request.app[SEARCHES].run(caller, alias, body)
    return web.Response(status=answer.status, body=answer.body, content_type=JSON)
