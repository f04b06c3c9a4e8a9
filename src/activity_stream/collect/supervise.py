"""The collector: a task for each feed, none of which another one's trouble reaches.

Supervisor.run --+-- Sharing           which feeds are this collector's, where there are several
                 +-- Removal           feeds that are no longer configured
                 +-- Gauges            what the index holds, now and then
                 +-- FeedWorker        one for each feed: lease, full cycles, updates cycles (worker, cycles)
                 +-- FeedWorker
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from activity_stream.collect.changes import Keeping
from activity_stream.collect.gauges import Gauges
from activity_stream.collect.plan import FeedPlan
from activity_stream.collect.removing import Removal
from activity_stream.collect.sharing import Sharing
from activity_stream.collect.together import until_first
from activity_stream.collect.worker import FeedWorker
from activity_stream.logs import Log
from activity_stream.metrics import Metrics
from activity_stream.ports import Clock, Index, State

_AGAIN_SECONDS = 10.0


class Supervisor:
    """Collects the feeds of `plans`. `index` (open for writing) and `state` are open, and stay so.

    `owner` names this collector, differently from any other that ever was. `keeping`: what changes are recorded with.
    """

    def __init__(
        self,
        plans: Sequence[FeedPlan],
        index: Index,
        state: State,
        clock: Clock,
        log: Log,
        metrics: Metrics,
        owner: str,
        keeping: Keeping | None = None,
    ) -> None:
        self._clock = clock
        self._log = log
        configured = [plan.unique_id for plan in plans]
        sharing = Sharing(configured, state, clock, log, owner)
        self._works: list[Callable[[], Awaitable[None]]] = [
            sharing.run,
            Removal(index, state, clock, log, sharing, keeping).run,
            Gauges(index, state, clock, metrics, sharing).run,
            *(FeedWorker(plan, index, state, clock, log, metrics, sharing, keeping).run for plan in plans),
        ]

    async def run(self, stop: asyncio.Event) -> None:
        """Collect until `stop` is set; then end within seconds, giving back the leases. What is published stays."""
        await until_first(stop.wait(), *(self._alone(work) for work in self._works), _until_cancelled())

    async def _alone(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run one of the works; whatever becomes of it, the others never notice."""
        while True:
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - the supervisor
                self._log.error("A part of the collector failed in a way that nobody thought of; it begins anew", error)
                await self._clock.sleep(_AGAIN_SECONDS)
            else:
                await _until_cancelled()


async def _until_cancelled() -> None:
    await asyncio.get_running_loop().create_future()
