r"""From text to tokens, as the analyzer `standard` of OpenSearch does it.

Source: Unicode Standard Annex 29, "Word Boundaries", as Lucene's StandardTokenizer reads it (one token for each
ideograph and each Hiragana character; South-East Asian text stays together), then Lucene's simple lower-casing.

    item = letters (mid-letter, if a letter follows)? | digits (mid-number, if a digit follows)? | connectors
    word = items, at least one of them letters or digits

Known differences: Hebrew gershayim, emoji that are joined by more than modifiers, and connectors between Katakana and
letters.
"""

import re
import unicodedata
from functools import cache

MAX_TOKEN_LENGTH = 255

_ASCII = re.compile(
    r"_*(?=[a-z0-9])(?:[a-z]+(?:[.:'](?=[a-z]))?|[0-9]+(?:[.,;'](?=[0-9]))?|_+)+",
)

_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")

# Of the property Word_Break: MidNumLet with Single_Quote, MidLetter, MidNum.
_MID_BOTH = ".'\u2018\u2019\u2024\ufe52\uff07\uff0e"
_MID_LETTER = _MID_BOTH + ":\u00b7\u0387\u055f\u05f4\u2027\ufe13\ufe55\uff1a"
_MID_NUMBER = _MID_BOTH + ",;\u037e\u0589\u060c\u060d\u066c\u07f8\u2044\ufe10\ufe14\ufe50\ufe54\uff0c\uff1b"

_HAN = (
    "\u2e80-\u2e99\u2e9b-\u2ef3\u2f00-\u2fd5\u3005\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufa6d\ufa70-\ufad9\U00020000-\U0002fa1d\U00030000-\U000323af"
)
_HIRAGANA = "\u3041-\u3096\u309d-\u309f\U0001b001-\U0001b11f\U0001f200"
_KATAKANA = "\u3031-\u3035\u309b\u309c\u30a0-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u32d0-\u32fe\u3300-\u3357\uff66-\uff9d"
_SOUTH_EAST_ASIAN = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecd\u0edc-\u0edf\u1000-\u103f\u1050-\u108f\u109a-\u109f\u1780-\u17d3\u17d7"
    "\u17dc\u17dd\u1950-\u1974\u1980-\u19c9\u19de\u19df\u1a20-\u1a5e\u1a60-\u1a7c\uaa60-\uaa7f\uaa80-\uaac2\uaadb-\uaadf"
)
_PICTURES = (
    "\u231a\u231b\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1\u26aa\u26ab\u26bd"
    "\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705\u270a\u270b\u2728\u274c\u274e"
    "\u2753-\u2755\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55\U0001f004\U0001f0cf\U0001f18e"
    "\U0001f191-\U0001f19a\U0001f201-\U0001f265\U0001f300-\U0001f3fa\U0001f400-\U0001faff"
)
_MODIFIERS = "\ufe0f\U0001f3fb-\U0001f3ff"
_EXTENDING = "\U000e0001-\U000e01ef\u200c\uff9e\uff9f\U0001f3fb-\U0001f3ff"
_CIRCLED_LETTERS = "\u24b6-\u24e9\U0001f130-\U0001f149\U0001f150-\U0001f169\U0001f170-\U0001f189"
_LETTER_CATEGORIES = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nl"})
_EXTEND_CATEGORIES = frozenset({"Mn", "Me", "Mc", "Cf"})
_ZERO_WIDTH_SPACE = 0x200B
_LAST_SCRIPT = 0x1FFFF  # after it: ideographs, and the tags and variation selectors of plane 14


def tokens(text: str) -> list[str]:
    """The tokens of a text, in order, lower-cased; none is longer than 255 characters."""
    if text.isascii():
        words: list[str] = _ASCII.findall(text.lower())
    else:
        # Java lower-cases a character at a time: no final sigma, and one character for the dotted capital I.
        words = _mixed(text.replace("\u03a3", "\u03c3").replace("\u0130", "i").lower())
    if len(text) <= MAX_TOKEN_LENGTH or len(max(words, key=len, default="")) <= MAX_TOKEN_LENGTH:
        return words
    return [part for word in words for part in _parts(_ASCII if word.isascii() else _unicode(), word)]


