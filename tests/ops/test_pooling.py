"""Pooling against PyTorch: values, first and second derivatives; ties, paddings, NaN, integers, named sizes."""

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st

import graphc as gc
from tests.ops.peers import F, agree_with_torch, torch

quick = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def run(function, *arrays, target="llvm"):
    inputs = [gc.input(f"x{i}", a.shape, a.dtype) for i, a in enumerate(arrays)]
    return gc.compile(inputs, function(*inputs), target=target)(*arrays)


@st.composite
def pools(draw):
    """A shape of images, a window, and options, such that a window fits and PyTorch takes the padding."""
    rank = draw(st.integers(1, 3))
    window = tuple(draw(st.integers(1, 4)) for _ in range(rank))
    stride = tuple(draw(st.integers(1, 3)) for _ in range(rank))
    padding = tuple(draw(st.integers(0, k // 2)) for k in window)
    ceil_mode = draw(st.booleans())
    size = tuple(draw(st.integers(1, 7)) for _ in range(rank))
    room = padding if rank < 3 else (0, 0, 0)  # PyTorch's avg_pool3d wants a window to fit without the padding
    assume(all(n + 2 * p >= k for n, k, p in zip(size, window, room, strict=True)))
    return (
        (draw(st.integers(1, 3)), draw(st.integers(1, 3)), *size),
        window,
        {"stride": stride, "padding": padding, "ceil_mode": ceil_mode},
    )


def peer(kind, x):
    return getattr(F, f"{kind}_pool{x.ndim - 2}d")


@quick
@given(pools())
def test_max_pool(drawn):
    shape, window, options = drawn
    agree_with_torch(
        lambda x: gc.max_pool(x, window, **options), lambda x: peer("max", x)(x, window, **options), [shape]
    )


@quick
@given(pools(), st.booleans())
def test_avg_pool(drawn, counts):
    shape, window, options = drawn
    options["count_include_pad"] = counts
    agree_with_torch(
        lambda x: gc.avg_pool(x, window, **options), lambda x: peer("avg", x)(x, window, **options), [shape]
    )


@pytest.mark.parametrize("p", [1, 2, 3, 1.5])
def test_lp_pool(p):
    def wanted(x):
        return F.unfold(x.abs() ** p, (3, 2), stride=(2, 1)).reshape(2, 3, 6, 3, 4).sum(2) ** (1 / p)

    agree_with_torch(lambda x: gc.lp_pool(x, (3, 2), p=p, stride=(2, 1)), wanted, [(2, 3, 7, 5)])


def test_lp_pool_has_a_derivative_at_0():
    x = gc.input("x", (1, 1, 4), "float64")
    y = gc.lp_pool(x, 2)
    f = gc.compile([x], [y, gc.grad(gc.sum(y), x)])
    value, slope = f([[[0.0, 0.0, 3.0, 4.0]]])
    assert value.tolist() == [[[0, 5]]]
    np.testing.assert_allclose(slope, [[[0, 0, 0.6, 0.8]]])
    assert np.isnan(f([[[np.nan, 0.0, 3.0, 4.0]]])[0][0, 0, 0])


def test_the_largest_norm_is_the_maximum():
    x = np.random.default_rng(0).normal(size=(2, 1, 6))
    np.testing.assert_array_equal(
        run(lambda x: gc.lp_pool(x, 3, p=float("inf")), x), np.abs(x).reshape(2, 1, 2, 3).max(-1)
    )


@pytest.mark.parametrize("target", ["reference", "llvm", "cuda-emulator"])
@pytest.mark.parametrize(
    "options", [{}, {"stride": 2, "padding": 1}, {"stride": 1, "dilation": 2}, {"stride": 2, "ceil_mode": True}]
)
def test_pools_of_named_sizes(options, target):
    names, shape = ("n", 2, "height", "width"), (2, 2, 7, 6)
    agree_with_torch(
        lambda x: gc.max_pool(x, 3, **options),
        lambda x: F.max_pool2d(x, 3, **options),
        [shape],
        named=[names],
        targets=[target],
    )
    if "dilation" not in options:
        agree_with_torch(
            lambda x: gc.avg_pool(x, 3, **options, count_include_pad=False),
            lambda x: F.avg_pool2d(x, 3, **options, count_include_pad=False),
            [shape],
            named=[names],
            targets=[target],
        )


def test_same_padding_counts_what_is_inside():
    x = np.arange(1.0, 8.0).reshape(1, 1, 7)
    found = run(lambda x: gc.avg_pool(x, 3, stride=2, padding="same", count_include_pad=False), x)
    np.testing.assert_allclose(found, [[[1.5, 3, 5, 6.5]]])
    found = run(lambda x: gc.max_pool(x, 3, stride=2, padding="same"), x)
    np.testing.assert_array_equal(found, [[[2, 4, 6, 7]]])


# --- whole images and regions ---


@pytest.mark.parametrize("dtype, large", [("float16", 30000.0), ("float32", 1e30), ("float64", 1e300)])
def test_large_numbers_do_not_overflow_on_the_way(dtype, large):
    x = np.full((1, 1, 4), large, dtype)
    for pool in (lambda x: gc.avg_pool(x, 4), lambda x: gc.adaptive_avg_pool(x, 1)):
        if dtype == "float16":
            np.testing.assert_array_equal(run(pool, x), [[[large]]])
    np.testing.assert_allclose(run(lambda x: gc.lp_pool(x, 4), x)[0, 0, 0], 2 * large, rtol=1e-3)
    np.testing.assert_allclose(run(lambda x: gc.lp_pool(x, 2, p=3), -x)[0, 0], [2 ** (1 / 3) * large] * 2, rtol=1e-3)
    assert run(lambda x: gc.global_lp_pool(x), np.array([[[np.inf, 1]]], dtype)).tolist() == [[np.inf]]


@pytest.mark.parametrize("keepdims", [False, True])
def test_global_pools(keepdims):
    def all_of(function):
        return lambda x: function(x, keepdims=keepdims)

    axes = (2, 3)
    agree_with_torch(all_of(gc.global_avg_pool), lambda x: x.mean(axes, keepdim=keepdims), [(2, 3, 4, 5)])
    agree_with_torch(all_of(gc.global_max_pool), lambda x: x.amax(axes, keepdim=keepdims), [(2, 3, 4, 5)])
    agree_with_torch(
        all_of(gc.global_lp_pool), lambda x: torch.linalg.vector_norm(x, dim=axes, keepdim=keepdims), [(2, 3, 4, 5)]
    )


@pytest.mark.parametrize("size", [1, 2, 3, (7, 4), (9, 1), (3, 5)])
@pytest.mark.parametrize("named", [None, [("n", 3, "height", "width")]])
def test_adaptive_pools(size, named):
    shape = (2, 3, 6, 7)
    agree_with_torch(
        lambda x: gc.adaptive_avg_pool(x, size), lambda x: F.adaptive_avg_pool2d(x, size), [shape], named=named
    )
    agree_with_torch(
        lambda x: gc.adaptive_max_pool(x, size), lambda x: F.adaptive_max_pool2d(x, size), [shape], named=named, order=1
    )


def test_layouts():
    x = np.random.default_rng(0).normal(size=(2, 3, 6, 4))
    last = x.transpose(0, 2, 3, 1)
    for pool in (
        lambda x, **layout: gc.max_pool(x, 2, padding=1, **layout),
        lambda x, **layout: gc.avg_pool(x, 2, padding=1, **layout),
        lambda x, **layout: gc.adaptive_avg_pool(x, (4, 3), **layout),
        lambda x, **layout: gc.global_max_pool(x, keepdims=True, **layout),
    ):
        found = run(lambda x, pool=pool: pool(x, layout="NHWC"), last)
        np.testing.assert_allclose(found, run(pool, x).transpose(0, 2, 3, 1), rtol=1e-12, atol=1e-14)


# --- elements that matter ---


@pytest.mark.parametrize("target", ["reference", "llvm"])
def test_ties_share_the_derivative(target):
    x = gc.input("x", (1, 1, 6), "float64")
    y = gc.max_pool(x, 3)
    f = gc.compile([x], gc.grad(gc.sum(y * [[[6.0, 10.0]]]), x), target=target)
    np.testing.assert_array_equal(f([[[2.0, 2.0, 1.0, 5.0, 5.0, 5.0]]]), [[[3, 3, 0, 10 / 3, 10 / 3, 10 / 3]]])


def test_windows_that_overlap_add_up():
    x = gc.input("x", (1, 1, 5), "float64")
    f = gc.compile([x], gc.grad(gc.sum(gc.max_pool(x, 3, stride=1)), x))
    np.testing.assert_array_equal(f([[[0.0, 1.0, 9.0, 1.0, 0.0]]]), [[[0, 0, 3, 0, 0]]])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "bool"])
def test_integers(dtype):
    x = np.random.default_rng(0).integers(-100, 100, (1, 2, 5, 5)).astype(dtype)
    padded = np.pad(
        x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=0 if x.dtype.kind == "b" else np.iinfo(dtype).min
    )
    wanted = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3)).max((-1, -2))[:, :, ::2, ::2]
    for target in ("reference", "llvm"):
        found = run(lambda x: gc.max_pool(x, 3, stride=2, padding=1), x, target=target)
        np.testing.assert_array_equal(found, wanted)
        assert found.dtype == x.dtype


