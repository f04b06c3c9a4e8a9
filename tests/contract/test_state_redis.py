"""What the state in Redis alone has to bear: a real server that stops, forgets, hangs, refuses and hangs up."""

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from activity_stream.adapters.state_redis import RedisState
from activity_stream.errors import SettingsError, StateUnavailable
from tests.contract.states import REDISES, running
from tests.services.redis_server import RedisServer
from tests.services.tls_front import TlsFront, make_certificates

LEASE = 0.6


@pytest.fixture(scope="module", params=REDISES)
def module_server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A server for all tests, one after the other."""
    with running(request.param) as server:
        yield server


@pytest.fixture
async def server(module_server: RedisServer) -> RedisServer:
    """The server, with nothing in it."""
    async with Redis.from_url(module_server.url, protocol=2) as admin:
        await admin.flushall()
    return module_server


@pytest.fixture
async def admin(server: RedisServer) -> AsyncIterator[Redis]:
    """Somebody else's connection to the server."""
    async with Redis.from_url(server.url, protocol=2) as client:
        yield client


@pytest.fixture
async def state(server: RedisServer) -> AsyncIterator[RedisState]:
    """A state in the server, whose memory begins with the first call."""
    made = RedisState(server.url)
    yield made
    await made.close()


async def command(client: Redis, *words: str) -> None:
    """Give an order for which the client has no method."""
    await client.execute_command(*words)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("lose_everything", [True, False], ids=["without-data", "with-data"])
async def test_a_restart_never_gives_what_another_has(
    server: RedisServer, state: RedisState, lose_everything: bool
) -> None:
    """Over a restart an old nonce is refused, the lease's holder keeps it, nobody else gets it, and numbers grow."""
    await state.ping()
    await asyncio.sleep(LEASE)
    signed = time.time()
    number = await state.acquire("feed:a", "one", LEASE)
    assert number is not None
    assert await state.add("nonce:1", b"", 60, since=signed)
    await state.set("cursor:a", b"1")
    await server.restart(lose_everything=lose_everything)
    assert await state.acquire("feed:a", "other", LEASE) is None
    assert not await state.add("nonce:1", b"", 60, since=signed)
    assert not await state.add("nonce:2", b"", 60, since=signed)
    renewed = await state.acquire("feed:a", "one", LEASE, held=number)
    assert renewed is not None
    assert renewed > number
    assert await state.acquire("feed:a", "other", LEASE) is None
    assert await state.get("cursor:a") == (None if lose_everything else b"1")
    await asyncio.sleep(LEASE + 0.1)
    taken = await state.acquire("feed:a", "other", LEASE)
    assert taken is not None
    assert taken > renewed
    assert await state.add("nonce:3", b"", 60, since=time.time())


async def test_an_old_snapshot_is_no_memory(server: RedisServer, state: RedisState) -> None:
    """A server that starts again with old data lets in no nonce used since, and gives no lease as it was then."""
    await state.ping()
    await asyncio.sleep(0.06)
    signed = time.time()
    assert await state.acquire("feed:a", "old", 30, held=1) is not None
    assert await state.acquire("feed:b", "old", 0.05) is not None
    snapshot = await server.snapshot()
    await state.release("feed:a", "old")
    assert await state.acquire("feed:a", "new", 30, held=1) is not None
    await asyncio.sleep(0.06)
    assert await state.acquire("feed:b", "new", 30, held=1) is not None
    assert await state.add("nonce:1", b"", 60, since=signed)
    await server.restart(older=snapshot)
    assert await state.acquire("feed:a", "old", 30) is None
    assert await state.acquire("feed:b", "old", 30) is None
    assert not await state.add("nonce:1", b"", 60, since=signed)


async def test_who_signs_after_the_very_first_start_is_let_in(state: RedisState) -> None:
    """What is signed once a new server is open, in whole seconds of a clock some ticks behind, counts as remembered."""
    await state.open()
    assert await state.add("nonce:1", b"", 60, since=int(time.time() - 0.02))


async def test_a_silent_server_costs_a_bounded_time(server: RedisServer) -> None:
    """A server that hangs fails every call within the time-out, naming where it is; then all is well by itself."""
    state = RedisState(server.url, timeout=0.3)
    await state.set("feed:a", b"1")
    server.pause()
    try:
        async with asyncio.timeout(5):
            for _ in range(2):
                calls = [state.get("feed:a"), state.add("nonce:1", b"", 60), state.acquire("feed:a", "one", 60)]
                failures = await asyncio.gather(*calls, return_exceptions=True)
                assert all(isinstance(failure, StateUnavailable) for failure in failures)
                assert f"127.0.0.1:{server.port}" in str(failures[0])
    finally:
        server.resume()
    assert await state.get("feed:a") == b"1"
    assert await state.add("nonce:2", b"", 60)
    await state.close()


