"""The front door: symbolic inputs, outputs and updates go in, a compiled function comes out.

    step = gc.compile([x, y], loss, updates={w: w - 0.1 * gc.grad(loss, w)})
    step(x_array, y_array)

Whatever the user got wrong is an error here, with the lines that made the nodes in question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc.errors import DTypeError, GraphcError, GraphError, ShapeError
from graphc.ir.graph import Graph
from graphc.ir.leaf import Parameter, full
from graphc.ir.node import Node, describe, make, rebuild, topological
from graphc.ir.printer import NAME, variable_names
from graphc.ir.source import at, here
from graphc.ops.assume import beyond_assumptions
from graphc.ops.conversion import as_node, broadcast_to, cast
from graphc.types import weak_dtype

if TYPE_CHECKING:
    from graphc.runtime.function import CompiledFunction

Updates = Mapping[Node, Any] | Iterable[tuple[Node, Any]]


def compile(
    inputs: Sequence[Node],
    outputs: Node | Sequence[Any] | None,
    *,
    updates: Updates | None = None,
    givens: Mapping[Node, Any] | None = None,
    target: str = "llvm",
    passes: str = "default",
    semantics: str = "stable",
    accumulation: str = "blocked",
    accuracy: str = "fast",
    diagnostics: str | Mapping[str, str] | None = None,
    name: str | None = None,
) -> CompiledFunction:
    """A function from arrays for `inputs` to arrays for `outputs`: one for a node, a list for a list.

    `updates` gives parameters new values after the outputs are calculated: all at once or, where the call
    fails, none; those that advance by themselves need none. `givens` puts other values in the place of nodes.
    `target` is where it runs, `passes` the pipeline that optimises it, `semantics` what a rewrite may change:
    "ieee", "stable" or "real". `accumulation` is how sums are calculated: "blocked", or "compensated", as if in twice
    the precision. `accuracy` is "fast", or has elementwise formulas searched for more accurate ones: "balanced" takes
    those that cost hardly more, "best" the most accurate. `diagnostics` says what happens about numbers that can go
    wrong: "warn" or "error" for all that remains, "all" warns of what was repaired too, and a dict from kinds of
    diagnostics to these speaks of some; `f.diagnostics` lists them in any case.

    Raises GraphError, ShapeError or DTypeError for nodes that do not fit together, TargetError for a target
    that is unknown or not there, CompileError where a target cannot compile the graph, NumericalError where
    diagnostics ask for it.
    """
    single = isinstance(outputs, Node)
    results = [outputs] if single else _listed(outputs)
    texts = {"target": target, "passes": passes, "semantics": semantics}
    texts |= {"accumulation": accumulation, "accuracy": accuracy}
    for option, value in texts.items():
        if not isinstance(value, str):
            raise TypeError(f"compile: {option} is a text, not {_shown(value)}")
    source = _graph(inputs, results, {} if updates is None else updates, {} if givens is None else givens, name)
    # Passes and targets are imported when something is compiled: importing graphc stays cheap.
    from graphc.runtime.compilation import compile_graph

    return compile_graph(
        source,
        target=target,
        passes=passes,
        semantics=semantics,
        accumulation=accumulation,
        accuracy=accuracy,
        diagnostics=diagnostics,
        returns_list=not single and outputs is not None,
    )


def _graph(
    inputs: Sequence[Node],
    outputs: Sequence[Any],
    updates: Updates,
    givens: Mapping[Node, Any],
    name: str | None,
) -> Graph:
    if not isinstance(inputs, list | tuple):
        raise GraphError(f"the inputs are no list: {_shown(inputs)}", help="write compile([x], ...)")
    if isinstance(updates, Node | str | np.ndarray) or not isinstance(updates, Iterable):
        raise GraphError(f"no updates: {_shown(updates)}", help=_UPDATES)
    if not isinstance(givens, Mapping):
        raise GraphError(f"givens are a dict from nodes to values, not {_shown(givens)}")
    pairs = [_update(pair) for pair in (updates.items() if isinstance(updates, Mapping) else updates)]
    results = [*map(_output, outputs), *(new for _, new in pairs)]
    if givens:
        results = _substituted(results, {old: _given(old, new) for old, new in givens.items()})
    count = len(outputs)
    changes = [(parameter, new) for (parameter, _), new in zip(pairs, results[count:], strict=True)]
    changes += _advances(results, {parameter for parameter, _ in changes})
    return Graph(
        _function_name(name),
        tuple(map(beyond_assumptions, inputs)),
        tuple(results[:count]),
        tuple(changes),
        _variable_names([*results[:count], *(new for _, new in changes)]),
    )


def _listed(outputs: Any) -> list[Any]:
    if outputs is None or isinstance(outputs, list | tuple):
        return list(outputs or ())
    raise GraphError(f"not an output: {_shown(outputs)}", help=_OUTPUTS)


_UPDATES = "updates are a dict, or pairs of parameter and value"
_OUTPUTS = "outputs are a node, a list of nodes, or None"


def _output(value: Any) -> Node:
    try:
        return as_node(value)
    except (TypeError, ValueError):
        raise GraphError(f"not an output: {_shown(value)}", help=_OUTPUTS) from None


def _update(pair: Any) -> tuple[Node, Node]:
    """A parameter and its new value, in its dtype and shape."""
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise GraphError(f"no update: {_shown(pair)}", help=_UPDATES)
    parameter, value = beyond_assumptions(pair[0]), pair[1]
    if not isinstance(parameter, Node) or not isinstance(parameter.op, Parameter):
        raise GraphError(
            f"an update of something that is no parameter: {_shown(parameter)}",
            help="parameters are made by graphc.parameter",
        )
    return parameter, _fitted(value, parameter, f"the new value of {parameter.op.label!r}")


def _advances(results: Sequence[Node], updated: set[Node]) -> list[tuple[Node, Node]]:
    """The updates of parameters that advance by themselves, where the results need them and do not update them."""
    found: list[tuple[Node, Node]] = []
    new = list(results)
    while new:
        parameters = [node for node in topological(new) if isinstance(node.op, Parameter) and node not in updated]
        updated = updated.union(parameters)
        moving = [(node, node.op.storage.advance) for node in parameters if isinstance(node.op, Parameter)]
        pairs = [_update((node, advance(node))) for node, advance in moving if advance is not None]
        found += pairs
        new = [value for _, value in pairs]
    return found


def _given(old: Any, new: Any) -> Node:
    if not isinstance(old, Node):
        raise GraphError(f"givens replace nodes, not {_shown(old)}")
    return _fitted(new, old, "the replacement in givens")


def _fitted(value: Any, like: Node, what: str) -> Node:
    """A value as a node of the type of another, if no digits are lost. Raises DTypeError or ShapeError."""
    try:
        weak = isinstance(value, bool | int | float) and not isinstance(value, np.generic)
        if weak and weak_dtype(value, like.dtype) is like.dtype:
            return full(value, like.type)
        node = as_node(value)
    except (GraphcError, TypeError) as error:
        raise DTypeError(f"{what} does not fit: {error}", details=[describe(like)]) from None
    if not np.can_cast(node.dtype.numpy, like.dtype.numpy, "safe"):
        raise DTypeError(
            f"{what} is {node.dtype.name}, not {like.dtype.name}",
            details=[describe(like), describe(node)],
            help=f'convert it where losing digits is meant: .astype("{like.dtype.name}")',
        )
    try:
        return broadcast_to(cast(node, like.dtype), like.shape)
    except ShapeError:
        raise ShapeError(
            f"{what} has shape {_shape(node)}, not {_shape(like)}", details=[describe(like), describe(node)]
        ) from None


def _substituted(roots: Sequence[Node], givens: Mapping[Node, Node]) -> list[Node]:
    """Nodes with others in the place of some; what is put in is not looked at again."""

    def replace(node: Node, args: tuple[Node, ...]) -> Node:
        if node in givens:
            return givens[node]
        with at(node.source):
            return make(node.op, *args)

    return rebuild(roots, replace)


def _function_name(name: str | None) -> str:
    """The name that the user gave, or that of the variable on the user's line."""
    if name is not None:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise GraphError(f"{name!r} is no name", help="letters, digits and '_', no digit first")
        return name
    source = here()
    match = re.match(r"([A-Za-z_]\w*)\s*(:[^=]+)?=[^=]", source.text) if source else None
    return match[1] if match else "function"


def _variable_names(results: Sequence[Node]) -> dict[Node, str]:
    """The names of the user's variables, but that of the function, on whose line nodes may be made too."""
    own = here()
    return {
        node: variable
        for node, variable in variable_names(topological(results)).items()
        if own is None or node.source is None or (node.source.file, node.source.line) != (own.file, own.line)
    }


def _shown(value: Any) -> str:
    return describe(value) if isinstance(value, Node) else f"{value!r:.80}"


def _shape(node: Node) -> str:
    return f"({', '.join(map(str, node.shape))})"
