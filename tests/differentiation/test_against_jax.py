"""Derivatives of one formula in both modes, to third order, as JAX calculates them."""

import numpy as np
import pytest

import graphc as gc

jax = pytest.importorskip("jax")

RNG = np.random.default_rng(0)
MATRIX, AT, ALONG = RNG.normal(size=(5, 5)), RNG.normal(size=(6, 5)), RNG.normal(size=(6, 5))


def ours(x):
    h = gc.tanh(x @ MATRIX)
    return gc.log_softmax(h @ gc.transpose(h), axis=1)


def theirs(x):
    h = jax.numpy.tanh(x @ MATRIX)
    return jax.nn.log_softmax(h @ h.T, axis=1)


def test_the_same_derivatives():
    x, v = gc.input("x", (6, 5), "float64"), gc.input("v", (6, 5), "float64")
    cost = gc.sum(gc.sin(ours(x)))
    product = gc.hvp(cost, x, v)
    derivatives = [gc.jvp(ours(x), x, v), gc.jacobian(ours(x), x), product, gc.jvp(product, x, v)]
    stacks = gc.vmap(lambda row: gc.grad(gc.sum(ours(gc.stack([row, row * 2]))), row))(x)
    found = gc.compile([x, v], [*derivatives, stacks])(AT, ALONG)

    def their_cost(x):
        return jax.numpy.sum(jax.numpy.sin(theirs(x)))

    def their_product(x):
        return jax.jvp(jax.grad(their_cost), (x,), (ALONG,))[1]

    with jax.enable_x64(True):
        expected = [
            jax.jvp(theirs, (AT,), (ALONG,))[1],
            jax.jacobian(theirs)(AT),
            their_product(AT),
            jax.jvp(their_product, (AT,), (ALONG,))[1],
            jax.vmap(jax.grad(lambda row: theirs(jax.numpy.stack([row, row * 2])).sum()))(AT),
        ]
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-12)
