"""How much more frequent a value is in some documents than in all.

Source: OpenSearch's `JLHScore` and `PercentageScore`.
"""

from collections.abc import Callable, Mapping


def jlh(found: int, of_found: int, there: int, of_all: int) -> float:
    """The change of the share, times how many times it is what it was; 0 where it is less."""
    if not of_found or not of_all:
        return 0.0
    share, usual = found / of_found, max(there, 1) / of_all
    return (share - usual) * (share / usual) if share > usual else 0.0


def percentage(found: int, of_found: int, there: int, of_all: int) -> float:  # noqa: ARG001 - as the others
    """Which share of those that have the value are found."""
    return found / there if there else 0.0


HEURISTICS: Mapping[str, Callable[[int, int, int, int], float]] = {"jlh": jlh, "percentage": percentage}
"""By name: of so many that have the value, of so many that are found, and the same of all there are."""
