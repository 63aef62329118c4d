"""Functions on symbolic arrays that move, make, count and multiply: NumPy's values, named dimensions, derivatives."""

import warnings

import numpy as np
import pytest

import graphc as gc
from graphc.ir.node import topological
from graphc.ops import einsum as summation
from graphc.testing import assert_targets_agree

RANDOM = np.random.default_rng(0)
MATRIX, SQUARE, VECTOR = RANDOM.normal(size=(3, 4)), RANDOM.normal(size=(4, 4)), RANDOM.normal(size=5)
CUBE = RANDOM.normal(size=(2, 3, 4))
COUNTS = np.array([2, 0, 3])


def run(function, *arrays, named=False):
    """What a compiled function of symbolic arrays gives; with `named`, every size has a name."""
    names = {n: f"n{n}" for x in arrays for n in np.shape(x) if n != 1} if named else {}
    shapes = [tuple(names.get(n, n) for n in np.shape(x)) for x in arrays]
    inputs = [gc.input(f"x{i}", s, np.asarray(x).dtype) for i, (s, x) in enumerate(zip(shapes, arrays, strict=True))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gc.PromotionWarning)
        result = function(*inputs)
    results = list(result) if isinstance(result, tuple | list) else [result]
    (compiled,) = assert_targets_agree((inputs, results), [np.asarray(x) for x in arrays])
    found = compiled(*arrays)
    assert all(node.dtype.numpy == value.dtype for node, value in zip(results, found, strict=True))
    return found if isinstance(result, tuple | list) else found[0]


