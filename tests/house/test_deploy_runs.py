"""What `deploy/` and its how-to pages have run, run for real as far as that goes without an engine or a platform."""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
from aiohttp import web

from tests.flow.processes import settings, started
from tests.house import deployment
from tests.house.deployment import DEPLOY, HOW_TO, ROOT

LIBRARIES = next(path for path in sys.path if path.endswith("site-packages"))


def shell(script: str, directory: Path) -> None:
    """Run lines of a shell script with this Python first on the path, and no package index to be had."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = ["sh", "-euc", script]
    done = subprocess.run(command, cwd=directory, env=environ, check=False, timeout=60, capture_output=True, text=True)
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"


def copied(names: list[str], target: Path) -> None:
    """Copies of files and folders of the project; what other builds left in it stays behind."""
    for name in names:
        source = ROOT / name
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(source, target / name)


def told(program: Path) -> str:
    """What `--help` of an installed program says, and from where it was loaded; the libraries are those here."""
    environ = {**os.environ, "PYTHONPATH": LIBRARIES}
    where = "import activity_stream, sys; sys.stdout.write(activity_stream.__file__)"
    found = []
    for command in ([str(program), "--help"], [str(program.parent / "python"), "-c", where]):
        done = subprocess.run(command, env=environ, check=False, timeout=30, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found.append(done.stdout)
    return "\n".join(found)


def healthcheck() -> list[str]:
    """The image's health check, as a command for here."""
    _, _, command = dict(deployment.stages()[-1])["HEALTHCHECK"].partition("CMD ")
    return here(json.loads(command))


def here(words: list[str]) -> list[str]:
    """A container's command with this Python."""
    assert words[0] == "python"
    return [sys.executable, *words[1:]]


def outcome(command: list[str], url: str) -> int:
    """The exit status of a health check with the port of this address."""
    environ = {**os.environ, "PORT": url.rpartition(":")[2]}
    return subprocess.run(command, env=environ, check=False, timeout=20, capture_output=True).returncode


def test_dockerfile_builds_the_program(tmp_path: Path) -> None:
    """The first stage's steps, less those that fetch packages, make an environment with the program, without pip."""
    target = tmp_path / "opt"
    for name, rest in deployment.stages()[0]:
        if name == "COPY":
            copied(rest.split()[:-1], tmp_path)
        elif name == "RUN" and "--require-hashes" not in rest:
            shell(rest.replace("/opt/activity-stream", str(target)), tmp_path)
    pinned = (tmp_path / "build-requirements.txt").read_text("utf-8")
    assert re.findall(r"^\S+", pinned, re.MULTILINE)[0].startswith("setuptools==")
    assert pinned.count("==") == 1
    assert "--hash=sha256:" in pinned
    assert str(target) in told(target / "bin" / "activity-stream")
    assert not (target / "bin" / "pip").exists()


def test_cloud_foundry_folder_installs_the_program(tmp_path: Path) -> None:
    """The how-to's first step makes a folder whose requirements install the program that its Procfile runs."""
    copied(["src", "pyproject.toml", "README.md", "LICENSE", "requirements.txt", "deploy"], tmp_path)
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parent.parent)
    page = (HOW_TO / "deploy-on-cloud-foundry.md").read_text("utf-8")
    step = re.search(r"```shell\n(.*?)```", page, re.DOTALL)
    assert step
    shell(step[1], tmp_path)
    (application,) = deployment.document("cloud-foundry/manifest.yml")["applications"]
    folder = (tmp_path / "deploy" / "cloud-foundry" / application["path"]).resolve()
    assert {"Procfile", "requirements.txt", "runtime.txt"} < {path.name for path in folder.iterdir()}
    (folder / "last.txt").write_text((folder / "requirements.txt").read_text("utf-8").splitlines()[-1], "utf-8")
    install = "python -m pip --python venv/bin/python install --no-deps --require-hashes -r last.txt"
    shell(f"python -m venv --without-pip venv\n{install}", folder)
    assert str(folder) in told(folder / "venv" / "bin" / deployment.procfile()["web"][0])


async def test_health_checks_tell_an_api_from_nothing(tmp_path: Path) -> None:
    """The image's check passes where an API serves, as the orchestrators' paths do, and fails where none does."""
    api = deployment.containers()["api"]
    (application,) = deployment.document("cloud-foundry/manifest.yml")["applications"]
    paths = [api[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")]
    paths.append(application["processes"][0]["health-check-http-endpoint"])
    async with started("run", environ=settings(tmp_path)) as process, aiohttp.ClientSession() as session:
        url = await process.listening()
        assert outcome(healthcheck(), url) == 0
        for path in paths:
            async with session.get(url + path) as response:
                assert response.status == 200, path
        assert await process.stop() == 0
    assert outcome(healthcheck(), url) != 0


async def test_health_check_fails_where_something_else_answers() -> None:
    """An answer other than 200 on the API's port is no health."""
    runner = web.AppRunner(web.Application())
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        await web.SockSite(runner, listening).start()
        try:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            assert await asyncio.to_thread(outcome, healthcheck(), url) != 0
        finally:
            await runner.cleanup()


async def test_sample_source_is_healthy_when_it_serves() -> None:
    """Compose's check of the verification feed is content with the real one, and not with nothing."""
    test = deployment.compose_services()["verification-feed"]["healthcheck"]["test"]
    assert test[0] == "CMD"
    async with started("verification-feed", "--port", "0", environ={}) as process:
        url = await process.listening()
        command = [word.replace("8082", url.rpartition(":")[2]) for word in here(test[1:])]
        assert outcome(command, url) == 0
        await process.stop()
    assert outcome(command, url) != 0


def test_ignored_files_of_operators_are_ignored() -> None:
    """Git leaves alone what the how-to pages have an operator write, secrets above all."""
    names = [line for line in (DEPLOY / ".gitignore").read_text("utf-8").splitlines() if line[:1] != "#"]
    for name in names:
        command = [
            "git",
            "check-ignore",
            "--no-index",
            f"deploy/{name}reader" if name.endswith("/") else f"deploy/{name}",
        ]
        assert subprocess.run(command, cwd=ROOT, check=False, capture_output=True, timeout=20).returncode == 0, name
