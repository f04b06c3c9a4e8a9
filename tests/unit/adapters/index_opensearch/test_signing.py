"""AWS signatures, checked by an implementation of its own.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. It shares nothing
with botocore, and is first checked itself against the example that AWS published with its signatures.
"""

import hashlib
import hmac
import re
import sys
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest

from activity_stream.adapters.index_opensearch.client import LINES, Client
from activity_stream.adapters.index_opensearch.signing import AwsLogin, aws_signing
from tests.unit.adapters.index_opensearch.stub import CountedClock, stub

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
LOGIN = AwsLogin("AKIDEXAMPLE", SECRET, "us-east-1")
HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<scope>\S+), SignedHeaders=(?P<names>\S+), Signature=(?P<made>\S+)"
)
PATHS = [
    "/",
    "/activities/_search?allow_partial_search_results=false&ignore_unavailable=true",
    "/writer_17__activities__feed_id_%2Bmy__x__/_bulk?refresh=false&filter_path=errors,items.*.status,items.*.error",
    "/activities__feed_id_*,objects__feed_id_%2Ba__date_*/_alias?ignore_unavailable=true",
    "/_cat/indices?v&h=index,docs.count&b=2&a=1&a=0&empty=&space=%20%2B~",
]


def signature(method: str, url: str, headers: Mapping[str, str], body: bytes, scope: str, names: str) -> str:
    """The signature of a request as its receiver works it out. Names of headers are lower case."""
    parts = urlsplit(url)
    query = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True)
    )
    canonical = "\n".join(
        [
            method,
            quote(parts.path or "/", safe="/-_.~"),  # what arrived, encoded once more: all services but S3
            "&".join(f"{name}={value}" for name, value in query),
            *(f"{name}:{' '.join(headers[name].split())}" for name in names.split(";")),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    day, region, service, end = scope.split("/")
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, digest])
    key = f"AWS4{SECRET}".encode()
    for part in (day, region, service, end):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def check(method: str, url: str, headers: Mapping[str, str], body: bytes) -> set[str]:
    """Fail unless the request is signed as it is; the names of the headers that the signature covers."""
    found = HEADER.fullmatch(headers["authorization"])
    assert found is not None, headers["authorization"]
    day = headers["x-amz-date"][:8]
    assert (found["key"], found["scope"]) == ("AKIDEXAMPLE", f"{day}/us-east-1/es/aws4_request")
    assert found["made"] == signature(method, url, headers, body, found["scope"], found["names"])
    return set(found["names"].split(";"))


def test_the_checking_itself_is_right() -> None:
    """The example of AWS's documentation of version 4, whose every value was published."""
    headers = {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "host": "iam.amazonaws.com",
        "x-amz-date": "20150830T123600Z",
    }
    url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08"
    made = signature("GET", url, headers, b"", "20150830/us-east-1/iam/aws4_request", "content-type;host;x-amz-date")
    assert made == "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"


@pytest.mark.parametrize("path", PATHS)
async def test_what_arrives_has_the_signature_that_its_receiver_works_out(path: str) -> None:
    """Host with its port, type, path, query and body as they are on the wire are what was signed."""
    body = '{"index":{"_id":"ü"}}\n{"a":1}\n'.encode() if "_bulk" in path else b""
    async with stub() as server:
        client = Client(f"http://localhost:{server.port}", CountedClock(), aws=LOGIN)
        await client.call("POST", path, body, LINES)
        await client.close()
    (asked,) = server.asked
    assert (asked.path, asked.body) == (path, body)
    assert asked.headers["host"] == f"localhost:{server.port}"
    names = check(asked.method, f"http://localhost{asked.path}", asked.headers, asked.body)
    assert names >= {"host", "x-amz-date", *(["content-type"] if body else [])}
    assert not body or asked.headers["content-type"] == LINES


async def test_each_try_is_signed_anew() -> None:
    """The time is a part of what is signed, so that an old signature would be refused."""
    sign = aws_signing(LOGIN)
    made = sign("POST", "https://search-x.us-east-1.es.amazonaws.com/_bulk", LINES, b"x")
    headers = {name.lower(): value for name, value in made.items()} | {"host": "search-x.us-east-1.es.amazonaws.com"}
    assert check("POST", "https://search-x.us-east-1.es.amazonaws.com/_bulk", headers, b"x")
    with pytest.raises(AssertionError):
        check("POST", "https://search-x.us-east-1.es.amazonaws.com/_bulk", headers, b"y")
    with pytest.raises(AssertionError):
        check("POST", "https://search-x.us-east-1.es.amazonaws.com/_all", headers, b"x")


async def test_a_host_in_capitals_is_signed_as_it_is_sent() -> None:
    """INDEX_URL may write the host in any case."""
    async with stub() as server:
        client = Client(f"http://LocalHost:{server.port}", CountedClock(), aws=LOGIN)
        await client.call("GET", "/")
        await client.close()
    (asked,) = server.asked
    check(asked.method, f"http://localhost{asked.path}", asked.headers, asked.body)


def test_without_botocore_signing_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an ImportError that names what is missing, at the start, and not at the first request."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "botocore"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "botocore", None)
    with pytest.raises(ImportError, match="botocore"):
        Client("https://localhost", CountedClock(), aws=LOGIN)


def test_the_secret_does_not_show() -> None:
    """What is printed of a login has no secret in it."""
    assert SECRET not in repr(LOGIN)
    assert SECRET not in str(aws_signing(LOGIN)("GET", "https://localhost/", "", b""))
    assert unquote(SECRET) == SECRET
