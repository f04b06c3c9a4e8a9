"""A small client of an Activity Stream, for programs that want no library of Elasticsearch's or OpenSearch's."""

import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from activity_stream.client.for_httpx import HawkAuth  # first: it says what to install where httpx is missing
from activity_stream.retry import retry_after

import httpx  # isort: skip

Alias = Literal["activities", "objects"]
Query = Mapping[str, Any]

TRIES = 5
_BUSY = (429, 503)
_LONGEST_WAIT = 60.0


class Refused(Exception):
    """The API answered with an error. `status` is the HTTP status, `answer` the answer's JSON, or its text."""

    def __init__(self, status: int, answer: Any) -> None:
        super().__init__(f"{status}: {_reason(answer)}")
        self.status = status
        self.answer = answer


class Changes(NamedTuple):
    """What came of an alias: `items` that were added or changed, as they are now, and removals (`removed_id` tells
    which); `since` is the place to go on from, to be kept with what was made of the items."""

    items: list[dict[str, Any]]
    since: str


def removed_id(item: Mapping[str, Any]) -> str | None:
    """The id of what an item of `Changes` says is gone; None where it is something that is there."""
    match item:
        case {"type": "Delete", "object": {"type": "Tombstone", "id": str(name)}}:
            return name
    return None


class Stream:
    """One Activity Stream, asked with one key: `Stream("https://stream.example", key_id, secret)`.

    A context manager; it keeps connections open between requests. `timeout` is in seconds, of each step of a request.
    All methods raise Refused where the API answers with an error, and httpx.HTTPError where it does not answer. While
    it is busy (429, 503) it is asked again, five times in all, after the time that it asks for, a minute at most.
    """

    def __init__(self, url: str, key_id: str, secret: str, *, timeout: float = 60.0) -> None:
        self._http = httpx.Client(base_url=url.rstrip("/"), auth=HawkAuth(key_id, secret), timeout=timeout)

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def search(self, alias: Alias, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer to a search body (docs/reference/query-language.md); without one, to a search of everything."""
        return self._ask(f"/v3/{alias}/_search", body or {})

    def count(self, alias: Alias, query: Query | None = None) -> int:
        """How many documents a query finds; without one, how many there are."""
        return int(self._ask(f"/v3/{alias}/_count", _of(query))["count"])

    def scan(
        self, alias: Alias, query: Query | None = None, *, size: int = 500, **body: Any
    ) -> Iterator[dict[str, Any]]:
        """Every hit of a query, by id, page after page of `size`; `body` is what else a search can have (`_source`).

        What is published meanwhile is met where its id is still ahead; what stays is met once.
        """
        asked = {**body, **_of(query), "size": size, "sort": [{"id": "asc"}], "track_total_hits": False}
        while hits := self.search(alias, asked)["hits"]["hits"]:
            yield from hits
            asked["search_after"] = hits[-1]["sort"]

    def changes(self, alias: Alias, since: str | None = None, *, size: int = 1000) -> Iterator[Changes]:
        """Everything there is, and then what has changed since, up to now; or what has changed since a place (the
        `since` of the last `Changes`) or a moment (`2026-01-31T12:00:00Z`).

        The last one has no items, but the place to go on from. Raises Refused with the status 410 where what changed
        since then is not known any more: begin anew, without `since`, and take for removed what does not come again.
        """
        while True:
            asked = {"alias": alias, "size": size} if since is None else {"alias": alias, "size": size, "since": since}
            page = self._send("GET", f"/v3/changes?{urlencode(asked)}")
            since = parse_qs(urlsplit(page.get("next") or page["current"]).query)["since"][0]
            yield Changes(page["orderedItems"], since)
            if "next" not in page:
                return

    def follow(
        self, alias: Alias, since: str | None = None, *, size: int = 1000, every: float = 1.0
    ) -> Iterator[Changes]:
        """As `changes`, and for ever: where there is no more, it is asked again after `every` seconds."""
        while True:
            for some in self.changes(alias, since, size=size):
                since = some.since
                yield some
            time.sleep(every)

    def _ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._send("POST", path, body)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        for tries_left in reversed(range(TRIES)):
            response = self._http.request(method, path, json=body)
            if response.status_code not in _BUSY or not tries_left:
                break
            asked = retry_after(response.headers.get("Retry-After"), time.time())
            time.sleep(min(1.0 if asked is None else asked, _LONGEST_WAIT))
        if response.status_code != 200:
            raise Refused(response.status_code, _answer(response))
        found: dict[str, Any] = response.json()
        return found


def _of(query: Query | None) -> dict[str, Any]:
    return {} if query is None else {"query": query}


def _answer(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return response.text


def _reason(answer: Any) -> str:
    """What an answer says of its error, in either of the shapes that the API has."""
    match answer:
        case {"details": str(details)}:
            return details
        case {"error": {"reason": str(reason)}}:
            return reason
    return str(answer)[:500]
