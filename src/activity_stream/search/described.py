"""Queries in few words, as Lucene writes them: `+type:a -(published:[2020 TO *])`; for people to read."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from activity_stream.search import query as q
from activity_stream.search.values import json_text

_MOST_VALUES = 10
_MOST_CHARACTERS = 200


def described(node: q.Node) -> str:
    """A query without its boost, in at most some hundreds of characters."""
    writer = _WRITERS.get(type(node))
    text = writer(node) if writer is not None else _named(node)
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "…"


def _named(node: q.Node) -> str:
    """Its kind, and the field that it is about."""
    field = getattr(node, "field", None)
    return type(node).__name__ if field is None else f"{type(node).__name__}({field})"


def _values(field: str, values: Sequence[Any]) -> str:
    shown = [json_text(each) for each in values[:_MOST_VALUES]]
    return f"{field}:({' '.join(shown)}{' …' if len(values) > _MOST_VALUES else ''})"


def _range(node: q.Range) -> str:
    low, high = (
        (node.gt if node.gte is None else node.gte),
        (node.lt if node.lte is None else node.lte),
    )
    opening = "{" if node.gt is not None else "["
    closing = "}" if node.lt is not None else "]"
    first, last = ("*" if each is None else json_text(each) for each in (low, high))
    return f"{node.field}:{opening}{first} TO {last}{closing}"


def _bool(node: q.Bool) -> str:
    parts = [("+", node.must), ("#", node.filter), ("", node.should), ("-", node.must_not)]
    return " ".join(sign + _within(each) for sign, nodes in parts for each in nodes[:_MOST_VALUES])


def _within(node: q.Node) -> str:
    return f"({described(node)})" if isinstance(node, q.Bool | q.DisMax) else described(node)


_WRITERS: Mapping[type[q.Node], Callable[[Any], str]] = {
    q.MatchAll: lambda _: "*:*",
    q.Term: lambda node: f"{node.field}:{json_text(node.value)}",
    q.Match: lambda node: f"{node.field}:({json_text(node.query)})",
    q.MatchPhrase: lambda node: f'{node.field}:"{json_text(node.query)}"',
    q.Terms: lambda node: _values(node.field, node.values),
    q.Ids: lambda node: _values("_id", node.values),
    q.Range: _range,
    q.Exists: lambda node: f"_exists_:{node.field}",
    q.Prefix: lambda node: f"{node.field}:{node.value}*",
    q.Wildcard: lambda node: f"{node.field}:{node.value}",
    q.Regexp: lambda node: f"{node.field}:/{node.value}/",
    q.Fuzzy: lambda node: f"{node.field}:{node.value}~",
    q.Bool: _bool,
    q.DisMax: lambda node: " | ".join(_within(each) for each in node.queries[:_MOST_VALUES]),
    q.ConstantScore: lambda node: described(node.filter),
    q.Nested: lambda node: f"ToParentBlockJoinQuery ({described(node.query)})",
}
