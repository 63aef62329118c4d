import re
import struct

import pytest

from graphc.errors import GraphError
from graphc.inspect.drawing import draw
from graphc.ir.parser import parse_graph

pytest.importorskip("matplotlib")

GRAPH = parse_graph("""
graph step(%x: f32[n,4], param %w: f32[4,2]) {
  %0: f32[n,2] = matmul(%x, %w)
  %h: f32[n,2] = maximum(%0, 0.0)
  %1: f32[n] = sum(%h, axis=(1,))
  %2: f32[4,2] = multiply(0.5, %w)
  update %w = %2
  return %1, %h
}
""")


def texts(path):
    return re.findall(r">([^<>]+)</text>", path.read_text())


def test_an_svg_says_what_the_graph_does(tmp_path):
    words = texts(draw(GRAPH, tmp_path / "g.svg", kernels={GRAPH.outputs[0]: "rows_0"}))
    for word in ["matmul", "maximum(·, 0.0)", "%h: f32[n,2]", "sum(axis=(1,))", "multiply(0.5, ·)", "rows_0"]:
        assert word in words
    for word in ["x", "w", "return 0", "return 1", "update w", "step"]:
        assert word in words
    assert "constant 0.0" not in words


def test_equal_graphs_give_equal_files(tmp_path):
    first, second = draw(GRAPH, tmp_path / "a.svg"), draw(GRAPH, tmp_path / "b.svg")
    assert first.read_bytes() == second.read_bytes()


def test_a_png_is_large_enough_to_read(tmp_path):
    head = draw(GRAPH, tmp_path / "g.png").read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:24])
    assert width > 400
    assert height > 600


def test_an_unknown_ending_is_refused(tmp_path):
    with pytest.raises(GraphError, match=r"\.svg"):
        draw(GRAPH, tmp_path / "g.txt")
