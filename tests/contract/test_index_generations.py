"""The port `Index`: generations are written, published, counted and dropped, and searches see what they should."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from activity_stream.errors import GenerationLost, LeaseLost
from activity_stream.model import Activity, Alias, Counts, Generation
from activity_stream.ports import Index

JANUARY, FEBRUARY = "2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z"
JANUARY_SECONDS, FEBRUARY_SECONDS = 1_577_836_800.0, 1_580_515_200.0


def activity(name: str, thing: dict[str, Any] | None = None, **keys: Any) -> Activity:
    """An activity of this name with these keys besides; with an object of these keys if there are any."""
    item = {"id": f"{name}:Create", "type": "Create", **keys}
    if thing is None:
        return Activity(f"{name}:Create", msgspec.json.encode(item))
    inner = {"id": name, **thing}
    source = msgspec.json.encode({**item, "object": inner})
    return Activity(f"{name}:Create", source, name, msgspec.json.encode(inner))


async def sources(index: Index, alias: Alias = Alias.ACTIVITIES) -> list[dict[str, Any]]:
    """Everything that searches see of an alias, by id."""
    body = {"query": {"match_all": {}}, "size": 1000, "sort": [{"id": "asc"}]}
    answer = msgspec.json.decode((await index.search(alias, msgspec.json.encode(body))).body)
    return [hit["_source"] for hit in answer["hits"]["hits"]]


async def ids(index: Index, alias: Alias = Alias.ACTIVITIES) -> list[str]:
    """The ids of everything that searches see of an alias, in order."""
    return [source["id"] for source in await sources(index, alias)]


async def built(index: Index, feed: str, activities: Sequence[Activity]) -> Generation:
    """A generation that holds these, not yet published."""
    generation = await index.begin(feed)
    await index.write([generation], activities, visible=False)
    return generation


async def published(index: Index, feed: str, activities: Sequence[Activity]) -> Generation:
    """A generation that holds these, published."""
    generation = await built(index, feed, activities)
    await index.publish(generation)
    return generation


async def test_an_empty_index_finds_nothing(index: Index) -> None:
    """A search of an index without any feed is answered, and the answer is empty."""
    assert await ids(index) == []
    assert await ids(index, Alias.OBJECTS) == []
    assert await index.published() == {}
    assert list(await index.unpublished()) == []


async def test_a_generation_is_seen_when_it_is_published_and_not_before(index: Index) -> None:
    """Searches see nothing of a generation that is being built, even after what was written is counted."""
    generation = await built(index, "one", [activity("a", {"name": "x"}), activity("b")])
    assert await index.count(generation) == Counts(2, 1)
    assert (await ids(index), await ids(index, Alias.OBJECTS)) == ([], [])
    await index.publish(generation)
    assert (await ids(index), await ids(index, Alias.OBJECTS)) == (["a:Create", "b:Create"], ["a"])


async def test_what_a_source_dropped_is_gone_with_the_next_publish(index: Index) -> None:
    """gone: after a publish, nothing of the generation before is in either alias, nor is that generation."""
    before = await published(index, "one", [activity("a", {"name": "x"}), activity("b", {"name": "y"})])
    after = await published(index, "one", [activity("b", {"name": "z"})])
    assert (await ids(index), await ids(index, Alias.OBJECTS)) == (["b:Create"], ["b"])
    assert (await sources(index, Alias.OBJECTS))[0]["name"] == "z"
    assert await index.published() == {"one": after}
    assert list(await index.unpublished()) == []
    assert await index.count(before) == Counts(0, 0)


async def test_a_feeds_publish_leaves_other_feeds_alone(index: Index) -> None:
    """alone: feeds with the same ids do not replace each other's documents."""
    one = await published(index, "one", [activity("a", {"name": "x"})])
    two = await published(index, "two", [activity("a", {"name": "y"})])
    assert await ids(index) == ["a:Create", "a:Create"]
    await published(index, "two", [])
    assert [source["object"]["name"] for source in await sources(index)] == ["x"]
    assert (await index.published())["one"] == one
    assert (await index.published())["two"] != two


