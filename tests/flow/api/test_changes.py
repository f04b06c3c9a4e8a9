"""`/v3/changes` over HTTP, beside a collector at work: pages, places, refusals, and what grants hide."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
import pytest

from activity_stream.feeds.types.activity_stream import ActivityStream
from activity_stream.model import Alias, Caller, Grant, GrantKind
from activity_stream.ports import Response
from tests.flow.api.served import Served, serving
from tests.unit.collect.world import FOLLOWERS, RETENTION, World

PATH = "/v3/changes"
TODAY = "2023-11-14T22:13:30Z"


@asynccontextmanager
async def changing(
    *names: str, callers: Mapping[str, Caller] = FOLLOWERS, hidden: Sequence[str] = ()
) -> AsyncIterator[tuple[World, Any, Served]]:
    """A collector's world, its one source, and an API beside it; what is `hidden` is of an even version."""
    world = World()
    source = world.source("feed", *names, *hidden, *hidden, page_size=100)

    async def marked() -> Sequence[Mapping[str, Sequence[str]]]:
        return [msgspec.json.decode(value)["marked"] for value in (await world.state.scan("changes:")).values()]

    parts: dict[str, Any] = {"clock": world.clock, "index": world.index, "state": world.state, "callers": callers}
    async with serving(**parts, changes=world.log, changes_retention=RETENTION, marked=marked) as api:
        world.start(world.plan(source))
        await world.clock.advance(5)
        yield world, source, api
        await world.end()


