"""Which words of a text a query looks for, wherever they decide what is found.

What a client wrote is never a regular expression of Python's here, in which some take for ever.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec

from activity_stream.fields import Field, FieldMap, FieldType
from activity_stream.search import query as q
from activity_stream.search.analysis import tokens
from activity_stream.search.automata import Automaton, TooLarge
from activity_stream.search.begun import spelled_out
from activity_stream.search.fuzzy import edits_of, nearest
from activity_stream.search.patterns import ANY, ANY_ONE, exactly, prefixed, wildcard_pieces
from activity_stream.search.regexps import translated
from activity_stream.search.values import json_text

Test = Callable[[str], bool]
_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_OF_WORDS = (FieldType.TEXT, FieldType.KEYWORD)


class Phrase(msgspec.Struct, frozen=True):
    """Words that are looked for next to each other, or moved by so many places; `begun`: of the last, the beginning."""

    words: tuple[str, ...]
    slop: int = 0
    begun: bool = False


class Sought(msgspec.Struct):
    """What is looked for in one field."""

    words: set[str]
    tests: list[Test]
    phrases: list[Phrase]

    def places(self, found: Sequence[str]) -> list[int]:
        """Which of the words of a text are looked for, by their place."""
        places = {at for at, word in enumerate(found) if word in self.words or self.fits(word)}
        for phrase in self.phrases:
            places |= _places_of(phrase, found)
        return sorted(places)

    def fits(self, word: str) -> bool:
        """Whether a word is one of many that are looked for."""
        return any(test(word) for test in self.tests)


def sought(query: q.Node, field: Field, fields: FieldMap, *, of_any: bool) -> Sought:
    """What a query looks for in a field; with `of_any`, what it looks for in any field."""
    found = Sought(set(), [], [])
    for node in _deciding(query):
        _collect(node, field, fields, found, of_any=of_any)
    return found


def _deciding(node: q.Node) -> Iterator[q.Node]:
    """The queries within one that find by what is in a document, and not by what is not."""
    match node:
        case q.Bool():
            parts: Sequence[q.Node] = (*node.must, *node.filter, *node.should)
        case q.Boosting():
            parts = (node.positive,)
        case q.FunctionScore() | q.Nested():
            parts = (node.query,)
        case q.ConstantScore() | q.DisMax():
            parts = tuple(q.within(node))
        case _:
            parts = ()
            yield node
    for each in parts:
        yield from _deciding(each)


def _collect(node: Any, field: Field, fields: FieldMap, found: Sought, *, of_any: bool) -> None:
    several = isinstance(node, q.MultiMatch)
    for name in [name for name, _ in node.fields] if several else [getattr(node, "field", "")]:
        own = fields.get(name)
        if own is not None and own.type in _OF_WORDS and (of_any or own.name == field.name):
            _add(node, own, found)


def _add(node: Any, field: Field, found: Sought) -> None:
    """What a query of one field looks for."""
    test = _test(node)
    match node:
        case _ if test is not None:
            found.tests.append(test)
        case q.Term():
            found.words.add(json_text(node.value))
        case q.TermsSet():
            found.words |= {json_text(each) for each in node.values}
        case q.Fuzzy():
            _add_word(node.value, node.fuzzy, found)
        case q.MatchBoolPrefix():
            for each in _deciding(spelled_out(node, field.type)):
                _add(each, field, found)
        case q.Match() | q.MatchPhrase() | q.MatchPhrasePrefix() | q.MultiMatch():
            _add_text(node, field, found)


def _test(node: Any) -> Test | None:
    """For what may be many words: whether one is among them."""
    expression = None
    match node:
        case q.Terms():
            return frozenset(json_text(each) for each in node.values).__contains__
        case q.Wildcard():
            return partial(_looks_like, wildcard_pieces(node.value), node.case_insensitive)
        case q.Regexp():
            return _automaton(translated(node.value, ignore_case=node.case_insensitive))
        case q.Range(gt=None, gte=None, lt=None, lte=None):
            return None
        case q.Range():
            return partial(_is_within, node)
        case q.Term(case_insensitive=True):
            expression = exactly(json_text(node.value))
        case q.Prefix():
            expression = prefixed(node.value, ignore_case=node.case_insensitive)
    return None if expression is None else _described(expression)


def _automaton(expression: str) -> Test | None:
    """What an expression describes; None where it is too large to be followed."""
    try:
        return Automaton(expression).describes
    except TooLarge:
        return None


def _add_text(node: Any, field: Field, found: Sought) -> None:
    is_phrase = isinstance(node, q.MatchPhrase | q.MatchPhrasePrefix) or getattr(node, "type", "") == "phrase"
    if field.type is FieldType.KEYWORD:
        _add_word(json_text(node.query), getattr(node, "fuzzy", None), found)
    elif is_phrase:
        _add_phrase(node.query, node.slop, found, begun=isinstance(node, q.MatchPhrasePrefix))
    else:
        for word in tokens(json_text(node.query)):
            _add_word(word, node.fuzzy, found)


def _add_word(word: str, fuzzy: q.Fuzziness | None, found: Sought) -> None:
    edits = edits_of(fuzzy, word)
    if fuzzy is None or not edits:
        found.words.add(word)
    else:
        found.tests.append(lambda each: bool(nearest(word, edits, fuzzy, (each,), None)))


def _add_phrase(text: q.Scalar, slop: int, found: Sought, *, begun: bool) -> None:
    words = tuple(tokens(json_text(text)))
    if len(words) == 1 and not begun:
        found.words.add(words[0])
    elif words:
        found.phrases.append(Phrase(words, slop, begun))


def _is_within(node: q.Range, word: str) -> bool:
    bounds = [None if each is None else json_text(each) for each in (node.gt, node.gte, node.lt, node.lte)]
    over, from_, under, upto = bounds
    above = (over is None or word > over) and (from_ is None or word >= from_)
    return above and (under is None or word < under) and (upto is None or word <= upto)


def _described(expression: str) -> Test:
    pattern = re.compile(expression, re.DOTALL)
    return lambda word: pattern.fullmatch(word) is not None


def _places_of(phrase: Phrase, found: Sequence[str]) -> set[int]:
    """The places of a phrase's words, where they stand as in the phrase."""
    wanted = phrase.words
    if phrase.slop:
        return _near(phrase, found)
    places: set[int] = set()
    for start in range(len(found) - len(wanted) + 1):
        window = found[start : start + len(wanted)]
        last = window[-1].startswith(wanted[-1]) if phrase.begun else window[-1] == wanted[-1]
        if last and tuple(window[:-1]) == wanted[:-1]:
            places |= set(range(start, start + len(wanted)))
    return places


