"""Whether a full cycle gets anywhere: each of its waits has an end."""

from typing import NoReturn

from activity_stream.errors import Stalled
from activity_stream.ports import Clock


class Progress:
    """Measures how long nothing was fetched or written beyond what politeness asks. One for each feed."""

    def __init__(self, clock: Clock, timeout: float) -> None:
        self._clock = clock
        self._timeout = timeout
        self._made = clock.monotonic()
        self._polite_until = self._made

    def made(self) -> None:
        """The full cycle fetched or wrote something."""
        self._made = self._clock.monotonic()

    def waits(self, seconds: float) -> None:
        """Somebody waits so long because the source asked for it; the updates cycle's waits count, since the full
        cycle has to wait for them too.
        """
        self._polite_until = max(self._polite_until, self._clock.monotonic() + seconds)

    async def watch(self) -> NoReturn:
        """Raise Stalled once there was no progress for too long, counted from now on."""
        self.made()
        while (left := self._deadline() - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)
        raise Stalled(
            f"the full ingest made no progress for {self._timeout:g} s (STALL_TIMEOUT) and was given up; it begins anew"
        )

    def _deadline(self) -> float:
        return max(self._made, self._polite_until) + self._timeout
