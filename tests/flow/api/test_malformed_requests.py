"""Malformed requests, generated: each gets its documented answer, and the process lives."""

import asyncio
import json
import os
import random
from urllib.parse import urlsplit

from activity_stream.api.guard import INCORRECT, NO_PROTO, NO_TYPE, NOT_PROVIDED
from tests.flow.api.served import Served, serving

COUNT = 400
PATH = "/v3/activities/_search"
JUNK = ['"', "'", "\\", ",", "=", "{", "[", "}", "]", ":", "\x7f", "é", "0", "-1", "1e999", "null", "%", "A" * 300]
STRANGE = [
    "X-Forwarded-Proto", "X-Forwarded-For", "Host", "Content-Type", "Content-Encoding", "Accept", "Cookie", "Range",
    "X-HTTP-Method-Override", "Authorization", "Upgrade", "Forwarded",
]  # fmt: skip
TEXTS = {
    401: {INCORRECT, NO_PROTO, NOT_PROVIDED, NO_TYPE},
    404: {"404: Not Found", "Scroll ID not found."},
    405: {"405: Method Not Allowed"},
}
RIGHT_BODY = json.dumps(
    {
        "query": {
            "bool": {"filter": [{"term": {"object.type": "public"}}, {"range": {"published": {"gte": "now-1d"}}}]}
        },
        "size": 5,
        "sort": [{"published": "desc"}],
        "aggs": {"t": {"terms": {"field": "object.type"}}},
    }
)


def mangled(text: str, rng: random.Random) -> str:
    """The text with a few characters taken out, doubled or replaced by junk."""
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(["", text[at : at + 3] * 2, rng.choice(JUNK)]) + text[at + rng.randrange(4) :]
    return text


async def one(api: Served, rng: random.Random) -> tuple[int, bytes]:
    """One malformed request of a random kind."""
    kind = rng.choice(["body", "signed body", "nested", "authorization", "path", "method", "headers", "strange"])
    body, path, method = RIGHT_BODY.encode(), PATH, "POST"
    headers = api.headers(path, body, method, rng.choice(["all", "public"]))
    if kind == "body":
        body = mangled(RIGHT_BODY, rng).encode()
    elif kind == "signed body":
        body = mangled(RIGHT_BODY, rng).encode()
        headers = api.headers(path, body, method, rng.choice(["all", "public"]))
    elif kind == "authorization":
        headers["Authorization"] = "".join(
            c for c in mangled(headers["Authorization"], rng) if c.isascii() and c != "\x7f"
        )
    elif kind == "nested":
        opening, closing = rng.choice([(b"[", b"]"), (b'{"a":', b"}"), (b'{"query":{"bool":{"must":[', b"]}}}")])
        depth = rng.choice([1, 50, 101, 3_000, 30_000])
        body = opening * depth + b"1" + closing * rng.choice([depth, 0])
        headers = api.headers(path, body, method, rng.choice(["all", "public"]))
    elif kind == "path":
        path = "/" + "".join(rng.choice("v123/activities_search%2e.;?&") for _ in range(rng.randrange(1, 30)))
    elif kind == "method":
        method = rng.choice(["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "PROPFIND"])
    elif kind == "strange":
        headers[rng.choice(STRANGE)] = mangled("https, 1.2.3.4:80; [::1]", rng).encode("ascii", "ignore").decode()
        headers = {name: value.replace("\x7f", "") for name, value in headers.items()}
    else:
        for name in rng.sample(sorted(headers), rng.randrange(1, 4)):
            del headers[name]
    status, names, answer = await api.send(path, body, method, headers)
    assert names["server"] == "activity-stream"
    assert status != 401 or names["www-authenticate"].startswith("Hawk")
    return status, answer


async def test_malformed_requests_get_their_documented_answers() -> None:
    """Every answer is a known status with an error in JSON, and a right request works afterwards."""
    seed = int(os.environ.get("MALFORMED_SEED", random.SystemRandom().randrange(10**6)))
    print(f"MALFORMED_SEED={seed}")
    rng = random.Random(seed)
    seen = set()
    async with serving() as api:
        await api.fill()
        for _ in range(COUNT):
            status, answer = await one(api, rng)
            assert status in {200, 400, 401, 404, 405, 415}, (status, answer)
            if answer and status != 200:
                assert {"details", "error"} & json.loads(answer).keys()
            assert status not in TEXTS or not answer or json.loads(answer)["details"] in TEXTS[status]
            seen.add(status)
        assert {400, 401, 404, 405} <= seen
        assert (await api.ask(PATH, {"size": 1}))[0] == 200


async def test_what_is_not_http_does_no_harm() -> None:
    """Bytes that are no request are answered or cut off, and the API goes on."""
    rng = random.Random(7)
    async with serving() as api:
        port = urlsplit(api.url).port
        for start in (
            b"",
            b"GET",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(start + rng.randbytes(200) + b"\r\n\r\n")
            writer.write_eof()
            await asyncio.wait_for(reader.read(), 10)
            writer.close()
            await writer.wait_closed()
        assert (await api.ask(PATH, {"size": 1}))[0] == 200
