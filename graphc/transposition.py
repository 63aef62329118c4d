"""The transpose of a derivative: cotangents of outputs go in, cotangents of what they were computed from come out."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.grad import reverse_mode
from graphc.ir.leaf import full
from graphc.ir.node import Node
from graphc.ir.substitution import substitute, variable
from graphc.ops.conversion import cast, sum


def pull_back(outputs: Sequence[Node], wrt: Sequence[Node], cotangents: Sequence[Node]) -> list[Node | None]:
    """For each node of `wrt` the sum over outputs of cotangent times derivative; None where no output depends on it.

    The cotangents count as constants, whatever they depend on.
    """
    weights = [variable(y.type) for y in outputs]
    terms = [cast(sum(y * weight), outputs[0].dtype) for y, weight in zip(outputs, weights)]
    cost = terms[0]
    for term in terms[1:]:
        cost = cost + term
    found = reverse_mode(cost, wrt)
    # The cotangent that reaches an output is 1 * weight, and nothing else mentions the weight.
    given = {full(1, weight.type) * weight: g for weight, g in zip(weights, cotangents)}
    given |= dict(zip(weights, cotangents))
    results = iter(substitute([g for g in found if g is not None], given))
    return [None if g is None else next(results) for g in found]
