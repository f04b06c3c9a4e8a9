"""Words that others may be meant for; every index has to pass."""

import json
import math
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from activity_stream.adapters.index_embedded.index import EmbeddedIndex
from activity_stream.errors import SearchRefused
from activity_stream.fields import searchable_fields
from activity_stream.model import Activity, Alias
from activity_stream.ports import Index
from activity_stream.testing.memory_index import MemoryIndex
from activity_stream.testing.moved_clock import MovedClock

FEEDS = {
    "one": ("wine export trade", "wines of france", "win the trade war", "export exports exporter", "trace of wine"),
    "two": ("café london", "cafe paris", "wina wino winy wint", "wine"),
}
NAME = "object.name"
PHRASES = ("wine export trade", "wine trade", "wine", "trade war", "wine_trade export")
"""Ten words, of which five are different: wine and trade three times, export twice, war and wine_trade once."""
WRONG: tuple[dict[str, Any], ...] = (
    {"size": 0},
    {"shard_size": 0},
    {"gram_size": 0},
    {"token_limit": 0},
    {"confidence": -1},
    {"max_errors": 0},
    {"real_word_error_likelihood": 0},
    {"highlight": {"pre_tag": "<b>"}},
    {"highlight": {"tag": "<b>"}},
    {"smoothing": {"none": {}}},
    {"smoothing": {"linear": {"trigram_lambda": 0.5, "bigram_lambda": 0.3}}},
    {"smoothing": {"linear": {"trigram_lambda": -1, "bigram_lambda": 1, "unigram_lambda": 1}}},
    {"direct_generator": {"field": NAME}},
    {"direct_generator": [{}]},
    {"direct_generator": [{"field": NAME, "max_edits": 3}]},
    {"direct_generator": [{"field": NAME, "size": 0}]},
    {"direct_generator": [{"field": NAME, "min_doc_freq": 1.5}]},
    {"direct_generator": [{"field": NAME, "other": 1}]},
    {"analyzer": "nothing"},
    {"other": 1},
)
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
        ("xine", {"prefix_length": 0}, "wine", ("wine", 0.75, 3)),
        ("vrade", {"prefix_length": 0, "max_edits": 1}, "trade", ("trade", 0.8, 2)),
    ],
)
async def test_a_word_that_nobody_has_is_meant_for_one_like_it(
    searched: Index, text: str, more: dict[str, Any], words: str, first: Option | None
) -> None:
    """The most alike come first, then what more documents have, then by name; each index of its own words. Of two
    mistakes none is in the first character."""
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
        {"a": {"text": "x", "term": {"field": NAME}, "phrase": {"field": NAME}, "completion": {"field": "nothing"}}},
        {"a": {"text": "x", "term": {"field": NAME, "max_term_freq": 1.5}}},
        {"a": {"text": "x", "other": {"field": NAME}}},
        {"a": {"text": "x"}},
        {"prefix": "x", "a": {"term": {"field": NAME}}},
        {"a": {"text": "x", "phrase": {}}},
        {"a": {"phrase": {"field": NAME}}},
        {"a": {"text": "x", "phrase": {"field": "nothing"}}},
        {"a": {"text": "x", "phrase": {"field": "object"}}},
        *({"a": {"text": "x", "phrase": {"field": NAME, **wrong}}} for wrong in WRONG),
    ],
)
async def test_what_cannot_be_is_refused(searched: Index, suggest: Any) -> None:
    """No field, no text, a field that is not there, an option that is not there or has a value that cannot be."""
    with pytest.raises(SearchRefused) as caught:
        await answer(searched, {"suggest": suggest})
    assert caught.value.status == 400


@pytest.mark.parametrize("field", [NAME, "id", "published", "nothing"])
async def test_no_text_is_completed(searched: Index, field: str) -> None:
    """No field is one of completions, and what is refused says so."""
    with pytest.raises(SearchRefused) as caught:
        await answer(searched, {"suggest": {"a": {"prefix": "x", "completion": {"field": field}}}})
    assert caught.value.status == 400
    error = msgspec.json.decode(caught.value.body)["error"]
    reason = f"no mapping found for field [{field}]" if field == "nothing" else "is not a completion suggest field"
    assert reason in json.dumps(error)