# A function of our arrays, the same of NumPy's where it has another name, and operands; sizes may have names.
ANY_SIZE = {
    "expand_dims": (lambda x: gc.expand_dims(x, (0, -1)), lambda x: np.expand_dims(x, (0, -1)), [MATRIX]),
    "squeeze": (lambda x: gc.squeeze(gc.expand_dims(x, 1)), lambda x: x, [MATRIX]),
    "moveaxis": (lambda x: gc.moveaxis(x, (0, 1), (-1, 0)), lambda x: np.moveaxis(x, (0, 1), (-1, 0)), [CUBE]),
    "swapaxes": (lambda x: x.swapaxes(0, -1), lambda x: np.swapaxes(x, 0, -1), [CUBE]),
    "ravel": (lambda x: x.ravel(), lambda x: x.ravel(), [CUBE]),
    "roll": (lambda x: gc.roll(x, 2), lambda x: np.roll(x, 2), [MATRIX]),
    "roll, axes": (lambda x: gc.roll(x, (1, -2), axis=(0, 1)), lambda x: np.roll(x, (1, -2), (0, 1)), [MATRIX]),
    "roll, once more": (lambda x: gc.roll(x, (1, 1), axis=0), lambda x: np.roll(x, (1, 1), 0), [MATRIX]),
    "repeat": (lambda x: gc.repeat(x, 3, axis=1), lambda x: np.repeat(x, 3, 1), [MATRIX]),
    "repeat, computed": (
        lambda x, n: gc.repeat(x, n, axis=0, total=5),
        lambda x, n: np.repeat(x, n, 0),
        [MATRIX, COUNTS],
    ),
    "tile": (lambda x: gc.tile(x, (2, 1, 3)), lambda x: np.tile(x, (2, 1, 3)), [MATRIX]),
    "rot90": (lambda x: gc.rot90(x), np.rot90, [MATRIX]),
    "rot90, twice": (lambda x: gc.rot90(x, 2, (1, 2)), lambda x: np.rot90(x, 2, (1, 2)), [CUBE]),
    "rot90, back": (lambda x: gc.rot90(x, -1), lambda x: np.rot90(x, -1), [MATRIX]),
    "flip": (lambda x: gc.flip(x, axis=1), lambda x: np.flip(x, 1), [MATRIX]),
    "diagonal": (lambda x: gc.diagonal(x, 1), lambda x: np.diagonal(x, 1), [MATRIX]),
    "diagonal, below": (lambda x: gc.diagonal(x, -1, 2, 1), lambda x: np.diagonal(x, -1, 2, 1), [CUBE]),
    "trace": (lambda x: gc.trace(x), np.trace, [SQUARE]),
    "diag": (lambda x: gc.diag(x, 1), lambda x: np.diag(x, 1), [VECTOR]),
    "diag of a matrix": (lambda x: gc.diag(x), np.diag, [MATRIX]),
    "tril": (lambda x: gc.tril(x, k=-1), lambda x: np.tril(x, -1), [CUBE]),
    "triu": (lambda x: gc.triu(x), np.triu, [MATRIX]),
    "eye": (lambda x: gc.eye(*x.shape, k=1, dtype=x.dtype), lambda x: np.eye(*x.shape, 1), [MATRIX]),
    "arange": (lambda x: gc.arange(1, x.shape[0], 2), lambda x: np.arange(1, x.shape[0], 2), [VECTOR]),
    "arange, down": (lambda x: gc.arange(x.shape[0], -1, -2), lambda x: np.arange(x.shape[0], -1, -2), [VECTOR]),
    "linspace": (
        lambda x: gc.linspace(x[0], x[1], x.shape[0]),
        lambda x: np.linspace(x[0], x[1], x.shape[0]),
        [VECTOR],
    ),
    "full_like": (lambda x: gc.full_like(x, 2), lambda x: np.full_like(x, 2), [MATRIX]),
    "meshgrid": (lambda x, y: gc.meshgrid(x, y), np.meshgrid, [VECTOR, MATRIX[0]]),
    "var": (lambda x: x.var(axis=1, correction=1), lambda x: np.var(x, 1, ddof=1), [MATRIX]),
    "std": (lambda x: x.std(axis=(0, 2), keepdims=True), lambda x: np.std(x, (0, 2), keepdims=True), [CUBE]),
    "var of integers": (lambda x: gc.var(x), np.var, [COUNTS]),
    "count_nonzero": (lambda x: gc.count_nonzero(x, axis=1), lambda x: np.count_nonzero(x, 1), [np.eye(3, 4)]),
    "average": (lambda x, w: gc.average(x, 1, w), lambda x, w: np.average(x, 1, w), [MATRIX, np.abs(MATRIX)]),
    "average of rows": (
        lambda x, w: gc.average(x, 0, w),
        lambda x, w: np.average(x, 0, w),
        [MATRIX, np.arange(1.0, 4)],
    ),
    "cov": (lambda x: gc.cov(x), np.cov, [MATRIX]),
    "cov, columns": (lambda x: gc.cov(x, rowvar=False), lambda x: np.cov(x, rowvar=False), [MATRIX]),
    "cov, two": (lambda x, y: gc.cov(x, y), np.cov, [VECTOR, VECTOR[::-1].copy()]),
    "corrcoef": (lambda x: gc.corrcoef(x), np.corrcoef, [MATRIX]),
    "histogram": (
        lambda x: gc.histogram(x, 4, (-2.0, 2.0)),
        lambda x: np.histogram(x, 4, (-2.0, 2.0)),
        [np.array([-2.0, -1.0, 0.0, 0.3, 2.0, 2.1, np.nan])],
    ),
    "histogram, weights": (
        lambda x, w: gc.histogram(x, [-1, 0, 2], weights=w)[0],
        lambda x, w: np.histogram(x, [-1, 0, 2], weights=w)[0],
        [VECTOR, np.arange(5.0)],
    ),
    "interp": (
        lambda x, xp, fp: gc.interp(x, xp, fp),
        np.interp,
        [
            np.array([[-1.0, 0.0, 0.5], [1.5, 3.0, 9.0]]),
            np.array([0.0, 1.0, 3.0, 4.0]),
            np.array([1.0, -1.0, 2.0, 5.0]),
        ],
    ),
    "interp, outside": (
        lambda x: gc.interp(x, [0.0, 1.0], [2.0, 3.0], left=-1, right=7.0),
        lambda x: np.interp(x, [0.0, 1.0], [2.0, 3.0], left=-1, right=7.0),
        [np.array([-1.0, 0.5, 2.0])],
    ),
    "tensordot": (lambda x, y: gc.tensordot(x, y, axes=1), lambda x, y: np.tensordot(x, y, 1), [CUBE, SQUARE]),
    "tensordot, pairs": (
        lambda x, y: gc.tensordot(x, y, axes=((0, 2), (0, 2))),
        lambda x, y: np.tensordot(x, y, ((0, 2), (0, 2))),
        [CUBE, CUBE],
    ),
    "vecdot": (lambda x, y: gc.vecdot(x, y), np.vecdot, [CUBE, MATRIX]),
    "vecdot, axis": (lambda x, y: gc.vecdot(x, y, axis=0), lambda x, y: np.vecdot(x, y, axis=0), [MATRIX, MATRIX]),
    "outer": (lambda x, y: gc.outer(x, y), np.outer, [MATRIX, VECTOR]),
    "inner": (lambda x, y: gc.inner(x, y), np.inner, [CUBE, MATRIX]),
    "dot": (lambda x, y: gc.dot(x, y), np.dot, [MATRIX, SQUARE]),
    "dot, stacks": (lambda x, y: gc.dot(x, y), np.dot, [MATRIX, RANDOM.normal(size=(2, 4, 3))]),
    "kron": (lambda x, y: gc.kron(x, y), np.kron, [MATRIX, VECTOR]),
    "polyval": (lambda x: gc.polyval([2.0, 0.0, -1.0], x), lambda x: np.polyval([2.0, 0.0, -1.0], x), [MATRIX]),
    "nan_to_num": (
        lambda x: gc.nan_to_num(x, 1.0, neginf=-5.0),
        lambda x: np.nan_to_num(x, nan=1.0, neginf=-5.0),
        [np.array([np.nan, np.inf, -np.inf, 2.0])],
    ),
    "clip": (lambda x: x.clip(-0.5, 0.5), lambda x: x.clip(-0.5, 0.5), [MATRIX]),
    "divmod": (lambda x: divmod(x, 0.3), lambda x: divmod(x, 0.3), [MATRIX]),
    "divmod of a number": (lambda x: divmod(2.0, x), lambda x: divmod(2.0, x), [MATRIX]),
    "shifts": (lambda x: (1 << x, 100 >> x), lambda x: (1 << x, 100 >> x), [COUNTS]),
}
KNOWN_SIZE = {
    "cross": (lambda x, y: gc.cross(x, y), np.cross, [RANDOM.normal(size=(4, 3)), RANDOM.normal(size=(3,))]),
    "unstack": (lambda x: gc.unstack(x, axis=1), lambda x: list(np.moveaxis(x, 1, 0)), [MATRIX]),
    "repeat, known": (lambda x: gc.repeat(x, [2, 0, 1], axis=0), lambda x: np.repeat(x, [2, 0, 1], 0), [MATRIX]),
}


