"""The port `Index` on OpenSearch 1, 2, 3 or Elasticsearch 7 (from 7.10), 8.

begin    two indices, of activities and of objects, each with an alias of its writer        catalog
write    bulk requests through these aliases, both at once                                  bulk
publish  refresh; one change of aliases, the feed's old pair for the new one; drop the old  switch
         small feeds can share indices instead of having pairs                              shelves
search   the body's bytes go out, the answer's bytes come back; scores within a scope     scoped
         what finds everything and is sorted has every document on its pages              sorting
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import msgspec

from activity_stream.adapters.index_opensearch import unmapped
from activity_stream.adapters.index_opensearch.bulk import Bulk, Document, Fenced, Item, documents
from activity_stream.adapters.index_opensearch.catalog import (
    Stored,
    Survey,
    catalog,
    in_path,
    index_name,
    must,
    newest_writer,
    routing,
    said,
    survey,
    writer,
)
from activity_stream.adapters.index_opensearch.client import QUICK, Client, Reply
from activity_stream.adapters.index_opensearch.fitting import Fitting, restored
from activity_stream.adapters.index_opensearch.mapping import index_body
from activity_stream.adapters.index_opensearch.scoped import Scoping, without_indices, without_traces
from activity_stream.adapters.index_opensearch.shelves import Shelves, asked, document_id, shown, too_old
from activity_stream.adapters.index_opensearch.sorting import with_all_hits
from activity_stream.adapters.index_opensearch.switch import TRIES, Switch
from activity_stream.errors import GenerationLost, IndexUnavailable, LeaseLost, SearchRefused
from activity_stream.fields import FieldMap
from activity_stream.model import (
    Activity,
    Alias,
    Counts,
    Generation,
    Refused,
    SearchAnswer,
    StoredDocument,
    WriteReport,
)
from activity_stream.naming import id_problem, new_generation, readable
from activity_stream.ports import Clock

SHARDS_WAIT = "wait_for_active_shards=all&timeout=10s"
"""A new index waits for its copies, so that none of what it is given is on one node alone; where they cannot be had it
goes on without."""

NEWEST = {"size": 0, "track_total_hits": False, "aggs": {"newest": {"max": {"field": "published"}}}}
SEARCH_OPTIONS = "allow_partial_search_results=false&ignore_unavailable=true"
"""An answer without one of the feeds would be a wrong one; a feed that was just dropped is asked for once more."""
SCOPED_OPTIONS = f"{SEARCH_OPTIONS}&pre_filter_shard_size={2**31 - 1}"
"""With a scope, indices are not looked at beforehand: that would put those first whose documents, the caller's or not,
have the first value of the sort, so that hits of equal rank would tell of it."""

T = TypeVar("T")

OLDEST = (7, 10)
"""The Elasticsearch from which on a bulk request can ask for an alias (`require_alias`)."""

SHARES = {"opensearch": (2, 12), "elasticsearch": (8, 0)}
"""Since when small feeds can share indices: what is changed together has to be checked together (`must_exist`)."""


DOCUMENTS_AT_ONCE = 2_000


class _Hit(msgspec.Struct, frozen=True):
    source: msgspec.Raw = msgspec.field(name="_source")
    sort: list[str]


class _Hits(msgspec.Struct, frozen=True):
    hits: list[_Hit]


class _Found(msgspec.Struct, frozen=True):
    hits: _Hits


class OpenSearchIndex:
    """The index of a cluster, with the mapping `fields`. `replicas`: the number of copies of each index, or `0-1` for
    as many as there are nodes for. Feeds with fewer than `shared_below` activities share indices; 0: none does. The
    client is the index's to close."""

    def __init__(
        self,
        client: Client,
        fields: Mapping[Alias, FieldMap],
        clock: Clock,
        *,
        replicas: str = "0-1",
        shared_below: int = 0,
    ) -> None:
        self._client = client
        self._switch = Switch(client)
        self._fields = fields
        self._bodies = {alias: msgspec.json.encode(index_body(fields[alias], replicas)) for alias in Alias}
        self._fitting = {alias: Fitting(fields[alias]) for alias in Alias}
        self._scoping = {alias: Scoping(fields[alias]) for alias in Alias}
        self._shelves = Shelves(client, self._bodies, SHARDS_WAIT)
        self._shared_below = shared_below
        self._shared: dict[str, frozenset[Generation]] = {}
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
            if await self._switch.take_over(feed, lease, found.stored):
                return
        raise IndexUnavailable(f"the indices of feed {feed} change while they are being taken over")

    async def begin(self, feed: str, *, lease: int = 0) -> Generation:
        """Two new indices, whose shards have been waited for; or a place in the shared ones."""
        await self._check_version()
        found = await self._feed(feed, lease)
        generation = new_generation(feed, self._clock.now())
        if await self._is_small(found.stored):
            await self._shelves.ready(found.shelves)
            if not await self._switch.step(feed, lease, [], self._shelves.beginning(generation, lease)):
                raise IndexUnavailable("the shared indices were deleted while a generation was begun in them")
            self._shared[feed] = self._shared.get(feed, frozenset()) | {generation}
        else:
            await _together(*(self._create(index_name(generation, alias), alias, lease) for alias in Alias))
        return generation

    async def write(
        self, generations: Sequence[Generation], activities: Sequence[Activity], *, visible: bool, lease: int = 0
    ) -> WriteReport:
        """Bulk requests, those of activities and of objects side by side."""
        self._version += 1
        found, refused = _items(activities)
        version = (lease << 31) + self._version
        for feed in {each.feed for each in generations} - self._shared.keys():
            await self._feed(feed, lease)
        bodies = {alias: self._bodies_of(alias, items) for alias, items in found.items() if items}
        jobs = [
            self._store(generation, alias, self._documents(generation, items, version), visible=visible, lease=lease)
            for generation in generations
            for alias, items in bodies.items()
        ]
        for more in await _together(*jobs):
            refused += more
        refused = list(dict.fromkeys(refused))
        lost = {each.id for each in refused if each.alias is Alias.ACTIVITIES}
        return WriteReport(sum(readable(each.id) not in lost for each in activities), tuple(refused))

    async def publish(self, generation: Generation, *, lease: int = 0) -> None:
        """One change of aliases; then what was there before, which nobody finds any more, is deleted.

        Where that deletion fails the publishing has come to pass all the same: it is left to the next `begin`'s caller.
        """
        names = {index_name(generation, alias) for alias in Alias}
        for _ in range(TRIES):
            found = await self._feed(generation.feed, lease)
            new = [each for each in found.stored if each.name in names and not each.dropping]
            if len(new) != len(names):
                raise GenerationLost(f"generation {generation.id} of feed {generation.feed} is not in the index")
            old = [each for each in found.stored if each.published and each.generation != generation]
            await self._refresh(*(each.index for each in new))
            actions = [{"add": {"index": each.name, "alias": str(each.alias)}} for each in new if not each.shared]
            actions += [{"remove": {"index": each.name, "alias": str(each.alias)}} for each in old if not each.shared]
            actions += self._shelves.showing(found.shelves, _on_shelves(new), _on_shelves(old))
            if await self._switch.step(generation.feed, lease, [*new, *old], actions):
                with suppress(IndexUnavailable):
                    await self._delete([each.name for each in old if not each.shared])
                    await self._shelves.purge(_on_shelves(old))
                return
            await self._clock.sleep(secrets.randbelow(50) / 1000)
        raise IndexUnavailable(f"the indices of feed {generation.feed} change while one is being published")

    async def drop(self, generations: Sequence[Generation], *, lease: int = 0) -> None:
        """One step for those of each feed, together with a look at whose the published ones are."""
        for feed in dict.fromkeys(each.feed for each in generations):
            for _ in range(TRIES):
                found = await self._feed(feed, lease)
                gone = [each for each in found.stored if each.generation in generations]
                kept = [each for each in found.stored if each.published and each not in gone]
                actions = [{"remove_index": {"index": each.name}} for each in gone if not each.shared]
                actions += self._shelves.showing(found.shelves, [], _on_shelves(gone))
                if not actions or await self._switch.step(feed, lease, kept, actions):
                    await self._shelves.purge(_on_shelves(gone))
                    break
            else:
                raise IndexUnavailable(f"the indices of feed {feed} change while some are being dropped")
            if found.shelves:
                await self._shelves.clear(found.shelves, await catalog(self._client))

    async def count(self, generation: Generation) -> Counts:
        """What the generation's parts hold, nothing where they are not there."""
        found = [each for each in await catalog(self._client, generation.feed) if each.generation == generation]
        await self._refresh(*(each.index for each in found))
        counts = dict(zip((each.alias for each in found), await _together(*map(self._count, found)), strict=True))
        return Counts(*(counts.get(alias, 0) for alias in Alias))

    async def documents(self, generation: Generation, alias: Alias) -> AsyncIterator[Sequence[StoredDocument]]:
        """In the order of their ids; what is written is made visible first."""
        for each in await catalog(self._client, generation.feed):
            if each.generation == generation and each.alias is alias:
                await self._refresh(each.index)
                path = f"/{in_path(each.index)}/_search?{SEARCH_OPTIONS}"
                body = {**_only(each), "size": DOCUMENTS_AT_ONCE, "sort": [{"id": "asc"}], "track_total_hits": False}
                while hits := _hits(await self._client.call("POST", path, msgspec.json.encode(body))):
                    yield [StoredDocument(str(hit.sort[0]), bytes(hit.source)) for hit in hits]
                    body["search_after"] = hits[-1].sort

    async def newest(self, feed: str) -> float | None:
        """The greatest `published` of the feed's published activities, in seconds."""
        for each in await catalog(self._client, feed):
            if each.published and each.alias is Alias.ACTIVITIES:
                path = f"/{in_path(each.index)}/_search?ignore_unavailable=true"
                reply = await self._client.call("POST", path, msgspec.json.encode({**NEWEST, **_only(each)}))
                value = said(reply)["aggregations"]["newest"]["value"]
                return None if value is None else float(value) / 1000
        return None

    async def search(self, alias: Alias, body: bytes, *, scope: bytes | None = None) -> SearchAnswer:
        """The cluster's answer; with `scope`, nothing in it depends on, or tells of, what that does not find."""
        if scope is None:
            return await self._search(alias, body, SEARCH_OPTIONS)
        search = partial(self._search, alias, options=SCOPED_OPTIONS)
        try:
            now_ms = int(self._clock.now() * 1000)
            answer = await search(await self._scoping[alias].scoped(search, body, scope, now_ms))
        except SearchRefused as refusal:
            raise without_indices(refusal) from None
        return SearchAnswer(answer.status, without_traces(answer.body))

    async def root(self) -> bytes:
        """The cluster's own root document."""
        return must(await self._client.call("GET", "/", waits=QUICK)).body

    async def _search(self, alias: Alias, body: bytes, options: str) -> SearchAnswer:
        path = f"/{alias}/_search?{options}"
        body = with_all_hits(unmapped.asked(body, self._fitting[alias].unmapped)) if body else b"{}"
        reply = await self._client.ask(path, asked(body) if self._shared_below else body)
        if 400 <= reply.status < 500:
            raise SearchRefused(reply.status, reply.body)
        return SearchAnswer(reply.status, shown(restored(reply.body)))

    async def _feed(self, feed: str, lease: int) -> Survey:
        """What there is of the feed. Raises LeaseLost where a newer lease writes to it."""
        found = await survey(self._client, feed)
        if newest_writer(found.stored) > lease:
            raise LeaseLost(f"another collector works on feed {feed} now, by right of a newer lease")
        self._shared[feed] = frozenset(each.generation for each in found.stored if each.shared)
        return found

    async def _is_small(self, found: Sequence[Stored]) -> bool:
        """Whether the feed's next generation goes into the shared indices: as readers see it, it is small now."""
        for each in found:
            if self._shared_below and each.published and each.alias is Alias.ACTIVITIES:
                return await self._count(each) < self._shared_below
        return False

    def _bodies_of(self, alias: Alias, items: Sequence[tuple[str, bytes]]) -> list[Item]:
        """What is stored of each item, in whatever generations; of an id that comes twice, of the later one."""
        return [Item(name, source, self._fitting[alias].stored(source)) for name, source in dict(items).items()]

    def _documents(self, generation: Generation, items: Sequence[Item], version: int) -> list[Document]:
        if generation not in self._shared.get(generation.feed, ()):
            return documents(items, version)
        return documents(items, version, lambda name: document_id(generation, name))

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
        await _together(*(self._refresh_one(name) for name in names))

    async def _refresh_one(self, name: str) -> None:
        """A shard that is on no node now is neither successful nor failed; it has not been refreshed all the same."""
        path = f"/{in_path(name)}/_refresh?ignore_unavailable=true&allow_no_indices=true"
        for wait in (0.0, *self._client.waits):
            await self._clock.sleep(wait)
            reply = await self._client.call("POST", path)
            shards = said(reply)["_shards"]
            if not shards["failed"] and (shards["successful"] or not shards["total"]):
                return
        raise IndexUnavailable(f"the shards of {name} could not be refreshed: {reply.reason()}")

    async def _count(self, stored: Stored) -> int:
        path = f"/{in_path(stored.index)}/_count?ignore_unavailable=true&allow_no_indices=true"
        reply = await self._client.call("POST", path, msgspec.json.encode(_only(stored)))
        answer = said(reply)
        if answer["_shards"]["failed"]:
            raise IndexUnavailable(f"the documents of {stored.name} could not be counted: {reply.reason()}")
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
        version = said(await self._client.call("GET", "/", waits=QUICK)).get("version", {})
        number = str(version.get("number", ""))
        known = tuple(int(part) for part in number.split(".")[:2] if part.isdigit())
        kind = "opensearch" if version.get("distribution") == "opensearch" else "elasticsearch"
        if kind == "elasticsearch" and known < OLDEST:
            raise IndexUnavailable(
                f"the index is Elasticsearch {number}; it has to be 7.10 or newer, or OpenSearch: change INDEX_URL"
            )
        if self._shared_below and known < SHARES[kind]:
            raise too_old()
        self._known = True


