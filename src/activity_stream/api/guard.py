"""Who is asking? The checks of the contract, section 6, in its order; every text is fixed there."""

import ipaddress
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

import msgspec
from aiohttp import web

from activity_stream import hawk
from activity_stream.api.limits import Limits
from activity_stream.errors import NotAuthenticated, NotAuthorized
from activity_stream.grants import may_use
from activity_stream.model import Caller, SearchLimits
from activity_stream.ports import Clock, State

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
INCORRECT = "Incorrect authentication credentials."
NO_PROTO = "The X-Forwarded-Proto header was not set."
NOT_PROVIDED = "Authentication credentials were not provided."
NO_TYPE = "Content-Type header was not set. It must be set for authentication, even if as the empty string."
NOT_PERMITTED = "You are not authorized to perform this action."
NONCE_SECONDS = 120
_UNLIMITED = SearchLimits().body
_DEFAULT_PORTS = {"http": 80, "https": 443}
NEEDED = {"X-Forwarded-Proto": NO_PROTO, "Authorization": NOT_PROVIDED, "Content-Type": NO_TYPE}
"""The headers that must be there, in the order in which their absence is told."""


class Key(msgspec.Struct, frozen=True):
    """A key that may sign: its secret, whose it is, and how much it may ask."""

    secret: str
    caller: Caller
    limits: Limits = Limits()

    def __repr__(self) -> str:
        """Whose it is; never the secret."""
        return f"Key({self.caller.key_id!r})"


class Refused(NotAuthenticated):
    """A request that is not let in. `reason` is for the log alone; `challenge` for `WWW-Authenticate`."""

    def __init__(self, details: str, reason: str, challenge: str = "Hawk") -> None:
        super().__init__(details)
        self.reason = reason
        self.challenge = challenge


class Guest(msgspec.Struct, frozen=True):
    """A caller who has been let in, with what it takes to sign the answer."""

    caller: Caller
    artifacts: hawk.Artifacts
    secret: str
    limits: Limits

    def __repr__(self) -> str:
        """Who it is; never the secret."""
        return f"Guest({self.caller.key_id!r})"


class Guard:
    """Lets requests in, or says why not, in three steps: headers, signature, permission."""

    def __init__(self, keys: Mapping[str, Key], whitelist: Sequence[Network], state: State, clock: Clock) -> None:
        self._keys = keys
        self._whitelist = tuple(whitelist)
        self._state = state
        self._clock = clock
        self._limited = any(key.caller.limits.body < _UNLIMITED for key in keys.values())

    def check_headers(self, request: web.BaseRequest, *, needed: Collection[str] = tuple(NEEDED)) -> None:
        """Raises Refused where the address is not listed or a header that is needed is missing; needs no body."""
        headers = request.headers
        if self._whitelist and not self._is_listed(headers.getall("X-Forwarded-For", ())):
            raise Refused(INCORRECT, "the address is not in the whitelist")
        for name, details in NEEDED.items():
            if name in needed and name not in headers:
                raise Refused(details, f"no {name}")

    def longest(self, request: web.BaseRequest) -> int:
        """How many bytes the body of a request may have by its key's own limit; needs no body.

        What is not signed is read as that of a key without a limit, so that it learns nothing of any key's.
        """
        if self._limited:
            with suppress(hawk.Refusal):
                return self._known(request).caller.limits.body
        return _UNLIMITED

    async def recognize(self, request: web.BaseRequest) -> Guest:
        """Who signed the request, whose body is not looked at. Raises as `authenticate` does."""
        try:
            guest = self._known(request)
        except hawk.Refusal as refusal:
            raise Refused(INCORRECT, str(refusal)) from refusal
        await self._once(guest)
        return guest

    async def authenticate(self, request: web.BaseRequest, body: bytes, sent: bytes | None = None) -> Guest:
        """Who signed the request, whose headers have been checked. Raises Refused, StateUnavailable.

        `sent` is the body as it came, where that is packed: either of both may have been signed.
        """
        headers = request.headers
        signature, kind = headers["Authorization"], headers.get("Content-Type", "")
        signed = sent if sent is not None and hawk.covers(signature, kind, sent) else body
        guest = self._verified(signature, target_of(request), kind, signed)
        await self._once(guest)
        return guest

    def permit(self, guest: Guest, method: str) -> None:
        """Raises NotAuthorized where the guest may not use the method."""
        if not may_use(guest.caller, method):
            raise NotAuthorized(NOT_PERMITTED)

    def _is_listed(self, values: Sequence[str]) -> bool:
        """Whether the client's address, the second from the right, is in a listed network."""
        addresses = ",".join(values).split(",")
        if len(addresses) < 2:
            return False
        address = _address(addresses[-2].strip())
        return address is not None and any(
            address.version == network.version and address in network for network in self._whitelist
        )

    def _verified(self, header: str, target: hawk.Target, content_type: str, body: bytes) -> Guest:
        now = self._clock.now()
        try:
            artifacts = hawk.verify(header, target, content_type, body, self._secret_of, now)
        except hawk.Stale as refusal:
            secret = self._secret_of(hawk.parse(header)["id"]) or ""
            raise Refused(INCORRECT, str(refusal), hawk.challenge(now, secret)) from refusal
        except hawk.Refusal as refusal:
            raise Refused(INCORRECT, str(refusal)) from refusal
        key = self._keys[artifacts.id]
        return Guest(key.caller, artifacts, key.secret, key.limits)

    def _known(self, request: web.BaseRequest) -> Guest:
        signature, target = request.headers["Authorization"], target_of(request)
        artifacts = hawk.verify_header(signature, target, self._secret_of, self._clock.now())
        key = self._keys[artifacts.id]
        return Guest(key.caller, artifacts, key.secret, key.limits)

    def _secret_of(self, key_id: str) -> str | None:
        key = self._keys.get(key_id)
        return None if key is None else key.secret

    async def _once(self, guest: Guest) -> None:
        """A nonce is good once per key, over all processes (the promise *once*).

        What was signed before the state lost its memory may have been used then, so that it is good no more.
        """
        signed = guest.artifacts
        key = f"nonce:{signed.id}:{signed.nonce}"
        if not await self._state.add(key, b"", NONCE_SECONDS, since=int(signed.ts)):
            raise Refused(
                INCORRECT, f"the nonce has been used before, or the state began after it was signed (key {signed.id!r})"
            )


def target_of(request: web.BaseRequest) -> hawk.Target:
    """What the client signed: the raw path and query, and the host and port it meant.

    A proxy in front changes neither `Host` nor the path. Without a port in `Host` it is the default of what
    `X-Forwarded-Proto` names; one proxy sends there what is no scheme, but then a port in `Host`.
    """
    host, port = split_host(request.headers.get("Host", ""))
    scheme = request.headers.get("X-Forwarded-Proto", "").strip().lower()
    return hawk.Target(request.method, request.raw_path, host, port or _DEFAULT_PORTS.get(scheme, 80))


def split_host(value: str) -> tuple[str, int | None]:
    """Host and port of a `Host` header; the port is None where there is none that could be."""
    bracket = value.rfind("]")
    name, colon, port = value.rpartition(":")
    if not colon or value.rfind(":") < bracket:
        return value.strip("[]"), None
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else None
    return name.strip("[]"), number


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a part of X-Forwarded-For is; some proxies write a port or brackets; None for anything else."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
