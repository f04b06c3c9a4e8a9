"""The guard before publishing: may what was crawled take the place of what readers see? Pure.

    published has fewer than 100, or the ratio is 0 ......... publish
    the crawl has at least ratio x published ................ publish   (what was held is dropped)
    short, and nothing was held ............................. hold
    short, within 10 % of what was first held ............... hold      (the newest; the older one is dropped)
      … for the second time ................................. publish
    short, but otherwise .................................... hold      (and the count of agreement begins again)

Wrong mass deletion is the worst that a collector can do: a source that lost its database answers politely and at once.
"""

import msgspec

from activity_stream.collect.records import Held

SMALLEST_GUARDED = 100
"""Activities. Below, a feed may lose what it likes: small feeds are often nearly empty by right."""

AGREEMENTS_NEEDED = 2
"""So many complete crawls after the first short one have to say the same."""

AGREEMENT = 0.1
"""How far, as a share of the first short crawl, a later one may be from it and still say the same."""


class Verdict(msgspec.Struct, frozen=True):
    """Publish (`hold` False), or hold; then `agreed` and `reference` go into the record, and `reason` says why."""

    hold: bool
    agreed: int = 0
    reference: int = 0
    reason: str = ""


def judge(published: int, finished: int, ratio: float, held: Held | None) -> Verdict:
    """What is to become of a complete crawl that found `finished` activities, where readers see `published`.

    `ratio` is PUBLISH_MIN_RATIO; `held` the record of what is held already, if anything is.
    """
    if published < SMALLEST_GUARDED or finished >= ratio * published:
        return Verdict(hold=False)
    agrees = held is not None and abs(finished - held.reference) <= AGREEMENT * held.reference
    if held is None or not agrees:
        return _hold(published, finished, ratio, agreed=0, reference=finished)
    if held.agreed + 1 >= AGREEMENTS_NEEDED:
        return Verdict(hold=False, reason=f"{AGREEMENTS_NEEDED} more complete crawls agreed on {finished} activities")
    return _hold(published, finished, ratio, agreed=held.agreed + 1, reference=held.reference)


def _hold(published: int, finished: int, ratio: float, *, agreed: int, reference: int) -> Verdict:
    left = AGREEMENTS_NEEDED - agreed
    reason = (
        f"the crawl found {finished} activities, readers see {published}; fewer than PUBLISH_MIN_RATIO ({ratio:g}) of "
        f"them. It is published if the next {left} complete crawl{'s agree' if left > 1 else ' agrees'} within "
        f"{AGREEMENT:.0%}, or by: activity-stream feeds approve"
    )
    return Verdict(hold=True, agreed=agreed, reference=reference, reason=reason)
