"""What the collector has to know of a feed, made from the settings by whoever joins the parts."""

import msgspec

from activity_stream.feeds.base import FeedType
from activity_stream.ports import Fetcher


class FeedPlan(msgspec.Struct, frozen=True):
    """One feed to collect; the settings' meaning is the contract's (section 2). All times are in seconds.

    `fetcher` is this feed's own: it keeps to one request at a time. `publish_min_ratio` 0 turns the guard before
    publishing off. `stall_timeout` is how long a full cycle may make no progress beyond what politeness asks.
    """

    unique_id: str
    feed_type: FeedType
    fetcher: Fetcher
    allowed_hosts: tuple[str, ...] = ()
    full_ingest_interval: float = 120.0
    full_ingest_page_interval: float = 0.25
    updates_page_interval: float = 1.0
    exception_intervals: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
    down_grace_period: float = 172_800.0
    disable_updates: bool = False
    publish_min_ratio: float = 0.5
    stall_timeout: float = 300.0
