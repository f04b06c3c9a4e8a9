"""`more_like_this`: from a part of a body to a node of the tree."""

from typing import Any

from activity_stream.search import refusals
from activity_stream.search.parse_leaves import minimum
from activity_stream.search.part import Part, Readers, at_least, only_if
from activity_stream.search.query import MoreLikeThis, Node

_MOST_LIKED = 100


def more_like_this(part: Part) -> Node:
    """Raises SearchRefused."""
    readers: Readers = {
        "fields": _fields,
        "like": _liked,
        "unlike": _liked,
        "max_query_terms": at_least(1),
        "min_term_freq": at_least(0),
        "min_doc_freq": at_least(0),
        "max_doc_freq": at_least(0),
        "min_word_length": at_least(0),
        "max_word_length": at_least(0),
        "stop_words": lambda each: frozenset(each.texts()),
        "minimum_should_match": minimum,
        "boost_terms": Part.number,
        "include": Part.boolean,
        "boost": Part.boost,
    }
    ignored: Readers = {"analyzer": only_if("standard"), "fail_on_unsupported_field": Part.boolean, "_name": Part.text}
    values = part.options("more_like_this", readers, ignored)
    if "like" not in values:
        raise part.refused("more_like_this requires 'like' to be specified")
    if not values.get("fields"):
        raise part.refused("[more_like_this] needs [fields], the names of fields with words;")
    part.budget.clause(part.path, values.get("max_query_terms", 25))
    texts, ids, documents = values.pop("like")
    unlike, *others = values.pop("unlike", ((), (), ()))
    if any(others):
        raise part.refused(f"[unlike] with documents: {refusals.NOT_YET};")
    return MoreLikeThis(texts=texts, ids=ids, documents=documents, unlike=unlike, **values)


def _fields(part: Part) -> tuple[str, ...]:
    return tuple(each.field() for each in part.elements())


def _liked(part: Part) -> tuple[tuple[str, ...], tuple[str, ...], tuple[Any, ...]]:
    """Texts, ids of documents, and documents that are given."""
    texts, ids, documents = [], [], []
    for each in part.some():
        if not isinstance(each.value, dict):
            texts.append(each.as_text())
            continue
        if "_index" in each.value:
            raise each.refused("[_index] of [like]: documents are looked for where the search looks; leave it out,")
        values = each.options("like", {"_id": Part.text, "doc": _document})
        if len(values) != 1:
            raise each.refused("[like] needs one of [_id] and [doc]")
        ids += [values["_id"]] if "_id" in values else []
        documents += [values["doc"]] if "doc" in values else []
    if len(texts) + len(ids) + len(documents) > _MOST_LIKED:
        raise refusals.illegal(f"[{part.key}] names more than {_MOST_LIKED} at {part.path}")
    return tuple(texts), tuple(ids), tuple(documents)


def _document(part: Part) -> Any:
    if not isinstance(part.value, dict):
        raise part.refused(f"Expected [START_OBJECT] but found [{part.token}]")
    return part.value
