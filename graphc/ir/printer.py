"""Graphs as text. The same graph always prints as the same text, and `parser.parse_graph` reads it back.

    graph   = "graph" NAME "(" [leaf {"," leaf}] ")" "{" {line} "}"
    leaf    = VALUE ":" type ["in" "[" number "," number "]"] | "param" VALUE ":" type
    line    = VALUE ":" type "=" op | "update" VALUE "=" operand | "return" [operand {"," operand}]
    op      = NAME "(" [operand {"," operand}] {"," NAME "=" attribute} ")"
            | "constant" "(" data ")"
    operand = VALUE | number                a number has the type of the last operand that is a value
    type    = DTYPE "[" [size {"," size}] "]" | "(" type {"," type} ")"
    size    = an integer, a NAME, or an expression of these with + - * // % min max
    attribute = size | DTYPE | float | "True" | "False" | "(" [size {"," size}] [","] ")"
            | inner | "(" inner {"," inner} ")"
    inner   = "(" [VALUE ":" type {"," VALUE ":" type}] ")" "{" {line} "}"
    data    = number | "[" [data {"," data}] "]" | "hex" "(" HEXDIGITS ")"
    number  = integer | float | "inf" | "-inf" | "nan" | "True" | "False"
    VALUE   = "%" followed by letters, digits, "_" and "."
    comments run from "#" to the end of the line

Values without a name of their own are numbered in order. Nodes appear operands first.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc.ir.bounds import Bounds
from graphc.ir.leaf import Constant, Input, Parameter
from graphc.ir.node import Node
from graphc.types import DType

if TYPE_CHECKING:
    from graphc.ir.graph import Graph

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
INLINE_ELEMENTS = 64  # larger constants print as hexadecimal bytes


def format_graph(graph: Graph) -> str:
    """The text of a graph."""
    names = value_names(graph)
    leaves = [_format_input(node, names) for node in graph.inputs]
    leaves += [f"param %{names[node]}: {node.type}" for node in graph.parameters]
    lines = [f"graph {graph.name}({', '.join(leaves)}) {{"]
    return "\n".join([*lines, *_body(graph, names), "}"]) + "\n"


def _body(graph: Graph, names: Mapping[Node, str]) -> list[str]:
    """The lines between the brackets."""
    lines = [format_node(node, names) for node in graph.nodes if node in names and not _is_leaf(node)]
    lines += [f"update %{names[p]} = {format_operand(new, names)}" for p, new in graph.updates]
    lines += [f"return {', '.join(format_operand(node, names) for node in graph.outputs)}".rstrip()]
    return [f"  {line}" for text in lines for line in text.split("\n")]


def format_node(node: Node, names: Mapping[Node, str]) -> str:
    """One line: the name, type and definition of a node."""
    head = f"%{names[node]}: {node.type} = "
    if isinstance(node.op, Constant):
        return f"{head}constant({format_data(node.op)})"
    inline = inline_operands(node)
    operands = [
        format_number(arg.op.value[()], arg.dtype) if i in inline else format_operand(arg, names)  # type: ignore[attr-defined]
        for i, arg in enumerate(node.args)
    ]
    attributes = [f"{name}={format_attribute(value)}" for name, value in node.op.attributes().items()]
    return f"{head}{node.op.name}({', '.join(operands + attributes)})"


def format_operand(node: Node, names: Mapping[Node, str]) -> str:
    return f"%{names[node]}"


def format_attribute(value: Any) -> str:
    """An attribute of an op: a size, a dtype, a number, an inner graph, or a tuple of these."""
    if hasattr(value, "outputs"):
        names = value_names(value)
        inputs = ", ".join(_format_input(node, names) for node in value.inputs)
        return "\n".join([f"({inputs}) {{", *_body(value, names), "}"])
    if isinstance(value, tuple):
        inner = ",".join(map(format_attribute, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return str(value)


def format_data(constant: Constant) -> str:
    """The elements of a constant, such that they read back bit for bit."""
    value = constant.value
    dtype = constant.type.dtype
    if value.size > INLINE_ELEMENTS or not _plain_nans(value, dtype):
        return f"hex({value.tobytes().hex()})"

    def nested(array: Any) -> str:
        if array.ndim == 0:
            return format_number(array[()], dtype)
        return f"[{', '.join(map(nested, array))}]"

    return nested(value)


def format_number(value: Any, dtype: DType) -> str:
    """A number, in the fewest digits that read back as the same."""
    if dtype.kind == "f":
        text = repr(float(value)) if dtype.bits != 32 else str(np.float32(value))
        return text if any(c in text for c in ".einf") else text + ".0"
    return str(bool(value)) if dtype.kind == "b" else str(int(value))


def format_bounds(bounds: Bounds, dtype: DType) -> str:
    """The declared bounds of an input."""
    low, high = (str(b) if math.isinf(b) else format_number(b, dtype) for b in bounds)
    return f"[{low}, {high}]"


def inline_operands(node: Node) -> frozenset[int]:
    """The operands that are printed as numbers: uniform constants of the type of the last other operand."""
    uniform = [isinstance(a.op, Constant) and a.op.uniform and _plain_nans(a.op.value, a.dtype) for a in node.args]
    others = [arg for arg, constant in zip(node.args, uniform, strict=True) if not constant]
    if not others:
        return frozenset()
    inline = frozenset(i for i, a in enumerate(node.args) if uniform[i] and a.type == others[-1].type)
    shown = [arg for i, arg in enumerate(node.args) if i not in inline]
    return inline if shown[-1] is others[-1] or shown[-1].type == others[-1].type else frozenset()


def value_names(graph: Graph) -> dict[Node, str]:
    """The unique name of each value that the text mentions; numbers for those without one of their own."""
    mentioned = dict.fromkeys([*graph.inputs, *graph.parameters])
    for node in graph.nodes:
        inline = inline_operands(node)
        mentioned.update(dict.fromkeys(arg for i, arg in enumerate(node.args) if i not in inline))
    mentioned.update(dict.fromkeys(graph.results))
    names: dict[Node, str] = {}
    taken: set[str] = set()
    for node in [*graph.inputs, *graph.parameters, *graph.nodes]:
        wanted = node.op.label if isinstance(node.op, Input | Parameter) else graph.names.get(node)
        if wanted is not None and node in mentioned and node not in names:
            names[node] = unique(wanted, taken)
    numbers = (str(i) for i in count() if str(i) not in taken)
    for node in graph.nodes:
        if node in mentioned and node not in names:
            names[node] = next(numbers)
    return names


def unique(wanted: str, taken: set[str]) -> str:
    """A name like the wanted one that is not taken yet; it is taken then."""
    name, number = wanted, 0
    while name in taken:
        number += 1
        name = f"{wanted}.{number}"
    taken.add(name)
    return name


def variable_names(nodes: Iterable[Node]) -> dict[Node, str]:
    """The names of the user's variables: on a line `h = …` the last node that the user made and stored is `h`."""
    last: dict[tuple[str, int], Node] = {}
    for node in nodes:
        written = node.source is not None and not node.source.is_derived
        if written and not _is_leaf(node) and not isinstance(node.op, Constant):
            assert node.source is not None
            if not node.source.is_stored:
                continue
            last[node.source.file, node.source.line] = node
    names = {}
    for node in last.values():
        assert node.source is not None
        match = re.match(r"([A-Za-z_]\w*)\s*=[^=]", node.source.text)
        if match:
            names[node] = match[1]
    return names


def _format_input(node: Node, names: Mapping[Node, str]) -> str:
    """An input with its type, and the bounds of its values where they are declared."""
    text = f"%{names[node]}: {node.type}"
    if not isinstance(node.op, Input) or node.op.bounds is None:
        return text
    return f"{text} in {format_bounds(node.op.bounds, node.dtype)}"


def _is_leaf(node: Node) -> bool:
    return isinstance(node.op, Input | Parameter)


def _plain_nans(value: Any, dtype: DType) -> bool:
    """Whether all NaNs are the one that `nan` reads back as."""
    if dtype.kind != "f" or not np.isnan(value).any():
        return True
    nans = value[np.isnan(value)]
    return nans.tobytes() == np.full(nans.shape, np.nan, value.dtype).tobytes()
