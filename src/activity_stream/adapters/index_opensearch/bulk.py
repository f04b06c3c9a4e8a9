"""Stores documents by bulk requests, and reads what became of each of them.

    documents ──► chunks of a few MB ──► one request each ──► each item: stored, or a newer version is there
                                             ▲                   ├── 429, 5xx: busy ──────────► again, after a wait
                                             │                   ├── it does not fit ─────────► again, made to fit
                                             └───────────────────┴── refused all the same ────► Refused, by name
                                                                     no such alias ───────────► Fenced

Every document has a version that grows from write to write (`version_type: external`): a request that the cluster
carries out late, after its connection broke and a later write came by, overwrites nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from activity_stream.adapters.index_opensearch.client import FAILING, LINES, Client, Reply
from activity_stream.adapters.index_opensearch.fitting import Fitting
from activity_stream.errors import IndexUnavailable
from activity_stream.model import Alias, Refused
from activity_stream.ports import Clock

CHUNK_BYTES = 4 * 1024 * 1024
"""The size of a bulk request; a larger one is no faster, and costs the cluster memory."""

_CONFLICT, _NOT_FOUND = 409, 404
_TO_BE_SPLIT = (400, 413)
"""A whole request is refused: for its size, or for one document in it, which is found by halves."""

_BLOCKED = 403
_FILTER = "filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason"


class Fenced(Exception):
    """The alias that was written through is not there: another collector took the feed, or the index is gone."""


class Document(msgspec.Struct):
    """One document on its way; `head` is its line in the bulk body, `body` what is stored, `source` as it came.

    `attempts` counts the forms in which it was refused: as it came, made to fit, its id alone.
    """

    id: str
    head: bytes
    body: bytes
    source: bytes
    attempts: int = 0


class _Cause(msgspec.Struct, frozen=True):
    reason: str | None = ""


class _Error(msgspec.Struct, frozen=True):
    type: str = ""
    reason: str | None = ""
    caused_by: _Cause = _Cause()

    def text(self) -> str:
        return " ".join(part for part in (f"{self.type}:", self.reason, self.caused_by.reason) if part)[:500]


class _Done(msgspec.Struct, frozen=True):
    status: int = 0
    error: _Error | None = None


class _Item(msgspec.Struct, frozen=True):
    index: _Done


class _Answer(msgspec.Struct, frozen=True):
    items: list[_Item] = []


_DECODER = msgspec.json.Decoder(_Answer)


class Item(NamedTuple):
    """What is to be stored: an id, the JSON as it came, and as it is stored."""

    id: str
    source: bytes
    stored: bytes


def documents(items: Sequence[Item], version: int, document_id: Callable[[str], str] | None = None) -> list[Document]:
    """Documents of these items, each of an id of its own, all of one version.

    `document_id` makes the `_id` of an item's id; without it they are the same.
    """
    tail = b',"version":%d,"version_type":"external"}}\n' % version
    encode = msgspec.json.encode
    made = []
    for item in items:
        name = item.id if document_id is None else document_id(item.id)
        head = b'{"index":{"_id":' + encode(name) + tail
        made.append(Document(item.id, head, one_line(item.stored), item.source))
    return made


def one_line(source: bytes) -> bytes:
    """The JSON in one line. A line break in JSON is never inside of a string, so that a blank says the same."""
    return source.replace(b"\n", b" ") if b"\n" in source else source


class Bulk:
    """Stores the documents of one alias in one index. `target` is the alias to write through."""

    def __init__(self, client: Client, clock: Clock, fitting: Fitting, alias: Alias, target: str) -> None:
        self._client = client
        self._clock = clock
        self._fitting = fitting
        self._alias = alias
        self._target = target

    async def store(self, found: Sequence[Document], *, visible: bool) -> list[Refused]:
        """Store them all; those that are refused for good. Raises Fenced, IndexUnavailable."""
        refused: list[Refused] = []
        for chunk in _chunks(found):
            refused += await self._chunk(chunk, visible=visible)
        return refused

    async def _chunk(self, chunk: list[Document], *, visible: bool) -> list[Refused]:
        refused: list[Refused] = []
        waits = iter(self._client.waits)
        while chunk:
            reply = await self._send(chunk, visible=visible)
            if reply.status in _TO_BE_SPLIT:
                return refused + await self._halves(chunk, reply, visible=visible)
            left, busy = [], ""
            for document, done in zip(chunk, self._items(chunk, reply), strict=True):
                if done.status in FAILING or done.status == _BLOCKED:
                    busy = done.error.text() if done.error else str(done.status)
                    left.append(document)
                elif done.error is not None and done.status != _CONFLICT:
                    refusal = self._again(document, done.error, done.status)
                    if refusal is None:
                        left.append(document)
                    else:
                        refused.append(refusal)
            if busy:
                await self._wait(waits, len(left), busy)
            chunk = left
        return refused

    async def _send(self, chunk: Sequence[Document], *, visible: bool) -> Reply:
        body = b"".join(part for each in chunk for part in (each.head, each.body, b"\n"))
        refresh = "true" if visible else "false"
        path = f"/{self._target}/_bulk?require_alias=true&refresh={refresh}&{_FILTER}"
        reply = await self._client.call("POST", path, body, LINES)
        if not reply.ok and reply.status not in _TO_BE_SPLIT:
            raise IndexUnavailable(f"the index did not take a bulk request: {reply.reason()}")
        return reply

    def _items(self, chunk: Sequence[Document], reply: Reply) -> list[_Done]:
        """What became of each document. Raises IndexUnavailable where the answer does not say it of all."""
        try:
            items = [item.index for item in _DECODER.decode(reply.body).items]
        except msgspec.DecodeError as error:
            raise IndexUnavailable(f"the index answered a bulk request with what cannot be read: {error}") from error
        if len(items) != len(chunk) or not all(done.status for done in items):
            raise IndexUnavailable(f"the index answered for {len(items)} of the {len(chunk)} documents it was given")
        if any(done.status == _NOT_FOUND for done in items):
            raise Fenced
        return items

    def _again(self, document: Document, error: _Error, status: int) -> Refused | None:
        """Give the document another form, if there is one left; otherwise it is refused."""
        document.attempts += 1
        if status == 400 and document.attempts == 1:
            try:
                document.body = self._fitting.fitted(document.source)
            except (ValueError, TypeError, RecursionError):
                document.attempts += 1
        if status == 400 and document.attempts == 2:
            try:
                document.body = self._fitting.bare(document.id, document.source)
            except ValueError:
                document.attempts += 1
        if status == 400 and document.attempts <= 2:
            return None
        return Refused(self._alias, document.id, error.text())

    async def _halves(self, chunk: list[Document], reply: Reply, *, visible: bool) -> list[Refused]:
        """What cannot be one request, in two."""
        if len(chunk) == 1:
            return [Refused(self._alias, chunk[0].id, f"the index refused it with {reply.reason()}")]
        middle = len(chunk) // 2
        first = await self._chunk(chunk[:middle], visible=visible)
        return first + await self._chunk(chunk[middle:], visible=visible)

    async def _wait(self, waits: Iterator[float], number: int, reason: str) -> None:
        seconds = next(waits, None)
        if seconds is None:
            raise IndexUnavailable(
                f"the index did not take {number} documents after {len(self._client.waits)} more tries: {reason}"
            )
        await self._clock.sleep(seconds)


def _chunks(found: Sequence[Document]) -> Iterator[list[Document]]:
    chunk: list[Document] = []
    size = 0
    for document in found:
        length = len(document.head) + len(document.body) + 1
        if chunk and size + length > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(document)
        size += length
    if chunk:
        yield chunk
