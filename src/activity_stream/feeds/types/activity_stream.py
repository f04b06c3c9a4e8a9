"""The kind `activity_stream`: any ActivityStreams 2.0 collection over HTTP.

    answer ──► envelope (type, items, next, first) ──► items as slices of the answer ──► Activity | Skipped

Nothing is decoded that need not be, and nothing is encoded again: `Activity.source` is a slice of the answer. A page
that JSON does not allow is cut at its brackets and commas instead, so that one broken item costs only itself.

Source: W3C ActivityStreams 2.0 Core, section 5 (collections).
"""

import re
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Raw

from activity_stream.errors import NotAFeed, SettingsError
from activity_stream.feeds.base import FeedSource, make_signer, origin, resolve
from activity_stream.model import Activity, Page, Skipped
from activity_stream.ports import Request, Response, Signer

DEEPEST = 100
"""Levels of nesting in an item. Real ones have fewer than ten; JSON readers behind the index give up near 128."""

MOST_ITEMS = 200_000
"""Items of a page. Real pages have 10 to 500."""

LARGEST_CUT = 4 * 1024 * 1024
"""Bytes. Cutting a broken page up takes a quarter of a second per MiB at worst: a larger one is refused whole."""

_PAGES = frozenset({"CollectionPage", "OrderedCollectionPage"})
_COLLECTIONS = _PAGES | {"Collection", "OrderedCollection"}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_TOKEN = re.compile(_STRING.pattern + rb'|["{}\[\],]', re.DOTALL)
_ONE_KIND = bytes.maketrans(b"[]", b"{}")
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_AFTER_A_VALUE = frozenset((b",", b"}", b"]"))
_CLOSING = {b"{": b"}", b"[": b"]"}


class _Envelope(msgspec.Struct, frozen=True, rename={"ordered_items": "orderedItems", "total_items": "totalItems"}):
    """The members of a page that mean something here; empty where the page has no such member."""

    type: Raw = Raw()
    ordered_items: Raw = Raw()
    items: Raw = Raw()
    total_items: Raw = Raw()
    next: Raw = Raw()
    first: Raw = Raw()


class _Item(msgspec.Struct, frozen=True):
    id: str
    object: Raw = Raw()


class _Object(msgspec.Struct, frozen=True):
    id: str


class _Named(msgspec.Struct, frozen=True):
    """An item or an object whose members may be anything."""

    id: Raw = Raw()
    object: Raw = Raw()


_read_envelope = msgspec.json.Decoder(_Envelope).decode
_read_elements = msgspec.json.Decoder(list[Raw]).decode
_read_item = msgspec.json.Decoder(_Item).decode
_read_object = msgspec.json.Decoder(_Object).decode
_read_named = msgspec.json.Decoder(_Named).decode
_read_members = msgspec.json.Decoder(dict[str, Raw]).decode
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class ActivityStream:
    """A source that serves ActivityStreams collections.

    `signer` authenticates requests to the seed's scheme, host and port, and no others.
    """

    def __init__(self, seed: str, signer: Signer | None = None) -> None:
        self._seed = seed
        self._home = origin(seed)
        self._signer = signer

    def seed(self) -> str:
        """The address of the first page."""
        return self._seed

    def request(self, address: str) -> Request:
        """A GET without a content type (some sources refuse one), signed if it goes to the seed's host."""
        return Request(address, signer=self._signer if origin(address) == self._home else None)

    def read(self, address: str, response: Response) -> Page:
        """The page: items in the answer's order, each of them in `activities` or in `skipped`.

        Raises NotAFeed for an answer that is no collection.
        """
        envelope = _envelope(response)
        if _is_only_a_cover(envelope):
            if bytes(envelope.first).startswith(b"{"):
                inner = _inner(envelope.first)
                if _has_items(inner):
                    return _page(inner, address)
            return Page((), (), _address(envelope.first, "first", address))
        return _page(envelope, address)


def make_activity_stream(source: FeedSource) -> ActivityStream:
    """The kind for a configured source. Raises SettingsError for a seed that is no address or an unknown AUTH."""
    try:
        return ActivityStream(source.seed, make_signer(source))
    except NotAFeed as error:
        raise SettingsError((f"feed {source.unique_id}: SEED cannot be used: {error}",)) from error


def _envelope(response: Response) -> _Envelope:
    """The members of an answer, if it is a collection."""
    text = response.body.removeprefix(_BYTE_ORDER_MARK)
    try:
        envelope = _read_envelope(text)
    except msgspec.ValidationError as error:
        raise NotAFeed(f"the answer is JSON, but not an object: it begins with {_shown(text)}") from error
    except _BROKEN as error:
        envelope = _cut_envelope(text, error)
    if not _is_collection(envelope):
        raise NotAFeed(
            f"the answer is no ActivityStreams collection: it has neither orderedItems nor items, only {_keys(text)}; "
            f"is SEED the address of a feed?"
        )
    return envelope


