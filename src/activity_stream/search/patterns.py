"""Prefixes and wildcards as regular expressions, in which everything the client wrote is escaped."""

ANY, ANY_ONE = "any", "any one"
"""What stands for any characters, and for any one, among the characters of a wildcard."""

_ANY = "."


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
