"""What indices there are: the aliases of each say whether it is published, and who may write to it.

    activities__feed_id_a__date_…__  has the aliases  activities                                  if it is published
                                                      writer_17__activities__feed_id_a__date_…__  by right of lease 17

Everything that is written goes through the alias of a writer: whoever takes a feed over takes these away from the one
before, whose requests then find no alias, however late they arrive.
"""

import re
from collections.abc import Iterable

import msgspec

from activity_stream.adapters.index_opensearch.client import Client, Reply
from activity_stream.errors import IndexUnavailable
from activity_stream.model import Alias, Generation
from activity_stream.naming import generation_of

_WRITER = re.compile(r"writer_(\d+)__")
_CAPITAL = re.compile(r"[A-Z]")
_CODED = re.compile(r"\+([a-z])")


class Stored(msgspec.Struct, frozen=True):
    """One index. `writers` are the numbers of the leases by right of which it may be written to: one, as a rule."""

    name: str
    alias: Alias
    generation: Generation
    published: bool
    writers: frozenset[int]


def index_name(generation: Generation, alias: Alias) -> str:
    """The index of a generation. Names of indices have no capitals: those of a feed's are written `+a`."""
    return _CAPITAL.sub(lambda found: f"+{found[0].lower()}", generation.index_name(alias))


def in_path(*names: str) -> str:
    """The names as a request's path has them."""
    return ",".join(name.replace("+", "%2B") for name in names)


def writer(name: str, lease: int) -> str:
    """The alias through which whoever has this lease writes to an index."""
    return f"writer_{lease}__{name}"


async def catalog(client: Client, feed: str | None = None) -> list[Stored]:
    """Every index of this feed, or of all feeds. Raises IndexUnavailable."""
    part = "*" if feed is None else f"{_CAPITAL.sub(lambda found: f'+{found[0].lower()}', feed)}__date_*"
    patterns = in_path(*(f"{alias}__feed_id_{part}" for alias in Alias))
    reply = must(await client.call("GET", f"/{patterns}/_alias?ignore_unavailable=true&allow_no_indices=true"))
    try:
        found = msgspec.json.decode(reply.body, type=dict[str, _Aliases])
    except msgspec.DecodeError as error:
        raise IndexUnavailable(f"the index answered with what no list of aliases: {error}") from error
    return [stored for name, each in found.items() if (stored := _stored(name, each.aliases)) is not None]


def must(reply: Reply) -> Reply:
    """The reply, which has to be a success. Raises IndexUnavailable."""
    if not reply.ok:
        raise IndexUnavailable(f"the index refused what the collector has to do with {reply.reason()}")
    return reply


def newest_writer(found: Iterable[Stored]) -> int:
    """The largest number of a lease by right of which any of these may be written to."""
    return max((number for each in found for number in each.writers), default=0)


class _Aliases(msgspec.Struct, frozen=True):
    aliases: dict[str, msgspec.Raw] = {}


def _stored(name: str, aliases: Iterable[str]) -> Stored | None:
    known = generation_of(_CODED.sub(lambda found: found[1].upper(), name))
    if known is None:
        return None
    alias, generation = known
    numbers = [_WRITER.match(each) for each in aliases]
    return Stored(name, alias, generation, alias in aliases, frozenset(int(each[1]) for each in numbers if each))
