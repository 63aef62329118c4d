"""Calls of compiled functions: arguments of every kind, sizes, parameters, failures, threads."""

import contextlib
import gc as garbage
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import graphc as gc
from graphc.backends.llvm import executable as llvm_executable
from graphc.backends.llvm.blas import Blas, NoBlas, numpy_blas
from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.products import products

GRID = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.fixture(params=["llvm native", "llvm python", "reference"])
def target(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name, *path = request.param.split()
    if path == ["python"]:
        monkeypatch.setenv("GRAPHC_CALL", "python")
    return str(name)


@pytest.fixture
def double(target: str) -> Any:
    x = gc.input("x", ("n", 4))
    return gc.compile([x], x * 2 + 1, target=target)


def matrix_of_int64(n: int) -> np.ndarray[Any, Any]:
    return np.arange(n * 4).reshape(n, 4)


class Tagged(np.ndarray):
    """A subclass, as libraries of units and of tables have."""


def unaligned(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    memory = np.zeros(array.nbytes + 1, np.uint8)
    view = memory[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    assert not view.flags.aligned
    return view


def read_only(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


class Wrapper:
    """What other libraries' arrays look like."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        return GRID if dtype is None else GRID.astype(dtype)


ODD = {
    "contiguous": GRID,
    "fortran order": np.asfortranarray(GRID),
    "every second": np.repeat(GRID, 2, axis=1)[:, ::2],
    "negative strides": GRID[::-1, ::-1].copy()[::-1, ::-1],
    "broadcast": np.broadcast_to(GRID[:1], (3, 4)),
    "unaligned": unaligned(GRID),
    "byte-swapped": GRID.astype(">f4"),
    "read-only": read_only(GRID),
    "a subclass": GRID.view(Tagged),
    "a matrix": np.asmatrix(GRID),
    "unmasked": np.ma.masked_array(GRID, mask=False),
    "half": GRID.astype(np.float16),
    "bfloat16": GRID.astype(ml_dtypes.bfloat16),
    "small integers": GRID.astype(np.int16),
    "bool": GRID > 5,
    "a list": GRID.tolist(),
    "a list of integers": GRID.astype(int).tolist(),
    "a tuple of arrays": tuple(GRID),
    "another library's": Wrapper(),
    "a memoryview": memoryview(GRID),
    "empty": np.zeros((0, 4), np.float32),
    "empty and odd": np.zeros((4, 0), ">f4").T,
    "a dtype of its own": GRID.astype(np.dtype("f4", metadata={"unit": "m"})),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_numpy_converts_without_loss_is_taken(double: Any, kind: str) -> None:
    given = ODD[kind]
    wanted = np.asarray(given).astype(np.float32) * 2 + 1
    for _ in range(2):  # the second call may take another path
        got = double(given)
        assert type(got) is np.ndarray and got.dtype == np.float32
        np.testing.assert_array_equal(got, wanted)


def masked() -> Any:
    return np.ma.masked_array(GRID, mask=GRID > 3)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (
            GRID.astype(np.float64),
            gc.DTypeError,
            r"dtype float64, float32 is expected.*x\.astype\(\"float32\"\)",
        ),
        (matrix_of_int64(2), gc.DTypeError, "dtype int64, float32 is expected"),
        (GRID.astype(complex), gc.DTypeError, "dtype complex128"),
        (np.full((3, 4), "a"), gc.DTypeError, "no numbers"),
        (np.zeros((3, 4), [("a", "f4")]), gc.DTypeError, "float32 is expected"),
        (np.zeros((3, 4), "M8[s]"), gc.DTypeError, "no numbers"),
        (None, gc.DTypeError, "no numbers"),
        ([[1, 2, 3, "four"]], gc.DTypeError, "no numbers"),
        ([[1.0, 2.0], [3.0]], gc.ArgumentError, "is no array"),
        ([[1e300, 0, 0, 0]], gc.DTypeError, "a value that float32 cannot hold: 1e"),
        (masked(), gc.ArgumentError, "masked elements.*filled"),
        (gc.input("z", (3, 4)), gc.ArgumentError, "is symbolic"),
        (GRID[0], gc.ShapeError, r"has shape \(4,\), 2 axes are expected"),
        (np.float32(3), gc.ShapeError, r"has shape \(\), 2 axes"),
        (3.0, gc.ShapeError, "2 axes"),
        (GRID.T, gc.ShapeError, "axis 1 of %x has size 4, that of the value 3"),
    ],
)
def test_everything_else_is_an_error_at_the_users_line(double: Any, given: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=f"(?s){words}") as caught:
        double(given)
    assert 'x = gc.input("x", ("n", 4))' in str(caught.value)
    assert "test_executable.py:" in str(caught.value)
    np.testing.assert_array_equal(double(GRID), GRID * 2 + 1)


@pytest.fixture
def difference(target: str) -> Any:
    a, b = gc.input("a", ("n",)), gc.input("b", ("n",))
    return gc.compile([a, b], a - b, target=target, name="difference")


def test_arguments_by_name(difference: Any) -> None:
    one, two = np.ones(3, np.float32), np.full(3, 2, np.float32)
    for call in (
        lambda: difference(two, b=one),
        lambda: difference(b=one, a=two),
        lambda: difference(two, one),
    ):
        np.testing.assert_array_equal(call(), one)


@pytest.mark.parametrize(
    ("args", "keywords", "words"),
    [
        ((1, 2, 3), {}, "2 arguments are expected, 3 were given"),
        (([1.0],), {}, "no argument for 'b'"),
        ((), {}, "no argument for 'a', 'b'"),
        (([1.0],), {"a": [1.0]}, "the input 'a' is given twice"),
        (([1.0],), {"b": [1.0], "c": 1}, "there is no input 'c'"),
    ],
)
def test_wrong_arguments(difference: Any, args: Any, keywords: Any, words: str) -> None:
    with pytest.raises(gc.ArgumentError, match=words) as caught:
        difference(*args, **keywords)
    assert "difference(a: f32[n], b: f32[n])" in str(caught.value)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    ("dtype", "given", "wanted"),
    [
        ("int64", np.int32([1, -2]), [1, -2]),
        ("int64", [True, False], [1, 0]),
        ("int32", [1, -(2**31)], [1, -(2**31)]),
        ("int32", [], []),
        ("uint8", [255, 0], [255, 0]),
        ("float64", np.float32([0.1, 2]), np.float32([0.1, 2])),
        ("float64", [1, 2], [1, 2]),
        ("float16", [0.1, float("inf")], np.float16([0.1, np.inf])),
        ("bfloat16", [1.5, float("nan")], [1.5, np.nan]),
        ("bool", [True, False], [True, False]),
    ],
)
def test_weak_numbers_and_wider_dtypes(target: str, dtype: str, given: Any, wanted: Any) -> None:
    x = gc.input("x", ("n",), dtype)
    same = gc.compile([x], x[::-1], target=target)
    got = same(given)
    assert str(got.dtype) == dtype
    np.testing.assert_array_equal(got.astype("f8"), np.asarray(wanted, "f8")[::-1])


@pytest.mark.parametrize(
    ("dtype", "given"),
    [
        ("int32", [2**31]),
        ("uint8", [-1]),
        ("uint8", [256]),
        ("int64", [1.0]),
        ("int64", np.uint64([1])),
        ("int32", np.int64([1])),
        ("bool", [1]),
        ("float16", [1e6]),
        ("float16", np.float32([1])),
        ("bfloat16", np.float16([1])),
        ("float32", np.float64(1.5)),
        ("float64", [1 + 1j]),
        ("int64", [2**70]),
    ],
)
def test_what_would_lose_something_is_refused(dtype: str, given: Any) -> None:
    x = gc.input("x", ("n",) if np.ndim(given) else (), dtype)
    function = gc.compile([x], x, target="reference")
    with pytest.raises(gc.DTypeError, match="argument 'x'"):
        function(given)


def test_scalars(target: str) -> None:
    x, k = gc.input("x"), gc.input("k", (), "int64")
    function = gc.compile([x, k], x * k.astype("float32"), target=target)
    for value in (1.5, np.float32(1.5), np.array(1.5, "f4"), np.array([1.5], "f4")[0]):
        got = function(value, 2)
        assert got.shape == () and got == 3.0


# --- sizes ---


def test_sizes_change_from_call_to_call(target: str) -> None:
    x = gc.input("x", ("n", "m"))
    function = gc.compile([x], [gc.exp(x), gc.sum(gc.exp(x) * 2, axis=0), gc.softmax(x)], target=target)
    random = np.random.default_rng(0)
    for n, m in [(3, 4), (1, 1), (0, 4), (3, 0), (3, 4), (200, 33), (2, 5)] * 2:
        a = random.normal(size=(n, m)).astype("f")
        exp, total, soft = function(a)
        np.testing.assert_allclose(exp, np.exp(a), rtol=1e-5)
        np.testing.assert_allclose(total, (np.exp(a) * 2).sum(axis=0), rtol=1e-4)
        np.testing.assert_allclose(soft.sum(axis=1), np.ones(n if m else 0) if m else np.zeros(n), rtol=1e-5)
    assert function.compile_count == 1


def test_sizes_that_contradict_each_other(difference: Any) -> None:
    with pytest.raises(gc.ShapeError, match="n = 3, but n = 4") as caught:
        difference(np.ones(3, "f4"), np.ones(4, "f4"))
    text = str(caught.value)
    assert "%a: f32[n]" in text and "%b: f32[n]" in text and "test_executable.py" in text
    np.testing.assert_array_equal(difference([3.0], [1.0]), [2.0])


def test_sizes_in_expressions(target: str) -> None:
    x, y = gc.input("x", ("2*n",)), gc.input("y", ("n+1",))
    function = gc.compile([x, y], gc.sum(x) + gc.sum(y), target=target)
    assert function(np.ones(6, "f4"), np.ones(4, "f4")) == 10
    with pytest.raises(gc.ShapeError, match=r"no size n gives 2\*n = 5"):
        function(np.ones(5, "f4"), np.ones(4, "f4"))
    with pytest.raises(gc.ShapeError, match=r"n = 3, but n\+1 = 5"):
        function(np.ones(6, "f4"), np.ones(5, "f4"))
    with pytest.raises(gc.ShapeError, match=r"n = 0, but n\+1 = 0"):
        function(np.ones(0, "f4"), np.ones(0, "f4"))


def test_a_size_below_zero_names_the_node(target: str) -> None:
    x = gc.input("x", ("n",))
    y = x + gc.sum(gc.zeros(("n-2",)))
    function = gc.compile([x], y, target=target)
    assert function(np.ones(2, "f4")).shape == (2,)
    with pytest.raises(gc.ShapeError, match=r"the size n-2 is -1, where n = 1"):
        function(np.ones(1, "f4"))


def test_a_size_that_no_input_decides() -> None:
    x = gc.input("x", ("n",))
    with pytest.raises(gc.ShapeError, match="no input decides the size k"):
        gc.compile([x], gc.sum(x) + gc.ones(("k",)))


# --- parameters ---


def counter(start: Any, dtype: str = "float32") -> gc.Node:
    return gc.parameter("counter", np.asarray(start, dtype))


def test_updates_happen_after_the_outputs_and_together(target: str) -> None:
    a, b = counter([1, 2]), counter([10, 20])
    swap = gc.compile([], [a + b, a], updates=[(a, b), (b, a)], target=target)
    total, old = swap()
    np.testing.assert_array_equal(total, [11, 22])
    np.testing.assert_array_equal(old, [1, 2])
    np.testing.assert_array_equal(gc.value(a), [10, 20])
    np.testing.assert_array_equal(gc.value(b), [1, 2])


def test_functions_share_parameters(target: str) -> None:
    w = counter(np.zeros(3))
    x = gc.input("x", (3,))
    add = gc.compile([x], None, updates={w: w + x}, target=target)
    read = gc.compile([], w * 1.0, target="llvm")
    assert add(np.ones(3, "f4")) is None
    add(np.ones(3, "f4"))
    np.testing.assert_array_equal(read(), [2, 2, 2])
    gc.set_value(w, [5, 6, 7])
    np.testing.assert_array_equal(read(), [5, 6, 7])


def test_results_do_not_change_later(target: str) -> None:
    w = counter([1.0, 2.0])
    x = gc.input("x", (2,))
    step = gc.compile([x], [w, x], updates={w: w * 2}, target=target)
    a = np.ones(2, "f4")
    value, same = step(a)
    a[:] = 7
    step(a)
    np.testing.assert_array_equal(value, [1, 2])
    np.testing.assert_array_equal(same, [1, 1])


def test_a_failed_call_changes_nothing(target: str) -> None:
    table, calls = gc.parameter("table", GRID), counter(0)
    i = gc.input("i", ("n",), "int64")
    rows = table[i]
    new = table + gc.sum(rows)
    step = gc.compile([i], gc.sum(rows), updates={table: new, calls: calls + 1}, target=target)
    assert step([0, -3]) == 2 * GRID[0].sum()
    before = gc.value(table)
    for bad in ([3], [0, 1, 99], [-4]):
        with pytest.raises(gc.IndexOutOfBounds, match="out of bounds") as caught:
            step(bad)
        assert "rows = table[i]" in str(caught.value)
    np.testing.assert_array_equal(gc.value(table), before)
    assert gc.value(calls) == 1
    step([1])
    assert gc.value(calls) == 2


# --- without BLAS, and with another one ---


def multiply(sizes: tuple[int, int, int], dtype: str) -> None:
    m, k, n = sizes
    a, b = gc.input("a", ("m", "k"), dtype), gc.input("b", ("k", "n"), dtype)
    function = gc.compile([a, b], [a @ b, b.T @ a.T])
    random = np.random.default_rng(0)
    x, y = random.normal(size=(m, k)).astype(dtype), random.normal(size=(k, n)).astype(dtype)
    first, second = function(x, y)
    np.testing.assert_allclose(first, x @ y, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(second, (x @ y).T, rtol=1e-4, atol=1e-5)


@pytest.fixture
def without_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    made = products(NoBlas("for this test"), Machine.named("x86-64"))
    assert made.calls_python
    monkeypatch.setattr(llvm_executable, "_products", lambda *_: made)


@pytest.fixture
def with_32_bit_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    """The OpenBLAS that SciPy brings has 32-bit sizes."""
    blas = _scipy_blas()
    if blas is None:
        pytest.skip("no OpenBLAS with 32-bit sizes here")
    made = products(blas, Machine.named("x86-64"))
    assert not made.calls_python
    monkeypatch.setattr(llvm_executable, "_products", lambda *_: made)


def _scipy_blas() -> Blas | None:
    from ctypes import CDLL
    from pathlib import Path

    from graphc.backends.llvm import blas

    with contextlib.suppress(ImportError):
        import scipy.linalg

        folder = Path(scipy.__file__).parent.parent / "scipy.libs"
        for path in sorted(folder.glob("*openblas*")):
            found = blas._inspect(str(path), CDLL(str(path)))
            if found is not None and found.integer_bits == 32:
                return found
    return None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (5, 7, 3), (64, 33, 17), (0, 3, 2), (2, 0, 3)])
@pytest.mark.parametrize("blas", ["without_blas", "with_32_bit_blas"])
def test_matrix_products_through_another_blas(
    request: pytest.FixtureRequest, blas: str, sizes: tuple[int, int, int], dtype: str
) -> None:
    request.getfixturevalue(blas)
    multiply(sizes, dtype)


def test_numpy_has_a_blas_here() -> None:
    if isinstance(numpy_blas(), NoBlas):
        pytest.skip("this NumPy has none")
    multiply((5, 7, 3), "float32")


# --- threads ---


def in_threads(work: Any, count: int = 4) -> list[Any]:
    """What the threads raised or returned."""
    results: list[Any] = []

    def run(number: int) -> None:
        try:
            results.append(work(number))
        except BaseException as error:
            results.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize("blas", ["numpy", "none"])
def test_threads_call_one_function(target: str, blas: str, request: pytest.FixtureRequest) -> None:
    if blas == "none":
        request.getfixturevalue("without_blas")
    x, w = gc.input("x", ("n", 4)), gc.parameter("w", np.eye(4, dtype="f4"))
    calls = counter(0, "int64")
    step = gc.compile([x], [x @ w, gc.sum(x)], updates={calls: calls + 1}, target=target)

    def work(number: int) -> bool:
        for turn in range(50):
            a = np.full((1 + (turn * number) % 5, 4), number + turn, "f4")
            same, total = step(a if turn % 3 else np.asfortranarray(a))
            if not (same == a).all() or total != a.sum():
                return False
        return True

    assert in_threads(work) == [True] * 4
    assert gc.value(calls) == 200


# --- memory ---


def test_a_function_is_freed(target: str) -> None:
    x = gc.input("x", ("n",))
    function = gc.compile([x], gc.exp(x) + 1, target=target)
    function(np.ones(3, "f4"))
    gone = weakref.ref(function)
    executable = weakref.ref(function._executable)
    del function
    garbage.collect()
    assert gone() is None and executable() is None


def test_the_call_alone_keeps_what_it_needs() -> None:
    x = gc.input("x", ("n",))
    constant = np.arange(8, dtype="f4")
    call = gc.compile([x], gc.sum(x) * constant + gc.parameter("w", constant)).__call__
    garbage.collect()
    np.testing.assert_array_equal(call(np.ones(2, "f4")), constant * 3)


@pytest.fixture(autouse=True)
def no_leftover_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("GRAPHC_CHECK", "GRAPHC_FUEL", "GRAPHC_SHOW"):
        monkeypatch.delenv(name, raising=False)
    yield
