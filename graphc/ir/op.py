"""What a node does: `Op`, a frozen dataclass whose fields are its attributes, and the registry of all ops."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from inspect import get_annotations
from typing import TYPE_CHECKING, Any, ClassVar, dataclass_transform

if TYPE_CHECKING:
    from graphc.ir.graph import Graph
    from graphc.ir.node import Node
    from graphc.ir.scalars import Scalars, Value

OPS: dict[str, type[Op]] = {}
Cotangents = Sequence["Node | None"]


@dataclass_transform(frozen_default=True, eq_default=False)
class Op:
    """An operation, defined once: its type rule, its meaning and its derivative.

    A subclass declares attributes as annotated fields and gives `infer`, `evaluate` and `vjp` (None, written down,
    where there is no derivative). Its name in text is the class name in snake case. `abstract=True` marks a family.
    """

    name: ClassVar[str]
    attribute_names: ClassVar[tuple[str, ...]] = ()
    arity: ClassVar[int | None]  # None: any number of operands
    infer: ClassVar[Any]
    """`infer(*types)`: the type of the result. It raises ShapeError, DTypeError, AxisError without mentioning the
    operands: the caller adds them with the user's lines. An op with several results infers a `TupleType`."""
    evaluate: ClassVar[Any]
    """`evaluate(s, *xs)`: the meaning, the result from the operands' arrays in the words of `s`; several results are
    a tuple."""
    vjp: ClassVar[Any]
    """`vjp(g, y, *xs)`: for each operand its cotangent, or None where it has none, given that of the result; for
    several results `g` is a tuple of cotangents, None for those that the cost does not depend on."""
    elementwise: ClassVar[bool] = False
    """Whether each element of the result depends on the same element of each operand only."""
    moves: ClassVar[bool] = False
    """Whether the result consists of elements of the first operand, so that elementwise ops commute with it."""

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        annotations = get_annotations(cls).values()
        if not hasattr(cls, "__dataclass_fields__") or any(not str(k).startswith("ClassVar") for k in annotations):
            dataclass(frozen=True, eq=False, repr=False)(cls)  # it takes a while, and most ops add no attributes
        cls.attribute_names = tuple(field.name for field in fields(cls))  # type: ignore[arg-type]
        if abstract:
            return
        for base in cls.__mro__[1:]:
            if base in OPS.values():
                raise TypeError(f"{cls.__name__} subclasses the concrete op {base.__name__}: subclass its family")
        for required in ("vjp", "infer", "evaluate", "arity"):
            if getattr(cls, required, None) is getattr(Op, required, None) and required not in cls.__dict__:
                raise TypeError(f"op {cls.__name__} does not say what its `{required}` is (vjp may be None)")
        cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        OPS[cls.name] = cls

    def __post_init__(self) -> None:
        values = [_identity(getattr(self, name)) for name in self.attribute_names]
        object.__setattr__(self, "_key", (type(self), *values))

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes two ops equal: the class and the attributes."""
        return self._key  # type: ignore[attr-defined]

    def attributes(self) -> dict[str, Any]:
        """The attributes by name."""
        return {name: getattr(self, name) for name in self.attribute_names}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Op) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v}' for k, v in self.attributes().items())})"

    def exact(self, s: Scalars, *xs: Value) -> Value:
        """The meaning over exact numbers, where an algorithm for floats would only obscure the mathematics."""
        return self.evaluate(s, *xs)

    @property
    def inner(self) -> tuple[Graph, ...]:
        """The graphs among the attributes: bodies of loops and branches. They are closed: all they read is given."""
        return ()

    def with_inner(self, inner: tuple[Graph, ...]) -> Op:
        """The op with other graphs in the place of its inner ones."""
        return self

    spelled_out: ClassVar[Any] = None
    """`spelled_out(*xs)`: the form that rules know the op by, if it is an abbreviation: `x * x` for `square(x)`."""


def _identity(value: Any) -> Any:
    """What tells attributes apart: -0.0 is not 0.0, NaN is itself, and graphs are the same if their nodes are."""
    if isinstance(value, float):
        return "float", value.hex()
    if isinstance(value, tuple) and value and hasattr(value[0], "identity"):
        return tuple(graph.identity for graph in value)
    return getattr(value, "identity", value)
