"""Fusion: which values get memory of their own, and which are calculated together in one kernel.

Comes in: a decomposed graph; goes out: `Fused`, groups of materialised nodes in an order in which they can run. All
other nodes are calculated where they are needed, inside the kernels, with views folded into the indices.

A group has a domain: the shape of the arrays that its kernel walks, and the axes that it reduces. Loops over the
kept axes come first, then loops over the reduced ones, so several reductions of the same rows, what is computed from
them for each row, and what is computed from these for each element, share one walk with the row in cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphc.dimension import symbol
from graphc.ir.graph import Graph
from graphc.ir.leaf import Constant, Input, Parameter
from graphc.ir.node import Node
from graphc.ir.printer import format_node, value_names
from graphc.ops.base import Elementwise, InnerGraphs, LibraryOp
from graphc.ops.contraction import Matmul
from graphc.ops.conversion import Addition, Expand, Reshape
from graphc.ops.cumulative import Cumulative
from graphc.ops.indexing import Putting, Scattering
from graphc.ops.movement import Concat, Pad, Transpose
from graphc.ops.position import Extent, Iota
from graphc.ops.reduction import Max, Min, Prod
from graphc.ops.tuples import Item
from graphc.passes.cost import EXPENSIVE, cycles
from graphc.passes.decompose import decompose
from graphc.passes.indexing import Index, is_trivial_reshape, operand_indices
from graphc.passes.registry import lowering_pass
from graphc.types import Shape

Reduction = Addition | Prod | Max | Min
Anchor = Matmul | Scattering | Cumulative | LibraryOp | InnerGraphs  # calculated alone
WholeArrays = LibraryOp | InnerGraphs  # read their operands from memory, as they are
CANDIDATES = 24  # how many recent groups a value is offered to


@dataclass(eq=False)
class Group:
    """Materialised nodes that one kernel calculates. `axes` are the reduced axes of `shape`; () if none is."""

    number: int
    shape: Shape
    axes: tuple[int, ...]
    roots: list[Node]
    reads: set[Node] = field(default_factory=set)
    before: set[int] = field(default_factory=set)  # the groups that must run first, directly or not
    size: int = 0

    @property
    def is_anchor(self) -> bool:
        return isinstance(self.roots[0].op, Anchor | Concat)

    @property
    def kept(self) -> tuple[int, ...]:
        return tuple(a for a in range(len(self.shape)) if a not in self.axes)

    @property
    def walks_rows(self) -> bool:
        """Whether the reduced axes are the last ones of several rows, so that a row stays in cache."""
        return bool(self.axes) and bool(self.kept) and self.axes[0] > self.kept[-1]


@dataclass(frozen=True, eq=False)
class Fused:
    """A graph cut into groups, in an order in which they can run."""

    graph: Graph
    materialized: frozenset[Node]
    groups: tuple[Group, ...]
    max_ops: int = 200
    accumulation: str = "blocked"

    def __str__(self) -> str:
        names = value_names(self.graph)
        lines = [f"fused {self.graph.name}"]
        for group in self.groups:
            shape = ",".join(map(str, group.shape))
            reduced = f" reducing {group.axes}" if group.axes else ""
            lines.append(f"  group over [{shape}]{reduced}")
            lines += [f"    {format_node(root, names)}" for root in group.roots]
        return "\n".join(lines) + "\n"


@lowering_pass
def fuse(graph: Graph, *, max_ops: int = 200, accumulation: str = "blocked") -> Fused:
    """Cut a graph into kernels; composite ops are decomposed first.

        exp(x) / expand(sum(exp(x)))   becomes   one group with max, sum and division over the same rows

    `max_ops` limits the size of a kernel, in simple ops; `accumulation` is as in `decompose`.
    """
    graph = decompose(graph, accumulation=accumulation)
    materialized = _materialized(graph, max_ops)
    fuser = _Fuser(materialized, max_ops)
    for node in graph.nodes:
        if node in materialized:
            fuser.place(node)
    return Fused(graph, frozenset(materialized), tuple(_in_order(fuser.groups)), max_ops, accumulation)


def storage(node: Node) -> Node:
    """The node whose memory holds a value: reshapes share that of their operand."""
    while isinstance(node.op, Reshape):
        node = node.args[0]
    return node


def has_memory(node: Node) -> bool:
    """Whether a leaf comes with memory of its own."""
    return isinstance(node.op, Input | Parameter) or (isinstance(node.op, Constant) and not node.op.uniform)


def gemm_operand(node: Node) -> tuple[Node, bool, bool]:
    """What a matrix product really reads: the stored matrix, whether transposed, and whether one serves the batch."""
    batch = tuple(range(node.ndim - 2))
    transposed, batched = False, True
    if isinstance(node.op, Transpose) and node.op.axes == (*batch, node.ndim - 1, node.ndim - 2):
        node, transposed = node.args[0], True
    if isinstance(node.op, Expand) and batch and node.op.axis == batch:
        node, batched = node.args[0], False
        if isinstance(node.op, Transpose) and not transposed and node.op.axes == (1, 0):
            node, transposed = node.args[0], True
    return node, transposed, batched


def domain_index(shape: Shape) -> Index:
    """The loop variables of a shape: `i0`, `i1` …; axes of size 1 need none."""
    return tuple(0 if n == 1 else symbol(f"i{a}") for a, n in enumerate(shape))


def _materialized(graph: Graph, max_ops: int) -> set[Node]:
    """The values that get memory."""
    chosen: set[Node] = set()
    operations: dict[Node, int] = {}
    price: dict[Node, int] = {}

    def choose(node: Node) -> None:
        node = storage(node)
        if not has_memory(node):
            chosen.add(node)

    for node in graph.nodes:
        for operand in _stored_operands(node):
            choose(operand)
    for node in graph.results:
        choose(node)
    for node in graph.nodes:
        if isinstance(node.op, Reduction | Anchor | Item):
            chosen.add(node)
        inner = [arg for arg in node.args if arg not in chosen]
        if isinstance(node.op, Concat) and any(price[arg] >= EXPENSIVE for arg in inner):
            choose(node)  # read where it is needed, each element would be calculated for all parts
        if isinstance(node.op, Expand):
            for arg in inner:
                if price[arg] >= EXPENSIVE:
                    choose(arg)
        operations[node] = _weight(node) + sum(operations[arg] for arg in node.args if arg not in chosen)
        price[node] = _price(node) + sum(price[arg] for arg in node.args if arg not in chosen)
        uses = len(set(graph.users[node]))
        worth_keeping = price[node] >= EXPENSIVE or operations[node] > 10
        if (uses > 1 and worth_keeping and node.args) or operations[node] > max_ops:
            choose(node)
        if node in chosen or has_memory(node):
            operations[node] = price[node] = 0
    return chosen


def _stored_operands(node: Node) -> Iterator[Node]:
    """The operands that must be in memory because the op reads them in another order, or through a library."""
    match node.op:
        case Matmul():
            for arg in node.args:
                yield gemm_operand(arg)[0]
        case LibraryOp() | InnerGraphs():
            yield from node.args
        case Putting() if isinstance(storage(node.args[0]).op, Parameter):
            yield from (arg for arg in node.args[1:] if arg.args)  # so that the parameter can be written in place
        case Reshape() if not (is_trivial_reshape(node) or isinstance(storage(node).op, Iota)):
            yield node.args[0]


def _price(node: Node) -> int:
    return cycles(node.op) if isinstance(node.op, Elementwise) else 0


def _weight(node: Node) -> int:
    """How much code an op makes: the size of kernels, and so the time to compile them, is limited by it."""
    return 1 + _price(node) // 4


class _Fuser:
    def __init__(self, materialized: set[Node], max_ops: int) -> None:
        self.materialized, self.max_ops = materialized, max_ops
        self.groups: list[Group] = []
        self.group_of: dict[Node, Group] = {}

    def place(self, node: Node) -> None:
        """Add a materialised node to a group that suits it, or make one."""
        if isinstance(node.op, Item):
            group = self.group_of[node] = self.group_of[node.args[0]]
            group.roots.append(node)
            return
        reads, size = self.reads(node)
        producers = {self.group_of[read].number for read, _ in reads if read in self.group_of}
        before = producers.union(*(self.groups[p].before for p in producers)) if producers else set()
        if not isinstance(node.op, Anchor | Concat):
            candidates = sorted(producers | set(range(len(self.groups))[-CANDIDATES:]), reverse=True)
            for number in candidates:
                if self.joins(self.groups[number], node, reads, size, producers):
                    self.join(self.groups[number], node, reads, size, before)
                    return
        shape, axes = _domain(node)
        group = Group(len(self.groups), shape, axes, [node], {read for read, _ in reads}, before, size)
        self.groups.append(group)
        self.group_of[node] = group

    def reads(self, node: Node) -> tuple[set[tuple[Node, Index]], int]:
        """What memory a node's expression reads, at which indices, and how many ops it has."""
        if isinstance(node.op, Matmul):
            return {(storage(gemm_operand(arg)[0]), ()) for arg in node.args}, 1
        if isinstance(node.op, WholeArrays):
            return {(storage(arg), ()) for arg in node.args}, 1
        shape, _ = _domain(node)
        index = domain_index(shape)
        start = [(node.args[0], index)] if isinstance(node.op, Reduction) else [(node, index)]
        if isinstance(node.op, Scattering | Cumulative):
            start = [(arg, ("?",)) for arg in node.args]
        found: set[tuple[Node, Index]] = set()
        seen: set[tuple[Node, Index]] = set()
        while start:
            key = start.pop()
            if key in seen:
                continue
            seen.add(key)
            stored = self.stored(key[0]) if key[0] is not node else None
            if stored is not None:
                found.add((stored, key[1] if stored is key[0] else ("?",)))
            else:
                start.extend(_needed(*key, start.append))
        return found, sum(_weight(inner) for inner, _ in seen)

    def stored(self, node: Node) -> Node | None:
        """The node in memory that holds a value, if one does."""
        base = storage(node) if not (isinstance(node.op, Reshape) and is_trivial_reshape(node)) else node
        return base if base in self.materialized or has_memory(base) else None

    def joins(self, group: Group, node: Node, reads: Any, size: int, producers: set[int]) -> bool:
        """Whether a group can calculate a node too, and gains by it."""
        if group.is_anchor or group.size + size > self.max_ops:
            return False
        if any(group.number in self.groups[p].before for p in producers if p != group.number):
            return False
        own = [(read, index) for read, index in reads if self.group_of.get(read) is group]
        shape, axes = _domain(node)
        same_rows = group.walks_rows and shape == group.shape and axes in ((), group.axes)
        if not own and not same_rows and not group.reads.intersection(read for read, _ in reads):
            return False
        fit = _fit(group, node, bool(own))
        return fit is not None and all(index == _local_index(read, *fit) for read, index in own)

    def join(self, group: Group, node: Node, reads: Any, size: int, before: set[int]) -> None:
        fit = _fit(group, node, any(self.group_of.get(read) is group for read, _ in reads))
        assert fit is not None
        group.shape, group.axes = fit
        group.roots.append(node)
        group.reads.update(read for read, _ in reads)
        group.size += size
        self.group_of[node] = group
        new = before - {group.number} - group.before
        if new:
            for other in self.groups:
                if other is group or group.number in other.before:
                    other.before |= new


