"""TLS in front of a server that speaks without: what the carried Redis servers were built without."""

import asyncio
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Self

DAYS = "2"


def make_certificates(folder: Path) -> tuple[Path, Path, Path]:
    """An authority of its own, and a server's certificate for localhost by it: authority, certificate, key."""
    ca, ca_key, request = folder / "ca.pem", folder / "ca.key", folder / "server.csr"
    certificate, key, names = folder / "server.pem", folder / "server.key", folder / "names"
    names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes"]
    signed = ["openssl", "x509", "-req", "-CAcreateserial", "-days", DAYS]
    commands: list[list[str | Path]] = [
        [*new, "-x509", "-days", DAYS, "-subj", "/CN=a test's authority", "-keyout", ca_key, "-out", ca],
        [*new, "-subj", "/CN=localhost", "-keyout", key, "-out", request],
        [*signed, "-in", request, "-CA", ca, "-CAkey", ca_key, "-extfile", names, "-out", certificate],
    ]
    for command in commands:
        subprocess.run(command, check=True, timeout=60, capture_output=True)
    return ca, certificate, key


class TlsFront:
    """Takes TLS connections on a free port of the loopback and passes what they hold to another port."""

    def __init__(self, port: int, certificate: Path, key: Path) -> None:
        self._behind = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._pumps: list[asyncio.Task[None]] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._link, "127.0.0.1", 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """End all connections."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        if self._pumps:
            await asyncio.wait(self._pumps, timeout=10)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._behind)
        self._writers += [writer, back_writer]
        self._pumps += [
            asyncio.create_task(_pump(reader, back_writer)),
            asyncio.create_task(_pump(back_reader, writer)),
        ]


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes until one side ends, then end the other."""
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
