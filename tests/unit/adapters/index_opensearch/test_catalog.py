"""Which indices are whose, by their names in a real cluster."""

from typing import Any

import pytest

from activity_stream.adapters.index_opensearch.catalog import catalog, in_path, index_name
from activity_stream.model import Alias, Counts
from activity_stream.naming import generation_of, new_generation
from tests.unit.adapters.index_opensearch.clusters import asking, found, opened, publish

EVERYTHING: dict[str, Any] = {"match_all": {}}
LOOKALIKES = ["MyFeed", "myfeed", "Myfeed", "my-feed", "my_feed", "my", "MY", "m", "-y", "_m", "my_", "date_my"]


async def test_feeds_whose_names_look_alike_are_kept_apart(empty_engine: str) -> None:
    """Capitals, and names that other names begin with: each feed has its own, also when one of them is dropped."""
    async with opened(empty_engine) as index:
        made = {}
        for number, feed in enumerate(LOOKALIKES):
            made[feed], _ = await publish(index, [b'{"id":"%d"}' % number], feed)
        assert dict(await index.published()) == made
        for number, feed in enumerate(LOOKALIKES):
            assert await index.count(made[feed]) == Counts(1, 0)
            await index.drop([made.pop(feed)])
            assert dict(await index.published()) == made
            assert await found(index, {"term": {"id": str(number)}}) == ""
        assert list(await index.unpublished()) == []


async def test_a_look_at_one_feed_sees_nothing_of_another(empty_engine: str) -> None:
    """Fencing one feed, which looks at its indices alone, takes nothing away from those whose names begin alike."""
    async with opened(empty_engine) as index, asking(empty_engine) as client:
        for feed in LOOKALIKES:
            await publish(index, [b'{"id":"x"}'], feed)
        for feed in LOOKALIKES:
            assert {each.generation.feed for each in await catalog(client, feed)} == {feed}
        await index.fence("my", 7)
        seen = {each.generation.feed: each.writers for each in await catalog(client)}
    assert seen == {feed: frozenset({7 if feed == "my" else 0}) for feed in LOOKALIKES}


@pytest.mark.parametrize("feed", LOOKALIKES)
def test_the_name_of_an_index_has_no_capitals_and_leads_back_to_its_feed(feed: str) -> None:
    """Names of indices may not have capitals; a `+` of the name is `%2B` in a path, where `+` may mean a blank."""
    generation = new_generation(feed, 1_600_000_000)
    name = index_name(generation, Alias.OBJECTS)
    assert name == name.lower()
    assert "+" not in in_path(name)
    assert (feed == feed.lower()) == (generation_of(name) == (Alias.OBJECTS, generation))


async def test_other_indices_of_the_cluster_are_let_alone(empty_engine: str) -> None:
    """What others keep in the same cluster is neither listed nor dropped, whatever it is called."""
    foreign = ["logs-1", "objects__old", "activities__feed_id_", "activities__feed_id_x", ".hidden-x"]
    async with opened(empty_engine) as index, asking(empty_engine) as client:
        for name in foreign:
            assert (await client.call("PUT", f"/{name}")).ok
        await publish(index, [b'{"id":"x"}'])
        await publish(index, [b'{"id":"y"}'])
        assert [*(await index.published())] == ["one"]
        assert list(await index.unpublished()) == []
        assert await found(index, EVERYTHING) == "0"
        for name in foreign:
            assert (await client.call("GET", f"/{name}")).ok


async def test_two_generations_of_a_feed_are_told_apart(empty_engine: str) -> None:
    """One is published, others are being built, each with what it holds, until they are published or dropped."""
    async with opened(empty_engine) as index:
        live, _ = await publish(index, [b'{"id":"x"}'])
        first, second = await index.begin("one"), await index.begin("one")
        assert len({live, first, second}) == 3
        assert dict(await index.published()) == {"one": live}
        assert set(await index.unpublished()) == {first, second}
        await index.publish(second)
        assert dict(await index.published()) == {"one": second}
        assert list(await index.unpublished()) == [first]
        assert await index.count(live) == Counts(0, 0)


async def test_half_a_generation_is_found_and_can_be_dropped(empty_engine: str) -> None:
    """Where a collector died between the making of two indices, the one that is there is a leftover."""
    async with opened(empty_engine) as index, asking(empty_engine) as client:
        whole = await index.begin("one")
        assert (await client.call("DELETE", f"/{in_path(index_name(whole, Alias.OBJECTS))}")).ok
        assert list(await index.unpublished()) == [whole]
        assert dict(await index.published()) == {}
        await index.drop([whole])
        assert list(await index.unpublished()) == []
