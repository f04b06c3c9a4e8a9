"""Documents that are like a text, or like others; every index has to pass."""

import random
from typing import Any

import msgspec
import pytest

from activity_stream.errors import SearchRefused
from activity_stream.model import Alias
from activity_stream.ports import Index
from tests.contract.conftest import SHARED
from tests.contract.rows import publish

WORDS = ("wine", "export", "trade", "cheese", "london", "paris", "import", "tax", "law", "port", "ship", "duty")
NAME, CONTENT = "object.name", "object.content"
TEXT = "wine wine export export trade cheese cheese cheese nothing nothing"


def rows() -> list[dict[str, Any]]:
    """Thirty documents of few words."""
    rng = random.Random(3)
    return [
        {
            "id": f"{number}",
            "object": {
                "name": " ".join(rng.choice(WORDS) for _ in range(12)),
                "content": " ".join(rng.choice(WORDS[:5]) for _ in range(4)),
            },
        }
        for number in range(30)
    ]


@pytest.fixture
async def searched(index: Index) -> Index:
    """An index that has published the rows."""
    await publish(index, "feed", rows())
    return index


@pytest.mark.parametrize(
    ("how", "words", "least"),
    [
        ({"like": TEXT}, ("wine", "export", "cheese"), 1),
        ({"like": TEXT, "min_term_freq": 1}, ("wine", "export", "cheese", "trade"), 1),
        ({"like": TEXT, "max_query_terms": 2}, ("export", "cheese"), 1),
        ({"like": TEXT, "minimum_should_match": "100%"}, ("wine", "export", "cheese"), 3),
        ({"like": TEXT, "min_word_length": 6}, ("export", "cheese"), 1),
        ({"like": TEXT, "max_word_length": 4}, ("wine",), 1),
        ({"like": TEXT, "stop_words": ["wine"]}, ("export", "cheese"), 1),
        ({"like": TEXT, "unlike": "cheese"}, ("wine", "export"), 1),
        ({"like": ["wine", "wine law law"]}, ("wine", "law"), 1),
        ({"like": {"doc": {"object": {"name": TEXT}}}}, ("wine", "export", "cheese"), 1),
        ({"like": TEXT, "min_doc_freq": 31}, (), 1),
        ({"like": TEXT, "max_doc_freq": 1}, (), 1),
        ({"like": "!", "min_term_freq": 0}, (), 1),
    ],
)
async def test_what_has_enough_of_the_telling_words_is_like_a_text(
    searched: Index, how: dict[str, Any], words: tuple[str, ...], least: int
) -> None:
    """Those that the text has often and few documents have; they score as if one had searched for them."""
    found = await ask(searched, {"more_like_this": {"fields": [NAME], **how}})
    plain = [{"match": {NAME: word}} for word in words]
    wanted = {"bool": {"should": plain, "minimum_should_match": least}} if plain else {"match_none": {}}
    expected = await ask(searched, wanted)
    assert found == {name: pytest.approx(score, rel=1e-3) for name, score in expected.items()}
    assert bool(found) == bool(words)


async def test_a_stored_document_is_liked_by_its_id(searched: Index, request: pytest.FixtureRequest) -> None:
    """Others that have words of it in the same fields; itself only where it is to be included."""
    if SHARED in request.node.name:
        pytest.skip("where feeds share indices a document has another id there")
    how: dict[str, Any] = {"fields": [NAME, CONTENT], "like": {"_id": "7"}, "min_term_freq": 1}
    found = await ask(searched, {"more_like_this": how})
    included = await ask(searched, {"more_like_this": {**how, "include": True}})
    assert included.keys() - found.keys() == {"7"}
    assert max(included, key=lambda each: included[each]) == "7"
    assert await ask(searched, {"more_like_this": {**how, "like": {"_id": "nobody"}}}) == {}


async def test_a_word_counts_where_most_have_it_and_by_how_much_it_tells(searched: Index) -> None:
    """In several fields a word of a text is looked for in one; with `boost_terms` what tells more counts more."""
    plain = await ask(searched, {"more_like_this": {"fields": [NAME], "like": TEXT}})
    assert await ask(searched, {"more_like_this": {"fields": [CONTENT, NAME], "like": TEXT}}) == plain
    boosted = await ask(searched, {"more_like_this": {"fields": [NAME], "like": TEXT, "boost_terms": 2}})
    assert boosted.keys() == plain.keys()
    assert all(1.999 * plain[name] <= boosted[name] < 4 * plain[name] for name in plain)
    one = {"fields": [NAME], "like": "wine wine", "boost_terms": 3}
    wine = await ask(searched, {"match": {NAME: {"query": "wine", "boost": 3}}})
    assert await ask(searched, {"more_like_this": one}) == pytest.approx(wine, rel=1e-3)


@pytest.mark.parametrize(
    "how",
    [
        {"fields": [NAME]},
        {"fields": [], "like": TEXT},
        {"fields": ["published"], "like": TEXT},
        {"fields": [NAME], "like": TEXT, "nonsense": 1},
    ],
)
async def test_what_cannot_be_is_refused(searched: Index, how: Any) -> None:
    """Nothing to be like, no fields, fields without words."""
    with pytest.raises(SearchRefused) as caught:
        await ask(searched, {"more_like_this": how})
    assert caught.value.status == 400


async def ask(index: Index, query: Any) -> dict[str, float]:
    """The scores of what a query finds, by id."""
    body = {"query": query, "size": 100}
    answer = (await index.search(Alias.ACTIVITIES, msgspec.json.encode(body))).body
    return {hit["_id"]: hit["_score"] for hit in msgspec.json.decode(answer)["hits"]["hits"]}
