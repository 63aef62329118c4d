"""The same function in graphc and in torch, on the same numbers: values, gradients and their derivatives."""

import numpy as np
import pytest

import graphc as gc

torch = pytest.importorskip("torch")


def assert_same(ours, theirs, arrays, *, parameters=(), rtol=1e-11, atol=1e-12, target="reference", second=False):
    """`ours` of nodes and `theirs` of tensors: values are the same, and gradients of the sum of squares.

    `parameters` pairs nodes with tensors that gradients are compared for too. With `second` the derivatives of the
    gradients of the arrays, in one direction, are compared as well.
    """
    inputs = [gc.input(f"x{i}", array.shape, array.dtype) for i, array in enumerate(arrays)]
    floats = [node for node in inputs if node.dtype.is_float]
    y = ours(*inputs)
    results = [y, *gc.grad(gc.sum(y**2), [*floats, *(node for node, _ in parameters)])]
    if second:
        results += gc.grad(sum(gc.sum(g * _direction(g.shape)) for g in results[1 : 1 + len(floats)]), floats)
    found = gc.compile(inputs, results, target=target)(*arrays)
    for got, tensor in zip(found, _wanted(theirs, arrays, [t for _, t in parameters], second), strict=True):
        np.testing.assert_allclose(got, tensor.detach().numpy(), rtol=rtol, atol=atol)


def copied(node, array):
    """Give a parameter the value of a torch parameter."""
    gc.set_value(node, np.asarray(array.detach().numpy()))


def _wanted(theirs, arrays, parameters, second):
    tensors = [torch.tensor(array, requires_grad=array.dtype.kind == "f") for array in arrays]
    floats = [tensor for tensor in tensors if tensor.requires_grad]
    z = theirs(*tensors)
    slopes = torch.autograd.grad(torch.sum(z**2), [*floats, *parameters], create_graph=second)
    if not second:
        return [z, *slopes]
    along = sum(torch.sum(g * torch.tensor(_direction(g.shape))) for g in slopes[: len(floats)])
    return [z, *slopes, *torch.autograd.grad(along, floats)]


def _direction(shape):
    return np.random.default_rng(1).normal(size=tuple(shape))
