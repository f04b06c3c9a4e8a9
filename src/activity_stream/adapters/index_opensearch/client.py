"""Asks a cluster over HTTP: bytes out, bytes in, signed, tried again where that makes sense.

    call ──► once ──► an answer ──────────────► 429, 500, 502, 503, 504: wait, and again; then IndexUnavailable
                └───► no answer, or broken off ─► wait, and again; then IndexUnavailable
                                                  401, 403: IndexUnavailable at once, it is the login's fault

What is asked for with `call` can be asked for twice: it says how things are to be, not how they are to change.
"""

import ssl
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import msgspec
from yarl import URL

from activity_stream.adapters.index_opensearch.signing import AwsLogin, Signing, aws_signing
from activity_stream.errors import IndexUnavailable
from activity_stream.ports import Clock

JSON, LINES = "application/json", "application/x-ndjson"
BUSY = frozenset({429, 502, 503, 504})
"""The cluster, or what is in front of it, cannot now, and may a moment later."""

FAILING = BUSY | {500}
"""The same, and what went wrong inside of the cluster, which is often over as soon."""

ASKED_AGAIN = BUSY | {404}
"""For a search: also that an index was dropped after the alias had led to it."""

WAITS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each further try of what stores something: a node's death is over by then, as a rule."""

QUICK = (0.05, 0.2)
"""Seconds before each further try of what a reader waits for."""

_FINAL = b"too_many_buckets_exception"
"""OpenSearch 3 answers 503 to a search that asks for too much; it would do so again."""

_BLOCK = b"_block_exception"
"""A 403 that is not the login's fault: a full disk, or an operator, keeps the index from being written to."""

CONNECTIONS = 100


class Login(msgspec.Struct, frozen=True):
    """A user of the cluster, for basic authentication."""

    username: str
    password: str

    def __repr__(self) -> str:
        """Who; never the password."""
        return f"Login({self.username!r})"


class Timeouts(msgspec.Struct, frozen=True):
    """How long one try may take, in seconds: to connect, and in all."""

    connect: float = 5.0
    total: float = 60.0


class Reply(msgspec.Struct, frozen=True):
    """A cluster's answer."""

    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether it did what it was asked for."""
        return 200 <= self.status < 300

    def reason(self) -> str:
        """What it says is wrong, short enough for a log line."""
        return f"{self.status}: {self.body[:500].decode(errors='replace')}"


class Client:
    """One cluster at `url`, which has no login in it. `waits`: see WAITS."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        login: Login | None = None,
        ca_file: Path | None = None,
        aws: AwsLogin | None = None,
        timeouts: Timeouts | None = None,
        waits: Sequence[float] = WAITS,
    ) -> None:
        parts = urlsplit(url)
        self._place = parts.netloc.lower()  # as it is signed
        self._base = f"{parts.scheme}://{self._place}{parts.path.rstrip('/')}"
        self._clock = clock
        self._login = login
        self._ca_file = ca_file
        self._signing: Signing | None = None if aws is None else aws_signing(aws)
        self._timeouts = timeouts or Timeouts()
        self.waits = tuple(waits)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """End the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self, method: str, path: str, body: bytes = b"", kind: str = JSON, *, waits: Sequence[float] | None = None
    ) -> Reply:
        """The answer, whatever its status, but for those that are tried again or are the login's fault.

        `path` begins with a slash, its query included, and goes out byte for byte. Raises IndexUnavailable.
        """
        reply = await self._tried(method, path, body, kind, self.waits if waits is None else waits, FAILING)
        if reply.status in FAILING:
            raise IndexUnavailable(f"the index at {self._place} answered {reply.reason()}")
        return reply

    async def ask(self, path: str, body: bytes) -> Reply:
        """The cluster's answer to a search, whatever its status, but for those that are the login's fault.

        A cluster that lost a node, or an index that was dropped meanwhile, is asked once more. Raises IndexUnavailable,
        also for an answer that is no JSON object: that is not the cluster's, but of something in front of it.
        """
        reply = await self._tried("POST", path, body, JSON, QUICK, ASKED_AGAIN)
        if not reply.body.lstrip().startswith(b"{"):
            raise IndexUnavailable(f"what answers at {self._place} is no index; it said {reply.reason()}")
        return reply

    async def _tried(
        self, method: str, path: str, body: bytes, kind: str, waits: Sequence[float], again: Collection[int]
    ) -> Reply:
        """The last try's answer; that of a status in `again` is tried again.

        Raises IndexUnavailable where none came, or the login is refused.
        """
        for wait in waits:
            try:
                reply = await self.once(method, path, body, kind)
            except IndexUnavailable:
                pass
            else:
                if reply.status not in again or _FINAL in reply.body:
                    return self._allowed(reply)
            await self._clock.sleep(wait)
        return self._allowed(await self.once(method, path, body, kind))

    async def once(self, method: str, path: str, body: bytes = b"", kind: str = JSON) -> Reply:
        """One try; the answer, whatever its status. Raises IndexUnavailable where none came."""
        url = self._base + path
        headers = {"Content-Type": kind} if body else {}
        if self._signing is not None:
            headers |= self._signing(method, url, kind if body else "", body)
        try:
            async with self._opened().request(
                method, URL(url, encoded=True), data=body or None, headers=headers, allow_redirects=False
            ) as response:
                return Reply(response.status, await response.read())
        except (aiohttp.ClientError, OSError) as error:
            reason = "it took too long" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
            raise IndexUnavailable(
                f"the index at {self._place} did not answer: {reason}; check that it runs, and INDEX_URL"
            ) from error

    def _allowed(self, reply: Reply) -> Reply:
        if reply.status == 401 or (reply.status == 403 and _BLOCK not in reply.body):
            raise IndexUnavailable(
                f"the index at {self._place} refused the login with {reply.status}; check the user and password of "
                "INDEX_URL (or the ES_AWS_ variables), and what that user may do"
            )
        return reply

    def _opened(self) -> aiohttp.ClientSession:
        """The session; made here because it needs a running loop."""
        if self._session is None:
            login = None if self._login is None else _basic(self._login)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, ssl=self._tls(), keepalive_timeout=30.0),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept-Encoding": "identity", **(login or {})},
                timeout=aiohttp.ClientTimeout(total=self._timeouts.total, connect=self._timeouts.connect),
            )
        return self._session

    def _tls(self) -> ssl.SSLContext | bool:
        if self._ca_file is None:
            return True
        try:
            return ssl.create_default_context(cafile=str(self._ca_file))
        except (OSError, ssl.SSLError) as error:
            raise IndexUnavailable(
                f"INDEX_CA_FILE {self._ca_file} cannot be used ({error}); it has to be certificates in PEM form"
            ) from error


def _basic(login: Login) -> Mapping[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth(login.username, login.password, "utf-8")}
