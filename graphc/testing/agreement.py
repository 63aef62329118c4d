"""Do two ways to compute a graph agree? A graph and arrays go in; MismatchError comes out where they do not.

Compiled code is compared with the reference interpreter on the optimised graph, and the optimised graph with the
user's: so a mismatch says whether a target or a rewrite is to blame.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc.errors import GraphcError, IndexOutOfBounds, MismatchError
from graphc.interpret import Reader, evaluate
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.runtime.compilation import compile_graph
from graphc.runtime.function import CompiledFunction
from graphc.tensor import set_value, value
from graphc.testing.rounding import Expectation, expectations
from graphc.types import as_dtype

Array = np.ndarray[Any, Any]
Outcome = list[Array] | type[GraphcError]


def assert_targets_agree(
    graph: Graph | tuple[Sequence[Node], Any],
    arrays: Mapping[str, Any] | Sequence[Any],
    *,
    targets: Iterable[str] = ("llvm",),
    passes: str = "default",
    semantics: str = "stable",
    tolerance: float = 4.0,
) -> list[CompiledFunction]:
    """Compile a graph (or inputs with outputs) for targets, call it, and compare with the reference.

    `tolerance` is how many times further off a float may be than rounding can explain. Errors must be the
    same, too. Parameters are as before afterwards. Gives the compiled functions; raises MismatchError.
    """
    source = graph if isinstance(graph, Graph) else _graph(*graph)
    given = [arrays[_label(node)] for node in source.inputs] if isinstance(arrays, Mapping) else list(arrays)
    functions = []
    for target in targets:
        function = compile_graph(source, target=target, passes=passes, semantics=semantics, returns_list=True)
        _compare_code(function, given, source.parameters, tolerance)
        assert_graphs_agree(source, function.graph, given, semantics=semantics, tolerance=tolerance)
        functions.append(function)
    return functions


def assert_graphs_agree(
    before: Graph,
    after: Graph,
    arrays: Sequence[Any],
    *,
    semantics: str = "stable",
    tolerance: float = 4.0,
) -> None:
    """Evaluate a graph before and after rewriting, and compare: bit for bit under "ieee", else as far as rounding
    explains, if nothing overflows before. Raises MismatchError.
    """
    what = f"{before.name} after rewriting"
    found = _run(after, arrays, before.parameters)
    if semantics == "ieee":
        _same_bits(what, before, _run(before, arrays, before.parameters), found)
        return
    wanted, overflowed = _expected(before, arrays, before.parameters)
    if isinstance(wanted, type) or not overflowed:
        _compare(what, before, wanted, found, tolerance)


def _graph(inputs: Sequence[Node], outputs: Any) -> Graph:
    return Graph("function", tuple(inputs), (outputs,) if isinstance(outputs, Node) else tuple(outputs))


def _label(node: Node) -> str:
    return str(node.op.attributes()["label"])


def _run(graph: Graph, arrays: Sequence[Any], parameters: Sequence[Node], reader: str | Reader = "numpy") -> Outcome:
    """The outputs, and the values of some parameters after a call; or the kind of error."""
    try:
        outputs, updates = evaluate(graph, arrays, reader=reader)
    except GraphcError as error:
        return type(error)
    return [*outputs, *(updates[p] if p in updates else value(p) for p in parameters)]


def _expected(
    graph: Graph, arrays: Sequence[Any], parameters: Sequence[Node]
) -> tuple[list[Expectation] | type[GraphcError], bool]:
    first = _run(graph, arrays, parameters)
    if isinstance(first, type):
        return first, False

    def results(reader: Reader) -> list[Array] | None:
        found = _run(graph, arrays, parameters, reader)
        return None if isinstance(found, type) else found

    return expectations(results)


def _compare_code(
    function: CompiledFunction, arrays: Sequence[Any], parameters: Sequence[Node], tolerance: float
) -> None:
    """Compare a compiled function with the reference on its graph. Parameters get their values back."""
    before = {parameter: value(parameter) for parameter in parameters}
    wanted, _ = _expected(function.graph, arrays, parameters)
    try:
        found: Outcome = [*function(*arrays), *map(value, parameters)]
    except GraphcError as error:
        found = type(error)
        _same_bits(f"{function.name} after an error", function.graph, [*before.values()], [*map(value, parameters)])
    finally:
        for parameter, old in before.items():
            set_value(parameter, old)
    _compare(f"{function.name} on {function.target}", function.graph, wanted, found, tolerance)


def _compare(
    what: str, graph: Graph, wanted: list[Expectation] | type[GraphcError], found: Outcome, tolerance: float
) -> None:
    if isinstance(wanted, type) or isinstance(found, type):
        if isinstance(wanted, list):
            arrays = [each.value for each in wanted]
        elif isinstance(found, list):
            arrays = found
        else:
            return  # of several errors any may come first
        # Whether an index is looked at that no element needs is left open.
        unneeded = IndexOutOfBounds in (wanted, found) and any(array.size == 0 for array in arrays)
        if not unneeded:
            shown = [each.__name__ if isinstance(each, type) else "arrays" for each in (found, wanted)]
            raise MismatchError(f"{what} gives {shown[0]} instead of {shown[1]}", details=[str(graph)])
        return
    for number, (expected, got) in enumerate(zip(wanted, found, strict=True)):
        if got.shape != expected.value.shape or got.dtype != expected.value.dtype:
            types = f"{got.dtype}{got.shape} instead of {expected.value.dtype}{expected.value.shape}"
            raise MismatchError(f"{what}: result {number} is {types}", details=[str(graph)])
        differs = expected.differs(got, tolerance=tolerance)
        _refuse(what, graph, number, differs, got, expected.value)


def _same_bits(what: str, graph: Graph, wanted: Outcome, found: Outcome) -> None:
    """All bits are the same, but that a NaN is like any other."""
    if isinstance(wanted, type) or isinstance(found, type):
        _compare(what, graph, wanted if isinstance(wanted, type) else [], found, 0.0)
        return
    for number, (old, new) in enumerate(zip(wanted, found, strict=True)):
        differs = old != new
        if as_dtype(old.dtype).is_float:
            differs = (differs & ~(np.isnan(old) & np.isnan(new))) | ((old == 0) & (np.signbit(old) != np.signbit(new)))
        _refuse(what, graph, number, differs, new, old)


def _refuse(what: str, graph: Graph, number: int, differs: Any, got: Array, wanted: Array) -> None:
    if not np.any(differs):
        return
    place = tuple(int(index[0]) for index in np.nonzero(np.atleast_1d(differs)))[: got.ndim]
    raise MismatchError(
        f"{what}: result {number} differs in {np.count_nonzero(differs)} of {got.size} elements",
        details=[f"at {place}: {got[place]} instead of {wanted[place]}", *str(graph).splitlines()],
    )
