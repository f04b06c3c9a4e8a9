"""How much more frequent a value is in some documents than in all.

Source: OpenSearch's `JLHScore`, `PercentageScore`, `MutualInformation`, `ChiSquare` and `GND`. The last three are made
of how many documents there are with the value and without it, in what is found and elsewhere.
"""

import math
from collections.abc import Callable, Mapping

import msgspec

from activity_stream.search import refusals
from activity_stream.search.aggs import SignificantTermsAgg

_LEAST = 1e-7


class Shares(msgspec.Struct, frozen=True):
    """How many documents have the value: `found` of the `of_found` that are found, `there` of `of_all`. `superset`:
    those that are found are among all, and not besides them."""

    found: int
    of_found: int
    there: int
    of_all: int
    superset: bool = True

    def with_value(self) -> tuple[int, int]:
        """Elsewhere, and found."""
        return self.there - self.found if self.superset else self.there, self.found

    def without_value(self) -> tuple[int, int]:
        """Elsewhere, and found."""
        elsewhere = self.elsewhere() - self.with_value()[0]
        return elsewhere, self.of_found - self.found

    def elsewhere(self) -> int:
        """All documents that are not found."""
        return self.of_all - self.of_found if self.superset else self.of_all

    def is_rarer(self) -> bool:
        """Whether the value is less frequent in what is found than elsewhere."""
        if not self.elsewhere() or not self.of_found:
            return False
        return self.found / self.of_found < self.with_value()[0] / self.elsewhere()


def jlh(shares: Shares) -> float:
    """The change of the share, times how many times it is what it was; 0 where it is less."""
    if not shares.of_found or not shares.of_all:
        return 0.0
    share, usual = shares.found / shares.of_found, max(shares.there, 1) / shares.of_all
    return (share - usual) * (share / usual) if share > usual else 0.0


def percentage(shares: Shares) -> float:
    """Which share of those that have the value are found."""
    return shares.found / shares.there if shares.there else 0.0


def mutual_information(shares: Shares) -> float:
    """How many bits one learns of whether a document is found from whether it has the value."""
    number = shares.elsewhere() + shares.of_found
    classes = (shares.elsewhere(), shares.of_found)
    total = 0.0
    for row in (shares.without_value(), shares.with_value()):
        for here, of_class in zip(row, classes, strict=True):
            factor = here / number if number else 0.0
            if number * here < _LEAST and factor < _LEAST:
                continue
            total += factor * math.log(number * here / (sum(row) * of_class))
    return total / math.log(2)


def chi_square(shares: Shares) -> float:
    """How unlikely the counts are if what is found and the value have nothing to do with each other."""
    (without_elsewhere, without_found), (with_elsewhere, with_found) = shares.without_value(), shares.with_value()
    classes = shares.elsewhere() * shares.of_found
    rows = (without_elsewhere + without_found) * (with_elsewhere + with_found)
    number = shares.elsewhere() + shares.of_found
    if not classes or not rows:
        return 0.0
    return number * float(with_found * without_elsewhere - without_found * with_elsewhere) ** 2 / (classes * rows)


def gnd(shares: Shares) -> float:
    """How near the value is to what is found, by the normalized distance of Google."""
    having, found, both = sum(shares.with_value()), shares.of_found, shares.found
    number = shares.elsewhere() + found
    if not both:
        return 0.0
    if having == found == both:
        return 1.0
    width = math.log(number) - math.log(min(having, found))
    if not width:
        return 0.0
    return math.exp(-(math.log(max(having, found)) - math.log(both)) / width)


HEURISTICS: Mapping[str, Callable[[Shares], float]] = {
    "jlh": jlh,
    "percentage": percentage,
    "mutual_information": mutual_information,
    "chi_square": chi_square,
    "gnd": gnd,
}
"""By name."""
OF_TABLES = ("mutual_information", "chi_square", "gnd")
"""Those that count what is elsewhere, which is not what they say where those that are found are not among all."""
WITH_NEGATIVES = ("mutual_information", "chi_square")
"""Those that are as high for a value that is rarer as for one that is more frequent."""


def significance(agg: SignificantTermsAgg, shares: Shares) -> float:
    """How significant a value is; 0 for one that does not count. Raises SearchRefused where what is found is not among
    all, and should be."""
    if agg.heuristic in OF_TABLES and shares.superset:
        _check(shares)
    if agg.heuristic in WITH_NEGATIVES and not agg.negatives and shares.is_rarer():
        return 0.0
    return HEURISTICS[agg.heuristic](shares)


def _check(shares: Shares) -> None:
    elsewhere, all_elsewhere = shares.there - shares.found, shares.of_all - shares.of_found
    for name, of_some, of_all in (
        ("subsetFreq > supersetFreq", shares.found, shares.there),
        ("subsetSize > supersetSize", shares.of_found, shares.of_all),
        ("supersetFreq - subsetFreq > supersetSize - subsetSize", elsewhere, all_elsewhere),
    ):
        if of_some > of_all:
            raise refusals.illegal(
                f"{name}, does your background filter not include all documents in the bucket? If so and it is "
                'intentional, set "background_is_superset": false'
            )
