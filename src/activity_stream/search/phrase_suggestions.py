"""Texts that another one may be meant for.

Source: OpenSearch's `PhraseSuggester`: each word of the text is itself, or one of the candidates that are like it; a
text is as likely as its words are frequent and like those that were written.

    score = exp(sum over the words of log10(likeness * chance))

The best texts are found word by word: of those that end alike, and have as many mistakes left, only as many are kept as
are asked for. So there are no more than `MOST_STEPS` steps, where OpenSearch walks through every text there can be.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from itertools import groupby
from typing import Any

import msgspec

from activity_stream.search import refusals
from activity_stream.search.analysis import tokens
from activity_stream.search.hits import PhraseSuggest, Smoothing, Spelling
from activity_stream.search.spelling import Vocabulary, similar, to_float

MOST_WORDS = 100
MOST_STEPS = 1_000_000

_LONGEST_GRAM = 3
_LEAST = 5e-324
_HARDLY_ANY = 1e-11
_LOG_BASE = 5


class Candidate(msgspec.Struct, frozen=True, eq=False):
    """A word that may be meant, how alike it is (None: it is the one that was written), and how often it is in all
    documents; `worth` is what candidates are chosen by."""

    word: str
    likeness: float | None
    often: int
    worth: float = 0.0


Path = tuple[Candidate, ...]


class Corrected(msgspec.Struct, frozen=True):
    """A text made of candidates, and its score."""

    score: float
    words: Path


def phrases(asked: PhraseSuggest, known: Mapping[str, Sequence[Vocabulary]], *, whole: bool) -> dict[str, Any]:
    """What a text may be meant for. `known`: the words of each field, index by index, none where it has no words;
    `whole`: the text is one word. Raises SearchRefused where there are too many to choose from."""
    words = [asked.text] if whole else tokens(asked.text)
    fields = [known[each.field] for each in asked.generators]
    options: dict[str, tuple[float, str]] = {}
    least = _LEAST
    several = 0
    if 0 < len(words) < asked.token_limit:
        _refuse_too_many(asked, len(words))
        for at, index in enumerate(known[asked.field]):
            generators = [
                (how, of[at]) for how, of in zip(asked.generators, fields, strict=True) if of and of[at].totals().every
            ]
            several += 1
            if not generators or not index.totals().every:
                continue
            found, cutoff = _corrected(asked, words, index, generators)
            least = max(least, cutoff)
            for each in found:
                text = " ".join(candidate.word for candidate in each.words)
                score = to_float(each.score)
                if score > cutoff:
                    options[text] = max(score, options.get(text, (0.0, ""))[0]), _marked(each.words, asked.tags)
    rows = [(text, score, marked) for text, (score, marked) in options.items() if score > least]
    if several > 1:
        rows.sort(key=lambda row: (-row[1], row[0].encode()))
    length = len(asked.text.encode("utf-16-le", "surrogatepass")) // 2
    shown = [_shown(*row, tagged=asked.tags is not None) for row in rows[: asked.size]]
    return {"text": asked.text, "offset": 0, "length": length, "options": shown}


def _refuse_too_many(asked: PhraseSuggest, words: int) -> None:
    if words > MOST_WORDS:
        raise refusals.illegal(f"[suggest] has a text of {words} words, at most {MOST_WORDS} are allowed")
    candidates = 1 + min(asked.per_index, sum(each.size for each in asked.generators))
    gram = min(asked.gram_size, _LONGEST_GRAM)
    steps = words * (_errors(asked, words) + 1) * candidates**gram * asked.per_index
    if steps > MOST_STEPS:
        raise refusals.illegal(
            f"[phrase] of {words} words would take {steps:,} steps to find the best texts, at most {MOST_STEPS:,} are "
            "allowed: ask for less of [shard_size], [size], [max_errors] or [gram_size]"
        )


def _errors(asked: PhraseSuggest, words: int) -> int:
    """How many words of so many may be others."""
    share = to_float(asked.max_errors)
    return max(1, min(words, int(share) if share >= 1 else math.floor(to_float(share * words) + 0.5)))


def _corrected(
    asked: PhraseSuggest, words: list[str], index: Vocabulary, generators: list[tuple[Spelling, Vocabulary]]
) -> tuple[list[Corrected], float]:
    """The best texts of one index, best first, and the score that they have to be above."""
    often = cache(index.often)
    sets = [_candidates(asked, word, generators) for word in words]
    totals = index.totals()
    spread = totals.different if totals.every + totals.different > 1 else 0
    model = Model(asked.smoothing, asked.separator, asked.gram_size, often, totals.every, spread)
    likelihood = to_float(asked.likelihood)

    def step(path: Sequence[Candidate]) -> float:
        likeness = path[-1].likeness
        return _log10((likelihood if likeness is None else likeness) * model.chance(path))

    cutoff = _LEAST
    if asked.confidence > 0:
        written = [each[0] for each in sets]
        cutoff = _exp(sum(step(written[: at + 1]) for at in range(len(written)))) * to_float(asked.confidence)
    texts = _best(sets, _errors(asked, len(words)), asked.per_index, model.tail, step, index.look)
    found = [Corrected(_exp(each.score), each.words) for each in texts]
    found = sorted((each for each in found if each.score > cutoff), key=_rank)
    return found[: asked.per_index], cutoff


def _candidates(asked: PhraseSuggest, word: str, generators: list[tuple[Spelling, Vocabulary]]) -> list[Candidate]:
    """The word itself, and then those that it may be meant for."""
    first = generators[0][1]
    having = first.known(word).get(word, 0)
    found: dict[str, Candidate] = {}
    for how, index in generators:
        more_than = None if how.mode == "always" else _threshold(having, how, index.documents)
        every = index.totals().every
        rows = {}
        for row in similar(how, word, index, more_than):
            number = index.often(row.word)
            rows[row.word] = Candidate(row.word, row.likeness, number, row.likeness * ((number + 1) / (every + 1)))
        found = {**found, **rows}
    best = sorted(found.values(), key=lambda each: (-each.worth, each.word.encode()))
    return [Candidate(word, None, first.often(word)), *best[: asked.per_index]]


def _threshold(having: int, how: Spelling, documents: int) -> float:
    """In how many documents, or in which share of them, a word has to be, so that one that so many have is meant for
    it."""
    plateau = int(how.min_doc_freq if how.min_doc_freq >= 1 else to_float(to_float(how.min_doc_freq) * documents))
    if having <= plateau:
        return how.min_doc_freq
    more = having * (math.log10(having - plateau) * (1 / math.log10(_LOG_BASE))) + 1
    return max(how.min_doc_freq, math.floor(more + 0.5))


class Model:
    """How likely words are after each other. A text has `every` words, of so many `different` ones; `often` is how
    often one is there."""

    def __init__(
        self, how: Smoothing, separator: str, gram: int, often: Callable[[str], int], every: int, different: int
    ) -> None:
        self._how = how
        self._separator = separator
        self._gram = gram
        self._often = often
        self._every = every
        self._different = different
        self.tail = min(gram, _LONGEST_GRAM) - 1

    def chance(self, path: Sequence[Candidate]) -> float:
        """How likely the last word of a path is, after those before it."""
        match min(len(path), self._gram):
            case 1:
                return self._alone(path[-1])
            case 2:
                return self._after_one(path[-1], path[-2])
            case _:
                return self._after_two(path[-1], path[-2], path[-3])

    def _joined(self, *words: Candidate) -> int:
        joined = self._separator.join(each.word for each in words)
        return self._often(joined)

    def _alone(self, word: Candidate) -> float:
        added = self._how.alpha if self._how.kind == "laplace" else 1.0
        return _divided(added + self._often(word.word), self._every + added * self._different)

    def _after_one(self, word: Candidate, before: Candidate) -> float:
        number, how = self._joined(before, word), self._how
        if how.kind == "laplace":
            return _divided(how.alpha + number, before.often + how.alpha * self._different)
        if how.kind == "linear":
            total = how.unigram_lambda + how.bigram_lambda + how.trigram_lambda
            alone = how.unigram_lambda / total * self._alone(word)
            return how.bigram_lambda / total * (number / (0.5 + before.often)) + alone if number else alone
        return number / (before.often + _HARDLY_ANY) if number else how.discount * self._alone(word)

    def _after_two(self, word: Candidate, before: Candidate, first: Candidate) -> float:
        how, pair = self._how, self._joined(before, word)
        if how.kind == "laplace":
            return _divided(how.alpha + self._joined(first, before, word), pair + how.alpha * self._different)
        if how.kind == "linear":
            total = how.unigram_lambda + how.bigram_lambda + how.trigram_lambda
            number, rest = self._joined(word, before, first), self._after_one(word, before)
            if not number:
                return rest
            return how.trigram_lambda / total * (number / (1 + self._joined(word, before))) + rest
        if not pair:
            return how.discount * self._alone(word)
        number = self._joined(first, before, word)
        return number / (pair + _HARDLY_ANY) if number else how.discount * (pair / (before.often + _HARDLY_ANY))


def _best(
    sets: Sequence[Sequence[Candidate]],
    errors: int,
    most: int,
    tail: int,
    step: Callable[[Path], float],
    look: Callable[[], None],
) -> list[Corrected]:
    """The best texts, by the logarithms of their scores: for each number of mistakes and each end, so many."""
    kept = [(errors, Corrected(0.0, ()))]
    for candidates in sets:
        alike: dict[tuple[int, Path], list[Corrected]] = {}
        chances: dict[Path, float] = {}
        for left, text in kept:
            look()
            for candidate in candidates if left else candidates[:1]:
                longer = (*text.words, candidate)
                seen = longer[-1 - tail :]
                if seen not in chances:
                    chances[seen] = step(longer)
                if chances[seen] > -math.inf:
                    rest = left - (candidate.likeness is not None)
                    same = alike.setdefault((rest, longer[len(longer) - tail :]), [])
                    same.append(Corrected(text.score + chances[seen], longer))
        kept = [(left, each) for (left, _), same in alike.items() for each in sorted(same, key=_rank)[:most]]
    return [each for _, each in kept]


def _rank(text: Corrected) -> tuple[float, list[bytes]]:
    """The best is the least one: that with the greatest score, then that whose words come first."""
    return -text.score, [each.word.encode() for each in text.words]


def _marked(words: Sequence[Candidate], tags: tuple[str, str] | None) -> str:
    """The text with tags around what was not written so."""
    if tags is None:
        return ""
    parts = []
    for is_other, those in groupby(words, key=lambda each: each.likeness is not None):
        part = " ".join(each.word for each in those)
        parts.append(f"{tags[0]}{part}{tags[1]}" if is_other else part)
    return " ".join(parts)


def _shown(text: str, score: float, marked: str, *, tagged: bool) -> dict[str, Any]:
    shown: Any = "Infinity" if score == math.inf else score
    return {"text": text, **({"highlighted": marked} if tagged else {}), "score": shown}


def _log10(number: float) -> float:
    if 0 < number < math.inf:
        return float(Decimal(number).log10())  # `math.log10` is off by a digit too often
    return -math.inf if number == 0 else number if number == math.inf else math.nan


def _exp(number: float) -> float:
    try:
        return math.exp(number)
    except OverflowError:
        return math.inf


def _divided(one: float, other: float) -> float:
    if other:
        return one / other
    return math.inf if one else math.nan
