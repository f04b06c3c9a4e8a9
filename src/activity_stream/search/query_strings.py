"""`query_string`: a search in one line of text, spelled out as queries of the other kinds.

    wine AND name:(red OR "old vine"~2) -type:beer  ──►  bool of multi_match, match_phrase, …

Sources: the grammar of Lucene's classic query parser (`QueryParser.jj`), with its way of making clauses required one by
one (`a AND b OR c` requires a and b alone); OpenSearch's `QueryStringQueryParser` for what a word means on several
fields, and on those that hold no words.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from activity_stream.errors import SearchRefused
from activity_stream.fields import Field, FieldMap, FieldType
from activity_stream.search import refusals
from activity_stream.search.analysis import tokens
from activity_stream.search.on_fields import (
    ASKED,
    PHRASES,
    Chosen,
    Count,
    OnFields,
    Query,
    boosted,
    cased,
    uncounted,
    with_minimum,
)
from activity_stream.search.query import Range
from activity_stream.search.spans import bounds as bounds_of

_START = r"(?:[^\s\u3000+\-!():^\[\]\"{}~*?\\/]|\\.)"
_CHAR = r"(?:[^\s\u3000!():^\[\]\"{}~*?\\/]|\\.)"
_TOKENS = re.compile(
    rf"""
      (?P<blank>[\s\u3000]+)
    | (?P<bare>[+\-!](?=[\s\u3000]))
    | (?P<quoted>"(?:[^"\\]|\\.)*")
    | (?P<regexp>/(?:[^/\\]|\\.)*/)
    | (?P<wild>(?:{_START}|[*?])(?:{_CHAR}|[*?])*)
    | (?P<range>[\[{{]\s*(?:"(?:[^"\\]|\\.)*"|[^\s\]}}]+)\s+TO\s+(?:"(?:[^"\\]|\\.)*"|[^\s\]}}]+)\s*[\]}}])
    | (?P<fuzzy>~\d*(?:\.\d+)?)
    | (?P<boost>\^\s*\d+(?:\.\d+)?)
    | (?P<sign>&&|\|\||[+\-!():])
    """,
    re.VERBOSE | re.DOTALL,
)
_RANGE = re.compile(
    r'([\[{])\s*("(?:[^"\\]|\\.)*"|[^\s\]}]+)\s+TO\s+("(?:[^"\\]|\\.)*"|[^\s\]}]+)\s*([\]}])', re.DOTALL
)
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_WILD = re.compile(r"(?<!\\)(?:\\\\)*[*?]")
_WORDS = {"AND": "and", "&&": "and", "OR": "or", "||": "or", "NOT": "not", "!": "not", "+": "+", "-": "-"}
_DEEPEST = 25


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a `query_string`. `fields`: names or patterns, with a boost each; empty for all there are;
    `by_default`: they are as if the text named them."""

    query: str
    fields: tuple[tuple[str, float], ...] = ()
    by_default: bool = False
    operator: str = "or"
    lenient: bool | None = None
    type: str = "best_fields"
    tie_breaker: float | None = None
    phrase_slop: int = 0
    fuzziness: str = "AUTO"
    fuzzy: Mapping[str, Any] = {}
    minimum_should_match: str | None = None
    time_zone: str | None = None
    boost: float = 1.0


class _Token(msgspec.Struct, frozen=True):
    kind: str
    text: str


def spelled_out(asked: Asked, fields: FieldMap, count: Count = uncounted) -> Query:
    """The query that it stands for, JSON. `count` is told of the clauses that it has. Raises SearchRefused where the
    text is not of the grammar, and what `count` raises."""
    found = _Parser(asked, fields, count).top()
    return boosted(_with_minimum(found, asked.minimum_should_match, fields), asked.boost)


