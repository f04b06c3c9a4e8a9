"""Damaged pages: each gives a page whose items are all accounted for, or an error of its source."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from activity_stream.errors import NotAFeed, SourceError
from activity_stream.feeds.types.activity_stream import DEEPEST, ActivityStream
from activity_stream.feeds.walk import Walk
from activity_stream.model import Page
from activity_stream.ports import Response

ADDRESS = "https://source.example/feed?after=0"
SEED = 20_260_101
GOOD = sorted((Path(__file__).parent / "activity_stream").glob("*.json"))
Damage = Callable[[random.Random, bytes], bytes]


def accept(body: bytes) -> Page:
    """What a walk makes of the body."""
    return Walk(ActivityStream(ADDRESS), ADDRESS).accept(Response(ADDRESS, 200, {}, body))


def cut_off(chance: random.Random, body: bytes) -> bytes:
    """A connection that broke."""
    return body[: chance.randrange(len(body))]


def flip_a_byte(chance: random.Random, body: bytes) -> bytes:
    """One byte is another."""
    place = chance.randrange(len(body))
    return body[:place] + bytes([chance.randrange(256)]) + body[place + 1 :]


def lose_a_piece(chance: random.Random, body: bytes) -> bytes:
    """A few bytes are missing in the middle."""
    place = chance.randrange(len(body))
    return body[:place] + body[place + chance.randrange(1, 40) :]


def double_a_piece(chance: random.Random, body: bytes) -> bytes:
    """A few bytes come twice."""
    place = chance.randrange(len(body))
    end = place + chance.randrange(1, 40)
    return body[:end] + body[place:]


def put_in_a_piece(chance: random.Random, body: bytes) -> bytes:
    """Something that has no business there."""
    pieces = [
        b"\\ud800",
        b"\xff\xfe",
        b"NaN",
        b"-Infinity",
        b"\x00",
        b",",
        b"{",
        b"]",
        b'"',
        b"[" * 2000,
        b"\\",
        b"1e999",
    ]
    place = chance.randrange(len(body))
    return body[:place] + chance.choice(pieces) + body[place:]


def swap_a_value(chance: random.Random, body: bytes) -> bytes:
    """A member of the page, or an item, is of quite another type."""
    page = json.loads(body)
    value: object = chance.choice([None, 0, -1.5, True, "", "text", [], {}, [[]], {"a": {}}, ["x", 1, None]])
    items = page.get("orderedItems")
    if items and isinstance(items, list) and chance.random() < 0.5:
        items[chance.randrange(len(items))] = value
    else:
        page[chance.choice(["type", "orderedItems", "items", "next", "first", "totalItems"])] = value
    return json.dumps(page).encode()


DAMAGES: list[Damage] = [cut_off, flip_a_byte, lose_a_piece, double_a_piece, put_in_a_piece, swap_a_value]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: str(damage.__name__))
@pytest.mark.parametrize("path", GOOD, ids=lambda path: str(path.stem))
def test_damaged_pages(path: Path, damage: Damage) -> None:
    """However a page is damaged, what comes of it can be stored or is refused by name."""
    chance = random.Random(f"{SEED} {path.stem} {damage.__name__}")
    print(f"seed: {SEED} {path.stem} {damage.__name__}")
    for _ in range(25):
        body = damage(chance, path.read_bytes())
        try:
            page = accept(body)
        except SourceError:
            continue
        check(page)


def check(page: Page) -> None:
    """Each activity is whole JSON with its string id; each skipped item has a place and a reason; none is both."""
    for activity in page.activities:
        decoded = json.loads(activity.source.decode())
        assert decoded["id"] == activity.id != ""
        activity.id.encode()
        json.dumps(decoded, ensure_ascii=False).encode()
        if activity.object_source is not None:
            assert json.loads(activity.object_source)["id"] == activity.object_id
    places = [skipped.position for skipped in page.skipped]
    assert all(skipped.reason for skipped in page.skipped)
    assert sorted(set(places)) == places
    assert all(place < len(page.activities) + len(places) for place in places)


GOOD_ITEM = b'{"id":"good","object":{"id":"thing"}}'
BROKEN_ITEMS = {
    "half a surrogate in a text": (rb'{"id":"bad","x":"\ud800"}', "not JSON"),
    "half a surrogate in the id": (rb'{"id":"\udc00"}', "not JSON"),
    "half a surrogate in a key": (rb'{"\ud800":1,"id":"bad"}', "not JSON"),
    "two first halves": (rb'{"id":"bad","x":"\ud800\ud800 and more text"}', "not JSON"),
    "bytes that are not UTF-8": (b'{"id":"bad","x":"\xff\xfe"}', "not UTF-8"),
    "an id that is not UTF-8": (b'{"id":"\xff"}', "not UTF-8"),
    "an encoded surrogate": (b'{"id":"bad","x":"\xed\xa0\x80"}', "not UTF-8"),
    "NaN": (b'{"id":"bad","x":NaN}', "not JSON"),
    "Infinity": (b'{"id":"bad","x":[-Infinity]}', "not JSON"),
    "a number that is none": (b'{"id":"bad","x":01}', "not JSON"),
    "a word": (b'{"id":"bad","x":undefined}', "not JSON"),
    "a line end in a string": (b'{"id":"bad","x":"a\nb"}', "not JSON"),
    "no colon": (b'{"id" "bad"}', "not JSON"),
    "a wrong id, and broken": (b'{"id":7,"x":NaN}', "not JSON"),
    "just too deep": (b'{"id":"bad","x":' + b"[" * DEEPEST + b"]" * DEEPEST + b"}", "deeper"),
    "far too deep": (b'{"id":"bad","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deeper"),
    "objects far too deep": (b'{"id":"bad","x":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}", "deeper"),
}


@pytest.mark.parametrize("name", BROKEN_ITEMS)
def test_a_broken_item_costs_only_itself(name: str) -> None:
    """An item that is broken inside is left out with its reason, and those before and after it are stored."""
    broken, reason = BROKEN_ITEMS[name]
    other = GOOD_ITEM.replace(b"good", b"other")
    page = accept(b'{"orderedItems":[' + b" ,\n".join([GOOD_ITEM, broken, other]) + b'],"next":"?after=1"}')
    assert [each.id for each in page.activities] == ["good", "other"]
    assert [each.source for each in page.activities] == [GOOD_ITEM, other]
    assert [each.position for each in page.skipped] == [1]
    assert reason in page.skipped[0].reason
    assert page.next == "https://source.example/feed?after=1"


def test_a_broken_item_is_named() -> None:
    """The reason comes with the item's id where the id itself is whole."""
    page = accept(rb'{"orderedItems":[{"dit:x":"\ud800","id":"dit:bad:1"}]}')
    assert page.skipped[0].id == "dit:bad:1"


