"""Several processes of the API on one port.

incoming_workers      binds the socket, listens, and never accepts; ends its workers when it ends
 ├── incoming_worker  the API on that socket; one that dies is replaced
 └── incoming_worker  its standard input is a pipe that ends with the parent, however that ends; then it ends too
"""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path

from activity_stream import logs
from activity_stream.adapters.clock import SystemClock
from activity_stream.collect.together import until_first
from activity_stream.compose.listening import SHUTDOWN_SECONDS, CannotServe, bound, url_of
from activity_stream.compose.parts import start_logging
from activity_stream.compose.services import incoming
from activity_stream.retry import failure_wait
from activity_stream.settings import Settings

LISTEN_FD = "ACTIVITY_STREAM_LISTEN_FD"
"""Tells a worker which of its open files is the listening socket; only `incoming_workers` sets it."""

WAITS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds before a worker is replaced, after so many in its place that did not live long."""

LONG_SECONDS = 30.0
END_SECONDS = SHUTDOWN_SECONDS + 1.5
"""How long workers have to end: less than this process has itself."""

WRONG_SETTINGS = 2


async def incoming_workers(settings: Settings, workers: int, config: Path | None, stop: asyncio.Event) -> None:
    """Serve the API from several processes that share one listening socket, until `stop`.

    Raises CannotServe where a worker finds its configuration wrong, which cannot mend itself, and no other one lives.
    """
    start_logging(settings, sys.stdout)
    with bound(settings.api.host, settings.api.port) as listening:
        listening.listen(128)
        logs.Log("incoming").info(f"Listening on {url_of(listening)}")
        pool = _Pool(listening.fileno(), config)
        await until_first(stop.wait(), *(pool.keep_one() for _ in range(workers)))


async def incoming_worker(settings: Settings, listening: int, stop: asyncio.Event) -> None:
    """One of these processes: serve the API on the open file `listening` until `stop`, or the parent's end."""
    loop, from_parent = asyncio.get_running_loop(), sys.stdin.fileno()
    loop.add_reader(from_parent, stop.set)  # nothing is ever written: what can be read is the end
    try:
        await incoming(settings, stop, socket.socket(fileno=listening))
    finally:
        loop.remove_reader(from_parent)


class _Pool:
    """The workers that live."""

    def __init__(self, listening: int, config: Path | None) -> None:
        self._listening = listening
        self._arguments = ["--config", str(config)] if config else []
        self._living = 0
        self._log = logs.Log("incoming", "workers")

    async def keep_one(self) -> None:
        """One worker, and another when it dies, until cancelled. Raises CannotServe."""
        clock, short_lived = SystemClock(), 0
        while True:
            began = clock.monotonic()
            status = await self._one()
            if status == WRONG_SETTINGS and not self._living:
                raise CannotServe("The workers cannot use their configuration; what is wrong with it stands above")
            short_lived = 0 if clock.monotonic() - began > LONG_SECONDS else short_lived
            wait = failure_wait(short_lived + 1, WAITS)
            short_lived += 1
            self._log.error(f"A worker ended with status {status}; another one takes its place in {wait:g} s")
            await clock.sleep(wait)

    async def _one(self) -> int:
        """The exit status of a worker; cancelled, it ends the worker."""
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "activity_stream", "incoming", *self._arguments),
            env={**os.environ, LISTEN_FD: str(self._listening)},
            pass_fds=[self._listening],
            stdin=PIPE,
            start_new_session=True,  # Ctrl-C is for this process, which then ends its workers
        )
        self._log.info(f"Worker {child.pid} starts")
        self._living += 1
        try:
            return await child.wait()
        finally:
            self._living -= 1
            await _ended(child)


async def _ended(child: Process) -> None:
    """Ask the worker to end, and see to it."""
    if child.returncode is not None:
        return
    try:
        with suppress(ProcessLookupError, TimeoutError):
            child.terminate()
            await asyncio.wait_for(child.wait(), END_SECONDS)
    finally:
        if child.returncode is None:
            child.kill()
