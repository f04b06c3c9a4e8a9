"""`simple_query_string`: a line in which nothing is an error, spelled out as queries of the other kinds.

    "red wine" + (beer | cider*) -old~1  ──►  bool of multi_match, prefix, fuzzy

Sources: Lucene's `SimpleQueryParser`, which builds its tree from left to right and begins a new level wherever the
operator changes; OpenSearch's `SimpleQueryStringQueryParser` for what a word means on several fields.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from activity_stream.fields import FieldMap
from activity_stream.search.on_fields import Count, OnFields, Query, boosted, uncounted, with_minimum

FLAG_BITS = ("AND", "NOT", "OR", "PREFIX", "PHRASE", "PRECEDENCE", "ESCAPE", "WHITESPACE", "FUZZY", "SLOP")
"""The operators, in the order of the bits that stand for them."""

FLAGS = frozenset(FLAG_BITS)
_BLANK = " \t\n\r"
_MOST_EDITS = 2
_DEEPEST = 25
_ENDS: Mapping[str, str] = {'"': "PHRASE", "|": "OR", "+": "AND", "(": "PRECEDENCE", ")": "PRECEDENCE"}


class SimplyAsked(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a `simple_query_string`, as of `query_string`; `flags` are the operators that mean something."""

    query: str
    fields: tuple[tuple[str, float], ...] = ()
    operator: str = "or"
    lenient: bool | None = None
    flags: frozenset[str] = FLAGS
    fuzzy: Mapping[str, Any] = {}
    minimum_should_match: str | None = None
    boost: float = 1.0


