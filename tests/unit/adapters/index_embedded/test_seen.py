"""The filter that knows which keys are new."""

import pytest

from activity_stream.adapters.index_embedded.seen import Seen


def test_a_key_that_was_added_is_never_taken_for_new() -> None:
    """Whatever was added is known, over all layers of the filter: otherwise a document would be stored twice."""
    seen = Seen()
    keys = [f"activities__feed_id_one__date_2020-01-01\x00{n}" for n in range(60_000)]
    for key in keys:
        seen.add(key)
    assert all(seen.add(key) for key in keys)


def test_most_new_keys_are_told_from_known_ones() -> None:
    """At most 3 in 100 new keys are taken for known: else the filter would be of no use."""
    seen = Seen()
    mistaken = sum(seen.add(f"key {n}") for n in range(100_000))
    assert mistaken < 3_000


def test_it_is_small_for_a_small_feed_and_bounded_for_a_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """bounded: an empty generation takes nothing, and no number of keys adds more layers than there are."""
    seen = Seen()
    assert seen.size == 0
    seen.add("x")
    assert seen.size == 1 << 16
    monkeypatch.setattr("activity_stream.adapters.index_embedded.seen._LAYER_BITS", (6, 7))
    small = Seen()
    for n in range(1000):
        small.add(str(n))
    assert small.size == (64 + 128) // 8
    assert all(small.add(str(n)) for n in range(1000))