async def test_updates_are_seen_at_once_and_survive_the_next_publish(index: Index) -> None:
    """kept: what is written visibly into the published generation and the one being built is in both."""
    live = await published(index, "one", [activity("a")])
    building = await built(index, "one", [activity("a")])
    await index.write([live, building], [activity("b", {"name": "new"})], visible=True)
    assert (await ids(index), await ids(index, Alias.OBJECTS)) == (["a:Create", "b:Create"], ["b"])
    await index.publish(building)
    assert (await ids(index), await ids(index, Alias.OBJECTS)) == (["a:Create", "b:Create"], ["b"])


async def test_later_versions_replace_earlier_ones(index: Index) -> None:
    """The last version of an id is the only one: in one write, in several, before a publish and after."""
    generation = await built(index, "one", [activity("a", {"name": "1"}, n=1), activity("a", {"name": "2"}, n=2)])
    assert await index.count(generation) == Counts(1, 1)
    await index.write([generation], [activity("a", {"name": "3"}, n=3)], visible=False)
    await index.publish(generation)
    assert ([s["n"] for s in await sources(index)], len(await ids(index, Alias.OBJECTS))) == ([3], 1)
    await index.write(
        [generation], [activity("a", {"name": "4"}, n=4), activity("a", {"name": "5"}, n=5)], visible=True
    )
    assert [s["n"] for s in await sources(index)] == [5]
    assert [s["name"] for s in await sources(index, Alias.OBJECTS)] == ["5"]


async def test_the_newest_version_of_an_object_that_two_activities_share_is_kept(index: Index) -> None:
    """Two activities on one object are two activities and one object, the later one's."""
    first, second = activity("a", {"name": "old"}), activity("a", {"name": "new"})
    second = msgspec.structs.replace(second, id="a:Update", source=second.source.replace(b"a:Create", b"a:Update"))
    await published(index, "one", [first, second])
    assert await ids(index) == ["a:Create", "a:Update"]
    assert [s["name"] for s in await sources(index, Alias.OBJECTS)] == ["new"]


async def test_sources_come_back_byte_for_byte(index: Index) -> None:
    """What is stored is what the source sent, spaces, order of keys, escapes and all."""
    source = b'{ "type": "Create",  "id":"a", "x\\u00e9": 1.50, "big": 12345678901234567890123 }'
    await published(index, "one", [Activity("a", source)])
    assert source in (await index.search(Alias.ACTIVITIES, b"")).body


async def test_a_dropped_generation_takes_no_more_writes(index: Index) -> None:
    """Writing to, or publishing, what is not there is GenerationLost, and changes nothing."""
    generation = await built(index, "one", [activity("a")])
    await index.drop([generation])
    with pytest.raises(GenerationLost):
        await index.write([generation], [activity("b")], visible=False)
    with pytest.raises(GenerationLost):
        await index.publish(generation)
    with pytest.raises(GenerationLost):
        await index.publish(Generation("one", "date_2020-01-01__timestamp_1__batch_id_abcdefgh__"))
    assert (await index.count(generation), await ids(index)) == (Counts(0, 0), [])


async def test_a_published_generation_can_be_dropped(index: Index) -> None:
    """A feed that is no longer configured loses its data; others keep theirs; what is not there is no error."""
    one = await published(index, "one", [activity("a", {"name": "x"})])
    two = await published(index, "two", [activity("b", {"name": "x"})])
    await index.drop([one, Generation("three", "date_2020-01-01__timestamp_1__batch_id_abcdefgh__")])
    await index.drop([one])
    assert (await ids(index), await ids(index, Alias.OBJECTS)) == (["b:Create"], ["b"])
    assert await index.published() == {"two": two}


async def test_a_feed_can_have_several_unpublished_generations(index: Index) -> None:
    """Held and building generations are listed until they are published or dropped, empty ones too."""
    live = await published(index, "one", [activity("a")])
    held, building = await built(index, "one", [activity("b")]), await index.begin("one")
    assert set(await index.unpublished()) == {held, building}
    assert len({live, held, building}) == 3
    await index.publish(held)
    assert await ids(index) == ["b:Create"]
    assert list(await index.unpublished()) == [building]
    await index.drop([building])
    assert list(await index.unpublished()) == []


async def test_publishing_again_changes_nothing(index: Index) -> None:
    """A publish that is repeated, after an answer that was lost, does no harm."""
    generation = await published(index, "one", [activity("a")])
    await index.publish(generation)
    assert (await ids(index), await index.published()) == (["a:Create"], {"one": generation})


