"""A cluster whose nodes are lost one by one, and come back."""

import re
from pathlib import Path
from typing import Self

from tests.services import java
from tests.services.available import require
from tests.services.engines import ENGINES, missing
from tests.services.jvm import EngineFailedError, Jvm

COMMAND_SECONDS = 40.0
LINE = re.compile(r"^(.*)\n", re.MULTILINE)
KIND = ENGINES["opensearch-3"]


class Cluster:
    """Nodes of OpenSearch in one Java process. Everything blocks; an async test calls it by `asyncio.to_thread`.

    A node that is lost closes at once, without moving its shards away: as near to a crash as one process comes.
    """

    def __init__(self, nodes: int = 3, heap: str = "2g") -> None:
        self._jvm = Jvm(KIND, str(Path(__file__).parent / "Nodes.java"), nodes, heap, compiler=True)
        self._told = 0

    @property
    def urls(self) -> list[str]:
        """The address of each node, in order; the same again for a node that came back."""
        return self._jvm.urls

    def start(self) -> list[str]:
        """The address of each node, once all are one cluster; skips the test where it cannot be had."""
        reason = missing(KIND)
        if not reason and java.find(KIND.least_java, KIND.most_java, compiler=True) is None:
            reason = f"a cluster needs a JDK, with its compiler, from {KIND.least_java} to {KIND.most_java}"
        if reason:
            require(reason)
        return self._jvm.start()

    def stop(self) -> None:
        """End every node."""
        self._jvm.stop()

    def lose(self, number: int) -> None:
        """Close a node, counted from 0. Raises EngineFailedError."""
        self._tell(f"close {number}")

    def back(self, number: int) -> None:
        """Start a lost node again, with the data it had. Raises EngineFailedError."""
        self._tell(f"start {number}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _tell(self, command: str) -> None:
        stdin = self._jvm.child.stdin
        assert stdin
        stdin.write(f"{command}\n".encode())
        stdin.flush()
        self._told += 1
        outcomes = self._jvm.directory / "outcomes"
        outcome = self._jvm.await_line(outcomes, LINE, self._told, COMMAND_SECONDS)
        if outcome != f"{command} done":
            raise EngineFailedError(f"{command}: {outcome}")
