"""The reference is complete: what can be run, set, asked or seen is in it."""

import re
from ipaddress import ip_network
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from activity_stream.api.app import make_app
from activity_stream.api.parts import Parts
from activity_stream.cli.app import app
from activity_stream.feeds.registry import known_types
from activity_stream.fields import searchable_fields
from activity_stream.logs import Log
from activity_stream.metrics import Metrics
from activity_stream.search import constructs
from activity_stream.settings import describe
from activity_stream.testing.memory_index import MemoryIndex
from activity_stream.testing.memory_state import MemoryState
from activity_stream.testing.moved_clock import MovedClock

ROOT = Path(__file__).parent.parent.parent
REFERENCE = ROOT / "docs" / "reference"


def page(name: str) -> str:
    """A page of the reference."""
    return (REFERENCE / name).read_text("utf-8")


def commands(group: TyperGroup, prefix: str) -> list[tuple[str, str]]:
    """Every command, and its help."""
    found = []
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            found += commands(command, f"{prefix} {name}")
        else:
            found.append((f"{prefix} {name}", f"{command.help} {command.epilog}"))
    return found


def test_every_command_is_in_the_reference_and_has_an_example() -> None:
    """Each command stands in commands.md, and its --help has an example that names it."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    for name, told in commands(group, "activity-stream"):
        assert f"`{name}" in page("commands.md"), name
        assert f"Example: {name}" in told, name


def test_every_setting_is_in_the_reference() -> None:
    """Each variable stands in settings.md."""
    text = page("settings.md")
    for row in describe():
        assert f"`{row.variable}`" in text, row.variable


def test_the_table_of_constructs_is_what_is_taken() -> None:
    """What constructs.md says of each query, aggregation and key is what the readers of bodies do."""
    assert constructs.renewed(page("constructs.md")) == page("constructs.md"), constructs.BEGIN


def test_every_route_is_in_the_reference() -> None:
    """Each route stands in api.md with its methods; what begins with `//` is the same again."""
    clock = MovedClock()

    async def none() -> bytes:
        return b""

    async def feeds() -> list[tuple[str, bool]]:
        return []

    parts = Parts(
        index=MemoryIndex(searchable_fields(), clock),
        fields=searchable_fields(),
        state=MemoryState(clock),
        clock=clock,
        log=Log("incoming"),
        health=feeds,
        exposition=none,
        started_at=0,
        whitelist=[ip_network("::1")],
    )
    rows = re.findall(r"^\| (`/[^|]*`) \| ([^|]+) \|", page("api.md"), re.MULTILINE)
    told = {path: methods for paths, methods in rows for path in re.findall("`([^`]+)`", paths)}
    routes = [route for route in make_app(parts).router.routes() if route.resource is not None]
    assert len(routes) > 10
    for route in routes:
        assert route.resource is not None
        path = route.resource.canonical
        assert path.startswith("//") or route.method in told[path], f"{route.method} {path}"


@pytest.mark.parametrize("name", re.findall(rb"^# TYPE (\S+)", Metrics().exposition(), re.MULTILINE))
def test_every_metric_is_in_the_reference(name: bytes) -> None:
    """Each metric stands in logs-and-metrics.md under the name that dashboards use."""
    assert f"`{name.decode()}`" in page("logs-and-metrics.md")


def test_every_feed_type_is_in_the_reference() -> None:
    """Each kind of feed has a section in feed-types.md."""
    for name in known_types():
        assert f"`{name}`" in page("feed-types.md"), name


def test_requirements_name_no_registry() -> None:
    """Pins are hashes and versions alone: whoever installs says from where."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text("utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "index-url" not in text
