"""The front door: what compile takes, what it refuses, and what a compiled function says about itself."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import graphc as gc
from graphc.backends.target import HostedCode
from graphc.ir.op import OPS
from graphc.ops.base import Elementwise
from graphc.runtime.checking import checked


def python(code: str, **environment: str) -> str:
    """What a fresh interpreter prints."""
    import os

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- the package ---


def test_importing_graphc_is_cheap() -> None:
    heavy = (
        "sympy",
        "networkx",
        "llvmlite",
        "mpmath",
        "scipy",
        "matplotlib",
        "graphc.runtime",
        "graphc.passes.rules",
    )
    found = python(f"import sys, graphc; print([name for name in {heavy} if name in sys.modules])")
    assert found.strip() == "[]"


def test_lazy_modules() -> None:
    assert python("import graphc as gc; print(gc.init.zeros((1,)), gc.optim.Adam().learning_rate)") == "[0.] 0.001\n"


def test_the_functions_are_not_hidden_by_their_modules() -> None:
    code = "import graphc.compile, graphc.grad, graphc as gc; print(callable(gc.compile), callable(gc.grad))"
    assert python(code) == "True True\n"


def test_public_names_exist() -> None:
    assert all(hasattr(gc, name) for name in gc.__all__)
    assert set(gc.__all__) <= set(dir(gc))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = gc.nonsense


def test_every_elementwise_op_is_a_function() -> None:
    for name, op in list(OPS.items()):
        if issubclass(op, Elementwise):
            assert callable(getattr(gc, name)) and name in dir(gc)


def test_a_new_op_appears_and_compiles() -> None:
    class DoubledPlusOne(Elementwise):
        """2 x + 1."""

        vjp = None

        def scalar(self, s: Any, x: Any) -> Any:
            return x + x + 1

    try:
        x = gc.input("x", ("n",))
        function = gc.compile([x], gc.doubled_plus_one(x))
        np.testing.assert_array_equal(function(np.float32([1, 2])), [3, 5])
        assert "doubled_plus_one" in dir(gc)
    finally:
        del OPS["doubled_plus_one"]
        gc.__dict__.pop("doubled_plus_one", None)


# --- what comes back ---

X = gc.input("x", ("n", 3))
DATA = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.mark.parametrize("target", ["llvm", "reference"])
def test_a_list_for_a_list_and_an_array_for_a_node(target: str) -> None:
    y = gc.exp(X)
    assert isinstance(gc.compile([X], y, target=target)(DATA), np.ndarray)
    (one,) = gc.compile([X], [y], target=target)(DATA)
    assert isinstance(one, np.ndarray)
    first, second = gc.compile([X], (y, y), target=target)(DATA)
    assert first is not second and not np.shares_memory(first, second)
    assert gc.compile([X], [], target=target)(DATA) == []
    assert gc.compile([X], None, target=target)(DATA) is None


def test_numbers_and_arrays_are_outputs() -> None:
    got = gc.compile([X], [X, 2.5, np.arange(3)])(DATA)
    np.testing.assert_array_equal(got[0], DATA)
    assert got[1] == 2.5
    np.testing.assert_array_equal(got[2], [0, 1, 2])


def test_inputs_that_are_not_used() -> None:
    unused = gc.input("unused", ("m", "m"), "int8")
    function = gc.compile([unused, X], X * 2)
    np.testing.assert_array_equal(function(np.zeros((2, 2), np.int8), DATA), DATA * 2)
    with pytest.raises(gc.ShapeError, match="m = 2, but m = 3"):
        function(np.zeros((2, 3), np.int8), DATA)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: gc.compile([X], gc.exp(gc.input("q", (3,)))), gc.GraphError, "'q' is needed but not given"),
        (lambda: gc.compile([X, X], X), gc.GraphError, "two inputs are named 'x'"),
        (lambda: gc.compile([X, gc.input("x")], X), gc.GraphError, "two inputs are named 'x'"),
        (lambda: gc.compile(X, X), gc.GraphError, r"the inputs are no list.*compile\(\[x\]"),
        (lambda: gc.compile([gc.exp(X)], X), gc.GraphError, "not an input"),
        (lambda: gc.compile(["x"], X), gc.GraphError, "not an input"),
        (lambda: gc.compile([X], "y"), gc.GraphError, "not an output: 'y'"),
        (lambda: gc.compile([X], [X, None]), gc.GraphError, "not an output: None"),
        (lambda: gc.compile([X], {"y": X}), gc.GraphError, "not an output"),
        (
            lambda: gc.compile([X], X, target="gpu"),
            gc.TargetError,
            "no target 'gpu'.*llvm, cuda, cuda-emulator, ref",
        ),
        (
            lambda: gc.compile([X], X, semantics="fast"),
            gc.GraphError,
            "no semantics 'fast'.*ieee, stable, real",
        ),
        (lambda: gc.compile([X], X, passes="fuze"), gc.GraphcError, "fuze"),
        (lambda: gc.compile([X], X, name="1st"), gc.GraphError, "'1st' is no name"),
    ],
)
def test_what_is_refused(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=f"(?s){words}"):
        call()


# --- updates and givens ---


@pytest.fixture
def w() -> gc.Node:
    return gc.parameter("w", np.ones((2, 3), np.float32))


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (7, 7),
        (0.5, 0.5),
        (True, 1),
        (np.arange(3, dtype=np.float32), [[0, 1, 2]] * 2),
        (np.float16(2), 2),
        ([[1], [2]], None),
        (gc.constant(np.int16([1, 2, 3])), [[1, 2, 3]] * 2),
    ],
)
@pytest.mark.parametrize("pairs", [dict, list])
def test_new_values_are_broadcast_and_converted(w: gc.Node, value: Any, wanted: Any, pairs: Any) -> None:
    if wanted is None:  # a list of integers has the dtype int64, which float32 does not hold
        with pytest.raises(gc.DTypeError, match="the new value of 'w' is int64, not float32"):
            gc.compile([], None, updates=pairs({w: value}.items()))
        return
    gc.compile([], None, updates=pairs({w: value}.items()))()
    np.testing.assert_array_equal(gc.value(w), np.broadcast_to(np.asarray(wanted, "f4"), (2, 3)))


@pytest.mark.parametrize(
    ("updates", "error", "words"),
    [
        (lambda w: {w: w.astype("float64")}, gc.DTypeError, r"float64, not float32.*\.astype\(\"float32\"\)"),
        (lambda w: {w: gc.zeros((3, 2))}, gc.ShapeError, r"shape \(3, 2\), not \(2, 3\)"),
        (lambda w: {w: gc.zeros((5, 2, 3))}, gc.ShapeError, "shape"),
        (lambda w: {w: "one"}, gc.DTypeError, "the new value of 'w' does not fit"),
        (lambda w: {w: None}, gc.DTypeError, "the new value of 'w' does not fit"),
        (lambda w: {X: X}, gc.GraphError, "no parameter"),
        (lambda w: {"w": w}, gc.GraphError, "no parameter: 'w'"),
        (lambda w: [(w, w), (w, w * 2)], gc.GraphError, "two updates of one parameter"),
        (lambda w: [w], gc.GraphError, "no update"),
        (lambda w: {w: gc.sum(gc.input("q", (3,)))}, gc.GraphError, "'q' is needed"),
    ],
)
def test_updates_that_do_not_fit(w: gc.Node, updates: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=f"(?s){words}"):
        gc.compile([], None, updates=updates(w))


def test_the_users_lines_are_shown(w: gc.Node) -> None:
    total = gc.sum(w, axis=0, dtype="float64")
    with pytest.raises(gc.DTypeError) as caught:
        gc.compile([], None, updates={w: total})
    assert "test_compile.py:" in str(caught.value) and 'total = gc.sum(w, axis=0, dtype="float64")' in str(caught.value)
    assert 'return gc.parameter("w", np.ones((2, 3), np.float32))' in str(caught.value)


def test_integers_do_not_become_floats() -> None:
    count = gc.parameter("count", np.int64(0))
    with pytest.raises(gc.DTypeError, match="the new value of 'count'"):
        gc.compile([], None, updates={count: 0.5})


@pytest.mark.parametrize("target", ["llvm", "reference"])
def test_givens_replace_nodes_all_at_once(w: gc.Node, target: str) -> None:
    a, b = gc.input("a", ("n",)), gc.input("b", ("n",))
    difference = a - b
    swapped = gc.compile([a, b], difference, givens={a: b, b: a}, target=target)
    np.testing.assert_array_equal(swapped(np.float32([5, 6]), np.float32([1, 1])), [-4, -5])
    constant = gc.compile([b], difference, givens={a: 3}, target=target)
    np.testing.assert_array_equal(constant(np.float32([1, 2])), [2, 1])
    frozen = gc.compile([], w * 2, givens={w: np.zeros((2, 3), np.float32)}, target=target)
    np.testing.assert_array_equal(frozen(), np.zeros((2, 3)))
    inner = gc.compile([a], gc.exp(difference), givens={difference: a * 0}, target=target)
    np.testing.assert_array_equal(inner(np.float32([5, 6])), [1, 1])
    step = gc.compile([a], None, updates={w: w + gc.sum(difference)}, givens={b: gc.zeros(("n",))}, target=target)
    step(np.float32([1, 2]))
    np.testing.assert_array_equal(gc.value(w), np.full((2, 3), 4))


@pytest.mark.parametrize(
    ("givens", "error"),
    [
        ({"a": 1}, gc.GraphError),
        ({X: gc.zeros((2, 4))}, gc.ShapeError),
        ({X: X.astype("float64")}, gc.DTypeError),
    ],
)
def test_givens_that_do_not_fit(givens: Any, error: Any) -> None:
    with pytest.raises(error):
        gc.compile([X], X * 2, givens=givens)


# --- what a function says about itself ---


def naive_loss() -> tuple[list[gc.Node], gc.Node, gc.Node]:
    x = gc.input("x", ("n", 4))
    w = gc.parameter("w", np.zeros((4, 3), np.float32))
    logits = x @ w + 1
    return [x], gc.mean(gc.log(gc.sum(gc.exp(logits), axis=1))), w


def test_inspection() -> None:
    inputs, loss, w = naive_loss()
    step = gc.compile(inputs, loss, updates={w: w - 0.1 * gc.grad(loss, w)})
    assert step.name == "step" and step.target == "llvm" and step.compile_count == 1
    assert "logsumexp" in str(step.graph) and "logsumexp" not in str(step.source_graph)
    assert "%logits: f32[n,3] = " in str(step.source_graph)
    assert [kernel.name for kernel in step.kernels] == [kernel.name for kernel in step.program.kernels]
    assert all(f"@{kernel.name}(" in kernel.source for kernel in step.kernels)
    assert "main" in step.assembly()
    assert any(firing.rule.name == "log_sum_exp" and firing.source is not None for firing in step.rewrites)
    assert str(step.passes[0].step) == "canonicalize"
    assert repr(step) == "<compiled step(x: f32[n,4]) -> f32[], 1 updates on llvm>"
    assert "step(x: f32[n,4])" in type(step).__call__.__doc__


def test_memory_is_known_before_a_call_and_after() -> None:
    inputs, loss, _ = naive_loss()
    function = gc.compile(inputs, loss)
    with pytest.raises(gc.GraphError, match=r"memory_for\(n=…\)"):
        _ = function.memory
    small, large = function.memory_for(n=2), function.memory_for(n=2000)
    assert 0 < small.total < large.total
    function(np.ones((2, 4), np.float32))
    assert function.memory == small
    with pytest.raises(gc.GraphError, match="no size is given for n"):
        function.memory_for()
    fixed = gc.compile([], gc.exp(gc.ones((3,))))
    assert fixed.memory.total == 0


def test_why_not() -> None:
    inputs, loss, _ = naive_loss()
    function = gc.compile(inputs, loss)
    assert "it fired at" in function.why_not("log_sum_exp")
    x = inputs[0]
    other = gc.compile([x], gc.log(gc.sum(gc.exp(x) + 1, axis=1)))
    assert "exp(x) is wanted where" in other.why_not("log_sum_exp")
    assert "not at %log" in other.why_not("log_sum_exp", node=other.source_graph.outputs[0])
    plain = gc.compile([x], x * 2)
    assert "it begins at log" in plain.why_not("log_sum_exp")
    careful = gc.compile(inputs, loss, semantics="ieee")
    assert "it is stabilizing" in careful.why_not("log_sum_exp")
    with pytest.raises(gc.GraphError, match="did you mean log_sum_exp"):
        function.why_not("log_sum_ex")


def test_names_come_from_the_users_variables() -> None:
    x = gc.input("named", ("n", 3))  # equal nodes are one: no other test may have written exp of this input
    hidden = gc.exp(x)
    squared: Any = gc.compile([x], hidden * 2)
    assert squared.name == "squared"
    assert "%hidden: " in str(squared.graph)
    assert gc.compile([X], X * 2).name == "function"
    assert gc.compile([X], X * 2, name="given").name == "given"


def test_passes_and_fuel(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, loss, _ = naive_loss()
    assert "logsumexp" not in str(gc.compile(inputs, loss, passes="").graph)
    assert "logsumexp" in str(gc.compile(inputs, loss, passes="stabilize").graph)
    monkeypatch.setenv("GRAPHC_FUEL", "0")
    starved = gc.compile(inputs, loss)
    assert starved.rewrites == [] and "logsumexp" not in str(starved.graph)


def test_a_deep_chain() -> None:
    y = X
    for _ in range(3000):
        y = gc.sin(y) + 0.25
    got = gc.compile([X], y)(DATA)
    wanted = DATA.astype("f8")
    for _ in range(3000):
        wanted = np.sin(wanted) + 0.25
    np.testing.assert_allclose(got, wanted, rtol=1e-4)


# --- GRAPHC_CHECK ---


def test_checked_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHC_CHECK", "1")
    inputs, loss, w = naive_loss()
    step = gc.compile(inputs, [loss, inputs[0] > 0], updates={w: w - 0.1 * gc.grad(loss, w)})
    for n in (1, 5):
        step(np.random.default_rng(n).normal(size=(n, 4)).astype("f4"))
    table = gc.compile([gc.input("i", (), "int64")], w[gc.input("i", (), "int64")])
    with pytest.raises(gc.IndexOutOfBounds):
        table(4)


class Wrong(HostedCode):
    """Code with a mistake of its own."""

    def __init__(self, mistake: Any) -> None:
        self.mistake = mistake

    def run(self, inputs: Any, parameters: Any, sizes: Any) -> Any:
        outputs, changes = self.mistake(inputs[0])
        for array in parameters.values():
            array += changes
        return [outputs]


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (lambda x: (x * 2, 1), None),
        (lambda x: (x * np.float32(2.00001), 1), None),
        (lambda x: (x * 2.1, 1), r"output 0 of graph differs .* at \(0, 1\)"),
        (lambda x: (np.where(x > 3, np.nan, x * 2), 1), "differs from the reference in 2 of 6"),
        (lambda x: (x * 2, 0), "the new value of 'w'"),
        (lambda x: ((x * 2).astype("f8"), 1), "another type"),
    ],
)
def test_a_mismatch_is_found(mistake: Any, words: str | None) -> None:
    from graphc.runtime.executable import make_executable

    w = gc.parameter("w", np.float32(0))
    graph = gc.Graph("graph", (X,), (X * 2,), ((w, w + 1),))
    executable = make_executable(graph, lambda: None, Wrong(mistake), returns_list=False)  # type: ignore[arg-type, return-value]
    call = checked(executable.call, graph, executable.signature)
    if words is None:
        call(DATA)
        return
    with pytest.raises(gc.MismatchError, match=f"(?s){words}"):
        call(DATA)


# --- targets ---


def test_cuda_without_a_gpu_says_what_is_missing() -> None:
    from graphc.backends.cuda.driver import available

    if available() is None:
        pytest.skip("there is a GPU")
    with pytest.raises(gc.TargetError, match=r"(?s)cuda.*cuda-emulator"):
        gc.compile([X], X * 2, target="cuda")


def test_the_reference_needs_no_other_target() -> None:
    code = (
        "import sys, graphc as gc; x = gc.input('x', (2,));"
        "f = gc.compile([x], gc.exp(x), target='reference');"
        "print(f([0.0, 0.0]), 'llvmlite' in sys.modules, f.kernels, f.program.name)"
    )
    assert python(code) == "[1. 1.] False () function\n"


def test_the_reference_has_no_assembly() -> None:
    with pytest.raises(gc.TargetError, match="no assembly"):
        gc.compile([X], X * 2, target="reference").assembly()
