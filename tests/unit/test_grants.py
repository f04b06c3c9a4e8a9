"""What a caller may see, as a query."""

import pytest

from activity_stream.grants import filter_of, is_unrestricted, may_use, sees_everything
from activity_stream.model import Alias, Caller, Grant, GrantKind

ALL, NONE = Grant(GrantKind.MATCH_ALL), Grant(GrantKind.MATCH_NONE)
PUBLIC = Grant(GrantKind.TERMS, "object.type", ("public", "open"))
MINE = Grant(GrantKind.TERMS, "dit:application", ("mine",))


def caller(*grants: Grant) -> Caller:
    """A caller with these grants of the activities, and none of the objects."""
    return Caller("key", grants={Alias.ACTIVITIES: grants})


@pytest.mark.parametrize(
    ("grants", "found"),
    [
        ((), {"match_none": {}}),
        ((ALL,), {"match_all": {}}),
        ((ALL, ALL), {"match_all": {}}),
        ((NONE,), {"bool": {"filter": [{"match_none": {}}]}}),
        ((PUBLIC,), {"bool": {"filter": [{"terms": {"object.type": ["public", "open"]}}]}}),
        (
            (PUBLIC, MINE),
            {
                "bool": {
                    "filter": [{"terms": {"object.type": ["public", "open"]}}, {"terms": {"dit:application": ["mine"]}}]
                }
            },
        ),
        ((ALL, NONE), {"bool": {"filter": [{"match_all": {}}, {"match_none": {}}]}}),
        ((Grant(GrantKind.TERMS, "id", ()),), {"bool": {"filter": [{"match_none": {}}]}}),
    ],
)
def test_all_grants_of_an_alias_must_hold(grants: tuple[Grant, ...], found: object) -> None:
    """The filter has each grant as a clause that must hold; no grant, and no value, finds nothing."""
    assert filter_of(caller(*grants), Alias.ACTIVITIES) == found
    assert filter_of(caller(*grants), Alias.OBJECTS) == {"match_none": {}}


@pytest.mark.parametrize(("grants", "is_so"), [((), False), ((ALL,), True), ((ALL, PUBLIC), False), ((NONE,), False)])
def test_only_match_all_is_no_restriction(grants: tuple[Grant, ...], is_so: bool) -> None:
    """A caller sees all of an alias with grants of MATCH_ALL and nothing else."""
    assert is_unrestricted(caller(*grants), Alias.ACTIVITIES) is is_so
    assert not is_unrestricted(caller(*grants), Alias.OBJECTS)


def test_to_see_everything_takes_all_of_both_aliases() -> None:
    """All of the activities is not everything; all of both aliases is, and so is the seed's form."""
    assert not sees_everything(caller(ALL))
    assert sees_everything(Caller("key", grants=dict.fromkeys(Alias, (ALL,))))
    assert sees_everything(Caller("key", methods=frozenset({"GET"})))


def test_the_seeds_form_is_a_list_of_methods_and_sees_all() -> None:
    """Only the listed methods may be used; whoever has grants may use any."""
    seed = Caller("key", methods=frozenset({"GET"}))
    assert may_use(seed, "GET")
    assert not may_use(seed, "POST")
    assert may_use(caller(), "POST")
    assert filter_of(seed, Alias.OBJECTS) == {"match_all": {}}


def test_a_caller_of_no_methods_may_do_nothing() -> None:
    """An empty list of methods is a list: it permits none."""
    assert not may_use(Caller("key", methods=frozenset()), "GET")
