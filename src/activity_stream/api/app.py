"""The API ("Incoming"): its routes, and the order in which a request is dealt with.

label        a random tag for the log; `Server: activity-stream` on every answer
packed       the answer, where the client takes it so
signed       `Server-Authorization`, once the caller is known
problems     whatever goes wrong behind it becomes JSON
admitted     headers, body, signature, permission, limits      only the routes that ask for something
handler
"""

import asyncio
import logging
import secrets

from aiohttp import HttpVersion11, web
from aiohttp.typedefs import Handler

from activity_stream.api import search, status, v3
from activity_stream.api.changes import FOLLOWING, PATH, changes
from activity_stream.api.contexts import Contexts
from activity_stream.api.encoding import packed
from activity_stream.api.guard import Guard
from activity_stream.api.limits import Limiter
from activity_stream.api.parts import PARTS, Parts
from activity_stream.api.problems import LOG, problems
from activity_stream.api.search import GUARD, LIMITER, OF_A_FEED, SEARCHES, admitted, signed
from activity_stream.api.v1 import activities, next_page
from activity_stream.search.following import Following
from activity_stream.search.marks import MarkedFields
from activity_stream.search.search import Searches

SERVER = "activity-stream"


def make_app(parts: Parts) -> web.Application:
    """The whole API as an application of aiohttp."""
    app = web.Application(middlewares=[label, packed, signed, problems], client_max_size=parts.max_body_bytes)
    app[PARTS] = parts
    app[GUARD] = Guard(parts.keys, parts.whitelist, parts.state, parts.clock)
    app[LIMITER] = Limiter(parts.clock)
    app[SEARCHES] = Searches(parts.index)
    app[v3.CONTEXTS] = Contexts(app[SEARCHES], parts.state)
    if parts.changes is not None and parts.marked is not None:
        fields = MarkedFields((key.caller for key in parts.keys.values()), parts.fields)
        app[FOLLOWING] = Following(
            app[SEARCHES], parts.changes, fields, parts.marked, parts.changes_retention, parts.clock
        )
    app.on_response_prepare.append(_name_the_server)
    app.add_routes(
        [
            _get("/v1/activities", admitted(activities)),
            _get("/v1/activities/{cursor}", admitted(next_page)),
            _get("/v1/objects", admitted(search.objects)),
            _get("/v2/activities", admitted(search.activities)),
            _get("/v2/objects", admitted(search.objects)),
            _get(PATH, admitted(changes, needed=OF_A_FEED)),
            _get(f"/{PATH}", admitted(changes, needed=OF_A_FEED)),
            _get("/checks/p1", status.p1),
            _get("/checks/p2", status.p2),
            _get("/check", status.check),
            _get("/metrics", status.metrics),
            _get("/livez", status.livez),
            _get("/readyz", status.readyz),
        ]
    )
    for method, path, handler in v3.routes():
        app.router.add_route(method, path, handler, expect_handler=_expect)
    return app


def _get(path: str, handler: Handler) -> web.RouteDef:
    return web.get(path, handler, allow_head=False, expect_handler=_expect)


async def _expect(request: web.Request) -> None:
    """Tell a client that asks first to go on; nothing else can be expected, and wishing for it changes nothing."""
    if request.headers["Expect"].lower() == "100-continue" and request.version == HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # what counts is whether the answer itself has begun


async def _name_the_server(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = SERVER


@web.middleware
async def label(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request a tag that its log lines share, and log its beginning and end.

    Not one step of the log: the key, which is not known at the beginning, is among the tags at the end.
    """
    request[LOG] = request.app[PARTS].log.with_tags(secrets.token_urlsafe(6))
    version, agent = request.version, request.headers.get("User-Agent", "-")
    action = (
        f"Receiving request ({request.method} {request.rel_url.raw_path} HTTP/{version.major}.{version.minor}) "
        f"({agent[:200]})"
    )
    request[LOG].write(logging.INFO, action, "started")
    try:
        response = await handler(request)
    except asyncio.CancelledError:
        request[LOG].write(logging.INFO, action, "cancelled")
        raise
    request[LOG].write(logging.INFO, action, "failed" if response.status >= 500 else "done")
    return response
