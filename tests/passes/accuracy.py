"""Is one formula ever less accurate than another? Measured at hard points, against the exact value.

An error is counted in units in the last place (ULP) of the exact result. Beside one such unit, what is allowed is
what a change of the inputs in their last place does to the exact result: no algorithm can promise more.

Where two results differ by no more than one unit, neither is less accurate by more than that; so exact values are
only calculated where they differ by more, and at a sample of the others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

from graphc.interpret import evaluate_nodes
from graphc.interpret.mpmath_reader import MpmathReader, PrecisionLost
from graphc.ir.node import Node
from tests.passes.hard_points import limits
from tests.passes.rule_samples import Instance

Array = np.ndarray[Any, Any]
CONDITIONING = 3.0
AGREEMENT = 2.0**-10
FIRST_PRECISION = 320
PRECISION = {"float16": 512, "bfloat16": 640, "float32": 640, "float64": 2600}
"""So many bits that no sum of two floats of the dtype loses any."""
WRONG, RIGHT = 8.0, 2.0
"""From how many bits of error on a result is wrong (or all, of a shorter float), and up to how many it is right."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two results at points, and the exact one where it was calculated. Rows are points, columns their elements."""

    dtype: Any
    before: Array
    after: Array
    judged: Array  # the rows with exact values
    left_out: Array  # rows in which the results differ, that were too many to be judged
    units_before: Array  # the distances from the exact values, NaN where there are none
    units_after: Array
    worse: Array  # pairs of row and column where `after` is worse than is allowed
    truth: Array  # exact values of the judged rows, rounded to float64

    @property
    def bits_before(self) -> Array:
        return _bits(self.units_before, self.dtype)

    @property
    def bits_after(self) -> Array:
        return _bits(self.units_after, self.dtype)

    @property
    def rescued(self) -> Array:
        """The judged rows in which a result was wrong and is right now, and none is wrong now."""
        least = min(WRONG, float(limits(self.dtype).nmant))
        wrong, right = self.bits_before > least, self.bits_after < RIGHT
        return np.asarray((wrong & right).any(axis=1) & ~(self.bits_after > least).any(axis=1))

    def described(self, points: Mapping[str, Array]) -> list[str]:
        """The points at which `after` is worse, in words."""
        found = []
        for row, column in self.worse:
            given = ", ".join(f"{name} = {value[row].tolist()!r}" for name, value in points.items())
            truth = self.truth[np.searchsorted(self.judged, row), column]
            a, b = self.before[row, column], self.after[row, column]
            found.append(f"{given}: exactly {truth:.9g}, was {float(a):.9g}, becomes {float(b):.9g}")
        return found


