"""The right to work on a feed: the promise *single*.

    acquired at 0 s .... renewed at 1.7 s, 3.3 s, … .... each time good for 5 s in the state
                                                         and for 4 s here

The second between the two is for a write that was begun just before the lease ended here: it lands before another
worker can have the lease.
"""

from activity_stream.collect.together import until_first
from activity_stream.errors import LeaseLost, StateUnavailable
from activity_stream.logs import Log
from activity_stream.ports import Clock, State

LEASE_SECONDS = 5.0
"""How long after a worker's death another one takes over, at most."""

_MARGIN = 1.0
_RETRY_SECONDS = 1.0


class Lease:
    """One worker's lease on one feed. `owner` names the worker, differently from any other that ever was."""

    def __init__(self, state: State, clock: Clock, log: Log, feed: str, owner: str) -> None:
        self._state = state
        self._clock = clock
        self._log = log
        self._name = f"feed:{feed}"
        self._owner = owner
        self._number: int | None = None
        self._until = 0.0

    async def acquire(self) -> None:
        """Return when this worker has it; until then ask every second."""
        waiting = False
        while True:
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
        """Whether this worker has it now. Raises StateUnavailable."""
        asked = self._clock.monotonic()
        number = await self._state.acquire(self._name, self._owner, LEASE_SECONDS)
        if number is None:
            return False
        self._number = number
        self._until = asked + LEASE_SECONDS - _MARGIN
        return True

    async def keep(self) -> None:
        """Renew it for ever. Raises LeaseLost when that comes too late or another worker has it."""
        number = self._number
        while True:
            await until_first(self._renew(number), self._end())

    async def _renew(self, number: int | None) -> None:
        await self._clock.sleep(LEASE_SECONDS / 3)
        try:
            if not await self.try_once() or self._number != number:
                self._until = 0.0
                self.check()
        except StateUnavailable as error:
            self._log.warning(f"The right to work on the feed could not be renewed: {error}")

    async def _end(self) -> None:
        """Raise LeaseLost at the very moment when it ends, even if the state leaves a renewal without an answer:
        another worker's requests may begin a margin later, and this one's have to be over then."""
        while (left := self._until - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)
        self.check()

    def check(self) -> None:
        """Raise LeaseLost unless this worker has it for sure: to be called before each write."""
        if self._clock.monotonic() >= self._until:
            raise LeaseLost("the right to work on the feed ended; another collector may have it now")

    async def release(self) -> None:
        """Give it back. Raises StateUnavailable."""
        self._until = 0.0
        await self._state.release(self._name, self._owner)
