"""Pages as real sources serve them (and some that the standard allows), and what must come of each."""

import json
from pathlib import Path
from typing import Any

import pytest

from activity_stream.errors import NotAFeed
from activity_stream.feeds.types.activity_stream import ActivityStream
from activity_stream.model import Page
from activity_stream.ports import Response

FOLDER = Path(__file__).parent / "activity_stream"
EXPECTED: dict[str, dict[str, Any]] = json.loads(FOLDER.with_suffix(".expected.json").read_text("utf-8"))


def read(name: str) -> Page:
    """The page that the kind makes of a recorded answer."""
    address = EXPECTED[name]["address"]
    body = (FOLDER / f"{name}.json").read_bytes()
    headers = {"content-type": "text/html; charset=utf-8"} if name.startswith("great-domestic-ui") else {}
    return ActivityStream(address).read(address, Response(address, 200, headers, body))


def test_every_recorded_page_has_its_expectation() -> None:
    """A page nobody expects anything of, or an expectation without its page, is a mistake."""
    assert {path.stem for path in FOLDER.glob("*.json")} == set(EXPECTED)


@pytest.mark.parametrize("name", [name for name, expected in EXPECTED.items() if "not_a_feed" not in expected])
def test_page(name: str) -> None:
    """A recorded page gives these activities and objects, leaves out these items, and goes on there."""
    page, expected = read(name), EXPECTED[name]
    assert [[each.id, each.object_id] for each in page.activities] == expected["activities"]
    assert [[each.position, each.reason] for each in page.skipped] == expected["skipped"]
    assert page.next == expected["next"]


@pytest.mark.parametrize("name", [name for name, expected in EXPECTED.items() if "not_a_feed" not in expected])
def test_items_come_out_as_they_came_in(name: str) -> None:
    """What is stored of an item and its object is a piece of the answer, byte for byte."""
    body = (FOLDER / f"{name}.json").read_bytes()
    for activity in read(name).activities:
        assert activity.source in body
        assert json.loads(activity.source)["id"] == activity.id
        if activity.object_source is not None:
            assert activity.object_source in activity.source
            assert json.loads(activity.object_source)["id"] == activity.object_id


@pytest.mark.parametrize("name", [name for name, expected in EXPECTED.items() if "not_a_feed" in expected])
def test_not_a_feed(name: str) -> None:
    """An answer that is no feed is refused with words that name what came."""
    with pytest.raises(NotAFeed) as refused:
        read(name)
    assert str(refused.value) == EXPECTED[name]["not_a_feed"]
