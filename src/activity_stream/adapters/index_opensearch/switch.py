"""Changes of aliases: one request, one atomic step, and only by right of the lease that writes to what is changed.

A step names an alias of its writer as one to be removed that must be there (`must_exist`), and as one to be added: so
it changes nothing there, and fails as a whole where another collector has taken the feed over. Elasticsearch 7 and
early OpenSearch do not know `must_exist`: there the aliases are looked at just before.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from activity_stream.adapters.index_opensearch.catalog import (
    TURN,
    Stored,
    catalog,
    must,
    newest_writer,
    routing,
    writer,
)
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
        all_actions = [action for each in still for action in _moved(each, lease, lease)] + list(actions)
        if not self._knows_must_exist:
            await self._look(feed, lease, still)
            all_actions = [_unchecked(action) for action in all_actions]
        reply = await self._client.call("POST", ALIASES, msgspec.json.encode({"actions": all_actions}))
        if reply.status == 400 and self._knows_must_exist and b"must_exist" in reply.body:
            self._knows_must_exist = False
            return await self.step(feed, lease, still, actions)
        if reply.status == 404 or (reply.status == 400 and b"required alias" in reply.body):
            await self._look(feed, lease, still)
            return False
        must(reply)
        return True

    async def take_over(self, feed: str, lease: int, found: Sequence[Stored]) -> bool:
        """Give what there is of the feed to this lease to write to; as `step`. It fails as a whole where a writer that
        it takes it from has lost it already: a take-over that arrives late takes nothing back from a newer one."""
        actions: list[Action] = []
        for each in found:
            if each.writers != {lease} and not each.dropping:
                for old in each.writers:
                    actions += _moved(each, old, lease)
                if not each.writers:
                    actions.append({"add": writer_of(each, lease)})
        return not actions or await self.step(feed, lease, [], actions)

    async def _look(self, feed: str, lease: int, still: Sequence[Stored]) -> None:
        """Raise what is wrong with the right to change these indices, if anything is."""
        found = await catalog(self._client, feed)
        if newest_writer(found) > lease:
            raise LeaseLost(f"another collector works on feed {feed} now, by right of a newer lease")
        there = {each.name for each in found if lease in each.writers}
        for each in still:
            if each.name not in there:
                raise GenerationLost(f"the index {each.name} is not there, or was not fenced: build a new generation")


def _moved(stored: Stored, old: int, lease: int) -> list[Action]:
    """The writer's alias, which must be there, moved from one lease to another, or the same one."""
    gone = {"index": stored.index, "alias": writer(stored.name, old), "must_exist": True}
    return [{"remove": gone}, {"add": writer_of(stored, lease)}]


def _unchecked(action: Action) -> Action:
    """The action for a cluster that does not know `must_exist`. Raises IndexUnavailable where nothing goes without."""
    removed = action.get("remove", {})
    if TURN.fullmatch(removed.get("alias", "")):
        raise too_old()
    return {"remove": {key: value for key, value in removed.items() if key != "must_exist"}} if removed else action


def writer_of(stored: Stored, lease: int) -> dict[str, Any]:
    """The alias of a writer as it is added; in a shared index it gives what is written its routing."""
    shared = {"routing": routing(stored.generation)} if stored.shared else {}
    return {"index": stored.index, "alias": writer(stored.name, lease), **shared}
