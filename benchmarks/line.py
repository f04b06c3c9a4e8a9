"""One connection, and bytes over it: what a client costs must not count in a latency."""

import asyncio
from urllib.parse import urlsplit


class Line:
    """A connection that is kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def opened(cls, url: str) -> "Line":
        """To the host and port of this address."""
        parts = urlsplit(url)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port, limit=2**22))

    async def ask(self, request: bytes) -> int:
        """Send a whole HTTP request and read the answer: its size. Raises RuntimeError if it is not 200."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await self._reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{head!r} {body[:300]!r}")
        return length

    async def command(self, command: bytes) -> bytes:
        """Send a line to a Redis and read the line it answers."""
        self._writer.write(command)
        return await self._reader.readline()

    def close(self) -> None:
        """End it."""
        self._writer.close()
