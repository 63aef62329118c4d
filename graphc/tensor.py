"""The sugar of symbolic arrays: what operators, methods, indexing and NumPy's functions mean on nodes.

Comes in: Python's syntax (`graphc.ir.operators`) and NumPy's protocols; goes out: calls of the ops' functions.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.dimension import Dim, declare
from graphc.errors import GraphError, ShapeError
from graphc.indexing import at, getitem
from graphc.ir.bounds import as_bounds
from graphc.ir.leaf import Input, Parameter, Storage, as_array, without_loss
from graphc.ir.node import Node, make, public
from graphc.ir.operators import MEANING, means
from graphc.ir.printer import NAME
from graphc.ir.source import here
from graphc.ops import (
    borders,
    contraction,
    conversion,
    creation,
    cumulative,
    datatypes,
    diagonals,
    einsum,
    elementwise,
    indexing,
    interpolation,
    logic,
    manipulation,
    movement,
    products,
    reduction,
    representation,
    sorting,
    standard,
    statistics,
    trigonometry,
)
from graphc.types import TensorType, as_dtype, as_shape, as_size

# --- leaves ---


@public
def input(name: str, shape: Any = (), dtype: Any = "float32", *, range: Any = None) -> Node:
    """A value that each call gives: sizes are integers or names of dimensions ("batch", "2*n").

    `range=(low, high)` is a promise that rules rely on: each element lies within these bounds, and none is NaN. An
    infinite bound is an open end. Calls check it where GRAPHC_CHECK=1.

    Raises GraphError for a bad name or range, ShapeError and DTypeError for what is no shape, dtype or bound of it.
    """
    type_ = TensorType(as_dtype(dtype), as_shape(shape))
    bounds = None if range is None else as_bounds(range, type_.dtype)
    node = make(Input(_checked_name(name), type_, bounds))
    node.source = here()  # the last place counts: an equal input of another graph may still be alive
    return node


@public
def dim(name: str, *, min: int = 0, max: int | None = None) -> Dim:
    """The size of a named dimension, which a call decides: an axis of a shape, and a number to calculate with.

        batch = gc.dim("batch", min=1)
        x = gc.input("x", (batch, 2 * batch))

    A call with a size outside of the range raises ShapeError; rules may rely on it. The range belongs to the name.
    Raises ShapeError for a bad name, an empty range, or one that differs from an earlier one of the name.
    """
    size = as_size(name)
    if not isinstance(name, str) or not isinstance(size, Dim) or not name.isidentifier():
        raise ShapeError(f"{name!r} is no name of a dimension", help="a name such as 'batch'")
    for bound in (min, max):
        if bound is not None and (not isinstance(bound, int) or isinstance(bound, bool) or bound < 0):
            raise ShapeError(f"{bound!r} is no size of an axis")
    if max is not None and max < min:
        raise ShapeError(f"no size is {min} or more and {max} or less")
    return declare(name, min, max) if (min, max) != (0, None) else size


@public
def parameter(name: str, value: Any, dtype: Any = None, *, advance: Callable[[Node], Any] | None = None) -> Node:
    """A value that lives between calls and changes through updates; read and set it with `value` and `set_value`.

    `advance` is its own update: given the parameter, its value after each call of a function that uses it and does
    not update it otherwise. `parameter("calls", 0, advance=lambda n: n + 1)` counts.
    """
    array = as_array(value)
    if dtype is not None:
        array = without_loss(array, as_dtype(dtype))
    return make(Parameter(_checked_name(name), TensorType(as_dtype(array.dtype), array.shape), Storage(array, advance)))


@public
def value(parameter: Node) -> np.ndarray[Any, Any]:
    """A copy of a parameter's present value. Raises GraphError for another node."""
    return _storage(parameter).read()


@public
def set_value(parameter: Node, value: Any) -> None:
    """Replace a parameter's value. Raises ShapeError or DTypeError for one that does not fit."""
    _storage(parameter).write(value)


def _storage(node: Node) -> Storage:
    if not isinstance(node, Node) or not isinstance(node.op, Parameter):
        raise GraphError("only a parameter has a value between calls")
    return node.op.storage


def _checked_name(name: Any) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise GraphError(f"{name!r} is no name", help="letters, digits, '_' and '.', not beginning with a digit")
    return name


# --- operators ---

MEANING.update(
    {
        "add": elementwise.add,
        "subtract": elementwise.subtract,
        "multiply": elementwise.multiply,
        "divide": standard.divide,
        "floor_divide": elementwise.floor_divide,
        "remainder": elementwise.remainder,
        "pow": standard.pow,
        "matmul": contraction.matmul,
        "negative": elementwise.negative,
        "positive": standard.positive,
        "abs": elementwise.abs,
        "invert": standard.bitwise_invert,
        "and": standard.bitwise_and,
        "or": standard.bitwise_or,
        "xor": standard.bitwise_xor,
        "left_shift": logic.bitwise_left_shift,
        "right_shift": logic.bitwise_right_shift,
        "getitem": getitem,
        "at": at,
        "less": logic.less,
        "less_equal": logic.less_equal,
        "greater": logic.greater,
        "greater_equal": logic.greater_equal,
        "equal": logic.equal,
        "not_equal": logic.not_equal,
    }
)

