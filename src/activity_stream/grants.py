"""What a caller may see of an alias, as a query that finds exactly that."""

from typing import Any

from activity_stream.model import Alias, Caller, Grant, GrantKind


def is_unrestricted(caller: Caller, alias: Alias) -> bool:
    """Whether the caller sees all of the alias: the seed's form of permission, or nothing but MATCH_ALL grants."""
    if caller.methods is not None:
        return True
    grants = caller.grants.get(alias, ())
    return bool(grants) and all(grant.kind is GrantKind.MATCH_ALL for grant in grants)


def sees_everything(caller: Caller) -> bool:
    """Whether no alias holds anything that the caller may not see."""
    return all(is_unrestricted(caller, alias) for alias in Alias)


def may_use(caller: Caller, method: str) -> bool:
    """Whether the caller may send requests of this HTTP method; grants permit every method."""
    return caller.methods is None or method in caller.methods


def filter_of(caller: Caller, alias: Alias) -> dict[str, Any]:
    """The query, in Elasticsearch's language, that finds what the caller may see of the alias.

    All grants of an alias must hold; an alias with no grant is empty.
    """
    if is_unrestricted(caller, alias):
        return {"match_all": {}}
    grants = caller.grants.get(alias, ())
    if not grants:
        return {"match_none": {}}
    return {"bool": {"filter": [_query(grant) for grant in grants]}}


def _query(grant: Grant) -> dict[str, Any]:
    if grant.kind is GrantKind.MATCH_ALL:
        return {"match_all": {}}
    if grant.kind is GrantKind.MATCH_NONE or not grant.values:
        return {"match_none": {}}
    return {"terms": {grant.field: list(grant.values)}}
