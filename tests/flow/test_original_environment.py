"""Today's deployments: their example environment, variable for variable, and the texts that their clients rely on."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from activity_stream.adapters.clock import SystemClock
from activity_stream.api import verification
from activity_stream.compose.listening import bound, site, url_of
from tests.flow.processes import Client, started

KEY_1 = ("incoming-some-id-1", "incoming-some-secret-1")
KEY_3 = ("incoming-some-id-3", "incoming-some-secret-3")
ROUTED = {"X-Forwarded-For": "1.2.3.4, 127.0.0.1", "X-Forwarded-Proto": "http"}
MINUTES = 5
"""Of the sample source: a day of it takes minutes to collect at the interval that is the default."""

COLLECTED_SECONDS = 40.0
GRACE = "__UP__ (IN_STARTUP_GRACE_PERIOD)\nverification_feed_app:GREEN\n"
ROUTES = [
    ("GET", "/checks/p1", 200, "__UP__\n"),
    ("GET", "/checks/p2", 200, GRACE),
    ("GET", "/nowhere", 404, '{"details":"404: Not Found"}'),
    ("POST", "/checks/p1", 405, '{"details":"405: Method Not Allowed"}'),
]


def original(seed: str, stores: Mapping[str, str]) -> dict[str, str]:
    """The environment of "Adding the Env Vars", with other ports."""
    redis, index = urlsplit(stores["STATE_URL"]).port, urlsplit(stores["INDEX_URL"]).port
    services = {
        "redis": [{"credentials": {"uri": f"redis://127.0.0.1:{redis}"}}],
        "elasticsearch": [{"credentials": {"uri": f"http://some-id:some-secret@127.0.0.1:{index}"}}],
    }
    return {
        "PORT": "0",
        "FEEDS__1__UNIQUE_ID": "verification_feed_app",
        "FEEDS__1__SEED": f"http://localhost:{urlsplit(seed).port}/0",
        "FEEDS__1__ACCESS_KEY_ID": "",
        "FEEDS__1__SECRET_ACCESS_KEY": "",
        "FEEDS__1__TYPE": "activity_stream",
        "INCOMING_ACCESS_KEY_PAIRS__1__KEY_ID": "incoming-some-id-1",
        "INCOMING_ACCESS_KEY_PAIRS__1__SECRET_KEY": "incoming-some-secret-1",
        "INCOMING_ACCESS_KEY_PAIRS__1__PERMISSIONS__1": "POST",
        "INCOMING_ACCESS_KEY_PAIRS__2__KEY_ID": "incoming-some-id-2",
        "INCOMING_ACCESS_KEY_PAIRS__2__SECRET_KEY": "incoming-some-secret-2",
        "INCOMING_ACCESS_KEY_PAIRS__2__PERMISSIONS__1": "POST",
        "INCOMING_ACCESS_KEY_PAIRS__3__KEY_ID": "incoming-some-id-3",
        "INCOMING_ACCESS_KEY_PAIRS__3__SECRET_KEY": "incoming-some-secret-3",
        "INCOMING_ACCESS_KEY_PAIRS__3__PERMISSIONS__1": "GET",
        "INCOMING_IP_WHITELIST__1": "1.2.3.4",
        "INCOMING_IP_WHITELIST__2": "2.3.4.5",
        "SENTRY_DSN": "http://abc:cvb@localhost:9872/123",
        "SENTRY_ENVIRONMENT": "test",
        "VCAP_SERVICES": json.dumps(services, separators=(",", ":")),
    }


@asynccontextmanager
async def sample(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The verification feed, with a few minutes in place of a day."""
    monkeypatch.setattr(verification, "DAY", MINUTES * 60)
    with bound("127.0.0.1", 0) as listening:
        async with site(verification.make_verification_app(SystemClock()), listening):
            yield url_of(listening)


async def collected(api: Client) -> None:
    """Wait until the sample's activities can be searched."""
    async with asyncio.timeout(COLLECTED_SECONDS):
        while True:
            status, body = await api.ask("/v2/activities", b'{"size":1}')
            assert status == 200, body
            if json.loads(body)["hits"]["hits"]:
                return
            await asyncio.sleep(0.1)


