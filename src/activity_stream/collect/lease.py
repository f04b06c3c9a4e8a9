"""The right to work on a feed: the promise *single*.

    acquired at 0 s .... renewed at 1 s, 2 s, … .... each time good for 4 s in the state
                                                     and for 3 s here

The second between the two is for a request or a write that was begun just before the lease ended here: it lands before
another worker can have the lease. What lands later all the same (this process was stopped in between, or the network
kept it) is kept out by the lease's number: see `ports.Index.fence`.

A worker's death is made good after at most 4.5 s: 4 until its lease ends, 0.5 until another one asks for it.
"""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from activity_stream.collect.together import until_first
from activity_stream.errors import LeaseLost, StateUnavailable
from activity_stream.logs import Log
from activity_stream.ports import Clock, Fetcher, Request, Response, State

LEASE_SECONDS = 4.0
"""How long after a worker's death its feed is free."""

_MARGIN = 1.0
_RENEWAL_SECONDS = 1.0
_RETRY_SECONDS = 0.5


async def _any_time() -> None:
    """It is always this worker's turn."""


class Lease:
    """One worker's lease on one feed. `owner` names the worker's collector, differently from any other that ever was.

    `number` is what the worker had or has its right by, None before the first time; `check` tells whether it still has.
    """

    def __init__(self, state: State, clock: Clock, log: Log, feed: str, owner: str) -> None:
        self._state = state
        self._clock = clock
        self._log = log
        self._name = f"feed:{feed}"
        self._owner = owner
        self._until = 0.0
        self.number: int | None = None

    async def acquire(self, turn: Callable[[], Awaitable[None]] = _any_time) -> None:
        """Return when this worker has it; until then ask twice a second, each time when `turn` has returned."""
        waiting = False
        while True:
            await turn()
            try:
                if await self.try_once():
                    return
                reason = "another collector works on it"
            except StateUnavailable as error:
                reason = str(error)
            if not waiting:
                self._log.info(f"Waiting for the feed: {reason}")
                waiting = True
            await self._clock.sleep(_RETRY_SECONDS)

    async def try_once(self) -> bool:
        """Whether this worker has it now, with a larger number than it had before. Raises StateUnavailable."""
        asked = self._clock.monotonic()
        number = await self._state.acquire(self._name, self._owner, LEASE_SECONDS)
        if number is not None and number == self.number:
            # It had ended here and not yet in the state. What was sent by right of that number may still be under way:
            # by a new one it can be told apart.
            await self._state.release(self._name, self._owner)
            asked = self._clock.monotonic()
            number = await self._state.acquire(self._name, self._owner, LEASE_SECONDS)
        if number is None:
            return False
        self.number = number
        self._until = _good_until(asked)
        return True

    async def anew(self) -> None:
        """Go on by a larger number: what was sent by right of the present one can be kept out by `Index.fence`.

        Raises LeaseLost, StateUnavailable.
        """
        self.check()
        if not await self.try_once():
            self._until = 0.0
        self.check()

    async def keep(self) -> None:
        """Renew it for ever. Raises LeaseLost when that comes too late or another worker has it, or had it."""
        while True:
            await until_first(self._renew(), self._end())

    async def _renew(self) -> None:
        await self._clock.sleep(_RENEWAL_SECONDS)
        asked = self._clock.monotonic()
        try:
            number = await self._state.acquire(self._name, self._owner, LEASE_SECONDS, held=self.number)
        except StateUnavailable as error:
            self._log.warning(f"The right to work on the feed could not be renewed: {error}")
            return
        # A larger number: the state has forgotten the lease, or another worker had it meanwhile. From here the two look
        # the same, and what this worker remembers of the feed may be old: it has to begin anew, by the new right.
        self._until = _good_until(asked) if number == self.number else 0.0
        self.check()

    async def _end(self) -> None:
        """Raise LeaseLost at the very moment when it ends, even if the state leaves a renewal without an answer:
        another worker's requests may begin a margin later, and this one's have to be over then."""
        while (left := self._until - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)
        self.check()

    def is_held(self) -> bool:
        """Whether this worker has it for sure."""
        return self._clock.monotonic() < self._until

    def check(self) -> None:
        """Raise LeaseLost unless this worker has it for sure: to be called before each write."""
        if not self.is_held():
            raise LeaseLost("the right to work on the feed ended; another collector may have it now")

    async def release(self) -> None:
        """Give it back, or whatever was asked for and not answered. Raises StateUnavailable."""
        self._until = 0.0
        await self._state.release(self._name, self._owner)


class LeasedFetcher:
    """A feed's Fetcher under a lease: without it nothing is asked, not even again after a wait."""

    def __init__(self, fetcher: Fetcher, lease: Lease) -> None:
        self._fetcher = fetcher
        self._lease = lease

    async def fetch(self, request: Request, on_wait: Callable[[float], None]) -> Response:
        """The source's answer; see the port. Raises LeaseLost too."""

        def sign(method: str, url: str, content_type: str, body: bytes) -> Mapping[str, str]:
            # Called as each attempt goes out, also the one after a wait, in which this process may have been stopped.
            self._lease.check()
            return request.signer(method, url, content_type, body) if request.signer is not None else {}

        self._lease.check()
        return await self._fetcher.fetch(msgspec.structs.replace(request, signer=sign), on_wait)

    async def close(self) -> None:
        """End its connections."""
        await self._fetcher.close()


def _good_until(asked: float) -> float:
    return asked + LEASE_SECONDS - _MARGIN