async def test_an_empty_generation_can_be_published(index: Index) -> None:
    """A source that has nothing any more ends with nothing, and is still a feed with a published generation."""
    await published(index, "one", [activity("a")])
    generation = await published(index, "one", [])
    assert (await ids(index), await index.published()) == ([], {"one": generation})


async def test_counts_are_of_one_generation(index: Index) -> None:
    """Counts include what was just written, and nothing of other feeds or generations."""
    one = await published(index, "one", [activity("a", {"name": "x"}), activity("b")])
    other = await built(index, "one", [activity("a")])
    await published(index, "two", [activity("a", {"name": "x"})])
    assert (await index.count(one), await index.count(other)) == (Counts(2, 1), Counts(1, 0))
    await index.write([one], [activity("c")], visible=False)
    assert await index.count(one) == Counts(3, 1)


async def test_newest_is_of_what_is_visible(index: Index) -> None:
    """The newest `published` of a feed counts published activities only; None where there is none with a date."""
    assert await index.newest("one") is None
    live = await published(index, "one", [activity("a", published=JANUARY), activity("b")])
    await built(index, "one", [activity("c", published=FEBRUARY)])
    await published(index, "two", [activity("d", published=FEBRUARY)])
    await published(index, "three", [activity("e", {"published": FEBRUARY}, published="")])
    assert await index.newest("one") == JANUARY_SECONDS
    assert await index.newest("three") is None
    await index.write([live], [activity("f", published=[JANUARY, FEBRUARY])], visible=True)
    assert await index.newest("one") == FEBRUARY_SECONDS


async def test_values_of_the_wrong_type_leave_the_document(index: Index) -> None:
    """Whatever stands where a date, a text, an object or a name should be: the document is stored and found."""
    odd: list[Any] = ["", {}, [], None, 7, -1.5, True, "x", [[{"id": 1}]], {"id": {"id": []}}, 10**30, [None, "y", 1]]
    keys = ("published", "generator", "actor", "object", "startTime", "type")
    wanted = [activity(f"{key}{n:02}", **{key: value}) for key in keys for n, value in enumerate(odd)]
    generation = await index.begin("one")
    report = await index.write([generation], wanted, visible=False)
    await index.publish(generation)
    assert (report.stored, report.refused) == (len(wanted), ())
    assert await ids(index) == sorted(each.id for each in wanted)


async def test_an_id_that_is_too_long_is_refused_by_name_and_the_rest_is_stored(index: Index) -> None:
    """counted: 512 bytes of id are stored, 513 refused with a reason; one bad item never blocks the others."""
    generation = await index.begin("one")
    longest, too_long, bytes_count = "a" * 512, "b" * 513, "é" * 257
    items = [Activity(each, msgspec.json.encode({"id": each})) for each in (longest, too_long, bytes_count, "z")]
    report = await index.write([generation], items, visible=False)
    await index.publish(generation)
    assert report.stored == 2
    assert {each.id for each in report.refused} == {too_long, bytes_count}
    assert all("512" in each.reason and each.alias is Alias.ACTIVITIES for each in report.refused)
    assert await ids(index) == [longest, "z"]


async def test_an_object_that_is_refused_does_not_take_its_activity_with_it(index: Index) -> None:
    """An object's id can be too long where its activity's is not: that one is stored."""
    generation = await index.begin("one")
    name = "o" * 600
    source = msgspec.json.encode({"id": "a", "object": {"id": name}})
    report = await index.write(
        [generation], [Activity("a", source, name, msgspec.json.encode({"id": name}))], visible=False
    )
    await index.publish(generation)
    assert report.stored == 1
    assert [(each.alias, each.id) for each in report.refused] == [(Alias.OBJECTS, name)]
    assert (await ids(index), await ids(index, Alias.OBJECTS)) == (["a"], [])


async def test_two_tasks_that_write_at_once_lose_nothing(index: Index) -> None:
    """Writes of many feeds at the same time all arrive, each in its own generation."""
    generations = [await index.begin(f"feed{n}") for n in range(8)]
    pages = [
        index.write([each], [activity(f"{each.feed}-{page}-{n}") for n in range(20)], visible=False)
        for each in generations
        for page in range(5)
    ]
    reports = await asyncio.gather(*pages)
    assert sum(report.stored for report in reports) == 800
    assert [await index.count(each) for each in generations] == [Counts(100, 0)] * 8