def _domain(node: Node) -> tuple[Shape, tuple[int, ...]]:
    if isinstance(node.op, Reduction):
        return node.args[0].shape, node.op.axis
    return node.shape, ()


def _fit(group: Group, node: Node, reads_group: bool) -> tuple[Shape, tuple[int, ...]] | None:
    """The domain that a group has with a node added, or None if they do not go together."""
    shape, axes = _domain(node)
    if axes:
        if (shape, axes) == (group.shape, group.axes):
            return shape, axes
        rows = len(axes) < len(shape) and axes[0] == len(shape) - len(axes)
        upgrade = not group.axes and shape == group.shape and rows and reads_group
        return (shape, axes) if upgrade and all(root.shape == shape for root in group.roots) else None
    if shape == group.shape and (not group.axes or group.walks_rows):
        return group.shape, group.axes
    kept = tuple(group.shape[a] for a in group.kept)
    return (group.shape, group.axes) if group.axes and shape == kept and reads_group else None


def _local_index(read: Node, shape: Shape, axes: tuple[int, ...]) -> Index:
    """The index at which a kernel calculates one of its own values: only there it can be used without memory."""
    index = domain_index(shape)
    if isinstance(read.op, Reduction) or read.shape != shape:
        return tuple(i for a, i in enumerate(index) if a not in axes)
    return index


def _needed(node: Node, index: Index, also: Any) -> list[tuple[Node, Index]]:
    """The operands of a mapping op with their indices."""
    if isinstance(node.op, Iota | Extent | Constant):
        return []
    if isinstance(node.op, Pad | Concat):
        return [(arg, ("?",) * arg.ndim) for arg in node.args]

    def gather(indices: Node, at: Index, extent: Any) -> Any:
        also((indices, at))
        return "?"

    if "?" in index:
        return [(arg, ("?",) * max(arg.ndim, 1)) for arg in node.args]
    return operand_indices(node, index, gather)


def _in_order(groups: list[Group]) -> list[Group]:
    """Groups such that what a group reads comes before it; otherwise in the order of their making."""
    order: list[Group] = []
    done: set[int] = set()
    stack = list(reversed(groups))
    while stack:
        group = stack[-1]
        missing = sorted((n for n in group.before if n not in done and n != group.number), reverse=True)
        if group.number in done:
            stack.pop()
        elif missing:
            stack.extend(groups[n] for n in missing)
        else:
            done.add(group.number)
            order.append(stack.pop())
    return order
