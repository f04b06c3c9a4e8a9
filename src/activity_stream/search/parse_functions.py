"""`function_score`: from a part of a body to a node of the tree."""

from typing import Any

from activity_stream.search import refusals
from activity_stream.search.functions import BOOST_MODES, DECAYS, DISTANCE_MODES, MODIFIERS, SCORE_MODES
from activity_stream.search.part import Part, Reader, Readers
from activity_stream.search.query import Bool, Decay, FieldValue, FunctionScore, MatchAll, Node, ScoreFunction

_NOT_YET = ("random_score", "script_score")
_OF = (*DECAYS, "field_value_factor")


def function_score(part: Part, query: Reader) -> Node:
    """The node; `query` reads a query within it. Raises SearchRefused."""
    readers: Readers = {
        "query": query,
        "functions": lambda each: tuple(_function(inner, query, filtered=True) for inner in each.elements()),
        "score_mode": lambda each: each.choice(*SCORE_MODES),
        "boost_mode": lambda each: each.choice(*BOOST_MODES),
        "max_boost": Part.number,
        "min_score": Part.number,
        "boost": Part.boost,
    }
    own = {key: each.value for key, each in part.entries() if key in ("weight", *_OF, *_NOT_YET)}
    rest = {key: each.value for key, each in part.entries() if key not in own}
    values = Part(rest, part.path, part.budget).options("function_score", readers, {"_name": Part.text})
    if own and "functions" in values:
        raise part.refused(f"already found [functions] array, now encountering [{next(iter(own))}];")
    if own:
        values["functions"] = (_function(Part(own, part.path, part.budget), query, filtered=False),)
    functions = values.get("functions", ())
    if len(functions) == 1 and functions[0].filter is None:
        values["score_mode"] = "first"  # as in OpenSearch: of one, there is no average by weight
    return FunctionScore(**values)


def _function(part: Part, query: Reader, *, filtered: bool) -> ScoreFunction:
    part.budget.clause(part.path)
    readers: Readers = {"weight": Part.boost, **dict.fromkeys(DECAYS, _decay), "field_value_factor": _field_value}
    if filtered:
        readers = {"filter": query, **readers}
    for name, inner in part.entries():
        if name in _NOT_YET:
            raise inner.refused(f"[{name}]: {refusals.NOT_YET};")
    values = part.options("function_score", readers)
    functions = [values.pop(name) for name in _OF if name in values]
    if len(functions) > 1:
        raise part.refused("failed to parse [function_score] functions: one function is allowed for each filter;")
    if not functions and "weight" not in values:
        raise part.refused(f"an entry in functions list is missing a function: it is one of {', '.join(_OF)}, weight;")
    if _is_everything(values.get("filter")):
        del values["filter"]
    return ScoreFunction(of=functions[0] if functions else None, **values)


def _is_everything(node: Node | None) -> bool:
    """Whether OpenSearch takes a filter for none."""
    empty = isinstance(node, Bool) and not (node.must or node.filter or node.should or node.must_not)
    return isinstance(node, MatchAll) or empty


def _decay(part: Part) -> Decay:
    said: dict[str, Any] = {}
    for name, inner in part.entries():
        if name == "multi_value_mode":
            said["mode"] = inner.choice(*DISTANCE_MODES)
        elif "field" in said:
            raise part.refused(f"[{part.key}] is for one field, and has [{said['field']}] and [{name[:100]}];")
        else:
            raw: Reader = lambda each: each.value  # noqa: E731 - what it may be, the field says
            readers: Readers = {"origin": raw, "scale": raw, "offset": raw, "decay": Part.number}
            said |= {"field": inner.named(name), **inner.options(part.key, readers)}
    if "field" not in said:
        raise part.refused(f"malformed score function score parameters: [{part.key}] needs a field;")
    if not 0 < said.get("decay", 0.5) < 1:
        raise refusals.illegal(f"[{part.key}] decay must be in the range (0..1), found [{said['decay']}]")
    return Decay(kind=part.key, **said)


def _field_value(part: Part) -> FieldValue:
    readers: Readers = {
        "field": Part.field,
        "factor": Part.number,
        "modifier": lambda each: each.choice(*MODIFIERS),
        "missing": Part.number,
    }
    values = part.options("field_value_factor", readers)
    if "field" not in values:
        raise part.refused("[field_value_factor] required field 'field' missing;")
    return FieldValue(**values)
