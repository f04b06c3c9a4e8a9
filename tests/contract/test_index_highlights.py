"""Pieces of texts in which what was looked for is marked; every index has to pass."""

from typing import Any

import msgspec
import pytest

from activity_stream.errors import SearchRefused
from activity_stream.model import Alias
from activity_stream.ports import Index
from tests.contract.rows import publish

LONG = (
    "Wine is a drink. It is made of grapes, and the best of it comes from old vineyards in the hills where the sun "
    "shines long! Exports of red wine grew. Nobody knows why this happened. Some say that trade agreements, which were "
    "signed in the spring after years of talks between the parties, made wine cheaper for everybody who buys wine in "
    "shops; others doubt it? The end."
)
PROGRAMMES = "object.dit:relatedProgrammes"
ROWS: list[dict[str, Any]] = [
    {"id": "1", "type": ["red", "red wine"],
     "object": {"name": "The red wine list", "content": ["first wine", "second", "third wine wine"]}},
    {"id": "2", "object": {"name": LONG, "content": "x"}},
    {"id": "3", "object": {"name": "<b>wine</b> & \"cheese\" don't", "dit:relatedProgrammes": [{"name": "a wine"}]}},
]  # fmt: skip
AGREEMENTS = "that trade agreements, which were signed in the spring after years of talks between the parties, made"
NAME, CONTENT = "object.name", "object.content"
WINE = {"match": {NAME: "wine"}}
RED_WINE = {"match_phrase": {NAME: "red wine"}}
GRAPES = {"match": {NAME: "grapes"}}
IN_CONTENT = {"bool": {"filter": [{"match": {CONTENT: "wine"}}]}}


@pytest.fixture
async def searched(index: Index) -> Index:
    """An index that has published the rows."""
    await publish(index, "feed", ROWS)
    return index


@pytest.mark.parametrize(
    ("query", "highlight", "number", "pieces"),
    [
        (WINE, {}, 1, ["The red <em>wine</em> list"]),
        ({"regexp": {NAME: "w[aio]ne|.*d"}}, {}, 1, ["The <em>red</em> <em>wine</em> list"]),
        ({"regexp": {NAME: {"value": "L.ST", "case_insensitive": True}}}, {}, 1, ["The red wine <em>list</em>"]),
        ({"query_string": {"query": "object.name:/l.st/"}}, {}, 1, ["The red wine <em>list</em>"]),
        (
            WINE,
            {},
            2,
            [
                "<em>Wine</em> is a drink.",
                "Exports of red <em>wine</em> grew. Nobody knows why this happened.",
                f"{AGREEMENTS} <em>wine</em>",
                "cheaper for everybody who buys <em>wine</em> in shops; others doubt it?",
            ],
        ),
        (
            WINE,
            {"fragment_size": 30, "number_of_fragments": 2},
            2,
            ["<em>Wine</em> is a drink.", "Exports of red <em>wine</em> grew."],
        ),
        (
            WINE,
            {"fragment_size": 20},
            2,
            [
                "<em>Wine</em> is a drink.",
                "Exports of red <em>wine</em> grew",
                "between the parties, made <em>wine</em>",
                "everybody who buys <em>wine</em>",
            ],
        ),
        (RED_WINE, {}, 1, ["The <em>red</em> <em>wine</em> list"]),
        (RED_WINE, {"fragment_size": 9}, 2, ["Exports of <em>red</em>", "<em>wine</em> grew"]),
        ({"fuzzy": {NAME: "wime"}}, {}, 1, ["The red <em>wine</em> list"]),
        ({"wildcard": {NAME: "*st"}}, {}, 1, ["The red wine <em>list</em>"]),
        ({"match_phrase_prefix": {NAME: "red wi"}}, {}, 1, ["The <em>red</em> <em>wine</em> list"]),
        (WINE, {"pre_tags": ["["], "post_tags": ["]"]}, 1, ["The red [wine] list"]),
        (WINE, {"tags_schema": "styled"}, 1, ['The red <em class="hlt1">wine</em> list']),
        (WINE, {"encoder": "html"}, 3, ["&lt;b&gt;<em>wine</em>&lt;&#x2F;b&gt; &amp; &quot;cheese&quot; don&#x27;t"]),
        ({"match_all": {}}, {"no_match_size": 30}, 2, ["Wine is a drink. It is made of"]),
        ({"match_all": {}}, {}, 2, None),
        ({"match_all": {}}, {"highlight_query": GRAPES, "fragment_size": 10}, 2, ["is made of <em>grapes</em>"]),
        ({"bool": {"must": [WINE], "must_not": [GRAPES]}}, {}, 1, ["The red <em>wine</em> list"]),
        (IN_CONTENT, {"require_field_match": False}, 1, ["The red <em>wine</em> list"]),
        (IN_CONTENT, {}, 1, None),
    ],
)  # fmt: skip
async def test_what_is_looked_for_is_marked(
    searched: Index, query: Any, highlight: dict[str, Any], number: int, pieces: list[str] | None
) -> None:
    """In pieces that end with sentences, or between words where these are long; as OpenSearch cuts them."""
    found = await ask(searched, {"query": query, "highlight": {"fields": {NAME: {}}, **highlight}})
    assert found[str(number)].get(NAME) == pieces


