"""The State port: one suite for the shipped fake, for SQLite and for Redis."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from activity_stream.errors import StateUnavailable
from activity_stream.ports import State
from activity_stream.testing.memory_state import MemoryState
from activity_stream.testing.moved_clock import MovedClock
from tests.contract.states import REDISES, Kind, kind_named


@pytest.fixture(scope="module", params=["fake", "sqlite", *REDISES])
def kind(request: pytest.FixtureRequest) -> Iterator[Kind]:
    """The kind of state, for all tests one after the other."""
    with kind_named(request.param) as made:
        yield made


@pytest.fixture
def second(kind: Kind) -> float:
    """How many seconds a test's second is."""
    return kind.second


@pytest.fixture
async def states(kind: Kind, tmp_path: Path) -> AsyncIterator[tuple[State, State]]:
    """Two users of one state."""
    make = kind.share(tmp_path)
    pair = (make(), make())
    for state in pair:
        await state.open()
    yield pair
    for state in pair:
        await state.close()


Pair = tuple[State, State]


async def test_values_are_shared(states: Pair) -> None:
    """What one stores, the other reads, whatever bytes it is; a second value takes the first one's place."""
    one, other = states
    assert await other.get("feed:a") is None
    await one.set("feed:a", b"\x00\xff")
    assert await other.get("feed:a") == b"\x00\xff"
    await other.set("feed:a", b"")
    assert await one.get("feed:a") == b""
    await one.set("feed:b", b"\r\n" * 200_000)
    assert await other.get("feed:b") == b"\r\n" * 200_000
    await one.ping()


async def test_values_are_forgotten(states: Pair) -> None:
    """A deleted value is gone for both, and to delete what is not there is no error."""
    one, other = states
    await one.set("feed:a", b"1")
    await other.delete("feed:a")
    await other.delete("feed:a")
    assert await one.get("feed:a") is None
    assert not await one.scan("")


async def test_values_expire(states: Pair, kind: Kind, second: float) -> None:
    """A value is there until its seconds have passed, and not at that moment; without seconds it stays."""
    one, other = states
    await one.set("cursor:a", b"1", 10 * second)
    await one.set("cursor:b", b"2")
    await kind.elapse(5)
    assert await other.get("cursor:a") == b"1"
    await kind.elapse(5)
    assert await other.get("cursor:a") is None
    assert dict(await one.scan("cursor:")) == {"cursor:b": b"2"}


async def test_a_value_stored_again_has_a_new_expiry(states: Pair, kind: Kind, second: float) -> None:
    """The last `set` says how long a value stays."""
    one, _ = states
    await one.set("cursor:a", b"1", 2 * second)
    await one.set("cursor:a", b"2")
    await one.set("cursor:b", b"1")
    await one.set("cursor:b", b"2", 2 * second)
    await kind.elapse(3)
    assert await one.get("cursor:a") == b"2"
    assert await one.get("cursor:b") is None


async def test_a_value_that_expired_leaves_nothing_behind(states: Pair, kind: Kind, second: float) -> None:
    """An empty value in the place of one that expired is empty."""
    one, other = states
    await one.set("cursor:a", b"old", second)
    await kind.elapse(2)
    assert await other.add("cursor:a", b"", 100 * second)
    assert await one.get("cursor:a") == b""
    assert dict(await one.scan("cursor:")) == {"cursor:a": b""}


async def test_scan(states: Pair) -> None:
    """A scan finds the keys with exactly this beginning, characters that mean something to databases included."""
    one, _ = states
    for key in ["feed:b", "feed:a", "feed_:c", "feed%:d", "FEED:e", "fee", "feed:ü", "feed:[a-c]*", "feed:a:1"]:
        await one.set(key, key.encode())
    assert list(await one.scan("feed:")) == ["feed:[a-c]*", "feed:a", "feed:a:1", "feed:b", "feed:ü"]
    assert list(await one.scan("feed_")) == ["feed_:c"]
    assert list(await one.scan("feed%")) == ["feed%:d"]
    assert list(await one.scan("feed:[")) == ["feed:[a-c]*"]
    assert list(await one.scan("feed:a")) == ["feed:a", "feed:a:1"]
    assert list(await one.scan("feed:.")) == []
    assert list(await one.scan("fee")) == sorted(set(await one.scan("")) - {"FEED:e"})
    assert dict(await one.scan("feed:b")) == {"feed:b": b"feed:b"}
    assert len(await one.scan("")) == 9


async def test_scan_finds_few_among_many(states: Pair) -> None:
    """Thousands of nonces do not come between a scan and what it looks for."""
    one, other = states
    await asyncio.gather(*(one.add(f"nonce:metrics:{count}", b"", 1000) for count in range(3000)))
    await other.set("metrics:a", b"1", 1000)
    await other.set("metrics:b", b"2", 1000)
    assert dict(await one.scan("metrics:")) == {"metrics:a": b"1", "metrics:b": b"2"}
    assert len(await one.scan("nonce:metrics:29")) == 111


