"""Drawing by rejection: proposals come in, and each element keeps the first of its own that is accepted.

An attempt has random bits of its own for each element, so an element does not depend on how often others try. The
number of attempts is limited such that with a probability below 2^-64 none is accepted; then the last one is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

import graphc as gc
from graphc.ir.node import Node

Propose = Callable[[Node], tuple[Node, Node]]
"""From the number of an attempt to values, and which of them are accepted."""


def first_accepted(propose: Propose, value: Node, settled: Node, rejected: float) -> Node:
    """The first accepted values, and `value` where that is settled; an attempt fails with probability `rejected`."""
    attempts = math.ceil(64 / -math.log2(rejected))

    def goes_on(state: tuple[Node, Node, Node]) -> Node:
        number, _, accepted = state
        return gc.logical_and(number < attempts, gc.any(gc.logical_not(accepted)))

    def attempt(state: tuple[Node, Node, Node]) -> tuple[Node, Node, Node]:
        number, kept, accepted = state
        proposed, fits = propose(number)
        return number + np.uint64(1), gc.where(accepted, kept, proposed), gc.logical_or(accepted, fits)

    first = gc.constant(np.uint64(0))
    _, found, _ = gc.while_loop(goes_on, attempt, (first, value, settled))
    return gc.stop_gradient(found)
