"""Reads where data go, and where errors are reported to.

OpenSearch, Elasticsearch and Redis are recognised, so that what is said of them is right; adapters for them are not
there yet (decision 0005).
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from activity_stream.settings import variables as v
from activity_stream.settings.reading import Reading
from activity_stream.settings.shapes import EmbeddedIndex, SentrySettings, SqliteState, StorageSettings
from activity_stream.settings.values import NotAllowed, split_url

NOT_YET = "this version has no adapters for OpenSearch, Elasticsearch and Redis yet"
INDEX_SCHEMES, STATE_SCHEMES = ("http", "https"), ("redis", "rediss")


class _Credentials(msgspec.Struct):
    uri: str


class _Service(msgspec.Struct):
    credentials: _Credentials


class _Vcap(msgspec.Struct):
    """The part of VCAP_SERVICES that matters; only the first of each list does."""

    redis: list[msgspec.Raw] = []
    opensearch: list[msgspec.Raw] = []
    elasticsearch: list[msgspec.Raw] = []


def read_storage(reading: Reading) -> StorageSettings:
    """Where the index and the state are."""
    data_dir = reading.value(v.DATA_DIR)
    index = _location(reading, v.INDEX_URL, "embedded:", "DIRECTORY", INDEX_SCHEMES) or data_dir / "index"
    state = _location(reading, v.STATE_URL, "sqlite:", "FILE", STATE_SCHEMES) or data_dir / "state.sqlite"
    storage = StorageSettings(data_dir=data_dir, index=EmbeddedIndex(index), state=SqliteState(state))
    _aws(reading)
    _vcap(reading, storage)
    return storage


def _location(
    reading: Reading, variable: v.Variable[str], prefix: str, what: str, later: tuple[str, ...]
) -> Path | None:
    """The path after the prefix; None where nothing came, or what came is wrong."""
    value = reading.optional(variable) or ""
    if value.startswith(prefix):
        path = value.removeprefix(prefix)
        return Path(path) if path else None
    if value.split("://")[0] in later:
        try:
            split_url(value, later, "a server")
            reading.problem(
                variable, allowed=f"{prefix}{what}: {NOT_YET}; set {variable.name}={prefix}{what} or leave it out"
            )
        except NotAllowed as error:
            reading.problem(variable, allowed=f"{prefix}{what}, or {error} ({NOT_YET})")
    elif value:
        reading.problem(variable, allowed=f"{prefix}{what}")
    return None


def _aws(reading: Reading) -> None:
    """Note an AWS-hosted index: a problem, or a warning where INDEX_URL says what to use instead."""
    unused: tuple[v.Variable[Any], ...] = (v.ES_AWS_ACCESS_KEY_ID, v.ES_AWS_SECRET_ACCESS_KEY, v.ES_AWS_REGION)
    for variable in unused:
        reading.optional(variable)
    if not reading.optional(v.ES_URI):
        return
    if reading.is_set(v.INDEX_URL):
        reading.warnings.append(f"{reading.name(v.ES_URI)} is not used: INDEX_URL is set")
    else:
        allowed = f"nothing: {NOT_YET}; leave ES_URI out, or set INDEX_URL=embedded:DIRECTORY, which wins over it"
        reading.problem(v.ES_URI, allowed=allowed)


def _vcap(reading: Reading, storage: StorageSettings) -> None:
    """Warn of the servers that VCAP_SERVICES names and that are not used."""
    came = reading.optional(v.VCAP_SERVICES)
    wanted = [each for each in (v.INDEX_URL, v.STATE_URL) if not reading.is_set(each)]
    if not came or not wanted:
        return
    try:
        services = msgspec.json.decode(came.reveal(), type=_Vcap)
        servers = _servers(services, {each.name for each in wanted})
    except (msgspec.DecodeError, NotAllowed, RecursionError) as error:
        form = (
            '{"opensearch": [{"credentials": {"uri": "https://…"}}], "redis": [{"credentials": {"uri": "redis://…"}}]}'
        )
        reading.problem(v.VCAP_SERVICES, allowed=f"JSON such as {form} ({error})")
        return
    if servers:
        choice = " and ".join(
            f"{each.name}={'embedded:DIRECTORY' if each is v.INDEX_URL else 'sqlite:FILE'}" for each in wanted
        )
        reading.warnings.append(
            f"{reading.name(v.VCAP_SERVICES)} names {' and '.join(servers)}: not used, because this version has no "
            f"adapters for them yet. Data go to {storage.index.directory.absolute()} and "
            f"{storage.state.file.absolute()} (DATA_DIR) instead. {choice} would say so, and silence this warning"
        )


def _servers(services: _Vcap, wanted: set[str]) -> list[str]:
    """The servers that would be used, without their credentials."""
    servers = []
    index = services.opensearch or services.elasticsearch
    if index and v.INDEX_URL.name in wanted:
        name = "OpenSearch" if services.opensearch else "Elasticsearch"
        servers.append(f"{name} at {_server(index[0], INDEX_SCHEMES)}")
    if services.redis and v.STATE_URL.name in wanted:
        servers.append(f"Redis at {_server(services.redis[0], STATE_SCHEMES)}")
    return servers


def _server(service: Any, schemes: tuple[str, ...]) -> str:
    """Host and port of a service's URI."""
    uri = msgspec.json.decode(service, type=_Service).credentials.uri
    split_url(uri, schemes, "credentials.uri")
    return urlsplit(uri).netloc.rpartition("@")[2]


def read_sentry(reading: Reading) -> SentrySettings | None:
    """Where errors are reported to, if anywhere."""
    environment = reading.optional(v.SENTRY_ENVIRONMENT) or ""
    dsn = reading.optional(v.SENTRY_DSN)
    return SentrySettings(dsn, environment) if dsn else None
