"""Where tantivy's failures become exceptions of ours.

tantivy raises ValueError or RuntimeError for everything it notices, and panics for the rest. A panic arrives as a
BaseException that no module exports, so that an ordinary `except` would let it through.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROBE_BYTES = 1 << 20
_SIGNS_OF_THE_DISK = ("os error", "IO error", "No space left")


class EngineFailed(Exception):
    """tantivy failed at something; the message is its own."""


@contextmanager
def border() -> Iterator[None]:
    """Raise EngineFailed for whatever tantivy raises inside."""
    try:
        yield
    except (ValueError, RuntimeError, OSError) as error:
        raise EngineFailed(str(error)) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise EngineFailed(f"panic: {error}") from error


def disk_failed(error: EngineFailed, directory: Path) -> bool:
    """Whether the disk is what failed, and no document. A worker thread that dies often does not say of what."""
    return any(sign in str(error) for sign in _SIGNS_OF_THE_DISK) or not _disk_works(directory)


def _disk_works(directory: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
    except OSError:
        return False
    return True
