"""The sugar of symbolic arrays: what operators, methods, indexing and NumPy's functions mean on nodes.

Comes in: Python's syntax (`graphc.ir.operators`) and NumPy's protocols; goes out: calls of the ops' functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc import dimension
from graphc.errors import DTypeError, GraphError, ShapeError
from graphc.ir import leaf
from graphc.ir.leaf import Input, Parameter, Storage, as_array, without_loss
from graphc.ir.node import Node, make, public
from graphc.ir.operators import MEANING, means
from graphc.ir.printer import NAME
from graphc.ir.source import here
from graphc.ir.term import Term
from graphc.ops import contraction, conversion, elementwise, indexing, logic, movement, position, reduction
from graphc.types import TensorType, as_dtype, as_shape, float64

# --- leaves ---


@public
def input(name: str, shape: Any = (), dtype: Any = "float32") -> Node:
    """A value that each call gives: sizes are integers or names of dimensions ("batch", "2*n").

    Raises GraphError for a bad name, ShapeError and DTypeError for what is no shape or dtype.
    """
    node = make(Input(_checked_name(name), TensorType(as_dtype(dtype), as_shape(shape))))
    node.source = here()  # the last place counts: an equal input of another graph may still be alive
    return node


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

_METHODS: dict[str, Callable[..., Any]] = {
    "add": elementwise.add,
    "subtract": elementwise.subtract,
    "multiply": elementwise.multiply,
    "floor_divide": elementwise.floor_divide,
    "remainder": elementwise.remainder,
    "matmul": contraction.matmul,
    "negative": elementwise.negative,
    "abs": elementwise.abs,
    "left_shift": logic.bitwise_left_shift,
    "right_shift": logic.bitwise_right_shift,
    "less": logic.less,
    "less_equal": logic.less_equal,
    "greater": logic.greater,
    "greater_equal": logic.greater_equal,
    "equal": logic.equal,
    "not_equal": logic.not_equal,
    "astype": conversion.cast,
    "reshape": conversion.reshape,
    "sum": conversion.sum,
    "mean": reduction.mean,
    "max": reduction.max,
    "min": reduction.min,
    "mT": contraction.matrix_transpose,
}
for _word, _function in _METHODS.items():
    means(_word)(_function)


@means("divide")
@public
def divide(x: Any, y: Any) -> Any:
    """x / y; integers divide as float64, as in NumPy."""
    if isinstance(x, Term) or isinstance(y, Term):
        return elementwise.divide(x, y)
    if conversion.common_dtype("divide", "iufb", (x, y)).is_float:
        return elementwise.divide(x, y)
    return elementwise.divide(conversion.cast(x, float64), conversion.cast(y, float64))


@means("pow")
@public
def pow(x: Any, y: Any) -> Any:
    """x ** y; small whole powers of one node become products."""
    if isinstance(x, Term) or isinstance(y, Term):
        return elementwise.power(x, y)
    if isinstance(x, Node) and isinstance(y, int | float) and not isinstance(y, bool):
        if y == 2 and x.dtype.kind != "b":
            return elementwise.square(x)
        if isinstance(y, int) and y < 0 and x.dtype.is_integer:
            raise DTypeError("integers have no negative powers", help="cast to a float")
        if isinstance(y, float) and y == 0.5 and x.dtype.is_float:
            return elementwise.sqrt(x)
    return elementwise.power(x, y)


@means("invert")
@public
def invert(x: Any) -> Any:
    """~x: not for bool, all bits inverted for integers."""
    x = conversion.as_node(x)
    if x.dtype.kind == "b":
        return logic.logical_not(x)
    return logic.bitwise_xor(x, -1 if x.dtype.kind == "i" else (1 << x.dtype.bits) - 1)


def _logical_or_bitwise(logical: Callable[..., Any], bitwise: Callable[..., Any]) -> Callable[..., Any]:
    def apply(x: Any, y: Any) -> Any:
        node = x if isinstance(x, Node) else y
        return (logical if node.dtype.kind == "b" else bitwise)(x, y)

    return apply


means("and")(_logical_or_bitwise(logic.logical_and, logic.bitwise_and))
means("or")(_logical_or_bitwise(logic.logical_or, logic.bitwise_or))
means("xor")(_logical_or_bitwise(logic.logical_xor, logic.bitwise_xor))


@means("T")
@public
def _transpose(x: Node) -> Any:
    if x.ndim != 2:
        raise ShapeError("not a matrix", help="use mT or graphc.transpose")
    return movement.transpose(x)


def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """x limited to [min, max]; None means no limit. At a limit the derivative goes to the limit."""
    x = x if min is None else elementwise.maximum(x, min)
    return x if max is None else elementwise.minimum(x, max)


def relu(x: Any) -> Any:
    """max(x, 0); its derivative at 0 is 0."""
    return elementwise.maximum(x, 0)


@public
def var(x: Any, axis: Any = None, *, correction: float = 0.0, keepdims: bool = False) -> Any:
    """The variance over axes: the mean squared distance from the mean, which does not cancel."""
    x = conversion.as_node(x)
    axis = conversion.axes(axis, x.ndim)
    centred = x - reduction.mean(x, axis, keepdims=True)
    total = conversion.sum(elementwise.square(centred), axis, keepdims=keepdims)
    size = dimension.product(tuple(x.shape[a] for a in axis))
    return total / (position.extent(size, total.dtype) - correction)


def std(x: Any, axis: Any = None, *, correction: float = 0.0, keepdims: bool = False) -> Any:
    """The standard deviation over axes."""
    return elementwise.sqrt(var(x, axis, correction=correction, keepdims=keepdims))


def zeros(shape: Any, dtype: Any = "float32") -> Node:
    """Zeros of a shape, which may have named dimensions."""
    return full(shape, 0, dtype)


def ones(shape: Any, dtype: Any = "float32") -> Node:
    """Ones of a shape, which may have named dimensions."""
    return full(shape, 1, dtype)


@public
def full(shape: Any, fill_value: Any, dtype: Any = "float32") -> Node:
    """One number, repeated to a shape, which may have named dimensions."""
    if not isinstance(fill_value, bool | int | float | np.generic):
        raise DTypeError(f"{fill_value!r:.80} is no number", help="graphc.broadcast_to repeats arrays")
    type_ = TensorType(as_dtype(dtype), as_shape(shape))
    return leaf.full(without_loss(as_array(fill_value), type_.dtype), type_)


# --- NumPy's protocols: np.exp(node) is a node ---

_UFUNCS: dict[str, Callable[..., Any]] = {
    "positive": conversion.as_node,
    "absolute": elementwise.abs,
    "true_divide": divide,
    "divide": divide,
    "power": pow,
    "invert": invert,
    "bitwise_invert": invert,
    "left_shift": logic.bitwise_left_shift,
    "right_shift": logic.bitwise_right_shift,
    "bitwise_and": MEANING["and"],
    "bitwise_or": MEANING["or"],
    "bitwise_xor": MEANING["xor"],
    "rint": elementwise.round,
    "mod": elementwise.remainder,
    "matmul": contraction.matmul,
}

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        function.__name__: function
        for function in (
            *(reduction.max, reduction.min, reduction.prod, reduction.mean, reduction.any, reduction.all),
            *(reduction.argmax, reduction.argmin, conversion.sum, conversion.reshape, conversion.broadcast_to),
            *(movement.transpose, movement.flip, movement.pad, movement.concat, movement.stack),
            *(movement.broadcast_arrays, indexing.take, indexing.take_along_axis),
            *(contraction.matrix_transpose, logic.where, elementwise.round, clip, var, std),
        )
    },
    "concatenate": movement.concat,
    "permute_dims": movement.transpose,
    "amax": reduction.max,
    "amin": reduction.min,
}


@means("ufunc")
def _ufunc(ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    function = _UFUNCS.get(ufunc.__name__)
    for family in (elementwise, logic):
        function = function or getattr(family, ufunc.__name__, None)
    if method != "__call__" or kwargs or function is None:
        return NotImplemented
    return function(*inputs)


@means("numpy function")
def _numpy_function(function: Any, args: Any, kwargs: Any) -> Any:
    own = _FUNCTIONS.get(function.__name__)
    if own is None:
        raise TypeError(f"numpy.{function.__name__} has no counterpart for symbolic arrays in graphc")
    return own(*args, **kwargs)
