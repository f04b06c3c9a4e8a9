"""Whose body goes to the index how."""

import json

import msgspec
import pytest

from activity_stream.errors import BadRequest, SearchRefused
from activity_stream.model import Alias, Caller, Grant, GrantKind, SearchAnswer, SearchLimits
from activity_stream.search.search import Searches
from activity_stream.testing.memory_index import MemoryIndex
from activity_stream.testing.moved_clock import MovedClock

ALL = Grant(GrantKind.MATCH_ALL)
PUBLIC = Grant(GrantKind.TERMS, "object.type", ("public",))
SEED = Caller("seed", methods=frozenset({"GET"}))
HALF = Caller("half", grants={Alias.ACTIVITIES: (ALL,)})
RESTRICTED = Caller("restricted", grants={Alias.ACTIVITIES: (PUBLIC,)})
LOOKUP = b'{"query":{"terms":{"id":{"index":"objects","id":"a","path":"type"}}}}'


class Recording(MemoryIndex):
    """Remembers what it was asked, and finds nothing."""

    def __init__(self) -> None:
        super().__init__({}, MovedClock())
        self.asked: list[tuple[Alias, bytes, bytes | None]] = []
        self.refuses = False

    async def search(self, alias: Alias, body: bytes, *, scope: bytes | None = None) -> SearchAnswer:
        """Nothing, or a refusal."""
        self.asked.append((alias, body, scope))
        if self.refuses:
            raise SearchRefused(429, b'{"status":429}')
        return SearchAnswer(200, b"{}")


async def test_the_body_of_who_sees_everything_goes_as_it_came() -> None:
    """Not a byte is changed, whatever is in it."""
    index = Recording()
    await Searches(index).run(SEED, Alias.OBJECTS, b' {"query" :1.10, "anything": [] }')
    assert index.asked == [(Alias.OBJECTS, b' {"query" :1.10, "anything": [] }', None)]


async def test_a_key_with_limits_of_its_own_can_ask_for_no_more() -> None:
    """Whoever it is: what goes over them does not get to the index, nor does what cannot be measured."""
    index = Recording()
    few = msgspec.structs.replace(SEED, limits=SearchLimits(clauses=2, window=10))
    within = b'{"size":10,"query":{"bool":{"must":[{"match_all":{}}]}}}'
    for body, status in (
        (within, 200),
        (b'{"size":11}', 400),
        (b'{"query":{"bool":{"must":[{"match_all":{}},{"match_all":{}}]}}}', 400),
        (b'{"slice":{}}', 400),
    ):
        assert (await Searches(index).run(few, Alias.OBJECTS, body)).status == status
    assert index.asked == [(Alias.OBJECTS, within, None)]


async def test_a_key_with_a_limit_of_its_bodies_alone_can_ask_for_anything() -> None:
    """Their bytes can be counted, whatever is in them."""
    index = Recording()
    small = msgspec.structs.replace(SEED, limits=SearchLimits(body=100))
    assert (await Searches(index).run(small, Alias.OBJECTS, b'{"slice":{}}')).status == 200


@pytest.mark.parametrize("body", [b"", b" \r\n", b"{}", b" { } "])
async def test_an_empty_body_asks_for_everything(body: bytes) -> None:
    """Nothing, blanks, and an empty object are the same."""
    index = Recording()
    await Searches(index).run(SEED, Alias.OBJECTS, body)
    assert index.asked == [(Alias.OBJECTS, b"", None)]


async def test_a_restricted_body_goes_narrowed_with_its_scope() -> None:
    """The index gets the grants twice: around the query, and as the scope that scores are made from."""
    index = Recording()
    await Searches(index).run(RESTRICTED, Alias.ACTIVITIES, b'{"size":1}')
    (_, body, scope) = index.asked[0]
    assert scope is not None
    assert json.loads(scope) == {"bool": {"filter": [{"terms": {"object.type": ["public"]}}]}}
    assert json.loads(body) == {
        "size": 1,
        "query": {"bool": {"must": [{"match_all": {}}], "filter": [json.loads(scope)]}},
    }


async def test_who_sees_all_of_one_alias_cannot_look_into_the_other() -> None:
    """A lookup names its index itself, so it is refused for who does not see everything, and permitted for who does."""
    index = Recording()
    searches = Searches(index)
    assert (await searches.run(HALF, Alias.ACTIVITIES, LOOKUP)).status == 400
    assert index.asked == []
    assert (await searches.run(HALF, Alias.ACTIVITIES, b'{"size":1}')).status == 200
    assert (await searches.run(SEED, Alias.ACTIVITIES, LOOKUP)).status == 200
    assert index.asked == [(Alias.ACTIVITIES, b'{"size":1}', None), (Alias.ACTIVITIES, LOOKUP, None)]


async def test_a_key_with_new_grants_is_narrowed_by_these() -> None:
    """What was made of a caller's grants is not used for another caller of the same key."""
    index = Recording()
    searches = Searches(index)
    for caller in (RESTRICTED, Caller("restricted"), RESTRICTED):
        await searches.run(caller, Alias.ACTIVITIES, b"")
    scopes = [scope for _, _, scope in index.asked]
    assert scopes[0] == scopes[2]
    assert scopes[1] == b'{"match_none":{}}'


async def test_what_the_index_refuses_is_an_answer() -> None:
    """The index's status and words are passed on."""
    index = Recording()
    index.refuses = True
    assert await Searches(index).run(SEED, Alias.OBJECTS, b"") == SearchAnswer(429, b'{"status":429}')


@pytest.mark.parametrize("caller", [SEED, HALF, RESTRICTED])
@pytest.mark.parametrize("body", [b"nonsense", b"[]", b"7", b"[" * 3_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000])
async def test_what_is_no_object_never_reaches_the_index(caller: Caller, body: bytes) -> None:
    """Not JSON, not an object or nested however deep: BadRequest, for every kind of caller."""
    index = Recording()
    with pytest.raises(BadRequest):
        await Searches(index).run(caller, Alias.ACTIVITIES, body)
    assert index.asked == []
