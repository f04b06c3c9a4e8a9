"""Ways to look around a grant, each written by hand: refused, or answered as if the other documents were not there."""

import base64
import re
from typing import Any

import msgspec

from activity_stream.model import Activity, Alias, Caller, Grant, GrantKind
from activity_stream.ports import Index
from activity_stream.search.search import Searches

QUERY = {"term": {"object.type": "hidden"}}
EVERYTHING: dict[str, Any] = {"match_all": {}}
HIDDEN = "activity:hidden:1"
WORD = "zanzibar"


def _query(**query: Any) -> dict[str, Any]:
    return {"query": query}


def _aggs(**aggregation: Any) -> dict[str, Any]:
    return {"size": 0, "aggs": {"a": aggregation}}


ATTEMPTS: dict[str, dict[str, Any]] = {
    "ask for the hidden type": _query(**QUERY),
    "or it": _query(bool={"should": [EVERYTHING, QUERY]}),
    "minimum 0": _query(bool={"should": [QUERY], "minimum_should_match": 0}),
    "not what is seen": _query(bool={"must_not": [{"term": {"object.type": "seen"}}]}),
    "not nothing": _query(bool={"must_not": [{"match_none": {}}]}),
    "ask by id": _query(ids={"values": [HIDDEN, "activity:seen:1"]}),
    "ask by _id": _query(term={"_id": HIDDEN}),
    "ask by index": _query(term={"_index": "activities__feed_id_secret"}),
    "a wildcard on the index": _query(wildcard={"_index": "*secret*"}),
    "the score of a word": _query(match={"object.name": WORD}),
    "the score of a word that both have": _query(match={"object.name": "port"}),
    "the score of a phrase": _query(match_phrase={"object.name": f"{WORD} port"}),
    "the score of a prefix of a phrase": _query(match_phrase_prefix={"object.name": "port zan"}),
    "the score of words, the last one begun": _query(match_bool_prefix={"object.name": "port zan"}),
    "the score of a word with mistakes": _query(match={"object.name": {"query": "zanzibaz", "fuzziness": "AUTO"}}),
    "a fuzzy word": _query(fuzzy={"object.name": {"value": "pord", "fuzziness": 2}}),
    "a fuzzy word with few expansions": _query(fuzzy={"object.name": {"value": "pord", "max_expansions": 1}}),
    "a regular expression": _query(regexp={"object.name": "zan.*"}),
    "the query language": _query(query_string={"query": f"{WORD} OR port OR _exists_:object.secret"}),
    "the simple query language": _query(simple_query_string={"query": f"{WORD} | port | zan*"}),
    "several fields": _query(multi_match={"query": f"{WORD} port", "fields": ["object.name^3", "object.content"]}),
    "several fields, begun": _query(
        multi_match={"query": "port zan", "fields": ["object.name", "object.content"], "type": "bool_prefix"}
    ),
    "several fields, a phrase begun": _query(
        multi_match={"query": "port za", "fields": ["object.name", "object.content"], "type": "phrase_prefix"}
    ),
    "several fields as one": _query(
        multi_match={"query": f"{WORD} port", "fields": ["object.name", "object.content"], "type": "cross_fields"}
    ),
    "rare words": _query(common={"object.name": {"query": f"{WORD} port"}}),
    "more like a hidden one": _query(more_like_this={"fields": ["object.name"], "like": [{"_id": HIDDEN}]}),
    "more like a text": _query(
        more_like_this={"fields": ["object.name"], "like": f"{WORD} port", "min_term_freq": 1, "min_doc_freq": 2}
    ),
    "values out of a hidden document": _query(
        terms={"object.type": {"index": "activities", "id": HIDDEN, "path": "object.type"}}
    ),
    "values out of the other alias": _query(terms={"object.type": {"index": "objects", "id": "o", "path": "type"}}),
    "a shape out of a hidden document": _query(
        geo_shape={"object.location": {"indexed_shape": {"index": "activities", "id": HIDDEN}}}
    ),
    "a percolated document": _query(percolate={"field": "query", "index": "activities", "id": HIDDEN}),
    "in another encoding": _query(wrapper={"query": base64.b64encode(msgspec.json.encode(QUERY)).decode()}),
    "children": _query(has_child={"type": "hidden", "query": EVERYTHING}),
    "parents": _query(has_parent={"parent_type": "hidden", "query": EVERYTHING}),
    "nested": _query(nested={"path": "object", "query": QUERY, "inner_hits": {}}),
    "a pinned document": _query(pinned={"ids": [HIDDEN], "organic": EVERYTHING}),
    "a script": _query(script={"script": "doc['object.type'].value == 'hidden'"}),
    "a score by script": _query(script_score={"query": EVERYTHING, "script": {"source": "_score"}}),
    "a score by function": _query(
        function_score={"query": {"match": {"object.name": WORD}}, "functions": [{"weight": 2}], "boost_mode": "sum"}
    ),
    "a score by function, at least": _query(
        bool={"filter": [{"function_score": {"query": {"match": {"object.name": "port"}}, "min_score": 0.2}}]}
    ),
    "a function that fails on hidden values": _query(
        function_score={
            "query": EVERYTHING,
            "field_value_factor": {"field": "object.dit:public", "factor": -1, "missing": 0},
        }
    ),
    "a score of nested objects": _query(
        nested={"path": "object.dit:relatedProgrammes", "query": {"match": {"object.dit:relatedProgrammes.name": WORD}}}
    ),
    "nested objects of hits": _query(
        nested={
            "path": "object.dit:relatedProgrammes",
            "query": {"match": {"object.dit:relatedProgrammes.name": f"port {WORD} old"}},
            "inner_hits": {"size": 10},
        }
    ),
    "nested objects of hits by score": _query(
        nested={
            "path": "object.dit:relatedProgrammes",
            "query": {"match": {"object.dit:relatedProgrammes.name": "port"}},
            "inner_hits": {"sort": ["_score", "object.dit:relatedProgrammes.id"], "track_scores": True},
        }
    ),
    "nested objects of hits in their order of writing": _query(
        nested={"path": "object.dit:relatedProgrammes", "query": EVERYTHING, "inner_hits": {"sort": ["_doc"]}}
    ),
    "nested objects of buckets": {
        **_query(match={"object.name": f"{WORD} port"}),
        **_aggs(nested={"path": "object.dit:relatedProgrammes"}, aggs={"b": {"top_hits": {"size": 20}}}),
    },
    "nested objects of buckets in their order of writing": _aggs(
        nested={"path": "object.dit:relatedProgrammes"}, aggs={"b": {"top_hits": {"sort": ["_doc"]}}}
    ),
    "near a hidden place": _query(geo_distance={"distance": "1km", "object.geocoordinates": "51.5,0"}),
    "sorted by distance": {"sort": [{"_geo_distance": {"object.geocoordinates": "51.5,0"}}, "id"]},
    "a random score": _query(function_score={"query": EVERYTHING, "random_score": {"seed": 1, "field": "_seq_no"}}),
    "a boost of what is hidden": _query(
        boosting={"positive": {"match": {"object.name": "port"}}, "negative": QUERY, "negative_boost": 0.5}
    ),
    "a score at least": {"query": {"match": {"object.name": "port"}}, "min_score": 0.2},
    "a filter afterwards": {"post_filter": QUERY},
    "a score once more": {
        "query": EVERYTHING,
        "rescore": {"window_size": 10, "query": {"rescore_query": {"match": {"object.name": "port"}}}},
    },
    "an explanation": {"explain": True, **_query(match={"object.name": "port"})},
    "a profile": {"profile": True, **_query(match={"object.name": "port"})},
    "versions": {"version": True, "seq_no_primary_term": True},
    "groups": {"collapse": {"field": "object.type", "inner_hits": {"name": "all", "size": 5}}},
    "marks": {**_query(match={"object.name": "port"}), "highlight": {"fields": {"*": {"highlight_query": QUERY}}}},
    "the least of nothing": {
        "size": 0,
        "aggs": {"t": {"terms": {"field": "id", "size": 1}, "aggs": {"m": {"min": {"field": "not.mapped"}}}}},
    },
    "fields": {"fields": ["*"], "docvalue_fields": ["object.type"], "stored_fields": ["*"]},
    "values of fields": {"fields": ["object.*"], "docvalue_fields": ["object.type"], "sort": ["id"]},
    "the numbers of documents as a field": {"docvalue_fields": ["_seq_no"]},
    "the numbers of documents among all fields": {"docvalue_fields": ["*"]},
    "fields by script": {"script_fields": {"a": {"script": "params._source"}}},
    "fields made at once": {"runtime_mappings": {"a": {"type": "keyword"}}, "derived": {"a": {"type": "keyword"}}},
    "words like it": {"suggest": {"a": {"text": "zanzibaz", "term": {"field": "object.name"}}}},
    "phrases like it": {"suggest": {"a": {"text": "zanzibaz", "phrase": {"field": "object.name"}}}},
    "completions": {"suggest": {"a": {"prefix": "zan", "completion": {"field": "object.name"}}}},
    "sorted by a script": {"sort": {"_script": {"type": "number", "script": "doc.size()", "order": "asc"}}},
    "sorted by the order of writing": {"sort": ["_doc"]},
    "sorted by index": {"sort": ["_index"]},
    "sorted by score": {**_query(match={"object.name": f"{WORD} port"}), "sort": ["_score", "id"]},
    "sorted, with those of equal rank": {"sort": [{"object.type": "desc"}]},
    "after a hidden one": {"sort": ["published"], "search_after": ["2020-01-05T00:00:00Z"]},
    "another index first": {"indices_boost": [{"activities__feed_id_secret*": 2}]},
    "a slice": {"slice": {"id": 0, "max": 2}},
    "a point in time": {"pit": {"id": "46ToAwMDaWR4BXV1aWQxAgZub2RlXzEA"}},
    "statistics": {"stats": ["hidden"]},
    "the other documents": _aggs(**{"global": {}, "aggs": {"b": {"terms": {"field": "object.type"}}}}),
    "all of a filter": _aggs(filter=EVERYTHING, aggs={"b": {"terms": {"field": "object.type"}}}),
    "the hidden ones": _aggs(filters={"filters": {"x": QUERY}, "other_bucket": True}),
    "values of others, as empty buckets": _aggs(terms={"field": "object.type", "min_doc_count": 0}),
    "those with a pattern": _aggs(terms={"field": "object.type", "min_doc_count": 0, "include": "hid.*"}),
    "empty days": _aggs(date_histogram={"field": "published", "calendar_interval": "day"}),
    "unlike the rest": _aggs(significant_terms={"field": "object.type", "min_doc_count": 1}),
    "words unlike the rest": _aggs(significant_text={"field": "object.name", "min_doc_count": 1}),
    "unlike a background": _aggs(
        significant_terms={"field": "object.type", "min_doc_count": 1, "background_filter": EVERYTHING}
    ),
    "rare values": _aggs(rare_terms={"field": "object.type", "max_doc_count": 1}),
    "hits of a bucket": _aggs(top_hits={"size": 10, "explain": True}),
    "the score of hits of a bucket": {**_query(match={"object.name": WORD}), **_aggs(top_hits={"size": 10})},
    "the order of writing of hits of a bucket": _aggs(top_hits={"sort": ["_doc"]}),
    "groups by what is hidden": {"collapse": {"field": "object.dit:public", "inner_hits": {"size": 9}}},
    "hits of groups": {"collapse": {"field": "id", "inner_hits": {"name": "a", "size": 9}}, "sort": ["id"]},
    "a sample": _aggs(sampler={"shard_size": 1}, aggs={"b": {"terms": {"field": "object.type"}}}),
    "figures by script": _aggs(
        scripted_metric={"map_script": "1", "combine_script": "1", "reduce_script": "states.size()"}
    ),
    "a value for what has none": _aggs(terms={"field": "object.secret", "missing": "none"}),
    "an aggregation of an index": _aggs(terms={"field": "_index"}),
    "pages of buckets": _aggs(composite={"sources": [{"a": {"terms": {"field": "object.type"}}}]}),
    "how many values": _aggs(cardinality={"field": "object.type"}),
    "a shard that does not exist": {"preference": "_shards:7"},
    "a mistake, to be told where": {"sort": ["no.such.field"]},
    "a mistake in one value": _query(range={"published": {"gte": "no date"}}),
}

