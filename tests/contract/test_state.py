"""The State port: one suite for the shipped fake and for SQLite; and what SQLite alone has to bear."""

import asyncio
import multiprocessing
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from activity_stream.adapters.clock import SystemClock
from activity_stream.adapters.state_sqlite import SqliteState
from activity_stream.errors import StateUnavailable
from activity_stream.ports import Clock, State
from activity_stream.testing.memory_state import MemoryState
from activity_stream.testing.moved_clock import MovedClock

Make = Callable[[], State]


@pytest.fixture
def clock() -> MovedClock:
    """The time of everything in a test."""
    return MovedClock()


def fake(clock: Clock, _: Path) -> Make:
    """The fake: all users of it share one object."""
    state = MemoryState(clock)
    return lambda: state


def sqlite(clock: Clock, folder: Path) -> Make:
    """SQLite: each user has a connection of its own."""
    return lambda: SqliteState(folder / "made" / "state.db", clock, busy_seconds=0.3)


@pytest.fixture(params=[fake, sqlite], ids=["fake", "sqlite"])
async def states(
    request: pytest.FixtureRequest, clock: MovedClock, tmp_path: Path
) -> AsyncIterator[tuple[State, State]]:
    """Two users of one state."""
    make: Make = request.param(clock, tmp_path)
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
    await one.ping()


async def test_values_are_forgotten(states: Pair) -> None:
    """A deleted value is gone for both, and to delete what is not there is no error."""
    one, other = states
    await one.set("feed:a", b"1")
    await other.delete("feed:a")
    await other.delete("feed:a")
    assert await one.get("feed:a") is None


async def test_values_expire(states: Pair, clock: MovedClock) -> None:
    """A value is there until its seconds have passed, and not at that moment; without seconds it stays."""
    one, other = states
    await one.set("cursor:a", b"1", 10)
    await one.set("cursor:b", b"2")
    await clock.advance(9.5)
    assert await other.get("cursor:a") == b"1"
    await clock.advance(0.5)
    assert await other.get("cursor:a") is None
    assert dict(await one.scan("cursor:")) == {"cursor:b": b"2"}


async def test_a_value_stored_again_has_a_new_expiry(states: Pair, clock: MovedClock) -> None:
    """The last `set` says how long a value stays."""
    one, _ = states
    await one.set("cursor:a", b"1", 10)
    await one.set("cursor:a", b"2")
    await clock.advance(100)
    assert await one.get("cursor:a") == b"2"


async def test_scan(states: Pair) -> None:
    """A scan finds the keys with exactly this beginning, characters that mean something to databases included."""
    one, _ = states
    for key in ["feed:a", "feed:b", "feed_:c", "feed%:d", "FEED:e", "fee", "feed:ü"]:
        await one.set(key, key.encode())
    assert list(await one.scan("feed:")) == ["feed:a", "feed:b", "feed:ü"]
    assert list(await one.scan("feed_")) == ["feed_:c"]
    assert list(await one.scan("feed%")) == ["feed%:d"]
    assert len(await one.scan("")) == 7


async def test_add_is_good_once(states: Pair, clock: MovedClock) -> None:
    """A key can be added once by anybody, and once more when it has expired."""
    one, other = states
    assert await one.add("nonce:k:1", b"", 120)
    assert not await other.add("nonce:k:1", b"", 120)
    assert not await one.add("nonce:k:1", b"", 120)
    await clock.advance(119)
    assert not await other.add("nonce:k:1", b"", 120)
    await clock.advance(1)
    assert await other.add("nonce:k:1", b"", 120)
    assert not await one.add("nonce:k:1", b"", 120)


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


async def test_one_owner_has_a_lease(states: Pair) -> None:
    """While one owner has a lease, another does not get it; the owner gets the same number again."""
    one, other = states
    number = await one.acquire("feed:a", "one", 10)
    assert isinstance(number, int)
    assert await other.acquire("feed:a", "other", 10) is None
    assert await one.acquire("feed:a", "one", 10) == number
    assert await other.acquire("feed:b", "other", 10) is not None


