"""A State in memory, for tests and for looking at what is stored."""

from collections.abc import Mapping

from activity_stream.errors import StateUnavailable
from activity_stream.ports import Clock


class MemoryState:
    """A State that lives as long as its object.

    `fail_next = n` makes the next n calls raise StateUnavailable; `forget()` is a restart without data.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._values: dict[str, tuple[bytes, float | None]] = {}
        self._leases: dict[str, tuple[str | None, float, int]] = {}
        self._born: float | None = None
        self.fail_next = 0

    def forget(self) -> None:
        """Lose everything, as a server does that starts again without its data: memory begins now."""
        self._values.clear()
        self._leases.clear()
        self._born = self._clock.now()

    async def open(self) -> None:
        """Be ready."""

    async def close(self) -> None:
        """What was stored stays."""

    async def ping(self) -> None:
        """Return unless a failure was asked for."""
        self._fail_if_told()

    async def get(self, key: str) -> bytes | None:
        """The value, None where there is none or it has expired."""
        self._fail_if_told()
        return self._live(key)

    async def set(self, key: str, value: bytes, expires_in: float | None = None) -> None:
        """Store the value in place of any other."""
        self._fail_if_told()
        self._store(key, value, expires_in)

    async def add(self, key: str, value: bytes, expires_in: float, *, since: float | None = None) -> bool:
        """Store the value if there is none; False too where memory begins after `since`."""
        self._fail_if_told()
        forgotten = since is not None and self._born is not None and since < self._born
        if forgotten or self._live(key) is not None:
            return False
        self._store(key, value, expires_in)
        return True

    async def delete(self, key: str) -> None:
        """Forget the value."""
        self._fail_if_told()
        self._values.pop(key, None)

    async def scan(self, prefix: str) -> Mapping[str, bytes]:
        """Every unexpired value whose key begins with `prefix`."""
        self._fail_if_told()
        found = {key: self._live(key) for key in sorted(self._values) if key.startswith(prefix)}
        return {key: value for key, value in found.items() if value is not None}

    async def acquire(self, lease: str, owner: str, seconds: float, *, held: int | None = None) -> int | None:
        """The lease's number for its owner, None if another has it, or may have had it before everything was lost."""
        self._fail_if_told()
        now = self._clock.now()
        holder, until, number = self._leases.get(lease, (None, 0.0, 0))
        taken = holder is not None and until > now
        if taken and holder != owner:
            return None
        if not taken:
            if held is None and self._born is not None and now < self._born + seconds:
                return None
            number = max(number, held or 0, int(self._born or 0)) + 1
        self._leases[lease] = (owner, now + seconds, number)
        return number

    async def release(self, lease: str, owner: str) -> None:
        """Give the lease back; its number is kept, so that the next one is larger."""
        self._fail_if_told()
        holder, _, number = self._leases.get(lease, (None, 0.0, 0))
        if holder == owner:
            self._leases[lease] = (None, 0.0, number)

    def _live(self, key: str) -> bytes | None:
        value, until = self._values.get(key, (None, None))
        return None if until is not None and until <= self._clock.now() else value

    def _store(self, key: str, value: bytes, expires_in: float | None) -> None:
        self._values[key] = (value, None if expires_in is None else self._clock.now() + expires_in)

    def _fail_if_told(self) -> None:
        if self.fail_next > 0:
            self.fail_next -= 1
            raise StateUnavailable("told to fail")
