"""Small configurations, and what is wrong with them."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest

from activity_stream.errors import SettingsError
from activity_stream.settings import load

SEED_EXAMPLE = """
PORT=8080
FEEDS__1__UNIQUE_ID=verification_feed_app
FEEDS__1__SEED=http://localhost:8082/0
FEEDS__1__ACCESS_KEY_ID=
FEEDS__1__SECRET_ACCESS_KEY=
FEEDS__1__TYPE=activity_stream
INCOMING_ACCESS_KEY_PAIRS__1__KEY_ID=incoming-some-id-1
INCOMING_ACCESS_KEY_PAIRS__1__SECRET_KEY=incoming-some-secret-1
INCOMING_ACCESS_KEY_PAIRS__1__PERMISSIONS__1=POST
INCOMING_ACCESS_KEY_PAIRS__2__KEY_ID=incoming-some-id-2
INCOMING_ACCESS_KEY_PAIRS__2__SECRET_KEY=incoming-some-secret-2
INCOMING_ACCESS_KEY_PAIRS__2__PERMISSIONS__1=POST
INCOMING_ACCESS_KEY_PAIRS__3__KEY_ID=incoming-some-id-3
INCOMING_ACCESS_KEY_PAIRS__3__SECRET_KEY=incoming-some-secret-3
INCOMING_ACCESS_KEY_PAIRS__3__PERMISSIONS__1=GET
INCOMING_IP_WHITELIST__1=1.2.3.4
INCOMING_IP_WHITELIST__2=2.3.4.5
SENTRY_DSN=http://abc:cvb@localhost:9872/123
SENTRY_ENVIRONMENT=test
VCAP_SERVICES='{"redis":[{"credentials":{"uri":"redis://127.0.0.1:6379"}}],"elasticsearch":[{"credentials":{"uri":\
"http://some-id:some-secret@127.0.0.1:9200"}}]}'
"""
FEED = {"FEEDS__1__UNIQUE_ID": "one", "FEEDS__1__TYPE": "activity_stream", "FEEDS__1__SEED": "https://a.test/feed?x=1"}
PAIR = "INCOMING_ACCESS_KEY_PAIRS__1__"
KEY = {f"{PAIR}KEY_ID": "reader", f"{PAIR}SECRET_KEY": "reader-secret"}
GRANT = f"{PAIR}PERMISSIONS__activities__1"
CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUEXxytrR64n63RnDMyb69EFrcgsEwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjUxNzQxMDVaGA8yMTI2MTEwMTE3NDEw
NVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEUK
Ocf1jKCWR1YWT+cpCJ24bDpNVfTpsTABCR5UgLk7w28YX7rFDYw9pT+Eb2vlI5YS
K9bfmpgMgs0MoQH2ppejUzBRMB0GA1UdDgQWBBR8gJaXPnA6GE1q1Bi9vrLd2JFd
gzAfBgNVHSMEGDAWgBR8gJaXPnA6GE1q1Bi9vrLd2JFdgzAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0gAMEUCIE5q8va/3acgylkzGo7E33b0JvazYNaD3C74
/ueARAKYAiEAnGYZlPHcuHTZQD2D6J+7CjEq4lre29vaX++Y2uSlJCk=
-----END CERTIFICATE-----
"""
"""Of nobody; good until 2126."""


def seed_example() -> dict[str, str]:
    """The environment that today's installations have in their instructions."""
    return dict(word.split("=", 1) for word in shlex.split(SEED_EXAMPLE.replace("\\\n", "")))


def vcap(**uris: str) -> dict[str, str]:
    """The variable by which a platform names services: one of each kind, at this URI."""
    services = {kind: [{"name": kind, "credentials": {"uri": uri}}] for kind, uri in uris.items()}
    return {"VCAP_SERVICES": json.dumps(services)}


def problems(environ: Mapping[str, str], config: Path | None = None) -> tuple[str, ...]:
    """What is wrong with a configuration that must be wrong."""
    with pytest.raises(SettingsError) as caught:
        load(environ, config)
    return caught.value.problems


def only_problem(environ: Mapping[str, str]) -> str:
    """The only thing wrong with it."""
    found = problems(environ)
    assert len(found) == 1, found
    return found[0]


def written(tmp_path: Path, text: str, name: str = "config.toml") -> Path:
    """A file with this text."""
    file = tmp_path / name
    file.write_text(text, "utf-8")
    return file
