"""Documents of a test, put into an index."""

import json
from collections.abc import Sequence
from typing import Any

from activity_stream.model import Activity
from activity_stream.ports import Index


async def publish(index: Index, feed: str, rows: Sequence[dict[str, Any]]) -> None:
    """Make these activities, each with an `id`, the data of the feed."""
    generation = await index.begin(feed)
    await index.write([generation], [Activity(row["id"], json.dumps(row).encode()) for row in rows], visible=True)
    await index.publish(generation)
