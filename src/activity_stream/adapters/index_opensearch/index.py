"""The port `Index` on OpenSearch 1, 2, 3 or Elasticsearch 7 (from 7.10), 8.

begin    two indices, of activities and of objects, each with an alias of its writer        catalog
write    bulk requests through these aliases, both at once                                  bulk
publish  refresh; one change of aliases, the feed's old pair for the new one; drop the old  switch
search   the body's bytes go out, the answer's bytes come back
"""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from activity_stream.adapters.index_opensearch.bulk import Bulk, Document, Fenced, documents
from activity_stream.adapters.index_opensearch.catalog import (
    Stored,
    catalog,
    in_path,
    index_name,
    must,
    newest_writer,
    writer,
)
from activity_stream.adapters.index_opensearch.client import QUICK, Client
from activity_stream.adapters.index_opensearch.fitting import Fitting, restored
from activity_stream.adapters.index_opensearch.mapping import index_body
from activity_stream.adapters.index_opensearch.switch import TRIES, Switch
from activity_stream.errors import GenerationLost, IndexUnavailable, LeaseLost, SearchRefused
from activity_stream.fields import FieldMap
from activity_stream.model import Activity, Alias, Counts, Generation, Refused, SearchAnswer, WriteReport
from activity_stream.naming import MAX_ID_BYTES, new_generation
from activity_stream.ports import Clock

SHARDS_WAIT = "wait_for_active_shards=all&timeout=10s"
"""A new index waits for its copies, so that none of what it is given is on one node alone; where they cannot be had it
goes on without."""

NEWEST = b'{"size":0,"track_total_hits":false,"aggs":{"newest":{"max":{"field":"published"}}}}'
SEARCH_OPTIONS = "allow_partial_search_results=false&ignore_unavailable=true"
"""An answer without one of the feeds would be a wrong one; a feed that was just dropped is asked for once more."""

OLDEST = (7, 10)


