"""Is a feed healthy? It is while what readers see of it is not older than its grace.

Measured by what was completed and published, not by activity: a feed that asks for one page again and again is busy and
not healthy, and so is one whose crawls are all held back.
"""

from collections.abc import Mapping

from activity_stream.collect.records import FeedStatus, read_record
from activity_stream.ports import Clock, State

_FOR_EVER = 10 * 365 * 86_400.0
_METRICS = "metrics:"
_METRICS_EXPIRE = 60.0


async def health(state: State, clock: Clock, feeds: Mapping[str, float]) -> list[tuple[str, bool]]:
    """Each feed and whether it is GREEN; `feeds` gives each one's DOWN_GRACE_PERIOD in seconds, by unique id.

    A feed that never completed counts from when it was first met, by a collector or by this. Raises StateUnavailable.
    """
    found = []
    for feed, grace in feeds.items():
        status = await read_record(state, f"status:{feed}", FeedStatus)
        published = status.published_at if status is not None else None
        since = await _first_met(state, clock, feed) if published is None else published
        found.append((feed, clock.now() - since <= grace))
    return found


async def _first_met(state: State, clock: Clock, feed: str) -> float:
    key = f"since:{feed}"
    await state.add(key, repr(clock.now()).encode(), _FOR_EVER)
    value = await state.get(key)
    return clock.now() if value is None else float(value)


async def store_collector_metrics(state: State, owner: str, exposition: bytes) -> None:
    """Put a collector's metrics where the API's processes find them, for a minute. Raises StateUnavailable."""
    await state.set(_METRICS + owner, exposition, _METRICS_EXPIRE)


async def forget_collector_metrics(state: State, owner: str) -> None:
    """Take a collector's metrics out of the state: it ends. Raises StateUnavailable."""
    await state.delete(_METRICS + owner)


async def collector_metrics(state: State, *, besides: str | None = None) -> list[bytes]:
    """The metrics of every collector that lives, as Prometheus text; one can be left out. Raises StateUnavailable."""
    found = await state.scan(_METRICS)
    return [exposition for key, exposition in found.items() if besides is None or key != _METRICS + besides]
