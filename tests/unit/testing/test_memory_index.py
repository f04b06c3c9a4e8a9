"""`memory_index`: generations, writes, and failures on demand."""

import json

import pytest

from activity_stream.errors import GenerationLost, IndexUnavailable
from activity_stream.model import Activity, Alias, Counts, Generation
from tests.unit.testing.indexed import NOW, Indexed, activity


@pytest.fixture
def held() -> Indexed:
    """An empty index."""
    return Indexed()


async def test_a_generation_is_named_after_its_time(held: Indexed) -> None:
    """Its id has the date, the time and eight random characters, and no two are alike."""
    one, two = await held.index.begin("f"), await held.index.begin("f")
    assert one.id.startswith("date_2020-09-13__timestamp_1600000000__batch_id_")
    assert one.id.endswith("__")
    assert one != two
    assert set(await held.index.unpublished()) == {one, two}


async def test_only_published_generations_are_found(held: Indexed) -> None:
    """What is written is invisible until it is published, and gone when the next one is."""
    await held.hold([{"word": "old"}])
    generation = await held.index.begin("feed")
    await held.index.write([generation], [activity({"id": "9", "word": "new"})], visible=False)
    assert await held.ids({"match_all": {}}) == "0"
    await held.index.publish(generation)
    assert await held.ids({"match_all": {}}) == "9"
    assert await held.index.published() == {"feed": generation}
    assert not await held.index.unpublished()
    await held.index.publish(generation)
    assert await held.ids({"match_all": {}}) == "9"


async def test_feeds_do_not_touch_each_other(held: Indexed) -> None:
    """Publishing and dropping one leaves the other as it is."""
    await held.hold([{"id": "a"}], "one")
    await held.hold([{"id": "b"}], "two")
    assert await held.ids({"match_all": {}}) == "a b"
    await held.index.drop([(await held.index.published())["one"], Generation("one", "never was")])
    assert await held.ids({"match_all": {}}) == "b"


async def test_the_newer_version_of_an_id_replaces_the_older(held: Indexed) -> None:
    """In each generation that is written to, and it moves to the end of the order of writing."""
    await held.hold([{"id": "a"}, {"id": "b"}])
    published = (await held.index.published())["feed"]
    building = await held.index.begin("feed")
    rows = [activity({"id": "a", "object": {"id": "o", "name": "x"}})]
    report = await held.index.write([published, building], rows, visible=True)
    assert report.stored == 1
    assert await held.ids({"match_all": {}}) == "b a"
    assert await held.index.count(published) == Counts(2, 1)
    assert await held.index.count(building) == Counts(1, 1)
    answer = await held.answer(alias=Alias.OBJECTS)
    assert answer["hits"]["hits"][0]["_index"] == published.index_name(Alias.OBJECTS)


async def test_a_generation_that_is_not_there_is_lost(held: Indexed) -> None:
    """Writing to it and publishing it say so, and nothing is written elsewhere; counting finds nothing."""
    gone = Generation("f", "gone")
    there = await held.index.begin("f")
    with pytest.raises(GenerationLost):
        await held.index.write([there, gone], [activity({"id": "a"})], visible=False)
    with pytest.raises(GenerationLost):
        await held.index.publish(gone)
    assert await held.index.count(there) == await held.index.count(gone) == Counts(0, 0)


async def test_items_that_cannot_be_stored_are_refused_one_by_one(held: Indexed) -> None:
    """Long ids, broken JSON, and what the test asked for; the rest of the page is stored."""
    generation = await held.index.begin("f")
    held.index.refuse("bad", "too strange")
    rows = [
        Activity("x" * 513, b"{}"),
        Activity("broken", b'{"a":'),
        Activity("a list", b"[]"),
        activity({"id": "bad"}),
        activity({"id": "fine", "object": {"id": "bad"}}),
    ]
    report = await held.index.write([generation], rows, visible=False)
    assert report.stored == 1
    assert [(each.alias, each.id) for each in report.refused] == [
        (Alias.ACTIVITIES, "x" * 513),
        (Alias.ACTIVITIES, "broken"),
        (Alias.ACTIVITIES, "a list"),
        (Alias.ACTIVITIES, "bad"),
        (Alias.OBJECTS, "bad"),
    ]
    assert report.refused[3].reason == "too strange"
    assert await held.index.count(generation) == Counts(1, 0)


async def test_half_characters_are_stored_and_searchable(held: Indexed) -> None:
    """JSON may have half a surrogate pair; it must not break sorting or searching."""
    await held.hold([{"word": "a\ud800b"}, {"word": "b"}])
    assert await held.ids({"wildcard": {"word": "a?b"}}, sort="word") == "0"


async def test_the_newest_is_the_last_published_of_the_feed(held: Indexed) -> None:
    """In seconds; None without any."""
    assert await held.index.newest("feed") is None
    await held.hold([{"published": "2020-01-01"}, {"published": "1970-01-01T00:00:01.5Z"}, {"published": ""}])
    assert await held.index.newest("feed") == 1577836800.0
    await held.hold([{}], "other")
    assert await held.index.newest("other") is None


async def test_it_fails_when_told_to(held: Indexed) -> None:
    """So many times, that method alone, and without doing anything."""
    generation = await held.index.begin("f")
    held.index.fail_next("write", IndexUnavailable("disk full"), times=2)
    await held.index.ping()
    for _ in range(2):
        with pytest.raises(IndexUnavailable, match="disk full"):
            await held.index.write([generation], [activity({"id": "a"})], visible=False)
    assert await held.index.count(generation) == Counts(0, 0)
    await held.index.write([generation], [activity({"id": "a"})], visible=False)
    assert held.index.calls["write"] == 3
    with pytest.raises(ValueError, match="is no method of an Index"):
        held.index.fail_next("wriet", IndexUnavailable("x"))


async def test_what_is_stored_outlives_closing(held: Indexed) -> None:
    """It can be closed and opened again."""
    await held.hold([{}])
    await held.index.close()
    await held.index.open(write=False)
    assert await held.ids({"match_all": {}}) == "0"


async def test_now_is_the_clock_s(held: Indexed) -> None:
    """Date math in a query counts from the clock that the index was given."""
    await held.hold([{"at": (NOW - 60) * 1000}, {"at": (NOW - 7200) * 1000}])
    assert await held.ids({"range": {"at": {"gte": "now-1h"}}}) == "0"


async def test_the_root_is_a_json_object_with_a_version(held: Indexed) -> None:
    """Clients ask it before they search."""
    assert json.loads(await held.index.root())["version"]["number"]