SEEN = Caller("restricted", grants={Alias.ACTIVITIES: (Grant(GrantKind.TERMS, "object.type", ("seen",)),)})
_CHANGES = re.compile(rb'"took":\d+|__date_[^"]*')


async def test_no_way_around_a_grant_shows_anything(index: Index) -> None:
    """Every attempt is refused in words that name no other feed, or answered as an index without the hidden documents
    would answer it."""
    await _publish(index, "mine", [_activity("seen", number, "the old port") for number in range(4)])
    alone = {name: await _ask(index, body) for name, body in ATTEMPTS.items()}

    await _publish(index, "secret", [_activity("hidden", number, f"{WORD} port") for number in range(9)])
    mixed = [_activity("hidden", number + 9, f"port {WORD} port") for number in range(3)]
    await _publish(index, "mine", [mixed[0], *(_activity("seen", n, "the old port") for n in range(4)), *mixed[1:]])
    among_others = {name: await _ask(index, body) for name, body in ATTEMPTS.items()}

    assert among_others == alone
    assert not [name for name, (_, body) in among_others.items() if b"secret__" in body]
    assert {status for status, _ in alone.values()} == {200, 400}


def test_there_are_many_attempts() -> None:
    """At least 40 ways are tried."""
    assert len(ATTEMPTS) >= 40


def _activity(kind: str, number: int, text: str) -> Activity:
    inner: dict[str, Any] = {"id": f"object:{kind}:{number}", "type": kind, "name": text, "secret": kind}
    inner |= {"geocoordinates": f"51.{number},0", "dit:relatedProgrammes": [{"id": kind, "name": text}]}
    if kind == "hidden":
        inner["dit:public"] = True
    document = {"id": f"activity:{kind}:{number}", "published": f"2020-01-0{number % 9 + 1}T00:00:00Z", "object": inner}
    return Activity(
        f"activity:{kind}:{number}", msgspec.json.encode(document), str(inner["id"]), msgspec.json.encode(inner)
    )


async def _publish(index: Index, feed: str, activities: list[Activity]) -> None:
    generation = await index.begin(feed)
    await index.write([generation], activities, visible=False)
    await index.publish(generation)


async def _ask(index: Index, body: dict[str, Any]) -> tuple[int, bytes]:
    found = await Searches(index).run(SEEN, Alias.ACTIVITIES, msgspec.json.encode(body))
    return found.status, _CHANGES.sub(b"", found.body)
