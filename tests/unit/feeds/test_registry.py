"""Which kinds of feed there are."""

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from activity_stream.errors import SettingsError
from activity_stream.feeds import registry
from activity_stream.feeds.base import FeedSource
from activity_stream.feeds.types.activity_stream import ActivityStream

SEED = "https://source.example/feed"
OTHER = "activity_stream.feeds.types.activity_stream:make_activity_stream"


def test_activity_stream_is_built_in() -> None:
    """A source of type `activity_stream` becomes that kind, from its seed on."""
    feed_type = registry.make_feed_type(FeedSource("feed", "activity_stream", SEED))
    assert isinstance(feed_type, ActivityStream)
    assert feed_type.seed() == SEED


def test_an_unknown_kind_names_those_there_are() -> None:
    """A kind that does not exist is refused with the feed's name and what is possible."""
    with pytest.raises(SettingsError, match=r"feed: TYPE is 'rsss'; there are activity_stream"):
        registry.make_feed_type(FeedSource("feed", "rsss", SEED))


def test_a_seed_that_is_no_address() -> None:
    """A seed that cannot be asked is an error of the settings."""
    with pytest.raises(SettingsError, match="feed: SEED cannot be used"):
        registry.make_feed_type(FeedSource("feed", "activity_stream", "source.example/feed"))


def installed(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A package is installed that brings a kind."""
    points = EntryPoints([EntryPoint(name, value, registry.ENTRY_POINTS)])
    monkeypatch.setattr(registry, "entry_points", points.select)


def test_a_package_can_add_a_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point of the group is a kind by its name."""
    installed(monkeypatch, "other", OTHER)
    assert registry.known_types() == ("activity_stream", "other")
    assert registry.make_feed_type(FeedSource("feed", "other", SEED)).seed() == SEED


def test_a_package_cannot_replace_a_built_in_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of a built-in kind stays its own."""
    installed(monkeypatch, "activity_stream", "no.such:thing")
    assert isinstance(registry.make_feed_type(FeedSource("feed", "activity_stream", SEED)), ActivityStream)


@pytest.mark.parametrize("value", ["no.such.module:thing", "activity_stream.feeds.base:no_such_thing"])
def test_a_package_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """A kind whose package is broken is an error of the settings that names the package."""
    installed(monkeypatch, "other", value)
    with pytest.raises(SettingsError, match="cannot be loaded"):
        registry.make_feed_type(FeedSource("feed", "other", SEED))