def _with_minimum(query: Query, minimum: str | None, fields: FieldMap) -> Query:
    """The query with so many of its own optional clauses needed, below a boost too; words in texts that are one are
    such clauses."""
    match query:
        case {"dis_max": {"queries": [only], "boost": boost}}:
            return boosted(_with_minimum(only, minimum, fields), boost)
        case {"multi_match": {"type": "cross_fields", "fields": names} as said} if minimum is not None:
            texts = all(fields[each.partition("^")[0]].type is FieldType.TEXT for each in names)
            return {"multi_match": {**said, "minimum_should_match": minimum}} if texts else query
    return with_minimum(query, minimum)


class _Parser:
    """Reads one text."""

    def __init__(self, asked: Asked, fields: FieldMap, count: Count) -> None:
        self._asked = asked
        tie = 1.0 if asked.tie_breaker is None and asked.type == "most_fields" else asked.tie_breaker
        self._tie = {} if tie is None else {"tie_breaker": tie}
        self._on = OnFields("query_string", asked.fields, fields, count, lenient=asked.lenient, tie=tie)
        self._tokens = list(_tokens(asked.query))
        self._at = 0
        self._depth = 0

    def top(self) -> Query:
        """The whole text."""
        if not self._tokens:
            return {"match_none": {}}
        found = self._query(None)
        if self._at < len(self._tokens):
            raise self._wrong()
        return {"match_none": {}} if found is None else found

    def _query(self, field: str | None) -> Query | None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise refusals.illegal(f"[query_string] has more than {_DEEPEST} brackets within each other")
        clauses: list[list[Any]] = []
        first: Query | None = None
        begun = False
        while not begun or self._next() not in (None, ")"):
            if words := self._words():
                clause = self._add_words(clauses, field, words)
                first = first if begun else clause
            else:
                conjunction = self._taken("and", "or") if begun else None
                modifier = self._taken("+", "-", "not")
                clause = self._clause(field)
                _add(clauses, self._asked.operator, conjunction, modifier, clause)
                first = clause if not begun and modifier is None else first
            begun = True
        self._depth -= 1
        if len(clauses) == 1 and first is not None:
            return first
        return _bool(clauses)

    def _words(self) -> list[str]:
        """Words that follow each other, two or more, and belong to nothing else: they are looked for as one text."""
        end = self._at
        while end < len(self._tokens) and self._tokens[end].kind == "word" and self._is_free(end):
            end += 1
        if end - self._at < 2:
            return []
        found = [_plain(each.text) for each in self._tokens[self._at : end]]
        self._at = end
        return found

    def _is_free(self, at: int) -> bool:
        following = self._tokens[at + 1] if at + 1 < len(self._tokens) else None
        return following is None or not (
            following.kind in ("fuzzy", "boost", "star")
            or (following.kind == "sign" and following.text == ":")
            or (following.kind == "operator" and following.text in ("and", "or"))
        )

    def _add_words(self, clauses: list[list[Any]], field: str | None, words: Sequence[str]) -> Query | None:
        """Add what the words are looked for as: the query, or None for one of each word, where that is the same."""
        occur = "must" if self._asked.operator == "and" else "should"
        text = " ".join(words)
        fields = self._on.chosen(field)
        if self._is_of_words(fields) and not self._is_bound(field, text):
            found = tokens(text)
            self._on.count(len(found) * len(fields))
            clauses += [[occur, query] for query in (self._text(field, token) for token in found) if query is not None]
            return None
        query = self._text(field, text)
        if query is not None:
            clauses.append([occur, query])
        return query

    def _is_bound(self, field: str | None, text: str) -> bool:
        """Whether it is a range with one bound, which has to be of a field."""
        named = field is not None or self._asked.by_default or not self._asked.fields
        return named and text[:1] in ("<", ">") and len(text) > 1

    def _is_of_words(self, fields: Chosen) -> bool:
        """Whether a text is looked for by a query for each of its words."""
        if self._asked.type in PHRASES or any(each.type is not FieldType.TEXT for each, _ in fields):
            return False
        return fields[0][1] == 1.0 if len(fields) == 1 else self._asked.type == "cross_fields"

    def _clause(self, field: str | None) -> Query | None:
        self._on.count(1)
        following = self._tokens[self._at + 1] if self._at + 1 < len(self._tokens) else None
        token = self._token()
        if (
            token.kind in ("word", "star")
            and following is not None
            and (following.kind, following.text) == ("sign", ":")
        ):
            field = "*" if token.kind == "star" else _plain(token.text)
            self._at += 1
            token = self._token()
        if (token.kind, token.text) == ("sign", "("):
            found = self._query(field)
            if self._next() != ")":
                raise self._wrong()
            self._at += 1
            boost = self._boost()
            return None if found is None else boosted(found, boost)
        return self._term(field, token)

    def _term(self, field: str | None, token: _Token) -> Query | None:
        boost = self._boost()
        fuzzy = self._suffix("fuzzy") if token.kind in ("word", "quoted", "wild", "star", "bare") else None
        boost = boost * self._boost()
        match token.kind:
            case "word" | "bare":
                plain = _plain(token.text)
                found = self._text(field, plain) if fuzzy is None else self._fuzzy(field, plain, fuzzy)
            case "star":
                found = self._any(field)
            case "wild":
                found = self._wild(field, token.text)
            case "regexp":
                chosen, pattern = self._on.chosen(field), token.text[1:-1]
                found = self._on.each(chosen, lambda each: {"regexp": {each.name: {"value": cased(each, pattern)}}})
            case "quoted":
                slop = self._asked.phrase_slop if fuzzy in (None, "~") else int(float(str(fuzzy)[1:]))
                found = self._phrase(field, _plain(token.text[1:-1]), slop)
            case "range":
                found = self._range(field, token.text)
            case _:
                self._at -= 1
                raise self._wrong()
        return None if found is None else boosted(found, boost)

    def _text(self, field: str | None, text: str) -> Query | None:
        """What a word, or several that follow each other, are looked for as."""
        if self._is_bound(field, text):
            how = text[0] + ("=" if text[1] == "=" else "")
            bound = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}[how]
            return self._ranged(field, {bound: text[len(how) :]})
        if field == "_exists_":
            return self._on.present(text)
        if self._asked.type in PHRASES:
            slop, kind = self._asked.phrase_slop, self._asked.type
            return self._on.phrase(self._on.chosen(field), text, slop, kind, **self._tie)
        return self._on.text(self._on.chosen(field), text, self._asked.operator, self._asked.type, **self._tie)

    def _phrase(self, field: str | None, text: str, slop: int) -> Query | None:
        if field == "_exists_":
            return self._on.present(text)
        return self._on.phrase(self._on.chosen(field), text, slop, "phrase", **self._tie)

    def _fuzzy(self, field: str | None, word: str, how: str) -> Query | None:
        edits = self._asked.fuzziness
        if how != "~":
            if float(how[1:]) not in (0, 1, 2):
                raise refusals.illegal(f"[query_string] has [{how[:20]}]; a word can have ~, ~0, ~1 or ~2")
            edits = str(int(float(how[1:])))
        return self._on.fuzzy(self._on.chosen(field), word, edits, self._asked.fuzzy)

    def _wild(self, field: str | None, text: str) -> Query:
        begun, chosen = text[:-1], self._on.chosen(field)
        if text.endswith("*") and not re.search(r"(?<!\\)[*?]", begun):
            return self._on.begun(chosen, _plain(begun))
        return self._on.each(chosen, lambda each: {"wildcard": {each.name: {"value": cased(each, text)}}})

    def _any(self, field: str | None) -> Query:
        if field == "*" or (field is None and self._on.everywhere):
            return {"match_all": {}}
        if field is not None:
            return self._on.present(field)
        found = [boosted({"exists": {"field": each.name}}, boost) for each, boost in self._on.default]
        return self._on.best(found)

    def _range(self, field: str | None, text: str) -> Query | None:
        parts = _RANGE.fullmatch(text)
        if parts is None:
            raise self._wrong()
        bounds = {}
        ends = ((parts[1] == "[", "gte", "gt", parts[2]), (parts[4] == "]", "lte", "lt", parts[3]))
        for is_in, within, beyond, value in ends:
            if value != "*":
                bounds[within if is_in else beyond] = _plain(value.strip('"'))
        return self._ranged(field, bounds)

    def _ranged(self, field: str | None, bounds: Mapping[str, str]) -> Query | None:
        chosen = self._on.chosen(field)
        if self._on.lenient:
            chosen = [(each, boost) for each, boost in chosen if _can_be(each, bounds)]

        def on(each: Field) -> Query:
            if not bounds and each.type is FieldType.TEXT:
                return {"range": {each.name: {"gte": ""}}}  # any word, and not any value, which may have none
            zone = {"time_zone": self._asked.time_zone} if self._asked.time_zone and each.type is FieldType.DATE else {}
            return {"range": {each.name: {**{end: cased(each, bound) for end, bound in bounds.items()}, **zone}}}

        return self._on.each(chosen, on, kinds=ASKED)

    def _next(self) -> str | None:
        return self._tokens[self._at].text if self._at < len(self._tokens) else None

    def _taken(self, *words: str) -> str | None:
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        if token is None or token.kind != "operator" or token.text not in words:
            return None
        self._at += 1
        return token.text

    def _token(self) -> _Token:
        if self._at >= len(self._tokens):
            raise self._wrong()
        self._at += 1
        return self._tokens[self._at - 1]

    def _suffix(self, kind: str) -> str | None:
        if self._at < len(self._tokens) and self._tokens[self._at].kind == kind:
            self._at += 1
            return self._tokens[self._at - 1].text
        return None

    def _boost(self) -> float:
        text = self._suffix("boost")
        return 1.0 if text is None else float(text[1:])

    def _wrong(self) -> Exception:
        text = self._next()
        return _unreadable(self._asked.query, "it ends where something has to come" if text is None else text)


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        found = _TOKENS.match(text, at)
        if found is None or found.lastgroup is None:
            raise _unreadable(text, text[at:])
        at = found.end()
        kind, piece = found.lastgroup, found[0]
        if kind == "blank":
            continue
        if piece in _WORDS and kind in ("wild", "sign"):
            yield _Token("operator", _WORDS[piece])
        elif kind == "wild":
            yield _Token("star" if piece == "*" else "wild" if _WILD.search(piece) else "word", piece)
        else:
            yield _Token(kind, piece)


