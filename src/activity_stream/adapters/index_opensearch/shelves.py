"""Indices that small feeds share: a search of a hundred feeds is then one of a few shards.

    activities__shared__{mapping}    documents of many feeds' generations; each one's `_routing` names its generation
      aliases   activities           with a filter: the generations that are published
                turn_7               a number that grows with each change of that filter
                writer_17__{name}    one of a generation's: writes go through it, and get its routing from it
                dropping__{name}     instead of it: nobody writes there any more, the documents are to be deleted

Publishing changes the filter, of activities and of objects in one request, in which the number must still be what it
was when the filter was read: two collectors that publish two feeds at once cannot undo each other's change.

A document's `_id` begins with eight characters of its generation, since one item is in several of them. Answers show
`_id` and `_index` as if each generation had indices of its own (`shown`), and bodies that ask by `_id` are turned to
the field `id`, which is the same (`asked`). Why, and what was measured: docs/decisions/0011.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from activity_stream.adapters.index_opensearch.catalog import (
    SHARED,
    Shelf,
    Stored,
    dropping,
    in_path,
    index_name,
    must,
    routing,
    writer,
)
from activity_stream.adapters.index_opensearch.client import Client
from activity_stream.errors import IndexUnavailable
from activity_stream.model import Alias, Generation
from activity_stream.naming import MAX_ID_BYTES

Action = dict[str, dict[str, Any]]

_MARK = SHARED.encode()
_PREFIX_LENGTH = 9
_NAMING = ("sort", "field", "fields", "docvalue_fields")
"""The keys of a search body whose value, or each of whose values, names a field."""

_TOO_OLD = (
    "feeds can share indices (SHARED_INDEX_BELOW) on OpenSearch from 2.12 on, and on Elasticsearch 8; set it to 0 here"
)


class Shelves:
    """The shared indices of a cluster. `bodies`: what an index of each alias is created with."""

    def __init__(self, client: Client, bodies: Mapping[Alias, bytes], options: str) -> None:
        self._client = client
        self._bodies = bodies
        self._options = options
        digest = hashlib.sha256(b"".join(bodies[alias] for alias in Alias)).hexdigest()[:12]
        self._names = {alias: f"{alias}{SHARED}{digest}" for alias in Alias}

    async def ready(self, shelves: Iterable[Shelf]) -> None:
        """Create those of today's mapping that are not there."""
        there = {shelf.index for shelf in shelves}
        for alias, name in self._names.items():
            if name in there:
                continue
            aliases = {str(alias): {"filter": _filter([])}, "turn_0": {}}
            body = self._bodies[alias][:-1] + b',"aliases":' + msgspec.json.encode(aliases) + b"}"
            reply = await self._client.call("PUT", f"/{in_path(name)}?{self._options}", body)
            if reply.status != 400 or b"resource_already_exists_exception" not in reply.body:
                must(reply)

    def beginning(self, generation: Generation, lease: int) -> list[Action]:
        """The actions that begin a generation in the shared indices."""
        return [
            {"add": {"index": self._names[alias], "alias": writer(name, lease), "routing": routing(generation)}}
            for alias, name in ((alias, index_name(generation, alias)) for alias in Alias)
        ]

    def showing(self, shelves: Sequence[Shelf], new: Sequence[Stored], old: Sequence[Stored]) -> list[Action]:
        """The actions that show the new ones to readers and hide the old ones, which are to be deleted then."""
        actions: list[Action] = []
        for shelf in shelves:
            added = [routing(each.generation) for each in new if each.index == shelf.index]
            hidden = [routing(each.generation) for each in old if each.index == shelf.index]
            if not added and not hidden:
                continue
            live = [each for each in dict.fromkeys([*shelf.live, *added]) if each not in hidden]
            turn = f"turn_{shelf.turn}"
            actions += [
                {"remove": {"index": shelf.index, "alias": turn, "must_exist": True}},
                {"add": {"index": shelf.index, "alias": f"turn_{shelf.turn + 1}"}},
                {"add": {"index": shelf.index, "alias": str(shelf.alias), "filter": _filter(live)}},
            ]
        for each in old:
            if not each.dropping:
                actions += [
                    {"remove": {"index": each.index, "alias": writer(each.name, lease)}} for lease in each.writers
                ]
                actions.append({"add": {"index": each.index, "alias": dropping(each.name)}})
        return actions

    async def purge(self, found: Sequence[Stored]) -> None:
        """Delete the documents of generations that nobody sees or writes to any more, and then their last alias."""
        for each in found:
            path = in_path(each.index)
            must(await self._client.call("POST", f"/{path}/_refresh"))
            query = msgspec.json.encode({"query": {"term": {"_routing": routing(each.generation)}}})
            options = "conflicts=proceed&refresh=false&wait_for_completion=true"
            reply = must(await self._client.call("POST", f"/{path}/_delete_by_query?{options}", query))
            if msgspec.json.decode(reply.body).get("failures"):
                raise IndexUnavailable(f"documents of {each.name} could not be deleted: {reply.reason()}")
            last = {"remove": {"index": each.index, "alias": dropping(each.name)}}
            reply = await self._client.call("POST", "/_aliases", msgspec.json.encode({"actions": [last]}))
            if reply.status != 404:
                must(reply)

    async def clear(self, shelves: Sequence[Shelf], stored: Sequence[Stored]) -> None:
        """Delete the shared indices of older mappings that nothing is left in."""
        used = {each.index for each in stored} | set(self._names.values())
        for shelf in shelves:
            if shelf.index not in used and not shelf.live:
                turn = {"remove": {"index": shelf.index, "alias": f"turn_{shelf.turn}", "must_exist": True}}
                reply = await self._client.call("POST", "/_aliases", msgspec.json.encode({"actions": [turn]}))
                if reply.ok:
                    await self._client.call("DELETE", f"/{in_path(shelf.index)}?ignore_unavailable=true")