def spans(text: str) -> list[tuple[str, int, int]]:
    """The tokens of a text, in order, with where each begins and ends. One of more than 255 characters is not cut."""
    lower = text.replace("\u03a3", "\u03c3").replace("\u0130", "i").lower()
    pattern = _ASCII if lower.isascii() else _unicode()
    return [(each[0], each.start(), each.end()) for each in pattern.finditer(lower)]


def _mixed(text: str) -> list[str]:
    """The words of a text. No word has a blank in it, so that only what stands next to other characters than ASCII
    between two blanks needs the pattern for any text, which is several times slower."""
    words: list[str] = []
    done = 0
    while (found := _NOT_ASCII.search(text, done)) is not None:
        start = text.rfind(" ", done, found.start()) + 1 or done
        end = text.find(" ", found.end())
        end = len(text) if end < 0 else end
        words += _ASCII.findall(text, done, start)
        words += _unicode().findall(text, start, end)
        done = end
    return words + _ASCII.findall(text, done)


def _parts(pattern: re.Pattern[str], word: str) -> list[str]:
    """A word as the tokenizer sees it, that has never more than 255 characters in hand."""
    parts = []
    while len(word) > MAX_TOKEN_LENGTH:
        found = pattern.search(word[:MAX_TOKEN_LENGTH])
        if found is None:
            word = word[MAX_TOKEN_LENGTH:]
            continue
        parts.append(found[0])
        word = word[found.end() :]
    return parts + pattern.findall(word)


@cache
def _unicode() -> re.Pattern[str]:
    """The pattern for any text. It takes a while to build, and plain English never needs it."""
    letter, digit, connector, extend = _classes()
    follow = f"[{extend}]*"
    word = (
        f"(?:[{connector}]{follow})*(?=[{letter}{digit}])"
        f"(?:[{letter}][{letter}{extend}]*(?:[{_MID_LETTER}]{follow}(?=[{letter}]))?"
        f"|[{digit}][{digit}{extend}]*(?:[{_MID_NUMBER}]{follow}(?=[{digit}]))?"
        f"|[{connector}][{connector}{extend}]*)+"
    )
    others = (
        f"[{_HAN}{_HIRAGANA}]{follow}",
        f"[{_KATAKANA}][{_KATAKANA}{extend}]*",
        f"[{_SOUTH_EAST_ASIAN}][{_SOUTH_EAST_ASIAN}{extend}]*",
        f"[\U0001f1e6-\U0001f1ff]{{2}}{follow}",
        f"[{_PICTURES}][{_MODIFIERS}]*(?:\u200d[{_PICTURES}\u2640\u2642\u2695\u2764][{_MODIFIERS}]*)*",
    )
    return re.compile("|".join((word, *others)))


def _classes() -> tuple[str, str, str, str]:
    """Letters, digits, connectors and what extends the character before, as insides of character classes."""
    other = re.compile(f"[{_HAN}{_HIRAGANA}{_KATAKANA}{_SOUTH_EAST_ASIAN}{_EXTENDING}]")
    sets: dict[str, list[int]] = {"letter": [], "digit": [], "connector": [], "extend": []}
    for code in range(_LAST_SCRIPT + 1):
        character = chr(code)
        category = unicodedata.category(character)
        if category in _LETTER_CATEGORIES:
            if other.match(character) is None:
                sets["letter"].append(code)
        elif category == "Nd":
            sets["digit"].append(code)
        elif category == "Pc":
            sets["connector"].append(code)
        elif category in _EXTEND_CATEGORIES and code != _ZERO_WIDTH_SPACE:
            sets["extend"].append(code)
    letter, digit, connector, extend = (_ranges(codes) for codes in sets.values())
    return letter + _CIRCLED_LETTERS, digit, connector, extend + _EXTENDING


def _ranges(codes: list[int]) -> str:
    """Increasing code points as ranges of a character class."""
    pieces = []
    first = last = codes[0]
    for code in (*codes[1:], -1):
        if code != last + 1:
            pieces.append(f"\\U{first:08x}-\\U{last:08x}")
            first = code
        last = code
    return "".join(pieces)
