"""What `extended_stats` shows: how far values deviate from their mean (OpenSearch's InternalExtendedStats)."""

import math
from typing import Any

from activity_stream.fields import FieldType
from activity_stream.search.dates import format_date
from activity_stream.search.values import LONG_MAX, LONG_MIN

_PLAIN = ("min", "max", "avg", "sum")
_SQUARED = ("sum_of_squares", "variance", "variance_population", "variance_sampling")
_ROOTS = ("std_deviation", "std_deviation_population", "std_deviation_sampling")


def extended(
    count: int, least: float | None, greatest: float | None, total: float, squares: float, sigma: float
) -> dict[str, Any]:
    """The figures of so many values with this sum and sum of squares; bounds are `sigma` standard deviations away."""
    shown: dict[str, Any] = {"count": count, "min": least, "max": greatest, "avg": None, "sum": total}
    bounds = [f"{side}{of}" for of in ("", "_population", "_sampling") for side in ("upper", "lower")]
    if not count:
        return {**shown, **dict.fromkeys((*_SQUARED, *_ROOTS)), "std_deviation_bounds": dict.fromkeys(bounds)}
    mean = total / count
    spread = max(0.0, squares - total * total / count)
    population = spread / count
    sampling = spread / (count - 1) if count > 1 else math.nan
    figures = (squares, population, population, sampling)
    roots = (math.sqrt(population), math.sqrt(population), math.sqrt(sampling))
    limits = [mean + sign * sigma * root for root in roots for sign in (1, -1)]
    return {
        **shown,
        "avg": mean,
        **{name: _number(value) for name, value in zip(_SQUARED, figures, strict=True)},
        **{name: _number(value) for name, value in zip(_ROOTS, roots, strict=True)},
        "std_deviation_bounds": {name: _number(value) for name, value in zip(bounds, limits, strict=True)},
    }


def with_texts(figures: dict[str, Any], kind: FieldType, fmt: str | None) -> dict[str, Any]:
    """The figures of dates and booleans with what OpenSearch has as text beside them."""
    if kind not in (FieldType.DATE, FieldType.BOOLEAN) or not figures["count"]:
        return figures

    def text(value: Any) -> str:
        if kind is FieldType.BOOLEAN:
            return "true" if value else "false"
        number = 0 if value == "NaN" else value
        return format_date(int(min(max(number, LONG_MIN), LONG_MAX)), fmt)

    bounds = {name: text(value) for name, value in figures["std_deviation_bounds"].items()}
    texts: dict[str, Any] = {f"{name}_as_string": text(figures[name]) for name in (*_PLAIN, *_SQUARED)}
    if kind is FieldType.BOOLEAN:  # these are shown as they are, and not as text
        texts = {name: value == "true" for name, value in texts.items()}
    texts |= {f"{name}_as_string": text(figures[name]) for name in _ROOTS}
    return {**figures, **texts, "std_deviation_bounds_as_string": bounds}


def _number(value: float) -> float | str:
    return "NaN" if math.isnan(value) else value
