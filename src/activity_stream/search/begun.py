"""`match_bool_prefix`, said by other queries.

Source: OpenSearch's `MatchQuery` of the type BOOLEAN_PREFIX: on text each word but the last is a `term`, or `fuzzy`,
and the last one a `prefix`, unless something follows it in the text, if only a blank; on a keyword the whole value is a
`prefix`; on any other field it is a `match`.
"""

from activity_stream.fields import FieldType
from activity_stream.search.analysis import tokens
from activity_stream.search.minimum import required_words
from activity_stream.search.query import Bool, Fuzzy, Match, MatchBoolPrefix, MatchNone, Node, Prefix, Term
from activity_stream.search.values import json_text


def spelled_out(node: MatchBoolPrefix, kind: FieldType | None) -> Node:
    """What a `match_bool_prefix` is on a field of this type; None: one that is not mapped. Its boost is left out."""
    if kind is None:
        return MatchNone()
    if kind is FieldType.KEYWORD:
        return Prefix(field=node.field, value=json_text(node.query))
    if kind is not FieldType.TEXT:
        return Match(field=node.field, query=node.query)
    text = json_text(node.query)
    words = tokens(text)
    if not words:
        return MatchNone()
    clauses: list[Node] = [_word(node, word) for word in words[:-1]]
    is_begun = text.lower().endswith(words[-1])
    clauses.append(Prefix(field=node.field, value=words[-1]) if is_begun else _word(node, words[-1]))
    required = required_words(node.operator, node.minimum_should_match, len(words))
    return Bool(should=tuple(clauses), minimum_should_match=str(required))


def _word(node: MatchBoolPrefix, word: str) -> Node:
    if node.fuzzy is None:
        return Term(field=node.field, value=word)
    return Fuzzy(field=node.field, value=word, fuzzy=node.fuzzy)
