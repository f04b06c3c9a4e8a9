"""What indices there are: the aliases of each say whether it is published, and who may write to it.

    activities__feed_id_a__date_…__  has the aliases  activities                                  if it is published
                                                      writer_17__activities__feed_id_a__date_…__  by right of lease 17

Everything that is written goes through the alias of a writer: whoever takes a feed over takes these away from the one
before, whose requests then find no alias, however late they arrive.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from activity_stream.adapters.index_opensearch.client import Client, Reply
from activity_stream.errors import IndexUnavailable
from activity_stream.model import Alias, Generation
from activity_stream.naming import generation_of

_WRITER = re.compile(r"writer_(\d+)__(.*)", re.DOTALL)
TURN = re.compile(r"turn_(\d+)")
_DROPPING = "dropping__"
SHARED = "__shared__"
_CAPITAL = re.compile(r"[A-Z]")
_CODED = re.compile(r"\+([a-z])")


class Stored(msgspec.Struct, frozen=True):
    """A generation's part of one alias: in an index of its own, of the same name, or in one that it shares.

    `writers` are the numbers of the leases by right of which it may be written to: one, as a rule. `dropping`: it is
    about to be deleted from a shared index.
    """

    name: str
    alias: Alias
    generation: Generation
    published: bool
    writers: frozenset[int]
    index: str
    dropping: bool = False

    @property
    def shared(self) -> bool:
        """Whether other generations are in the same index."""
        return self.index != self.name


class Shelf(msgspec.Struct, frozen=True):
    """A shared index: the `routing` of the generations that readers see, and the number of that list."""

    index: str
    alias: Alias
    turn: int
    live: tuple[str, ...]


class Survey(msgspec.Struct, frozen=True):
    """What there is: of the feed that was asked for, and the shared indices."""

    stored: tuple[Stored, ...]
    shelves: tuple[Shelf, ...]


def index_name(generation: Generation, alias: Alias) -> str:
    """The index of a generation. Names of indices have no capitals: those of a feed's are written `+a`."""
    return _coded(generation.index_name(alias))


def in_path(*names: str) -> str:
    """The names as a request's path has them."""
    return ",".join(name.replace("+", "%2B") for name in names)


def writer(name: str, lease: int) -> str:
    """The alias through which whoever has this lease writes to an index."""
    return f"writer_{lease}__{name}"


def dropping(name: str) -> str:
    """The alias that keeps the name of what is to be deleted from a shared index."""
    return _DROPPING + name


def routing(generation: Generation) -> str:
    """What the documents of a generation have as `_routing` in a shared index: its index's name without the alias."""
    return index_name(generation, Alias.OBJECTS).removeprefix(f"{Alias.OBJECTS}__")


async def catalog(client: Client, feed: str | None = None) -> list[Stored]:
    """What there is of this feed, or of all feeds. Raises IndexUnavailable."""
    return list((await survey(client, feed)).stored)


async def survey(client: Client, feed: str | None = None) -> Survey:
    """What there is of this feed, or of all feeds, and the shared indices. Raises IndexUnavailable."""
    part = "*" if feed is None else f"{_coded(feed)}__date_*"
    patterns = in_path(*(f"{alias}__feed_id_{part}" for alias in Alias), *(f"{alias}{SHARED}*" for alias in Alias))
    reply = must(await client.call("GET", f"/{patterns}/_alias?ignore_unavailable=true&allow_no_indices=true"))
    try:
        found = msgspec.json.decode(reply.body, type=dict[str, _Aliases])
    except msgspec.DecodeError as error:
        raise IndexUnavailable(f"the index answered with what is no list of aliases: {error}") from error
    shelves = {name: _shelf(name, each.aliases) for name, each in found.items() if SHARED in name}
    stored = [known for name, each in found.items() if (known := _stored(name, each.aliases)) is not None]
    stored += [each for name, shelf in shelves.items() for each in _on_shelf(shelf, found[name].aliases)]
    return Survey(
        tuple(each for each in stored if feed is None or each.generation.feed == feed), tuple(shelves.values())
    )


def must(reply: Reply) -> Reply:
    """The reply, which has to be a success. Raises IndexUnavailable."""
    if not reply.ok:
        raise IndexUnavailable(f"the index refused what the collector has to do with {reply.reason()}")
    return reply


def said(reply: Reply) -> Any:
    """What the reply, which has to be a success, says. Raises IndexUnavailable, also for what is no JSON."""
    try:
        return msgspec.json.decode(must(reply).body)
    except msgspec.DecodeError as error:
        raise IndexUnavailable(
            f"what answers is no index, or something in front of it; it said {reply.reason()}"
        ) from error


def newest_writer(found: Iterable[Stored]) -> int:
    """The largest number of a lease by right of which any of these may be written to."""
    return max((number for each in found for number in each.writers), default=0)


class _Terms(msgspec.Struct, frozen=True):
    routing: tuple[str, ...] = msgspec.field(name="_routing", default=())


class _Filter(msgspec.Struct, frozen=True):
    terms: _Terms = _Terms()


class _Alias(msgspec.Struct, frozen=True):
    filter: msgspec.Raw = msgspec.Raw(b"{}")


class _Aliases(msgspec.Struct, frozen=True):
    aliases: dict[str, _Alias] = {}


def _coded(name: str) -> str:
    return _CAPITAL.sub(lambda found: f"+{found[0].lower()}", name)


def _generation_of(name: str) -> tuple[Alias, Generation] | None:
    return generation_of(_CODED.sub(lambda found: found[1].upper(), name))


def _stored(name: str, aliases: Iterable[str]) -> Stored | None:
    known = _generation_of(name)
    if known is None:
        return None
    alias, generation = known
    numbers = [_WRITER.match(each) for each in aliases]
    writers = frozenset(int(each[1]) for each in numbers if each)
    return Stored(name, alias, generation, alias in aliases, writers, name)


def _shelf(name: str, aliases: Mapping[str, _Alias]) -> Shelf:
    alias = Alias(name.partition(SHARED)[0])
    turns = [int(found[1]) for each in aliases if (found := TURN.fullmatch(each))]
    live = msgspec.json.decode(aliases[alias].filter, type=_Filter).terms.routing if alias in aliases else ()
    return Shelf(name, alias, max(turns, default=0), live)


def _on_shelf(shelf: Shelf, aliases: Iterable[str]) -> list[Stored]:
    writers: dict[str, set[int]] = {}
    for each in aliases:
        found = _WRITER.fullmatch(each)
        if found:
            writers.setdefault(found[2], set()).add(int(found[1]))
        elif each.startswith(_DROPPING):
            writers.setdefault(each.removeprefix(_DROPPING), set())
    stored = []
    for name, numbers in writers.items():
        known = _generation_of(name)
        if known is not None:
            live = routing(known[1]) in shelf.live
            going = not numbers
            stored.append(Stored(name, known[0], known[1], live, frozenset(numbers), shelf.index, going))
    return stored
