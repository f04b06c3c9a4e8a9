"""Words and texts that others may be meant for.

Source: OpenSearch's `TermSuggester`, `Suggest.reduce`. Each index makes suggestions by itself, of its own words; put
together, a word has the documents of all that suggest it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from activity_stream.fields import Field, FieldMap, FieldType
from activity_stream.search import refusals
from activity_stream.search.analysis import spans
from activity_stream.search.hits import CompletionSuggest, PhraseSuggest, Suggest
from activity_stream.search.phrase_suggestions import MOST_WORDS, phrases
from activity_stream.search.spelling import Vocabulary, similar

Vocabularies = Callable[[Field], Sequence[Vocabulary]]
"""The words of a field in each of the indices."""


def suggested(
    asked: Suggest | PhraseSuggest | CompletionSuggest, fields: FieldMap, vocabularies: Vocabularies
) -> list[dict[str, Any]]:
    """The suggestions for each word of the text, or for all of it. Raises SearchRefused for a field without words."""
    field = fields.get(asked.field)
    if field is None or field.type is FieldType.NESTED:
        raise refusals.illegal(f"no mapping found for field [{asked.field}]")
    if isinstance(asked, CompletionSuggest):
        raise refusals.illegal(f"Field [{asked.field}] is not a completion suggest field")
    if isinstance(asked, PhraseSuggest):
        known = {each: _words(fields.get(each), vocabularies) for each in dict.fromkeys(_fields(asked))}
        return [phrases(asked, known, whole=field.type is FieldType.KEYWORD)]
    if field.type not in (FieldType.TEXT, FieldType.KEYWORD):
        raise refusals.wrong_kind("[suggest]", field.name, str(field.type))
    whole = field.type is FieldType.KEYWORD
    words = [(asked.text, 0, len(asked.text))] if whole and asked.text else spans(asked.text)
    if len(words) > MOST_WORDS:
        raise refusals.illegal(f"[suggest] has a text of {len(words)} words, at most {MOST_WORDS} are allowed")
    indices = vocabularies(field)
    return [
        {"text": word, "offset": start, "length": end - start, "options": _options(asked, word, indices)}
        for word, start, end in words
    ]


def _fields(asked: PhraseSuggest) -> list[str]:
    return [asked.field, *(each.field for each in asked.generators)]


def _words(field: Field | None, vocabularies: Vocabularies) -> Sequence[Vocabulary]:
    """Those of a field; none where there is no such field, or it has no words."""
    if field is None or field.type not in (FieldType.TEXT, FieldType.KEYWORD, FieldType.BOOLEAN):
        return ()
    if field.type is FieldType.BOOLEAN:
        raise refusals.wrong_kind("[suggest]", field.name, str(field.type))
    return vocabularies(field)


def _options(asked: Suggest, word: str, indices: Iterable[Vocabulary]) -> list[dict[str, Any]]:
    found: dict[str, tuple[float, int]] = {}
    for index in indices:
        for row in similar(asked.spelling, word, index):
            found[row.word] = row.likeness, row.documents + found.get(row.word, (0, 0))[1]
    rows: list[dict[str, Any]] = [
        {"text": other, "score": score, "freq": number} for other, (score, number) in found.items()
    ]
    first, second = ("freq", "score") if asked.spelling.by_frequency else ("score", "freq")
    rows.sort(key=lambda row: (-float(row[first]), -float(row[second]), str(row["text"]).encode()))
    return rows[: asked.size]
