"""Which ops work on floats with an exponent of their own, and how.

carrying(node)            positions of the operands that may be such numbers; none where the op takes none
calculated(node, xs)      the result as such numbers; `xs` are operands, nodes where they may not be such numbers
consumed(node, xs)        the result of an op that leads back to ordinary numbers: a logarithm, a comparison, …
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from graphc.interpret.ranges import range_of
from graphc.ir.leaf import full
from graphc.ir.node import Node, make
from graphc.ir.op import Op
from graphc.ops.barrier import StopGradient
from graphc.ops.contraction import Matmul
from graphc.ops.conversion import Cast, Expand, Reshape, Sum, cast, expand
from graphc.ops.cumulative import CumulativeProd
from graphc.ops.elementwise import (
    Abs,
    Add,
    Cbrt,
    Divide,
    Exp,
    Log,
    Log2,
    Log10,
    LogisticPdf,
    Maximum,
    Minimum,
    Multiply,
    Negative,
    Pow,
    Rsqrt,
    Sigmoid,
    Sqrt,
    Square,
    Subtract,
)
from graphc.ops.indexing import Gather, Take, TakeAlongAxis
from graphc.ops.log_domain import LogProd, WeightedLogsumexp, WeightedSoftmax
from graphc.ops.log_product import LogProduct, LogQuotient
from graphc.ops.logic import Comparison, Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual, Where
from graphc.ops.movement import Concat, Pad, Slice, Transpose
from graphc.ops.reduction import Argmax, Argmin, Max, Mean, Min, Prod, Softmax
from graphc.ops.representation import log_ldexp
from graphc.passes.log_domain.arithmetic import (
    SETTLED,
    Extended,
    Number,
    aligned,
    average,
    chosen,
    cube_root,
    exponential,
    extended,
    larger,
    logistic,
    normalised,
    over,
    plus,
    raised,
    shares,
    square_root,
    times,
    together,
    total,
)
from graphc.passes.log_domain.products import matrix_product, product, running_product

MOVES = (Expand, Reshape, Transpose, Slice, Take, Gather, TakeAlongAxis, StopGradient)
_BASES: dict[type[Op], float] = {Log: 1.0, Log2: 1 / math.log(2), Log10: 1 / math.log(10)}
_CARRYING: dict[type[Op], tuple[int, ...]] = {
    **dict.fromkeys((Where, WeightedSoftmax), (1, 2)),
    **dict.fromkeys((Add, Subtract, Multiply, Divide, Maximum, Minimum, Matmul), (0, 1)),
    **dict.fromkeys((Negative, Abs, Square, Sqrt, Cbrt, Rsqrt, Pow, Cast, Pad, *MOVES), (0,)),
    **dict.fromkeys((Sum, Mean, Prod, Max, Min, CumulativeProd), (0,)),
}
_CONSUMING: dict[type[Op], tuple[int, ...]] = {
    **dict.fromkeys((Less, LessEqual, Greater, GreaterEqual, Equal, NotEqual, LogProduct, LogQuotient), (0, 1)),
    **dict.fromkeys((Log, Log2, Log10, LogProd, Argmax, Argmin), (0,)),
    WeightedLogsumexp: (1,),
}


def carrying(node: Node) -> tuple[int, ...]:
    """The positions of the operands that may have exponents of their own."""
    op = type(node.op)
    places = tuple(range(len(node.args))) if op is Concat else _CARRYING.get(op, ())
    return places if places and node.dtype.is_float and (op is not Cast or node.args[0].dtype.is_float) else ()


def consuming(node: Node) -> tuple[int, ...]:
    """The positions of the operands that may have exponents of their own, of an op whose result has not."""
    places = _CONSUMING.get(type(node.op), ())
    return places if places and node.args[0].dtype.is_float else ()


def begins_as_logarithm(node: Node) -> bool:
    """Whether a node is an exponential by its form, and may over- or underflow."""
    match node.op:
        case Exp():
            found = range_of(node.args[0])
            return found.low < -60 or found.high > 60
        case Sigmoid() | LogisticPdf() | Softmax():
            return True
        case _:
            return False


def calculated(node: Node, xs: Sequence[Number], alarms: list[Node] | None) -> Extended:
    """What a node calculates, for operands of which some have exponents of their own.

    Conditions under which the result is wrong are added to `alarms`; without them, it is right in any case.
    """
    rule = _RULES.get(type(node.op))
    if rule is not None:
        return rule(*map(extended, xs))
    first = xs[0]
    match node.op:
        case Exp():
            return exponential(_node(first))
        case Sigmoid():
            return logistic(_node(first))
        case LogisticPdf():
            return times(logistic(_node(first)), logistic(-_node(first)))
        case Softmax(axis=axis):
            return shares(_node(first), axis)
        case Cast(dtype=dtype):
            x = extended(first)
            return replace(x, fraction=cast(x.fraction, dtype.compute))
        case Matmul():
            return matrix_product(extended(first), extended(xs[1]), alarms)
        case Pow():
            return raised(extended(first), _node(xs[1]))
        case Where():
            return chosen(_node(first), extended(xs[1]), extended(xs[2]))
        case WeightedSoftmax(axis=axis):
            e, v, w = exponential(_node(first)), extended(xs[1]), extended(xs[2])
            whole = total(times(w, e), axis).moved(lambda part: expand(part, axis, like=e.fraction))
            return over(times(v, e), whole)
        case Concat():
            numbers = [normalised(extended(x)) for x in xs]
            fraction = make(node.op, *(x.fraction for x in numbers))
            return Extended(fraction, make(node.op, *(x.power for x in numbers)), 1.0)
        case Pad() as op:
            x = normalised(extended(first))
            powers = make(replace(op, value=0.0), x.power)
            return Extended(make(op, x.fraction), powers, 1.0 if op.value in (0.0, 1.0) else math.inf)
        case _ if isinstance(node.op, MOVES):
            return extended(first).moved(lambda part: make(node.op, part, *map(_node, xs[1:])))
        case _:
            return _of_rows(node.op, extended(first))


def consumed(node: Node, xs: Sequence[Number]) -> Node:
    """The ordinary result of a consumer."""
    match node.op:
        case Comparison():
            a, b, _ = together(extended(xs[0]), extended(xs[1]))
            return make(node.op, a, b)
        case Argmax(axis=axis) | Argmin(axis=axis):
            sign = 1 if isinstance(node.op, Argmax) else -1
            return make(node.op, aligned(extended(xs[0]), (axis,), sign)[0])
        case LogProduct():
            return cast(logarithm(times(extended(xs[0]), extended(xs[1]))), node.dtype)
        case LogQuotient():
            return cast(logarithm(over(extended(xs[0]), extended(xs[1]))), node.dtype)
        case LogProd(axis=axis):
            return cast(logarithm(product(extended(xs[0]), axis)), node.dtype)
        case WeightedLogsumexp(axis=axis):
            return cast(logarithm(total(times(extended(xs[1]), exponential(_node(xs[0]))), axis)), node.dtype)
        case _:
            factor, natural = _BASES[type(node.op)], logarithm(extended(xs[0]))
            return cast(natural if factor == 1 else natural * factor, node.dtype)


def logarithm(x: Extended) -> Node:
    """The logarithm."""
    x = normalised(x, SETTLED)
    return log_ldexp(x.fraction, cast(x.power, x.fraction.dtype))


def _of_rows(op: Op, x: Extended) -> Extended:
    match op:
        case Sum(axis=axis):
            return total(x, axis)
        case Mean(axis=axis):
            return average(x, axis)
        case Prod(axis=axis):
            return product(x, axis)
        case CumulativeProd(axis=axis, reverse=reverse):
            return running_product(x, axis, reverse)
        case Max(axis=axis):
            value, top = aligned(x, axis, 1)
        case Min(axis=axis):
            value, top = aligned(x, axis, -1)
        case _:
            raise NotImplementedError(op.name)
    return Extended(make(op, value), top)


def _node(x: Number) -> Node:
    assert isinstance(x, Node)
    return x


_RULES: dict[type[Op], Callable[..., Extended]] = {
    Add: plus,
    Subtract: lambda x, y: plus(x, y, -1),
    Multiply: times,
    Divide: over,
    Maximum: larger,
    Minimum: lambda x, y: larger(x, y, -1),
    Negative: lambda x: replace(x, fraction=-x.fraction),
    Abs: lambda x: replace(x, fraction=abs(x.fraction)),
    Square: lambda x: times(x, x),
    Sqrt: square_root,
    Cbrt: cube_root,
    Rsqrt: lambda x: over(extended(full(1, x.fraction.type)), square_root(x)),
}
