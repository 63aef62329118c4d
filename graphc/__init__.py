"""graphc: define a computation graph, differentiate it, make it stable and fast, run it."""

from __future__ import annotations

import importlib
from math import e, inf, nan, pi
from typing import Any

from graphc import errors, implicit, linalg
from graphc.batching import vectorize, vmap
from graphc.compile import compile
from graphc.custom import checkpoint, custom_gradient
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
    AssumptionError,
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
    special,
    trigonometry,
)
from graphc.ops.assume import assume
from graphc.ops.barrier import stop_gradient
from graphc.ops.base import Elementwise
from graphc.ops.borders import pad
from graphc.ops.contraction import matmul, matrix_transpose
from graphc.ops.conversion import broadcast_to, cast, function, reshape, sum
from graphc.ops.convolution import (
    conv,
    conv1d,
    conv2d,
    conv3d,
    conv_transpose,
)
from graphc.ops.creation import (
    arange,
    asarray,
    empty,
    empty_like,
    eye,
    full,
    full_like,
    linspace,
    meshgrid,
    ones,
    ones_like,
    tril,
    triu,
    zeros,
    zeros_like,
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
from graphc.ops.datatypes import (
    astype,
    can_cast,
    finfo,
    iinfo,
    isdtype,
    result_type,
)
from graphc.ops.diagonals import (
    diag,
    diagonal,
    trace,
)
from graphc.ops.einsum import (
    einsum,
)
from graphc.ops.indexing import (
    bincount,
    one_hot,
    put_along_axis,
    segment_max,
    segment_mean,
    segment_min,
    segment_prod,
    segment_sum,
    take,
    take_along_axis,
)
from graphc.ops.interpolation import (
    interp,
    polyval,
)
from graphc.ops.local_connections import (
    depthwise_conv,
    fold,
    locally_connected,
    separable_conv,
    tiled_conv,
    unfold,
)
from graphc.ops.manipulation import (
    expand_dims,
    moveaxis,
    permute_dims,
    ravel,
    repeat,
    roll,
    rot90,
    squeeze,
    swapaxes,
    tile,
    unstack,
)
from graphc.ops.movement import broadcast_arrays, concat, flip, stack, transpose
from graphc.ops.normal_quantile import normal_quantile
from graphc.ops.panjer import panjer_quantile
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
from graphc.ops.products import (
    cross,
    dot,
    inner,
    kron,
    outer,
    tensordot,
    vecdot,
)
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
from graphc.ops.resize import pixel_shuffle, pixel_unshuffle, resize
from graphc.ops.selection import argwhere, compress, extract, flatnonzero, nonzero, unravel_index
from graphc.ops.sets import unique, unique_all, unique_counts, unique_inverse, unique_values
from graphc.ops.sorting import argsort, median, percentile, quantile, searchsorted, sort, top_k
from graphc.ops.special.beta_function import beta
from graphc.ops.special.gamma_function import polygamma, trigamma
from graphc.ops.special.zeta_function import zeta
from graphc.ops.standard import (
    bitwise_and,
    bitwise_invert,
    bitwise_or,
    bitwise_xor,
    clip,
    conj,
    divide,
    imag,
    isfinite,
    isinf,
    isnan,
    nan_to_num,
    positive,
    pow,
    real,
    reciprocal,
    relu,
)
from graphc.ops.statistics import (
    average,
    corrcoef,
    count_nonzero,
    cov,
    histogram,
    std,
    var,
)
from graphc.tensor import (
    dim,
    input,
    parameter,
    set_value,
    value,
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

newaxis = None

__all__ = [
    "DTYPES",
    "ArgumentError",
    "AssumptionError",
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
    "arange",
    "argmax",
    "argmin",
    "argsort",
    "argwhere",
    "asarray",
    "assume",
    "astype",
    "average",
    "avg_pool",
    "beta",
    "bfloat16",
    "bincount",
    "bitwise_and",
    "bitwise_invert",
    "bitwise_or",
    "bitwise_xor",
    "bool_",
    "broadcast_arrays",
    "broadcast_to",
    "can_cast",
    "cast",
    "checkpoint",
    "clip",
    "compile",
    "compress",
    "concat",
    "cond",
    "conj",
    "constant",
    "conv",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose",
    "corrcoef",
    "count_nonzero",
    "cov",
    "cross",
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "cumulative_prod",
    "cumulative_sum",
    "custom_gradient",
    "depthwise_conv",
    "diag",
    "diagonal",
    "diff",
    "dim",
    "divide",
    "dot",
    "e",
    "einsum",
    "empty",
    "empty_like",
    "errors",
    "expand_dims",
    "extent",
    "extract",
    "eye",
    "finfo",
    "flatnonzero",
    "flip",
    "float16",
    "float32",
    "float64",
    "fold",
    "fori_loop",
    "full",
    "full_like",
    "gauss_newton_vp",
    "global_avg_pool",
    "global_lp_pool",
    "global_max_pool",
    "grad",
    "hessian",
    "histogram",
    "hvp",
    "iinfo",
    "imag",
    "implicit",
    "inf",
    "inner",
    "input",
    "int8",
    "int16",
    "int32",
    "int64",
    "interp",
    "iota",
    "isdtype",
    "isfinite",
    "isinf",
    "isnan",
    "jacobian",
    "jvp",
    "kron",
    "linalg",
    "linear_recurrence",
    "linearize",
    "linspace",
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
    "median",
    "meshgrid",
    "min",
    "moveaxis",
    "nan",
    "nan_to_num",
    "newaxis",
    "nonzero",
    "normal_quantile",
    "one_hot",
    "ones",
    "ones_like",
    "outer",
    "pad",
    "panjer_quantile",
    "parameter",
    "parse_graph",
    "parse_graphs",
    "percentile",
    "permute_dims",
    "philox",
    "pi",
    "pixel_shuffle",
    "pixel_unshuffle",
    "polygamma",
    "polyval",
    "positive",
    "pow",
    "prod",
    "put_along_axis",
    "quantile",
    "ravel",
    "real",
    "reciprocal",
    "relu",
    "repeat",
    "reshape",
    "resize",
    "result_type",
    "roll",
    "rot90",
    "scan",
    "searchsorted",
    "segment_max",
    "segment_mean",
    "segment_min",
    "segment_prod",
    "segment_sum",
    "separable_conv",
    "set_value",
    "softmax",
    "sort",
    "squeeze",
    "stack",
    "std",
    "stop_gradient",
    "sum",
    "swapaxes",
    "switch",
    "take",
    "take_along_axis",
    "tensordot",
    "tile",
    "tiled_conv",
    "top_k",
    "trace",
    "transpose",
    "trigamma",
    "tril",
    "triu",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "unfold",
    "unique",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
    "unravel_index",
    "unstack",
    "value",
    "value_and_grad",
    "var",
    "vecdot",
    "vectorize",
    "vjp",
    "vmap",
    "while_loop",
    "zeros",
    "zeros_like",
    "zeta",
]

_MODULES = ("array_api", "distributions", "init", "inspect", "interop", "nn", "optim", "random", "testing", "training")


def __getattr__(name: str) -> Any:
    """Elementwise ops by their names, whoever defines them and whenever; modules when they are first used."""
    if name in _MODULES:
        return importlib.import_module(f"graphc.{name}")
    if name == "bool":  # the standard's name, which as a variable would hide Python's in this file
        return bool_
    op = OPS.get(name)
    if op is None or not issubclass(op, Elementwise):
        raise AttributeError(f"module 'graphc' has no attribute {name!r}")
    return globals().setdefault(name, getattr(elementwise, name, None) or getattr(logic, name, None) or function(op))


def __dir__() -> list[str]:
    ops = (name for name, op in OPS.items() if issubclass(op, Elementwise))
    return sorted({*globals(), *_MODULES, *ops})
