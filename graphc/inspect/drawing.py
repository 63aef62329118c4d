"""Pictures of graphs: a graph comes in, an SVG, PNG or PDF file goes out, laid out from top to bottom.

Each box says the op with its attributes, the user's variable, and the type; colours tell the kinds apart; a
tag names the kernel that computes it, where that is known. Uniform constants stand where they are used.
Needs matplotlib, which `graphc[examples]` brings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from graphc.errors import GraphError
from graphc.inspect.layout import Box, Layout, Point, layered
from graphc.ir.graph import Graph
from graphc.ir.leaf import Constant, Input, Parameter, uniform_value
from graphc.ir.node import Node
from graphc.ir.printer import format_attribute, format_number, inline_operands, value_names
from graphc.ops.base import Elementwise
from graphc.ops.contraction import Matmul
from graphc.ops.conversion import Addition, Expand, Reshape
from graphc.ops.movement import Concat, Pad, Slice, Transpose

# The hues of Okabe and Ito, which colour-blind readers tell apart, made pale enough to write on.
COLOURS = {
    "input": "#cfe8f7",
    "parameter": "#fbe0b0",
    "constant": "#eeeeee",
    "elementwise": "#ffffff",
    "movement": "#f0eaf6",
    "reduction": "#c9ecdf",
    "matmul": "#f9cfc0",
    "result": "#d9d9d9",
}
FONT = 9.0  # points
CHARACTER = 0.602 * FONT / 72  # inches, in the monospaced font
LINE = 1.35 * FONT / 72
FORMATS = (".svg", ".png", ".pdf")
INK, GREY = "#333333", "#777777"
TEXT = {"family": "monospace", "va": "center", "zorder": 4}
INSTALL = "pip install 'graphc[examples]'"


@dataclass(frozen=True)
class _Label:
    """What a box says, and how it looks."""

    lines: tuple[str, ...]
    kind: str
    tag: str = ""

    @property
    def size(self) -> Point:
        longest = max([*map(len, self.lines), len(self.tag) + 2])
        return longest * CHARACTER + 0.16, len(self.lines) * LINE + 0.12


def draw(graph: Graph, path: str | Path, *, kernels: Mapping[Node, str] | None = None, title: str = "") -> Path:
    """Draw a graph into a file, whose ending says the format. `kernels` maps nodes to their kernels.

    Raises GraphError for an unknown ending, and if matplotlib is missing.
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        raise GraphError(f"cannot draw into {path.name!r}", help=f"end the name in {', '.join(FORMATS)}")
    view, labels = _boxes(graph, kernels or {})
    layout = layered(view, {box: label.size for box, label in labels.items()})
    legend = sum(len(kind) * CHARACTER + 0.2 for kind in _legend(labels))
    figure, axes = _canvas(max(layout.width, legend), layout.height, title or graph.name)
    for start, end, data in view.edges(data=True):
        for port in data["ports"]:
            _draw_edge(axes, layout, labels, (start, end), port)
    for box, label in labels.items():
        _draw_box(axes, layout.places[box], label)
    _draw_legend(axes, labels)
    _save(figure, path)
    return path


def _boxes(graph: Graph, kernels: Mapping[Node, str]) -> tuple[Any, dict[Box, _Label]]:
    """What the boxes say, and a networkx graph of them; an edge knows the ports where it arrives."""
    import networkx

    names = value_names(graph)
    view = networkx.DiGraph()
    labels: dict[Box, _Label] = {}
    for node in graph.nodes:
        if node in names:
            labels[node] = _label(node, names[node], kernels.get(node, ""))
            view.add_node(node)
    for node in graph.nodes:
        inline = inline_operands(node)
        shown = [arg for i, arg in enumerate(node.args) if i not in inline]
        for i, arg in enumerate(shown):
            _connect(view, arg, node, (i + 1) / (len(shown) + 1))
    several = len(graph.outputs) > 1
    sinks = [(f"return {i}" if several else "return", value) for i, value in enumerate(graph.outputs)]
    sinks += [(f"update {names[parameter]}", value) for parameter, value in graph.updates]
    for text, value in sinks:
        labels[text] = _Label((text,), "result")
        _connect(view, value, text, 0.5)
    return view, labels


def _connect(view: Any, start: Box, end: Box, port: float) -> None:
    if not view.has_edge(start, end):
        view.add_edge(start, end, ports=[])
    view.edges[start, end]["ports"].append(port)


