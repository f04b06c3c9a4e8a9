"""The caller's query, narrowed by the caller's grants, and asked."""

import msgspec

from activity_stream.errors import SearchRefused
from activity_stream.grants import filter_of, is_unrestricted
from activity_stream.model import Alias, Caller, SearchAnswer
from activity_stream.ports import Index
from activity_stream.search.bodies import read_object
from activity_stream.search.safe import narrowed


class Searches:
    """Asks an index for callers. The API and the command line both go through here."""

    def __init__(self, index: Index) -> None:
        self._index = index

    async def run(self, caller: Caller, alias: Alias, body: bytes) -> SearchAnswer:
        """The index's answer to a search body (empty: everything), over what the caller may see.

        The body of a caller that sees all goes to the index as it came; any other's is read, narrowed and written anew.
        What the index refuses is an answer too, with the index's status. Raises BadRequest where the body is not a JSON
        object, IndexUnavailable.
        """
        content = read_object(body)
        try:
            if is_unrestricted(caller, alias):
                return await self._index.search(alias, body if content else b"")
            scope = filter_of(caller, alias)
            safe = narrowed(content, scope)
            return await self._index.search(alias, safe, scope=msgspec.json.encode(scope))
        except SearchRefused as refusal:
            return SearchAnswer(refusal.status, refusal.body)

    async def root(self) -> bytes:
        """The index's root document."""
        return await self._index.root()
