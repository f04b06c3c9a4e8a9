"""The oracle is good for something: known mistakes, put in on purpose, are found within a few histories."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from activity_stream.collect import cycles, lease
from activity_stream.collect.generations import Generations
from activity_stream.collect.keeping import FeedRecords
from activity_stream.collect.pipeline import Fetched, Pipeline
from activity_stream.errors import ActivityStreamError
from activity_stream.feeds.walk import Walk
from activity_stream.model import Generation, Page, WriteReport
from activity_stream.ports import Response
from tests.oracle.test_oracle import play

WITHIN = 300


class ShortWalk(Walk):
    """Takes the third page for the last one."""

    pages = 0

    def accept(self, response: Response) -> Page:
        """The page, and the end after three."""
        page = super().accept(response)
        self.pages += 1
        if self.pages == 3:
            self.address = None
        return page


def updates_into_the_published_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """What updates showed vanishes at the next publish."""

    def aims(self: Generations) -> list[Generation]:
        return [self.published] if self.published is not None else []

    monkeypatch.setattr(Generations, "_aims", aims)


def publish_before_the_last_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of a generation is shown."""
    monkeypatch.setattr(cycles, "Walk", ShortWalk)


def cursor_moved_before_the_page_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that could not be written is never asked for again."""
    write = Generations.write_update

    async def forgiving(self: Generations, fetched: Fetched) -> WriteReport | None:
        try:
            return await write(self, fetched)
        except ActivityStreamError:
            return None

    monkeypatch.setattr(Generations, "write_update", forgiving)


def cursor_too_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full ingest moves the cursor beyond its last page, and polls go by what comes next."""
    ended = FeedRecords.crawl_ended

    def overwriting(self: FeedRecords, last_address: str, *rest: object) -> None:
        ended(self, last_address.replace("after=", "after=1"), *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(FeedRecords, "crawl_ended", overwriting)


def no_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both cycles fetch as they like, and an older page can be written last."""

    class Everyone(asyncio.Lock):
        async def __aenter__(self) -> None:
            """Come in."""

        async def __aexit__(self, *_: object) -> None:
            """Go out."""

    made = Pipeline.__init__

    def without_lock(self: Pipeline, *parts: object) -> None:
        made(self, *parts)  # type: ignore[arg-type]
        self._turn = Everyone()

    monkeypatch.setattr(Pipeline, "__init__", without_lock)


def begun_before_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll's page, fetched before an item was dropped, gets into the generation begun after."""

    async def two_turns(
        self: Pipeline,
        begin: Callable[[], Awaitable[object]],
        walk: Walk,
        write: Callable[[object, Sequence[Fetched]], Awaitable[object]],
    ) -> object:
        begun = await self.step(begin)
        await self.page(walk, lambda fetched: write(begun, fetched))
        return begun

    monkeypatch.setattr(Pipeline, "first_page", two_turns)


def lease_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that lost its lease works on."""
    monkeypatch.setattr(lease, "_MARGIN", -1000.0)


def leftovers_are_all_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was published goes with the leftovers."""
    begin = Generations.begin

    async def rough(self: Generations) -> object:
        if self.published is not None:
            await self._index.drop([self.published])
        return await begin(self)

    monkeypatch.setattr(Generations, "begin", rough)


@pytest.mark.parametrize(
    "mistake",
    [
        updates_into_the_published_only,
        publish_before_the_last_page,
        cursor_moved_before_the_page_is_written,
        cursor_too_far,
        no_turns,
        begun_before_its_turn,
        lease_without_end,
        leftovers_are_all_there_is,
    ],
)
async def test_a_mistake_is_found(
    monkeypatch: pytest.MonkeyPatch, mistake: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """Each mistake breaks a promise in one of the first histories."""
    mistake(monkeypatch)
    for seed in range(1, WITHIN):
        try:
            await play(seed)
        except AssertionError:
            return
    pytest.fail(f"{mistake.__name__} was not found in {WITHIN - 1} histories")
