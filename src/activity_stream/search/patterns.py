"""Prefixes and wildcards as regular expressions, in which everything the client wrote is escaped."""

ANY, ANY_ONE = "any", "any one"
"""What stands for any characters, and for any one, among the characters of a wildcard."""

_ANY = "."
_LAST = 0x10FFFF
_BEFORE_HALVES, _AFTER_HALVES = 0xD7FF, 0xE000
"""The characters around what is no character by itself."""


def exactly(text: str, *, ignore_case: bool = True) -> str:
    """The text itself."""
    return "".join(_character(each, ignore_case=ignore_case) for each in text)


def prefixed(text: str, *, ignore_case: bool) -> str:
    """Anything that begins so."""
    return f"{exactly(text, ignore_case=ignore_case)}{_ANY}*"


def wildcard(pattern: str, *, ignore_case: bool) -> str:
    """What a wildcard describes."""
    parts = {ANY: f"{_ANY}*", ANY_ONE: _ANY}
    return "".join(parts.get(each) or _character(each, ignore_case=ignore_case) for each in wildcard_pieces(pattern))


def wildcard_pieces(pattern: str) -> list[str]:
    r"""A wildcard's characters: for `*`, any characters, ANY, never twice in a row; for `?`, any one, ANY_ONE; `\`
    takes the next literally."""
    pieces: list[str] = []
    characters = iter(pattern)
    for each in characters:
        if each == "*":
            pieces += [ANY] if pieces[-1:] != [ANY] else []
        elif each == "?":
            pieces.append(ANY_ONE)
        else:
            pieces.append(next(characters, each) if each == "\\" else each)
    return pieces


def _character(each: str, *, ignore_case: bool) -> str:
    if not each.isascii():
        return each
    if each.isalpha():
        # Lucene ignores the case of ASCII letters alone; a flag of the pattern would go by Unicode.
        return f"[{each.lower()}{each.upper()}]" if ignore_case else each
    return each if each.isdigit() else f"\\x{ord(each):02x}"


def between(low: str | None, high: str | None, *, over_low: bool, under_high: bool) -> str | None:
    """Any text, but an empty one, from `low` to `high` by the numbers of characters. They are in it themselves unless
    `over_low` or `under_high`; None is no bound. None where there is no such text."""
    if high is None:
        return _after(low, over=over_low) if low else f"{_ANY}+"
    if not low:
        return _before(high, under=under_high, shorter=False)
    if low >= high:
        return _exact(low) if low == high and not (over_low or under_high) else None
    same = next((at for at, (mine, theirs) in enumerate(zip(low, high, strict=False)) if mine != theirs), len(low))
    upto = _before(high[same + 1 :], under=under_high)
    parts = [] if upto is None else [_exact(high[same]) + upto]
    if same == len(low):
        parts += [*_range(0, ord(high[same]) - 1), *([] if over_low else [""])]
    else:
        parts += _range(ord(low[same]) + 1, ord(high[same]) - 1)
        parts.append(_exact(low[same]) + _after(low[same + 1 :], over=over_low))
    return _exact(high[:same]) + _either(parts)


def is_between(text: str, low: str | None, high: str | None, *, over_low: bool, under_high: bool) -> bool:
    """Whether a text is one of those."""
    above = low is None or (text > low if over_low else text >= low)
    return above and (high is None or (text < high if under_high else text <= high))


def _after(low: str, *, over: bool) -> str:
    """`low`, or what comes after it."""
    made = f"{_ANY}+" if over else f"{_ANY}*"
    for each in reversed(low):
        made = _either([_exact(each) + made, *_range(ord(each) + 1, _LAST)])
    return made


def _before(high: str, *, under: bool, shorter: bool = True) -> str | None:
    """What comes before `high`, or is it, an empty text among them if `shorter`. None where there is nothing."""
    made = None if under else ""
    for at, each in reversed(list(enumerate(high))):
        parts = [*([] if made is None else [_exact(each) + made]), *_range(0, ord(each) - 1)]
        made = _either([*parts, *([""] if at or shorter else [])]) if parts or at or shorter else None
    return made


def _range(first: int, last: int) -> list[str]:
    """A character of these numbers, and then anything; nothing where there is none."""
    low = _AFTER_HALVES if _BEFORE_HALVES < first < _AFTER_HALVES else first
    high = _BEFORE_HALVES if _BEFORE_HALVES < last < _AFTER_HALVES else last
    return [f"[\\x{{{low:x}}}-\\x{{{high:x}}}]{_ANY}*"] if low <= high else []


def after_all(begun: str) -> str | None:
    """The least text that comes after all that begin so; None where there is none."""
    for at in range(len(begun) - 1, -1, -1):
        number = ord(begun[at]) + 1
        if number <= _LAST:
            return begun[:at] + chr(_AFTER_HALVES if number == _BEFORE_HALVES + 1 else number)
    return None


def _exact(text: str) -> str:
    return exactly(text, ignore_case=False)


def _either(expressions: list[str]) -> str:
    """Any of them, one of which may be empty."""
    some = "|".join(each for each in expressions if each)
    return f"(?:{some})" if all(expressions) else f"(?:{some})?" if some else ""
