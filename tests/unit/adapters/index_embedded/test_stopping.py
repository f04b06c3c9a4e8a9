"""A search that nobody waits for any more makes room for others."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from activity_stream.adapters.index_embedded import stopping
from activity_stream.adapters.index_embedded.index import EmbeddedIndex
from activity_stream.fields import searchable_fields
from activity_stream.model import Activity, Alias
from activity_stream.testing.moved_clock import MovedClock

NUMBER = 1_000


async def test_a_search_that_was_given_up_stops_between_two_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one thread, the next search begins when it has stopped: long before the many steps that it would have had"""
    steps = [0]
    look = stopping.look

    def counted() -> None:
        steps[0] += 1
        look()

    monkeypatch.setattr(stopping, "look", counted)
    index = EmbeddedIndex(tmp_path, searchable_fields(), MovedClock(), threads=1)
    await index.open(write=True)
    generation = await index.begin("f")
    items = [Activity(f"a{n}", msgspec.json.encode({"id": f"a{n}", "type": "x"})) for n in range(NUMBER)]
    await index.write([generation], items, visible=False)
    await index.publish(generation)
    inner = {"b": {"terms": {"field": "type"}, "aggs": {"c": {"terms": {"field": "type"}}}}}
    body = msgspec.json.encode({"size": 0, "aggs": {"a": {"terms": {"field": "id", "size": NUMBER}, "aggs": inner}}})

    await index.search(Alias.ACTIVITIES, body)
    whole, steps[0] = steps[0], 0
    search = asyncio.create_task(index.search(Alias.ACTIVITIES, body))
    while not steps[0]:
        await asyncio.sleep(0.001)
    search.cancel()
    with pytest.raises(asyncio.CancelledError):
        await search
    answer = await index.search(Alias.ACTIVITIES, b'{"size": 1}')
    assert msgspec.json.decode(answer.body)["hits"]["total"]["value"] == NUMBER
    assert steps[0] < whole / 2
    await index.close()
