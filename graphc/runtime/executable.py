"""Code that can be called: a graph and what a target made of it go in, a function of NumPy arrays comes out.

    executable = make_executable(graph, program, code, returns_list=True)
    executable.call(x, y)                # a built-in function where the target's code is native
    executable.memory({"n": 3})          # the plan of the arena, for some sizes

The sizes of the named dimensions follow from the shapes of the arguments. What depends on them (the shapes of
the results, the plan of the arena) is calculated once for each set of shapes and kept.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any, NoReturn

import numpy as np

from graphc.backends.target import Array, Code, HostedCode, NativeCode, step_failure
from graphc.dimension import Dim
from graphc.errors import ShapeError
from graphc.interpret import check_sizes, infer_sizes
from graphc.ir.graph import Graph
from graphc.ir.leaf import Parameter, Storage
from graphc.ir.node import Node, describe
from graphc.kernel import Program, Slot
from graphc.passes.plan_memory import ALIGNMENT, MemoryPlan, plan_memory
from graphc.runtime.arguments import Signature
from graphc.runtime.trampoline import NativeFunction
from graphc.types import LARGEST

Shape = tuple[int, ...]
_KEPT_BINDINGS = 256


@dataclass(frozen=True)
class Binding:
    """What follows from the shapes of the inputs."""

    sizes: Mapping[str, int]
    output_shapes: tuple[Shape, ...]
    layout: Layout | None  # of native code


@dataclass(frozen=True)
class Layout:
    """What native code reads: the sizes in the program's order, and the places of temporaries in an arena."""

    dims: Array
    offsets: Array
    arena_bytes: int


def make_executable(graph: Graph, program: Callable[[], Program], code: Code, *, returns_list: bool) -> Executable:
    """The executable for the kind of code."""
    if isinstance(code, NativeCode):
        return NativeExecutable(graph, program, code, returns_list=returns_list)
    assert isinstance(code, HostedCode)
    return HostedExecutable(graph, program, code, returns_list=returns_list)