async def test_a_lease_is_taken_over_when_it_has_expired(states: Pair, clock: MovedClock) -> None:
    """A dead owner's lease goes to the next one, with a larger number; the old owner does not get it back."""
    one, other = states
    number = await one.acquire("feed:a", "one", 10)
    await clock.advance(9)
    assert await other.acquire("feed:a", "other", 10) is None
    await clock.advance(1)
    taken = await other.acquire("feed:a", "other", 10)
    assert number is not None
    assert taken is not None
    assert taken > number
    assert await one.acquire("feed:a", "one", 10) is None


async def test_renewing_a_lease_lengthens_it(states: Pair, clock: MovedClock) -> None:
    """An owner that asks again in time keeps the lease for new seconds."""
    one, other = states
    await one.acquire("feed:a", "one", 10)
    await clock.advance(9)
    await one.acquire("feed:a", "one", 10)
    await clock.advance(9)
    assert await other.acquire("feed:a", "other", 10) is None


async def test_numbers_only_grow(states: Pair, clock: MovedClock) -> None:
    """Over releases, expiries and changes of owner a lease's number never repeats and never falls."""
    one, other = states
    numbers = []
    for turn in range(6):
        state, owner = (one, "one") if turn % 2 else (other, "other")
        number = await state.acquire("feed:a", owner, 10)
        assert number is not None
        numbers.append(number)
        if turn < 3:
            await state.release("feed:a", owner)
        else:
            await clock.advance(11)
    assert numbers == sorted(set(numbers))


async def test_only_the_owner_releases(states: Pair) -> None:
    """A release by somebody else changes nothing; the owner's own frees the lease at once."""
    one, other = states
    await one.acquire("feed:a", "one", 10)
    await other.release("feed:a", "other")
    assert await other.acquire("feed:a", "other", 10) is None
    await one.release("feed:a", "one")
    assert await other.acquire("feed:a", "other", 10) is not None
    await one.release("feed:unknown", "one")


async def test_the_fake_fails_on_demand(clock: MovedClock) -> None:
    """The fake fails as often as it is told to, and then works again with all it had."""
    state = MemoryState(clock)
    await state.set("feed:a", b"1")
    state.fail_next = 2
    for _ in range(2):
        with pytest.raises(StateUnavailable):
            await state.get("feed:a")
    assert await state.get("feed:a") == b"1"


@pytest.fixture
async def on_disk(clock: MovedClock, tmp_path: Path) -> AsyncIterator[tuple[SqliteState, Path]]:
    """A state in SQLite, and its file."""
    path = tmp_path / "state.db"
    state = SqliteState(path, clock, busy_seconds=0.2)
    await state.open()
    yield state, path
    await state.close()


OnDisk = tuple[SqliteState, Path]


async def test_what_was_stored_outlives_the_connection(on_disk: OnDisk, clock: MovedClock) -> None:
    """A value, and a lease's number, are there for a process that starts later."""
    state, path = on_disk
    await state.set("feed:a", b"1")
    number = await state.acquire("feed:a", "one", 1)
    await state.close()
    await clock.advance(2)
    later = SqliteState(path, clock)
    assert await later.get("feed:a") == b"1"
    taken = await later.acquire("feed:a", "other", 1)
    assert number is not None
    assert taken is not None
    assert taken > number
    await later.close()


async def test_a_deleted_file_is_made_anew(on_disk: OnDisk, clock: MovedClock) -> None:
    """After somebody deleted the file, all go on with one new file, and lease numbers grow on."""
    state, path = on_disk
    number = await state.acquire("feed:a", "one", 100)
    for file in path.parent.iterdir():
        file.unlink()
    await clock.advance(1)
    assert await state.add("nonce:1", b"", 100)
    other = SqliteState(path, clock)
    assert not await other.add("nonce:1", b"", 100)
    taken = await other.acquire("feed:a", "other", 100)
    assert number is not None
    assert taken is not None
    assert taken > number
    await other.close()


async def test_a_locked_file_is_unavailable_for_a_bounded_time(on_disk: OnDisk) -> None:
    """While another process holds the file, calls fail instead of waiting for ever; afterwards they work again."""
    state, path = on_disk
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StateUnavailable, match="locked"):
            await asyncio.wait_for(state.set("feed:a", b"1"), 5)
        holder.execute("ROLLBACK")
    await state.set("feed:a", b"2")
    assert await state.get("feed:a") == b"2"


