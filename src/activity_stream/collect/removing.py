"""A feed that is no longer configured loses its data."""

from activity_stream.collect.changes import FeedChanges, Keeping
from activity_stream.collect.lease import Lease
from activity_stream.collect.records import FEED_KINDS
from activity_stream.collect.sharing import Sharing
from activity_stream.collect.together import until_first
from activity_stream.errors import ActivityStreamError, LeaseLost
from activity_stream.logs import Log
from activity_stream.ports import Clock, Index, State

_RETRY_SECONDS = 5.0


class Removal:
    """Removes what index and state hold of feeds that no collector has configured."""

    def __init__(
        self, index: Index, state: State, clock: Clock, log: Log, sharing: Sharing, keeping: Keeping | None = None
    ) -> None:
        self._index = index
        self._state = state
        self._clock = clock
        self._log = log
        self._sharing = sharing
        self._keeping = keeping

    async def run(self) -> None:
        """Return when nothing is left but this collector's feeds. Feeds that another collector has configured, or works
        on, are left alone until that one ends: during a deployment both have their own configuration."""
        await self._sharing.known()
        while True:
            try:
                left = [feed for feed in sorted(await self._strangers()) if not await self._remove(feed)]
            except ActivityStreamError as error:
                self._log.warning(f"Feeds that are no longer configured could not be removed yet: {error}")
            else:
                if not left:
                    return
            await self._clock.sleep(_RETRY_SECONDS)

    async def _strangers(self) -> set[str]:
        found = set(await self._index.published()) | {each.feed for each in await self._index.unpublished()}
        for kind in FEED_KINDS:
            found |= {key.removeprefix(f"{kind}:") for key in await self._state.scan(f"{kind}:")}
        return found - self._sharing.own

    async def _remove(self, feed: str) -> bool:
        """Whether the feed is gone; not while another collector has it."""
        if feed in self._sharing.everybodys():
            return False
        lease = Lease(self._state, self._clock, self._log, feed, self._sharing.owner)
        if not await lease.try_once():
            return False
        try:
            await until_first(lease.keep(), self._erase(feed, lease))
        except LeaseLost:
            return False
        await lease.release()
        self._log.with_tags(feed).info("Removed the feed's data: it is no longer configured")
        return True

    async def _erase(self, feed: str, lease: Lease) -> None:
        number = lease.number or 0
        await self._index.fence(feed, number)
        published = (await self._index.published()).get(feed)
        others = [each for each in await self._index.unpublished() if each.feed == feed]
        changes = None
        if self._keeping is not None:
            changes = FeedChanges(feed, self._keeping, self._index, self._state, self._clock, lease)
            await changes.settle(published)
            await changes.learn(published)
        lease.check()
        await self._index.drop([*others, published] if published is not None else others, lease=number)
        if changes is not None:
            await changes.settle(None)
        for kind in FEED_KINDS:
            lease.check()
            await self._state.delete(f"{kind}:{feed}")
