"""Requests that no HTTP client sends, written byte by byte."""

import asyncio
import json
import os
import re
from urllib.parse import urlsplit

import msgspec
import pytest

from activity_stream import hawk
from activity_stream.api import search
from activity_stream.model import SearchLimits
from tests.flow.api.served import CALLERS, SECRET, Served, serving

PATH = b"/v3/activities/_search"
HEADERS = b"X-Forwarded-Proto: http\r\nConnection: close\r\n"


def authorization(api: Served, host: str = "example.com", kind: str = "", body: bytes = b"") -> bytes:
    """The header of a GET of `PATH` at a host."""
    target = hawk.Target("GET", PATH.decode(), host, 80)
    made = hawk.sign(target, "all", SECRET, int(api.clock.now()), os.urandom(6).hex(), kind, body)
    return b"Authorization: %b\r\n" % hawk.authorization(made).encode()


async def answer(api: Served, *parts: bytes) -> tuple[int, bytes]:
    """Status and body of the first answer that comes back for these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(api.url).port)
    writer.write(b"".join(parts))
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    length = re.search(rb"Content-Length: (\d+)", head)
    body = await asyncio.wait_for(reader.readexactly(int(length[1])) if length else reader.readline(), 10)
    writer.close()
    await writer.wait_closed()
    return int(head.split(b" ")[1]), body


async def test_a_host_of_other_bytes_than_utf_8_is_a_401() -> None:
    """Bytes in Host that are no text cannot be what was signed; they do not make the API fail."""
    async with serving() as api:
        line = b"GET %b HTTP/1.1\r\nHost: ex\xffmple.com\r\nContent-Type:\r\n" % PATH
        status, body = await answer(api, line, HEADERS, authorization(api), b"\r\n")
        assert (status, json.loads(body)) == (401, {"details": "Incorrect authentication credentials."})


async def test_a_content_type_of_other_bytes_than_utf_8_can_be_signed() -> None:
    """The payload's hash covers the bytes of Content-Type, whatever they are."""
    async with serving() as api:
        line = b"GET %b HTTP/1.1\r\nHost: example.com\r\nContent-Type: text/\xff\r\n" % PATH
        assert (await answer(api, line, HEADERS, authorization(api, kind="text/\udcff"), b"\r\n"))[0] == 200


async def test_a_body_that_its_key_may_not_send_is_not_waited_for() -> None:
    """Its signature is known before it comes; of one that is not signed all is read, as of any other."""
    caller = msgspec.structs.replace(CALLERS["all"], limits=SearchLimits(body=200))
    async with serving(callers={"all": caller}) as api:
        line = b"GET %b HTTP/1.1\r\nHost: example.com\r\nContent-Type:\r\n" % PATH
        for framing in (b"Content-Length: 201\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\nff\r\n" + b" " * 255):
            status, body = await answer(api, line, HEADERS, authorization(api), framing)
            assert (status, b"200 bytes" in body) == (413, True)
            wrong = authorization(api).replace(b'mac="', b'mac="x')
            rest = b" " * 200 if b"Length" in framing else b"\r\n0\r\n\r\n"
            assert (await answer(api, line, HEADERS, wrong, framing, rest))[0] == 401


async def test_without_a_port_in_host_the_schemes_is_meant() -> None:
    """`http` in X-Forwarded-Proto means that port 80 was signed, and https 443."""
    async with serving() as api:
        line = b"GET %b HTTP/1.1\r\nHost: Example.COM\r\nContent-Type:\r\n" % PATH
        right = (line, HEADERS, authorization(api), b"\r\n")
        https = [part.replace(b": http\r", b": https\r") for part in right]
        assert (await answer(api, *https))[0] == 401
        assert (await answer(api, *right))[0] == 200


@pytest.mark.parametrize("expect", [b"100-continue", b"100-Continue", b"wonders"])
async def test_what_a_client_expects_changes_no_answer(expect: bytes) -> None:
    """A client that asks before it sends is told to go on; another wish is passed over."""
    async with serving() as api:
        line = b"GET %b HTTP/1.1\r\nHost: example.com\r\nContent-Type:\r\nExpect: %b\r\n" % (PATH, expect)
        status, body = await answer(api, line, HEADERS, authorization(api), b"\r\n")
        asked = expect.lower() == b"100-continue"
        assert (status == 100) is asked
        assert b" 200 OK" in body or status == 200


async def test_a_body_that_breaks_off_is_no_fault_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    """A client that goes away amid its body leaves no error in the log, and the API goes on."""
    async with serving() as api:
        line = b"GET %b HTTP/1.1\r\nHost: example.com\r\nContent-Type:\r\nContent-Length: 9\r\n" % PATH
        _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(api.url).port)
        writer.write(line + HEADERS + authorization(api) + b"\r\n{")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await api.ask(PATH.decode()))[0] == 200
        assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_body_that_does_not_come_is_not_waited_for_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time for a body has an end: 408."""
    monkeypatch.setattr(search, "BODY_SECONDS", 0.1)
    async with serving() as api:
        line = b"GET %b HTTP/1.1\r\nHost: example.com\r\nContent-Type:\r\nContent-Length: 9\r\n" % PATH
        status, body = await answer(api, line, HEADERS, authorization(api), b"\r\n{")
        assert (status, json.loads(body)) == (408, {"details": "408: Request Timeout"})
