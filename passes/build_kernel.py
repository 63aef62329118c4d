"""A group of values becomes a kernel: loops, loads with folded views, ops, reductions and stores.

Statements go to the outermost loop in which they can stand, so what depends on the row alone is calculated once a
row. Reductions are split into phases: one walk over the reduced axes for all that depend on the same earlier ones.
A dear value that several phases need stays in a scratch row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from graphc import dimension
from graphc.dimension import Dim, symbol
from graphc.interpret.ranges import range_of
from graphc.ir.leaf import Constant, uniform_value
from graphc.ir.node import Node
from graphc.kernel import (
    Accumulate,
    Accumulator,
    Buffer,
    CheckIndex,
    Combine,
    For,
    Kernel,
    Let,
    Literal,
    Load,
    Operand,
    Position,
    Statement,
    Store,
)
from graphc.ops.base import Elementwise
from graphc.ops.conversion import Addition, Cast, CompensatedSum, Reshape, Sum
from graphc.ops.cumulative import Cumulative
from graphc.ops.elementwise import Multiply, Remainder, Square
from graphc.ops.indexing import Scattering
from graphc.ops.logic import Equal, GreaterEqual, Less, LogicalAnd, Where
from graphc.ops.movement import Concat, Pad
from graphc.ops.position import Extent, Iota
from graphc.ops.reduction import Max, Min, Prod
from graphc.passes.fuse import Group, Reduction, domain_index, has_memory, storage
from graphc.passes.indexing import Index, is_trivial_reshape, offset, operand_indices
from graphc.passes.serial import cumulate, scatter
from graphc.types import DType, Shape, bool_, int64

COMBINE: dict[type, Combine] = {
    Sum: "sum",
    CompensatedSum: "compensated_sum",
    Prod: "prod",
    Max: "max",
    Min: "min",
}


@dataclass(frozen=True, eq=False)
class Built:
    """A kernel, and the nodes whose memory its buffers are; a scratch buffer has none, but its size."""

    kernel: Kernel
    nodes: tuple[Node | None, ...]


@dataclass(eq=False)
class _Frame:
    """An open loop: its number of iterations, its statements and the values known in it."""

    extent: Any
    statements: list[Statement] = field(default_factory=list)
    known: dict[Any, Operand] = field(default_factory=dict)


def build_kernel(group: Group, stored: set[Node], materialized: frozenset[Node], name: str) -> Built:
    """The kernel of a group; `stored` are its nodes that others need."""
    return Builder(group, stored, materialized).build(name)


def _lies_inside(indices: Node, extent: Any) -> bool:
    """Whether indices are known to be positions of an axis, so that nothing has to be checked."""
    found = range_of(indices)
    return isinstance(extent, int) and found.low >= 0 and found.high < extent and not found.may_be_nan


class Builder:
    """Collects the statements of a kernel: open loops, values that are known in them, buffers."""

    def __init__(self, group: Group, stored: set[Node], materialized: frozenset[Node]) -> None:
        self.group, self.stored, self.materialized = group, stored, materialized
        self.roots = set(group.roots)
        self.buffers: dict[Node, Buffer] = {}
        self.scratch: dict[Node, Buffer] = {}
        self.frames = [_Frame(1)]
        self.place: dict[str, int] = {}  # the number of the frame in which a value or loop variable is defined
        self.local: dict[Node, Operand] = {}  # the group's values of a row that are calculated already
        self.count = 0
        self.sizes: set[str] = set()

    def build(self, name: str) -> Built:
        match self.group.roots[0].op:
            case Scattering():
                scatter(self, self.group.roots[0])
            case Cumulative():
                cumulate(self, self.group.roots[0])
            case Concat():
                self.lay_side_by_side(self.group.roots[0])
            case _:
                self.walk()
        buffers = (*self.buffers.values(), *self.scratch.values())
        nodes = (*self.buffers, *(None for _ in self.scratch))
        body = tuple(self.frames[0].statements)
        sizes = {s for b in buffers for s in dimension.symbols_of(b.size)} | self.sizes
        return Built(Kernel(name, buffers, tuple(sorted(sizes)), body), nodes)

    # --- loops ---

    def walk(self) -> None:
        """Loops over the kept axes; inside them the phases."""
        index = domain_index(self.group.shape)
        kept = [a for a in self.group.kept if index[a] != 0]
        for a in kept:
            self.open(f"i{a}", self.group.shape[a])
        for phase in self.phases():
            self.phase(phase, index)
        for a in reversed(kept):
            self.close(f"i{a}", "parallel")

    def lay_side_by_side(self, node: Node) -> None:
        """Loops over each part of a concatenation, so that nothing has to choose."""
        assert isinstance(node.op, Concat)
        axis = node.op.axis
        start: Any = 0
        for number, part in enumerate(node.args):
            index = tuple(0 if n == 1 else symbol(f"i{a + number * node.ndim}") for a, n in enumerate(part.shape))
            self.open_all(index, part.shape)
            value = self.value(part, index, None)
            self.store(node, (*index[:axis], index[axis] + start, *index[axis + 1 :]), value)
            self.close_all(index, "parallel")
            start = start + part.shape[axis]

    def phases(self) -> list[list[Node]]:
        """The group's roots by the number of reductions that must be complete before they can be calculated."""
        depth: dict[Node, int] = {}
        for root in self.group.roots:
            below = [depth[read] + self.is_reduced(read) for read in self.inner_reads(root)]
            depth[root] = max(below, default=0)
        return [[r for r in self.group.roots if depth[r] == d] for d in range(max(depth.values()) + 1)]

    def is_reduced(self, node: Node) -> bool:
        return isinstance(node.op, Reduction)

    def inner_reads(self, root: Node) -> list[Node]:
        """The other values of the group that a root is calculated from."""
        found, stack, seen = [], list(root.args), set()
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            if node in self.roots:
                found.append(node)
            elif node not in self.materialized and not has_memory(node):
                stack.extend(node.args)
        return found

    def phase(self, roots: list[Node], index: Index) -> None:
        """One walk over the reduced axes for reductions and full values; row values before it."""
        reduced = [a for a in self.group.axes if index[a] != 0]
        row_index = tuple(i for a, i in enumerate(index) if a not in self.group.axes)
        inner = dict.fromkeys(r for r in roots if isinstance(r.op, Reduction) or self.is_full(r))
        for root in roots:
            if root not in inner:
                self.keep(root, self.value(root, row_index, None), row_index)
        if not inner:
            return
        accumulators = {r: self.accumulator(r) for r in inner if isinstance(r.op, Reduction)}
        for a in reduced:
            self.open(f"i{a}", self.group.shape[a])
        for root in inner:
            if root in accumulators:
                self.accumulate(accumulators[root], root, index)
            else:
                self.keep(root, self.value(root, index, None), index)
        self.close_reduction(reduced, tuple(accumulators.values()))
        for root, accumulator in accumulators.items():
            self.place[accumulator.name] = len(self.frames) - 1
            self.local[root] = self.rounded(accumulator, root)
            if root in self.stored:
                self.store(root, row_index, self.local[root])
        self.forget_inner()

    def accumulate(self, accumulator: Accumulator, root: Node, index: Index) -> None:
        """Add an element of the operand; to a compensated sum the factors of a product that is not needed otherwise."""
        (term,) = root.args
        product = isinstance(term.op, Multiply | Square) and term.dtype is accumulator.dtype
        if not product or not isinstance(root.op, CompensatedSum) or self.in_memory(term) or term in self.roots:
            value = self.converted(self.value(term, index, None), term, accumulator.dtype)
            self.add(Accumulate(accumulator.name, value))
        else:
            x, y = term.args[0], term.args[-1]
            self.add(Accumulate(accumulator.name, self.value(x, index, None), self.value(y, index, None)))

    def is_full(self, node: Node) -> bool:
        return bool(self.group.axes) and not isinstance(node.op, Reduction) and node.shape == self.group.shape

    def keep(self, root: Node, value: Operand, index: Index) -> None:
        """Store a root, or put it into a scratch row, or remember it."""
        if root in self.stored:
            self.store(root, index, value)
        elif self.is_full(root):
            buffer = self.scratch_buffer(root)
            self.frames[-1].statements.append(Store(buffer.name, self.scratch_place(index), value))
        if not self.is_full(root):
            self.local[root] = value

    def forget_inner(self) -> None:
        """Full values are known in the walk that calculated them only."""
        self.local = {node: value for node, value in self.local.items() if not self.is_full(node)}

    def open(self, variable: str, extent: Any) -> None:
        self.place[variable] = len(self.frames)
        self.frames.append(_Frame(extent))

    def close(self, variable: str, kind: Any, accumulators: tuple[Accumulator, ...] = ()) -> None:
        frame = self.frames.pop()
        self.sizes |= dimension.symbols_of(frame.extent)
        loop = For(variable, frame.extent, tuple(frame.statements), kind, accumulators)
        self.frames[-1].statements.append(loop)

    def open_all(self, index: Index, shape: Shape) -> None:
        """Open a loop for each loop variable in an index of an array of a shape."""
        for variable, extent in zip(index, shape, strict=False):
            if variable != 0:
                self.open(str(variable), extent)

    def close_all(self, index: Index, kind: Any) -> None:
        for variable in reversed(index):
            if variable != 0:
                self.close(str(variable), kind)

    def close_reduction(self, axes: list[int], accumulators: tuple[Accumulator, ...]) -> None:
        """Close the loops over reduced axes. Without accumulators their iterations are independent."""
        if not axes and accumulators:  # all reduced axes have size 1: a loop of one iteration carries them
            inner = [s for s in self.frames[-1].statements if isinstance(s, Accumulate)]
            self.frames[-1].statements[:] = [s for s in self.frames[-1].statements if not isinstance(s, Accumulate)]
            self.frames[-1].statements.append(For(self.fresh("j"), 1, tuple(inner), "reduce", accumulators))
            return
        kind = "reduce" if accumulators else "parallel"
        for a in reversed(axes):
            self.close(f"i{a}", kind, accumulators if a == axes[0] else ())

    # --- values ---

    def value(self, node: Node, index: Index, mask: str | None) -> Operand:
        """The value of a node at an index, calculated or loaded where it is not known yet."""
        known = self.known(node, index, mask)
        if known is not None:
            return known
        stack: list[tuple[Node, Index]] = [(node, index)]
        while stack:
            here, at = stack[-1]
            if self.known(here, at, mask) is not None:
                stack.pop()
            elif self.in_memory(here) or not isinstance(here.op, Elementwise):
                self.remember(here, at, mask, self.leaf_value(here, at, mask))
                stack.pop()
            elif missing := [arg for arg in here.args if self.known(arg, at, mask) is None]:
                stack.extend((arg, at) for arg in reversed(missing))
            else:
                args = tuple(self.operand(arg, at, mask) for arg in here.args)
                self.remember(here, at, mask, self.let(here.op, here.dtype, args))
                stack.pop()
        return self.operand(node, index, mask)

    def known(self, node: Node, index: Index, mask: str | None) -> Operand | None:
        literal = self.literal(node)
        if literal is not None:
            return literal
        if node in self.local and not (self.is_full(node) and index != domain_index(self.group.shape)):
            return self.local[node]
        for frame in reversed(self.frames):
            if (node, index, mask) in frame.known:
                return frame.known[node, index, mask]
        return None

    def operand(self, node: Node, index: Index, mask: str | None) -> Operand:
        known = self.known(node, index, mask)
        assert known is not None
        return known

    def remember(self, node: Node, index: Index, mask: str | None, value: Operand) -> None:
        number = self.place[value] if isinstance(value, str) else 0
        self.frames[number].known[node, index, mask] = value

    def literal(self, node: Node) -> Literal | None:
        if isinstance(node.op, Constant) and node.op.uniform:
            number = uniform_value(node)
            return Literal(float(number) if node.dtype.is_float else number.item(), node.dtype)
        return None

    def in_memory(self, node: Node) -> bool:
        """Whether a value is read from memory here: others' values, leaves, and dear values of earlier phases."""
        if node in self.roots:
            return node in self.buffers or node in self.scratch
        base = storage(node) if not (isinstance(node.op, Reshape) and is_trivial_reshape(node)) else node
        return base in self.materialized or has_memory(base)

    def leaf_value(self, node: Node, index: Index, mask: str | None) -> Operand:
        """A value that is no elementwise op: loaded, a position, or another element of an operand."""
        if self.in_memory(node):
            return self.load(node, index, mask)
        match node.op:
            case Iota():
                return self.position(index[0], node.dtype)
            case Extent(size=size):
                return self.position(size, node.dtype)
            case Pad():
                return self.padded(node, index, mask)
            case Concat():
                return self.concatenated(node, index, mask)
        valid: list[str] = []

        def gather(indices: Node, at: Index, extent: Any) -> Any:
            value = self.value(indices, at, mask)
            if _lies_inside(indices, extent):
                place = self.converted(value, indices, int64)
                return int(place.value) if isinstance(place, Literal) else symbol(place)
            position, ok = self.checked(value, at, extent)
            valid.append(ok)
            return symbol(position)

        ((arg, arg_index),) = operand_indices(node, index, gather)
        for ok in valid:
            mask = ok if mask is None else self.named(self.let(LogicalAnd(), bool_, (mask, ok)))
        return self.value(arg, arg_index, mask)

    def load(self, node: Node, index: Index, mask: str | None) -> Operand:
        if node in self.scratch:
            buffer, at = self.scratch[node], self.scratch_place(index)
        else:
            base = storage(node)
            buffer, at = self.buffer(base, "read"), offset(index, node.shape)
        name = self.fresh("v")
        return self.emit(name, Load(name, buffer.name, at, mask), at, mask)

    def padded(self, node: Node, index: Index, mask: str | None) -> Operand:
        """The operand inside, the value of the pad outside."""
        op, x = node.op, node.args[0]
        assert isinstance(op, Pad)
        inside, at = mask, []
        for i, start, step, n, whole in zip(index, op.start, op.step, x.shape, node.shape, strict=True):
            place = i - start
            if n != whole or step != 1:
                inside = self.both(inside, self.within(place, step, n))
                place = place if step == 1 else place // step if step > 0 else (-place) // (-step)
            at.append(place)
        if inside == mask:
            return self.value(x, tuple(at), mask)
        inner = self.value(x, tuple(at), inside)
        return self.let(Where(), node.dtype, (self.named(inside), inner, Literal(op.value, node.dtype)))

    def within(self, place: Any, step: int, n: Any) -> str:
        """Whether `place` is one of 0, step, 2*step … (n-1)*step."""
        span = n * abs(step)
        position = self.position(place if step > 0 else -place, int64)
        inside = self.let(GreaterEqual(), bool_, (position, Literal(0, int64)))
        below = self.let(Less(), bool_, (position, self.position(span, int64)))
        inside = self.let(LogicalAnd(), bool_, (inside, below))
        if abs(step) != 1:
            rest = self.let(Remainder(), int64, (position, Literal(abs(step), int64)))
            hit = self.let(Equal(), bool_, (rest, Literal(0, int64)))
            inside = self.let(LogicalAnd(), bool_, (inside, hit))
        return self.named(inside)

    def concatenated(self, node: Node, index: Index, mask: str | None) -> Operand:
        """The part in which the position lies."""
        assert isinstance(node.op, Concat)
        axis = node.op.axis
        result: Operand | None = None
        start: Any = 0
        for part in node.args:
            stop = start + part.shape[axis]
            place = index[axis] - start
            inside = self.within(place, 1, part.shape[axis])
            at = (*index[:axis], place, *index[axis + 1 :])
            value = self.value(part, at, self.both(mask, inside))
            result = value if result is None else self.let(Where(), node.dtype, (inside, value, result))
            start = stop
        assert result is not None
        return result

    # --- statements ---

    def add(self, statement: Statement) -> None:
        """Put a statement into the innermost loop."""
        self.frames[-1].statements.append(statement)

    def let(self, op: Elementwise, dtype: DType, args: tuple[Operand, ...]) -> Operand:
        name = self.fresh("v")
        return self.emit(name, Let(name, dtype, op, args), *args)

    def position(self, index: Any, dtype: DType) -> Operand:
        if isinstance(index, int):
            return Literal(float(index) if dtype.is_float else index, dtype)
        key = ("position", index, dtype)
        for frame in reversed(self.frames):
            if key in frame.known:
                return frame.known[key]
        name = self.fresh("v")
        self.emit(name, Position(name, dtype, index), index)
        self.frames[self.place[name]].known[key] = name
        return name

    def checked(self, value: Operand, at: Index, extent: Any) -> tuple[str, str]:
        """A value as an index, and whether it is inside: looked at only if there is an index `at` that place."""
        key = ("checked", value, extent)
        for frame in reversed(self.frames):
            if key in frame.known:
                position = frame.known[key]
                assert isinstance(position, str)
                return position, "ok" + position[1:]
        position = self.fresh("v")
        valid = "ok" + position[1:]
        loops = {s for i in at for s in dimension.symbols_of(i) if s in self.place}
        maybe_empty = [s for s in sorted(loops) if isinstance(n := self.frames[self.place[s]].extent, Dim) or n == 0]
        self.emit(position, CheckIndex(position, valid, value, extent), value, extent, *maybe_empty)
        self.place[valid] = self.place[position]
        self.frames[self.place[position]].known[key] = position
        return position, valid

    def both(self, a: str | None, b: str | None) -> str | None:
        if a is None or b is None:
            return a or b
        return self.named(self.let(LogicalAnd(), bool_, (a, b)))

    def named(self, value: Operand | None) -> str:
        assert isinstance(value, str)
        return value

    def emit(self, name: str, statement: Statement, *depends: Any) -> str:
        """Put a statement into the outermost loop in which all that it depends on is known."""
        needed = 0
        for item in depends:
            if isinstance(item, str):
                needed = max(needed, self.place[item])
            else:
                for s in dimension.symbols_of(item) if not isinstance(item, Literal | type(None)) else ():
                    needed = max(needed, self.place.get(s, 0))
                    if s not in self.place:
                        self.sizes.add(s)
        if isinstance(statement, Load) and statement.buffer in {b.name for b in self.scratch.values()}:
            needed = len(self.frames) - 1
        if isinstance(statement, Load) and self.writes(statement.buffer):
            needed = len(self.frames) - 1
        self.place[name] = needed
        self.frames[needed].statements.append(statement)
        return name

    def writes(self, buffer: str) -> bool:
        return any(b.name == buffer and b.access != "read" for b in self.buffers.values())

    def store(self, root: Node, index: Index, value: Operand) -> None:
        buffer = self.buffer(root, "write")
        place = offset(index, root.shape)
        for s in dimension.symbols_of(place):
            if s not in self.place:
                self.sizes.add(s)
        self.frames[-1].statements.append(Store(buffer.name, place, value))

    def buffer(self, node: Node, access: Any) -> Buffer:
        """The buffer of a node's memory; one that is read after it was written is updated."""
        old = self.buffers.get(node)
        if old is None or (old.access == "write" and access == "read"):
            name = old.name if old else f"{'x' if access == 'read' else 'y'}{len(self.buffers)}"
            self.buffers[node] = Buffer(name, node.dtype, node.type.size, "update" if old else access)
        return self.buffers[node]

    def scratch_buffer(self, root: Node) -> Buffer:
        if root not in self.scratch:
            size = dimension.product(tuple(self.group.shape[a] for a in self.group.axes))
            self.scratch[root] = Buffer(f"row{len(self.scratch)}", root.dtype, size, "scratch")
        return self.scratch[root]

    def scratch_place(self, index: Index) -> Any:
        axes = self.group.axes
        return offset(tuple(index[a] for a in axes), tuple(self.group.shape[a] for a in axes))

    def accumulator(self, root: Node) -> Accumulator:
        dtype = root.dtype.compute if isinstance(root.op, Addition | Prod) else root.dtype
        return Accumulator(self.fresh("v"), dtype, COMBINE[type(root.op)])

    def converted(self, value: Operand, node: Node, dtype: DType) -> Operand:
        if node.dtype is dtype:
            return value
        if isinstance(value, Literal):
            return Literal(value.value, dtype)
        return self.let(Cast(dtype), dtype, (value,))

    def rounded(self, accumulator: Accumulator, root: Node) -> Operand:
        if accumulator.dtype is root.dtype:
            return accumulator.name
        return self.let(Cast(root.dtype), root.dtype, (accumulator.name,))

    def fresh(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count - 1}"