async def test_a_call_behind_a_silent_one_is_bounded_too(server: RedisServer) -> None:
    """A call that is made while another waits in vain has its own time-out, not the other's before its own."""
    state = RedisState(server.url, timeout=1)
    await state.ping()
    server.pause()
    try:
        first = asyncio.ensure_future(state.ping())
        await asyncio.sleep(0.5)
        async with asyncio.timeout(1.35):
            with pytest.raises(StateUnavailable, match="no answer within 1 s"):
                await state.get("feed:a")
        with pytest.raises(StateUnavailable):
            await first
    finally:
        server.resume()
    await state.close()


async def test_a_server_that_is_away_comes_back(server: RedisServer) -> None:
    """Neither opening nor a call waits for a server that is away; both heal when it is there."""
    server.kill()
    state = RedisState(server.url)
    try:
        async with asyncio.timeout(5):
            await state.open()
            with pytest.raises(StateUnavailable, match=f"127.0.0.1:{server.port} does not answer"):
                await state.ping()
    finally:
        await server.restart()
    await state.set("feed:a", b"1")
    assert await state.get("feed:a") == b"1"
    await state.close()


async def test_a_connection_that_died_idle_costs_nothing(state: RedisState, admin: Redis) -> None:
    """After the server hung up on an idle connection no call fails, not even one that must not be tried twice."""
    for turn in range(5):
        await command(admin, "CLIENT", "KILL", "TYPE", "normal")
        await asyncio.sleep(0.02)  # for the end of the connection to arrive
        assert await state.add(f"nonce:{turn}", b"", 60)


async def test_a_connection_that_dies_under_way(state: RedisState, admin: Redis) -> None:
    """Calls that may be repeated do not notice; `add` fails, since nobody can tell whether it was carried out."""
    await state.set("feed:a", b"1")
    number = await state.acquire("feed:a", "one", 60, held=1)
    await command(admin, "CLIENT", "PAUSE", "600", "WRITE")
    calls = [
        asyncio.ensure_future(call)
        for call in (
            state.get("feed:a"),
            state.scan("feed:"),
            state.acquire("feed:a", "one", 60),
            state.set("feed:b", b"2"),
            state.add("nonce:1", b"", 60),
        )
    ]
    await asyncio.sleep(0.1)
    await command(admin, "CLIENT", "KILL", "TYPE", "normal")
    *answers, added = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 5)
    assert answers[0] == b"1"
    assert answers[2:] == [number, None]
    assert isinstance(added, StateUnavailable)
    assert await state.get("feed:b") == b"2"


async def test_scripts_that_were_forgotten(state: RedisState, admin: Redis) -> None:
    """A server that has dropped its scripts is told them again, for `add` too."""
    assert await state.add("nonce:1", b"", 60)
    await admin.script_flush()
    assert await asyncio.gather(*(state.add(f"nonce:{count}", b"", 60) for count in range(1, 4))) == [False, True, True]


async def test_many_calls_need_one_connection(state: RedisState, admin: Redis) -> None:
    """Two thousand calls at once open no socket more."""
    await state.ping()
    before = len(await admin.client_list())
    added = await asyncio.gather(*(state.add(f"nonce:{count}", b"", 60) for count in range(2000)))
    assert all(added)
    assert len(await admin.client_list()) == before


async def test_one_that_gave_up_waiting_does_not_disturb_the_others(state: RedisState) -> None:
    """A cancelled call costs the calls made with it nothing, nor those after."""
    for turn in range(20):
        calls = [asyncio.ensure_future(state.add(f"nonce:{turn}:{count}", b"", 120)) for count in range(10)]
        for _ in range(turn % 5):
            await asyncio.sleep(0)
        calls[3].cancel()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [result is True for result in results] == [count != 3 for count in range(10)]


async def test_a_full_memory_is_said(state: RedisState, admin: Redis) -> None:
    """Where Redis has no memory left a call fails with its words, nothing is half done, and it heals."""
    await state.set("feed:a", b"1")
    await admin.config_set("maxmemory", "1")
    try:
        with pytest.raises(StateUnavailable, match=r"refuses.*maxmemory"):
            await state.add("nonce:1", b"", 60)
        assert await state.get("feed:a") == b"1"
    finally:
        await admin.config_set("maxmemory", "0")
    assert await state.add("nonce:1", b"", 60)


async def test_a_replica_refuses_in_its_own_words(state: RedisState, admin: Redis) -> None:
    """A server that may only be read says so, and takes what is written once it is the first again."""
    await state.set("feed:a", b"1")
    await command(admin, "REPLICAOF", "127.0.0.1", "1")
    try:
        with pytest.raises(StateUnavailable, match="read only replica"):
            await state.set("feed:a", b"2")
    finally:
        await command(admin, "REPLICAOF", "NO", "ONE")
    await state.set("feed:a", b"3")
    assert await state.get("feed:a") == b"3"


