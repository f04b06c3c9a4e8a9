"""`suggest`: from a part of a body to what is suggested for which words."""

from collections.abc import Mapping
from typing import Any

from activity_stream.search import refusals
from activity_stream.search.hits import Suggest
from activity_stream.search.part import Part, Readers, at_least, only_if

_MOST = 100


def _edits(part: Part) -> int:
    number = part.integer()
    if number not in (1, 2):
        raise refusals.illegal(f"[max_edits] can be 1 or 2. Found [{number}] at {part.path}")
    return number


_TERM: Readers = {
    "field": Part.field,
    "text": Part.as_text,
    "size": at_least(1),
    "sort": lambda part: part.choice("score", "frequency") == "frequency",
    "suggest_mode": lambda part: part.choice("missing", "popular", "always"),
    "max_edits": _edits,
    "prefix_length": at_least(0),
    "min_word_length": at_least(1),
    "min_doc_freq": Part.number,
    "max_term_freq": Part.number,
    "accuracy": Part.number,
}
_IGNORED: Readers = {
    "shard_size": Part.integer,
    "max_inspections": Part.integer,
    "analyzer": only_if("standard"),
    "string_distance": only_if("internal", "damerau_levenshtein"),
}
_NAMES = {"sort": "by_frequency", "suggest_mode": "mode"}


def suggest(part: Part) -> tuple[Suggest, ...]:
    """What is asked for, by name. Raises SearchRefused."""
    entries = dict(part.entries())
    text = entries.pop("text").as_text() if "text" in entries else None
    if len(entries) > _MOST:
        raise refusals.illegal(f"[suggest] has {len(entries)} names, at most {_MOST} are allowed")
    return tuple(_one(name, inner, text) for name, inner in entries.items())


def _one(name: str, part: Part, text: str | None) -> Suggest:
    entries = dict(part.entries())
    if "text" in entries:
        text = entries.pop("text").as_text()
    for kind in ("phrase", "completion", "prefix", "regex"):
        if kind in entries:
            raise part.refused(f"[suggest] of the kind [{kind}]: {refusals.NOT_YET};")
    if set(entries) != {"term"}:
        raise part.refused(f"[suggest] needs [term] in [{name[:100]}]")
    values: Mapping[str, Any] = entries["term"].options("term", _TERM, _IGNORED)
    options = {_NAMES.get(key, key): value for key, value in values.items()}
    if "field" not in options:
        raise refusals.refused("parse_exception", f"the required field option [field] is missing at {part.path}")
    options.setdefault("text", text)
    if options["text"] is None:
        raise refusals.illegal(f"The required text option is missing at {part.path}")
    return Suggest(name=name, **options)
