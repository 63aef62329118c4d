"""Parameters by name: a module, a dict or a sequence of nodes comes in, names that are each used once go out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from graphc.errors import DTypeError, GraphError
from graphc.ir.leaf import Parameter
from graphc.ir.node import Node, describe

Updates = dict[Node, Node]


@runtime_checkable
class Model(Protocol):
    """What has parameters by name, and running statistics that change with training: a module of `graphc.nn`."""

    def named_parameters(self) -> Mapping[str, Node]: ...

    def updates(self, *outputs: Node) -> Updates: ...


Parameters = Model | Mapping[str, Node] | Sequence[Node]


class Naming:
    """Gives every parameter a name once, and the same name when it comes again."""

    def __init__(self) -> None:
        self.names: dict[Node, str] = {}
        self._taken: dict[str, int] = {}

    def named(self, parameters: Parameters) -> dict[str, Node]:
        """The parameters under the names given, or their own, numbered where they are taken.

        Raises GraphError for what is no parameter, DTypeError for one that holds no floats.
        """
        if isinstance(parameters, Model):
            parameters = parameters.named_parameters()
        given = parameters.items() if isinstance(parameters, Mapping) else [(None, node) for node in parameters]
        for name, node in given:
            if not isinstance(node, Node) or not isinstance(node.op, Parameter):
                shown = describe(node) if isinstance(node, Node) else f"{node!r:.80}"
                raise GraphError("only a parameter can be optimised", details=[shown])
            if not node.dtype.is_float:
                raise DTypeError("only floats can be optimised", details=[describe(node)])
            if node not in self.names:
                self.names[node] = self._unused(name or node.op.label)
        return {self.names[node]: node for _, node in given}

    def _unused(self, name: str) -> str:
        """The name, or the first of name_1, name_2 … that is not taken."""
        unused = name
        while unused in self._taken:
            self._taken[name] += 1
            unused = f"{name}_{self._taken[name]}"
        self._taken[unused] = 0
        return unused
