"""What a distribution is: parameters come in, a density, draws and moments go out, all of them nodes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import graphc as gc
from graphc.errors import DTypeError, GraphError
from graphc.ir.node import Node
from graphc.ops.conversion import as_node
from graphc.random.arguments import Given, float_dtype


class Distribution(ABC):
    """A distribution over numbers, or over vectors along a last axis; its parameters broadcast.

    Formulas are written as a textbook prints them: the compiler makes them stable.
    """

    @abstractmethod
    def log_prob(self, x: Given) -> Node:
        """The logarithm of the density or probability at x; -inf where there is none."""

    @abstractmethod
    def sample(self, key: Any, shape: Any = None) -> Node:
        """A draw; `shape` is as in `graphc.random`, and that of the parameters if it is not given."""

    @property
    @abstractmethod
    def mean(self) -> Node:
        """The expectation."""

    @property
    @abstractmethod
    def variance(self) -> Node:
        """The variance of each number."""

    def entropy(self) -> Node:
        """The expectation of -log_prob. Raises GraphError where it has no formula here."""
        raise GraphError(
            f"the entropy of {type(self).__name__} has no formula",
            help="estimate it: -graphc.mean(d.log_prob(d.sample(key, shape)))",
        )

    def prob(self, x: Given) -> Node:
        """The density or probability at x."""
        return gc.exp(self.log_prob(x))


def parameters(*given: Given) -> list[Node]:
    """Parameters as nodes of one float dtype."""
    dtype = float_dtype(None, given)
    return [gc.cast(as_node(x), dtype) for x in given]


def number(x: Given, like: Node) -> Node:
    """Where a density is evaluated: floats stay, counts become floats as the parameters are."""
    node = as_node(x)
    return node if node.dtype.is_float else gc.cast(node, like.dtype)


def inside(condition: Node, logarithm: Node) -> Node:
    """A logarithm of a density where a condition holds, and that of 0 elsewhere."""
    return gc.where(condition, logarithm, float("-inf"))


def one_of(**given: Given) -> tuple[str, Given]:
    """The one parameter that is given of several. Raises DTypeError for none or two."""
    found = [(name, value) for name, value in given.items() if value is not None]
    if len(found) != 1:
        raise DTypeError(f"give one of {' and '.join(given)}, not {len(found)}")
    return found[0]