@pytest.mark.parametrize("named", [False, True], ids=["numbers", "names"])
@pytest.mark.parametrize("name", [*ANY_SIZE, *KNOWN_SIZE])
def test_values_are_those_of_numpy(name, named):
    ours, theirs, arrays = {**ANY_SIZE, **KNOWN_SIZE}[name]
    if named and name in KNOWN_SIZE:
        return
    found, expected = run(ours, *arrays, named=named), theirs(*arrays)
    if not isinstance(found, list):
        found, expected = [found], [expected]
    for value, wanted in zip(found, expected, strict=True):
        assert value.shape == np.shape(wanted)
        np.testing.assert_allclose(value, wanted, rtol=1e-10, atol=1e-13)


SMOOTH = [n for n in ANY_SIZE if n.split(",")[0] not in ("eye", "arange", "count_nonzero", "full_like", "histogram")]
SMOOTH = [
    n for n in SMOOTH if n not in ("repeat, computed", "nan_to_num", "var of integers", "shifts") and "divmod" not in n
]


@pytest.mark.parametrize("name", [*SMOOTH, "cross"])
def test_derivatives(name):
    function, _, arrays = {**ANY_SIZE, **KNOWN_SIZE}[name]
    arrays = [np.asarray(x, np.float64) + (0.13 if "interp" in name and i == 0 else 0) for i, x in enumerate(arrays)]
    assert_slope(function, arrays)


def assert_slope(function, arrays):
    """The derivative along a random direction is that of differences."""
    inputs = [gc.input(f"x{i}", x.shape, "float64") for i, x in enumerate(arrays)]
    result = function(*inputs)
    parts = result if isinstance(result, tuple | list) else [result]
    cost = sum(gc.sum(gc.sin(part) * (1.5 + i)) for i, part in enumerate(parts))
    compiled = gc.compile(inputs, [cost, *gc.grad(cost, inputs)])
    directions = [np.random.default_rng(i).normal(size=x.shape) for i, x in enumerate(arrays)]
    slope = sum(np.sum(g * d) for g, d in zip(compiled(*arrays)[1:], directions, strict=True))
    ahead, behind = (compiled(*(x + h * d for x, d in zip(arrays, directions, strict=True)))[0] for h in (1e-5, -1e-5))
    np.testing.assert_allclose((ahead - behind) / 2e-5, slope, rtol=1e-6, atol=1e-7)