@pytest.fixture
async def spoken(index: Index) -> Index:
    """An index that has published one feed, whose words are counted."""
    await publish(index, "one", PHRASES)
    return index


async def publish(index: Index, feed: str, names: Sequence[str]) -> None:
    """Publish documents of these names, all written at once."""
    generation = await index.begin(feed)
    rows = [
        Activity(f"{feed}{n}", json.dumps({"id": f"{feed}{n}", "object": {"name": name}}).encode())
        for n, name in enumerate(names)
    ]
    await index.write([generation], rows, visible=True)
    await index.publish(generation)


def likely(*chances: float) -> Any:
    """The score of words of these chances, in 32 bits."""
    return pytest.approx(math.exp(sum(map(math.log10, chances))), rel=1e-5)


WAS, WERE = 0.95 / 15, 0.95 * 4 / 15
"""How likely a word that was written is: one that no text has, and one that is there three times."""
TRADE = 0.8 * 4 / 15  # for trdae
WINE, WINE_TRADE = 0.75 * 4 / 15, 0.75 * 2 / 15
LAPLACE = {"laplace": {"alpha": 0.5}}
LINEAR = {"linear": {"unigram_lambda": 0.2, "bigram_lambda": 0.3, "trigram_lambda": 0.5}}


@pytest.mark.parametrize(
    ("text", "more", "options"),
    [
        ("wime", {}, [("wine", WINE)]),
        ("Wime, trade!", {}, [("wine trade", WINE, WERE)]),
        ("wime trdae", {}, [("wime trade", WAS, TRADE), ("wine trdae", WINE, WAS)]),
        ("wime trdae", {"max_errors": 2, "size": 1}, [("wine trade", WINE, TRADE)]),
        ("wime trdae", {"max_errors": 0.8, "shard_size": 1}, [("wine trade", WINE, TRADE)]),
        ("wime trdae", {"confidence": 2}, []),
        ("wime", {"confidence": 0}, [("wine", WINE), ("wime", WAS)]),
        ("wime", {"real_word_error_likelihood": 0.5, "confidence": 0}, [("wine", WINE), ("wime", 0.5 / 15)]),
        ("wine", {}, []),
        ("", {"confidence": 0}, []),
        ("wime a b", {"token_limit": 3}, []),
        ("wime a b", {"token_limit": 4, "size": 1}, [("wine a b", WINE, WAS, WAS)]),
        ("wime", {"direct_generator": [{"field": NAME, "accuracy": 0.8}]}, []),
        ("wime", {"direct_generator": [{"field": "nothing"}], "confidence": 0}, []),
        ("wime", {"direct_generator": [{"field": "nothing"}, {"field": NAME}]}, [("wine", WINE)]),
        ("wime", {"smoothing": LAPLACE}, [("wine", 0.75 * 3.5 / 12.5)]),
        ("wime trade", {"gram_size": 2}, [("wine trade", WINE, 0.4 * WERE)]),
        ("wime trade", {"gram_size": 2, "separator": "_"}, [("wine trade", WINE, 0.95 * 1 / 3)]),
        (
            "wime trade",
            {"gram_size": 2, "separator": "_", "smoothing": LAPLACE},
            [("wine trade", 0.75 * 3.5 / 12.5, 0.95 * 1.5 / 5.5)],
        ),
        (
            "wime trade",
            {"gram_size": 2, "separator": "_", "smoothing": LINEAR},
            [("wine trade", WINE, 0.95 * (0.3 / 3.5 + 0.2 * 4 / 15))],
        ),
    ],
)
async def test_a_text_is_meant_for_a_likelier_one(spoken: Index, text: str, more: Any, options: Any) -> None:
    """A word is likely if it is frequent, and like the one that was written; a text as likely as its words. Only what
    is likelier than the text comes, with at most so many other words."""
    found = await phrase(spoken, text, more)
    assert (found["text"], found["offset"], found["length"]) == (text, 0, len(text))
    expected = [{"text": other, "score": likely(*chances)} for other, *chances in options]
    assert found["options"] == expected


async def test_what_was_not_written_is_marked(spoken: Index) -> None:
    """Between the tags, next to each other once."""
    more = {"max_errors": 2, "confidence": 0, "highlight": {"pre_tag": "<b>", "post_tag": "</b>"}}
    found = await phrase(spoken, "wime trdae 😀", more)
    marked = [each["highlighted"] for each in found["options"]]
    assert marked == ["<b>wine trade</b> 😀", "wime <b>trade</b> 😀", "<b>wine</b> trdae 😀", "wime trdae 😀"]
    assert found["length"] == 13  # an engine counts the picture twice