def _inner(raw: Raw) -> _Envelope:
    """The members of a page that is embedded in its collection."""
    try:
        return _read_envelope(raw)
    except _BROKEN as error:
        return _cut_envelope(bytes(raw), error)


def _cut_envelope(text: bytes, reason: Exception | None = None) -> _Envelope:
    """The members of an object that JSON does not allow: whatever is wrong inside of one stays inside of it."""
    members = _cut_members(text) if len(text) <= LARGEST_CUT else None
    if members is None:
        raise NotAFeed(
            f"the answer is not JSON that can be read ({reason or 'brackets, quotes or commas do not fit'}); it has "
            f"{len(text)} bytes and begins with {_shown(text)}"
        ) from reason
    return _Envelope(*(members.get(name, Raw()) for name in _Envelope.__struct_encode_fields__))


def _cut_members(text: bytes) -> dict[str, Raw] | None:
    """The members of an object by name; of two with one name the last. None where it is no object."""
    pieces = _cut(text) if text.lstrip()[:1] == b"{" else None
    if pieces is None:
        return None
    members: dict[str, Raw] = {}
    for piece in pieces:
        name = _TOKEN.match(piece)
        rest = piece[name.end() :].lstrip() if name else b""
        if name is None or rest[:1] != b":" or not rest[1:].strip():
            return None
        with suppress(*_BROKEN):  # a name that cannot be read is none of those that mean something
            members[str(msgspec.json.decode(name[0]))] = Raw(rest[1:].strip())
    return members


def _cut(text: bytes) -> list[bytes] | None:
    """What lies between the outermost brackets, cut at its commas; None where brackets, quotes or commas do not fit.

    Needs no recursion, however deep the nesting, and looks at nothing else: the pieces may be anything.
    """
    text = text.strip()
    if text[:1] not in _CLOSING:
        return None
    pieces: list[bytes] = []
    expected: list[bytes] = []
    start, closed = 1, False
    for token in _TOKEN.finditer(text):
        mark, depth = token[0], len(expected)
        if mark == b'"' or (closed and mark not in _AFTER_A_VALUE):
            return None
        if mark in _CLOSING:
            expected.append(_CLOSING[mark])
        elif mark in (b"}", b"]"):
            if not expected or expected.pop() != mark:
                return None
            closed = depth == 2
            if depth == 1:
                return _finished([*pieces, text[start : token.start()].strip()], whole=token.end() == len(text))
        elif mark == b"," and depth == 1:
            pieces.append(text[start : token.start()].strip())
            start, closed = token.end(), False
    return None


def _finished(pieces: list[bytes], *, whole: bool) -> list[bytes] | None:
    """The pieces, if nothing follows the outermost bracket and no comma stands alone."""
    if not whole:
        return None
    if pieces == [b""]:
        return []
    return pieces if all(pieces) else None


def _is_collection(envelope: _Envelope) -> bool:
    """Whether it lists something, even nothing, or says that it is a collection and does not contradict itself."""
    if envelope.ordered_items or envelope.items:
        return True
    if not _COLLECTIONS & _kinds(envelope):
        return False
    return bool(envelope.first or envelope.next) or _value(envelope.total_items) in (None, 0)


def _is_only_a_cover(envelope: _Envelope) -> bool:
    """Whether the items begin at `first`. A page has the `first` of its collection too, and that leads back."""
    listed = _has_items(envelope) or bool(envelope.next)
    return not listed and bool(envelope.first) and not _PAGES & _kinds(envelope)


def _kinds(envelope: _Envelope) -> frozenset[str]:
    """The page's types; one type needs no list around it."""
    value = _value(envelope.type)
    return frozenset(each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str))


def _has_items(envelope: _Envelope) -> bool:
    """Whether the page lists items itself; null is as good as absent."""
    return bytes(envelope.ordered_items or envelope.items) not in (b"", b"null")


def _page(envelope: _Envelope, address: str) -> Page:
    activities: list[Activity] = []
    skipped: list[Skipped] = []
    for position, raw in enumerate(_items(envelope)):
        source = bytes(raw)
        try:
            if not source.isascii():
                source.decode()
            item = _item(source)
        except _BROKEN as error:
            skipped.append(Skipped(position, _why(source, error), _salvaged_id(source)))
            continue
        if not item.id or _too_deep(source):
            reason = f"it is nested deeper than {DEEPEST} levels" if item.id else "its id is the empty string"
            skipped.append(Skipped(position, reason, item.id[:200] or None))
            continue
        activities.append(Activity(item.id, source, *_object(item.object)))
    following = _address(envelope.next, "next", address) if envelope.next else None
    return Page(tuple(activities), tuple(skipped), following)


def _item(source: bytes) -> _Item:
    """The id and the object of an item. Raises one of _BROKEN where it has no string id."""
    try:
        return _read_item(source)
    except msgspec.ValidationError:
        named = _read_named(source)  # a key may come twice, and only its last value count
        if not named.id:
            raise
        return _Item(msgspec.json.decode(named.id, type=str), named.object)


