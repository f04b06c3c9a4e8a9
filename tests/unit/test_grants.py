"""Grants become the query that finds exactly what may be seen."""

import pytest

from activity_stream.grants import filter_of, is_unrestricted, may_use
from activity_stream.model import Alias, Caller, Grant, GrantKind

ALL, NONE = Grant(GrantKind.MATCH_ALL), Grant(GrantKind.MATCH_NONE)
TERMS = Grant(GrantKind.TERMS, "object.type", ("a", "b"))
QUERY = {"terms": {"object.type": ["a", "b"]}}


@pytest.mark.parametrize(
    ("grants", "unrestricted", "query"),
    [
        ((), False, {"match_none": {}}),
        ((ALL,), True, {"match_all": {}}),
        ((ALL, ALL), True, {"match_all": {}}),
        ((NONE,), False, {"bool": {"filter": [{"match_none": {}}]}}),
        ((TERMS,), False, {"bool": {"filter": [QUERY]}}),
        ((ALL, TERMS), False, {"bool": {"filter": [{"match_all": {}}, QUERY]}}),
        ((Grant(GrantKind.TERMS, "object.type", ()),), False, {"bool": {"filter": [{"match_none": {}}]}}),
    ],
)
def test_all_grants_of_an_alias_must_hold(grants: tuple[Grant, ...], unrestricted: bool, query: object) -> None:
    """No grant shows nothing; each further one can only narrow."""
    caller = Caller("key", grants={Alias.ACTIVITIES: grants})
    assert is_unrestricted(caller, Alias.ACTIVITIES) is unrestricted
    assert filter_of(caller, Alias.ACTIVITIES) == query
    assert filter_of(caller, Alias.OBJECTS) == {"match_none": {}}


def test_methods_are_the_seeds_form() -> None:
    """A list of methods permits these alone, and then everything is seen; grants permit every method."""
    caller = Caller("key", methods=frozenset({"GET"}))
    assert may_use(caller, "GET")
    assert not may_use(caller, "POST")
    assert is_unrestricted(caller, Alias.OBJECTS)
    assert may_use(Caller("key"), "POST")
