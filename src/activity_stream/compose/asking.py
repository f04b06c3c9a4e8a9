"""What single commands need: a signed search, the feeds' statuses, the operator's decisions."""

import secrets

from activity_stream import hawk
from activity_stream.adapters.ask import Reply, ask
from activity_stream.adapters.clock import SystemClock
from activity_stream.collect import records
from activity_stream.compose.stores import opened_state
from activity_stream.settings import Settings


async def feed_statuses(settings: Settings) -> list[records.FeedStatus]:
    """How each feed is doing, as the collector wrote it into the shared state."""
    async with opened_state(settings) as state:
        return await records.feed_statuses(state)


async def decide(settings: Settings, feed: str, decision: str) -> None:
    """Hand the collector the operator's decision on what is held of a feed."""
    async with opened_state(settings) as state:
        await records.decide(state, feed, decision)


def search(url: str, key_id: str, secret: str, body: bytes) -> tuple[Reply, hawk.Artifacts]:
    """Sign a search, send it, and return the answer with what was signed. Raises NoReply."""
    content_type = "application/json"
    now = int(SystemClock().now())
    signed = hawk.sign(hawk.target_of("POST", url), key_id, secret, now, secrets.token_urlsafe(8), content_type, body)
    headers = {
        "Authorization": hawk.authorization(signed),
        "Content-Type": content_type,
        "X-Forwarded-Proto": url.partition(":")[0],
    }
    return ask(url, "POST", headers, body), signed


def is_authentic(reply: Reply, signed: hawk.Artifacts, secret: str) -> bool:
    """Whether the answer comes, unchanged, from an API that knows the key's secret."""
    header = reply.headers.get("server-authorization", "")
    return hawk.answer_is_authentic(header, signed, secret, reply.headers.get("content-type", ""), reply.body)
