"""What `graphc.compile` returns: a function of arrays that can say how it was made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graphc.backends.target import Code, KernelSource
from graphc.errors import GraphError
from graphc.ir.graph import Graph
from graphc.ir.leaf import Parameter
from graphc.ir.node import Node
from graphc.ir.rewrite import Firing, Rebuilding
from graphc.ir.rule import Rewrite
from graphc.kernel import Program
from graphc.numerics.audit import LIMIT, Audit, audit
from graphc.numerics.diagnostics import Diagnostics, diagnose
from graphc.numerics.licences import Licence, licences
from graphc.numerics.nan_origin import NanOrigin, nan_origin
from graphc.numerics.provenance import Provenance
from graphc.numerics.why import Explanation, why
from graphc.numerics.why_not import why_not
from graphc.passes.pipeline import Record
from graphc.passes.plan_memory import MemoryPlan
from graphc.runtime.executable import Executable


@dataclass(frozen=True)
class History:
    """What happened during a compilation."""

    source: Graph
    firings: Sequence[Firing]
    rebuildings: Sequence[Rebuilding]
    passes: Sequence[Record]
    rules: Sequence[Rewrite]
    semantics: str


class CompiledFunction:
    """A compiled graph. Call it with arrays for its inputs, in order or by name.

    `graph` is the optimised graph, `source_graph` the user's, `program` its kernels and steps, `rewrites` the
    rules that fired, `passes` what each pass took and whether it changed anything.
    """

    __call__: Callable[..., Any]  # of the subclass that `make_function` makes

    compile_count = 1
    """How often it was compiled: new sizes of named dimensions need no other code."""

    def __init__(self, executable: Executable, history: History, target: str, program: Callable[[], Program]) -> None:
        self.target = target
        self.graph, self.source_graph = executable.graph, history.source
        self.rewrites, self.passes = history.firings, history.passes
        self._executable, self._history, self._program = executable, history, program

    @property
    def name(self) -> str:
        return self.graph.name

    @property
    def code(self) -> Code:
        """What the target made."""
        return self._executable.code

    @property
    def program(self) -> Program:
        """The kernels and the steps that run them."""
        return self._program()

    @property
    def kernels(self) -> tuple[KernelSource, ...]:
        """The kernels as the target's compiler sees them, each with `name` and `source`."""
        return self.code.kernels

    @property
    def licences(self) -> list[Licence]:
        """The rewrites that a condition had to allow, each with the facts that were proved and the user's line."""
        return licences(self.rewrites)

    @property
    def memory(self) -> MemoryPlan:
        """The plan of the arena for the sizes of the last call."""
        sizes = self._executable.last_sizes
        if sizes is None:
            names = ", ".join(f"{name}=…" for name in self.graph.dimensions)
            raise GraphError("the sizes are not known before a call", help=f"use memory_for({names})")
        return self._executable.memory(sizes)

    def memory_for(self, **sizes: int) -> MemoryPlan:
        """The plan of the arena for given sizes of the named dimensions."""
        missing = [name for name in self.graph.dimensions if name not in sizes]
        if missing:
            raise GraphError(f"no size is given for {', '.join(missing)}")
        return self._executable.memory(sizes)

    def assembly(self) -> str:
        """The machine code as text. Raises TargetError where there is none to show."""
        return self.code.assembly()

    def why(self, node: Node | str) -> Explanation:
        """Which rules made a node of the optimised graph, in order; print it.

        The node may be one of the user's, or the name of one. Raises GraphError for one that is not there.
        """
        return why(node, self.source_graph, self.graph, self.provenance)

    def audit(self, *args: Any, limit: int = LIMIT, **keywords: Any) -> Audit:
        """How many bits each step of the formula loses at these inputs, as written and as compiled; print it.

        Above `limit` computed elements, named dimensions are sampled. Both graphs run on the reference, next to exact
        numbers; parameters stay as they are. Raises what a call raises for its arguments, and GraphError where
        sampling is not enough or `limit` is no positive integer.
        """
        if not isinstance(limit, int) or limit < 1:
            raise GraphError(f"the limit is a positive number of elements, not {limit!r:.80}")
        bindings, _ = self._bound(args, keywords)
        return audit(self.source_graph, self.graph, self.provenance, bindings, self._history.semantics, limit)

    def nan_origin(self, *args: Any, of: str = "optimised", **keywords: Any) -> NanOrigin:
        """The first node, in order, that makes a NaN or an infinity of finite numbers at these inputs; print it.

        The graph, optimised or the user's (`of="source"`), runs step by step on the reference; parameters stay as
        they are. Raises what a call raises for its arguments, and GraphError for another `of`.
        """
        if of not in ("optimised", "source"):
            raise GraphError(f"there is no {of!r} graph", help="of='optimised' or of='source'")
        graph = self.graph if of == "optimised" else self.source_graph
        bindings, sizes = self._bound(args, keywords)
        return nan_origin(graph, bindings, sizes)

    def _bound(self, args: Sequence[Any], keywords: Mapping[str, Any]) -> tuple[dict[Node, Any], Mapping[str, int]]:
        """Values of inputs and parameters, and the sizes that follow from them."""
        arrays = self._executable.signature.arrays(args, keywords)
        sizes = self._executable.binding(arrays).sizes
        values: dict[Node, Any] = dict(zip(self.graph.inputs, arrays, strict=True))
        for node in dict.fromkeys([*self.graph.parameters, *self.source_graph.parameters]):
            assert isinstance(node.op, Parameter)
            values[node] = node.op.storage.read()
        return values, sizes

    @cached_property
    def diagnostics(self) -> Diagnostics:
        """What can go wrong with the numbers of the formula; and whether a rule repaired that, or it remains."""
        return diagnose(self.source_graph, self.graph, self.provenance)

    @cached_property
    def provenance(self) -> Provenance:
        """Where each node of the optimised graph comes from."""
        history = self._history
        return Provenance(history.source, history.firings, history.rebuildings, history.passes)

    def why_not(self, rule: str, node: Node | str | None = None) -> str:
        """Why a rule did not fire, at a node (or the name of one), in what it is made of, or anywhere; in words.

        The name of an op stands for the rules that make it. Raises GraphError for an unknown rule, op or node.
        """
        history, graphs = self._history, [self.source_graph, self.graph]
        return why_not(rule, history.rules, graphs, self.provenance, history.semantics, node)

    def __repr__(self) -> str:
        results = ", ".join(str(node.type) for node in self.graph.outputs)
        updates = f", {len(self.graph.updates)} updates" if self.graph.updates else ""
        return f"<compiled {self._executable.signature} -> {results or None}{updates} on {self.target}>"


def make_function(
    executable: Executable,
    history: History,
    target: str,
    program: Callable[[], Program],
    call: Callable[..., Any],
) -> CompiledFunction:
    """A compiled function that calls `call`.

    Each has a class of its own with the call in it: Python finds it there faster than through an attribute.
    """
    cls = type("CompiledFunction", (CompiledFunction,), {"__call__": staticmethod(call)})
    made: CompiledFunction = cls(executable, history, target, program)
    return made
