"""The vocabulary in which formulas are written: the words of the Array API standard, and a few special functions.

In: the name of a library and a dtype. Out: `xp`, whose functions are the library's own under one name each. What a
library does not have raises `MissingWord` when a formula calls it.
"""

import importlib
import operator
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

SAME_NAMES = (
    "exp", "log", "log1p", "expm1", "sqrt", "square", "abs", "sign", "floor", "sin", "cos", "tan",
    "sinh", "cosh", "tanh", "where", "maximum", "minimum", "isnan",
)  # fmt: skip
WORDS = (
    *SAME_NAMES, "asin", "acos", "atan", "atan2", "asinh", "acosh", "atanh", "copysign", "sigmoid", "softmax",
    "erf", "erfc", "lgamma", "digamma", "i0", "sum", "prod", "mean", "max", "min", "cumulative_sum", "stack",
    "concat", "reshape", "transpose", "take", "flip", "cast", "inv", "det", "cholesky", "array", "number", "booleans",
    "equal", "not_equal",
)  # fmt: skip
ARC = {f"a{name}": f"arc{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "tan2")}
Words = SimpleNamespace


class MissingWord(Exception):
    """The library has no such function."""


def words(library: str, dtype: str) -> Words:
    """The vocabulary of a library; constants that a formula makes have that dtype."""
    return vocabulary(MAKERS[library](np.dtype(dtype)))


def vocabulary(own: dict[str, Callable[..., Any]]) -> Words:
    """All words; those that a library does not have say so when they are called."""
    own = {"equal": operator.eq, "not_equal": operator.ne} | own
    return SimpleNamespace(**{word: own[word] if word in own else missing(word) for word in WORDS}, pi=np.pi)


def missing(word: str) -> Callable[..., Any]:
    def refuse(*_arguments: Any, **_options: Any) -> Any:
        raise MissingWord(f"no function {word}")

    return refuse


def named(module: Any, names: Any) -> dict[str, Callable[..., Any]]:
    """Functions of a module, by the word that stands for each."""
    pairs = names.items() if isinstance(names, dict) else ((name, name) for name in names)
    return {word: getattr(module, name) for word, name in pairs if hasattr(module, name)}


def numpy_words(dtype: np.dtype[Any]) -> dict[str, Callable[..., Any]]:
    special = importlib.import_module("scipy.special")
    own = named(np, (*SAME_NAMES, "copysign", "sum", "prod", "mean", "max", "min", "stack", "reshape", "take", "flip"))
    own |= (
        named(np, ARC) | named(np.linalg, ("inv", "det", "cholesky")) | named(special, ("erf", "erfc", "softmax", "i0"))
    )
    return own | {
        "sigmoid": special.expit,
        "lgamma": special.gammaln,
        "digamma": special.digamma,
        "cumulative_sum": lambda x, axis: np.cumsum(x, axis),
        "concat": np.concatenate,
        "transpose": lambda x: np.swapaxes(x, -1, -2),
        "cast": lambda x, name: np.asarray(x).astype(name),
        "array": lambda values: np.array(values, dtype),
        "number": dtype.type,
        "booleans": lambda values: np.array(values, bool),
    }


def graphc_words(dtype: np.dtype[Any]) -> dict[str, Callable[..., Any]]:
    gc = importlib.import_module("graphc")
    return named(gc, WORDS) | named(gc.linalg, ("inv", "det", "cholesky")) | {
        "transpose": gc.matrix_transpose,
        "array": lambda values: gc.constant(np.array(values, dtype)),
        "number": lambda value: gc.constant(dtype.type(value)),
        "booleans": lambda values: gc.constant(np.array(values, bool)),
        "take": lambda x, indices, axis: gc.take(x, np.array(indices), axis=axis),
        "stack": lambda parts, axis=0: gc.stack(parts, axis=axis),
        "concat": lambda parts, axis=0: gc.concat(parts, axis=axis),
        "flip": lambda x, axis: gc.flip(x, axis=axis),
        "cumulative_sum": lambda x, axis: gc.cumulative_sum(x, axis=axis),
    }  # fmt: skip


def jax_words(dtype: np.dtype[Any]) -> dict[str, Callable[..., Any]]:
    jax, jnp = importlib.import_module("jax"), importlib.import_module("jax.numpy")
    special = importlib.import_module("jax.scipy.special")
    own = named(
        jnp, (*SAME_NAMES, "copysign", "sum", "prod", "mean", "max", "min", "stack", "concat", "reshape", "flip")
    )
    own |= named(jnp, ARC) | named(jnp.linalg, ("inv", "det", "cholesky"))
    own |= named(special, ("erf", "erfc", "digamma", "i0")) | named(jax.nn, ("sigmoid", "softmax"))
    return own | {
        "lgamma": special.gammaln,
        "cumulative_sum": lambda x, axis: jnp.cumsum(x, axis),
        "transpose": lambda x: jnp.swapaxes(x, -1, -2),
        "take": lambda x, indices, axis: jnp.take(x, np.array(indices), axis=axis),
        "cast": lambda x, name: x.astype(name),
        "array": lambda values: jnp.array(values, dtype),
        "number": lambda value: jnp.array(value, dtype),
        "booleans": lambda values: jnp.array(values, bool),
    }


def torch_words(dtype: np.dtype[Any]) -> dict[str, Callable[..., Any]]:
    torch = importlib.import_module("torch")
    kind = getattr(torch, dtype.name)

    def reduced(one_axis: Callable[..., Any], all_axes: Callable[..., Any]) -> Callable[..., Any]:
        def reduce(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
            return all_axes(x) if axis is None else one_axis(x, dim=axis, keepdim=keepdims)

        return reduce

    def tensor_of(value: Any) -> Any:
        return value if isinstance(value, torch.Tensor) else torch.tensor(value, dtype=kind)

    own = named(torch, (*SAME_NAMES, "copysign", "stack", "concat", "reshape", "softmax", "sigmoid", "flip"))
    own |= named(torch, (*ARC, "erf", "erfc", "lgamma", "digamma")) | named(torch.linalg, ("inv", "det", "cholesky"))
    return own | {
        "i0": torch.special.i0,
        "maximum": lambda x, y: torch.maximum(tensor_of(x), tensor_of(y)),
        "minimum": lambda x, y: torch.minimum(tensor_of(x), tensor_of(y)),
        "sum": reduced(torch.sum, torch.sum),
        "prod": reduced(torch.prod, torch.prod),
        "mean": reduced(torch.mean, torch.mean),
        "max": reduced(torch.amax, torch.amax),
        "min": reduced(torch.amin, torch.amin),
        "cumulative_sum": lambda x, axis: torch.cumsum(x, axis),
        "flip": lambda x, axis: torch.flip(x, (axis,)),
        "transpose": lambda x: torch.swapaxes(x, -1, -2),
        "take": lambda x, indices, axis: torch.index_select(x, axis, torch.tensor(indices)),
        "softmax": lambda x, axis: torch.softmax(x, dim=axis),
        "cast": lambda x, name: x.to(getattr(torch, name)),
        "array": lambda values: torch.tensor(values, dtype=kind),
        "number": lambda value: torch.tensor(value, dtype=kind),
        "booleans": lambda values: torch.tensor(values, dtype=torch.bool),
    }


def pytensor_words(dtype: np.dtype[Any]) -> dict[str, Callable[..., Any]]:
    pt, special = importlib.import_module("pytensor.tensor"), importlib.import_module("pytensor.tensor.special")
    own = named(
        pt, (*SAME_NAMES, "sigmoid", "sum", "prod", "mean", "max", "min", "stack", "reshape", "erf", "erfc", "i0")
    )
    own |= named(pt, ARC) | named(pt.linalg, ("inv", "det", "cholesky"))
    return own | {
        "equal": pt.eq,
        "not_equal": pt.neq,
        "lgamma": pt.gammaln,
        "digamma": pt.digamma,
        "softmax": special.softmax,
        "cumulative_sum": lambda x, axis: pt.cumsum(x, axis),
        "concat": pt.concatenate,
        "flip": lambda x, axis: pt.flip(x, axis),
        "transpose": lambda x: pt.swapaxes(x, -1, -2),
        "take": lambda x, indices, axis: pt.take(x, np.array(indices), axis=axis),
        "cast": pt.cast,
        "array": lambda values: pt.constant(np.array(values, dtype)),
        "number": lambda value: pt.constant(dtype.type(value)),
        "booleans": lambda values: pt.constant(np.array(values, bool)),
    }


MAKERS = {
    "numpy": numpy_words,
    "graphc": graphc_words,
    "jax": jax_words,
    "torch": torch_words,
    "pytensor": pytensor_words,
}
