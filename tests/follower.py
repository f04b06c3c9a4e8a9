"""A reader that follows what changes, and what it should know."""

from typing import Any

import msgspec

from activity_stream.errors import Gone
from activity_stream.model import Alias, Caller
from activity_stream.search.following import Following, Place
from activity_stream.search.search import Searches

Known = dict[str, Any]


class Follower:
    """One caller who follows an alias: `known` is what it has been told is there, `told` every item it was given."""

    def __init__(self, following: Following, caller: Caller, alias: Alias, size: int = 3) -> None:
        self._following = following
        self._caller = caller
        self._alias = alias
        self._size = size
        self.place: Place | None = None
        self.known: Known = {}
        self.told: list[Any] = []
        self.begun = 0

    async def catch_up(self) -> Known:
        """Read until there is no more, from the beginning if it has to be."""
        while True:
            try:
                if self.place is None:
                    await self._begin()
                await self._read()
            except Gone:
                self.place = None
            else:
                return self.known

    async def _begin(self) -> None:
        self.begun += 1
        self.known = {}
        self.place = await self._following.begin(self._caller, self._alias)

    async def _read(self) -> None:
        while True:
            assert self.place is not None
            told = await self._following.page(self._caller, self._alias, self.place, self._size)
            self.place = told.place
            for item in told.items:
                self._take(msgspec.json.decode(item))
            if not told.items:
                return

    def _take(self, item: Any) -> None:
        self.told.append(item)
        if item["type"] == "Delete" and item["object"]["type"] == "Tombstone":
            self.known.pop(item["object"]["id"], None)
        else:
            self.known[item["id"]] = item


async def seen(searches: Searches, caller: Caller, alias: Alias) -> Known:
    """What a search shows the caller, by id."""
    answer = await searches.run(caller, alias, b'{"size": 10000}')
    return {hit["_id"]: hit["_source"] for hit in msgspec.json.decode(answer.body)["hits"]["hits"]}
