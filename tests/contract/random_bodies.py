"""Random documents and random search bodies over them, from few words, names and days, so that they meet often."""

import json
import random
from typing import Any

from activity_stream.model import Activity

WORDS = ("trade", "export", "wine", "the", "café", "日本", "foo_bar", "don't", "3.14", "London")
KEYS = ("a", "b", "ab", "A", "B c", "", "é", "zz", 'q"]', "a*", "a\nb", "x" * 60)
DATES: tuple[Any, ...] = (
    "2020-01-01", "2020-01-01T00:00:00Z", "2020-02-29T12:00:00.123Z", "2021-06-15T23:59:59+01:00",
    "1969-12-31T23:59:59Z",
    1577836800000, 0, "2020-03-01", "nonsense", "", None, {},
)  # fmt: skip
KEYWORD_FIELDS = ("type", "object.type", "object.url", "generator.name", "object.dit:status")
DATE_FIELDS = ("published", "startTime", "object.published", "object.endTime")
TEXT_FIELDS = ("object.name", "object.content", "object.keywords")
BOOLEAN, UNMAPPED = "object.dit:public", "not.mapped"
LONG, DOUBLE = "object.long", "object.double"
SINGLE = "object.dit:ukRegion.id"
PLACE, NESTED = "object.geocoordinates", "object.dit:relatedProgrammes"
PLACES: tuple[Any, ...] = (
    {"lat": 51.507351, "lon": -0.127758},
    "53.8,-1.5",
    [-0.1, 51.5],
    {"lat": 0, "lon": 179.9},
    {"lat": -0.5, "lon": -179.9},
    "u10j",
    "nowhere",
    None,
    {"lat": 91, "lon": 0},
    [{"lat": 51.5, "lon": 0}, "53.8,-1.5"],
    "POINT (2.35 48.86)",
)
ORIGINS: tuple[Any, ...] = ({"lat": "51.52", "lon": "-0.08"}, "53.75,-1.6", [179.95, -0.2])
"""None of the places itself: of distances below a metre an engine has few digits."""
ZONES = ("Europe/London", "+05:30", "America/New_York", "Z")
ADDED = (LONG, DOUBLE)
SORTABLE = (*KEYWORD_FIELDS, *DATE_FIELDS, BOOLEAN, LONG, DOUBLE, "id")


def documents(rng: random.Random, count: int) -> list[Activity]:
    """That many activities; some of the same id."""
    return [_activity(rng, rng.randrange(count)) for _ in range(count)]


def body(rng: random.Random, *, everything: bool = True) -> dict[str, Any]:  # noqa: C901, PLR0912 - one for each part
    """A search with any of the parts that a search can have; without `everything`, those that are for anyone."""
    made: dict[str, Any] = {"size": rng.choice((0, 1, 3, 10, 200))}
    if rng.random() < 0.9:
        made["query"] = query(rng, 3)
    if rng.random() < 0.6:
        made["sort"] = sort(rng)
    if rng.random() < 0.2:
        made["from"] = rng.randrange(12)
    if rng.random() < 0.3:
        made["track_total_hits"] = rng.choice((True, False, 3, 10))
    if rng.random() < 0.2:
        made["_source"] = rng.choice(
            (
                False,
                True,
                "id",
                ["object.*"],
                {"excludes": ["object"]},
                {"includes": ["*.type"], "excludes": ["object.t*"]},
            )
        )
    if rng.random() < 0.1:
        made["query"] = _functions(rng, {"match_all": {}})
        made["min_score"] = rng.choice((0, 0.5, 1, 3))
    if rng.random() < 0.1:
        made["post_filter"] = query(rng, 1)
    if rng.random() < 0.1:
        made["indices_boost"] = [{rng.choice(("*feed0*", "activities", "x*")): 2}, {"*": 0.5}]
    if rng.random() < 0.4:
        made["aggs"] = {f"agg{n}": aggregation(rng, 2) for n in range(rng.randint(1, 2))}
    if rng.random() < 0.1 and "search_after" not in made:
        pages = [{"name": f"n{n}", **_page(rng), "sort": [*sort(rng), {"id": "asc"}]} for n in range(rng.randrange(3))]
        made["collapse"] = {"field": rng.choice((SINGLE, SINGLE, "id", UNMAPPED)), "inner_hits": pages}
        made["sort"] = [*sort(rng), {"id": "asc"}]
    if rng.random() < 0.1:
        names = rng.sample((*SORTABLE, PLACE, UNMAPPED, SINGLE), 3)
        made["docvalue_fields"] = [names[0], {"field": names[1]}]
        made["fields"] = [names[2], rng.choice(("object.na*", TEXT_FIELDS[1], "no.*")), f"{NESTED}.id"]
        made["_source"] = False
    if rng.random() < 0.1:
        made["stored_fields"] = rng.choice(
            ("_none_", ["_none_"], [], "_source", ["type", "_source"], "*", "id", "object")
        )
        if "_none_" in made["stored_fields"]:
            made = {name: said for name, said in made.items() if name not in ("_source", "fields")}
    if rng.random() < 0.05:
        made["aggs"] = _of_buckets(rng)
    if everything and rng.random() < 0.05:
        made["suggest"] = _suggest(rng)
    if rng.random() < 0.1 and not made.keys() & {"sort", "collapse"}:
        made["rescore"] = [_rescore(rng) for _ in range(rng.randint(1, 2))]
    if rng.random() < 0.15 and made.get("size"):
        made["highlight"] = _highlight(rng)
    if everything and rng.random() < 0.05:
        # For a least value alone OpenSearch 3 looks at no documents, and counts none.
        under = {"sub": aggregation(rng, 1), "types": {"terms": {"field": "type"}}}
        made["query"] = {"bool": {"must_not": [{"ids": {"values": ["activity:1"]}}]}}
        made["aggs"] = {"all": {"global": {}, "aggs": under}}
    return made


def parameters(rng: random.Random) -> dict[str, str]:
    """What a URL can say of a search, one to three things; some of them wrong."""
    known = {
        "q": _line(rng, 2),
        "df": rng.choice((*TEXT_FIELDS, *KEYWORD_FIELDS, UNMAPPED)),
        "default_operator": rng.choice(("AND", "or")),
        "lenient": "true",
        "size": rng.choice(("0", "3", "200")),
        "from": rng.choice(("0", "2", "5")),
        "sort": rng.choice(("id", "published:desc,id", "_score", "_doc", "object.published:asc", UNMAPPED)),
        "_source": rng.choice(("false", "id", "object.*,id", "true")),
        "_source_excludes": "object",
        "_source_includes": "*.type",
        "track_total_hits": rng.choice(("true", "false", "3")),
        "track_scores": "true",
        "docvalue_fields": rng.choice(SORTABLE),
        "min_score": rng.choice(("0.5", "3")),
        "explain": rng.choice(("true", "false", "false")),
        "version": rng.choice(("true", "false", "false")),
        "terminate_after": rng.choice(("0", "0", "3")),
        "timeout": "10m",
    }
    chosen = {"q", *rng.sample(sorted(known), 3)} if rng.random() < 0.6 else rng.sample(sorted(known), 3)
    return {name: known[name] for name in sorted(chosen)}


