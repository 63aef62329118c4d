"""Modules: what has parameters and is called on nodes. Their parameters come out by name.

    class Network(gc.nn.Module):
        def __init__(self) -> None:
            self.hidden = gc.nn.Linear(64, 128, seed=1)
            self.out = gc.nn.Linear(128, 10, seed=2)

        def __call__(self, x: gc.Node) -> gc.Node:
            return self.out(gc.relu(self.hidden(x)))

A module is a plain class: parameters and modules are found among its attributes, and in lists, tuples and dicts of
them; `Network().named_parameters()` are "hidden.weight", "hidden.bias", "out.weight" and "out.bias".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from graphc.errors import GraphError
from graphc.ir.leaf import Parameter
from graphc.ir.node import Node, topological

Updates = dict[Node, Node]
Seed = int | tuple[int, ...]


class Module:
    """Base of all modules. A subclass sets attributes, and says in `__call__` what it computes."""

    __call__: Callable[..., Any]

    statistics: ClassVar[tuple[str, ...]] = ()
    """Attributes that are parameters, but not trained: they change through `updates`."""

    @property
    def has_modes(self) -> bool:
        """Whether a call says `training=True` or `training=False`, because it makes a difference."""
        return any(module.has_modes for module in self.modules().values() if module is not self)

    def modules(self) -> dict[str, Module]:
        """This module, under the empty name, and all modules inside it, by their paths."""
        return {path: item for path, item, _ in self._parts() if isinstance(item, Module)}

    def named_parameters(self) -> dict[str, Node]:
        """The parameters that are trained, by their paths, each once."""
        return {path: item for path, item, trained in self._parts() if isinstance(item, Node) and trained}

    def parameters(self) -> list[Node]:
        """The parameters that are trained."""
        return list(self.named_parameters().values())

    def state(self) -> dict[str, Node]:
        """All parameters by their paths, running statistics included: what to save and to restore."""
        return {path: item for path, item, _ in self._parts() if isinstance(item, Node)}

    def updates(self, *outputs: Node) -> Updates:
        """The new values of running statistics, as far as calls with `training=True` on the way to outputs ask.

        An optimiser that is given the module adds them to its own: `optimizer.updates(loss, module)`.
        """
        reached = set(topological(outputs))
        new: Updates = {}
        for module in self.modules().values():
            new.update(module.own_updates(reached))
        return new

    def own_updates(self, reached: set[Node]) -> Updates:
        """The new values of this module's own statistics, if the nodes that are reached come from its calls."""
        return {}

    def __repr__(self) -> str:
        parts = ", ".join(f"{path}: {node.type}" for path, node in self.state().items())
        return f"{type(self).__name__}({parts})"

    def _parts(self) -> Iterator[tuple[str, Any, bool]]:
        """Modules and parameters with their paths, and whether they are trained, in the order of attributes."""
        seen: set[int] = set()
        stack: list[tuple[str, Any, bool]] = [("", self, True)]
        while stack:
            path, item, trained = stack.pop()
            if isinstance(item, Module) or (isinstance(item, Node) and isinstance(item.op, Parameter)):
                if id(item) in seen:
                    continue
                seen.add(id(item))
                yield path, item, trained
            inside = [(_joined(path, name), child, name not in fixed) for name, child, fixed in _children(item)]
            stack.extend(reversed(inside))


def call(layer: Callable[..., Any], x: Any, training: bool | None) -> Any:
    """A layer or function of x; it is told whether it is training if that makes a difference.

    Raises GraphError if it does and nobody said.
    """
    if isinstance(layer, Module) and layer.has_modes:
        return layer(x, training=said(layer, training))
    return layer(x)


def said(layer: Module, training: bool | None) -> bool:
    """Whether to train. Raises GraphError if nobody said."""
    if training is None:
        raise GraphError(
            f"{type(layer).__name__} differs between training and use",
            help="say training=True or training=False where the outermost module is called",
        )
    return training


def part(seed: Seed, number: int) -> Seed:
    """The seed of one part of a module: another one for every number from 0 on."""
    return (*((seed,) if isinstance(seed, int) else seed), number + 1)


def _children(item: Any) -> list[tuple[str, Any, tuple[str, ...]]]:
    if isinstance(item, Module):
        return [(name, child, item.statistics) for name, child in vars(item).items() if not name.startswith("_")]
    if isinstance(item, Mapping):
        return [(str(name), child, ()) for name, child in item.items()]
    if isinstance(item, list | tuple):
        return [(str(number), child, ()) for number, child in enumerate(item)]
    return []


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
