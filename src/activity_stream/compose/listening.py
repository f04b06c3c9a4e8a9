"""Sockets, and applications served on them."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

SHUTDOWN_SECONDS = 2.0
"""How long requests that are under way may take when the process is asked to stop."""


class CannotServe(Exception):
    """The program cannot start; the message says why and what to change."""


@asynccontextmanager
async def site(app: web.Application, listening: socket.socket) -> AsyncIterator[None]:
    """Serve an application on a bound socket for as long as the context lasts. Bodies come to it as they are sent."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS, auto_decompress=False)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        yield
    finally:
        await runner.cleanup()


def bound(host: str, port: int) -> socket.socket:
    """A socket that has the address. Raises CannotServe where it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise CannotServe(
            f"PORT {port} of {host} cannot be had ({error.strerror}); set another PORT or HOST"
        ) from error
    return found


def url_of(listening: socket.socket) -> str:
    """Where a socket can be reached from this machine."""
    host, port = listening.getsockname()[:2]
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{name}:{port}"
