"""Random graphs: compiled code agrees with the reference, and optimised graphs with the user's.

The examples are the same in every run, and few enough to be quick. To search for longer, raise their number and
delete `derandomize`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import graphc as gc
from graphc.errors import ShapeError
from graphc.ir.graph import Graph
from graphc.ir.node import Node, make
from graphc.ir.op import OPS
from graphc.ops.base import Elementwise, LibraryOp
from graphc.ops.cumulative import LogCumulativeSumExp
from graphc.ops.special.poisson import log_poisson
from graphc.testing import (
    assert_graphs_agree,
    assert_targets_agree,
    check_gradient,
    graphs,
    sample,
    sizes_for,
)
from graphc.testing.strategies import BUILDERS, known_ops

SIZES = st.tuples(*[st.sampled_from([0, 1, 2, 3, 7, 17])] * 2)
SEEDS = st.integers(0, 1000)
needs_compiler = pytest.mark.skipif(not shutil.which("g++"), reason="needs g++")


def examples(count: int) -> settings:
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )


def agree(graph: Graph, seed: int, sizes: tuple[int, int], special: bool, target: str, **options: Any) -> None:
    """Compare; sizes that the graph cannot have (an empty axis has no argmax, n-3 is no size of 2) are no examples."""
    arrays = sample(graph, seed, sizes_for(graph, *sizes), special=special)
    try:
        (function,) = assert_targets_agree(graph, arrays, targets=[target], **options)
    except ShapeError:
        return
    assert function.compile_count == 1


@examples(200)
@given(graphs(), SEEDS, SIZES, st.booleans())
def test_native_code(graph: Graph, seed: int, sizes: tuple[int, int], special: bool) -> None:
    agree(graph, seed, sizes, special, "llvm")


@examples(100)
@given(graphs(), SEEDS, SIZES, st.booleans())
def test_native_code_of_graphs_as_they_are(graph: Graph, seed: int, sizes: tuple[int, int], special: bool) -> None:
    agree(graph, seed, sizes, special, "llvm", passes="")


@examples(200)
@given(graphs(max_ops=25), SEEDS, SIZES, st.booleans())
def test_exact_rewrites_keep_every_bit(graph: Graph, seed: int, sizes: tuple[int, int], special: bool) -> None:
    agree(graph, seed, sizes, special, "reference", semantics="ieee")


@examples(200)
@given(graphs(max_ops=25), SEEDS, SIZES)
def test_stabilising_rewrites_agree(graph: Graph, seed: int, sizes: tuple[int, int]) -> None:
    agree(graph, seed, sizes, False, "reference")


@needs_compiler
@examples(8)
@given(graphs(), SEEDS, SIZES, st.booleans())
def test_cuda_kernels_on_the_emulator(graph: Graph, seed: int, sizes: tuple[int, int], special: bool) -> None:
    agree(graph, seed, sizes, special, "cuda-emulator")


def test_native_code_for_any_machine() -> None:
    """Without the vector instructions of this one."""
    code = """
import warnings
warnings.simplefilter("ignore")
from hypothesis import given
from tests.test_fuzz import SEEDS, SIZES, agree, examples
from graphc.testing import graphs

@examples(25)
@given(graphs(), SEEDS, SIZES)
def run(graph, seed, sizes):
    agree(graph, seed, sizes, True, "llvm")

run()
"""
    environment = {**os.environ, "GRAPHC_CPU": "x86-64"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@examples(60)
@given(graphs())
def test_text_round_trips(graph: Graph) -> None:
    text = str(graph)
    assert str(gc.parse_graph(text)) == text


FOUND = {
    "a loop of one iteration has a variable of its own": """
graph f(%x: i32[2,1,n]) {
  %0: i64[2,n] = argmin(%x, axis=1)
  return %0
}""",
    "no index of an empty result is checked": """
graph f(%x: bool[n], %y: i64[]) {
  %0: i64[] = extent(size=n, dtype=i64)
  %1: i64[] = remainder(%y, %0)
  %2: i64[n] = expand(%1, axis=(0,), size=(n,))
  %3: bool[n] = take_along_axis(%x, %2, axis=0)
  return %3
}""",
    "a single index is checked": """
graph f(%x: f32[n,1], %y: i64[n,1]) {
  %0: f32[n,3] = scatter_add_along_axis(%x, %y, axis=1, size=3)
  return %0
}""",
    "16-bit floats add up in float32": """
graph f(%x: f16[n], %y: i8[n]) {
  %0: i8[n] = sign(%y)
  %1: f16[2] = scatter_add_along_axis(%x, %0, axis=0, size=2)
  return %1
}""",
    "a kernel has no name of C": """
graph f(%x: f16[n]) {
  %0: bool[n] = isfinite(%x)
  return %0
}""",
    "the sign of a NaN is open": """
graph f(%x: f16[n]) {
  %0: f16[n] = acosh(%x)
  %1: f16[n] = copysign(%x, %0)
  return %1
}""",
    "negative exponents of integers": """
