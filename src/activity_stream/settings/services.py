"""Reads VCAP_SERVICES: the services that a platform (Cloud Foundry) has bound to the program (decision 0005)."""

import msgspec

from activity_stream.settings import variables as v
from activity_stream.settings.places import IndexAddress, RedisAddress, index_address, redis_address
from activity_stream.settings.reading import Reading
from activity_stream.settings.values import NotAllowed

_FORM = '{"opensearch": [{"credentials": {"uri": "https://…"}}], "redis": [{"credentials": {"uri": "redis://…"}}]}'


class _Credentials(msgspec.Struct):
    uri: str


class _Service(msgspec.Struct):
    credentials: _Credentials


class _Vcap(msgspec.Struct):
    """The part that matters; only the first of each list does, and is looked at only where it is wanted."""

    redis: list[msgspec.Raw] = []
    opensearch: list[msgspec.Raw] = []
    elasticsearch: list[msgspec.Raw] = []


class Services(msgspec.Struct, frozen=True):
    """What a platform names and is wanted."""

    index: IndexAddress | None = None
    state: RedisAddress | None = None


def read_services(reading: Reading, index_by: str, state_by: str) -> Services:
    """What VCAP_SERVICES names. `index_by` and `state_by` name the variable that says already where each is, if any:
    then the platform's is not wanted, which a warning says."""
    came = reading.optional(v.VCAP_SERVICES)
    if not came:
        return Services()
    try:
        named = msgspec.json.decode(came.reveal(), type=_Vcap)
        index, state = (*named.opensearch, *named.elasticsearch), named.redis
        for what, first, winner in (("an index", index, index_by), ("a state", state, state_by)):
            if first and winner:
                name = reading.name(v.VCAP_SERVICES)
                reading.warnings.append(f"{name} names {what} that is not used: {winner} is set")
        return Services(
            index=index_address(_uri(index[0])) if index and not index_by else None,
            state=redis_address(_uri(state[0])) if state and not state_by else None,
        )
    except (msgspec.DecodeError, NotAllowed, RecursionError) as error:
        if not (index_by and state_by):
            reading.problem(v.VCAP_SERVICES, allowed=f"JSON such as {_FORM} ({error})")
    return Services()


def _uri(service: msgspec.Raw) -> str:
    return msgspec.json.decode(service, type=_Service).credentials.uri
