"""From a graph to a compiled function: passes, a target, and the code's place in this process.

function = compile_graph(graph, target="llvm", passes="default", semantics="stable", returns_list=True)
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any

from graphc.backends.target import CompileGraph
from graphc.errors import GraphError, TargetError
from graphc.ir.graph import Graph
from graphc.ir.rewrite import Trace, fuel_from_environment
from graphc.ir.rule import SEMANTICS
from graphc.kernel import Program
from graphc.numerics.diagnostics.policy import act, parse_policy
from graphc.passes.decompose import ACCUMULATIONS
from graphc.passes.pipeline import Record, parse_pipeline
from graphc.passes.search import LEVELS
from graphc.runtime.checking import checked
from graphc.runtime.executable import make_executable, sizes_of_a_call
from graphc.runtime.function import CompiledFunction, History, make_function

TARGETS: dict[str, tuple[str, str]] = {
    "llvm": ("graphc.backends.llvm.executable", "compile_graph"),
    "cuda": ("graphc.backends.cuda.code", "compile_for_device"),
    "cuda-emulator": ("graphc.backends.cuda.code", "compile_for_emulator"),
    "reference": ("graphc.backends.reference", "compile_graph"),
}
"""Module and function of each target; a module is imported when its target is asked for."""


def compile_graph(
    source: Graph,
    *,
    target: str,
    passes: str,
    semantics: str,
    accumulation: str = "blocked",
    accuracy: str = "fast",
    diagnostics: str | Mapping[str, str] | None = None,
    returns_list: bool,
) -> CompiledFunction:
    """A function that computes a graph; with `returns_list` it returns a list even of one output.

    Raises TargetError for a target that is unknown or not there, CompileError where it refuses the graph,
    NumericalError where `diagnostics` ask for it.
    """
    make_code = _target(target)
    _check("semantics", semantics, SEMANTICS)
    _check("accumulation", accumulation, ACCUMULATIONS)
    _check("accuracy", accuracy, LEVELS)
    policy = parse_policy(diagnostics)
    sizes_of_a_call(source)
    trace, records = Trace(fuel_from_environment()), list[Record]()
    pipeline = parse_pipeline(passes)
    optimising, lowering = pipeline.split()
    if accumulation != "blocked":
        lowering = lowering.with_option("accumulation", accumulation)
    if accuracy != "fast":
        optimising = optimising.searching(accuracy)
    optimised = optimising.run(source, semantics=semantics, trace=trace, records=records)

    @cache
    def program() -> Program:
        lowered: Program = lowering.run(optimised, semantics=semantics, trace=trace, records=records)
        return lowered

    code = make_code(optimised, program)
    executable = make_executable(optimised, program, code, returns_list=returns_list)
    call: Callable[..., Any] = executable.call
    if os.environ.get("GRAPHC_CHECK", "0") not in ("", "0"):
        call = checked(call, optimised, executable.signature, source)
    history = History(source, trace.firings, trace.rebuildings, records, pipeline.rules, semantics)
    function = make_function(executable, history, target, program, call)
    if policy:
        act(policy, function.diagnostics)
    return function


def _check(option: str, value: str, known: Collection[str]) -> None:
    if value not in known:
        raise GraphError(f"there is no {option} {value!r}", help=f"one of {', '.join(known)}")


def _target(name: str) -> CompileGraph:
    if name not in TARGETS:
        raise TargetError(f"there is no target {name!r}", help=f"one of {', '.join(TARGETS)}")
    module, function = TARGETS[name]
    found: CompileGraph = getattr(importlib.import_module(module), function)
    return found