def caller(session: aiohttp.ClientSession, url: str, key: tuple[str, str], headers: Mapping[str, str]) -> Client:
    """A client with this key, whose requests come with these headers of a router."""
    made = Client(session, url, *key)
    made.headers = headers
    return made


async def refused(session: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> str:
    """Why an unsigned request with these headers is refused."""
    skipped = () if "Content-Type" in headers else ("Content-Type",)
    async with session.get(f"{url}/v2/activities", headers=headers, skip_auto_headers=skipped) as response:
        assert response.status == 401
        return str((await response.json())["details"])


async def check_guard(session: aiohttp.ClientSession, url: str) -> None:
    """The texts of the guard, in their order."""
    incorrect = "Incorrect authentication credentials."
    for listed in ("1.2.3.4", "3.3.3.3, 127.0.0.1", "127.0.0.1, 1.2.3.4", "no address, 127.0.0.1"):
        headers = {**ROUTED, "X-Forwarded-For": listed}
        assert await caller(session, url, KEY_3, headers).ask("/v2/activities") == (401, _details(incorrect))
    second = {**ROUTED, "X-Forwarded-For": "9.9.9.9, 2.3.4.5, 127.0.0.1"}
    assert (await caller(session, url, KEY_3, second).ask("/v2/activities", b'{"size":1}'))[0] == 200
    assert (await caller(session, url, (KEY_3[0], "wrong"), ROUTED).ask("/v2/activities")) == (401, _details(incorrect))
    assert await refused(session, url, {}) == incorrect
    headers = {"X-Forwarded-For": ROUTED["X-Forwarded-For"]}
    assert await refused(session, url, headers) == "The X-Forwarded-Proto header was not set."
    headers = dict(ROUTED)
    assert await refused(session, url, headers) == "Authentication credentials were not provided."
    headers["Authorization"] = "Hawk"
    expected = "Content-Type header was not set. It must be set for authentication, even if as the empty string."
    assert await refused(session, url, headers) == expected
    assert await refused(session, url, {**headers, "Content-Type": ""}) == incorrect


def _details(text: str) -> bytes:
    return json.dumps({"details": text}, separators=(",", ":")).encode()


async def check_routes(session: aiohttp.ClientSession, url: str) -> None:
    """What is open to everyone, and what is not there."""
    for method, path, status, text in ROUTES:
        async with session.request(method, url + path) as response:
            found = (response.status, await response.text(), response.headers["Server"])
            assert found == (status, text, "activity-stream"), path
    async with session.get(f"{url}/check") as response:
        lines = (await response.text()).splitlines()
    assert lines[1:] == ["redis:GREEN", "elasticsearch:GREEN", "verification_feed_app:GREEN"], lines


async def test_the_example_environment_starts_it(
    tmp_path: Path, on_cluster: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both programs start with it, data become searchable, and callers are told what they were always told."""
    async with sample(monkeypatch) as seed, aiohttp.ClientSession() as session:
        environ = original(seed, on_cluster)
        async with (
            started("incoming", environ=environ, directory=tmp_path) as incoming,
            started("outgoing", environ=environ, directory=tmp_path) as outgoing,
        ):
            url = (await incoming.listening()).replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - where it listens
            reader = caller(session, url, KEY_3, ROUTED)
            await collected(reader)
            await check_routes(session, url)
            await check_guard(session, url)
            forbidden = _details("You are not authorized to perform this action.")
            assert await caller(session, url, KEY_1, ROUTED).ask("/v2/activities") == (403, forbidden)
            assert await reader.ask("/v3/activities/_search", b"{}", "POST") == (403, forbidden)
            assert (await caller(session, url, KEY_1, ROUTED).ask("/v3/activities/_search", b"{}", "POST"))[0] == 200
            assert await reader.ask("/v1/activities/unknown") == (404, _details("Scroll ID not found."))
            assert (await reader.ask("/v2/activities", b"[]"))[0] == 400
            for process in (incoming, outgoing):
                assert await process.stop() == 0
                assert process.lines[-1].endswith("Reached end of main. Exiting now.")
                assert "some-secret" not in process.output()
    assert await asyncio.to_thread(os.listdir, tmp_path) == [], "nothing is kept in files"
