"""Which kinds of feed there are: one line here, or an entry point of the group `activity_stream.feeds`."""

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points

from activity_stream.errors import SettingsError
from activity_stream.feeds.base import FeedSource, FeedType
from activity_stream.feeds.types.activity_stream import make_activity_stream

Constructor = Callable[[FeedSource], FeedType]

ENTRY_POINTS = "activity_stream.feeds"

BUILT_IN: Mapping[str, Constructor] = {
    "activity_stream": make_activity_stream,
}


def known_types() -> tuple[str, ...]:
    """The values that TYPE can have, in order; installed packages' included."""
    return tuple(sorted({*BUILT_IN, *(point.name for point in entry_points(group=ENTRY_POINTS))}))


def make_feed_type(source: FeedSource) -> FeedType:
    """The source's kind, ready to be walked.

    A package cannot take the place of a built-in kind. Raises SettingsError for a kind that does not exist or cannot be
    loaded, and for settings that the kind cannot use.
    """
    built_in = BUILT_IN.get(source.type)
    if built_in is not None:
        return built_in(source)
    for point in entry_points(group=ENTRY_POINTS, name=source.type):
        return _load(point, source.unique_id)(source)
    raise SettingsError(
        (f"feed {source.unique_id}: TYPE is {source.type!r}; there are {', '.join(known_types())}",),
    )


def _load(point: EntryPoint, feed: str) -> Constructor:
    try:
        constructor: Constructor = point.load()
    except (ImportError, AttributeError) as error:
        raise SettingsError(
            (f"feed {feed}: TYPE {point.name!r} comes from {point.value}, which cannot be loaded: {error}",),
        ) from error
    return constructor
