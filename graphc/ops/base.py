"""Families of ops: elementwise ops, and composite ops that are defined by simpler ones."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, ClassVar

from graphc.errors import DTypeError, ShapeError
from graphc.ir.node import Node
from graphc.ir.op import Op
from graphc.ir.scalars import Scalars, Value
from graphc.types import DType, TensorType, bool_

inf = float("inf")


@dataclass(frozen=True)
class Domain:
    """Where an operand may lie: an interval whose ends count if they are finite and `closed`; `safe` is inside."""

    low: float = -inf
    high: float = inf
    safe: float = 1.0
    closed: bool = True

    def __contains__(self, x: float) -> bool:
        return self.low <= x <= self.high if self.closed else self.low < x < self.high


reals = Domain()
positive = Domain(0.0, inf, 1.0, closed=False)
nonnegative = Domain(0.0, inf, 1.0)
negative_reals = Domain(-inf, 0.0, -1.0, closed=False)

floats, numbers, integers, booleans, anything = "f", "iuf", "iu", "b", "biuf"


class Elementwise(Op, abstract=True):
    """An op that works on each element alone. Operands have one shape; all but `conditions` leading ones one dtype.

    A subclass gives `scalar(s, x, ...)` and `vjp`. `accepts` are the kinds of dtypes, `domain` is where it is
    defined (one for all operands, or one each), `exact` the mathematics where `scalar` is an algorithm for floats.
    `linear` says that the derivative does not depend on the operands.
    """

    accepts: ClassVar[str] = numbers
    domain: ClassVar[Domain | tuple[Domain, ...]] = reals
    conditions: ClassVar[int] = 0
    linear: ClassVar[bool] = False
    elementwise = True
    scalar: ClassVar[Any]
    """`scalar(s, *xs)`: what it computes, for every reader; in float32 for 16-bit floats, rounded once."""

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        if not abstract:
            if "scalar" not in cls.__dict__:
                raise TypeError(f"op {cls.__name__} has no `scalar`: say what it computes")
            cls.arity = len(inspect.signature(cls.scalar).parameters) - 2
        super().__init_subclass__(abstract=abstract, **kwargs)

    def evaluate(self, s: Scalars, *xs: Value) -> Value:
        return self.scalar(s, *xs)

    def domain_of(self, operand: int) -> Domain:
        return self.domain[operand] if isinstance(self.domain, tuple) else self.domain

    @classmethod
    def admits(cls, dtype: DType) -> bool:
        """Whether it is defined for operands of a dtype."""
        return dtype.kind in cls.accepts

    def result(self, dtype: DType) -> DType:
        """The dtype of the result for that of the operands."""
        return dtype

    def infer(self, *types: TensorType) -> TensorType:
        if any(t.shape != types[0].shape for t in types):
            raise ShapeError("shapes differ", help="expand one operand, or sum the other")
        if any(t.dtype is not bool_ for t in types[: self.conditions]):
            raise DTypeError("the condition is not bool", help="compare it with something")
        dtypes = [t.dtype for t in types[self.conditions :]]
        if any(d is not dtypes[0] for d in dtypes):
            raise DTypeError("dtypes differ", help="cast one operand")
        if not self.admits(dtypes[0]):
            raise DTypeError(f"not defined for {dtypes[0].name}", help=f"accepts {kinds(self.accepts)}; cast first")
        return TensorType(self.result(dtypes[0]), types[0].shape)


class Composite(Op, abstract=True):
    """An op that simpler ops define: `decompose` builds its algorithm for floats, `exact` says the mathematics.

    Rules and derivatives see the whole op; targets see what it decomposes into.
    """

    decompose: ClassVar[Any]
    """`decompose(*xs)`: the same value from simpler ops."""

    def evaluate(self, s: Scalars, *xs: Value) -> Value:
        raise TypeError(f"{self.name} is evaluated through its decomposition")


class LibraryOp(Op, abstract=True):
    """An op that a library calculates on whole arrays: a step of its own on every target.

    A subclass gives `calculate(*xs)` on NumPy arrays, which must return arrays of the inferred types: one, or a tuple
    for several results. 16-bit floats arrive as they are.
    """

    calculate: ClassVar[Any]

    def evaluate(self, s: Scalars, *xs: Value) -> Value:
        return self.calculate(*xs)


class InnerGraphs(Op, abstract=True):
    """An op with graphs among its attributes: a loop or a branch. It always has several results.

    A subclass gives `run(call, type, *xs)`: the results, where `call(graph, arrays)` evaluates an inner graph.
    """

    run: ClassVar[Any]

    def evaluate(self, s: Scalars, *xs: Value) -> Value:
        raise TypeError(f"{self.name} is evaluated through its graphs")


def kinds(accepts: str) -> str:
    """Kinds of dtypes in words."""
    words = {"b": "bool", "i": "signed integers", "u": "unsigned integers", "f": "floats"}
    return ", ".join(words[kind] for kind in accepts)


def is_float(x: Node) -> bool:
    """Whether a node holds floating-point numbers."""
    return x.dtype.is_float
