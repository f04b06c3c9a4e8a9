"""What a single value may be: each reader takes the text that came and returns what it means.

All raise NotAllowed, whose message says what is allowed. What came is not in it: it may be secret.
"""

import ipaddress
import math
import re
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import SplitResult, urlsplit

import msgspec

from activity_stream.model import SearchLimits
from activity_stream.settings.shapes import Network, Secret

LONGEST_SECONDS = 10 * 366 * 86_400
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_WHOLE = re.compile(r"\d{1,18}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?", re.ASCII)
_HOST_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(:(?P<port>\d{1,5}))?", re.ASCII)
_FEED = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_KEY_ID = re.compile(r"[ !#-\[\]-~]+")
_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no"})
Member = TypeVar("Member", bound=StrEnum)


class NotAllowed(ValueError):
    """A value is not what it may be; the message says what is allowed."""


def text(value: str) -> str:
    """Any text on one line."""
    if _UNPRINTABLE.search(value):
        raise NotAllowed("text without line breaks or control characters, in UTF-8")
    return value


def secret(value: str) -> Secret:
    """Any text, not to be shown."""
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise NotAllowed("text in UTF-8") from error
    return Secret(value)


def path(value: str) -> Path:
    """The path of a file or directory."""
    return Path(text(value))


def boolean(value: str) -> bool:
    """A yes or a no."""
    if value.lower() not in _TRUE | _FALSE:
        raise NotAllowed("true or false (1 or 0, yes or no)")
    return value.lower() in _TRUE


class Whole(msgspec.Struct, frozen=True):
    """A whole number, both ends included."""

    least: int
    most: int = 10**15

    def __call__(self, value: str) -> int:
        """The number."""
        if not _WHOLE.fullmatch(value) or not self.least <= int(value) <= self.most:
            upto = f"from {self.least} to {self.most}" if self.most < 10**15 else f"of {self.least} or more"
            raise NotAllowed(f"a whole number {upto}, in digits alone")
        return int(value)


class Number(msgspec.Struct, frozen=True):
    """A number, both ends included; with `above`, the lower one is not."""

    least: float
    most: float
    what: str
    above: bool = False

    def __call__(self, value: str) -> float:
        """The number."""
        number = float(value) if _NUMBER.fullmatch(value) else math.nan
        if not self.least <= number <= self.most or (self.above and number == self.least):
            least = f"more than {self.least:g}" if self.above else f"{self.least:g} or more"
            raise NotAllowed(f"{self.what}: a number, {least}, at most {self.most:g}")
        return number


def limit(value: str) -> tuple[str, int]:
    """The name of a limit of searches and its number, which cannot be more than what it is by itself."""
    most = msgspec.structs.asdict(SearchLimits())
    name, _, number = value.partition("=")
    name = name.strip().lower()
    if name not in most:
        raise NotAllowed(f"name=number, with the names {', '.join(most)}")
    return name, Whole(1, most[name])(number.strip())


class Choice(msgspec.Struct, Generic[Member], frozen=True):
    """One of an enumeration's values, in any case."""

    members: type[Member]
    left_out: tuple[Member, ...] = ()

    def __call__(self, value: str) -> Member:
        """The member."""
        allowed = {member.value.lower(): member for member in self.members if member not in self.left_out}
        if value.lower() not in allowed:
            raise NotAllowed(" or ".join(member.value for member in allowed.values()))
        return allowed[value.lower()]


def feed_name(value: str) -> str:
    """A feed's name."""
    if not _FEED.fullmatch(value) or "__" in value:
        raise NotAllowed("letters, digits, _ and - ([A-Za-z0-9_-]+), without two _ side by side")
    return value


def key_id(value: str) -> str:
    """The id of a Hawk key: what fits between the quotes of a header."""
    if not _KEY_ID.fullmatch(value):
        raise NotAllowed('printable ASCII characters without " and \\')
    return value


def network(value: str) -> Network:
    """An address, or a network of them."""
    try:
        return ipaddress.ip_network(value)
    except ValueError as error:
        hint = ""
        with suppress(ValueError):
            hint = f" (perhaps {ipaddress.ip_network(value, strict=False)})"
        raise NotAllowed(f"an IPv4 or IPv6 address, or a network such as 10.0.0.0/8 or 2001:db8::/32{hint}") from error


def bind_host(value: str) -> str:
    """An address or name to listen on."""
    try:
        ipaddress.ip_address(value)
    except ValueError as error:
        if not _HOST.fullmatch(value):
            raise NotAllowed("an IPv4 or IPv6 address, or a host's name") from error
    return value


def host(value: str) -> str:
    """`host` or `host:port`, in lower case."""
    match = _HOST_PORT.fullmatch(value)
    name = match["host"] if match else ""
    sound = _is_ipv6(name[1:-1]) if name.startswith("[") else bool(_HOST.fullmatch(name))
    if not match or not sound or int(match["port"] or 1) not in range(1, 65_536):
        raise NotAllowed("a host's name or address, with :port if need be, without http://")
    return value.lower()


def _is_ipv6(value: str) -> bool:
    try:
        ipaddress.IPv6Address(value)
    except ValueError:
        return False
    return True


def split_url(value: str, schemes: tuple[str, ...], what: str) -> SplitResult:
    """The parts of an absolute URL with one of the schemes and a host; `what` describes it for the message."""
    problem = NotAllowed(f"{what}: an absolute URL, {' or '.join(f'{scheme}://' for scheme in schemes)}, with a host")
    if not value.isascii() or _UNPRINTABLE.search(value) or " " in value:
        raise NotAllowed(f"{what}: a URL in ASCII without blanks; percent-encode everything else")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise problem from error
    if parts.scheme not in schemes or not parts.hostname or port == 0:
        raise problem
    return parts


def seed(value: str) -> str:
    """A feed's first URL, as it is."""
    parts = split_url(value, ("http", "https"), "the source's first page")
    if "@" in parts.netloc:
        raise NotAllowed(
            "a URL without user and password: these go into ACCESS_KEY_ID and SECRET_ACCESS_KEY, AUTH=basic"
        )
    if parts.fragment:
        raise NotAllowed("a URL without a # part: it is never sent to a source")
    return value


def sentry_dsn(value: str) -> Secret:
    """A Sentry DSN."""
    what = "a Sentry DSN, http(s)://KEY@HOST/PROJECT"
    parts = split_url(value, ("http", "https"), what)
    if not parts.username or not parts.path.strip("/"):
        raise NotAllowed(what)
    return Secret(value)
