"""The State port after a loss of everything: one suite for the shipped fake and for Redis."""

from collections.abc import AsyncIterator, Iterator

import pytest

from activity_stream.ports import State
from tests.contract.states import REDISES, Kind, kind_named


@pytest.fixture(scope="module", params=["fake", *REDISES])
def kind(request: pytest.FixtureRequest) -> Iterator[Kind]:
    """The kind of state, for all tests one after the other."""
    with kind_named(request.param) as made:
        yield made


@pytest.fixture
async def state(kind: Kind) -> AsyncIterator[State]:
    """A state that has just lost what it had."""
    made = (await kind.forgetful())()
    yield made
    await made.close()


async def test_no_lease_for_its_length(state: State, kind: Kind) -> None:
    """Nobody gets a lease that another may still work under; afterwards the first who asks gets it."""
    length = 10 * kind.second
    assert await state.acquire("feed:a", "other", length) is None
    await kind.elapse(5)
    assert await state.acquire("feed:a", "other", length) is None
    await kind.elapse(5)
    number = await state.acquire("feed:a", "other", length)
    assert number is not None
    assert number > 1
    assert await state.acquire("feed:a", "other", length) == number


async def test_who_holds_a_lease_keeps_it(state: State, kind: Kind) -> None:
    """Who shows a lease's number gets it at once, under a larger one, which it then has like any other."""
    length, number = 10 * kind.second, int(kind.now()) + 1000
    renewed = await state.acquire("feed:a", "one", length, held=number)
    assert renewed is not None
    assert renewed > number
    assert await state.acquire("feed:a", "one", length) == renewed
    assert await state.acquire("feed:a", "one", length, held=renewed) == renewed
    assert await state.acquire("feed:a", "other", length) is None
    assert await state.acquire("feed:a", "other", length, held=renewed + 5) is None
    await state.release("feed:a", "one")
    await kind.elapse(10)
    taken = await state.acquire("feed:a", "other", length)
    assert taken is not None
    assert taken > renewed


async def test_numbers_grow_over_a_loss(state: State, kind: Kind) -> None:
    """Who held a lease long ago gets a number that is larger than any of before the loss."""
    number = await state.acquire("feed:a", "one", 10 * kind.second, held=1)
    assert number is not None
    assert number >= int(kind.now()) - 60


async def test_what_was_signed_before_the_loss_is_not_added(state: State, kind: Kind) -> None:
    """What may have been added before the loss is not added again; what cannot have been, is, once."""
    assert not await state.add("nonce:1", b"", 100, since=kind.now() - 60)
    assert await state.get("nonce:1") is None
    await kind.elapse(1)
    assert await state.add("nonce:1", b"", 100, since=kind.now())
    assert not await state.add("nonce:1", b"", 100, since=kind.now())
    assert await state.add("nonce:2", b"", 100)
