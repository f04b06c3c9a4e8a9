"""What a restricted caller is told does not depend on what it may not see: each answer is the same, byte for byte, as
that of an index that only ever held the permitted documents."""

import asyncio
import os
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from activity_stream.errors import SearchRefused
from activity_stream.fields import AddedField, FieldType
from activity_stream.model import Activity, Alias, Caller, Grant, GrantKind
from activity_stream.ports import Index
from activity_stream.search.parameters import with_parameters
from activity_stream.search.search import Searches
from tests.contract.conftest import SHARED
from tests.contract.random_bodies import DOUBLE, LONG, body, documents, parameters

BODIES = int(os.environ.get("LEAK_BODIES", "600"))
AT_ONCE = 16
FIELD = "object.type"
SEEN = ("a", "b", "B c", "é")
_NOT_COMPARED = re.compile(rb'"took":\d+,|__date_[^"]*')
"""The time it took, and the part of an index's name that is another each time."""

_REFUSED = (b'"more_like_this"', b'"significant_terms"', b'"rescore"', b'"auto_date_histogram"')
"""What is not for such a key: an answer that is a refusal tells little."""
NUMBERS = {LONG: FieldType.LONG, DOUBLE: FieldType.DOUBLE}
FEEDS = ("feed0", "feed1", "feed2")
Split = tuple[list[Activity], list[Activity]]


def caller() -> Caller:
    """Who sees activities of some types, and objects of some ids."""
    return Caller(
        "restricted",
        grants={
            Alias.ACTIVITIES: (Grant(GrantKind.TERMS, FIELD, SEEN),),
            Alias.OBJECTS: (Grant(GrantKind.TERMS, "type", SEEN),),
        },
    )


@pytest.fixture
def added() -> Sequence[AddedField]:
    """The fields of numbers that random bodies ask for."""
    return [AddedField(Alias.ACTIVITIES, name, kind) for name, kind in NUMBERS.items()]


async def test_random_searches_tell_nothing_of_what_is_not_permitted(
    index: Index, seed: int, request: pytest.FixtureRequest
) -> None:
    """With the other documents in the index, before, between and behind the permitted ones, each answer stays."""
    rng = random.Random(seed)
    asked = [(rng.choice((Alias.ACTIVITIES, Alias.ACTIVITIES, Alias.OBJECTS)), _body(rng)) for _ in range(BODIES)]
    feeds = {feed: _documents(rng, feed) for feed in FEEDS}
    permitted = {feed: [each for each in found if _is_permitted(each)] for feed, found in feeds.items()}
    assert all(0 < len(permitted[feed]) < len(feeds[feed]) for feed in FEEDS)

    await _publish(index, permitted)
    alone = await _answers(index, asked)
    await _publish(index, feeds)
    among_others = await _answers(index, asked)

    compared: Callable[[bytes], Any] = _ranked if SHARED in request.node.name else bytes
    for number, (mine, theirs) in enumerate(zip(alone, among_others, strict=True)):
        assert compared(mine) == compared(theirs), f"seed {seed}, body {number}: {asked[number]!r}"
    assert sum(each.startswith(b'{"error"') for each in alone) < BODIES / 2


def _body(rng: random.Random) -> bytes:
    """A random body, often with parameters of a URL besides; none with so many buckets that an engine's guard of its
    memory stops it, now here, now there."""
    made = b'"1ms"'
    while b'"1ms"' in made or (any(each in made for each in _REFUSED) and rng.random() < 0.9):
        made = msgspec.json.encode(body(rng, everything=False))
    if rng.random() < 0.7:
        return made
    try:
        return with_parameters(rng.choice((made, b"", b"{}")), parameters(rng))
    except SearchRefused:
        return _body(rng)


def _documents(rng: random.Random, feed: str) -> list[Activity]:
    """Activities, of which each stays permitted or not, with objects that are as their activities are."""
    made = []
    for each in {each.id: each for each in documents(rng, 60)}.values():
        source = msgspec.json.decode(each.source)
        source["id"] = f"{feed}:{each.id}"
        inner = source["object"]
        inner["id"] = f"{feed}:{inner['id']}"
        made.append(Activity(source["id"], msgspec.json.encode(source), inner["id"], msgspec.json.encode(inner)))
    return made


def _is_permitted(activity: Activity) -> bool:
    found = msgspec.json.decode(activity.source)["object"].get("type")
    return not set(found if isinstance(found, list) else [found]).isdisjoint(SEEN)


def _ranked(answer: bytes) -> Any:
    """The answer with hits of equal rank in one order, without the last of them: a shared index has its own order, in
    which it merges what was written, and shows some of the last and not others."""
    decoded = msgspec.json.decode(answer)
    hits = decoded["hits"].pop("hits") if "hits" in decoded else []
    ranks = [repr((hit["_score"], hit.get("sort"))) for hit in hits]
    order = sorted(range(len(hits)), key=lambda at: (ranks.index(ranks[at]), repr(hits[at])))
    return decoded, [hits[at] for at in order if ranks[at] != ranks[-1]]


async def _publish(index: Index, feeds: Mapping[str, Sequence[Activity]]) -> None:
    for feed, activities in feeds.items():
        generation = await index.begin(feed)
        await index.write([generation], activities, visible=False)
        await index.publish(generation)


async def _answers(index: Index, asked: Iterable[tuple[Alias, bytes]]) -> list[bytes]:
    searches = Searches(index)
    turn = asyncio.Semaphore(AT_ONCE)
    who = caller()

    async def answer(alias: Alias, data: bytes) -> bytes:
        async with turn:
            found = await searches.run(who, alias, data)
        return _NOT_COMPARED.sub(b"", found.body)

    return list(await asyncio.gather(*(answer(*each) for each in asked)))
