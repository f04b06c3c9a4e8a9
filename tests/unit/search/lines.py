"""What a line of a query language stands for, short enough to be read."""

from typing import Any


def shortened(query: Any, field: str) -> Any:
    """The query with each `match` on the field as its word."""
    match query:
        case {"match": on_field} if len(query) == 1:
            return on_field[field]["query"]
        case dict():
            return {key: shortened(each, field) for key, each in query.items()}
        case list():
            return [shortened(each, field) for each in query]
    return query
