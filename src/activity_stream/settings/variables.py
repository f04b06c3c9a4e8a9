"""Every setting, once: its name, meaning, form and default.

`n` in a name stands for a number, `alias` for `activities` or `objects`. The reference and the help are made from this.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from activity_stream.fields import FieldType
from activity_stream.model import Alias
from activity_stream.settings import places, values
from activity_stream.settings.places import IndexAddress, RedisAddress
from activity_stream.settings.shapes import Auth, LogFormat, Network, Secret

T = TypeVar("T")
FEEDS, FIELDS, CALLERS = "FEEDS", "FIELDS", "INCOMING_ACCESS_KEY_PAIRS"
PERMISSIONS = f"{CALLERS}__n__PERMISSIONS"


class Variable(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One setting. `read` makes its value of the text that came; `default` is such a text, empty where there is none.

    `secret`: never shown, and `NAME_FILE` may give the path of a file that holds it.
    `url`: a secret because of what a URL may hold; the rest of the URL can be shown.
    `shown`: how the reference shows the default, where that is not the default itself.
    """

    name: str
    meaning: str
    read: Callable[[str], T]
    default: str = ""
    secret: bool = False
    url: bool = False
    shown: str = ""


class SettingRow(msgspec.Struct, frozen=True):
    """What the reference and the help say of one setting."""

    variable: str
    meaning: str
    default: str
    secret: bool


