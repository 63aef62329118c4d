"""One spelling for what has several: signs outside, constants on the right, repetition outermost.

All of it is exact: the same bits for every input, signed zeros included. So `a - (-b)` becomes `a + b`, but
`-(a - b)` does not become `b - a`, which differs in the sign of zero.
"""

from __future__ import annotations

from graphc.ir.leaf import Constant, full, uniform_value
from graphc.ir.node import Node, make
from graphc.ir.rule import RuleSet
from graphc.ops.barrier import Barrier
from graphc.ops.base import Elementwise
from graphc.ops.conversion import Expand, Reshape, Sum, expand, reshape
from graphc.ops.elementwise import (
    Abs,
    Add,
    Divide,
    ExpAdd,
    Logaddexp,
    LogisticPdf,
    Maximum,
    Minimum,
    Multiply,
    Negative,
    Square,
    Subtract,
)
from graphc.ops.indexing import TakeAlongAxis
from graphc.ops.logic import Equal, LogicalAnd, LogicalOr, LogicalXor, NotEqual, logical_not, where
from graphc.ops.movement import Slice, Transpose, slice_node, transpose
from graphc.ops.reduction import FloatReduction, Max, Min, Prod, RowWise

CANONICAL = RuleSet("canonical")


# --- signs and constants ---


@CANONICAL.rewriter(Negative, kind="exact")
def double_negation(node: Node) -> Node | None:
    """-(-x) is x."""
    return _negated(node.args[0])


@CANONICAL.rewriter(Multiply, Divide, kind="exact")
def sign_of_a_product(node: Node) -> Node | None:
    """(-a) * b is -(a * b), and so for quotients: a sign inside would hide equal subexpressions."""
    x, y = (_negated(arg) for arg in node.args)
    if x is None and y is None:
        return None
    result = make(node.op, node.args[0] if x is None else x, node.args[1] if y is None else y)
    return result if x is not None and y is not None else -result


@CANONICAL.rewriter(Abs, Square, LogisticPdf, kind="exact")
def sign_under_even_function(node: Node) -> Node | None:
    """abs(-x) is abs(x), and so for squares and the logistic density."""
    x = _negated(node.args[0])
    return None if x is None or node.dtype.kind == "u" else make(node.op, x)


@CANONICAL.rewriter(Multiply, Divide, kind="exact")
def times_minus_one(node: Node) -> Node | None:
    """x * -1 and x / -1 are -x."""
    for i, arg in enumerate(node.args):
        number = uniform_value(arg)
        if number is not None and number == -1 and not (i == 0 and isinstance(node.op, Divide)):
            return -node.args[1 - i]
    return None


@CANONICAL.rewriter(Add, Subtract, kind="exact")
def sign_in_a_sum(node: Node) -> Node | None:
    """a + (-b) is a - b, and a - (-b) is a + b."""
    x, y = node.args
    if (positive := _negated(y)) is not None:
        return x - positive if isinstance(node.op, Add) else x + positive
    if isinstance(node.op, Add) and (positive := _negated(x)) is not None:
        return y - positive
    return None


@CANONICAL.rewriter(
    Add,
    Multiply,
    Maximum,
    Minimum,
    Logaddexp,
    ExpAdd,
    Equal,
    NotEqual,
    LogicalAnd,
    LogicalOr,
    LogicalXor,
    kind="exact",
)
def constant_on_the_right(node: Node) -> Node | None:
    """2 * x is x * 2."""
    x, y = node.args
    if uniform_value(x) is None or uniform_value(y) is not None:
        return None
    return make(node.op, y, x)


@CANONICAL.rule("exact")
def where_not(condition, x, y):
    """A negated condition exchanges the choices."""
    return where(logical_not(condition), x, y), where(condition, y, x)


@CANONICAL.rule("exact")
def where_alike(condition, x):
    """Both choices are the same."""
    return where(condition, x, x), x


# --- moves of elements: merged, repetition outermost, transposition next ---


@CANONICAL.rewriter(Transpose, Reshape, Expand, Slice, kind="exact")
def merged_moves(node: Node) -> Node | None:
    """Two transpositions are one, and so for other moves; one that moves nothing is its operand."""
    (x,) = node.args
    match node.op:
        case Transpose(axes=axes):
            return transpose(x, axes)
        case Reshape(shape=shape):
            return reshape(x, shape)
        case Expand(axis=axis, size=size):
            return expand(x, axis, size)
        case Slice(start=start, size=size, step=step):
            return slice_node(x, dict(enumerate(zip(start, size, step, strict=True))))
    return None


@CANONICAL.rewriter(Reshape, kind="exact")
def new_axes_are_expanded(node: Node) -> Node | None:
    """A reshape that only adds axes of size 1 is an expand, one that drops such axes undoes an expand."""
    (x,) = node.args
    if isinstance(x.op, Expand) and all(size == 1 for size in x.op.size):
        return reshape(x.args[0], node.shape)
    added, rest = [], list(x.shape)
    for axis, size in enumerate(node.shape):
        if rest and rest[0] == size:
            rest.pop(0)
        elif size == 1:
            added.append(axis)
        else:
            return None
    return expand(x, tuple(added), (1,) * len(added)) if not rest else None


@CANONICAL.rewriter(Transpose, kind="exact")
def transpose_of_expand(node: Node) -> Node | None:
    """What is repeated need not be transposed as a whole."""
    (x,) = node.args
    if not isinstance(x.op, Expand) or not isinstance(node.op, Transpose):
        return None
    inserted = dict(zip(x.op.axis, x.op.size, strict=True))
    kept = [a for a in range(x.ndim) if a not in inserted]
    order = tuple(kept.index(a) for a in node.op.axes if a not in inserted)
    axis = tuple(i for i, a in enumerate(node.op.axes) if a in inserted)
    size = tuple(inserted[node.op.axes[i]] for i in axis)
    return expand(transpose(x.args[0], order), axis, size)


