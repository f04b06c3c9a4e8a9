"""Documents that an engine refuses as they are: stored by what fits, and shown as they came."""

import json
import random
from typing import Any

import msgspec
import pytest

from activity_stream.adapters.index_opensearch.beside import UNMAPPED
from activity_stream.adapters.index_opensearch.fitting import AS_IT_CAME, Fitting, restored
from activity_stream.fields import AddedField, FieldType, searchable_fields
from activity_stream.model import Activity, Alias
from tests.unit.adapters.index_opensearch.clusters import asking, found, opened, publish, told

ADDED = [
    AddedField(Alias.ACTIVITIES, "size", FieldType.LONG),
    AddedField(Alias.ACTIVITIES, "weight", FieldType.DOUBLE),
]
FITTING = Fitting(searchable_fields(ADDED)[Alias.ACTIVITIES])
PROGRAMMES = "object.dit:relatedProgrammes"
HERE = {"geo_distance": {"distance": "1km", "object.geocoordinates": {"lat": 51.5, "lon": 0.1}}}
ELEMENTS = b'[ "p", {"id" : "p1", "name":"wine", "z": [1.50]} , {"id":{}, "name":"red"}, {"z":1}, null ]'
NESTED = b'{"id":"n","object":{"type":"Thing","dit:relatedProgrammes":' + ELEMENTS + b"}}"


def stored(source: bytes) -> Any:
    """What of a document is stored to be found by."""
    document = msgspec.json.decode(FITTING.fitted(source))
    assert document.pop(AS_IT_CAME).encode() == source
    document.pop(UNMAPPED, None)
    return document


def hit(source: bytes) -> bytes:
    """An answer with one hit that has this source."""
    return b'{"hits":{"hits":[{"_id":"1","_source":' + source + b'},{"_id":"2","_source":{ "a" :1}}]}}'


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ('{"id":"a","object":"https://a.test","type":"b","z":1}', {"id": "a", "type": "b"}),
        ('{"type":["a",{},null,["b",[]],7]}', {"type": ["a", ["b"], 7]}),
        ('{"object":[{"name":"x"},"y",{"z":1}]}', {"object": [{"name": "x"}]}),
        ('{"object":{"dit:public":["yes",true,"false",0,""]}}', {"object": {"dit:public": [True, "false", ""]}}),
        ('{"size":{"a":1},"weight":[{},"x",2.5],"published":[{}]}', {"weight": ["x", 2.5]}),
        ('{"object":{"geocoordinates":[1,{"a":2}]},"id":"a"}', {"id": "a"}),
        ('{"object":{"geocoordinates":[{"lat":1},[3,4]]}}', {"object": {"geocoordinates": [{"lat": 1}, [3, 4]]}}),
        ('{"":1,".":2,"a..b":3,"id":"a"}', {"id": "a"}),
        ('{"id":"a","id":"b"}', {"id": "b"}),
        ("{}", {}),
    ],
)  # fmt: skip
def test_what_fits_is_kept_and_nothing_else(source: str, kept: Any) -> None:
    """Of lists the elements that fit, of objects the members that are searchable and fit."""
    assert stored(source.encode()) == kept


@pytest.mark.parametrize("number", ["1.50", "1000000000000000000000000000000", "-0", "1E2", "1e400"])
def test_numbers_stay_as_they_are_written(number: str) -> None:
    """`1.50` as a word is found as `1.50`: the digits are not read, and so cannot be lost."""
    assert f'"type":{number},'.encode() in FITTING.fitted(b'{"type":%s,"object":5}' % number.encode())


@pytest.mark.parametrize(
    ("word", "fits"),
    [
        ("x" * 32_766, True),
        ("x" * 32_767, False),
        ("é" * 16_383, True),
        ("é" * 16_384, False),
        ("\\u00e9" * 16_383, True),
        ("\\u00e9" * 16_384, False),
    ],
)
def test_a_words_length_is_counted_in_bytes(word: str, *, fits: bool) -> None:
    """32,766 bytes of UTF-8, however the source writes them, are the longest word that an engine takes."""
    assert ("type" in stored(f'{{"type":"{word}","object":5}}'.encode())) == fits