def _items(envelope: _Envelope) -> list[Raw]:
    """The items as slices of the answer; one item needs no list around it."""
    value = envelope.ordered_items
    if bytes(value) in (b"", b"null"):
        value = envelope.items
    text = bytes(value)
    if text in (b"", b"null"):
        return []
    if text[:1] in (b"{", b'"'):
        return [value]
    if text[:1] != b"[":
        raise NotAFeed(f"the page's items are {_shown(text)}; expected a list of activities, or one activity")
    return _elements(text)


def _elements(text: bytes) -> list[Raw]:
    """The elements of a list, unless there are so many that their number alone would fill the memory."""
    if len(text) > 20 * MOST_ITEMS and text.count(b",") > 20 * MOST_ITEMS:
        raise NotAFeed(f"the page's items are too many; at most {MOST_ITEMS} are taken: the source needs smaller pages")
    try:
        elements = _read_elements(text)
    except _BROKEN as error:
        pieces = _cut(text) if len(text) <= LARGEST_CUT else None
        if pieces is None:
            raise NotAFeed("the page's items are not a JSON list: brackets, quotes or commas do not fit") from error
        elements = [Raw(piece) for piece in pieces]
    if len(elements) > MOST_ITEMS:
        raise NotAFeed(f"the page has {len(elements)} items; at most {MOST_ITEMS} are taken: it needs smaller pages")
    return elements


def _object(raw: Raw) -> tuple[str | None, bytes | None]:
    """The id and the JSON of what the activity is done to; of a list, its first object that has an id."""
    if not raw:
        return None, None
    text = bytes(raw)
    try:
        key = _read_object(text).id
    except msgspec.ValidationError:
        if text[:1] == b"[":
            pairs = (_object(each) for each in _read_elements(text) if bytes(each)[:1] == b"{")
            return next((pair for pair in pairs if pair[0] is not None), (None, None))
        last = _value(_read_named(text).id) if text[:1] == b"{" else None
        key = last if isinstance(last, str) else ""
    return (key, text) if key else (None, None)


def _address(raw: Raw, name: str, page_address: str) -> str | None:
    """The address that a member gives: a URL, a Link, or a page by its id; None for null and the empty string."""
    value = _value(raw)
    if isinstance(value, dict):
        value = value.get("href", value.get("id"))
        value = False if value is None else value
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str):
        raise NotAFeed(f"the page's {name} is {_shown(bytes(raw))}; expected a URL, a Link with href, or null")
    return resolve(page_address, value)


def _value(raw: Raw) -> Any:
    """A small member, decoded; None where there is none."""
    try:
        return msgspec.json.decode(raw) if raw else None
    except _BROKEN as error:
        raise NotAFeed(f"the page has a member that is not JSON: {_shown(bytes(raw))}") from error


def _why(source: bytes, error: Exception) -> str:
    """Why an item cannot be stored, in a reader's words."""
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8: {error.reason} at byte {error.start}"
    if isinstance(error, RecursionError):
        return f"it is nested deeper than {DEEPEST} levels"
    if not isinstance(error, msgspec.ValidationError):
        return f"it is not JSON: {error}"
    if source[:1] != b"{":
        return f"it is {_shown(source)}; expected an activity, an object with a string id"
    value = (_cut_members(source) or {}).get("id")
    return "it has no id" if value is None else f"its id is {_shown(bytes(value))}; expected a string"


def _salvaged_id(source: bytes) -> str | None:
    """The id of an item that is broken elsewhere, so that the log can name it."""
    raw = (_cut_members(source) or {}).get("id") if len(source) <= LARGEST_CUT else None
    try:
        found = msgspec.json.decode(raw) if raw else None
    except _BROKEN:
        return None
    return found[:200] if isinstance(found, str) and found else None


def _too_deep(source: bytes) -> bool:
    """Whether brackets go deeper than DEEPEST: take the innermost pairs away so often, and see whether any are left."""
    if source.count(b"{") + source.count(b"[") <= DEEPEST:
        return False
    brackets = _STRING.sub(b"", source).translate(_ONE_KIND, _ALL_BUT_BRACKETS)
    for _ in range(DEEPEST):
        brackets = brackets.replace(b"{}", b"")
        if not brackets:
            return False
    return True


def _keys(text: bytes) -> str:
    """The names of an object's members, for a message."""
    try:
        names = list(_read_members(text))
    except _BROKEN:
        return "members that cannot be read"
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return (", ".join(repr(name[:40]) for name in names[:10]) + more) if names else "nothing at all"


def _shown(text: bytes) -> str:
    """The beginning of some JSON, harmless to print."""
    cut = text[:60].decode("utf-8", "replace")
    plain = "".join(each if each.isprintable() else " " for each in cut)
    return repr(plain + ("…" if len(text) > 60 else ""))
