"""What the emitter asks about loops before it writes them: lengths, what varies, what may run in lanes."""

from graphc.dimension import symbols_of
from graphc.kernel import (
    Accumulate,
    CheckIndex,
    For,
    Kernel,
    Let,
    Load,
    Position,
    Statement,
    Store,
    walk,
)


def lane_count(kernel: Kernel, vector_bytes: int, unroll: int) -> int:
    """Lanes of the vector loops of a kernel: `unroll` registers' worth, or as many as they need."""
    dtypes = [buffer.dtype.compute for buffer in kernel.buffers]
    for statement in walk(kernel.body):
        if isinstance(statement, Let):
            dtypes.append(statement.dtype.compute)
    lanes = unroll * vector_bytes // max((dtype.bytes for dtype in dtypes), default=4)
    extents = [s.extent for s in walk(kernel.body) if isinstance(s, For) and s.mapping == "vector"]
    if extents and all(isinstance(extent, int) for extent in extents):
        longest = max(extent for extent in extents if isinstance(extent, int))
        lanes = min(lanes, max(2, 1 << (longest - 1).bit_length()))
    return lanes


def defined(statement: Statement) -> tuple[str, ...]:
    """The names that a statement gives values to."""
    match statement:
        case Load(name=name) | Let(name=name) | Position(name=name):
            return (name,)
        case CheckIndex(name=name, valid=valid):
            return name, valid
        case For(accumulators=accumulators):
            return tuple(a.name for a in accumulators)
    return ()


def accumulated(loop: For) -> list[str]:
    """The accumulators, of this loop or of outer ones, that change in a loop; in order of appearance."""
    inner = {a.name for s in walk(loop.body) if isinstance(s, For) for a in s.accumulators}
    names = [s.accumulator for s in walk(loop.body) if isinstance(s, Accumulate)]
    return [name for name in dict.fromkeys(names) if name not in inner]


def additions(loop: For, accumulator: str, lanes: int) -> int | None:
    """How often a loop adds to one register of an accumulator at most, if that is known."""
    if not isinstance(loop.extent, int):
        return None
    count = 0
    for statement in loop.body:
        if isinstance(statement, Accumulate) and statement.accumulator == accumulator:
            count += 1
        elif isinstance(statement, For) and accumulator in accumulated(statement):
            inner = additions(statement, accumulator, lanes)
            if inner is None:
                return None
            count += inner
    return count * -(-loop.extent // (lanes if runs_in_lanes(loop) else 1))


def accumulates_in_lanes(loop: For, accumulator: str) -> bool:
    """Whether an accumulator of this loop is added to inside a vector loop: this one or an inner one."""
    if accumulator in accumulated(loop) and runs_in_lanes(loop):
        return True
    return any(accumulates_in_lanes(s, accumulator) for s in loop.body if isinstance(s, For))


def runs_in_lanes(loop: For) -> bool:
    """Whether iterations run side by side: inner loops must be as long."""
    if loop.mapping != "vector" or loop.kind == "serial":
        return False
    varying = {loop.var} | {name for statement in walk(loop.body) for name in defined(statement)}
    inner = [statement for statement in walk(loop.body) if isinstance(statement, For)]
    return all(symbols_of(loop.extent).isdisjoint(varying) for loop in inner)


def split_invariant(loop: For) -> tuple[list[Load | Let | Position], list[Statement]]:
    """The statements of a body that give the same in every iteration, and the others."""
    written = {s.buffer for s in walk(loop.body) if isinstance(s, Store)}
    varying = {loop.var, *accumulated(loop)}
    before: list[Load | Let | Position] = []
    inside: list[Statement] = []
    for statement in loop.body:
        movable = isinstance(statement, Load | Let | Position) and not (
            isinstance(statement, Load) and statement.buffer in written
        )
        if movable and isinstance(statement, Load | Let | Position) and varying.isdisjoint(_used(statement)):
            before.append(statement)
        else:
            inside.append(statement)
            varying.update(defined(statement))
    return before, inside


def _used(statement: Load | Let | Position) -> frozenset[str]:
    match statement:
        case Load(index=index, mask=mask):
            return symbols_of(index) | ({mask} if mask else set())
        case Let(args=args):
            return frozenset(arg for arg in args if isinstance(arg, str))
        case Position(index=index):
            return symbols_of(index)
