import numpy as np
import pytest

import graphc as gc
from graphc import nn
from graphc.errors import AxisError, ShapeError
from tests.nn.comparison import assert_same, torch

F = torch.nn.functional
# Where torch has constants of float32 (celu, hardsigmoid) the formula stands in its place.
X = np.random.default_rng(0).normal(scale=3, size=(4, 6))

SAME = {
    "leaky_relu": (lambda x: nn.leaky_relu(x, 0.2), lambda x: F.leaky_relu(x, 0.2)),
    "relu6": (nn.relu6, F.relu6),
    "elu": (lambda x: nn.elu(x, 1.3), lambda x: F.elu(x, 1.3)),
    "celu": (lambda x: nn.celu(x, 1.3), lambda x: torch.where(x > 0, x, 1.3 * torch.expm1(x.clamp(max=0) / 1.3))),
    "selu": (nn.selu, F.selu),
    "gelu": (nn.gelu, F.gelu),
    "gelu, tanh": (lambda x: nn.gelu(x, approximate=True), lambda x: F.gelu(x, approximate="tanh")),
    "silu": (nn.silu, F.silu),
    "mish": (nn.mish, F.mish),
    "softplus": (lambda x: nn.softplus(x, 2.0), lambda x: F.softplus(x, 2.0)),
    "softsign": (nn.softsign, F.softsign),
    "log_sigmoid": (nn.log_sigmoid, F.logsigmoid),
    "hard_tanh": (nn.hard_tanh, F.hardtanh),
    "hard_sigmoid": (nn.hard_sigmoid, lambda x: F.relu6(x + 3) / 6),
    "hard_silu": (nn.hard_silu, F.hardswish),
    "hard_shrink": (nn.hard_shrink, F.hardshrink),
    "soft_shrink": (nn.soft_shrink, F.softshrink),
    "glu": (nn.glu, F.glu),
    "glu, first axis": (lambda x: nn.glu(x, axis=0), lambda x: F.glu(x, dim=0)),
    "swiglu": (nn.swiglu, lambda x: F.silu(x[:, :3]) * x[:, 3:]),
    "geglu": (nn.geglu, lambda x: F.gelu(x[:, :3]) * x[:, 3:]),
    "maxout": (lambda x: nn.maxout(x, 3), lambda x: x.reshape(4, 2, 3).amax(2)),
}


@pytest.mark.parametrize("name", SAME)
def test_activation_is_that_of_torch(name):
    assert_same(*SAME[name], (X,), second=True)


@pytest.mark.parametrize("channels", [1, 6])
def test_prelu_is_that_of_torch(channels):
    ours, theirs = nn.PReLU(channels, dtype="float64"), torch.nn.PReLU(channels, dtype=torch.float64)
    assert_same(ours, theirs, (X,), parameters=[(ours.slope, theirs.weight)], second=True)


FAR = [name for name in SAME if "glu" not in name and name not in ("maxout", "softsign")]  # softsign' cancels


@pytest.mark.parametrize("name", FAR)
def test_far_out_nothing_overflows(name):
    x = gc.input("x", (4,), "float32")
    y = SAME[name][0](x)
    f = gc.compile([x], [y, gc.grad(gc.sum(y), x)], target="reference")
    points = np.array([-1e4, -200, 200, 1e4], "float32")
    tensor = torch.tensor(points, dtype=torch.float64, requires_grad=True)
    wanted = SAME[name][1](tensor)
    wanted.sum().backward()
    value, slope = f(points)
    np.testing.assert_allclose(value, wanted.detach().numpy(), rtol=1e-5, atol=1e-30)
    np.testing.assert_allclose(slope, tensor.grad.numpy(), rtol=1e-5, atol=1e-30)


def test_what_does_not_fit_is_named():
    x = gc.input("x", ("n", 5))
    with pytest.raises(ShapeError, match="no halves"):
        nn.glu(x)
    with pytest.raises(AxisError, match="out of range"):
        nn.glu(x, axis=2)
    with pytest.raises(ShapeError, match="groups of 3"):
        nn.maxout(x, 3)
    with pytest.raises(ShapeError, match="7 channels"):
        nn.PReLU(7)(x)
