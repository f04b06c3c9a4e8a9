"""What `deploy/` and its how-to pages say is true of the program and of each other; nothing is run here."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.core import TyperGroup

from activity_stream.cli.app import app
from activity_stream.model import Alias
from activity_stream.settings import describe, load
from tests.house import deployment
from tests.house.deployment import DEPLOY, FILES, IMAGE, PAGES, ROOT, UNITS, document

SEEN = re.compile(r"(?<!\w)[A-Z][A-Z0-9]*_\w+")
FOREIGN = {
    *("PYTHON_IMAGE", "DISABLE_SECURITY_PLUGIN", "DISABLE_INSTALL_DEMO_CONFIG", "OPENSEARCH_JAVA_OPTS"),
    *("AF_INET", "AF_INET6", "AF_UNIX"),
}
"""Names in capitals that are others' settings."""

STOP_SECONDS = 10
"""How long the program may take to end: the promise *stops*."""


def known_settings() -> re.Pattern[str]:
    """Matches the name of every setting."""
    holes = {"n": r"\d+", "alias": f"(?:{'|'.join(Alias)})"}
    names = []
    for row in describe():
        spelt = [holes.get(part, part) for part in row.variable.split("__")]
        names.append("__".join(spelt) + ("(?:_FILE)?" if row.secret else ""))
    return re.compile("|".join(names))


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.suffix in (".yaml", ".yml")], ids=lambda path: path.name
)
def test_yaml_is_yaml(path: Path) -> None:
    """Every YAML file can be read, and none is empty."""
    assert all(deployment.documents(path))


@pytest.mark.parametrize("path", [*FILES, *PAGES], ids=lambda path: path.name)
def test_every_variable_named_is_a_setting(path: Path) -> None:
    """A variable that a deployment or its page names is one that the program reads, or known to be another's."""
    known = known_settings()
    seen = {name for name in SEEN.findall(path.read_text("utf-8")) if not name.endswith("__")}
    assert [name for name in sorted(seen - FOREIGN) if not known.fullmatch(name)] == []


@pytest.mark.parametrize("name", ["compose", "cloud-foundry", "kubernetes", "systemd"])
def test_the_program_takes_the_settings_of_each_deployment(name: str, tmp_path: Path) -> None:
    """With the environment that a deployment gives, and the files that it mounts, nothing is wrong or warned of."""
    environ, files = deployment.environments()[name], deployment.secret_files()
    for variable, value in list(environ.items()):
        if variable.endswith("_FILE"):
            assert value in files, f"{variable}={value} is handed over by nobody"
            file = tmp_path / variable
            file.write_text(files[value], "utf-8")
            environ[variable] = str(file)
    settings = load(environ, None)
    assert settings.warnings == ()
    assert len(settings.feeds) == len(settings.callers) == 1


def test_every_command_line_is_one_of_the_programs(tmp_path: Path) -> None:
    """The program's own parser takes each command line."""
    config = tmp_path / "activity-stream.toml"
    config.touch()
    found = list(deployment.command_lines())
    assert len(found) > 12
    for where, words in found:
        pairs = zip(["", *words], words, strict=False)
        arguments = [str(config) if before == "--config" else word for before, word in pairs]
        command: Any = typer.main.get_command(app)
        context = command.make_context(IMAGE, ["--help"], resilient_parsing=True)
        while isinstance(command, TyperGroup):
            _, command, arguments = command.resolve_command(context, arguments)
        assert command is not None, where
        command.make_context(where, arguments)


@pytest.mark.parametrize("path", [*FILES, *PAGES, ROOT / ".dockerignore"], ids=lambda path: path.name)
def test_every_path_named_is_there(path: Path) -> None:
    """A file or folder of the project that is named exists, or `deploy/.gitignore` has it: an operator makes it."""
    made = [f"deploy/{line}" for line in (DEPLOY / ".gitignore").read_text("utf-8").splitlines() if line[:1] != "#"]
    named = re.findall(r"(?<![\w/.-])(?:deploy|docs|src|tests)/[\w./-]*\w", path.read_text("utf-8"))
    missing = [name for name in named if not (ROOT / name).exists() and not f"{name}/".startswith(tuple(made))]
    assert [name for name in missing if name not in made] == []


def test_no_image_names_a_registry() -> None:
    """Whoever deploys says where images come from."""
    for image in deployment.images():
        first, slash, _ = image.partition("/")
        assert not slash or not re.search(r"[.:]|^localhost$", first), image