class Executable(ABC):
    """What all targets share: arguments, sizes and the bindings that are known."""

    call: Callable[..., Any]

    def __init__(self, graph: Graph, program: Callable[[], Program], code: Code, *, returns_list: bool) -> None:
        self.graph, self.code, self.returns_list = graph, code, returns_list
        self.signature = Signature(graph.name, graph.inputs)
        self._program = program
        self._bindings: dict[tuple[Shape, ...], Binding] = {}
        self._sizes: Mapping[str, int] | None = None if graph.dimensions else {}
        self._checked_sizes = sizes_of_a_call(graph)
        self._checked_nodes = [node for node in graph.nodes if _depends_on_sizes(node)]
        self._storages = {node: _storage(node) for node in graph.parameters}
        self._lock = threading.RLock()

    @property
    def last_sizes(self) -> Mapping[str, int] | None:
        """The sizes of the last call; None before a first call that decides them."""
        return self._sizes

    def memory(self, sizes: Mapping[str, int]) -> MemoryPlan:
        """The plan of the arena for some sizes."""
        return plan_memory(self._program(), sizes, in_place=self.code.overwrites)

    def binding(self, arrays: Sequence[Array]) -> Binding:
        """What the shapes of the arguments decide. Raises ShapeError if they contradict the inputs' types."""
        shapes = tuple(array.shape for array in arrays)
        known = self._bindings.get(shapes)
        if known is None:
            if len(self._bindings) >= _KEPT_BINDINGS:
                self._bindings.clear()
            known = self._bindings[shapes] = self._bound(shapes)
        self._sizes = known.sizes
        return known

    def _bound(self, shapes: tuple[Shape, ...]) -> Binding:
        sizes = self._sizes_of(shapes)
        for size, node in self._checked_sizes.items():
            if size.evaluate(sizes) < 0:
                known = ", ".join(f"{name} = {sizes[name]}" for name in sorted(size.symbols))
                message = f"{self.graph.name}: the size {size} is {size.evaluate(sizes)}, where {known}"
                raise ShapeError(message, details=[describe(node)])
        check_sizes(self._checked_nodes, sizes)
        outputs = tuple(node.type.concrete_shape(sizes) for node in self.graph.outputs)
        for node, shape in zip(self.graph.outputs, outputs, strict=True):
            _check_bytes(prod(shape) * node.dtype.bytes, f"{self.graph.name}: the result {node.type}", sizes)
        return Binding(sizes, outputs, self._layout(sizes))

    def _sizes_of(self, shapes: tuple[Shape, ...]) -> dict[str, int]:
        try:
            return infer_sizes(zip(self.graph.inputs, shapes, strict=True))
        except ShapeError as error:
            message = f"{self.graph.name}: {error.message}"
            raise ShapeError(message, details=error.details, help=error.help) from None

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Keep other calls out, and others that use the same parameters: locked in one order everywhere."""
        with ExitStack() as stack:
            stack.enter_context(self._lock)
            for storage in sorted(self._storages.values(), key=id):
                stack.enter_context(storage.lock)
            yield

    @abstractmethod
    def _layout(self, sizes: Mapping[str, int]) -> Layout | None:
        """What the code needs to know of the sizes."""


class NativeExecutable(Executable):
    """Runs a machine function on a table of pointers. Calls have one arena, since one runs at a time."""

    code: NativeCode

    def __init__(self, graph: Graph, program: Callable[[], Program], code: NativeCode, *, returns_list: bool) -> None:
        super().__init__(graph, program, code, returns_list=returns_list)
        self.program = program()
        slots = self.program.slots
        self._memory = [_lasting_memory(slot) for slot in slots]
        self._pointers = np.array([_address(array) for array in self._memory], np.uint64)
        self._dims = np.zeros(len(self.program.sizes), np.int64)
        self._planned = [i for i, slot in enumerate(slots) if slot.role in ("temporary", "scratch")]
        self._arena = _aligned(0)
        self._present: Layout | None = None
        self.native = NativeFunction(
            code.main,
            [(node.dtype.numpy, node.ndim) for node in graph.inputs],
            [(node.dtype.numpy, node.ndim) for node in graph.outputs],
            self._pointers,
            self._dims,
            returns_list=returns_list,
            slow=self._slow,
            failed=self._failed,
            name=graph.name,
            doc=f"{self.signature}\n\nA compiled graph.",
            owner=self,
        )
        self.call = self._guarded if code.calls_python else self.native.call

    def _layout(self, sizes: Mapping[str, int]) -> Layout:
        plan = self.memory(sizes)
        _check_bytes(plan.total, f"{self.graph.name}: what is kept on the way", sizes)
        offsets = [plan.offsets[self.program.slots[i]] for i in self._planned]
        dims = [sizes[name] for name in self.program.sizes]
        return Layout(np.array(dims, np.int64), np.array(offsets, np.uint64), plan.total)

    def _slow(self, *args: Any, **keywords: Any) -> Any:
        """A call that the fast path does not know: convert the arguments, bind their sizes, call again."""
        arrays = self.signature.arrays(args, keywords)
        with self.native.exclusive():
            binding = self.binding(arrays)
            self._enter(binding.layout)
            self.native.bind([array.shape for array in arrays], binding.output_shapes)
            return self.native.call_bound(arrays)

    def _enter(self, layout: Layout | None) -> None:
        """Put sizes and the addresses of temporaries into the tables."""
        if layout is self._present:
            return
        assert layout is not None
        if layout.arena_bytes > self._arena.nbytes:
            self._arena = _aligned(layout.arena_bytes)
        self._dims[:] = layout.dims
        self._pointers[self._planned] = layout.offsets + np.uint64(_address(self._arena))
        self._present = layout

    def _failed(self, code: int) -> NoReturn:
        raise step_failure(self.program, code, self.code.failure(code))

    def _guarded(self, *args: Any, **keywords: Any) -> Any:
        with self._exclusive():
            return self.native.call(*args, **keywords)


class HostedExecutable(Executable):
    """Runs code that takes arrays; calls wait for others that use the same parameters."""

    code: HostedCode

    def __init__(self, graph: Graph, program: Callable[[], Program], code: HostedCode, *, returns_list: bool) -> None:
        super().__init__(graph, program, code, returns_list=returns_list)
        self.call = self._run

    def _layout(self, sizes: Mapping[str, int]) -> None:
        return None

    def _run(self, *args: Any, **keywords: Any) -> Any:
        arrays = self.signature.arrays(args, keywords)
        with self._exclusive():
            binding = self.binding(arrays)
            parameters = {node: storage.array for node, storage in self._storages.items()}
            outputs = self.code.run(arrays, parameters, binding.sizes)
        if self.returns_list:
            return outputs
        return outputs[0] if outputs else None


def sizes_of_a_call(graph: Graph) -> dict[Dim, Node]:
    """Each size of the graph that a call decides, with the first node that has it.

    Raises ShapeError for one that no input decides.
    """
    decided = frozenset().union(*(node.type.symbols for node in graph.inputs))
    found: dict[Dim, Node] = {}
    for node in graph.nodes:
        for size in node.shape:
            if isinstance(size, Dim) and size not in found:
                found[size] = node
                if not size.symbols <= decided:
                    unknown = ", ".join(sorted(size.symbols - decided))
                    raise ShapeError(
                        f"{graph.name}: no input decides the size {unknown}",
                        details=[describe(node), *map(describe, graph.inputs)],
                        help="add an input with an axis of this size",
                    )
    return found


def _check_bytes(size: int, what: str, sizes: Mapping[str, int]) -> None:
    """Refuse what cannot be addressed. What can be, but is not there, is a MemoryError."""
    if size > LARGEST:
        known = ", ".join(f"{name} = {n}" for name, n in sorted(sizes.items()))
        raise ShapeError(f"{what} would take {size} bytes", details=[f"where {known}"] if known else [])


def _depends_on_sizes(node: Node) -> bool:
    """Whether the type rule of a node may fail at some sizes of named dimensions, though it holds for their names."""
    return bool(node.args) and not node.op.elementwise and any(x.type.symbols for x in (node, *node.args))


def _lasting_memory(slot: Slot) -> Array | None:
    """The memory of a slot that is the same in all calls: a constant's or a parameter's."""
    if slot.role == "constant":
        assert slot.data is not None
        return np.ascontiguousarray(slot.data)
    return _storage(slot.node).array if slot.role == "parameter" else None


def _storage(node: Node | None) -> Storage:
    assert node is not None and isinstance(node.op, Parameter)
    return node.op.storage


def _address(array: Array | None) -> int:
    return 0 if array is None else int(array.__array_interface__["data"][0])


def _aligned(size: int) -> Array:
    """Uninitialised memory that begins at a multiple of the alignment."""
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -_address(memory) % ALIGNMENT
    return memory[start : start + size]
