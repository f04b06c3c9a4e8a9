"""Real servers for the tests: started at first use, one for the whole run, stopped at its end."""

from collections.abc import Generator, Iterator

import pytest

from tests.services.engines import names_to_test
from tests.services.server import Servers, empty, servers


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test has logged goes from one process to another, which half a character could not."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(scope="session")
def engine_servers() -> Iterator[Servers]:
    """Real engines by name: `engine_servers.url("opensearch-3")`."""
    with servers() as found:
        yield found


@pytest.fixture(scope="session", params=names_to_test())
def engine(request: pytest.FixtureRequest, engine_servers: Servers) -> str:
    """The address of a real engine: the newest, or each in turn with TEST_ENGINES=all."""
    return engine_servers.url(request.param)


@pytest.fixture
def empty_engine(engine: str) -> str:
    """The address of a real engine that holds nothing."""
    empty(engine)
    return engine
