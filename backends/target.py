"""What a target is: a graph and its program go in, code that can be called comes out.

    def compile_graph(graph: Graph, program: Callable[[], Program]) -> Code

A target calls `program` if it needs the lowered form. It returns one of two kinds of code: `NativeCode`, a
machine function that runs in place on pointers, or `HostedCode`, which is called with arrays.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.errors import IndexOutOfBounds, TargetError
from graphc.ir.graph import Graph
from graphc.ir.node import Node, describe
from graphc.kernel import Program
from graphc.ops.indexing import Indexed

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class KernelSource:
    """A kernel as the target's compiler sees it."""

    name: str
    source: str = ""

    def __str__(self) -> str:
        return self.source


class Code:
    """What a target made."""

    overwrites = False
    """Whether a result may lie in the memory of an operand that dies."""

    @property
    def kernels(self) -> tuple[KernelSource, ...]:
        """The kernels in order of first use."""
        return ()

    def assembly(self) -> str:
        """The machine code as text. Raises TargetError where there is none to show."""
        raise TargetError("this target has no assembly to show", help="see `kernels[i].source`")


class NativeCode(Code):
    """`int32 main(void **buffers, int64 *dims)`, at an address that is valid while this object is alive.

    `buffers` are the program's slots in order, `dims` its sizes; the result is 0 or the number of the step
    (from 1) that failed. `calls_python` says that other threads may run Python code meanwhile.
    """

    main: int
    calls_python = False

    def failure(self, code: int) -> BaseException | None:
        """The exception behind the failure of a step, if there was one."""
        return None


class HostedCode(Code, ABC):
    """Code that is called with arrays."""

    @abstractmethod
    def run(self, inputs: Sequence[Array], parameters: Mapping[Node, Array], sizes: Mapping[str, int]) -> list[Array]:
        """The outputs, for contiguous arrays that fit the graph's types.

        It writes the new values into the arrays of `parameters`: all of them or, if it raises, none.
        """


CompileGraph = Callable[[Graph, Callable[[], Program]], Code]


def step_failure(program: Program, code: int, cause: BaseException | None = None) -> BaseException:
    """The error that a program's result stands for, with the reading nodes and the user's lines.

    `cause` is the exception of a library that calculated the step.
    """
    if cause is not None:
        step = program.numbered[code - 1]
        for line in map(describe, step.nodes):
            cause.add_note(line)
        return cause
    readers = _index_readers(program, code - 1)
    names = " or ".join(dict.fromkeys(node.op.name for node in readers)) or str(program.numbered[code - 1])
    return IndexOutOfBounds(
        f"{program.name}: an index is out of bounds in {names}",
        details=map(describe, readers),
        help="nothing was changed: parameters are as they were before the call",
    )


def _index_readers(program: Program, number: int) -> list[Node]:
    """The nodes with computed indices among those that a step calculates from its slots."""
    step = program.numbered[number]
    found: list[Node] = []
    stack, seen = list(step.nodes), {slot.node for slot in step.slots} - set(step.nodes)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(node.args)
            if isinstance(node.op, Indexed):
                found.append(node)
    return found