class OpenSearchIndex:
    """The index of a cluster, with the mapping `fields`. `replicas`: the number of copies of each index, or `0-1` for
    as many as there are nodes for. The client is the index's to close."""

    def __init__(
        self, client: Client, fields: Mapping[Alias, FieldMap], clock: Clock, *, replicas: str = "0-1"
    ) -> None:
        self._client = client
        self._switch = Switch(client)
        self._bodies = {alias: msgspec.json.encode(index_body(fields[alias], replicas)) for alias in Alias}
        self._fitting = {alias: Fitting(fields[alias]) for alias in Alias}
        self._clock = clock
        self._version = 0
        self._known = False

    async def open(self, *, write: bool) -> None:
        """Nothing: a cluster that is not there now may be there later."""

    async def close(self) -> None:
        """End the connections."""
        await self._client.close()

    async def ping(self) -> None:
        """Return if the cluster answers."""
        must(await self._client.call("GET", "/", waits=()))

    async def published(self) -> Mapping[str, Generation]:
        """The generations of which an index has the alias that readers search."""
        found = await catalog(self._client)
        return {each.generation.feed: each.generation for each in found if each.published}

    async def unpublished(self) -> Sequence[Generation]:
        """The generations of the other indices, of half a pair too."""
        found = await catalog(self._client)
        shown = {each.generation for each in found if each.published}
        return list(dict.fromkeys(each.generation for each in found if each.generation not in shown))

    async def fence(self, feed: str, lease: int) -> None:
        """Move the aliases of the feed's writers to this lease."""
        for _ in range(TRIES):
            found = await self._feed(feed, lease)
            actions = [
                action
                for each in found
                if each.writers != {lease}
                for action in (
                    *({"remove": {"index": each.name, "alias": writer(each.name, old)}} for old in each.writers),
                    {"add": {"index": each.name, "alias": writer(each.name, lease)}},
                )
            ]
            if not actions or await self._switch.step(feed, lease, [], actions):
                return
        raise IndexUnavailable(f"the indices of feed {feed} change while they are being taken over")

    async def begin(self, feed: str, *, lease: int = 0) -> Generation:
        """Two new indices; their shards have been waited for."""
        await self._check_version()
        await self._feed(feed, lease)
        generation = new_generation(feed, self._clock.now())
        await asyncio.gather(*(self._create(index_name(generation, alias), alias, lease) for alias in Alias))
        return generation

    async def write(
        self, generations: Sequence[Generation], activities: Sequence[Activity], *, visible: bool, lease: int = 0
    ) -> WriteReport:
        """Bulk requests, those of activities and of objects side by side."""
        self._version += 1
        found, refused = _items(activities)
        version = (lease << 31) + self._version
        jobs = [
            self._store(generation, alias, documents(items, version), visible=visible, lease=lease)
            for generation in generations
            for alias, items in found.items()
            if items
        ]
        for more in await asyncio.gather(*jobs):
            refused += more
        refused = list(dict.fromkeys(refused))
        lost = {each.id for each in refused if each.alias is Alias.ACTIVITIES}
        return WriteReport(sum(_shown(each.id) not in lost for each in activities), tuple(refused))

    async def publish(self, generation: Generation, *, lease: int = 0) -> None:
        """One change of aliases; then the pair before, which nobody finds any more, is deleted."""
        names = {alias: index_name(generation, alias) for alias in Alias}
        for _ in range(TRIES):
            found = await self._feed(generation.feed, lease)
            if not {*names.values()} <= {each.name for each in found}:
                raise GenerationLost(f"generation {generation.id} of feed {generation.feed} is not in the index")
            before = [each for each in found if each.published and each.generation != generation]
            await self._refresh(*names.values())
            actions = [{"add": {"index": name, "alias": str(alias)}} for alias, name in names.items()]
            actions += [{"remove": {"index": each.name, "alias": str(each.alias)}} for each in before]
            still = [*names.values(), *(each.name for each in before)]
            if await self._switch.step(generation.feed, lease, still, actions):
                await self._delete([each.name for each in before])
                return
        raise IndexUnavailable(f"the indices of feed {generation.feed} change while one is being published")

    async def drop(self, generations: Sequence[Generation], *, lease: int = 0) -> None:
        """One step for those of each feed, together with a look at whose the published pair is."""
        for feed in dict.fromkeys(each.feed for each in generations):
            for _ in range(TRIES):
                found = await self._feed(feed, lease)
                gone = [each.name for each in found if each.generation in generations]
                kept = [each.name for each in found if each.published and each.name not in gone]
                actions = [{"remove_index": {"index": name}} for name in gone]
                if not gone or await self._switch.step(feed, lease, kept, actions):
                    break
            else:
                raise IndexUnavailable(f"the indices of feed {feed} change while some are being dropped")

    async def count(self, generation: Generation) -> Counts:
        """What the two indices hold, nothing where they are not there."""
        names = [index_name(generation, alias) for alias in Alias]
        await self._refresh(*names)
        return Counts(*await asyncio.gather(*(self._count(name) for name in names)))

    async def newest(self, feed: str) -> float | None:
        """The greatest `published` of the feed's published activities, in seconds."""
        names = [
            each.name for each in await catalog(self._client, feed) if each.published and each.alias is Alias.ACTIVITIES
        ]
        if not names:
            return None
        path = f"/{in_path(*names)}/_search?ignore_unavailable=true"
        reply = must(await self._client.call("POST", path, NEWEST))
        found = msgspec.json.decode(reply.body)["aggregations"]["newest"]["value"]
        return None if found is None else float(found) / 1000

    async def search(self, alias: Alias, body: bytes, *, scope: bytes | None = None) -> SearchAnswer:  # noqa: ARG002
        """The cluster's own answer. `scope` is in the body already; scores are of each feed's index as a whole."""
        path = f"/{alias}/_search?{SEARCH_OPTIONS}"
        reply = await self._client.ask(path, body or b"{}")
        if 400 <= reply.status < 500:
            raise SearchRefused(reply.status, reply.body)
        return SearchAnswer(reply.status, restored(reply.body))

    async def root(self) -> bytes:
        """The cluster's own root document."""
        return must(await self._client.call("GET", "/", waits=QUICK)).body

    async def _feed(self, feed: str, lease: int) -> list[Stored]:
        """The feed's indices. Raises LeaseLost where a newer lease writes to one."""
        found = await catalog(self._client, feed)
        if newest_writer(found) > lease:
            raise LeaseLost(f"another collector works on feed {feed} now, by right of a newer lease")
        return found

    async def _create(self, name: str, alias: Alias, lease: int) -> None:
        body = self._bodies[alias][:-1] + b',"aliases":' + msgspec.json.encode({writer(name, lease): {}}) + b"}"
        reply = await self._client.call("PUT", f"/{in_path(name)}?{SHARDS_WAIT}", body)
        if reply.status == 400 and b"resource_already_exists_exception" in reply.body:
            return  # the first try's answer was lost: the name is new for every generation
        must(reply)

    async def _store(
        self, generation: Generation, alias: Alias, found: list[Document], *, visible: bool, lease: int
    ) -> list[Refused]:
        target = in_path(writer(index_name(generation, alias), lease))
        bulk = Bulk(self._client, self._clock, self._fitting[alias], alias, target)
        try:
            return await bulk.store(found, visible=visible)
        except Fenced:
            await self._feed(generation.feed, lease)
            raise GenerationLost(
                f"generation {generation.id} of feed {generation.feed} is not in the index: build a new one"
            ) from None

    async def _refresh(self, *names: str) -> None:
        path = f"/{in_path(*names)}/_refresh?ignore_unavailable=true&allow_no_indices=true"
        reply = must(await self._client.call("POST", path))
        shards = msgspec.json.decode(reply.body)["_shards"]
        if shards["failed"]:
            raise IndexUnavailable(f"{shards['failed']} shards could not be refreshed: {reply.reason()}")

    async def _count(self, name: str) -> int:
        path = f"/{in_path(name)}/_count?ignore_unavailable=true&allow_no_indices=true"
        reply = must(await self._client.call("GET", path))
        answer = msgspec.json.decode(reply.body)
        if answer["_shards"]["failed"]:
            raise IndexUnavailable(f"the documents of {name} could not be counted: {reply.reason()}")
        return int(answer["count"])

    async def _delete(self, names: Sequence[str]) -> None:
        """Delete indices that no alias of readers leads to; what is not there is gone already."""
        if names:
            reply = await self._client.call("DELETE", f"/{in_path(*names)}?ignore_unavailable=true")
            if reply.status != 404:
                must(reply)

    async def _check_version(self) -> None:
        """Once: whether the cluster can do what is asked of it. Raises IndexUnavailable."""
        if self._known:
            return
        version = msgspec.json.decode(await self.root()).get("version", {})
        number = str(version.get("number", ""))
        known = tuple(int(part) for part in number.split(".")[:2] if part.isdigit())
        if version.get("distribution") != "opensearch" and known < OLDEST:
            raise IndexUnavailable(f"the index is Elasticsearch {number}; it has to be 7.10 or newer, or OpenSearch")
        self._known = True