@pytest.mark.parametrize("source", [b"[1]", b"7", b'"x"', b"{", b"", b'{"a":"\xff"}', b'{"a":"\\ud800"}'])
def test_what_is_no_document_is_refused(source: bytes) -> None:
    """A ValueError, and no other: whoever stores it can then say what is wrong with it."""
    with pytest.raises(ValueError, match=r"."):
        FITTING.fitted(source)
    with pytest.raises(ValueError, match=r"."):
        FITTING.bare("x", source)


@pytest.mark.parametrize(
    "source",
    [b'{"id":"x", "object" : "y"}', b"{}", '{"é":"\\u0000\\"\\\\ü\U0001f600","n":1.50}'.encode(), b'{\n"a":1}'],
)
def test_a_document_that_was_made_to_fit_is_shown_as_it_came(source: bytes) -> None:
    """Byte for byte, and nothing else of the answer changes its meaning."""
    assert restored(hit(FITTING.fitted(source))) == hit(source)
    assert restored(hit(FITTING.bare("x", source))) == hit(source)


@pytest.mark.parametrize(
    "answer",
    [
        b'{ "hits" : { } }',
        b'{"error":"\\"__as_it_came\\""}',
        hit(b'{"a":"__as_it_came"}'),
        hit(b'{"__as_it_came":"hello"}'),
        hit(b'{"__as_it_came":"[1]"}'),
        hit(b'{"__as_it_came":"{}]}"}'),
        hit(b'{"__as_it_came":"{\\"a\\":nul}"}'),
        hit(b'{"__as_it_came":"{\\"a\\":\\"\\\\x\\"}"}'),
        hit(b'{"__as_it_came":{"a":1}}'),
        hit(b'{"z":{"_source":{"__as_it_came":"{}"}}}'),
        hit(b'{"z":[{"__as_it_came":"{}"}]}'),
        hit(b'{"__as_it_came":"' + b"[" * 100_000 + b'"}'),
        b'{"aggregations":{"__as_it_came":{"buckets":[{"key":"__as_it_came","n":1.50}]}}}',
    ],
)  # fmt: skip
def test_what_was_not_made_to_fit_stays_as_it_is(answer: bytes) -> None:
    """A document that happens to have the same key, by accident or to do harm, never breaks an answer."""
    assert restored(answer) == answer


def test_random_texts_in_a_documents_key_never_break_an_answer() -> None:
    """Whatever a source puts there, the answer is JSON, and the other hits are as they were."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    parts = ["{", "}", "[", "]", '"', ":", ",", "\\", "a", "1", "null", "\\u00", '{"a":1}', "\n", "é", " "]
    for _ in range(3_000):
        text = "".join(chance.choice(parts) for _ in range(chance.randrange(9)))
        text = chance.choice([text, f'{{"a":{text}}}', f'{{"a":"{text}"}}'])
        own = {"id": "x", AS_IT_CAME: text}
        hits = json.loads(restored(hit(json.dumps(own).encode())))["hits"]["hits"]
        assert hits[1]["_source"] == {"a": 1}
        assert hits[0]["_source"] == own or hits[0]["_source"] == json.loads(text)


async def test_what_an_engine_refused_is_stored_beside_what_fits(empty_engine: str) -> None:
    """The rest of the document is found in the engine's own words, and its `_source` there has the original."""
    source = b'{"id":"a","object":"https://a.test/","type":"Early"}'
    async with opened(empty_engine) as index, asking(empty_engine) as client:
        _, report = await publish(index, [source])
        assert (report.stored, report.refused) == (1, ())
        (found_there,) = (await told(client, "/activities/_search?q=type:Early"))["hits"]["hits"]
        assert found_there["_source"].pop(UNMAPPED)
        assert found_there["_source"] == {"id": "a", "type": "Early", AS_IT_CAME: source.decode()}


