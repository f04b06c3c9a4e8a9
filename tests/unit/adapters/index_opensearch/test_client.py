"""The client of a cluster: what goes out, what is tried again, and what is said where it does not work."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from activity_stream.adapters.index_opensearch.client import (
    ASKED_AGAIN,
    FAILING,
    LINES,
    QUICK,
    WAITS,
    Client,
    Login,
    Timeouts,
)
from activity_stream.errors import IndexUnavailable
from tests.services.ports import free_ports
from tests.services.tls_front import make_certificates
from tests.unit.adapters.index_opensearch.stub import CountedClock, Stub, Told, stub
from tests.unit.settings_examples import CERTIFICATE

PASSWORD = "gehe:im€"
LOGIN = Login("jürgen", PASSWORD)
BUCKETS = b'{"error":{"type":"too_many_buckets_exception"},"status":503}'


@asynccontextmanager
async def client_of(server: Stub, clock: CountedClock | None = None, **more: Any) -> AsyncIterator[Client]:
    """A client of the server, closed at the end."""
    client = Client(f"http://127.0.0.1:{server.port}", clock or CountedClock(), **more)
    try:
        yield client
    finally:
        await client.close()


async def message(client: Client, path: str = "/") -> str:
    """What is said where a call does not work."""
    with pytest.raises(IndexUnavailable) as caught:
        await client.call("GET", path)
    return str(caught.value)


async def test_user_and_password_go_out_as_basic_authentication() -> None:
    """Characters of any kind, and colons in the password, arrive as RFC 7617 has them, in UTF-8."""
    async with stub() as server, client_of(server, login=LOGIN) as client:
        await client.call("GET", "/")
    scheme, _, pair = server.asked[0].headers["authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(pair).decode() == f"jürgen:{PASSWORD}"


async def test_nothing_is_said_of_who_asks_where_there_is_no_login() -> None:
    """Without user and password no Authorization is sent."""
    async with stub() as server, client_of(server) as client:
        await client.call("GET", "/")
    assert "authorization" not in server.asked[0].headers


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("searching", [False, True])
async def test_a_login_that_is_refused_is_said_and_not_tried_again(status: int, *, searching: bool) -> None:
    """The message names INDEX_URL and the status, and never the password; no second request locks the user out."""
    clock = CountedClock()
    async with stub(Told(status)) as server, client_of(server, clock, login=LOGIN) as client:
        with pytest.raises(IndexUnavailable) as caught:
            await (client.ask("/_search", b"{}") if searching else client.call("GET", "/"))
    text = str(caught.value)
    assert "INDEX_URL" in text
    assert str(status) in text
    assert PASSWORD not in text + repr(LOGIN)
    assert (len(server.asked), clock.slept) == (1, [])


async def test_a_block_is_not_taken_for_a_wrong_login() -> None:
    """A 403 because the index may not be written to, as after a full disk, is not said to be the password's fault."""
    body = b'{"error":{"type":"cluster_block_exception","reason":"index [x] blocked"},"status":403}'
    async with stub(Told(403, body)) as server, client_of(server) as client:
        reply = await client.call("PUT", "/x")
    assert (reply.status, reply.body) == (403, body)
    assert "blocked" in reply.reason()


def server_tls(certificate: Path, key: Path) -> ssl.SSLContext:
    """What a server needs to speak TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_a_certificate_of_an_own_authority_is_believed_where_its_file_is_given(tmp_path: Path) -> None:
    """With INDEX_CA_FILE the request goes through; without it, or with another's, the certificate is refused."""
    ca, certificate, key = make_certificates(tmp_path)
    other = tmp_path / "other.pem"
    other.write_text(CERTIFICATE)
    async with stub(tls=server_tls(certificate, key)) as server:
        for file, good in ((ca, True), (None, False), (other, False)):
            client = Client(f"https://localhost:{server.port}", CountedClock(), ca_file=file, waits=())
            if good:
                assert (await client.call("GET", "/")).ok
            else:
                assert "certificate" in (await message(client)).lower()
            await client.close()
    assert len(server.asked) == 1


