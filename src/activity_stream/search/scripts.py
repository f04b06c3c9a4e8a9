"""The painless scripts that clients send, recognised by what they mean.

There are two, each over the first of two dates that a document has (the least, where a field has several): its
milliseconds since 1970, to sort by; and whether it is after one moment, before another, or both.

    if (doc['A'].size() > 0) return doc['A'].value.toInstant().toEpochMilli();
    return doc['B'].value.toInstant().toEpochMilli();

    ZonedDateTime date = (doc['A'].size() > 0) ? doc['A'].value : doc['B'].value;
    return date.isAfter(ZonedDateTime.parse(params['from']))

White space, comments, kinds of quotes, brackets that change nothing, variables and their names are as anyone likes; so
is the way to ask whether there is a value. No script is run, and any other one is refused.
"""

import re
from collections.abc import Mapping
from typing import Any

from activity_stream.errors import SearchRefused
from activity_stream.model import SearchLimits
from activity_stream.search import refusals
from activity_stream.search.limits import Budget
from activity_stream.search.part import Part, only_if
from activity_stream.search.query import Bool, Exists, Node, Range

FirstOf = tuple[str, str]
"""The names of two date fields; the second counts where there is no value of the first."""

_LONGEST = 5_000
"""Characters of a script; those that are known have some hundred."""

_COMMENT = ("/*", "//")
_TOKEN = re.compile(r"""'[^']*'|"[^"']*"|/\*.*?\*/|//[^\n]*|\w+|&&|\|\||[<>!=]=|\S""", re.DOTALL)
"""Strings before comments: what looks like a comment in a string is none, and hides nothing."""
_NAME = re.compile(r"\w+")
_NEEDLESS_BLANK = re.compile(r"(?<!\w) | (?![\w!])")

_MILLISECONDS = r"\.(?:toInstant\(\)\.toEpochMilli\(\)|millis|getMillis\(\))"
_PHRASES = (
    (r"params\.(?!get\()(\w+)", r"params['\1']"),
    (r"doc\[('[^']+')\]\.size\(\)(?:>0|!=0|>=1)", r"HAS(\1)"),
    (r"!doc\[('[^']+')\]\.(?:empty|isEmpty\(\))", r"HAS(\1)"),
    (r"doc\.containsKey\(('[^']+')\)", r"HAS(\1)"),
    (r"doc\[('[^']+')\]\.(?:size\(\)==0|empty|isEmpty\(\))", r"LACKS(\1)"),
    (r"doc\[('[^']+')\]\.(?:value|getValue\(\))", r"DATE(\1)"),
    (rf"(DATE\('[^']+'\)){_MILLISECONDS}", r"MS_\1"),
    (r"ZonedDateTime\.parse\(params(?:\.get\(|\[)('[^']+')[\])]\)", r"MOMENT(\1)"),
    (r"if\(((?:HAS|LACKS)\('[^']+'\))\)return ([^;]+);(?:else )?return ([^;]+)", r"return \1?\2:\3"),
    (r"LACKS\(('[^']+')\)\?([^:]+):([^;]+)", r"HAS(\1)?\3:\2"),
    (r"HAS\(('[^']+')\)\?MS_DATE\(\1\):MS_DATE\(('[^']+')\)", r"MS(\1,\2)"),
    (r"HAS\(('[^']+')\)\?DATE\(\1\):DATE\(('[^']+')\)", r"FIRST(\1,\2)"),
    (rf"FIRST(\([^)]+\)){_MILLISECONDS}", r"MS\1"),
    (r"(MOMENT\([^)]+\))\.isBefore\((FIRST\([^)]+\))\)", r"\2.isAfter(\1)"),
    (r"(MOMENT\([^)]+\))\.isAfter\((FIRST\([^)]+\))\)", r"\2.isBefore(\1)"),
)
"""What phrases of a script mean, innermost first."""

_ASSIGNMENT = re.compile(r"(?:ZonedDateTime|def|var) (\w+)=([^;]+);")
_RETURN = re.compile(r"return\b ?")
_SORT = re.compile(r"MS\('([^']+)','([^']+)'\)")
_CONDITION = re.compile(r"FIRST\('([^']+)','([^']+)'\)\.(isAfter|isBefore)\(MOMENT\('([^']+)'\)\)")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def sort_script(part: Part) -> FirstOf:
    """What a script sorts by. Raises SearchRefused for any other script."""
    meaning, _ = _script(part)
    found = _SORT.fullmatch(meaning)
    if found is None:
        raise _unknown(part)
    return found[1], found[2]


