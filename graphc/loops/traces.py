"""What the body of a scan stacks for the sake of its derivative: what each step begins with, and what is expensive.

What nobody reads is neither calculated nor kept, so this costs nothing where no derivative is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graphc.ir.node import Node
from graphc.ops.contraction import Matmul


def traces(
    states: Sequence[Node], inputs: Iterable[Node], outputs: Sequence[Node], stacked: Iterable[Node], *, products: bool
) -> list[Node]:
    """The states, and with `products` the products of matrices, apart from those that are stacked anyway.

    `inputs` are all values that change from step to step.
    """
    found = [*states, *(_products(inputs, outputs) if products else ())]
    given = set(stacked)
    return [node for node in dict.fromkeys(found) if node not in given]


def _products(inputs: Iterable[Node], outputs: Sequence[Node]) -> list[Node]:
    """The products of matrices that depend on the inputs, in the order in which outputs need them."""
    changes = dict.fromkeys(inputs, True)
    found: list[Node] = []
    stack = list(reversed(outputs))
    while stack:
        node = stack[-1]
        missing = [arg for arg in node.args if arg not in changes]
        if node not in changes and missing:
            stack.extend(reversed(missing))
            continue
        stack.pop()
        if node not in changes:
            changes[node] = any(changes[arg] for arg in node.args)
            if changes[node] and isinstance(node.op, Matmul) and node.dtype.is_float:
                found.append(node)
    return found
