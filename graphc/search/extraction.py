"""Extraction: the most accurate expressions of an e-graph, measured at points.

Comes in: an e-graph and values for its operands; goes out: a few expressions for one class, each best somewhere. All
expressions of a class have one exact value at a point. So the error of each can be measured, from the operands up,
and what is accurate is made of what is accurate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from graphc.interpret.mpmath_reader import MpmathElements, Real
from graphc.ir.leaf import full
from graphc.ir.node import Node, make
from graphc.ops.base import Elementwise
from graphc.search.egraph import EGraph
from graphc.search.exact import CERTAIN, certainty, exact_value
from graphc.search.points import NUMPY, Array, bits_of_error
from graphc.search.symbols import ENode, Leaf, operation
from graphc.types import TensorType

PRECISIONS = (320, 2560)
KEPT = 2
"""Expressions of each class that others are made of."""
SWEEPS = 5
CYCLES_PER_BIT = 400.0
"""How much slower an expression may be for a bit."""

Cost = Callable[[Elementwise], float]


@dataclass(frozen=True, eq=False)
class Variant:
    """An expression of a class, its values at the points, and how far off they are."""

    expression: Node
    values: Array
    errors: Array
    cost: float

    @property
    def score(self) -> float:
        """Bits, and what the time is worth."""
        return float(self.errors.mean()) + self.cost / CYCLES_PER_BIT


class Extraction:
    """The expressions of an e-graph at points."""

    def __init__(self, graph: EGraph, leaves: Sequence[Node], operands: Sequence[Array], cost: Cost) -> None:
        self.graph, self.leaves, self.operands, self.cost = graph, leaves, operands, cost
        self.type = TensorType(leaves[0].dtype, ())
        self.count = len(operands[0])
        self.rounded: dict[int, tuple[Array, Array]] = {}
        self.variants: dict[int, list[Variant]] = {}

    def best(self, number: int, most: int) -> list[Variant]:
        """The expressions of a class that are best on average, or at some points; the best one first."""
        number = self.graph.find(number)
        self._find_exact_values()
        self._find_variants(number, most)
        return self.variants.get(number, [])

    # --- exact values ---

    def _find_exact_values(self) -> None:
        """Each class has the values of those of its nodes that lose the fewest digits."""
        numbers: dict[int, list[float]] = {number: [] for number in self.graph.classes}
        for point in range(self.count):
            values = self.exact_at(point, PRECISIONS[0])
            for precision in PRECISIONS[1:]:
                if all(certainty(value) >= CERTAIN for value in values.values()):
                    break
                values = self.exact_at(point, precision)
            for number, found in numbers.items():
                value = values.get(number)
                good = value is not None and certainty(value) >= CERTAIN
                found.append(float(value.value) if good and value is not None else math.nan)
        with np.errstate(over="ignore"):
            for number, found in numbers.items():
                known = ~np.isnan(found)
                if known.any():
                    self.rounded[number] = np.array(found).astype(self.type.dtype.numpy), known

    def exact_at(self, point: int, precision: int) -> dict[int, Real]:
        """The value of each class at one point, as far as it can be told."""
        words = MpmathElements(precision, strict=False)
        leaves = [float(column[point]) for column in self.operands]
        values: dict[int, Real] = {}
        for _ in range(SWEEPS):
            changed = False
            for number, found in self.graph.classes.items():
                best = values.get(number)
                if best is not None and certainty(best) >= CERTAIN:
                    continue
                for node in found.nodes:
                    if all(arg in values for arg in node.args):
                        value = exact_value(words, node, [values[arg] for arg in node.args], leaves)
                        if best is None or certainty(value) > certainty(best):
                            best = values[number] = value
                            changed = True
                        if certainty(best) >= CERTAIN:
                            break
            if not changed:
                break
        return values

    # --- expressions ---

    def _find_variants(self, root: int, most: int) -> None:
        seen: set[tuple[Any, ...]] = set()
        with np.errstate(all="ignore"):
            for _ in range(SWEEPS):
                changed = False
                for number, node in list(self.graph.nodes()):
                    if number not in self.rounded or any(arg not in self.variants for arg in node.args):
                        continue
                    for operands in product(*(self.variants[arg][:KEPT] for arg in node.args)):
                        key = (node, *(id(operand) for operand in operands))
                        if key not in seen:
                            seen.add(key)
                            made = self._variant(number, node, operands)
                            changed |= made is not None and self._keep(number, made, most if number == root else KEPT)
                if not changed:
                    break

    def _variant(self, number: int, node: ENode, operands: tuple[Variant, ...]) -> Variant | None:
        results, known = self.rounded[number]
        if isinstance(node.symbol, Leaf):
            expression, values, cost = self.leaves[node.symbol.number], self.operands[node.symbol.number], 0.0
        elif isinstance(node.symbol, Fraction):
            constant = _rounded(node.symbol, self.type)
            if constant is None:
                return None
            expression, values, cost = full(constant, self.type), np.full(self.count, constant), 0.0
        else:
            op = operation(node.symbol)
            expression = make(op, *(operand.expression for operand in operands))
            values = np.asarray(op.evaluate(NUMPY, *(operand.values for operand in operands)))
            values = values.astype(self.type.dtype.numpy, copy=False)
            cost = self.cost(op) + sum(operand.cost for operand in operands)
        errors = np.where(known, bits_of_error(values, results), 0.0)
        return Variant(expression, values, errors, cost)

    def _keep(self, number: int, made: Variant, most: int) -> bool:
        """Add an expression to those of its class if it is among the best; whether it was."""
        known = self.variants.get(number, [])
        if any(old.expression is made.expression for old in known):
            return False
        kept = chosen([*known, made], most)
        self.variants[number] = kept
        return any(variant is made for variant in kept)


def chosen(variants: Sequence[Variant], most: int) -> list[Variant]:
    """The best on average, then again and again the one that helps most where those chosen are bad."""
    kept = [min(variants, key=lambda variant: variant.score)]
    covered = kept[0].errors
    while len(kept) < most:
        rest = [variant for variant in variants if not any(variant is other for other in kept)]
        gains = [
            float(np.maximum(covered - variant.errors, 0).mean()) - variant.cost / CYCLES_PER_BIT / 8
            for variant in rest
        ]
        if not gains or max(gains) < 0.1:
            break
        following = rest[gains.index(max(gains))]
        kept.append(following)
        covered = np.minimum(covered, following.errors)
    return kept


def _rounded(number: Fraction, type_: TensorType) -> Any:
    """A number of a dtype; None for what is too large for it."""
    try:
        rounded = np.array(float(number)).astype(type_.dtype.numpy)[()]
    except OverflowError:
        return None
    return rounded if np.isfinite(rounded) else None
