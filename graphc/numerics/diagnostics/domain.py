"""Values outside of where a function is defined: logarithms of what is not positive, roots of what is negative,
divisors that are 0, and numbers that only rounding makes 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import inf

import numpy as np

from graphc.interpret.interval import Interval
from graphc.interpret.ranges import range_of
from graphc.interpret.reader import Array
from graphc.ir.leaf import uniform_value
from graphc.ir.node import Node
from graphc.numerics.diagnostics.expression import Expression, expressions, farthest, nearest
from graphc.numerics.diagnostics.finding import Finding, check, unless
from graphc.numerics.diagnostics.overflow import named
from graphc.numerics.diagnostics.scope import Scope, before_derivative, is_backward
from graphc.ops.base import Domain, Elementwise, reals
from graphc.ops.cumulative import CumulativeProd
from graphc.ops.elementwise import Divide, FloorDivide, Pow, Remainder, Rsqrt, Subtract, Tan
from graphc.ops.reduction import Prod, Softmax
from graphc.ops.special.information import Entr, KlDiv, RelEntr, Xlog1py, Xlogy

Holds = Callable[[Array], Array]
_DIVISIONS = (Divide, FloorDivide, Remainder)
_ELSEWHERE = (*_DIVISIONS, Rsqrt, Tan, Xlogy, Xlog1py, Entr, RelEntr, KlDiv)  # checked above, or defined on the edge


@check(of_derivatives=True)
def division(node: Node, scope: Scope) -> Iterator[Finding]:
    """A divisor that can be 0, or is."""
    divisor = _divisor(node)
    if isinstance(node.op, _DIVISIONS) and node.dtype.is_float and uniform_value(node.args[1]) == 0:
        yield Finding("division", node, "division by 0", operand=node.args[1])
    if divisor is None or not node.dtype.is_float or _counts_ties(node):
        return
    if not _can_be(divisor, _is_zero, scope):
        yield from _underflow(node, divisor, scope)
        return
    if is_backward(node):
        yield _infinite_slope(node, divisor, scope)
        return
    text = f"division by {scope.label(divisor)}, which can be 0"
    if isinstance(divisor.op, Subtract):
        text = f"division by a difference that can cancel: {scope.label(divisor)}"
    yield Finding("division", node, text, unless(scope, divisor, f"{scope.code(divisor)} != 0"), divisor)


def _infinite_slope(node: Node, divisor: Node, scope: Scope) -> Finding:
    """A derivative that divides by what can be 0."""
    operand = before_derivative(node, divisor)
    if not _is_zero_with(divisor, operand, scope):
        operand = divisor
    assert node.source is not None
    text = f"the derivative of {node.source.backward_of} is infinite where {scope.label(operand)} is 0"
    remedy = unless(scope, operand, "" if is_backward(operand) else f"{scope.code(operand)} > 0")
    return Finding("division", node, text, remedy, divisor)


def _is_zero_with(divisor: Node, operand: Node, scope: Scope) -> bool:
    """Whether a divisor is 0 where an operand of it is."""
    found = next((each for each in expressions(divisor, scope) if each.variable is operand), None)
    return found is None or not found.values(np.zeros(1, operand.dtype.numpy))[divisor].any()


@check()
def domain(node: Node, scope: Scope) -> Iterator[Finding]:
    """An operand outside of the domain of an op, or at an end of it where the value is infinite."""
    if not isinstance(node.op, Elementwise) or isinstance(node.op, _ELSEWHERE) or not node.dtype.is_float:
        return
    for operand, (number, arg) in enumerate(zip(map(uniform_value, node.args), node.args, strict=True)):
        allowed = _domain(node, operand)
        if number is not None or allowed is reals:
            continue
        yield from _outside(node, arg, allowed, scope)


def _outside(node: Node, arg: Node, allowed: Domain, scope: Scope) -> Iterator[Finding]:
    """An operand that leaves a domain."""
    found = range_of(arg, computed=False)
    ends = []
    if found.low < allowed.low:
        below = f"less than {allowed.low:g}" if allowed.low else "negative"
        ends.append((below, lambda x: x < allowed.low))
    if found.high > allowed.high:
        ends.append((f"greater than {allowed.high:g}", lambda x: x > allowed.high))
    if not allowed.closed and _reaches(found, allowed.low):
        ends.append((f"{allowed.low:g}", lambda x: x == allowed.low))
    if not allowed.closed and _reaches(found, allowed.high):
        ends.append((f"{allowed.high:g}", lambda x: x == allowed.high))
    reached = [words for words, holds in ends if _can_be(arg, holds, scope)]
    if reached:
        condition = _inside(scope.code(arg), allowed)
        text = f"{named(node)} of {scope.label(arg)}, which can be {' or '.join(reached)}"
        yield Finding("domain", node, text, unless(scope, arg, condition), arg)
    elif not allowed.closed and allowed.low == 0:
        yield from _underflow(node, arg, scope)


def _inside(code: str, allowed: Domain) -> str:
    """Code that says that a value is in a domain."""
    above, below = (">=", "<=") if allowed.closed else (">", "<")
    ends = [f"{code} {above} {allowed.low:g}"] if allowed.low > -inf else []
    ends += [f"{code} {below} {allowed.high:g}"] if allowed.high < inf else []
    return ends[0] if len(ends) == 1 else f"({ends[0]}) & ({ends[1]})"


def _reaches(found: Interval, end: float) -> bool:
    return found.may_be_zero if end == 0 else found.low <= end <= found.high and np.isfinite(end)


def _counts_ties(node: Node) -> bool:
    """Whether a node shares a derivative among the elements that are the largest: there is one at least."""
    return is_backward(node) and node.source is not None and node.source.backward_of in ("max", "min")


def _divisor(node: Node) -> Node | None:
    """What a node divides by."""
    if isinstance(node.op, _DIVISIONS):
        return node.args[1] if uniform_value(node.args[1]) is None else None
    if isinstance(node.op, Rsqrt):
        return node.args[0]
    exponent = uniform_value(node.args[1]) if isinstance(node.op, Pow) else None
    return node.args[0] if exponent is not None and exponent < 0 else None


def _domain(node: Node, operand: int) -> Domain:
    if isinstance(node.op, Pow):
        exponent = uniform_value(node.args[1])
        whole = range_of(node.args[1]).whole if exponent is None else float(exponent).is_integer()
        return reals if operand or whole else Domain(0.0, inf)
    assert isinstance(node.op, Elementwise)
    return node.op.domain_of(operand)


def _can_be(arg: Node, holds: Holds, scope: Scope) -> bool:
    """Whether something may hold of a value: ranges allow it, and so do samples of a function of one value."""
    whole = farthest(arg, scope)
    if whole is not None:
        points = whole.points()
        values = whole.values(points)
        kept = whole.possible(values)
        root = values[arg][kept].astype(np.float64)
        if not _crosses(root, holds):
            return False
    return holds is not _is_zero or range_of(arg, computed=False).may_be_zero


def _crosses(values: Array, holds: Holds) -> bool:
    """Whether something holds of one of the values, in order, or of one between them."""
    if holds(values).any():
        return True
    signs = np.sign(values[np.isfinite(values)])
    return holds is _is_zero and bool((signs[1:] * signs[:-1] < 0).any())


def _is_zero(x: Array) -> Array:
    return np.asarray(x == 0)


# --- numbers that are 0 by rounding alone ---


def _underflow(node: Node, arg: Node, scope: Scope) -> Iterator[Finding]:
    """A value that is never 0 but may be computed as 0, where that makes an infinity."""
    if not _only_rounds_to_zero(arg):
        return
    source = arg
    while (below := next(filter(_only_rounds_to_zero, source.args), None)) is not None:
        source = below
    where = _vanishes(source, scope)
    if where is not None:
        then = "division by it" if _divisor(node) is arg else f"{named(node)} of it"
        text = f"{named(source)} underflows to 0 in {source.dtype} {where}: {then} is infinite"
        yield Finding("underflow", node, text, operand=arg)


def _only_rounds_to_zero(node: Node) -> bool:
    return node.dtype.is_float and not range_of(node, computed=False).may_be_zero and range_of(node).may_be_zero


def _vanishes(node: Node, scope: Scope) -> str | None:
    if isinstance(node.op, Softmax):
        return "for elements far below the largest"
    if isinstance(node.op, Prod | CumulativeProd):
        return "for many factors below 1"
    found: Expression | None = nearest(node, scope)
    if found is None:
        return None

    def holds(values: Mapping[Node, Array]) -> Array:
        return np.asarray(values[node] == 0)

    where = found.region(holds, scope.label(found.variable))
    return None if where is None else f"where {where}"
