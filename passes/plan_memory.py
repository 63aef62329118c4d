"""One arena for all temporaries: a program and its sizes come in, an offset for each temporary comes out.

    plan = plan_memory(program, {"n": 128})
    plan.offsets[slot], plan.total           # bytes from the start of the arena, bytes of the arena

A temporary is alive from the first step that uses it to the last; those whose lives do not meet share memory.
A kernel may also write its result over an operand that dies there, where the indices prove that each element
is read before it is written.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from graphc.dimension import evaluate, substitute, symbol
from graphc.errors import ShapeError
from graphc.kernel import (
    Branch,
    For,
    Index,
    KernelCall,
    Load,
    Program,
    Repeat,
    Slot,
    Statement,
    Step,
    Store,
    all_steps,
)

ALIGNMENT = 64
_BY_SIZE_LIMIT = 512  # temporaries; placing by size compares each with each


@dataclass(frozen=True)
class MemoryPlan:
    """Where each temporary lies in the arena, for one binding of the sizes.

    `total` is the size of the arena, `peak` the most bytes that are alive in one step (no plan needs less),
    `separate` what the temporaries would take without sharing.
    """

    offsets: Mapping[Slot, int]
    bytes: Mapping[Slot, int]
    lives: Mapping[Slot, tuple[int, int]]  # the numbers of the first and the last step, from 0
    total: int
    peak: int
    sizes: Mapping[str, int]

    @property
    def separate(self) -> int:
        return sum(map(_padded, self.bytes.values()))

    def __str__(self) -> str:
        where = "".join(f", {name}={size}" for name, size in self.sizes.items())
        bounds = f"{self.peak:,} alive at most, {self.separate:,} unshared"
        lines = [f"arena of {self.total:,} bytes, {bounds}{where}"]
        if self.offsets:
            lines.append(f"{'offset':>14}{'bytes':>14}  {'steps':<11}slot")
        for slot in sorted(self.offsets, key=lambda slot: (self.offsets[slot], self.lives[slot])):
            first, last = self.lives[slot]
            lines.append(f"{self.offsets[slot]:>14,}{self.bytes[slot]:>14,}  {f'{first}-{last}':<11}{slot}")
        return "\n".join(lines)


@dataclass
class _Block:
    """Temporaries that follow each other in the same memory."""

    slots: list[Slot]
    size: int
    first: int
    last: int


def plan_memory(program: Program, sizes: Mapping[str, int], *, in_place: bool = True) -> MemoryPlan:
    """The memory of a program's temporaries for given sizes of the named dimensions.

    `in_place=False` keeps the operands of a step apart from its results, for targets that promise that to
    their compiler. Raises ShapeError where a size is negative.
    """
    lives = _lives(program)
    used = [slot for slot in program.slots if slot in lives]
    bytes_ = {slot: _bytes(slot, sizes) for slot in used}
    blocks = _blocks(program.numbered, used, lives, bytes_, in_place)
    offsets, total = _place_by_time(blocks)
    if total > _peak(blocks) and len(blocks) <= _BY_SIZE_LIMIT:
        offsets, total = min((offsets, total), _place_by_size(blocks), key=lambda plan: plan[1])
    where = {slot: offset for block, offset in zip(blocks, offsets) for slot in block.slots}
    unused = [slot for slot in program.slots if _is_temporary(slot) and slot not in lives]
    where |= dict.fromkeys(unused, 0)
    bytes_ |= dict.fromkeys(unused, 0)
    lives |= dict.fromkeys(unused, (0, 0))
    return MemoryPlan(where, bytes_, lives, total, _peak(blocks), dict(sizes))


# --- what is alive when ---


def _lives(program: Program) -> dict[Slot, tuple[int, int]]:
    """Temporaries with the first and the last step that use them.

    In a repetition, a slot of its body alone is written anew each time; one that is used outside too lives all along.
    """
    number = {step: i for i, step in enumerate(program.numbered)}
    lives: dict[Slot, tuple[int, int]] = {}
    for step, at in number.items():
        for root in (root for slot in _own_slots(step) for root in slot.roots):
            if _is_temporary(root):
                first, last = lives.get(root, (at, at))
                lives[root] = min(first, at), max(last, at)
    loops = [step for step in program.numbered if isinstance(step, Repeat)]
    for loop in reversed(loops):  # inner ones first: what crosses one may come to cross the one around it
        start, end = number[loop], number[loop] + sum(1 for _ in all_steps(loop.body))
        for root in dict.fromkeys(root for slot in loop.slots for root in slot.roots):
            if root in lives and (lives[root][0] < start or lives[root][1] > end):
                first, last = lives[root]
                lives[root] = min(first, start), max(last, end)
    return lives


def _own_slots(step: Step) -> tuple[Slot, ...]:
    """What a step uses itself, apart from the steps inside."""
    match step:
        case Repeat():
            return ()
        case Branch(number=number):
            return (number,)
    return step.slots


def _is_temporary(slot: Slot) -> bool:
    return slot.role in ("temporary", "scratch")


def _bytes(slot: Slot, sizes: Mapping[str, int]) -> int:
    shape = slot.type.concrete_shape(sizes)
    if any(size < 0 for size in shape):
        known = ", ".join(f"{name} = {size}" for name, size in sizes.items())
        raise ShapeError(f"a size is negative: {slot} is {shape} where {known}")
    return evaluate(slot.type.size, sizes) * slot.type.dtype.bytes


def _padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _blocks(
    steps: Sequence[Step],
    used: Iterable[Slot],
    lives: Mapping[Slot, tuple[int, int]],
    bytes_: Mapping[Slot, int],
    in_place: bool,
) -> list[_Block]:
    """Temporaries joined where one is written over another, in order of their first steps."""
    block_of: dict[Slot, _Block] = {}
    blocks = []
    for slot in sorted(used, key=lambda slot: lives[slot][0]):
        first, last = lives[slot]
        heir = _overwritten(slot, steps[first], first, lives, bytes_, block_of) if in_place else None
        if heir is None:
            block = _Block([slot], _padded(bytes_[slot]), first, last)
            blocks.append(block)
        else:
            block = block_of[heir]
            block.slots.append(slot)
            block.last = last
        block_of[slot] = block
    return blocks


def _overwritten(
    new: Slot,
    step: Step,
    number: int,
    lives: Mapping[Slot, tuple[int, int]],
    bytes_: Mapping[Slot, int],
    block_of: Mapping[Slot, _Block],
) -> Slot | None:
    """An operand that dies in the step that makes `new`, and whose memory no other result has taken."""
    if not isinstance(step, KernelCall) or new.role != "temporary":
        return None
    for old in step.slots:
        if (
            old.role == "temporary"
            and old is not new
            and lives[old][0] < number == lives[old][1]
            and bytes_[old] == bytes_[new]
            and block_of[old].slots[-1] is old
            and may_overwrite(step, old, new)
        ):
            return old
    return None


# --- writing over an operand ---


def may_overwrite(call: KernelCall, old: Slot, new: Slot) -> bool:
    """Whether the kernel may write `new` over `old`: no element is read after it is written.

    Both are accessed at one and the same index expression, in loops of the same extents, and no load comes
    after the store. A plain store in parallel loops hits each place once, so the place is read in the
    iteration that writes it or, in an earlier loop, before that.
    """
    accesses = [buffer for buffer, slot in zip(call.kernel.buffers, call.slots) if slot in (old, new)]
    if [b.access for b in accesses] not in (["read", "write"], ["write", "read"]):
        return False
    if old.type.dtype.bytes != new.type.dtype.bytes:
        return False
    names = {buffer.access: buffer.name for buffer in accesses}
    found = list(_accesses(call.kernel.body, {names["read"], names["write"]}))
    is_store = [isinstance(access.statement, Store) for access in found]
    if is_store != sorted(is_store) or len({(access.index, access.loops) for access in found}) != 1:
        return False
    stores = [access for access, stored in zip(found, is_store) if stored]
    return len(stores) == 1 and stores[0].hits_each_place_once


@dataclass(frozen=True)
class _Access:
    """A load or a store, with its index in variables that are named after the depth of their loops."""

    statement: Load | Store
    index: Index
    loops: tuple[Index, ...]  # the extents
    kinds: tuple[str, ...]

    @property
    def hits_each_place_once(self) -> bool:
        return isinstance(self.statement, Store) and set(self.kinds) <= {"parallel"}


def _accesses(
    body: Sequence[Statement],
    buffers: set[str],
    depths: Mapping[str, Index] | None = None,
    loops: tuple[Index, ...] = (),
    kinds: tuple[str, ...] = (),
) -> Iterable[_Access]:
    depths = depths or {}
    for statement in body:
        if isinstance(statement, For):
            inner = {**depths, statement.var: symbol(f".{len(loops)}")}
            extents = (*loops, substitute(statement.extent, depths))
            yield from _accesses(statement.body, buffers, inner, extents, (*kinds, statement.kind))
        elif isinstance(statement, Load | Store) and statement.buffer in buffers:
            yield _Access(statement, substitute(statement.index, depths), loops, kinds)


# --- placing blocks ---


def _peak(blocks: Sequence[_Block]) -> int:
    changes: dict[int, int] = {}
    for block in blocks:
        changes[block.first] = changes.get(block.first, 0) + block.size
        changes[block.last + 1] = changes.get(block.last + 1, 0) - block.size
    alive = most = 0
    for number in sorted(changes):
        alive += changes[number]
        most = max(most, alive)
    return most


def _place_by_time(blocks: Sequence[_Block]) -> tuple[list[int], int]:
    """In the order of the steps, each block into the smallest gap that holds it; n log n."""
    offsets: dict[int, int] = {}
    gaps = _Gaps()
    dying: dict[int, list[int]] = {}
    for number, block in enumerate(blocks):
        dying.setdefault(block.last, []).append(number)
    ends = sorted(dying)
    for number, block in enumerate(blocks):
        while ends and ends[0] < block.first:
            for dead in dying[ends.pop(0)]:
                gaps.give(offsets[dead], blocks[dead].size)
        offsets[number] = gaps.take(block.size)
    return [offsets[number] for number in range(len(blocks))], gaps.total


class _Gaps:
    """The free parts of an arena that grows at its end."""

    def __init__(self) -> None:
        self.total = 0
        self._by_size: list[tuple[int, int]] = []  # (size, offset), sorted
        self._size_at: dict[int, int] = {}
        self._start_of_end: dict[int, int] = {}

    def take(self, size: int) -> int:
        place = bisect_left(self._by_size, (size, 0))
        if place < len(self._by_size):
            found, offset = self._by_size[place]
            self._remove(offset)
            if found > size:
                self._insert(offset + size, found - size)
            return offset
        offset = self._start_of_end.get(self.total, self.total)
        if offset < self.total:  # the gap at the end grows
            self._remove(offset)
        self.total = offset + size
        return offset

    def give(self, offset: int, size: int) -> None:
        """Free a part, joining it with the gaps beside it."""
        if not size:
            return
        if offset + size in self._size_at:
            size += self._remove(offset + size)
        if offset in self._start_of_end:
            start = self._start_of_end[offset]
            size += self._remove(start)
            offset = start
        self._insert(offset, size)

    def _insert(self, offset: int, size: int) -> None:
        insort(self._by_size, (size, offset))
        self._size_at[offset], self._start_of_end[offset + size] = size, offset

    def _remove(self, offset: int) -> int:
        size = self._size_at.pop(offset)
        del self._start_of_end[offset + size]
        del self._by_size[bisect_left(self._by_size, (size, offset))]
        return size


def _place_by_size(blocks: Sequence[_Block]) -> tuple[list[int], int]:
    """Large blocks first, each into the lowest gap between those placed that live at the same time."""
    offsets: dict[int, int] = {}
    placed: list[tuple[int, int]] = []  # (offset, number), sorted
    for number in sorted(range(len(blocks)), key=lambda number: (-blocks[number].size, number)):
        block, lowest = blocks[number], 0
        for offset, other in placed:
            if blocks[other].first <= block.last and blocks[other].last >= block.first:
                if offset >= lowest + block.size:
                    break
                lowest = max(lowest, offset + blocks[other].size)
        offsets[number] = lowest
        insort(placed, (lowest, number))
    total = max((offsets[number] + block.size for number, block in enumerate(blocks)), default=0)
    return [offsets[number] for number in range(len(blocks))], total
