"""Changes of aliases: one request, one atomic step, and only by right of the lease that writes to what is changed.

A step names an alias of its writer as one to be removed that must be there (`must_exist`), and as one to be added: so
it changes nothing there, and fails as a whole where another collector has taken the feed over. Elasticsearch 7 and
early OpenSearch do not know `must_exist`: there the aliases are looked at just before.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from activity_stream.adapters.index_opensearch.catalog import Stored, catalog, must, newest_writer, routing, writer
from activity_stream.adapters.index_opensearch.client import Client
from activity_stream.adapters.index_opensearch.shelves import Action, too_old
from activity_stream.errors import GenerationLost, LeaseLost

ALIASES = "/_aliases"
TRIES = 10
"""How often what changes under one's hands is looked at again: other feeds are published at the same time."""


class Switch:
    """Changes the aliases of a cluster's indices."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._knows_must_exist = True

    async def step(self, feed: str, lease: int, still: Sequence[Stored], actions: Sequence[Action]) -> bool:
        """Carry out the actions if `still` are this lease's to write to.

        False where an index or an alias of the actions was not there (any more). Raises LeaseLost, GenerationLost where
        one of `still` is not there, IndexUnavailable.
        """
        if not self._knows_must_exist:
            await self._look(feed, lease, still)
        checks: list[Action] = []
        for each in still:
            must_exist = {"must_exist": True} if self._knows_must_exist else {}
            checks += [{"remove": {"index": each.index, "alias": writer(each.name, lease), **must_exist}}]
            checks += [{"add": writer_of(each, lease)}]
        if not self._knows_must_exist and any("must_exist" in each.get("remove", {}) for each in actions):
            raise too_old()
        reply = await self._client.call("POST", ALIASES, msgspec.json.encode({"actions": [*checks, *actions]}))
        if reply.status == 400 and self._knows_must_exist and b"must_exist" in reply.body:
            self._knows_must_exist = False
            return await self.step(feed, lease, still, actions)
        if reply.status == 404 or (reply.status == 400 and b"required alias" in reply.body):
            await self._look(feed, lease, still)
            return False
        must(reply)
        return True

    async def _look(self, feed: str, lease: int, still: Sequence[Stored]) -> None:
        """Raise what is wrong with the right to change these indices, if anything is."""
        found = await catalog(self._client, feed)
        if newest_writer(found) > lease:
            raise LeaseLost(f"another collector works on feed {feed} now, by right of a newer lease")
        there = {each.name for each in found if lease in each.writers}
        for each in still:
            if each.name not in there:
                raise GenerationLost(f"the index {each.name} is not there, or was not fenced: build a new generation")


def writer_of(stored: Stored, lease: int) -> dict[str, Any]:
    """The alias of a writer as it is added; in a shared index it gives what is written its routing."""
    shared = {"routing": routing(stored.generation)} if stored.shared else {}
    return {"index": stored.index, "alias": writer(stored.name, lease), **shared}
