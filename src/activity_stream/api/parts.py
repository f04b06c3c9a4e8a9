"""What the API is made of, handed in by whoever joins the parts."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
from aiohttp import web

from activity_stream.api.guard import Key, Network
from activity_stream.fields import FieldMap
from activity_stream.logs import Log
from activity_stream.model import Alias
from activity_stream.ports import ChangeLog, Clock, Index, State
from activity_stream.search.following import Marked

Health = Callable[[], Awaitable[Sequence[tuple[str, bool]]]]
"""Each feed's name, and whether it is GREEN."""

Exposition = Callable[[], Awaitable[bytes]]
"""The metrics of all processes, in Prometheus's text format."""


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """The parts. `started_at` in seconds since 1970, `cursor_expiry` and
    `changes_retention` in seconds. `changes`: the record of changes, if it is kept; `marked`: what it has of each feed.
    """

    index: Index
    fields: Mapping[Alias, FieldMap]
    state: State
    clock: Clock
    log: Log
    health: Health
    exposition: Exposition
    started_at: float
    keys: Mapping[str, Key] = {}
    whitelist: Sequence[Network] = ()
    max_body_bytes: int = 1024 * 1024
    cursor_expiry: float = 300.0
    changes: ChangeLog | None = None
    changes_retention: float = 0.0
    marked: Marked | None = None


PARTS: web.AppKey[Parts] = web.AppKey("parts", Parts)
