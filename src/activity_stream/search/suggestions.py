"""Words that another one may be meant for.

Source: OpenSearch's `TermSuggester`, Lucene's `DirectSpellChecker`. Each index makes suggestions by itself, of its own
words; put together, a word has the documents of all that suggest it.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from activity_stream.fields import Field, FieldType
from activity_stream.search import refusals
from activity_stream.search.analysis import spans
from activity_stream.search.fuzzy import nearest
from activity_stream.search.hits import Suggest
from activity_stream.search.query import Fuzziness

MOST_WORDS = 100
Known = Callable[[str], Mapping[str, int]]
"""The words of an index that begin so, with how many documents have each."""


class Vocabulary(msgspec.Struct, frozen=True):
    """The words of one index, which has so many `documents`."""

    documents: int
    known: Known


def suggested(asked: Suggest, field: Field | None, indices: Sequence[Vocabulary]) -> list[dict[str, Any]]:
    """The suggestions for each word of the text. Raises SearchRefused for a field without words."""
    if field is None:
        raise refusals.illegal(f"no mapping found for field [{asked.field}]")
    if field.type not in (FieldType.TEXT, FieldType.KEYWORD):
        raise refusals.wrong_kind("[suggest]", field.name, str(field.type))
    whole = field.type is FieldType.KEYWORD
    words = [(asked.text, 0, len(asked.text))] if whole and asked.text else spans(asked.text)
    if len(words) > MOST_WORDS:
        raise refusals.illegal(f"[suggest] has a text of {len(words)} words, at most {MOST_WORDS} are allowed")
    return [
        {"text": word, "offset": start, "length": end - start, "options": _options(asked, word, indices)}
        for word, start, end in words
    ]


def _options(asked: Suggest, word: str, indices: Iterable[Vocabulary]) -> list[dict[str, Any]]:
    found: dict[str, tuple[float, int]] = {}
    for index in indices if len(word) >= asked.min_word_length else ():
        known = index.known(word[: asked.prefix_length])
        for other, score in _meant(asked, word, known, index.documents):
            found[other] = score, known[other] + found.get(other, (0, 0))[1]
    rows: list[dict[str, Any]] = [
        {"text": other, "score": score, "freq": number} for other, (score, number) in found.items()
    ]
    first, second = ("freq", "score") if asked.by_frequency else ("score", "freq")
    rows.sort(key=lambda row: (-float(row[first]), -float(row[second]), str(row["text"]).encode()))
    return rows[: asked.size]


def _meant(asked: Suggest, word: str, known: Mapping[str, int], documents: int) -> list[tuple[str, float]]:
    """What a word may be meant for in one index, each with its score."""
    having = known.get(word, 0)
    most = asked.max_term_freq if asked.max_term_freq >= 1 else math.ceil(asked.max_term_freq * documents)
    if (having and asked.mode == "missing") or having > most:
        return []
    least = having if asked.mode == "popular" else 0
    if asked.min_doc_freq >= 1:
        least = max(least, int(asked.min_doc_freq))
    elif asked.min_doc_freq > 0:
        least = max(least, int(asked.min_doc_freq * documents) - 1)
    frequent = [other for other, number in known.items() if number > least and other != word]
    how = Fuzziness(edits=asked.max_edits, prefix_length=asked.prefix_length)
    near = nearest(word, asked.max_edits, how, frequent, None)
    return [(other, score) for other, score in near if score >= asked.accuracy and score > 0]
