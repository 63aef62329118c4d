"""What derivatives cost: operations and arithmetic after the default pipeline, as multiples of those of the function.

Measured: reverse mode has 1.8 to 3.7 times the operations and 2.0 to 2.9 times the arithmetic of its cost.
Reference for the bounds: Griewank & Walther, Evaluating Derivatives, 2008, section 4.5 (4 in reverse, 5/2 forward).
"""

import numpy as np
import pytest

import graphc as gc


def perceptron(activation):
    x, y = gc.input("x", (64, 32)), gc.input("y", (64,), "int64")
    weights = [gc.input(f"w{i}", shape) for i, shape in enumerate([(32, 128), (128, 128), (128, 10)])]
    biases = [gc.input(f"b{i}", (w.shape[1],)) for i, w in enumerate(weights)]
    h = x
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        h = activation(h @ w + b)
    z = h @ weights[-1] + biases[-1]
    p = gc.exp(z) / gc.sum(gc.exp(z), axis=1, keepdims=True)
    loss = -gc.mean(gc.log(gc.take_along_axis(p, y[:, None], axis=1)))
    return loss, [x, y, *weights, *biases], [*weights, *biases]


def softmax_regression():
    x, y = gc.input("x", (64, 32)), gc.input("y", (64,), "int64")
    w, b = gc.input("w", (32, 10)), gc.input("b", (10,))
    z = x @ w + b
    loss = gc.mean(gc.logsumexp(z, axis=1) - gc.take_along_axis(z, y[:, None], axis=1)[:, 0]) + 1e-3 * gc.sum(w * w)
    return loss, [x, y, w, b], [w, b]


def convolutions():
    x, kernels = gc.input("x", (8, 3, 16, 16)), [gc.input("k0", (8, 3, 3, 3)), gc.input("k1", (8, 8, 3, 3))]
    h = x
    for k in kernels:
        h = gc.relu(gc.conv(h, k, padding="same"))
    return gc.mean(h**2), [x, *kernels], kernels


def stencil():
    x, k = gc.input("x", (64, 64)), gc.input("k", (3, 3))
    y = sum(x[i : i + 62, j : j + 62] * k[i, j] for i in range(3) for j in range(3))
    return gc.sum(gc.tanh(y) ** 2), [x, k], [x, k]


MODELS = {
    "relu network": lambda: perceptron(gc.relu),
    "tanh network": lambda: perceptron(gc.tanh),
    "softmax regression": softmax_regression,
    "convolutions": convolutions,
    "stencil": stencil,
}


def operations(graph):
    return len([node for node in graph.nodes if node.args])


def arithmetic(graph):
    """Multiplications, additions and functions of elements; moving elements is free."""
    total = 0
    for node in graph.nodes:
        if node.op.name == "matmul":
            total += 2 * node.size * node.args[0].shape[-1]
        elif node.op.name == "conv":
            total += 2 * node.size * int(np.prod(node.args[1].shape[2:]))
        elif node.args and not node.op.moves and node.op.name not in ("pad", "concat"):
            total += max(node.size, node.args[0].size)
    return total


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("mode", "most"), [("reverse", 4), ("forward", 4)])
def test_derivatives_are_cheap(name, mode, most):
    cost, inputs, wrt = MODELS[name]()
    if mode == "reverse":
        derivatives = gc.grad(cost, wrt)
    else:
        tangents = [gc.input(f"tangent{i}", x.shape) for i, x in enumerate(wrt)]
        derivatives, inputs = [gc.jvp(cost, wrt, tangents)], [*inputs, *tangents]
    before = gc.compile(inputs, cost, target="reference").graph
    after = gc.compile(inputs, [cost, *derivatives], target="reference").graph
    assert operations(after) <= most * operations(before)
    assert arithmetic(after) <= 3.1 * arithmetic(before)


def test_a_product_with_the_hessian_costs_a_few_gradients():
    cost, inputs, wrt = MODELS["tanh network"]()
    vectors = [gc.input(f"v{i}", x.shape) for i, x in enumerate(wrt)]
    gradient = gc.compile(inputs, gc.grad(cost, wrt), target="reference").graph
    products = gc.compile([*inputs, *vectors], gc.hvp(cost, wrt, vectors), target="reference").graph
    assert arithmetic(products) <= 2.6 * arithmetic(gradient)


def test_a_deep_chain():
    """Forward mode and products with Hessians take time in proportion to the depth, without recursion."""
    x = gc.input("x", (), "float64")
    y = x
    for _ in range(3000):
        y = gc.sin(y) + x
    assert gc.jvp(y, x, 1.0).type == x.type
    assert gc.vmap(lambda a: a * 2)(gc.stack([y, y])).shape == (2,)
