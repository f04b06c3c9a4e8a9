"""Pieces of a hit's texts in which what was looked for is marked.

Source: OpenSearch's "unified" highlighter: Lucene's `FieldHighlighter` and `PassageScorer`.
"""

import heapq
import html
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from activity_stream.fields import Field, FieldMap, FieldType
from activity_stream.search.analysis import spans
from activity_stream.search.field_values import raw_values
from activity_stream.search.hits import Highlight
from activity_stream.search.query import Node
from activity_stream.search.sentences import Pieces, begun
from activity_stream.search.sought import Sought, sought
from activity_stream.search.values import coerce

K1, B, PIVOT = 1.2, 0.75, 87.0
MOST_CHARACTERS = 1_000_000
"""Of a value; what is behind is not looked at. An engine refuses the search there."""
_MARKED = (FieldType.TEXT, FieldType.KEYWORD)


class Found(msgspec.Struct, frozen=True):
    """A word that is looked for, where it stands among all values of a field, and how often it does."""

    start: int
    end: int
    word: str
    often: int


class Piece(msgspec.Struct):
    """A piece of one value, that begins at `offset` among all of them, with what is found in it."""

    text: str
    offset: int
    found: list[Found]
    score: float = 0.0

    @property
    def end(self) -> int:
        """Where it ends among all values."""
        return self.offset + len(self.text)


class Highlights:
    """Marks what a query looks for in documents, as a body asks; raises SearchRefused for what cannot be."""

    def __init__(self, asked: Sequence[Highlight], query: Node, fields: FieldMap) -> None:
        self._fields: list[tuple[str, Field, Highlight, Sought]] = []
        known: dict[str, None] = {}
        for each in asked:
            for field in _matching(each.field, fields):
                if field.name in known or field.type not in _MARKED:
                    continue
                known[field.name] = None
                looked_for = sought(each.query or query, field, fields, of_any=not each.require_field_match)
                self._fields.append((field.name, field, each, looked_for))

    def of(self, document: Any) -> dict[str, list[str]]:
        """The pieces by the name of the field; without those of which there are none."""
        found = {}
        for name, field, how, looked_for in self._fields:
            texts = [str(each) for raw in raw_values(document, field) if (each := coerce(field.type, raw)) is not None]
            if pieces := _marked(texts, field, how, looked_for):
                found[name] = pieces
        return found


def _matching(name: str, fields: FieldMap) -> Iterator[Field]:
    if "*" in name:
        yield from (each for each in fields.values() if fnmatchcase(each.name, name))
    elif name in fields:
        yield fields[name]


def _marked(texts: Sequence[str], field: Field, how: Highlight, looked_for: Sought) -> list[str]:
    length = sum(map(len, texts)) + max(0, len(texts) - 1)
    pieces: list[Piece] = []
    offset = 0
    texts = [text[:MOST_CHARACTERS] for text in texts]
    split = [spans(text) if field.type is FieldType.TEXT else [(text, 0, len(text))] for text in texts]
    often = Counter(word for words in split for word, _, _ in words)
    for text, words in zip(texts, split, strict=True):
        places = looked_for.places([word for word, _, _ in words])
        rows = (words[at] for at in places)
        found = [
            Found(offset + start, offset + end, word, often[word])
            for word, start, end in rows
            if word or (looked_for.fits(word) and offset < length)
        ]
        pieces += _pieces(text, offset, found, how)
        offset += len(text) + 1
    if not pieces:
        first = next((each for each in texts if each), "") if how.no_match_size else ""
        return [_encoded(begun(first, how.no_match_size).strip(), how)] if first else []
    for each in pieces:
        each.score = _score(each, length)
    if how.number_of_fragments:
        pieces = _best(pieces, how.number_of_fragments)
    if how.by_score:
        pieces.sort(key=lambda each: -each.score)
    return [_shown(each, how) for each in pieces]


def _pieces(text: str, offset: int, found: Sequence[Found], how: Highlight) -> list[Piece]:
    """The pieces of one value that have something in them; what is one word is not cut."""
    if not how.number_of_fragments or [each.end - each.start for each in found] == [len(text)]:
        return [Piece(text, offset, list(found))] if found else []
    made: list[Piece] = []
    cut = Pieces(text, how.fragment_size)
    for each in found:
        if not made or each.start >= made[-1].end:
            start, end = cut.around(each.start - offset)
            made.append(Piece(text[start:end], offset + start, []))
        made[-1].found.append(each)
    return made


def _best(pieces: list[Piece], number: int) -> list[Piece]:
    """The best ones, in their order."""
    waiting: list[tuple[float, int, Piece]] = []
    for at, piece in enumerate(pieces):
        if len(waiting) == number and piece.score < waiting[0][0]:
            continue
        heapq.heappush(waiting, (piece.score, -at, piece))
        if len(waiting) > number:
            heapq.heappop(waiting)
    return [piece for _, _, piece in sorted(waiting, key=lambda row: -row[1])]


def _score(piece: Piece, length: int) -> float:
    """How much a piece tells: by how often it has which words, and how near it is to the beginning."""
    documents = 1 + length / PIVOT
    norm = K1 * ((1 - B) + B * (len(piece.text) / PIVOT))
    counts = Counter((each.word, each.often) for each in piece.found)
    total = 0.0
    for (_, often), number in counts.items():
        weight = (K1 + 1) * math.log(1 + (documents + 0.5) / (often + 0.5))
        total += weight * (number / (number + norm))
    return total * (1 + 1 / math.log(PIVOT + piece.offset))


def _shown(piece: Piece, how: Highlight) -> str:
    parts = []
    done = piece.offset
    found = sorted(piece.found, key=lambda each: (each.start, each.end))
    at = 0
    while at < len(found):
        start, end = found[at].start, found[at].end
        while at + 1 < len(found) and found[at + 1].start < end:
            at += 1
            end = max(end, found[at].end)
        end = min(end, piece.end)
        parts.append(_encoded(piece.text[done - piece.offset : start - piece.offset], how))
        marked = _encoded(piece.text[start - piece.offset : end - piece.offset], how)
        parts.append(f"{how.pre_tag}{marked}{how.post_tag}")
        done = end
        at += 1
    parts.append(_encoded(piece.text[done - piece.offset :], how))
    return "".join(parts).strip()


def _encoded(text: str, how: Highlight) -> str:
    return html.escape(text).replace("/", "&#x2F;") if how.as_html else text
