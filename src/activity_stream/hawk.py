"""Hawk, header version 1, SHA-256: requests signed and verified, and the answers to them.

Source: the Hawk specification and reference implementation 9 (github.com/mozilla/hawk, API.md). Pure: time and nonces
come in, nothing is remembered here; that a nonce is good once is for whoever verifies to see to.
"""

import hmac
import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from urllib.parse import urlsplit

import msgspec

SKEW_SECONDS = 60
MAX_HEADER_LENGTH = 4096
_HEADER = re.compile(r"(?i:hawk)\s+(.+)", re.DOTALL)
_ATTRIBUTE = re.compile(r'\s*(\w+)="([ \w!#$%&\'()*+,\-./:;<=>?@\[\]^`{|}~]*)"\s*(,|$)', re.ASCII)
_KNOWN = frozenset({"id", "ts", "nonce", "hash", "ext", "mac", "app", "dlg", "tsm", "error"})
_REQUIRED = ("id", "ts", "nonce", "hash", "mac")


class Artifacts(msgspec.Struct, frozen=True):
    """What a request's MAC covers, and the MAC. `ts` is in seconds since 1970, as it was written."""

    id: str
    ts: str
    nonce: str
    method: str
    resource: str
    host: str
    port: int
    hash: str
    mac: str
    ext: str = ""
    app: str = ""
    dlg: str = ""


class Target(msgspec.Struct, frozen=True):
    """What a request is for: `resource` is its raw path and query, as sent."""

    method: str
    resource: str
    host: str
    port: int


class Refusal(Exception):
    """A request, or an answer, is not what it claims to be. The message is for the log alone."""


class Stale(Refusal):
    """A request is right but too old, or too new: the clocks differ."""


def payload_hash(content_type: str, body: bytes) -> str:
    """The hash of a payload: its media type, lower case and without parameters, and its bytes."""
    kind = content_type.partition(";")[0].strip().lower()
    return b64encode(sha256(b"hawk.1.payload\n" + _bytes(kind) + b"\n" + body + b"\n").digest()).decode()


def sign(
    target: Target, key_id: str, secret: str, ts: int, nonce: str, content_type: str = "", body: bytes = b""
) -> Artifacts:
    """A request's artifacts, signed; `authorization` makes its header of them."""
    fields = Artifacts(
        key_id,
        str(ts),
        nonce,
        target.method.upper(),
        target.resource,
        target.host.lower(),
        target.port,
        payload_hash(content_type, body),
        "",
    )
    return msgspec.structs.replace(fields, mac=_mac("header", fields, secret))


def authorization(artifacts: Artifacts) -> str:
    """The value of the `Authorization` header."""
    text = f'Hawk id="{artifacts.id}", ts="{artifacts.ts}", nonce="{artifacts.nonce}", hash="{artifacts.hash}"'
    if artifacts.ext:
        text += f', ext="{artifacts.ext}"'
    return f'{text}, mac="{artifacts.mac}"'


def target_of(method: str, url: str) -> Target:
    """The target of a request for an absolute http(s) URL, byte for byte; the scheme's port where it names none."""
    parts = urlsplit(url)
    after_host = url.split("://", 1)[1][len(parts.netloc) :].partition("#")[0]
    resource = after_host if after_host.startswith("/") else f"/{after_host}"
    return Target(method, resource, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))


def verify(
    header: str,
    target: Target,
    content_type: str,
    body: bytes,
    secret_of: Callable[[str], str | None],
    now: float,
) -> Artifacts:
    """The artifacts of a request that is authentic, complete (payload included) and fresh.

    `content_type` is the header as sent; `secret_of` gives a key's secret, None where there is no such key; `now` is in
    seconds since 1970. Raises Refusal; Stale where nothing but the time is wrong.
    """
    fields = _signed(header, target, secret_of)
    if not hmac.compare_digest(payload_hash(content_type, body).encode(), fields.hash.encode()):
        raise Refusal(f"the hash is not the one that this payload has (key {fields.id!r})")
    _check_time(fields, now)
    return fields


def verify_header(header: str, target: Target, secret_of: Callable[[str], str | None], now: float) -> Artifacts:
    """As `verify`, before there is a payload: who signed is known, and with which hash, but not whether it comes."""
    fields = _signed(header, target, secret_of)
    _check_time(fields, now)
    return fields


def _signed(header: str, target: Target, secret_of: Callable[[str], str | None]) -> Artifacts:
    values = parse(header)
    missing = [name for name in _REQUIRED if not values.get(name)]
    if missing:
        raise Refusal(f"the header lacks {', '.join(missing)}")
    secret = secret_of(values["id"])
    if secret is None:
        raise Refusal(f"there is no key {values['id'][:100]!r}")
    fields = Artifacts(
        method=target.method.upper(),
        resource=target.resource,
        host=target.host.lower(),
        port=target.port,
        **{name: values.get(name, "") for name in ("id", "ts", "nonce", "hash", "mac", "ext", "app", "dlg")},
    )
    if not hmac.compare_digest(_mac("header", fields, secret).encode(), fields.mac.encode()):
        raise Refusal(f"the mac is not the one that this request has with the key {fields.id!r}")
    return fields


