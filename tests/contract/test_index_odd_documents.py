"""Documents that no schema foresaw: each is stored, comes back as it came, and is found by all that is right in it."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest

from activity_stream.model import Activity, Alias
from activity_stream.ports import Index

TESTS = Path(__file__).parent.parent
LONG = "x" * 40_000
WORDS = "wine " * 8_000
DEEP = 90
ESCAPED, LEVEL = "\\u00e9", '{"a":'


def thing(members: str) -> str:
    """An object with these members."""
    return f'"object":{{"type":"Thing",{members}}}'


AROUND = {
    "object a text": '"object":"https://a.test/thing"',
    "object a number": '"object":1000000000000000000000000000000',
    "object some texts": '"object":["a","b"]',
    "object a text and more": '"object":["a",{"type":"Thing","name":"wine"}]',
    "objects in lists": '"object":[[{"type":"Thing","name":"wine"}]]',
    "object null": '"object":null',
    "name an object": '"object":{"type":"Thing","name":{"en":"wine"}}',
    "name with children": '"object":{"type":"Thing","name":{"raw":"wine"}}',
    "name in lists": '"object":{"type":"Thing","name":["red",["wine"]]}',
    "name a number": '"object":{"type":"Thing","name":5}',
    "name long": thing(f'"name":"{WORDS}"'),
    "name long, no words": thing(f'"name":"{LONG}"'),
    "url long": thing(f'"url":"{LONG}","name":"wine"'),
    "url long beside another": thing(f'"url":["{LONG}","u"],"name":"wine"'),
    "url long in bytes": thing(f'"url":"{"é" * 20_000}","name":"wine"'),
    "url long as written": thing(f'"url":"{ESCAPED * 10_000}","name":"wine"'),
    "url an object": '"object":{"type":"Thing","url":{},"name":"wine"}',
    "url a number": '"object":{"type":"Thing","url":15,"name":{}}',
    "public yes": '"object":{"type":"Thing","dit:public":"yes"}',
    "public 1": '"object":{"type":"Thing","dit:public":1}',
    "public some": '"object":{"type":"Thing","dit:public":["no",true]}',
    "public empty": '"object":{"type":"Thing","dit:public":""}',
    "date an object": '"published":{"at":{"id":"evil"}},"object":{"type":"Thing"}',
    "date one of them": '"published":["soon","2020-01-31"],"object":{"type":"Thing"}',
    "date true": '"published":true,"object":{"type":"Thing"}',
    "date 1e400": '"published":1e400,"object":{"type":"Thing"}',
    "place an object": '"object":{"type":"Thing","geocoordinates":{"lat":{"id":"evil"},"lon":1}}',
    "place a list": '"object":{"type":"Thing","geocoordinates":[1,{"id":"evil"}]}',
    "place one of them": '"object":{"type":"Thing","name":{},"geocoordinates":["x",{"lat":51.5,"lon":0.1}]}',
    "place as numbers": '"object":{"type":"Thing","name":{},"geocoordinates":[0.1,51.5]}',
    "programmes texts": '"object":{"type":"Thing","dit:relatedProgrammes":["p1"]}',
    "programmes mixed": '"object":{"type":"Thing","dit:relatedProgrammes":["p", {"id":"p1","name":"wine", "z":[1]}]}',
    "programme odd": '"object":{"type":"Thing","dit:relatedProgrammes":[{"id":{},"name":"wine"},{"id":"p1"}]}',
    "key empty": '"":1,"object":{"type":"Thing","":2}',
    "key a dot": '".":1,"object":{"type":"Thing",".":2}',
    "key two dots": '"a..b":1,"object":{"type":"Thing","c.":2,".d":3}',
    "key below a word": '"id.x":1,"object":{"type":"Thing"}',
    "keys of the engine": '"_id":"z","_source":{},"_routing":"r","_index":"i","object":{"type":"Thing"}',
    "key twice": '"object":{"type":"No"},"z":1,"z":2,"object":{"type":"Thing"}',
    "numbers": '"z":[1e400,-1000000000000000000000000000000,1.50],"object":{"type":"Thing","name":{}}',
    "deep lists": thing(f'"z":{"[" * DEEP}{"]" * DEEP}'),
    "deep objects": thing(f'"z":{LEVEL * DEEP}1{"}" * DEEP}'),
    "no character": '"z":"\\u0000","object":{"type":"Thing","name":{}}',
    "its key, a text": '"__as_it_came":"hello","object":{"type":"Thing","name":{}}',
    "its key, broken": '"__as_it_came":"}],[{\\"","object":{"type":"Thing"}',
    "its key, an object": '"__as_it_came":{"id":"x"},"object":{"type":"Thing"}',
    "its key, inside": '"z":{"_source":{"__as_it_came":"{}"}},"object":{"type":"Thing"}',
}
TYPED = [name for name, text in AROUND.items() if '"Thing"' in text]
WINE = [name for name, text in AROUND.items() if '"name":"wine"' in text and "Programmes" not in text]

FOUND: list[tuple[Any, Sequence[str]]] = [
    ({"match_all": {}}, list(AROUND)),
    ({"term": {"type": "Early"}}, list(AROUND)),
    ({"term": {"actor.dit:emailAddress": "late"}}, list(AROUND)),
    ({"term": {"object.type": "Thing"}}, TYPED),
    ({"match": {"object.name": "wine"}}, [*WINE, "name long", "name in lists"]),
    ({"term": {"object.name.raw": "wine"}}, [*WINE, "name in lists"]),
    ({"term": {"object.name": "5"}}, ["name a number"]),
    ({"term": {"object.url": "u"}}, ["url long beside another"]),
    ({"term": {"object.url": "é" * 10_000}}, ["url long as written"]),
    ({"term": {"object.url": "15"}}, ["url a number"]),
    ({"term": {"object.dit:public": True}}, ["public some"]),
    ({"term": {"published": "2020-01-31"}}, ["date one of them"]),
    ({"exists": {"field": "published"}}, ["date one of them"]),
    ({"term": {"id": "evil"}}, []),
    ({"term": {"object.type": "No"}}, []),
]


def odd(name: str) -> bytes:
    """An item with what is odd in its middle: what stands before it and after it is right."""
    encoded = json.dumps(name)
    return b'{"id":%s,"type":"Early",%s,"actor":{"dit:emailAddress":"late"}}' % (
        encoded.encode(),
        AROUND[name].encode(),
    )


async def published(index: Index, activities: Sequence[Activity]) -> None:
    """Fail unless all of them are stored, and seen."""
    generation = await index.begin("feed")
    report = await index.write([generation], activities, visible=False)
    assert report.refused == ()
    assert report.stored == len(activities)
    await index.publish(generation)


async def ids(index: Index, query: Any) -> set[str]:
    """What a query finds."""
    body = msgspec.json.encode({"query": query, "size": 1000, "_source": False})
    hits = msgspec.json.decode((await index.search(Alias.ACTIVITIES, body)).body)["hits"]["hits"]
    return {hit["_id"] for hit in hits}


async def test_what_is_odd_in_a_document_hides_nothing_of_the_rest(index: Index) -> None:
    """Every index finds the same documents by the same queries: by every value that is right, and by no other."""
    await published(index, [Activity(name, odd(name)) for name in AROUND])
    for query, names in FOUND:
        assert await ids(index, query) == set(names), query


async def test_an_odd_document_comes_back_byte_for_byte(index: Index) -> None:
    """Alone and among the others, the document in the answer is the one that came."""
    await published(index, [Activity(name, odd(name)) for name in AROUND])
    answer = (await index.search(Alias.ACTIVITIES, b'{"size":1000}')).body
    assert len(msgspec.json.decode(answer, type=_Found).hits.hits) == len(AROUND)
    for name in AROUND:
        assert odd(name) in answer, name
        body = msgspec.json.encode({"query": {"ids": {"values": [name]}}})
        assert odd(name) in (await index.search(Alias.ACTIVITIES, body)).body, name


@pytest.mark.parametrize("filtered", [["id"], "object.*", {"excludes": ["object"]}, {"includes": ["*"]}, False])
async def test_an_answer_with_parts_of_odd_documents_can_be_read(index: Index, filtered: Any) -> None:
    """`_source` filters never break an answer; what they show of a document is of that document."""
    await published(index, [Activity(name, odd(name)) for name in AROUND])
    body = msgspec.json.encode({"size": 1000, "_source": filtered})
    hits = json.loads((await index.search(Alias.ACTIVITIES, body)).body)["hits"]["hits"]
    assert {hit["_id"] for hit in hits} == set(AROUND)
    for hit in hits:
        assert hit.get("_source", {}).get("id", hit["_id"]) == hit["_id"]
        assert filtered or "_source" not in hit


async def test_line_breaks_between_values_change_nothing(index: Index) -> None:
    """JSON may be written over many lines; it is one document, with the same values."""
    source = b'{\r\n  "id": "a",\n\n  "object": {"name": "wine\\nlist"},\n "published":\n{}\n}'
    await published(index, [Activity("a", source)])
    (hit,) = json.loads((await index.search(Alias.ACTIVITIES, b"")).body)["hits"]["hits"]
    assert hit["_source"] == json.loads(source)
    assert await ids(index, {"match_phrase": {"object.name": "wine list"}}) == {"a"}


async def test_real_activities_come_back_byte_for_byte(index: Index) -> None:
    """What real sources have sent goes in whole, the objects too."""
    lines = (TESTS / "data" / "activities.jsonl").read_bytes().splitlines()
    activities = _activities([msgspec.json.decode(line, type=_Line).activity for line in lines])
    assert len(activities) >= 68
    await see_them_back(index, activities)


async def test_the_odd_items_of_a_page_come_back_byte_for_byte(index: Index) -> None:
    """What a page may hold that is no ordinary activity, and has an id, is stored as it is."""
    page = (TESTS / "feeds" / "activity_stream" / "odd-items.json").read_bytes()
    activities = _activities(msgspec.json.decode(page, type=_Page).items)
    assert len(activities) >= 10
    await see_them_back(index, activities)


async def see_them_back(index: Index, activities: Sequence[Activity]) -> None:
    """Store them, and fail unless each alias holds the last of each id, byte for byte but for line breaks."""
    await published(index, activities)
    for alias, sources in (
        (Alias.ACTIVITIES, {each.id: each.source for each in activities}),
        (Alias.OBJECTS, {each.object_id: each.object_source for each in activities if each.object_source}),
    ):
        answer = (await index.search(alias, b'{"size":1000}')).body
        stored = {hit.id: bytes(hit.source) for hit in msgspec.json.decode(answer, type=_Found).hits.hits}
        assert {key: one_line(each) for key, each in stored.items()} == {
            key: one_line(each or b"") for key, each in sources.items()
        }


def one_line(source: bytes) -> bytes:
    """A document without line breaks; none of them is inside of a string."""
    return source.replace(b"\n", b" ")


class _Line(msgspec.Struct):
    activity: msgspec.Raw


class _Page(msgspec.Struct):
    items: list[msgspec.Raw] = msgspec.field(name="orderedItems")


class _Hit(msgspec.Struct):
    id: str = msgspec.field(name="_id")
    source: msgspec.Raw = msgspec.field(name="_source")


class _Hits(msgspec.Struct):
    hits: list[_Hit]


class _Found(msgspec.Struct):
    hits: _Hits


class _Thing(msgspec.Struct):
    id: Any = None


class _Item(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(min_length=1)]
    object: msgspec.Raw = msgspec.Raw()


def _activities(items: Sequence[msgspec.Raw]) -> list[Activity]:
    """Those of the items that have an id, as a feed would read them."""
    found = []
    for raw in items:
        with suppress(msgspec.ValidationError):
            found.append(_activity(bytes(raw)))
    return found


def _activity(source: bytes) -> Activity:
    item = msgspec.json.decode(source, type=_Item)
    thing = bytes(item.object)
    name = msgspec.json.decode(thing, type=_Thing).id if thing[:1] == b"{" else None
    return Activity(item.id, source, name, thing) if isinstance(name, str) and name else Activity(item.id, source)
