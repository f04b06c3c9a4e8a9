"""What the index holds, measured now and then."""

from contextlib import suppress

from activity_stream.collect.health import store_collector_metrics
from activity_stream.errors import ActivityStreamError
from activity_stream.metrics import Metrics
from activity_stream.ports import Clock, Index, State

_INTERVAL = 10.0


class Gauges:
    """Keeps the gauges of the index up to date, and the collector's metrics in the state."""

    def __init__(self, index: Index, state: State, clock: Clock, metrics: Metrics, owner: str) -> None:
        self._index = index
        self._state = state
        self._clock = clock
        self._metrics = metrics
        self._owner = owner

    async def run(self) -> None:
        """For ever. While the index or the state does not answer, the gauges stay as they were."""
        while True:
            # Whoever works with the index or the state at the same time says in the log that it does not answer.
            with suppress(ActivityStreamError):
                await self._measure()
            await self._clock.sleep(_INTERVAL)

    async def _measure(self) -> None:
        published = await self._index.published()
        shown = {feed: (await self._index.count(each)).activities for feed, each in published.items()}
        hidden = dict.fromkeys(shown, 0)
        for generation in await self._index.unpublished():
            count = (await self._index.count(generation)).activities
            hidden[generation.feed] = hidden.get(generation.feed, 0) + count
        for feed, number in hidden.items():
            self._metrics.set_feed_activities(feed, shown.get(feed, 0), searchable=True)
            self._metrics.set_feed_activities(feed, number, searchable=False)
        self._metrics.set_activities(sum(shown.values()), searchable=True)
        self._metrics.set_activities(sum(hidden.values()), searchable=False)
        for feed in shown:
            newest = await self._index.newest(feed)
            if newest is not None:
                self._metrics.set_age_minimum(feed, self._clock.now() - newest)
        await store_collector_metrics(self._state, self._owner, self._metrics.exposition())
