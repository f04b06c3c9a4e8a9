"""Words that others may be meant for; every index has to pass."""

import json
from typing import Any

import msgspec
import pytest

from activity_stream.errors import SearchRefused
from activity_stream.model import Activity, Alias
from activity_stream.ports import Index

FEEDS = {
    "one": ("wine export trade", "wines of france", "win the trade war", "export exports exporter", "trace of wine"),
    "two": ("café london", "cafe paris", "wina wino winy wint", "wine"),
}
NAME = "object.name"
Option = tuple[str, float, int]


@pytest.fixture
async def searched(index: Index) -> Index:
    """An index that has published two feeds."""
    for feed, names in FEEDS.items():
        generation = await index.begin(feed)
        rows = [
            Activity(f"{feed}{n}", json.dumps({"id": f"{feed}{n}", "object": {"name": name}}).encode())
            for n, name in enumerate(names)
        ]
        await index.write([generation], rows, visible=True)
        await index.publish(generation)
    return index


@pytest.mark.parametrize(
    ("text", "more", "words", "first"),
    [
        ("wime", {}, "wine wina wines wino wint", ("wine", 0.75, 3)),
        ("wime", {"size": 2}, "wine wina", ("wine", 0.75, 3)),
        ("WIME!", {"max_edits": 1}, "wine", ("wine", 0.75, 3)),
        ("wime", {"prefix_length": 3}, "", None),
        ("wime", {"accuracy": 0.8}, "", None),
        ("wime", {"min_doc_freq": 1}, "wine", ("wine", 0.75, 2)),
        ("trdae", {}, "trade trace", ("trade", 0.8, 2)),
        ("exprot", {}, "export exports", ("export", 5 / 6, 2)),
        ("cafè", {"sort": "frequency"}, "cafe café", ("cafe", 0.75, 1)),
        ("wim", {}, "", None),
        ("wim", {"min_word_length": 3}, "win", ("win", 2 / 3, 1)),
        ("zzzz", {}, "", None),
    ],
)
async def test_a_word_that_nobody_has_is_meant_for_one_like_it(
    searched: Index, text: str, more: dict[str, Any], words: str, first: Option | None
) -> None:
    """The most alike come first, then what more documents have, then by name; each index of its own words."""
    (entry,) = await ask(searched, text, more)
    assert (entry["text"], entry["offset"]) == (text.lower().strip("!"), 0)
    options = entry["options"]
    if text != "wime" or more:  # the fifth of the words is another one where feeds share an index
        assert " ".join(each["text"] for each in options) == words
    if first is not None:
        found = (options[0]["text"], options[0]["score"])
        assert found == (first[0], pytest.approx(first[1], rel=1e-6))


async def test_each_word_of_a_text_has_its_own(searched: Index) -> None:
    """With where it stands; one that documents have needs no other."""
    entries = await ask(searched, "trade wime", {"size": 1})
    assert [(each["text"], each["offset"], each["length"]) for each in entries] == [("trade", 0, 5), ("wime", 6, 4)]
    assert await ask(searched, "", {}) == []


async def test_without_a_query_nothing_else_is_searched(searched: Index) -> None:
    """Only suggestions come; with a query or aggregations the hits, too."""
    suggest = {
        "text": "wime",
        "a": {"term": {"field": NAME, "size": 1}},
        "b": {"text": "trdae", "term": {"field": NAME}},
    }
    found = await answer(searched, {"suggest": suggest})
    assert (found["hits"]["total"]["value"], found["hits"]["hits"]) == (0, [])
    assert [found["suggest"][name][0]["options"][0]["text"] for name in ("a", "b")] == ["wine", "trade"]
    assert (await answer(searched, {"suggest": suggest, "query": {"match_all": {}}}))["hits"]["total"]["value"] == 9


@pytest.mark.parametrize(
    "suggest",
    [
        {"a": {"text": "x", "term": {}}},
        {"a": {"term": {"field": NAME}}},
        {"a": {"text": "x", "term": {"field": "nothing"}}},
        {"a": {"text": "x", "term": {"field": NAME, "max_edits": 3}}},
        {"a": {"prefix": "x", "completion": {"field": NAME}}},
    ],
)
async def test_what_cannot_be_is_refused(searched: Index, suggest: Any) -> None:
    """No field, no text, a field that is not there or has no completions."""
    with pytest.raises(SearchRefused) as caught:
        await answer(searched, {"suggest": suggest})
    assert caught.value.status == 400


async def ask(index: Index, text: str, more: dict[str, Any]) -> Any:
    """The entries of one suggestion."""
    body = {"size": 0, "suggest": {"a": {"text": text, "term": {"field": NAME, **more}}}}
    return (await answer(index, body))["suggest"]["a"]


async def answer(index: Index, body: Any) -> Any:
    """The index's answer, decoded."""
    return msgspec.json.decode((await index.search(Alias.ACTIVITIES, msgspec.json.encode(body))).body)
