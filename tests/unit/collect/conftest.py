"""A world for each test, with nothing left running after it."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.collect.world import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """An empty world."""
    made = World()
    yield made
    await made.end()
