"""Images of another size, pixels out of channels and paddings against PyTorch and NumPy."""

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import graphc as gc
from tests.ops.peers import F, agree_with_torch

quick = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
NAMES = {1: "linear", 2: "bilinear", 3: "trilinear"}


def run(function, *arrays, target="llvm"):
    inputs = [gc.input(f"x{i}", a.shape, a.dtype) for i, a in enumerate(arrays)]
    return gc.compile(inputs, function(*inputs), target=target)(*arrays)


@st.composite
def sizes(draw, rank=None):
    rank = draw(st.integers(1, 3)) if rank is None else rank
    small = st.integers(1, 7)
    return (2, 2, *(draw(small) for _ in range(rank))), tuple(draw(small) for _ in range(rank))


@quick
@given(sizes(), st.booleans())
def test_linear(drawn, corners):
    shape, size = drawn
    coordinates = "align_corners" if corners else "half_pixel"
    agree_with_torch(
        lambda x: gc.resize(x, size, coordinates=coordinates),
        lambda x: F.interpolate(x, size, mode=NAMES[len(size)], align_corners=corners),
        [shape],
    )


@quick
@given(sizes(rank=2), st.booleans())
def test_cubic(drawn, corners):
    shape, size = drawn
    coordinates = "align_corners" if corners else "half_pixel"
    agree_with_torch(
        lambda x: gc.resize(x, size, method="cubic", coordinates=coordinates),
        lambda x: F.interpolate(x, size, mode="bicubic", align_corners=corners),
        [shape],
    )


@quick
@given(sizes())
def test_nearest(drawn):
    shape, size = drawn
    agree_with_torch(
        lambda x: gc.resize(x, size, method="nearest"),
        lambda x: F.interpolate(x, size, mode="nearest-exact"),
        [shape],
    )
    agree_with_torch(
        lambda x: gc.resize(x, size, method="nearest", coordinates="asymmetric"),
        lambda x: F.interpolate(x, size, mode="nearest"),
        [shape],
    )


@quick
@given(sizes(rank=2), st.sampled_from(["linear", "cubic"]))
def test_antialiased(drawn, method):
    shape, size = drawn
    mode = {"linear": "bilinear", "cubic": "bicubic"}[method]
    agree_with_torch(
        lambda x: gc.resize(x, size, method=method, antialias=True),
        lambda x: F.interpolate(x, size, mode=mode, antialias=True),
        [shape],
    )


@pytest.mark.parametrize("target", ["reference", "llvm", "cuda-emulator"])
@pytest.mark.parametrize(
    "options", [{}, {"method": "nearest"}, {"method": "cubic"}, {"coordinates": "align_corners"}, {"antialias": True}]
)
def test_named_sizes(options, target):
    x = np.random.default_rng(0).normal(size=(2, 1, 5, 4))
    node = gc.input("x", ("n", 1, "height", "width"), "float64")
    y = gc.resize(node, ("2*height-1", 3), **options)
    cost = gc.sum(gc.sin(y) * y)
    found = gc.compile([node], [y, gc.grad(cost, node)], target=target)(x)
    known = gc.input("x", x.shape, "float64")
    y = gc.resize(known, (9, 3), **options)
    wanted = gc.compile([known], [y, gc.grad(gc.sum(gc.sin(y) * y), known)], target="reference")(x)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_nearest_keeps_the_dtype_and_others_do_not():
    x = np.arange(4, dtype="int8").reshape(1, 1, 4)
    found = run(lambda x: gc.resize(x, 8, method="nearest"), x)
    assert found.dtype == np.int8
    assert found.tolist() == [[[0, 0, 1, 1, 2, 2, 3, 3]]]
    with pytest.warns(gc.PromotionWarning):
        assert gc.resize(gc.input("x", (1, 1, 4), "int64"), 8).dtype is gc.float64


def test_places_that_are_known_are_not_checked():
    x = gc.input("x", (2, 2, 5, 4))
    for y in (gc.resize(x, 9), gc.pad(x, 1, "wrap"), gc.adaptive_avg_pool(x, 3), gc.take(x, [0, 3, 1], axis=3)):
        assert not any(kernel.checks_indices for kernel in gc.compile([x], y).program.kernels)
    k = gc.input("k", (3,), "int64")
    f = gc.compile([x, k], gc.take(x, k, axis=3))
    assert any(kernel.checks_indices for kernel in f.program.kernels)


