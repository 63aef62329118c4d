"""Windows, shears, merges and the convolution by their definitions: values, adjoints, and adjoints of adjoints."""

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import graphc as gc
from graphc.ir.node import make
from graphc.ops.convolution import Conv
from graphc.ops.windows import Merge, Shear, frame, overlapped, sheared, windows

quick = settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
steps = st.integers(1, 3)


def compiled(nodes, bindings, target="llvm"):
    return gc.compile(list(bindings), nodes, target=target)(*bindings.values())


def naive_conv(op, x, w):
    """The definition of `conv`, one place of the kernel after the other."""
    y = np.zeros((*x.shape[:2], w.shape[1], *op.size))
    for k in np.ndindex(w.shape[3:]):
        places, inside = [], []
        for first, count, s, d, b, n, i in zip(op.start, op.size, op.stride, op.dilation, op.spacing, x.shape[3:], k):
            place = first + s * np.arange(count) + d * i
            places.append(np.clip(place // b, 0, n - 1))
            inside.append((place % b == 0) & (place >= 0) & (place // b < n))
        seen = x[(..., *np.ix_(*places))] * np.all(np.meshgrid(*inside, indexing="ij"), axis=0)
        y += np.einsum("ngc...,goc->ngo...", seen, w[(..., *k)])
    return y


@st.composite
def convs(draw):
    rank = draw(st.integers(1, 2))
    spatial = [draw(st.integers(1, 5)) for _ in range(rank)]
    window = [draw(steps) for _ in range(rank)]
    groups, channels, outputs = draw(st.sampled_from([1, 1, 2])), draw(steps), draw(steps)
    start = tuple(draw(st.integers(-4, 3)) for _ in range(rank))
    op = Conv(start, *(tuple(draw(steps) for _ in range(rank)) for _ in range(4)))
    return op, (draw(steps), groups, channels, *spatial), (groups, outputs, channels, *window)


@quick
@given(convs())
def test_conv_is_what_it_says(drawn):
    op, of_x, of_w = drawn
    rng = np.random.default_rng(0)
    x, w, u, v = (rng.normal(size=shape) for shape in (of_x, of_w, of_x, of_w))
    y, g = naive_conv(op, x, w), rng.normal(size=(*of_x[:2], of_w[1], *op.size))
    nodes = [gc.input(name, a.shape, "float64") for name, a in (("x", x), ("w", w), ("g", g))]
    z = make(op, *nodes[:2])
    by_x, by_w = gc.grad(gc.sum(z * nodes[2]), nodes[:2])
    by_x_w, by_x_g = gc.grad(gc.sum(by_x * u), nodes[1:])
    by_w_x, by_w_g = gc.grad(gc.sum(by_w * v), [nodes[0], nodes[2]])
    for target in ("reference", "llvm"):
        found = compiled([z, by_x, by_w, by_x_w, by_x_g, by_w_x, by_w_g], dict(zip(nodes, (x, w, g))), target)
        close = {"rtol": 1e-10, "atol": 1e-11}
        np.testing.assert_allclose(found[0], y, **close)
        # It is linear in both: a derivative along a direction is the convolution of the direction.
        along_x, along_w = naive_conv(op, u, w), naive_conv(op, x, v)
        np.testing.assert_allclose(np.sum(found[1] * u), np.sum(g * along_x), **close)
        np.testing.assert_allclose(np.sum(found[2] * v), np.sum(g * along_w), **close)
        np.testing.assert_allclose(found[4], along_x, **close)
        np.testing.assert_allclose(found[6], along_w, **close)
        both = np.sum(g * naive_conv(op, u, v))
        np.testing.assert_allclose([np.sum(found[3] * v), np.sum(found[5] * u)], [both, both], **close)


@st.composite
def slides(draw):
    rank = draw(st.integers(1, 2))
    axes = tuple(draw(st.permutations(range(3)))[:rank])
    start = tuple(draw(st.integers(-4, 4)) for _ in axes)
    count, size, stride, dilation = (tuple(draw(steps) for _ in axes) for _ in range(4))
    return axes, start, count, size, stride, dilation


@quick
@given(slides(), st.booleans())
def test_windows_and_what_overlaps(drawn, named):
    axes, start, count, size, stride, dilation = drawn
    x = np.random.default_rng(0).normal(size=(4, 3, 5))
    seen = np.full((*(dict(zip(axes, count)).get(a, n) for a, n in enumerate(x.shape)), *size), 7.0)
    total = np.zeros_like(x)
    for place in np.ndindex(seen.shape):
        at = list(place[:3])
        for m, a in enumerate(axes):
            at[a] = start[m] + stride[m] * place[a] + dilation[m] * place[3 + m]
        if all(0 <= i < n for i, n in zip(at, x.shape)):
            seen[place] = x[tuple(at)]
            total[tuple(at)] += 1
    node = gc.input("x", ("n", 3, "m") if named else x.shape, "float64")
    sizes = [node.shape[a] for a in axes]
    views = windows(node, axes, start, count, size, stride=stride, dilation=dilation, value=7.0)
    back = overlapped(views - 7.0, axes, start, sizes, stride=stride, dilation=dilation)
    touched = overlapped(views == views, axes, start, sizes, stride=stride, dilation=dilation)
    for target in ("reference", "llvm"):
        found = compiled([views, back, touched], {node: x}, target)
        np.testing.assert_array_equal(found[0], seen)
        np.testing.assert_allclose(found[1], (x - 7.0) * total, rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(found[2], total > 0)


@quick
@given(st.integers(-3, 3), st.integers(-4, 4), st.integers(1, 6), st.booleans())
def test_shears(step, start, size, swapped):
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).transpose(0, *((2, 1) if swapped else (1, 2)))
    a, b = (2, 1) if swapped else (1, 2)
    rows = np.moveaxis(x, (a, b), (1, 2))
    wanted = np.zeros((2, size, 3))
    for i, k in itertools.product(range(size), range(3)):
        if 0 <= (place := start + i + step * k) < 4:
            wanted[:, i, k] = rows[:, place, k]
    node = gc.input("x", x.shape, "float64")
    found = compiled([sheared(node, [(a, b, step, start, size)])], {node: x})[0]
    np.testing.assert_array_equal(np.moveaxis(found, (a, b), (1, 2)), wanted)


def test_merge_is_a_reshape():
    x = np.arange(2 * 3 * 4 * 5 * 2.0).reshape(2, 3, 4, 5, 2)
    node = gc.input("x", x.shape, "float64")
    wanted = x.transpose(0, 4, 1, 3, 2).reshape(4, 15, 4)
    for target in ("reference", "llvm", "cuda-emulator"):
        found = compiled([make(Merge((1, 0)), node)], {node: x}, target)[0]
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("start, size", [(-2, 3), (5, 2), (-9, 4), (1, 2), (0, 4), (-1, 6)])
def test_frames(start, size):
    x = np.arange(1.0, 5.0)
    node = gc.input("x", (4,), "float64")
    wanted = [x[i] if 0 <= i < 4 else -1.0 for i in range(start, start + size)]
    assert compiled([frame(node, {0: (start, size)}, -1.0)], {node: x})[0].tolist() == wanted


def test_shears_and_merges_that_do_not_fit_are_refused():
    x = gc.input("x", (4, 3))
    for axis, along, step, start, size in ((0, 0, 1, 0, 2), (0, 2, 1, 0, 2)):
        with pytest.raises(gc.AxisError):
            make(Shear((axis,), (along,), (step,), (start,), (size,)), x)
    for step, start, size in ((1, 0, 3), (-1, 1, 2), (1, -1, 2)):
        with pytest.raises(gc.ShapeError, match="leave an axis of 4"):
            make(Shear((0,), (1,), (step,), (start,), (size,)), x)
    with pytest.raises(gc.AxisError):
        make(Merge((1,)), x)
    with pytest.raises(gc.ShapeError):
        make(Merge((0,)), gc.input("y", (4, "n")))