async def test_add_is_good_once(states: Pair, kind: Kind, second: float) -> None:
    """A key can be added once by anybody, and once more when it has expired."""
    one, other = states
    assert await one.add("nonce:k:1", b"", 12 * second)
    assert not await other.add("nonce:k:1", b"", 12 * second)
    assert not await one.add("nonce:k:1", b"", 12 * second)
    await kind.elapse(6)
    assert not await other.add("nonce:k:1", b"", 12 * second)
    await kind.elapse(6)
    assert await other.add("nonce:k:1", b"", 12 * second)
    assert not await one.add("nonce:k:1", b"", 12 * second)


async def test_add_never_replaces_what_stays(states: Pair) -> None:
    """A value without expiry is not replaced by `add`."""
    one, other = states
    await one.set("nonce:k", b"kept")
    assert not await other.add("nonce:k", b"new", 1)
    assert await one.get("nonce:k") == b"kept"


async def test_of_many_at_once_one_adds(states: Pair) -> None:
    """Of many that add the same key at the same time, one gets True."""
    one, other = states
    added = await asyncio.gather(*((one if count % 2 else other).add("nonce:k:2", b"", 60) for count in range(40)))
    assert sum(added) == 1


async def test_add_since_a_moment_that_is_remembered(states: Pair) -> None:
    """Where nothing has been forgotten since the moment, `since` changes nothing: good once, and once only."""
    one, other = states
    now = time.time()
    assert await one.add("nonce:k:3", b"", 60, since=now)
    assert not await other.add("nonce:k:3", b"", 60, since=now)
    assert not await other.add("nonce:k:3", b"", 60, since=now + 60)
    assert await other.add("nonce:k:4", b"", 60, since=now + 60)


async def test_one_owner_has_a_lease(states: Pair, second: float) -> None:
    """While one owner has a lease, another does not get it; the owner gets the same number again."""
    one, other = states
    number = await one.acquire("feed:a", "one", 10 * second)
    assert isinstance(number, int)
    assert await other.acquire("feed:a", "other", 10 * second) is None
    assert await one.acquire("feed:a", "one", 10 * second) == number
    assert await other.acquire("feed:b", "other", 10 * second) is not None


async def test_to_hold_a_lease_gives_nothing_that_another_has(states: Pair, second: float) -> None:
    """Who says that it holds a lease, and does, gets the same number; who does not, does not get another's."""
    one, other = states
    number = await one.acquire("feed:a", "one", 10 * second)
    assert number is not None
    assert await one.acquire("feed:a", "one", 10 * second, held=number) == number
    assert await other.acquire("feed:a", "other", 10 * second, held=number + 1) is None


async def test_a_lease_is_taken_over_when_it_has_expired(states: Pair, kind: Kind, second: float) -> None:
    """A dead owner's lease goes to the next one, with a larger number; the old owner does not get it back."""
    one, other = states
    number = await one.acquire("feed:a", "one", 10 * second)
    await kind.elapse(5)
    assert await other.acquire("feed:a", "other", 10 * second) is None
    await kind.elapse(5)
    taken = await other.acquire("feed:a", "other", 10 * second)
    assert number is not None
    assert taken is not None
    assert taken > number
    assert await one.acquire("feed:a", "one", 10 * second) is None
    assert await one.acquire("feed:a", "one", 10 * second, held=number) is None


async def test_renewing_a_lease_lengthens_it(states: Pair, kind: Kind, second: float) -> None:
    """An owner that asks again in time keeps the lease for new seconds."""
    one, other = states
    await one.acquire("feed:a", "one", 10 * second)
    await kind.elapse(6)
    assert await one.acquire("feed:a", "one", 10 * second) is not None
    await kind.elapse(6)
    assert await other.acquire("feed:a", "other", 10 * second) is None


async def test_numbers_only_grow(states: Pair, kind: Kind, second: float) -> None:
    """Over releases, expiries and changes of owner a lease's number never repeats and never falls."""
    one, other = states
    numbers = []
    for turn in range(6):
        state, owner = (one, "one") if turn % 2 else (other, "other")
        number = await state.acquire("feed:a", owner, 2 * second)
        assert number is not None
        numbers.append(number)
        if turn < 3:
            await state.release("feed:a", owner)
        else:
            await kind.elapse(2)
    assert numbers == sorted(set(numbers))


async def test_only_the_owner_releases(states: Pair, second: float) -> None:
    """A release by somebody else changes nothing; the owner's own frees the lease at once."""
    one, other = states
    await one.acquire("feed:a", "one", 10 * second)
    await other.release("feed:a", "other")
    assert await other.acquire("feed:a", "other", 10 * second) is None
    await one.release("feed:a", "one")
    assert await other.acquire("feed:a", "other", 10 * second) is not None
    await one.release("feed:unknown", "one")


async def test_the_fake_fails_on_demand() -> None:
    """The fake fails as often as it is told to, and then works again with all it had."""
    state = MemoryState(MovedClock())
    await state.set("feed:a", b"1")
    state.fail_next = 2
    for _ in range(2):
        with pytest.raises(StateUnavailable):
            await state.get("feed:a")
    assert await state.get("feed:a") == b"1"
