"""Searches that can be stopped: whoever asked no longer waits, and their thread is another's.

What tantivy does in one call runs to its end; between two calls it is looked whether anybody still waits. So a search
of a million documents ends soon after it should, if not at once.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tantivy

_running = threading.local()


class Stop:
    """Asks one search to stop: set `asked`, from any thread."""

    def __init__(self) -> None:
        self.asked = False


class Stopped(Exception):
    """The search was asked to stop."""


@contextmanager
def stoppable(stop: Stop) -> Iterator[None]:
    """A search that runs within, in this thread, stops when it is asked to. Raises Stopped."""
    _running.stop = stop
    try:
        look()
        yield
    finally:
        _running.stop = None


def look() -> None:
    """Raise Stopped if the search of this thread, if there is one, has been asked to stop."""
    stop = getattr(_running, "stop", None)
    if stop is not None and stop.asked:
        raise Stopped


class Searcher:
    """A searcher of tantivy's, with the same methods; before each call it is looked whether to go on."""

    def __init__(self, searcher: tantivy.Searcher) -> None:
        self._searcher = searcher

    def __getattr__(self, name: str) -> Any:
        """Any of the searcher's own."""
        look()
        return getattr(self._searcher, name)
