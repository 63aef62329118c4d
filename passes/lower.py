"""Groups of a fused graph become a program: slots in memory, and steps that run kernels and matrix products.

Everything that can fail or that others read comes before the commit; then parameters take their new values, in place
where a kernel reads the old value only where it writes the new one, else by a copy at the very end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from graphc import dimension
from graphc.ir.graph import Graph
from graphc.ir.leaf import Constant, Input, Parameter
from graphc.ir.node import Node
from graphc.kernel import (
    Buffer,
    Copy,
    For,
    Gemm,
    Kernel,
    KernelCall,
    LibraryCall,
    Load,
    Program,
    Slot,
    Statement,
    Step,
    Store,
    walk,
)
from graphc.ops.base import InnerGraphs, LibraryOp
from graphc.ops.contraction import Matmul
from graphc.ops.indexing import Putting
from graphc.ops.tuples import items
from graphc.passes.build_kernel import Built, build_kernel
from graphc.passes.collapse import collapse
from graphc.passes.fuse import Fused, Group, fuse, gemm_operand, storage
from graphc.passes.lower_loop import lower_loop
from graphc.passes.registry import lowering_pass
from graphc.passes.serial import only_checks
from graphc.types import TensorType, TupleType


@lowering_pass
def lower(fused: Fused) -> Program:
    """Give memory to values and make steps of groups.

    group over [n,10] reducing (1,)   becomes   a kernel, and a call of it on slots
    """
    return _Lowering(fused).program()


class _Lowering:
    """The lowering of one graph: of the whole, or of the body of a loop or a branch, which has an `outer` one."""

    def __init__(self, fused: Fused, outer: _Lowering | None = None) -> None:
        self.fused, self.graph = fused, fused.graph
        self.owner = {root: group for group in fused.groups for root in group.roots}
        self.slots: dict[Node, Slot] = {}
        self.output_slots: list[Slot] = []
        self.all_slots: list[Slot] = outer.all_slots if outer else []
        self.kernels: dict[object, Kernel] = outer.kernels if outer else {}
        self.kernel_names: set[str] = outer.kernel_names if outer else set()
        self.early: list[Step] = []
        self.late: list[Step] = []
        self.copies: list[Step] = []

    def program(self) -> Program:
        self.reserve()
        steps = self.run()
        slots = [*self.all_slots]
        order = {"input": 0, "output": 1, "parameter": 2, "constant": 3, "temporary": 4, "scratch": 5}
        slots.sort(key=lambda slot: order[slot.role])
        return Program(self.graph.name, tuple(slots), steps, len(self.early), self.graph.dimensions)

    def run(self) -> tuple[Step, ...]:
        """The steps: what others read and what can fail, then what writes parameters."""
        targets = self.update_targets()
        committed = [g for g in self.fused.groups if self.only_updates(g, targets)]
        for group in self.fused.groups:
            if group not in committed:
                self.early.extend(self.steps(group))
        self.early += [self.checks(group) for group in committed if self.built(group).kernel.checks_indices]
        self.copy_outputs()
        self.copy_updates(targets, committed)
        return (*self.early, *self.late, *self.copies)

    def inside(self, graph: Graph, slots: Mapping[Node, Slot], outputs: Sequence[Slot]) -> tuple[Step, ...]:
        """The steps of an inner graph: its inputs are in these slots, its outputs go to those."""
        inner = _Lowering(fuse(graph, max_ops=self.fused.max_ops, accumulation=self.fused.accumulation), self)
        inner.slots.update(slots)
        for node, slot in zip(inner.graph.outputs, outputs, strict=True):
            inner.write_to(node, slot)
        return inner.run()

    def is_wanted(self, node: Node) -> bool:
        """Whether something reads a value."""
        return node in self.owner

    # --- memory ---

    def new_slot(self, name: str, type_: TensorType, role: str, node: Node | None = None) -> Slot:
        data = node.op.value if role == "constant" and node is not None and isinstance(node.op, Constant) else None
        slot = Slot(name, type_, role, node, data)  # type: ignore[arg-type]
        self.all_slots.append(slot)
        return slot

    def reserve(self) -> None:
        """Slots of inputs, parameters and outputs; an output that a kernel computes is written directly."""
        for node in self.graph.inputs:
            self.slots[node] = self.new_slot(_label(node), node.type, "input", node)
        for node in self.graph.parameters:
            self.slots[node] = self.new_slot(_label(node), node.type, "parameter", node)
        for number, node in enumerate(self.graph.outputs):
            self.write_to(node, self.new_slot(self.graph.names.get(node, f"out{number}"), node.type, "output", node))

    def write_to(self, node: Node, slot: Slot) -> None:
        """Let an output be written to a slot: by what computes it, or else by a copy."""
        self.output_slots.append(slot)
        if storage(node) in self.owner and storage(node) not in self.slots:
            self.slots[storage(node)] = slot

    def slot(self, node: Node) -> Slot:
        base = storage(node)
        if base not in self.slots:
            role = "constant" if isinstance(base.op, Constant) and not base.op.uniform else "temporary"
            number = len(self.all_slots)
            name = self.graph.names.get(base, f"{'c' if role == 'constant' else 't'}{number}")
            self.slots[base] = self.new_slot(name, base.type, role, base)
        return self.slots[base]

    # --- updates ---

    def update_targets(self) -> dict[Node, list[Node]]:
        """The parameters that each materialised value is stored into."""
        targets: dict[Node, list[Node]] = {}
        for parameter, value in self.graph.updates:
            if storage(value) is not parameter:
                targets.setdefault(storage(value), []).append(parameter)
        return targets

    def only_updates(self, group: Group, targets: dict[Node, list[Node]]) -> bool:
        """Whether a group computes nothing but new values of parameters, and fails for indices at most."""
        stored = self.stored(group)
        if (group.is_anchor and not isinstance(group.roots[0].op, Putting)) or not stored:
            return False
        if any(len(targets.get(root, ())) != 1 for root in stored):
            return False
        if any(root in self.slots or self.is_read(root, group) for root in stored):
            return False
        return isinstance(group.roots[0].op, Putting) or not self.built(group).kernel.checks_indices

    def copy_outputs(self) -> None:
        for node, slot in zip(self.graph.outputs, self.output_slots, strict=True):
            if self.slot(node) is not slot:
                self.early.append(Copy(self.slot(node), slot, (node,)))

    def copy_updates(self, targets: dict[Node, list[Node]], committed: list[Group]) -> None:
        """Kernels that write parameters in place where nothing else reads the old value; copies for the others."""
        updated = {parameter for parameters in targets.values() for parameter in parameters}
        for group in committed:
            in_place = {}
            stored = self.stored(group)
            for root in (root for root in group.roots if root in stored):
                (parameter,) = targets[root]
                others = [g for g in committed if g is not group and parameter in g.reads]
                if not others and parameter.type == root.type:
                    in_place[root] = parameter
            self.late.append(self.update_step(group, in_place, targets))
        for value, parameters in targets.items():
            for parameter in parameters:
                if self.slots.get(value) is self.slots[parameter]:
                    continue
                source = self.slot(value)
                if value in updated:
                    source = self.new_slot(f"{source.name}.old", source.type, "temporary")
                    self.early.append(Copy(self.slot(value), source, (value,)))
                self.copies.append(Copy(source, self.slots[parameter], (value,)))

    def update_step(self, group: Group, in_place: dict[Node, Node], targets: dict[Node, list[Node]]) -> Step:
        built = self.built(group)
        for root, parameter in in_place.items():
            merged = _in_place(built, root, parameter)
            clean = all(p is not parameter or r is root for r, p in in_place.items())
            if merged is not None and clean:
                built = merged
                self.slots[root] = self.slots[parameter]
        return self.call(group, built)

    # --- steps ---

    def is_read(self, root: Node, group: Group) -> bool:
        return any(root in other.reads for other in self.fused.groups if other is not group)

    def stored(self, group: Group) -> set[Node]:
        """The values of a group that are needed outside."""
        results = {storage(node) for node in self.graph.results}
        return {root for root in group.roots if root in results or self.is_read(root, group)}

    def built(self, group: Group) -> Built:
        name = "_".join(dict.fromkeys(root.op.name for root in group.roots[-3:]))
        return build_kernel(group, self.stored(group), self.fused.materialized, name)

    def checks(self, group: Group) -> Step:
        """Look whether a group will fail, before anything is written."""
        built = self.built(group)
        body = only_checks(built.kernel.body, set())
        read = {s.buffer for s in walk(body) if isinstance(s, Load)}
        used = [(b, node) for b, node in zip(built.kernel.buffers, built.nodes, strict=True) if b.name in read]
        buffers = tuple(replace(b, access="read") for b, _ in used)
        kernel = replace(built.kernel, name=f"check_{built.kernel.name}", buffers=buffers, body=body)
        return self.call(group, Built(kernel, tuple(node for _, node in used)))

    def steps(self, group: Group) -> tuple[Step, ...]:
        node = group.roots[0]
        match node.op:
            case Matmul():
                return (self.gemm(node),)
            case LibraryOp():
                return (self.library_call(node),)
            case InnerGraphs():
                return lower_loop(node, self)
        return (self.call(group, self.built(group)),)

    def call(self, group: Group, built: Built) -> KernelCall:
        kernel = self.shared(collapse(built.kernel))
        slots = []
        for buffer, node in zip(kernel.buffers, built.nodes, strict=True):
            slots.append(self.slot(node) if node is not None else self.scratch(buffer))
        return KernelCall(kernel, tuple(slots), tuple(group.roots))

    def scratch(self, buffer: Buffer) -> Slot:
        return self.new_slot(f"s{len(self.all_slots)}", TensorType(buffer.dtype, (buffer.size,)), "scratch")

    def shared(self, kernel: Kernel) -> Kernel:
        """The kernel itself, or an equal one that is there already under its own name."""
        key = (kernel.buffers, kernel.sizes, kernel.body)
        if key not in self.kernels:
            name, number = kernel.name, 1
            while name in self.kernel_names:
                number += 1
                name = f"{kernel.name}_{number}"
            self.kernel_names.add(name)
            self.kernels[key] = replace(kernel, name=name)
        return self.kernels[key]

    def gemm(self, node: Node) -> Gemm:
        (a, transpose_a, batched_a), (b, transpose_b, batched_b) = map(gemm_operand, node.args)
        batch = dimension.product(node.shape[:-2])
        m, n = node.shape[-2:]
        return Gemm(
            self.slot(a), self.slot(b), self.slot(node), batch, m, n, node.args[0].shape[-1],
            transpose_a, transpose_b, batched_a, batched_b, (node,),
        )  # fmt: skip

    def library_call(self, node: Node) -> LibraryCall:
        assert isinstance(node.op, LibraryOp)
        operands = tuple(self.slot(arg) for arg in node.args)
        types = tuple(arg.type for arg in node.args)
        results = tuple(self.slot(result) for result in _results(node))
        return LibraryCall(node.op, operands, results, types, tuple(r.type for r in _results(node)), (node,))


def _results(node: Node) -> tuple[Node, ...]:
    """The tensors that a node computes: itself, or its items."""
    return items(node) if isinstance(node.type, TupleType) else (node,)


def _label(node: Node) -> str:
    assert isinstance(node.op, Input | Parameter)
    return node.op.label


def _in_place(built: Built, root: Node, parameter: Node) -> Built | None:
    """The kernel that overwrites a parameter's memory, or None if it reads the old value elsewhere or later."""
    buffer_of = {node: b for node, b in zip(built.nodes, built.kernel.buffers, strict=True) if node is not None}
    new = buffer_of[root]
    if parameter not in buffer_of:
        return built
    old = buffer_of[parameter]
    first, *rest = built.kernel.body
    if _is_copy(first, old.name, new.name):
        if any(isinstance(s, Load) and s.buffer == old.name for s in walk(tuple(rest))):
            return None
        return _merged(built, tuple(rest), root, new.name, old.name)
    body = _stored_last(built.kernel.body, new.name)
    stores = [s for s in walk(body) if isinstance(s, Store) and s.buffer == new.name]
    loads = [s for s in walk(body) if isinstance(s, Load) and s.buffer == old.name]
    rereads = [s for s in walk(body) if isinstance(s, Load) and s.buffer == new.name]
    if len(stores) != 1 or rereads or any(load.index != stores[0].index for load in loads):
        return None
    order = list(walk(body))
    if any(order.index(load) > order.index(stores[0]) for load in loads):
        return None
    return _merged(built, body, root, new.name, old.name)


