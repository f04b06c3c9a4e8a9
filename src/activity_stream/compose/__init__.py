"""Settings become running parts: the one place that joins."""

from activity_stream.adapters.ask import NoReply, Reply
from activity_stream.compose.asking import decide, feed_statuses, is_authentic, search
from activity_stream.compose.listening import CannotServe
from activity_stream.compose.services import (
    DemoParts,
    demo,
    incoming,
    outgoing,
    run,
    say_goodbye,
    verification_feed,
)
from activity_stream.compose.workers import LISTEN_FD, incoming_worker, incoming_workers

__all__ = [
    "LISTEN_FD",
    "CannotServe",
    "DemoParts",
    "NoReply",
    "Reply",
    "decide",
    "demo",
    "feed_statuses",
    "incoming",
    "incoming_worker",
    "incoming_workers",
    "is_authentic",
    "outgoing",
    "run",
    "say_goodbye",
    "search",
    "verification_feed",
]