def _check_time(fields: Artifacts, now: float) -> None:
    if not re.fullmatch(r"[0-9]{1,12}", fields.ts):
        raise Refusal(f"ts is not a number of seconds (key {fields.id!r})")
    if abs(int(fields.ts) - now) > SKEW_SECONDS:
        raise Stale(f"ts is {int(fields.ts) - now:+.0f} s away from now (key {fields.id!r})")


def covers(header: str, content_type: str, body: bytes) -> bool:
    """Whether a request's header names the hash of this payload; that says nothing of who made it."""
    try:
        return parse(header).get("hash") == payload_hash(content_type, body)
    except Refusal:
        return False


def parse(header: str) -> dict[str, str]:
    """The attributes of a Hawk header, strictly: known names, each once. Raises Refusal."""
    if len(header) > MAX_HEADER_LENGTH:
        raise Refusal("the header is too long")
    found = _HEADER.fullmatch(header)
    if found is None:
        raise Refusal('the header is not of the form: Hawk name="value", …')
    text, at, values = found[1], 0, dict[str, str]()
    while at < len(text):
        attribute = _ATTRIBUTE.match(text, at)
        if attribute is None or attribute[1] not in _KNOWN or attribute[1] in values:
            raise Refusal("the header has an attribute that is malformed, unknown or there twice")
        values[attribute[1]] = attribute[2]
        at = attribute.end()
        if bool(attribute[3]) is (at == len(text)):
            raise Refusal("the header's attributes are not separated by single commas")
    return values


def server_authorization(request: Artifacts, secret: str, content_type: str, body: bytes) -> str:
    """The value of `Server-Authorization` for the answer to an authentic request."""
    fields = msgspec.structs.replace(request, hash=payload_hash(content_type, body), ext="", mac="")
    return f'Hawk mac="{_mac("response", fields, secret)}", hash="{fields.hash}"'


def answer_is_authentic(header: str, request: Artifacts, secret: str, content_type: str, body: bytes) -> bool:
    """Whether an answer's `Server-Authorization` fits the request that was signed and the payload that came."""
    try:
        values = parse(header)
    except Refusal:
        return False
    fields = msgspec.structs.replace(request, hash=values.get("hash", ""), ext=values.get("ext", ""), mac="")
    right_mac = hmac.compare_digest(_mac("response", fields, secret).encode(), values.get("mac", "").encode())
    return right_mac and hmac.compare_digest(payload_hash(content_type, body).encode(), fields.hash.encode())


def challenge(now: float | None = None, secret: str = "") -> str:
    """The value of `WWW-Authenticate` for a refusal.

    With the time and the secret of the key that signed, it tells the server's time, so that the client can correct
    its clock.
    """
    if now is None:
        return "Hawk"
    ts = int(now)
    digest = hmac.digest(secret.encode(), f"hawk.1.ts\n{ts}\n".encode(), "sha256")
    return f'Hawk ts="{ts}", tsm="{b64encode(digest).decode()}", error="Stale timestamp"'


class HawkSigner(msgspec.Struct, frozen=True):
    """Signs each attempt of a collector's request anew; usable as `ports.Signer`. `now` gives seconds since 1970."""

    key_id: str
    secret: str
    now: Callable[[], float]

    def __call__(self, method: str, url: str, content_type: str, body: bytes) -> Mapping[str, str]:
        """The `Authorization` header, with a nonce of its own."""
        target = target_of(method, url)
        nonce = secrets.token_urlsafe(8)
        return {
            "Authorization": authorization(
                sign(target, self.key_id, self.secret, int(self.now()), nonce, content_type, body)
            )
        }

    def __repr__(self) -> str:
        """The key's name; never its secret."""
        return f"HawkSigner({self.key_id!r})"


def _mac(kind: str, fields: Artifacts, secret: str) -> str:
    """The MAC of the normalised string (API.md, "Protocol Example")."""
    ext = fields.ext.replace("\\", "\\\\").replace("\n", "\\n")
    text = (
        f"hawk.1.{kind}\n{fields.ts}\n{fields.nonce}\n{fields.method}\n{fields.resource}\n{fields.host}\n"
        f"{fields.port}\n{fields.hash}\n{ext}\n"
    )
    if fields.app:
        text += f"{fields.app}\n{fields.dlg}\n"
    return b64encode(hmac.digest(secret.encode(), _bytes(text), "sha256")).decode()


def _bytes(text: str) -> bytes:
    """What came over the wire: bytes that are not UTF-8 stand in text as lone surrogates."""
    return text.encode("utf-8", "surrogateescape")
