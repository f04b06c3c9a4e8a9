"""What Elasticsearch's and OpenSearch's clients ask besides searching, all of it made of searches.

So each of them sees what the caller may see, on any index. Source: OpenSearch documentation, "Document APIs", "Count",
"Multi-search"; the shapes are theirs.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from activity_stream.errors import CallerError, SearchRefused
from activity_stream.model import Alias, Caller, SearchAnswer
from activity_stream.search import refusals
from activity_stream.search.bodies import read_object
from activity_stream.search.search import Running, Searches

MOST_SEARCHES = 100
MOST_DOCUMENTS = 1_000
_SEARCHES_AT_ONCE = 4
_HITS = 10_000
_HEADER = frozenset(
    {
        "index", "search_type", "preference", "routing", "ignore_unavailable", "allow_no_indices", "expand_wildcards",
        "request_cache", "ccs_minimize_roundtrips", "allow_partial_search_results", "cancel_after_time_interval",
    }
)  # fmt: skip
_OF_A_ROW = frozenset({"_index", "_id", "_source", "stored_fields", "routing", "_type"})


class Wanted(msgspec.Struct, frozen=True):
    """A document that is asked for: the alias as the client names it, its id, and what of it (`_source`)."""

    alias: str
    id: str
    source: bool | str | list[str] | dict[str, Any] = True


class _Hit(msgspec.Struct):
    index: str = msgspec.field(name="_index")
    id: str = msgspec.field(name="_id")
    source: Raw | msgspec.UnsetType = msgspec.field(name="_source", default=msgspec.UNSET)
    explanation: Raw | msgspec.UnsetType = msgspec.field(name="_explanation", default=msgspec.UNSET)


class _Total(msgspec.Struct, frozen=True):
    value: int


class _Hits(msgspec.Struct):
    total: _Total = _Total(0)
    hits: list[_Hit] = []


class _Answer(msgspec.Struct):
    hits: _Hits
    shards: Raw = msgspec.field(name="_shards", default_factory=lambda: Raw(b"{}"))


async def count(
    searches: Searches, caller: Caller, alias: Alias, body: bytes, least_score: str | None = None
) -> SearchAnswer:
    """How many documents a query finds, all counted; of those with a least score, where there is one. Raises as
    `Searches.run` does."""
    parts = msgspec.json.decode(body, type=dict[str, Raw]) if read_object(body) else {}
    other = next((key for key in parts if key != "query"), None)
    if other is not None:
        raise refusals.parsing(f"request does not support [{other[:100]}]: a count has a [query] and nothing else")
    least = {} if least_score is None else {"min_score": least_score}
    asked = msgspec.json.encode({**parts, **least, "size": 0, "track_total_hits": True})
    answer = await searches.whole(caller, alias, asked)
    if answer.status != 200:
        return answer
    found = msgspec.json.decode(answer.body, type=_Answer)
    return SearchAnswer(200, msgspec.json.encode({"count": found.hits.total.value, "_shards": found.shards}))


async def explained(searches: Searches, caller: Caller, wanted: Wanted, body: bytes) -> SearchAnswer:
    """Whether a document is found by a query, and what its score is made of. Raises as `Searches.run` does."""
    parts = msgspec.json.decode(body, type=dict[str, Raw]) if read_object(body) else {}
    if parts.keys() != {"query"}:
        keys = ", ".join(f"[{key[:100]}]" for key in parts)
        raise refusals.parsing(f"an explanation is of a [query] and nothing else, not of: {keys or 'nothing'}")
    # As a filter behind the query, the id has no part in the explanation.
    narrow = {"post_filter": {"ids": {"values": [wanted.id]}}, "size": 1, "explain": True, "_source": False}
    answer = await searches.whole(caller, named(wanted.alias), msgspec.json.encode({**parts, **narrow}))
    if answer.status != 200:
        return answer
    for hit in msgspec.json.decode(answer.body, type=_Answer).hits.hits:
        shown = {"_index": hit.index, "_id": hit.id, "matched": True, "explanation": hit.explanation}
        return SearchAnswer(200, msgspec.json.encode(shown))
    there = await document(searches, caller, wanted)
    if there.status not in (200, 404):
        return there
    shown = {**msgspec.json.decode(there.body), "matched": False}
    if shown.pop("found"):
        shown["explanation"] = {"value": 0.0, "description": "no matching clause", "details": []}
    return SearchAnswer(there.status, msgspec.json.encode(shown))


async def document(searches: Searches, caller: Caller, wanted: Wanted) -> SearchAnswer:
    """The document of an id, 404 where there is none, or none for this caller."""
    alias = named(wanted.alias)
    found = await _documents(searches, caller, alias, [wanted.id], wanted.source)
    if isinstance(found, SearchAnswer):
        return found
    shown = _shown(wanted, found)
    return SearchAnswer(200 if shown["found"] else 404, msgspec.json.encode(shown))


async def documents(searches: Searches, caller: Caller, wanted: Sequence[Wanted]) -> SearchAnswer:
    """Several documents, in the order that they are asked for. Raises SearchRefused for more than are allowed."""
    if len(wanted) > MOST_DOCUMENTS:
        raise refusals.illegal(f"At most {MOST_DOCUMENTS} documents can be asked for at once, these are {len(wanted)}")
    groups: dict[tuple[str, bytes], list[Wanted]] = {}
    for each in wanted:
        groups.setdefault((each.alias, msgspec.json.encode(each.source)), []).append(each)
    shown: dict[int, dict[str, Any]] = {}
    for (alias, _), members in groups.items():
        found = await _documents(searches, caller, named(alias), [each.id for each in members], members[0].source)
        if isinstance(found, SearchAnswer):
            return found
        shown |= {id(each): _shown(each, found) for each in members}
    return SearchAnswer(200, msgspec.json.encode({"docs": [shown[id(each)] for each in wanted]}))


def wanted_documents(body: bytes, alias: str | None, source: object) -> list[Wanted]:
    """The documents that the body of a multi-get names. Raises BadRequest, SearchRefused."""
    given = read_object(body)
    if given.keys() == {"ids"} and alias is not None:
        rows: Any = [{"_id": each} for each in given["ids"]] if isinstance(given["ids"], list) else None
    else:
        rows = given.get("docs") if given.keys() == {"docs"} else None
    if not isinstance(rows, list) or not rows:
        raise refusals.illegal('no documents to get: send {"docs": [{"_index": …, "_id": …}]}, or {"ids": […]}')
    found = []
    for row in rows:
        if not isinstance(row, dict) or not row.keys() <= _OF_A_ROW:
            raise refusals.illegal(f"a document is named by [_index], [_id] and [_source], not by {row!r:.100}")
        index = row.get("_index", alias)
        if not isinstance(row.get("_id"), str) or not isinstance(index, str):
            raise refusals.illegal(f"a document has to have an [_index] and an [_id], both strings: {row!r:.100}")
        shown = row.get("_source", _as_stored(row["stored_fields"]) if "stored_fields" in row else source)
        found.append(msgspec.convert({"alias": index, "id": row["_id"], "source": shown}, Wanted))
    return found


def _as_stored(names: object) -> bool:
    """Whether `_source` is among the fields that are named as stored."""
    if not isinstance(names, str | list):
        raise refusals.illegal(f"[stored_fields] is a name or a list of names, not {names!r:.100}")
    return "_source" in ([names] if isinstance(names, str) else names)


async def several(run: Running, caller: Caller, alias: str | None, lines: bytes) -> list[SearchAnswer]:
    """The answer to each search of a multi-search body: lines of JSON, a header and a body for each.

    One that is refused does not keep the others from being answered. Raises SearchRefused for a body of another form.
    """
    rows = [row for row in lines.split(b"\n") if row.strip()]
    if not rows or len(rows) % 2:
        raise refusals.illegal(
            f"a multi-search is a line with a header, then a line with a body, for each search; these are {len(rows)}"
        )
    if len(rows) > 2 * MOST_SEARCHES:
        raise refusals.illegal(f"At most {MOST_SEARCHES} searches can be asked at once, these are {len(rows) // 2}")
    turn = asyncio.Semaphore(_SEARCHES_AT_ONCE)

    async def one(header: bytes, body: bytes) -> SearchAnswer:
        async with turn:
            try:
                return await run(caller, _of_header(header, alias), body)
            except SearchRefused as refusal:
                return SearchAnswer(refusal.status, refusal.body)
            except CallerError as error:
                wrong = refusals.parsing(str(error))
                return SearchAnswer(wrong.status, wrong.body)

    return list(await asyncio.gather(*(one(*pair) for pair in zip(rows[::2], rows[1::2], strict=True))))


def together(answers: Sequence[SearchAnswer], took_ms: int) -> bytes:
    """Several answers as that of a multi-search."""
    responses = [
        Raw(each.body.rstrip()[:-1] + b',"status":200}') if each.status == 200 else Raw(each.body) for each in answers
    ]
    return msgspec.json.encode({"took": took_ms, "responses": responses})


def named(index: str) -> Alias:
    """The alias of this name. Raises SearchRefused, as OpenSearch for an index that is not there."""
    try:
        return Alias(index)
    except ValueError:
        raise refusals.refused(
            "index_not_found_exception",
            f"no such index [{index[:100]}]; there are {' and '.join(Alias)}",
            status=404,
        ) from None


def _of_header(header: bytes, alias: str | None) -> Alias:
    given = read_object(header)
    unknown = next((key for key in given if key not in _HEADER), None)
    if unknown is not None:
        raise refusals.illegal(f"key [{unknown[:100]}] is not supported in the metadata section")
    index = given.get("index", alias)
    if isinstance(index, list) and len(index) == 1:
        (index,) = index
    if not isinstance(index, str):
        raise refusals.illegal(f"a search has one [index], which is one of {', '.join(Alias)}; this is {index!r:.100}")
    return named(index)


async def _documents(
    searches: Searches, caller: Caller, alias: Alias, ids: Sequence[str], source: object
) -> Mapping[str, _Hit] | SearchAnswer:
    """The documents of these ids that the caller may see; or the index's refusal."""
    body = {"size": _HITS, "track_total_hits": False, "query": {"ids": {"values": list(dict.fromkeys(ids))}}}
    asked = msgspec.json.encode({**body, "sort": ["id"], "_source": source})
    answer = await searches.whole(caller, alias, asked)
    if answer.status != 200:
        return answer
    hits = msgspec.json.decode(answer.body, type=_Answer).hits.hits
    return {hit.id: hit for hit in reversed(hits)}


def _shown(wanted: Wanted, found: Mapping[str, _Hit]) -> dict[str, Any]:
    hit = found.get(wanted.id)
    if hit is None:
        return {"_index": wanted.alias, "_id": wanted.id, "found": False}
    source = {} if hit.source is msgspec.UNSET else {"_source": hit.source}
    return {"_index": hit.index, "_id": hit.id, "found": True, **source}
