"""Reads the feeds, and the searchable fields that are added."""

import re
from collections.abc import Mapping
from typing import Any

from activity_stream.fields import AddedField, FieldType
from activity_stream.model import Alias
from activity_stream.settings import variables as v
from activity_stream.settings.reading import Reading
from activity_stream.settings.shapes import Auth, FeedSettings, Rhythm, Secret
from activity_stream.settings.values import NotAllowed, key_id

_NEEDS: Mapping[Auth, tuple[v.Variable[Any], ...]] = {
    Auth.HAWK: (v.ACCESS_KEY_ID, v.SECRET_ACCESS_KEY),
    Auth.BASIC: (v.ACCESS_KEY_ID,),
    Auth.BEARER: (v.SECRET_ACCESS_KEY,),
    Auth.NONE: (),
}
_TOKEN = re.compile(r"[!-~]+")


def read_feeds(reading: Reading) -> tuple[FeedSettings, ...]:
    """Every feed that is sound, in the order of its number."""
    ratio = reading.value(v.PUBLISH_MIN_RATIO)
    found = {n: feed for n in reading.numbers((v.FEEDS,)) if (feed := _feed(reading, n, ratio))}
    names: dict[str, str] = {}
    seeds: dict[str, str] = {}
    for n, feed in found.items():
        if (first := names.setdefault(feed.unique_id, n)) != n:
            other = reading.name(v.UNIQUE_ID, first)
            reading.problem(v.UNIQUE_ID, n, allowed=f"a name that no other feed has; {other} is the same")
        if (first := seeds.setdefault(feed.seed, n)) != n:
            one, other = reading.name(v.SEED, n), reading.name(v.SEED, first)
            reading.warnings.append(f"{one} is the same as {other}: what it has is collected twice")
    return tuple(found.values())


def _feed(reading: Reading, n: str, ratio: float) -> FeedSettings | None:
    kind = reading.required(v.TYPE, n)
    unique_id = reading.required(v.UNIQUE_ID, n)
    if kind is None and reading.is_set(v.TYPE, n):
        # What a kind that is not there needs is not known: no more is said of this feed.
        reading.ignore((v.FEEDS, n))
        return None
    seed = reading.required(v.SEED, n)
    auth, access_key_id, secret = _auth(reading, n)
    own_ratio = reading.optional(v.FEED_PUBLISH_MIN_RATIO, n)
    hosts = frozenset(reading.words(v.ALLOWED_HOSTS, n))
    rhythm = _rhythm(reading, n, kind or v.Kind.ACTIVITY_STREAM)
    if unique_id is None or kind is None or seed is None:
        return None
    return FeedSettings(
        unique_id=unique_id,
        type=kind.value,
        seed=seed,
        auth=auth,
        access_key_id=access_key_id,
        secret_access_key=secret,
        allowed_hosts=hosts,
        rhythm=rhythm,
        publish_min_ratio=ratio if own_ratio is None else own_ratio,
    )


def _rhythm(reading: Reading, n: str, kind: v.Kind) -> Rhythm:
    default = v.RHYTHMS[kind]
    intervals = reading.words(v.EXCEPTION_INTERVALS, n)
    usual = tuple(v.EXCEPTION_INTERVALS.read(each) for each in default["EXCEPTION_INTERVALS"].split(","))
    return Rhythm(
        full_ingest_interval=reading.value(v.FULL_INGEST_INTERVAL, n, default=default["FULL_INGEST_INTERVAL"]),
        full_ingest_page_interval=reading.value(
            v.FULL_INGEST_PAGE_INTERVAL, n, default=default["FULL_INGEST_PAGE_INTERVAL"]
        ),
        updates_page_interval=reading.value(v.UPDATES_PAGE_INTERVAL, n, default=default["UPDATES_PAGE_INTERVAL"]),
        exception_intervals=intervals or usual,
        down_grace_period=reading.value(v.DOWN_GRACE_PERIOD, n, default=default["DOWN_GRACE_PERIOD"]),
        disable_updates=reading.value(v.DISABLE_UPDATES, n, default=default["DISABLE_UPDATES"]),
    )


def _auth(reading: Reading, n: str) -> tuple[Auth, str, Secret]:
    """How a feed's requests are authenticated, and with what."""
    name = reading.optional(v.ACCESS_KEY_ID, n) or ""
    secret = reading.optional(v.SECRET_ACCESS_KEY, n) or Secret()
    given = reading.is_set(v.ACCESS_KEY_ID, n) or reading.is_set(v.SECRET_ACCESS_KEY, n)
    auth = reading.optional(v.AUTH, n) or (Auth.HAWK if given else Auth.NONE)
    for variable in _NEEDS[auth]:
        if not reading.is_set(variable, n):
            reading.problem(variable, n, allowed=f"{variable.meaning}; it is needed for AUTH={auth}")
    if name and auth is Auth.HAWK:
        try:
            key_id(name)
        except NotAllowed as error:
            reading.problem(v.ACCESS_KEY_ID, n, allowed=str(error))
    if name and auth is Auth.BASIC and ":" in name:
        reading.problem(v.ACCESS_KEY_ID, n, allowed="a user's name without a colon, as AUTH=basic sends it")
    if secret and auth is Auth.BEARER and not _TOKEN.fullmatch(secret.reveal()):
        reading.problem(v.SECRET_ACCESS_KEY, n, allowed="printable ASCII without blanks, as AUTH=bearer sends it")
    return auth, name, secret


_KEYS = "keys joined with single dots, such as object.dit:code"


def read_fields(reading: Reading) -> tuple[AddedField, ...]:
    """Every added field that is sound."""
    found: dict[tuple[Alias, str], AddedField] = {}
    for n in reading.numbers((v.FIELDS,)):
        alias = reading.required(v.FIELD_ALIAS, n)
        name = reading.required(v.FIELD_NAME, n)
        kind = reading.required(v.FIELD_TYPE, n)
        if alias is None or name is None or kind is None:
            continue
        first_of = reading.words(v.FIELD_FIRST_OF, n)
        if not all(name.split(".")):
            reading.problem(v.FIELD_NAME, n, allowed=_KEYS)
        if not all(each for other in first_of for each in other.split(".")):
            reading.problem(v.FIELD_FIRST_OF, n, allowed=f"names of fields: {_KEYS}")
        if first_of and kind is FieldType.GEO_POINT:
            reading.problem(v.FIELD_FIRST_OF, n, allowed="a field of another type than geo_point")
        if (alias, name) in found:
            reading.problem(v.FIELD_NAME, n, allowed=f"a field of {alias} that no other FIELDS__n names")
        found[alias, name] = AddedField(alias, name, kind, first_of)
    return tuple(found.values())
