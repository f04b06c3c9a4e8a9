"""What the index holds, measured now and then; and the collector's metrics, put where the API finds them."""

from collections.abc import Mapping
from contextlib import suppress

import msgspec

from activity_stream.collect.health import forget_collector_metrics, store_collector_metrics
from activity_stream.collect.sharing import Sharing
from activity_stream.collect.together import until_first
from activity_stream.errors import ActivityStreamError, StateUnavailable
from activity_stream.metrics import Metrics
from activity_stream.ports import Clock, Index, State

_INTERVAL = 10.0
_GOODBYE_SECONDS = 2.0


class _Measured(msgspec.Struct):
    """What the index holds of a feed: activities that readers find, those they do not, the newest one's age."""

    shown: int = 0
    hidden: int = 0
    age: float | None = None


class Gauges:
    """Keeps the gauges of the index up to date, and the collector's metrics in the state.

    Of several collectors one measures the index, all feeds of it; the others' gauges are 0, which is what a process
    says that knows nothing of a thing (`metrics.merge`).
    """

    def __init__(self, index: Index, state: State, clock: Clock, metrics: Metrics, sharing: Sharing) -> None:
        self._index = index
        self._state = state
        self._clock = clock
        self._metrics = metrics
        self._sharing = sharing
        self._set: set[str] = set()

    async def run(self) -> None:
        """For ever. While the index or the state does not answer, the gauges stay as they were. Cancelled, it takes the
        collector's metrics out of the state."""
        await self._sharing.known()
        try:
            while True:
                # Whoever works with the index or the state at the same time says in the log that it does not answer.
                with suppress(ActivityStreamError):
                    self._show(await self._measure() if self._sharing.is_first() else {})
                with suppress(StateUnavailable):
                    await store_collector_metrics(self._state, self._sharing.owner, self._metrics.exposition())
                await self._clock.sleep(_INTERVAL)
        finally:
            await until_first(self._forget(), self._clock.sleep(_GOODBYE_SECONDS))

    async def _measure(self) -> Mapping[str, _Measured]:
        found: dict[str, _Measured] = {}
        for feed, generation in (await self._index.published()).items():
            newest = await self._index.newest(feed)
            age = None if newest is None else self._clock.now() - newest
            found[feed] = _Measured((await self._index.count(generation)).activities, age=age)
        for generation in await self._index.unpublished():
            count = (await self._index.count(generation)).activities
            found.setdefault(generation.feed, _Measured()).hidden += count
        return found

    def _show(self, found: Mapping[str, _Measured]) -> None:
        """Set the gauges; what was shown of other feeds before is over."""
        for feed in found.keys() | self._set:
            measured = found.get(feed, _Measured(age=0.0))
            self._metrics.set_feed_activities(feed, measured.shown, searchable=True)
            self._metrics.set_feed_activities(feed, measured.hidden, searchable=False)
            if measured.age is not None:
                self._metrics.set_age_minimum(feed, measured.age)
        self._metrics.set_activities(sum(each.shown for each in found.values()), searchable=True)
        self._metrics.set_activities(sum(each.hidden for each in found.values()), searchable=False)
        self._set = set(found)

    async def _forget(self) -> None:
        with suppress(StateUnavailable):
            await forget_collector_metrics(self._state, self._sharing.owner)