def test_dockerfile_copies_what_the_engine_is_given() -> None:
    """Each thing that the first stage copies is there, and .dockerignore lets that and nothing else through."""
    ignore = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    allowed = {line[1:] for line in ignore if line.startswith("!")}
    copied = {name for kind, rest in deployment.stages()[0] if kind == "COPY" for name in rest.split()[:-1]}
    assert "*" in ignore
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)


def test_image_runs_as_a_numbered_user_without_build_tools() -> None:
    """The last stage installs nothing, its user is a number that is not root's and owns DATA_DIR, the port is right."""
    last = deployment.stages()[-1]
    ways = dict(last)
    user, _, group = ways["USER"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert f"DATA_DIR={ways['VOLUME']}" in ways["ENV"].split()
    assert [rest for name, rest in last if name == "RUN"] == [
        f"install -d -o {user} -g {group} -m 0700 {ways['VOLUME']}"
    ]
    assert ways["EXPOSE"] == next(row.default for row in describe() if row.variable == "PORT").strip("`")
    assert "HEALTHCHECK" in ways
    assert ways["ENTRYPOINT"] == f'["{IMAGE}"]'


def test_compose_refers_to_what_it_declares() -> None:
    """What a service names is there, and a service that is waited for has a health check."""
    compose = document("compose.yaml")
    services = compose["services"]
    assert (DEPLOY / compose["x-program"]["build"]["context"] / compose["x-program"]["build"]["dockerfile"]).is_file()
    for name, service in services.items():
        assert set(service["networks"]) <= set(compose["networks"]), name
        assert set(service.get("secrets", [])) <= set(compose["secrets"]), name
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).is_file(), volume
        for other in service.get("depends_on", {}):
            check = services[other].get("healthcheck", {})
            assert "test" in check or (services[other]["image"] == IMAGE and not check), f"{name} waits for {other}"


def test_compose_lets_nobody_at_the_stores() -> None:
    """OpenSearch and Redis are on an internal network only, and only the proxy can be reached, from this machine."""
    compose = document("compose.yaml")
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert published == {"proxy": ["127.0.0.1:8080:8080"]}
    for store in ("opensearch", "redis"):
        for network in compose["services"][store]["networks"]:
            assert compose["networks"][network] == {"internal": True}


def test_compose_addresses_lead_to_services() -> None:
    """Hosts in the settings and in the proxy's configuration are services, on a network that both share."""
    services = document("compose.yaml")["services"]
    proxy = (DEPLOY / "nginx.conf").read_text("utf-8")
    links = [("proxy", host) for host in re.findall(r"\bhttp://([a-z-]+):", proxy)]
    for value in deployment.environments()["compose"].values():
        links += [("collector", host) for host in re.findall(r"://([a-z-]+):\d+", value)]
    assert len(links) == 4
    for asking, asked in links:
        assert set(services[asking]["networks"]) & set(services[asked]["networks"]), (asking, asked)


def test_every_kind_of_deployment_waits_for_a_clean_end() -> None:
    """Nowhere is the program killed before the time that it may take to end is over."""
    for name, service in deployment.compose_services().items():
        assert int(service["stop_grace_period"].removesuffix("s")) > STOP_SECONDS, name
    for path in UNITS:
        (seconds,) = [value for _, key, value in deployment.unit(path) if key == "TimeoutStopSec"]
        assert int(seconds) > STOP_SECONDS, path.name
    for (kind, name), each in deployment.kubernetes().items():
        if kind == "Deployment":
            pod = each["spec"]["template"]["spec"]
            before = (
                pod["containers"][0].get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["", "0"])
            )
            sleeps = int("".join(re.findall(r"\d+", before[-1])))
            assert pod["terminationGracePeriodSeconds"] >= sleeps + STOP_SECONDS, name


def test_kubernetes_lists_every_manifest() -> None:
    """Each manifest is in the kustomization; the secret's form is not, so that nobody applies it as it is."""
    there = {path.name for path in (DEPLOY / "kubernetes").iterdir()}
    listed = set(document("kubernetes/kustomization.yaml")["resources"])
    assert there - listed - {"secret.yaml"} == {"kustomization.yaml", "secret.example.yaml"}


