"""A feed that is no longer configured loses its data."""

from collections.abc import Collection

from activity_stream.collect.lease import Lease
from activity_stream.collect.records import FEED_KINDS
from activity_stream.errors import ActivityStreamError
from activity_stream.logs import Log
from activity_stream.ports import Clock, Index, State

_RETRY_SECONDS = 5.0


class Removal:
    """Removes what index and state hold of feeds that are not among `configured`."""

    def __init__(
        self, configured: Collection[str], index: Index, state: State, clock: Clock, log: Log, owner: str
    ) -> None:
        self._configured = frozenset(configured)
        self._index = index
        self._state = state
        self._clock = clock
        self._log = log
        self._owner = owner

    async def run(self) -> None:
        """Return when nothing of them is left. A feed that another collector works on, one with an older
        configuration perhaps, is left alone until that one ends."""
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
        return found - self._configured

    async def _remove(self, feed: str) -> bool:
        """Whether the feed is gone; not while another collector has it."""
        lease = Lease(self._state, self._clock, self._log, feed, self._owner)
        if not await lease.try_once():
            return False
        published = (await self._index.published()).get(feed)
        others = [each for each in await self._index.unpublished() if each.feed == feed]
        lease.check()
        await self._index.drop([*others, published] if published is not None else others)
        for kind in FEED_KINDS:
            await self._state.delete(f"{kind}:{feed}")
        await lease.release()
        self._log.with_tags(feed).info("Removed the feed's data: it is no longer configured")
        return True
