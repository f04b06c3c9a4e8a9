"""What the functions of a `function_score` query make of a document's values, and how they make up a score.

Formulas are OpenSearch's ("Function score", DecayFunction, FieldValueFactorFunction, ScoreFunction).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from activity_stream.fields import Field, FieldType
from activity_stream.search import refusals
from activity_stream.search.date_math import bound_ms
from activity_stream.search.durations import milliseconds
from activity_stream.search.geo import length, metres, point
from activity_stream.search.query import Decay, FieldValue, FunctionScore, Point
from activity_stream.search.values import coerce, json_text

Value = float | Point


def _log(value: float) -> float:
    if value > 0:
        return math.log(value)
    return -math.inf if value == 0 else math.nan


_MODES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "min": min,
    "max": max,
    "sum": sum,
    "avg": lambda values: sum(values) / len(values),
}
DISTANCE_MODES = tuple(_MODES)

_MODIFIERS: Mapping[str, Callable[[float], float]] = {
    "none": lambda value: value,
    "log": lambda value: _log(value) / math.log(10),
    "log1p": lambda value: _log(value + 1) / math.log(10),
    "log2p": lambda value: _log(value + 2) / math.log(10),
    "ln": _log,
    "ln1p": lambda value: _log(value + 1),
    "ln2p": lambda value: _log(value + 2),
    "square": lambda value: value * value,
    "sqrt": lambda value: math.sqrt(value) if value >= 0 else math.nan,
    "reciprocal": lambda value: 1 / value if value else math.inf,
}
MODIFIERS = tuple(_MODIFIERS)

_SCORE_MODES: Mapping[str, Callable[[Sequence[float], Sequence[float]], float]] = {
    "multiply": lambda factors, _: math.prod(factors),
    "sum": lambda factors, _: sum(factors),
    "avg": lambda factors, weights: sum(factors) / sum(weights) if sum(weights) else math.nan,
    "first": lambda factors, _: factors[0],
    "max": lambda factors, _: max(factors),
    "min": lambda factors, _: min(factors),
}
SCORE_MODES = tuple(_SCORE_MODES)

_BOOST_MODES: Mapping[str, Callable[[float, float], float]] = {
    "multiply": lambda score, factor: score * factor,
    "replace": lambda _, factor: factor,
    "sum": lambda score, factor: score + factor,
    "avg": lambda score, factor: (score + factor) / 2,
    "max": max,
    "min": min,
}
BOOST_MODES = tuple(_BOOST_MODES)


def decay_factor(decay: Decay, field: Field, now_ms: int) -> Callable[[Sequence[Value]], float]:
    """What a document's values (numbers, milliseconds, or places) are worth. Raises SearchRefused for an origin or a
    distance that the field cannot have."""
    try:
        distance, scale, offset = _measures(decay, field, now_ms)
    except ValueError as problem:
        raise refusals.parsing(f"[{decay.kind}] of the field [{field.name}]: {problem}") from None
    if scale <= 0 or offset < 0:
        raise refusals.illegal(
            f"[{decay.kind}] of the field [{field.name}] needs a [scale] over 0 and an [offset] that is not negative"
        )
    select, curve = _MODES[decay.mode], _CURVES[decay.kind]

    def factor(values: Sequence[Value]) -> float:
        if len(values) == 1:  # as nearly all have: this is asked for each hit
            far = distance(values[0]) - offset
        elif values:
            far = select([max(0.0, distance(value) - offset) for value in values])
        else:
            return 1.0
        return curve(far if far > 0 else 0.0, scale, decay.decay)

    return factor


def value_factor(function: FieldValue) -> Callable[[Sequence[Value]], float]:
    """What a document's values are worth. What it returns raises SearchRefused where there is none, or where that is
    no score."""
    modify = _MODIFIERS[function.modifier]

    def factor(values: Sequence[Value]) -> float:
        if not values and function.missing is None:
            raise refusals.illegal(
                f"Missing value for field [{function.field}] of [field_value_factor]: give a [missing] to take instead"
            )
        value = min(values) if values else function.missing
        result = modify(value * function.factor)  # type: ignore[operator]
        if not result >= 0 or math.isinf(result):
            raise refusals.illegal(
                f"[field_value_factor] must not produce negative scores, or none, but got: [{result}] for field value: "
                f"[{value}] of [{function.field}]; consider another [modifier], such as ln1p"
            )
        return result

    return factor


def together(mode: str, factors: Sequence[float], weights: Sequence[float]) -> float:
    """What one or several factors of functions, weighted already, make by a mode of scores."""
    return _SCORE_MODES[mode](factors, weights)


def combiner(node: FunctionScore) -> Callable[[float, Sequence[float], Sequence[float]], float]:
    """What makes a score of a query's score, and the factors, weighted already, and the weights of the functions that
    are for a document. It raises SearchRefused where that is none."""
    boost, most = _BOOST_MODES[node.boost_mode], node.max_boost

    def combine(score: float, factors: Sequence[float], weights: Sequence[float]) -> float:
        factor = together(node.score_mode, factors, weights) if factors else 1.0
        found = boost(score, min(most, factor))
        if not math.isfinite(found):
            raise refusals.illegal(f"[function_score] makes a score of {found}, which is none")
        return found

    return combine


def _measures(decay: Decay, field: Field, now_ms: int) -> tuple[Callable[[Any], float], float, float]:
    """How far a value is from the origin, and what `scale` and `offset` are in the same unit. Raises ValueError."""
    if decay.scale is None or (decay.origin is None and field.type is not FieldType.DATE):
        raise ValueError("[scale] and [origin] must be set")
    if field.type is FieldType.GEO_POINT:
        here = point(decay.origin)
        return lambda place: metres(here, place), length(decay.scale), length(decay.offset or 0)
    if field.type is FieldType.DATE:
        moment = now_ms if decay.origin is None else _moment(decay.origin, now_ms)
        return (
            lambda value: abs(value - moment),
            milliseconds(decay.scale),
            milliseconds(decay.offset) if decay.offset is not None else 0.0,
        )
    if field.type not in (FieldType.LONG, FieldType.DOUBLE):
        raise ValueError(f"it is of type [{field.type}], but only numbers, dates and places are supported")
    origin, scale, offset = (coerce(FieldType.DOUBLE, each) for each in (decay.origin, decay.scale, decay.offset or 0))
    if origin is None or scale is None or offset is None:
        raise ValueError("[origin], [scale] and [offset] must be numbers")
    return lambda value: abs(value - float(origin)), float(scale), float(offset)


def _moment(origin: Any, now_ms: int) -> int:
    if not isinstance(origin, str | int | float):
        raise ValueError("[origin] must be a moment")  # noqa: TRY004 - as every wrong value here
    return bound_ms(json_text(origin) if isinstance(origin, bool) else origin, now_ms, round_up=False)


_CURVES: Mapping[str, Callable[[float, float, float], float]] = {
    "exp": lambda distance, scale, decay: math.exp(math.log(decay) / scale * distance),
    "gauss": lambda distance, scale, decay: math.exp(math.log(decay) * (distance / scale) ** 2),
    "linear": lambda distance, scale, decay: max(0.0, 1 - distance * (1 - decay) / scale),
}
DECAYS = tuple(_CURVES)