async def _together(*jobs: Coroutine[Any, Any, T]) -> list[T]:
    """What the jobs return, run side by side. When one fails the others are ended: none goes on unseen."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _hits(reply: Reply) -> list[_Hit]:
    """The documents of an answer, as they came. Raises IndexUnavailable."""
    try:
        return msgspec.json.decode(restored(must(reply).body), type=_Found).hits.hits
    except msgspec.DecodeError as error:
        raise IndexUnavailable(f"the index answered a search with what cannot be read: {error}") from error


def _on_shelves(found: Sequence[Stored]) -> list[Stored]:
    return [each for each in found if each.shared]


def _only(stored: Stored) -> dict[str, Any]:
    """The query that finds a generation's documents in its index."""
    return {"query": {"term": {"_routing": routing(stored.generation)}}} if stored.shared else {}


def _items(activities: Sequence[Activity]) -> tuple[dict[Alias, list[tuple[str, bytes]]], list[Refused]]:
    """Ids and sources of each alias; those with an id that cannot be one are refused here."""
    found: dict[Alias, list[tuple[str, bytes]]] = {alias: [] for alias in Alias}
    refused: list[Refused] = []

    def add(alias: Alias, name: str, source: bytes) -> None:
        if problem := id_problem(name):
            refused.append(Refused(alias, readable(name), problem))
        else:
            found[alias].append((name, source))

    for activity in activities:
        add(Alias.ACTIVITIES, activity.id, activity.source)
        if activity.object_id is not None and activity.object_source is not None:
            add(Alias.OBJECTS, activity.object_id, activity.object_source)
    return found, refused
