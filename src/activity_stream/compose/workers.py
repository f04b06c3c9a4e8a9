"""Several processes of the API on one port."""

import asyncio
import os
import sys
from contextlib import suppress

from activity_stream import logs
from activity_stream.compose.listening import SHUTDOWN_SECONDS, bound, url_of
from activity_stream.compose.parts import start_logging
from activity_stream.settings import Settings

WORKER_PAUSE_SECONDS = 1.0


async def incoming_workers(settings: Settings, workers: int, stop: asyncio.Event) -> None:
    """Serve the API from several processes that share one listening socket, until `stop`; one that dies is replaced."""
    start_logging(settings, sys.stdout)
    with bound(settings.api.host, settings.api.port) as listening:
        listening.listen(128)
        logs.Log("incoming").info(f"Listening on {url_of(listening)}")
        tasks = [asyncio.create_task(_worker(listening.fileno())) for _ in range(workers)]
        await stop.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _worker(listening: int) -> None:
    """One process of the API, again and again, until cancelled."""
    log = logs.Log("incoming", "workers")
    while True:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "activity_stream", "incoming", *_config_arguments()),
            env={**os.environ, LISTEN_FD: str(listening)},
            pass_fds=[listening],
            start_new_session=True,
        )
        try:
            status = await child.wait()
        finally:
            if child.returncode is None:
                child.terminate()
                with suppress(TimeoutError):
                    await asyncio.wait_for(child.wait(), SHUTDOWN_SECONDS * 3)
                if child.returncode is None:
                    child.kill()
        log.error(f"A worker ended with status {status}; another one takes its place")
        await asyncio.sleep(WORKER_PAUSE_SECONDS)


LISTEN_FD = "ACTIVITY_STREAM_LISTEN_FD"
"""Tells a worker which of its open files is the listening socket; only `incoming_workers` sets it."""


def _config_arguments() -> list[str]:
    """The --config that this process was given, for its workers."""
    words = sys.argv[1:]
    for at, word in enumerate(words):
        if word == "--config":
            return words[at : at + 2]
        if word.startswith("--config="):
            return [word]
    return []
