r"""Where texts can be cut: between sentences, and between words.

Source: Java's `BreakIterator` (its rules of sentences and words), and OpenSearch's `BoundedBreakIteratorScanner`, which
cuts sentences that are too long between words and puts short ones together.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

_CLOSING = r"[\"'\u2019\u201d\u00bb)\]}]*+"
_OPENING = r"[\"'\u2018\u201c\u00ab(\[{]*+"
_SENTENCE = re.compile(
    rf"[!?\u3002\uff01\uff1f]++{_CLOSING}\s*+"
    rf"|(?<![.\uff0e])[.\uff0e]++{_CLOSING}\s++(?={_OPENING}[^a-z\u00df-\u00f6\u00f8-\u00ff\d\s])"
    rf"|\u2029"
)
_WORD = re.compile(r"[^\W_]+(?:['.\u2019\u2010-\u2015\"-](?=[^\W_])[^\W_]+|[,](?=\d)\d+|_+[^\W_]*)*|\s+|.", re.DOTALL)


def sentences(text: str) -> list[int]:
    """The places between sentences, the beginning and the end of the text among them."""
    found = [0, *(each.end() for each in _SENTENCE.finditer(text)), len(text)]
    return sorted(set(found))


def words(text: str) -> list[int]:
    """The places between words, blanks and signs, the beginning and the end of the text among them."""
    return [0, *(each.end() for each in _WORD.finditer(text))]


def before(places: Sequence[int], at: int) -> int:
    """The last place before another one; the first, if there is none."""
    return places[max(0, bisect_left(places, at) - 1)]


def behind(places: Sequence[int], at: int) -> int | None:
    """The first place behind another one; None where there is none."""
    found = bisect_right(places, at)
    return places[found] if found < len(places) else None


class Pieces:
    """Cuts one text into pieces around places in it, each of about `size` characters; 0: whole sentences."""

    def __init__(self, text: str, size: int) -> None:
        self._end = len(text)
        self._size = size
        self._sentences = sentences(text)
        self._words = words(text)
        self._window = (-1, -1)
        self._inner = (0, 0)

    def around(self, at: int) -> tuple[int, int]:
        """Where the piece that has this place begins and ends. Places are asked for in ascending order."""
        offset = at + 1
        if not self._size:
            return before(self._sentences, offset), behind(self._sentences, at) or self._end
        start, end = self._inner
        if self._window[0] < offset < self._window[1]:
            start, end = end, self._window[1]
        else:
            start = before(self._sentences, offset)
            end = behind(self._sentences, at) or self._end
            while end - start < self._size:
                further = behind(self._sentences, end)
                if further is None or further - start > self._size:
                    break
                end = further
            self._window = (start, end)
        if end - start > self._size:
            if offset - self._size > start:
                start = max(start, before(self._words, offset - self._size))
            remaining = max(0, self._size - (offset - start))
            if offset + remaining < self._window[1]:
                end = min(self._window[1], behind(self._words, offset + remaining) or self._end)
        self._inner = (start, end)
        return start, end


def begun(text: str, size: int) -> str:
    """The text up to the end of the word that so many characters reach."""
    if size >= len(text):
        return text
    return text[: behind(words(text), size) or len(text)]