def test_nan_and_infinities():
    x = np.array([[[np.nan, 1, -np.inf, -np.inf, np.inf, 2]]])
    np.testing.assert_array_equal(run(lambda x: gc.max_pool(x, 2), x), [[[np.nan, -np.inf, np.inf]]])


X = gc.input("x", (2, 4, 8, 8))
MISTAKES = {
    "too large": (lambda: gc.max_pool(X, 9), "a window of 9 does not fit into 8"),
    "window": (lambda: gc.avg_pool(X, (2, 2, 2)), "no window"),
    "no window": (lambda: gc.max_pool(X, 0), "no window"),
    "padding": (lambda: gc.max_pool(X, 2, padding=2), "lies in a padding of 2 alone"),
    "p": (lambda: gc.lp_pool(X, 2, p=0.5), "no p of a norm"),
    "images": (lambda: gc.global_avg_pool(X[0, 0]), "no images"),
    "size": (lambda: gc.adaptive_avg_pool(X, (3, 0)), "no size"),
    "nothing": (lambda: gc.adaptive_max_pool(gc.input("e", (2, 4, 0)), 1), "no elements"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_refused_at_the_line(name):
    function, message = MISTAKES[name]
    with pytest.raises(gc.ShapeError, match=re.escape(message)) as caught:
        function()
    assert "test_pooling.py" in str(caught.value)


@pytest.mark.parametrize("target", ["reference", "llvm"])
def test_what_no_window_selects_has_no_derivative(target):
    x = gc.input("x", (1, 1, 4), "float64")
    for options in ({}, {"stride": 1}):
        y = gc.max_pool(gc.sqrt(x), 2, **options)
        slope = gc.compile([x], gc.grad(gc.sum(y), x), target=target)([[[0.0, 4.0, 1.0, 0.0]]])
        assert slope[0, 0, 0] == 0 and slope[0, 0, 1] == 0.25 * (1 + ("stride" in options))
