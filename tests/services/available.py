"""What a test does where something it needs is not there."""

import os
from typing import NoReturn

import pytest


def required() -> bool:
    """Whether a service that cannot be had is a failure."""
    return os.environ.get("REQUIRE_SERVICES") == "1"


def require(reason: str) -> NoReturn:
    """Skip the test for this reason; with REQUIRE_SERVICES=1, fail it."""
    if required():
        pytest.fail(reason)
    pytest.skip(reason)
