"""One Java process with nodes of an engine in it, in a fresh directory; all of it blocks and needs no event loop."""

import http.client
import json
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from tests.services import java
from tests.services.engines import EngineKind
from tests.services.ports import free_ports, free_row

START_SECONDS = 90.0
STOP_SECONDS = 15.0
ASK_SECONDS = 30.0
ATTEMPTS = 3
PUBLISHED = re.compile(r"HttpServerTransport\s*\] publish_address \{([^}]+)\}")
# Where the parent dies without a word, its end of the pipe closes: the engine must not outlive it.
WATCH = 'read -r _; kill -KILL "$1"; rm -rf "$2"'


class EngineFailedError(Exception):
    """An engine that did not start, or did not do what it was told in time; shows the end of its log."""


class Jvm:
    """`nodes` nodes of an engine in one process; `program` is what Java runs: the runner's class or a source file.

    `quick` halves the work of a start, and leaves out the slow compiler that makes a server fast in the long run.
    """

    def __init__(
        self, kind: EngineKind, program: str, nodes: int, heap: str, *, compiler: bool = False, quick: bool = True
    ) -> None:
        self.kind = kind
        self.program = program
        self.nodes = nodes
        self.heap = heap
        self.compiler = compiler
        self.quick = quick
        self.urls: list[str] = []

    def start(self) -> list[str]:
        """The address of each node, in order, once they answer as one cluster. Raises EngineFailedError."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._start()
            except EngineFailedError as problem:
                # Between our look and its own bind another server may have taken the port.
                if attempt == ATTEMPTS or "Address already in use" not in str(problem):
                    raise
        raise AssertionError

    def _start(self) -> list[str]:
        self.directory = Path(tempfile.mkdtemp(prefix=f"{self.kind.name}-"))
        self.log = self.directory / "log"
        self._configure()
        with self.log.open("wb") as log:
            self.child = subprocess.Popen(
                self._command(), stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.watch = subprocess.Popen(
            ["/bin/sh", "-c", WATCH, "sh", str(self.child.pid), str(self.directory)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            # Each node that starts takes over where the whole process logs to.
            logs = [self.directory / f"node_{number}/logs/{self.directory.name}.log" for number in self._numbers()]
            self.urls = [f"http://{self.await_line(log, PUBLISHED, 1, START_SECONDS)}" for log in logs]
            ask(f"{self.urls[0]}/_cluster/health?wait_for_nodes={self.nodes}&wait_for_status=yellow&timeout=20s")
        except BaseException:
            self.stop()
            raise
        return self.urls

    def stop(self) -> None:
        """End the process, by force where it does not end in time, and remove its directory."""
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.watch.kill()
        self.watch.communicate()
        assert self.child.stdin
        self.child.stdin.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def await_line(self, log: Path, pattern: re.Pattern[str], count: int, seconds: float) -> str:
        """Wait for the line that is the `count`th to match in this log; what matched. Raises EngineFailedError."""
        deadline = time.monotonic() + seconds
        while len(found := pattern.findall(text_of(log))) < count:
            status = self.child.poll()
            if status is not None or time.monotonic() > deadline:
                happened = f"nothing in {seconds:.0f} s" if status is None else f"it ended with status {status}"
                problem = f"{self.kind.name}: waited for {pattern.pattern!r}: {happened}"
                raise EngineFailedError(f"{problem}\n{self._newest_lines()}")
            time.sleep(0.05)
        return str(found[count - 1])

    def _newest_lines(self) -> str:
        """The end of what it wrote last."""
        logs = sorted(self.directory.glob("node_*/logs/*.log"), key=lambda log: log.stat().st_mtime)
        return "\n".join(line for log in [*logs[-1:], self.log] for line in text_of(log).splitlines()[-20:])

    def _numbers(self) -> range:
        """The runner's numbers of the nodes."""
        return range(1, self.nodes + 1)

    def _command(self) -> list[str]:
        found = java.find(self.kind.least_java, self.kind.most_java, compiler=self.compiler)
        assert found, "look at engines.missing() before"
        flags = [f"-Xmx{self.heap}", "-XX:+UseSerialGC", *(["-XX:TieredStopAtLevel=1"] if self.quick else [])]
        flags += [f"--add-modules={name}" for name in self.kind.modules if name in java.modules(found)]
        return [
            *(str(found), *flags),
            *("-cp", self.kind.classpath, self.program),
            *("-basePath", str(self.directory), "-numOfNode", str(self.nodes)),
            *("-baseHttpPort", str(free_row(self.nodes) - 1), "-clusterName", self.directory.name),
        ]

    def _configure(self) -> None:
        """Write each node's own file. It says where the others are: by default a node looks on ports 9300 to 9305."""
        ports = free_ports(self.nodes)
        seeds = [f"127.0.0.1:{port}" for port in ports]
        for number, port in zip(self._numbers(), ports, strict=True):
            lines = {
                "network.host": "127.0.0.1",
                "transport.port": port,
                "cluster.routing.allocation.disk.threshold_enabled": False,
            }
            if self.nodes > 1:
                lines["discovery.seed_hosts"] = seeds
            config = self.directory / f"node_{number}" / "config" / self.kind.config_file
            config.parent.mkdir(parents=True)
            config.write_text("".join(f"{name}: {json.dumps(value)}\n" for name, value in lines.items()))


def text_of(log: Path) -> str:
    """All of it so far; empty where it is not there yet."""
    return log.read_text(errors="replace") if log.exists() else ""


def ask(url: str, method: str = "GET", body: object = None, allowed: tuple[int, ...] = ()) -> Any:
    """An engine's JSON answer. Raises EngineFailedError for a status of 400 or more that is not in `allowed`."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=ASK_SECONDS)
    try:
        content = None if body is None else json.dumps(body)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, content, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
    finally:
        connection.close()
    if response.status >= 400 and response.status not in allowed:
        raise EngineFailedError(f"{method} {url}: {response.status} {answer[:500]!r}")
    return json.loads(answer or b"null")
