"""Instances of rewrites: a formula and what becomes of it, on inputs, without code per rule.

A rule has two sides. A rewriter is shown by formulas, the table EXAMPLES; what the stabilised graph has in their
place is the other side. Exact rewriters need no table: `tests/ir` has cases of each.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import graphc as gc
from graphc.errors import GraphcError
from graphc.ir.graph import Graph
from graphc.ir.node import Node, topological
from graphc.ir.parser import parse_graph
from graphc.ir.rewrite import Firing, Trace
from graphc.ir.rule import Rewrite, Rule
from graphc.passes.pipeline import parse_pipeline
from graphc.types import float16

ROOT_HALF = 181 / 256  # about the root of 1/2, the same number in every dtype
ROW = 3  # elements of a row that is reduced
IR = Path(__file__).parents[1] / "ir"
DTYPES = ("float16", "bfloat16", "float32", "float64")


@dataclass(frozen=True, eq=False)
class Instance:
    """A formula, what it becomes, and the inputs of both. The first axis of each counts the points."""

    inputs: dict[str, Node]
    before: Node
    after: Node

    @property
    def rows(self) -> bool:
        """Whether rows of elements belong together."""
        return any(node.ndim > 1 for node in self.inputs.values())


def attributes(rule: Rule) -> dict[str, Any]:
    """A value for each variable of a rule that stands for an attribute."""
    found = inspect.signature(rule.function).parameters.values()
    names = [p.name for p in found if p.annotation is not p.empty]
    return {name: (1,) if name == "axis" else float16 for name in names}


def values(rule: Rule, inputs: dict[str, Node]) -> dict[str, Node]:
    """What the variables stand for: inputs, or their absolute values where the condition of the rule wants that."""
    given = {**inputs, **attributes(rule)}
    if rule.when is None:
        return inputs
    about = inspect.signature(rule.when).parameters
    if rule.when(**{name: given[name] for name in about}):
        return inputs
    return {name: gc.abs(node) if name in about else node for name, node in inputs.items()}


def sides(rule: Rule, dtype: Any, rows: Any = "n", row: int = ROW) -> tuple[dict[str, Node], Node, Node]:
    """Inputs, left-hand side and right-hand side. Variables are floats where that fits, else bool."""
    given = attributes(rule)
    names = [name for name in inspect.signature(rule.function).parameters if name not in given]
    shape = (rows, row) if "axis" in given else (rows,)
    for bools in sorted(product((False, True), repeat=len(names)), key=sum):
        inputs = {n: gc.input(n, shape, "bool" if b else dtype) for n, b in zip(names, bools, strict=True)}
        try:
            before, after = rule.function(**values(rule, inputs), **given)
        except (GraphcError, TypeError):
            continue
        return inputs, before, after
    raise AssertionError(f"no types fit the rule {rule.name}")


def instances(rewrite: Rewrite, dtype: str, rows: Any = "n", row: int = ROW) -> list[Instance]:
    """Instances of a rewrite in a dtype: none of a rewriter without examples, or where the dtype does not fit."""
    if isinstance(rewrite, Rule):
        if "dtype" in attributes(rewrite) and dtype in ("float16", "bfloat16"):
            return []  # no float is narrower
        return [Instance(*sides(rewrite, dtype, rows, row))]
    return [_example(rewrite, formula, dtype, rows, row) for formula in EXAMPLES.get(rewrite.name, ())]


def has_rows(rewrite: Rewrite) -> bool:
    """Whether elements belong together in what a rewrite is shown by."""
    if isinstance(rewrite, Rule):
        return "axis" in attributes(rewrite)
    return any(name.isupper() for f in EXAMPLES.get(rewrite.name, ()) for name in inspect.signature(f).parameters)


def _example(rewrite: Rewrite, formula: Callable[..., Node], dtype: str, rows: Any, row: int) -> Instance:
    names = inspect.signature(formula).parameters
    shapes = {name: (rows, row) if name.isupper() else (rows,) for name in names}
    inputs = {name.lower(): gc.input(name.lower(), shape, dtype) for name, shape in shapes.items()}
    before = formula(*inputs.values())
    trace = Trace()
    graph = Graph("f", tuple(inputs.values()), (before,))
    after = parse_pipeline("canonicalize,simplify,stabilize").run(graph, trace=trace).outputs[0]
    assert any(firing.rule is rewrite for firing in trace.firings), f"{rewrite.name} does not fire in its example"
    return Instance(inputs, before, after)


def graph_of(*outputs: Node) -> Graph:
    """A graph of all inputs that its outputs need."""
    inputs = [node for node in topological(outputs) if node.op.name == "input"]
    return Graph("f", tuple(inputs), outputs)


@cache
def cases() -> tuple[str, ...]:
    """The texts of all graphs of `tests/ir`."""
    texts = [path.read_text() for path in sorted(IR.glob("*.ir"))]
    return tuple(graph for text in texts for graph in re.findall(r"^graph .*?^}$", text, re.MULTILINE | re.DOTALL))


def firings(text: str, passes: str) -> Iterator[Firing]:
    """What rules do in a pipeline to a graph that is given as text."""
    trace = Trace()
    parse_pipeline(passes).run(parse_graph(text), trace=trace)
    yield from trace.firings


EXAMPLES: dict[str, list[Callable[..., Any]]] = {
    "density_beside_erfc": [
        lambda x: gc.erfc(x * ROOT_HALF) / gc.exp(x * x * -0.5),
        lambda x: gc.exp(x * x * -0.5) / gc.erfc(x * ROOT_HALF),
    ],
    "difference_of_means": [
        lambda X: gc.mean(X * X, axis=1) - gc.mean(X, axis=1) ** 2,
        lambda X, Y: gc.mean(X * Y, axis=1) - gc.mean(X, axis=1) * gc.mean(Y, axis=1),
        lambda X: gc.sum(X * X, axis=1) - gc.sum(X, axis=1) * gc.mean(X, axis=1),
        lambda X, Y: gc.sum(gc.softmax(Y, axis=1) * X * X, axis=1) - gc.sum(gc.softmax(Y, axis=1) * X, axis=1) ** 2,
    ],
    "difference_of_waves": [
        lambda x, y: gc.sin(x + y) - gc.sin(x),
        lambda x, y: gc.cos(x) - gc.cos(x + y),
        lambda x, y: gc.tan(x + y) - gc.tan(x),
    ],
    "excess_of_exp_or_over_log": [
        lambda x: x - 1 - gc.log(x),
        lambda m, s: gc.log(1 / s) + (s**2 + m**2) / 2 - 0.5,
        lambda s: (s * s - 1) / 2 - gc.log(s),
        lambda m, v: 0.5 * (gc.exp(v) + m * m - 1 - v),
        lambda m, s: gc.exp(2 * s) + m * m - 1 - 2 * s,
    ],
    "lifted_above_moves": [lambda X: gc.log(gc.softmax(X, axis=1)[:, 0])],
    "log_mean_exp": [lambda X: gc.log(gc.mean(gc.exp(X), axis=1))],
    "log_of_difference_of_erfc": [
        lambda x, y: gc.log(gc.erfc(x * ROOT_HALF) / 2 - gc.erfc(y * ROOT_HALF) / 2),
        lambda x, y: gc.log(3 * (gc.erf(x) - gc.erf(y))),
    ],
    "log_of_bessel": [lambda x: gc.log(gc.i0(x))],
    "log_of_many_exponentials": [lambda x, y, z: gc.log(gc.exp(x) + gc.exp(y) + gc.exp(z))],
    "log_of_matmul": [lambda X, Y: gc.log(gc.exp(X[:, None, :]) @ gc.exp(Y[:, :, None]))],
    "log_of_multiple_of_erfc": [lambda x: gc.log(gc.erfc(x) / 2), lambda x: gc.log(3 * gc.erfc(x))],
    "log_of_factors": [
        lambda x, y: gc.log(x * y),
        lambda x, y: gc.log(y / x),
        lambda x: gc.log(6.25 * (x * x)),
        lambda x, y, z: gc.log(x * y / z),
    ],
    "log_of_extreme": [
        lambda X: gc.log(gc.max(gc.exp(X), axis=1)),
        lambda X: gc.log(gc.min(gc.softmax(X, axis=1), axis=1)),
        lambda x, y: gc.log(gc.minimum(gc.sigmoid(x), gc.sigmoid(y))),
        lambda x: gc.log(gc.maximum(gc.sigmoid(x), 0.25)),
    ],
    "log_of_inverse": [lambda x: gc.log(1 / x), lambda x, y: gc.log(1 / x / y)],
    "log1p_of_square": [
        lambda x: gc.log1p(x * x),
        lambda x, y: gc.log1p(((x - y) / 3) ** 2),
        lambda x, y: gc.log1p(2 * ((x / y) * (x / y))),
    ],
    "log_of_share": [
        lambda X, Y: gc.log(gc.sum(gc.exp(X), axis=1) / (gc.sum(gc.exp(Y), axis=1) + gc.sum(gc.exp(X), axis=1))),
    ],
    "log_of_joined": [lambda x: gc.log(gc.stack([gc.sigmoid(x), 1 - gc.sigmoid(x)], axis=1))[:, 1]],
    "log_of_known_factors": [lambda X: gc.log(gc.prod(gc.abs(1 + X), axis=1))],
    "log_of_other_classes": [lambda X: gc.log1p(-gc.softmax(X, axis=1))],
    "log_of_poisson_probability": [
        lambda k, m: k * gc.log(m) - m - gc.lgamma(k + 1),
        lambda k, m: m - (gc.xlogy(k, m) - gc.lgamma(k + 1)),
    ],
    "log_of_positive_factors": [lambda x, w: gc.log(w * gc.exp(x))],
    "log_of_powers": [lambda x, w: gc.log(w * x**12.5), lambda x, y: gc.log(x**y)],
    "log_of_product_of_densities": [lambda X, Y: gc.log(gc.prod(Y * gc.exp(X), axis=1))],
    "log_of_running_product": [lambda X, Y: gc.log(gc.cumprod(Y * gc.exp(X), axis=1))],
    "log_of_running_sum": [lambda X: gc.log(gc.cumsum(gc.exp(X), axis=1))],
    "log_of_sum_of_sums": [lambda X: gc.log(gc.sum(gc.sum(gc.exp(X[:, :, None] + X[:, None, :]), axis=2), axis=1))],
    "log_of_weighted_exponentials": [
        lambda X, W: gc.log(gc.sum(W * gc.exp(X), axis=1)),
    ],
    "moment_of_deviations": [
        lambda X: gc.mean((X - gc.mean(X, axis=1, keepdims=True)) ** 3, axis=1),
        lambda X, S: gc.sum(((X - gc.mean(X, axis=1, keepdims=True)) / S) ** 4, axis=1),
    ],
    "other_bases": [lambda X: gc.log2(gc.softmax(X, axis=1)), lambda X: gc.log10(gc.sum(gc.exp(X), axis=1))],
    "part_of_softmax": [lambda X: gc.exp(X)[:, 0] / gc.sum(gc.exp(X), axis=1)],
    "quotient_less_its_limit": [
        lambda x: (gc.exp(x) - 1) / x - 1,
        lambda x: 1 - gc.log1p(x) / x,
        lambda x: x / gc.tanh(x) - 1,
        lambda x: 1 - x / gc.tan(x),
    ],
    "picked_less_logsumexp": [lambda X: X[:, 0] - gc.logsumexp(X, axis=1)],
    "quotient_of_sums": [lambda X, W: gc.sum(W * gc.exp(X), axis=1) / gc.sum(gc.exp(X), axis=1)],
    "root_of_mean_of_squares": [lambda X: gc.sqrt(gc.mean(X * X, axis=1))],
    "root_of_product_with_itself": [lambda X: gc.sqrt(X[:, None, :] @ X[:, :, None])[:, 0, 0]],
    "shares_of_equal_weights": [lambda X: 0.3 * gc.exp(X) / gc.sum(0.3 * gc.exp(X), axis=1, keepdims=True)],
    "scaled_rows": [
        lambda X, Y: gc.sum(X * Y, axis=1) / (gc.sqrt(gc.sum(X * X, axis=1)) * gc.sqrt(gc.sum(Y * Y, axis=1))),
        lambda X: gc.mean(X**3, axis=1) / gc.mean(X**2, axis=1) ** 1.5,
        lambda X: gc.sum(gc.abs(X) ** 3, axis=1) ** (1 / 3),
        lambda X: gc.sqrt(gc.sqrt(gc.sum(X**4, axis=1))),
    ],
    "root_of_square_and_constant": [lambda x: gc.sqrt(x * x + 2)],
    "sum_of_one": [lambda x: gc.sum(x[:, None], axis=1)],
}
"""Formulas at which rewriters fire. An input in capitals has rows of elements, others one element for each point."""
