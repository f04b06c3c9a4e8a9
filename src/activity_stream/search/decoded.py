"""The JSON of a stored document, as OpenSearch reads it."""

import json
from typing import Any

import msgspec


def decoded_item(source: bytes) -> Any:
    """The JSON of an item. As in OpenSearch, half a surrogate pair is taken for a character that is not known.

    Raises ValueError or RecursionError for what is no JSON.
    """
    try:
        return msgspec.json.decode(source)
    except ValueError:
        return _characters(json.loads(source, parse_constant=_no_constant))


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


def _characters(value: Any) -> Any:
    if isinstance(value, dict):
        return {_characters(key): _characters(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_characters(each) for each in value]
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else value
