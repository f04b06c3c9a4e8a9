"""Every request of a full cycle in turn fails, in every way; a reader of a real engine never sees a promise broken.

What a cycle asks is learnt first. For each way of failing, a few feeds share out the requests (*points*): each changes
whenever one of its generations is begun, until the requests that are its turn have failed; then it has to heal.
"""

import asyncio

import pytest

from tests.flow.proxy import Fault, Point
from tests.flow.watched import SHORT, TRIES, Feed, World, until
from tests.services.server import empty

FEEDS = 4
POINTS_AT_ONCE = 8
"""What fails once is made good by the next try: so many may fail in one cycle. What fails for good does so alone."""

CARRIED_OUT = (Fault.UNANSWERED, Fault.LATE, Fault.HELD)
GENERATIONS = 12
UNHEARD = (Fault.SILENT, Fault.LATE, Fault.HELD)
READS = ("list", "count", "refresh")
WAYS = (
    *((fault, 1) for fault in Fault if fault is not Fault.HELD),
    (Fault.BUSY, TRIES),
    (Fault.UNANSWERED, TRIES),
    (Fault.HELD, TRIES),
    (Fault.PARTIAL, TRIES),
    (Fault.EMPTY, TRIES),
)
"""Once, or at every try, so that the cycle fails: of those, one for each way in which things can be left."""

_learnt: dict[str, list[Point]] = {}


async def learn(engine: str) -> list[Point]:
    """What every full cycle with an update in it asks of the engine."""
    if engine not in _learnt:
        world, feed = World(engine), Feed("quiet")
        async with world.watched(), world.collecting(feed):
            while feed.line.switches < 6:
                await asyncio.wait_for(feed.line.created.wait(), 20)
                feed.line.created.clear()
                feed.change()
            await until(lambda: feed.visible == feed.source.versions(), "all is visible")
        assert not feed.amiss
        cycles = [cycle for cycle in feed.line.cycles[1:] if any("visible" in point.step for point in cycle)]
        _learnt[engine] = sorted(set(cycles[0]).intersection(*cycles), key=str)
        empty(engine)
    return _learnt[engine]


def can_fail(point: Point, fault: Fault, times: int) -> bool:
    """Whether this request can fail in this way, and differently from the other ways."""
    if fault is Fault.PARTIAL:
        return "write" in point.step
    if fault is Fault.EMPTY:
        return "refresh" in point.step
    return times == 1 or fault not in CARRIED_OUT or not point.step.startswith(READS)


async def test_a_full_cycle_is_known_request_by_request(empty_engine: str) -> None:
    """What is learnt of a quiet cycle has all its stages: without one of them its failures would not be tried out."""
    steps = {point.step for point in await learn(empty_engine)}
    both = ("activities", "objects")
    assert steps >= {"list all", "list feed", "switch", "delete"}
    assert steps >= {f"{step} {alias}" for step in ("create", "write", "refresh", "count") for alias in both}
    assert steps >= {f"visible write {alias} to {aim}" for alias in both for aim in ("published", "build")}


@pytest.mark.parametrize(("fault", "times"), WAYS, ids=[f"{fault.name.lower()}-{times}" for fault, times in WAYS])
async def test_whatever_request_fails_it_heals(fault: Fault, times: int, empty_engine: str) -> None:
    """Nothing that readers see breaks a promise; soon it is what the source has, and nothing is left over."""
    points = [point for point in await learn(empty_engine) if can_fail(point, fault, times)]
    number = len(points) if times > 1 else -(-len(points) // POINTS_AT_ONCE)
    turns = [points[first::number] for first in range(number)]
    world = World(empty_engine, SHORT if fault in UNHEARD else None)

    async def play(feed: Feed) -> list[str]:
        wrong: list[str] = []
        async with world.collecting(feed):
            await until(lambda: feed.line.switches > 0, "the feed is published")
            while turns and not wrong:
                struck = turns.pop()
                feed.line.aim(struck, fault, times)
                try:
                    await strike_and_heal(world, feed)
                except AssertionError as error:
                    wrong.append(f"{', '.join(map(str, struck))}: {error}")
                status = await world.status(feed)
                if times == 1 and fault not in UNHEARD and status.error:
                    wrong.append(f"{', '.join(map(str, struck))}: the next try did not make it good: {status.error}")
                if feed.amiss:
                    wrong.append(f"{', '.join(map(str, struck))}: {feed.amiss}")
        return wrong

    async with world.watched():
        ends = await asyncio.gather(*(play(Feed(f"f{number}")) for number in range(FEEDS)))
    wrong = [line for end in ends for line in end]
    assert not wrong, f"{fault}, {times} times:\n" + "\n".join(wrong)


async def strike_and_heal(world: World, feed: Feed) -> None:
    """Change the source whenever a generation is begun, until the requests have failed; then wait until all is well."""
    line = feed.line
    for _ in range(GENERATIONS):
        if line.struck:
            break
        await until(lambda: line.created.is_set() or line.struck, "a generation is begun")
        if line.created.is_set():
            line.created.clear()
            feed.change()
    assert line.struck, f"it was not asked for, or not tried again, in {GENERATIONS} generations"
    published = line.switches
    await until(lambda: feed.visible == feed.source.versions(), "what is visible is what the source has")
    await until(lambda: line.switches > published, "another generation is published")
    for _ in range(100):
        stored = await world.stored(feed)
        if len(stored) <= 2:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"left over: {stored}")
