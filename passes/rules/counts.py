"""Probabilities of counts: the terms of their logarithms are far larger than the sum."""

from __future__ import annotations

from graphc.ir.node import Node
from graphc.ir.pattern import PRODUCTS, SUMS, Part, views
from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import Add, Log, Subtract, log
from graphc.ops.special.digamma_gap import digamma_gap
from graphc.ops.special.gamma_function import Lgamma, digamma
from graphc.ops.special.information import Xlogy
from graphc.ops.special.poisson import log_mean_less_digamma, log_poisson
from graphc.passes.rules.combinations import signed_sum
from graphc.passes.rules.special import affine, difference

COUNTS = RuleSet("counts")
FEW = 4  # terms of a sum that are looked at together


@COUNTS.rewriter(Add, Subtract, kind="stabilizing", reference="S50")
def log_of_poisson_probability(node: Node) -> Node | None:
    """k * log(m) - m - lgamma(k + 1), where k and m are large and close."""
    terms = [*node.args, *(term for arg in node.args if arg.op.name in SUMS for term in arg.args)]
    if not any(isinstance(term.op, Lgamma) for term in terms):
        return None
    for view in views(node, SUMS, FEW):
        for gamma in view.parts:
            for power in view.parts:
                if isinstance(gamma.value.op, Lgamma) and power.sign == -gamma.sign:
                    found = _probability(view.parts, gamma, power)
                    if found is not None:
                        return found
    return None


@COUNTS.rule("stabilizing", "S50", proof="tested: SymPy does not know the function")
def log_less_its_digamma(x):
    """1 / (2 * x) for large x, as where the likelihood of a gamma distribution is largest."""
    return log(x) - digamma(x), digamma_gap(x)


@COUNTS.rule("stabilizing", "S50", proof="tested: SymPy does not know the function")
def digamma_less_its_log(x):
    """-1 / (2 * x) for large x."""
    return digamma(x) - log(x), -digamma_gap(x)


@COUNTS.rule("stabilizing", "S50", proof="tested: digamma of the next number is off by 1 / x")
def log_less_digamma(x, m):
    """Both are near where x and m are large and close."""
    return log(m) - digamma(x), log_mean_less_digamma(x, m) + 1 / x


@COUNTS.rule("stabilizing", "S50", proof="tested: digamma of the next number is off by 1 / x")
def digamma_less_log(x, m):
    """Both are near where x and m are large and close."""
    return digamma(x) - log(m), -1 / x - log_mean_less_digamma(x, m)


def _probability(parts: tuple[Part, ...], gamma: Part, power: Part) -> Node | None:
    """The sum with a Poisson probability for lgamma(k + 1), a product with k, and the mean among the other terms."""
    for k, mean in _powers(power.value):
        if affine(k).offset != 0 or difference(gamma.value.args[0], k) != 1:
            continue
        for part in parts:
            if part.value is mean and part.sign == gamma.sign:
                rest = [(p.sign, p.value) for p in parts if p is not gamma and p is not power and p is not part]
                return signed_sum([(power.sign, log_poisson(k, mean)), *rest])
    return None


def _powers(x: Node) -> list[tuple[Node, Node]]:
    """All k and m of which a node is k * log(m)."""
    if isinstance(x.op, Xlogy):
        return [(x.args[0], x.args[1])]
    found = []
    for view in views(x, PRODUCTS, 2):
        if len(view.parts) == 2 and view.sign > 0 and all(part.sign > 0 for part in view.parts):
            for k, logarithm in (view.parts, view.parts[::-1]):
                if isinstance(logarithm.value.op, Log):
                    found.append((k.value, logarithm.value.args[0]))
    return found
