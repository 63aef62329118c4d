"""The same function in graphc and in torch, on the same numbers: values and gradients."""

import numpy as np
import pytest

import graphc as gc

torch = pytest.importorskip("torch")


def assert_same(ours, theirs, arrays, *, parameters=(), rtol=1e-11, atol=1e-12, target="reference"):
    """`ours` of nodes and `theirs` of tensors: values are the same, and gradients of the sum of squares.

    `parameters` pairs nodes with tensors that gradients are compared for too.
    """
    inputs = [gc.input(f"x{i}", array.shape, array.dtype) for i, array in enumerate(arrays)]
    y = ours(*inputs)
    tensors = [torch.tensor(array, requires_grad=array.dtype.kind == "f") for array in arrays]
    z = theirs(*tensors)
    torch.sum(z**2).backward()
    wrt = [node for node in inputs if node.dtype.is_float] + [node for node, _ in parameters]
    wanted = [t.grad for t in tensors if t.requires_grad] + [t.grad for _, t in parameters]
    found = gc.compile(inputs, [y, *gc.grad(gc.sum(y**2), wrt)], target=target)(*arrays)
    for got, tensor in zip(found, [z.detach(), *wanted], strict=True):
        np.testing.assert_allclose(got, tensor.numpy(), rtol=rtol, atol=atol)


def copied(node, array):
    """Give a parameter the value of a torch parameter."""
    gc.set_value(node, np.asarray(array.detach().numpy()))