async def test_whole_values_and_each_of_several_are_marked(searched: Index) -> None:
    """Values are not put together; without a number of pieces each is shown whole, and exact values always are."""
    found = await ask(searched, {"query": {"match": {CONTENT: "wine"}}, "highlight": {"fields": {CONTENT: {}}}})
    assert found["1"] == {CONTENT: ["first <em>wine</em>", "third <em>wine</em> <em>wine</em>"]}
    found = await ask(searched, {"query": WINE, "highlight": {"fields": {NAME: {"number_of_fragments": 0}}}})
    assert found["2"][NAME] == [LONG.replace("wine", "<em>wine</em>").replace("Wine", "<em>Wine</em>")]
    found = await ask(searched, {"query": {"term": {"type": "red wine"}}, "highlight": {"fields": {"type": {}}}})
    assert found["1"] == {"type": ["<em>red wine</em>"]}


async def test_fields_are_named_by_patterns_and_may_be_nested(searched: Index) -> None:
    """Each with options of its own; those of nested objects too."""
    query = {"multi_match": {"query": "wine", "fields": [NAME, CONTENT]}}
    found = await ask(
        searched,
        {
            "query": query,
            "highlight": {"fields": [{NAME: {"pre_tags": ["*"], "post_tags": ["*"]}}, {"object.con*": {}}]},
        },
    )
    assert found["1"] == {
        NAME: ["The red *wine* list"],
        CONTENT: ["first <em>wine</em>", "third <em>wine</em> <em>wine</em>"],
    }
    nested = {"nested": {"path": PROGRAMMES, "query": {"match": {f"{PROGRAMMES}.name": "wine"}}}}
    found = await ask(searched, {"query": nested, "highlight": {"fields": {f"{PROGRAMMES}.name": {}, "nothing": {}}}})
    assert found["3"] == {f"{PROGRAMMES}.name": ["a <em>wine</em>"]}


async def test_a_scope_is_not_looked_for(searched: Index) -> None:
    """What a key may see is marked nowhere."""
    scope = b'{"terms":{"type":["red"]}}'
    parts = {"must": [{"match_all": {}}], "filter": [msgspec.Raw(scope)]}
    body = {"query": {"bool": parts}, "highlight": {"highlight_query": {"match_all": {}}, "fields": {"type": {}}}}
    answer = (await searched.search(Alias.ACTIVITIES, msgspec.json.encode(body), scope=scope)).body
    (hit,) = msgspec.json.decode(answer)["hits"]["hits"]
    assert "highlight" not in hit


@pytest.mark.parametrize(
    "highlight",
    [
        {"fields": {NAME: {}}, "nonsense": 1},
        {"fields": {NAME: {"pre_tags": ["*"]}}},
        {"fields": {NAME: {"type": "fvh"}}},
        {"fields": {NAME: {"highlight_query": {"nonsense": {}}}}},
    ],
)
async def test_what_cannot_be_is_refused(searched: Index, highlight: Any) -> None:
    """With what is wrong."""
    with pytest.raises(SearchRefused) as caught:
        await ask(searched, {"query": WINE, "highlight": highlight})
    assert caught.value.status == 400


async def ask(index: Index, body: Any) -> dict[str, Any]:
    """The marked pieces of each hit, by its id."""
    answer = (await index.search(Alias.ACTIVITIES, msgspec.json.encode(body))).body
    return {hit["_id"]: hit.get("highlight", {}) for hit in msgspec.json.decode(answer)["hits"]["hits"]}
