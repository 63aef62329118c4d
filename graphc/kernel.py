"""Kernel IR: what a target translates. Structured loops over buffers, and the program of steps that runs them.

A kernel is a nest of loops. Values are named; a `Let` applies an elementwise op of the tensor graph to named values,
so a target needs no list of ops: it hands its own vocabulary to `op.scalar`. Indices are `Dim` expressions over loop
variables, named dimensions and integer values, so a target reads strides off them (`dimension.coefficient`).

    kernel softmax(read x: f32[m*n], write y: f32[m*n]; m, n)
      for i < m parallel
        for j < n reduce(top: max f32)
          a: f32 = x[i*n+j]
          top <- a
        for j < n reduce(total: sum f32)
          b: f32 = x[i*n+j]
          c: f32 = subtract(b, top)
          d: f32 = exp(c)
          total <- d
        ...
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal as OneOf

from graphc.dimension import Dim
from graphc.types import DType, TensorType

if TYPE_CHECKING:
    import numpy as np

    from graphc.ir.node import Node
    from graphc.ops.base import Elementwise, LibraryOp

Index = int | Dim
Access = OneOf["read", "write", "update", "scratch"]
Combine = OneOf["sum", "compensated_sum", "prod", "max", "min"]
Kind = OneOf["parallel", "reduce", "serial"]
Mapping = OneOf["serial", "vector", "grid", "block", "thread"]

BLOCK = 16  # values of a sum that are added up in its dtype


@dataclass(frozen=True)
class Buffer:
    """Contiguous memory that a kernel sees. A scratch buffer is private to one iteration of the parallel loops."""

    name: str
    dtype: DType
    size: Index
    access: Access


@dataclass(frozen=True)
class Literal:
    """A number as an operand."""

    value: bool | int | float
    dtype: DType

    def __str__(self) -> str:
        return f"{self.value!r}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and (repr(self.value), self.dtype) == (repr(other.value), other.dtype)

    def __hash__(self) -> int:
        return hash((repr(self.value), self.dtype))


Operand = str | Literal


@dataclass(frozen=True)
class Load:
    """`name = buffer[index]`; 0 where the mask (a bool value) does not hold, and then nothing is read."""

    name: str
    buffer: str
    index: Index
    mask: str | None = None


@dataclass(frozen=True)
class Store:
    """`buffer[index] = value`; nothing is written where the mask (a bool value) does not hold."""

    buffer: str
    index: Index
    value: Operand
    mask: str | None = None


@dataclass(frozen=True)
class Let:
    """`name = op(args)`, calculated in `dtype.compute` of the operands and rounded to `dtype`."""

    name: str
    dtype: DType
    op: Elementwise
    args: tuple[Operand, ...]


@dataclass(frozen=True)
class Position:
    """`name = index` as a value of an integer or float dtype."""

    name: str
    dtype: DType
    index: Index


@dataclass(frozen=True)
class CheckIndex:
    """Make an integer value fit to be an index: `name` is it, wrapped from the end if negative, and clamped;
    `valid` says whether it lay in [-extent, extent). An invalid one records the call's error code.
    """

    name: str
    valid: str
    value: Operand
    extent: Index


@dataclass(frozen=True)
class Prefetch:
    """Ask memory for the elements at an index, which are read later. A hint: any index is allowed."""

    buffer: str
    index: Index


@dataclass(frozen=True)
class Accumulator:
    """A value that a loop reduces: named and readable after the loop; in a serial one inside, too, as it is so far.

    It begins with what changes nothing, or with `start`. Sums of floats are added up in blocks: up to `BLOCK` values in
    the dtype itself, the sums of blocks as if in twice the precision. A compensated sum calculates all so.
    """

    name: str
    dtype: DType
    combine: Combine
    start: float | None = None

    @property
    def lost(self) -> str:
        """The name of what the result of a compensated sum misses, which only a sum of such results reads."""
        return f"{self.name}.lost"


@dataclass(frozen=True)
class Accumulate:
    """Combine a value into an accumulator of the enclosing reduce loop: a compensated sum takes the exact product with
    `factor`.
    """

    accumulator: str
    value: Operand
    factor: Operand | None = None


@dataclass(frozen=True)
class For:
    """`for var in range(extent)`.

    `kind` is what the loop means: parallel iterations are independent, a reduce loop carries accumulators (in any
    order), a serial one keeps its order. `mapping` is what a schedule made of it for a target.
    """

    var: str
    extent: Index
    body: tuple[Statement, ...]
    kind: Kind = "parallel"
    accumulators: tuple[Accumulator, ...] = ()
    mapping: Mapping = "serial"


Statement = Load | Store | Let | Position | CheckIndex | Accumulate | Prefetch | For


@dataclass(frozen=True)
class Kernel:
    """Loops over buffers; `sizes` are the named dimensions it needs, as int64 arguments after the buffers."""

    name: str
    buffers: tuple[Buffer, ...]
    sizes: tuple[str, ...]
    body: tuple[Statement, ...]

    @property
    def checks_indices(self) -> bool:
        """Whether it can fail: it then takes an int32 error cell and this call's error code as last arguments."""
        return any(isinstance(statement, CheckIndex) for statement in walk(self.body))

    def __str__(self) -> str:
        buffers = ", ".join(f"{b.access} {b.name}: {b.dtype}[{b.size}]" for b in self.buffers)
        head = f"kernel {self.name}({buffers}; {', '.join(self.sizes)})"
        return "\n".join([head, *_lines(self.body, "  ")])