async def test_the_root_document_says_its_version(index: Index) -> None:
    """Ordinary clients find the version that they ask for."""
    root = msgspec.json.decode(await index.root())
    assert int(root["version"]["number"].split(".")[0]) > 0
    assert root["cluster_name"]
    assert root["tagline"]


async def test_who_has_an_older_lease_changes_nothing_any_more(index: Index) -> None:
    """single: once a feed is fenced, nothing that an older lease asks for is done, and nothing is lost by it."""
    await index.fence("one", 5)
    live = await index.begin("one", lease=5)
    await index.write([live], [activity("a")], visible=True, lease=5)
    await index.publish(live, lease=5)
    building = await index.begin("one", lease=5)
    await index.fence("one", 6)
    with pytest.raises(LeaseLost):
        await index.write([live, building], [activity("b")], visible=True, lease=5)
    with pytest.raises(LeaseLost):
        await index.publish(building, lease=5)
    with pytest.raises(LeaseLost):
        await index.drop([live, building], lease=5)
    with pytest.raises(LeaseLost):
        await index.begin("one", lease=5)
    with pytest.raises(LeaseLost):
        await index.fence("one", 5)
    assert await ids(index) == ["a:Create"]
    assert await index.published() == {"one": live}
    assert building in await index.unpublished()


async def test_the_newer_lease_goes_on_where_the_older_one_was(index: Index) -> None:
    """kept: what was begun, written and published under an older lease can be gone on with under the newer one."""
    await index.fence("one", 5)
    live = await index.begin("one", lease=5)
    await index.write([live], [activity("a", n=1)], visible=False, lease=5)
    await index.publish(live, lease=5)
    held = await index.begin("one", lease=5)
    await index.fence("one", 9)
    await index.write([live, held], [activity("a", n=2)], visible=True, lease=9)
    assert [source["n"] for source in await sources(index)] == [2]
    await index.publish(held, lease=9)
    assert await index.published() == {"one": held}
    assert list(await index.unpublished()) == []
    await index.fence("one", 9)
    await index.drop([held], lease=9)
    assert await ids(index) == []


async def test_a_fence_is_for_one_feed(index: Index) -> None:
    """alone: a feed's fence does not keep anybody from another feed, nor from one whose name begins alike."""
    await index.fence("one", 7)
    for feed in ("two", "one-more", "One"):
        await index.fence(feed, 3)
        generation = await index.begin(feed, lease=3)
        await index.write([generation], [activity(feed)], visible=False, lease=3)
        await index.publish(generation, lease=3)
    assert set(await index.published()) == {"two", "one-more", "One"}
    assert await ids(index) == ["One:Create", "one-more:Create", "two:Create"]


async def test_it_answers(index: Index) -> None:
    """`ping` returns while all is well."""
    await index.ping()


async def documents(index: Index, generation: Generation, alias: Alias = Alias.ACTIVITIES) -> dict[str, bytes]:
    """All that a generation holds, by id; each once."""
    found = [each async for some in index.documents(generation, alias) for each in some]
    assert len({each.id for each in found}) == len(found)
    return {each.id: each.source for each in found}


async def test_the_documents_of_a_generation_can_be_read_whether_it_is_published_or_not(index: Index) -> None:
    """Each with what was written last under its id, and none of another generation or alias."""
    first = [activity(f"thing{number}", {"type": "x"}, n=1) for number in range(7_000)]
    held = await built(index, "feed", first[:3_500])
    await index.write([held], first[3_500:], visible=False)
    await index.write([held], [activity("thing5", {"type": "y"}, n=2)], visible=False)
    await published(index, "feed", [activity("alone"), activity("é" * 200 + '"')])
    await published(index, "other", [activity("foreign", {"type": "x"})])
    latest = {each.id: each.source for each in first} | {"thing5:Create": activity("thing5", {"type": "y"}, n=2).source}
    assert await documents(index, held) == latest
    assert (await documents(index, held, Alias.OBJECTS))["thing5"] == b'{"id":"thing5","type":"y"}'
    assert len(await documents(index, held, Alias.OBJECTS)) == 7_000
    now = (await index.published())["feed"]
    assert set(await documents(index, now)) == {"alone:Create", "é" * 200 + '":Create'}
    assert await documents(index, now, Alias.OBJECTS) == {}
    await index.drop([now])
    assert await documents(index, now) == {}