def test_the_deepest_item_that_is_stored() -> None:
    """An item of exactly the deepest nesting is stored; brackets in its strings do not count."""
    deep = b"[" * (DEEPEST - 1) + b"]" * (DEEPEST - 1)
    item = b'{"id":"deep","text":"[[[[\\"{{{{","x":' + deep + b"}"
    assert [each.source for each in accept(b'{"items":[' + item + b"]}").activities] == [item]


NOT_FEEDS = {
    "nothing": b"",
    "blanks": b" \n ",
    "HTML": b"<!DOCTYPE html><html></html>",
    "a string": b'"orderedItems"',
    "a number": b"7",
    "a list": b'[{"orderedItems":[]}]',
    "null": b"null",
    "an empty object": b"{}",
    "half a page": b'{"orderedItems":[{"id":"a"},{"id":',
    "two pages": b'{"orderedItems":[]}{"orderedItems":[]}',
    "a comma too many": b'{"orderedItems":[{"id":"a"},]}',
    "a comma too few": b'{"orderedItems":[{"id":"a"}{"id":"b"}]}',
    "no comma between members": b'{"orderedItems":[] "next":"?x"}',
    "brackets that do not fit": b'{"orderedItems":[{"id":"a"}}]',
    "items that are a number": b'{"orderedItems":7}',
    "items that are false": b'{"orderedItems":false}',
    "next that is a number": b'{"orderedItems":[],"next":7}',
    "next that is a list": b'{"orderedItems":[],"next":["?x"]}',
    "next that is true": b'{"orderedItems":[],"next":true}',
    "a Link without href": b'{"orderedItems":[],"next":{"type":"Link"}}',
    "next with half a surrogate": rb'{"orderedItems":[],"next":"?x=\ud800"}',
    "next that is not UTF-8": b'{"orderedItems":[],"next":"?x=\xff"}',
    "next that cannot be": b'{"orderedItems":[],"next":"//[1"}',
    "first that is a number": b'{"type":"Collection","first":7}',
    "an object of another type": b'{"type":"Note","first":"?x"}',
    "far too deep a page": b"[" * 100_000 + b"]" * 100_000,
    "far too deep an object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "UTF-16": '{"orderedItems":[]}'.encode("utf-16"),
}


@pytest.mark.parametrize("name", NOT_FEEDS)
def test_what_is_no_feed(name: str) -> None:
    """An answer that as a whole cannot be understood is an error of the source, in a message of bounded length."""
    with pytest.raises(NotAFeed) as refused:
        accept(NOT_FEEDS[name])
    assert 10 < len(str(refused.value)) < 600
    assert str(refused.value).isprintable()


def test_a_byte_order_mark_is_no_damage() -> None:
    """A page that begins with a byte order mark is read as if it did not."""
    assert accept(b"\xef\xbb\xbf" + b'{"orderedItems":[' + GOOD_ITEM + b"]}").activities[0].source == GOOD_ITEM


def test_of_two_members_with_one_name_the_last_counts() -> None:
    """A key that comes twice has its last value, in the page, in an item and in an object."""
    page = accept(
        b'{"orderedItems":[],"next":"?a","orderedItems":[{"id":1,"id":"b","object":1,"object":{"id":"x","id":"y"}}],'
        b'"next":"?b"}'
    )
    assert [(each.id, each.object_id) for each in page.activities] == [("b", "y")]
    assert page.next == "https://source.example/feed?b"


def test_too_many_items() -> None:
    """A page of nothing but tiny items is refused before it fills the memory."""
    with pytest.raises(NotAFeed, match="smaller pages"):
        accept(b'{"orderedItems":[' + b"1," * 200_000 + b"1]}")
