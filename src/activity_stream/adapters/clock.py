"""The system's clock."""

import asyncio
import time


class SystemClock:
    """Time as it is."""

    def now(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed; 0 gives way to other tasks once."""
        await asyncio.sleep(seconds)
