"""From the loops of a kernel to the threads of a GPU.

Comes in: a kernel whose loops say what they mean (parallel, reduce, serial). Goes out: a `Schedule`. In the
style "threads" each iteration of the outer parallel loops belongs to one thread; in the style "blocks" it
belongs to one block, whose threads share the parallel and reduce loops inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from graphc.backends.cuda.loops import is_parallel, is_shared, mentions, nest
from graphc.dimension import coefficient, evaluate, product, symbols_of
from graphc.kernel import Buffer, CheckIndex, For, Index, Kernel, Load, Statement, Store, walk

THREADS = 256  # of a block in which each thread has its own work
_MOST_THREADS = 1024
MOST_BLOCKS = 8192  # threads and blocks stride over what exceeds it
MOST_SHARED_BYTES = 48 * 1024  # what every GPU gives without asking
MOST_SLOTS = 1024  # blocks that work at a time where their scratch is in global memory,
MOST_WORKSPACE = 2**28  # and the bytes of it, unless one block needs more
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
class Schedule:
    """Outer parallel loops, and the body that a thread or a block runs for each of their iterations."""

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
        return self.style == "threads" and _is_little(self.scratch)

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
        if slot == 0:
            return Launch(min(blocks, MOST_BLOCKS), block)
        slots = block if self.style == "threads" else 1  # of each block
        grid = min(blocks, MOST_SLOTS, max(1, MOST_WORKSPACE // (slots * slot)))
        return Launch(grid, block, slot_bytes=slot, workspace_bytes=grid * slots * slot)

    def _block_threads(self, sizes: Mapping[str, int]) -> int:
        """Whole warps, about four iterations of the longest shared loop for each thread."""
        first = {**sizes, **{loop.var: 0 for loop in self.loops}}
        last = {**sizes, **{loop.var: evaluate(loop.extent, sizes) - 1 for loop in self.loops}}
        longest = 1
        for extent in _shared_extents(self.body):
            known = symbols_of(extent) <= first.keys()
            lengths = [evaluate(extent, ends) for ends in (first, last)] if known else [4 * THREADS]
            longest = max(longest, *lengths)
        return min(_MOST_THREADS, max(1, -(-longest // 128)) * 32)


def _is_little(scratch: tuple[Buffer, ...]) -> bool:
    total = scratch_bytes(scratch)
    return isinstance(total, int) and total <= _LOCAL_BYTES


def scratch_bytes(scratch: tuple[Buffer, ...]) -> Index:
    """The bytes of scratch buffers, each aligned to 16."""
    total: Index = 0
    for buffer in scratch:
        total = total + (buffer.size * buffer.dtype.bytes + 15) // 16 * 16
    return total


def scheduled(kernel: Kernel, name: str) -> Schedule:
    """How a kernel is launched, as a function of this name."""
    loops: tuple[For, ...] = ()
    body = kernel.body
    while len(body) == 1 and is_parallel(loop := body[0]) and symbols_of(loop.extent) <= set(kernel.sizes):
        loops, body = (*loops, loop), loop.body
    scratch = tuple(buffer for buffer in kernel.buffers if buffer.access == "scratch")
    schedule = Schedule(name, loops, body, "threads", scratch, kernel.sizes)
    if _wants_blocks(schedule):
        return replace(schedule, style="blocks")
    return replace(schedule, pack=pack_width(schedule, kernel.buffers))


# --- threads or blocks ---


def _wants_blocks(schedule: Schedule) -> bool:
    """Whether a block shares each iteration: where loops inside are long, and neighbouring iterations do not
    read neighbouring elements anyway (as they do in a sum over the rows of a matrix).
    """
    extents = list(_shared_extents(schedule.body))
    if not extents or _scratch_of_one_iteration(schedule):
        return False
    if not schedule.loops or not _is_little(schedule.scratch):
        return True
    short = all(isinstance(extent, int) and extent <= _SHORT_LOOP for extent in extents)
    return not short and not _reads_columns(schedule)


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


def _scratch_of_one_iteration(schedule: Schedule) -> bool:
    """Whether some scratch is used inside one shared loop only, and so by each of its iterations for
    itself."""
    for buffer in schedule.scratch:
        users = [statement for statement in schedule.body if buffer.name in mentions(statement)]
        if len(users) == 1 and is_shared(users[0]):
            return True
    return False


def _reads_columns(schedule: Schedule) -> bool:
    """Whether what the loops inside access follows the innermost outer loop, element by element."""
    shared = [statement for statement in _block_level(schedule.body) if is_shared(statement)]
    accesses = [s for loop in shared for s in walk(loop.body) if isinstance(s, Load | Store)]
    strides = [coefficient(access.index, schedule.loops[-1].var) for access in accesses]
    return 1 in strides and all(stride in (0, 1) for stride in strides)


# --- packs ---


def pack_width(schedule: Schedule, buffers: tuple[Buffer, ...]) -> int:
    """How many neighbouring elements a thread takes at once: 16 bytes of the widest buffer where every access
    runs along the innermost loop or stays, else 1.
    """
    accesses = [s for s in schedule.body if isinstance(s, Load | Store)]
    if not schedule.loops or schedule.scratch or any(isinstance(s, For | CheckIndex) for s in schedule.body):
        return 1
    if not all(_is_packable(access, schedule) for access in accesses) or _reads_what_it_wrote(accesses):
        return 1
    dtypes = {buffer.name: buffer.dtype for buffer in buffers}
    return PACK_BYTES // max((dtypes[access.buffer].bytes for access in accesses), default=PACK_BYTES)


def _is_packable(access: Load | Store, schedule: Schedule) -> bool:
    strides = [coefficient(access.index, loop.var) for loop in schedule.loops]
    known = set(schedule.sizes)
    if not symbols_of(access.index) <= known.union(loop.var for loop in schedule.loops):
        return False
    if any(stride is None or not symbols_of(stride) <= known for stride in strides):
        return False
    if isinstance(access, Store):
        return strides[-1] == 1 and not access.mask
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
