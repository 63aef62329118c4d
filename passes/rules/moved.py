"""Functions of moved elements: the log of a part of a softmax is that part of its log-softmax.

Log and exp are lifted above moves only where a rule then fires, so that nothing becomes dearer for nothing.
"""

from __future__ import annotations

from graphc.ir.node import Node, make
from graphc.ir.pattern import see
from graphc.ir.rule import RuleSet
from graphc.ops.conversion import Cast
from graphc.ops.elementwise import Exp, Log, exp, log
from graphc.ops.movement import Concat
from graphc.passes.rules.combinations import moved_by, without_moves
from graphc.passes.rules.densities import DENSITIES
from graphc.passes.rules.log_sum_exp import LOG_SUM_EXP
from graphc.passes.rules.logistic import LOGISTIC
from graphc.passes.rules.mixtures import MIXTURES
from graphc.passes.rules.sequences import SEQUENCES

MOVED = RuleSet("moved")
LOGARITHMIC = LOGISTIC + LOG_SUM_EXP + MIXTURES + SEQUENCES + DENSITIES
EXP = frozenset({"exp"})


@MOVED.rewriter(Log, Exp, kind="stabilizing", reference="S7")
def lifted_above_moves(node: Node) -> Node | None:
    """log(take(softmax(x), i)) is take(log_softmax(x), i), and so for all moves and casts between floats."""
    inner, moves = without_moves(node.args[0], casts=True)
    if not moves or inner.op.elementwise:
        return None
    inner, moves = _widened(inner, moves)
    fired = LOGARITHMIC.fire(make(node.op, inner))
    return None if fired is None else moved_by(moves, fired[1])


@MOVED.rewriter(Concat, kind="exact", reference="S7")
def joined_exponentials(node: Node) -> Node | None:
    """Exponentials put together are one of what is put together, which the rules for exponentials see."""
    exponentials = [see(x, EXP) for x in node.args]
    exponents = [x.args[0] for x in exponentials if x is not None]
    return exp(make(node.op, *exponents)) if len(exponents) == len(node.args) else None


@MOVED.rewriter(Log, kind="stabilizing", reference="S7")
def log_of_joined(node: Node) -> Node | None:
    """log(stack([p, 1 - p])) is stack([log(p), log(1 - p)]), where a rule knows better for one of them."""
    inner, moves = without_moves(node.args[0])
    if not isinstance(inner.op, Concat):
        return None
    logarithms = [log(x) for x in inner.args]
    known = [_known(x) for x in logarithms]
    if all(found is None for found in known):
        return None
    parts = (x if found is None else found for x, found in zip(logarithms, known, strict=True))
    return moved_by(moves, make(inner.op, *parts))


def _known(logarithm: Node) -> Node | None:
    """What a rule knows for a logarithm, be it of a part of something."""
    fired = LOGARITHMIC.fire(logarithm)
    return lifted_above_moves.apply(logarithm) if fired is None else fired[1]


def _widened(inner: Node, moves: list[Node]) -> tuple[Node, list[Node]]:
    """Casts to a wider float come first: the op below them is computed in it."""
    casts = [move for move in moves if isinstance(move.op, Cast)]
    if not casts or casts[0].dtype.bits <= inner.dtype.bits or len(inner.args) != 1:
        return inner, moves
    wide = make(inner.op, make(Cast(casts[0].dtype), inner.args[0]))
    return wide, [move for move in moves if move not in casts]
