"""`minimum_should_match`: how many of the optional clauses have to match.

Source: OpenSearch documentation, "Minimum should match"; rounding as its `Queries.calculateMinShouldMatch` does it.
"""

import re

_SIMPLE = re.compile(r"[+-]?\d{1,9}%?", re.ASCII)
_CONDITION = re.compile(r"(\d{1,9})<([+-]?\d{1,9}%?)", re.ASCII)
_AROUND_LESS_THAN = re.compile(r"\s*<\s*")


def minimum_should_match(text: str, clauses: int) -> int:
    """How many of `clauses` optional ones must match; it may be more than there are, and then nothing matches.

    `text` is "2", "-1", "75%", "-25%", "2<75%" or several conditions, "2<-25% 9<-3". Raises ValueError for others.
    """
    conditions = _AROUND_LESS_THAN.sub("<", text.strip())
    if "<" not in conditions:
        return _simple(conditions, clauses)
    result = clauses
    for condition in conditions.split():
        found = _CONDITION.fullmatch(condition)
        if found is None:
            raise ValueError(_allowed(text))
        if clauses <= int(found[1]):
            return result
        result = _simple(found[2], clauses)
    return result


def required_words(operator: str, minimum: str | None, words: int) -> int:
    """How many of so many words of a matched text have to be there: all with `operator` "and", else `minimum` as
    above, and at least one; it may be more than there are. Raises ValueError as `minimum_should_match` does."""
    if minimum is None or words == 1:
        return words if operator == "and" else 1
    if operator == "and":
        # It is a minimum of the optional ones, of which there are none.
        return words + 1 if minimum_should_match(minimum, 0) else words
    return max(1, minimum_should_match(minimum, words))


def _simple(text: str, clauses: int) -> int:
    if _SIMPLE.fullmatch(text) is None:
        raise ValueError(_allowed(text))
    if not text.endswith("%"):
        number = int(text)
        return max(0, clauses + number if number < 0 else number)
    share = clauses * int(text[:-1])
    rounded_to_zero = abs(share) // 100
    return max(0, clauses - rounded_to_zero if share < 0 else rounded_to_zero)


def _allowed(text: str) -> str:
    return f'[minimum_should_match] got "{text[:100]}", must be like 2, -1, 75%, -25% or 2<75%'