def path_of(url: str) -> str:
    """The path and the query of an address, byte for byte."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


async def walk(api: Served, path: str, key: str = "all") -> tuple[list[Any], str]:
    """Every item behind a path, and the address of the empty page at its end."""
    items: list[Any] = []
    while True:
        status, page = await api.ask(path, key=key)
        assert status == 200, page
        assert page["type"] == "OrderedCollectionPage"
        assert ("next" in page) == bool(page["orderedItems"])
        items += page["orderedItems"]
        if not page["orderedItems"]:
            return items, page["current"]
        path = path_of(page["next"])


async def test_everything_comes_first_and_then_what_changes() -> None:
    """Page after page by `next`; at the end an empty page, whose own address and whose `current` have what comes."""
    async with changing("a", "b", "c") as (world, source, api):
        items, current = await walk(api, f"{PATH}?size=2")
        assert [item["object"]["name"] for item in items] == ["a", "b", "c"]
        assert current.startswith(f"{api.url}{PATH}?")
        source.put("b")
        await world.clock.advance(5)
        items, later = await walk(api, path_of(current))
        assert [(item["object"]["name"], item["object"]["dit:version"]) for item in items] == [("b", 2)]
        source.drop("c")
        await world.clock.advance(120)
        items, _ = await walk(api, path_of(later))
        (gone,) = items
        assert re.fullmatch(r"2023-11-14T22:15:\d\d\.\d{3}Z", gone.pop("published"))
        assert gone == {"type": "Delete", "object": {"type": "Tombstone", "id": source.activity_id("c")}}


async def test_objects_are_followed_by_themselves() -> None:
    """With `alias=objects` items are objects, and removals have their ids."""
    async with changing("a", "b") as (world, source, api):
        items, current = await walk(api, f"{PATH}?alias=objects")
        assert [item["id"] for item in items] == [source.object_id("a"), source.object_id("b")]
        source.drop("a")
        await world.clock.advance(120)
        items, _ = await walk(api, path_of(current))
        assert [item["object"]["id"] for item in items] == [source.object_id("a")]


@pytest.mark.parametrize("moment", [TODAY, TODAY.replace("Z", "%2B00:00"), TODAY.replace("Z", "+00:00")])
async def test_since_can_be_a_moment(moment: str) -> None:
    """What changed after it comes, and nothing that was there before; a plus need not be encoded."""
    async with changing("a") as (world, source, api):
        await world.clock.advance(15)
        source.put("b")
        await world.clock.advance(5)
        items, _ = await walk(api, f"{PATH}?since={moment}")
        assert [item["object"]["name"] for item in items] == ["b"]


async def test_the_collector_reads_it_as_a_feed() -> None:
    """The kind of feed that reads any ActivityStreams collection gets the activities, the next address, and of a
    removal that it has no id to be stored under."""
    async with changing("a") as (world, source, api):
        status, page = await api.ask(PATH)
        feed = ActivityStream(f"{api.url}{PATH}")
        read = feed.read(feed.seed(), Response(feed.seed(), status, {}, msgspec.json.encode(page)))
        assert [each.id for each in read.activities] == [source.activity_id("a")]
        assert read.next == page["next"]
        _, current = await walk(api, PATH)
        source.drop("a")
        await world.clock.advance(120)
        status, page = await api.ask(path_of(current))
        read = feed.read(current, Response(current, status, {}, msgspec.json.encode(page)))
        assert (len(read.activities), len(read.skipped)) == (0, 1)


async def test_both_paths_and_the_address_in_front_of_a_proxy() -> None:
    """A second slash changes nothing; addresses have the host and the scheme that the caller used."""
    async with changing("a") as (_, _, api):
        status, page = await api.ask(f"/{PATH}")
        assert (status, len(page["orderedItems"])) == (200, 1)
        headers = {**api.headers(PATH, b""), "X-Forwarded-Proto": "https"}
        _, _, body = await api.send(PATH, b"", "GET", headers)
        assert msgspec.json.decode(body)["next"].startswith(api.url.replace("http:", "https:"))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("size=0", "1 to 1000"),
        ("size=1001", "1 to 1000"),
        ("size=x", "1 to 1000"),
        ("alias=all", "activities or objects"),
        ("since=yesterday", "2026-01-31T12:00:00Z"),
        ("since=2026-31-01", "2026-01-31T12:00:00Z"),
        ("since=2026-01-01T25:00:00Z", "2026-01-31T12:00:00Z"),
        ("since=", "2026-01-31T12:00:00Z"),
        (f"since={quote('[1,2]')}", "2026-01-31T12:00:00Z"),
        ("from=10", "alias, since, size"),
    ],
)
async def test_what_cannot_be_asked_is_said_with_what_can(query: str, words: str) -> None:
    """400, with what came and what is allowed."""
    async with changing("a") as (_, _, api):
        status, answer = await api.ask(f"{PATH}?{query}")
        assert status == 400
        assert words in answer["details"]
        assert query.partition("=")[0] in answer["details"]


async def test_places_that_are_made_up_break_nothing() -> None:
    """Numbers beyond all bounds, feeds that never were and other types are refused, or mean nothing."""
    async with changing("a") as (_, _, api):
        _, current = await walk(api, PATH)
        (text,) = parse_qs(urlsplit(current).query)["since"]
        place = msgspec.json.decode(_unpacked(text))
        for part, value in ((2, 2**63), (2, -1), (3, "x"), (4, {"f": 1}), (4, {"f": [1, 2]}), (5, 7), (0, 1e300)):
            wrong = [*place[:part], value, *place[part + 1 :]]
            status, _ = await api.ask(f"{PATH}?since={_packed(msgspec.json.encode(wrong))}")
            assert status == 400, wrong
        odd = [*place[:4], {"never'\"": [2**60, "\x00\ud7ff"]}, place[5]]
        status, page = await api.ask(f"{PATH}?since={_packed(msgspec.json.encode(odd))}")
        assert (status, len(page["orderedItems"])) == (200, 1)


async def test_a_place_is_good_for_its_alias_and_its_grants() -> None:
    """With another alias, or by a key that sees other things, it is gone: the reader has to begin anew."""
    async with changing("a") as (_, _, api):
        _, current = await walk(api, PATH)
        for path, key in ((path_of(current).replace("activities", "objects"), "all"), (path_of(current), "odd")):
            status, answer = await api.ask(path, key=key)
            assert status == 410
            assert "begin anew" in answer["details"]


async def test_a_place_that_is_older_than_what_is_kept_is_gone() -> None:
    """410, for a moment too; the `current` of an empty page keeps a reader who waits from it."""
    async with changing("a") as (world, _, api):
        _, current = await walk(api, PATH)
        old = current
        for _ in range(3):
            await world.clock.advance(RETENTION / 2)
            _, current = await walk(api, path_of(current))
        assert (await api.ask(path_of(old)))[0] == 410
        status, answer = await api.ask(f"{PATH}?since={TODAY}")
        assert status == 410
        assert "CHANGES_RETENTION" in answer["details"]


async def test_a_place_in_another_record_is_gone() -> None:
    """After a move to another index, or back: its numbers mean nothing there."""
    async with changing("a") as (world, _, api):
        _, current = await walk(api, PATH)
        await world.log.cut(1.0)  # as another record would begin, whenever it did
        assert (await api.ask(path_of(current)))[0] == 410
        _, current = await walk(api, PATH)
        world.log.begin_anew()
        assert (await api.ask(path_of(current)))[0] == 410


async def test_where_nothing_is_recorded_there_is_nothing_to_follow() -> None:
    """404 that names the setting."""
    async with serving() as api:
        status, answer = await api.ask(PATH)
        assert status == 404
        assert "CHANGES_RETENTION" in answer["details"]


async def test_a_key_that_the_collector_does_not_know_is_not_left_without_removals() -> None:
    """Its grants are on a field whose values are not recorded: 503 that says what to set, not pages that lack some."""
    other = {Alias.ACTIVITIES: (Grant(GrantKind.TERMS, "type", ("Update",)),)}
    callers = {**FOLLOWERS, "new": Caller("new", grants=other)}
    async with changing("a", callers=callers) as (_, _, api):
        status, answer = await api.ask(PATH, key="new")
        assert status == 503
        assert "INCOMING_ACCESS_KEY_PAIRS" in answer["details"]
        assert (await api.ask(PATH, key="odd"))[0] == 200


async def test_a_key_without_a_grant_is_told_nothing() -> None:
    """An empty page, whatever is there and whatever happens."""
    callers = {**FOLLOWERS, "none": Caller("none")}
    async with changing("a", callers=callers) as (world, source, api):
        items, current = await walk(api, PATH, "none")
        source.put("b")
        await world.clock.advance(5)
        assert (items, (await walk(api, path_of(current), "none"))[0]) == ([], [])


async def test_restricted_pages_are_the_same_whatever_else_there_is() -> None:
    """Byte for byte, places included, through additions, changes and removals of what the caller may not see."""

    async def told(*hidden: str) -> list[bytes]:
        async with changing("a", "b", hidden=hidden) as (world, source, api):
            pages: list[bytes] = []
            path = f"{PATH}?size=2"

            async def read() -> None:
                nonlocal path
                while True:
                    _, _, body = await api.send(path, b"", "GET", api.headers(path, b"", key="odd"))
                    pages.append(body.replace(api.url.encode(), b""))
                    page = msgspec.json.decode(body)
                    path = path_of(page.get("next") or page["current"])
                    if "current" in page:
                        return

            await world.clock.advance(130)
            await read()
            for step in ("c", "b", "b", "a"):
                source.put(step)
                await world.clock.advance(3)
                for key in hidden:
                    source.put(key)
                    source.put(key)
                await world.clock.advance(3)
                await read()
            for key in (*hidden, "c"):
                source.drop(key)
            await world.clock.advance(130)
            await read()
            return pages

    alone = await told()
    assert await told("aa", "d", "x", "y") == alone
    assert b"Tombstone" in b"".join(alone)


def _packed(text: bytes) -> str:
    return urlsafe_b64encode(text).decode().rstrip("=")


def _unpacked(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