def _near(phrase: Phrase, found: Sequence[str]) -> set[int]:
    """The places of all the words, in any order, where no more than `slop` others stand between them. A word that is
    wanted twice may stand there once."""
    wanted, slop = phrase.words, phrase.slop
    whole, last = (wanted[:-1], wanted[-1]) if phrase.begun else (wanted, None)
    at: dict[str, list[int]] = {word: [] for word in whole}
    begun: list[int] = []
    for place, word in enumerate(found):
        if word in at:
            at[word].append(place)
        if last is not None and word.startswith(last):
            begun.append(place)
    if last is not None:
        at[""] = begun
    places: set[int] = set()
    for first in sorted(place for those in at.values() for place in those):
        nearest_of = [bisect_left(those, first) for those in at.values()]
        if any(number == len(those) for number, those in zip(nearest_of, at.values(), strict=True)):
            break
        taken = [those[number] for number, those in zip(nearest_of, at.values(), strict=True)]
        if max(taken) - first + 1 - len(wanted) <= slop:
            places |= set(taken)
    return places


def _looks_like(pieces: Sequence[str], ignore_case: bool, word: str) -> bool:
    """Whether a word is of the form of a wildcard, in as many steps as both are long together, multiplied."""
    if ignore_case:
        pieces, word = [each.translate(_ASCII_LOWER) for each in pieces], word.translate(_ASCII_LOWER)
    at = place = 0
    star = after = -1
    while place < len(word):
        if at < len(pieces) and pieces[at] == ANY:
            star, after, at = at, place, at + 1
        elif at < len(pieces) and pieces[at] in (ANY_ONE, word[place]):
            at, place = at + 1, place + 1
        elif star >= 0:
            at, after = star + 1, after + 1
            place = after
        else:
            return False
    return bool(pieces) and all(each == ANY for each in pieces[at:])
