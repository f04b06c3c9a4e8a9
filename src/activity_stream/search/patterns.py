"""Prefixes and wildcards as regular expressions, in which everything the client wrote is escaped."""

_ANY = "."


def exactly(text: str, *, ignore_case: bool = True) -> str:
    """The text itself."""
    return "".join(_character(each, ignore_case=ignore_case) for each in text)


def prefixed(text: str, *, ignore_case: bool) -> str:
    """Anything that begins so."""
    return f"{exactly(text, ignore_case=ignore_case)}{_ANY}*"


def wildcard(pattern: str, *, ignore_case: bool) -> str:
    r"""What a wildcard describes: `*` any characters, `?` any one, `\` takes the next literally."""
    parts: list[str] = []
    characters = iter(pattern)
    for each in characters:
        if each == "*":
            if parts[-1:] != [f"{_ANY}*"]:
                parts.append(f"{_ANY}*")
        elif each == "?":
            parts.append(_ANY)
        else:
            literal = next(characters, each) if each == "\\" else each
            parts.append(_character(literal, ignore_case=ignore_case))
    return "".join(parts)


def _character(each: str, *, ignore_case: bool) -> str:
    if not each.isascii():
        return each
    if each.isalpha():
        # Lucene ignores the case of ASCII letters alone; a flag of the pattern would go by Unicode.
        return f"[{each.lower()}{each.upper()}]" if ignore_case else each
    return each if each.isdigit() else f"\\x{ord(each):02x}"
