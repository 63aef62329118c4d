"""`vmap`: the graph of a function, recorded once for single arrays, rewritten node by node for stacks of them.

What does not depend on a stack stays as it is and is computed once. Nodes that do have their batch axis in front;
ops without a rule are decomposed, or run in a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from graphc.batching.rules import Batched, Stacked, moved, rule_of
from graphc.errors import AxisError, GraphError, ShapeError
from graphc.ir.graph import Graph
from graphc.ir.leaf import Input
from graphc.ir.node import Node, describe, make, public, topological
from graphc.ir.op import Op
from graphc.ir.repetition import repeated
from graphc.ir.source import at
from graphc.ir.substitution import substitute, variable
from graphc.ops.base import Composite
from graphc.ops.conversion import as_node, expand, one_axis
from graphc.ops.tuples import Item, items
from graphc.tree import flatten, unflatten
from graphc.types import TupleType, as_size


def vmap(
    function: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0, *, axis_size: Any = None
) -> Callable[..., Any]:
    """A function of nodes, applied to each item of stacks of arrays: the same graph with an axis more.

    `in_axes` says which axis of each argument counts the items, None for one that all share; an integer or None
    serves all arguments, and all leaves of an argument that is a tuple, list or dict. `out_axes` places the axis in
    the results. Sizes may be named dimensions; `axis_size` gives the size where no argument has the axis.

    Raises ShapeError where the sizes differ, AxisError for an axis that an argument does not have.
    """

    @public
    @wraps(function)
    def apply(*args: Any) -> Any:
        leaves, structure = flatten(args)
        xs = [as_node(leaf) for leaf in leaves]
        axes = [None if a is None else one_axis(a, x.ndim) for x, a in zip(xs, _for_each_leaf(in_axes, args))]
        size = _batch_size(xs, axes, axis_size)
        stacks = {_item(x, a): moved(x, a, 0) for x, a in zip(xs, axes) if a is not None}
        items = iter(stacks)
        with repeated("a function that is mapped over a batch"):
            result = function(*unflatten(structure, [x if a is None else next(items) for x, a in zip(xs, axes)]))
        single, structure = flatten(result)
        outputs = [as_node(y) for y in single]
        places = _for_each_leaf(out_axes, result if isinstance(result, list | tuple) else (result,))
        stacked = batch(outputs, stacks, size)
        return unflatten(structure, [_placed(s, y, size, a) for s, y, a in zip(stacked, outputs, places)])

    return apply


vectorize = vmap


def batch(outputs: Sequence[Node], stacks: dict[Node, Node], size: Any) -> list[Node | None]:
    """Stacks of what nodes are for each item, with the batch axis in front, given those of the variables for items.

    None for a node that depends on no item.
    """
    known: dict[Node, Stacked] = dict(stacks)
    for node in topological(outputs):
        if node not in known and any(arg in known for arg in node.args):
            with at(node.source):
                known[node] = _stacked(node, known, size)
    return [known.get(y) for y in outputs]  # type: ignore[misc]


def _stacked(node: Node, known: dict[Node, Stacked], size: Any) -> Stacked:
    """One node for stacks: by a rule of its op or of the op's family, decomposed, or in a loop."""
    op, args = node.op, node.args
    if isinstance(op, Item):
        return known[args[0]][op.index]
    batched = tuple(arg in known for arg in args)
    xs: Any = tuple(known.get(arg, arg) for arg in args)
    own = getattr(op, "batch", None)
    rule = rule_of(op)
    if callable(own):
        return own(size, batched, *xs)
    if rule is not None:
        found = rule(op, size, batched, xs)
        return _looped(op, batched, xs) if found is None else found
    if isinstance(op, Composite):
        return _decomposed(op, size, batched, xs, args)
    return _looped(op, batched, xs)


