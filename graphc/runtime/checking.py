"""GRAPHC_CHECK=1: what was promised of values is looked at, and results are compared with those of the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc.errors import AssumptionError, MismatchError
from graphc.interpret import Results, evaluate
from graphc.ir.graph import Graph
from graphc.ir.leaf import Input, Parameter
from graphc.ir.node import Node, describe, everywhere
from graphc.ops.assume import Assume
from graphc.runtime.arguments import Array, Signature


def checked(
    call: Callable[..., Any], graph: Graph, signature: Signature, source: Graph | None = None
) -> Callable[..., Any]:
    """A call that raises MismatchError where results or new values of parameters are not the reference's, and
    AssumptionError where an element of an input is outside of its range or against an assumption.

    `source` is the user's graph: of an optimised one assumptions may have gone, once rules have used them.
    Floats may differ by the square root of their precision, relative to the largest finite value.
    """

    source = source or graph
    assumes = any(isinstance(node.op, Assume) for node in everywhere(source.results))

    def call_and_compare(*args: Any, **keywords: Any) -> Any:
        arrays = signature.arrays(args, keywords)
        for node, array in zip(graph.inputs, arrays, strict=True):
            _check_range(node, array)
        if assumes:
            evaluate(source, arrays, watcher=_AssumptionsHold())
        expected = evaluate(graph, arrays)
        results = call(*arrays)
        outputs = results if isinstance(results, list) else [] if results is None else [results]
        _compare(graph, outputs, expected)
        return results

    return call_and_compare


def _check_range(node: Node, array: Array) -> None:
    assert isinstance(node.op, Input)
    if node.op.bounds is None:
        return
    low, high = node.op.bounds
    outside = ~((array >= low) & (array <= high))
    if outside.any():
        place = _first_place(outside)
        raise AssumptionError(
            f"the input {node.op.label!r} is {array[place]} at {place}, outside of its range [{low}, {high}]",
            details=[describe(node)],
            help="declare the range that values have, or give values that are in it",
        )


class _AssumptionsHold:
    """Watches an evaluation, loops included."""

    def computed(self, node: Node, xs: Sequence[Array], value: Any) -> None:
        if not isinstance(node.op, Assume) or xs[0].all():
            return
        place = _first_place(~xs[0])
        raise AssumptionError(
            f"an assumption does not hold: an element is {xs[1][place]}, at {place}",
            details=[describe(node), describe(node.args[0])],
        )

    def inside(self, node: Node, number: int) -> _AssumptionsHold:
        return self


def _first_place(wrong: Array) -> tuple[int, ...]:
    """The index of the first element that is true."""
    return tuple(int(index[0]) for index in np.nonzero(wrong)) if wrong.ndim else ()


def _compare(graph: Graph, outputs: Sequence[Array], expected: Results) -> None:
    for number, (node, got) in enumerate(zip(graph.outputs, outputs, strict=True)):
        _compare_one(f"output {number} of {graph.name}", node, got, expected.outputs[number])
    values: Mapping[Node, Node] = dict(graph.updates)
    for parameter, wanted in expected.updates.items():
        assert isinstance(parameter.op, Parameter)
        what = f"the new value of {parameter.op.label!r}"
        _compare_one(what, values[parameter], parameter.op.storage.read(), wanted)


def _compare_one(what: str, node: Node, got: Array, wanted: Array) -> None:
    if got.shape != wanted.shape or got.dtype != wanted.dtype:
        types = f"{got.dtype}{got.shape} instead of {wanted.dtype}{wanted.shape}"
        raise MismatchError(f"{what} has another type than the reference: {types}", details=[describe(node)])
    differs = _differs(got, wanted)
    if differs.any():
        place = _first_place(differs)
        raise MismatchError(
            f"{what} differs from the reference in {np.count_nonzero(differs)} of {got.size} elements",
            details=[describe(node), f"at {place}: {got[place]} instead of {wanted[place]}"],
            help="please report it; passes='' shows whether a pass is the cause",
        )


def _differs(got: Array, wanted: Array) -> Any:
    if got.dtype.kind in "biu":
        return got != wanted
    precision = float(np.spacing(np.ones((), got.dtype))) ** 0.5
    got, wanted = got.astype(np.float64), wanted.astype(np.float64)
    largest = np.max(np.abs(wanted), where=np.isfinite(wanted), initial=0.0)
    return ~np.isclose(got, wanted, rtol=precision, atol=precision * largest, equal_nan=True)
