"""The third version: what Elasticsearch's and OpenSearch's own clients ask, as they ask it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from activity_stream.api.contexts import Contexts
from activity_stream.api.encoding import LONG
from activity_stream.api.filter_path import filtered
from activity_stream.api.parts import PARTS
from activity_stream.api.search import JSON, PRODUCT, SEARCHES, admitted
from activity_stream.errors import BodyTooLarge, SearchRefused
from activity_stream.model import Alias, Caller, SearchAnswer
from activity_stream.search import parameters, refusals, standard
from activity_stream.search.bodies import read_object
from activity_stream.search.mappings import capabilities, mapping_of, properties
from activity_stream.search.search import Running
from activity_stream.search.typed import typed

CONTEXTS: web.AppKey[Contexts] = web.AppKey("contexts", Contexts)
Answering = Callable[[web.Request, Caller, bytes], Awaitable[SearchAnswer]]

_ALIAS = f"{{alias:{'|'.join(Alias)}}}"
_POINT_PARAMETERS = frozenset({"keep_alive", "allow_partial_pit_creation"})


def routes() -> Iterator[tuple[str, str, Handler]]:
    """Method, path and handler of each route. Both `/v3/…` and `//v3/…`: a client's base URL may end in a slash."""
    for root in ("/v3", "//v3"):
        for path, methods, handler in _ROUTES:
            for method in methods.split():
                yield method, root + path, admitted(_answered(handler))


def _answered(handler: Answering) -> Callable[[web.Request, Caller, bytes], Awaitable[web.Response]]:
    """The handler's answer, or the refusal that it raises, over HTTP. Where there is no body, `source` is one: some
    clients send it so with a GET."""

    async def answered(request: web.Request, caller: Caller, body: bytes) -> web.Response:
        if not body and "source" in request.query:
            body = request.query["source"].encode()
            if len(body) > caller.limits.body:
                raise BodyTooLarge(caller.limits.body)
        try:
            answer = await _shaped(request, await handler(request, caller, body), is_source=handler is _source)
        except SearchRefused as refusal:
            answer = SearchAnswer(refusal.status, refusal.body)
        return web.Response(status=answer.status, body=answer.body, content_type=JSON, headers=PRODUCT)

    return answered


async def _shaped(request: web.Request, answer: SearchAnswer, *, is_source: bool) -> SearchAnswer:
    """The answer as `rest_total_hits_as_int`, `filter_path` and `pretty` want it. Of errors and sources no parts are
    taken."""
    body = answer.body
    if answer.status == 200 and _is_set(request, "rest_total_hits_as_int"):
        body = _with_number(body)
    patterns = request.query.get("filter_path")
    if patterns and not is_source and not _is_error(answer):
        body = await asyncio.to_thread(filtered, body, patterns) if len(body) > LONG else filtered(body, patterns)
    if _is_set(request, "pretty"):
        body = msgspec.json.format(body, indent=2) + b"\n"
    return SearchAnswer(answer.status, body)


def _is_error(answer: SearchAnswer) -> bool:
    """Whether the answer says what went wrong; a 404 may say as well that something is not there."""
    if answer.status != 404:
        return answer.status != 200
    return "error" in msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])


def _with_number(body: bytes) -> bytes:
    """The answer with a number for its total hits; of several searches, each of them."""
    parts = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    if "responses" in parts:
        each = msgspec.json.decode(parts["responses"], type=list[msgspec.Raw])
        return msgspec.json.encode({**parts, "responses": [msgspec.Raw(_with_number(bytes(raw))) for raw in each]})
    if "hits" not in parts:
        return body
    hits = msgspec.json.decode(parts["hits"], type=dict[str, msgspec.Raw])
    total = msgspec.json.decode(hits["total"])["value"] if "total" in hits else -1
    return msgspec.json.encode({**parts, "hits": {**hits, "total": total}})


def _is_set(request: web.Request, name: str) -> bool:
    return name in request.query and parameters.boolean(name, request.query[name])


def _known(request: web.Request, known: frozenset[str] = frozenset()) -> None:
    parameters.refuse_unknown(request.query, known | {"pretty", "filter_path", "source"}, request.path)