def filter_script(part: Part) -> Node:
    """The query that finds what a script returns true for. Raises SearchRefused for any other script."""
    meaning, params = _script(part)
    bounds: dict[str, Any] = {}
    fields: set[FirstOf] = set()
    for condition in meaning.split("&&"):
        found = _CONDITION.fullmatch(condition)
        if found is None or found[3] in bounds:
            raise _unknown(part)
        fields.add((found[1], found[2]))
        bounds[found[3]] = _moment(part, params, found[4])
    if len(fields) > 1:
        raise _unknown(part)
    ((first, second),) = fields
    of_first = _within(first, bounds.get("isAfter"), bounds.get("isBefore"))
    of_second = _within(second, bounds.get("isAfter"), bounds.get("isBefore"))
    instead = Bool(filter=(of_second,), must_not=(Exists(field=first),))
    return Bool(should=(of_first, instead))


def without_scripts(part: Any) -> Any:
    """A part of a body (JSON, known to be right) with queries by script as the queries that they mean.

    An engine that runs a script fails where a document has neither date, and may come to documents that the rest of the
    query does not find.
    """
    if isinstance(part, list):
        return [without_scripts(each) for each in part]
    if not isinstance(part, dict):
        return part
    found = part.get("script") if len(part) == 1 else None
    script, boost = (found.get("script"), found.get("boost", 1.0)) if isinstance(found, dict) else (None, 1.0)
    if isinstance(script, str) or (isinstance(script, dict) and "source" in script):
        node = filter_script(Part(script, "script", Budget(SearchLimits())))
        return {"constant_score": {"filter": _json(node), "boost": boost}}
    return {key: without_scripts(value) for key, value in part.items()}


def _json(node: Node) -> dict[str, Any]:
    """One of the queries that a script can mean, as a client would write it."""
    match node:
        case Bool():
            kinds = {"filter": node.filter, "should": node.should, "must_not": node.must_not}
            return {"bool": {kind: [_json(each) for each in nodes] for kind, nodes in kinds.items() if nodes}}
        case Range():
            bounds = {"lte": node.lte, "lt": node.lt}
            return {"range": {node.field: {name: bound for name, bound in bounds.items() if bound is not None}}}
        case Exists():
            return {"exists": {"field": node.field}}
    raise TypeError(f"no script means {node!r}")


def _within(field: str, after: str | None, before: str | None) -> Node:
    """That the least date of a field is after one moment and before another."""
    too_early = () if after is None else (Range(field=field, lte=after),)
    early_enough = () if before is None else (Range(field=field, lt=before),)
    return Bool(filter=(Exists(field=field), *early_enough), must_not=too_early)


def _script(part: Part) -> tuple[str, Mapping[str, Any]]:
    """What a script means, in the words of `_PHRASES`, and its parameters."""
    if isinstance(part.value, str):
        return _meaning(part.text()), {}
    values = part.options(
        "script", {"source": Part.text, "params": _params}, {"lang": only_if("painless"), "options": only_if({})}
    )
    if "source" not in values:
        raise part.refused("[script] needs a [source]")
    return _meaning(values["source"]), values.get("params", {})


def _params(part: Part) -> Mapping[str, Any]:
    return {key: each.value for key, each in part.entries()}


def _meaning(source: str) -> str:
    """The script in the words of `_PHRASES`; all of it: nothing unknown can hide behind what is known."""
    if len(source) > _LONGEST or "\\" in source:
        return ""
    text = _said(_canonical(source))
    while (found := _ASSIGNMENT.match(text)) and len(text) <= _LONGEST:
        text, used = re.subn(rf"\b{found[1]}\b(?!')", found[2], text[found.end() :])
        if not used:
            return ""
        text = _said(text)
    return _RETURN.sub("", text).rstrip(";")


def _said(text: str) -> str:
    for phrase, meaning in _PHRASES:
        text = re.sub(phrase, meaning, text)
    return text


def _canonical(source: str) -> str:
    """The script with one kind of quotes, without comments, braces, brackets that only group, and needless blanks."""
    kept: list[str] = []
    opened: list[bool] = []  # for each bracket that is open, whether it only groups
    for piece in _TOKEN.findall(source):
        if piece == "(":
            opened.append(not kept or _NAME.fullmatch(kept[-1]) is None or kept[-1] == "return")
        only_groups = opened[-1] if piece == "(" else piece == ")" and bool(opened) and opened.pop()
        if piece not in "{}" and not only_groups and not piece.startswith(_COMMENT):
            kept.append(piece.replace('"', "'"))
    return _NEEDLESS_BLANK.sub("", " ".join(kept))


def _moment(part: Part, params: Mapping[str, Any], name: str) -> str:
    """A parameter that is a moment. Raises SearchRefused."""
    value = params.get(name)
    if not isinstance(value, str) or _MOMENT.fullmatch(value) is None:
        raise refusals.refused(
            "script_exception",
            f"The parameter [{name[:100]}] of the script at {part.path} is {value!r:.100}, and has to be a moment such "
            "as 2020-01-31T12:00:00Z",
        )
    return value


def _unknown(part: Part) -> SearchRefused:
    return refusals.illegal(
        f"The script at {part.path} is not one that is known here. Known are: the first of two dates that there is, in "
        "milliseconds, to sort by; and whether it is after or before moments that are parameters"
    )
