"""`typed_keys`: an answer in which names of aggregations and suggestions begin with their type, as `sterms#name`.

Clients of typed languages read answers by it. Source: OpenSearch documentation, "Common REST parameters"; the types are
those that OpenSearch 3.8 answers. It is done to the answer, so that it is the same whichever index that is from, and
for aggregations too that only a cluster has.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from activity_stream.fields import FieldMap, FieldType
from activity_stream.search.bodies import read_object

_SIMPLE = "simple_value"
_BEST = "bucket_metric_value"
_OTHERS: Mapping[str, str] = {
    "avg_bucket": _SIMPLE,
    "sum_bucket": _SIMPLE,
    "cumulative_sum": _SIMPLE,
    "bucket_script": _SIMPLE,
    "moving_avg": _SIMPLE,
    "moving_fn": _SIMPLE,
    "serial_diff": _SIMPLE,
    "max_bucket": _BEST,
    "min_bucket": _BEST,
    "diversified_sampler": "sampler",
    "significant_text": "sigsterms",
}
"""The types that are called otherwise than the aggregations; but for those of values and of percentiles."""
_VALUES: Mapping[str, str] = {"terms": "{}terms", "rare_terms": "{}rareterms", "significant_terms": "sig{}terms"}
_LETTERS: Mapping[FieldType, str] = {
    FieldType.BOOLEAN: "l",
    FieldType.DATE: "l",
    FieldType.DOUBLE: "d",
    FieldType.LONG: "l",
}
"""Of which type the values of a field are; those of all others are texts."""
_ONE_BUCKET = frozenset(
    {
        "children", "diversified_sampler", "filter", "global", "missing", "nested", "parent", "reverse_nested",
        "sampler",
    }
)  # fmt: skip
_OF_ENGINES = frozenset({"_id", "_index"})
"""Fields that are in no mapping, but have values."""
_UNDER = ("aggs", "aggregations")


def typed(answer: bytes, body: bytes, fields: FieldMap) -> bytes:
    """The answer to a search body, with the types of what it asks for in the names."""
    asked = read_object(body)
    aggs, suggest = _under(asked), asked.get("suggest")
    if not aggs and not suggest:
        return answer
    parts = msgspec.json.decode(answer, type=dict[str, Raw])
    if aggs and "aggregations" in parts:
        parts["aggregations"] = _Names(fields).of_all(aggs, parts["aggregations"])
    if suggest and "suggest" in parts:
        found = msgspec.json.decode(parts["suggest"], type=dict[str, Raw])
        renamed = {f"{_kind(suggest[name])}#{name}": each for name, each in found.items()}
        parts["suggest"] = Raw(msgspec.json.encode(renamed))
    return msgspec.json.encode(parts)


class _Names:
    """The names of aggregations of these fields."""

    def __init__(self, fields: FieldMap) -> None:
        self._fields = fields

    def of_all(self, aggs: Mapping[str, Any], results: Raw) -> Raw:
        """Results of aggregations, and what else is beside them, by name."""
        found = msgspec.json.decode(results, type=dict[str, Raw])
        return Raw(msgspec.json.encode(dict(self._named(aggs, name, each) for name, each in found.items())))

    def _named(self, aggs: Mapping[str, Any], name: str, result: Raw) -> tuple[str, Raw]:
        if name not in aggs:
            return name, result
        agg = aggs[name]
        kind = _kind(agg)
        return f"{self._type(kind, agg[kind])}#{name}", self._with_under(kind, _under(agg), result)

    def _with_under(self, kind: str, aggs: Mapping[str, Any], result: Raw) -> Raw:
        """A result with the names of what is in its buckets."""
        if not aggs:
            return result
        if kind in _ONE_BUCKET:
            return self.of_all(aggs, result)
        found = msgspec.json.decode(result, type=dict[str, Raw])
        buckets = msgspec.json.decode(found["buckets"], type=list[Raw] | dict[str, Raw])
        if isinstance(buckets, dict):
            shown: object = {key: self.of_all(aggs, each) for key, each in buckets.items()}
        else:
            shown = [self.of_all(aggs, each) for each in buckets]
        return Raw(msgspec.json.encode({**found, "buckets": Raw(msgspec.json.encode(shown))}))

    def _type(self, kind: str, said: Mapping[str, Any]) -> str:
        if kind in ("percentiles", "percentile_ranks"):
            return f"{'hdr' if 'hdr' in said else 'tdigest'}_{kind}"
        if kind not in _VALUES:
            return _OTHERS.get(kind, kind)
        name = said.get("field")
        field = self._fields.get(str(name))
        is_mapped = name in _OF_ENGINES or (field is not None and field.type is not FieldType.NESTED)
        if kind == "rare_terms" and not is_mapped and "missing" not in said:
            return "sterms"  # so does OpenSearch call what has no values at all
        letter = "s" if field is None else _LETTERS.get(field.type, "s")
        if field is not None and field.type is FieldType.LONG and _is_fraction(said.get("missing")):
            letter = "d"
        return _VALUES[kind].format(letter)


def _under(agg: Mapping[str, Any]) -> Mapping[str, Any]:
    """The aggregations within one, or within a search."""
    return next((agg[key] for key in _UNDER if agg.get(key)), {})


def _kind(said: Mapping[str, Any]) -> str:
    """Which one of its kind an aggregation or a suggestion is."""
    return next(key for key, inner in said.items() if isinstance(inner, dict) and key not in (*_UNDER, "meta"))


def _is_fraction(missing: object) -> bool:
    return isinstance(missing, float | str) and not float(missing).is_integer()
