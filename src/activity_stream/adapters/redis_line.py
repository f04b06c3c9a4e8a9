"""One connection to Redis, which many calls share.

    calls ──► waiting ──► one batch over the connection ──► their answers
                 ▲               │
                 └── meanwhile ──┘      what is asked while a batch is under way goes into the next one together

So a process needs one socket however many calls it makes at once, and many calls cost little more than one.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import msgspec
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError

from activity_stream.adapters.redis_scripts import Script
from activity_stream.errors import SettingsError, StateUnavailable

_MOST_AT_ONCE = 500
"""Calls in one batch: a batch is over well within any time-out."""


class _Call(msgspec.Struct, eq=False):
    """A script to run, and who waits for it."""

    script: Script
    arguments: tuple[bytes, ...]
    again: bool
    """Whether it may be sent once more, not knowing whether it was carried out."""
    done: asyncio.Future[Any]
    whole: bool = False
    """Whether Redis has to be sent the script itself: it does not know it by its name."""


class RedisLine:
    """A connection to the Redis at `url`, made when it is needed and anew when it is lost.

    A call ends within `timeout` seconds. Raises SettingsError for a `url` that is none.
    """

    def __init__(self, url: str, prefix: str, timeout: float) -> None:
        self._connection, self._where = _unconnected(url, timeout)
        self._prefix = prefix.encode()
        self._timeout = timeout
        self._waiting: deque[_Call] = deque()
        self._work: asyncio.Task[None] | None = None
        self._closed = False
        self._refused = False  # what is refused here (READONLY) may be taken by who has the address by now

    async def close(self) -> None:
        """Finish what was asked for and hang up."""
        self._closed = True
        if self._work is not None:
            await asyncio.wait([self._work])
        await self._hang_up()

    async def run(self, script: Script, *arguments: bytes, again: bool) -> Any:
        """The script's answer. After a lost connection it is sent once more where `again` allows it.

        Raises StateUnavailable.
        """
        if self._closed:
            raise StateUnavailable("the state was closed")
        call = _Call(script, arguments, again, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if self._work is None:
            self._work = asyncio.create_task(self._send_all())
        try:
            async with asyncio.timeout(self._timeout):
                return await call.done
        except TimeoutError:
            raise self._silent(f"no answer within {self._timeout:g} s") from None

    async def _send_all(self) -> None:
        """Send what waits, batch after batch, until nothing does."""
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_AT_ONCE))]
                # Who has given up meanwhile is not to be served any more: nobody would know.
                await self._exchange(deque(call for call in batch if not call.done.done()))
        finally:
            self._work = None

    async def _exchange(self, calls: deque[_Call]) -> None:
        """Send the calls and hand out their answers; those without one fail, or wait for the next batch."""
        sent = False
        try:
            async with asyncio.timeout(self._timeout):
                await self._connect()
                commands = self._connection.pack_commands([self._command(call) for call in calls])
                sent = True
                await self._connection.send_packed_command(commands, check_health=False)
                while calls:
                    self._settle(calls[0], await self._answer())
                    calls.popleft()
        except TimeoutError:
            await self._hang_up()
            self._fail(calls, f"no answer within {self._timeout:g} s")
        except (RedisError, OSError) as error:
            await self._hang_up()
            self._fail((call for call in calls if not (sent and call.again)), str(error))
            self._send_again([call for call in calls if sent and call.again])

    def _send_again(self, calls: list[_Call]) -> None:
        """Put the calls first in the next batch, for the last time."""
        for call in calls:
            call.again = False
        self._waiting.extendleft(reversed(calls))

    async def _connect(self) -> None:
        """Be connected; a connection that the other side has closed, or that has something to say, is made anew."""
        connection = self._connection
        if connection.is_connected and (self._refused or await connection.can_read()):
            await self._hang_up()
        await connection.connect()  # type: ignore[no-untyped-call]
        self._refused = False

    def _command(self, call: _Call) -> tuple[bytes, ...]:
        how = (b"EVAL", call.script.text) if call.whole else (b"EVALSHA", call.script.sha)
        return (*how, b"1", self._prefix, *call.arguments)

    async def _answer(self) -> Any:
        """The next answer of Redis; a refusal too."""
        try:
            return await self._connection.read_response(disable_decoding=True, disconnect_on_error=False)
        except ResponseError as refusal:
            return refusal

    def _settle(self, call: _Call, answer: Any) -> None:
        """Hand the answer to who waits for it."""
        if isinstance(answer, NoScriptError) and not call.whole:
            call.whole = True
            self._waiting.appendleft(call)
        elif call.done.done():
            return
        elif isinstance(answer, ResponseError):
            self._refused = True
            call.done.set_exception(StateUnavailable(f"Redis at {self._where} refuses: {answer}"))
        else:
            call.done.set_result(answer)

    def _fail(self, calls: Iterable[_Call], reason: str) -> None:
        for call in calls:
            if not call.done.done():
                call.done.set_exception(self._silent(reason))

    def _silent(self, reason: str) -> StateUnavailable:
        return StateUnavailable(
            f"Redis at {self._where} does not answer: {reason}; check that it runs, that STATE_URL is right and that "
            f"nothing between here and there refuses connections"
        )

    async def _hang_up(self) -> None:
        await self._connection.disconnect(nowait=True)


def _unconnected(url: str, timeout: float) -> tuple[AbstractConnection, str]:
    """A connection that is still to be made, and its other end in words, without secrets. Raises SettingsError."""
    try:
        pool = ConnectionPool.from_url(
            url, protocol=2, socket_timeout=None, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
        )
        connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call]
        parts = urlsplit(url)
        where = parts.path if parts.scheme == "unix" else f"{parts.hostname or 'localhost'}:{parts.port or 6379}"
    except (ValueError, TypeError):
        # Their words may hold a piece of the password.
        problem = (
            "STATE_URL: is not a URL of Redis; it has to be redis://[user:password@]host[:port][/number], rediss://… "
            "for TLS, with what is special in a password percent-encoded, and options that redis-py knows"
        )
        raise SettingsError((problem,)) from None
    return connection, where