def query(rng: random.Random, depth: int) -> dict[str, Any]:
    """A query of at most so many levels."""
    if depth and rng.random() < 0.5:
        return _compound(rng, depth - 1)
    return rng.choice(_LEAVES)(rng)


def _of_buckets(rng: random.Random) -> dict[str, Any]:
    kinds = ("avg_bucket", "max_bucket", "min_bucket", "stats_bucket", "sum_bucket", "percentiles_bucket")
    kind = rng.choice((*kinds, "extended_stats_bucket"))
    years: dict[str, Any] = {"date_histogram": {"field": "published", "calendar_interval": "year"}}
    years["aggs"] = {"m": {"max": {"field": LONG}}}
    made: dict[str, Any] = {"buckets_path": rng.choice(("years>m", "years>_count"))}
    if kind == "percentiles_bucket":
        made |= rng.choice(({}, {"percents": [50, 12.5, 100, 0]}, {"keyed": False}))
    if kind == "extended_stats_bucket":
        made |= rng.choice(({}, {"sigma": 1.5}))
    return {"years": years, "of_all": {kind: made}}


def _suggest(rng: random.Random) -> dict[str, Any]:
    words = ("trde", "exprot", "wime", "wine", "cafe", "londn", "fo_bar", "日", "dont", "the")
    said: dict[str, Any] = {"field": rng.choice(TEXT_FIELDS), "max_term_freq": rng.choice((0.01, 0.5, 100))}
    said |= rng.choice(({}, {"suggest_mode": rng.choice(("missing", "popular", "always"))}, {"max_edits": 1}))
    said |= rng.choice(({}, {"sort": "frequency"}, {"size": 1}, {"prefix_length": 2}, {"accuracy": 0.7}))
    said |= rng.choice(({}, {"min_word_length": 1}, {"min_doc_freq": rng.choice((0, 2, 0.1))}))
    text = " ".join(rng.sample(words, 3))
    if rng.random() < 0.5:
        return {"a": {"text": text, "term": said}}
    more: dict[str, Any] = rng.choice(({}, {"gram_size": 2}, {"confidence": 0}, {"max_errors": 2}, {"size": 10}))
    tags = {"highlight": {"pre_tag": "<b>", "post_tag": "</b>"}}
    more |= rng.choice(({}, tags, {"smoothing": {"laplace": {}}}, {"direct_generator": [said]}))
    return {"a": {"text": text, "phrase": {"field": said["field"], **more}}}


def _rescore(rng: random.Random) -> dict[str, Any]:
    said: dict[str, Any] = {"rescore_query": rng.choice((_term, _match, _range, _terms, _phrase))(rng)}
    said |= rng.choice(({}, {"query_weight": 2}, {"rescore_query_weight": 0.5}))
    said |= rng.choice(({}, {"score_mode": rng.choice(("total", "multiply", "avg", "max", "min"))}))
    return {"window_size": rng.choice((1, 5, 100)), "query": said}


def _highlight(rng: random.Random) -> dict[str, Any]:
    """Marks of all there is to mark: which pieces are the best, engines weigh in ways of their own. Of the search's own
    query an engine takes what it has made of it for an index: without what nothing there can have."""
    names = rng.sample((*TEXT_FIELDS, "object.name.raw", f"{NESTED}.name", "object.na*", UNMAPPED), 2)
    made: dict[str, Any] = {"fields": {name: {} for name in names}, "number_of_fragments": rng.choice((0, 50, 50))}
    made |= rng.choice(({}, {"fragment_size": rng.choice((0, 8, 20, 40))}))
    made |= rng.choice(({}, {}, {"require_field_match": False}, {"no_match_size": 7}))
    made |= rng.choice(
        ({}, {}, {"encoder": "html"}, {"pre_tags": ["["], "post_tags": ["]"]}, {"tags_schema": "styled"})
    )
    kinds = (_match, _match, _phrase, _pattern, _fuzzy, _terms, _term)
    looked_for = [rng.choice(kinds)(rng) for _ in range(rng.randint(1, 2))]
    said = json.dumps(looked_for)
    if UNMAPPED not in said and not ("match_phrase" in said and "terms" in said):
        made["highlight_query"] = {"bool": {"should": looked_for}}
    else:
        made["highlight_query"] = {"match": {rng.choice(TEXT_FIELDS): _words(rng, 4)}}
    return made


