"""PyTorch as a peer: the same function of both gives the same value, gradient and second derivatives."""

import numpy as np
import pytest

import graphc as gc

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    torch = F = None


def agree_with_torch(function, peer, shapes, *, named=None, targets=("reference", "llvm"), order=2, values=None):
    """Compare y, the gradient of sum(sin(y) * y), and the gradient of sums of squares of that gradient, in float64."""
    if torch is None:
        pytest.skip("PyTorch is not installed")
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in shapes] if values is None else values
    inputs = [gc.input(f"x{i}", shape, "float64") for i, shape in enumerate(named or [a.shape for a in arrays])]
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    results, wanted = [function(*inputs)], [peer(*tensors)]
    assert named or tuple(results[0].shape) == tuple(wanted[0].shape)
    if order:
        results += gc.grad(gc.sum(gc.sin(results[0]) * results[0]), inputs)
        wanted += torch.autograd.grad((torch.sin(wanted[0]) * wanted[0]).sum(), tensors, create_graph=order > 1)
    if order > 1:
        first = results[1:]
        results += gc.grad(sum(gc.sum(g * g) for g in first), inputs)
        wanted += torch.autograd.grad(sum((g * g).sum() for g in wanted[1:]), tensors)
    for target in targets:
        for found, expected in zip(gc.compile(inputs, results, target=target)(*arrays), wanted, strict=True):
            expected = expected.detach().numpy()
            scale = max(1.0, np.abs(expected).max(initial=0.0))
            np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-11 * scale, err_msg=target)
