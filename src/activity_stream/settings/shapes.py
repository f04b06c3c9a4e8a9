"""The settings once read: frozen, typed, safe to print."""

from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import msgspec

from activity_stream.fields import AddedField
from activity_stream.model import Caller

Network = IPv4Network | IPv6Network


class Secret:
    """A text that is never shown by accident: only `reveal()` gives it away."""

    __slots__ = ("_value",)

    def __init__(self, value: str = "") -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself."""
        return self._value

    def __repr__(self) -> str:
        return "****"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class LogFormat(StrEnum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


class Auth(StrEnum):
    """How requests to a source are authenticated."""

    HAWK = "hawk"
    BASIC = "basic"
    BEARER = "bearer"
    NONE = "none"


class Rhythm(msgspec.Struct, frozen=True, kw_only=True):
    """When it is a feed's turn. All in seconds; the last of `exception_intervals` repeats."""

    full_ingest_interval: float
    full_ingest_page_interval: float
    updates_page_interval: float
    exception_intervals: tuple[float, ...]
    down_grace_period: float
    disable_updates: bool


class FeedSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One source.

    `access_key_id` and `secret_access_key` are Hawk's id and key, or Basic's user and password; for Bearer the secret
    is the token. `allowed_hosts`: where `next` may lead besides the seed's host, each `host` or `host:port`, in lower
    case. `publish_min_ratio`: 0 turns the guard before publishing off.
    """

    unique_id: str
    type: str
    seed: str
    auth: Auth
    access_key_id: str
    secret_access_key: Secret
    allowed_hosts: frozenset[str]
    rhythm: Rhythm
    publish_min_ratio: float


class CallerSettings(msgspec.Struct, frozen=True):
    """Who may ask, the Hawk key that proves it, and how much: requests a second (0: no limit), and at once."""

    secret: Secret
    caller: Caller
    per_second: float
    at_once: int


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the API listens and what it takes. `whitelist` empty: no check of addresses. `cursor_expiry` in seconds."""

    host: str
    port: int
    whitelist: tuple[Network, ...]
    max_body_bytes: int
    cursor_expiry: float


class CollectSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of collecting, the same for every feed. `stall_timeout` in seconds."""

    stall_timeout: float
    max_page_bytes: int


class EmbeddedIndex(msgspec.Struct, frozen=True):
    """The index in this directory."""

    directory: Path


class AwsKeys(msgspec.Struct, frozen=True):
    """What requests to an AWS-hosted index are signed with."""

    access_key_id: str
    secret_access_key: Secret
    region: str


class ServerIndex(msgspec.Struct, frozen=True, kw_only=True):
    """The index at an OpenSearch or Elasticsearch.

    `url` has no login in it; `username` is empty where there is none. `ca_file`: whose certificates are trusted, None
    for the system's choice. `replicas`: copies of each index besides the primary, a number or a range. `aws`: requests
    are signed with these keys.
    """

    url: str
    username: str
    password: Secret
    ca_file: Path | None
    replicas: str
    shared_below: int
    aws: AwsKeys | None


class SqliteState(msgspec.Struct, frozen=True):
    """The state in this file."""

    file: Path


class RedisState(msgspec.Struct, frozen=True):
    """The state at this Redis; the URL may have a password in it."""

    url: Secret


class StorageSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where data go. `passwords`: those of the index and the state, in every form in which they came."""

    data_dir: Path
    index: EmbeddedIndex | ServerIndex
    state: SqliteState | RedisState
    passwords: tuple[Secret, ...] = ()

    def secrets(self) -> tuple[Secret, ...]:
        """Every secret in them."""
        aws = self.index.aws if isinstance(self.index, ServerIndex) else None
        return (*self.passwords, aws.secret_access_key) if aws else self.passwords


class SentrySettings(msgspec.Struct, frozen=True):
    """Where errors are reported to. `environment` may be empty."""

    dsn: Secret
    environment: str


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration. `callers` is by key id; `changes_retention` in seconds, 0: changes are not
    recorded; `warnings` are lines for the log, in the operator's words."""

    api: ApiSettings
    collect: CollectSettings
    storage: StorageSettings
    feeds: tuple[FeedSettings, ...] = ()
    callers: Mapping[str, CallerSettings] = {}
    fields: tuple[AddedField, ...] = ()
    changes_retention: float = 0.0
    log_format: LogFormat = LogFormat.TEXT
    sentry: SentrySettings | None = None
    warnings: tuple[str, ...] = ()

    def secrets(self) -> tuple[str, ...]:
        """Every secret there is, for the log to hide."""
        found = [*self.storage.secrets(), *(feed.secret_access_key for feed in self.feeds)]
        found += [caller.secret for caller in self.callers.values()]
        found += [self.sentry.dsn] if self.sentry else []
        return tuple(dict.fromkeys(secret.reveal() for secret in found if secret))
