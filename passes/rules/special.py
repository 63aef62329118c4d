"""Special functions: those that overflow before a logarithm is taken, and sums of log-gammas that cancel."""

from __future__ import annotations

from graphc.interpret.ranges import is_nonnegative
from graphc.ir.node import Node
from graphc.ir.rule import RuleSet
from graphc.ops.elementwise import Log, abs, log
from graphc.ops.special.bessel import I0, i0, i0e, i1, i1e
from graphc.ops.special.beta_function import betaln
from graphc.ops.special.gamma_function import lgamma

SPECIAL = RuleSet("special")
UNSCALED = "tested: SymPy does not know the scaled functions"


@SPECIAL.rewriter(Log, kind="stabilizing", reference="S49", proof=UNSCALED)
def log_of_bessel(node: Node) -> Node | None:
    """The modified Bessel function overflows as exp does, as in the density of von Mises."""
    inner = node.args[0]
    return abs(inner.args[0]) + log(i0e(inner.args[0])) if isinstance(inner.op, I0) else None


@SPECIAL.rule("stabilizing", "S49", factors=True, proof=UNSCALED)
def quotient_of_bessel(x):
    """Numerator and denominator overflow together, to NaN."""
    return i1(x) / i0(x), i1e(x) / i0e(x)


# --- log-gamma ---


def both_nonnegative(a: Node, b: Node) -> bool:
    """Whether `betaln` is defined; log-gamma is for negative numbers too."""
    return is_nonnegative(a) and is_nonnegative(b)


@SPECIAL.rule("stabilizing", "S50", proof="tested: SymPy does not shift log-gamma")
def next_lgamma(x):
    """gamma(x + 1) is x * gamma(x), while the two logarithms nearly cancel for large x."""
    return lgamma(x + 1) - lgamma(x), log(abs(x))


@SPECIAL.rule("stabilizing", "S50", when=both_nonnegative, proof="tested: SymPy does not know betaln")
def sum_of_lgammas(a, b):
    """All digits cancel where one parameter is large."""
    return lgamma(a) + lgamma(b) - lgamma(a + b), betaln(a, b)


@SPECIAL.rule("stabilizing", "S50", when=both_nonnegative, proof="tested: SymPy does not know betaln")
def difference_of_lgammas(a, b):
    """The same with the other sign, as in the density of a beta distribution."""
    return lgamma(a + b) - lgamma(a) - lgamma(b), -betaln(a, b)
