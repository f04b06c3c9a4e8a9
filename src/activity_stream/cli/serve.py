"""The commands that serve until a signal: run, outgoing, incoming."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from activity_stream import compose
from activity_stream.errors import SettingsError
from activity_stream.settings import Settings, load

STOP_SECONDS = 8.0
"""How long a clean end may take before what still runs is left behind; the promise *stops* allows ten."""

Config = Annotated[
    Path | None,
    typer.Option("--config", help="A TOML file with the settings; environment variables win over it.", exists=True),
]
Service = Callable[[asyncio.Event], Awaitable[None]]


def run(config: Config = None) -> None:
    """Collect and serve the API, in one process: what one machine needs.

    Data go to the index INDEX_URL and the state STATE_URL; by default both are files in DATA_DIR.
    """
    settings = settings_or_exit(config)
    until_signal(lambda stop: compose.run(settings, stop))


def outgoing(config: Config = None) -> None:
    """Collect alone ("Outgoing").

    Several that have the same servers for INDEX_URL and STATE_URL share the feeds between them.
    With the embedded index one works, and another takes over when it is gone.
    """
    settings = settings_or_exit(config)
    until_signal(lambda stop: compose.outgoing(settings, stop))


def incoming(
    config: Config = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="How many processes share the port.")] = 1,
) -> None:
    """Serve the API alone ("Incoming"), from what a collector with the same settings stores.

    With --workers, a process that dies is replaced, and all end together.
    """
    settings = settings_or_exit(config)
    if shared := os.environ.get(compose.LISTEN_FD):
        until_signal(lambda stop: compose.incoming_worker(settings, int(shared), stop))
    elif workers == 1:
        until_signal(lambda stop: compose.incoming(settings, stop))
    else:
        until_signal(lambda stop: compose.incoming_workers(settings, workers, config, stop))


def settings_or_exit(config: Path | None) -> Settings:
    """The settings; where they are wrong, every problem on standard error and exit status 2."""
    try:
        return load(os.environ, config)
    except SettingsError as error:
        sys.stderr.write("The configuration cannot be used:\n")
        sys.stderr.writelines(f"- {problem}\n" for problem in error.problems)
        raise typer.Exit(2) from error


_OBJECTS_BEFORE_A_COLLECTION = 50_000
"""Pages of JSON are many objects that soon are gone again and have no cycles; to look among them for such, at each 700
as Python does, takes a twentieth of the time of a crawl."""


def until_signal(service: Service) -> None:
    """Run a service until SIGTERM or SIGINT asks it to stop; then the process ends within ten seconds, with status 0.

    A service that fails before that makes the exit status 1.
    """
    failed = False
    gc.set_threshold(_OBJECTS_BEFORE_A_COLLECTION, *gc.get_threshold()[1:])
    try:
        uvloop.run(_until_signal(service))
    except compose.CannotServe as error:
        failed = True
        sys.stderr.write(f"{error}\n")
    if failed:
        raise typer.Exit(1)


async def _until_signal(service: Service) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    serving = asyncio.ensure_future(service(stop))
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    _, late = await asyncio.wait([serving], timeout=STOP_SECONDS / 2)
    if late:
        serving.cancel()
        _, late = await asyncio.wait([serving], timeout=STOP_SECONDS / 2)
    if late:
        # A thread in the middle of a search cannot be interrupted, and Python would wait for it at exit.
        compose.say_goodbye()
        os._exit(0)
    if not serving.cancelled():
        serving.result()
    compose.say_goodbye()
