"""Places are counted by how far they are, and by the cells of a grid: each index answers alike."""

import json
from typing import Any

import msgspec
import pytest

from activity_stream.errors import SearchRefused
from activity_stream.model import Activity, Alias
from activity_stream.ports import Index

PLACE = "object.geocoordinates"
PLACES: tuple[Any, ...] = (
    {"lat": 51.5, "lon": -0.12},
    "51.51,-0.13",
    "53.8,-1.55",
    ["53.8,-1.55", {"lat": -36.8, "lon": 174.8}],
    "-36,-179",
    None,
)
LONDON = "51.5,-0.12"


@pytest.fixture
async def searched(index: Index) -> Index:
    """An index that has published documents at these places."""
    rows = [{"id": f"{n}", "type": "ab"[n % 2], "object": {"geocoordinates": each}} for n, each in enumerate(PLACES)]
    made = [Activity(f"{n}", json.dumps(row).encode()) for n, row in enumerate(rows)]
    generation = await index.begin("feed")
    await index.write([generation], made, visible=True)
    await index.publish(generation)
    return index


async def test_documents_are_counted_by_how_far_away_they_are(searched: Index) -> None:
    """Once in each ring that one of their places is in; with aggregations under it."""
    rings = [{"to": 10}, {"from": 10, "to": 1000, "key": "near"}, {"from": 1000}]
    agg: dict[str, Any] = {"geo_distance": {"field": PLACE, "origin": LONDON, "unit": "km", "ranges": rings}}
    agg["aggs"] = {"types": {"terms": {"field": "type"}}}
    found = (await ask(searched, agg))["buckets"]
    assert [(each["key"], each["from"], each.get("to"), each["doc_count"]) for each in found] == [
        ("*-10.0", 0.0, 10.0, 2), ("near", 10.0, 1000.0, 2), ("1000.0-*", 1000.0, None, 2)
    ]  # fmt: skip
    assert [{each["key"]: each["doc_count"] for each in bucket["types"]["buckets"]} for bucket in found] == [
        {"a": 1, "b": 1}, {"a": 1, "b": 1}, {"a": 1, "b": 1}
    ]  # fmt: skip
    keyed = {"geo_distance": {"field": PLACE, "origin": LONDON, "ranges": [{"to": 1}], "keyed": True}}
    assert (await ask(searched, keyed))["buckets"] == {"*-1.0": {"from": 0.0, "to": 1.0, "doc_count": 1}}


@pytest.mark.parametrize(
    ("kind", "asked", "cells"),
    [
        ("geohash_grid", {"precision": 3}, {"gcw": 2, "gcp": 2, "rck": 1, "218": 1}),
        ("geohash_grid", {}, {"gcwfh": 2, "rckq9": 1, "gcpvj": 1, "gcpuv": 1, "218en": 1}),
        ("geohash_grid", {"precision": 3, "size": 1}, {"gcw": 2}),
        ("geohash_grid", {"precision": 3, "bounds": {"top_left": "60,-5", "bottom_right": "52,5"}}, {"gcw": 2}),
        ("geotile_grid", {"precision": 2}, {"2/1/1": 4, "2/3/2": 1, "2/0/2": 1}),
        ("geotile_grid", {"precision": 0}, {"0/0/0": 5}),
        ("geotile_grid", {"field": "type.not.mapped"}, {}),
    ],
)
async def test_documents_are_counted_by_the_cells_they_are_in(
    searched: Index, kind: str, asked: Any, cells: dict[str, int]
) -> None:
    """The most frequent first, then from the end of the grid on."""
    agg = {kind: {"field": PLACE, **asked}, "aggs": {"n": {"value_count": {"field": "id"}}}}
    found = (await ask(searched, agg))["buckets"]
    assert [(each["key"], each["doc_count"]) for each in found] == list(cells.items())
    assert all(each["n"]["value"] == each["doc_count"] for each in found)


async def test_the_part_of_the_earth_that_all_are_in(searched: Index) -> None:
    """Across the date line, where it is narrower so; nothing of none."""
    degrees = pytest.approx
    found = (await ask(searched, {"geo_bounds": {"field": PLACE}}, {"terms": {"id": ["3", "4"]}}))["bounds"]
    assert found["top_left"] == {"lat": degrees(53.8), "lon": degrees(174.8)}
    assert found["bottom_right"] == {"lat": degrees(-36.8), "lon": degrees(-1.55)}
    agg = {"geo_bounds": {"field": PLACE, "wrap_longitude": False}}
    found = (await ask(searched, agg, {"terms": {"id": ["3", "4"]}}))["bounds"]
    assert (found["top_left"]["lon"], found["bottom_right"]["lon"]) == (degrees(-179), degrees(174.8))
    assert await ask(searched, {"geo_bounds": {"field": PLACE}}, {"term": {"id": "5"}}) == {}
    assert await ask(searched, {"geo_bounds": {"field": "not.mapped"}}) == {}


@pytest.mark.parametrize(
    "agg",
    [
        {"geo_distance": {"field": PLACE, "ranges": [{"to": 1}]}},
        {"geo_distance": {"field": PLACE, "origin": LONDON, "ranges": []}},
        {"geo_distance": {"field": "type", "origin": LONDON, "ranges": [{"to": 1}]}},
        {"geohash_grid": {"field": PLACE, "precision": 13}},
        {"geotile_grid": {"field": PLACE, "precision": 30}},
        {"geotile_grid": {"field": "published"}},
        {"geo_bounds": {"field": "published"}},
    ],
)
async def test_what_cannot_be_is_refused(searched: Index, agg: Any) -> None:
    """No place to start from, no rings, too fine a grid, a field without places."""
    with pytest.raises(SearchRefused) as refused:
        await ask(searched, agg)
    assert 400 <= refused.value.status < 500


async def ask(index: Index, agg: Any, query: Any = None) -> Any:
    """The result of an aggregation."""
    body = {"size": 0, "query": query or {"match_all": {}}, "aggs": {"a": agg}}
    answer = await index.search(Alias.ACTIVITIES, msgspec.json.encode(body))
    return msgspec.json.decode(answer.body)["aggregations"]["a"]