# --- einsum ---

FORMULAS = [
    *("ij,jk->ik", "ij,kj", "ij,ij->", "ij->ji", "ij->j", "ii->i", "ii", "iij->ij", "i,j->ij", "bij,bjk->bik"),
    *("...ij,...jk->...ik", "...ij,...jk", "...i->...", "ij,jk,kl->il", "ij,jk,kl,lm->im", "abc,abd,ae->cde"),
    *("i,i,i->i", "a,b,c,d->", "ab,ab,ab->a", "ij,kj->", ",i->i", "iiij->j"),
]
SIZES = dict(zip("abcdebijklm", [2, 3, 4, 5, 2, 3, 4, 2, 3, 4, 2], strict=True)) | {"i": 3, "j": 4, "k": 2}


def factors(formula):
    """Arrays that fit a formula; dots stand for one or two axes."""
    arrays = []
    for place, term in enumerate(formula.split("->")[0].split(",")):
        leading = [(5, 2), (2,)][place % 2] if "..." in term else ()
        arrays.append(RANDOM.normal(size=(*leading, *(SIZES[c] for c in term.replace("...", "")))))
    return arrays


@pytest.mark.parametrize("order", ["cheapest", "opt_einsum", "greedy"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_einsum(formula, order, monkeypatch):
    if order != "cheapest":
        monkeypatch.setattr(summation, "_FEW", 0)
    if order == "opt_einsum":
        pytest.importorskip("opt_einsum")
    if order == "greedy":
        monkeypatch.setattr(summation.importlib.util, "find_spec", lambda name: None)
    arrays = factors(formula)
    for named in (False, True):
        if named and any(c * 2 in formula for c in "i"):
            continue
        found = run(lambda *xs: gc.einsum(formula, *xs), *arrays, named=named and "..." not in formula)
        np.testing.assert_allclose(found, np.einsum(formula, *arrays), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("formula", ["ij,jk,kl->il", "ii->i", "bij,bjk->bik", "a,b,c,d->", "ab,ab,ab->a"])
def test_einsum_has_derivatives(formula):
    assert_slope(lambda *xs: gc.einsum(formula, *xs), factors(formula))


def test_einsum_stretches_axes_of_size_one():
    x, y = RANDOM.normal(size=(3, 1)), RANDOM.normal(size=(4,))
    np.testing.assert_allclose(run(lambda x, y: gc.einsum("ij,j->i", x, y), x, y), np.einsum("ij,j->i", x, y))


def test_a_chain_is_multiplied_from_its_thin_end():
    """A product of a vector and matrices never makes a matrix."""
    shapes = [(50,), (50, 60), (60, 70), (70, 80)]
    inputs = [gc.input(f"x{i}", s) for i, s in enumerate(shapes)]
    y = gc.einsum("a,ab,bc,cd->d", *inputs)
    graph = gc.Graph("f", tuple(inputs), (y,))
    products = [node for node in graph.nodes if node.op.name == "matmul"]
    assert len(products) == 3 and all(1 in node.shape for node in products)


# --- mistakes ---

X, Y = gc.input("x", (2, 3)), gc.input("y", (4,))
MISTAKES = [
    (gc.ShapeError, "axis 0 has size 2", lambda: gc.squeeze(X, 0)),
    (gc.AxisError, "out of range", lambda: gc.moveaxis(X, 2, 0)),
    (gc.AxisError, "moved to", lambda: gc.moveaxis(X, (0, 1), 0)),
    (gc.DTypeError, "no shift", lambda: gc.roll(X, 1.5)),
    (gc.AxisError, "do not fit", lambda: gc.roll(X, (1, 2, 3), axis=(0, 1))),
    (gc.ShapeError, "give total=", lambda: gc.repeat(X, gc.input("n", (2,), "int64"), axis=0)),
    (gc.ShapeError, "negative", lambda: gc.repeat(X, [1, -1], axis=0)),
    (gc.DTypeError, "counts are integers", lambda: gc.repeat(X, [1.5, 2.0], axis=0)),
    (gc.ShapeError, "known only when", lambda: gc.unstack(gc.input("x", ("n",)))),
    (gc.ShapeError, "axes", lambda: gc.diag(gc.input("x", (2, 2, 2)))),
    (gc.ShapeError, "fewer than two axes", lambda: gc.tril(Y)),
    (gc.ShapeError, "several axes", lambda: gc.meshgrid(X, Y)),
    (gc.ShapeError, "no step", lambda: gc.arange(0, 3, 0)),
    (gc.ShapeError, "cannot reach", lambda: gc.arange(0, float("inf"))),
    (gc.DTypeError, "no bound", lambda: gc.arange(X)),
    (gc.DTypeError, "not int64", lambda: gc.linspace(0, 1, 3, dtype="int64")),
    (gc.DTypeError, "graphc.stack", lambda: gc.asarray([Y, Y])),
    (gc.ShapeError, "different sizes", lambda: gc.tensordot(X, Y, axes=1)),
    (gc.AxisError, "more than", lambda: gc.tensordot(X, Y, axes=2)),
    (gc.ShapeError, "along axis", lambda: gc.vecdot(X, Y)),
    (gc.ShapeError, "size 3", lambda: gc.cross(Y, Y)),
    (gc.ShapeError, "neither", lambda: gc.average(X, 0, [1.0, 2.0, 3.0])),
    (gc.ShapeError, "range of the bins", lambda: gc.histogram(Y)),
    (gc.ShapeError, "two or more", lambda: gc.histogram(Y, [1.0])),
    (gc.ShapeError, "no points", lambda: gc.interp(Y, [0.0, 1.0], [1.0])),
    (gc.ShapeError, "one known axis", lambda: gc.polyval(X, Y)),
    (gc.ShapeError, "2 terms for 1", lambda: gc.einsum("ij,jk", X)),
    (gc.ShapeError, "names 1 axes", lambda: gc.einsum("i", X)),
    (gc.ShapeError, "that no operand has", lambda: gc.einsum("ij->k", X)),
    (gc.ShapeError, "names an axis twice", lambda: gc.einsum("ij->ii", X)),
    (gc.ShapeError, "'j' has sizes", lambda: gc.einsum("ij,j", X, Y)),
    (gc.ShapeError, "'i' has sizes", lambda: gc.einsum("ii", X)),
    (gc.ShapeError, "are no subscripts", lambda: gc.einsum("i.j", X)),
    (gc.DTypeError, "bool", lambda: gc.einsum("ij->i", X > 0)),
    (gc.DTypeError, "not defined for bool", lambda: +(X > 0)),
    (gc.DTypeError, "float16", lambda: gc.nextafter(gc.astype(X, "float16"), gc.astype(X, "float16"))),
]


@pytest.mark.parametrize(("kind", "text", "wrong"), MISTAKES, ids=[text for _, text, _ in MISTAKES])
def test_mistakes_are_named(kind, text, wrong):
    with pytest.raises(kind) as caught:
        wrong()
    assert text in str(caught.value) and "test_array_functions.py" in str(caught.value)


@pytest.mark.parametrize(
    "function",
    [np.arctan2, np.hypot, np.copysign, np.arcsinh, np.outer, np.kron, np.tile, np.einsum, np.isnan, np.linalg.norm],
)
def test_functions_of_numpy_make_nodes(function):
    of_one = {np.arcsinh: (X,), np.isnan: (X,), np.linalg.norm: (X,)}
    args = {np.einsum: ("ij->i", X), np.tile: (X, 2), **of_one}.get(function, (X, X))
    assert isinstance(function(*args), gc.Node)


def test_integers_are_never_nan():
    x = gc.input("x", (2,), "int32")
    assert [bool(run(f, np.array([1, 2], "int32"))[0]) for f in (gc.isnan, gc.isinf, gc.isfinite)] == [
        False,
        False,
        True,
    ]
    assert gc.isnan(x).dtype is gc.bool_


@pytest.mark.parametrize(
    "function",
    [
        lambda np, x: np.tril(x, -1),
        lambda np, x: np.roll(x, 1, 0),
        lambda np, x: np.repeat(x, 2, 1),
        lambda np, x: np.tensordot(x, x, 2),
        lambda np, x: np.rot90(x, 1, (1, 0)),
        lambda np, x: np.average(x, 0),
        lambda np, x: np.diagonal(x, 1),
        lambda np, x: np.expand_dims(x, 0),
        lambda np, x: np.moveaxis(x, 0, 1),
    ],
)
def test_positions_of_arguments_are_those_of_numpy(function):
    np.testing.assert_allclose(run(lambda x: function(np, x), MATRIX), function(np, MATRIX))
    np.testing.assert_allclose(run(lambda x: function(gc, x), MATRIX), function(np, MATRIX))


def test_code_for_any_array_library_makes_graphs():
    def normalised(x):
        xp = x.__array_namespace__()
        scale = xp.linalg.vector_norm(x, axis=-1, keepdims=True)
        kept = xp.astype(scale > 0, xp.bool)
        return xp.where(kept, x / xp.where(kept, scale, xp.ones_like(scale)), xp.zeros_like(x))

    found = run(normalised, np.array([[3.0, 4.0], [0.0, 0.0]]), named=True)
    np.testing.assert_allclose(found, [[0.6, 0.8], [0.0, 0.0]])


def test_a_shift_may_be_a_size():
    found = run(lambda x: gc.roll(x, x.shape[0] // 2, axis=0), SQUARE, named=True)
    np.testing.assert_array_equal(found, np.roll(SQUARE, 2, 0))


def test_a_count_is_limited_only_where_something_is_subtracted():
    def has_maximum(node):
        return any(part.op.name == "maximum" for part in topological([node]))

    x = gc.input("x", ("n", 3))
    assert not has_maximum(gc.std(x, 0))
    assert has_maximum(gc.std(x, 0, correction=1))


def test_a_matrix_of_one_element_scales():
    x, y = gc.input("x", ("n",), "float64"), gc.input("y", ("n",), "float64")
    slope, curvature = gc.grad(gc.exp(x @ y), x), gc.grad(gc.sum(gc.grad(gc.exp(x @ y), x)), y)
    assert [part.op.name for part in topological([gc.grad(x @ y, x)])].count("matmul") == 0
    (f,) = assert_targets_agree(((x, y), [slope, curvature]), [VECTOR, VECTOR / 2])
    found, value = f(VECTOR, VECTOR / 2), np.exp(VECTOR @ VECTOR / 2)
    np.testing.assert_allclose(found[0], value * VECTOR / 2)
    np.testing.assert_allclose(found[1], value * (1 + VECTOR * VECTOR.sum() / 2))
    stack = gc.input("stack", ("b", 3, 1), "float64")
    scaled = gc.matmul(stack, gc.input("one", ("b", 1, 1), "float64"))
    assert scaled.op.name == "multiply" and scaled.type == stack.type


def test_rolling_a_named_dimension_moves_blocks():
    x = gc.input("x", ("n", "m"), "float64")
    outputs = [gc.roll(x, -2, axis=0), gc.roll(x, (7, -3), axis=(0, 1)), gc.grad(gc.sum(gc.roll(x, 3) * x**2), x)]
    assert not {"take", "scatter_add"} & {part.op.name for part in topological(outputs)}
    for shape in [(0, 3), (1, 1), (2, 5), (4, 2)]:
        array = np.arange(float(np.prod(shape))).reshape(shape)
        targets = ("llvm", "cuda-emulator") if shape == (2, 5) else ("llvm",)
        (f, *_) = assert_targets_agree(((x,), outputs), [array], targets=targets)
        slope = 2 * array * np.roll(array, 3) + np.roll(array**2, -3)
        wanted = [np.roll(array, -2, 0), np.roll(array, (7, -3), (0, 1)), slope]
        for found, expected in zip(f(array), wanted, strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
def test_sums_of_products_of_rows_are_one_kernel(dtype):
    x = gc.input("x", ("n", 60), dtype)
    y = gc.einsum("ij,ij->i", x, x)
    assert "matmul" not in {part.op.name for part in topological([y])} and y.dtype is x.dtype
    array = RANDOM.integers(-9, 9, (4, 60)).astype(dtype)
    (f,) = assert_targets_agree(((x,), [y]), [array])
    np.testing.assert_array_equal(
        f(array)[0], np.einsum("ij,ij->i", array.astype("f8"), array).astype("i8").astype(dtype)
    )