def compare(
    before: Node,
    after: Node,
    inputs: Mapping[str, Node],
    points: Mapping[str, Array],
    sample: int,
    allowed: float = 1.0,
    most: int = 1 << 16,
    scale: float = 0.0,
    wide: Instance | None = None,
) -> Comparison:
    """Both formulas at points; about `sample` of them are judged exactly beside those that differ, of which `most`.

    With a `scale` a result may be worse by `allowed` units of that number, where the exact one is smaller. `wide` is
    the same in float64: where both of its sides agree to a small part of a unit, that is taken as the exact value.
    """
    bindings = {node: points[name] for name, node in inputs.items()}
    count = len(next(iter(bindings.values())))
    old, new = (_columns(value, count) for value in evaluate_nodes([before, after], bindings))
    apart = _apart(old, new, before.dtype.numpy)
    wanted = np.union1d(np.nonzero(apart.any(axis=1))[0], np.arange(0, count, max(1, count // sample)))
    high, low = _in_float64(wide, points, wanted, before.dtype.numpy) if wide else _unknown(len(wanted), old.shape[1])
    unknown = np.nonzero(np.isnan(high).any(axis=1))[0]
    chosen = unknown[:: -(-len(unknown) // most) or 1]
    if len(chosen):
        rows_left = {node: value[wanted[chosen]] for node, value in bindings.items()}
        high[chosen], low[chosen] = _as_pairs(_columns(exact_rows(before, rows_left), len(chosen)))
    kept = np.setdiff1d(np.arange(len(wanted)), np.setdiff1d(unknown, chosen))
    judged, high, low = wanted[kept], high[kept], low[kept]
    a, b = (_units(value[judged], high, low, before.dtype.numpy) for value in (old, new))
    missing = _missing(bindings, judged, old.shape[1])
    size = _unit(np.maximum(np.abs(high), scale), before.dtype.numpy) / _unit(high, before.dtype.numpy)
    limit = a + allowed * np.where(np.isfinite(high), size, 1)
    suspects = np.where(missing, np.isnan(old[judged]) & ~np.isnan(new[judged]), b > limit)
    for place in zip(*np.nonzero(suspects & ~missing)):
        point = {node: value[judged[place[0]] : judged[place[0]] + 1] for node, value in bindings.items()}
        result, excess = new[judged[place[0]], place[1]], b[place] - limit[place]
        suspects[place] = _is_worse(before, point, place[1], result, excess, a[place])
    worse = np.argwhere(suspects)
    worse[:, 0] = judged[worse[:, 0]]
    left_out = np.setdiff1d(wanted, judged)
    return Comparison(before.dtype.numpy, old, new, judged, left_out, a, b, worse, high)


def _is_worse(
    before: Node, point: Mapping[Node, Array], column: int, result: Any, excess: float, units_before: float
) -> bool:
    """Whether a result off by more than is allowed is so beyond what any algorithm promises, and beyond luck."""
    if excess <= _inherent(before, point, column) or (np.isnan(result) and _is_singular(before, point, column)):
        return False
    return bool(excess > _worst_nearby(before, point, column) - units_before)


def _unknown(rows: int, columns: int) -> tuple[Array, Array]:
    return np.full((rows, columns), np.nan), np.zeros((rows, columns))


def _in_float64(wide: Instance, points: Mapping[str, Array], rows: Array, dtype: Any) -> tuple[Array, Array]:
    """The values on which both forms agree in float64, NaN where they do not."""
    given = {}
    for name, node in wide.inputs.items():
        given[node] = points[name][rows].astype(node.dtype.numpy)
    a, b = (_columns(value, len(rows)) for value in evaluate_nodes([wide.before, wide.after], given))
    with np.errstate(all="ignore"):
        agree = np.abs(a - b) <= AGREEMENT * _unit(b, dtype)
    return np.where(agree & np.isfinite(a), b, np.nan), np.zeros(b.shape)


def exact_value(node: Node, bindings: Mapping[Node, Array]) -> Any:
    """The exact value, with so many bits that no sum of two floats of the dtype loses any."""
    reader = MpmathReader(PRECISION[node.dtype.name], PRECISION[node.dtype.name])
    (value,) = evaluate_nodes([node], bindings, reader=reader)
    return value


def exact_rows(node: Node, bindings: Mapping[Node, Array], size: int = 64) -> Array:
    """Exact values of a formula whose rows are apart, with as few bits as do: most rows need few."""
    count = len(next(iter(bindings.values())))
    parts = [np.arange(start, min(start + size, count)) for start in range(0, count, size)]
    results: dict[int, Array] = {}
    while parts:
        rows = parts.pop()
        given = {input: value[rows] for input, value in bindings.items()}
        try:
            values = evaluate_nodes([node], given, reader=_OnePrecision(node.dtype.name))[0]
        except PrecisionLost:
            if len(rows) > 1:
                parts += np.array_split(rows, 8 if len(rows) > 8 else len(rows))
                continue
            values = exact_value(node, given)
        results.update(zip(rows.tolist(), values, strict=True))
    array = np.empty((count, *np.shape(results[0])), object)
    for row, value in results.items():
        array[row] = value
    return array


class _OnePrecision(MpmathReader):
    """Says where the first precision does not suffice, instead of taking more."""

    def __init__(self, dtype: str) -> None:
        super().__init__(FIRST_PRECISION, PRECISION[dtype])

    def run(self, evaluation: Any) -> Any:
        return [np.vectorize(lambda x: getattr(x, "value", x), otypes=[object])(x) for x in evaluation(self)]


def _columns(value: Array, count: int) -> Array:
    return np.asarray(value).reshape(count, -1)


def _apart(old: Array, new: Array, dtype: Any) -> Array:
    """Where results differ by more than one unit of the smaller of them."""
    with np.errstate(all="ignore"):
        a, b = old.astype(np.float64), new.astype(np.float64)
        near = np.abs(a - b) <= _unit(np.minimum(np.abs(a), np.abs(b)), dtype)
    return ~(near | (a == b) | (np.isnan(a) & np.isnan(b)))


def _as_pairs(exact: Array) -> tuple[Array, Array]:
    """Exact numbers as sums of two float64."""
    with np.errstate(all="ignore"):
        high = np.vectorize(_as_float, otypes=[np.float64])(exact)
        low = np.vectorize(lambda x, h: _as_float(x - h) if np.isfinite(h) else 0.0, otypes=[np.float64])(exact, high)
    return high, low


def _as_float(x: Any) -> float:
    """The nearest float64, infinite beyond the largest."""
    return float(x) if mpmath.isnan(x) or mpmath.mag(x) < 1025 else float(mpmath.inf * mpmath.sign(x))


def _unit(x: Array, dtype: Any) -> Array:
    """One unit in the last place of numbers."""
    info = limits(dtype)
    exponent = np.frexp(np.where(np.isfinite(x) & (x != 0), x, float(info.smallest_normal)))[1]
    exponent = np.clip(exponent - 1, int(info.minexp), int(info.maxexp) - 1)
    return np.asarray(np.ldexp(1.0, exponent - int(info.nmant)))


def _units(value: Array, high: Array, low: Array, dtype: Any) -> Array:
    """Distances from exact values in units in their last place; NaN where they are no numbers or too large to be."""
    largest = float(limits(dtype).max)
    with np.errstate(all="ignore"):
        value = value.astype(np.float64)
        units = np.abs((value - high) - low) / _unit(high, dtype)
        units = np.where(np.isfinite(value), units, np.inf)
        units = np.where((np.abs(high) > largest) & (value == np.copysign(np.inf, high)), 0.0, units)
        # An exact infinity is a limit, or too large for exact arithmetic: a number there is not judged.
        return np.where(np.isnan(high) | (np.isinf(high) & np.isfinite(value)), np.nan, units)


def _bits(units: Array, dtype: Any) -> Array:
    with np.errstate(all="ignore"):
        return np.minimum(np.log2(1 + units), float(limits(dtype).bits))


def _missing(bindings: Mapping[Node, Array], rows: Array, columns: int) -> Array:
    """Where an element depends on a NaN."""
    missing = np.zeros((len(rows), columns), bool)
    for value in bindings.values():
        if value.dtype.kind not in "biu":
            nan = np.isnan(value[rows]).reshape(len(rows), -1)
            missing |= nan if nan.shape[1] == columns else nan.any(axis=1, keepdims=True)
    return missing


def _inherent(before: Node, point: Mapping[Node, Array], column: int, most: float = 1e30) -> float:
    """How far the exact result of one point moves when the inputs move in their last place."""
    total, truth = 0.0, _columns(exact_value(before, point), 1)[0, column]
    if not mpmath.isfinite(truth):
        return total
    unit = float(_unit(np.array(_as_float(truth)), before.dtype.numpy))
    for node, value in point.items():
        if value.dtype.kind in "biu":
            continue
        for place in zip(*np.nonzero(np.isfinite(value)), strict=True):
            largest = 0.0
            for towards in (np.inf, -np.inf):
                moved = value.copy()
                moved[place] = np.nextafter(value[place], value.dtype.type(towards))
                result = _columns(exact_value(before, {**point, node: moved}), 1)[0, column]
                if mpmath.isfinite(result):
                    largest = max(largest, min(float(abs(result - truth) / unit), most))
            total += largest
    return CONDITIONING * total


NEIGHBOURS, STEPS = 24, 4


def _worst_nearby(before: Node, point: Mapping[Node, Array], column: int) -> float:
    """The largest error of a formula at points a few units away: at one point, rounding errors may cancel by luck."""
    rng = np.random.default_rng(7)
    moved = {}
    for node, value in point.items():
        values = np.repeat(value, NEIGHBOURS, axis=0)
        if value.dtype.kind not in "biu":
            for _ in range(STEPS):
                towards = rng.choice([-np.inf, np.inf], values.shape).astype(values.dtype)
                values = np.where(np.isfinite(values) & (values != 0), np.nextafter(values, towards), values)
        moved[node] = values
    (found,) = evaluate_nodes([before], moved)
    high, low = _as_pairs(_columns(exact_rows(before, moved), NEIGHBOURS))
    units = _units(_columns(found, NEIGHBOURS), high, low, before.dtype.numpy)[:, column]
    return float(np.nanmax(units)) if not np.isnan(units).all() else 0.0


def _is_singular(before: Node, point: Mapping[Node, Array], column: int, far: int = 1100) -> bool:
    """Whether a formula has no real value beside a point with zeros or infinities: log(-0.0), which is -inf."""
    beside = {}
    for node, value in point.items():
        if value.dtype.kind not in "biu":
            value = value.astype(np.float64).astype(object)
            for at, other in ((math.inf, mpmath.ldexp(1, far)), (0.0, mpmath.ldexp(1, -far))):
                value[value == at], value[value == -at] = other, other * (-1 if at else 1)
        beside[node] = value
    return bool(mpmath.isnan(_columns(exact_value(before, beside), 1)[0, column]))
