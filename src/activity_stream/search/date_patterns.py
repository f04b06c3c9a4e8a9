"""Java's patterns for dates (`yyyy-MM-dd'T'HH:mm`), the numeric part of them.

Source: java.time.format.DateTimeFormatter. Letters: y u M d H m s S X Z; text between quotes stands for itself.
"""

import re
from functools import lru_cache

import msgspec

from activity_stream.search.civil import Civil, civil

_PIECE = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']")
_LETTERS = {"y": "year", "u": "year", "M": "month", "d": "day", "H": "hour", "m": "minute", "s": "second"}
_OFFSETS = {"X": r"Z|[+-]\d\d(?:\d\d)?", "XX": r"Z|[+-]\d{4}", "XXX": r"Z|[+-]\d\d:\d\d", "Z": r"[+-]\d{4}"}
_LONGEST = 100
_AN_OFFSET = -1
"""The width of an offset: as wide as it is."""


class Reading(msgspec.Struct, frozen=True):
    """A date as a text has it: milliseconds of its wall clock, and its offset from UTC where it tells one."""

    wall: int
    offset: int | None = None

    @property
    def utc(self) -> int:
        """Its milliseconds, taken as UTC where it tells no offset."""
        return self.wall - (self.offset or 0)


def offset_ms(text: str) -> int:
    """The milliseconds of an offset: Z, +01, +0100, +01:00, +01:00:00. Raises ValueError beyond 18 hours."""
    if text == "Z":
        return 0
    digits = text[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:4] or 0) * 60 + int(digits[4:6] or 0)
    if int(digits[2:4] or 0) > 59 or int(digits[4:6] or 0) > 59 or seconds > 18 * 3600:
        raise ValueError(f"there is no offset {text}")
    return seconds * (-1000 if text[0] == "-" else 1000)


def filled(parts: dict[str, int], fraction: str | None, *, round_up: bool) -> int:
    """The milliseconds of a date of which only some parts are told.

    Missing months and days are the first; a missing time is the day's first moment or, to round up, its last.
    """
    if round_up:
        parts = {"hour": 23, "minute": 59, "second": 59, **parts}
    default = 999 if round_up else 0
    return Civil(**parts, millisecond=int(fraction.ljust(3, "0")[:3]) if fraction else default).to_ms()


class Pattern:
    """One pattern, ready to read and to write."""

    def __init__(self, text: str) -> None:
        """Raises ValueError for a letter that is not supported, or a pattern without a year."""
        self._format: list[tuple[str, int]] = []
        expression = "".join(self._piece(piece) for piece in _PIECE.finditer(text))
        if len(text) > _LONGEST or "?P<year>" not in expression or "".join(p[0] for p in _PIECE.finditer(text)) != text:
            raise ValueError(f"Invalid format: [{text[:_LONGEST]}]")
        try:
            self._expression = re.compile(expression, re.ASCII)
        except re.error:
            raise ValueError(f"Invalid format: [{text}]: a part comes twice") from None

    def read(self, text: str, *, round_up: bool) -> Reading | None:
        """What the text says, None if it is not of this pattern. Raises ValueError for 2020-02-30 and the like."""
        found = self._expression.fullmatch(text)
        if found is None:
            return None
        groups = {key: value for key, value in found.groupdict().items() if value is not None}
        offset = groups.pop("offset", None)
        fraction = groups.pop("fraction", None)
        wall = filled({key: int(value) for key, value in groups.items()}, fraction, round_up=round_up)
        return Reading(wall, None if offset is None else offset_ms(offset))

    def write(self, ms: int, offset: int = 0) -> str:
        """The date at an offset of so many milliseconds from UTC."""
        moment = civil(ms + offset)
        return "".join(_written(what, width, moment, offset) for what, width in self._format)

    def _piece(self, piece: re.Match[str]) -> str:
        text, letter = piece[0], piece[2]
        if letter is None:
            literal = (piece[1].replace("''", "'") or "'") if text.startswith("'") else text
            self._format.append((literal, 0))
            return re.escape(literal)
        if letter in "XZ" and text in _OFFSETS:
            self._format.append((text, _AN_OFFSET))
            return f"(?P<offset>{_OFFSETS[text]})"
        if letter == "S":
            self._format.append(("fraction", len(text)))
            return rf"(?P<fraction>\d{{{len(text)}}})"
        if letter not in _LETTERS or len(text) > (4 if letter in "yu" else 2) or text in ("yy", "uu", "yyy", "uuu"):
            raise ValueError(f"Invalid format: [{text}] is not supported in a date's pattern")
        self._format.append((_LETTERS[letter], len(text)))
        digits = r"\d{4}" if letter in "yu" else r"\d\d" if len(text) == 2 else r"\d{1,2}"
        return f"(?P<{_LETTERS[letter]}>{digits})"


def offset_text(offset: int, form: str = "XXX") -> str:
    """An offset of milliseconds as Java writes it: X as +01 or +0130, XX as +0100, XXX as +01:00, all three Z for none;
    Z as +0100."""
    if not offset and form != "Z":
        return "Z"
    hours, minutes = divmod(abs(offset) // 60_000, 60)
    sign = "-" if offset < 0 else "+"
    if form == "X" and not minutes:
        return f"{sign}{hours:02}"
    return f"{sign}{hours:02}{':' if form == 'XXX' else ''}{minutes:02}"


def _written(what: str, width: int, moment: Civil, offset: int) -> str:
    if not width:
        return what
    if width == _AN_OFFSET:
        return offset_text(offset, what)
    if what == "fraction":
        return f"{moment.millisecond:03}".ljust(width, "0")[:width]
    number: int = getattr(moment, what)
    return f"{number:0{width}}"


@lru_cache(maxsize=256)
def pattern(text: str) -> Pattern:
    """The pattern of a text. Raises ValueError if it is none, or has parts that are not supported."""
    return Pattern(text)
