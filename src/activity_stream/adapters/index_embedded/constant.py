"""Whether a query gives all that it finds the same score."""

from activity_stream.adapters.index_embedded.translate import Translator
from activity_stream.fields import FieldType
from activity_stream.search import query as q

_VARYING = (
    q.Boosting,
    q.DisMax,
    q.FunctionScore,
    q.Fuzzy,
    q.MatchBoolPrefix,
    q.MoreLikeThis,
    q.MultiMatch,
    q.Nested,
    q.TermsSet,
)
"""Queries whose hits have scores of their own each."""


def is_constant(node: q.Node, translator: Translator, *, words: bool) -> bool:
    """True only if every hit has the same score. `words`: a word has the same score wherever it is."""
    if isinstance(node, q.Bool):
        needed = (*node.must, *node.should)
        optional = bool(node.should) and (len(node.should) > 1 or bool(node.must or node.filter))
        return not optional and all(is_constant(each, translator, words=words) for each in needed)
    if isinstance(node, q.Match) and node.fuzzy is not None:
        return False
    if isinstance(node, q.Term | q.Match | q.MatchPhrase):
        column = translator.column(node.field)
        return column is None or column.field.type is not FieldType.TEXT or (words and isinstance(node, q.Term))
    if isinstance(node, q.MatchPhrasePrefix):
        return words
    return not isinstance(node, _VARYING)
