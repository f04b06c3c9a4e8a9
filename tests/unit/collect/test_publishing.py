"""The guard before publishing, as a rule."""

import pytest

from activity_stream.collect.publishing import judge
from activity_stream.collect.records import Held


def held(reference: int, agreed: int = 0) -> Held:
    """A record of what is held already."""
    return Held("g", "p", reference, 1000, reference, agreed, 0.0, 0.0, "")


@pytest.mark.parametrize(
    ("published", "finished", "ratio", "hold"),
    [
        (0, 0, 0.5, False),
        (99, 0, 0.5, False),
        (100, 49, 0.5, True),
        (100, 50, 0.5, False),
        (100, 0, 0.5, True),
        (100, 0, 0.0, False),
        (1000, 899, 0.9, True),
        (1000, 5000, 0.5, False),
    ],
)
def test_short_crawls_of_feeds_that_were_large_are_held(
    published: int, finished: int, ratio: float, *, hold: bool
) -> None:
    """Held is what has fewer than the ratio of a published generation of at least 100 activities."""
    assert judge(published, finished, ratio, None).hold is hold


@pytest.mark.parametrize(("finished", "agrees"), [(360, True), (440, True), (359, False), (441, False)])
def test_a_crawl_agrees_within_a_tenth(finished: int, *, agrees: bool) -> None:
    """Ten per cent more or less than the first one held is agreement; other crawls begin the count again."""
    verdict = judge(1000, finished, 0.5, held(400))
    assert verdict.hold
    assert (verdict.agreed, verdict.reference) == ((1, 400) if agrees else (0, finished))


def test_the_second_agreement_publishes() -> None:
    """Two complete crawls after the first say the same: it is true."""
    assert not judge(1000, 410, 0.5, held(400, agreed=1)).hold


def test_a_slow_decline_is_no_agreement() -> None:
    """Crawls that each lose a little more are measured against the first of them, not against each other."""
    verdict = judge(1000, 350, 0.5, held(400, agreed=1))
    assert (verdict.hold, verdict.agreed, verdict.reference) == (True, 0, 350)


def test_a_crawl_that_is_not_short_is_published_whatever_is_held() -> None:
    """The source has recovered."""
    assert not judge(1000, 900, 0.5, held(400, agreed=1)).hold


def test_the_reason_says_what_came_what_is_allowed_and_what_to_do() -> None:
    """An operator who reads it knows the numbers, the setting and the command."""
    reason = judge(1000, 400, 0.5, None).reason
    for part in ("400", "1000", "PUBLISH_MIN_RATIO (0.5)", "next 2 complete crawls agree", "feeds approve"):
        assert part in reason
