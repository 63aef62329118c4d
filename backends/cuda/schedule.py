"""From the loops of a kernel to the threads of a GPU.

Comes in: a kernel whose loops say what they mean (parallel, reduce, serial). Goes out: `Phase`s, launches
that follow each other. In a phase of style "threads" each iteration of the outer parallel loops belongs to
one thread; in style "blocks" it belongs to one block, whose threads share the parallel and reduce loops
inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeGuard

from graphc.dimension import coefficient, evaluate, product, substitute, symbol, symbols_of
from graphc.kernel import (
    Accumulate,
    Buffer,
    CheckIndex,
    For,
    Index,
    Kernel,
    Let,
    Load,
    Operand,
    Position,
    Statement,
    Store,
    walk,
)

THREADS = 256  # of a block in which each thread has its own work
_MOST_THREADS = 1024
MOST_BLOCKS = 8192  # threads and blocks stride over what exceeds it
MOST_SHARED_BYTES = 48 * 1024  # what every GPU gives without asking
MOST_SLOTS = 1024  # blocks that work at a time where their scratch is in global memory
PACK_BYTES = 16
_SHORT_LOOP = 32  # iterations that one thread does faster than a block
_LOCAL_BYTES = 256  # scratch that a thread keeps in registers or local memory


@dataclass(frozen=True)
class Launch:
    """What a launch needs for given sizes. `slot_bytes` of `workspace_bytes` are the scratch of one block (or
    thread); 0 where the scratch is in shared memory.
    """

    grid: int
    block: int
    shared_bytes: int = 0
    slot_bytes: int = 0
    workspace_bytes: int = 0


@dataclass(frozen=True)
class Phase:
    """One launch: outer parallel loops, and the body that a thread or a block runs for each of their
    iterations."""

    name: str
    loops: tuple[For, ...]
    body: tuple[Statement, ...]
    style: Literal["threads", "blocks"]
    scratch: tuple[Buffer, ...]
    sizes: tuple[str, ...]
    pack: int = 1

    @property
    def count(self) -> Index:
        """The iterations of the outer loops."""
        return product(tuple(loop.extent for loop in self.loops))

    @property
    def local_scratch(self) -> bool:
        """Whether scratch is so small that each thread holds its own."""
        total = scratch_bytes(self.scratch)
        return self.style == "threads" and isinstance(total, int) and total <= _LOCAL_BYTES

    @property
    def uses_workspace(self) -> bool:
        """Whether scratch is in shared memory or, where that is too small, in a workspace in global
        memory."""
        return bool(self.scratch) and not self.local_scratch

    @property
    def most_threads(self) -> int:
        """The largest block that it is launched with."""
        return THREADS if self.style == "threads" else _MOST_THREADS

    def launch(self, sizes: Mapping[str, int]) -> Launch:
        """The shape for these sizes; a grid of 0 means that there is nothing to do."""
        count = evaluate(self.count, sizes)
        block = THREADS if self.style == "threads" else self._block_threads(sizes)
        blocks = -(-count // (block * self.pack)) if self.style == "threads" else count
        slot = 0 if self.local_scratch else evaluate(scratch_bytes(self.scratch), sizes)
        if self.style == "blocks" and slot <= MOST_SHARED_BYTES:
            return Launch(min(blocks, MOST_BLOCKS), block, shared_bytes=slot)
        grid = min(blocks, MOST_SLOTS if slot else MOST_BLOCKS)
        slots = grid * (block if self.style == "threads" else 1)
        return Launch(grid, block, slot_bytes=slot, workspace_bytes=slots * slot)

    def _block_threads(self, sizes: Mapping[str, int]) -> int:
        """Whole warps, about four iterations of the longest shared loop for each thread."""
        longest = 1
        for extent in _shared_extents(self.body):
            known = symbols_of(extent) <= set(self.sizes)
            longest = max(longest, evaluate(extent, sizes) if known else 4 * THREADS)
        return min(_MOST_THREADS, max(1, -(-longest // 128)) * 32)


def scratch_bytes(scratch: tuple[Buffer, ...]) -> Index:
    """The bytes of scratch buffers, each aligned to 16."""
    total: Index = 0
    for buffer in scratch:
        total = total + (buffer.size * buffer.dtype.bytes + 15) // 16 * 16
    return total


def schedule(kernel: Kernel, fresh: Callable[[str], str] = str) -> tuple[Phase, ...]:
    """The launches of a kernel, in order; `fresh` makes a name that no other function has."""
    segments = _segments(kernel)
    if len(segments) == 1:
        return (_phase(kernel, fresh(kernel.name), segments[0]),)
    numbered = enumerate(segments, 1)
    return tuple(_phase(kernel, fresh(f"{kernel.name}_{number}"), segment) for number, segment in numbered)


def _segments(kernel: Kernel) -> list[tuple[Statement, ...]]:
    """The top level, cut wherever no value and no scratch is shared across the cut."""
    shared = {buffer.name for buffer in kernel.buffers if buffer.access == "scratch"}
    shared.update(name for statement in kernel.body for name in _results(statement))
    uses = [shared & set(mentions(statement)) for statement in kernel.body]
    last_use = {name: position for position, names in enumerate(uses) for name in names}
    segments, begin, end = [], 0, 0
    for position, names in enumerate(uses):
        end = max([end, *(last_use[name] for name in names)])
        if position == end:
            segments.append(kernel.body[begin : position + 1])
            begin = end = position + 1
    return segments


def _results(statement: Statement) -> tuple[str, ...]:
    """The values that later statements of the same level can read."""
    match statement:
        case Load(name) | Let(name) | Position(name):
            return (name,)
        case CheckIndex(name, valid):
            return name, valid
        case For():
            return tuple(accumulator.name for accumulator in statement.accumulators)
    return ()


def mentions(statement: Statement) -> Iterator[str]:
    """Every name in a statement: what it defines and what it uses."""
    for inner in walk((statement,)):
        match inner:
            case Load(name, buffer, index, mask):
                yield from (name, buffer, *symbols_of(index), *([mask] if mask else []))
            case Store(buffer, index, value, mask):
                yield from (buffer, *symbols_of(index), *([mask] if mask else []), *_values(value))
            case Let(name, _, _, args):
                yield from (name, *_values(*args))
            case Position(name, _, index):
                yield from (name, *symbols_of(index))
            case CheckIndex(name, valid, value, extent):
                yield from (name, valid, *_values(value), *symbols_of(extent))
            case Accumulate(accumulator, value):
                yield from (accumulator, *_values(value))
            case For(_, extent):
                yield from (*_results(inner), *symbols_of(extent))


def _values(*operands: Operand) -> Iterator[str]:
    return (operand for operand in operands if isinstance(operand, str))


def _phase(kernel: Kernel, name: str, segment: tuple[Statement, ...]) -> Phase:
    loops: tuple[For, ...] = ()
    body = tuple(collapsed(statement) for statement in segment)
    while len(body) == 1 and is_parallel(body[0]) and symbols_of(body[0].extent) <= set(kernel.sizes):
        loops, body = (*loops, body[0]), body[0].body
    used = {name for statement in body for name in mentions(statement)}
    scratch = tuple(b for b in kernel.buffers if b.access == "scratch" and b.name in used)
    phase = Phase(name, loops, body, "threads", scratch, kernel.sizes)
    if _wants_blocks(phase):
        return replace(phase, style="blocks")
    return replace(phase, pack=pack_width(phase, kernel.buffers))


# --- loops ---


def is_parallel(statement: Statement) -> TypeGuard[For]:
    return isinstance(statement, For) and statement.kind == "parallel"


def is_shared(statement: Statement) -> TypeGuard[For]:
    """Whether the threads of a block may share the iterations of a loop: an accumulating store keeps its
    order, and an accumulator belongs to the loop that is shared.
    """
    if not isinstance(statement, For) or statement.kind == "serial":
        return False
    inside = list(walk((statement,)))
    own = {a.name for inner in inside if isinstance(inner, For) for a in inner.accumulators}
    if any(isinstance(inner, Accumulate) and inner.accumulator not in own for inner in inside):
        return False
    return statement.kind == "parallel" or not any(isinstance(s, Store) and s.accumulate for s in inside)


def nest(loop: For) -> tuple[tuple[For, ...], tuple[Statement, ...]]:
    """The perfectly nested loops of one kind that begin here and can run as one, and what is inside."""
    loops: tuple[For, ...] = (loop,)
    while inner := _continuation(loops):
        loops = (*loops, inner)
    return loops, loops[-1].body


def _continuation(loops: tuple[For, ...]) -> For | None:
    """The loop that is all there is in the innermost of these, if it belongs to the same nest."""
    inner = loops[-1].body[0] if len(loops[-1].body) == 1 else None
    if not isinstance(inner, For) or inner.kind != loops[0].kind or inner.accumulators:
        return None
    return inner if symbols_of(inner.extent).isdisjoint(loop.var for loop in loops) else None


def collapsed(statement: Statement) -> Statement:
    """Perfectly nested loops merged into one wherever every index walks through them as through one.

    for i < m: for j < n: y[i*n+j] = x[i*n+j]   becomes   for i < m*n: y[i] = x[i]
    """
    if not isinstance(statement, For):
        return statement
    loop = replace(statement, body=tuple(map(collapsed, statement.body)))
    inner = _continuation((loop,))
    if inner is None or loop.kind == "serial":
        return loop
    if not all(_walks_as_one(index, loop.var, inner) for index in _indices(inner.body)):
        return loop
    merged: dict[str, Index] = {inner.var: symbol(loop.var), loop.var: 0}
    body = _with_indices(inner.body, lambda index: substitute(index, merged))
    return replace(loop, extent=loop.extent * inner.extent, body=body)


def _walks_as_one(index: Index, outer: str, inner: For) -> bool:
    slow, fast = coefficient(index, outer), coefficient(index, inner.var)
    return slow is not None and fast is not None and slow == fast * inner.extent


def _indices(body: tuple[Statement, ...]) -> Iterator[Index]:
    for statement in walk(body):
        match statement:
            case Load() | Store() | Position():
                yield statement.index
            case CheckIndex() | For():
                yield statement.extent


def _with_indices(body: tuple[Statement, ...], change: Callable[[Index], Index]) -> tuple[Statement, ...]:
    changed: list[Statement] = []
    for statement in body:
        match statement:
            case Load() | Store() | Position():
                changed.append(replace(statement, index=change(statement.index)))
            case CheckIndex():
                changed.append(replace(statement, extent=change(statement.extent)))
            case For():
                inner = _with_indices(statement.body, change)
                changed.append(replace(statement, extent=change(statement.extent), body=inner))
            case _:
                changed.append(statement)
    return tuple(changed)


# --- threads or blocks ---


def _wants_blocks(phase: Phase) -> bool:
    """Whether a block shares each iteration: where loops inside are long, and neighbouring iterations do not
    read neighbouring elements anyway (as they do in a sum over the rows of a matrix).
    """
    extents = list(_shared_extents(phase.body))
    if not extents or _scratch_of_one_iteration(phase):
        return False
    if phase.loops and not phase.scratch and all(isinstance(e, int) and e <= _SHORT_LOOP for e in extents):
        return False
    return not (phase.loops and not phase.scratch and _reads_columns(phase))


def _block_level(body: tuple[Statement, ...]) -> Iterator[Statement]:
    """The statements that a block runs as one: those outside of shared loops."""
    for statement in body:
        yield statement
        if isinstance(statement, For) and not is_shared(statement):
            yield from _block_level(statement.body)


def _shared_extents(body: tuple[Statement, ...]) -> Iterator[Index]:
    for statement in _block_level(body):
        if is_shared(statement):
            yield product(tuple(loop.extent for loop in nest(statement)[0]))


def _scratch_of_one_iteration(phase: Phase) -> bool:
    """Whether some scratch is used inside one shared loop only, and so by each of its iterations for
    itself."""
    for buffer in phase.scratch:
        users = [statement for statement in phase.body if buffer.name in mentions(statement)]
        if len(users) == 1 and is_shared(users[0]):
            return True
    return False


def _reads_columns(phase: Phase) -> bool:
    """Whether the loads inside follow the innermost outer loop, element by element."""
    var = phase.loops[-1].var
    loads = [s for s in walk(phase.body) if isinstance(s, Load)]
    strides = [coefficient(load.index, var) for load in loads]
    return 1 in strides and all(stride in (0, 1) for stride in strides)


# --- packs ---


def pack_width(phase: Phase, buffers: tuple[Buffer, ...]) -> int:
    """How many neighbouring elements a thread takes at once: 16 bytes of the widest buffer where every access
    runs along the innermost loop or stays, else 1.
    """
    accesses = [s for s in phase.body if isinstance(s, Load | Store)]
    if not phase.loops or phase.scratch or any(isinstance(s, For | CheckIndex) for s in phase.body):
        return 1
    if not all(_is_packable(access, phase) for access in accesses) or _reads_what_it_wrote(accesses):
        return 1
    dtypes = {buffer.name: buffer.dtype for buffer in buffers}
    return PACK_BYTES // max((dtypes[access.buffer].bytes for access in accesses), default=PACK_BYTES)


def _is_packable(access: Load | Store, phase: Phase) -> bool:
    strides = [coefficient(access.index, loop.var) for loop in phase.loops]
    known = set(phase.sizes)
    if not symbols_of(access.index) <= known.union(loop.var for loop in phase.loops):
        return False
    if any(stride is None or not symbols_of(stride) <= known for stride in strides):
        return False
    if isinstance(access, Store):
        return strides[-1] == 1 and not access.mask and not access.accumulate
    return strides[-1] in (0, 1) and not access.mask


def _reads_what_it_wrote(accesses: Sequence[Load | Store]) -> bool:
    """Whether a load may see a store of the same iteration or of a neighbour in the pack."""
    stored: dict[str, set[Index]] = {}
    for access in accesses:
        if isinstance(access, Store):
            stored.setdefault(access.buffer, set()).add(access.index)
    for position, access in enumerate(accesses):
        if isinstance(access, Load) and access.buffer in stored:
            before = any(isinstance(a, Store) and a.buffer == access.buffer for a in accesses[:position])
            if before or stored[access.buffer] != {access.index}:
                return True
    return False
