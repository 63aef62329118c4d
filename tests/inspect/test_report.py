"""The page about a compiled function: what stands in it, and that nothing in it needs anything else."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import graphc as gc


def function() -> gc.CompiledFunction:
    x, w = gc.input("x", ("n", 4)), gc.parameter("w", np.ones((4, 3), "float32"))
    z = x @ w
    p = gc.exp(z) / gc.sum(gc.exp(z), axis=1, keepdims=True)
    loss = -gc.mean(gc.log(p))
    return gc.compile([x], loss, updates={w: w - gc.grad(loss, w)}, name="step")


class Balance(HTMLParser):
    """Counts open elements, and what points outside of the page."""

    VOID = frozenset({"meta", "input", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.outside += [value for name, value in attributes if name in ("src", "href") and value]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def page(tmp_path: Path) -> str:
    step = function()
    step(np.ones((5, 4), "float32"))
    return gc.inspect.explain(step, tmp_path / "step.html").read_text(encoding="utf-8")


def test_page_is_sound_and_alone(page: str) -> None:
    parser = Balance()
    parser.feed(page)
    assert parser.open == [] and parser.outside == []
    assert "http" not in page


def test_page_has_rules_lines_graphs_kernels_and_memory(page: str) -> None:
    assert "softmax_of_exponentials" in page and "Numerator and denominator overflow together" in page
    assert "log_softmax(%z, axis=(1,))" in page
    assert "p = gc.exp(z) / gc.sum(gc.exp(z), axis=1, keepdims=True)" in page
    assert "exp may overflow in f32 where %z &gt; 88.72" in page and "repaired by softmax_of_exponentials" in page
    assert "stabilize" in page and "kernel " in page and "arena" in page
    assert "&lt; " in page and "->" not in re.sub(r"<script>.*?</script>|<style>.*?</style>", "", page, flags=re.DOTALL)


def test_a_line_and_what_became_of_it_have_one_number(page: str) -> None:
    (number,) = re.findall(r'<span data-lines="(\d+)"><em>(?:<u[^>]*>.</u>)*</em><b> *\d+</b>     p = gc.exp', page)
    made = re.findall(r'<div data-lines="([\d ]+)">[^<]*= log_softmax', page)
    assert made and all(number in lines.split() for lines in made)


def test_lines_have_signs_of_what_became_of_them(page: str, tmp_path: Path) -> None:
    signs = r"<em>((?:<u[^>]*>.</u>)*)</em><b> *\d+</b>     "
    rewritten = '<u class=good title="rewritten by softmax_of_exponentials">●</u>'
    assert re.findall(signs + "p = gc.exp", page) == [rewritten]
    x = gc.input("x", ("n",))
    width = gc.exp(2 * x) * gc.log(1 + gc.exp(x))
    text = gc.inspect.explain(gc.compile([x], width), tmp_path / "f.html").read_text(encoding="utf-8")
    (shown,) = re.findall(signs + "width = gc.exp", text)
    assert re.findall("class=(good|bad)", shown) == ["bad", "good"] and "exp may overflow in f32" in shown
    assert re.findall(r"<small>line \d+</small>", text)


def test_loops_and_functions_without_rewrites(tmp_path: Path) -> None:
    x = gc.input("x", ("n",))
    total, _ = gc.scan(lambda s, v: (s + gc.exp(v), None), gc.zeros((), dtype="float32"), x)
    for outputs in (total, x):
        text = gc.inspect.explain(gc.compile([x], outputs), tmp_path / "f.html").read_text(encoding="utf-8")
        assert "optimised graph" in text


def test_lines_of_other_programs_do_not_appear(tmp_path: Path) -> None:
    def average(n: str) -> gc.CompiledFunction:
        x = gc.input("x", (n,))
        if n == "n":
            return gc.compile([x], gc.sum(x) / gc.extent(x.shape[0], "float32"))  # another program
        return gc.compile([x, gc.input("y", ("n",))], gc.sum(x) / gc.extent(gc.dim("n"), "float32"))

    another, f = average("n"), average("m")
    assert "another program" in gc.inspect.explain(another, tmp_path / "f.html").read_text(encoding="utf-8")
    lines = gc.inspect.explain(f, tmp_path / "f.html").read_text(encoding="utf-8")
    assert "another program" not in re.sub(r"<span><em>.*?</span>", "", lines)


def test_wrong_ending(tmp_path: Path) -> None:
    with pytest.raises(gc.GraphError, match=r"page into 'f.txt'"):
        gc.inspect.explain(function(), tmp_path / "f.txt")
    assert not (tmp_path / "f.txt").exists()


def test_not_of_a_graph(tmp_path: Path) -> None:
    with pytest.raises(gc.GraphError, match="Graph is no compiled function"):
        gc.inspect.explain(function().graph, tmp_path / "f.html")  # type: ignore[arg-type]
