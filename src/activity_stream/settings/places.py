"""Where data can be: what INDEX_URL, ES_URI, STATE_URL and a platform's services may hold.

A server's address may have a login in it. It is taken apart here, so that an address can be shown, and so that the log
knows every form in which the password might turn up.
"""

import re
import ssl
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote

import msgspec

from activity_stream.settings.shapes import Secret
from activity_stream.settings.values import LONGEST_SECONDS, Choice, NotAllowed, Number, Whole, boolean, path, split_url

INDEX_SCHEMES, STATE_SCHEMES = ("http", "https"), ("redis", "rediss")
AN_INDEX = "an OpenSearch or Elasticsearch, http(s)://[user:password@]host[:port], user and password percent-encoded"
_REPLICAS = re.compile(r"(?P<least>\d{1,2})(-(?P<most>\d{1,2}))?", re.ASCII)
A_REDIS = "a Redis, redis(s)://[[user]:password@]host[:port][/database], user and password percent-encoded"


class IndexAddress(msgspec.Struct, frozen=True, kw_only=True):
    """An OpenSearch or Elasticsearch: `url` has no login in it. `passwords`: the password as it came, and as meant."""

    url: str
    username: str
    password: Secret
    passwords: tuple[Secret, ...]


class RedisAddress(msgspec.Struct, frozen=True, kw_only=True):
    """A Redis: the whole URL. `passwords`: those in it, as they came and as they are meant."""

    url: Secret
    passwords: tuple[Secret, ...]


def index_address(value: str) -> IndexAddress:
    """The address of an OpenSearch or Elasticsearch."""
    parts = split_url(value, INDEX_SCHEMES, AN_INDEX)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise NotAllowed(f"{AN_INDEX}, no path or query after it")
    username, password = _decoded(parts.username or ""), _decoded(parts.password or "")
    if ":" in username:
        raise NotAllowed(f"{AN_INDEX}; a user without a colon, as basic authentication sends it")
    return IndexAddress(
        url=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
        username=username,
        password=Secret(password),
        passwords=_secrets(parts.password or "", password),
    )


def index_place(value: str) -> Path | IndexAddress | None:
    """The embedded index in a directory (None: the default one), or a server."""
    if value.startswith("embedded:"):
        return _path_after("embedded:", value)
    if "://" in value:
        try:
            return index_address(value)
        except NotAllowed as error:
            raise NotAllowed(f"embedded:DIRECTORY, or {error}") from error
    raise NotAllowed(f"embedded:DIRECTORY, or {AN_INDEX} (http:// or https://)")


def redis_address(value: str) -> RedisAddress:
    """The address of a Redis."""
    parts = split_url(value, STATE_SCHEMES, A_REDIS)
    database = parts.path.removeprefix("/")
    if (database and not (database.isascii() and database.isdecimal())) or parts.fragment:
        raise NotAllowed(f"{A_REDIS}: after the host only the number of a database, and ?options")
    _check_options(parts)
    came = [parts.password or "", *(pair.partition("=")[2] for pair in parts.query.split("&") if "password=" in pair)]
    return RedisAddress(url=Secret(value), passwords=_secrets(*came, *(_decoded(each) for each in came)))


def state_place(value: str) -> Path | RedisAddress | None:
    """The SQLite state in a file (None: the default one), or a Redis."""
    if value.startswith("sqlite:"):
        return _path_after("sqlite:", value)
    if "://" in value:
        try:
            return redis_address(value)
        except NotAllowed as error:
            raise NotAllowed(f"sqlite:FILE, or {error}") from error
    raise NotAllowed(f"sqlite:FILE, or {A_REDIS}")


def certificates(value: str) -> Path:
    """A file of certificates to trust."""
    file = path(value)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except (OSError, ValueError) as error:  # an SSLError is an OSError, whose text is OpenSSL's own
        why = "it holds no such certificate" if isinstance(error, ssl.SSLError | ValueError) else error.strerror
        raise NotAllowed(f"the path of a file of certificates in PEM form ({why})") from error
    return file


def replicas(value: str) -> str:
    """A number of copies, or a range of such."""
    found = _REPLICAS.fullmatch(value)
    if not found or int(found["least"]) > int(found["most"] or 99):
        raise NotAllowed("a whole number from 0 to 99, or a range of such, the smaller one first: 0-1")
    return value


class _Checked(StrEnum):
    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


def _file(value: str) -> Path:
    if not path(value).is_file():
        raise NotAllowed("the path of a file that is there")
    return path(value)


_seconds = Number(0, LONGEST_SECONDS, "seconds", above=True)
_OPTIONS: Mapping[str, Callable[[str], object]] = {
    "db": Whole(0),
    "username": str,
    "password": str,
    "protocol": Whole(2, 3),
    "socket_timeout": _seconds,
    "socket_connect_timeout": _seconds,
    "socket_keepalive": boolean,
    "health_check_interval": Whole(0),
    "ssl_ca_certs": certificates,
    "ssl_certfile": _file,
    "ssl_keyfile": _file,
    "ssl_password": str,
    "ssl_cert_reqs": Choice(_Checked),
    "ssl_check_hostname": boolean,
}
"""What redis-py takes after `?` and makes sense here; it would refuse others only when it first connects."""


def _check_options(parts: SplitResult) -> None:
    for name, text in parse_qsl(parts.query, keep_blank_values=True):
        if name not in _OPTIONS:
            raise NotAllowed(f"{A_REDIS}; its options are {', '.join(_OPTIONS)}")
        if name.startswith("ssl_") and parts.scheme != "rediss":
            raise NotAllowed(f"{A_REDIS}; options that begin with ssl_ are for rediss:// alone")
        try:
            _OPTIONS[name](text)
        except NotAllowed as error:
            raise NotAllowed(f"{A_REDIS}; for its option {name}: {error}") from error


def _path_after(prefix: str, value: str) -> Path | None:
    name = value.removeprefix(prefix)
    return path(name) if name else None


def _decoded(value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError as error:
        raise NotAllowed("a URL whose percent-encoded parts are UTF-8") from error


def _secrets(*values: str) -> tuple[Secret, ...]:
    return tuple(Secret(value) for value in dict.fromkeys(values) if value)
