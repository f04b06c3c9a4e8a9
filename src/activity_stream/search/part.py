"""One part of a search body together with its place, and how to read it as what it should be.

Values are read as leniently as OpenSearch reads them: numbers and booleans may come as strings.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from types import MappingProxyType
from typing import Any

from activity_stream.errors import SearchRefused
from activity_stream.search import refusals
from activity_stream.search.limits import Budget
from activity_stream.search.query import Scalar

_NUMBER = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,4})?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,19}(\.0*)?", re.ASCII)
_METADATA = frozenset(
    {"_doc_count", "_feature", "_field_names", "_id", "_ignored", "_index", "_nested_path", "_routing", "_seq_no"}
    | {"_size", "_source", "_tier", "_type", "_version"}
)
_INTEGER_LIMIT = 2**31


class Part:
    """A value within a search body. `path` is its place as in `query.bool.must[1]`, `key` the last key of it."""

    def __init__(self, value: Any, path: str, budget: Budget, key: str = "") -> None:
        self.value = value
        self.path = path
        self.budget = budget
        self.key = key

    @property
    def token(self) -> str:
        """What OpenSearch's messages call this kind of JSON."""
        match self.value:
            case None:
                return "VALUE_NULL"
            case bool():
                return "VALUE_BOOLEAN"
            case str():
                return "VALUE_STRING"
            case int() | float():
                return "VALUE_NUMBER"
            case list():
                return "START_ARRAY"
            case _:
                return "START_OBJECT"

    def refused(self, reason: str) -> SearchRefused:
        """A refusal as parsing_exception, with the place."""
        return refusals.parsing(f"{reason} at {self.path}")

    def at(self, key: str) -> "Part":
        """The value of a key; only for objects that have it."""
        return Part(self.value[key], f"{self.path}.{key}" if self.path else key, self.budget, key)

    def entries(self) -> Iterator[tuple[str, "Part"]]:
        """The keys and values of an object."""
        if not isinstance(self.value, dict):
            raise self.refused(f"Expected [START_OBJECT] but found [{self.token}]")
        return ((key, self.at(key)) for key in self.value)

    def only(self, construct: str) -> tuple[str, "Part"]:
        """The one key and value of an object."""
        entries = list(self.entries())
        if not entries:
            raise refusals.illegal(f"query malformed, empty clause found at {self.path} ([{construct}])")
        if len(entries) > 1:
            keys = ", ".join(key for key, _ in entries[:5])
            raise self.refused(f"[{construct}] malformed query, expected one key but found {len(entries)} ({keys})")
        return entries[0]

    def elements(self) -> list["Part"]:
        """The elements of a list."""
        if not isinstance(self.value, list):
            raise self.refused(f"Expected [START_ARRAY] but found [{self.token}]")
        return [
            Part(each, f"{self.path}[{position}]", self.budget, self.key) for position, each in enumerate(self.value)
        ]

    def some(self) -> list["Part"]:
        """The elements of a list; of anything else but null, itself alone."""
        if self.value is None:
            return []
        return self.elements() if isinstance(self.value, list) else [self]

    def scalar(self) -> Scalar:
        """A string, number or boolean."""
        if isinstance(self.value, str | int | float):
            return self.value
        raise self.refused(f"Expected a value but found [{self.token}]")

    def maybe_scalar(self) -> Scalar | None:
        """A string, number, boolean or null."""
        return None if self.value is None else self.scalar()

    def text(self) -> str:
        """A string."""
        if isinstance(self.value, str):
            return self.value
        raise self.refused(f"Expected [VALUE_STRING] but found [{self.token}]")

    def field(self) -> str:
        """The name of a field."""
        return self.named(self.text())

    def named(self, field: str) -> str:
        """A field's name, unless it is one that OpenSearch adds to documents: these cannot be searched yet."""
        if field in _METADATA:
            raise self.refused(f"[{field}]: {refusals.NOT_YET};")
        return field

    def as_text(self) -> str:
        """A string, or a number as one."""
        if isinstance(self.value, int | float) and not isinstance(self.value, bool):
            return str(self.value)
        return self.text()

    def texts(self) -> tuple[str, ...]:
        """A string, or a list of them."""
        return tuple(each.text() for each in self.some())

    def choice(self, *allowed: str) -> str:
        """One of these words, in any case."""
        word = self.text().lower()
        if word not in allowed:
            raise refusals.illegal(f"[{self.text()[:100]}] at {self.path} is not one of: {', '.join(allowed)}")
        return word

    def boolean(self) -> bool:
        """True or false, as such or as a string."""
        if self.value in ("true", "false"):
            return bool(self.value == "true")
        if isinstance(self.value, bool):
            return self.value
        raise refusals.illegal(
            f"Failed to parse value [{self._shown}] as only [true] or [false] are allowed at {self.path}"
        )

    def number(self) -> float:
        """A finite number, as such or as a string."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self._no_number()
        if isinstance(value, str) and _NUMBER.fullmatch(value) is None:
            raise self._no_number()
        number = float(value)
        if not isfinite(number):
            raise self._no_number()
        return number

    def integer(self) -> int:
        """A whole number of 32 bits, as such or as a string."""
        value = self.value
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value.partition(".")[0])
        elif isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._no_number()
        if not -_INTEGER_LIMIT <= value < _INTEGER_LIMIT:
            raise refusals.illegal(
                f"Numeric value ({self._shown}) out of range of int (-2147483648 - 2147483647) at {self.path}"
            )
        return value

    def boost(self) -> float:
        """A number that is not negative."""
        number = self.number()
        if number < 0:
            raise refusals.illegal(f"negative [boost] are not allowed, found [{self._shown}] at {self.path}")
        return number

    def options(self, construct: str, readers: "Readers", ignored: "Readers" = MappingProxyType({})) -> dict[str, Any]:
        """The values of an object by key, each read by its reader; those with a reader in `ignored` are read, and left
        out. Other keys are refused."""
        values = {}
        for key, part in self.entries():
            if key in ignored:
                ignored[key](part)
            elif key in readers:
                values[key] = readers[key](part)
            else:
                allowed = ", ".join(readers)
                raise part.refused(f"[{construct}] does not support [{key[:100]}], only {allowed},")
        return values

    @property
    def _shown(self) -> str:
        return str(self.value)[:100]

    def _no_number(self) -> SearchRefused:
        if isinstance(self.value, str):
            return refusals.refused(refusals.NUMBER, f'For input string: "{self._shown}" at {self.path}')
        return self.refused(f"Expected [VALUE_NUMBER] but found [{self.token}]")


def only_if(*expected: object) -> "Reader":
    """A reader for an option that may be there with one of the values that change nothing."""

    def read(part: Part) -> None:
        if not any(part.value == each and type(part.value) is type(each) for each in expected):
            raise part.refused(f"[{part.key}] can only be {expected[0]!r}: {refusals.NOT_YET};")

    return read


def at_least(least: int) -> "Reader":
    """A reader for a whole number that is not less than this."""

    def read(part: Part) -> int:
        number = part.integer()
        if number < least:
            raise refusals.illegal(f"[{part.key}] must be at least {least}. Found [{number}] at {part.path}")
        return number

    return read


Reader = Callable[[Part], Any]
Readers = Mapping[str, Reader]