# --- methods ---

MEANING.update(
    {
        "astype": conversion.cast,
        "reshape": conversion.reshape,
        "sum": conversion.sum,
        "mT": contraction.matrix_transpose,
        "transpose": movement.transpose,
        **{
            function.__name__: function
            for function in (
                *(reduction.mean, reduction.max, reduction.min, reduction.prod, reduction.any, reduction.all),
                *(reduction.argmax, reduction.argmin, statistics.var, statistics.std),
                *(manipulation.squeeze, manipulation.ravel, manipulation.swapaxes, standard.clip),
            )
        },
    }
)


@means("T")
@public
def _transpose(x: Node) -> Any:
    if x.ndim != 2:
        raise ShapeError("not a matrix", help="use mT or graphc.transpose")
    return movement.transpose(x)


@means("namespace")
def _namespace() -> Any:
    return importlib.import_module("graphc")


# --- NumPy's protocols: np.exp(node) is a node ---

_RENAMED_UFUNCS: dict[str, Callable[..., Any]] = {
    "absolute": elementwise.abs,
    "fabs": elementwise.abs,
    "true_divide": standard.divide,
    "power": standard.pow,
    "float_power": standard.pow,
    "invert": standard.bitwise_invert,
    "left_shift": logic.bitwise_left_shift,
    "right_shift": logic.bitwise_right_shift,
    "rint": elementwise.round,
    "mod": elementwise.remainder,
    "matmul": contraction.matmul,
    "vecdot": products.vecdot,
    "arccos": trigonometry.acos,
    "arccosh": trigonometry.acosh,
    "arcsin": trigonometry.asin,
    "arcsinh": trigonometry.asinh,
    "arctan": trigonometry.atan,
    "arctan2": trigonometry.atan2,
    "arctanh": trigonometry.atanh,
}
_UFUNC_FAMILIES = (standard, elementwise, logic, trigonometry, representation)

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        function.__name__: function
        for function in (
            *(reduction.max, reduction.min, reduction.prod, reduction.mean, reduction.any, reduction.all),
            *(reduction.argmax, reduction.argmin, conversion.sum, conversion.reshape, conversion.broadcast_to),
            *(statistics.var, statistics.std, statistics.count_nonzero, statistics.average, statistics.histogram),
            *(statistics.cov, statistics.corrcoef, interpolation.interp, interpolation.polyval),
            *(movement.transpose, movement.flip, borders.pad, movement.concat, movement.stack),
            *(movement.broadcast_arrays, indexing.take, indexing.take_along_axis, cumulative.diff),
            *(cumulative.cumsum, cumulative.cumprod, cumulative.cumulative_sum, cumulative.cumulative_prod),
            *(sorting.sort, sorting.argsort, sorting.searchsorted, sorting.median, sorting.quantile),
            sorting.percentile,
            *(manipulation.expand_dims, manipulation.squeeze, manipulation.permute_dims, manipulation.moveaxis),
            *(manipulation.swapaxes, manipulation.ravel, manipulation.roll, manipulation.repeat, manipulation.tile),
            *(manipulation.rot90, manipulation.unstack, diagonals.diagonal, diagonals.diag, diagonals.trace),
            *(creation.full_like, creation.zeros_like, creation.ones_like, creation.tril, creation.triu),
            *(creation.meshgrid, contraction.matrix_transpose, products.tensordot, products.outer, products.inner),
            *(products.dot, products.kron, products.cross, einsum.einsum),
            *(logic.where, elementwise.round, standard.clip, standard.nan_to_num, datatypes.astype),
        )
    },
    "concatenate": movement.concat,
    "amax": reduction.max,
    "amin": reduction.min,
    "round": elementwise.round,
}


@means("ufunc")
def _ufunc(ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    function = _RENAMED_UFUNCS.get(ufunc.__name__)
    for family in _UFUNC_FAMILIES:
        function = function or getattr(family, ufunc.__name__, None)
    if method != "__call__" or kwargs or function is None:
        return NotImplemented
    return function(*inputs)


@means("numpy function")
def _numpy_function(function: Any, args: Any, kwargs: Any) -> Any:
    if function.__module__ == "numpy.linalg":
        own = getattr(importlib.import_module("graphc.linalg"), function.__name__, None)
    else:
        own = _FUNCTIONS.get(function.__name__)
    if own is None:
        name = f"{function.__module__}.{function.__name__}"
        raise TypeError(f"{name} has no counterpart for symbolic arrays in graphc")
    return own(*args, **kwargs)