def _alias(request: web.Request) -> Alias:
    return Alias(request.match_info["alias"])


async def _root(request: web.Request, _caller: Caller, _body: bytes) -> SearchAnswer:
    _known(request)
    found = await request.app[SEARCHES].root()
    is_elastic = request.headers.get("User-Agent", "").lower().startswith("elastic")
    return SearchAnswer(200, _as_elasticsearch(found) if is_elastic else found)


def _as_elasticsearch(root: bytes) -> bytes:
    """OpenSearch's root document as Elasticsearch's clients of version 7 want it: they talk to nothing else.

    It is what OpenSearch 1 and 2 say with `compatibility.override_main_response_version`.
    """
    found = msgspec.json.decode(root)
    if found.get("version", {}).get("distribution") != "opensearch":
        return root
    version = {**found["version"], "number": "7.10.2", "build_flavor": "default"}
    return msgspec.json.encode({**found, "version": version, "tagline": "You Know, for Search"})


async def _search(request: web.Request, caller: Caller, body: bytes) -> SearchAnswer:
    _known(request, parameters.OF_A_SEARCH | {"scroll"})
    asked = parameters.with_parameters(body, request.query)
    if _is_set(request, "rest_total_hits_as_int"):
        asked = _counting_all(asked)
    if "scroll" in request.query:
        answer = await request.app[CONTEXTS].scroll(caller, _alias(request), asked, request.query["scroll"])
        return await _typed(request, _alias(request), asked, answer)
    return await _running(request)(caller, _alias(request), asked)


def _running(request: web.Request) -> Running:
    """Asks as `Searches.run` does, and names what is in answers as the request wants it."""

    async def run(caller: Caller, alias: Alias, body: bytes) -> SearchAnswer:
        return await _typed(request, alias, body, await request.app[SEARCHES].run(caller, alias, body))

    return run


async def _typed(request: web.Request, alias: Alias, body: bytes, answer: SearchAnswer) -> SearchAnswer:
    """The answer to a search body, as `typed_keys` wants it."""
    if answer.status != 200 or not _is_set(request, "typed_keys"):
        return answer
    asked = answer.body, body, request.app[PARTS].fields[alias]
    return SearchAnswer(200, await asyncio.to_thread(typed, *asked) if len(answer.body) > LONG else typed(*asked))


def _counting_all(body: bytes) -> bytes:
    """The body, to count all hits where it does not say how many: a number says nothing of "or more"."""
    parts = {} if not read_object(body) else msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return body if "track_total_hits" in parts else msgspec.json.encode({**parts, "track_total_hits": True})


async def _search_a_point(request: web.Request, caller: Caller, body: bytes) -> SearchAnswer:
    _known(request, parameters.OF_A_SEARCH)
    return await request.app[CONTEXTS].search(
        _running(request), caller, parameters.with_parameters(body, request.query)
    )


async def _count(request: web.Request, caller: Caller, body: bytes) -> SearchAnswer:
    _known(request, parameters.OF_A_COUNT)
    least = request.query.get("min_score")
    given = {name: value for name, value in request.query.items() if name != "min_score"}
    asked = parameters.with_parameters(body, given)
    return await standard.count(request.app[SEARCHES], caller, _alias(request), asked, least)


async def _explanation(request: web.Request, caller: Caller, body: bytes) -> SearchAnswer:
    _known(request, parameters.OF_A_COUNT)
    asked = parameters.with_parameters(body, request.query)
    wanted = standard.Wanted(_alias(request), request.match_info["id"], source=False)
    return await standard.explained(request.app[SEARCHES], caller, wanted, asked)


async def _several(request: web.Request, caller: Caller, body: bytes) -> SearchAnswer:
    _known(request, parameters.SHAPE)
    began = time.perf_counter()
    answers = await standard.several(_running(request), caller, request.match_info.get("alias"), body)
    return SearchAnswer(200, standard.together(answers, int((time.perf_counter() - began) * 1000)))