async def test_a_broken_file_is_unavailable_until_it_is_replaced(on_disk: OnDisk) -> None:
    """What is no database makes calls fail with the file's name, and heals when the file is put right."""
    state, path = on_disk
    await state.set("feed:a", b"1")
    for file in path.parent.iterdir():
        file.unlink()
    path.write_bytes(b"this is no database at all, " * 100)
    for _ in range(2):
        with pytest.raises(StateUnavailable, match=r"state\.db"):
            await state.get("feed:a")
    path.unlink()
    await state.set("feed:a", b"2")
    assert await state.get("feed:a") == b"2"


async def test_a_place_that_cannot_be_written(clock: MovedClock, tmp_path: Path) -> None:
    """Where the directory cannot be made, calls fail saying what to check, and work once it can."""
    (tmp_path / "in-the-way").write_text("a file")
    state = SqliteState(tmp_path / "in-the-way" / "state.db", clock)
    with pytest.raises(StateUnavailable, match="written"):
        await state.open()
    (tmp_path / "in-the-way").unlink()
    await state.open()
    await state.close()


async def test_what_has_expired_is_removed_in_passing(on_disk: OnDisk, clock: MovedClock) -> None:
    """The file does not grow with the nonces of past days."""
    state, path = on_disk
    await asyncio.gather(*(state.add(f"nonce:{count}", b"", 120) for count in range(500)))
    await clock.advance(121)
    await state.ping()
    with closing(sqlite3.connect(path)) as reader:
        assert reader.execute("SELECT count(*) FROM entry").fetchone() == (0,)


async def test_one_that_gave_up_waiting_does_not_disturb_the_others(on_disk: OnDisk) -> None:
    """A cancelled call costs the calls made with it nothing."""
    state, _ = on_disk
    calls = [asyncio.ensure_future(state.add(f"nonce:{count}", b"", 120)) for count in range(10)]
    await asyncio.sleep(0)
    calls[3].cancel()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [result is True for result in results] == [count != 3 for count in range(10)]


async def test_a_closed_state_says_so(clock: MovedClock, tmp_path: Path) -> None:
    """After `close` calls fail; those made before it are still answered."""
    state = SqliteState(tmp_path / "state.db", clock)
    before = asyncio.ensure_future(state.add("nonce:1", b"", 1))
    await asyncio.sleep(0)
    await state.close()
    assert await before
    with pytest.raises(StateUnavailable, match="closed"):
        await state.get("nonce:1")


KEYS = 60


def add_all(path: Path, ready: Callable[[], object]) -> int:
    """How many of the keys this worker, alone of all, added."""

    async def work() -> int:
        state = SqliteState(path, SystemClock(), busy_seconds=20)
        ready()
        added = await asyncio.gather(*(state.add(f"nonce:{count}", b"", 600) for count in range(KEYS)))
        await state.close()
        return sum(added)

    return asyncio.run(work())


def add_all_in_a_process(path: str, results: "multiprocessing.Queue[int]") -> None:
    """One process's part; nothing is there to wait for."""
    results.put(add_all(Path(path), bool))


def test_once_over_eight_threads(tmp_path: Path) -> None:
    """Of eight that open a new file and add the same keys at once, each key is added by one."""
    barrier = threading.Barrier(8, timeout=20)
    with ThreadPoolExecutor(8) as threads:
        counts = list(threads.map(lambda _: add_all(tmp_path / "state.db", barrier.wait), range(8)))
    assert sum(counts) == KEYS


def test_once_over_processes(tmp_path: Path) -> None:
    """Of processes that add the same keys at once, each key is added by one."""
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[int] = context.Queue()
    workers = [
        context.Process(target=add_all_in_a_process, args=(str(tmp_path / "state.db"), results)) for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    counts = [results.get(timeout=40) for _ in workers]
    for worker in workers:
        worker.join(20)
        worker.close()
    results.close()
    results.join_thread()
    assert sum(counts) == KEYS