def walk(body: tuple[Statement, ...]) -> Iterator[Statement]:
    """All statements, outer before inner, in order."""
    for statement in body:
        yield statement
        if isinstance(statement, For):
            yield from walk(statement.body)


def _lines(body: tuple[Statement, ...], indent: str) -> Iterator[str]:
    for statement in body:
        match statement:
            case For(var, extent, inner, kind, accumulators, mapping):
                carried = ", ".join(f"{a.name}: {a.combine} {a.dtype}" for a in accumulators)
                how = f"{kind}({carried})" if carried else kind
                yield f"{indent}for {var} < {extent} {how}" + ("" if mapping == "serial" else f" @{mapping}")
                yield from _lines(inner, indent + "  ")
            case Load(name, buffer, index, mask):
                yield f"{indent}{name} = {buffer}[{index}]" + (f" if {mask}" if mask else "")
            case Store(buffer, index, value, mask):
                yield f"{indent}{buffer}[{index}] = {value}" + (f" if {mask}" if mask else "")
            case Let(name, dtype, op, args):
                yield f"{indent}{name}: {dtype} = {op.name}({', '.join(map(str, args))})"
            case Position(name, dtype, index):
                yield f"{indent}{name}: {dtype} = {index}"
            case CheckIndex(name, valid, value, extent):
                yield f"{indent}{name}, {valid} = check({value}, {extent})"
            case Accumulate(accumulator, value, factor):
                yield f"{indent}{accumulator} <- {value}" + (f" * {factor}" if factor is not None else "")
            case Prefetch(buffer, index):
                yield f"{indent}prefetch {buffer}[{index}]"


Role = OneOf["input", "parameter", "constant", "output", "temporary", "scratch", "view"]


@dataclass(frozen=True, eq=False)
class Slot:
    """A place in memory that steps read and write: an input, a parameter, a constant, an output or a temporary.

    A view is a part of another slot, `base`, which begins at the element `offset`: an index that may count iterations.
    Where that lies outside of the base, the view is that of `otherwise`, if there is one.
    """

    name: str
    type: TensorType
    role: Role
    node: Node | None = None
    data: np.ndarray[Any, Any] | None = field(default=None, repr=False)  # of a constant
    base: Slot | None = None
    offset: Index = 0
    otherwise: Slot | None = None

    @property
    def roots(self) -> tuple[Slot, ...]:
        """The slots that have the memory."""
        found: list[Slot] = []
        stack: list[Slot] = [self]
        while stack:
            slot = stack.pop()
            if slot.base is None:
                found.append(slot)
            else:
                stack += [part for part in (slot.otherwise, slot.base) if part is not None]
        return tuple(found)

    def __str__(self) -> str:
        return f"{self.name}: {self.type}"


@dataclass(frozen=True, eq=False)
class KernelCall:
    """Run a kernel on slots, one for each of its buffers."""

    kernel: Kernel
    slots: tuple[Slot, ...]
    nodes: tuple[Node, ...] = ()  # what it computes, for reports and errors

    def __str__(self) -> str:
        return f"{self.kernel.name}({', '.join(s.name for s in self.slots)})"


@dataclass(frozen=True, eq=False)
class Gemm:
    """`out[b] = a[b] @ b[b]` for row-major matrices: out is (batch, m, n).

    A transposed operand is stored as (k, m) or (n, k); an operand that is not batched is shared by the batch.
    """

    a: Slot
    b: Slot
    out: Slot
    batch: Index
    m: Index
    n: Index
    k: Index
    transpose_a: bool
    transpose_b: bool
    batched_a: bool
    batched_b: bool
    nodes: tuple[Node, ...] = ()

    @property
    def slots(self) -> tuple[Slot, ...]:
        return self.a, self.b, self.out

    def __str__(self) -> str:
        flags = "".join(t for t, on in (("t", self.transpose_a), ("n", not self.transpose_a)) if on)
        flags += "t" if self.transpose_b else "n"
        return f"gemm_{flags}({self.a.name}, {self.b.name}, {self.out.name}; {self.m}, {self.n}, {self.k})"


