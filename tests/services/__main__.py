"""Fetch what some tests need besides Python, into `.services`: `python -m tests.services [names…]`.

What cannot be had is said, and is an error with REQUIRE_SERVICES=1.
"""

import sys
from collections.abc import Callable
from functools import partial

from tests.services import engines, npm, redis_server
from tests.services.available import required

FETCHERS: dict[str, Callable[[], str]] = {
    "npm": npm.fetch,
    "redis": redis_server.fetch,
    **{name: partial(engines.fetch, engine) for name, engine in engines.ENGINES.items()},
}


def main(names: list[str]) -> int:
    """Fetch these, or all; exit status 1 where one is required and cannot be had, 2 where a name is not known."""
    if unknown := set(names) - set(FETCHERS):
        sys.stderr.write(f"not known: {', '.join(sorted(unknown))}; there are {', '.join(FETCHERS)}\n")
        return 2
    problems = [problem for name in names or FETCHERS if (problem := FETCHERS[name]())]
    for problem in problems:
        sys.stderr.write(f"not to be had: {problem}\n")
    return 1 if problems and required() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
