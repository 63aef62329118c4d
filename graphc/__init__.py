"""graphc: define a computation graph, differentiate it, make it stable and fast, run it."""

from __future__ import annotations

import importlib
from typing import Any

from graphc import errors, linalg
from graphc.batching import vectorize, vmap
from graphc.compile import compile
from graphc.derivatives import hessian, jacobian
from graphc.differentiation import (
    UnusedInputWarning,
    gauss_newton_vp,
    grad,
    hvp,
    jvp,
    linearize,
    value_and_grad,
    vjp,
)
from graphc.errors import (
    ArgumentError,
    AxisError,
    CompileError,
    DTypeError,
    EmulatorError,
    GradientError,
    GraphcError,
    GraphError,
    IndexOutOfBounds,
    LoadError,
    MismatchError,
    ParseError,
    RewriteError,
    ShapeError,
    TargetError,
    VerifyError,
)
from graphc.indexing import select  # noqa: F401 - what x[index] and x.at[index] mean
from graphc.ir.graph import Graph
from graphc.ir.leaf import constant
from graphc.ir.node import Node
from graphc.ir.op import OPS
from graphc.ir.parser import parse_graph, parse_graphs
from graphc.loops import cond, fori_loop, map, scan, switch, while_loop
from graphc.ops import (  # noqa: F401 - their ops are known to the parser
    elementwise,
    log_domain,
    logic,
    representation,
    trigonometry,
)
from graphc.ops.barrier import stop_gradient
from graphc.ops.base import Elementwise
from graphc.ops.contraction import matmul, matrix_transpose
from graphc.ops.conversion import broadcast_to, cast, function, reshape, sum
from graphc.ops.convolution import (
    conv,
    conv1d,
    conv2d,
    conv3d,
    conv_transpose,
)
from graphc.ops.cumulative import (
    cummax,
    cummin,
    cumprod,
    cumsum,
    cumulative_prod,
    cumulative_sum,
    diff,
    linear_recurrence,
    logcumsumexp,
)
from graphc.ops.indexing import one_hot, put_along_axis, take, take_along_axis
from graphc.ops.local_connections import (
    depthwise_conv,
    fold,
    locally_connected,
    separable_conv,
    tiled_conv,
    unfold,
)
from graphc.ops.movement import broadcast_arrays, concat, flip, pad, stack, transpose
from graphc.ops.normal_quantile import normal_quantile
from graphc.ops.philox import philox
from graphc.ops.pooling import (
    adaptive_avg_pool,
    adaptive_max_pool,
    avg_pool,
    global_avg_pool,
    global_lp_pool,
    global_max_pool,
    lp_pool,
    max_pool,
)
from graphc.ops.position import extent, iota
from graphc.ops.reduction import (
    all,
    any,
    argmax,
    argmin,
    log_softmax,
    logsumexp,
    max,
    mean,
    min,
    prod,
    softmax,
)
from graphc.tensor import (
    clip,
    divide,
    full,
    input,
    ones,
    parameter,
    pow,
    relu,
    set_value,
    std,
    value,
    var,
    zeros,
)
from graphc.types import (
    DTYPES,
    DType,
    PromotionWarning,
    TensorType,
    bfloat16,
    bool_,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)

__all__ = [
    "DTYPES",
    "ArgumentError",
    "AxisError",
    "CompileError",
    "DType",
    "DTypeError",
    "EmulatorError",
    "GradientError",
    "Graph",
    "GraphError",
    "GraphcError",
    "IndexOutOfBounds",
    "LoadError",
    "MismatchError",
    "Node",
    "ParseError",
    "PromotionWarning",
    "RewriteError",
    "ShapeError",
    "TargetError",
    "TensorType",
    "UnusedInputWarning",
    "VerifyError",
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "all",
    "any",
    "argmax",
    "argmin",
    "avg_pool",
    "bfloat16",
    "bool_",
    "broadcast_arrays",
    "broadcast_to",
    "cast",
    "clip",
    "compile",
    "concat",
    "cond",
    "constant",
    "conv",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose",
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "cumulative_prod",
    "cumulative_sum",
    "depthwise_conv",
    "diff",
    "divide",
    "errors",
    "extent",
    "flip",
    "float16",
    "float32",
    "float64",
    "fold",
    "fori_loop",
    "full",
    "gauss_newton_vp",
    "global_avg_pool",
    "global_lp_pool",
    "global_max_pool",
    "grad",
    "hessian",
    "hvp",
    "input",
    "int8",
    "int16",
    "int32",
    "int64",
    "iota",
    "jacobian",
    "jvp",
    "linalg",
    "linear_recurrence",
    "linearize",
    "locally_connected",
    "log_softmax",
    "logcumsumexp",
    "logsumexp",
    "lp_pool",
    "map",
    "matmul",
    "matrix_transpose",
    "max",
    "max_pool",
    "mean",
    "min",
    "normal_quantile",
    "one_hot",
    "ones",
    "pad",
    "parameter",
    "parse_graph",
    "parse_graphs",
    "philox",
    "pow",
    "prod",
    "put_along_axis",
    "relu",
    "reshape",
    "scan",
    "separable_conv",
    "set_value",
    "softmax",
    "stack",
    "std",
    "stop_gradient",
    "sum",
    "switch",
    "take",
    "take_along_axis",
    "tiled_conv",
    "transpose",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "unfold",
    "value",
    "value_and_grad",
    "var",
    "vectorize",
    "vjp",
    "vmap",
    "while_loop",
    "zeros",
]

_MODULES = ("init", "inspect", "interop", "nn", "optim", "random", "testing", "training")


def __getattr__(name: str) -> Any:
    """Elementwise ops by their names, whoever defines them and whenever; modules when they are first used."""
    if name in _MODULES:
        return importlib.import_module(f"graphc.{name}")
    op = OPS.get(name)
    if op is None or not issubclass(op, Elementwise):
        raise AttributeError(f"module 'graphc' has no attribute {name!r}")
    return globals().setdefault(name, getattr(elementwise, name, None) or getattr(logic, name, None) or function(op))


def __dir__() -> list[str]:
    ops = (name for name, op in OPS.items() if issubclass(op, Elementwise))
    return sorted({*globals(), *_MODULES, *ops})
