"""Real processes of the program, started by the test that needs them and stopped by their own process id."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from mohawk import Sender

LISTENING = re.compile(r"Listening on (http://[\w.:\[\]]+)")
START_SECONDS = 20.0
STOP_SECONDS = 12.0
SHOWN_LINES = 40
KEY, SECRET = "test-key", "test-secret-test-secret"

TAKE_OVER_SECONDS = 5.0
"""How long a feed may be without a worker after its collector's death."""

BUSY_SECONDS = 2.0
"""What a machine that is busy with other tests may add to it."""


class Unanswered(AssertionError):
    """The API could not answer, and said so."""


class Process:
    """One running `activity-stream …`; `lines` is its output so far."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self.child = child
        self.lines: list[str] = []
        self.url = ""
        self._listening = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.child.stdout
        async for raw in self.child.stdout:
            line = raw.decode(errors="replace").rstrip("\n")
            self.lines.append(line)
            if found := LISTENING.search(line):
                self.url = found[1]
                self._listening.set()
        self._listening.set()

    async def listening(self) -> str:
        """Wait until it serves, and return its address."""
        await asyncio.wait_for(self._listening.wait(), START_SECONDS)
        assert self.url, "it ended instead of serving:\n" + self.output()
        return self.url

    async def line(self, pattern: str, seconds: float = 30.0) -> str:
        """Wait for a line of its output that matches."""
        async with asyncio.timeout(seconds):
            while True:
                for line in self.lines:
                    if re.search(pattern, line):
                        return line
                assert self.child.returncode is None, f"it ended before it wrote {pattern!r}:\n{self.output()}"
                await asyncio.sleep(0.02)

    async def stop(self, how: int = signal.SIGTERM) -> int:
        """Send the signal and wait for the end; its exit status."""
        if self.child.returncode is None:
            self.child.send_signal(how)
        try:
            return await asyncio.wait_for(self.child.wait(), STOP_SECONDS)
        finally:
            if self.child.returncode is None:
                self.child.kill()
                await self.child.wait()
            await self._reading

    def output(self) -> str:
        """All it wrote."""
        return "\n".join(self.lines)


@asynccontextmanager
async def started(*arguments: str, environ: Mapping[str, str], directory: Path | None = None) -> AsyncIterator[Process]:
    """`activity-stream ARGUMENTS` with this environment and no other settings, in this directory; killed at the end if
    it still runs."""
    path = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "activity_stream", *arguments),
        env={**path, "PYTHONUNBUFFERED": "1", **environ},
        cwd=directory,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=2**20,
    )
    process = Process(child)
    try:
        yield process
    except BaseException:
        print(f"The end of what {' '.join(arguments)} wrote:", *process.lines[-SHOWN_LINES:], sep="\n")
        raise
    finally:
        await process.stop(signal.SIGKILL)


def settings(directory: Path, *seeds: str, **more: str) -> dict[str, str]:
    """An environment with quick cycles, a feed `a`, `b`, … for each seed, and a key that may see everything."""
    environ = {
        "DATA_DIR": str(directory),
        "PORT": "0",
        "HOST": "127.0.0.1",
        "INCOMING_ACCESS_KEY_PAIRS__1__KEY_ID": KEY,
        "INCOMING_ACCESS_KEY_PAIRS__1__SECRET_KEY": SECRET,
        "INCOMING_ACCESS_KEY_PAIRS__1__PERMISSIONS__activities__1": "__MATCH_ALL__",
        "INCOMING_ACCESS_KEY_PAIRS__1__PERMISSIONS__objects__1": "__MATCH_ALL__",
    }
    for number, seed in enumerate(seeds, 1):
        environ |= {
            f"FEEDS__{number}__UNIQUE_ID": chr(ord("a") + number - 1),
            f"FEEDS__{number}__TYPE": "activity_stream",
            f"FEEDS__{number}__SEED": seed,
            f"FEEDS__{number}__FULL_INGEST_INTERVAL": "0.5",
            f"FEEDS__{number}__FULL_INGEST_PAGE_INTERVAL": "0.01",
            f"FEEDS__{number}__UPDATES_PAGE_INTERVAL": "0.1",
            f"FEEDS__{number}__EXCEPTION_INTERVALS": "0.2",
        }
    return environ | more


class Client:
    """Asks an API, signing with the reference implementation of Hawk. `headers` go with each request, `no_answers` are
    the statuses that say that there is none now."""

    def __init__(self, session: aiohttp.ClientSession, url: str, key: str = KEY, secret: str = SECRET) -> None:
        self.session = session
        self.url = url
        self.credentials = {"id": key, "key": secret, "algorithm": "sha256"}
        self.headers: Mapping[str, str] = {"X-Forwarded-Proto": "http"}
        self.no_answers = frozenset({500, 502, 503})

    async def ask(self, path: str, body: bytes = b"", method: str = "GET") -> tuple[int, bytes]:
        """Send one signed request; its status and body."""
        kind = "application/json"
        url = self.url + path
        sender = Sender(self.credentials, url, method, content=body, content_type=kind)
        headers = {"Authorization": sender.request_header, "Content-Type": kind, **self.headers}
        timeout = aiohttp.ClientTimeout(total=20)
        async with self.session.request(method, url, data=body, headers=headers, timeout=timeout) as response:
            return response.status, await response.read()

    async def search(self, alias: str, body: dict[str, Any]) -> Any:
        """The answer to a search that must succeed."""
        content = msgspec.json.encode(body)
        status, answer = await self.ask(f"/v3/{alias}/_search", content, "POST")
        if status in self.no_answers:
            raise Unanswered(f"{status}: {answer!r}")
        assert status == 200, answer
        return msgspec.json.decode(answer)

    async def versions(self) -> dict[str, int]:
        """What can be seen: object id -> version; activities and objects must agree on which there are."""
        query = {"size": 10_000, "query": {"prefix": {"id": "dit:test:"}}}
        objects = (await self.search("objects", query))["hits"]["hits"]
        return {hit["_source"]["id"]: hit["_source"]["dit:version"] for hit in objects}


@asynccontextmanager
async def client(url: str) -> AsyncIterator[Client]:
    """A client of the API at this address."""
    async with aiohttp.ClientSession() as session:
        yield Client(session, url)