@dataclass(frozen=True, eq=False)
class Copy:
    """Copy one slot to another of the same size: how updates reach parameters."""

    source: Slot
    target: Slot
    nodes: tuple[Node, ...] = ()

    @property
    def slots(self) -> tuple[Slot, ...]:
        return self.source, self.target

    def __str__(self) -> str:
        return f"copy({self.source.name}, {self.target.name})"


@dataclass(frozen=True, eq=False)
class LibraryCall:
    """Let a library calculate an op on whole arrays, which have these types in the memory of the slots."""

    op: LibraryOp
    operands: tuple[Slot, ...]
    results: tuple[Slot, ...]
    operand_types: tuple[TensorType, ...]
    result_types: tuple[TensorType, ...]
    nodes: tuple[Node, ...] = ()

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (*self.operands, *self.results)

    @property
    def sizes(self) -> tuple[str, ...]:
        """The named dimensions that its types and attributes mention."""
        found = frozenset().union(*(t.symbols for t in (*self.operand_types, *self.result_types)))
        return tuple(sorted(found | _symbols(tuple(self.op.attributes().values()))))

    def __str__(self) -> str:
        return f"{self.op.name}({', '.join(s.name for s in self.slots)})"


@dataclass(frozen=True, eq=False)
class Repeat:
    """`for counter in range(extent)`, in order; without an extent until a step leaves. Indices may use the counter."""

    counter: str
    extent: Index | None
    body: tuple[Step, ...]
    nodes: tuple[Node, ...] = ()

    @property
    def slots(self) -> tuple[Slot, ...]:
        return tuple(slot for step in self.body for slot in step.slots)

    def __str__(self) -> str:
        extent = "" if self.extent is None else f" < {self.extent}"
        return "\n".join([f"repeat {self.counter}{extent}", *_step_lines(self.body)])


@dataclass(frozen=True, eq=False)
class Leave:
    """Leave the innermost repetition if a truth value is as `when` says."""

    condition: Slot
    when: bool
    nodes: tuple[Node, ...] = ()

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (self.condition,)

    def __str__(self) -> str:
        return f"leave if {'' if self.when else 'not '}{self.condition.name}"


@dataclass(frozen=True, eq=False)
class Branch:
    """Run the steps of one branch, by number (int32); a number that is too small or large stands for the nearest."""

    number: Slot
    branches: tuple[tuple[Step, ...], ...]
    nodes: tuple[Node, ...] = ()

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (self.number, *(slot for body in self.branches for step in body for slot in step.slots))

    def __str__(self) -> str:
        lines = [f"branch {self.number.name}"]
        for case, body in enumerate(self.branches):
            lines += [f"case {case}", *_step_lines(body)]
        return "\n".join(lines)


Step = KernelCall | Gemm | Copy | LibraryCall | Repeat | Leave | Branch


def all_steps(steps: tuple[Step, ...]) -> Iterator[Step]:
    """The steps in the order of their numbers: outer before inner, in order."""
    for step in steps:
        yield step
        for body in bodies(step):
            yield from all_steps(body)


def bodies(step: Step) -> tuple[tuple[Step, ...], ...]:
    """The lists of steps inside of a step."""
    match step:
        case Repeat(body=body):
            return (body,)
        case Branch(branches=branches):
            return branches
    return ()


def with_bodies(step: Step, inner: tuple[tuple[Step, ...], ...]) -> Step:
    """The step with other lists of steps inside."""
    match step:
        case Repeat():
            return replace(step, body=inner[0])
        case Branch():
            return replace(step, branches=inner)
    return step


def _step_lines(steps: tuple[Step, ...]) -> Iterator[str]:
    return (f"  {line}" for step in steps for line in str(step).split("\n"))


def _symbols(value: Any) -> frozenset[str]:
    if isinstance(value, tuple):
        return frozenset().union(*map(_symbols, value))
    return value.symbols if isinstance(value, Dim | TensorType) else frozenset()


@dataclass(frozen=True, eq=False)
class Program:
    """Steps in order, over slots. Steps from `commit` on write parameters; they run only if nothing failed before.

    A failure is known by the number of its step, from 1, in the order of `numbered`.
    """

    name: str
    slots: tuple[Slot, ...]
    steps: tuple[Step, ...]
    commit: int
    sizes: tuple[str, ...]

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The distinct kernels, in order of first use."""
        return tuple(dict.fromkeys(step.kernel for step in self.numbered if isinstance(step, KernelCall)))

    @cached_property
    def numbered(self) -> tuple[Step, ...]:
        """All steps, those inside of others after these."""
        return tuple(all_steps(self.steps))

    def __str__(self) -> str:
        lines = [f"program {self.name}({', '.join(self.sizes)})"]
        lines += [f"  {slot.role} {slot}" for slot in self.slots]
        for number, step in enumerate(self.steps):
            lines += ["  commit"] if number == self.commit else []
            lines += _step_lines((step,))
        return "\n".join(lines)