class _Level:
    """A part of the line, between brackets: what has been read of it. `top` is the tree so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.top: Query | None = None
        self.current: str | None = None
        self.previous: str | None = None
        self.negations = 0
        self._closing: dict[int, int] | None = None

    @property
    def char(self) -> str:
        return self.text[self.at]

    @property
    def is_over(self) -> bool:
        return self.at >= len(self.text)

    def closing(self, *, escapes: bool) -> Mapping[int, int]:
        """Where each bracket that is opened is closed again, as far as it is."""
        if self._closing is None:
            self._closing = {}
            opened: list[int] = []
            escaped = False
            for at, char in enumerate(self.text):
                if escaped:
                    escaped = False
                elif char == "\\" and escapes:
                    escaped = True
                elif char == "(":
                    opened.append(at)
                elif char == ")" and opened:
                    self._closing[opened.pop()] = at
        return self._closing


def simply_spelled_out(asked: SimplyAsked, fields: FieldMap, count: Count = uncounted) -> Query:
    """The query that it stands for, JSON. `count` is told of its clauses. Raises SearchRefused where a field has no
    such queries, and what `count` raises."""
    if asked.query.strip(_BLANK) == "*":
        return boosted({"match_all": {}}, asked.boost)
    found = _Parser(asked, fields, count).tree(asked.query, 0)
    found = {"match_none": {}} if found is None else found
    return boosted(with_minimum(found, asked.minimum_should_match), asked.boost)


class _Parser:
    def __init__(self, asked: SimplyAsked, fields: FieldMap, count: Count) -> None:
        self._asked = asked
        # Fields of which several have a word, or a pattern, count all.
        self._on = OnFields("simple_query_string", asked.fields, fields, count, lenient=asked.lenient, tie=1.0)
        self._occur = "must" if asked.operator == "and" else "should"

    def tree(self, text: str, depth: int) -> Query | None:
        """What a part of the line stands for, None where there is nothing in it."""
        level = _Level(text)
        while not level.is_over:
            if self._is("(", "PRECEDENCE", level) and depth < _DEEPEST:
                self._bracket(level, depth)
            elif self._is('"', "PHRASE", level):
                self._phrase(level)
            elif self._is("+", "AND", level) or self._is("|", "OR", level):
                if level.current is None and level.top is not None:
                    level.current = "must" if level.char == "+" else "should"
                level.at += 1
            elif self._is("-", "NOT", level):
                level.negations += 1
                level.at += 1
                continue
            elif self._is("()", "PRECEDENCE", level) or self._is(_BLANK, "WHITESPACE", level):
                level.at += 1  # brackets that have no other half mean nothing
            else:
                self._word(level)
            level.negations = 0
        return level.top

    def _is(self, chars: str, flag: str, level: _Level) -> bool:
        return level.char in chars and flag in self._asked.flags

    def _ends(self, level: _Level) -> bool:
        """Whether a word ends here."""
        if level.char in _BLANK:
            return "WHITESPACE" in self._asked.flags
        return level.char in _ENDS and _ENDS[level.char] in self._asked.flags

    def _bracket(self, level: _Level, depth: int) -> None:
        start, end = level.at + 1, level.closing(escapes="ESCAPE" in self._asked.flags).get(level.at)
        if end is None:
            level.at = start
        elif end == start:
            level.current = None
            level.at = end + 1
        else:
            self._add(level, self.tree(level.text[start:end], depth + 1))
            level.at = end + 1

    def _phrase(self, level: _Level) -> None:
        start = level.at + 1
        copied: list[str] = []
        escaped = False
        at = start
        while at < len(level.text):
            char = level.text[at]
            if escaped:
                escaped = False
            elif char == "\\" and "ESCAPE" in self._asked.flags:
                escaped = True
                at += 1
                continue
            elif char == '"':
                break
            copied.append(char)
            at += 1
        if at >= len(level.text):
            level.at = start
            return
        level.at = at + 1
        has_slop = not level.is_over and self._is("~", "SLOP", level)
        if at == start and not has_slop:
            level.current = None
        else:
            slop = 0
            if has_slop:
                is_last = level.at + 1 == len(level.text)
                slop = 0 if is_last else self._number(level)
                level.at += 1  # Lucene's parser passes over what ends the number, whatever it is
            self._add(level, self._on.phrase(self._on.default, "".join(copied), slop, "phrase"))

    def _word(self, level: _Level) -> None:
        copied: list[str] = []
        escaped = begun = fuzzy = False
        while not level.is_over:
            if not escaped:
                if self._is("\\", "ESCAPE", level):
                    escaped, begun = True, False
                    level.at += 1
                    continue
                if self._ends(level):
                    break
                if copied and self._is("~", "FUZZY", level):
                    fuzzy = True
                    break
                begun = bool(copied) and self._is("*", "PREFIX", level)
            escaped = False
            copied.append(level.char)
            level.at += 1
        if not copied:
            return
        word, chosen = "".join(copied), self._on.default
        edits = min(self._number(level), _MOST_EDITS) if fuzzy else 0
        if edits:
            self._add(level, self._on.fuzzy(chosen, word, str(edits), self._asked.fuzzy))
        elif begun and not fuzzy:
            self._add(level, self._on.begun(chosen, word[:-1]))
        else:
            self._add(level, self._on.text(chosen, word, self._asked.operator, "most_fields"))

    def _number(self, level: _Level) -> int:
        """The number behind a `~`, 2 without one."""
        level.at += 1
        start = level.at
        while not level.is_over and not self._ends(level):
            level.at += 1
        text = level.text[start : level.at]
        if not text:
            return _MOST_EDITS
        return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0

    def _add(self, level: _Level, query: Query | None) -> None:
        """Put a query into the tree, by the operator before it, which waits for the next one where there is none."""
        self._on.count(1)
        if query is not None:
            if level.negations % 2:
                query = {"bool": {"must_not": [query], "should": [{"match_all": {}}]}}
            if level.top is None:
                level.top = query
            else:
                occur = level.current or self._occur
                if level.previous != occur:
                    level.top = {"bool": {occur: [level.top]}}
                clauses = level.top["bool"]
                level.top = {"bool": {**clauses, occur: [*clauses.get(occur, []), query]}}
                level.previous = occur
            level.current = None
