"""The npm packages `hawk` and OpenSearch's client, as the lock file in `tests/interop` names them."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.services.available import require, required

ROOT = Path(__file__).parent.parent.parent
INTEROP = ROOT / "tests" / "interop"
NPM = ROOT / ".services" / "npm"
APT_TIMEOUT = NPM_TIMEOUT = 600


def find_npm() -> str | None:
    """The npm command; where it is missing but required, and this is a Debian where we may, it is installed first."""
    if shutil.which("npm") is None and required() and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-q"], check=False, timeout=APT_TIMEOUT)
        subprocess.run(["apt-get", "install", "-yq", "nodejs", "npm"], check=False, timeout=APT_TIMEOUT)
    return shutil.which("npm")


def npm_is_current() -> bool:
    """Whether what the lock file asks for is already there."""
    lock, copy = INTEROP / "package-lock.json", NPM / "package-lock.json"
    return copy.exists() and copy.read_bytes() == lock.read_bytes() and (NPM / "node_modules" / "hawk").is_dir()


def fetch() -> str:
    """Install the package; why it cannot be had, or empty when all is well."""
    if npm_is_current():
        return ""
    npm = find_npm()
    if npm is None:
        return "the npm packages: there is no npm here (install Node.js)"
    NPM.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(INTEROP / name, NPM / name)
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
    done = subprocess.run(command, cwd=NPM, check=False, timeout=NPM_TIMEOUT, capture_output=True, text=True)
    if done.returncode:
        shutil.rmtree(NPM)
        return f"the npm packages: npm ci failed: {(done.stderr or done.stdout).strip()[-300:]}"
    return ""


def require_package(name: str) -> None:
    """Skip the test, or fail where services are required, if the package or Node.js is not there."""
    if shutil.which("node") is None or not (NPM / "node_modules" / name).is_dir():
        require(f"the npm package {name} is not there: make services (needs Node.js)")