def _can_be(field: Field, bounds: Mapping[str, Any]) -> bool:
    """Whether a field can hold values such as the bounds."""
    try:
        bounds_of(field.type, Range(field=field.name, **bounds), 0)
    except ValueError:
        return False
    return True


def _unreadable(text: str, place: str) -> SearchRefused:
    return refusals.illegal(
        f"Failed to parse query [{text[:200]}], at [{place[:50]}]. What means something to the grammar, "
        '+ - && || ! ( ) { } [ ] ^ " ~ * ? : \\ /, needs a \\ before it where it means itself'
    )


def _add(clauses: list[list[Any]], operator: str, conjunction: str | None, modifier: str | None, query: Any) -> None:
    """Add a clause as Lucene does: a conjunction says something of the clause before it as well."""
    if clauses and conjunction == "and" and clauses[-1][0] != "must_not":
        clauses[-1][0] = "must"
    if clauses and operator == "and" and conjunction == "or" and clauses[-1][0] != "must_not":
        clauses[-1][0] = "should"
    if query is None:
        return
    if modifier in ("-", "not"):
        occur = "must_not"
    elif operator == "or":
        occur = "must" if modifier == "+" or conjunction == "and" else "should"
    else:
        occur = "should" if conjunction == "or" else "must"
    clauses.append([occur, query])


def _bool(clauses: Sequence[Sequence[Any]]) -> Query | None:
    if not clauses:
        return None
    found: Query = {}
    for occur, query in clauses:
        found.setdefault(occur, []).append(query)
    return {"bool": found}


def _plain(text: str) -> str:
    """The text without the signs that keep others from meaning something."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text)