def test_kubernetes_selectors_match_one_deployment_each() -> None:
    """What a deployment, a service or a budget selects are the pods of the deployment that is meant, and no others."""
    manifests = deployment.kubernetes()
    pods = {name: each["spec"]["template"] for (kind, name), each in manifests.items() if kind == "Deployment"}

    def selected(labels: dict[str, str]) -> list[str]:
        return [name for name, pod in pods.items() if labels.items() <= pod["metadata"]["labels"].items()]

    for (kind, name), each in manifests.items():
        if kind == "Deployment":
            spread = pods[name]["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]
            assert selected(each["spec"]["selector"]["matchLabels"]) == selected(spread) == [name]
        elif kind == "PodDisruptionBudget":
            assert selected(each["spec"]["selector"]["matchLabels"]) == [name]
        elif kind == "Service":
            assert selected(each["spec"]["selector"]) == ["activity-stream-api"]


def test_kubernetes_ports_match() -> None:
    """Service and probes lead to the port that the API listens on."""
    api = deployment.containers()["api"]
    (port,) = api["ports"]
    (service,) = deployment.kubernetes()["Service", "activity-stream"]["spec"]["ports"]
    probes = [api[f"{kind}Probe"]["httpGet"]["port"] for kind in ("startup", "liveness", "readiness")]
    assert {service["targetPort"], *probes} == {port["name"]}
    assert str(port["containerPort"]) == dict(deployment.stages()[-1])["EXPOSE"]
    assert "PORT" not in deployment.environments()["kubernetes"]


def test_kubernetes_pods_can_do_nothing_but_their_work() -> None:
    """The user is the image's, the root is read-only, nothing more can be gained, and there are limits."""
    user, _, group = dict(deployment.stages()[-1])["USER"].partition(":")
    for (kind, name), each in deployment.kubernetes().items():
        if kind == "Deployment":
            pod = each["spec"]["template"]["spec"]
            may = pod["securityContext"]
            assert may["runAsNonRoot"] is True, name
            assert (may["runAsUser"], may["fsGroup"]) == (int(user), int(group)), name
            assert pod["automountServiceAccountToken"] is False, name
    for name, container in deployment.containers().items():
        may = container["securityContext"]
        assert may == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert {"requests", "limits"} == set(container["resources"]), name


def test_kubernetes_secret_has_no_key_that_nobody_reads() -> None:
    """Each key of the secret's form is a file that a setting names."""
    named = set(deployment.environments()["kubernetes"].values())
    mounts = {mount["name"]: mount["mountPath"] for mount in deployment.containers()["api"]["volumeMounts"]}
    keys = document("kubernetes/secret.example.yaml")["stringData"]
    assert {f"{mounts['secrets']}/{key}" for key in keys} <= named


@pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl is not here: the manifests are only read, not built"
)
def test_kustomize_builds_the_manifests() -> None:
    """`kubectl kustomize` takes the folder, and names the image of this version."""
    command = ["kubectl", "kustomize", str(DEPLOY / "kubernetes")]
    done = subprocess.run(command, check=False, timeout=30, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert re.findall(r"image: (\S+)", done.stdout) == [f"{IMAGE}:{version}"] * 2


def test_cloud_foundry_manifest_and_procfile_have_the_same_processes() -> None:
    """Each process of the manifest has a command and a check that it can answer, and there are no other commands."""
    (application,) = document("cloud-foundry/manifest.yml")["applications"]
    processes = {process["type"]: process for process in application["processes"]}
    commands = deployment.procfile()
    assert set(processes) == set(commands)
    assert all(words[0] == "activity-stream" for words in commands.values())
    assert processes["web"]["health-check-http-endpoint"] == "/checks/p1"
    assert processes["collector"]["health-check-type"] == "process"


def test_cloud_foundry_variables_are_the_ones_of_the_form() -> None:
    """The manifest asks for the secrets that vars.example.yml has."""
    asked = re.findall(r"\(\((\w+)\)\)", (DEPLOY / "cloud-foundry" / "manifest.yml").read_text("utf-8"))
    assert set(asked) == set(document("cloud-foundry/vars.example.yml"))


def test_systemd_units_differ_only_in_what_they_run() -> None:
    """A line of hardening that one unit has, the others have."""
    rest = [[line for line in deployment.unit(path) if line[1] not in ("Description", "ExecStart")] for path in UNITS]
    assert len(rest) == 3
    assert rest[0] == rest[1] == rest[2]
    assert {section for section, _, _ in rest[0]} == {"Unit", "Service", "Install"}


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here: the units are only read"
)
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say against the units, once the program is where they look for it."""
    here = Path(sys.executable).parent / "activity-stream"
    copies = []
    for path in UNITS:
        copy = tmp_path / path.name
        copy.write_text(path.read_text("utf-8").replace("/opt/activity-stream/bin/activity-stream", str(here)), "utf-8")
        copies.append(str(copy))
    command = ["systemd-analyze", "verify", "--man=no", *copies]
    done = subprocess.run(command, check=False, timeout=30, capture_output=True, text=True)
    assert (done.returncode, [line for line in done.stderr.splitlines() if str(tmp_path) in line]) == (0, []), (
        done.stderr
    )
