"""Reads `deploy/` and the how-to pages about it: what they set, run and name."""

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from tests.unit.settings_examples import CERTIFICATE

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
HOW_TO = ROOT / "docs" / "how-to"
PAGES = [HOW_TO / "run-as-a-service.md", *sorted(HOW_TO.glob("deploy-*.md"))]
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
IMAGE = "activity-stream"
VCAP_SERVICES = (
    '{"opensearch": [{"credentials": {"uri": "https://user:password@opensearch.example:9200"}}], '
    '"redis": [{"credentials": {"uri": "rediss://:password@redis.example:6379/0"}}]}'
)


def documents(path: Path) -> list[Any]:
    """The documents of a YAML file."""
    return list(yaml.safe_load_all(path.read_text("utf-8")))


def document(name: str) -> Any:
    """The one document of a YAML file below `deploy`."""
    (only,) = documents(DEPLOY / name)
    return only


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments, continued lines joined."""
    lines = [line for line in (DEPLOY / "Dockerfile").read_text("utf-8").splitlines() if not line.startswith("#")]
    found = [line.partition(" ") for line in "\n".join(lines).replace("\\\n", " ").splitlines() if line.strip()]
    return [(name, " ".join(rest.split()) if name != "HEALTHCHECK" else rest) for name, _, rest in found]


def stages() -> list[list[tuple[str, str]]]:
    """The instructions of each stage, the first one `FROM`."""
    found: list[list[tuple[str, str]]] = []
    for name, rest in instructions():
        if name == "FROM":
            found.append([])
        if found:
            found[-1].append((name, rest))
    return found


def unit(path: Path) -> list[tuple[str, str, str]]:
    """Section, key and value of each line of a systemd unit, in order."""
    section, found = "", []
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith(("#", ";")):
            key, equals, value = line.partition("=")
            assert section, f"{path.name}: {line}"
            assert equals, f"{path.name}: {line}"
            found.append((section, key, value))
    return found


def kubernetes() -> dict[tuple[str, str], Any]:
    """The manifests that the kustomization lists, by kind and name."""
    names = document("kubernetes/kustomization.yaml")["resources"]
    all_of_them = [each for name in names for each in documents(DEPLOY / "kubernetes" / name)]
    return {(each["kind"], each["metadata"]["name"]): each for each in all_of_them}


def containers() -> dict[str, Any]:
    """The containers of the Kubernetes deployments, by name."""
    pods = [each["spec"]["template"]["spec"] for (kind, _), each in kubernetes().items() if kind == "Deployment"]
    return {container["name"]: container for pod in pods for container in pod["containers"]}


def compose_services() -> dict[str, Any]:
    """The services of the compose file that run the program."""
    services = document("compose.yaml")["services"]
    return {name: each for name, each in services.items() if each["image"] == IMAGE}


def environments() -> dict[str, dict[str, str]]:
    """What each kind of deployment sets; the platform's part of Cloud Foundry is made up."""
    services = compose_services()
    secrets = document("cloud-foundry/vars.example.yml")
    (app,) = document("cloud-foundry/manifest.yml")["applications"]
    cloud = {name: re.sub(r"\(\((\w+)\)\)", lambda found: secrets[found[1]], text) for name, text in app["env"].items()}
    example = (DEPLOY / "systemd" / "activity-stream.env.example").read_text("utf-8")
    lines = dict(re.findall(r"^#?([A-Z]\w+)=(.*)$", example, re.MULTILINE))
    own = [value.partition("=") for _, key, value in unit(UNITS[0]) if key == "Environment"]
    return {
        "compose": services["collector"]["environment"],
        "cloud-foundry": {**cloud, "PORT": "8080", "VCAP_SERVICES": VCAP_SERVICES},
        "kubernetes": kubernetes()["ConfigMap", "activity-stream"]["data"],
        "systemd": {**lines, **{name: value for name, _, value in own}},
    }


def secret_files() -> Mapping[str, str]:
    """The files that deployments hand to the program, by the path that it is told, and what is in them.

    A form cannot hold a real certificate, and the program takes no other: one stands in for it.
    """
    compose = {f"/run/secrets/{name}": "a-secret-of-some-length" for name in document("compose.yaml")["secrets"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in containers()["api"]["volumeMounts"]}
    form = document("kubernetes/secret.example.yaml")["stringData"]
    filled = {key: CERTIFICATE if "BEGIN CERTIFICATE" in text else text for key, text in form.items()}
    cluster = {f"{mounts['secrets']}/{key}": text for key, text in filled.items()}
    loaded = [value.partition(":")[0] for _, key, value in unit(UNITS[0]) if key == "LoadCredential"]
    return {**compose, **cluster, **{f"%d/{name}": "a-secret-of-some-length" for name in loaded}}


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """Every command line of the program that is named: where, and the words after `activity-stream`."""
    for name, service in compose_services().items():
        yield f"compose.yaml, {name}", service["command"]
    for name, container in containers().items():
        yield f"kubernetes, {name}", container["args"]
    for path in UNITS:
        start = next(value for _, key, value in unit(path) if key == "ExecStart")
        yield path.name, shlex.split(start)[1:]
    for kind, words in procfile().items():
        yield f"Procfile, {kind}", words[1:]
    yield "Dockerfile, CMD", yaml.safe_load(dict(stages()[-1])["CMD"])
    for path in [*PAGES, *FILES]:
        text = path.read_text("utf-8")
        for words in re.findall(r"^\s*\$ (?:.* -- )?activity-stream (.+)$", text, re.MULTILINE):
            yield path.name, shlex.split(words)
        for words in re.findall(r"`activity-stream ([^`]+)`", text):
            yield path.name, shlex.split(words)


def procfile() -> dict[str, list[str]]:
    """The process types of the Procfile and their commands."""
    lines = (DEPLOY / "cloud-foundry" / "Procfile").read_text("utf-8").splitlines()
    return {kind: shlex.split(command) for kind, _, command in (line.partition(":") for line in lines)}


def images() -> set[str]:
    """Every image that is named."""
    compose = {service["image"] for service in document("compose.yaml")["services"].values()}
    cluster = {container["image"] for container in containers().values()}
    dockerfile = {rest.partition("=")[2] for name, rest in instructions() if name == "ARG"}
    return compose | cluster | dockerfile
