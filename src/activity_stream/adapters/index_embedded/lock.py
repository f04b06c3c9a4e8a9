"""Only one process at a time writes to an index; the operating system frees the lock of one that dies."""

import asyncio
import errno
import fcntl
import os
from pathlib import Path

from activity_stream.errors import IndexUnavailable

LOCK_NAME = "writer.lock"
POLL_SECONDS = 0.1
_TAKEN = (errno.EAGAIN, errno.EACCES)


class WriterLock:
    """The right to write to the index in a directory."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / LOCK_NAME
        self._file: int | None = None

    async def acquire(self) -> None:
        """Return when nobody else has it; may be cancelled while it waits. Raises IndexUnavailable."""
        # The wait is for another process, which has no means to wake this one.
        while not await asyncio.to_thread(self._try):  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)

    def release(self) -> None:
        """Let another one have it, if it is held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _try(self) -> bool:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise IndexUnavailable(f"{self._path} cannot be made: {error}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(file)
            if error.errno in _TAKEN:
                return False
            raise IndexUnavailable(f"{self._path} cannot be locked: {error}") from error
        self._file = file
        return True