async def test_a_user_with_the_least_rights(server: RedisServer, admin: Redis) -> None:
    """A user that may only use the prefix's keys and nothing dangerous can do everything."""
    rights = ("on", ">a:secret@", "~activity-stream:*", "+@all", "-@dangerous")
    await command(admin, "ACL", "SETUSER", "stream", *rights)
    state = RedisState(f"redis://stream:a%3Asecret%40@127.0.0.1:{server.port}")
    await state.set("feed:a", b"1")
    assert dict(await state.scan("")) == {"feed:a": b"1"}
    assert await state.add("nonce:1", b"", 60)
    assert await state.acquire("feed:a", "one", 60, held=1) is not None
    await state.close()


async def test_passwords(server: RedisServer) -> None:
    """With the password all is well; with none or another the message says so, and shows none."""
    guarded = RedisServer(server.binary, password="right-secret")
    await guarded.start()
    try:
        state = RedisState(guarded.url)
        await state.ping()
        await state.close()
        for url in (guarded.url.replace("right", "wrong"), f"redis://127.0.0.1:{guarded.port}"):
            state = RedisState(url)
            with pytest.raises(StateUnavailable, match=f"127.0.0.1:{guarded.port}.*([Aa]uth|password)") as raised:
                await state.ping()
            assert "secret" not in str(raised.value)
            await state.close()
    finally:
        await guarded.stop()


async def test_tls_with_an_authority_of_its_own(server: RedisServer, tmp_path: Path) -> None:
    """`rediss://` with the authority's certificate works; without it the server is not believed."""
    ca, certificate, key = await asyncio.to_thread(make_certificates, tmp_path)
    async with TlsFront(server.port, certificate, key) as front:
        state = RedisState(f"rediss://localhost:{front.port}/0?ssl_ca_certs={ca}")
        await state.set("feed:a", b"1")
        assert await state.get("feed:a") == b"1"
        await state.close()
        stranger = RedisState(f"rediss://localhost:{front.port}/0")
        with pytest.raises(StateUnavailable, match="certificate"):
            await stranger.ping()
        await stranger.close()


async def test_what_has_expired_is_removed_in_passing(state: RedisState, admin: Redis) -> None:
    """The memory does not grow with the nonces of past days, and no key can be thrown away for its expiry."""
    await asyncio.gather(*(state.add(f"nonce:{count}", b"some", 0.05) for count in range(500)))
    await asyncio.sleep(0.06)
    await asyncio.gather(*(state.add(f"nonce:new:{count}", b"some", 60) for count in range(50)))
    assert await admin.zcard("activity-stream:expiry:nonce") == 50
    assert await admin.hlen("activity-stream:values:nonce") == 50
    assert {await admin.ttl(key) for key in await admin.keys("*")} == {-1}


async def test_a_closed_state_says_so(server: RedisServer) -> None:
    """After `close` calls fail; those made before it are still answered."""
    state = RedisState(server.url)
    before = asyncio.ensure_future(state.add("nonce:1", b"", 1))
    await asyncio.sleep(0)
    await state.close()
    assert await before
    with pytest.raises(StateUnavailable, match="closed"):
        await state.get("nonce:1")


@pytest.mark.parametrize(
    "url", ["redis://:se/cret@host:6379", "http://:secret@host", "redis://:secret@host/0?no_such_option=1"]
)
def test_a_url_that_is_none(url: str) -> None:
    """What is no URL of Redis is a problem of the settings, told without what may be a password."""
    with pytest.raises(SettingsError, match="STATE_URL") as raised:
        RedisState(url)
    assert "cret" not in str(raised.value)


KEYS = 300


def add_all(url: str, results: "multiprocessing.Queue[int]") -> None:
    """How many of the keys this process, alone of all, added."""

    async def work() -> int:
        state = RedisState(url)
        added = await asyncio.gather(*(state.add(f"once:{count}", b"", 600) for count in range(KEYS)))
        await state.close()
        return sum(added)

    results.put(asyncio.run(work()))


def test_once_over_processes(module_server: RedisServer) -> None:
    """Of processes that add the same keys at once, each key is added by one."""
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[int] = context.Queue()
    workers = [context.Process(target=add_all, args=(module_server.url, results)) for _ in range(2)]
    for worker in workers:
        worker.start()
    counts = [results.get(timeout=40) for _ in workers]
    for worker in workers:
        worker.join(20)
        worker.close()
    results.close()
    results.join_thread()
    assert sum(counts) == KEYS
