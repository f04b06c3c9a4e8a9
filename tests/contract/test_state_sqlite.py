"""What the state in SQLite alone has to bear."""

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
from activity_stream.testing.moved_clock import MovedClock


@pytest.fixture
def clock() -> MovedClock:
    """The time of everything in a test."""
    return MovedClock()


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
