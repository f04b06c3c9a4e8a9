"""A source that remembers when it was asked, by whomever."""

import time
from itertools import pairwise

from aiohttp import web

from tests.flow.source import Source


class AskedSource(Source):
    """A source that knows how long nobody asked it for anything."""

    def __init__(self, name: str = "a", page_size: int = 50) -> None:
        super().__init__(name, page_size)
        self.asked: list[float] = []

    async def answer(self, request: web.Request) -> web.Response:
        """One page, as `Source` says."""
        self.asked.append(time.monotonic())
        return await super().answer(request)

    def longest_silence(self, since: float, until: float) -> float:
        """The longest time without a request that ended between two moments (`time.monotonic`), or went on then."""
        before = max((moment for moment in self.asked if moment <= since), default=since)
        moments = [before, *(moment for moment in self.asked if since < moment < until), until]
        return max(after - before for before, after in pairwise(moments))
