"""The verification feed over real HTTP, at a moment that the test sets."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from activity_stream.api.verification import DAY, PAGE_SIZE, activity, make_verification_app
from activity_stream.testing.moved_clock import MovedClock

NOW = 1_739_538_299


async def serve(app: web.Application) -> tuple[web.AppRunner, str]:
    """The application on a free port, and its address."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


class Feed:
    """The feed, its clock, and a way to ask it."""

    def __init__(self, url: str, clock: MovedClock, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.clock = clock
        self._session = session

    async def page(self, address: str) -> dict[str, Any]:
        """The page at an address."""
        async with self._session.get(address) as response:
            assert response.status == 200
            page: dict[str, Any] = await response.json(content_type="application/activity+json")
            return page


@pytest.fixture
async def feed() -> AsyncIterator[Feed]:
    """The feed at NOW."""
    clock = MovedClock(NOW)
    runner, url = await serve(make_verification_app(clock))
    async with aiohttp.ClientSession() as session:
        yield Feed(url, clock, session)
    await runner.cleanup()


async def test_the_seed_is_the_oldest_page(feed: Feed) -> None:
    """The page at /0 begins a day ago, has 100 activities, a second apart, and leads on."""
    page = await feed.page(f"{feed.url}/0")
    seconds = [int(item["object"]["id"].rpartition(":")[2]) for item in page["orderedItems"]]
    assert seconds == list(range(NOW - DAY + 1, NOW - DAY + 1 + PAGE_SIZE))
    assert page["next"] == f"{feed.url}/{seconds[-1] + 1}"


async def test_a_day_has_86400_activities(feed: Feed) -> None:
    """Following `next` from the seed shows each second of the day once, and ends on an empty page."""
    address, count, pages = f"{feed.url}/0", 0, 0
    while True:
        page = await feed.page(address)
        pages += 1
        if "next" not in page:
            break
        address, count = page["next"], count + len(page["orderedItems"])
        if pages == 2:  # the way is the same all along
            skipped = 861
            address, count = f"{feed.url}/{int(address.rpartition('/')[2]) + skipped * 100}", count + skipped * 100
    assert page["orderedItems"] == []
    assert (count, pages) == (DAY, 4)


async def test_the_last_page_grows(feed: Feed) -> None:
    """The empty last page, asked for again later, has what came since; what is older than a day is gone."""
    last = f"{feed.url}/{NOW + 1}"
    assert "next" not in await feed.page(last)
    await feed.clock.advance(3)
    page = await feed.page(last)
    assert [item["id"] for item in page["orderedItems"]] == [
        f"dit:activityStreamVerificationFeed:Verifier:{NOW + second}:Create" for second in (1, 2, 3)
    ]
    assert page["next"] == f"{feed.url}/{NOW + 4}"
    oldest = (await feed.page(f"{feed.url}/0"))["orderedItems"][0]["object"]["id"]
    assert oldest.endswith(f":{NOW + 3 - DAY + 1}")


async def test_a_page_far_ahead_is_empty(feed: Feed) -> None:
    """An address in the future is a page with nothing on it."""
    assert (await feed.page(f"{feed.url}/999999999999999"))["orderedItems"] == []


def test_the_shape_of_an_activity() -> None:
    """An activity is a Create of a Verifier, published at its second."""
    assert json.loads(activity(NOW)) == {
        "id": "dit:activityStreamVerificationFeed:Verifier:1739538299:Create",
        "type": "Create",
        "published": "2025-02-14T13:04:59Z",
        "dit:application": "activityStreamVerificationFeed",
        "actor": {
            "type": ["Organization", "dit:activityStreamVerificationFeedOrganization"],
            "dit:activityStreamVerificationFeedOrganizationId": "1",
        },
        "object": {
            "id": "dit:activityStreamVerificationFeed:Verifier:1739538299",
            "type": ["Document", "dit:activityStreamVerificationFeed:Verifier"],
            "name": "1739538299 Test Object Name",
            "published": "2025-02-14T13:04:59Z",
            "url": "https://activitystream.uktrade.io/activities/1739538299",
        },
    }


async def test_callers_can_be_checked() -> None:
    """With a check, a caller that it does not let through gets 401, and no activity."""

    async def check(request: web.Request) -> bool:
        return request.headers.get("Authorization") == "yes"

    runner, url = await serve(make_verification_app(MovedClock(NOW), check))
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/0") as refused:
            assert refused.status == 401
        async with session.get(f"{url}/0", headers={"Authorization": "yes"}) as served:
            assert served.status == 200
    await runner.cleanup()


def test_a_page_is_quick_to_make() -> None:
    """The activities of 300 pages are made in well under the second that serving them may take."""
    started = time.process_time()
    for second in range(NOW, NOW + 300 * PAGE_SIZE):
        activity(second)
    assert time.process_time() - started < 0.6
