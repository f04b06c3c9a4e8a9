r"""Lucene's regular expressions, in the words that other engines of regular expressions share.

Source: Lucene's RegExp, OpenSearch documentation, "Regular expression syntax". Expressions are for whole values; `.` is
any character, a line break too; text between double quotes stands for itself; `@` is anything. Parts that automata have
and others have not (`~`, `&`, `<1-9>`, `#`) are not taken. Where case does not matter, that of ASCII letters does not.
"""

import re

_DIGIT, _WORD, _SPACE = r"0-9", r"A-Za-z0-9_", r"\x20\t\n\r"
_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_AS_THEY_ARE = {"(": "(?:", ")": ")", "|": "|", "*": "*", "+": "+", "?": "?", ".": ".", "@": ".*"}
_NOT_TAKEN = {"~": "complement", "&": "intersection", "<": "interval", "#": "empty language"}
_TOKEN = re.compile(
    r'\\(?P<escaped>.)|"(?P<quoted>[^"]*)"|\[(?P<negated>\^?)(?P<set>(?:\\.|[^\]\\])+)\]'
    r"|(?P<repeated>\{\d{1,3}(?:,\d{0,3})?\})|(?P<other>.)",
    re.DOTALL | re.ASCII,
)
_MEMBER = re.compile(r"\\(?P<escaped>.)|(?P<low>[^\\])-(?P<high>[^\\])|(?P<one>.)", re.DOTALL)


def translated(text: str, *, ignore_case: bool = False) -> str:
    """The expression for a whole value, `.` being any character. Raises ValueError for one that is none, or has a part
    that is not taken."""
    found = "".join(_piece(each, text, ignore_case=ignore_case) for each in _TOKEN.finditer(text))
    try:
        re.compile(found, re.DOTALL)
    except (re.error, OverflowError, RecursionError) as problem:
        raise ValueError(f"[{text[:100]}] is no regular expression: {problem}") from None
    return found


def _piece(token: re.Match[str], text: str, *, ignore_case: bool) -> str:
    if token["escaped"] is not None:
        return _escaped(token["escaped"], ignore_case=ignore_case)
    if token["quoted"] is not None:
        return f"(?:{''.join(_literal(each, ignore_case=ignore_case) for each in token['quoted'])})"
    if token["set"] is not None:
        members = (_member(each, ignore_case=ignore_case) for each in _MEMBER.finditer(token["set"]))
        return f"[{token['negated']}{''.join(members)}]"
    if token["repeated"] is not None:
        return token["repeated"]
    other = token["other"]
    if other in _NOT_TAKEN:
        raise ValueError(f"[{text[:100]}] has [{other}], {_NOT_TAKEN[other]}, which the embedded index does not take")
    if other in '[{"\\':
        raise ValueError(f"[{text[:100]}] has [{other}] without an end, or with nothing in it")
    return _AS_THEY_ARE.get(other) or _literal(other, ignore_case=ignore_case)


def _escaped(character: str, *, ignore_case: bool) -> str:
    if character.lower() in _CLASSES:
        return f"[{'^' if character.isupper() else ''}{_CLASSES[character.lower()]}]"
    return _literal(character, ignore_case=ignore_case)


def _member(token: re.Match[str], *, ignore_case: bool) -> str:
    """One member of a set of characters."""
    if token["low"] is not None:
        low, high = token["low"], token["high"]
        one = f"{_plain(low)}-{_plain(high)}"
        letters = (low + high).isascii() and (low + high).isalpha() and low.isupper() is high.isupper()
        return f"{one}{low.swapcase()}-{high.swapcase()}" if ignore_case and letters else one
    character = token["one"] or token["escaped"]
    if token["escaped"] is not None and character in _CLASSES:
        return _CLASSES[character]
    other = character.swapcase() if ignore_case and character.isascii() and character.isalpha() else ""
    return _plain(character) + other


def _literal(character: str, *, ignore_case: bool) -> str:
    if ignore_case and character.isascii() and character.isalpha():
        return f"[{character.lower()}{character.upper()}]"
    return _plain(character)


def _plain(character: str) -> str:
    return character if character.isalnum() or not character.isascii() else f"\\x{ord(character):02x}"
