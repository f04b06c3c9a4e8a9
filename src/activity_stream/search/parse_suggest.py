"""`suggest`: from a part of a body to what is suggested for which words and texts."""

from collections.abc import Callable, Mapping
from typing import Any

from activity_stream.search import refusals
from activity_stream.search.hits import CompletionSuggest, PhraseSuggest, Smoothing, Spelling, Suggest
from activity_stream.search.part import Part, Readers, at_least, only_if

_MOST = 100
_MOST_GENERATORS = 10
_TEXTS = ("text", "prefix", "regex")
"""What of one that is asked for may be its text, the first before the others."""


def _edits(part: Part) -> int:
    number = part.integer()
    if number not in (1, 2):
        raise refusals.illegal(f"[max_edits] can be 1 or 2. Found [{number}] at {part.path}")
    return number


def _frequency(part: Part) -> float:
    number = part.number()
    if number >= 1 and not number.is_integer():
        raise refusals.illegal(f"[{part.key}]: fractional absolute document frequencies are not allowed at {part.path}")
    return number


def _number(least: float, *, above: bool = False) -> Callable[[Part], float]:
    """A reader for a number that is not less than this, or `above` it."""

    def read(part: Part) -> float:
        number = part.number()
        if number < least or (above and number == least):
            raise refusals.illegal(f"[{part.key}] must be {'>' if above else '>='} {least} at {part.path}")
        return number

    return read


def _at_most_100(part: Part) -> int:
    number: int = at_least(1)(part)
    if number > _MOST:
        raise refusals.illegal(f"[{part.key}] is {number}, at most {_MOST} are allowed at {part.path}")
    return number


def _not_taken(part: Part) -> None:
    raise part.refused(f"[{part.key}]: {refusals.NOT_YET};")


_SPELLING: Readers = {
    "field": Part.field,
    "sort": lambda part: part.choice("score", "frequency") == "frequency",
    "suggest_mode": lambda part: part.choice("missing", "popular", "always"),
    "max_edits": _edits,
    "prefix_length": at_least(0),
    "min_word_length": at_least(1),
    "max_inspections": at_least(1),
    "min_doc_freq": _frequency,
    "max_term_freq": _frequency,
    "accuracy": Part.number,
}
_TERM: Readers = {**_SPELLING, "size": at_least(1), "shard_size": at_least(1)}
_DIRECT: Readers = {**_SPELLING, "size": _at_most_100}
_IGNORED: Readers = {
    "analyzer": only_if("standard"),
    "string_distance": only_if("internal", "damerau_levenshtein"),
}
_NOT_DIRECT: Readers = {
    "string_distance": _IGNORED["string_distance"],
    "pre_filter": _not_taken,
    "post_filter": _not_taken,
}
_NAMES = {
    "sort": "by_frequency",
    "suggest_mode": "mode",
    "shard_size": "per_index",
    "real_word_error_likelihood": "likelihood",
    "highlight": "tags",
    "direct_generator": "generators",
}
_LAMBDA = _number(0.0)
_SMOOTHING: Mapping[str, Readers] = {
    "stupid_backoff": {"discount": _number(0.0)},
    "laplace": {"alpha": _number(0.0)},
    "linear": dict.fromkeys(("unigram_lambda", "bigram_lambda", "trigram_lambda"), _LAMBDA),
}
_UNLIKE_ONE = 0.001


def _tags(part: Part) -> tuple[str, str] | None:
    values = part.options("highlight", {"pre_tag": Part.as_text, "post_tag": Part.as_text})
    if not values:
        return None
    if len(values) == 1:
        raise refusals.illegal(f"[pre_tag] and [post_tag] must both be there, or none of them, at {part.path}")
    return values["pre_tag"], values["post_tag"]


def _smoothing(part: Part) -> Smoothing:
    kind, inner = part.only("smoothing")
    if kind not in _SMOOTHING:
        raise part.refused(f"[smoothing] does not support [{kind[:100]}], only {', '.join(_SMOOTHING)},")
    made = Smoothing(kind=kind, **inner.options(kind, _SMOOTHING[kind]))
    if kind == "linear" and abs(made.unigram_lambda + made.bigram_lambda + made.trigram_lambda - 1) > _UNLIKE_ONE:
        raise refusals.illegal(f"linear smoothing lambdas must sum to 1 at {inner.path}")
    return made


def _generators(part: Part) -> tuple[Spelling, ...]:
    elements = part.elements()
    if len(elements) > _MOST_GENERATORS:
        raise refusals.illegal(
            f"[direct_generator] has {len(elements)} generators, at most {_MOST_GENERATORS} are allowed"
        )
    return tuple(Spelling(**_options(each, "direct_generator", _DIRECT, _NOT_DIRECT)) for each in elements)


_PHRASE: Readers = {
    "field": Part.field,
    "size": at_least(1),
    "shard_size": at_least(1),
    "gram_size": at_least(1),
    "max_errors": _number(0.0, above=True),
    "confidence": _number(0.0),
    "real_word_error_likelihood": _number(0.0, above=True),
    "separator": Part.as_text,
    "token_limit": at_least(1),
    "highlight": _tags,
    "smoothing": _smoothing,
    "direct_generator": _generators,
}
_NOT_PHRASE: Readers = {
    "force_unigrams": Part.boolean,  # of what is taken apart into single words, each is one
    "analyzer": only_if("standard"),
    "collate": _not_taken,
}


def suggest(part: Part) -> tuple[Suggest | PhraseSuggest | CompletionSuggest, ...]:
    """What is asked for, by name. Raises SearchRefused."""
    entries = dict(part.entries())
    text = entries.pop("text").as_text() if "text" in entries else None
    if len(entries) > _MOST:
        raise refusals.illegal(f"[suggest] has {len(entries)} names, at most {_MOST} are allowed")
    return tuple(_one(name, inner, text) for name, inner in entries.items())


def _one(name: str, part: Part, text: str | None) -> Suggest | PhraseSuggest | CompletionSuggest:
    entries = dict(part.entries())
    texts = {key: entries.pop(key).as_text() for key in _TEXTS if key in entries}
    text = next(iter(texts.values()), text)
    if len(entries) != 1 or not entries.keys() <= {"term", "phrase", "completion"}:
        raise part.refused(f"[suggest] needs one of [term], [phrase], [completion] in [{name[:100]}]")
    ((kind, inner),) = entries.items()
    if kind == "completion":
        field = dict(inner.entries()).get("field")
        if field is None:
            raise _without_field(inner)
        return CompletionSuggest(name=name, field=field.field())
    values = _options(inner, kind, *((_TERM, _IGNORED) if kind == "term" else (_PHRASE, _NOT_PHRASE)))
    if text is None:
        raise refusals.illegal(f"The required text option is missing at {part.path}")
    size = values.pop("size", 5)
    per_index = values.pop("per_index", max(size, 5))
    if kind == "term":
        return Suggest(name=name, text=text, size=size, spelling=Spelling(size=per_index, **values))
    generators = values.pop("generators", ()) or (Spelling(field=values["field"]),)
    return PhraseSuggest(name=name, text=text, size=size, per_index=per_index, generators=generators, **values)


def _options(part: Part, construct: str, readers: Readers, ignored: Readers) -> dict[str, Any]:
    """The values of an object that names a field, by the names that they have here."""
    values = part.options(construct, readers, ignored)
    if "field" not in values:
        raise _without_field(part)
    return {_NAMES.get(key, key): value for key, value in values.items()}


def _without_field(part: Part) -> Exception:
    return refusals.refused("parse_exception", f"the required field option [field] is missing at {part.path}")