@pytest.mark.parametrize(
    ("mode", "texts"),
    [
        ("missing", ["wina wine"]),
        ("popular", ["wine wine", "wina wine"]),
        ("always", ["wine wine", "wina wine", "wint wine", "wina wina", "wina wint"]),
    ],
)
async def test_a_word_that_is_there_may_be_meant_for_another(index: Index, mode: str, texts: list[str]) -> None:
    """For none, a more frequent one, or any, as is asked for."""
    await publish(index, "one", ["wine"] * 9 + ["wina wint wine"])
    generator = {"field": NAME, "suggest_mode": mode, "max_term_freq": 100}
    found = await phrase(index, "wina wine", {"direct_generator": [generator], "confidence": 0})
    assert [each["text"] for each in found["options"]] == texts


@pytest.fixture(params=[MemoryIndex, EmbeddedIndex])
async def local(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Index]:
    """An index that bounds what it does by itself."""
    fields, clock = searchable_fields([]), MovedClock()
    made: Index = MemoryIndex(fields, clock) if request.param is MemoryIndex else EmbeddedIndex(tmp_path, fields, clock)
    await made.open(write=True)
    await publish(made, "one", PHRASES)
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("a " * 101, {"token_limit": 1000}),
        ("a b c d e f g h i", {"gram_size": 3, "size": 100, "direct_generator": [{"field": NAME, "size": 100}]}),
        ("a", {"direct_generator": [{"field": NAME, "size": 101}]}),
        ("a", {"direct_generator": [{"field": NAME}] * 11}),
    ],
)
async def test_what_would_take_too_long_is_refused(local: Index, text: str, more: Any) -> None:
    """More words, or more texts to choose from, than can be looked at."""
    with pytest.raises(SearchRefused) as caught:
        await phrase(local, text, more)
    assert caught.value.status == 400


async def test_each_index_suggests_texts_and_the_best_of_all_come(index: Index) -> None:
    """One that several suggest comes once; none that is not better than the text is anywhere."""
    await publish(index, "one", ["wine trade", "wine export"])
    await publish(index, "two", ["wine", "wint"])
    found = await phrase(index, "wime", {})
    assert [each["text"] for each in found["options"]] == ["wine", "wint"]


async def test_a_text_may_have_other_names(spoken: Index) -> None:
    """`prefix` and `regex` are taken for the text, and before the one that several share."""
    for own, meant in (({"prefix": "wime"}, "wine"), ({"regex": "wime"}, "wine"), ({}, "trade")):
        suggest = {"text": "trdae", "a": {"phrase": {"field": NAME}, **own}, "b": {"term": {"field": NAME}, **own}}
        found = (await answer(spoken, {"suggest": suggest}))["suggest"]
        assert [found[name][0]["options"][0]["text"] for name in ("a", "b")] == [meant, meant]


async def test_whole_values_are_meant_for_others(spoken: Index) -> None:
    """A keyword is one word, whatever is in it; a field of other than words has none."""
    for field, texts in (("id", ["one0", "one1"]), ("published", [])):
        found = await phrase(spoken, "one9", {"field": field, "size": 2, "confidence": 0})
        assert [each["text"] for each in found["options"]] == texts


async def phrase(index: Index, text: str, more: dict[str, Any]) -> Any:
    """The one entry of a suggestion for a whole text."""
    body = {"size": 0, "suggest": {"a": {"text": text, "phrase": {"field": NAME, **more}}}}
    (entry,) = (await answer(index, body))["suggest"]["a"]
    return entry


async def ask(index: Index, text: str, more: dict[str, Any]) -> Any:
    """The entries of one suggestion."""
    body = {"size": 0, "suggest": {"a": {"text": text, "term": {"field": NAME, **more}}}}
    return (await answer(index, body))["suggest"]["a"]


async def answer(index: Index, body: Any) -> Any:
    """The index's answer, decoded."""
    return msgspec.json.decode((await index.search(Alias.ACTIVITIES, msgspec.json.encode(body))).body)
