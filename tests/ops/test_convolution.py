"""Convolutions and their relatives against PyTorch and SciPy: values, first and second derivatives, all targets."""

import re

import numpy as np
import pytest
import scipy.signal
from hypothesis import HealthCheck, assume, given, settings, strategies as st

import graphc as gc
from graphc.kernel import Gemm
from tests.ops.peers import F, agree_with_torch, torch

quick = settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@st.composite
def convolutions(draw, rank=None):
    """Sizes of images and kernels, and options, such that a window fits."""
    rank = draw(st.integers(1, 3)) if rank is None else rank
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    channels, outputs = groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 3))
    window = tuple(draw(st.integers(1, 3)) for _ in range(rank))
    options = {
        name: tuple(draw(st.integers(low, high)) for _ in range(rank))
        for name, low, high in (("stride", 1, 3), ("dilation", 1, 2), ("padding", 0, 2))
    }
    size = tuple(draw(st.integers(1, 6)) for _ in range(rank))
    fits = zip(size, window, options["dilation"], options["padding"], strict=True)
    assume(all(n + 2 * p > (k - 1) * d for n, k, d, p in fits))
    x, w = (draw(st.integers(1, 3)), channels, *size), (outputs, channels // groups, *window)
    return x, w, {**options, "groups": groups}


def torch_conv(x, w, **options):
    return (F.conv1d, F.conv2d, F.conv3d)[x.ndim - 3](x, w, **options)


def torch_conv_transpose(x, w, **options):
    return (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[x.ndim - 3](x, w, **options)


@quick
@given(convolutions())
def test_conv(drawn):
    x, w, options = drawn
    agree_with_torch(lambda x, w: gc.conv(x, w, **options), lambda x, w: torch_conv(x, w, **options), [x, w])


@pytest.mark.parametrize("case", range(4))
def test_conv_of_named_sizes(case):
    options = [{}, {"stride": 2}, {"padding": 1}, {"stride": 2, "padding": 2, "dilation": 2}][case]
    agree_with_torch(
        lambda x, w: gc.conv(x, w, **options),
        lambda x, w: F.conv2d(x, w, **options),
        [(2, 3, 7, 8), (4, 3, 3, 2)],
        named=[("n", 3, "height", "width"), (4, 3, 3, 2)],
    )


@settings(quick, max_examples=8)
@given(convolutions(), st.data())
def test_conv_transpose(drawn, data):
    x, w, options = drawn
    groups = options["groups"]
    w = (x[1], w[0] // groups, *w[2:])
    more = [data.draw(st.integers(0, max(s, d) - 1)) for s, d in zip(options["stride"], options["dilation"])]
    options["output_padding"] = tuple(more)
    sizes = zip(x[2:], w[2:], options["stride"], options["dilation"], options["padding"], more, strict=True)
    assume(all((n - 1) * s + (k - 1) * d + 1 - 2 * p + m > 0 for n, k, s, d, p, m in sizes))
    agree_with_torch(
        lambda x, w: gc.conv_transpose(x, w, **options), lambda x, w: torch_conv_transpose(x, w, **options), [x, w]
    )


# Each way to calculate: a kernel for one output, groups of one channel, points, spaced elements, few outputs, columns.
WAYS = {
    "sums of one output": ((2, 3, 6, 5), (1, 3, 3, 2), {}),
    "sums of each channel": ((2, 3, 6, 5), (6, 1, 3, 2), {"groups": 3, "stride": 2, "padding": 1}),
    "points": ((2, 3, 4, 5), (4, 3, 1, 1), {}),
    "points apart": ((2, 3, 4, 5), (4, 3, 1, 1), {"stride": 2}),
    "overlap": ((2, 8, 4, 5), (2, 8, 3, 3), {"padding": 1}),
    "columns": ((2, 2, 6, 5), (5, 2, 3, 2), {"padding": ((1, 0), (0, 2))}),
    "columns of groups": ((2, 4, 6, 5), (6, 2, 3, 2), {"groups": 2, "stride": 2}),
    "one window": ((3, 2, 4, 4), (3, 2, 4, 4), {}),
    "far outside": ((1, 2, 3, 3), (2, 2, 2, 2), {"padding": 4, "stride": 3}),
}


@pytest.mark.parametrize("target", ["llvm", "cuda-emulator"])
@pytest.mark.parametrize("way", WAYS)
def test_ways_to_calculate(way, target):
    x, w, options = WAYS[way]

    def peer(x, w):
        options_ = dict(options)
        padding = options_.pop("padding", 0)
        if isinstance(padding, tuple):
            (top, bottom), (left, right) = padding
            x, padding = F.pad(x, (left, right, top, bottom)), 0
        return F.conv2d(x, w, padding=padding, **options_)

    agree_with_torch(lambda x, w: gc.conv(x, w, **options), peer, [x, w], targets=[target])


@pytest.mark.parametrize("layout, kernels", [("NHWC", "HWIO"), ("CHWN", "OIHW"), ("NCHW", "IOHW"), ("HWNC", "HWOI")])
@pytest.mark.parametrize("options", [{"stride": 2, "padding": "same"}, {"groups": 3}, {"padding": 1, "dilation": 2}])
def test_layouts(layout, kernels, options):
    rng = np.random.default_rng(0)
    of_x, of_w = (["NCHW".index(a) for a in layout], ["OIHW".index(a) for a in kernels])
    x, w = rng.normal(size=(2, 3, 6, 5)), rng.normal(size=(6, 3 // options.get("groups", 1), 3, 2))

    def with_gradients(x, w, **layouts):
        y = gc.conv(x, w, **options, **layouts)
        return [y, *gc.grad(gc.sum(gc.sin(y)), [x, w])]

    plain = run(with_gradients, x, w)
    found = run(
        lambda x, w: with_gradients(x, w, layout=layout, kernel_layout=kernels), x.transpose(of_x), w.transpose(of_w)
    )
    for a, b, order in zip(found, plain, (of_x, of_x, of_w), strict=True):
        np.testing.assert_allclose(a, b.transpose(order), rtol=1e-11, atol=1e-13)


def run(function, *arrays, target="llvm"):
    inputs = [gc.input(f"x{i}", a.shape, a.dtype) for i, a in enumerate(arrays)]
    return gc.compile(inputs, function(*inputs), target=target)(*arrays)


def test_same_padding_keeps_the_size():
    for n, k, s, d in [(7, 3, 2, 1), (8, 3, 2, 1), (5, 4, 1, 1), (6, 2, 3, 2), (9, 3, 2, 2)]:
        x = np.random.default_rng(n).normal(size=(1, 2, n))
        w = np.random.default_rng(k).normal(size=(3, 2, k))
        size = -(-n // s)
        total = max((size - 1) * s + (k - 1) * d + 1 - n, 0)
        padding = [(total // 2, total - total // 2)]
        wanted = run(lambda x, w, p=padding, s=s, d=d: gc.conv(x, w, stride=s, dilation=d, padding=p), x, w)
        found = run(lambda x, w, s=s, d=d: gc.conv(x, w, stride=s, dilation=d, padding="same"), x, w)
        assert found.shape == wanted.shape == (1, 3, size)
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("mode", ["valid", "full"])
def test_conv_is_a_correlation(rank, mode):
    rng = np.random.default_rng(rank)
    x, w = rng.normal(size=(5, 6, 4)[:rank]), rng.normal(size=(3, 2, 4)[:rank])
    padding = "valid" if mode == "valid" else [(k - 1, k - 1) for k in w.shape]
    found = run(lambda x, w: gc.conv(x[None, None], w[None, None], padding=padding), x, w)
    np.testing.assert_allclose(found[0, 0], scipy.signal.correlate(x, w, mode), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "int64"])
def test_integers_wrap(dtype):
    rng = np.random.default_rng(0)
    x, w = (rng.integers(0, 100, s).astype(dtype) for s in ((2, 2, 5, 5), (3, 2, 3, 3)))
    wide = run(lambda x, w: gc.conv(x, w, padding=1), x.astype("int64"), w.astype("int64"))
    for target in ("reference", "llvm"):
        found = run(lambda x, w: gc.conv(x, w, padding=1), x, w, target=target)
        np.testing.assert_array_equal(found, wide.astype(dtype))


@pytest.mark.parametrize("dtype, bound", [("float16", 1e-3), ("bfloat16", 1e-2), ("float32", 4e-6)])
@pytest.mark.parametrize("way", WAYS)
def test_shorter_floats_are_rounded_once(way, dtype, bound):
    shape, kernels, options = WAYS[way]
    rng = np.random.default_rng(0)
    x, w = (rng.normal(size=s).astype(gc.types.as_dtype(dtype).numpy) for s in (shape, kernels))
    wanted = run(lambda x, w: gc.conv(x, w, **options), x.astype("float64"), w.astype("float64"))
    found = run(lambda x, w: gc.conv(x, w, **options), x, w)
    assert found.dtype == x.dtype
    np.testing.assert_allclose(found.astype("float64"), wanted, rtol=bound, atol=bound)


def test_the_derivative_reads_the_columns_of_the_convolution():
    x, w = gc.input("x", ("n", 2, 8, 8)), gc.input("w", (5, 2, 3, 3))
    y = gc.conv(x, w, padding=1)
    f = gc.compile([x, w], [y, gc.grad(gc.sum(y * y), w)])
    forward, backward = [step for step in f.program.steps if isinstance(step, Gemm)]
    assert forward.b is backward.b


def test_what_is_dear_is_not_calculated_for_each_window():
    x, w = gc.input("x", (2, 3, 8, 8)), gc.input("w", (4, 3, 3, 3))
    f = gc.compile([x, w], gc.conv(gc.tanh(x), w))
    (kernel,) = (kernel for kernel in f.program.kernels if "tanh" in str(kernel))
    assert [buffer.size for buffer in kernel.buffers if buffer.access == "write"] == [2 * 3 * 8 * 8]


def test_a_convolution_inside_a_loop():
    rng = np.random.default_rng(0)
    start, images, kernels = (
        rng.normal(size=(2, 3, 4, 4)),
        rng.normal(size=(5, 2, 3, 4, 4)),
        rng.normal(size=(3, 3, 3, 3)),
    )

    def step(h, x, w):
        return gc.tanh(gc.conv(h, w, padding=1) + x)

    h, xs, w = (gc.input(name, a.shape, "float64") for name, a in (("h", start), ("x", images), ("w", kernels)))
    last, _ = gc.scan(lambda h, x: (step(h, x, w), None), h, xs)
    unrolled = h
    for i in range(5):
        unrolled = step(unrolled, xs[i], w)
    found, wanted = (
        gc.compile([h, xs, w], [y, gc.grad(gc.sum(y), w)])(start, images, kernels) for y in (last, unrolled)
    )
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_vmap():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(4, 2, 4, 6, 5)), rng.normal(size=(4, 6, 2, 3, 2))

    def conv(x, w):
        return gc.conv(x, w, stride=2, padding=1, groups=2)

    for axes in ((0, 0), (0, None), (None, 0)):
        a, b = (array if axis == 0 else array[0] for array, axis in zip((x, w), axes, strict=True))
        found = run(gc.vmap(conv, in_axes=axes), a, b)
        each = [run(conv, a[i] if axes[0] == 0 else a, b[i] if axes[1] == 0 else b) for i in range(4)]
        np.testing.assert_allclose(found, each, rtol=1e-12, atol=1e-13)


# --- relatives ---


def test_depthwise_and_separable():
    options = {"stride": 2, "padding": 1}
    agree_with_torch(
        lambda x, w: gc.depthwise_conv(x, w, **options),
        lambda x, w: F.conv2d(x, w, groups=3, **options),
        [(2, 3, 6, 5), (6, 1, 3, 3)],
        named=[("n", 3, "height", 5), (6, 1, 3, 3)],
    )
    agree_with_torch(
        lambda x, w, v: gc.separable_conv(x, w, v, **options),
        lambda x, w, v: F.conv2d(F.conv2d(x, w, groups=3, **options), v),
        [(2, 3, 6, 5), (6, 1, 3, 3), (4, 6, 1, 1)],
    )


def torch_locally_connected(x, w, padding, **options):
    count, window = w.shape[1:3], w.shape[4:]
    columns = F.unfold(x, window, padding=padding, **options)
    columns = columns.reshape(x.shape[0], x.shape[1], *window, *count)
    return torch.einsum("ncklij,oijckl->noij", columns, w)


def test_locally_connected():
    agree_with_torch(
        lambda x, w: gc.locally_connected(x, w, stride=(2, 1), padding=1),
        lambda x, w: torch_locally_connected(x, w, 1, stride=(2, 1)),
        [(2, 3, 5, 4), (4, 3, 5, 3, 3, 2)],
        named=[("n", 3, 5, 4), (4, 3, 5, 3, 3, 2)],
    )


@pytest.mark.parametrize("size", [(7, 6), (4, 4), (3, 5)])
def test_tiled_conv(size):
    def peer(x, w):
        count = [n - 2 for n in size]
        places = [torch.arange(n) % t for n, t in zip(count, (2, 3))]
        return torch_locally_connected(x, w[..., places[0], :][..., places[1]].permute(0, 4, 5, 1, 2, 3), 0)

    agree_with_torch(lambda x, w: gc.tiled_conv(x, w), peer, [(2, 2, *size), (3, 2, 3, 3, 2, 3)])


def test_tiled_conv_with_one_tile_is_a_convolution():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 2, 7)), rng.normal(size=(3, 2, 3))
    wanted = run(lambda x, w: gc.conv(x, w, stride=2, padding=1), x, w)
    found = run(lambda x, w: gc.tiled_conv(x, w, stride=2, padding=1), x, w[..., None])
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"padding": (1, 2), "dilation": 2, "stride": (2, 1)}])
def test_unfold_and_fold(options):
    agree_with_torch(
        lambda x: gc.unfold(x, (3, 2), **options), lambda x: F.unfold(x, (3, 2), **options), [(2, 3, 7, 6)]
    )
    columns = F.unfold(torch.zeros(2, 3, 7, 6), (3, 2), **options).shape
    agree_with_torch(
        lambda x: gc.fold(x, (7, 6), (3, 2), **options),
        lambda x: F.fold(x, (7, 6), (3, 2), **options),
        [columns],
        targets=["reference", "llvm", "cuda-emulator"],
    )


# --- what is refused ---

X, W = gc.input("x", (2, 4, 8, 8)), gc.input("w", (6, 4, 3, 3))
MISTAKES = {
    "channels": (lambda: gc.conv(X, W, groups=2), "2 groups of 2 channels meet kernels for 2 groups of 4 channels"),
    "channels of kernels": (
        lambda: gc.conv(X, gc.transpose(W, (1, 0, 2, 3))),
        "4 channels meet kernels for 6 channels",
    ),
    "groups": (lambda: gc.conv(X, W, groups=3), "4 channels cannot be divided into 3 groups"),
    "no groups": (lambda: gc.conv(X, W, groups=0), "no number of groups"),
    "outputs in groups": (lambda: gc.conv(X, gc.input("v", (6, 1, 3, 3)), groups=4), "cannot be divided into 4"),
    "rank of kernels": (lambda: gc.conv(X, gc.input("v", (6, 4, 3))), "kernels of 3 axes do not fit images of 4"),
    "rank": (lambda: gc.conv1d(X, W), "not batch, channels and 1 spatial"),
    "no images": (lambda: gc.conv(gc.input("v", (3, 3)), W), "no images"),
    "nothing left": (lambda: gc.conv(X, W, dilation=4), "a window of 9 does not fit into 8"),
    "stride": (lambda: gc.conv(X, W, stride=0), "0 is no stride"),
    "strides": (lambda: gc.conv(X, W, stride=(1, 1, 1)), "no stride"),
    "padding": (lambda: gc.conv(X, W, padding=-1), "no padding"),
    "padding word": (lambda: gc.conv(X, W, padding="full"), "'full' is no padding"),
    "padding pairs": (lambda: gc.conv(X, W, padding=((1, 1),)), "no padding for 2 spatial axes"),
    "layout": (lambda: gc.conv(X, W, layout="NHW"), "no layout"),
    "layout of another rank": (lambda: gc.conv(X, W, layout="NCW"), "has 3 axes, the array 4"),
    "kernel layout": (lambda: gc.conv(X, W, kernel_layout="OIWH"), "spatial axes of kernels are 'WH'"),
    "bool": (lambda: gc.conv(X > 0, W > 0), "bool"),
    "output padding": (lambda: gc.conv_transpose(X, gc.transpose(W, (1, 0, 2, 3)), output_padding=1), "not smaller"),
    "places": (lambda: gc.locally_connected(X, gc.input("v", (6, 5, 5, 4, 3, 3))), "kernels for (5, 5) places"),
    "tiles": (lambda: gc.tiled_conv(X, W), "do not fit 4 channels"),
    "columns": (lambda: gc.fold(gc.input("v", (2, 9, 5)), (4, 4), 3), "are not"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_refused_at_the_line(name):
    function, message = MISTAKES[name]
    with pytest.raises((gc.ShapeError, gc.DTypeError), match=re.escape(message)) as caught:
        function()
    assert "test_convolution.py" in str(caught.value)


def test_images_that_are_too_small_are_refused_at_the_call():
    x = gc.input("x", ("n", 1, "height", "width"))
    f = gc.compile([x], gc.conv(x, np.ones((2, 1, 3, 3), "float32")))
    assert f(np.ones((2, 1, 3, 4), "float32")).tolist() == [[[[9, 9]]] * 2] * 2
    for shape in ((2, 1, 2, 4), (2, 1, 1, 4)):
        with pytest.raises(gc.ShapeError):
            f(np.ones(shape, "float32"))
    assert f(np.ones((0, 1, 3, 4), "float32")).shape == (0, 2, 1, 2)
