"""What is kept in the shared state."""

import pytest

from activity_stream.collect.keeping import shown
from activity_stream.collect.records import RECENT_TROUBLES, FeedStatus, Trouble, Troubles, decide, feed_statuses
from activity_stream.errors import BadRequest
from activity_stream.testing.memory_state import MemoryState
from activity_stream.testing.moved_clock import MovedClock


def test_bounded_all_troubles_are_counted_and_the_latest_are_kept() -> None:
    """A source of nothing but bad items does not make the status grow."""
    troubles = Troubles()
    for number in range(100):
        troubles.add(Trouble(0.0, "page", str(number), "reason"))
    assert troubles.total == 100
    assert [each.item for each in troubles.recent] == [str(number) for number in range(100 - RECENT_TROUBLES, 100)]


async def test_a_decision_is_one_of_two_words() -> None:
    """Anything else is refused with what is allowed."""
    with pytest.raises(BadRequest, match="approve or reject"):
        await decide(MemoryState(MovedClock()), "feed", "maybe")


async def test_statuses_come_by_name_without_those_that_cannot_be_read() -> None:
    """A record of another version does not hide the others."""
    state = MemoryState(MovedClock())
    await state.set("status:b", b'{"feed":"b"}')
    await state.set("status:a", b'{"feed":"a"}')
    await state.set("status:c", b"[]")
    assert await feed_statuses(state) == [FeedStatus("a"), FeedStatus("b")]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://a.example/x?cursor=5&access_token=s3cret&n=1", "http://a.example/x?cursor=5&access_token=***&n=1"),
        ("http://a.example/x?api_key=s3cret", "http://a.example/x?api_key=***"),
        ("http://a.example/x?after=2026-01-01", "http://a.example/x?after=2026-01-01"),
    ],
)
def test_addresses_are_shown_without_secrets(address: str, expected: str) -> None:
    """Values of parameters that are named like secrets are masked; cursors stay readable."""
    assert shown(address) == expected