def _decomposed(op: Composite, size: Any, batched: Batched, xs: Sequence[Node], args: Sequence[Node]) -> Node:
    """A composite op without a rule, by way of what it is made of."""
    inputs = [variable(arg.type) for arg in args]
    stacks = {x: variable(stack.type) for x, stack, has in zip(inputs, xs, batched) if has}
    root = op.decompose(*inputs)
    (stack,) = batch([root], stacks, size)
    found = expand(root, (0,), (size,)) if stack is None else stack
    return substitute([found], {stacks.get(x, x): given for x, given in zip(inputs, xs)})[0]


def _looped(op: Op, batched: Batched, xs: tuple[Node, ...]) -> Stacked:
    """One item after the other, for ops that know no stacks."""
    from graphc.loops import map

    def item(stacks: list[Node]) -> Any:
        given = iter(stacks)
        y = make(op, *(next(given) if has else x for x, has in zip(xs, batched)))
        return items(y) if isinstance(y.type, TupleType) else y

    return map(item, [x for x, has in zip(xs, batched) if has])


def stacked_graph(graph: Graph, size: Any, given: Batched | None = None, wanted: Batched | None = None) -> Graph:
    """The inner graph of an op that is given stacks: of the inputs with a flag, for the outputs with a flag.

    Without flags it is all of them. Outputs without a flag must not depend on stacks.
    """
    given = (True,) * len(graph.inputs) if given is None else given
    wanted = (True,) * len(graph.outputs) if wanted is None else wanted
    inputs = [_stack_of(x, size) if has else x for x, has in zip(graph.inputs, given)]
    stacks = batch(graph.outputs, {x: new for x, new, has in zip(graph.inputs, inputs, given) if has}, size)
    outputs = [
        stack if stack is not None else expand(y, (0,), (size,)) if has else y
        for y, stack, has in zip(graph.outputs, stacks, wanted)
    ]
    return Graph(graph.name, tuple(inputs), tuple(outputs))


def _stack_of(x: Node, size: Any) -> Node:
    """The input of a stack, in the place of one of an item."""
    assert isinstance(x.op, Input)
    return make(Input(x.op.label, x.type.with_shape((size, *x.shape)), x.op.bounds))


# --- arguments and results ---


def _for_each_leaf(axes: Any, values: Sequence[Any]) -> list[int | None]:
    """The axis of each leaf of some values, given one for all, or one for each value."""
    counts = [len(flatten(value)[0]) for value in values]
    if axes is None or isinstance(axes, int):
        return [axes] * sum(counts)
    if not isinstance(axes, list | tuple) or len(axes) != len(values):
        raise AxisError(
            f"{axes!r:.80} are no axes of {len(values)} values", help="one integer or None, or one for each"
        )
    return [axis for axis, count in zip(axes, counts) for _ in range(count)]


def _batch_size(xs: Sequence[Node], axes: Sequence[int | None], given: Any) -> Any:
    sizes = [] if given is None else [as_size(given)]
    sizes += [x.shape[a] for x, a in zip(xs, axes) if a is not None]
    if not sizes:
        raise GraphError("no argument has an axis to map over", help="give in_axes, or axis_size")
    if any(size != sizes[0] for size in sizes):
        raise ShapeError(f"the mapped axes differ in size: {', '.join(map(str, sizes))}", details=map(describe, xs))
    return sizes[0]


def _item(x: Node, axis: int) -> Node:
    """A variable for one item of a stack."""
    return variable(x.type.with_shape((*x.shape[:axis], *x.shape[axis + 1 :])))


def _placed(stack: Node | None, item: Node, size: Any, axis: int | None) -> Node:
    """A result with its batch axis at a place, or without one."""
    if axis is None:
        if stack is not None:
            raise AxisError("the result differs from item to item: it needs an axis", details=[describe(item)])
        return item
    stack = expand(item, (0,), (size,)) if stack is None else stack
    return moved(stack, 0, one_axis(axis, stack.ndim))
