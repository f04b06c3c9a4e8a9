"""Bodies packed with gzip, both ways (`Content-Encoding`).

A request's body is unpacked here and not by the server, which would unpack a small one to any size. Hawk signs a
payload as it is before it is packed (Hawk's API.md, "Payload Validation"); clients that pack first and sign afterwards
are let in too.
"""

import asyncio
import zlib

from aiohttp import web
from aiohttp.typedefs import Handler

from activity_stream.errors import BadRequest, UnsupportedEncoding

_GZIP = 16 + zlib.MAX_WBITS
_LEVEL = 1
"""The fastest: what is packed is mostly JSON that repeats itself."""
_WORTH_IT = 1_400
"""Bytes that fit into one packet of a network as they are."""
LONG = 128 * 1024
"""Bytes that take longer to pack, or to pick parts from, than other requests should wait."""


def check_encoding(request: web.BaseRequest) -> None:
    """Raises UnsupportedEncoding for a request whose body is packed in a way that is not known here."""
    name = _encoding(request)
    if name not in ("identity", "gzip"):
        raise UnsupportedEncoding(
            f"The body has Content-Encoding {name[:40]!r}; send it with gzip, or as it is, without one."
        )


def is_packed(request: web.BaseRequest) -> bool:
    """Whether the body of a request, whose encoding has been checked, is packed."""
    return _encoding(request) == "gzip"


def unpacked(request: web.BaseRequest, body: bytes, most: int) -> bytes:
    """The body of a request without its encoding. Raises BadRequest, HTTPRequestEntityTooLarge for one of more bytes
    than `most`."""
    return _gunzipped(body, most) if body and is_packed(request) else body


def _gunzipped(body: bytes, most: int) -> bytes:
    stream = zlib.decompressobj(_GZIP)
    try:
        found = stream.decompress(body, most + 1)
    except zlib.error as error:
        raise BadRequest(f"The body has Content-Encoding gzip, but is not packed so: {error}.") from error
    if len(found) > most:
        raise web.HTTPRequestEntityTooLarge(max_size=most, actual_size=len(found))
    if not stream.eof or stream.unused_data:
        raise BadRequest("The body has Content-Encoding gzip, but breaks off, or has something after its end.")
    return found


@web.middleware
async def packed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Pack the answer for a client that takes it packed."""
    response = await handler(request)
    body = response.body if isinstance(response, web.Response) else None
    if isinstance(body, bytes) and len(body) > _WORTH_IT and _takes_gzip(request):
        response.body = await asyncio.to_thread(_gzipped, body) if len(body) > LONG else _gzipped(body)  # type: ignore[attr-defined]
        response.headers["Content-Encoding"] = "gzip"
    if isinstance(body, bytes):
        response.headers["Vary"] = "Accept-Encoding"
    return response


def _gzipped(body: bytes) -> bytes:
    stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    return stream.compress(body) + stream.flush()


def _takes_gzip(request: web.BaseRequest) -> bool:
    """Whether `Accept-Encoding` names gzip, without saying that it is not wanted."""
    for part in request.headers.get("Accept-Encoding", "").lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _encoding(request: web.BaseRequest) -> str:
    return request.headers.get("Content-Encoding", "identity").strip().lower()
