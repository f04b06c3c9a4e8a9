"""Who may change a feed's generations, for an index that only one process can change: see `ports.Index.fence`."""

from activity_stream.errors import LeaseLost


class Fences:
    """The largest number of a lease that each feed was fenced with."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def put(self, feed: str, lease: int) -> None:
        """Fence the feed. Raises LeaseLost if a larger number came before."""
        self.check(feed, lease)
        self._numbers[feed] = lease

    def check(self, feed: str, lease: int) -> None:
        """Raise LeaseLost if the feed was fenced with a larger number."""
        if lease < self._numbers.get(feed, 0):
            raise LeaseLost(f"another collector works on feed {feed} now, by right of a newer lease")
