"""Named dimensions: sizes as symbols, calculations with them, ranges, and what a call with wrong sizes says."""

import numpy as np
import pytest

import graphc as gc
from graphc import dimension
from graphc.interpret.ranges import is_positive


def test_one_function_serves_all_sizes():
    n = gc.dim("n")
    x = gc.input("x", (n, 2 * n + 1), "float64")
    f = gc.compile([x], [gc.sum(x, axis=1) / n, gc.reshape(x, (n * (2 * n + 1),))])
    for size in (0, 1, 3, 17):
        data = np.ones((size, 2 * size + 1))
        mean, flat = f(data)
        np.testing.assert_allclose(mean, np.full(size, (2 * size + 1) / max(size, 1)))
        assert flat.shape == (size * (2 * size + 1),)
    assert f.compile_count == 1


def test_a_contradiction_names_dimension_arguments_and_sizes():
    x, y = gc.input("x", ("rows", 3)), gc.input("y", ("rows",))
    f = gc.compile([x, y], x + y[:, None])
    with pytest.raises(gc.ShapeError, match="contradict") as caught:
        f(np.zeros((4, 3), "float32"), np.zeros(5, "float32"))
    for part in ("rows = 4", "rows = 5", "%x", "%y"):
        assert part in str(caught.value)


@pytest.mark.parametrize("target", ["reference", "llvm"])
def test_a_range_is_checked_at_the_call(target):
    batch = gc.dim("ranged_batch", min=1, max=8)
    x = gc.input("x", (batch,), "float64")
    f = gc.compile([x], gc.mean(x), target=target)
    assert f(np.ones(8)) == 1
    for size in (0, 9):
        with pytest.raises(gc.ShapeError, match=f"ranged_batch is {size}, its range is 1 to 8"):
            f(np.ones(size))


def test_a_range_belongs_to_the_name():
    assert gc.dim("ranged_once", min=2) == gc.dim("ranged_once", min=2) == gc.dim("ranged_once")
    with pytest.raises(gc.ShapeError, match="range already: 2 or more"):
        gc.dim("ranged_once", min=3)


def test_ranges_are_facts():
    n = gc.dim("ranged_fact", min=2, max=10)
    assert dimension.is_nonnegative(n - 2) and not dimension.is_nonnegative(n - 3)
    assert (dimension.least(3 * n - 1), dimension.largest(3 * n - 1)) == (5, 29)
    assert dimension.call("max", n, 2) == n
    assert is_positive(gc.extent(n, "float64"))
    assert not is_positive(gc.extent(gc.dim("n"), "float64"))


@pytest.mark.parametrize(
    "arguments", [{"name": "2*n"}, {"name": 3}, {"name": "m", "min": -1}, {"name": "m", "min": 5, "max": 4}]
)
def test_bad_dimensions(arguments):
    with pytest.raises(gc.ShapeError):
        gc.dim(**arguments)


def test_sizes_are_numbers_for_sympy():
    n, m = gc.dim("n"), gc.dim("m")
    found = (n * (m + 2) // 2).to_sympy()
    assert {str(s) for s in found.free_symbols} == {"n", "m"}
