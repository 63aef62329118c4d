"""Loops and branches as users write them: a Python function says one step, on nodes; it is called once.

    total, sums = gc.scan(lambda carry, x: (carry + x, carry + x), init=0.0, xs=x)

State, slices and results may be nested tuples, lists and dictionaries of nodes. What the function reads from around
it is the same in every step. The loop runs as native code, and has a derivative.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from math import isqrt
from typing import Any

from graphc import tree
from graphc.dimension import Dim
from graphc.errors import ArgumentError, DTypeError, GraphcError, ShapeError
from graphc.ir.leaf import constant, full
from graphc.ir.node import Node, describe, make, public, recorded
from graphc.ir.repetition import repeated
from graphc.ir.substitution import variable
from graphc.loops.closure import closed
from graphc.loops.ops import Scan, Switch, While
from graphc.loops.traces import traces
from graphc.ops import logic
from graphc.ops.barrier import stop_gradient
from graphc.ops.conversion import as_node, cast, reshape, sum
from graphc.ops.elementwise import minimum
from graphc.ops.movement import Slice, concat, flip
from graphc.ops.position import iota
from graphc.ops.tuples import items
from graphc.types import TensorType, as_size, bfloat16, bool_, float16, int8, int32, int64, uint8, weak_dtype

Tree = Any
_NUMBERS = bool | int | float  # of Python; they take on the dtype of what they meet
_NARROW = ({"b": bool_, "i": int8, "f": bfloat16}, {"b": bool_, "i": uint8, "f": float16})


@public
def scan(
    body: Callable[[Tree, Tree], Any],
    init: Tree,
    xs: Tree = None,
    *,
    length: Any = None,
    reverse: bool = False,
    until: bool = False,
    taps: Sequence[int] | None = None,
    checkpoint: int | str | None = None,
    truncate: int | None = None,
) -> Any:
    """A loop that carries state: `body(carry, x)` gives the next carry and a value; the values are stacked.

    `xs` are arrays whose first axes have one size, the number of steps (or `length` says it); `x` are their slices.
    The results are the last carry and the stacked values, whose first axis is the steps. `reverse` walks from the end.

    With `until`, the body gives (carry, value, stop): the loop ends after the step whose `stop` (bool[]) is true; the
    results are (carry, values, count), and rows of steps that did not run are 0.

    With `taps`, each `x` is a tuple of slices at these distances from the step: `taps=(-1, 0)` gives the slice before
    and the present one; the steps are those at which all of them exist. Earlier *states* are carried: a carry
    (h, before) that becomes (new, h).

    The derivative in reverse mode keeps what each step began with, and products of matrices. `checkpoint` keeps only
    every so many steps ("sqrt": the root of the length) and calculates the others again. `truncate=k` cuts the
    derivative after every k steps (truncated backpropagation through time, Deep Learning, section 10.2.2).

    Raises ShapeError or DTypeError where a carry changes its type or sequences differ in length, ArgumentError for
    arguments that contradict each other.
    """
    rows, row_structure = tree.flatten(xs)
    rows = [as_node(x) for x in rows]
    if taps is not None:
        rows, row_structure = _tapped(rows, row_structure, taps)
    size = _length(rows, length)
    if truncate is not None:
        body, rows, row_structure = _truncated(body, rows, row_structure, size, reverse, truncate)
    if checkpoint is not None:
        if until:
            raise ArgumentError("a scan with until has no checkpoints", help="leave out one of both")
        return _in_segments(body, init, rows, row_structure, size, reverse, _segment(checkpoint, size))
    step = _Step(body, init, rows, row_structure, until)
    results = step.scan(rows, size, reverse)
    last, values = step.carry(results), tree.unflatten(step.value_structure, results[len(step.first) :])
    if not until:
        return last, values
    return last, values, sum(cast(results[-1], int64))


@public
def while_loop(
    condition: Callable[[Tree], Any], body: Callable[[Tree], Tree], init: Tree, *, max_steps: int | None = None
) -> Tree:
    """State that goes on as long as a condition of it holds: `body(carry)` gives the next carry.

    With `max_steps` the loop ends then at the latest, and has a derivative in reverse mode.
    Raises DTypeError for a condition that is no bool[], ShapeError or DTypeError where a carry changes its type.
    """
    if max_steps is not None:
        return _bounded_while(condition, body, init, max_steps)
    step = _Step(lambda carry, _: (body(carry), None), init, [], None, until=False)
    with repeated("the condition of a loop"):
        goes_on = _truth(condition(tree.unflatten(step.structure, step.state)), "the condition")
    count = len(step.state)
    own = dict.fromkeys(step.state, "carry")
    graph, needed = closed([goes_on, *step.next], own, always=count)
    test = type(graph)("inner", graph.inputs, graph.outputs[:1])
    again = type(graph)("inner", graph.inputs, graph.outputs[1:])
    return step.carry(items(make(While(test, again, count), *step.first, *needed[count:])))


@public
def fori_loop(lower: Any, upper: Any, body: Callable[[Node, Tree], Tree], init: Tree) -> Tree:
    """`for i in range(lower, upper): carry = body(i, carry)`, with an int64 `i`.

    The bounds are integers, sizes or integer nodes; the loop has a derivative in reverse mode if they are no nodes.
    """
    if isinstance(lower, int | Dim) and isinstance(upper, int | Dim):
        size = upper - lower
        steps = iota(0 if isinstance(size, int) and size < 0 else size, int64) + as_node(lower)
        return scan(lambda carry, i: (body(i, carry), None), init, steps)[0]
    bounds = [as_node(bound) for bound in (lower, upper)]
    for bound in bounds:
        if bound.ndim or not bound.dtype.is_integer:
            raise DTypeError(f"a bound is {bound.type}, not an integer without axes", details=[describe(bound)])
    start, end = (cast(bound, int64) for bound in bounds)
    return while_loop(lambda s: s[0] < end, lambda s: (s[0] + 1, body(s[0], s[1])), (start, init))[1]


@public
def map(function: Callable[[Tree], Tree], xs: Tree) -> Tree:
    """The function of each row of arrays, stacked; one row after the other."""
    return scan(lambda _, x: (None, function(x)), None, xs)[1]


@public
def cond(predicate: Any, true_branch: Callable[..., Tree], false_branch: Callable[..., Tree], *operands: Tree) -> Tree:
    """What one of two functions gives on the operands; only that one is calculated.

    Both must give the same types. A number takes on the dtype that the other one gives.
    Raises DTypeError for a predicate that is no bool[], DTypeError or ShapeError where they differ.
    """
    number = cast(_truth(predicate, "the predicate"), int32)
    return switch(number, [false_branch, true_branch], *operands)


@public
def switch(index: Any, branches: Sequence[Callable[..., Tree]], *operands: Tree) -> Tree:
    """What the function of a number (an integer without axes) gives on the operands; only that one is calculated.

    Numbers below 0 choose the first one, numbers that are too large the last one.
    Raises DTypeError for an index that is no integer; DTypeError or ShapeError where the functions give different
    types.
    """
    number = as_node(index)
    if number.ndim or not number.dtype.is_integer:
        raise DTypeError(f"the number of the branch is {number.type}, not an integer without axes")
    if not branches:
        raise ArgumentError("there is no branch to choose")
    given, structure = tree.flatten(operands)
    given = [as_node(x) for x in given]
    inputs = [variable(x.type) for x in given]
    leaves_of: list[list[Any]] = []
    found = None
    made: set[Node] = set()
    for branch in branches:
        with recorded() as nodes:
            leaves, shape = tree.flatten(branch(*tree.unflatten(structure, inputs)))
        made |= nodes
        leaves_of.append(leaves)
        if found is not None and shape != found:
            raise ShapeError(f"one branch gives {tree.shown(found)}, another one {tree.shown(shape)}")
        found = shape
    results = _met(leaves_of)
    _check_same_types(results, found)
    count = len(results[0])
    own = dict.fromkeys(inputs, "x")
    graph, needed = closed([y for ys in results for y in ys], own, always=len(inputs), inside=made)
    graphs = [
        type(graph)("inner", graph.inputs, graph.outputs[i * count : (i + 1) * count]) for i in range(len(results))
    ]
    if number.dtype is not int32:  # what does not fit into it shall still be the nearest
        number = cast(logic.where(number < 0, 0, minimum(number, len(graphs) - 1)), int32)
    node = make(Switch(tuple(graphs)), number, *given, *needed[len(inputs) :])
    return tree.unflatten(found, items(node))


class _Step:
    """A body, called once on variables: `first` is what the state begins with, `next` what it becomes."""

    def __init__(
        self, body: Callable[[Tree, Tree], Any], init: Tree, rows: list[Node], row_structure: Any, until: bool
    ) -> None:
        leaves, self.structure = tree.flatten(init)
        self.until, self.row_structure = until, row_structure
        self.first = [as_node(leaf) for leaf in leaves]
        self.slices = [variable(x.type.with_shape(x.shape[1:])) for x in rows]
        weak = {i: leaf for i, leaf in enumerate(leaves) if isinstance(leaf, _NUMBERS)}
        if weak:
            self._choose_dtypes(body, weak)
        self._call(body)
        changed = [i for i in weak if self.next[i].type != self.first[i].type]
        if changed:
            for i in changed:
                self.first[i] = _as_number_of(leaves[i], self.next[i])
            self._call(body)
        self._check_carries()

    def _choose_dtypes(self, body: Callable[[Tree, Tree], Any], weak: dict[int, bool | int | float]) -> None:
        """A number is whatever the body makes of it: each is tried in two narrow dtypes, which others absorb.

        What stays narrow both times meets numbers alone.
        """
        default, results = self.first, []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for narrow in _NARROW:
                types = {i: TensorType(narrow[as_node(leaf).dtype.kind], ()) for i, leaf in weak.items()}
                self.first = [full(0, types[i]) if i in types else x for i, x in enumerate(default)]
                try:
                    self._call(body)
                except GraphcError:  # not every op takes narrow ones
                    self.first = default
                    return
                results.append([(self.next[i], self.next[i].type == type_) for i, type_ in types.items()])
        self.first = list(default)
        for (i, leaf), (one, stays), (other, stays_too) in zip(weak.items(), *results, strict=True):
            if not (stays and stays_too):
                self.first[i] = _as_number_of(leaf, other if stays_too else one)

    def _call(self, body: Callable[[Tree, Tree], Any]) -> None:
        self.state = [variable(x.type) for x in self.first]
        with repeated("the body of a loop"):
            found = body(tree.unflatten(self.structure, self.state), tree.unflatten(self.row_structure, self.slices))
        wanted = "(carry, value, stop)" if self.until else "(carry, value)"
        if not isinstance(found, tuple) or len(found) != 2 + self.until:
            raise ArgumentError(f"the body gives {type(found).__name__}, not {wanted}", help=f"return {wanted}")
        leaves, structure = tree.flatten(found[0])
        if structure != self.structure:
            raise ShapeError(
                f"the carry begins as {tree.shown(self.structure)} and becomes {tree.shown(structure)}",
                help="the body must give a carry of the same structure",
            )
        values, self.value_structure = tree.flatten(found[1])
        self.next, self.values = [as_node(x) for x in leaves], [as_node(x) for x in values]
        self.stop = _truth(found[2], "what ends the loop") if self.until else None

    def scan(self, rows: list[Node], size: int | Dim, reverse: bool, *, keep_products: bool = True) -> tuple[Node, ...]:
        """The last state, the stacked values, and what the derivative reads."""
        own = dict.fromkeys(self.state, "carry") | dict.fromkeys(self.slices, "x")
        kept = traces(self.state, own, [*self.next, *self.values], self.values, products=keep_products)
        flag = [constant(True)] if self.until else []
        stop = [] if self.stop is None else [self.stop]
        graph, needed = closed([*self.next, *self.values, *kept, *flag, *stop], own, always=len(own))
        op = Scan(graph, len(self.state), len(rows), size, reverse, self.until)
        return items(make(op, *self.first, *rows, *needed[len(own) :]))

    def carry(self, results: Sequence[Node]) -> Tree:
        """The state in its containers."""
        return tree.unflatten(self.structure, results[: len(self.first)])

    def _check_carries(self) -> None:
        for path, begun, new in zip(tree.paths(self.structure), self.state, self.next, strict=True):
            if begun.type != new.type:
                error = DTypeError if begun.shape == new.shape else ShapeError
                raise error(
                    f"the carry{path} begins as {begun.type} and becomes {new.type}",
                    details=[describe(new)],
                    help="give the first value this type, or convert what the body gives",
                )


def _tapped(rows: list[Node], row_structure: Any, taps: Sequence[int]) -> tuple[list[Node], Any]:
    """For each sequence one for each distance, as long as all of them reach."""
    if not taps or not all(isinstance(tap, int) and not isinstance(tap, bool) for tap in taps):
        raise ArgumentError(f"taps={taps!r} are no distances from a step", help="integers such as (-1, 0)")
    first, last = min(taps), max(taps)
    shifted = []
    for x in rows:
        steps = _length([x], None) - (last - first)
        shifted += [_part(x, tap - first, steps) for tap in taps]
    leaf = tuple(tree.LEAF for _ in taps)
    return shifted, tree.unflatten(row_structure, [leaf for _ in rows])


def _length(rows: list[Node], length: Any) -> int | Dim:
    """The number of steps."""
    for x in rows:
        if not x.ndim:
            raise ShapeError("a sequence needs an axis to walk along", details=[describe(x)])
    if length is None and not rows:
        raise ArgumentError("the number of steps is not known", help="give xs or length")
    size = rows[0].shape[0] if length is None else as_size(length)
    for x in rows:
        if x.shape[0] != size:
            raise ShapeError(f"a sequence of {x.shape[0]} slices for {size} steps", details=[describe(x)])
    return size


def _as_number_of(value: Any, like: Node) -> Node:
    """A number of Python, in the dtype of a node without axes if that holds it."""
    fits = not like.shape and weak_dtype(value, like.dtype) is like.dtype
    return constant(value, like.dtype) if fits else as_node(value)


def _truth(value: Any, what: str) -> Node:
    node = as_node(value)
    if node.type != TensorType(bool_, ()):
        raise DTypeError(f"{what} is {node.type}, not bool[]", help="compare, and reduce with graphc.all or any")
    return node


def _met(leaves_of: list[list[Any]]) -> list[list[Node]]:
    """What branches give, numbers in the dtype that another branch gives in their place."""
    columns = []
    for leaves in zip(*leaves_of, strict=True):
        typed = next((as_node(leaf) for leaf in leaves if not isinstance(leaf, _NUMBERS)), None)
        columns.append(
            [
                as_node(leaf) if typed is None or not isinstance(leaf, _NUMBERS) else _as_number_of(leaf, typed)
                for leaf in leaves
            ]
        )
    return [[column[i] for column in columns] for i in range(len(leaves_of))]


def _check_same_types(results: list[list[Node]], structure: Any) -> None:
    for leaves in results[1:]:
        for path, one, other in zip(tree.paths(structure), results[0], leaves, strict=True):
            if one.type != other.type:
                raise (DTypeError if one.shape == other.shape else ShapeError)(
                    f"one branch gives {one.type}{' for ' + path if path else ''}, another one {other.type}",
                    details=[describe(one), describe(other)],
                )


def _bounded_while(condition: Callable[[Tree], Any], body: Callable[[Tree], Tree], init: Tree, max_steps: int) -> Tree:
    """A scan that stops where the condition fails; there the state stays as it is, and the body is not calculated."""
    settled = _Step(lambda carry, _: (body(carry), None), init, [], None, until=False)

    def step(carry: Tree, _: Tree) -> Any:
        goes_on = _truth(condition(carry), "the condition")
        return cond(goes_on, body, lambda state: state, carry), None, logic.logical_not(goes_on)

    return scan(step, settled.carry(settled.first), length=max_steps, until=True)[0]


def _truncated(
    body: Callable[[Tree, Tree], Any],
    rows: list[Node],
    row_structure: Any,
    size: int | Dim,
    reverse: bool,
    steps: int,
) -> tuple[Callable[[Tree, Tree], Any], list[Node], Any]:
    """The body with derivatives cut after every so many steps, which it counts by a sequence of its own."""
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
        raise ArgumentError(f"truncate={steps!r} is no number of steps")

    def cut(carry: Tree, x: Tree) -> Any:
        number, slices = x
        leaves, structure = tree.flatten(carry)
        begins = logic.logical_and(number % steps == 0, number > 0)
        kept = [logic.where(begins, stop_gradient(leaf), leaf) if leaf.dtype.is_float else leaf for leaf in leaves]
        return body(tree.unflatten(structure, kept), slices)

    numbers = iota(size, int64)
    return cut, [flip(numbers) if reverse else numbers, *rows], (tree.LEAF, row_structure)


def _segment(checkpoint: int | str, size: int | Dim) -> int:
    """The number of steps between two that are kept."""
    if checkpoint == "sqrt":
        if not isinstance(size, int):
            raise ArgumentError(f"the root of {size} steps is not known", help="give the length of a segment")
        return max(1, isqrt(size))
    if not isinstance(checkpoint, int) or isinstance(checkpoint, bool) or checkpoint < 1:
        raise ArgumentError(f"checkpoint={checkpoint!r} is neither 'sqrt' nor a number of steps")
    return checkpoint


def _in_segments(
    body: Callable[[Tree, Tree], Any],
    init: Tree,
    rows: list[Node],
    row_structure: Any,
    size: int | Dim,
    reverse: bool,
    segment: int,
) -> tuple[Tree, Tree]:
    """A scan over segments of steps, which keeps what each segment begins with; the rest of the steps alone."""
    count = size // segment
    whole = count * segment
    rest = size - whole

    def part(carry: Tree, slices: Sequence[Node], steps: int | Dim) -> tuple[Tree, list[Node], Any]:
        inner = _Step(body, carry, list(slices), row_structure, until=False)
        found = inner.scan(list(slices), steps, reverse)
        return inner.carry(found), list(found[len(inner.first) :][: len(inner.values)]), inner.value_structure

    def walk_rest(carry: Tree) -> tuple[Tree, list[Node], Any]:
        return part(carry, [_part(x, whole, rest) for x in rows], rest)

    structure: list[Any] = []

    def walk_segment(carry: Tree, slices: Tree) -> tuple[Tree, list[Node]]:
        last, values, found = part(carry, slices, segment)
        structure[:] = [found]
        return last, values

    folded = [reshape(_part(x, 0, whole), (count, segment, *x.shape[1:])) for x in rows]
    carry, ends = init, []
    if reverse and rest != 0:
        carry, values, _ = walk_rest(carry)
        ends = values
    outer = _Step(walk_segment, carry, folded, [tree.LEAF] * len(folded), until=False)
    results = outer.scan(folded, count, reverse, keep_products=False)
    carry = outer.carry(results)
    stacks = [reshape(y, (whole, *y.shape[2:])) for y in results[len(outer.first) :][: len(outer.values)]]
    if not reverse and rest != 0:
        carry, ends, _ = walk_rest(carry)
    joined = [concat([y, end]) for y, end in zip(stacks, ends, strict=True)] if ends else stacks
    return carry, tree.unflatten(structure[0], joined)


def _part(x: Node, start: int | Dim, size: int | Dim) -> Node:
    """Some slices of a sequence."""
    others = x.shape[1:]
    return make(Slice((start, *(0 for _ in others)), (size, *others), (1,) * x.ndim), x)