async def test_places_and_nested_objects_are_found_by_what_is_right_in_them(empty_engine: str) -> None:
    """What only an engine can search for: the good one among bad places, and the good programmes among odd ones."""
    places = ['["x",{"lat":51.5,"lon":0.1}]', "[0.1,51.5]", '[1,{"a":[2]}]', '{"lat":{"a":1}}', '"51.5,0.1"', "true"]
    sources = [f'{{"object":{{"name":{{}},"url":"u","geocoordinates":{each}}}}}'.encode() for each in places]
    async with opened(empty_engine) as index:
        _, report = await publish(index, [*sources, NESTED])
        assert report.refused == ()
        assert await found(index, {"term": {"object.url": "u"}}) == "0 1 2 3 4 5"
        assert await found(index, HERE) == "0 1 4"
        for key, value, ids in (("id", "p1", "6"), ("name", "wine", "6"), ("name", "red", "6"), ("id", "p", "")):
            query = {"nested": {"path": PROGRAMMES, "query": {"match": {f"{PROGRAMMES}.{key}": value}}}}
            assert await found(index, query) == ids


async def test_originals_come_back_wherever_an_answer_shows_documents(empty_engine: str) -> None:
    """As hits, as the inner hits of a nested query, and as the top hits of an aggregation."""
    body = {
        "query": {
            "nested": {"path": PROGRAMMES, "query": {"exists": {"field": f"{PROGRAMMES}.name"}}, "inner_hits": {}}
        },
        "aggs": {"types": {"terms": {"field": "object.type"}, "aggs": {"top": {"top_hits": {}}}}},
    }
    async with opened(empty_engine) as index:
        await publish(index, [NESTED])
        answer = (await index.search(Alias.ACTIVITIES, json.dumps(body).encode())).body
    assert answer.count(b'"_source":' + NESTED) == 2  # a top hit has its inner hits too
    for element in (b'{"id" : "p1", "name":"wine", "z": [1.50]}', b'{"id":{}, "name":"red"}'):
        assert answer.count(b'"_source":' + element) == 2
    assert AS_IT_CAME.encode() not in answer


async def test_deep_documents_come_back(empty_engine: str) -> None:
    """900 levels, in lists, which OpenSearch refuses from 20 on, and in objects; and the document beside them."""
    deep = [b'{"z":' + b"[" * 900 + b"]" * 900 + b',"type":"a"}', b'{"z":' + b'{"a":' * 900 + b"1" + b"}" * 901]
    async with opened(empty_engine) as index:
        _, report = await publish(index, [*deep, b'{"type":"a","object":5}'])
        assert report.refused == ()
        assert await found(index, {"term": {"type": "a"}}) == "0 2"
        answer = (await index.search(Alias.ACTIVITIES, b"")).body
    assert all(each in answer for each in deep)


async def test_what_is_no_json_is_refused_by_name_and_stops_nothing(empty_engine: str) -> None:
    """Bytes that are no UTF-8, and half a document: named with the reason, while their neighbours are stored."""
    async with opened(empty_engine) as index:
        generation = await index.begin("one")
        sources = {"good": b'{"id":"a"}', "bytes": b'{"a":"\xff"}', "half": b'{"a":', "list": b"[1]", "last": b"{}"}
        items = [Activity(name, source) for name, source in sources.items()]
        report = await index.write([generation], items, visible=True)
        await index.publish(generation)
        assert report.stored == 2
        assert {each.id for each in report.refused} == {"bytes", "half", "list"}
        assert all(each.reason for each in report.refused)
        assert await found(index, {"match_all": {}}) == "good last"


async def test_half_a_surrogate_pair_is_stored_as_it_came(empty_engine: str) -> None:
    r"""An escape such as `\ud83d` alone is no character, but harms nobody."""
    source = b'{"id":"a","type":"b","object":{"content":"wine \\ud83d list"}}'
    async with opened(empty_engine) as index:
        _, report = await publish(index, [source])
        assert report.refused == ()
        assert await found(index, {"match": {"object.content": "list"}}) == "0"
        assert source in (await index.search(Alias.ACTIVITIES, b"")).body