def _label(node: Node, name: str, tag: str) -> _Label:
    kind = _kind(node)
    value = f"%{name}: {node.type}"
    if isinstance(node.op, Input | Parameter):
        return _Label((node.op.label, str(node.type)), kind)
    if isinstance(node.op, Constant):
        number = f" {_number(node)}" if node.op.uniform else ""
        return _Label((f"constant{number}", value), kind)
    inline = inline_operands(node)
    inside = [_number(arg) if i in inline else "·" for i, arg in enumerate(node.args)] if inline else []
    # What the type says already is left out.
    hidden = ("shape",) if isinstance(node.op, Reshape) else ("size", "dtype")
    inside += [f"{key}={format_attribute(v)}" for key, v in node.op.attributes().items() if key not in hidden]
    return _Label((f"{node.op.name}({', '.join(inside)})" if inside else node.op.name, value), kind, tag)


def _number(node: Node) -> str:
    return format_number(uniform_value(node), node.dtype)


def _kind(node: Node) -> str:
    match node.op:
        case Input() | Parameter() | Constant():
            return node.op.name
        case Elementwise():
            return "elementwise"
        case Matmul():
            return "matmul"
        case Expand() | Reshape() | Transpose() | Slice() | Pad() | Concat():
            return "movement"
        case Addition():
            return "reduction"
    return "reduction" if hasattr(node.op, "axis") else "elementwise"


def _canvas(inner: float, height: float, title: str) -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise GraphError(f"drawing needs matplotlib: {error}", help=INSTALL) from None
    margin, head = 0.3, 0.75
    width = inner + 2 * margin
    figure = Figure(figsize=(width, height + 2 * margin + head))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-margin, width - margin), ylim=(height + margin, -margin - head))
    axes.axis("off")
    axes.text(0, -head, title, fontsize=13, weight="bold", va="center", color=INK)
    return figure, axes


def _save(figure: Any, path: Path) -> None:
    """Text stays text in an SVG, so that it can be searched; equal graphs give equal files."""
    from matplotlib import rc_context

    undated = {"Date": None} if path.suffix == ".svg" else None
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "graphc"}):
        figure.savefig(path, dpi=150, facecolor="white", metadata=undated)


def _draw_box(axes: Any, place: Point, label: _Label) -> None:
    from matplotlib.patches import FancyBboxPatch

    (x, y), (width, height) = place, label.size
    left, top = x - width / 2, y - height / 2
    look: dict[str, Any] = {"fc": COLOURS[label.kind], "ec": INK, "lw": 0.8, "zorder": 3}
    axes.add_patch(FancyBboxPatch((left, top), width, height, "round,pad=0,rounding_size=0.06", **look))
    for i, line in enumerate(label.lines):
        at = y + (i - (len(label.lines) - 1) / 2) * LINE
        emphasis = {"weight": "bold", "color": INK} if i == 0 else {"color": "#555555"}
        axes.text(x, at, line, fontsize=FONT, ha="center", **TEXT, **emphasis)
    if label.tag:
        frame = {"boxstyle": "round,pad=0.15", "fc": "#555555", "ec": "none"}
        right = x + width / 2
        axes.text(right, top, label.tag, fontsize=FONT - 2, ha="right", color="white", bbox=frame, **TEXT)


def _draw_edge(axes: Any, layout: Layout, labels: Mapping[Box, _Label], edge: tuple[Box, Box], port: float) -> None:
    """A smooth line from the foot of one box, through the gaps that the layout left, to a port of another."""
    from matplotlib.patches import FancyArrowPatch, PathPatch
    from matplotlib.path import Path as Curve

    start, end = edge
    (x0, y0), (x1, y1) = layout.places[start], layout.places[end]
    width, height = labels[end].size
    tip = (x1 + (port - 0.5) * width * 0.7, y1 - height / 2)
    points = [(x0, y0 + labels[start].size[1] / 2), *layout.routes[edge], tip]
    vertices, codes = [points[0]], [Curve.MOVETO]
    for (ax, ay), (bx, by) in pairwise(points):
        middle = (ay + by) / 2
        vertices += [(ax, middle), (bx, middle), (bx, by)]
        codes += [Curve.CURVE4] * 3
    axes.add_patch(PathPatch(Curve(vertices, codes), fc="none", ec=GREY, lw=0.9, zorder=1))
    look: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 7, "color": GREY, "lw": 0, "zorder": 2}
    axes.add_patch(FancyArrowPatch((tip[0], tip[1] - 0.02), tip, shrinkA=0, shrinkB=0, **look))


def _draw_legend(axes: Any, labels: Mapping[Box, _Label]) -> None:
    x = 0.06
    for kind in _legend(labels):
        frame = {"boxstyle": "round,pad=0.25", "fc": COLOURS[kind], "ec": INK, "lw": 0.6}
        axes.text(x, -0.38, kind, fontsize=FONT - 1, color=INK, bbox=frame, **TEXT)
        x += len(kind) * CHARACTER + 0.2


def _legend(labels: Mapping[Box, _Label]) -> list[str]:
    used = {label.kind for label in labels.values()}
    return [kind for kind in COLOURS if kind in used]
