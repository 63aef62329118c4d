"""Terms: what the two sides of a rule are made of. A term looks like a node but has no type yet.

The functions that make nodes make terms when they are given one, so a rule is written in ordinary mathematics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphc.ir.op import Op
from graphc.ir.operators import Operators


class Term(Operators):
    """A variable, or an op applied to terms and numbers."""

    __slots__ = ()


@dataclass(frozen=True, eq=False)
class Variable(Term):
    """Stands for a node, or for the value of an attribute."""

    label: str

    def __str__(self) -> str:
        return self.label


@dataclass(frozen=True, eq=False)
class Application(Term):
    """An op applied to terms and numbers. An attribute that is not given matches anything.

    `like` is the operand whose axes an `expand` repeats along.
    """

    op: type[Op]
    args: tuple[Any, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    like: Any = None

    def __str__(self) -> str:
        shown = [str(a) for a in self.args] + [f"{k}={v}" for k, v in self.attributes.items()]
        return f"{self.op.name}({', '.join(shown)})"
