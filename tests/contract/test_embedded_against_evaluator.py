"""The embedded index answers as the brute-force evaluator does: random bodies, random walks, and real ones."""

import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from activity_stream.adapters.index_embedded.index import EmbeddedIndex
from activity_stream.fields import AddedField, FieldType, searchable_fields
from activity_stream.model import Alias
from activity_stream.ports import Index
from activity_stream.testing.memory_index import MemoryIndex
from activity_stream.testing.moved_clock import MovedClock
from tests.contract.comparing import DATA, Pair, ask, comparable, fill, real_activities
from tests.contract.random_bodies import DOUBLE, LONG, body, documents, query, sort

BODIES = 600
WALKS = 40


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    """The embedded index and the evaluator, both empty."""
    fields = searchable_fields(
        [AddedField(Alias.ACTIVITIES, LONG, FieldType.LONG), AddedField(Alias.ACTIVITIES, DOUBLE, FieldType.DOUBLE)]
    )
    clock = MovedClock()
    made = (EmbeddedIndex(tmp_path, fields, clock), MemoryIndex(fields, clock))
    for index in made:
        await index.open(write=True)
    yield made
    for index in made:
        await index.close()


async def test_random_bodies_get_the_evaluators_answer(pair: Pair, seed: int) -> None:
    """Hits, their order under a sort, totals, sort values, aggregations and refusals are the evaluator's."""
    rng = random.Random(seed)
    await fill(pair, [documents(rng, 60), documents(rng, 20)])
    answered = 0
    for number in range(BODIES):
        asked = body(rng)
        alias = Alias.OBJECTS if rng.random() < 0.1 else Alias.ACTIVITIES
        mine, theirs = [await ask(index, alias, asked) for index in pair]
        assert comparable(mine, asked) == comparable(theirs, asked), f"seed {seed}, body {number}: {json.dumps(asked)}"
        answered += mine["status"] == 200
    assert answered > BODIES / 2


async def test_random_walks_by_search_after_meet_every_hit_once_in_the_evaluators_order(pair: Pair, seed: int) -> None:
    """Pages by `search_after`, put together, are one long page of the evaluator."""
    rng = random.Random(seed)
    await fill(pair, [documents(rng, 60), documents(rng, 20)])
    for _ in range(WALKS):
        asked = {"query": query(rng, 2), "sort": [*sort(rng), {"id": rng.choice(("asc", "desc"))}], "size": 500}
        whole = await ask(pair[1], Alias.ACTIVITIES, asked)
        if whole["status"] != 200:
            continue
        expected = [(hit["_index"][:24], hit["_id"], hit["sort"]) for hit in whole["hits"]["hits"]]
        met = await _walk(pair[0], asked | {"size": rng.randint(1, 9)})
        unique = {json.dumps(each[2]): each for each in expected}
        if len(unique) == len(expected):
            assert met == expected, f"seed {seed}: {json.dumps(asked)}"


@pytest.mark.parametrize("name", ["client-queries.jsonl"])
async def test_bodies_of_real_clients_get_the_right_answer_or_a_refusal_that_names_what_is_not_there(
    pair: Pair, name: str
) -> None:
    """What both can do is answered the same; everything else is a 400 with a reason; wrong bodies are a 400."""
    await fill(pair, [real_activities()])
    answered = 0
    for line in (DATA / name).read_text("utf-8").splitlines():
        row = json.loads(line)
        alias = Alias.OBJECTS if "objects" in row["endpoint"] else Alias.ACTIVITIES
        mine, theirs = [await ask(index, alias, row["body"]) for index in pair]
        assert comparable(mine, row["body"]) == comparable(theirs, row["body"]), row["id"]
        if row.get("expect") == 400:
            assert mine["status"] == 400, row["id"]
        if mine["status"] != 200:
            assert mine["status"] == 400
            assert mine["error"]["reason"], row["id"]
        answered += mine["status"] == 200
    assert answered > 50


async def _walk(index: Index, asked: dict[str, Any]) -> list[Any]:
    met: list[Any] = []
    for _ in range(300):
        answer = await ask(index, Alias.ACTIVITIES, asked)
        assert answer["status"] == 200, answer
        hits = answer["hits"]["hits"]
        if not hits:
            return met
        met += [(hit["_index"][:24], hit["_id"], hit["sort"]) for hit in hits]
        asked = asked | {"search_after": hits[-1]["sort"]}
    raise AssertionError("the walk has no end")
