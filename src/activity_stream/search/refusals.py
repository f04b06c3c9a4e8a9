"""Refusals of a search, in OpenSearch's error shape.

    {"error": {"root_cause": [{"type": …, "reason": …}], "type": …, "reason": …}, "status": 400}

Types are OpenSearch's. A reason names the construct and, where it is one of a search body, its place as a path.
"""

import msgspec

from activity_stream.errors import SearchRefused

PARSING = "parsing_exception"
ILLEGAL = "illegal_argument_exception"
CONTENT = "x_content_parse_exception"
SHARD = "query_shard_exception"
NUMBER = "number_format_exception"

NOT_YET = "OpenSearch has it, the embedded index does not have it yet"


def refused(kind: str, reason: str, *, status: int = 400) -> SearchRefused:
    """A refusal of this type for this reason."""
    cause = {"type": kind, "reason": reason}
    return SearchRefused(status, msgspec.json.encode({"error": {"root_cause": [cause], **cause}, "status": status}))


def parsing(reason: str) -> SearchRefused:
    """The body does not say what a search body can say."""
    return refused(PARSING, reason)


def illegal(reason: str) -> SearchRefused:
    """A value is outside what is allowed."""
    return refused(ILLEGAL, reason)


def unmapped_sort(field: str) -> SearchRefused:
    """A sort on a field that is not mapped and has no `unmapped_type`."""
    return refused(SHARD, f"No mapping found for [{field}] in order to sort on")


def needs_fielddata(field: str) -> SearchRefused:
    """A sort on, or an aggregation of, a text field."""
    return illegal(
        "Text fields are not optimised for operations that require per-document field data like aggregations and "
        "sorting, so these operations are disabled by default. Please use a keyword field instead. Alternatively, set "
        f"fielddata=true on [{field}] in order to load field data by uninverting the inverted index. Note that this "
        "can use significant memory."
    )


def no_field_of_script(field: str) -> SearchRefused:
    """A script that reads a field that is not mapped."""
    return refused("script_exception", f"runtime error: No field found for [{field}] in mapping")


def wrong_value(field: str, problem: str) -> SearchRefused:
    """A query's value that its field cannot hold; `problem` as the functions of `values` and `dates` raise it."""
    return refused(SHARD, f"failed to create query: field [{field}]: {problem}")


def no_number(problem: str) -> SearchRefused:
    """A text where a number has to be."""
    return refused(NUMBER, problem)


def wrong_kind(what: str, field: str, kind: str) -> SearchRefused:
    """A query or aggregation that a field of this type does not have."""
    return illegal(f"Field [{field}] of type [{kind}] is not supported for {what}")


def too_many_buckets(limit: int) -> SearchRefused:
    """An aggregation that makes more buckets than allowed."""
    return refused(
        "too_many_buckets_exception",
        f"Trying to create too many buckets. Must be less than or equal to: [{limit}]. Ask for fewer: a larger "
        "interval, a smaller size or a narrower query.",
    )
