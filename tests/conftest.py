"""Collects `tests/ir/*.ir`: graphs, a pipeline, and the graphs that it gives; `pytest --bless` rewrites the latter.

A file opens with `# pass: PIPELINE`, then come cases: `[name]` and a graph, then `[out]` and the graph that is
expected, `[out] unchanged`, or `[error] TEXT`. Every case also runs both graphs and compares numbers: bit for bit
after exact passes, and to rounding after stabilising ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphc.errors import GraphcError
from graphc.interpret import evaluate
from graphc.ir.graph import Graph
from graphc.ir.parser import parse_graph
from graphc.passes.pipeline import parse_pipeline
from graphc.testing.samples import within_bounds

EXACT = {"canonicalize", "fold", "simplify", "dead_code"}
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, np.inf, -np.inf, np.nan]
HEAD = re.compile(r"^\[(?P<name>[^\]]+)\](?P<rest>.*)$", re.MULTILINE)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--bless", action="store_true", help="write what passes give into the files of tests/ir")


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    if file_path.suffix != ".ir":
        return None
    return IRFile.from_parent(parent, path=file_path)  # type: ignore[no-any-return]


class IRFile(pytest.File):
    """A file of cases."""

    def collect(self) -> Iterator[IRCase]:
        text = self.path.read_text()
        pipeline = re.search(r"^# pass: (.+)$", text, re.MULTILINE)
        assert pipeline is not None, f"{self.path} does not say `# pass: …`"
        heads = list(HEAD.finditer(text))
        ends = [*(head.start() for head in heads[1:]), len(text)]
        for (before, after), end in zip(zip(heads[::2], heads[1::2], strict=True), ends[1::2], strict=True):
            case = IRCase.from_parent(self, name=before["name"])
            case.pipeline = pipeline[1]
            case.source = _graph_text(text[before.end() : after.start()])
            case.expected = after
            case.body = text[after.end() : end]
            yield case


class IRCase(pytest.Item):
    """One graph and what becomes of it."""

    pipeline: str
    source: str
    expected: re.Match[str]
    body: str

    def runtest(self) -> None:
        kind, rest = self.expected["name"], self.expected["rest"].strip()
        if kind == "error":
            with pytest.raises(GraphcError, match=re.escape(rest)):
                parse_pipeline(self.pipeline).run(parse_graph(self.source))
            return
        before = parse_graph(self.source)
        after = parse_pipeline(self.pipeline).run(before)
        compare(before, after, exact=all(p.split("{")[0] in EXACT for p in self.pipeline.split(",")))
        again = parse_pipeline(self.pipeline).run(after)
        assert str(again) == str(after), f"not idempotent:\n{after}\n{again}"
        found = "unchanged" if str(after) == str(before) else str(after)
        wanted = "unchanged" if rest == "unchanged" else _graph_text(self.body)
        if found != wanted and self.config.getoption("--bless"):
            self.bless(found)
        else:
            assert found == wanted

    def bless(self, found: str) -> None:
        """Write what was found in the place of what was expected."""
        text = self.path.read_text()
        head = text.index(f"[{self.name}]\n{self.source}")
        start = HEAD.search(text, head + 1).start()  # type: ignore[union-attr]
        following = HEAD.search(text, start + 1)
        end = following.start() if following else len(text)
        comment = re.search(r"(\n#[^\n]*)*\n*$", text[start:end])
        kept = comment[0].strip("\n") if comment and following else ""
        shown = "[out] unchanged\n" if found == "unchanged" else f"[out]\n{found}"
        gap = "\n" + (kept + "\n" if kept else "") if following else ""
        self.path.write_text(text[:start] + shown + gap + text[end:])

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        return f"{self.path.name} [{self.name}], pass {self.pipeline}\n{excinfo.getrepr(style='short')}"

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name


def _graph_text(body: str) -> str:
    """The graph of a section, without comments that belong to the next one."""
    return body.strip("\n").split("\n}\n")[0].split("\n}")[0] + "\n}\n"


def compare(before: Graph, after: Graph, *, exact: bool) -> None:
    """Run both graphs and compare: bits if exact; else where the first is finite, and NaN for NaN."""
    sizes = {name: 3 + i for i, name in enumerate(before.dimensions)}
    rng = np.random.default_rng(0)
    for special in (False, True):
        leaves = (*before.inputs, *before.parameters)
        values = [within_bounds(_sample(rng, leaf.type, sizes, special), leaf) for leaf in leaves]
        inputs, parameters = values[: len(before.inputs)], values[len(before.inputs) :]
        results = []
        for graph in (before, after):
            given = {p: v for p, v in zip(before.parameters, parameters, strict=True) if p in set(graph.parameters)}
            with np.errstate(all="ignore"):
                outputs, updates = evaluate(graph, inputs, parameters=given)
            results.append([*outputs, *(updates.get(p, v) for p, v in zip(before.parameters, parameters))])
        for old, new in zip(*results, strict=True):
            assert old.shape == new.shape and old.dtype == new.dtype
            if exact:
                np.testing.assert_array_equal(
                    np.isnan(old) if old.dtype.kind == "f" else old,
                    np.isnan(new) if old.dtype.kind == "f" else new,
                )
                same = (old == new) & (np.signbit(old) == np.signbit(new)) if old.dtype.kind == "f" else old == new
                assert np.all(same | (old != old)), f"bits differ:\n{old}\n{new}"
            elif old.dtype.kind == "f":
                finite = np.isfinite(old)
                np.testing.assert_allclose(
                    new[finite], old[finite], rtol=2e-2 if old.dtype.itemsize == 2 else 1e-4, atol=1e-5
                )
            else:
                np.testing.assert_array_equal(old, new)


def _sample(rng: np.random.Generator, type_: Any, sizes: dict[str, int], special: bool) -> Any:
    shape, dtype = type_.concrete_shape(sizes), type_.dtype
    if dtype.is_float:
        values = rng.choice(SPECIAL, shape) if special else rng.normal(size=shape)
        return np.asarray(values).astype(dtype.numpy)
    return np.asarray(rng.integers(0, 2, shape)).astype(dtype.numpy)
