"""Functions of one array of shape (3, 4) that are differentiable everywhere near the points, and the points."""

import numpy as np

import graphc as gc
from graphc.interpret import evaluate_nodes
from graphc.ir.node import make
from graphc.ops import indexing, movement

SHAPE = (3, 4)
MATRIX = np.random.default_rng(5).normal(size=(4, 5))
SQUARE = np.random.default_rng(6).normal(size=(4, 4)) / 4

FUNCTIONS = {
    "tanh": gc.tanh,
    "quotient": lambda x: gc.exp(x) / (1 + x * x),
    "power": lambda x: (2 + gc.sin(x)) ** x,
    "maximum": lambda x: gc.maximum(x, x * x),
    "where": lambda x: gc.where(x > 0, gc.log(gc.where(x > 0, x, 1)), x * x),
    "two branches": lambda x: gc.where(x > 0.3, gc.sin(x), x**3),
    "cast": lambda x: (x * x).astype("float32").astype("float64") * 0 + x**3,
    "transpose": lambda x: gc.transpose(x * x),
    "slice": lambda x: gc.sin(x)[::-2, 1:],
    "pad": lambda x: gc.exp(gc.pad(x, 1, value=0.5)),
    "concat": lambda x: gc.concat([x * x, gc.sin(x), x], axis=1),
    "reshape": lambda x: gc.cos(x.reshape((2, 6))),
    "expand": lambda x: x[:, None] * x[None],
    "sum": lambda x: gc.sum(x**3, axis=0),
    "mean": lambda x: gc.mean(gc.exp(x), axis=1),
    "max": lambda x: gc.max(x * x, axis=1),
    "prod": lambda x: gc.prod(x, axis=0),
    "take": lambda x: gc.take(x * x, [[2, 0], [0, 0]], axis=0),
    "take along": lambda x: gc.take_along_axis(gc.sin(x), np.array([[0, 0, 3], [1, 2, 1], [3, 3, 3]]), axis=1),
    "scatter": lambda x: make(indexing.ScatterAdd(0, 5), x * x, gc.constant([1, 1, 4])),
    "matmul": lambda x: gc.tanh(x @ MATRIX),
    "matmul with itself": lambda x: x @ SQUARE @ gc.transpose(x),
    "vectors": lambda x: x[0] @ x[1] * x[2],
    "batched matmul": lambda x: gc.stack([x, gc.sin(x)]) @ MATRIX,
    "softmax": gc.softmax,
    "softmax of rows": lambda x: gc.softmax(x @ SQUARE, axis=0),
    "log softmax": lambda x: gc.log_softmax(x * x),
    "logsumexp": lambda x: gc.logsumexp(x * x, axis=(0, 1)),
    "naive softmax": lambda x: gc.exp(x) / gc.sum(gc.exp(x), axis=1, keepdims=True),
    "variance": lambda x: gc.std(x, axis=1),
    "layer norm": lambda x: (x - gc.mean(x, 1, keepdims=True)) / gc.sqrt(gc.var(x, 1, keepdims=True) + 1e-3),
    "convolution": lambda x: sum(x[i : i + 2, j : j + 3] * MATRIX[i, j] for i in (0, 1) for j in (0, 1)),
    "sort": lambda x: gc.sort(x * x, axis=1),
    "put": lambda x: (x * x).at[[0, 2], [1, 1]].set(gc.sin(x[1, :2])),
    "put add": lambda x: (x * x).at[[0, 0], [1, 1]].add(gc.sin(x[1, :2])),
    "determinant": lambda x: gc.linalg.det(x @ gc.transpose(x) + np.eye(3)),
    "inverse": lambda x: gc.linalg.inv(x @ gc.transpose(x) + np.eye(3)),
    "cumulative": lambda x: gc.cumulative_sum(gc.cumulative_prod(x, axis=0), axis=1),
    "images": lambda x: gc.conv(x[None, None], gc.sin(x[:2, :2])[None, None]),
    "scan": lambda x: gc.scan(lambda c, row: (gc.tanh(c * row), c + row), np.ones(4), x)[1],
    "branch": lambda x: gc.cond(x[0, 0] > 10, gc.sin, lambda x: x * x, x),
    "recorded": gc.checkpoint(lambda x: gc.tanh(x) * x),
    "fixed point": lambda x: gc.implicit.fixed_point(lambda y: 0.1 * gc.sin(y) * x + x, gc.sin(x)),
    "strided pad": lambda x: make(movement.Pad((1, 0), (2, 1), (7, 4), 0.0), x**2),
}


def point(seed=0, shape=SHAPE):
    return np.random.default_rng(seed).normal(size=shape) * 0.8 + 0.1


def evaluated(nodes, bindings):
    """Values of nodes, as the reference calculates them."""
    single = not isinstance(nodes, list)
    with np.errstate(all="ignore"):
        values = evaluate_nodes([nodes] if single else nodes, bindings)
    return values[0] if single else values


def difference(function, at, direction, step=1e-5):
    """The derivative of a function of an array along a direction, to fourth order in the step."""
    f = [function(at + k * step * direction) for k in (-2, -1, 1, 2)]
    return (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * step)
