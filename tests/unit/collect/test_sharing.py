"""Which collector has which feed."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from activity_stream.collect.sharing import share

NAMES = st.text("abcdefghij0123456789-:", min_size=1, max_size=12)
OWNERS = st.lists(NAMES, min_size=1, max_size=9, unique=True)
FEEDS = st.frozensets(NAMES, max_size=60)
ALIKE = st.tuples(OWNERS, FEEDS).map(lambda both: dict.fromkeys(both[0], both[1]))
ANY = st.dictionaries(NAMES, FEEDS, max_size=7)


@given(ANY)
def test_every_feed_has_a_collector_that_has_it_configured(collectors: dict[str, frozenset[str]]) -> None:
    """Whatever the collectors have configured, each feed of theirs is given to one that can collect it."""
    shared = share(collectors)
    assert shared.keys() == {feed for feeds in collectors.values() for feed in feeds}
    assert all(feed in collectors[owner] for feed, owner in shared.items())


@given(ALIKE)
def test_collectors_with_the_same_feeds_get_as_many_each(collectors: dict[str, frozenset[str]]) -> None:
    """No collector has more than one feed more than another."""
    loads = Counter(share(collectors).values())
    counts = [loads[owner] for owner in collectors]
    assert max(counts) - min(counts) <= 1


@given(ANY, st.randoms(use_true_random=False))
def test_all_collectors_come_to_the_same_result(collectors: dict[str, frozenset[str]], chance: random.Random) -> None:
    """The order in which they see each other, and each other's feeds, changes nothing."""
    owners = list(collectors)
    chance.shuffle(owners)
    shuffled = {owner: chance.sample(sorted(collectors[owner]), len(collectors[owner])) for owner in owners}
    assert share(shuffled) == share(collectors)


def test_the_result_is_the_same_in_every_version() -> None:
    """Two versions work side by side during a deployment: a change here would make them disagree."""
    feeds = ["alpha", "beta", "gamma", "delta", "epsilon"]
    shared = share({"one": feeds, "two": feeds})
    assert shared == {"alpha": "one", "beta": "one", "gamma": "two", "delta": "two", "epsilon": "two"}


@given(ALIKE, NAMES)
def test_one_that_comes_or_goes_moves_little(collectors: dict[str, frozenset[str]], another: str) -> None:
    """Most feeds stay where they are when a collector comes, and so when it goes."""
    feeds = next(iter(collectors.values()))
    before, after = share(collectors), share({**collectors, another: feeds})
    moved = sum(before[feed] != after[feed] for feed in feeds)
    fair = -(-len(feeds) // (len(collectors) + 1))
    assert moved <= 2 * fair + 8


def test_what_moves_is_near_the_least_that_can() -> None:
    """On average over many names, at most half as many again as the one that comes has to get."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    moved = had = 0
    for _ in range(200):
        feeds = [f"feed-{chance.random()}" for _ in range(40)]
        owners = [f"host-{chance.random()}" for _ in range(4)]
        before, after = share(dict.fromkeys(owners[:3], feeds)), share(dict.fromkeys(owners, feeds))
        moved += sum(before[feed] != after[feed] for feed in feeds)
        had += sum(owner == owners[3] for owner in after.values())
    assert had <= moved <= 1.5 * had