def _page(rng: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {"size": rng.choice((1, 3)), "from": rng.choice((0, 0, 1))}
    if rng.random() < 0.2:
        made["stored_fields"] = rng.choice((["_source"], ["_source", "type"], "type", "object.*", "object"))
        return made | ({"_source": rng.choice((True, False, ["id"]))} if rng.random() < 0.5 else {})
    return made | rng.choice(({"_source": False}, {"_source": ["id"]}, {"stored_fields": "_none_"}))


def sort(rng: random.Random) -> list[dict[str, Any]]:
    """One to three keys."""
    return [_key(rng) for _ in range(rng.randint(1, 3))]


def aggregation(rng: random.Random, depth: int) -> dict[str, Any]:
    """An aggregation of any kind, with others under it."""
    kinds = ("terms", "histogram", "numbers", "filter", "filters", "range", "dates", "missing", "metric", "metric")
    kind = rng.choice((*kinds, "combined", "auto", "rings", "grid", "matrix"))
    if kind == "combined":
        return _combined(rng, depth)
    if kind == "metric":
        return _metric(rng) if rng.random() < 0.8 else {"top_hits": {**_page(rng), "sort": [*sort(rng), {"id": "asc"}]}}
    made = _BUCKETS[kind](rng)
    if depth and rng.random() < 0.6:
        under = {f"sub{n}": aggregation(rng, depth - 1) for n in range(rng.randint(1, 2))}
        if kind == "matrix" and "adjacency_matrix" in json.dumps(under):
            return made
        made["aggs"] = under
        _order_by_figure(rng, made, under)
        if (
            kind in ("histogram", "numbers")
            and rng.random() < 0.3
            and not next(iter(made.values())).get("min_doc_count")
        ):
            under["sum"] = {"sum": {"field": LONG}}
            under["more"] = {
                rng.choice(("cumulative_sum", "derivative", "serial_diff")): {
                    "buckets_path": rng.choice(("sum", "_count"))
                }
            }
        if kind == "terms" and rng.random() < 0.2:
            under["sorted"] = {"bucket_sort": {"sort": [{"_key": {"order": "desc"}}], "from": 1, "size": 2}}
    return made


def _activity(rng: random.Random, number: int) -> Activity:
    inner: dict[str, Any] = {"id": f"object:{number % 7}:{number}"}
    document: dict[str, Any] = {"id": f"activity:{number}", "object": inner}
    for name in (*KEYWORD_FIELDS, *DATE_FIELDS, *TEXT_FIELDS, BOOLEAN, LONG, DOUBLE):
        if rng.random() < 0.65:
            _put(document, name, _some(rng, name))
    if rng.random() < 0.7:
        _put(document, SINGLE, rng.choice(KEYS[:6]))
    if rng.random() < 0.5:
        _put(document, UNMAPPED, _some(rng, UNMAPPED))
    if rng.random() < 0.5:
        _put(document, PLACE, rng.choice(PLACES))
    if rng.random() < 0.5:
        _put(document, NESTED, [_programme(rng) for _ in range(rng.randrange(4))])
    source = json.dumps(document).encode()
    return Activity(document["id"], source, inner["id"], json.dumps(inner).encode())


def _put(document: dict[str, Any], name: str, value: Any) -> None:
    *outer, last = name.split(".")
    for key in outer:
        document = document.setdefault(key, {})
    document[last] = value


def _programme(rng: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {"id": rng.choice(KEYS[:4]), "name": _words(rng, 3)}
    return {name: value for name, value in made.items() if rng.random() < 0.8}


def _some(rng: random.Random, name: str) -> Any:
    return [_value(rng, name) for _ in range(rng.randrange(4))] if rng.random() < 0.3 else _value(rng, name)


def _value(rng: random.Random, name: str) -> Any:
    if name in KEYWORD_FIELDS or name == UNMAPPED:
        return rng.choice((*KEYS, 6, True, None))
    if name in DATE_FIELDS:
        return rng.choice(DATES)
    if name in TEXT_FIELDS:
        return _sentences(rng) if rng.random() < 0.3 else _words(rng, 6)
    if name == BOOLEAN:
        return rng.choice((True, False, "true", "false", "x"))
    return rng.choice((0, 1, -1, 5, 10, 2.5, "7", "x", None, 1e3))


def _words(rng: random.Random, most: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(rng.randrange(most)))


def _sentences(rng: random.Random) -> str:
    ends = (". ", ", ", " ", " ", " ", "! ", "? ", " - ", ". A ", ". the ", "; ", ": ", "/", "<b>", "\n")
    return "".join(f"{rng.choice(WORDS)}{rng.choice(ends)}" for _ in range(rng.randrange(30)))


def _query_value(rng: random.Random, name: str) -> Any:
    if name in KEYWORD_FIELDS or name == UNMAPPED:
        return rng.choice((*KEYS, 6, True))
    if name in DATE_FIELDS:
        return rng.choice(("2020", "2020-01-01", "2020-02-29T12:00:00.123Z", 1577836800000, "now", "now-4y/y", "bad"))
    if name in TEXT_FIELDS:
        return rng.choice((*WORDS, _words(rng, 4)))
    if name == BOOLEAN:
        return rng.choice((True, False, "true", "x"))
    if name == "id":
        return f"activity:{rng.randrange(60)}"
    return rng.choice((0, 1, 5, 2.5, "7", "x", -3))


def _any_field(rng: random.Random) -> str:
    return rng.choice((*SORTABLE, *TEXT_FIELDS, UNMAPPED))


def _compound(rng: random.Random, depth: int) -> dict[str, Any]:
    some = [query(rng, depth) for _ in range(rng.randint(1, 3))]
    kind = rng.choice(("bool", "bool", "bool", "constant_score", "dis_max", "boosting", "functions"))
    if kind == "functions":
        return _functions(rng, some[0])
    if kind == "constant_score":
        return {kind: {"filter": some[0], "boost": 2}}
    if kind == "boosting":
        return {kind: {"positive": some[0], "negative": some[-1], "negative_boost": rng.choice((0, 0.5, 2))}}
    if kind == "dis_max":
        return {kind: {"queries": some, "tie_breaker": rng.choice((0, 0.5, 1))}}
    parts: dict[str, Any] = {}
    for each in some:
        parts.setdefault(rng.choice(("must", "filter", "should", "should", "must_not")), []).append(each)
    if rng.random() < 0.3:
        parts["minimum_should_match"] = rng.choice((0, 1, 2, "50%", "-1", "1<75%"))
    return {"bool": parts}


def _term(rng: random.Random) -> dict[str, Any]:
    name = _any_field(rng)
    made: dict[str, Any] = {"value": _query_value(rng, name)}
    if name in KEYWORD_FIELDS and rng.random() < 0.3:
        made = {"value": rng.choice(KEYS), "case_insensitive": True}
    return {"term": {name: made}}


def _terms(rng: random.Random) -> dict[str, Any]:
    name = _any_field(rng)
    return {"terms": {name: [_query_value(rng, name) for _ in range(rng.randint(0, 3))]}}


def _terms_set(rng: random.Random) -> dict[str, Any]:
    name = rng.choice((*KEYWORD_FIELDS, TEXT_FIELDS[0], LONG))
    values = [_query_value(rng, name) for _ in range(rng.randint(1, 4))]
    return {"terms_set": {name: {"terms": values, "minimum_should_match_field": rng.choice((LONG, DOUBLE, BOOLEAN))}}}


def _like(rng: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {"fields": rng.sample(TEXT_FIELDS, rng.randint(1, 2)), "min_term_freq": 1}
    liked = rng.choice(
        (_sentences(rng), {"_id": f"activity:{rng.randrange(60)}"}, {"doc": {"object": {"name": "wine"}}})
    )
    made |= {"like": liked, "min_doc_freq": rng.choice((1, 2, 5))}
    made |= rng.choice(({}, {"max_query_terms": 2}, {"minimum_should_match": 2}, {"boost_terms": 2}))
    return {"more_like_this": made | rng.choice(({}, {"unlike": "wine trade"}, {"include": True}))}


def _match(rng: random.Random) -> dict[str, Any]:
    name = rng.choice((*TEXT_FIELDS, _any_field(rng)))
    made: dict[str, Any] = {"query": _query_value(rng, name)}
    made |= rng.choice(
        (
            {},
            {"operator": "and"},
            {"minimum_should_match": "75%"},
            {"zero_terms_query": "all"},
            {"minimum_should_match": 2},
            _fuzziness(rng),
        )
    )
    return {"match": {name: made}}


def _multi_match(rng: random.Random) -> dict[str, Any]:
    if rng.random() < 0.2:
        made: dict[str, Any] = {"query": f"{rng.choice(WORDS)} {rng.choice(('t', 'wi', 'ex'))}"}
        made |= {"type": rng.choice(("phrase_prefix", "bool_prefix")), "fields": ["object.name^2", "object.content"]}
        return {"multi_match": made}
    kind = rng.choice(("best_fields", "most_fields", "cross_fields", "phrase"))
    fields = rng.sample((*TEXT_FIELDS, "object.type", UNMAPPED), 2)
    made = {"query": _words(rng, 4), "type": kind, "fields": [fields[0], f"{fields[1]}^2"]}
    more: dict[str, Any] = {"slop": 2}
    if kind == "cross_fields":
        more = rng.choice(({"operator": "and"}, {"minimum_should_match": 2}, {"tie_breaker": 0.5}))
    elif kind != "phrase":
        more = rng.choice(({"operator": "and"}, _fuzziness(rng)))
    return {"multi_match": made | rng.choice(({}, more))}


def _fuzziness(rng: random.Random) -> dict[str, Any]:
    made = {"fuzziness": rng.choice(("AUTO", "AUTO:4,5", 0, 1, 2))}
    few = {"fuzziness": "AUTO", "max_expansions": 2}  # of words that are all mistakes an engine takes any
    return made | rng.choice(({}, {"prefix_length": 1}, few, {"fuzzy_transpositions": False}))


def _fuzzy(rng: random.Random) -> dict[str, Any]:
    name = rng.choice((*TEXT_FIELDS, *KEYWORD_FIELDS[:2], UNMAPPED))
    value = rng.choice(("trase", "exprot", "wine", "teh", "cafe", "本日", "a", "ba", "zz"))
    return {
        "fuzzy": {name: {"value": value, "fuzziness": rng.choice(("AUTO", 1, 2)), "prefix_length": rng.choice((0, 1))}}
    }


def _phrase(rng: random.Random) -> dict[str, Any]:
    if rng.random() < 0.1:
        return {"match_phrase": {UNMAPPED: _query_value(rng, UNMAPPED)}}
    return {"match_phrase": {rng.choice(TEXT_FIELDS): {"query": _words(rng, 4), "slop": rng.choice((0, 0, 1, 3))}}}


def _begun(rng: random.Random) -> dict[str, Any]:
    before = [rng.choice(WORDS) for _ in range(rng.randrange(3))]
    text = " ".join([*before, rng.choice(("t", "w", "ex", "c", "日", "lon", ""))])
    made: dict[str, Any] = {"query": text + rng.choice(("", "", "", " ", "!"))}
    if rng.random() < 0.5:
        made |= rng.choice(
            ({}, {"operator": "and"}, {"minimum_should_match": rng.choice(("2", "-1", "75%"))}, _fuzziness(rng))
        )
        return {"match_bool_prefix": {rng.choice((*TEXT_FIELDS, UNMAPPED)): made}}
    if rng.random() < 0.3:
        made["max_expansions"] = rng.choice((1, 2, 50))
    if rng.random() < 0.3:
        made["slop"] = rng.choice((1, 3))
    return {"match_phrase_prefix": {rng.choice(TEXT_FIELDS): made}}


def _range(rng: random.Random) -> dict[str, Any]:
    name = rng.choice((*SORTABLE, *TEXT_FIELDS, UNMAPPED))
    bounds = {}
    if rng.random() < 0.8:
        bounds[rng.choice(("gt", "gte"))] = _query_value(rng, name)
    if rng.random() < 0.6:
        bounds[rng.choice(("lt", "lte"))] = _query_value(rng, name)
    return {"range": {name: bounds}}


def _exists(rng: random.Random) -> dict[str, Any]:
    return {"exists": {"field": rng.choice((_any_field(rng), "object", "actor", "not"))}}


def _pattern(rng: random.Random) -> dict[str, Any]:
    name = rng.choice((*KEYWORD_FIELDS, *TEXT_FIELDS, UNMAPPED))
    extra = rng.choice(({}, {"case_insensitive": True}))
    if rng.random() < 0.3:
        letters = ("a.*", "[ab]+", "t?r.d(e|a)", "[^a]", "A|é", "x{3,60}", "ex[o-q]ort", "")
        expression = rng.choice((*letters, "@x@", '"a*"', "\\w+", "a\\*", "."))
        return {"regexp": {name: {"value": expression, **extra}}}
    if rng.random() < 0.5:
        return {"prefix": {name: {"value": rng.choice(("a", "A", "t", "ex", "", "é", 'q"', "a*")), **extra}}}
    return {"wildcard": {name: {"value": rng.choice(("*", "a*", "?", "*b", "a\\*", "*e*", "A?", "t?e", "")), **extra}}}


def _ids(rng: random.Random) -> dict[str, Any]:
    return {"ids": {"values": [f"activity:{rng.randrange(60)}" for _ in range(3)]}}


def _script(rng: random.Random) -> dict[str, Any]:
    first, second = rng.sample(DATE_FIELDS, 2)
    date = f"(doc['{first}'].size() > 0 ? doc['{first}'].value : doc['{second}'].value)"
    source = f"def d = {date}; d.{rng.choice(('isAfter', 'isBefore'))}(ZonedDateTime.parse(params.moment))"
    moment = rng.choice(("2020-01-01T00:00:00Z", "2020-02-29T12:00:00.123Z", "2021-06-16T00:59:59+02:00"))
    return {"script": {"script": {"source": source, "params": {"moment": moment}}}}


def _functions(rng: random.Random, inner: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"query": inner, "functions": [_function(rng) for _ in range(rng.randint(1, 3))]}
    made |= {"score_mode": rng.choice(("multiply", "sum", "avg", "first", "max", "min"))}
    made |= {"boost_mode": rng.choice(("multiply", "replace", "sum", "avg", "max", "min"))}
    made |= rng.choice(({}, {}, {"max_boost": 2}, {"boost": 3}))
    return {"function_score": made}


def _function(rng: random.Random) -> dict[str, Any]:
    kind = rng.choice(("weight", "value", "decay", "decay"))
    made: dict[str, Any] = {"weight": rng.choice((0.25, 0.5, 2))} if kind == "weight" or rng.random() < 0.3 else {}
    if kind == "value":
        modifier = rng.choice(("none", "square", "log2p", "sqrt", "ln2p"))
        made["field_value_factor"] = {"field": BOOLEAN, "factor": 2, "modifier": modifier, "missing": 3}
    if kind == "decay":
        name = rng.choice((*DATE_FIELDS, LONG, DOUBLE, PLACE))
        if name == PLACE:
            said = {"origin": rng.choice(ORIGINS), "scale": rng.choice(("5km", "300mi")), "offset": "1km"}
        elif name in DATE_FIELDS:
            said = {"origin": rng.choice(("2020-01-01", "2020-02||/y")), "scale": "10d", "offset": "12h"}
        else:
            said = {"origin": rng.choice((0, 3, "7")), "scale": rng.choice((2, 100)), "offset": rng.choice((0, 1))}
        modes = {"multi_value_mode": rng.choice(("min", "max", "avg", "sum"))} if rng.random() < 0.5 else {}
        made[rng.choice(("exp", "gauss", "linear"))] = {name: {**said, "decay": rng.choice((0.1, 0.5))}, **modes}
    return made | ({"filter": rng.choice(_LEAVES)(rng)} if rng.random() < 0.5 else {})


def _nested(rng: random.Random) -> dict[str, Any]:
    leaves: list[dict[str, Any]] = [
        {"term": {f"{NESTED}.id": rng.choice(KEYS[:5])}},
        {"terms": {f"{NESTED}.id": ["a", "ab"]}},
        {"exists": {"field": f"{NESTED}.{rng.choice(('id', 'name'))}"}},
        {"match": {f"{NESTED}.name": _words(rng, 3)}},
        {"match": {f"{NESTED}.name": {"query": rng.choice(("wime", "exprot")), "fuzziness": "AUTO"}}},
        {"match_phrase_prefix": {f"{NESTED}.name": rng.choice(("wi", "export t"))}},
        {"match_phrase": {f"{NESTED}.name": {"query": _words(rng, 4), "slop": rng.choice((0, 1, 2))}}},
        {"prefix": {f"{NESTED}.id": "a"}},
        {"match_all": {}},
        {"term": {"type": "a"}},
    ]
    inner = rng.choice(leaves)
    if rng.random() < 0.5:
        inner = {"bool": {rng.choice(("must", "should", "must_not")): [inner], "filter": [rng.choice(leaves)]}}
    made: dict[str, Any] = {"path": NESTED, "query": inner}
    if rng.random() < 0.3:
        made["inner_hits"] = _objects_of_hits(rng, sorted_too="match" in json.dumps(inner))
    return {"nested": made | rng.choice(({}, {"score_mode": rng.choice(("avg", "max", "min", "sum", "none"))}))}


def _objects_of_hits(rng: random.Random, *, sorted_too: bool) -> dict[str, Any]:
    """Each with a name of its own, as there may be several in a body; scores of words are a matter of the index."""
    made: dict[str, Any] = {"name": f"objects {rng.randrange(1_000_000)}", "size": rng.choice((0, 1, 3, 10))}
    made |= rng.choice(({}, {}, {"from": 1}))
    made |= rng.choice(
        ({}, {"_source": False}, {"_source": [f"{NESTED}.id", "id"]}, {"_source": {"excludes": [f"{NESTED}.name"]}})
    )
    if sorted_too or rng.random() < 0.5:
        made["sort"] = [{f"{NESTED}.id": _key_of_objects(rng)}, *rng.choice(([], [_key(rng)]))]
        if any("_script" in each for each in made["sort"]):
            del made["sort"][1]
    return made


def _key_of_objects(rng: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {"order": rng.choice(("asc", "desc"))}
    return made | rng.choice(({}, {"missing": rng.choice(("_first", "_last", "ab"))}, {"mode": "max"}))


def _place(rng: random.Random) -> dict[str, Any]:
    if rng.random() < 0.5:
        return {"geo_distance": {"distance": rng.choice(("10km", "200 mi", 400_000)), PLACE: rng.choice(ORIGINS)}}
    box = rng.choice(
        (
            {"top_left": {"lat": 60, "lon": -2}, "bottom_right": "50,0"},
            {"top_right": "10,-170", "bottom_left": "-10,170"},
            {"top": 51.6, "left": -1, "bottom": 51.4, "right": 1},
        )
    )
    return {"geo_bounding_box": {PLACE: box}}


def _all(rng: random.Random) -> dict[str, Any]:
    return rng.choice(({"match_all": {}}, {"match_none": {}}, {"bool": {}}))


def words_query(rng: random.Random) -> dict[str, Any]:
    """A query whose scores depend on how rare words and values are, how long texts, and how far words have moved."""
    text = " ".join(rng.choices(WORDS, k=rng.randint(1, 3)))
    name = rng.choice(TEXT_FIELDS)
    fields = [rng.choice((each, f"{each}^2")) for each in rng.sample((*TEXT_FIELDS, *KEYWORD_FIELDS), 3)]
    kind = rng.choice(("best_fields", "most_fields", "cross_fields", "phrase"))
    return rng.choice(
        (
            {"match": {name: {"query": text, "operator": rng.choice(("or", "and"))}}},
            {"match_phrase": {name: text}},
            {"term": {name: rng.choice(("wine", "trade", "london", "3.14"))}},
            {"multi_match": {"query": text, "fields": fields, "type": kind, "tie_breaker": 0.3}},
            {"bool": {"must": [{"match": {name: text}}], "should": [{"match_phrase": {name: "the wine"}}]}},
            {"simple_query_string": {"query": f'{text} | "trade export"', "fields": fields}},
            {"match_phrase": {name: {"query": " ".join(rng.sample(WORDS, 2)), "slop": rng.choice((1, 3))}}},
            {"match_phrase": {name: {"query": " ".join(rng.choices(WORDS[:3], k=3)), "slop": rng.choice((1, 3))}}},
            {"match_phrase_prefix": {name: f"{text} {rng.choice('twec')}"}},
            {"match_phrase_prefix": {name: {"query": f"{text} {rng.choice('twec')}", "slop": rng.choice((1, 3))}}},
            {
                "nested": {
                    "path": NESTED,
                    "query": {
                        rng.choice(("match_phrase", "match_phrase_prefix")): {
                            f"{NESTED}.name": {"query": text, "slop": rng.choice((0, 1, 2, 5))}
                        }
                    },
                }
            },
            {"match_bool_prefix": {name: f"{text}{rng.choice(('', ' ', ' w'))}"}},
            {"match": {name: {"query": rng.choice(("wine expert", "trad", "londn the")), "fuzziness": "AUTO"}}},
            {"fuzzy": {rng.choice(KEYWORD_FIELDS): {"value": rng.choice(("a", "az", "ab")), "fuzziness": 1}}},
            {"match": {BOOLEAN: True}},
        )
    )


def _query_string(rng: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {"query": _line(rng, 2)}
    if rng.random() < 0.6:
        names = rng.sample((*TEXT_FIELDS, *KEYWORD_FIELDS), rng.randint(1, 3))
        made["fields"] = [rng.choice((name, f"{name}^2")) for name in names]
    elif rng.random() < 0.3:
        made["default_field"] = rng.choice((*TEXT_FIELDS, "object.k*", UNMAPPED, "*"))
    if rng.random() < 0.3:
        made["default_operator"] = rng.choice(("AND", "and", "OR"))
    if rng.random() < 0.2:
        made |= rng.choice(
            (
                {"minimum_should_match": rng.choice((1, 2, "75%"))},
                {"boost": 2},
                {"lenient": True},
                {"tie_breaker": 0.3},
                {"phrase_slop": 1},
                {"fuzziness": "1", "fuzzy_prefix_length": 1},
                {"type": rng.choice(("most_fields", "cross_fields", "phrase"))},
                {"type": "cross_fields", "minimum_should_match": 2},
            )
        )
    return {"query_string": made}


def _simple_query_string(rng: random.Random) -> dict[str, Any]:
    words = ("trade", "wine", "the", "caf\u00e9", "foo_bar", "3.14", "London", "a", "zz", "expert", "B\\ c")
    parts = []
    for _ in range(rng.randint(1, 6)):
        word = rng.choice(words)
        parts.append(
            rng.choice(
                (
                    *(word, word, word, f"{word[:3]}*", f"{word}~", f"{word}~1", f"-{word}", f'"{word} wine"'),
                    *(f'"{word} wine"~2', "+", "|", "-", "(", ")", '"', f"({word} | wine)", f"-({word} +wine)", "()"),
                )
            )
        )
    made: dict[str, Any] = {"query": rng.choice((" ", " ", "")).join(parts)}
    if rng.random() < 0.6:
        names = rng.sample((*TEXT_FIELDS, *KEYWORD_FIELDS), rng.randint(1, 3))
        made["fields"] = [rng.choice((name, f"{name}^2")) for name in names]
    if rng.random() < 0.3:
        made["default_operator"] = rng.choice(("and", "OR"))
    if rng.random() < 0.2:
        made |= rng.choice(
            (
                {"minimum_should_match": rng.choice((1, 2, "75%"))},
                {"boost": 2},
                {"lenient": True},
                {"flags": rng.choice(("AND|OR|NOT", "PREFIX|PHRASE|WHITESPACE", "NONE", "ALL", 3, -1))},
                {"fuzzy_prefix_length": 1},
            )
        )
    return {"simple_query_string": made}


def _line(rng: random.Random, depth: int) -> str:
    """A line of one to four clauses."""
    parts = [_line_clause(rng, depth)]
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
        parts += [rng.choice(("", "", "", "AND", "OR", "&&", "||", "AND NOT", "NOT")), _line_clause(rng, depth)]
    return " ".join(part for part in parts if part)


def _line_clause(rng: random.Random, depth: int) -> str:
    field = rng.choice((*TEXT_FIELDS, *KEYWORD_FIELDS, UNMAPPED)) if rng.random() < 0.3 else ""
    dated = rng.random() < 0.1
    if dated:
        field = rng.choice(DATE_FIELDS)
        found = rng.choice(
            ("[2020-01-01 TO 2021-01-01}", "{* TO 2020-02-29]", ">=2020-02-01", "<2020-02-29", "2020", "*")
        )
    elif depth and rng.random() < 0.15:
        found = f"({_line(rng, depth - 1)})"
    else:
        word = rng.choice(
            ("trade", "export", "wine", "the", "caf\u00e9", "foo_bar", "3.14", "London", "a", "ab", "zz", "expert")
        )
        found = rng.choice(
            (
                *(word, word, word, f"{word} wine", f"{word}~", f"{word}~1", f"{word[:3]}*", f"{word[:1]}?{word[2:]}*"),
                *(f'"{word} wine"', f'"{word} wine"~2', "/[a-w]+e/", "*", "B\\ c"),
            )
        )
    if rng.random() < 0.05:
        found = rng.choice(("[c TO f}", "{* TO The]", "[wine TO *]", ">=LONDON", "<trade"))
    if rng.random() < 0.02:
        return rng.choice(('"', "wine)", "a:", "[1 TO", "AND", "/x"))
    boost = "^2" if rng.random() < 0.1 else ""
    sign = rng.choice(("+", "-", "!")) if rng.random() < 0.2 else ""
    return f"{sign}{field}:{found}{boost}" if field else f"{sign}{found}{boost}"


_LEAVES = (
    _term, _term, _terms, _match, _match, _multi_match, _phrase, _fuzzy, _begun, _range, _range, _exists, _pattern,
    _ids, _all, _script, _nested, _place, _query_string, _simple_query_string, _terms_set, _like,
)  # fmt: skip


def _key(rng: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {"order": rng.choice(("asc", "desc"))}
    if rng.random() < 0.1:
        first, second = rng.sample(DATE_FIELDS, 2)
        source = f"doc['{first}'].empty ? doc['{second}'].value.millis : doc['{first}'].value.millis"
        return {"_script": {"type": "number", "script": source, **made}}
    if rng.random() < 0.1:
        made |= {"unit": rng.choice(("km", "mi")), PLACE: rng.choice((*ORIGINS, list(ORIGINS[:2])))}
        made |= rng.choice(({}, {"mode": rng.choice(("min", "max", "avg", "median"))}, {"distance_type": "plane"}))
        return {"_geo_distance": made}
    if rng.random() < 0.1:
        made["nested"] = {"path": NESTED}
        if rng.random() < 0.4:
            made["nested"]["filter"] = {"match": {f"{NESTED}.name": _words(rng, 3)}}
        made |= rng.choice(({}, {"mode": rng.choice(("min", "max"))}, {"missing": rng.choice(("_first", "ab"))}))
        return {f"{NESTED}.id": made}
    name = rng.choice((*SORTABLE, UNMAPPED))
    if rng.random() < 0.2:
        of_numbers = ("sum", "avg", "median") if name in (BOOLEAN, LONG, DOUBLE, *DATE_FIELDS) else ()
        made["mode"] = rng.choice(("min", "max", *of_numbers))
    if rng.random() < 0.1 and name in (*DATE_FIELDS, LONG, DOUBLE, *KEYWORD_FIELDS[:1]):
        made["numeric_type"] = "double" if name == DOUBLE else rng.choice(("long", "date"))
    if rng.random() < 0.5:
        made["missing"] = rng.choice(("_last", "_first", "_first", _query_value(rng, name)))
    if name == UNMAPPED and rng.random() < 0.9:
        made["unmapped_type"] = "keyword"
    return {name: made}


def _metric(rng: random.Random) -> dict[str, Any]:
    if rng.random() < 0.1:
        field = rng.choice((PLACE, PLACE, UNMAPPED))
        return {"geo_bounds": {"field": field, **rng.choice(({}, {"wrap_longitude": False}))}}
    kind = rng.choice(
        ("min", "max", "avg", "sum", "stats", "extended_stats", "value_count", "cardinality", "percentiles")
    )
    name = rng.choice((*DATE_FIELDS, LONG, DOUBLE, BOOLEAN))
    if kind == "extended_stats":  # of dates the last digits are a matter of the order of adding
        name = rng.choice((LONG, DOUBLE, BOOLEAN))
    if kind in ("value_count", "cardinality"):
        name = rng.choice((*SORTABLE, UNMAPPED))
    made: dict[str, Any] = {"field": name}
    if kind == "percentiles":
        if rng.random() < 0.3:
            return {"percentile_ranks": {**made, "values": [0, 5, 1e3], "keyed": rng.random() < 0.7}}
        made |= rng.choice(({}, {"percents": [0, 12.5, 50, 100]}, {"keyed": False}))
    if rng.random() < 0.2 and name in (LONG, DOUBLE):
        made["missing"] = 4
    return {kind: made}


def _combined(rng: random.Random, depth: int) -> dict[str, Any]:
    """An aggregation of several fields, of rare or significant values, or of nested objects."""
    kind = rng.choice(("composite", "composite", "multi_terms", "rare_terms", "significant_terms", "nested"))
    if kind == "composite" and depth < 2:
        kind = "multi_terms"  # it is for the outermost alone
    if kind == "nested":
        return _nested_objects(rng)
    made: dict[str, Any] = {kind: _COMBINED[kind](rng)}
    # What is under rare values of a bucket, OpenSearch 3 puts under others of them.
    if depth > int(kind == "rare_terms") and rng.random() < 0.4:
        made["aggs"] = {"sub": aggregation(rng, depth - 1)}
    return made


def _composite(rng: random.Random) -> dict[str, Any]:
    sources = []
    for name in rng.sample(("x", "y", "z"), rng.randint(1, 3)):
        of: dict[str, Any] = rng.choice(
            (
                {"terms": {"field": rng.choice((*SORTABLE, UNMAPPED))}},
                {"terms": {"field": rng.choice((*SORTABLE, UNMAPPED))}},
                {"histogram": {"field": rng.choice((LONG, DOUBLE)), "interval": rng.choice((1, 2.5))}},
                {"date_histogram": {"field": rng.choice(DATE_FIELDS), "calendar_interval": "month"}},
                {
                    "date_histogram": {
                        "field": rng.choice(DATE_FIELDS),
                        "fixed_interval": "30d",
                        "format": "yyyy-MM-dd",
                        "time_zone": rng.choice(ZONES),
                    }
                },
            )
        )
        said = next(iter(of.values()))
        said |= rng.choice(({}, {"order": "desc"}))
        said |= rng.choice(({}, {"missing_bucket": True}))
        if "missing_bucket" in said and rng.random() < 0.5:
            said["missing_order"] = rng.choice(("first", "last", "default"))
        sources.append({name: of})
    made: dict[str, Any] = {"sources": sources, "size": rng.choice((1, 3, 10, 100))}
    if rng.random() < 0.4 and all("terms" in next(iter(each.values())) for each in sources):
        made["after"] = {}
        for each in sources:
            ((name, of),) = each.items()
            field = of["terms"]["field"]
            value = rng.choice(KEYS) if field in KEYWORD_FIELDS or field in (UNMAPPED, "id") else rng.choice((0, 1, 5))
            made["after"][name] = rng.choice((True, False)) if field == BOOLEAN else value
    return made


def _multi_terms(rng: random.Random) -> dict[str, Any]:
    terms: list[dict[str, Any]] = [{"field": name} for name in rng.sample((*SORTABLE, UNMAPPED), rng.choice((2, 2, 3)))]
    if rng.random() < 0.3 and terms[0]["field"] in KEYWORD_FIELDS:
        terms[0]["missing"] = "none"
    made: dict[str, Any] = {"terms": terms, "size": rng.choice((1, 5, 1000))}
    return made | rng.choice(({}, {"min_doc_count": 2}, {"order": {"_key": "desc"}}))


def _rare_terms(rng: random.Random) -> dict[str, Any]:
    """Of keywords: a number that a document has twice counts twice in OpenSearch 3."""
    name = rng.choice((*KEYWORD_FIELDS, "id", UNMAPPED))
    return {"field": name, "max_doc_count": rng.choice((1, 2, 5)), **rng.choice(({}, {"include": list(KEYS)}))}


def _significant_terms(rng: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {"field": rng.choice((*SORTABLE, UNMAPPED)), "min_doc_count": rng.choice((1, 3))}
    made |= rng.choice(({}, {"jlh": {}}, {"percentage": {}}, {"size": 2}))
    if rng.random() < 0.5 and not {"jlh", "percentage"} & made.keys():
        kind = rng.choice(("mutual_information", "chi_square", "gnd"))
        made[kind] = rng.choice(({}, {"background_is_superset": False}))
        if kind != "gnd":
            made[kind] = made[kind] | rng.choice(({}, {"include_negatives": True}))
    return made | rng.choice(({}, {"background_filter": rng.choice(_LEAVES)(rng)}))


_COMBINED = {
    "composite": _composite,
    "multi_terms": _multi_terms,
    "rare_terms": _rare_terms,
    "significant_terms": _significant_terms,
}


def _nested_objects(rng: random.Random) -> dict[str, Any]:
    inner: dict[str, Any] = rng.choice(
        (
            {"terms": {"field": f"{NESTED}.id"}},
            {
                "terms": {"field": f"{NESTED}.id"},
                "aggs": {"back": {"reverse_nested": {}, "aggs": {"t": _terms_of(rng)}}},
            },
            {
                "filter": {"match": {f"{NESTED}.name": _words(rng, 3)}},
                "aggs": {"t": {"terms": {"field": f"{NESTED}.id"}}},
            },
            {"missing": {"field": f"{NESTED}.id"}},
            {"value_count": {"field": f"{NESTED}.id"}},
            {"significant_terms": {"field": f"{NESTED}.id", "min_doc_count": 1}},
            {"terms": {"field": "type"}},
            {"nested": {"path": NESTED}},
            {"reverse_nested": {}, "aggs": {"m": _metric(rng)}},
        )
    )
    if rng.random() < 0.3:
        return _objects_of_buckets(rng)
    return {"nested": {"path": rng.choice((NESTED, NESTED, NESTED, UNMAPPED, "type"))}, "aggs": {"inner": inner}}


def _objects_of_buckets(rng: random.Random) -> dict[str, Any]:
    """Objects of one document each: those of several, that are equal, have no order."""
    back = {"reverse_nested": {}, "aggs": {"hits": {"top_hits": {**_page(rng), "sort": [_key(rng), {"id": "asc"}]}}}}
    said: dict[str, Any] = {**_page(rng), **rng.choice(({}, {"size": 10}))}
    said["sort"] = [{f"{NESTED}.id": _key_of_objects(rng)}, *rng.choice(([], [_key(rng)]))]
    if any("_script" in each for each in said["sort"]):
        del said["sort"][1]
    made: dict[str, Any] = {"nested": {"path": NESTED}, "aggs": {"objects": {"top_hits": said}, "back": back}}
    return {"terms": {"field": "id", "size": 3}, "aggs": {"in": made}}


def _terms_of(rng: random.Random) -> dict[str, Any]:
    return {"terms": {"field": rng.choice(KEYWORD_FIELDS), "size": 3}}


def _terms_buckets(rng: random.Random) -> dict[str, Any]:
    name = rng.choice((*SORTABLE, UNMAPPED))
    made: dict[str, Any] = {"field": name, "size": rng.choice((1, 3, 100))}
    if rng.random() < 0.3:
        made["order"] = rng.choice(({"_key": "desc"}, {"_count": "asc"}, [{"_count": "asc"}, {"_key": "desc"}]))
    if rng.random() < 0.2:
        made["min_doc_count"] = rng.choice((0, 2))
    if name in KEYWORD_FIELDS and rng.random() < 0.3:
        made |= rng.choice(({"include": ["a", "b", "zz"]}, {"exclude": ["a"]}, {"missing": "none"}, {"missing": "a"}))
    return {"terms": made}


def _histogram(rng: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {"field": rng.choice(DATE_FIELDS)}
    made |= rng.choice(
        ({"calendar_interval": "month"}, {"calendar_interval": "hour", "min_doc_count": 1},
         {"calendar_interval": "year"}, {"calendar_interval": "quarter"},
         {"calendar_interval": "week"}, {"fixed_interval": "30d"}, {"fixed_interval": "12h", "min_doc_count": 1},
         {"calendar_interval": "1d", "min_doc_count": 1, "offset": "+6h"}, {"fixed_interval": "1ms"})
    )  # fmt: skip
    made |= rng.choice(
        ({}, {}, {"keyed": True}, {"format": "yyyy-MM"}, {"missing": "2020-05-05"}, {"order": {"_key": "desc"}})
    )
    if rng.random() < 0.4:
        made["time_zone"] = rng.choice(ZONES)
    return {"date_histogram": made}


def _rings(rng: random.Random) -> dict[str, Any]:
    ranges = ([{"to": 50}, {"from": 50, "to": 300, "key": "k"}, {"from": 300}], [{"from": 0}, {"from": 1, "to": 9e3}])
    made: dict[str, Any] = {"field": rng.choice((PLACE, PLACE, UNMAPPED)), "origin": rng.choice(ORIGINS[1:])}
    made |= {"unit": rng.choice(("km", "mi")), "ranges": rng.choice(ranges)}
    return {"geo_distance": made | rng.choice(({}, {"keyed": True}, {"distance_type": "plane"}))}


def _grid(rng: random.Random) -> dict[str, Any]:
    kind = rng.choice(("geohash_grid", "geotile_grid"))
    made: dict[str, Any] = {"field": rng.choice((PLACE, PLACE, UNMAPPED)), "precision": rng.choice((1, 2, 5, 9, 12))}
    made |= rng.choice(({}, {"bounds": {"top_left": "60,-2", "bottom_right": "50,1"}}))
    return {kind: made | rng.choice(({}, {"size": 1}))}


def _auto_histogram(rng: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {"field": rng.choice((*DATE_FIELDS, UNMAPPED)), "buckets": rng.choice((1, 3, 10, 50))}
    made |= rng.choice(({}, {}, {"minimum_interval": rng.choice(("minute", "day", "month", "year"))}))
    made |= rng.choice(({}, {"format": "yyyy-MM"}, {"missing": "2020-05-05"}, {"time_zone": rng.choice(ZONES)}))
    return {"auto_date_histogram": made}


def _numbers(rng: random.Random) -> dict[str, Any]:
    name = rng.choice((LONG, DOUBLE, BOOLEAN, UNMAPPED))
    made: dict[str, Any] = {"field": name, "interval": rng.choice((2.5, 4, 50))}
    missing = {} if name == BOOLEAN else {"missing": 7}
    made |= rng.choice(({}, {"offset": 0.5}, missing, {"min_doc_count": 1, "keyed": True}))
    made |= rng.choice(({}, {"extended_bounds": {"min": -4, "max": 12}}, {"order": {"_key": "desc"}}))
    return {"histogram": made}


def _dates(rng: random.Random) -> dict[str, Any]:
    ranges = [{"to": "2020-02"}, {"from": "2020-01-01", "to": "2020-02||+1M/M", "key": "k"}, {"from": "2020-03-01"}]
    made: dict[str, Any] = {"field": rng.choice((*DATE_FIELDS, UNMAPPED)), "ranges": rng.sample(ranges, 2)}
    made |= rng.choice(({}, {"keyed": True}, {"missing": "2020-02-02"}, {"time_zone": rng.choice(ZONES)}))
    return {"date_range": made}


def _missing(rng: random.Random) -> dict[str, Any]:
    # Under one of a field that is not mapped OpenSearch 3 shows buckets of other buckets.
    return {"missing": {"field": rng.choice(SORTABLE)}}


def _filter(rng: random.Random) -> dict[str, Any]:
    return {"filter": query(rng, 1)}


def _filters(rng: random.Random) -> dict[str, Any]:
    named = {"first": query(rng, 1), "second": query(rng, 1)}
    made: dict[str, Any] = {"filters": rng.choice((named, list(named.values())))}
    return {"filters": made | rng.choice(({}, {"other_bucket": True}))}


def _adjacency_matrix(rng: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {"filters": {name: query(rng, 1) for name in rng.sample(("b", "a", "C", "é z"), 3)}}
    return {"adjacency_matrix": made | rng.choice(({}, {"separator": "+"}))}


def _ranges(rng: random.Random) -> dict[str, Any]:
    ranges = rng.choice(
        ([{"to": 1}, {"from": 1, "to": 5}, {"from": 5}], [{"from": 0, "to": 8, "key": "k"}, {"from": 2.5}])
    )
    return {"range": {"field": rng.choice((LONG, DOUBLE)), "ranges": ranges, "keyed": True}}


_BUCKETS = {
    "matrix": _adjacency_matrix, "auto": _auto_histogram, "rings": _rings, "grid": _grid,
    "terms": _terms_buckets, "histogram": _histogram, "numbers": _numbers, "filter": _filter, "filters": _filters,
    "range": _ranges, "dates": _dates, "missing": _missing,
}  # fmt: skip


def _order_by_figure(rng: random.Random, made: dict[str, Any], under: dict[str, Any]) -> None:
    (kind,) = made.keys() - {"aggs"}
    paths = [path for name, each in under.items() for path in _figures(name, each)]
    if kind in ("terms", "histogram", "date_histogram") and paths and rng.random() < 0.6:
        made[kind]["order"] = {rng.choice(paths): rng.choice(("asc", "desc"))}


def _figures(name: str, agg: dict[str, Any]) -> list[str]:
    """The paths to the figures of an aggregation that buckets can be ordered by. That a nested field is not mapped is
    an error to an engine then."""
    (kind,) = agg.keys() - {"aggs"}
    if kind in ("filter", "missing", "reverse_nested") or (kind == "nested" and agg[kind]["path"] == NESTED):
        below = [path for inner, each in agg.get("aggs", {}).items() for path in _figures(inner, each)]
        return [name, f"{name}.doc_count", *(f"{name}>{path}" for path in below)]
    return [path.format(name) for path in _PATHS.get(kind, ())]


_PATHS = {
    **dict.fromkeys(("min", "max", "sum", "value_count", "cardinality"), ("{}", "{}.value")),
    "stats": ("{}.count", "{}.min", "{}.max", "{}.sum"),
    "extended_stats": ("{}.sum_of_squares", "{}.min", "{}.count"),
    "percentiles": ("{}.50", "{}[5e1]"),
    "percentile_ranks": ("{}.5", "{}[1000.0]"),
}