@CANONICAL.rewriter(Slice, kind="exact")
def slice_of_expand(node: Node) -> Node | None:
    """Fewer repetitions, of what is sliced before."""
    (x,) = node.args
    if not isinstance(x.op, Expand) or not isinstance(node.op, Slice):
        return None
    kept = [a for a in range(x.ndim) if a not in x.op.axis]
    ranges = {i: (node.op.start[a], node.op.size[a], node.op.step[a]) for i, a in enumerate(kept)}
    inner = slice_node(x.args[0], ranges)
    return expand(inner, x.op.axis, tuple(node.op.size[a] for a in x.op.axis))


@CANONICAL.rewriter(Elementwise, kind="exact")
def expand_outward(node: Node) -> Node | None:
    """An elementwise op of repeated operands is computed once, then repeated."""
    operands = _varying(node)
    if not operands or not all(isinstance(x.op, Expand) for x in operands):
        return None
    inserted = [set(x.op.axis) for x in operands]  # type: ignore[attr-defined]
    axes = tuple(sorted(set.intersection(*inserted)))
    if not axes:
        return None
    args = [_peeled(x, axes) for x in node.args]
    return expand(make(node.op, *args), axes, like=node)


@CANONICAL.rewriter(Elementwise, kind="exact")
def transpose_outward(node: Node) -> Node | None:
    """An elementwise op of transposed operands is transposed afterwards."""
    orders = [x.op.axes for x in _varying(node) if isinstance(x.op, Transpose)]
    if not orders or isinstance(node.op, Barrier):
        return None
    back = tuple(orders[0].index(a) for a in range(node.ndim))
    args = []
    for x in node.args:
        arg = transpose(x, back)
        if isinstance(x.op, Expand):
            found = transpose_of_expand.apply(arg)
            arg = arg if found is None else found
        inner = arg.args[0] if isinstance(arg.op, Expand) else arg
        if isinstance(inner.op, Transpose):
            return None
        args.append(arg)
    return transpose(make(node.op, *args), orders[0])


@CANONICAL.rewriter(Sum, Prod, Max, Min, FloatReduction, RowWise, kind="exact")
def reduction_of_expand(node: Node) -> Node | None:
    """Equal rows are reduced once; the axes that are reduced themselves stay."""
    (x,) = node.args
    if not isinstance(x.op, Expand):
        return None
    reduced = set(node.op.attributes()["axis"])
    free = tuple(a for a in x.op.axis if a not in reduced)
    if not free:
        return None
    axis = tuple(a - len([b for b in free if b < a]) for a in sorted(reduced))
    inner = make(type(node.op)(axis), _peeled(x, free))  # type: ignore[call-arg]
    if node.ndim < x.ndim:
        free = tuple(a - len([b for b in reduced if b < a]) for a in free)
    return expand(inner, free, like=node)


@CANONICAL.rewriter(Sum, Prod, Max, Min, FloatReduction, RowWise, kind="exact")
def reduction_of_transpose(node: Node) -> Node | None:
    """The reduction of the other axes, if the elements are met in the same order."""
    (x,) = node.args
    if not isinstance(x.op, Transpose):
        return None
    order, reduced = x.op.axes, node.op.attributes()["axis"]
    axis = tuple(order[a] for a in reduced)
    if axis != tuple(sorted(axis)) and not isinstance(node.op, Max | Min):
        return None
    inner = make(type(node.op)(tuple(sorted(axis))), x.args[0])  # type: ignore[call-arg]
    kept = list(order) if node.ndim == x.ndim else [a for a in order if a not in axis]
    places = sorted(kept)
    return transpose(inner, tuple(places.index(a) for a in kept))


@CANONICAL.rewriter(TakeAlongAxis, kind="exact")
def constant_take_of_expand(node: Node) -> Node | None:
    """Every index finds the same element. Only for constant indices, which are known to be in bounds."""
    return take_of_expand(node) if isinstance(node.args[1].op, Constant) else None


def take_of_expand(node: Node) -> Node | None:
    """Elements taken along an axis of repetition, if the indices are in bounds."""
    (x, _), axis = node.args, node.op.attributes()["axis"]
    if not isinstance(x.op, Expand) or axis not in x.op.axis:
        return None
    return expand(_peeled(x, (axis,)), (axis,), (node.shape[axis],))


def _negated(x: Node) -> Node | None:
    """What x is the negative of."""
    return x.args[0] if isinstance(x.op, Negative) else None


def _varying(node: Node) -> list[Node]:
    """The operands that are no repeated constant."""
    if isinstance(node.op, Barrier):
        return []
    return [x for x in node.args if uniform_value(x) is None]


def _peeled(x: Node, axes: tuple[int, ...]) -> Node:
    """An expanded node, or a repeated constant, without some of its repeated axes."""
    type_ = x.type.with_shape(tuple(n for a, n in enumerate(x.shape) if a not in axes))
    if not isinstance(x.op, Expand):
        return full(uniform_value(x), type_)
    left = [(a, n) for a, n in zip(x.op.axis, x.op.size, strict=True) if a not in axes]
    axis = tuple(a - len([b for b in axes if b < a]) for a, _ in left)
    return expand(x.args[0], axis, tuple(n for _, n in left))