async def _document(request: web.Request, caller: Caller, _body: bytes) -> SearchAnswer:
    _known(request, parameters.OF_A_DOCUMENT)
    wanted = standard.Wanted(_alias(request), request.match_info["id"], parameters.source_filter(request.query))
    return await standard.document(request.app[SEARCHES], caller, wanted)


async def _source(request: web.Request, caller: Caller, body: bytes) -> SearchAnswer:
    found = await _document(request, caller, body)
    shown = msgspec.json.decode(found.body, type=dict[str, msgspec.Raw])
    if found.status == 200:
        return SearchAnswer(200, bytes(shown.get("_source", b"{}")))
    if found.status != 404:
        return found
    name = f"[{request.match_info['alias']}]/[{request.match_info['id'][:200]}]"
    raise refusals.refused("resource_not_found_exception", f"Document not found {name}", status=404)


async def _documents(request: web.Request, caller: Caller, body: bytes) -> SearchAnswer:
    _known(request, parameters.OF_A_DOCUMENT)
    source = parameters.source_filter(request.query)
    wanted = standard.wanted_documents(body, request.match_info.get("alias"), source)
    return await standard.documents(request.app[SEARCHES], caller, wanted)


async def _mapping(request: web.Request, _caller: Caller, _body: bytes) -> SearchAnswer:
    _known(request)
    shown = {alias: _mappings(request, alias) for alias in _aliases(request)}
    return SearchAnswer(200, msgspec.json.encode(shown))


async def _index(request: web.Request, _caller: Caller, _body: bytes) -> SearchAnswer:
    _known(request)
    shown = {alias: {"aliases": {}, **_mappings(request, alias), "settings": {}} for alias in _aliases(request)}
    return SearchAnswer(200, msgspec.json.encode(shown))


def _mappings(request: web.Request, alias: Alias) -> Mapping[str, Any]:
    return {"mappings": {"dynamic": "false", "properties": properties(request.app[PARTS].fields[alias])}}


async def _mapping_of_fields(request: web.Request, _caller: Caller, _body: bytes) -> SearchAnswer:
    _known(request, frozenset({"include_defaults"}))
    names = request.match_info["names"].split(",")
    fields = request.app[PARTS].fields
    shown = {alias: {"mappings": mapping_of(fields[alias], names)} for alias in _aliases(request)}
    return SearchAnswer(200, msgspec.json.encode(shown))


async def _field_capabilities(request: web.Request, _caller: Caller, body: bytes) -> SearchAnswer:
    _known(request, frozenset({"fields"}))
    given = read_object(body)
    names: Any = request.query["fields"].split(",") if "fields" in request.query else given.get("fields")
    if isinstance(names, str):
        names = [names]
    if given.keys() - {"fields"} or not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise refusals.illegal("field capabilities need [fields], a list of names or patterns, and nothing else")
    found: dict[str, Any] = {}
    for alias in _aliases(request):
        for name, kinds in capabilities(request.app[PARTS].fields[alias], names).items():
            found.setdefault(name, {}).update(kinds)
    return SearchAnswer(200, msgspec.json.encode({"indices": _aliases(request), "fields": found}))


def _aliases(request: web.Request) -> list[Alias]:
    return [_alias(request)] if "alias" in request.match_info else list(Alias)


async def _scroll(request: web.Request, caller: Caller, body: bytes) -> SearchAnswer:
    _known(request, frozenset({"scroll", "scroll_id", "rest_total_hits_as_int"}))
    given = {**request.query, **read_object(body)}
    (scroll_id,) = _ids(request, given, "scroll_id", most=1)
    keep = given.get("scroll")
    return await request.app[CONTEXTS].next_page(caller, scroll_id, None if keep is None else str(keep))


async def _forget_scrolls(request: web.Request, caller: Caller, body: bytes) -> SearchAnswer:
    _known(request, frozenset({"scroll_id"}))
    ids = _ids(request, {**request.query, **read_object(body)}, "scroll_id")
    freed = await request.app[CONTEXTS].forget_scrolls(caller, ids)
    shown = msgspec.json.encode({"succeeded": True, "num_freed": freed})
    return SearchAnswer(200 if freed else 404, shown)


