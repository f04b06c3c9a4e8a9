"""Reads who may ask, and what they may see (contract, section 6)."""

import difflib
from collections.abc import Mapping

from activity_stream.fields import FieldMap, FieldType
from activity_stream.model import Alias, Caller, Grant, GrantKind, SearchLimits
from activity_stream.settings import variables as v
from activity_stream.settings.reading import Reading
from activity_stream.settings.shapes import CallerSettings
from activity_stream.settings.values import NotAllowed, Whole, boolean

Fields = Mapping[Alias, FieldMap]
Grants = dict[Alias, tuple[Grant, ...]]
EXACT = frozenset({FieldType.KEYWORD, FieldType.BOOLEAN, FieldType.LONG, FieldType.DATE})
"""Types of field whose values are what they are: a grant on anything else would let more through than it says."""
_ALIASES = {alias.value.upper(): alias for alias in Alias}


def read_callers(reading: Reading, fields: Fields) -> dict[str, CallerSettings]:
    """Every caller that is sound, by key id."""
    callers: dict[str, CallerSettings] = {}
    first: dict[str, str] = {}
    per_second, at_once = reading.value(v.REQUESTS_PER_SECOND), reading.value(v.REQUESTS_AT_ONCE)
    usual_seconds, usual_limits = reading.value(v.SEARCH_SECONDS), reading.words(v.SEARCH_LIMITS)
    for n in reading.numbers((v.CALLERS,)):
        key_id = reading.required(v.KEY_ID, n)
        secret = reading.required(v.SECRET_KEY, n)
        methods, grants = _permissions(reading, n, fields)
        if key_id is None:
            continue
        if (other := first.setdefault(key_id, n)) != n:
            same = reading.name(v.KEY_ID, other)
            reading.problem(v.KEY_ID, n, allowed=f"an id that no other key pair has; {same} is the same")
        if secret is not None:
            seconds = reading.optional(v.KEY_SEARCH_SECONDS, n)
            limits = reading.words(v.KEY_SEARCH_LIMITS, n) or usual_limits
            caller = Caller(
                key_id, methods, grants, usual_seconds if seconds is None else seconds, SearchLimits(**dict(limits))
            )
            callers[key_id] = CallerSettings(secret, caller, *_limits(reading, n, per_second, at_once))
    return callers


def _limits(reading: Reading, n: str, per_second: float, at_once: int) -> tuple[float, int]:
    own = reading.optional(v.KEY_PER_SECOND, n), reading.optional(v.KEY_AT_ONCE, n)
    return per_second if own[0] is None else own[0], at_once if own[1] is None else own[1]


def _permissions(reading: Reading, n: str, fields: Fields) -> tuple[frozenset[str] | None, Grants]:
    """The methods of the seed's form, or the grants of the newer one."""
    path = (v.CALLERS, n, "PERMISSIONS")
    keys = reading.keys(path)
    by_alias = [key for key in keys if key in _ALIASES]
    numbers = [key for key in keys if key.isdecimal()]
    if by_alias and numbers:
        reading.problems.append(
            f"{'__'.join(path)}: {', '.join(numbers)} came beside {', '.join(by_alias).lower()}; allowed is either a "
            "list of HTTP methods (PERMISSIONS__1=GET) or grants of activities and objects, not both"
        )
        reading.ignore(path)
        return None, {}
    if by_alias:
        return None, {_ALIASES[key]: _grants(reading, n, _ALIASES[key], fields) for key in by_alias}
    words = reading.words(v.METHODS, n) if numbers or not keys else ()
    return (frozenset(str(method) for method in words) or None), {}


def _grants(reading: Reading, n: str, alias: Alias, fields: Fields) -> tuple[Grant, ...]:
    path = (v.CALLERS, n, "PERMISSIONS", alias.upper())
    found = [_grant(reading, n, alias, number, fields[alias]) for number in reading.numbers(path)]
    return tuple(grant for grant in found if grant)


def _grant(reading: Reading, n: str, alias: Alias, number: str, fields: FieldMap) -> Grant | None:
    at = (n, alias.value, number)
    has_terms = reading.keys((v.CALLERS, n, "PERMISSIONS", alias.upper(), number))
    if not has_terms:
        plain = reading.required(v.PLAIN_GRANT, *at)
        return Grant(GrantKind(plain.value)) if plain else None
    if reading.is_set(v.PLAIN_GRANT, *at):
        reading.problem(v.PLAIN_GRANT, *at, allowed="either this or __TERMS_KEY and __TERMS_VALUES, not both")
    name = reading.required(v.TERMS_KEY, *at)
    values = _values(reading, at)
    if not values:
        reading.problem(v.TERMS_VALUES, *at, allowed=f"at least one value: {v.TERMS_VALUES.meaning}")
    if name is None:
        return None
    _check(reading, at, name, values, fields)
    return Grant(GrantKind.TERMS, name, values)


def _values(reading: Reading, at: tuple[str, str, str]) -> tuple[str, ...]:
    """A value may hold commas, so that each has a variable of its own."""
    path = (v.CALLERS, at[0], "PERMISSIONS", at[1].upper(), at[2], "TERMS_VALUES")
    found = [reading.required(v.TERMS_VALUES, *at, number) for number in reading.numbers(path)]
    return tuple(value for value in found if value is not None)


def _check(reading: Reading, at: tuple[str, str, str], name: str, values: tuple[str, ...], fields: FieldMap) -> None:
    """Note a field that a grant cannot be on, and values that it cannot have."""
    field = fields.get(name)
    exact = [each.name for each in fields.values() if each.type in EXACT and each.nested is None]
    if field is None or field.name not in exact:
        near = difflib.get_close_matches(name, exact, 3, 0.5)
        kinds = ", ".join(sorted(EXACT))
        allowed = f"a searchable field of {at[1]} of type {kinds}, not in a nested one"
        reading.problem(v.TERMS_KEY, *at, allowed=allowed + (f", such as {', '.join(near)}" if near else ""))
        return
    for value in values:
        problem = _wrong_value(field.type, value)
        if problem:
            reading.problems.append(f"{reading.name(v.TERMS_KEY, *at)}: '{name}' has no value '{value}'; {problem}")


def _wrong_value(kind: FieldType, value: str) -> str:
    """What is allowed instead of a value, empty where it is well."""
    try:
        if kind is FieldType.BOOLEAN:
            boolean(value)
        elif kind is FieldType.LONG:
            Whole(0)(value.removeprefix("-"))  # whole numbers of settings have no sign
    except NotAllowed as error:
        return f"allowed is {error}"
    return ""
