"""Reads where data go, and where errors are reported to.

For the index the first of these that is set says it: INDEX_URL, ES_URI, VCAP_SERVICES, DATA_DIR; for the state:
STATE_URL, VCAP_SERVICES, DATA_DIR (decision 0005).
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from activity_stream.settings import variables as v
from activity_stream.settings.places import IndexAddress, RedisAddress
from activity_stream.settings.reading import Reading
from activity_stream.settings.services import Services, read_services
from activity_stream.settings.shapes import (
    AwsKeys,
    EmbeddedIndex,
    RedisState,
    SentrySettings,
    ServerIndex,
    SqliteState,
    StorageSettings,
)

_AWS: tuple[v.Variable[Any], ...] = (v.ES_AWS_ACCESS_KEY_ID, v.ES_AWS_SECRET_ACCESS_KEY, v.ES_AWS_REGION)


def read_storage(reading: Reading) -> StorageSettings:
    """Where the index and the state are."""
    data_dir = reading.value(v.DATA_DIR)
    wanted = _first_set(reading, v.INDEX_URL, v.ES_URI)
    services = read_services(reading, wanted, _first_set(reading, v.STATE_URL))
    index = _index_place(reading, services)
    state = reading.optional(v.STATE_URL) or services.state
    aws = _aws(reading, used=wanted == v.ES_URI.name)
    return StorageSettings(
        data_dir=data_dir,
        index=_index(reading, index or data_dir / "index", aws),
        state=RedisState(state.url)
        if isinstance(state, RedisAddress)
        else SqliteState(state or data_dir / "state.sqlite"),
        passwords=tuple(secret for each in (index, state) for secret in _passwords(each)),
    )


def _first_set(reading: Reading, *variables: v.Variable[Any]) -> str:
    """The name of the first of the variables that is set, empty where none is."""
    return next((each.name for each in variables if reading.is_set(each)), "")


def _index_place(reading: Reading, services: Services) -> Path | IndexAddress | None:
    """Where the index is; None where nothing says it, or what says it is wrong."""
    explicit, hosted = reading.optional(v.INDEX_URL), reading.optional(v.ES_URI)
    if not reading.is_set(v.INDEX_URL):
        return hosted or services.index
    if reading.is_set(v.ES_URI):
        reading.warnings.append(f"{reading.name(v.ES_URI)} is not used: {reading.name(v.INDEX_URL)} is set")
    return explicit


def _index(reading: Reading, place: Path | IndexAddress, aws: AwsKeys | None) -> EmbeddedIndex | ServerIndex:
    """The index at the place, with what is said of servers alone; that is a warning where it does nothing."""
    ca_file, replicas = reading.optional(v.INDEX_CA_FILE), reading.value(v.INDEX_REPLICAS)
    if reading.is_set(v.INDEX_CA_FILE) and (isinstance(place, Path) or not place.url.startswith("https:")):
        reading.warnings.append(f"{reading.name(v.INDEX_CA_FILE)} is not used: the index is not asked over https")
    if reading.is_set(v.INDEX_REPLICAS) and isinstance(place, Path):
        reading.warnings.append(f"{reading.name(v.INDEX_REPLICAS)} is not used: the embedded index has no copies")
    shared_below = reading.value(v.SHARED_INDEX_BELOW)
    if reading.is_set(v.SHARED_INDEX_BELOW) and isinstance(place, Path):
        reading.warnings.append(f"{reading.name(v.SHARED_INDEX_BELOW)} is not used: the embedded index is one for all")
    if isinstance(place, Path):
        return EmbeddedIndex(place)
    return ServerIndex(
        url=place.url,
        username=place.username,
        password=place.password,
        ca_file=ca_file,
        replicas=replicas,
        shared_below=shared_below,
        aws=aws,
    )


def _aws(reading: Reading, *, used: bool) -> AwsKeys | None:
    """The keys that sign what goes to ES_URI; None where none are set, they are not used, or are not sound."""
    key_id = reading.optional(v.ES_AWS_ACCESS_KEY_ID)
    secret = reading.optional(v.ES_AWS_SECRET_ACCESS_KEY)
    region = reading.optional(v.ES_AWS_REGION)
    given = [each for each in _AWS if reading.is_set(each)]
    names = ", ".join(reading.name(each) for each in given)
    if given and not reading.is_set(v.ES_URI):
        reading.warnings.append(f"{names}: not used, because they sign only what goes to ES_URI, which is not set")
    if not given or not used:
        return None
    for variable in _AWS:
        if variable not in given:
            reading.problem(variable, allowed=f"{variable.meaning}; it is needed because of {names}")
    _check_signing(reading, names)
    return AwsKeys(key_id, secret, region) if key_id and secret and region else None


def _check_signing(reading: Reading, names: str) -> None:
    """Note whatever keeps requests to ES_URI from being signed."""
    address = reading.optional(v.ES_URI)
    if address and (address.username or address.password):
        reading.problem(v.ES_URI, allowed=f"an address without user and password where {names} sign the requests")
    if find_spec("botocore") is None:
        reading.problems.append(
            f"{names}: requests cannot be signed without the package botocore: pip install 'activity-stream[aws]'"
        )


def _passwords(place: Path | IndexAddress | RedisAddress | None) -> tuple[Any, ...]:
    return place.passwords if isinstance(place, IndexAddress | RedisAddress) else ()


def read_sentry(reading: Reading) -> SentrySettings | None:
    """Where errors are reported to, if anywhere."""
    environment = reading.optional(v.SENTRY_ENVIRONMENT) or ""
    dsn = reading.optional(v.SENTRY_DSN)
    return SentrySettings(dsn, environment) if dsn else None
