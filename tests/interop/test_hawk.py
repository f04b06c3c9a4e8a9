"""Hawk as others speak it: `mohawk` (Python) and the npm package `hawk`, each as client and as server."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mohawk import Receiver, Sender

from activity_stream import hawk
from tests.services.npm import NPM, require_package

CREDENTIALS = {"id": "a-key", "key": "its-secret-its-secret", "algorithm": "sha256"}
SECRET = CREDENTIALS["key"]
REQUESTS = [
    ("GET", "http://Example.com/feed?cursor=2019-06-17+16%3A02%3A28&cursor=85", "", b""),
    ("POST", "https://example.com:8443/v3/activities/_search", "application/json; charset=utf-8", b'{"size": 1}'),
    ("GET", "http://127.0.0.1:8080//v3/activities/_search", "application/json", '{"q": "é"}'.encode()),
    ("PUT", "https://example.com/", "text/plain", b"x"),
]


def verified(header: str, method: str, url: str, content_type: str, body: bytes) -> hawk.Artifacts:
    """What our server makes of a request."""
    target = hawk.target_of(method, url)
    return hawk.verify(header, target, content_type, body, {CREDENTIALS["id"]: SECRET}.get, time.time())


def signed(method: str, url: str, content_type: str, body: bytes) -> tuple[hawk.Artifacts, str]:
    """What our client sends."""
    target = hawk.target_of(method, url)
    made = hawk.sign(target, CREDENTIALS["id"], SECRET, int(time.time()), os.urandom(4).hex(), content_type, body)
    return made, hawk.authorization(made)


@pytest.mark.parametrize(("method", "url", "content_type", "body"), REQUESTS)
def test_mohawk_asks_us(method: str, url: str, content_type: str, body: bytes) -> None:
    """What mohawk signs we accept, and mohawk accepts our signed answer."""
    sender = Sender(CREDENTIALS, url, method, content=body, content_type=content_type, ext="some ext")
    artifacts = verified(sender.request_header, method, url, content_type, body)
    answer = hawk.server_authorization(artifacts, SECRET, "application/json", b'{"an": "answer"}')
    sender.accept_response(answer, content=b'{"an": "answer"}', content_type="application/json")


@pytest.mark.parametrize(("method", "url", "content_type", "body"), REQUESTS)
def test_we_ask_mohawk(method: str, url: str, content_type: str, body: bytes) -> None:
    """What we sign mohawk accepts, and we accept its signed answer, but no other."""
    made, header = signed(method, url, content_type, body)
    receiver = Receiver(
        lambda _: CREDENTIALS, header, url, method, content=body, content_type=content_type, seen_nonce=lambda *_: False
    )
    answer = receiver.respond(content=b"an answer", content_type="text/plain")
    assert hawk.answer_is_authentic(answer, made, SECRET, "text/plain", b"an answer")
    assert not hawk.answer_is_authentic(answer, made, SECRET, "text/plain", b"another answer")
    assert not hawk.answer_is_authentic(answer, made, "another-secret", "text/plain", b"an answer")


class Node:
    """The npm package, in a process of its own."""

    def __init__(self) -> None:
        environ = {**os.environ, "HAWK_FROM": str(NPM / "package.json")}
        command = ["node", str(Path(__file__).parent / "hawk.mjs")]
        self.child = subprocess.Popen(
            command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def ask(self, what: str, **rest: Any) -> Any:
        """Its answer. Fails the test where it refuses."""
        assert self.child.stdin
        assert self.child.stdout
        self.child.stdin.write(json.dumps({"ask": what, **rest}) + "\n")
        reply = json.loads(self.child.stdout.readline())
        assert "ok" in reply, reply
        return reply["ok"]

    def close(self) -> None:
        """End it."""
        self.child.communicate(timeout=10)


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """The reference implementation; skipped, with the reason, where it cannot be had."""
    require_package("hawk")
    found = Node()
    yield found
    found.close()


@pytest.mark.parametrize(("method", "url", "content_type", "body"), REQUESTS)
def test_the_npm_package_asks_us(node: Node, method: str, url: str, content_type: str, body: bytes) -> None:
    """What the reference implementation signs we accept, and it accepts our signed answer."""
    made = node.ask(
        "sign", url=url, method=method, credentials=CREDENTIALS, payload=body.decode(), contentType=content_type
    )
    artifacts = verified(made["header"], method, url, content_type, body)
    answer = {
        "content-type": "application/json",
        "server-authorization": hawk.server_authorization(artifacts, SECRET, "application/json", b"[1]"),
    }
    node.ask("accept", headers=answer, credentials=CREDENTIALS, artifacts=made["artifacts"], payload="[1]")


@pytest.mark.parametrize(("secret", "is_ours"), [(SECRET, True), ("another secret", False)])
def test_the_npm_package_believes_our_time(node: Node, secret: str, is_ours: bool) -> None:
    """It takes the time of our challenge to a stale request, but not of one who does not know the secret."""
    method, url, content_type, body = REQUESTS[1]
    made = node.ask(
        "sign", url=url, method=method, credentials=CREDENTIALS, payload=body.decode(), contentType=content_type
    )
    artifacts = verified(made["header"], method, url, content_type, body)
    answer = {
        "www-authenticate": hawk.challenge(time.time() + 1000, secret),
        "content-type": "application/json",
        "server-authorization": hawk.server_authorization(artifacts, SECRET, "application/json", b"[1]"),
    }
    asked = {"headers": answer, "credentials": CREDENTIALS, "artifacts": made["artifacts"], "payload": "[1]"}
    if is_ours:
        node.ask("accept", **asked)
    else:
        with pytest.raises(AssertionError, match="Invalid server timestamp hash"):
            node.ask("accept", **asked)


@pytest.mark.parametrize(("method", "url", "content_type", "body"), REQUESTS)
def test_we_ask_the_npm_package(node: Node, method: str, url: str, content_type: str, body: bytes) -> None:
    """What we sign the reference implementation accepts, and we accept its signed answer."""
    made, header = signed(method, url, content_type, body)
    headers = {"authorization": header, "content-type": content_type, "host": f"{made.host}:{made.port}"}
    request = {"method": method, "url": made.resource, "headers": headers}
    answer = node.ask(
        "verify", request=request, credentials=CREDENTIALS, payload=body.decode(), contentType="text/plain"
    )
    assert hawk.answer_is_authentic(answer["header"], made, SECRET, "text/plain", b"an answer")
