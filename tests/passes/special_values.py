"""What a rewrite does to special values: NaN, infinities, zeros of both signs, the smallest and the largest number.

All combinations are evaluated before and after. A result may change from NaN or an infinity to the limit, to a
nearer number, or in the sign of zero; a NaN may not get lost, and none may appear.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import Any

import mpmath
import numpy as np

from graphc.interpret import evaluate_nodes
from graphc.interpret.mpmath_reader import MpmathReader
from graphc.ir.node import Node
from tests.passes.hard_points import Array, limits
from tests.passes.rule_samples import Instance

MOST = 500
FAR = (1100, 1400)
"""Infinities are compared with these powers of two."""


@dataclass(frozen=True)
class Difference:
    """A point at which the results differ."""

    given: str
    before: str
    after: str
    kind: str  # a key of KINDS

    @property
    def fault(self) -> bool:
        return self.kind in FAULTS


KINDS = {
    "limit": "NaN or an infinity became the limit",
    "nearer": "a number became a nearer one",
    "sign of 0": "the sign of 0",
    "no number": "NaN where the formula has no real value",
    "chosen": "there is no limit, or several: a value is chosen",
    "NaN lost": "NaN of a NaN became a number",
    "NaN made": "a number became NaN",
    "farther": "a number became a worse one",
}
FAULTS = ("NaN lost", "NaN made", "farther")


def special_points(instance: Instance, dtype: Any) -> dict[str, Array]:
    """All combinations of special values, or some of them where there are too many."""
    info = limits(dtype)
    small, large = float(info.smallest_subnormal), float(info.max)
    elements = [math.nan, -math.inf, math.inf, 0.0, -0.0, small, -small, large, -large, 1.0, -1.0]
    if instance.rows:
        elements = [math.nan, -math.inf, math.inf, 0.0, large, -large, 1.0]
    columns = [math.prod(int(n) for n in node.shape[1:]) for node in instance.inputs.values()]
    total = sum(columns)
    if len(elements) ** total <= MOST:
        points = np.array(list(product(elements, repeat=total)))
    else:
        points = np.random.default_rng(3).choice(elements, (MOST, total))
    given, start = {}, 0
    for (name, node), width in zip(instance.inputs.items(), columns, strict=True):
        values = points[:, start : start + width].reshape(len(points), *node.shape[1:])
        with np.errstate(over="ignore", invalid="ignore"):
            given[name] = values.astype(dtype) if node.dtype.is_float else np.nan_to_num(values) > 0
        start += width
    return given


def differences(instance: Instance, dtype: Any) -> list[Difference]:
    """Where the results of special values differ by more than rounding, one for each kind of values and results."""
    points = special_points(instance, dtype)
    bindings = {node: points[name] for name, node in instance.inputs.items()}
    count = len(next(iter(bindings.values())))
    old, new = evaluate_nodes([instance.before, instance.after], bindings)
    a, b = (value.astype(np.float64).reshape(count, -1) for value in (old, new))
    same = (np.isnan(a) & np.isnan(b)) | ((a == b) & (np.signbit(a) == np.signbit(b)))
    found: dict[tuple[str, str, str], Difference] = {}
    for row in np.nonzero(~same.all(axis=1))[0]:
        point = {node: value[row : row + 1] for node, value in bindings.items()}
        column = int(np.argmin(same[row]))
        kind = _kind(instance.before, point, column, a[row, column], b[row, column], dtype)
        if kind:
            given = ", ".join(f"{name} = {_shown(points[name][row])}" for name in instance.inputs)
            difference = Difference(given, f"{a[row, column]:.5g}", f"{b[row, column]:.5g}", kind)
            found.setdefault((kind, _sort(a[row, column]), _sort(b[row, column])), difference)
    return list(found.values())


def _kind(before: Node, point: dict[Node, Array], column: int, a: float, b: float, dtype: Any) -> str:
    """What became of a result; no word where it differs by rounding only."""
    if a == b:
        return "sign of 0"
    values = np.concatenate([value.astype(np.float64).ravel() for value in point.values()])
    tends = [_exact(before, point, column, power) for power in (FAR if np.isinf(values).any() else FAR[:1])]
    if any(map(mpmath.isnan, tends)):
        lost = np.isnan(values).any() and np.isnan(a)
        return "no number" if np.isnan(b) else "NaN lost" if lost else "chosen"
    old, new = _is_near(a, tends, dtype), _is_near(b, tends, dtype)
    if new:
        return "" if old else "nearer" if np.isfinite(a) else "limit"
    clear = old and np.isinf(values).sum() <= 1  # of several infinities the limit depends on their order
    return ("NaN made" if np.isnan(b) else "farther") if clear else "chosen"


def _is_near(value: float, tends: list[Any], dtype: Any) -> bool:
    """Whether a value is what exact numbers tend to."""
    near, far, info = tends[0], tends[-1], limits(dtype)
    units, largest, smallest = 4 * float(info.eps), float(info.max), float(info.smallest_subnormal)
    if np.isnan(value):
        return False
    if np.isinf(value):
        grows = abs(far) > largest or (len(tends) > 1 and abs(far) > 1.01 * abs(near) and abs(far) > 100)
        return bool(grows and (value > 0) == (far > 0))
    if len(tends) > 1:
        return bool(abs(far - value) <= 1e-2 * abs(value)) or bool(value == 0 and abs(far) < 1e-3)
    return bool(abs(far - value) <= units * abs(far) + 2 * smallest)


def _exact(before: Node, point: dict[Node, Array], column: int, power: int) -> Any:
    """The exact result with a power of two for each infinity."""
    given = {}
    for node, value in point.items():
        if value.dtype.kind != "b":
            value = value.astype(np.float64).astype(object)
            value[value == math.inf], value[value == -math.inf] = mpmath.ldexp(1, power), -mpmath.ldexp(1, power)
        given[node] = value
    try:
        (value,) = evaluate_nodes([before], given, reader=MpmathReader(600, 4000))
    except (ZeroDivisionError, OverflowError):  # as of a library on numbers that are no floats
        return mpmath.nan
    return mpmath.mpf(np.asarray(value).reshape(-1)[column])


def _sort(x: float) -> str:
    return "nan" if math.isnan(x) else f"{x}" if math.isinf(x) or x == 0 or abs(x) == 1 else "number"


def _shown(value: Array) -> str:
    if value.dtype.kind == "b":
        return str(value.tolist())
    return np.array2string(value.astype(np.float64), separator=", ", formatter={"float": lambda x: f"{x:.3g}"})
