"""A request's body, read with care: an object of JSON, not too deep, or an error that names the place."""

import re
from typing import Any

import msgspec

from activity_stream.errors import BadRequest

MAX_DEPTH = 100
"""Levels of objects and lists in a body. The query language's own limit, 30 queries deep, lies below this."""

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
_PLACE = re.compile(r"\(byte (\d+)\)")


def read_object(body: bytes) -> dict[str, Any]:
    """The object that a body is; an empty body is an empty object.

    Raises BadRequest for anything else, naming the line and column where the JSON breaks.
    """
    if not body.strip():
        return {}
    check_depth(body)
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"The body is not JSON: {_place(body, str(error))}. Send a JSON object.") from error
    if not isinstance(value, dict):
        raise BadRequest(f"The body is JSON, but {_kind(value)} at its start; send a JSON object.")
    return value


def check_depth(body: bytes) -> None:
    """Refuse what is nested too deep, before anything recurses into it. Raises BadRequest."""
    depth = 0
    if body.count(b"{") + body.count(b"[") <= MAX_DEPTH:
        return
    for bracket in _BRACKET.finditer(_STRING.sub(b"", body)):
        if bracket[0] in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise BadRequest(f"The body is nested deeper than {MAX_DEPTH} levels; make the search flatter.")
        else:
            depth -= 1


def _place(body: bytes, message: str) -> str:
    """The decoder's message, with line and column in place of the byte's number."""
    found = _PLACE.search(message)
    at = min(int(found[1]), len(body)) if found else len(body)
    before = body[:at]
    line, column = before.count(b"\n") + 1, at - (before.rfind(b"\n") + 1) + 1
    return f"{_PLACE.sub('', message).strip()} at line {line}, column {column}"


def _kind(value: object) -> str:
    names = {list: "a list", str: "a string", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "null")