class Method(StrEnum):
    """The HTTP methods that a permission can name."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"
    HEAD = "HEAD"
    OPTIONS = "OPTIONS"


class PlainGrant(StrEnum):
    """The grants that need no field."""

    MATCH_ALL = "__MATCH_ALL__"
    MATCH_NONE = "__MATCH_NONE__"


class Kind(StrEnum):
    """The kinds of feed that this version collects."""

    ACTIVITY_STREAM = "activity_stream"


LATER_KINDS = ("zendesk", "aventri", "maxemail", "maxemail-full")
"""Kinds that are known by name and are not there yet."""

RHYTHMS: Mapping[Kind, Mapping[str, str]] = {
    Kind.ACTIVITY_STREAM: {
        "FULL_INGEST_INTERVAL": "120",
        "FULL_INGEST_PAGE_INTERVAL": "0.25",
        "UPDATES_PAGE_INTERVAL": "1",
        "EXCEPTION_INTERVALS": "1,2,4,8,16,32,64",
        "DOWN_GRACE_PERIOD": "172800",
        "DISABLE_UPDATES": "false",
    },
}
"""The defaults that differ by kind of feed."""


def kind(value: str) -> Kind:
    """A kind of feed that this version collects."""
    here = ", ".join(Kind)
    if value in LATER_KINDS:
        raise values.NotAllowed(f"{here}; {value} is not there yet: this version collects {here}")
    if value not in set(Kind):
        raise values.NotAllowed(here)
    return Kind(value)


_seconds = values.Number(0, values.LONGEST_SECONDS, "seconds")
_some_seconds = values.Number(0, values.LONGEST_SECONDS, "seconds", above=True)
_requests = values.Number(0, 1_000_000, "requests a second")
_ratio = values.Number(0, 1, "a ratio")

HOST = Variable[str](name="HOST", meaning="the address the API listens on", read=values.bind_host, default="0.0.0.0")  # noqa: S104 - a service in a container has to be reached from outside
PORT = Variable[int](
    name="PORT", meaning="the API's port; 0: any free one", read=values.Whole(0, 65_535), default="8080"
)
WHITELIST = Variable[Network](
    name="INCOMING_IP_WHITELIST__n",
    meaning="addresses or networks, IPv4 or IPv6, that may ask",
    read=values.network,
    shown="none set: no check",
)
MAX_BODY_BYTES = Variable[int](
    name="MAX_BODY_BYTES",
    meaning="the largest body that the API takes, in bytes",
    read=values.Whole(1),
    default=str(2**20),
)
CURSOR_EXPIRY = Variable[float](
    name="CURSOR_EXPIRY",
    meaning="seconds for which the `next` of a `/v1/activities` page is good",
    read=_some_seconds,
    default="300",
)
CHANGES_RETENTION = Variable[float](
    name="CHANGES_RETENTION",
    meaning="seconds for which it is kept what was added, changed and removed, for those who follow `/v3/changes`; 0: "
    "it is not recorded",
    read=_seconds,
    default=str(31 * 86_400),
)
REQUESTS_PER_SECOND = Variable[float](
    name="REQUESTS_PER_SECOND",
    meaning="how many requests a second one key may send to one process of the API; 0 is no limit",
    read=_requests,
    default="0",
)
REQUESTS_AT_ONCE = Variable[int](
    name="REQUESTS_AT_ONCE",
    meaning="how many requests of one key a process of the API works on at once; others wait for their turn",
    read=values.Whole(1, 10_000),
    default="16",
)
SEARCH_SECONDS = Variable[float](
    name="SEARCH_SECONDS",
    meaning="seconds that one search may take; then it is given up, and its answer says `timed_out`",
    read=_some_seconds,
    default="30",
)
KEY_SEARCH_SECONDS = Variable[float](
    name=f"{CALLERS}__n__SEARCH_SECONDS",
    meaning="the same for this key",
    read=_some_seconds,
    shown="`SEARCH_SECONDS`",
)
SEARCH_LIMITS = Variable[tuple[str, int]](
    name="SEARCH_LIMITS",
    meaning="less than a search may ask for by itself, comma separated, such as `depth=5, clauses=100`; then, but for "
    "`body`, the bytes of a request's body, only constructs that every index has can be asked for",
    read=values.limit,
)
KEY_SEARCH_LIMITS = Variable[tuple[str, int]](
    name=f"{CALLERS}__n__SEARCH_LIMITS",
    meaning="the same for this key",
    read=values.limit,
    shown="`SEARCH_LIMITS`",
)
KEY_PER_SECOND = Variable[float](
    name=f"{CALLERS}__n__REQUESTS_PER_SECOND",
    meaning="the same for this key",
    read=_requests,
    shown="`REQUESTS_PER_SECOND`",
)
KEY_AT_ONCE = Variable[int](
    name=f"{CALLERS}__n__REQUESTS_AT_ONCE",
    meaning="the same for this key",
    read=values.Whole(1, 10_000),
    shown="`REQUESTS_AT_ONCE`",
)
KEY_ID = Variable[str](name=f"{CALLERS}__n__KEY_ID", meaning="who may ask: the id of a Hawk key", read=values.key_id)
SECRET_KEY = Variable[Secret](
    name=f"{CALLERS}__n__SECRET_KEY", meaning="the secret of that Hawk key", read=values.secret, secret=True
)
METHODS = Variable[Method](
    name=f"{PERMISSIONS}__n",
    meaning="an HTTP method that this key may use; it then sees everything (not together with the next three)",
    read=values.Choice(Method),
)
PLAIN_GRANT = Variable[PlainGrant](
    name=f"{PERMISSIONS}__alias__n",
    meaning="a grant on `activities` or `objects`: `__MATCH_ALL__` or `__MATCH_NONE__`; all grants of an alias "
    "must hold",
    read=values.Choice(PlainGrant),
    shown="no grant: sees nothing",
)
TERMS_KEY = Variable[str](
    name=f"{PERMISSIONS}__alias__n____TERMS_KEY",
    meaning="a grant on what has certain values in this field, which must be searchable and of type keyword, boolean, "
    "long or date (`…__n__TERMS_KEY` is the same)",
    read=values.text,
)
TERMS_VALUES = Variable[str](
    name=f"{PERMISSIONS}__alias__n____TERMS_VALUES__n", meaning="those values; one of them is enough", read=values.text
)

UNIQUE_ID = Variable[str](
    name="FEEDS__n__UNIQUE_ID", meaning="a source: its name, `[A-Za-z0-9_-]+` without `__`", read=values.feed_name
)
TYPE = Variable[Kind](name="FEEDS__n__TYPE", meaning=f"its kind: {', '.join(f'`{each}`' for each in Kind)}", read=kind)
SEED = Variable[str](name="FEEDS__n__SEED", meaning="the URL of its first page", read=values.seed)
AUTH = Variable[Auth](
    name="FEEDS__n__AUTH",
    meaning="how requests to it are authenticated: `hawk`, `basic`, `bearer` or `none`",
    read=values.Choice(Auth),
    shown="`hawk` where `ACCESS_KEY_ID` is set, else `none`",
)
ACCESS_KEY_ID = Variable[str](
    name="FEEDS__n__ACCESS_KEY_ID", meaning="the Hawk key's id, or the user of `basic`", read=values.text
)
SECRET_ACCESS_KEY = Variable[Secret](
    name="FEEDS__n__SECRET_ACCESS_KEY",
    meaning="the Hawk key's secret, the password of `basic`, or the token of `bearer`",
    read=values.secret,
    secret=True,
)
ALLOWED_HOSTS = Variable[str](
    name="FEEDS__n__ALLOWED_HOSTS",
    meaning="hosts besides the seed's to which `next` may lead, each `host` or `host:port`, comma separated or `__1`, "
    "`__2`, …; requests to them are signed too",
    read=values.host,
    shown="none: the seed's alone",
)
FULL_INGEST_INTERVAL = Variable[float](
    name="FEEDS__n__FULL_INGEST_INTERVAL",
    meaning="least seconds from the start of one full ingest to the start of the next",
    read=_seconds,
)
FULL_INGEST_PAGE_INTERVAL = Variable[float](
    name="FEEDS__n__FULL_INGEST_PAGE_INTERVAL",
    meaning="seconds to wait between pages of a full ingest",
    read=_seconds,
)
UPDATES_PAGE_INTERVAL = Variable[float](
    name="FEEDS__n__UPDATES_PAGE_INTERVAL", meaning="seconds between polls for updates", read=_seconds
)
EXCEPTION_INTERVALS = Variable[float](
    name="FEEDS__n__EXCEPTION_INTERVALS",
    meaning="seconds to wait after the 1st, 2nd, … failure in a row, comma separated or `__1`, `__2`, …; "
    "the last repeats",
    read=_seconds,
)
DOWN_GRACE_PERIOD = Variable[float](
    name="FEEDS__n__DOWN_GRACE_PERIOD",
    meaning="seconds without a completed full ingest before the feed shows RED",
    read=_seconds,
)
DISABLE_UPDATES = Variable[bool](
    name="FEEDS__n__DISABLE_UPDATES", meaning="no polling for updates", read=values.boolean
)
FEED_PUBLISH_MIN_RATIO = Variable[float](
    name="FEEDS__n__PUBLISH_MIN_RATIO",
    meaning="`PUBLISH_MIN_RATIO` for this feed",
    read=_ratio,
    shown="`PUBLISH_MIN_RATIO`",
)

PUBLISH_MIN_RATIO = Variable[float](
    name="PUBLISH_MIN_RATIO",
    meaning="a finished crawl with less than this part of the published activities is held back (where at least 100 "
    "are published); 0: never",
    read=_ratio,
    default="0.5",
)
STALL_TIMEOUT = Variable[float](
    name="STALL_TIMEOUT",
    meaning="seconds without progress, beyond what politeness asks, after which a full ingest is given up and begun "
    "anew",
    read=_some_seconds,
    default="300",
)
MAX_PAGE_BYTES = Variable[int](
    name="MAX_PAGE_BYTES",
    meaning="the largest page that is taken from a source, in bytes",
    read=values.Whole(1),
    default=str(64 * 2**20),
)
FIELD_ALIAS = Variable[Alias](
    name="FIELDS__n__ALIAS",
    meaning="one more searchable field: its alias, `activities` or `objects`",
    read=values.Choice(Alias),
)
FIELD_NAME = Variable[str](
    name="FIELDS__n__NAME", meaning="its name, the keys that lead to it joined with `.`", read=values.text
)
FIELD_TYPE = Variable[FieldType](
    name="FIELDS__n__TYPE",
    meaning="its type: `keyword`, `text`, `date`, `boolean`, `long`, `double` or `geo_point`",
    read=values.Choice(FieldType, (FieldType.NESTED,)),
)
FIELD_FIRST_OF = Variable[str](
    name="FIELDS__n__FIRST_OF",
    meaning="names of other fields, comma separated: it has the values of the first of them that has any",
    read=values.text,
)

DATA_DIR = Variable[Path](
    name="DATA_DIR",
    meaning="where the embedded index and the SQLite state are by default",
    read=values.path,
    default="./activity-stream-data",
)
INDEX_URL = Variable[Path | IndexAddress | None](
    name="INDEX_URL",
    meaning="the index: `embedded:DIRECTORY`, or an OpenSearch or Elasticsearch, `http(s)://[user:password@]host[:port]`"
    " with user and password percent-encoded",
    read=places.index_place,
    secret=True,
    url=True,
    shown="`ES_URI`, or what `VCAP_SERVICES` names, or `embedded:` in `DATA_DIR`",
)
INDEX_CA_FILE = Variable[Path](
    name="INDEX_CA_FILE",
    meaning="a file of certificates, PEM, that the certificate of an index at `https://` has to be signed by",
    read=places.certificates,
    shown="what the system trusts",
)
INDEX_REPLICAS = Variable[str](
    name="INDEX_REPLICAS",
    meaning="copies of each index besides the first, on a server: a number, or a range such as `0-1`: as many of these "
    "as there are nodes for",
    read=places.replicas,
    default="0-1",
)
SHARED_INDEX_BELOW = Variable[int](
    name="SHARED_INDEX_BELOW",
    meaning="on a server, feeds with fewer published activities than this share indices, so that a search of very many "
    "feeds is one of a few shards; 0: each feed has a pair of its own (OpenSearch from 2.12 on, Elasticsearch 8)",
    read=values.Whole(0),
    default="0",
)
STATE_URL = Variable[Path | RedisAddress | None](
    name="STATE_URL",
    meaning="the shared state: `sqlite:FILE`, or a Redis, `redis(s)://[[user]:password@]host[:port][/database]` with "
    "user and password percent-encoded; [options](#redis) can follow",
    read=places.state_place,
    secret=True,
    url=True,
    shown="what `VCAP_SERVICES` names, or `sqlite:` in `DATA_DIR`",
)
VCAP_SERVICES = Variable[Secret](
    name="VCAP_SERVICES",
    meaning="JSON in which a platform names its services: `credentials.uri` of the first of `opensearch`, or else of "
    "`elasticsearch`, is the index, that of the first of `redis` the state, each where nothing else says where it is",
    read=values.secret,
    secret=True,
)
ES_URI = Variable[IndexAddress](
    name="ES_URI",
    meaning="the index, where `INDEX_URL` is not set: an OpenSearch or Elasticsearch, hosted by AWS if the next three "
    "are set",
    read=places.index_address,
    secret=True,
    url=True,
)
ES_AWS_ACCESS_KEY_ID = Variable[str](
    name="ES_AWS_ACCESS_KEY_ID",
    meaning="the AWS key that signs requests to `ES_URI` (SigV4, service `es`; needs "
    "`pip install 'activity-stream[aws]'`)",
    read=values.text,
)
ES_AWS_SECRET_ACCESS_KEY = Variable[Secret](
    name="ES_AWS_SECRET_ACCESS_KEY", meaning="the secret of that AWS key", read=values.secret, secret=True
)
ES_AWS_REGION = Variable[str](
    name="ES_AWS_REGION", meaning="the AWS region of `ES_URI`, such as `eu-west-2`", read=values.text
)

LOG_FORMAT = Variable[LogFormat](
    name="LOG_FORMAT",
    meaning="log lines as `text` or as `json`, one object a line",
    read=values.Choice(LogFormat),
    default="text",
)
SENTRY_DSN = Variable[Secret](
    name="SENTRY_DSN",
    meaning="where error reports go (needs `pip install 'activity-stream[sentry]'`)",
    read=values.sentry_dsn,
    secret=True,
    shown="none: no reports",
)
SENTRY_ENVIRONMENT = Variable[str](
    name="SENTRY_ENVIRONMENT", meaning="the environment that error reports name", read=values.text
)

VARIABLES: tuple[Variable[Any], ...] = (
    *(PORT, HOST, DATA_DIR, INDEX_URL, INDEX_CA_FILE, INDEX_REPLICAS, SHARED_INDEX_BELOW, STATE_URL, VCAP_SERVICES),
    *(ES_URI, ES_AWS_ACCESS_KEY_ID, ES_AWS_SECRET_ACCESS_KEY, ES_AWS_REGION),
    *(UNIQUE_ID, TYPE, SEED, AUTH, ACCESS_KEY_ID, SECRET_ACCESS_KEY, ALLOWED_HOSTS),
    *(FULL_INGEST_INTERVAL, FULL_INGEST_PAGE_INTERVAL, UPDATES_PAGE_INTERVAL, EXCEPTION_INTERVALS),
    *(DOWN_GRACE_PERIOD, DISABLE_UPDATES, FEED_PUBLISH_MIN_RATIO),
    *(PUBLISH_MIN_RATIO, STALL_TIMEOUT, MAX_PAGE_BYTES, FIELD_ALIAS, FIELD_NAME, FIELD_TYPE, FIELD_FIRST_OF),
    *(KEY_ID, SECRET_KEY, METHODS, PLAIN_GRANT, TERMS_KEY, TERMS_VALUES),
    *(REQUESTS_PER_SECOND, REQUESTS_AT_ONCE, SEARCH_SECONDS, KEY_PER_SECOND, KEY_AT_ONCE, KEY_SEARCH_SECONDS),
    *(SEARCH_LIMITS, KEY_SEARCH_LIMITS),
    *(WHITELIST, MAX_BODY_BYTES, CURSOR_EXPIRY, CHANGES_RETENTION, LOG_FORMAT, SENTRY_DSN, SENTRY_ENVIRONMENT),
)
"""Every setting, in the order of the reference."""


def describe() -> tuple[SettingRow, ...]:
    """What there is to set, in the order of the reference; meanings and defaults are Markdown."""
    return tuple(SettingRow(each.name, each.meaning, _shown(each), each.secret) for each in VARIABLES)


def _shown(variable: Variable[Any]) -> str:
    """How the reference shows a variable's default."""
    short = variable.name.rsplit("__", 1)[-1]
    by_kind = [f"`{each}`: {defaults[short]}" for each, defaults in RHYTHMS.items() if short in defaults]
    if variable.shown or by_kind:
        return variable.shown or "; ".join(by_kind)
    return f"`{variable.default}`" if variable.default else ""