graph f(%x: i8[n], %y: i8[n], %z: i64[n]) {
  %0: i8[n] = pow(%x, %y)
  %1: i64[n] = pow(%z, %z)
  return %0, %1
}""",
}


@pytest.mark.parametrize("target", ["llvm", pytest.param("cuda-emulator", marks=needs_compiler)])
@pytest.mark.parametrize("text", FOUND.values(), ids=FOUND)
def test_what_was_found_once(text: str, target: str) -> None:
    for n in (0, 1, 7, 40):
        agree(gc.parse_graph(text), n, (n, n), n == 7, target)


# --- the tools themselves ---


def test_every_op_can_appear_in_a_random_graph() -> None:
    # What a library calculates on whole matrices is tested where it is defined.
    # Items stand behind every op with several results.
    others = {name for name, op in OPS.items() if not issubclass(op, Elementwise | LibraryOp)}
    assert others - set(BUILDERS) == {"input", "parameter", "constant", "item"}


def test_a_wrong_rewrite_is_found() -> None:
    x = gc.input("x", (4,))
    before, after = (Graph("f", (x,), (y,)) for y in (gc.sum(gc.exp(x)), gc.sum(gc.exp(x)) * 1.00001))
    with pytest.raises(gc.MismatchError, match="differs in 1 of 1"):
        assert_graphs_agree(before, after, [np.ones(4, "f4")])


def test_cancellation_is_no_disagreement() -> None:
    x = gc.input("x", (1000,))
    before, after = (Graph("f", (x,), (y,)) for y in (gc.sum(x), gc.sum(gc.flip(x)) + 0.0))
    values = np.random.default_rng(0).normal(size=1000).astype("f4")
    assert_graphs_agree(before, after, [np.concatenate([values[:500], -values[:500]])])


@pytest.mark.parametrize("step", [gc.xlogy, log_poisson])
def test_a_step_at_0_is_no_disagreement_where_a_sum_cancels(step: Any) -> None:
    x = gc.input("x", ("n", 2), "float64")
    total = make(LogCumulativeSumExp(1, False), gc.log_softmax(x, axis=1))  # 0, or nearly
    graph = Graph("f", (x,), (step(total, gc.full_like(total, -1.0)),))
    assert_targets_agree(graph, [np.random.default_rng(0).normal(size=(1000, 2))])


def test_an_exact_comparison_sees_the_sign_of_zero() -> None:
    x = gc.input("x", ())
    before, after = Graph("f", (x,), (x * 0.0,)), Graph("f", (x,), (abs(x * 0.0),))
    assert_graphs_agree(before, after, [np.float32(-1.0)])
    with pytest.raises(gc.MismatchError):
        assert_graphs_agree(before, after, [np.float32(-1.0)], semantics="ieee")


def test_parameters_keep_their_values() -> None:
    w = gc.parameter("w", np.ones(3, "f4"))
    x = gc.input("x", ("n",))
    graph = Graph("step", (x,), (gc.sum(x),), ((w, w + gc.sum(x)),))
    assert_targets_agree(graph, {"x": np.ones(5, "f4")}, targets=["llvm", "reference"])
    assert gc.value(w).tolist() == [1, 1, 1]


def test_a_right_gradient_passes_and_a_wrong_one_does_not() -> None:
    x, y = gc.input("x", (3,), "float64"), gc.input("y", (3,), "float64")
    points = [np.array([0.5, 1.0, 2.0]), np.array([-1.0, 0.0, 3.0])]

    def cost(x: Node, y: Node) -> Node:
        return gc.logsumexp(x * y) + gc.sum(gc.sin(y) * gc.log(x))  # type: ignore[no-any-return]

    check_gradient(cost, [x, y], points)
    with pytest.raises(gc.MismatchError, match="finite differences"):
        check_gradient(gc.sum(gc.stop_gradient(x) * x), [x], points[:1])


STEPS = ("floor", "ceil", "trunc", "round", "sign", "floor_divide", "remainder", "stop_gradient")
# A loop without a bound has no derivative in reverse mode, and normal_quantile is no quantile beyond 1/2.
OTHERS = ("while", "normal_quantile")
SMOOTH = sorted(name for name in known_ops() if OPS[name].vjp is not None and name not in (*STEPS, *OTHERS))


@examples(12)
@given(graphs(ops=SMOOTH, dtypes=[gc.float64], max_ops=4, updates=False), SEEDS)
def test_gradients_of_random_graphs(graph: Graph, seed: int) -> None:
    """Where values and gradients are numbers."""
    costs = [gc.mean(gc.tanh(y)) for y in graph.outputs if y.dtype is gc.float64]
    if not costs or not graph.inputs:
        return
    cost, arrays = sum(costs[1:], costs[0]), sample(graph, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gc.UnusedInputWarning)
        gradients = gc.grad(cost, list(graph.inputs))
    values = gc.compile(graph.inputs, [cost, *gradients], target="reference")(*arrays)
    if all(np.isfinite(value).all() for value in values):
        check_gradient(cost, graph.inputs, arrays)