async def test_a_certificate_for_another_host_is_refused(tmp_path: Path) -> None:
    """The name in the certificate has to be the one of INDEX_URL."""
    ca, certificate, key = make_certificates(tmp_path)
    async with stub(tls=server_tls(certificate, key)) as server:
        client = Client(f"https://127.0.0.2:{server.port}", CountedClock(), ca_file=ca, waits=())
        text = await message(client)
        await client.close()
    assert f"127.0.0.2:{server.port}" in text
    assert server.asked == []


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_a_file_of_certificates_that_is_none_is_named(tmp_path: Path, content: str | None) -> None:
    """The message names the variable and the file, and says what it has to hold."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    client = Client("https://localhost:1", CountedClock(), ca_file=file, waits=())
    text = await message(client)
    await client.close()
    assert all(part in text for part in ("INDEX_CA_FILE", str(file), "PEM"))


async def test_a_server_that_is_not_there_is_named() -> None:
    """The message says where it was looked for, and where to look; the password is not in it."""
    place = f"127.0.0.1:{free_ports(1)[0]}"
    client = Client(f"http://{place}", CountedClock(), login=LOGIN)
    text = await message(client)
    await client.close()
    assert all(part in text for part in (place, "INDEX_URL", "did not answer"))
    assert PASSWORD not in text


async def test_a_server_that_never_answers_is_given_up() -> None:
    """Each try has an end, and so has the whole: then it is said that it took too long."""
    async with stub(Told(hangs=True)) as server:
        async with client_of(server, timeouts=Timeouts(connect=0.05, total=0.05), waits=(1.0, 1.0)) as client:
            text = await asyncio.wait_for(message(client), 30)
    assert "took too long" in text
    assert len(server.asked) == 3


@pytest.mark.parametrize("told", [*(Told(status) for status in sorted(FAILING)), Told(breaks=True)])
async def test_a_busy_cluster_is_asked_again_after_longer_and_longer_waits(told: Told) -> None:
    """429, 500, 502, 503, 504 and broken connections pass by: the call ends with the answer that came at last."""
    clock = CountedClock()
    async with stub(told, told, told, Told(200, b'{"done":1}')) as server, client_of(server, clock) as client:
        reply = await client.call("POST", "/x/_bulk", b"a\nb\n", LINES)
    assert reply.body == b'{"done":1}'
    assert clock.slept == list(WAITS[:3])
    assert {each.body for each in server.asked} == {b"a\nb\n"}


@pytest.mark.parametrize("told", [Told(429, b"full up"), Told(500, b"full up"), Told(breaks=True)])
async def test_a_cluster_that_stays_busy_is_unavailable(told: Told) -> None:
    """After the last wait it is over, and its own words are in the message."""
    clock = CountedClock()
    async with stub(told) as server, client_of(server, clock) as client:
        text = await message(client)
    assert clock.slept == list(WAITS)
    assert told.breaks or (str(told.status) in text and "full up" in text)


@pytest.mark.parametrize("status", [200, 201, 400, 404, 409, 413])
async def test_other_answers_come_back_at_once(status: int) -> None:
    """What asking again would not change is not asked again, whatever its status."""
    clock = CountedClock()
    async with stub(Told(status, b'{"a":1}')) as server, client_of(server, clock) as client:
        reply = await client.call("GET", "/")
    assert (reply.status, reply.body, reply.ok) == (status, b'{"a":1}', status < 300)
    assert clock.slept == []


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
async def test_a_search_passes_on_the_clusters_own_answer(status: int) -> None:
    """Whoever searches reads the cluster's own words: at once, or after two more tries where these may change them."""
    clock = CountedClock()
    async with stub(Told(status, b'{"error":{}}')) as server, client_of(server, clock) as client:
        reply = await client.ask("/activities/_search", b"{}")
    assert (reply.status, reply.body) == (status, b'{"error":{}}')
    assert clock.slept == (list(QUICK) if status in ASKED_AGAIN else [])


async def test_a_search_that_asks_for_too_much_is_not_asked_again() -> None:
    """OpenSearch 3 says 503 to too many buckets: three tries would only cost it three times as much."""
    clock = CountedClock()
    async with stub(Told(503, BUCKETS)) as server, client_of(server, clock) as client:
        reply = await client.ask("/activities/_search", b"{}")
    assert (reply.status, reply.body, len(server.asked)) == (503, BUCKETS, 1)


@pytest.mark.parametrize("status", [200, 302, 404, 502])
async def test_the_words_of_something_in_front_of_the_cluster_are_no_answer_to_a_search(status: int) -> None:
    """A proxy's page in HTML is not passed on as if it were a search's answer in JSON."""
    async with stub(Told(status, b"<html>", "text/html")) as server, client_of(server) as client:
        with pytest.raises(IndexUnavailable, match="no index"):
            await client.ask("/activities/_search", b"{}")


async def test_a_path_goes_out_byte_for_byte() -> None:
    """`%2B` stays `%2B`, and commas, stars and the query are left as they are: the names of indices hold such."""
    path = "/activities__feed_id_%2Ba*,b%41%2f/_alias?x=%2B,*%2a&y&allow=true"
    async with stub() as server, client_of(server) as client:
        await client.call("GET", path)
    assert server.asked[0].path == path


async def test_a_redirection_is_not_followed() -> None:
    """A login is only ever sent where INDEX_URL says."""
    async with stub(Told(302, location="/other"), Told()) as server, client_of(server, login=LOGIN) as client:
        assert (await client.call("GET", "/")).status == 302
    assert len(server.asked) == 1


async def test_a_client_can_be_closed_twice_and_used_again() -> None:
    """Closing lets go of the connections; a later call opens new ones."""
    async with stub() as server, client_of(server) as client:
        await client.call("GET", "/")
        await client.close()
        await client.close()
        await client.call("GET", "/")
    assert len(server.asked) == 2
