"""The routes for operators and orchestrators; open to all."""

from aiohttp import web

from activity_stream.api.parts import PARTS, Parts
from activity_stream.errors import IndexUnavailable, StateUnavailable

STARTUP_GRACE_SECONDS = 30
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def p1(request: web.Request) -> web.Response:
    """Whether the shared state answers."""
    return _text(_up_or_down(await _state_answers(request.app[PARTS])) + "\n")


async def p2(request: web.Request) -> web.Response:
    """Whether all is well, and each feed."""
    return _text(await _report(request.app[PARTS], with_stores=False))


async def check(request: web.Request) -> web.Response:
    """The form of 2019: the stores' lines before the feeds', under the names they had then."""
    return _text(await _report(request.app[PARTS], with_stores=True))


async def metrics(request: web.Request) -> web.Response:
    """The metrics of all processes."""
    return web.Response(body=await request.app[PARTS].exposition(), headers={"Content-Type": METRICS_TYPE})


async def livez(_request: web.Request) -> web.Response:
    """The process lives."""
    return _text("ok\n")


async def readyz(request: web.Request) -> web.Response:
    """The process can serve: index and state answer."""
    parts = request.app[PARTS]
    if await _state_answers(parts) and await _index_answers(parts):
        return _text("ok\n")
    return _text("not ready\n", 503)


async def _report(parts: Parts, *, with_stores: bool) -> str:
    state, index = await _state_answers(parts), await _index_answers(parts)
    try:
        feeds = list(await parts.health()) if state else []
    except StateUnavailable:
        state, feeds = False, []
    grace = " (IN_STARTUP_GRACE_PERIOD)" if parts.clock.now() - parts.started_at < STARTUP_GRACE_SECONDS else ""
    up = state and index and (bool(grace) or all(green for _, green in feeds))
    lines = [("redis", state), ("elasticsearch", index)] if with_stores else []
    rows = [f"{name}:{'GREEN' if green else 'RED'}" for name, green in [*lines, *feeds]]
    return "\n".join([_up_or_down(up) + grace, *rows]) + "\n"


def _up_or_down(up: bool) -> str:
    return "__UP__" if up else "__DOWN__"


def _text(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status)


async def _state_answers(parts: Parts) -> bool:
    try:
        await parts.state.ping()
    except StateUnavailable:
        return False
    return True


async def _index_answers(parts: Parts) -> bool:
    try:
        await parts.index.ping()
    except IndexUnavailable:
        return False
    return True
