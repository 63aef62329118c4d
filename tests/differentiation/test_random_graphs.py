"""Random graphs of all ops: forward mode is the transpose of reverse mode, and stacks are item after item."""

import warnings

import numpy as np
from hypothesis import HealthCheck, given, settings, strategies as st

import graphc as gc
from graphc.interpret import evaluate_nodes
from graphc.ir.op import OPS
from graphc.ir.substitution import substitute
from graphc.testing.samples import sample
from graphc.testing.strategies import graphs, known_ops

# Of ops with attributes, those that the strategy knows how to draw.
OPS_USED = [name for name in sorted(known_ops()) if not {"order", "word"} & {*OPS[name].attribute_names}]
REVERSIBLE = [name for name in OPS_USED if name != "while"]  # which has no derivative in reverse mode without a bound
ORDINARY = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def evaluated(nodes, at):
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return evaluate_nodes(nodes, at)


@ORDINARY
@given(
    graphs(ops=REVERSIBLE, dtypes=(gc.float64, gc.float64, gc.int32), updates=False, dimensions=("n",)),
    st.integers(0, 5),
)
def test_forward_mode_is_the_transpose_of_reverse_mode(graph, seed):
    outputs = [y for y in graph.outputs if y.dtype is gc.float64]
    wrt = [x for x in graph.inputs if x.dtype is gc.float64]
    if not outputs or not wrt:
        return
    at = dict(zip(graph.inputs, sample(graph, seed), strict=True))
    rng = np.random.default_rng(seed)
    tangents = [rng.normal(size=at[x].shape) for x in wrt]
    try:
        values = evaluated(outputs, at)
    except gc.IndexOutOfBounds:
        return
    cotangents = [rng.normal(size=y.shape) for y in values]
    vs = [gc.input(f"tangent{i}", x.shape, "float64") for i, x in enumerate(wrt)]
    gs = [gc.input(f"cotangent{i}", y.shape, "float64") for i, y in enumerate(outputs)]
    bindings = at | dict(zip(vs, tangents, strict=True)) | dict(zip(gs, cotangents, strict=True))
    forward = evaluated(gc.jvp(outputs, wrt, vs), bindings)
    reverse = evaluated(gc.vjp(outputs, wrt, gs), bindings)
    one = np.concatenate([np.ravel(a * b) for a, b in zip(forward, cotangents, strict=True)])
    other = np.concatenate([np.ravel(a * b) for a, b in zip(reverse, tangents, strict=True)])
    if np.isfinite(one).all() and np.isfinite(other).all():
        scale = max(np.abs(one).sum(), np.abs(other).sum())
        if scale < 1e100:
            assert abs(one.sum() - other.sum()) <= 1e-8 * scale + 1e-10


@ORDINARY
@given(
    graphs(ops=OPS_USED, updates=False, dtypes=(gc.float64, gc.int32, gc.bool_)),
    st.integers(0, 5),
    st.integers(0, 2**10),
)
def test_a_stack_is_item_after_item(graph, seed, shared):
    """Some inputs are stacks, by the bits of `shared`, the others the same for all items."""
    stacked = [not (shared >> i & 1) for i in range(len(graph.inputs))]
    if not any(stacked):
        return
    arrays = [sample(graph, seed + k) for k in range(3)]
    given = [np.stack([arrays[k][i] for k in range(3)]) if has else arrays[0][i] for i, has in enumerate(stacked)]
    inputs = [
        gc.input(f"given{i}", (3, *x.shape) if has else x.shape, x.dtype)
        for i, (x, has) in enumerate(zip(graph.inputs, stacked, strict=True))
    ]

    def function(*xs):
        return substitute(graph.outputs, dict(zip(graph.inputs, xs, strict=True)))

    found = gc.vmap(function, [0 if has else None for has in stacked])(*inputs)
    try:
        items = [
            evaluated(graph.outputs, {x: g[k] if has else g for x, g, has in zip(graph.inputs, given, stacked)})
            for k in range(3)
        ]
    except gc.IndexOutOfBounds:
        return
    for got, *expected in zip(evaluated(found, dict(zip(inputs, given, strict=True))), *items, strict=True):
        np.testing.assert_allclose(
            got.astype("f8"), np.stack(expected).astype("f8"), rtol=1e-9, atol=1e-9, equal_nan=True
        )
