"""Suggestions on the embedded index, and on the fake, are those of a real OpenSearch.

Documents are written once, and those of a feed at once: an engine counts what was replaced, and knows how many
different words there are only where an index is of one piece.
"""

import json
import os
import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from activity_stream.adapters.clock import SystemClock
from activity_stream.adapters.index_embedded.index import EmbeddedIndex
from activity_stream.adapters.index_opensearch.client import Client
from activity_stream.adapters.index_opensearch.index import OpenSearchIndex
from activity_stream.fields import searchable_fields
from activity_stream.model import Activity, Alias
from activity_stream.ports import Index
from activity_stream.testing.memory_index import MemoryIndex
from tests.contract.comparing import ask
from tests.services.server import Servers, empty

NEWEST = "opensearch-3"
BODIES = int(os.environ.get("ENGINE_BODIES", "2000")) // 4
NAME, CONTENT = "object.name", "object.content"
_TOLD = (
    "wine,wines,win,wino,wint,winy,wina,vine,vines,trade,trades,trace,tread,export,exports,exporter,expert,cafe,café,"
    "cafés,london,londo,fobar,foobar,foo,bar,foo_bar,o'neil,日本,日,a,i,is,it,1234,1243,winexport,tradewine,dont,don't"
)
WORDS = _TOLD.split(",")


@pytest.fixture
async def indices(tmp_path: Path, engine_servers: Servers) -> AsyncIterator[Sequence[Index]]:
    """A real OpenSearch, the embedded index and the fake, all empty."""
    fields, clock = searchable_fields([]), SystemClock()
    url = engine_servers.url(NEWEST)
    empty(url)
    made: Sequence[Index] = (
        OpenSearchIndex(Client(url, clock), fields, clock),
        EmbeddedIndex(tmp_path, fields, clock),
        MemoryIndex(fields, clock),
    )
    for index in made:
        await index.open(write=True)
    yield made
    for index in made:
        await index.close()


@pytest.mark.parametrize("feeds", [1, 3])
async def test_suggestions_are_opensearchs(indices: Sequence[Index], seed: int, feeds: int) -> None:
    """The same entries, with the same options in the same order; scores within 0.1 %."""
    rng = random.Random(seed)
    await _fill(indices, [_documents(rng, rng.choice((5, 30))) for _ in range(feeds)])
    options = 0
    for number in range(BODIES):
        asked = rng.choice((_phrase, _phrase, _term))(rng)
        theirs, *ours = [await ask(index, Alias.ACTIVITIES, asked) for index in indices]
        for mine in ours:
            said = f"seed {seed}, body {number}: {json.dumps(asked)}"
            assert mine["status"] == theirs["status"], said
            assert _bare(mine.get("suggest")) == _bare(theirs.get("suggest")), said
            assert _scores(mine) == pytest.approx(_scores(theirs), rel=1e-3), said
        options += len(_scores(theirs))
    assert options > BODIES // 4


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(inner) for key, inner in value.items() if key != "score"}
    return [_bare(inner) for inner in value] if isinstance(value, list) else value


def _scores(answer: Any) -> list[float]:
    return [option["score"] for entry in answer.get("suggest", {}).get("a", ()) for option in entry["options"]]


async def _fill(indices: Sequence[Index], feeds: Sequence[Sequence[Activity]]) -> None:
    for index in indices:
        for number, activities in enumerate(feeds):
            generation = await index.begin(f"feed{number}")
            await index.write([generation], activities, visible=True)
            await index.publish(generation)


def _documents(rng: random.Random, number: int) -> list[Activity]:
    def text() -> str:
        return " ".join(rng.choice(WORDS[: rng.choice((5, 15, 40))]) for _ in range(rng.randint(0, 9)))

    found = []
    for place in range(number):
        said: dict[str, Any] = {"name": text()}
        if rng.random() < 0.5:
            said["content"] = [text() for _ in range(rng.randint(1, 3))]
        name = f"id{place}"
        found.append(Activity(name, json.dumps({"id": name, "object": said}).encode()))
    return found


def _phrase(rng: random.Random) -> dict[str, Any]:
    field = rng.choice((NAME, NAME, CONTENT, "id"))
    said = {
        "field": field,
        **_some(rng, size=(1, 2, 10), shard_size=(1, 2, 10), gram_size=(1, 2, 3, 4), max_errors=(0.2, 0.7, 1, 1.5, 3)),
        **_some(rng, confidence=(0, 0, 0.5, 2), real_word_error_likelihood=(0.5, 0.8, 0.99), separator=("", "_")),
        **_some(rng, token_limit=(1, 3, 20), force_unigrams=(True, False)),
        **_some(rng, highlight=({"pre_tag": "<b>", "post_tag": "</b>"},), smoothing=_SMOOTHING),
    }
    if rng.random() < 0.7:
        number = rng.choice((1, 1, 2))
        said["direct_generator"] = [
            {"field": rng.choice((field, field, NAME)), **_some(rng, size=(1, 3, 10)), **_spelling(rng)}
            for _ in range(number)
        ]
    text = " ".join(_misspelt(rng, rng.choice(WORDS)) for _ in range(rng.choice((1, 2, 2, 3, 3, 4, 6))))
    return {"size": 0, "suggest": {"a": {"text": text, "phrase": said}}}


_SMOOTHING: tuple[dict[str, Any], ...] = (
    {"stupid_backoff": {"discount": 0.1}},
    {"laplace": {}},
    {"laplace": {"alpha": 0}},
    {"linear": {"trigram_lambda": 0.5, "bigram_lambda": 0.3, "unigram_lambda": 0.2}},
)


def _term(rng: random.Random) -> dict[str, Any]:
    said = {"field": rng.choice((NAME, CONTENT)), **_some(rng, size=(1, 3, 20), shard_size=(1, 3, 10))}
    text = f"{_misspelt(rng, rng.choice(WORDS))} {_misspelt(rng, rng.choice(WORDS))}"
    return {"size": 0, "suggest": {"a": {"text": text, "term": {**said, **_spelling(rng)}}}}


def _spelling(rng: random.Random) -> dict[str, Any]:
    return {
        **_some(rng, suggest_mode=("always", "popular", "missing"), max_edits=(1, 2), prefix_length=(0, 1, 2, 3)),
        **_some(rng, min_word_length=(1, 2, 3, 5), max_inspections=(1, 2, 5), accuracy=(0, 0.3, 0.5, 0.7, 0.8)),
        **_some(rng, min_doc_freq=(0, 1, 2, 3, 0.1, 0.2), max_term_freq=(0, 0.01, 0.05, 0.5, 2, 5, 100)),
        **_some(rng, sort=("score", "frequency")),
    }


def _some(rng: random.Random, **options: tuple[Any, ...]) -> dict[str, Any]:
    return {name: rng.choice(values) for name, values in options.items() if rng.random() < 0.25}


def _misspelt(rng: random.Random, word: str) -> str:
    for _ in range(rng.choice((0, 1, 1, 2))):
        at, kind = rng.randrange(len(word) + 1), rng.randrange(4)
        if kind == 0:
            word = word[:at] + rng.choice("aeinrtwx") + word[at:]
        elif kind == 1 and len(word) > 2:
            word = word[:at] + word[at + 1 :]
        elif kind == 2:
            word = word[:at] + word[at : at + 2][::-1] + word[at + 2 :]
        elif at < len(word):
            word = word[:at] + rng.choice("aeinrtw") + word[at + 1 :]
    return word
