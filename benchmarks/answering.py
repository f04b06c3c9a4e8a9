"""A process that answers HTTP with bytes made beforehand, so that it costs next to nothing.

pages COUNT   a source of so many made activities, in pages of 100; says when its first page is asked for
hits          an engine that answers every request as if it were a search that finds ten
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import uvloop

from benchmarks.made import made, pages
from tests.flow.processes import Process

FIRST_PAGE = "First page asked for at"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: %d\r\n\r\n%b"

Answer = Callable[[str], bytes]
"""The whole answer, head and body, to a request for a path."""


class Answering(asyncio.Protocol):
    """One connection; requests come one after the other."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            at = head.lower().find(b"\r\ncontent-length:")
            length = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._transport.write(self._answer(head.split(b" ", 2)[1].decode()))


def source(count: int) -> Answer:
    """A source of so many activities."""
    answers = {f"/{number}": HEAD % (len(page), page) for number, page in enumerate(pages(count))}

    def answer(path: str) -> bytes:
        if path == "/0":
            sys.stdout.write(f"{FIRST_PAGE} {time.monotonic()}\n")
            sys.stdout.flush()
        return answers[path]

    return answer


def engine() -> Answer:
    """A null engine."""
    hits = b",".join(
        b'{"_index":"activities__feed_id_made__","_id":"%b","_score":null,"_source":%b,"sort":[1704067200000]}'
        % (each.id.encode(), each.source)
        for each in made(10)
    )
    shards = b'"_shards":{"total":1,"successful":1,"skipped":0,"failed":0}'
    total = b'{"total":{"value":10000,"relation":"gte"},"max_score":null,"hits":[%b]}' % hits
    body = b'{"took":1,"timed_out":false,%b,"hits":%b}' % (shards, total)
    whole = HEAD % (len(body), body)
    return lambda _path: whole


async def serve(answer: Answer) -> None:
    """Serve until the process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(answer), "127.0.0.1", 0)
    sys.stdout.write(f"Listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


@asynccontextmanager
async def answering(*arguments: str) -> AsyncIterator[Process]:
    """Such a process, with these arguments; ended with the context."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.answering", *arguments), stdout=asyncio.subprocess.PIPE, limit=2**20
    )
    process = Process(child)
    try:
        await process.listening()
        yield process
    finally:
        await process.stop()


if __name__ == "__main__":
    uvloop.run(serve(engine() if sys.argv[1] == "hits" else source(int(sys.argv[2]))))
