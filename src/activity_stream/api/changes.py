"""`/v3/changes`: everything once, and from then on what changed, as an ActivityStreams collection.

Its pages follow one another by `next`; the one that has none is empty, and the same address has more once there is
more, as in any feed that this collector reads. `current`, on the empty page, is the same place with a newer date.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from activity_stream.api.addresses import absolute
from activity_stream.api.search import JSON
from activity_stream.api.v1 import CONTEXT
from activity_stream.errors import BadRequest, NotFound
from activity_stream.model import Alias, Caller
from activity_stream.search.following import Following, Place

FOLLOWING: web.AppKey[Following] = web.AppKey("following", Following)
PATH = "/v3/changes"
SIZE, MOST = 100, 1000

_KNOWN = ("alias", "since", "size")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(T.+)?")


async def changes(request: web.Request, caller: Caller, _body: bytes) -> web.Response:
    """One page of what the caller is to know."""
    following = request.app.get(FOLLOWING)
    if following is None:
        raise NotFound("What changes is not recorded here: CHANGES_RETENTION is 0.")
    alias, size = _asked(request)
    place = await _place(following, caller, alias, request.query.get("since"))
    told = await following.page(caller, alias, place, size)
    page: dict[str, Any] = {"@context": CONTEXT, "type": "OrderedCollectionPage", "orderedItems": told.items}
    parameters = {"alias": alias, "size": size, "since": _text(told.place)}
    page["next" if told.items else "current"] = absolute(request, f"{PATH}?{urlencode(parameters)}")
    return web.Response(body=msgspec.json.encode(page), content_type=JSON)


def _asked(request: web.Request) -> tuple[Alias, int]:
    """The alias and the size of the page. Raises BadRequest."""
    unknown = sorted(request.query.keys() - set(_KNOWN))
    if unknown:
        raise BadRequest(f"The parameter {unknown[0][:100]} came; {PATH} has {', '.join(_KNOWN)}.")
    alias, size = request.query.get("alias", Alias.ACTIVITIES), request.query.get("size", str(SIZE))
    if alias not in set(Alias):
        raise BadRequest(f"alias={alias[:100]} came; it can be {' or '.join(Alias)}.")
    if re.fullmatch("[0-9]{1,9}", size) is None or not 1 <= int(size) <= MOST:
        raise BadRequest(f"size={size[:100]} came; it can be 1 to {MOST}.")
    return Alias(alias), int(size)


async def _place(following: Following, caller: Caller, alias: Alias, since: str | None) -> Place:
    """Where the reader is. Raises BadRequest, Gone."""
    if since is None:
        return await following.begin(caller, alias)
    if _MOMENT.fullmatch(since):
        try:
            moment = datetime.fromisoformat(since.replace(" ", "+"))  # a plus that nobody encoded
        except ValueError as error:
            raise BadRequest(_wrong(since)) from error
        return await following.since(caller, alias, moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    try:
        return msgspec.json.decode(urlsafe_b64decode(since + "=" * (-len(since) % 4)), type=Place)
    except (ValueError, msgspec.DecodeError) as error:
        raise BadRequest(_wrong(since)) from error


def _wrong(since: str) -> str:
    return (
        f"since={since[:100]} came; it can be a date and time such as 2026-01-31T12:00:00Z, or the since of an address "
        "that was given as next or current; without it, everything comes first."
    )


def _text(place: Place) -> str:
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")
