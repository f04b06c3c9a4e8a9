"""`geo`: places and distances, as a real OpenSearch has them."""

import math
from typing import Any

import pytest

from activity_stream.search.geo import how_far, is_within, length, metres, places, point
from activity_stream.search.query import Box, Distance

LONDON, LEEDS = (51.507351, -0.127758), (53.800755, -1.549077)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"lat": 51.5, "lon": 0.1}, [(51.49999998975545, 0.09999996051192284)]),
        ({"lat": "51.5", "lon": "0.1"}, [(51.49999998975545, 0.09999996051192284)]),
        (" 51.5 , 0.1 ", [(51.49999998975545, 0.09999996051192284)]),
        ("POINT (0.1 51.5)", [(51.49999998975545, 0.09999996051192284)]),
        ({"type": "Point", "coordinates": [0.1, 51.5]}, [(51.49999998975545, 0.09999996051192284)]),
        ([0.1, 51.5, 7], [(51.49999998975545, 0.09999996051192284)]),
        ("u10j", [(51.50390625, 0.0)]),
        ({"geohash": "gcpvj0du6"}, [(51.5073823928833, -0.1279735565185547)]),
        ([[2, 1], "u10j", None], [(0.9999999823048711, 1.9999999646097422), (51.50390625, 0.0)]),
        ({"lat": 91, "lon": 1}, [(88.99999997578561, -179.00000005960464)]),
        ({"lat": 1, "lon": 540}, [(0.9999999823048711, 179.99999991618097)]),
        ({"lat": 181.5, "lon": 0.1}, [(-1.5000000363215804, -179.90000003948808)]),
        ({"lat": 90, "lon": 180}, [(89.99999995809048, 179.99999991618097)]),
        (["51.5,0.1", "bad one"], []),
        (["51.5", "0.1"], []),
        ({"lat": 1, "lon": 2, "z": 3}, []),
        ({"lat": True, "lon": 1}, []),
        ("1,2,3,4", []),
        ("aaa", []),
        ("", []),
        (None, []),
        (5, []),
    ],
)  # fmt: skip
def test_places_of_documents_are_read_in_all_their_forms(value: Any, expected: Any) -> None:
    """As precise as an index holds them, turned back onto the earth; one that is wrong spoils the list it is in."""
    assert places(value) == [pytest.approx(each, abs=1e-9) for each in expected]


@pytest.mark.parametrize("value", [{"lat": 91, "lon": 0}, "0,181", "x,y", {"lat": 1}, [1], [1, 2, 3, 4], 7, None, True])
def test_what_is_no_place_of_a_query_raises_value_error(value: Any) -> None:
    """A query's place has to be on the earth."""
    with pytest.raises(ValueError, match=r"place|earth|coordinates|number|geohash"):
        point(value)


def test_lengths_have_units() -> None:
    """A number is metres; what is no length raises ValueError that names the units."""
    assert [length(each) for each in ("5km", "2 mi", 7, "1.5m", "1nmi")] == [5000, 3218.688, 7, 1.5, 1852]
    for wrong in ("5 parsec", "", None, True, "km"):
        with pytest.raises(ValueError, match="nauticalmiles"):
            length(wrong)


def test_a_distance_is_that_of_the_great_circle() -> None:
    """London to Leeds; the nearest, farthest and mean of several places; none is infinitely far."""
    assert metres(LONDON, LEEDS) == pytest.approx(272_427, rel=1e-4)
    two = [LONDON, LEEDS]
    for mode, expected in (("min", 0), ("max", 272.427), ("avg", 136.21), ("median", 136.21)):
        distance = Distance(field="a", points=(LONDON,), unit=1000, mode=mode)
        assert how_far(distance, two) == pytest.approx(expected, rel=1e-4)
        assert how_far(distance, []) == math.inf
    flat = Distance(field="a", points=(LONDON,), plane=True)
    assert how_far(flat, [LEEDS]) == pytest.approx(272_427, rel=1e-2)


def test_a_box_can_cross_the_date_line() -> None:
    """With its west over its east it holds what is on both sides of the line."""
    box = Box(south=-1, west=179, north=1, east=-179)
    assert [is_within(box, (0, lon)) for lon in (179.5, -179.5, 180, 0, 178.9)] == [True, True, True, False, False]
    assert not is_within(box, (2, 180))