async def _point(request: web.Request, caller: Caller, _body: bytes) -> SearchAnswer:
    _known(request, _POINT_PARAMETERS)
    if "keep_alive" not in request.query:
        raise refusals.illegal("Keep alive is required: say how long, as ?keep_alive=1m")
    point = await request.app[CONTEXTS].point(caller, _alias(request), request.query["keep_alive"])
    shards = {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
    now = int(request.app[PARTS].clock.now() * 1000)
    return SearchAnswer(
        200, msgspec.json.encode({"id": point, "pit_id": point, "_shards": shards, "creation_time": now})
    )


async def _forget_points(request: web.Request, caller: Caller, body: bytes) -> SearchAnswer:
    _known(request)
    given = read_object(body)
    if "pit_id" in given:
        ids = _ids(request, given, "pit_id")
        gone = [await request.app[CONTEXTS].forget_points(caller, [each]) for each in ids]
        shown = [{"pit_id": each, "successful": bool(freed)} for each, freed in zip(ids, gone, strict=True)]
        return SearchAnswer(200, msgspec.json.encode({"pits": shown}))
    freed = await request.app[CONTEXTS].forget_points(caller, _ids(request, given, "id"))
    return SearchAnswer(200 if freed else 404, msgspec.json.encode({"succeeded": True, "num_freed": freed}))


def _ids(request: web.Request, given: dict[str, Any], name: str, most: int = 100) -> Sequence[str]:
    """Ids out of the path, the URL or the body. Raises SearchRefused where there are none."""
    said = request.match_info.get(name, given.get(name))
    ids = said.split(",") if isinstance(said, str) and name in request.match_info else said
    found = [ids] if isinstance(ids, str) else ids
    if not isinstance(found, list) or not found or not all(isinstance(each, str) for each in found):
        raise refusals.illegal(f"[{name}] is missing, or is no string and no list of strings")
    if len(found) > most:
        raise refusals.illegal(f"at most {most} of [{name}] can be given, these are {len(found)}")
    return found


_ROUTES: Sequence[tuple[str, str, Answering]] = (
    ("/", "GET HEAD", _root),
    (f"/{_ALIAS}/_search", "GET POST", _search),
    ("/_search", "GET POST", _search_a_point),
    (f"/{_ALIAS}/_count", "GET POST", _count),
    (f"/{_ALIAS}/_msearch", "GET POST", _several),
    ("/_msearch", "GET POST", _several),
    (f"/{_ALIAS}/_doc/{{id:.+}}", "GET HEAD", _document),
    (f"/{_ALIAS}/_source/{{id:.+}}", "GET HEAD", _source),
    (f"/{_ALIAS}/_explain/{{id:.+}}", "GET POST", _explanation),
    (f"/{_ALIAS}/_mget", "GET POST", _documents),
    ("/_mget", "GET POST", _documents),
    (f"/{_ALIAS}/_mapping", "GET", _mapping),
    ("/_mapping", "GET", _mapping),
    (f"/{_ALIAS}/_mapping/field/{{names}}", "GET", _mapping_of_fields),
    ("/_mapping/field/{names}", "GET", _mapping_of_fields),
    (f"/{_ALIAS}", "GET HEAD", _index),
    (f"/{_ALIAS}/_field_caps", "GET POST", _field_capabilities),
    ("/_field_caps", "GET POST", _field_capabilities),
    ("/_search/scroll", "GET POST", _scroll),
    ("/_search/scroll", "DELETE", _forget_scrolls),
    ("/_search/scroll/{scroll_id}", "GET POST", _scroll),
    ("/_search/scroll/{scroll_id}", "DELETE", _forget_scrolls),
    (f"/{_ALIAS}/_search/point_in_time", "POST", _point),
    ("/_search/point_in_time", "DELETE", _forget_points),
    (f"/{_ALIAS}/_pit", "POST", _point),
    ("/_pit", "DELETE", _forget_points),
)
"""Path, methods and handler. POST and DELETE of scrolls and points in time change nothing that is stored."""