def _items(activities: Sequence[Activity]) -> tuple[dict[Alias, list[tuple[str, bytes]]], list[Refused]]:
    """Ids and sources of each alias; those with an id that cannot be one are refused here."""
    found: dict[Alias, list[tuple[str, bytes]]] = {alias: [] for alias in Alias}
    refused: list[Refused] = []
    for activity in activities:
        _add(found, refused, Alias.ACTIVITIES, activity.id, activity.source)
        if activity.object_id is not None and activity.object_source is not None:
            _add(found, refused, Alias.OBJECTS, activity.object_id, activity.object_source)
    return found, refused


def _add(
    found: dict[Alias, list[tuple[str, bytes]]], refused: list[Refused], alias: Alias, name: str, source: bytes
) -> None:
    if name and len(name) <= MAX_ID_BYTES and name.isascii():
        found[alias].append((name, source))
        return
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        refused.append(Refused(alias, _shown(name), "its id has half a surrogate pair in it, which is no character"))
        return
    if 1 <= size <= MAX_ID_BYTES:
        found[alias].append((name, source))
    else:
        refused.append(Refused(alias, name, f"its id has {size} bytes, where 1 to {MAX_ID_BYTES} are allowed"))


def _shown(name: str) -> str:
    """An id as it can be printed: half a surrogate pair is told by its number."""
    return name.encode(errors="backslashreplace").decode()