def test_layout():
    x = np.random.default_rng(0).normal(size=(2, 5, 4, 3))
    found = run(lambda x: gc.resize(x, (7, 3), layout="NHWC"), x)
    wanted = run(lambda x: gc.resize(x, (7, 3)), x.transpose(0, 3, 1, 2))
    np.testing.assert_allclose(found, wanted.transpose(0, 2, 3, 1), rtol=1e-12)


# --- pixels and channels ---


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_pixel_shuffle(factor):
    agree_with_torch(
        lambda x: gc.pixel_shuffle(x, factor), lambda x: F.pixel_shuffle(x, factor), [(2, 2 * factor**2, 3, 4)], order=1
    )
    agree_with_torch(
        lambda x: gc.pixel_unshuffle(x, factor),
        lambda x: F.pixel_unshuffle(x, factor),
        [(2, 3, 2 * factor, 3 * factor)],
        named=[("n", 3, 2 * factor, 3 * factor)],
        order=1,
    )


def test_pixel_shuffle_of_different_factors():
    x = np.arange(24.0).reshape(1, 6, 2, 2)
    back = run(lambda x: gc.pixel_unshuffle(gc.pixel_shuffle(x, (3, 2)), (3, 2)), x)
    np.testing.assert_array_equal(back, x)
    line = run(lambda x: gc.pixel_shuffle(x, 2), np.arange(4.0).reshape(1, 2, 2))
    assert line.tolist() == [[[0, 2, 1, 3]]]


# --- padding ---

PADS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=2)


@quick
@given(PADS, st.sampled_from(["edge", "reflect", "symmetric", "wrap"]), st.integers(1, 4), st.booleans())
def test_pad(widths, mode, n, named):
    x = np.random.default_rng(0).normal(size=(n, 3))
    node = gc.input("x", ("n", 3) if named else x.shape, "float64")
    for target in ("reference", "llvm"):
        found = gc.compile([node], gc.pad(node, widths, mode), target=target)(x)
        np.testing.assert_array_equal(found, np.pad(x, widths, mode))


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_pad_of_images(mode):
    agree_with_torch(
        lambda x: gc.pad(x, ((0, 0), (0, 0), (1, 2), (2, 1)), mode),
        lambda x: F.pad(x, (2, 1, 1, 2), mode=mode),
        [(2, 2, 4, 3)],
        targets=["llvm", "cuda-emulator"],
    )


def test_numpy_pads_nodes():
    x = gc.input("x", (3,), "float64")
    assert gc.compile([x], np.pad(x, 2, "reflect"))([1.0, 2.0, 3.0]).tolist() == [3, 2, 1, 2, 3, 2, 1]


X = gc.input("x", (2, 4, 8, 8))
MISTAKES = {
    "method": (lambda: gc.resize(X, 4, method="area"), "no way to resize"),
    "coordinates": (lambda: gc.resize(X, 4, coordinates="corners"), "no way to resize"),
    "antialias": (lambda: gc.resize(X, 4, method="nearest", antialias=True), "antialiasing is for"),
    "sizes": (lambda: gc.resize(X, (4, 4, 4)), "3 sizes do not fit 2 spatial axes"),
    "empty": (lambda: gc.resize(X, (0, 4)), "no elements"),
    "images": (lambda: gc.resize(X[0, 0], 4), "no images"),
    "channels": (lambda: gc.pixel_shuffle(X, 3), "no multiple of 9"),
    "pixels": (lambda: gc.pixel_unshuffle(X, 3), "no multiples"),
    "factor": (lambda: gc.pixel_shuffle(X, 0), "no factor"),
    "pad": (lambda: gc.pad(X, 1, "mirror"), "no way to pad"),
    "widths": (lambda: gc.pad(X, -1, "edge"), "no widths"),
    "nothing to repeat": (lambda: gc.pad(X[:0], 1, "edge"), "is empty"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_refused_at_the_line(name):
    function, message = MISTAKES[name]
    with pytest.raises(gc.ShapeError, match=re.escape(message)) as caught:
        function()
    assert "test_resize.py" in str(caught.value)