def too_old() -> IndexUnavailable:
    """What is said where the cluster cannot do it."""
    return IndexUnavailable(_TOO_OLD)


def document_id(generation: Generation, name: str) -> str:
    """The `_id` of an item in a shared index; an id for which there is no room left is put as its digest."""
    prefix = f"{generation.id.removesuffix('__')[-8:]}:"
    if len(name.encode()) + _PREFIX_LENGTH > MAX_ID_BYTES:
        return prefix + hashlib.sha256(name.encode()).hexdigest()
    return prefix + name


def asked(body: bytes) -> bytes:
    """The search body with the field `id` in place of `_id`, and of queries of the kind `ids`."""
    if b'"ids"' not in body and b'"_id"' not in body:
        return body
    return msgspec.json.encode(_turned(msgspec.json.decode(body)))


def shown(answer: bytes) -> bytes:
    """The answer with each hit's `_id` and `_index` as the contract has them. All else stays byte for byte."""
    return _shown(answer) if _MARK in answer else answer


def _filter(live: Sequence[str]) -> dict[str, Any]:
    return {"terms": {"_routing": list(live)}}


def _turned(value: Any, *, names: bool = False) -> Any:
    """The value with `id` in place of `_id` where it names a field: as a key, and where `names` says so."""
    if isinstance(value, list):
        return [_turned(each, names=names) for each in value]
    if not isinstance(value, dict):
        return "id" if names and value == "_id" else value
    if value.keys() == {"ids"} and isinstance(value["ids"], dict) and "values" in value["ids"]:
        values = value["ids"]["values"]
        boost = {"boost": value["ids"]["boost"]} if "boost" in value["ids"] else {}
        return {"terms": {"id": values if isinstance(values, list) else [values], **boost}}
    return {"id" if key == "_id" else key: _turned(each, names=key in _NAMING) for key, each in value.items()}


def _shown(value: bytes, outer: Mapping[str, msgspec.Raw] = MappingProxyType({})) -> bytes:
    if _MARK not in value:
        return value
    opening = value.lstrip()[:1]
    if opening == b"{":
        members = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
        inner: Collection[str] = members.keys()
        if members.keys() >= {"_index", "_id"} or members.keys() >= {"_index", "_score"}:
            members = _hit(members, outer) if "_id" in members else _nameless(members)
            outer = members if "_id" in members else {}
            inner = ("inner_hits",)  # what else a hit has is the document's own
        return msgspec.json.encode(
            {key: msgspec.Raw(_shown(bytes(raw), outer)) if key in inner else raw for key, raw in members.items()}
        )
    if opening == b"[":
        items = msgspec.json.decode(value, type=list[msgspec.Raw])
        return msgspec.json.encode([msgspec.Raw(_shown(bytes(raw), outer)) for raw in items])
    return value


def _nameless(members: Mapping[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """A hit that shows no `_id` (`stored_fields` is `_none_`): then the engine does not tell either which feed it is
    of, and its index is shown as its alias."""
    alias = str(msgspec.json.decode(members["_index"])).partition(SHARED)[0]
    return {**members, "_index": msgspec.Raw(msgspec.json.encode(alias))}


def _hit(members: Mapping[str, msgspec.Raw], outer: Mapping[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """A hit as it is shown, an object in a nested field as the hit that it is in; what only looks like one, in a
    document, stays as it is."""
    if "_nested" in members and "_routing" not in members:
        return _object(members, outer)
    try:
        index, name, key = (msgspec.json.decode(members[each], type=str) for each in ("_index", "_id", "_routing"))
    except (KeyError, msgspec.DecodeError):
        return dict(members)
    alias, shared, _ = index.partition(SHARED)
    if not shared:
        return dict(members)
    told = {"_index": f"{alias}__{key}", "_id": name[_PREFIX_LENGTH:]}
    return {
        name: msgspec.Raw(msgspec.json.encode(told[name])) if name in told else raw
        for name, raw in members.items()
        if name != "_routing"
    }


def _object(members: Mapping[str, msgspec.Raw], outer: Mapping[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """An object in a nested field, which an engine shows without the feed that it is of: by the hit that it is in; in
    a bucket there is none, and the alias stands for the index."""
    if outer:
        return {**members, "_index": outer["_index"], "_id": outer["_id"]}
    index, name = (msgspec.json.decode(members[each], type=str) for each in ("_index", "_id"))
    alias, shared, _ = index.partition(SHARED)
    if not shared:
        return dict(members)
    told = {"_index": alias, "_id": name[_PREFIX_LENGTH:]}
    return {**members, **{key: msgspec.Raw(msgspec.json.encode(value)) for key, value in told.items()}}
