"""The order that v1 walks in."""

from typing import Any

import pytest

from activity_stream.search.walks import totally_ordered

ID = {"id": "asc"}


@pytest.mark.parametrize(
    ("body", "sort"),
    [
        ({}, [ID]),
        ({"query": {"match_all": {}}}, [ID]),
        ({"query": {"match": {"name": "a"}}}, [{"_score": "desc"}, ID]),
        ({"query": {"bool": {"should": []}}}, [{"_score": "desc"}, ID]),
        ({"query": {"match": {"name": "a"}}, "sort": "published"}, ["published", ID]),
        ({"sort": {"published": "desc"}}, [{"published": "desc"}, ID]),
        ({"sort": [{"published": {"order": "desc"}}, "type"]}, [{"published": {"order": "desc"}}, "type", ID]),
        ({"sort": []}, [ID]),
        ({"sort": ["_doc"]}, [ID]),
        ({"sort": "_doc"}, [ID]),
        ({"sort": ["published", {"_doc": {"order": "asc"}}]}, ["published", ID]),
    ],
)
def test_every_order_ends_in_the_id(body: dict[str, Any], sort: list[Any]) -> None:
    """The client's sort, or the score where there is one, then `id`; the place in an index is no order."""
    assert totally_ordered(body) == {**body, "sort": sort}