def _stored_last(body: tuple[Statement, ...], buffer: str) -> tuple[Statement, ...]:
    """Statements with the stores to a buffer at the end of their loops, after all that is read there."""
    inner = [replace(s, body=_stored_last(s.body, buffer)) if isinstance(s, For) else s for s in body]
    return tuple(sorted(inner, key=lambda s: isinstance(s, Store) and s.buffer == buffer))


def _is_copy(statement: Statement, source: str, target: str) -> bool:
    """Whether loops do nothing but copy a buffer."""
    while isinstance(statement, For) and len(statement.body) == 1:
        statement = statement.body[0]
    match statement:
        case For(body=(Load(name, buffer, index, None), Store(goal, place, value, None))):
            return (buffer, goal, index, name) == (source, target, place, value)
    return False


def _merged(built: Built, body: tuple[Statement, ...], root: Node, new: str, old: str) -> Built:
    """A kernel with the body, in which a root's buffer is an old one."""
    kept = (b for b in built.kernel.buffers if b.name != new)
    buffers = tuple(replace(b, access="update") if b.name == old else b for b in kept)
    body = tuple(_renamed(s, new, old) for s in body)
    nodes = tuple(node for node in built.nodes if node is not root)
    return Built(replace(built.kernel, buffers=buffers, body=body), nodes)


def _renamed(statement: Statement, old: str, new: str) -> Statement:
    if isinstance(statement, For):
        return replace(statement, body=tuple(_renamed(s, old, new) for s in statement.body))
    if isinstance(statement, Load | Store) and statement.buffer == old:
        return replace(statement, buffer=new)
    return statement
